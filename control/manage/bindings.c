/* SPDX-License-Identifier: BSD-3-Clause */
/* `show bindings` and `lookup`. */
#include <stdio.h>
#include <stdlib.h>

#include "bulk_contact.h"
#include "clock.h"
#include "commands.h"
#include "gruu.h"
#include "state.h"
#include "words.h"

enum {
    AOR_WIDTH = 32,
    CONTACT_WIDTH = 44,
    RECEIVED_WIDTH = 21,
    BUCKETS_A_SLICE = 16 /* of 7 slots: 30 KB of text in practice, 7 MB if all records were huge */
};

struct dump {
    struct bd_control *control;
    struct bd_answer *answer;
    uint32_t cursor, now_s;
    uint32_t domain_len; /* 0: all domains */
    char domain[BD_DOMAIN_NAME_MAX];
    uint32_t aor_len; /* 0: all AoRs */
    char aor[BD_AOR_MAX];
};

static uint32_t now_s(void)
{
    return (uint32_t)(bd_clock_ms() / 1000);
}

static bool is_current(const struct bd_binding *b, uint32_t at_s)
{
    return bd_state_expires_at_s(b->state) > at_s;
}

/* An interval is granted from the next full second on, so the second that runs is not counted; a
 * binding that is there has one left at least. */
static uint32_t left_s(const struct bd_binding *b, uint32_t at_s)
{
    uint32_t left = bd_state_expires_at_s(b->state) - at_s;
    return left > 1 ? left - 1 : 1;
}

static json_t *endpoint_json(const struct bd_endpoint *endpoint)
{
    char text[BD_ENDPOINT_TEXT_MAX];
    return json_stringn(text, bd_endpoint_format(endpoint, text));
}

static json_t *q_json(const struct bd_binding *b)
{
    return b->q_milli == BD_Q_NONE ? json_null() : json_real(b->q_milli / 1000.0);
}

static json_t *binding_row(struct bd_str aor, const struct bd_binding *b, uint32_t at_s)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "aor", bd_json_str(aor), "contact",
                     bd_json_str(b->text[BD_TEXT_URI]), "expires_s", (json_int_t)left_s(b, at_s),
                     "cseq", (json_int_t)bd_state_cseq(b->state), "q", q_json(b), "received",
                     endpoint_json(&b->source), "user_agent",
                     bd_json_str(b->text[BD_TEXT_USER_AGENT]));
}

static json_t *optional(struct bd_str s)
{
    return s.len ? bd_json_str(s) : json_null();
}

static json_t *binding_document(const struct bd_binding *b, uint32_t at_s)
{
    json_t *document = json_pack(
        "{s:o, s:I, s:o, s:I, s:o, s:o, s:o}", "uri", bd_json_str(b->text[BD_TEXT_URI]),
        "expires_s", (json_int_t)left_s(b, at_s), "call_id", bd_json_str(b->text[BD_TEXT_CALL_ID]),
        "cseq", (json_int_t)bd_state_cseq(b->state), "q", q_json(b), "received",
        endpoint_json(&b->source), "local", endpoint_json(&b->local));
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

static void add_text_row(struct evbuffer *out, struct bd_str aor, const struct bd_binding *b,
                         uint32_t at_s)
{
    char received[BD_ENDPOINT_TEXT_MAX], q[16] = "-";
    struct bd_str source = {received, bd_endpoint_format(&b->source, received)};
    if (b->q_milli != BD_Q_NONE)
        snprintf(q, sizeof(q), "%u.%03u", b->q_milli / 1000U, b->q_milli % 1000U);
    bd_render_cell(out, aor, AOR_WIDTH);
    bd_render_cell(out, b->text[BD_TEXT_URI], CONTACT_WIDTH);
    evbuffer_add_printf(out, "%7u %5s ", left_s(b, at_s), q);
    bd_render_cell(out, source, RECEIVED_WIDTH);
    bd_render_cell(out, b->text[BD_TEXT_USER_AGENT], 0);
    evbuffer_add(out, "\n", 1);
}

/* --- show bindings ------------------------------------------------------------------------------
 */

static bool in_domain(const struct dump *dump, struct bd_str aor)
{
    uint32_t len = dump->domain_len;
    if (len == 0)
        return true;
    if (aor.len < len || memcmp(aor.p + aor.len - len, dump->domain, len) != 0)
        return false;
    return aor.len == len || aor.p[aor.len - len - 1] == '@';
}

static void dump_record(void *arg, uint64_t slot, const struct bd_record *record)
{
    struct dump *dump = arg;
    struct bd_str aor = bd_record_aor(record);
    if (!in_domain(dump, aor))
        return;
    for (unsigned i = 0; i < bd_record_cnt(record); i++) {
        struct bd_binding b;
        bd_record_view(record, i, &b);
        if (!is_current(&b, dump->now_s))
            continue;
        if (bd_answer_is_json(dump->answer))
            bd_answer_row_json(dump->answer, binding_row(aor, &b, dump->now_s));
        else
            add_text_row(bd_answer_row(dump->answer), aor, &b, dump->now_s);
    }
}

static bool dump_one(struct dump *dump)
{
    struct bd_str aor = {dump->aor, dump->aor_len};
    struct bd_table *table = &dump->control->table;
    struct bd_slot_ref ref;
    if (bd_table_find(table, bd_table_hash(table, aor), aor, &ref))
        dump_record(dump, 0, ref.record);
    return false;
}

static bool dump_more(void *state, struct bd_answer *answer)
{
    struct dump *dump = state;
    dump->answer = answer;
    dump->now_s = now_s();
    bd_control_reading(dump->control);
    bool more = dump->aor_len ? dump_one(dump)
                              : bd_table_walk(&dump->control->table, &dump->cursor, BUCKETS_A_SLICE,
                                              dump_record, dump);
    bd_control_done_reading(dump->control);
    return more;
}

/* What to dump: nothing or "all", an AoR (it has '@'), or a domain. */
static int dump_what(struct dump *dump, struct bd_str what, struct bd_error *error)
{
    if (memchr(what.p, '@', what.len)) {
        struct bd_control_aor aor;
        if (bd_control_aor(dump->control, what, &aor, error) < 0)
            return -1;
        memcpy(dump->aor, aor.text, aor.len);
        dump->aor_len = aor.len;
        return 0;
    }
    const struct bd_policy *policy = bd_policy_current(&dump->control->arena);
    bool by_default = false;
    const struct bd_policy_domain *domain =
        policy ? bd_policy_find(policy, what, &by_default) : NULL;
    if (!domain || (by_default && !domain->wildcard) || what.len > BD_DOMAIN_NAME_MAX)
        return bd_fail(error, "no domain '%.*s' is served here", BD_STR_ARG(what));
    struct bd_str name = bd_policy_aor_host(policy, domain, what);
    for (uint32_t i = 0; i < name.len; i++)
        dump->domain[i] = bd_lower(name.p[i]);
    dump->domain_len = name.len;
    return 0;
}

static const char *bindings_heading(void)
{
    static char heading[160];
    if (!*heading)
        snprintf(heading, sizeof(heading), "%-*s %-*s %7s %5s %-*s %s", AOR_WIDTH, "AOR",
                 CONTACT_WIDTH, "CONTACT", "EXPIRES", "Q", RECEIVED_WIDTH, "RECEIVED",
                 "USER-AGENT");
    return heading;
}

void bd_command_show_bindings(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    static struct bd_stream stream = {.name = "bindings", .more = dump_more, .close = free};
    struct dump *dump = calloc(1, sizeof(*dump));
    if (!dump) {
        bd_answer_error(answer, "out of memory");
        return;
    }
    stream.heading = bindings_heading();
    dump->control = bd_answer_control(answer);
    struct bd_error error;
    int rc = 0;
    if (cnt > 0 && !bd_word_is(args[0], "all")) {
        bd_control_reading(dump->control);
        rc = dump_what(dump, args[0], &error);
        bd_control_done_reading(dump->control);
    }
    if (rc == 0) {
        bd_answer_stream(answer, &stream, dump);
        return;
    }
    free(dump);
    bd_answer_error(answer, "%s", error.text);
}

/* --- lookup
 * --------------------------------------------------------------------------------------- */

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
    uint32_t at_s = now_s();
    for (unsigned i = 0; i < bd_record_cnt(record); i++) {
        struct bd_binding b;
        bd_record_view(record, i, &b);
        bool meant = sought->kind == BD_GRUU_NONE || bd_gruu_owns(&sought->gruu, &b);
        if (meant && is_current(&b, at_s))
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
