/* SPDX-License-Identifier: BSD-3-Clause */
/* binderyctl: one command to the stats socket, its answer to stdout.
 *
 * Exits 0 done, 1 refused or not found, 2 wrong usage, 3 no connection or no answer. What went
 * wrong goes to stderr, or with --json as the document to stdout. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cpu.h"
#include "journal_show.h"
#include "process.h"
#include "secret.h"
#include "words.h"

#define DEFAULT_SOCKET "/run/bindery/stats.sock"

/* Seconds without a byte. Imports of a million subscribers and snapshots take less. */
enum { TIMEOUT_S = 120, TIMEOUT_MAX_S = 86400 };

enum status { DONE = 0, REFUSED = 1, USAGE = 2, NO_CONNECTION = 3 };

static const char usage_text[] =
    "usage: binderyctl [-s SOCKET] [-T SECONDS] [--json] COMMAND...\n"
    "  -s SOCKET   the stats socket (default " DEFAULT_SOCKET ")\n"
    "  -T SECONDS  gives up when nothing comes for so long (default 120; 0: never)\n"
    "  --json      the answer as one JSON document\n"
    "  -h, --help  this text;  --version  the version\n"
    "'binderyctl help' lists the commands. A word '-' is read from standard input (a password):\n"
    "on the command line others on this machine could see it.\n"
    "'binderyctl journal show PATH [AOR]' reads a file or directory of the journal by itself; 1:\n"
    "something in it is damaged.\n"
    "exit status: 0 done, 1 refused or not found, 2 wrong usage, 3 no connection, or no answer\n";

static int wrong_usage(const char *what, const char *which)
{
    fprintf(stderr, "binderyctl: %s%s; 'binderyctl --help' tells more\n", what, which);
    return USAGE;
}

/* The command line for the server; NULL when a '-' has no input, or a word has a newline in it. */
static struct evbuffer *make_line(int cnt, char **words, bool json)
{
    struct evbuffer *line = evbuffer_new();
    if (json)
        evbuffer_add_printf(line, "json");
    for (int i = 0; i < cnt; i++) {
        char secret[BD_LINE_MAX];
        const char *word = words[i];
        bool from_input = strcmp(word, "-") == 0;
        if (from_input && bd_secret_read(secret, sizeof(secret)))
            word = secret;
        else if (from_input || strpbrk(word, "\r\n")) {
            evbuffer_free(line);
            return NULL;
        }
        if (evbuffer_get_length(line) > 0)
            evbuffer_add(line, " ", 1);
        bd_words_quote(line, bd_str_from(word));
    }
    evbuffer_add(line, "\n", 1);
    return line;
}

/* For connect, send and read alike. */
static bool limit_waiting(int fd, unsigned timeout_s)
{
    struct timeval limit = {.tv_sec = timeout_s};
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0;
}

static int connect_to(const char *path, unsigned timeout_s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && limit_waiting(fd, timeout_s) &&
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

static int no_connection(const char *path, unsigned timeout_s)
{
    if (errno == EAGAIN) {
        fprintf(stderr,
                "binderyctl: %s: no answer for %u s: bindery-control hangs or is busy, and may "
                "still do it; -T SECONDS waits longer\n",
                path, timeout_s);
        return NO_CONNECTION;
    }
    const char *hint = errno == EACCES   ? ": it wants another user (root?)"
                       : errno == ENOENT ? ": does bindery-control run, and with this socket?"
                                         : "";
    fprintf(stderr, "binderyctl: cannot connect to %s: %s%s\n", path, strerror(errno), hint);
    return NO_CONNECTION;
}

/* A server that refuses us says so and goes, whatever is asked: its answer is read all the same. */
static bool send_line(int fd, struct evbuffer *line)
{
    size_t left;
    while ((left = evbuffer_get_length(line)) > 0) {
        ssize_t n = send(fd, evbuffer_pullup(line, -1), left, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return errno == EPIPE;
        if (n > 0)
            evbuffer_drain(line, (size_t)n);
    }
    return true;
}

/* --- the answer ------------------------------------------------------------------------------- */

struct prefix {
    const char *text;
    enum status status;
};

/* The first line tells how it went. An unknown command is a wrong usage as well. */
static enum status status_of(const char *line, bool json)
{
    /* Who is refused before he is read is answered in plain text. */
    static const struct prefix plain[] = {{"error: unknown command", USAGE},
                                          {BD_ALL_TAKEN, NO_CONNECTION},
                                          {"error: ", REFUSED},
                                          {"usage: ", USAGE}};
    static const struct prefix in_json[] = {{"{\"error\":\"unknown command", USAGE},
                                            {"{\"error\":", REFUSED},
                                            {"{\"usage\":", USAGE},
                                            {BD_ALL_TAKEN, NO_CONNECTION},
                                            {"error: ", REFUSED}};
    const struct prefix *prefix = json ? in_json : plain;
    unsigned cnt = json ? sizeof(in_json) / sizeof(in_json[0]) : sizeof(plain) / sizeof(plain[0]);
    for (unsigned i = 0; i < cnt; i++) {
        if (strncmp(line, prefix[i].text, strlen(prefix[i].text)) == 0)
            return prefix[i].status;
    }
    return DONE;
}

/* A list that ends before its time says so in its last line. */
static bool is_cut_short(const char *line, bool json)
{
    const char *begin = json ? "], \"error\": " : "error: ";
    return strncmp(line, begin, strlen(begin)) == 0;
}

/* Copies lines up to the empty one. -1: none came in time. Standard output gets nothing but what
 * was done, or, with --json, a document. */
static int copy_answer(FILE *in, bool json)
{
    char *line = NULL;
    size_t line_sz = 0;
    enum status status = DONE;
    bool first = true, ended = false;
    FILE *out = stdout;
    while (!ended && getline(&line, &line_sz, in) >= 0) {
        ended = strcmp(line, "\n") == 0;
        if (first) {
            status = status_of(line, json);
            out = status == DONE || (json && *line == '{') ? stdout : stderr;
        } else if (is_cut_short(line, json)) {
            status = REFUSED;
            out = json ? stdout : stderr;
        }
        first = false;
        if (!ended && fputs(line, out) < 0)
            break; /* nobody reads on */
    }
    free(line);
    if (ended && fflush(stdout) == 0)
        return (int)status;
    if (ferror(in) && errno == EAGAIN)
        return -1;
    fprintf(stderr, "binderyctl: %s\n",
            ferror(stdout) ? strerror(errno) : "the connection broke before the end of the answer");
    return ferror(stdout) ? REFUSED : NO_CONNECTION;
}

static int run(const char *path, unsigned timeout_s, struct evbuffer *line, bool json)
{
    int fd = connect_to(path, timeout_s);
    if (fd < 0)
        return no_connection(path, timeout_s);
    FILE *in = send_line(fd, line) ? fdopen(fd, "r") : NULL;
    if (!in) {
        int rc = no_connection(path, timeout_s);
        close(fd);
        return rc;
    }
    int rc = copy_answer(in, json);
    if (rc < 0)
        rc = no_connection(path, timeout_s);
    fclose(in);
    return rc;
}

/* `journal show PATH [AOR]` needs no appliance. -1: it is another command. */
static int without_server(int cnt, char **words, bool json)
{
    if (strcmp(words[0], "journal") != 0)
        return -1;
    if (cnt < 3 || cnt > 4 || strcmp(words[1], "show") != 0)
        return wrong_usage("usage: journal show PATH [AOR]", "");
    int rc = bd_journal_show(stdout, words[2], cnt > 3 ? words[3] : NULL, json);
    if (fflush(stdout) == 0)
        return rc ? REFUSED : DONE;
    fprintf(stderr, "binderyctl: %s\n", strerror(errno));
    return REFUSED;
}

static bool read_timeout(const char *text, unsigned *timeout_s)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *timeout_s = (unsigned)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && value <= TIMEOUT_MAX_S;
}

int main(int argc, char **argv)
{
    const char *path = DEFAULT_SOCKET;
    unsigned timeout_s = TIMEOUT_S;
    bool json = false;
    int i = 1;
    bd_cpu_check();
    bd_process_fill_stdio();
    for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return fputs(usage_text, stdout) < 0;
        if (strcmp(argv[i], "--version") == 0)
            return puts("binderyctl " BD_VERSION) < 0;
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
            path = argv[++i];
        else if (strcmp(argv[i], "-T") == 0 && i + 1 < argc) {
            if (!read_timeout(argv[++i], &timeout_s))
                return wrong_usage("-T wants 0..86400 seconds, got ", argv[i]);
        } else
            return wrong_usage("no such option, or one without its value: ", argv[i]);
    }
    if (i == argc)
        return wrong_usage("no command", "");
    int rc = without_server(argc - i, argv + i, json);
    if (rc >= 0)
        return rc;
    struct evbuffer *line = make_line(argc - i, argv + i, json);
    bd_secret_blot(argc - i, argv + i);
    if (!line)
        return wrong_usage("'-' wants a line on standard input, and no word may hold a newline",
                           "");
    rc = run(path, timeout_s, line, json);
    evbuffer_free(line);
    return rc;
}
