/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of screening rules: what is scanned, and what a match does. One list gives the words of
 * the rules file, of `show screening` and of the metrics. */
#ifndef BD_SCREEN_WORDS_H
#define BD_SCREEN_WORDS_H

/* X(NAME, word). Via and the whole message are last: they differ with each request, the others are
 * a phone's own. */
#define BD_SCREEN_FIELDS(X)                                                                        \
    X(USER_AGENT, "user_agent")                                                                    \
    X(FROM, "from")                                                                                \
    X(TO, "to")                                                                                    \
    X(CONTACT, "contact")                                                                          \
    X(REQUEST_URI, "request_uri")                                                                  \
    X(CALL_ID, "call_id")                                                                          \
    X(VIA, "via")                                                                                  \
    X(RAW, "raw")

enum bd_screen_field {
#define X(name, word) BD_SCREEN_##name,
    BD_SCREEN_FIELDS(X)
#undef X
        BD_SCREEN_FIELD_CNT,
    BD_SCREEN_LASTING_CNT = BD_SCREEN_VIA
};

#define BD_SCREEN_ACTIONS(X)                                                                       \
    X(DROP, "drop")                                                                                \
    X(REJECT, "reject")                                                                            \
    X(BAN, "ban")                                                                                  \
    X(COUNT, "count")

enum bd_screen_action {
#define X(name, word) BD_SCREEN_##name,
    BD_SCREEN_ACTIONS(X)
#undef X
        BD_SCREEN_ACTION_CNT
};

extern const char *const bd_screen_field_word[BD_SCREEN_FIELD_CNT];
extern const char *const bd_screen_action_word[BD_SCREEN_ACTION_CNT];

#endif
