/* Links among members and clients that behave: who is who, order, reconnecting, ending. */
#include "adapter_net_world.h"

#include "codec/hello.h"

/* ---- who is who ---- */

static bool all_are_up(uint32_t count) {
    for (uint32_t index = 0; index < count; index++) {
        if (parties[index].live != count - 1) {
            return false;
        }
    }
    return true;
}

static void start_members(uint32_t count) {
    for (uint32_t index = 0; index < count; index++) {
        net_options_t options = world_options(index, count);
        world_start(index, &options);
    }
    run_until(all_are_up(count));
}

/* Four members: one link for each pair (attack N10), each end knows who the other is, frames of all
 * sizes come in order. */
static void test_four_members(void **state) {
    (void)state;
    const size_t sizes[] = {8, 200, 1000, 16384, 65536, 1 << 20, FRAME_BODY_MAX};
    start_members(4);
    for (uint32_t index = 0; index < 4; index++) {
        parties[index].counts = false;
        for (member_t member = 0; member < 4; member++) {
            assert_int_equal(party_link(&parties[index], member) != LINK_NONE, member != index);
        }
    }
    parties[3].counts = true;
    for (uint64_t number = 0; number < 70; number++) {
        bytes_t frame = world_frame(FRAME_MESSAGE, sizes[number % 7], number);
        party_send(&parties[1], 3, LANE_CONSENSUS, frame);
        run_until(parties[3].frames == number + 1);
    }
    for (uint64_t number = 70; number < 1070; number++) {
        party_send(&parties[1], 3, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 200, number));
    }
    run_until(parties[3].frames == 1070);
    assert_false(parties[3].out_of_order);
    assert_int_equal(parties[0].frames + parties[2].frames, 0);
    assert_int_equal(net_counters(parties[0].net)->members_up, 3);
    assert_int_equal(net_counters(parties[0].net)->clients_up, 0);
}

/* One call sends to many; links that are gone are ignored. */
static void test_broadcast(void **state) {
    (void)state;
    start_members(3);
    link_t links[] = {party_link(&parties[0], 1), 12345678, LINK_NONE, party_link(&parties[0], 2)};
    net_send(parties[0].net, links, 4, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 100, 7));
    run_until(parties[1].frames == 1 && parties[2].frames == 1);
    assert_int_equal(load_u64(parties[2].last_body), 7);
    assert_int_equal(net_counters(parties[0].net)->frames_out, 2);
}

/* Who shows no certificate is a client; it has checked the keys of those it dialled. */
static void test_client(void **state) {
    (void)state;
    net_options_t options = world_options(0, 2);
    world_start(0, &options);
    options = world_options(1, 2);
    world_start(1, &options);
    options = world_client(2);
    world_start(2, &options);
    run_until(parties[2].live == 2 && parties[0].live == 2 && parties[1].live == 2);
    assert_int_not_equal(party_link(&parties[2], 0), LINK_NONE);
    assert_int_not_equal(party_link(&parties[2], 1), LINK_NONE);
    assert_int_not_equal(party_link(&parties[0], MEMBER_NONE), LINK_NONE);
    assert_int_equal(net_counters(parties[0].net)->clients_up, 1);
    party_send(&parties[2], 1, LANE_CLIENT, world_frame(FRAME_REQUEST, 300, 5));
    run_until(parties[1].frames == 1);
    assert_int_equal(parties[1].last_kind, FRAME_REQUEST);
    party_send(&parties[1], MEMBER_NONE, LANE_CLIENT, world_frame(FRAME_REPLY, 20, 6));
    run_until(parties[2].frames == 1);
    assert_int_equal(load_u64(parties[2].last_body), 6);
}

/* ---- wrong keys ---- */

/* attack N11: a certificate with a key that nobody pinned does not even make a client. */
static void test_unknown_certificate(void **state) {
    (void)state;
    net_options_t options = world_options(0, 2);
    world_start(0, &options);
    options = world_client(2);
    options.tls_seed = parties[5].seed;
    world_start(5, &options);
    run_until(net_counters(parties[0].net)->handshakes_failed >= 3);
    assert_int_equal(parties[0].ups, 0);
    assert_int_equal(parties[5].frames, 0);
}

/* attack N11: an address is not an identity. Member 1 dials what should be member 0 and finds a
 * process with the key of member 2; so does a client. */
static void test_wrong_server(void **state) {
    (void)state;
    net_options_t options = world_options(2, 3);
    world_start(2, &options);
    world_peers[0].address.port = net_port(parties[2].net);
    options = world_options(1, 3);
    world_start(1, &options);
    options = world_client(1);
    world_start(3, &options);
    run_until(net_counters(parties[1].net)->handshakes_failed >= 3 &&
              net_counters(parties[3].net)->handshakes_failed >= 3);
    assert_int_equal(parties[1].ups + parties[2].ups + parties[3].ups, 0);
}

/* The pinned key alone, without the secret that belongs to it, is of no use: the handshake of TLS
 * proves possession. Here: the right key in the genesis of the dialler, another behind the port. */
static void test_member_of_another_genesis(void **state) {
    (void)state;
    net_options_t options = world_options(0, 2);
    world_start(0, &options);
    tls_key_t real = world_peers[1].key;
    world_peers[1].key = world_peers[4].key; /* party 0 was told real, party 1 believes this */
    options = world_options(1, 2);
    options.tls_seed = parties[4].seed;
    world_start(1, &options);
    world_peers[1].key = real;
    run_until(net_counters(parties[0].net)->handshakes_failed >= 2);
    assert_int_equal(parties[0].ups, 0);
}

/* Two processes with one key: the second finds out, and says so (attack K3). */
static void test_own_key(void **state) {
    (void)state;
    net_options_t options = world_options(0, 2);
    world_start(0, &options);
    options = world_client(1);
    options.tls_seed = parties[0].seed;
    world_start(4, &options);
    run_until(net_counters(parties[0].net)->refused >= 2 && parties[4].frames >= 1);
    assert_int_equal(parties[0].ups, 0);
    assert_int_equal(parties[4].last_kind, FRAME_GOODBYE);
    assert_non_null(memmem(parties[4].last_body, parties[4].last_size, "one key", 7));
}

/* Who should be dialled does not dial (attack N10). */
static void test_wrong_direction(void **state) {
    (void)state;
    net_options_t options = world_options(1, 2);
    options.peers = world_peers;
    world_start(1, &options);
    options = world_client(2);
    options.tls_seed = parties[0].seed; /* member 0, but dials all */
    world_start(0, &options);
    run_until(net_counters(parties[1].net)->refused >= 2);
    assert_int_equal(parties[1].ups, 0);
}

/* ---- ending and coming back ---- */

static void test_reconnects(void **state) {
    (void)state;
    start_members(2);
    address_t address = {.host = "127.0.0.1", .port = net_port(parties[0].net)};
    for (uint32_t round = 1; round <= 3; round++) {
        world_stop(0);
        run_until(parties[1].live == 0);
        assert_int_equal(parties[1].last_kind, FRAME_GOODBYE);
        net_options_t options = world_options(0, 2);
        options.listen = &address;
        world_start(0, &options);
        run_until(parties[1].live == 1 && parties[0].live == 1);
    }
    assert_int_equal(parties[1].ups, 4);
}

/* Addresses may be names: to listen on and to dial. */
static void test_names(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        (void)snprintf(world_peers[index].address.host, sizeof world_peers[index].address.host,
                       "localhost");
    }
    address_t here = {.host = "localhost"};
    for (uint32_t index = 0; index < 2; index++) {
        net_options_t options = world_options(index, 2);
        options.listen = &here;
        world_start(index, &options);
    }
    run_until(all_are_up(2));
    world_stop(0); /* the other goes on asking for the name, also while it ends itself */
    run_until(net_counters(parties[1].net)->dialled + net_counters(parties[1].net)->accepted > 1);
}

/* Addresses of the sixth version, written out. */
static void test_address_of_six(void **state) {
    (void)state;
    address_t here = {.host = "::1"};
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = probe >= 0 && bind(probe, (struct sockaddr *)&at, sizeof at) == 0;
    if (probe >= 0) {
        (void)close(probe);
    }
    if (!has) {
        skip(); /* a machine without them */
    }
    for (uint32_t index = 0; index < 2; index++) {
        (void)snprintf(world_peers[index].address.host, sizeof world_peers[index].address.host,
                       "::1");
    }
    for (uint32_t index = 0; index < 2; index++) {
        net_options_t options = world_options(index, 2);
        options.listen = &here;
        world_start(index, &options);
    }
    run_until(all_are_up(2));
}

/* A name that cannot be one, and an address that cannot be reached, hold up nobody else; why they
 * are not there is said. Members dial those before them. */
static void test_no_such_address(void **state) {
    (void)state;
    memset(world_peers[0].address.host, 'x', 70); /* longer than a label may be */
    (void)snprintf(world_peers[1].address.host, sizeof world_peers[1].address.host, "fe80::1%%no");
    for (uint32_t index = 2; index < 4; index++) {
        net_options_t options = world_options(index, 4);
        world_start(index, &options);
    }
    run_until(parties[2].live == 1 && parties[3].live == 1);
    world_run_ms(200); /* some more attempts at the two that are not there */
    for (uint32_t index = 2; index < 4; index++) {
        assert_int_equal(parties[index].live, 1);
        assert_int_equal(parties[index].downs, 0);
        assert_string_not_equal(net_trouble(parties[index].net, 0), "");
        assert_string_not_equal(net_trouble(parties[index].net, 1), "");
    }
    assert_string_equal(net_trouble(parties[3].net, 2), "");
}

static void test_port_in_use(void **state) {
    (void)state;
    start_members(1);
    address_t address = {.host = "127.0.0.1", .port = net_port(parties[0].net)};
    net_options_t options = world_options(1, 1);
    options.listen = &address;
    assert_int_equal(world_try(1, &options), SYNOD_IN_USE);
    assert_non_null(strstr(world_reason.text, "already"));
    assert_null(parties[1].net);
    address = (address_t){.host = "203.0.113.7", .port = 1};
    assert_int_not_equal(world_try(1, &options), SYNOD_OK);
    assert_non_null(strstr(world_reason.text, "203.0.113.7:1"));
}

/* What was sent before a close arrives, nothing after it; the end is told once. */
static void test_close(void **state) {
    (void)state;
    start_members(2);
    link_t link = party_link(&parties[0], 1);
    parties[1].counts = true;
    for (uint64_t number = 0; number < 20; number++) {
        party_send(&parties[0], 1, LANE_BULK, world_frame(FRAME_BLOCK, 200000, number));
    }
    party_close(&parties[0], link);
    party_close(&parties[0], link);
    party_send(&parties[0], 1, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 8, 99));
    run_until(parties[0].downs == 1 && parties[1].downs == 1);
    assert_int_equal(parties[1].frames, 20);
    assert_false(parties[1].out_of_order);
    run_until(parties[0].ups == 2); /* member 1 dials again */
}

static void test_close_within_event(void **state) {
    (void)state;
    start_members(2);
    parties[0].close_on_frame = true;
    for (uint64_t number = 0; number < 10; number++) {
        party_send(&parties[1], 0, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 8, number));
    }
    run_until(parties[0].downs == 1 && parties[1].downs == 1);
    assert_int_equal(parties[0].frames, 1);
}

static void count_sockets(uv_handle_t *handle, void *count) {
    *(uint32_t *)count += handle->type == UV_TCP && !uv_is_closing(handle) ? 1 : 0;
}

static uint32_t sockets(void) {
    uint32_t count = 0;
    uv_walk(&world_loop, count_sockets, &count);
    return count;
}

/* Whoever does not let a link go is let go after a while: a peer that reads nothing, so that what
 * it is owed does not leave. */
static void test_close_of_the_deaf(void **state) {
    (void)state;
    static stranger_t stranger;
    net_options_t options = world_options(0, 2);
    options.drain_ms = 300;
    world_start(0, &options);
    stranger_shake(&stranger, net_port(parties[0].net), parties[1].seed);
    run_until(parties[0].live == 1);
    stranger.deaf = true;
    for (uint64_t number = 0; number < 150; number++) {
        party_send(&parties[0], 1, LANE_BULK, world_frame(FRAME_BLOCK, 100000, number));
        world_turn();
    }
    party_close(&parties[0], party_link(&parties[0], 1));
    world_run_ms(150);
    assert_int_equal(parties[0].downs, 1); /* told at once */
    assert_int_equal(sockets(), 2);        /* with the one that listens */
    world_run_ms(600);
    assert_int_equal(sockets(), 1);
    stranger_end(&stranger);
}

/* A client that says all and ends at once is heard to the end (attack C6). */
static void test_all_is_heard(void **state) {
    (void)state;
    net_options_t options = world_options(0, 1);
    world_start(0, &options);
    options = world_client(1);
    world_start(1, &options);
    run_until(parties[1].live == 1 && parties[0].live == 1);
    parties[0].counts = true;
    for (uint64_t number = 0; number < 2000; number++) {
        party_send(&parties[1], 0, LANE_CLIENT, world_frame(FRAME_REQUEST, 200, number));
    }
    world_stop(1);
    run_until(parties[0].downs == 1);
    assert_int_equal(parties[0].frames, 2001); /* and the goodbye */
    assert_true(net_counters(parties[0].net)->turns_cut > 0);
}

/* ---- lanes ---- */

/* Consensus overtakes what is in bulk when the link is slower than what is sent. */
static void test_lanes(void **state) {
    (void)state;
    start_members(2);
    for (uint64_t number = 0; number < 30; number++) {
        party_send(&parties[0], 1, LANE_BULK, world_frame(FRAME_BLOCK, 20000, number));
    }
    party_send(&parties[0], 1, LANE_CONSENSUS, world_frame(FRAME_MESSAGE, 8, 1000));
    run_until(parties[1].frames == 31);
    assert_int_equal(parties[1].numbers[0], 1000);
    for (uint64_t number = 0; number < 30; number++) {
        assert_int_equal(parties[1].numbers[number + 1], number);
    }
}

/* What is asked for again is dropped when its lane is full; the link stays. */
static void test_bulk_is_dropped(void **state) {
    (void)state;
    start_members(2);
    for (uint64_t number = 0; number < 100; number++) {
        party_send(&parties[0], 1, LANE_BULK, world_frame(FRAME_BLOCK, 30000, number));
        party_send(&parties[0], 1, LANE_BULK, world_frame(FRAME_BLOCK, 1 << 20, number));
    }
    const net_counters_t *counters = net_counters(parties[0].net);
    assert_in_range(counters->frames_dropped[LANE_BULK], 80, 199);
    uint64_t sent = 200 - counters->frames_dropped[LANE_BULK];
    run_until(parties[1].frames == sent);
    assert_int_equal(parties[0].downs, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_four_members),
        TEST(test_broadcast),
        TEST(test_client),
        TEST(test_unknown_certificate),
        TEST(test_wrong_server),
        TEST(test_member_of_another_genesis),
        TEST(test_own_key),
        TEST(test_wrong_direction),
        TEST(test_reconnects),
        TEST(test_names),
        TEST(test_address_of_six),
        TEST(test_no_such_address),
        TEST(test_port_in_use),
        TEST(test_close),
        TEST(test_close_within_event),
        TEST(test_close_of_the_deaf),
        TEST(test_all_is_heard),
        TEST(test_lanes),
        TEST(test_bulk_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
