/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LEN = 8, BRANCH_LEN = 16, PLACES_MAX = 8 };

static const char branch_mark[] = ";branch=z9hG4bK-";

/* Where the digits go: offsets of 'N' (number of the AoR), 'C' (CSeq) and 'B' (branch). */
static struct {
    char text[2 * REQUEST_SZ];
    size_t number[PLACES_MAX], number_cnt;
    size_t cseq, branch;
} request;

static size_t find(const char *what)
{
    const char *p = strstr(request.text, what);
    if (!p) {
        fprintf(stderr, "the request has no %s\n", what);
        exit(1);
    }
    return (size_t)(p - request.text);
}

static void find_places(void)
{
    for (const char *p = request.text; (p = strstr(p, "NNNNNNNN")); p += NUMBER_LEN)
        request.number[request.number_cnt++] = (size_t)(p - request.text);
    request.cseq = find("CCCCCCCC");
    request.branch = find("BBBBBBBBBBBBBBBB");
}

void message_prepare(const char *host, uint16_t port, uint32_t expires_s)
{
    char head[REQUEST_SZ];
    int len = snprintf(head, sizeof(head),
                       "REGISTER sip:carrier.example SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bK-BBBBBBBBBBBBBBBB;rport\r\n"
                       "Max-Forwards: 70\r\n"
                       "Supported: path, timer\r\n"
                       "From: <sip:NNNNNNNN@carrier.example>;tag=7b31f02c\r\n"
                       "To: <sip:NNNNNNNN@carrier.example>\r\n"
                       "Call-ID: NNNNNNNN-4c6e-4f0a-b1d2-9a5578e03c17\r\n"
                       "CSeq: CCCCCCCC REGISTER\r\n"
                       "Contact: <sip:NNNNNNNN@%s:%u;line=a83f0c52;x=phone>"
                       ";q=0.8;methods=\"INVITE,ACK,BYE,CANCEL\"\r\n"
                       "User-Agent: Example Desk Phone 4.12.0.3071\r\n"
                       "Expires: %u\r\n"
                       "Content-Length: 0\r\n",
                       host, port, host, port, expires_s);
    int filler = REQUEST_SZ - len - (int)strlen("Allow: \r\n\r\n");
    snprintf(
        request.text, sizeof(request.text), "%sAllow: %.*s\r\n\r\n", head, filler,
        "INVITE,ACK,BYE,CANCEL,OPTIONS,REFER,NOTIFY,MESSAGE,SUBSCRIBE,INFO,PRACK,UPDATE,PUBLISH,"
        "REGISTER,BENCHMARK");
    if (strlen(request.text) != REQUEST_SZ) {
        fprintf(stderr, "the request has %zu bytes\n", strlen(request.text));
        exit(1);
    }
    find_places();
}

static void put_decimal(char *out, uint32_t value)
{
    for (int i = NUMBER_LEN - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void message_write(char *out, const struct register_id *id)
{
    static const char hex[] = "0123456789abcdef";
    char number[NUMBER_LEN];
    put_decimal(number, id->index);
    memcpy(out, request.text, REQUEST_SZ);
    for (size_t i = 0; i < request.number_cnt; i++)
        memcpy(out + request.number[i], number, NUMBER_LEN);
    put_decimal(out + request.cseq, id->cseq);
    for (int i = 0; i < BRANCH_LEN; i++)
        out[request.branch + (size_t)i] = hex[id->branch >> (60 - 4 * i) & 15];
}

bool message_branch(const char *reply, size_t len, uint64_t *branch)
{
    const char *p = memmem(reply, len, branch_mark, sizeof(branch_mark) - 1);
    if (!p)
        return false;
    p += sizeof(branch_mark) - 1;
    if (reply + len - p < BRANCH_LEN)
        return false;
    uint64_t value = 0;
    for (int i = 0; i < BRANCH_LEN; i++) {
        unsigned c = (unsigned char)p[i];
        unsigned digit = c - '0' < 10 ? c - '0' : c - 'a' < 6 ? c - 'a' + 10 : 16;
        if (digit > 15)
            return false;
        value = value << 4 | digit;
    }
    *branch = value;
    return true;
}

/* A line of the reply is `name` and then begins with `value`. */
static bool line_is(const char *line, size_t len, const char *name, size_t name_len,
                    const char *value, size_t value_len)
{
    return len >= name_len + value_len && memcmp(line, name, name_len) == 0 &&
           memcmp(line + name_len, value, value_len) == 0;
}

#define LINE_IS(line, len, name, value)                                                            \
    line_is(line, len, name, sizeof(name) - 1, value, NUMBER_LEN)

bool message_accepted(const char *reply, size_t len, const struct register_id *id)
{
    static const char status[] = "SIP/2.0 200 ";
    char number[NUMBER_LEN], cseq[NUMBER_LEN];
    bool call_id = false, sequence = false, contact = false;
    if (len < sizeof(status) || memcmp(reply, status, sizeof(status) - 1) != 0)
        return false;
    put_decimal(number, id->index);
    put_decimal(cseq, id->cseq);
    for (const char *line = reply, *end = reply + len; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((next ? next : end) - line);
        call_id |= LINE_IS(line, n, "Call-ID: ", number);
        sequence |= LINE_IS(line, n, "CSeq: ", cseq);
        contact |= LINE_IS(line, n, "Contact: <sip:", number);
        line = next ? next + 1 : end;
    }
    return call_id && sequence && contact;
}
