/* The last resorts: what a replica refuses or gives up, and says so, when its bounds, its own disk,
 * the application, or more than f members are at fault. The replica under test is member 3. */
#include "protocol/registry.h"
#include "tests/unit/replica_chain.h"

#define LENGTH 8

static node_t nodes[LENGTH + 1], forked[LENGTH + 1];

static world_t *open_chain(world_t *w, uint32_t length) {
    start(w);
    connect_all(w);
    memset(nodes, 0, sizeof nodes);
    memset(forked, 0, sizeof forked);
    add_text(w, &nodes[1], 0, 0, 99, 0, "");
    propose_chain(w, nodes, length);
    assert_int_equal(report(w).executed, length - 2);
    return w;
}

/* ---- more than f faulty members ---- */

/* Three of four sign another chain from the genesis on, in later views: a fork that no rule can
 * prevent. Whoever executed the first chain stops, is silent, and says whose fault it is. */
static void test_a_fork_halts(void **state) {
    (void)state;
    world_t *w = open_chain(world_make(SUITE_SYMBOLIC, 3), 4);
    digest_t executed = w->executed_id;
    forked[0] = genesis(w);
    for (uint32_t i = 1; i <= 6; i++)
        grow(w, &forked[i - 1], &forked[i], nodes[4].view + i, 0);
    for (uint32_t i = 1; i <= 6 && w->halted == SYNOD_OK; i++)
        propose(w, &forked[i - 1], &forked[i]);
    assert_int_equal(w->halted, SYNOD_CONFLICT);
    assert_non_null(strstr(w->halt_reason, "more than f members"));
    assert_memory_equal(w->executed_id.bytes, executed.bytes, sizeof executed);
    forget(w);
    pass(w, 60 * SECOND_NS);
    assert_int_equal(w->sent_count, 0);
    world_close(w);
}

/* ---- the own disk ---- */

/* A block that has left the store and rots on the disk is not sent; the next question is served. */
static void test_unreadable_is_not_served(void **state) {
    (void)state;
    static node_t chain[64];
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    start(w);
    connect_all(w);
    memset(chain, 0, sizeof chain);
    add_text(w, &chain[1], 0, 0, 99, 0, "");
    propose_chain(w, chain, 63);
    uint8_t *at =
        memmem(w->disk, SEGMENT_BYTES, payload_of(&chain[1]).data, payload_of(&chain[1]).size);
    assert_non_null(at);
    *at ^= 1;
    forget(w);
    ask_blocks(w, 1, 1, 4);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 0);
    ask_blocks(w, 2, 2, 4);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 4);
    *at ^= 1;
    forget(w);
    ask_blocks(w, 1, 1, 4);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 4);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* A snapshot that the disk does not take is given up; the next one is tried anew. */
static void test_snapshot_not_stored(void **state) {
    (void)state;
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.snapshot_bytes = 1;
    w->store_holds = true;
    start(w);
    connect_all(w);
    static node_t chain[12];
    memset(chain, 0, sizeof chain);
    propose_chain(w, chain, 6);
    digest_t root = report(w).root;
    for (member_t m = 0; m < 2; m++)
        tell_checkpoint(w, m, 4, &root);
    uint64_t token = w->store_token;
    assert_true(token != 0);
    w->store_token = 0;
    replica_on_stored(w->replica, w->now, token, SYNOD_IO);
    w->store_holds = false;
    settle(w);
    assert_int_equal(report(w).snapshot_height, 0);
    for (uint32_t i = 7; i <= 10; i++) {
        grow(w, &chain[i - 1], &chain[i], i, 0);
        propose(w, &chain[i - 1], &chain[i]);
    }
    root = report(w).root;
    for (member_t m = 0; m < 3; m++)
        tell_checkpoint(w, m, 8, &root);
    assert_int_equal(report(w).snapshot_height, 8);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* ---- requests ---- */

static synod_status no_letters(void *state, synod_bytes operation) {
    (void)state;
    return operation.size > 0 && operation.data[0] >= 'a' ? SYNOD_APP_ERROR : SYNOD_OK;
}

/* What the application would refuse, and what fits into no block, is answered and not held. */
static void test_requests_that_cannot_run(void **state) {
    (void)state;
    synod_app strict = echo_app;
    strict.check = no_letters;
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.app = &strict;
    w->config.chain.core.payload_bytes_max = 8192;
    open_chain(w, 3);
    ask(w, client_link(0), 0, 1, 1, 0, "refused");
    assert_int_equal(reply_on(w, client_link(0)).status, SYNOD_INVALID);
    assert_int_equal(reply_on(w, client_link(0)).sequence, 1);
    static char text[9000];
    memset(text, '1', sizeof text - 1);
    forget(w);
    ask(w, client_link(0), 0, 1, 1, 0, text);
    assert_int_equal(reply_on(w, client_link(0)).status, SYNOD_INVALID);
    assert_int_equal(report(w).pending_requests, 0);
    forget(w);
    ask(w, client_link(0), 0, 1, 1, 0, "1 is fine");
    assert_int_equal(count_sent(w, FRAME_REPLY), 0);
    assert_int_equal(report(w).pending_requests, 1);
    world_close(w);
}

/* ---- protocols ---- */

/* What this replica cannot run is refused at open, with the reason. */
static void test_protocols_are_judged(void **state) {
    (void)state;
    const protocol_t *right = protocol_find("hotstuff");
    const char *reason = NULL;
    assert_int_equal(protocol_judge(right, &reason), SYNOD_OK);
    static phase_t phases[2];
    phases[0] = right->phases[0];
    for (unsigned what = 0; what < 7; what++) {
        protocol_t wrong = *right;
        phases[1] = right->phases[1];
        switch (what) {
        case 0:
            wrong.step = NULL;
            break;
        case 1:
            wrong.defaults = NULL;
            break;
        case 2:
            wrong.phase_count = 0;
            break;
        case 3:
            wrong.phase_count = PHASE_NONE;
            break;
        case 4:
            wrong.uses_genesis = true;
            break;
        case 5:
            phases[1].authentication = AUTH_ITSELF;
            break;
        default:
            phases[1].body = BODY_SHARE;
        }
        if (what >= 5) {
            wrong.phases = phases;
            wrong.phase_count = 2;
        }
        assert_int_not_equal(protocol_judge(&wrong, &reason), SYNOD_OK);
        assert_non_null(reason);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fork_halts),
        cmocka_unit_test(test_unreadable_is_not_served),
        cmocka_unit_test(test_snapshot_not_stored),
        cmocka_unit_test(test_requests_that_cannot_run),
        cmocka_unit_test(test_protocols_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
