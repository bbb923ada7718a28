/* See http.h. Opening, accepting, turns, time-outs, the end. */
#include "adapter/http.h"

#include <stdlib.h>
#include <string.h>

#include "adapter/http_state.h"
#include "adapter/uv_listen.h"
#include "base/check.h"

#define LISTEN_BACKLOG 64
#define TICK_MS 250
/* After a piece of work the API rests for so many times as long: it gets a tenth of the loop. */
#define REST_FACTOR 9
#define REST_MAX_NS UINT64_C(1000000000)

const http_counters_t *http_counters(const http_t *http) {
    return &http->counters;
}

uint16_t http_port(const http_t *http) {
    return http->port;
}

/* ---- turns ---- */

static void on_rested(uv_timer_t *timer);

static void serve(http_link_t *link) {
    http_t *http = link->http;
    uint64_t before = uv_hrtime();
    http_link_serve(link);
    uint64_t rest = (uv_hrtime() - before) * REST_FACTOR;
    http->rests_until_ns = uv_hrtime() + (rest < REST_MAX_NS ? rest : REST_MAX_NS);
}

static void wait_for_rest(http_t *http) {
    uint64_t now = uv_hrtime();
    uint64_t left = http->rests_until_ns > now ? http->rests_until_ns - now : 0;
    uv_update_time(http->options.loop);
    (void)uv_timer_start(&http->rest, on_rested, left / 1000000 + 1, 0);
}

void http_turn(http_link_t *link) {
    http_t *http = link->http;
    if (uv_is_active((uv_handle_t *)&http->rest)) {
        return; /* others wait already */
    }
    if (uv_hrtime() < http->rests_until_ns) {
        wait_for_rest(http);
    } else {
        serve(link);
    }
}

/* In turn, so that no connection keeps another one waiting for ever. */
static void on_rested(uv_timer_t *timer) {
    http_t *http = timer->data;
    bool more = false;
    uint32_t first = http->next;
    for (uint32_t count = 0; count < HTTP_CONNECTIONS_MAX; count++) {
        http_link_t *link = &http->links[(first + count) % HTTP_CONNECTIONS_MAX];
        if (link->state != HTTP_READY) {
            continue;
        }
        if (uv_hrtime() < http->rests_until_ns) {
            more = true;
            break;
        }
        serve(link);
        http->next = (uint32_t)(link - http->links) + 1;
    }
    if (more) {
        wait_for_rest(http);
    }
}

void http_answer(http_t *http, http_ticket_t ticket, unsigned status, const char *type,
                 bytes_t body) {
    http_link_t *link = &http->links[ticket % HTTP_CONNECTIONS_MAX];
    if (ticket != 0 && link->ticket == ticket) {
        http_link_answer(link, status, type, body);
    }
}

/* ---- accepting ---- */

static http_link_t *find_free(http_t *http) {
    for (uint32_t at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        if (http->links[at].state == HTTP_FREE) {
            return &http->links[at];
        }
    }
    return NULL;
}

/* Of those from which nothing has come since their last answer, the one for which that is longest
 * so; not the one that has just come. */
static void make_room(http_t *http, const http_link_t *newest) {
    http_link_t *longest = NULL;
    for (uint32_t at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        http_link_t *link = &http->links[at];
        bool idle =
            link->state == HTTP_ENDING || (link->state == HTTP_READING && link->in_size == 0);
        if (idle && link != newest && (longest == NULL || link->since_ms < longest->since_ms)) {
            longest = link;
        }
    }
    if (longest != NULL) {
        http_link_close(longest);
    }
}

static void on_turned_away(void *data) {
    http_t *http = data;
    http->handles--;
}

static void on_tick(uv_timer_t *timer) {
    http_t *http = timer->data;
    uint64_t now = uv_now(http->options.loop);
    for (uint32_t at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        if (http->links[at].state != HTTP_FREE) {
            http_link_tick(&http->links[at], now);
        }
    }
    if (http->counters.connections == 0) {
        (void)uv_timer_stop(timer); /* an idle node is not woken for nothing */
    }
}

static void on_connection(uv_stream_t *listener, int status) {
    http_t *http = listener->data;
    if (status != 0) {
        log_event(http->options.log, LOG_WARNING, "http", "accept", "why=\"%s\"",
                  uv_strerror(status));
        return;
    }
    http_link_t *link = find_free(http);
    if (link == NULL || !http_link_open(link, http)) {
        make_room(http, NULL); /* for the next one: the place is free when libuv has let go */
        http->counters.turned_away++;
        http->handles += listen_turn_away(&http->listener, on_turned_away) ? 1 : 0;
        return;
    }
    http->counters.accepted++;
    if (http->counters.connections == HTTP_CONNECTIONS_MAX) {
        make_room(http, link);
    }
    if (!uv_is_active((uv_handle_t *)&http->tick)) {
        (void)uv_timer_start(&http->tick, on_tick, TICK_MS, TICK_MS);
    }
}

/* ---- open and end ---- */

#define DEFAULT(field, value) ((field) = (field) != 0 ? (field) : (value))

synod_status http_open(const http_options_t *options, http_t **result, reason_t *reason) {
    http_t *http = calloc(1, sizeof *http);
    *result = NULL;
    if (http == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for the HTTP API");
    }
    http->options = *options;
    DEFAULT(http->options.request_ms, 10000);
    DEFAULT(http->options.idle_ms, 65000);
    DEFAULT(http->options.answer_ms, 10000);
    (void)uv_timer_init(options->loop, &http->tick);
    (void)uv_timer_init(options->loop, &http->rest);
    http->tick.data = http->rest.data = http;
    http->handles = 2;
    const listen_options_t listen = {.loop = options->loop,
                                     .address = options->listen,
                                     .setting = "http.listen",
                                     .backlog = LISTEN_BACKLOG,
                                     .on_connection = on_connection,
                                     .data = http};
    synod_status status =
        listen_open(&listen, &http->listener, &http->listens, &http->port, reason);
    http->handles += http->listens ? 1 : 0;
    if (status != SYNOD_OK) {
        http_stop(http);
        while (!http_stopped(http)) {
            (void)uv_run(options->loop, UV_RUN_ONCE);
        }
        http_free(http);
        return status;
    }
    *result = http;
    return SYNOD_OK;
}

static void on_closed(uv_handle_t *handle) {
    http_t *http = handle->data;
    http->handles--;
}

void http_stop(http_t *http) {
    if (http->stopping) {
        return;
    }
    http->stopping = true;
    for (uint32_t at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        http_link_close(&http->links[at]);
    }
    uv_close((uv_handle_t *)&http->tick, on_closed);
    uv_close((uv_handle_t *)&http->rest, on_closed);
    if (http->listens) {
        uv_close((uv_handle_t *)&http->listener, on_closed);
    }
}

bool http_stopped(const http_t *http) {
    return http->stopping && http->handles == 0;
}

void http_free(http_t *http) {
    ensure(http->handles == 0);
    free(http);
}
