/* SPDX-License-Identifier: BSD-3-Clause */
/* The metrics: every line against the grammar of the Prometheus text format, and over HTTP. */
#include "lab.h"

#include <sys/resource.h>

#include "metrics_http.h"

static int open_lab(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    lab_open(lab);
    lab_dataplane(lab);
    lab_put(lab, "1000@example.com", 2, lab_now_s() + 3600);
    lab_wait_dataplane(lab, true);
    struct bd_worker_stats *stats = bd_arena_region(&lab->arena, BD_REGION_STATS);
    bd_stat_add(&stats[0].verdict[BD_SIP_REGISTERED], 3);
    bd_stat_add(&stats[1].verdict[BD_SIP_REGISTERED], 4);
    bd_stat_add(&stats[0].verdict[BD_SIP_CHALLENGED], 9);
    bd_stat_add(&stats[0].counter[BD_CTR_REGISTER_FAILED], 2);
    bd_stat_add(&stats[1].counter[BD_CTR_REGISTER_REQUESTS], 18);
    for (unsigned i = 0; i < 100; i++)
        bd_stat_add(&stats[i % 2].latency[bd_latency_bucket(i * 1000)], 1);
    bd_stat_add(&stats[0].latency_sum_ns, 4950000);
    *state = lab;
    return 0;
}

static int close_lab(void **state)
{
    lab_close(*state);
    free(*state);
    return 0;
}

static bool is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (!first && c >= '0' && c <= '9');
}

static size_t name_len(const char *p)
{
    size_t len = 0;
    while (is_name_char(p[len], len == 0))
        len++;
    return len;
}

/* {name="value",...}; returns what follows, NULL when malformed. */
static const char *skip_labels(const char *p)
{
    if (*p != '{')
        return p;
    do {
        p++;
        size_t len = name_len(p);
        if (len == 0 || p[len] != '=' || p[len + 1] != '"')
            return NULL;
        p += len + 2;
        while (*p && *p != '"')
            p += *p == '\\' ? 2 : 1;
        if (*p++ != '"')
            return NULL;
    } while (*p == ',');
    return *p == '}' ? p + 1 : NULL;
}

static bool is_sample(const char *line)
{
    size_t len = name_len(line);
    const char *p = len > 0 ? skip_labels(line + len) : NULL;
    if (!p || *p != ' ')
        return false;
    char *end;
    strtod(p + 1, &end);
    return end > p + 1 && *end == '\0';
}

struct family {
    char name[128], type[16];
};

/* The name of a sample without what a histogram appends. */
static bool belongs(const char *line, const struct family *family)
{
    size_t len = name_len(line), base = strlen(family->name);
    if (len < base || memcmp(line, family->name, base) != 0)
        return false;
    if (len == base)
        return strcmp(family->type, "histogram") != 0;
    static const char *const suffix[] = {"_bucket", "_sum", "_count"};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(family->type, "histogram") == 0 && len == base + strlen(suffix[i]) &&
            memcmp(line + base, suffix[i], len - base) == 0)
            return true;
    }
    return false;
}

static void lint(char *text)
{
    struct family seen[200];
    unsigned cnt = 0, samples = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char name[128], type[16];
        if (sscanf(line, "# HELP %127s ", name) == 1) {
            for (unsigned i = 0; i < cnt; i++)
                assert_string_not_equal(seen[i].name, name);
            assert_true(strncmp(name, "bindery_", 8) == 0);
            line = strtok(NULL, "\n");
            assert_non_null(line);
            assert_int_equal(sscanf(line, "# TYPE %127s %15s", seen[cnt].name, type), 2);
            assert_string_equal(seen[cnt].name, name);
            assert_true(strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0 ||
                        strcmp(type, "histogram") == 0);
            size_t len = strlen(name);
            bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
            assert_int_equal(total, strcmp(type, "counter") == 0);
            strcpy(seen[cnt++].type, type);
            continue;
        }
        if (!is_sample(line) || cnt == 0 || !belongs(line, &seen[cnt - 1]))
            fail_msg("not of its family, or no sample: %s", line);
        samples++;
    }
    assert_true(cnt > 50 && samples > 150);
}

static void text_follows_the_format(void **state)
{
    char *text = lab_ask(*state, "show metrics");
    assert_non_null(
        strstr(text, "bindery_requests_total{verdict=\"registered\",status=\"200\"} 7\n"));
    assert_non_null(strstr(text, "bindery_ineffective_registration_attempts_total 2\n"));
    assert_non_null(strstr(text, "bindery_register_requests_total{worker=\"1\"} 18\n"));
    assert_non_null(strstr(text, "bindery_bindings 2\n"));
    assert_non_null(strstr(text, "bindery_aors 1\n"));
    assert_non_null(strstr(text, "bindery_dataplane_up 1\n"));
    assert_non_null(strstr(text, "_delay_seconds_count 100\n"));
    assert_non_null(strstr(text, "_delay_seconds_sum 0.00495\n"));
    lint(text);
    free(text);
}

/* Cumulative, and the bounds are those of the buckets: 65.536 us has all below it. */
static void histogram_is_cumulative(void **state)
{
    char *text = lab_ask(*state, "show metrics");
    double last_le = -1;
    unsigned long long last = 0, cnt = 0;
    char le[32];
    for (char *p = strstr(text, "_bucket{le=\""); p; p = strstr(p + 1, "_bucket{le=\"")) {
        assert_int_equal(sscanf(p, "_bucket{le=\"%31[^\"]\"} %llu", le, &cnt), 2);
        assert_true(cnt >= last);
        assert_true(strtod(le, NULL) > last_le);
        if (strcmp(le, "6.5536e-05") == 0)
            assert_int_equal(cnt, 66);
        last = cnt;
        last_le = strtod(le, NULL);
    }
    assert_string_equal(le, "+Inf");
    assert_int_equal(last, 100);
    free(text);
}

static void latency_tells_percentiles(void **state)
{
    lab_expect(*state, "show latency", "replies: 100\n");
    lab_expect(*state, "show latency", "mean us: 49.500\n");
    lab_expect(*state, "show latency", "p50 us: 57.344\n");
}

/* --- http ------------------------------------------------------------------------------------- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static char *http(struct lab *lab, uint16_t port, const char *request)
{
    int fd = connect_to(port);
    dprintf(fd, "%s", request);
    size_t len = 0, cap = 1 << 20;
    char *text = malloc(cap);
    for (unsigned i = 0; i < 5000; i++) {
        ssize_t n = read(fd, text + len, cap - len - 1);
        if (n == 0)
            break;
        if (n < 0)
            lab_turn(lab);
        else
            len += (size_t)n;
    }
    text[len] = '\0';
    close(fd);
    return text;
}

static struct bd_metrics_http *serve(struct lab *lab, struct bd_endpoint *any)
{
    struct bd_error error;
    any->port = 0;
    assert_true(bd_ip_parse(BD_STR("127.0.0.1"), &any->ip));
    struct bd_metrics_http *server = bd_metrics_http_new(&lab->control, any, &error);
    assert_non_null(server);
    any->port = bd_metrics_http_port(server);
    return server;
}

static void http_serves_metrics_only(void **state)
{
    struct lab *lab = *state;
    struct bd_endpoint any;
    struct bd_error error;
    struct bd_metrics_http *server = serve(lab, &any);

    char *text = http(lab, any.port, "GET /metrics HTTP/1.0\r\n\r\n");
    assert_non_null(strstr(text, " 200 OK\r\n"));
    assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    lint(strstr(text, "\r\n\r\n") + 4);
    free(text);
    text = http(lab, any.port, "GET / HTTP/1.0\r\n\r\n");
    assert_non_null(strstr(text, " 404 "));
    free(text);
    text = http(lab, any.port, "POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    assert_null(strstr(text, " 200 OK"));
    free(text);

    assert_null(bd_metrics_http_new(&lab->control, &any, &error));
    assert_non_null(strstr(error.text, "in use"));
    bd_metrics_http_free(server);
}

static void head_has_no_body(void **state)
{
    struct lab *lab = *state;
    struct bd_endpoint any;
    struct bd_metrics_http *server = serve(lab, &any);
    char *text = http(lab, any.port, "HEAD /metrics HTTP/1.0\r\n\r\n");
    assert_non_null(strstr(text, " 200 OK\r\n"));
    assert_true(atol(strstr(text, "Content-Length: ") + 16) > 1000);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    free(text);
    text = http(lab, any.port, "HEAD / HTTP/1.0\r\n\r\n");
    assert_non_null(strstr(text, " 404 "));
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    free(text);
    bd_metrics_http_free(server);
}

/* Who holds connections open takes no file that others need, and others are served when he goes. */
static void connections_leave_files_to_others(void **state)
{
    enum { FILES = 240, CLIENTS = 120 };
    struct lab *lab = *state;
    struct bd_endpoint any;
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = FILES, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct bd_metrics_http *server = serve(lab, &any);
    int client[CLIENTS];
    for (unsigned i = 0; i < CLIENTS; i++) {
        client[i] = connect_to(any.port);
        lab_turn(lab);
    }
    lab_expect(lab, "drain", "not draining");
    for (unsigned i = 0; i < CLIENTS; i++)
        close(client[i]);
    char *text =
        http(lab, any.port, "GET /metrics HTTP/1.0\r\n\r\n"); /* once the listener goes on */
    assert_non_null(strstr(text, " 200 OK\r\n"));
    free(text);
    bd_metrics_http_free(server);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_follows_the_format),
        cmocka_unit_test(histogram_is_cumulative),
        cmocka_unit_test(latency_tells_percentiles),
        cmocka_unit_test(http_serves_metrics_only),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(connections_leave_files_to_others),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
