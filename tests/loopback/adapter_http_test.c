/* The HTTP server against clients that are slow, many, greedy or gone (attacks N1, N4, N5, N7). */
#include "../unit/adapter_world.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "adapter/http.h"

#define LARGE_BYTES ((size_t)8 << 20)
#define BODY_MAX (3 * HTTP_HEAD_MAX)

static uv_loop_t loop;
static http_t *http;
static http_ticket_t late; /* of a request for /late, which waits */
static uint32_t asked;     /* requests that came through */
static char *large;

static void burn(uint64_t time_ns) {
    uint64_t end = uv_hrtime() + time_ns;
    while (uv_hrtime() < end) {
    }
}

static void on_request(void *context, http_ticket_t ticket, const http_request_t *request) {
    (void)context;
    char text[64];
    asked++;
    if (memcmp(request->path.data, "/late", 5) == 0) {
        late = ticket;
    } else if (memcmp(request->path.data, "/large", 6) == 0) {
        http_answer(http, ticket, 200, "text/plain", bytes_of(large, LARGE_BYTES));
    } else {
        burn(memcmp(request->path.data, "/work", 5) == 0 ? 5000000 : 0);
        int size = snprintf(text, sizeof text, "%.*s %zu", (int)request->path.size,
                            (const char *)request->path.data, request->body.size);
        http_answer(http, ticket, 200, "text/plain", bytes_of(text, (size_t)size));
    }
}

static int start(void **state) {
    (void)state;
    const address_t address = {.host = "127.0.0.1"};
    const http_options_t options = {.loop = &loop,
                                    .listen = &address,
                                    .body_max = BODY_MAX,
                                    .on_request = on_request,
                                    .request_ms = 300,
                                    .idle_ms = 1000,
                                    .answer_ms = 500};
    asked = 0;
    late = 0;
    large = calloc(1, LARGE_BYTES);
    return large != NULL && uv_loop_init(&loop) == 0 &&
                   http_open(&options, &http, &world_reason) == SYNOD_OK
               ? 0
               : -1;
}

static int stop(void **state) {
    (void)state;
    http_stop(http);
    while (!http_stopped(http)) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    http_free(http);
    free(large);
    return uv_loop_close(&loop);
}

/* ---- clients ---- */

typedef struct client {
    int file;
    char said[65536];
    size_t size;
    bool closed;
} client_t;

static client_t dial(void) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(http_port(http)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client_t client = {.file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    assert_true(client.file >= 0);
    assert_true(connect(client.file, (struct sockaddr *)&at, sizeof at) == 0 ||
                errno == EINPROGRESS);
    return client;
}

static void say(client_t *client, const char *text) {
    size_t size = strlen(text);
    for (int tries = 0; size > 0 && tries < 1000; tries++) {
        ssize_t sent = send(client->file, text, size, MSG_NOSIGNAL);
        text += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(size, 0);
}

static void hear(client_t *client) {
    size_t room = sizeof client->said - client->size - 1;
    ssize_t got = client->closed ? 0 : recv(client->file, client->said + client->size, room, 0);
    client->closed = client->closed || got == 0 || (got < 0 && errno != EAGAIN);
    client->size += got > 0 ? (size_t)got : 0;
    client->said[client->size] = '\0';
}

static void forget(client_t *client) {
    client->size = 0;
    client->said[0] = '\0';
}

#define UNTIL(client, condition)                                                                   \
    do {                                                                                           \
        uint64_t end = uv_hrtime() + UINT64_C(5000000000);                                         \
        while (!(condition)) {                                                                     \
            if (uv_hrtime() > end) {                                                               \
                fail_msg("not within 5 s: %s; said: %.200s", #condition, (client)->said);          \
            }                                                                                      \
            (void)uv_run(&loop, UV_RUN_NOWAIT);                                                    \
            hear(client);                                                                          \
            const struct timespec pause = {0, 200000};                                             \
            (void)nanosleep(&pause, NULL);                                                         \
        }                                                                                          \
    } while (false)

static bool says(const client_t *client, const char *text) {
    return strstr(client->said, text) != NULL;
}

static void hang_up(client_t *client) {
    (void)close(client->file);
}

/* ---- those who behave ---- */

static void test_keep_alive(void **state) {
    (void)state;
    client_t client = dial();
    for (uint32_t count = 0; count < 3; count++) {
        forget(&client);
        say(&client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        UNTIL(&client, says(&client, "\r\n\r\n/a 0"));
        assert_true(says(&client, "HTTP/1.1 200 OK\r\n") && says(&client, "Content-Length: 4\r\n"));
    }
    forget(&client);
    say(&client, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&client, says(&client, "\r\n\r\n"));
    assert_true(says(&client, "Content-Length: 4\r\n") && !says(&client, "/a 0"));
    say(&client, "GET /b HTTP/1.0\r\n\r\n");
    UNTIL(&client, client.closed);
    assert_true(says(&client, "Connection: close\r\n") && says(&client, "/b 0"));
    assert_int_equal(http_counters(http)->answers[2], 5);
    hang_up(&client);
}

static void test_pipelined(void **state) {
    (void)state;
    client_t client = dial();
    say(&client,
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3"
        "\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /4");
    UNTIL(&client, client.closed);
    const char *first = strstr(client.said, "/1 0"), *second = strstr(client.said, "/2 3"),
               *third = strstr(client.said, "/3 0");
    assert_true(first != NULL && second > first && third > second);
    assert_int_equal(asked, 3);
    hang_up(&client);
}

static void test_continue(void **state) {
    (void)state;
    client_t client = dial();
    say(&client,
        "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    UNTIL(&client, says(&client, "100 Continue"));
    assert_int_equal(asked, 0);
    say(&client, "abc");
    UNTIL(&client, says(&client, "/2 3"));
    hang_up(&client);
}

/* A body larger than the room that every connection has from its start; what came behind it is not
 * lost, and the room is there for the next one. */
static void test_large_body(void **state) {
    (void)state;
    static char text[BODY_MAX + 256];
    client_t client = dial();
    for (uint32_t count = 0; count < 2; count++) {
        forget(&client);
        int head = snprintf(text, sizeof text,
                            "POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
                            count == 0 ? "first" : "next", BODY_MAX);
        memset(text + head, 'a', BODY_MAX);
        (void)snprintf(text + head + BODY_MAX, 64, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
        say(&client, text);
        UNTIL(&client, says(&client, "/b 0"));
        assert_true(says(&client, count == 0 ? "/first 24576" : "/next 24576"));
    }
    assert_int_equal(asked, 4);
    hang_up(&client);
}

static void test_late_answer(void **state) {
    (void)state;
    client_t client = dial(), other = dial();
    say(&client, "GET /late HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&client, late != 0);
    say(&other, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&other, says(&other, "/b 0"));
    assert_int_equal(client.size, 0);
    http_ticket_t first = late;
    http_answer(http, first, 410, "text/plain", bytes_of("now", 3));
    http_answer(http, first, 410, "text/plain", bytes_of("again", 5)); /* is not used again */
    UNTIL(&client, says(&client, "now") && says(&client, "/a 0"));
    assert_true(says(&client, "HTTP/1.1 410 Gone") && !says(&client, "again"));
    /* The client is gone before its answer is there. */
    say(&client, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&client, late != first);
    hang_up(&client);
    http_answer(http, late, 200, "text/plain", bytes_of("now", 3));
    UNTIL(&other, http_counters(http)->connections == 1);
    hang_up(&other);
}

/* ---- those who do not ---- */

/* A byte now and then keeps nobody's place. */
static void test_slow_writer(void **state) {
    (void)state;
    client_t client = dial();
    uint64_t begun = uv_hrtime();
    say(&client, "GET / HT");
    UNTIL(&client, says(&client, "408 ") && client.closed);
    assert_true(uv_hrtime() - begun < UINT64_C(3000000000));
    assert_int_equal(http_counters(http)->timeouts, 1);
    assert_int_equal(asked, 0);
    hang_up(&client);
}

static void test_huge_head(void **state) {
    (void)state;
    client_t client = dial();
    static char huge[HTTP_HEAD_MAX + 1]; /* at once: time is not what this is about */
    memset(huge, 'a', HTTP_HEAD_MAX);
    memcpy(huge, "GET / HTTP/1.1\r\nA: ", 19);
    say(&client, huge);
    UNTIL(&client, says(&client, "431 ") && client.closed);
    client_t other = dial();
    char much[128];
    (void)snprintf(much, sizeof much, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
                   BODY_MAX + 1);
    say(&other, much);
    UNTIL(&other, says(&other, "413 ") && other.closed);
    assert_int_equal(http_counters(http)->answers[4], 2);
    assert_int_equal(asked, 0);
    hang_up(&client);
    hang_up(&other);
}

/* The answer that nobody reads goes, and with it its memory. */
static void test_slow_reader(void **state) {
    (void)state;
    client_t client = dial(), other = dial();
    say(&client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    say(&other, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&other, says(&other, "/b 0") && http_counters(http)->timeouts == 1 &&
                      http_counters(http)->connections == 1);
    hang_up(&client);
    hang_up(&other);
}

static void test_silence(void **state) {
    (void)state;
    client_t client = dial();
    UNTIL(&client, http_counters(http)->connections == 1);
    UNTIL(&client, client.closed);
    assert_int_equal(client.size, 0);
    hang_up(&client);
}

/* Who was told that the connection ends and does not close it is closed, whatever it still sends.
 */
static void test_end_not_taken(void **state) {
    (void)state;
    client_t client = dial();
    say(&client, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    UNTIL(&client, client.closed); /* its half */
    assert_true(says(&client, "/a 0"));
    assert_int_equal(http_counters(http)->connections, 1);
    uint64_t begun = uv_hrtime();
    (void)send(client.file, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n", 28, MSG_NOSIGNAL);
    UNTIL(&client, http_counters(http)->connections == 0);
    assert_true(uv_hrtime() - begun > UINT64_C(500000000));
    assert_int_equal(asked, 1);
    hang_up(&client);
}

/* A client that resets its connection while its answer is written, or before it is there. */
static void test_reset(void **state) {
    (void)state;
    static const char *const requests[] = {"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
                                           "GET /late HTTP/1.1\r\nHost: x\r\n\r\n"};
    const struct linger at_once = {.l_onoff = 1};
    for (uint32_t count = 0; count < 2; count++) {
        client_t client = dial();
        say(&client, requests[count]);
        UNTIL(&client, asked == count + 1);
        assert_int_equal(http_counters(http)->connections, 1);
        (void)setsockopt(client.file, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        hang_up(&client);
        if (count == 1) {
            http_answer(http, late, 200, "text/plain", bytes_of(large, LARGE_BYTES));
        }
        uint64_t begun = uv_hrtime();
        while (http_counters(http)->connections > 0 && uv_hrtime() - begun < 5000000000u) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
        assert_int_equal(http_counters(http)->connections, 0);
        assert_true(uv_hrtime() - begun < UINT64_C(400000000)); /* and not by its time-out */
    }
    assert_int_equal(http_counters(http)->timeouts, 0);
}

/* Whoever holds all places idle makes room; whoever holds them busy keeps them, and others are
 * turned away. */
static void test_crowd(void **state) {
    (void)state;
    static client_t crowd[HTTP_CONNECTIONS_MAX + 8];
    const uint32_t size = sizeof crowd / sizeof crowd[0];
    for (uint32_t at = 0; at < size; at++) {
        crowd[at] = dial();
        UNTIL(&crowd[at], http_counters(http)->accepted + http_counters(http)->turned_away > at);
        assert_true(http_counters(http)->connections <= HTTP_CONNECTIONS_MAX);
    }
    client_t last = dial();
    say(&last, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&last, says(&last, "/last 0"));
    UNTIL(&crowd[0], crowd[0].closed);
    for (uint32_t at = 0; at < size; at++) {
        hang_up(&crowd[at]);
    }
    hang_up(&last);
}

/* All places are taken by those who wait for an answer: none of them loses it to who comes then. */
static void test_busy_crowd(void **state) {
    (void)state;
    static client_t crowd[HTTP_CONNECTIONS_MAX];
    http_ticket_t tickets[HTTP_CONNECTIONS_MAX];
    for (uint32_t at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        crowd[at] = dial();
        say(&crowd[at], "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
        UNTIL(&crowd[at], asked == at + 1);
        tickets[at] = late;
    }
    for (uint32_t count = 1; count <= 3; count++) {
        client_t stranger = dial();
        UNTIL(&stranger, stranger.closed);
        assert_int_equal(stranger.size, 0);
        assert_int_equal(http_counters(http)->turned_away, count);
        hang_up(&stranger);
    }
    for (uint32_t at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        http_answer(http, tickets[at], 200, "text/plain", bytes_of("now", 3));
        UNTIL(&crowd[at], says(&crowd[at], "now"));
        hang_up(&crowd[at]);
    }
    client_t last = dial();
    say(&last, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&last, says(&last, "/last 0"));
    hang_up(&last);
}

/* Eight clients ask without end for what costs 5 ms each: the loop is theirs for a tenth. */
static void test_share(void **state) {
    (void)state;
    client_t clients[8];
    for (uint32_t at = 0; at < 8; at++) {
        clients[at] = dial();
    }
    uint64_t begun = uv_hrtime();
    uint32_t before = asked;
    while (uv_hrtime() - begun < UINT64_C(1000000000)) {
        for (uint32_t at = 0; at < 8; at++) {
            (void)send(clients[at].file, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n", 31, MSG_NOSIGNAL);
            (void)uv_run(&loop, UV_RUN_NOWAIT);
            forget(&clients[at]);
            hear(&clients[at]);
        }
    }
    uint32_t served = asked - before;
    /* 20 in a second, if the loop is never late. */
    assert_true(served >= 4 && served <= 24);
    for (uint32_t at = 0; at < 8; at++) {
        hang_up(&clients[at]);
    }
}

/* All eight have their turn. */
static void test_turns(void **state) {
    (void)state;
    client_t clients[8];
    for (uint32_t at = 0; at < 8; at++) {
        clients[at] = dial();
        say(&clients[at], "GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (uint32_t at = 0; at < 8; at++) {
        UNTIL(&clients[at], says(&clients[at], "/work 0"));
        hang_up(&clients[at]);
    }
}

static void test_port_in_use(void **state) {
    (void)state;
    http_t *second = NULL;
    const address_t address = {.host = "127.0.0.1", .port = http_port(http)};
    const http_options_t options = {.loop = &loop, .listen = &address, .on_request = on_request};
    assert_int_equal(http_open(&options, &second, &world_reason), SYNOD_IN_USE);
    assert_non_null(strstr(world_reason.text, "`http.listen`"));
    assert_null(second);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_keep_alive),    TEST(test_pipelined),   TEST(test_continue),
        TEST(test_large_body),    TEST(test_late_answer), TEST(test_slow_writer),
        TEST(test_huge_head),     TEST(test_slow_reader), TEST(test_silence),
        TEST(test_end_not_taken), TEST(test_reset),       TEST(test_crowd),
        TEST(test_busy_crowd),    TEST(test_share),       TEST(test_turns),
        TEST(test_port_in_use),
    };
    return cmocka_run_group_tests_name("adapter.http", tests, NULL, NULL);
}
