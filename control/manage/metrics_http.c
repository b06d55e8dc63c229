/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "census.h"
#include "metrics.h"

enum { TIMEOUT_S = 30, HEADERS_MAX = 16384, BODY_MAX = 4096, FULL_LOOK_MS = 100 };

struct bd_metrics_http {
    struct bd_control *control;
    struct evhttp *http;
    struct evhttp_bound_socket *bound;
    struct event *look; /* pending while nobody is accepted */
    struct bufferevent *connection[BD_METRICS_CONNECTIONS_MAX];
    unsigned connection_cnt;
};

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
        /* To HEAD the library would send the text as well. */
        if (result && evhttp_request_get_command(request) == EVHTTP_REQ_GET)
            bd_metrics_write(scrape->control, &result->info,
                             evhttp_request_get_output_buffer(request));
        evhttp_send_reply(request, result ? HTTP_OK : HTTP_SERVUNAVAIL, result ? "OK" : error->text,
                          NULL);
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
    evhttp_send_error(request, HTTP_NOTFOUND, "Only /metrics is here");
}

/* --- how many connections there are ----------------------------------------------------------- */

/* The library tells of each that comes, when it asks for its bufferevent, and of none that goes. So
 * we keep a reference to each: what it has freed has no callbacks any more. */

static bool is_freed(struct bufferevent *connection)
{
    bufferevent_data_cb read, write;
    bufferevent_event_cb event;
    bufferevent_getcb(connection, &read, &write, &event, NULL);
    return !event;
}

static void forget_freed(struct bd_metrics_http *http)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < http->connection_cnt; i++) {
        if (is_freed(http->connection[i]))
            bufferevent_decref(http->connection[i]);
        else
            http->connection[kept++] = http->connection[i];
    }
    http->connection_cnt = kept;
}

static void stop_accepting(struct bd_metrics_http *http)
{
    const struct timeval soon = {.tv_usec = FULL_LOOK_MS * 1000};
    if (event_add(http->look, &soon) == 0)
        evconnlistener_disable(evhttp_bound_socket_get_listener(http->bound));
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct bd_metrics_http *http = arg;
    forget_freed(http);
    if (http->connection_cnt == BD_METRICS_CONNECTIONS_MAX)
        stop_accepting(http);
    else
        evconnlistener_enable(evhttp_bound_socket_get_listener(http->bound));
}

/* For the next connection, whose callbacks the library sets before it accepts another. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct bd_metrics_http *http = arg;
    forget_freed(http);
    struct bufferevent *connection = bufferevent_socket_new(base, -1, 0);
    if (!connection || http->connection_cnt == BD_METRICS_CONNECTIONS_MAX)
        return connection;
    bufferevent_incref(connection);
    http->connection[http->connection_cnt++] = connection;
    if (http->connection_cnt == BD_METRICS_CONNECTIONS_MAX)
        stop_accepting(http);
    return connection;
}

/* --- the object ------------------------------------------------------------------------------- */

struct bd_metrics_http *bd_metrics_http_new(struct bd_control *control,
                                            const struct bd_endpoint *endpoint,
                                            struct bd_error *error)
{
    struct bd_metrics_http *http = calloc(1, sizeof(*http));
    if (http && (http->look = event_new(control->base, -1, 0, on_look, http)))
        http->http = evhttp_new(control->base);
    if (!http || !http->http) {
        bd_metrics_http_free(http);
        bd_fail(error, "out of memory");
        return NULL;
    }
    http->control = control;
    evhttp_set_allowed_methods(http->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_timeout(http->http, TIMEOUT_S);
    evhttp_set_max_headers_size(http->http, HEADERS_MAX);
    evhttp_set_max_body_size(http->http, BODY_MAX);
    evhttp_set_cb(http->http, "/metrics", on_metrics, http);
    evhttp_set_gencb(http->http, on_other, NULL);
    evhttp_set_bevcb(http->http, on_accept, http);
    char ip[BD_IP_TEXT_MAX], text[BD_ENDPOINT_TEXT_MAX];
    bd_ip_format(&endpoint->ip, ip);
    bd_endpoint_format(endpoint, text);
    http->bound = evhttp_bind_socket_with_handle(http->http, ip, endpoint->port);
    if (http->bound)
        return http;
    bd_fail(error, "metrics %s: %s: set another address or port, or stop what listens there", text,
            strerror(errno));
    bd_metrics_http_free(http);
    return NULL;
}

void bd_metrics_http_free(struct bd_metrics_http *http)
{
    if (!http)
        return;
    if (http->http)
        evhttp_free(http->http);
    for (unsigned i = 0; i < http->connection_cnt; i++)
        bufferevent_decref(http->connection[i]);
    if (http->look)
        event_free(http->look);
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
