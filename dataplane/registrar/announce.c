/* SPDX-License-Identifier: BSD-3-Clause */
/* What a 200 tells a phone about its home: Service-Route (RFC 3608) and P-Associated-URI (RFC 7315
 * 4.1). Domains that configure neither pay two comparisons. */
#include "private.h"

/* RFC 3608 6.3: in the order of the configuration, which is the order of the way. */
static void put_service_route(const struct bd_turn *turn, struct bd_wire *w)
{
    struct bd_policy_list list = turn->settings->service_route;
    struct bd_str uri;
    bool first = true;
    while (bd_policy_list_next(turn->request->policy, &list, &uri)) {
        bd_wire_put(w, first ? BD_STR("Service-Route: <") : BD_STR(">, <"));
        bd_wire_put(w, uri);
        first = false;
    }
    bd_wire_put(w, BD_STR(">\r\n"));
}

/* One that 25.1 lets stand in the user part of a URI as it is. */
static bool may_stand(char c)
{
    static const char others[] = "-_.!~*'()&=+$,;?/";
    char lower = bd_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           memchr(others, c, sizeof(others) - 1);
}

/* The user part of an AoR is unescaped but for control characters and '%' (uri.h). */
static void put_user(struct bd_wire *w, struct bd_str user)
{
    for (uint32_t i = 0; i < user.len; i++) {
        if (user.p[i] == '%' || may_stand(user.p[i])) {
            bd_wire_char(w, user.p[i]);
            continue;
        }
        bd_wire_char(w, '%');
        bd_wire_hex(w, &user.p[i], 1);
    }
}

static void put_aor(struct bd_wire *w, struct bd_str aor)
{
    struct bd_str host = bd_aor_host(aor), user = {aor.p, aor.len - host.len - 1};
    bd_wire_put(w, BD_STR("<sip:"));
    put_user(w, user);
    bd_wire_char(w, '@');
    bd_wire_put(w, host);
    bd_wire_char(w, '>');
}

/* RFC 3966 3: a tel URI of somebody who has no number would be none. */
static bool fits(struct bd_str text, struct bd_str user)
{
    if (text.len < 4 || !bd_str_eq_nocase((struct bd_str){text.p, 4}, BD_STR("tel:")) ||
        !memchr(text.p, '{', text.len))
        return true;
    bool digits = false;
    for (uint32_t i = 0; i < user.len; i++) {
        bool digit = user.p[i] >= '0' && user.p[i] <= '9';
        if (!digit && (user.p[i] != '+' || i > 0))
            return false;
        digits |= digit;
    }
    return digits;
}

/* An associated URI with every "{user}" replaced. */
static void put_template(struct bd_wire *w, struct bd_str text, struct bd_str user)
{
    static const char mark[] = "{user}";
    const char *end = text.p + text.len;
    bd_wire_put(w, BD_STR(", <"));
    while (text.len) {
        const char *at = memmem(text.p, text.len, mark, sizeof(mark) - 1);
        bd_wire_put(w, (struct bd_str){text.p, (uint32_t)((at ? at : end) - text.p)});
        if (at)
            put_user(w, user);
        text.p = at ? at + sizeof(mark) - 1 : end;
        text.len = (uint32_t)(end - text.p);
    }
    bd_wire_char(w, '>');
}

/* RFC 7315 4.1.2.2: the registered AoR first, as IMS phones take the first for their default
 * identity; of an implicit registration set that is the primary, and all of it is told (3GPP TS
 * 24.229 5.4.1.2.2F). */
static void put_associated(const struct bd_arena *arena, const struct bd_turn *turn,
                           struct bd_wire *w)
{
    struct bd_str host = bd_aor_host(turn->aor), text, alias;
    struct bd_str user = {turn->aor.p, turn->aor.len - host.len - 1};
    bd_wire_put(w, BD_STR("P-Associated-URI: "));
    put_aor(w, turn->aor);
    for (unsigned n = 0; (alias = bd_identities_alias(arena, turn->aor, n)).len > 0; n++) {
        bd_wire_put(w, BD_STR(", "));
        put_aor(w, alias);
    }
    struct bd_policy_list list = turn->settings->associated_uris;
    while (bd_policy_list_next(turn->request->policy, &list, &text)) {
        if (fits(text, user))
            put_template(w, text, user);
    }
    bd_wire_put(w, BD_STR("\r\n"));
}

void bd_announce(const struct bd_arena *arena, const struct bd_turn *turn, bool registered,
                 struct bd_wire *w)
{
    /* RFC 3608 6.3: also when bindings are only fetched; after the last has gone there is nothing
     * left to route. */
    if (registered && turn->settings->service_route.cnt)
        put_service_route(turn, w);
    if (turn->settings->associated_uris.cnt || bd_identities_alias(arena, turn->aor, 0).len)
        put_associated(arena, turn, w);
}
