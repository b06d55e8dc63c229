/* SPDX-License-Identifier: BSD-3-Clause */
/* `lookup`: the bindings of an address of record, of a GRUU, of a number of a PBX. */
#include <stdio.h>

#include "binding_shown.h"
#include "bulk_contact.h"
#include "commands.h"
#include "gruu.h"
#include "state.h"
#include "words.h"

static json_t *optional(struct bd_str s)
{
    return s.len ? bd_json_str(s) : json_null();
}

static json_t *binding_document(const struct bd_binding *b, uint32_t at_s)
{
    json_t *document =
        json_pack("{s:o, s:I, s:o, s:I, s:o, s:o, s:o}", "uri", bd_json_str(b->text[BD_TEXT_URI]),
                  "expires_s", (json_int_t)bd_shown_left_s(b, at_s), "call_id",
                  bd_json_str(b->text[BD_TEXT_CALL_ID]), "cseq",
                  (json_int_t)bd_state_cseq(b->state), "q", bd_shown_q(b), "received",
                  bd_shown_endpoint(&b->source), "local", bd_shown_endpoint(&b->local));
    json_t *rest = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:b, s:b, s:n}", "user_agent",
        optional(b->text[BD_TEXT_USER_AGENT]), "params", optional(b->text[BD_TEXT_PARAMS]),
        "instance", optional(b->text[BD_TEXT_INSTANCE]), "reg_id",
        b->reg_id ? json_integer(b->reg_id) : json_null(), "path", optional(b->text[BD_TEXT_PATH]),
        "age_s", (json_int_t)(at_s - b->created_at_s), "authenticated",
        (b->flags & BD_BINDING_AUTHENTICATED) != 0, "secure", (b->flags & BD_BINDING_SECURE) != 0,
        "bulk", (b->flags & BD_BINDING_BULK) != 0, "pbx");
    json_object_update(document, rest);
    json_decref(rest);
    return document;
}

/* What `lookup` was asked for. */
struct sought {
    enum bd_gruu_kind kind;
    struct bd_gruu gruu; /* when it is one */
    struct bd_control_aor aor;
};

static int seek(const struct bd_control *control, struct bd_str given, struct sought *sought,
                struct bd_error *error)
{
    char scratch[BD_CONTROL_GIVEN_MAX];
    struct bd_uri uri;
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    struct bd_gruu_seal *seal = bd_gruu_seal_new(error);
    if (!seal)
        return -1;
    sought->kind = policy && bd_control_uri(given, scratch, &uri)
                       ? bd_gruu_resolve(seal, policy, &uri, &sought->gruu)
                       : BD_GRUU_NONE;
    bd_gruu_seal_free(seal);
    if (sought->kind == BD_GRUU_NONE)
        return bd_control_aor(control, given, &sought->aor, error);
    if (sought->kind == BD_GRUU_INVALID)
        return bd_fail(error, "this is no GRUU that was made here");
    sought->aor.len = sought->gruu.aor_len;
    memcpy(sought->aor.text, sought->gruu.aor, sought->gruu.aor_len);
    bd_control_bind(control, sought->aor.text, &sought->aor.len);
    return 0;
}

static json_t *current_contacts(const struct bd_record *record, const struct sought *sought)
{
    json_t *contacts = json_array();
    uint32_t at_s = bd_shown_now_s();
    for (unsigned i = 0; i < bd_record_cnt(record); i++) {
        struct bd_binding b;
        bd_record_view(record, i, &b);
        bool meant = sought->kind == BD_GRUU_NONE || bd_gruu_owns(&sought->gruu, &b);
        if (meant && bd_shown_current(&b, at_s))
            json_array_append_new(contacts, binding_document(&b, at_s));
    }
    return contacts;
}

static json_t *contacts_of(const struct bd_control *control, struct bd_str aor,
                           const struct sought *sought)
{
    struct bd_slot_ref ref;
    if (!bd_table_find(&control->table, bd_table_hash(&control->table, aor), aor, &ref))
        return json_array();
    return current_contacts(ref.record, sought);
}

/* The PBX of a number (RFC 6140). `aor` is canonical: its host is the name of its domain. */
static bool pbx_of(const struct bd_control *control, struct bd_str aor, struct bd_bulk_hit *hit)
{
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    const char *at = memrchr(aor.p, '@', aor.len);
    if (!policy || !at)
        return false;
    struct bd_str user = {aor.p, (uint32_t)(at - aor.p)};
    struct bd_str host = {at + 1, aor.len - user.len - 1};
    bool by_default;
    const struct bd_policy_domain *domain = bd_policy_find(policy, host, &by_default);
    return domain && bd_bulk_find(policy, domain, user, hit);
}

/* What a bulk binding of the PBX is for one number: another URI, else the same (RFC 6140 5.2). */
static void add_bulk_contact(json_t *contacts, json_t *document, const struct bd_bulk_hit *hit)
{
    char text[BD_CONTACT_URI_MAX + BD_E164_TEXT_MAX];
    struct bd_wire w = bd_wire_init(text, sizeof(text));
    json_t *uri = json_object_get(document, "uri");
    struct bd_str registered = {json_string_value(uri), (uint32_t)json_string_length(uri)};
    if (!json_is_true(json_object_get(document, "bulk")) ||
        !bd_bulk_contact(&w, registered, &hit->number) || w.overflow)
        return;
    json_object_set_new(document, "uri", bd_json_str((struct bd_str){text, bd_wire_len(&w)}));
    json_object_set_new(document, "pbx", bd_json_str(hit->pbx));
    json_array_append(contacts, document);
}

static void add_bulk_contacts(const struct bd_control *control, const struct sought *sought,
                              const struct bd_bulk_hit *hit, json_t *contacts)
{
    json_t *all = contacts_of(control, hit->pbx, sought), *document;
    size_t i;
    json_array_foreach(all, i, document)
    {
        add_bulk_contact(contacts, document, hit);
    }
    json_decref(all);
}

static json_t *all_contacts_of(const struct bd_control *control, const struct sought *sought,
                               char pbx[BD_AOR_MAX])
{
    struct bd_str aor = {sought->aor.text, sought->aor.len};
    json_t *contacts = contacts_of(control, aor, sought);
    struct bd_bulk_hit hit;
    *pbx = '\0';
    if (sought->kind == BD_GRUU_NONE && pbx_of(control, aor, &hit)) {
        snprintf(pbx, BD_AOR_MAX, "%.*s", BD_STR_ARG(hit.pbx));
        add_bulk_contacts(control, sought, &hit, contacts);
    }
    return contacts;
}

void bd_command_lookup(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_control *control = bd_answer_control(answer);
    struct sought sought;
    struct bd_error error;
    char pbx[BD_AOR_MAX] = "";
    bd_control_reading(control);
    int rc = seek(control, args[0], &sought, &error);
    json_t *contacts = rc == 0 ? all_contacts_of(control, &sought, pbx) : NULL;
    bd_control_done_reading(control);
    struct bd_str aor = {sought.aor.text, rc == 0 ? sought.aor.len : 0};
    size_t bindings = json_array_size(contacts);
    if (bindings > 0) {
        bd_answer_document(answer,
                           json_pack("{s:o, s:I, s:o}", "aor", bd_json_str(aor), "bindings",
                                     (json_int_t)bindings, "contacts", contacts),
                           BD_RENDER_BLOCKS);
        return;
    }
    json_decref(contacts);
    if (rc < 0)
        bd_answer_error(answer, "%s", error.text);
    else
        bd_answer_error(answer, "%.*s has no bindings%s%s", BD_STR_ARG(aor),
                        *pbx ? ", nor has its PBX " : "", pbx);
}
