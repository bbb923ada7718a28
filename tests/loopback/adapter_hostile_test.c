/* Links with strangers who mean harm: garbage, half handshakes, frames that cannot be, bytes that
 * come one a second, peers that do not read (attacks N1, N4, N5, N7, N10, N11, N13). In each case
 * good links go on. */
#include "adapter_net_world.h"

static stranger_t stranger;

static const net_counters_t *counters(void) {
    return net_counters(parties[0].net);
}

/* Party 0 listens as one of three members, with short times; party 1 is connected and stays so. */
static void start_target(const net_options_t *changes) {
    net_options_t options = world_options(0, 3);
    options.handshake_timeout_ms = changes != NULL && changes->handshake_timeout_ms != 0
                                       ? changes->handshake_timeout_ms
                                       : options.handshake_timeout_ms;
    if (changes != NULL) {
        options.clients_max = changes->clients_max;
        options.client_memory_bytes = changes->client_memory_bytes;
        options.frame_timeout_ms = changes->frame_timeout_ms;
        options.idle_timeout_ms = changes->idle_timeout_ms;
        options.ping_interval_ms = changes->ping_interval_ms;
    }
    world_start(0, &options);
    options = world_options(1, 3);
    world_start(1, &options);
    run_until(parties[0].live == 1 && parties[1].live == 1);
    party_send(&parties[1], 0, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 64, 0));
    run_until(parties[0].frames == 1);
}

static uint16_t port(void) {
    return net_port(parties[0].net);
}

/* The good member's link carried on. */
static void assert_undisturbed(void) {
    uint64_t frames = parties[0].frames;
    party_send(&parties[1], 0, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 5000, 1));
    run_until(parties[0].frames > frames);
    assert_int_equal(parties[1].downs, 0);
}

/* ---- before the handshake is done ---- */

/* attack N13: the failure of one handshake ends no other link. */
static void test_garbage(void **state) {
    (void)state;
    const char *const texts[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "SSH-2.0-x\r\n",
                                 "\x80\x2e\x01\x00\x02", "\x16\x03\x03\x00\x05hello"};
    start_target(NULL);
    for (size_t at = 0; at < sizeof texts / sizeof texts[0]; at++) {
        for (uint32_t size = 1; size <= 4096; size *= 64) {
            stranger_connect(&stranger, port());
            stranger_say(&stranger, texts[at], 5);
            for (uint32_t more = 0; more < size; more++) {
                stranger_say(&stranger, "\xa5", 1);
            }
            stranger_until(&stranger, stranger.closed || buffer_size(&stranger.out) == 0);
            assert_undisturbed();
            stranger_end(&stranger);
        }
    }
    run_until(counters()->handshakes_failed == 15);
    assert_int_equal(parties[0].ups, 1);
}

/* attack N5: a handshake that begins and does not go on. */
static void test_half_handshake(void **state) {
    (void)state;
    const net_options_t changes = {.handshake_timeout_ms = 150};
    start_target(&changes);
    for (size_t size = 0; size < 300; size = size * 3 + 1) {
        uint64_t timeouts = counters()->timeouts, start = world_ms();
        stranger_connect(&stranger, port());
        stranger.tls = tls_open(NULL, &world_reason);
        assert_true(tls_session_open(stranger.tls, &stranger.session, TLS_DIALS, &stranger.out,
                                     stranger_trusts, NULL));
        assert_int_equal(tls_handshake(&stranger.session), TLS_AGAIN);
        stranger.out.tail = stranger.out.head + size;
        stranger.deaf = true;
        stranger_until(&stranger, counters()->timeouts > timeouts);
        assert_in_range(world_ms() - start, 100, 2000);
        stranger_end(&stranger);
    }
    assert_undisturbed();
}

/* Connections that say nothing do not keep a member out. */
static void test_many_silent(void **state) {
    (void)state;
    static stranger_t crowd[300];
    start_target(NULL);
    for (size_t at = 0; at < 300; at++) {
        stranger_connect(&crowd[at], port());
        world_turn();
    }
    run_until(counters()->refused >= 100);
    net_options_t options = world_options(2, 3);
    world_start(2, &options);
    run_until(parties[0].live == 2 && parties[2].live == 2);
    for (size_t at = 0; at < 300; at++) {
        stranger_end(&crowd[at]);
    }
    assert_undisturbed();
}

/* ---- after the handshake ---- */

/* attack N5: a channel, and then nothing. */
static void test_silent_client(void **state) {
    (void)state;
    const net_options_t changes = {.handshake_timeout_ms = 150};
    start_target(&changes);
    stranger_shake(&stranger, port(), NULL);
    stranger_until(&stranger, stranger.closed);
    assert_int_equal(counters()->timeouts, 1);
    assert_int_equal(parties[0].downs, 1);
    stranger_end(&stranger);
    assert_undisturbed();
}

static void put_header(uint8_t *header, uint32_t length, uint16_t version, uint16_t kind) {
    store_u32(header, length);
    store_u16(header + 4, version);
    store_u16(header + 6, kind);
    store_u32(header + 8, 0);
}

/* attack N1: lengths that cannot be, versions and kinds that do not exist, a wrong checksum.
 * Nothing is waited for and nothing allocated; the peer is told why. */
static void test_wrong_headers(void **state) {
    (void)state;
    const struct {
        uint32_t length;
        uint16_t version, kind;
    } wrong[] = {{UINT32_MAX, 1, FRAME_MESSAGE},
                 {INT32_MAX, 1, FRAME_MESSAGE},
                 {FRAME_BODY_MAX + 1, 1, FRAME_MESSAGE},
                 {9, 1, FRAME_STATUS_ASK},
                 {257, 1, FRAME_HELLO},
                 {65, 1, FRAME_PING},
                 {0, 0, FRAME_PING},
                 {0, 2, FRAME_PING},
                 {0, UINT16_MAX, FRAME_PING},
                 {0, 1, 0},
                 {0, 1, FRAME_KIND_END},
                 {0, 1, UINT16_MAX},
                 {0, 1, FRAME_PING}};
    uint8_t header[FRAME_HEADER_BYTES];
    start_target(NULL);
    for (size_t at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        stranger_shake(&stranger, port(), NULL);
        put_header(header, wrong[at].length, wrong[at].version, wrong[at].kind);
        stranger_say(&stranger, header, sizeof header);
        stranger_until(&stranger, stranger.closed);
        assert_int_equal(counters()->malformed, at + 1);
        frame_t frame;
        size_t used = 0;
        assert_int_equal(frame_decode(buffer_bytes(&stranger.in), &frame, &used), SYNOD_OK);
        assert_int_equal(frame.kind, FRAME_GOODBYE);
        stranger_end(&stranger);
    }
    assert_true(counters()->frames_in < 10);
    assert_undisturbed();
}

/* Frames cut anywhere, and many in one record, are the same frames. */
static void test_any_cut(void **state) {
    (void)state;
    uint8_t bytes[400];
    size_t size = 0;
    start_target(NULL);
    for (uint64_t number = 0; number < 5; number++) {
        bytes_t frame = world_frame(FRAME_REQUEST, 8 + 10 * (size_t)number, number);
        memcpy(bytes + size, frame.data, frame.size);
        size += frame.size;
    }
    for (size_t step = 1; step <= size; step = step * 2 + 1) {
        stranger_shake(&stranger, port(), NULL);
        parties[0].counts = true;
        parties[0].expected = parties[0].frames = 0;
        for (size_t at = 0; at < size; at += step) {
            stranger_say(&stranger, bytes + at, size - at < step ? size - at : step);
            stranger_step(&stranger);
        }
        stranger_until(&stranger, parties[0].frames == 5);
        assert_false(parties[0].out_of_order);
        parties[0].counts = false;
        stranger_end(&stranger);
    }
    assert_undisturbed();
}

/* attack N5: a frame that comes a byte at a time, each byte in time to keep the link alive. */
static void test_slow_frame(void **state) {
    (void)state;
    const net_options_t changes = {.frame_timeout_ms = 300};
    bytes_t frame = world_frame(FRAME_REQUEST, 10000, 1);
    start_target(&changes);
    stranger_shake(&stranger, port(), NULL);
    uint64_t start = world_ms();
    for (size_t at = 0; at < frame.size && !stranger.closed; at++) {
        stranger_say(&stranger, frame.data + at, 1);
        for (uint32_t pause = 0; pause < 50 && !stranger.closed; pause++) {
            stranger_step(&stranger);
        }
    }
    stranger_until(&stranger, stranger.closed);
    assert_in_range(world_ms() - start, 200, 3000);
    assert_int_equal(counters()->timeouts, 1);
    stranger_end(&stranger);
    assert_undisturbed();
}

/* A ping is answered by the adapter; a peer that answers none is half-open and goes (attack N10).
 */
static void test_pings(void **state) {
    (void)state;
    const net_options_t changes = {.ping_interval_ms = 50, .idle_timeout_ms = 400};
    frame_t frame;
    size_t used = 0;
    uint8_t ping[FRAME_HEADER_BYTES + 5];
    start_target(&changes);
    stranger_shake(&stranger, port(), NULL);
    memcpy(ping + FRAME_HEADER_BYTES, "hello", 5);
    frame_seal(ping, FRAME_PING, 5);
    stranger_say(&stranger, ping, sizeof ping);
    stranger_until(&stranger, buffer_size(&stranger.in) > 0);
    assert_int_equal(frame_decode(buffer_bytes(&stranger.in), &frame, &used), SYNOD_OK);
    assert_int_equal(frame.kind, FRAME_PONG);
    assert_memory_equal(frame.body.data, "hello", 5);
    buffer_consume(&stranger.in, used);
    stranger_until(&stranger, buffer_size(&stranger.in) > 0);
    assert_int_equal(frame_decode(buffer_bytes(&stranger.in), &frame, &used), SYNOD_OK);
    assert_int_equal(frame.kind, FRAME_PING);
    stranger_until(&stranger, stranger.closed);
    assert_int_equal(counters()->timeouts, 1);
    stranger_end(&stranger);
    /* Party 1 answers, and stays though it has nothing to say. */
    world_run_ms(800);
    assert_int_equal(parties[0].live, 1);
    assert_undisturbed();
}

/* attack N4: a client that asks and does not read. What waits for it is bounded; then it goes. */
static void test_deaf_client(void **state) {
    (void)state;
    start_target(NULL);
    stranger_shake(&stranger, port(), NULL);
    bytes_t frame = world_frame(FRAME_REQUEST, 8, 1);
    stranger_say(&stranger, frame.data, frame.size);
    stranger_until(&stranger, parties[0].frames == 2);
    stranger.deaf = true;
    for (uint32_t sent = 0; sent < 2000 && parties[0].downs == 0; sent++) {
        net_send(parties[0].net, &parties[0].last_link, 1, LANE_CLIENT,
                 world_frame(FRAME_REPLY, 100000, sent));
        world_turn();
    }
    assert_int_equal(counters()->overflows, 1);
    assert_int_equal(parties[0].downs, 1);
    assert_in_range(counters()->bytes_out, 8 << 20, 32 << 20);
    stranger_end(&stranger);
    assert_undisturbed();
}

/* The same by a member that answers pings but whose window stays shut: consensus must not be lost
 * silently, so the link ends and the member may begin anew. */
static void test_deaf_member(void **state) {
    (void)state;
    start_target(NULL);
    stranger_shake(&stranger, port(), parties[2].seed);
    bytes_t frame = world_frame(FRAME_MESSAGE, 8, 1);
    stranger_say(&stranger, frame.data, frame.size);
    stranger_until(&stranger, parties[0].frames == 2);
    stranger.deaf = true;
    for (uint32_t sent = 0; sent < 2000 && parties[0].downs == 0; sent++) {
        party_send(&parties[0], 2, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 100000, sent));
        world_turn();
    }
    assert_int_equal(counters()->overflows, 1);
    assert_int_equal(parties[0].downs, 1);
    assert_in_range(counters()->bytes_out, 16 << 20, 48 << 20);
    stranger_end(&stranger);
    assert_undisturbed();
}

/* attack N4: a window that stays shut, by a peer that says all the time that it is there, and is
 * owed less than its queues hold. */
static void test_shut_window(void **state) {
    (void)state;
    const net_options_t changes = {.ping_interval_ms = 100, .idle_timeout_ms = 1000};
    uint8_t ping[FRAME_HEADER_BYTES];
    start_target(&changes);
    stranger_shake(&stranger, port(), parties[2].seed);
    run_until(parties[0].live == 2);
    stranger.deaf = true;
    frame_seal(ping, FRAME_PING, 0);
    for (uint32_t sent = 0; sent < 120; sent++) {
        party_send(&parties[0], 2, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 100000, sent));
        stranger_say(&stranger, ping, sizeof ping);
        stranger_step(&stranger);
    }
    assert_int_equal(parties[0].downs, 0);
    uint64_t start = world_ms();
    while (parties[0].downs == 0 && world_ms() - start < 5000) {
        stranger_say(&stranger, ping, sizeof ping);
        stranger_step(&stranger);
        world_run_ms(20);
    }
    assert_in_range(world_ms() - start, 500, 4000);
    assert_int_equal(counters()->timeouts, 1);
    assert_int_equal(counters()->overflows, 0);
    stranger_end(&stranger);
    assert_undisturbed();
}

/* attack N10: a member that lost power comes back while its old channel still looks alive: the
 * newer one takes its place. */
static void test_newer_channel(void **state) {
    (void)state;
    stranger_t second;
    start_target(NULL);
    stranger_shake(&stranger, port(), parties[2].seed);
    run_until(parties[0].live == 2);
    link_t before = party_link(&parties[0], 2);
    stranger_shake(&second, port(), parties[2].seed);
    run_until(parties[0].ups == 3 && parties[0].downs == 1);
    assert_int_not_equal(party_link(&parties[0], 2), before);
    stranger_until(&stranger, stranger.closed);
    stranger_end(&stranger);
    stranger_end(&second);
    assert_undisturbed();
}

/* ---- floods ---- */

/* attack N7: a peer that never stops talking has its share of each turn, and no more. */
static void test_flood(void **state) {
    (void)state;
    start_target(NULL);
    stranger_shake(&stranger, port(), NULL);
    for (uint64_t number = 0; number < 20000; number++) {
        bytes_t frame = world_frame(FRAME_REQUEST, 64, number);
        stranger_say(&stranger, frame.data, frame.size);
    }
    uint64_t most = 0;
    while (parties[0].frames < 20001) {
        uint64_t frames = parties[0].frames;
        stranger_step(&stranger);
        most = parties[0].frames - frames > most ? parties[0].frames - frames : most;
        if (frames == parties[0].frames && stranger.closed) {
            break;
        }
    }
    assert_int_equal(parties[0].frames, 20001);
    assert_true(counters()->turns_cut > 10);
    assert_true(most <= 512); /* what was left of one turn, and the next one's share */
    stranger_end(&stranger);
    assert_undisturbed();
}

/* attack N4: half frames of many clients take what is set aside for all of them, and no more. */
static void test_memory_of_clients(void **state) {
    (void)state;
    enum { CROWD = 8 };
    static stranger_t crowd[CROWD];
    const net_options_t changes = {.client_memory_bytes = 8 << 20};
    start_target(&changes);
    bytes_t frame = world_frame(FRAME_QUERY, FRAME_BODY_MAX, 1);
    for (uint32_t at = 0; at < CROWD; at++) {
        stranger_shake(&crowd[at], port(), NULL);
        stranger_say(&crowd[at], frame.data, frame.size - 1);
    }
    uint64_t end = world_ms() + 5000;
    while (counters()->overflows == 0 && world_ms() < end) {
        for (uint32_t at = 0; at < CROWD; at++) {
            stranger_step(&crowd[at]);
        }
    }
    assert_true(counters()->overflows > 0);
    assert_int_equal(parties[0].frames, 1);
    for (uint32_t at = 0; at < CROWD; at++) {
        stranger_end(&crowd[at]);
    }
    assert_undisturbed();
}

/* As many clients as the configuration says; the next one is told. Members always have a place. */
static void test_too_many_clients(void **state) {
    (void)state;
    enum { CROWD = 6 };
    static stranger_t crowd[CROWD];
    const net_options_t changes = {.clients_max = 3};
    start_target(&changes);
    for (uint32_t at = 0; at < CROWD; at++) {
        stranger_shake(&crowd[at], port(), NULL);
        if (at >= 3) {
            stranger_until(&crowd[at], crowd[at].closed);
        }
    }
    run_until(counters()->clients_up == 3);
    assert_int_equal(counters()->refused, 3);
    net_options_t options = world_options(2, 3);
    world_start(2, &options);
    run_until(parties[2].live == 2);
    for (uint32_t at = 0; at < CROWD; at++) {
        stranger_end(&crowd[at]);
    }
    run_until(counters()->clients_up == 0);
    assert_undisturbed();
}

/* Strangers that were told to go and stay use up all places but those of the members that we dial:
 * dialling goes on all the while, and the next stranger costs the oldest of them its place. */
static void test_all_places_taken(void **state) {
    (void)state;
    enum { CROWD = 320, AT_ONCE = 40 };
    static stranger_t crowd[CROWD];
    net_options_t options = world_options(1, 2);
    options.clients_max = 1;
    options.drain_ms = 60000; /* longer than it takes them all to come, on any machine */
    world_start(1, &options);
    for (uint32_t first = 0; first < CROWD; first += AT_ONCE) {
        for (uint32_t at = first; at < first + AT_ONCE; at++) {
            stranger_begin(&crowd[at], net_port(parties[1].net), NULL);
        }
        for (uint32_t at = first; at < first + AT_ONCE; at++) {
            stranger_until(&crowd[at], stranger_has_shaken(&crowd[at]));
        }
    }
    const net_counters_t *count = net_counters(parties[1].net);
    uint64_t dialled = count->dialled;
    run_until(count->dialled > dialled);
    assert_true(count->accepted < CROWD); /* for the others there was no place at all */
    assert_in_range(count->refused, CROWD - 10, CROWD);
    assert_true(count->clients_up <= 1);
    for (uint32_t at = 0; at < CROWD; at++) {
        stranger_end(&crowd[at]);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_garbage),
        TEST(test_half_handshake),
        TEST(test_many_silent),
        TEST(test_silent_client),
        TEST(test_wrong_headers),
        TEST(test_any_cut),
        TEST(test_slow_frame),
        TEST(test_pings),
        TEST(test_deaf_client),
        TEST(test_deaf_member),
        TEST(test_shut_window),
        TEST(test_newer_channel),
        TEST(test_flood),
        TEST(test_memory_of_clients),
        TEST(test_too_many_clients),
        TEST(test_all_places_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
