/* Plays of the strategy `certified` (docs/protocols/payload.md) with whole replicas: a batch that a
 * quorum does not hold, bytes that come from other signers, an author that comes back, what the
 * leader has to send, and two runs of the sweep. Liars are in the sweep
 * (tests/property/sim_payload_test.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "app/kv_client.h"
#include "sim/sweep.h"
#include "sim/world.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static world_options_t options_of(uint32_t members, uint32_t clients) {
    world_options_t options = world_options_quiet(members);
    options.chain.payload = PAYLOAD_CERTIFIED;
    options.clients = clients;
    options.client_window = 8;
    options.client_batch = 1;
    options.segment_bytes = 1u << 20;
    options.segments = 32;
    return options;
}

static uint32_t ask(world_t *w, uint32_t client, size_t value_bytes) {
    static const uint8_t zeros[32768];
    static uint32_t number;
    uint8_t room[sizeof zeros + 64];
    char key[24];
    snprintf(key, sizeof key, "key%u", number++ % 64);
    writer_t writer = writer_of(room, sizeof room);
    kv_encode_set(&writer, bytes_of(key, strlen(key)), bytes_of(zeros, value_bytes));
    assert_false(writer.failed);
    return world_submit(w, client, writer_bytes(&writer));
}

static bool answered(world_t *w, uint32_t client, uint32_t request) {
    return world_outcome(w, client, request).answered;
}

/* Sessions are spread over the members by their numbers. */
static uint32_t client_of(world_t *w, uint32_t clients, member_t member) {
    for (uint32_t c = 0; c < clients; c++)
        if (client_preferred(world_client(w, c)) == member)
            return c;
    return WORLD_BUSY;
}

static world_t *open_with_sessions(const world_options_t *options) {
    world_t *w = world_open(options);
    assert_non_null(w);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t c = 0; c < options->clients; c++)
            (void)ask(w, c, 8);
        assert_true(world_settle(w, world_now_ns(w) + 10 * SECOND));
    }
    return w;
}

static void good_end(world_t *w) {
    assert_true(world_settle(w, world_now_ns(w) + 30 * SECOND));
    assert_string_equal(world_report(w)->text, "");
    assert_true(world_roots_equal(w));
    world_close(w);
}

/* PAY 2, PAY 3, play (a): only one other member gets the batches of member 3. They are not
 * certified and not ordered; the lanes of the others go on; when all hear member 3 again, so does
 * its lane. */
static void test_a_lane_without_a_quorum_stalls_alone(void **state) {
    (void)state;
    world_options_t options = options_of(4, 8);
    options.retry_ns = 20 * SECOND;
    world_t *w = open_with_sessions(&options);
    uint32_t stuck = client_of(w, 8, 3), other = client_of(w, 8, 1);
    assert_true(stuck != WORLD_BUSY && other != WORLD_BUSY);
    world_cut(w, 1u << 3, 1u << 1 | 1u << 2);
    uint32_t a = ask(w, stuck, 8);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t b = ask(w, other, 8);
        world_until(w, world_now_ns(w) + 100 * MS);
        assert_true(answered(w, other, b));
    }
    assert_false(answered(w, stuck, a));
    world_heal(w);
    world_until(w, world_now_ns(w) + 3 * SECOND);
    assert_true(answered(w, stuck, a));
    good_end(w);
}

/* PAY 6, play (b): member 5 never gets the batches of member 6, and after they are certified the
 * author and another signer are gone. Member 5 orders on certificates, and gets the bytes from
 * those who are left: one question in vain, a quarter of a second, and one more. (Without it block
 * sync would bring them, half a second after the others told how far they are.) */
static void test_bytes_come_from_other_signers(void **state) {
    (void)state;
    world_options_t options = options_of(7, 21);
    world_t *w = open_with_sessions(&options);
    uint32_t client = client_of(w, 21, 6);
    assert_true(client != WORLD_BUSY);
    world_cut(w, 1u << 6, 1u << 5);
    uint32_t request = ask(w, client, 4096);
    while (!answered(w, client, request))
        world_until(w, world_now_ns(w) + 1 * MS);
    height_t height = world_height(w, 1);
    world_crash(w, 6);
    world_crash(w, 0);
    world_until(w, world_now_ns(w) + 400 * MS);
    assert_true(world_height(w, 5) >= height);
    world_heal(w);
    world_restart(w, 6);
    world_restart(w, 0);
    good_end(w);
}

/* PAY 1, PAY 7: an author is killed again and again while batches of its lane are out, loses power
 * as well, and goes on with its lane; nothing that was answered is lost, nothing is made twice (the
 * oracle compares all batches that it ever makes). */
static void test_an_author_comes_back(void **state) {
    (void)state;
    world_options_t options = options_of(4, 8);
    options.retry_ns = 500 * MS;
    world_t *w = open_with_sessions(&options);
    uint32_t client = client_of(w, 8, 2);
    assert_true(client != WORLD_BUSY);
    for (uint32_t i = 0; i < 12; i++) {
        for (uint32_t k = 0; k < 3; k++)
            (void)ask(w, client, 1000);
        world_until(w, world_now_ns(w) + i * MS);
        if (i % 3 == 2)
            world_power_off(w, 2);
        else
            world_crash(w, 2);
        world_until(w, world_now_ns(w) + 50 * MS);
        world_restart(w, 2);
        world_until(w, world_now_ns(w) + 300 * MS);
    }
    good_end(w);
}

/* Does somebody know that member `author` told it another lane than others? */
static member_t who_knows(world_t *w, member_t author) {
    lane_view_t lane;
    for (member_t m = 0; m < 4; m++)
        if (m != author && replica_lane(world_replica(w, m), author, &lane) && lane.forked)
            return m;
    return MEMBER_NONE;
}

/* Work for a second. */
static void load(world_t *w) {
    for (uint32_t i = 0; i < 10; i++) {
        for (uint32_t c = 0; c < 8; c++)
            (void)ask(w, c, 500);
        world_until(w, world_now_ns(w) + 100 * MS);
    }
    assert_true(world_settle(w, world_now_ns(w) + 60 * SECOND));
}

/* Whoever knows of a fork starts from a snapshot, four times; what was forked at all. */
static uint32_t forks_and_restarts(uint64_t seed, uint64_t *again) {
    world_options_t options = options_of(4, 8);
    options.seed = seed;
    options.liars[2] = LIAR_FORK | LIAR_FLOOD;
    options.lies_per_million = 200000;
    options.segment_bytes = 256u << 10;
    options.segments = 16;
    options.snapshot_bytes = 16u << 10;
    options.chain.checkpoint_blocks = 4;
    options.retry_ns = 500 * MS;
    world_t *w = open_with_sessions(&options);
    uint32_t forks = 0;
    for (uint32_t life = 0; life < 4; life++) {
        load(w);
        member_t member = who_knows(w, 2);
        if (member == MEMBER_NONE)
            continue;
        forks++;
        world_power_off(w, member);
        world_until(w, world_now_ns(w) + 50 * MS);
        world_restart(w, member);
        load(w);
    }
    *again += world_report(w)->acknowledged_again;
    good_end(w);
    return forks;
}

/* PAY 2, play (c): member 2 tells one member another lane than the others, and floods it, so that
 * many places of that lane are acknowledged; the others certify without it. When the first of them
 * is ordered it drops what it held and takes nothing more of the lane. It forgets that by starting
 * from a snapshot, and acknowledges the ordered lane's batches, also in places in which it
 * acknowledged the other's. All that is asked for runs everywhere all the while; the oracle judges
 * that no two batches of one place can be certified, whatever the liar signs. */
static void test_a_forked_lane_is_forgotten_at_a_restart(void **state) {
    (void)state;
    uint32_t forks = 0;
    uint64_t again = 0;
    for (uint64_t seed = 1; seed <= 5; seed++)
        forks += forks_and_restarts(seed, &again);
    print_message("%u forks, %llu places acknowledged again\n", forks, (unsigned long long)again);
    assert_true(forks > 0);
    assert_true(again > 0);
}

/* PAY 8: whoever was away for so long that nobody keeps the blocks takes a snapshot, and with it
 * the tips of all lanes: it judges and executes what comes after like all others. */
static void test_order_state_travels_with_a_snapshot(void **state) {
    (void)state;
    world_options_t options = options_of(4, 8);
    options.segment_bytes = 256u << 10;
    options.segments = 16;
    options.snapshot_bytes = 64u << 10;
    world_t *w = open_with_sessions(&options);
    world_crash(w, 3);
    for (uint32_t i = 0; i < 120; i++) {
        for (uint32_t c = 0; c < 8; c++)
            (void)ask(w, c, 2000);
        world_until(w, world_now_ns(w) + 60 * MS);
    }
    assert_true(world_settle(w, world_now_ns(w) + 60 * SECOND));
    world_restart(w, 3);
    world_until(w, world_now_ns(w) + 5 * SECOND);
    for (uint32_t c = 0; c < 8; c++)
        (void)ask(w, c, 100);
    assert_true(world_settle(w, world_now_ns(w) + 60 * SECOND));
    assert_true(world_report(w)->installs > 0);
    good_end(w);
}

/* Bytes that the leader sends for each byte committed. */
static double leader_cost(uint32_t kind) {
    world_options_t options = options_of(7, 14);
    options.chain.payload = kind;
    world_t *w = open_with_sessions(&options);
    member_t leader = world_status(w, 0).leader;
    uint64_t before = world_sent_bytes(w, leader), committed = 0;
    for (uint32_t i = 0; i < 10; i++) {
        for (uint32_t c = 0; c < 14; c++) {
            (void)ask(w, c, 16000);
            committed += 16000;
        }
        world_until(w, world_now_ns(w) + 50 * MS);
    }
    assert_true(world_settle(w, world_now_ns(w) + 30 * SECOND));
    assert_int_equal(world_status(w, 0).leader, leader);
    double cost = (double)(world_sent_bytes(w, leader) - before) / (double)committed;
    world_close(w);
    return cost;
}

/* PAY 4, PAY 5: inline the leader sends n - 1 = 6 times what is committed. Certified it sends its
 * own share, 6/7, with certificates of 409 bytes for each batch of 16 KB to each: 0.88; and
 * references of 377 bytes for each batch to each: 0.14. Proposals without payload, votes,
 * acknowledgements and replies are the rest, which is the same for both. */
static void test_the_leader_sends_its_share(void **state) {
    (void)state;
    double inline_cost = leader_cost(PAYLOAD_INLINE);
    double certified = leader_cost(PAYLOAD_CERTIFIED);
    print_message("bytes of the leader for a byte committed: inline %.2f, certified %.2f\n",
                  inline_cost, certified);
    assert_true(inline_cost > 5.5);
    assert_true(certified < 0.88 + 0.14 + (inline_cost - 6.0) + 0.1);
}

static void see_full(void *context, uint64_t now_ns, const char *text) {
    (void)now_ns;
    *(bool *)context |= strstr(text, "journal full") != NULL;
}

/* PAY 7, the sweep's seed 8123: member 0 comes back with a journal that is nearly full, lacks the
 * bytes of block after block while clients go on, and is never level. What it fetched of the
 * others' state is older than its own when it is there, and makes room all the same, before
 * time-outs have filled the rest. */
static void test_behind_a_short_journal(void **state) {
    (void)state;
    bool full = false;
    world_report_t report;
    sweep_options_t options = {
        .payload = PAYLOAD_CERTIFIED, .line = see_full, .line_context = &full};
    sweep_run(8123, &options, &report);
    assert_string_equal(report.text, "");
    assert_true(report.shorts > 0 && report.releases > 0 && report.installs > 0);
    assert_false(full);
}

/* PAY 1, the sweep's seed 10401: both snapshots of member 3 rot, and its journal was released for
 * them. It makes no batch before it has the state again, which says what numbers it used. */
static void test_numbers_below_a_damaged_snapshot(void **state) {
    (void)state;
    world_report_t report;
    sweep_options_t options = {.payload = PAYLOAD_CERTIFIED};
    sweep_run(10401, &options, &report);
    assert_string_equal(report.text, "");
    assert_true(report.installs > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lane_without_a_quorum_stalls_alone),
        cmocka_unit_test(test_bytes_come_from_other_signers),
        cmocka_unit_test(test_an_author_comes_back),
        cmocka_unit_test(test_a_forked_lane_is_forgotten_at_a_restart),
        cmocka_unit_test(test_order_state_travels_with_a_snapshot),
        cmocka_unit_test(test_the_leader_sends_its_share),
        cmocka_unit_test(test_behind_a_short_journal),
        cmocka_unit_test(test_numbers_below_a_damaged_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
