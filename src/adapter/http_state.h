/* The inside of http: http.c opens, accepts, takes turns, stops; http_link.c is one connection. */
#ifndef ADAPTER_HTTP_STATE_H
#define ADAPTER_HTTP_STATE_H

#include "adapter/http.h"

typedef enum http_state {
    HTTP_FREE = 0,
    HTTP_READING, /* nothing, or a part of a request, is here */
    HTTP_READY,   /* a whole request waits for its turn */
    HTTP_ASKED,   /* the answer is not known yet */
    HTTP_WRITING, /* it leaves */
    HTTP_ENDING,  /* it has left; the client is to close, else its last words reset the rest */
    HTTP_CLOSING  /* libuv has not yet let go */
} http_state_t;

typedef struct http_link {
    http_t *http;
    http_state_t state;
    http_ticket_t ticket; /* of the request under way */
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    bool reads, refused; /* refused: the request cannot be read, so nothing after it can */
    bool continued;      /* 100 Continue was said */
    http_head_t head;
    uint8_t *in; /* one request, and what came with it */
    size_t in_size, in_capacity;
    char *out;         /* one answer */
    uint64_t since_ms; /* in this state; READING: from the first byte of the request */
} http_link_t;

struct http {
    http_options_t options;
    http_counters_t counters;
    uv_tcp_t listener;
    uv_timer_t tick; /* time-outs, while there are connections */
    uv_timer_t rest; /* after a rest, who waits gets a turn */
    uint16_t port;
    bool listens, stopping;
    uint32_t handles;
    uint32_t next; /* whose turn it is after a rest */
    uint64_t tickets;
    uint64_t rests_until_ns;
    http_link_t links[HTTP_CONNECTIONS_MAX];
};

/* ---- http.c ---- */
/* A whole request is here: now, or after the rest that the work before has to be paid with. */
void http_turn(http_link_t *link);

/* ---- http_link.c ---- */
bool http_link_open(http_link_t *link, http_t *http);
/* The request that waited has its turn. */
void http_link_serve(http_link_t *link);
void http_link_answer(http_link_t *link, unsigned status, const char *type, bytes_t body);
void http_link_tick(http_link_t *link, uint64_t now_ms);
void http_link_close(http_link_t *link);

#endif
