/* SPDX-License-Identifier: BSD-3-Clause */
/* One datagram as STUN. An answer goes with its request, is well formed and hardly longer. */
#include "fuzz.h"

#include "stun.h"

static const char *const sources[] = {"198.18.0.2:5060", "[2001:db8::2]:40000"};

static unsigned word(const char *p)
{
    return (unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

/* The attributes of an answer fill it, each with its padding. */
static void attributes(const char *p, uint32_t len)
{
    uint32_t at = BD_STUN_HEADER;
    while (at < len) {
        fuzz_judge(len - at >= 4, "an attribute is cut");
        uint32_t padded = (word(p + at + 2) + 3U) & ~3U;
        fuzz_judge(padded <= len - at - 4, "a value is cut");
        at += 4 + padded;
    }
}

static void answer(const char *request, uint32_t len, const char *source_text)
{
    char out[BD_SIP_REPLY_MAX];
    struct bd_endpoint source;
    bd_endpoint_parse(bd_str_from(source_text), &source);
    struct bd_wire reply = bd_wire_init(out, sizeof(out));
    enum bd_verdict verdict = bd_stun_answer(request, len, &source, &reply);
    uint32_t n = bd_wire_len(&reply);
    bool answers = verdict == BD_SIP_STUN_BINDING || verdict == BD_SIP_STUN_REFUSED;
    fuzz_judge(answers || verdict == BD_SIP_KEEPALIVE || verdict == BD_SIP_STUN_BAD, "verdict %d",
               verdict);
    if (!answers)
        return;
    fuzz_judge(!reply.overflow && n >= BD_STUN_HEADER && n <= len + 32, "%u bytes for %u", n, len);
    fuzz_judge(word(out) == (verdict == BD_SIP_STUN_BINDING ? 0x0101 : 0x0111), "type %x",
               word(out));
    fuzz_judge(word(out + 2) == n - BD_STUN_HEADER && n % 4 == 0, "length %u of %u", word(out + 2),
               n);
    fuzz_judge(memcmp(out + 4, request + 4, 16) == 0, "another transaction");
    attributes(out, n);
    /* An answer is not answered: two servers would do so for ever. */
    struct bd_wire again = bd_wire_init(out, sizeof(out));
    fuzz_judge(bd_stun_answer(out, n, &source, &again) == BD_SIP_STUN_BAD, "answers an answer");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > BD_SIP_MESSAGE_MAX || !bd_stun_is((const char *)data, (uint32_t)size))
        return -1;
    for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        answer((const char *)data, (uint32_t)size, sources[i]);
    return 0;
}
