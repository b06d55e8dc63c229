/* SPDX-License-Identifier: BSD-3-Clause */
/* A plain model of RFC 3261 10.3 and RFC 5626 6 for one address of record: what a REGISTER must
 * draw, and what is bound then. conversation.h has it compared with the registrar. */
#ifndef MODEL_H
#define MODEL_H

#include "policy.h"

enum { CONTACTS_MAX = 3, LIST_MAX = 16, MODEL_DONE_MAX = 48, NONE = -1 };

/* URIs and instances that Contacts are made of; the last URI is no SIP URI. */
enum { POOL_CNT = 10, INSTANCE_CNT = 3, REG_ID_MAX = 2 };

struct wish {
    int text;        /* index in the pool */
    int instance;    /* in instances, or NONE */
    unsigned reg_id; /* 0: not given */
    int64_t expires; /* NONE: not given */
};
struct ask {
    unsigned call, cseq, branch, cnt;
    bool star;
    int64_t expires;
    struct wish wish[CONTACTS_MAX];
};
struct held {
    struct wish wish; /* that it comes from */
    int identity;     /* see identity_of */
    unsigned call, cseq, branch;
    uint64_t expires_at, created;
    bool mine;  /* touched by the request at hand */
    bool added; /* by it */
};
struct done {
    unsigned call, cseq, branch;
    uint64_t at;
};
struct model {
    const struct bd_policy_domain *settings;
    uint64_t now;
    unsigned done_cnt;
    struct done done[MODEL_DONE_MAX];
    unsigned cnt;
    struct held held[LIST_MAX];
};

/* Now is model->now. */
void model_forget_expired(struct model *m);
/* Returns the status. */
unsigned model_register(struct model *m, const struct ask *a);

/* A URI in brackets and the parameters that are given back; returns the length. */
size_t model_contact(char *out, size_t out_sz, const struct wish *w);
/* As lab_contacts has those of a reply. */
void model_contacts(const struct model *m, char *out, size_t out_sz);

#endif
