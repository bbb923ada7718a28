/* The inside of the API: api.c has the table and what is answered at once, the other files one
 * endpoint each. */
#ifndef NODE_API_STATE_H
#define NODE_API_STATE_H

#include "node/api.h"
#include "node/state.h"

#define API_TYPE_JSON "application/json"
/* Tokens of reads for the API; the replica's own are below. */
#define API_TOKEN (UINT64_C(1) << 63)

/* Of an endpoint: its answer comes later, by api_finish. */
#define API_LATER 0

typedef struct api_block {
    http_ticket_t ticket; /* 0: nobody is answered */
    height_t height;
    uint8_t *room; /* a record of the journal is read into it */
    size_t room_size;
    bool reads, reads_proof;
    block_view_t view;
    FILE *page;
    char *text;
    size_t size;
} api_block_t;

struct api {
    node_t *node;
    http_t *http;
    api_block_t block;
    struct api_submit *submit; /* NULL: nobody may */
};

/* What an endpoint is asked for. */
typedef struct api_call {
    http_ticket_t ticket;
    const http_request_t *request;
    bytes_t rest; /* of the path, behind the endpoint's own */
} api_call_t;

void api_print_hex(FILE *page, const char *name, bytes_t bytes);
/* {"error": why}; returns `status`. */
unsigned api_print_error(FILE *page, unsigned status, const char *why);
/* The end of what was API_LATER: `text`, which is freed, may be NULL when there was no memory. */
void api_finish(api_t *api, http_ticket_t ticket, unsigned status, char *text, size_t size);

unsigned api_answer_query(api_t *api, const api_call_t *call, FILE *page);

/* api_block.c */
unsigned api_answer_block(api_t *api, const api_call_t *call, FILE *page);
void api_close_block(api_t *api);

/* api_submit.c */
synod_status api_open_submit(api_t *api, reason_t *reason);
unsigned api_answer_submit(api_t *api, const api_call_t *call, FILE *page);
/* No operation is taken any more, and those under way are not answered. */
void api_close_submit(api_t *api);

#endif
