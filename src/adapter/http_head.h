/* The head of an HTTP request, RFC 9112: bytes to fields, nothing else. No I/O, so that it can be
 * fuzzed. It is strict where leniency has been used to smuggle requests: lines end by CR LF, no
 * folded lines, no space before a colon, one Content-Length, no Transfer-Encoding. */
#ifndef ADAPTER_HTTP_HEAD_H
#define ADAPTER_HTTP_HEAD_H

#include "base/bytes.h"

/* Request line and headers together. Browsers and proxies stay below 8 KiB. */
#define HTTP_HEAD_MAX 8192
#define HTTP_TARGET_MAX 4096
#define HTTP_HEADERS_MAX 64

typedef enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 3,
    HTTP_OTHER = 4 /* a token, but none that anything here answers */
} http_method_t;

typedef struct http_head {
    http_method_t method;
    bytes_t path, query; /* of the target, still encoded; borrowed */
    uint64_t content_length;
    bool keep_alive;
    bool expects;     /* 100-continue */
    bool of_a_page;   /* has an Origin: a browser sends it for a web page */
    size_t head_size; /* bytes up to and with the empty line */
} http_head_t;

/* Looks at the front of `bytes`. 200: `head` is filled in. 0: there is no whole head yet. Otherwise
 * the status of the refusal, after which nothing that follows on the connection can be trusted. */
unsigned http_head_parse(bytes_t bytes, uint64_t body_max, http_head_t *head);

/* The value of `name` in a query string `a=b&c=d`, decoded (%41, +) into `to`. False: it is not
 * there, stands there twice, is badly encoded, or has more than `capacity` bytes. */
bool http_query_value(bytes_t query, const char *name, uint8_t *to, size_t capacity, size_t *size);

#endif
