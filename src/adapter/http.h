/* A small HTTP server on a loop that has more important things to do: the monitoring API of a node
 * (docs/adr/0004-http.md). HTTP/1.1 with keep-alive; GET, HEAD and POST, bodies by Content-Length.
 *
 * A client can cost a bounded amount of everything: connections, bytes of head and body, time of
 * each step, and of the loop's time a tenth, whatever all of them ask for together. One request of
 * a connection is under way at a time; what follows it waits in the socket (attacks N1, N4, N7).
 *
 * Nothing calls back from within a call of this header. */
#ifndef ADAPTER_HTTP_H
#define ADAPTER_HTTP_H

#include <uv.h>

#include "adapter/address.h"
#include "adapter/http_head.h"
#include "adapter/log.h"

/* Prometheus, a dashboard, a few people, and room. Beyond, the one idle for longest makes room, and
 * if none is idle who comes is turned away. */
#define HTTP_CONNECTIONS_MAX 32

typedef struct http http_t;

/* Names a request that waits for its answer; not used again. */
typedef uint64_t http_ticket_t;

typedef struct http_request {
    http_method_t method; /* HEAD is answered like GET: the body is left out here */
    bytes_t path, query, body;
    bool of_a_page;
} http_request_t;

/* Each request is answered exactly once, at once or later; all is borrowed for the call. */
typedef void http_on_request_t(void *context, http_ticket_t ticket, const http_request_t *request);

typedef struct http_options {
    uv_loop_t *loop;
    log_t *log; /* may be NULL */
    const address_t *listen;
    size_t body_max; /* of a request; 0: none may have one */
    void *context;
    http_on_request_t *on_request;
    /* Zero numbers: 10 s for a head and body, 65 s of silence, 10 s for the client to take an
     * answer. */
    uint64_t request_ms, idle_ms, answer_ms;
} http_options_t;

/* IN_USE: the port is taken; PERMISSION, IO. */
synod_status http_open(const http_options_t *options, http_t **http, reason_t *reason);
/* In use, when the one wished was 0. */
uint16_t http_port(const http_t *http);
/* `type`: of the content. Copies `body`. A ticket whose client is gone is ignored. */
void http_answer(http_t *http, http_ticket_t ticket, unsigned status, const char *type,
                 bytes_t body);

/* Accepts no more and closes all. Then http_stopped after turns of the loop, then http_free. */
void http_stop(http_t *http);
bool http_stopped(const http_t *http);
void http_free(http_t *http);

/* Answers by class of status: [2] is 2xx. */
typedef struct http_counters {
    uint64_t accepted, turned_away, timeouts;
    uint64_t answers[6];
    uint32_t connections;
} http_counters_t;
const http_counters_t *http_counters(const http_t *http);

#endif
