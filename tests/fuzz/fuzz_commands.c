/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines at the stats socket of a whole control process, whose dataplane is played here:
 *
 *   level and what the dataplane says, then lines; behind a byte 0x1e the file users.csv
 *
 * Each line draws one answer, ended by an empty line, of printable text; as JSON it is one
 * document. No answer tells the secret. */
#include "fuzz.h"

#include "lab.h"

#include <poll.h>

enum { INPUTS_PER_LAB = 200, LINES_MAX = 40, ANSWERS_MAX = 16 << 20, TURNS_MAX = 20000 };

static struct lab lab;
static unsigned inputs;

static void open_lab(void)
{
    uint32_t later_s;
    lab_open(&lab);
    lab_dataplane(&lab);
    later_s = lab_now_s() + 3600;
    lab_put(&lab, "1000@example.com", 2, later_s);
    lab_put(&lab, "1001@example.com", 1, later_s);
    lab_put(&lab, "1000@other.example", 1, later_s);
    lab_wait_dataplane(&lab, true);
}

static int home; /* where the fuzzer is at home */

static void leave(void)
{
    if (inputs > 0)
        lab_close(&lab);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    atexit(leave);
    return home < 0;
}

static void write_users(const uint8_t *p, size_t n)
{
    FILE *out = fopen("users.csv", "we");
    fuzz_judge(out && fwrite(p, 1, n, out) == n && fclose(out) == 0, "users.csv");
}

/* What a worker does with an operator's command. */
static void play_dataplane(int32_t removed)
{
    for (unsigned w = 0; w < 2; w++) {
        struct bd_channel channel = bd_channel_of(&lab.arena, w);
        const struct bd_command *command;
        while ((command = bd_ring_peek(channel.commands))) {
            struct bd_report *report = bd_ring_reserve(channel.reports);
            fuzz_judge(report && command->aor_len + command->contact_len <= sizeof(command->text),
                       "a command that is none");
            *report = (struct bd_report){.id = command->id,
                                         .control_generation = command->control_generation,
                                         .removed = removed};
            bd_ring_publish(channel.reports);
            bd_ring_release(channel.commands);
        }
    }
}

/* All that comes back until the socket is closed. */
static size_t converse(enum bd_level level, int32_t removed, const uint8_t *p, size_t n,
                       char *answers)
{
    size_t len = 0, sent = 0;
    bool said = false; /* all of it */
    int fd = lab_connect(&lab, level);
    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        ssize_t taken = sent < n ? write(fd, p + sent, n - sent) : 0;
        sent += taken > 0 ? (size_t)taken : 0;
        if (sent == n && !said) {
            shutdown(fd, SHUT_WR);
            said = true;
        }
        event_base_loop(lab.control.base, EVLOOP_NONBLOCK);
        play_dataplane(removed);
        ssize_t got = read(fd, answers + len, ANSWERS_MAX - len);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            close(fd);
            return len;
        }
        len += got > 0 ? (size_t)got : 0;
        if (got < 0) /* a thread is at work, or a timer runs */
            lab_turn(&lab);
    }
    fuzz_judge(false, "no end of the answers to\n%.*s", (int)n, p);
    return 0;
}

/* --- judging ---------------------------------------------------------------------------------- */

static bool wants_json(const char *line, size_t len)
{
    char copy[BD_LINE_MAX];
    struct bd_words words;
    const char *why;
    memcpy(copy, line, len);
    return bd_words_split(copy, len, &words, &why) && words.cnt > 0 &&
           bd_word_is(words.word[0], "json");
}

static void is_json(const char *line, size_t len, const char *answer, size_t answer_len)
{
    json_error_t error;
    json_t *document = json_loadb(answer, answer_len, 0, &error);
    fuzz_judge(document, "%.*s: %s in: %.*s", (int)len, line, error.text, (int)answer_len, answer);
    json_decref(document);
}

static void is_printable(const char *answer, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)answer[i];
        fuzz_judge((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t', "byte %02x in: %.*s", c,
                   (int)len, answer);
    }
}

/* Takes the answer to one line off the front. */
static void judge(const char *line, size_t len, const char **answers, const char *end)
{
    const char *at = *answers;
    fuzz_judge(at < end, "no answer to %.*s", (int)len, line);
    const char *stop = *at == '\n' ? at : memmem(at, (size_t)(end - at), "\n\n", 2);
    fuzz_judge(stop, "no end of the answer to %.*s: %.*s", (int)len, line, (int)(end - at), at);
    size_t answer_len = (size_t)(stop - at);
    is_printable(at, answer_len);
    if (len <= BD_LINE_MAX && wants_json(line, len))
        is_json(line, len, at, answer_len);
    *answers = stop + (*at == '\n' ? 1 : 2);
}

static bool has_secret(const void *p, size_t n)
{
    static const char secret[] = "a secret of the unit tests";
    return memmem(p, n, secret, sizeof(secret) - 1);
}

/* Lines as the server takes them: CRLF or LF; one that is too long is the last. */
static void judge_all(const char *p, size_t n, const char *answers, size_t answers_len)
{
    const char *end = answers + answers_len, *newline;
    while ((newline = memchr(p, '\n', n))) {
        size_t len = (size_t)(newline - p);
        n -= len + 1;
        bool cr = len > 0 && p[len - 1] == '\r';
        judge(p, len - cr, &answers, end);
        if (len - cr > BD_LINE_MAX)
            break;
        p = newline + 1;
    }
    fuzz_judge(answers == end || n > BD_LINE_MAX || newline, "an answer to nothing: %.*s",
               (int)(end - answers), answers);
}

/* Whole lines only, and not too many. */
static size_t cut(const uint8_t *p, size_t n)
{
    unsigned lines = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n' && ++lines == LINES_MAX)
            return i + 1;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char answers[ANSWERS_MAX];
    struct fuzz_input in = {data, size};
    const uint8_t *lines, *users;
    if (inputs++ % INPUTS_PER_LAB == 0) {
        if (inputs > 1)
            lab_close(&lab);
        open_lab();
    }
    unsigned how = fuzz_u8(&in);
    size_t n = fuzz_take_until(&in, 0x1e, &lines), users_len = fuzz_take(&in, in.left, &users);
    n = cut(lines, n);
    fuzz_judge(chdir(lab.directory) == 0, "%s", lab.directory);
    write_users(users, users_len);
    size_t len = converse((enum bd_level)(how % 3), how / 3 % 3, lines, n, answers);
    fuzz_judge(fchdir(home) == 0, "no way home");
    /* Whoever knows it may read what he wrote. */
    fuzz_judge(!has_secret(answers, len) || has_secret(data, size), "the secret");
    judge_all((const char *)lines, n, answers, len);
    return 0;
}
