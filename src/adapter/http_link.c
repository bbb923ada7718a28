/* One connection: requests in, answers out, one after the other. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapter/http_state.h"
#include "base/check.h"

/* Headers of an answer. */
#define ANSWER_HEAD_MAX 512
/* After the last answer the client has so long to close. */
#define ENDING_MS 1000
/* Whoever answers has bounds of its own (http_answer); this one is for a mistake there. */
#define ASKED_MS 60000

static uint64_t now_ms(const http_link_t *link) {
    return uv_now(link->http->options.loop);
}

static void enter(http_link_t *link, http_state_t state) {
    link->state = state;
    link->since_ms = now_ms(link);
}

static void on_closed(uv_handle_t *handle) {
    http_link_t *link = handle->data;
    http_t *http = link->http;
    free(link->in);
    free(link->out);
    link->in = NULL;
    link->out = NULL;
    link->state = HTTP_FREE;
    http->handles--;
    http->counters.connections--;
}

void http_link_close(http_link_t *link) {
    if (link->state != HTTP_FREE && link->state != HTTP_CLOSING) {
        link->state = HTTP_CLOSING;
        link->ticket = 0;
        uv_close((uv_handle_t *)&link->tcp, on_closed);
    }
}

/* ---- in ---- */

static size_t request_size(const http_link_t *link) {
    return link->head.head_size + (size_t)link->head.content_length;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer);

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    http_link_t *link = handle->data;
    static char ignored[4096];
    (void)suggested;
    bool ending = link->state != HTTP_READING;
    buffer->base = ending ? ignored : (char *)link->in + link->in_size;
    buffer->len = ending ? sizeof ignored : link->in_capacity - link->in_size;
}

static void set_reading(http_link_t *link, bool reads) {
    if (link->reads == reads) {
        return;
    }
    link->reads = reads;
    if (!reads) {
        (void)uv_read_stop((uv_stream_t *)&link->tcp);
    } else if (uv_read_start((uv_stream_t *)&link->tcp, on_room, on_read) != 0) {
        http_link_close(link);
    }
}

/* RFC 9110, 15. */
static const char *phrase_of(unsigned status) {
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {410, "Gone"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {417, "Expectation Failed"},
                   {431, "Request Header Fields Too Large"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t at = 0; at < sizeof phrases / sizeof phrases[0]; at++) {
        if (phrases[at].status == status) {
            return phrases[at].phrase;
        }
    }
    return "Unknown";
}

static void refuse(http_link_t *link, unsigned status) {
    char text[64];
    int size = snprintf(text, sizeof text, "{\"error\":\"%s\"}\n", phrase_of(status));
    link->refused = true;
    http_link_answer(link, status, "application/json", bytes_of(text, (size_t)size));
}

static bool make_room(http_link_t *link, size_t capacity) {
    if (capacity > link->in_capacity) {
        uint8_t *larger = realloc(link->in, capacity);
        if (larger == NULL) {
            return false;
        }
        link->in = larger;
        link->in_capacity = capacity;
    }
    return true;
}

/* Too small for the socket not to take it at once; a client that waits for it in vain sends its
 * body all the same after a while. */
static void say_continue(http_link_t *link) {
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t piece = uv_buf_init(text, sizeof text - 1);
    link->continued = true;
    (void)uv_try_write((uv_stream_t *)&link->tcp, &piece, 1);
}

/* Is there a whole request? */
static void look(http_link_t *link) {
    unsigned status = http_head_parse(bytes_of(link->in, link->in_size),
                                      link->http->options.body_max, &link->head);
    if (status == 0) {
        return;
    }
    if (status != 200) {
        refuse(link, status);
        return;
    }
    if (!make_room(link, request_size(link))) {
        http_link_close(link);
        return;
    }
    if (link->in_size < request_size(link)) {
        if (link->head.expects && !link->continued) {
            say_continue(link);
        }
        return;
    }
    set_reading(link, false);
    enter(link, HTTP_READY);
    http_turn(link);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
    http_link_t *link = stream->data;
    (void)buffer;
    if (got < 0) {
        http_link_close(link);
    } else if (got > 0 && link->state == HTTP_READING) {
        if (link->in_size == 0) {
            link->since_ms = now_ms(link);
        }
        link->in_size += (size_t)got;
        look(link);
    }
}

bool http_link_open(http_link_t *link, http_t *http) {
    *link = (http_link_t){.http = http};
    link->in = malloc(HTTP_HEAD_MAX);
    link->in_capacity = HTTP_HEAD_MAX;
    if (link->in == NULL || uv_tcp_init(http->options.loop, &link->tcp) != 0) {
        free(link->in);
        link->in = NULL;
        return false;
    }
    link->tcp.data = link->write.data = link->shutdown.data = link;
    http->handles++;
    http->counters.connections++;
    enter(link, HTTP_READING);
    if (uv_accept((uv_stream_t *)&http->listener, (uv_stream_t *)&link->tcp) != 0) {
        http_link_close(link);
        return true;
    }
    (void)uv_tcp_nodelay(&link->tcp, 1);
    set_reading(link, true);
    return true;
}

/* ---- the answer ---- */

void http_link_serve(http_link_t *link) {
    http_t *http = link->http;
    const http_head_t *head = &link->head;
    http_request_t request = {
        .method = head->method == HTTP_HEAD ? HTTP_GET : head->method,
        .path = head->path,
        .query = head->query,
        .body = bytes_of(link->in + head->head_size, (size_t)head->content_length),
        .of_a_page = head->of_a_page};
    invariant(link->state == HTTP_READY);
    enter(link, HTTP_ASKED);
    link->ticket = ++http->tickets * HTTP_CONNECTIONS_MAX + (uint64_t)(link - http->links);
    http->options.on_request(http->options.context, link->ticket, &request);
}

/* What came behind the request moves to the front and is looked at. */
static void next_request(http_link_t *link) {
    size_t used = request_size(link);
    memmove(link->in, link->in + used, link->in_size - used);
    link->in_size -= used;
    link->continued = false;
    enter(link, HTTP_READING);
    set_reading(link, true);
    if (link->state == HTTP_READING && link->in_size > 0) {
        look(link);
    }
}

static void on_shut(uv_shutdown_t *request, int status) {
    http_link_t *link = request->data;
    if (status != 0) {
        http_link_close(link);
    }
}

/* Closing at once could throw away what the client has not read yet (RFC 9112, 9.6). */
static void end(http_link_t *link) {
    enter(link, HTTP_ENDING);
    if (uv_shutdown(&link->shutdown, (uv_stream_t *)&link->tcp, on_shut) != 0) {
        http_link_close(link);
        return;
    }
    set_reading(link, true); /* to see it close; what comes is not looked at */
}

static void on_written(uv_write_t *request, int status) {
    http_link_t *link = request->data;
    free(link->out);
    link->out = NULL;
    if (link->state != HTTP_WRITING) {
        return;
    }
    if (status != 0) {
        http_link_close(link);
    } else if (link->refused || !link->head.keep_alive || link->http->stopping) {
        end(link);
    } else {
        next_request(link);
    }
}

static int print_head(const http_link_t *link, char *to, unsigned status, const char *type,
                      size_t size) {
    char date[48];
    struct tm broken;
    time_t now = time(NULL);
    (void)gmtime_r(&now, &broken);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &broken);
    bool closes = link->refused || !link->head.keep_alive;
    int head = snprintf(to, ANSWER_HEAD_MAX,
                        "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%s\r\n",
                        status, phrase_of(status), date, type, size,
                        status == 405 ? "Allow: GET, HEAD, POST\r\n" : "",
                        closes ? "Connection: close\r\n" : "");
    invariant(head > 0 && head < ANSWER_HEAD_MAX);
    return head;
}

void http_link_answer(http_link_t *link, unsigned status, const char *type, bytes_t body) {
    bool without = link->head.method == HTTP_HEAD && !link->refused;
    size_t size = without ? 0 : body.size;
    invariant(link->out == NULL);
    link->http->counters.answers[status / 100 % 6]++;
    link->ticket = 0;
    link->out = malloc(ANSWER_HEAD_MAX + size);
    if (link->out == NULL) {
        http_link_close(link);
        return;
    }
    size_t head = (size_t)print_head(link, link->out, status, type, body.size);
    if (size > 0) {
        memcpy(link->out + head, body.data, size);
    }
    uv_buf_t piece = uv_buf_init(link->out, (unsigned)(head + size));
    set_reading(link, false);
    enter(link, HTTP_WRITING);
    if (uv_write(&link->write, (uv_stream_t *)&link->tcp, &piece, 1, on_written) != 0) {
        http_link_close(link);
    }
}

/* ---- time ---- */

void http_link_tick(http_link_t *link, uint64_t now) {
    const http_options_t *options = &link->http->options;
    uint64_t spent = now - link->since_ms;
    uint64_t most = UINT64_MAX;
    switch (link->state) {
    case HTTP_READING:
        if (link->in_size > 0 && spent > options->request_ms) {
            link->http->counters.timeouts++;
            refuse(link, 408);
            return;
        }
        most = options->idle_ms;
        break;
    case HTTP_ASKED:
        most = ASKED_MS;
        break;
    case HTTP_WRITING:
        most = options->answer_ms;
        break;
    case HTTP_ENDING:
        most = ENDING_MS;
        break;
    default:
        break;
    }
    if (spent > most) {
        link->http->counters.timeouts += link->state == HTTP_WRITING ? 1 : 0;
        http_link_close(link);
    }
}
