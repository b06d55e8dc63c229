/* SPDX-License-Identifier: BSD-3-Clause */
/* The dialog of a subscription, as its notifier (RFC 3261 12.1.1, 12.2; RFC 6665 4.2).
 *
 * Made from a SUBSCRIBE without To tag; later ones in it may bring a new Contact (target refresh,
 * 12.2.2) and a new way back. Writes the replies and the head of each NOTIFY.
 *
 * Where a NOTIFY goes: to the address of the first Route or of the remote target; a name is not
 * resolved, and a target behind a NAT is not reachable by its own address: then to where the
 * SUBSCRIBE came from. The link-layer destination is always the one that the SUBSCRIBE came from,
 * as routes are not this appliance's business. Pure functions; no allocation. */
#ifndef BD_DIALOG_H
#define BD_DIALOG_H

#include "channel.h"
#include "wire.h"

#define BD_LOCAL_TAG_LEN 24

struct bd_dialog {
    char local_tag[BD_LOCAL_TAG_LEN]; /* slot, then random: hexadecimal */
    uint32_t remote_cseq, local_cseq;
    bool secure;                 /* our Contact is a sips URI */
    struct bd_way_back way;      /* of the last SUBSCRIBE: where replies and NOTIFYs leave */
    struct bd_endpoint next_hop; /* of NOTIFYs */
    /* Slices of text[]. */
    struct bd_str call_id;
    struct bd_str remote;     /* their From: our To */
    struct bd_str remote_tag; /* in it; NULL: none (RFC 2543) */
    struct bd_str local;      /* their To without tag: our From */
    struct bd_str event;      /* Event: "reg" or "reg;id=...", as it came */
    struct bd_str route;      /* Record-Route elements, comma-joined */
    uint32_t first_route_len;
    uint32_t text_len;
    struct bd_str target; /* Contact URI without its headers, in target_text */
    char target_text[BD_CONTACT_URI_MAX];
    char text[BD_DIALOG_TEXT_MAX];
};

/* Fills everything but local_tag from an initial SUBSCRIBE. Returns 0, or the status to refuse it
 * with: 400 (no or bad Contact, bad Record-Route), 513 (more text than a dialog keeps). */
unsigned bd_dialog_open(struct bd_dialog *d, const struct bd_message *m,
                        const struct bd_way_back *way);
/* A SUBSCRIBE within the dialog, with a higher CSeq. Returns 0 or 400, then nothing has changed. */
unsigned bd_dialog_refresh(struct bd_dialog *d, const struct bd_message *m,
                           const struct bd_way_back *way);
/* Whether the message is of this dialog: Call-ID and remote tag, and the local one if it has it. */
bool bd_dialog_has(const struct bd_dialog *d, const struct bd_message *m);
/* Whether its Event is that of the subscription: the type and the id, and nothing else, by bytes
 * (RFC 6665 8.2.1). */
bool bd_dialog_has_event(const struct bd_dialog *d, const struct bd_message *m);

/* A 2xx to a SUBSCRIBE of the dialog, whole. */
void bd_dialog_accept(const struct bd_dialog *d, struct bd_wire *w, const struct bd_message *m,
                      uint32_t expires_s, struct bd_str server);

/* A NOTIFY, whole; raises local_cseq. `state` is the value of Subscription-State. */
void bd_dialog_notify(struct bd_dialog *d, struct bd_wire *w, struct bd_str branch,
                      struct bd_str state, struct bd_str body);

#endif
