/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "census.h"
#include "listener.h"
#include "metrics.h"

/* FILES_MAX: with so many files open the metrics take no more connections. */
enum { TIMEOUT_S = 30, HEADERS_MAX = 16384, BODY_MAX = 4096, FILES_MAX = 768 };

struct bd_metrics_http {
    struct bd_control *control;
    struct evhttp *http;
    struct evhttp_bound_socket *bound;
    int files_max;
};

/* --- connections ------------------------------------------------------------------------------ */

/* A quarter of the files is kept for the journal, the database and the stats sockets. */
static int files_to_take(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 * 3 >= FILES_MAX)
        return FILES_MAX;
    return (int)(limit.rlim_cur / 4 * 3);
}

static bool files_run_short(const struct bd_metrics_http *http)
{
    int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (lowest >= 0)
        close(lowest);
    return lowest < 0 || lowest >= http->files_max;
}

/* evhttp has no bound of its own, and whoever reaches the port may open what he likes. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct bd_metrics_http *http = arg;
    if (files_run_short(http)) {
        bd_log(BD_LOG_WARNING, "metrics: %d files are open: no more connections for a second",
               http->files_max);
        bd_listener_pause(evhttp_bound_socket_get_listener(http->bound));
    }
    return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

/* --- requests --------------------------------------------------------------------------------- */

/* A reply to HEAD says how long the body would be, and has none: evhttp would send it. */
static void reply(struct evhttp_request *request, int status, const char *reason)
{
    struct evbuffer *body = evhttp_request_get_output_buffer(request);
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        char length[24];
        snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
        evbuffer_drain(body, evbuffer_get_length(body));
    }
    evhttp_send_reply(request, status, reason, NULL);
}

/* A request that waits for a census; its connection may close meanwhile. */
struct scrape {
    struct bd_control *control;
    struct evhttp_request *request; /* NULL: gone */
};

static void on_gone(struct evhttp_connection *connection, void *arg)
{
    struct scrape *scrape = arg;
    scrape->request = NULL;
}

static void on_census(void *arg, const struct bd_census_result *result,
                      const struct bd_error *error)
{
    struct scrape *scrape = arg;
    struct evhttp_request *request = scrape->request;
    if (request) {
        struct evhttp_connection *connection = evhttp_request_get_connection(request);
        evhttp_connection_set_closecb(connection, NULL, NULL);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                          BD_METRICS_CONTENT_TYPE);
        if (result)
            bd_metrics_write(scrape->control, &result->info,
                             evhttp_request_get_output_buffer(request));
        reply(request, result ? HTTP_OK : HTTP_SERVUNAVAIL, result ? "OK" : error->text);
    }
    free(scrape);
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
    struct bd_metrics_http *http = arg;
    struct scrape *scrape = calloc(1, sizeof(*scrape));
    if (!scrape) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    *scrape = (struct scrape){.control = http->control, .request = request};
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_gone, scrape);
    struct bd_census *census = http->control->census;
    bd_census_ask(census, bd_census_fair_age_ms(census), on_census, scrape);
}

static void on_other(struct evhttp_request *request, void *arg)
{
    reply(request, HTTP_NOTFOUND, "Only /metrics is here");
}

struct bd_metrics_http *bd_metrics_http_new(struct bd_control *control,
                                            const struct bd_endpoint *endpoint,
                                            struct bd_error *error)
{
    struct bd_metrics_http *http = calloc(1, sizeof(*http));
    if (http)
        http->http = evhttp_new(control->base);
    if (!http || !http->http) {
        free(http);
        bd_fail(error, "out of memory");
        return NULL;
    }
    http->control = control;
    http->files_max = files_to_take();
    evhttp_set_allowed_methods(http->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_timeout(http->http, TIMEOUT_S);
    evhttp_set_max_headers_size(http->http, HEADERS_MAX);
    evhttp_set_max_body_size(http->http, BODY_MAX);
    evhttp_set_cb(http->http, "/metrics", on_metrics, http);
    evhttp_set_gencb(http->http, on_other, NULL);
    char ip[BD_IP_TEXT_MAX], text[BD_ENDPOINT_TEXT_MAX];
    bd_ip_format(&endpoint->ip, ip);
    bd_endpoint_format(endpoint, text);
    http->bound = evhttp_bind_socket_with_handle(http->http, ip, endpoint->port);
    if (http->bound) {
        bd_listener_pause_on_error(evhttp_bound_socket_get_listener(http->bound));
        evhttp_set_bevcb(http->http, on_connection, http);
        return http;
    }
    bd_fail(error, "metrics %s: %s: set another address or port, or stop what listens there", text,
            strerror(errno));
    bd_metrics_http_free(http);
    return NULL;
}

void bd_metrics_http_free(struct bd_metrics_http *http)
{
    if (!http)
        return;
    evhttp_free(http->http);
    free(http);
}

uint16_t bd_metrics_http_port(const struct bd_metrics_http *http)
{
    /* The port is at the same place in an address of IPv4. */
    struct sockaddr_in6 address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(evhttp_bound_socket_get_fd(http->bound), (struct sockaddr *)&address, &len) < 0)
        return 0;
    return ntohs(address.sin6_port);
}
