/* Several networks on one loop, and a stranger with a bare socket: what the tests of links share.
 */
#ifndef TESTS_LOOPBACK_ADAPTER_NET_WORLD_H
#define TESTS_LOOPBACK_ADAPTER_NET_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/uv_net.h"

#define PARTIES_MAX 8
#define LINKS_MAX 128

typedef struct party {
    net_t *net;
    uint8_t seed[TLS_SEED_BYTES];
    /* what was told */
    uint32_t ups, downs, live;
    uint64_t frames, bytes;
    link_t links[LINKS_MAX];     /* of those that are up; LINK_NONE: free */
    member_t members[LINKS_MAX]; /* who they are */
    frame_kind_t last_kind;
    uint8_t last_body[256];
    size_t last_size;
    link_t last_link;
    uint64_t numbers[64]; /* that the first frames begin with */
    uint64_t expected;    /* frames carry a number that counts up, unless this is off */
    bool counts, out_of_order;
    bool close_on_frame; /* closes the link from within the event */
    bool send_on_turn;   /* sends one more frame whenever a turn ends with a live link */
    uint64_t turns;
} party_t;

static uv_loop_t world_loop;
static party_t parties[PARTIES_MAX];
static net_peer_t world_peers[PARTIES_MAX];
static reason_t world_reason;
/* A call of the network is under way: it must not call back. */
static bool world_calling;

/* ---- events ---- */

static inline uint32_t party_slot(const party_t *party, link_t link) {
    uint32_t slot = 0;
    while (slot < LINKS_MAX && party->links[slot] != link) {
        slot++;
    }
    assert_true(slot < LINKS_MAX);
    return slot;
}

static inline void party_up(void *context, link_t link, member_t member, uint64_t connection) {
    party_t *party = context;
    uint32_t slot = party_slot(party, LINK_NONE);
    assert_false(world_calling);
    assert_int_not_equal(connection, 0);
    party->links[slot] = link;
    party->members[slot] = member;
    party->ups++;
    party->live++;
}

static inline void party_down(void *context, link_t link) {
    party_t *party = context;
    assert_false(world_calling);
    party->links[party_slot(party, link)] = LINK_NONE;
    party->downs++;
    party->live--;
}

static inline void party_close(const party_t *party, link_t link) {
    world_calling = true;
    net_close(party->net, link);
    world_calling = false;
}

static inline void party_frame(void *context, link_t link, frame_t frame) {
    party_t *party = context;
    (void)party_slot(party, link); /* it was told that this link is up */
    if (party->frames < 64 && frame.body.size >= 8) {
        party->numbers[party->frames] = load_u64(frame.body.data);
    }
    party->frames++;
    party->bytes += frame.body.size;
    party->last_kind = frame.kind;
    party->last_link = link;
    party->last_size =
        frame.body.size < sizeof party->last_body ? frame.body.size : sizeof party->last_body;
    memcpy(party->last_body, frame.body.data, party->last_size);
    if (party->counts) {
        party->out_of_order |= frame.body.size < 8 || load_u64(frame.body.data) != party->expected;
        party->expected++;
    }
    if (party->close_on_frame) {
        party_close(party, link);
    }
}

/* ---- frames ---- */

/* A frame of `size` body bytes that begin with `number`; the next call overwrites it. */
static inline bytes_t world_frame(frame_kind_t kind, size_t size, uint64_t number) {
    static uint8_t room[FRAME_HEADER_BYTES + FRAME_BODY_MAX];
    memset(room + FRAME_HEADER_BYTES, 0x5a, size);
    if (size >= 8) {
        store_u64(room + FRAME_HEADER_BYTES, number);
    }
    frame_seal(room, kind, size);
    return bytes_of(room, FRAME_HEADER_BYTES + size);
}

/* The link to a member, or LINK_NONE. MEMBER_NONE: to any client. */
static inline link_t party_link(const party_t *party, member_t member) {
    for (uint32_t slot = 0; slot < LINKS_MAX; slot++) {
        if (party->links[slot] != LINK_NONE && party->members[slot] == member) {
            return party->links[slot];
        }
    }
    return LINK_NONE;
}

static inline void party_send(party_t *party, member_t to, lane_t lane, bytes_t frame) {
    link_t link = party_link(party, to);
    world_calling = true;
    net_send(party->net, &link, 1, lane, frame);
    world_calling = false;
}

static inline void party_turn(void *context) {
    party_t *party = context;
    party->turns++;
    if (party->send_on_turn && party->live > 0) {
        party_send(party, MEMBER_NONE, LANE_BULK, world_frame(FRAME_BLOCK, 65536, 0));
    }
}

/* ---- parties ---- */

static inline void world_open_loop(void) {
    assert_int_equal(uv_loop_init(&world_loop), 0);
    memset(parties, 0, sizeof parties);
    memset(world_peers, 0, sizeof world_peers);
    for (uint32_t index = 0; index < PARTIES_MAX; index++) {
        memset(parties[index].seed, (int)index + 1, TLS_SEED_BYTES);
        assert_int_equal(tls_key_of_seed(parties[index].seed, &world_peers[index].key), SYNOD_OK);
        (void)snprintf(world_peers[index].address.host, sizeof world_peers[index].address.host,
                       "127.0.0.1");
        /* Nobody listens there until somebody does. */
        world_peers[index].address.port = 1;
    }
}

/* Options with short times, for party `index` as a member of `count`. */
static inline net_options_t world_options(uint32_t index, uint32_t count) {
    static const address_t any = {.host = "127.0.0.1"};
    return (net_options_t){.loop = &world_loop,
                           .tls_seed = parties[index].seed,
                           .peers = world_peers,
                           .peer_count = count,
                           .self = index,
                           .listen = &any,
                           .dial_min_ms = 5,
                           .dial_max_ms = 50,
                           .handshake_timeout_ms = 2000,
                           .ping_interval_ms = 1000,
                           .idle_timeout_ms = 4000};
}

static inline synod_status world_try(uint32_t index, const net_options_t *options) {
    party_t *party = &parties[index];
    net_events_t events = {party, party_up, party_down, party_frame, party_turn};
    synod_status status = net_open(options, &events, &party->net, &world_reason);
    if (status == SYNOD_OK && options->listen != NULL && options->self != MEMBER_NONE) {
        world_peers[options->self].address.port = net_port(party->net);
    }
    return status;
}

static inline void world_start(uint32_t index, const net_options_t *options) {
    synod_status status = world_try(index, options);
    if (status != SYNOD_OK) {
        fail_msg("net_open: %s", world_reason.text);
    }
}

/* A party without a certificate that dials the first `count`. */
static inline net_options_t world_client(uint32_t count) {
    net_options_t options = world_options(0, count);
    options.tls_seed = NULL;
    options.self = MEMBER_NONE;
    options.listen = NULL;
    return options;
}

static inline void world_stop(uint32_t index) {
    party_t *party = &parties[index];
    if (party->net == NULL) {
        return;
    }
    net_stop(party->net, SYNOD_CLOSED, "the test is over");
    while (!net_stopped(party->net)) {
        (void)uv_run(&world_loop, UV_RUN_ONCE);
    }
    net_free(party->net);
    party->net = NULL;
    assert_int_equal(party->live, 0);
    assert_int_equal(party->ups, party->downs);
}

static inline void world_close_loop(void) {
    for (uint32_t index = 0; index < PARTIES_MAX; index++) {
        world_stop(index);
    }
    (void)uv_run(&world_loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world_loop), 0);
}

static inline int world_setup(void **state) {
    (void)state;
    world_open_loop();
    return 0;
}
static inline int world_teardown(void **state) {
    (void)state;
    world_close_loop();
    return 0;
}

/* One turn of the loop, waiting a little. */
static inline void world_turn(void) {
    if (uv_run(&world_loop, UV_RUN_NOWAIT) != 0) {
        (void)usleep(200);
    }
}

static inline uint64_t world_ms(void) {
    return uv_hrtime() / 1000000;
}

static inline void world_run_ms(uint64_t time_ms) {
    for (uint64_t end = world_ms() + time_ms; world_ms() < end;) {
        world_turn();
    }
}

/* Runs until the condition holds; ten seconds are enough for everything here. */
#define run_until(condition)                                                                       \
    do {                                                                                           \
        uint64_t until_end = world_ms() + 10000;                                                   \
        while (!(condition) && world_ms() < until_end) {                                           \
            world_turn();                                                                          \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

/* ---- a stranger with a bare socket, who may also speak TLS ---- */

typedef struct stranger {
    int socket;
    tls_t *tls;
    tls_session_t session;
    budget_t budget;
    buffer_t out, in; /* ciphertext to send; plain text received */
    bool shaken, closed;
    bool deaf; /* does not read */
} stranger_t;

static inline bool stranger_trusts(void *context, const tls_key_t *key) {
    (void)context;
    (void)key;
    return true;
}

static inline void stranger_connect(stranger_t *stranger, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    *stranger = (stranger_t){.budget = {.limit_bytes = SIZE_MAX}};
    stranger->out.budget = stranger->in.budget = &stranger->budget;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    stranger->socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(stranger->socket >= 0);
    assert_int_equal(connect(stranger->socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(stranger->socket, F_SETFL, O_NONBLOCK), 0);
}

static inline void stranger_read(stranger_t *stranger) {
    uint8_t bytes[16384];
    ssize_t got = recv(stranger->socket, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        stranger->closed = true;
    }
    if (got <= 0) {
        return;
    }
    if (stranger->tls == NULL) {
        assert_true(buffer_append(&stranger->in, bytes_of(bytes, (size_t)got)));
        return;
    }
    tls_feed(&stranger->session, bytes_of(bytes, (size_t)got));
    if (!stranger->shaken) {
        stranger->shaken = tls_handshake(&stranger->session) == TLS_DONE;
    }
    size_t size = 0;
    while (stranger->shaken) {
        uint8_t *room = buffer_reserve(&stranger->in, 16384);
        if (tls_read(&stranger->session, room, 16384, &size) != TLS_DONE) {
            break;
        }
        buffer_fill(&stranger->in, size);
    }
    stranger->session.input_size = 0;
}

/* Sends and receives what is possible now, and turns the loop once. */
static inline void stranger_step(stranger_t *stranger) {
    bytes_t bytes = buffer_bytes(&stranger->out);
    if (bytes.size > 0 && !stranger->closed) {
        ssize_t sent = send(stranger->socket, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent > 0) {
            buffer_consume(&stranger->out, (size_t)sent);
        } else if (errno != EAGAIN) {
            stranger->closed = true;
        }
    }
    if (!stranger->deaf && !stranger->closed) {
        stranger_read(stranger);
    }
    world_turn();
}

#define stranger_until(stranger, condition)                                                        \
    do {                                                                                           \
        uint64_t stranger_end = world_ms() + 10000;                                                \
        while (!(condition) && world_ms() < stranger_end) {                                        \
            stranger_step(stranger);                                                               \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

/* Connects and begins to shake hands; with a seed it shows that key. Its own judgement accepts
 * everybody. */
static inline void stranger_begin(stranger_t *stranger, uint16_t port, const uint8_t *seed) {
    stranger_connect(stranger, port);
    stranger->tls = tls_open(seed, &world_reason);
    assert_non_null(stranger->tls);
    assert_true(tls_session_open(stranger->tls, &stranger->session, TLS_DIALS, &stranger->out,
                                 stranger_trusts, NULL));
    stranger->session.out = &stranger->out;
    assert_int_equal(tls_handshake(&stranger->session), TLS_AGAIN);
}

static inline bool stranger_has_shaken(const stranger_t *stranger) {
    return stranger->closed || (stranger->shaken && buffer_size(&stranger->out) == 0);
}

static inline void stranger_shake(stranger_t *stranger, uint16_t port, const uint8_t *seed) {
    stranger_begin(stranger, port, seed);
    stranger_until(stranger, stranger_has_shaken(stranger));
}

static inline void stranger_say(stranger_t *stranger, const void *bytes, size_t size) {
    if (stranger->tls == NULL) {
        assert_true(buffer_append(&stranger->out, bytes_of(bytes, size)));
    } else {
        assert_int_equal(tls_write(&stranger->session, bytes_of(bytes, size)), TLS_DONE);
    }
}

static inline void stranger_end(stranger_t *stranger) {
    if (stranger->tls != NULL) {
        tls_session_close(&stranger->session);
        tls_close(stranger->tls);
    }
    buffer_free(&stranger->out);
    buffer_free(&stranger->in);
    (void)close(stranger->socket);
}

#endif
