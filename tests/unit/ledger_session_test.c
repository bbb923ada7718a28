/* Sessions by rule (docs/formats/sessions.md): opening, eviction, what runs and what does not. */
#include "tests/unit/ledger_world.h"

#define WINDOW 8

static uint64_t open_session(world_t *world, uint8_t name, uint64_t nonce, uint64_t time_ns) {
    world_block_t *block = world_block();
    world_open_request(block, world_key(name), nonce);
    world_run(world, block, time_ns);
    assert_int_equal(block->replies[0].status, SYNOD_OK);
    uint64_t number = load_u64(block->replies[0].result.data);
    free(block);
    return number;
}

/* Runs one request alone in a block and gives its reply, without the result. */
static reply_t run_one(world_t *world, uint64_t session, uint64_t sequence, uint64_t acknowledged,
                       const char *operation) {
    world_block_t *block = world_block();
    world_request(block, session, sequence, acknowledged, operation);
    world_run(world, block, ledger_time_ns(world->ledger));
    reply_t reply = block->replies[0];
    reply.result.data = NULL;
    free(block);
    return reply;
}

static void assert_refused(reply_t reply, synod_status status) {
    assert_int_equal(reply.status, status);
    assert_int_equal(reply.height, 0);
    assert_int_equal(reply.result.size, 0);
}

static void rule_1_numbers_count_from_one(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    world_block_t *block = world_block();
    world_open_request(block, world_key(1), 70);
    world_open_request(block, world_key(2), 70);
    world_open_request(block, world_key(1), 71);
    world_run(&world, block, 5);
    for (uint32_t i = 0; i < 3; i++) {
        const reply_t *reply = &block->replies[i];
        assert_int_equal(reply->session, 0);
        assert_int_equal(reply->sequence, i == 2 ? 71 : 70);
        assert_int_equal(reply->status, SYNOD_OK);
        assert_int_equal(reply->height, 1);
        assert_int_equal(reply->leader_hint, 0);
        assert_int_equal(reply->result.size, 8);
        assert_int_equal(load_u64(reply->result.data), i + 1);
    }
    assert_int_equal(ledger_sessions(world.ledger), 3);
    key_public_t key = world_key(2);
    assert_memory_equal(ledger_session_key(world.ledger, 2), &key, sizeof key);
    assert_null(ledger_session_key(world.ledger, 4));
    assert_null(ledger_session_key(world.ledger, 0));
    assert_int_equal(ledger_find_session(world.ledger, &key, 70), 2);
    assert_int_equal(ledger_find_session(world.ledger, &key, 71), 0);
    free(block);
    world_free(&world);
}

/* A retried open (attack C1) is answered as the first time and uses nothing up. */
static void rule_2_same_open_same_session(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    assert_int_equal(open_session(&world, 1, 70, 5), 1);
    world_block_t *block = world_block();
    world_open_request(block, world_key(1), 70);
    world_run(&world, block, 6);
    assert_int_equal(block->replies[0].status, SYNOD_OK);
    assert_int_equal(block->replies[0].height, 1);
    assert_int_equal(load_u64(block->replies[0].result.data), 1);
    assert_int_equal(ledger_sessions(world.ledger), 1);
    assert_int_equal(open_session(&world, 1, 71, 7), 2);
    reply_t reply;
    assert_true(ledger_reply(world.ledger, 1, 0, &reply));
    assert_int_equal(reply.session, 0);
    assert_int_equal(reply.sequence, 70);
    assert_int_equal(reply.height, 1);
    assert_int_equal(load_u64(reply.result.data), 1);
    free(block);
    world_free(&world);
}

static void rule_3_bad_key(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    world_block_t *block = world_block();
    world_open_request(block, world_key(0xff), 9);
    world_open_request(block, world_key(1), 9);
    world_run(&world, block, 5);
    assert_refused(block->replies[0], SYNOD_INVALID);
    assert_int_equal(block->replies[0].sequence, 9);
    assert_int_equal(load_u64(block->replies[1].result.data), 1);
    free(block);
    world_free(&world);
}

/* Full: BUSY until the least recently used one was idle for longer than the bound; then it goes,
 * its number is never used again, and its client is told EXPIRED (attack C7). */
static void rule_4_eviction(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    for (uint8_t name = 1; name <= 3; name++) {
        assert_int_equal(open_session(&world, name, 0, 10), name);
    }
    /* The first is used again: the second is now the least recently used. */
    assert_int_equal(run_one(&world, 1, 1, 0, "e").status, SYNOD_OK);
    world_block_t *block = world_block();
    world_open_request(block, world_key(4), 0);
    world_run(&world, block, 10 + world.parameters.session_idle_ns);
    assert_refused(block->replies[0], SYNOD_BUSY);
    world_run(&world, block, 11 + world.parameters.session_idle_ns);
    assert_int_equal(block->replies[0].status, SYNOD_OK);
    assert_int_equal(load_u64(block->replies[0].result.data), 4);
    assert_int_equal(ledger_sessions(world.ledger), 3);
    assert_refused(run_one(&world, 2, 1, 0, "e"), SYNOD_EXPIRED);
    assert_int_equal(ledger_standing(world.ledger, 2, 1, 0), LEDGER_GONE);
    assert_null(ledger_session_key(world.ledger, 2));
    key_public_t key = world_key(2);
    assert_int_equal(ledger_find_session(world.ledger, &key, 0), 0);
    reply_t reply;
    assert_false(ledger_reply(world.ledger, 2, 1, &reply));
    assert_int_equal(reply.status, SYNOD_EXPIRED);
    /* What session 1 ran is still known; a new open of the evicted client gets a new number. */
    assert_int_equal(run_one(&world, 1, 1, 0, "e").height, 4);
    assert_int_equal(open_session(&world, 2, 0, 5000), 5);
    assert_refused(run_one(&world, 3, 1, 0, "e"), SYNOD_EXPIRED);
    free(block);
    world_free(&world);
}

/* A bad key does not push anybody out, and an evicted session leaves nothing to its successor. */
static void rule_4_eviction_is_clean(void **unused) {
    (void)unused;
    ledger_parameters_t parameters = world_small;
    parameters.sessions_max = 1;
    world_t world = world_make(parameters);
    open_session(&world, 1, 0, 10);
    for (uint64_t sequence = 1; sequence <= WINDOW; sequence++) {
        assert_int_equal(run_one(&world, 1, sequence, 0, "e").status, SYNOD_OK);
    }
    world_block_t *block = world_block();
    world_open_request(block, world_key(0xff), 0);
    world_run(&world, block, 5000);
    assert_refused(block->replies[0], SYNOD_INVALID);
    assert_int_equal(ledger_standing(world.ledger, 1, 1, 0), LEDGER_DONE);
    assert_int_equal(open_session(&world, 2, 0, 5000), 2);
    uint64_t height = ledger_height(world.ledger);
    for (uint64_t sequence = 1; sequence <= WINDOW; sequence++) {
        assert_int_equal(ledger_standing(world.ledger, 2, sequence, 0), LEDGER_FRESH);
        assert_int_equal(run_one(&world, 2, sequence, 0, "e").height, height + sequence);
    }
    free(block);
    world_free(&world);
}

static void rule_5_unknown_session(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    open_session(&world, 1, 0, 10);
    assert_refused(run_one(&world, 2, 1, 0, "e"), SYNOD_INVALID);
    assert_refused(run_one(&world, UINT64_MAX, 1, 0, "e"), SYNOD_INVALID);
    assert_int_equal(ledger_standing(world.ledger, 2, 1, 0), LEDGER_UNOPENED);
    assert_int_equal(ledger_standing(world.ledger, UINT64_MAX, 1, 0), LEDGER_UNOPENED);
    reply_t reply;
    assert_false(ledger_reply(world.ledger, 2, 1, &reply));
    assert_int_equal(reply.status, SYNOD_INVALID);
    assert_int_equal(ledger_operations_executed(world.ledger), 0);
    world_free(&world);
}

/* Eviction follows the log: among requests of one block the earlier one is the less recent. */
static void rule_6_order_of_use(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    world_block_t *block = world_block();
    for (uint8_t name = 1; name <= 3; name++) {
        world_open_request(block, world_key(name), 0);
    }
    world_request(block, 1, 1, 0, "e");
    world_request(block, 3, 1, 0, "e");
    world_request(block, 2, 99, 0, "e"); /* INVALID, but a request of a live client */
    world_run(&world, block, 10);
    free(block);
    static const uint64_t evicted[] = {1, 3, 2};
    for (uint8_t i = 0; i < 3; i++) {
        assert_non_null(ledger_session_key(world.ledger, evicted[i]));
        assert_int_equal(open_session(&world, (uint8_t)(4 + i), 0, 5000), 4 + i);
        assert_null(ledger_session_key(world.ledger, evicted[i]));
        assert_int_equal(ledger_sessions(world.ledger), 3);
    }
    block = world_block();
    world_open_request(block, world_key(7), 0);
    world_run(&world, block, 5000);
    assert_refused(block->replies[0], SYNOD_BUSY);
    free(block);
    world_free(&world);
}

static void rule_6_first_out(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    world_block_t *block = world_block();
    for (uint8_t name = 1; name <= 3; name++) {
        world_open_request(block, world_key(name), 0);
    }
    world_request(block, 1, 1, 0, "e");
    world_open_request(block, world_key(2), 0); /* a retried open is no use of the session */
    world_run(&world, block, 10);
    open_session(&world, 4, 0, 5000);
    assert_int_equal(ledger_standing(world.ledger, 2, 1, 0), LEDGER_GONE);
    assert_int_equal(ledger_standing(world.ledger, 1, 1, 0), LEDGER_DONE);
    assert_int_equal(ledger_standing(world.ledger, 3, 1, 0), LEDGER_FRESH);
    free(block);
    world_free(&world);
}

/* attacks C1, C3, H15: the same request again, in the same block, in a later one, with another
 * operation: one execution, the first one's reply to all. */
static void rule_8_runs_once(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    open_session(&world, 1, 0, 10);
    world_block_t *block = world_block();
    world_request(block, 1, 1, 0, "e-first");
    world_request(block, 1, 1, 0, "e-first");
    world_request(block, 1, 1, 0, "e-other operation"); /* attack C3 */
    world_run(&world, block, 11);
    assert_int_equal(block->replies[0].status, SYNOD_OK);
    assert_int_equal(block->replies[0].height, 2);
    assert_memory_equal(block->replies[0].result.data + 5, "e-first", 7);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(block->replies[i].status, SYNOD_OK);
            assert_int_equal(block->replies[i].height, 2);
            assert_true(bytes_equal(block->replies[i].result, bytes_of(block->reply_bytes, 20)));
        }
        world_run(&world, block, 12 + round); /* attack C1: ordered again */
    }
    assert_int_equal(ledger_requests_executed(world.ledger), 1);
    assert_int_equal(ledger_operations_executed(world.ledger), 1);
    assert_int_equal(ledger_standing(world.ledger, 1, 1, 0), LEDGER_DONE);
    reply_t reply; /* attack C6: whoever asks later gets it too */
    assert_true(ledger_reply(world.ledger, 1, 1, &reply));
    assert_int_equal(reply.session, 1);
    assert_int_equal(reply.sequence, 1);
    assert_int_equal(reply.height, 2);
    assert_true(bytes_equal(reply.result, block->replies[0].result));
    free(block);
    world_free(&world);
}

static void rule_9_window(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    open_session(&world, 1, 0, 10);
    assert_refused(run_one(&world, 1, WINDOW + 1, 0, "e"), SYNOD_INVALID);
    assert_int_equal(ledger_standing(world.ledger, 1, WINDOW + 1, 0), LEDGER_OUTSIDE);
    assert_int_equal(run_one(&world, 1, WINDOW, 0, "e").status, SYNOD_OK);
    for (uint64_t sequence = WINDOW - 1; sequence >= 1; sequence--) {
        assert_int_equal(ledger_standing(world.ledger, 1, sequence, 0), LEDGER_FRESH);
        assert_int_equal(run_one(&world, 1, sequence, 0, "e").status, SYNOD_OK);
    }
    assert_int_equal(ledger_requests_executed(world.ledger), WINDOW);
    /* The request that moves the window may use it at once, and the gate sees that beforehand. */
    assert_int_equal(ledger_standing(world.ledger, 1, WINDOW + 3, 3), LEDGER_FRESH);
    assert_int_equal(ledger_standing(world.ledger, 1, WINDOW + 4, 3), LEDGER_OUTSIDE);
    /* Numbers that the decoder lets nobody order: asked for nevertheless, they are outside. */
    assert_int_equal(ledger_standing(world.ledger, 1, WINDOW + 3, WINDOW + 3), LEDGER_OUTSIDE);
    assert_int_equal(ledger_standing(world.ledger, 1, 0, 0), LEDGER_OUTSIDE);
    assert_int_equal(run_one(&world, 1, WINDOW + 3, 3, "e").status, SYNOD_OK);
    /* An acknowledgement counts even in a request that is refused. */
    assert_refused(run_one(&world, 1, 100, 5, "e"), SYNOD_INVALID);
    assert_int_equal(ledger_standing(world.ledger, 1, WINDOW + 5, 0), LEDGER_FRESH);
    assert_refused(run_one(&world, 1, 5, 0, "e"), SYNOD_UNKNOWN);
    world_free(&world);
}

/* attack C2: there is no wrap. The last sequence of all is 2^64 - 1; then the session is full. */
static void rule_9_end_of_numbers(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    open_session(&world, 1, 0, 10);
    uint64_t low = UINT64_MAX - WINDOW;
    assert_int_equal(run_one(&world, 1, UINT64_MAX, low, "e").status, SYNOD_OK);
    for (uint64_t i = 1; i < WINDOW; i++) {
        assert_int_equal(run_one(&world, 1, low + i, 0, "e").status, SYNOD_OK);
    }
    assert_int_equal(ledger_requests_executed(world.ledger), WINDOW);
    assert_int_equal(run_one(&world, 1, UINT64_MAX, 0, "e").height, 2);
    for (uint64_t sequence = 1; sequence <= 2 * WINDOW; sequence++) {
        assert_refused(run_one(&world, 1, sequence, 0, "e"), SYNOD_UNKNOWN);
        assert_int_equal(ledger_standing(world.ledger, 1, sequence, 0), LEDGER_DONE);
    }
    assert_int_equal(run_one(&world, 1, UINT64_MAX, UINT64_MAX - 1, "e").height, 2);
    assert_refused(run_one(&world, 1, UINT64_MAX - 1, 0, "e"), SYNOD_UNKNOWN);
    assert_int_equal(ledger_requests_executed(world.ledger), WINDOW);
    world_free(&world);
}

/* At or below what the client settled: never again, and no result is made up. */
static void rule_10_settled(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    open_session(&world, 1, 0, 10);
    run_one(&world, 1, 1, 0, "e");
    run_one(&world, 1, 4, 3, "e"); /* 2 and 3 never ran: the client gave them up */
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        assert_refused(run_one(&world, 1, sequence, 0, "e"), SYNOD_UNKNOWN);
        assert_int_equal(ledger_standing(world.ledger, 1, sequence, 0), LEDGER_DONE);
        reply_t reply;
        assert_false(ledger_reply(world.ledger, 1, sequence, &reply));
        assert_int_equal(reply.status, SYNOD_UNKNOWN);
        assert_int_equal(reply.height, 0);
    }
    /* A late request with an older acknowledgement does not lower anything. */
    assert_int_equal(run_one(&world, 1, 5, 0, "e").status, SYNOD_OK);
    assert_refused(run_one(&world, 1, 3, 0, "e"), SYNOD_UNKNOWN);
    assert_int_equal(ledger_requests_executed(world.ledger), 3);
    world_free(&world);
}

/* Agreed time that goes back is held, and an empty block counts for the application too. */
static void blocks(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    block_t header = {.height = 1, .time_ns = 50};
    ledger_execute(world.ledger, &header, NULL, 0, NULL, NULL);
    header = (block_t){.height = 2, .time_ns = 40};
    ledger_execute(world.ledger, &header, NULL, 0, NULL, NULL);
    assert_int_equal(ledger_height(world.ledger), 2);
    assert_int_equal(ledger_time_ns(world.ledger), 50);
    digest_t application;
    digest_t committee = {{0}};
    ledger_root(world.ledger, &committee, (bytes_t){0}, &application);
    fold_t expected = {0};
    fold_end_block(&expected, &(synod_block_info){.time_ns = 50});
    fold_end_block(&expected, &(synod_block_info){.time_ns = 50});
    digest_t root;
    fold_root(&expected, &root);
    assert_memory_equal(&root, &application, sizeof root);
    world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_numbers_count_from_one),
        cmocka_unit_test(rule_2_same_open_same_session),
        cmocka_unit_test(rule_3_bad_key),
        cmocka_unit_test(rule_4_eviction),
        cmocka_unit_test(rule_4_eviction_is_clean),
        cmocka_unit_test(rule_5_unknown_session),
        cmocka_unit_test(rule_6_order_of_use),
        cmocka_unit_test(rule_6_first_out),
        cmocka_unit_test(rule_8_runs_once),
        cmocka_unit_test(rule_9_window),
        cmocka_unit_test(rule_9_end_of_numbers),
        cmocka_unit_test(rule_10_settled),
        cmocka_unit_test(blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
