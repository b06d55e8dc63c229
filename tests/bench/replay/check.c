/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

/* Offset of the first header field's value, 0 when there is none. */
static uint32_t value_of(struct bd_str reply, struct bd_str name)
{
    const char *end = reply.p + reply.len;
    for (const char *line = reply.p; line;) {
        uint32_t left = (uint32_t)(end - line);
        if (left > name.len + 2 && line[name.len] == ':' &&
            bd_str_eq_nocase((struct bd_str){line, name.len}, name))
            return (uint32_t)(line + name.len + 2 - reply.p);
        const char *lf = memchr(line, '\n', left);
        line = lf && lf + 1 < end ? lf + 1 : NULL;
    }
    return 0;
}

/* Offset of a text within the line that begins at `from`, 0 when it is not there. */
static uint32_t within_line(struct bd_str reply, uint32_t from, const void *what, size_t what_len)
{
    if (from == 0)
        return 0;
    const char *line = reply.p + from, *lf = memchr(line, '\n', reply.len - from);
    const char *at = lf ? memmem(line, (size_t)(lf - line), what, what_len) : NULL;
    return at ? (uint32_t)(at - reply.p) : 0;
}

static struct replay_layout learn(struct bd_str reply, const struct replay_ids *ids)
{
    uint32_t via = value_of(reply, BD_STR("Via")), call_id = value_of(reply, BD_STR("Call-ID"));
    uint32_t contact = value_of(reply, BD_STR("Contact"));
    uint32_t challenge = value_of(reply, BD_STR("WWW-Authenticate"));
    uint32_t nonce = within_line(reply, challenge, " nonce=\"", 8);
    return (struct replay_layout){
        .branch = within_line(reply, via, ids->branch, REPLAY_BRANCH),
        .call_id = within_line(reply, call_id, ids->call_id, REPLAY_CALL_ID),
        .cseq = value_of(reply, BD_STR("CSeq")),
        .contact = within_line(reply, contact, ids->user, REPLAY_USER),
        .nonce = nonce ? nonce + 8 : 0,
    };
}

static bool holds(struct bd_str reply, uint32_t off, const char *text, uint32_t len)
{
    return off != 0 && off < reply.len && len <= reply.len - off &&
           memcmp(reply.p + off, text, len) == 0;
}

static bool fits(const struct replay_layout *layout, const struct replay_ids *ids, bool challenge,
                 struct bd_str method, struct bd_str reply)
{
    return holds(reply, layout->branch, ids->branch, REPLAY_BRANCH) &&
           holds(reply, layout->call_id, ids->call_id, REPLAY_CALL_ID) &&
           holds(reply, layout->cseq, ids->cseq, REPLAY_CSEQ) &&
           holds(reply, layout->cseq + REPLAY_CSEQ + 1, method.p, method.len) &&
           (challenge ? layout->nonce != 0 && holds(reply, layout->nonce - 8, " nonce=\"", 8) &&
                            holds(reply, layout->nonce + REPLAY_NONCE, "\"", 1)
                      : holds(reply, layout->contact, ids->user, REPLAY_USER));
}

bool replay_reply_check(struct replay_layout *layout, const struct replay_ids *ids,
                        const char *status, struct bd_str method, struct bd_str reply,
                        const char **nonce)
{
    if (reply.len < 16 || memcmp(reply.p, "SIP/2.0 ", 8) != 0 ||
        memcmp(reply.p + 8, status, 3) != 0 || memcmp(reply.p + reply.len - 4, "\r\n\r\n", 4) != 0)
        return false;
    bool challenge = memcmp(status, "401", 3) == 0;
    if (!fits(layout, ids, challenge, method, reply)) {
        *layout = learn(reply, ids);
        if (!fits(layout, ids, challenge, method, reply))
            return false;
    }
    *nonce = challenge ? reply.p + layout->nonce : NULL;
    return true;
}
