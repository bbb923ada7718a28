/* Results: their encoding, the bound of one request, what a session keeps and for how long; the
 * memory that a ledger touches; what it refuses to open. */
#include "tests/unit/ledger_world.h"

#include <sys/mman.h>
#include <unistd.h>

static world_t world_with_session(ledger_parameters_t parameters, world_block_t **block) {
    world_t world = world_make(parameters);
    *block = world_block();
    world_open_request(*block, world_key(1), 0);
    world_run(&world, *block, 1);
    (*block)->count = 0;
    (*block)->used = 0;
    return world;
}

static void again(world_block_t *block) {
    block->count = 0;
    block->used = 0;
}

static void done(world_t *world, world_block_t *block) {
    free(block);
    world_free(world);
}

/* Reads one operation's outcome at `*at`. */
static bytes_t outcome(const reply_t *reply, size_t *at, uint8_t *status) {
    assert_true(reply->result.size - *at >= 5);
    *status = reply->result.data[*at];
    uint32_t length = load_u32(reply->result.data + *at + 1);
    assert_true(length <= reply->result.size - *at - 5);
    bytes_t bytes = bytes_of(reply->result.data + *at + 5, length);
    *at += 5 + (size_t)length;
    return bytes;
}

static void rule_11_operations(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    bytes_t operations[] = {bytes_of("e1", 2), bytes_of("f", 1), bytes_of("x", 1), bytes_of("", 0),
                            bytes_of("e2", 2)};
    world_requests(block, 1, 1, 0, operations, 5);
    world_requests(block, 1, 2, 0, operations, 1);
    world_run(&world, block, 2);
    const reply_t *reply = &block->replies[0];
    assert_int_equal(reply->status, SYNOD_APP_ERROR); /* one was refused, all ran */
    assert_int_equal(reply->height, 2);
    size_t at = 0;
    uint8_t status;
    bytes_t bytes = outcome(reply, &at, &status);
    assert_int_equal(status, SYNOD_OK);
    assert_memory_equal(bytes.data, "e1\1\0\0\0\0\0\0\0", 10);
    bytes = outcome(reply, &at, &status);
    assert_int_equal(status, SYNOD_APP_ERROR);
    assert_true(bytes_equal(bytes, bytes_of("refused", 7)));
    bytes = outcome(reply, &at, &status);
    assert_int_equal(status, SYNOD_APP_ERROR); /* what is not OK is an application error */
    assert_int_equal(bytes.size, 0);
    bytes = outcome(reply, &at, &status);
    assert_int_equal(status, SYNOD_OK);
    assert_int_equal(bytes.size, 8);
    bytes = outcome(reply, &at, &status);
    assert_memory_equal(bytes.data, "e2\5\0\0\0\0\0\0\0", 10);
    assert_int_equal(at, reply->result.size);
    assert_int_equal(block->replies[1].status, SYNOD_OK);
    assert_int_equal(ledger_operations_executed(world.ledger), 6);
    assert_int_equal(ledger_requests_executed(world.ledger), 2);
    done(&world, block);
}

/* The application is told of all operations of a request, some at a time; of one alone there is
 * nothing to tell. */
static void operations_are_announced(void **unused) {
    (void)unused;
    enum { OPERATIONS = 97 };
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    bytes_t operations[OPERATIONS];
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        operations[i] = bytes_of("n", 1);
    }
    fold_expected.all = fold_expected.groups = 0;
    world_requests(block, 1, 1, 0, operations, OPERATIONS);
    world_requests(block, 1, 2, 0, operations, 1);
    world_run(&world, block, 2);
    assert_int_equal(fold_expected.all, OPERATIONS - 1); /* the last one is alone */
    assert_int_equal(fold_expected.groups, 3);
    assert_int_equal(fold_expected.ran, fold_expected.count);
    done(&world, block);
}

/* The bound of a result: an operation that does not fit says so, the others are not harmed. */
static void rule_12_bound(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    const uint32_t bound = world.parameters.reply_bytes_max;
    uint8_t exact[5] = {'b'}, over[5] = {'b'};
    store_u32(exact + 1, bound - 3 * 5);
    store_u32(over + 1, bound - 3 * 5 + 1);
    bytes_t operations[] = {bytes_of(over, 5), bytes_of(exact, 5), bytes_of("f", 1)};
    world_requests(block, 1, 1, 0, operations, 3);
    world_run(&world, block, 2);
    const reply_t *reply = &block->replies[0];
    assert_int_equal(reply->status, SYNOD_APP_ERROR);
    assert_int_equal(reply->result.size, bound);
    size_t at = 0;
    uint8_t status;
    assert_int_equal(outcome(reply, &at, &status).size, 0);
    assert_int_equal(status, SYNOD_APP_ERROR);
    assert_int_equal(outcome(reply, &at, &status).size, bound - 15);
    assert_int_equal(status, SYNOD_OK);
    assert_int_equal(outcome(reply, &at, &status).size, 0); /* no room for "refused" */
    assert_int_equal(status, SYNOD_APP_ERROR);
    assert_int_equal(ledger_operations_executed(world.ledger), 3);
    done(&world, block);
}

/* A reply that was cut is no reply: neither its front nor what the application put later. */
static void rule_12_no_partial_reply(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    world_sized(block, 1, 1, 0, 's', 64); /* all fits but the last byte */
    world_sized(block, 1, 2, 0, 's', 65); /* fits exactly */
    world_sized(block, 1, 3, 0, 's', 0);
    world_run(&world, block, 2);
    static const size_t sizes[] = {0, LEDGER_REPLY_BYTES_MIN - 5, 0};
    for (uint32_t i = 0; i < 3; i++) {
        size_t at = 0;
        uint8_t status;
        assert_int_equal(outcome(&block->replies[i], &at, &status).size, sizes[i]);
        assert_int_equal(status, sizes[i] == 0 ? SYNOD_APP_ERROR : SYNOD_OK);
        assert_int_equal(block->replies[i].status, status);
    }
    done(&world, block);
}

/* The most operations of all: every status has its place. */
static void rule_12_all_headers_fit(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    static bytes_t operations[REQUEST_OPERATIONS_MAX];
    for (uint32_t i = 0; i < REQUEST_OPERATIONS_MAX; i++) {
        operations[i] = bytes_of("e", 1);
    }
    world_requests(block, 1, 1, 0, operations, REQUEST_OPERATIONS_MAX);
    world_run(&world, block, 2);
    assert_int_equal(block->replies[0].result.size, LEDGER_REPLY_BYTES_MIN);
    assert_int_equal(block->replies[0].status, SYNOD_APP_ERROR);
    assert_int_equal(ledger_operations_executed(world.ledger), REQUEST_OPERATIONS_MAX);
    done(&world, block);
}

static void assert_kept(world_t *world, uint64_t sequence, size_t size) {
    reply_t reply;
    assert_true(ledger_reply(world->ledger, 1, sequence, &reply));
    assert_int_equal(reply.status, SYNOD_OK);
    assert_int_equal(reply.result.size, size);
    assert_int_equal(load_u32(reply.result.data + 1), size - 5);
}

static void assert_forgotten(world_t *world, uint64_t sequence, uint64_t height) {
    reply_t reply;
    assert_int_equal(ledger_standing(world->ledger, 1, sequence, 0), LEDGER_DONE);
    assert_false(ledger_reply(world->ledger, 1, sequence, &reply));
    assert_int_equal(reply.status, SYNOD_UNKNOWN);
    assert_int_equal(reply.height, height);
    assert_int_equal(reply.result.size, 0);
}

/* The oldest results make room, in the order in which they ran; that they ran stays known. */
static void rule_13_oldest_goes(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    world_sized(block, 1, 5, 0, 'b', 35); /* 40 bytes */
    world_sized(block, 1, 2, 0, 'b', 35);
    world_sized(block, 1, 3, 0, 'b', 15); /* 20: now full, exactly */
    world_run(&world, block, 2);
    assert_kept(&world, 5, 40);
    assert_kept(&world, 2, 40);
    assert_kept(&world, 3, 20);
    again(block);
    world_sized(block, 1, 4, 0, 'b', 0);
    world_run(&world, block, 3);
    assert_forgotten(&world, 5, 2);
    assert_kept(&world, 2, 40);
    assert_kept(&world, 4, 5);
    again(block);
    world_sized(block, 1, 5, 0, 'b', 35); /* ran: not again, and no result */
    world_sized(block, 1, 6, 0, 'b', 76);
    world_run(&world, block, 4);
    assert_int_equal(block->replies[0].status, SYNOD_UNKNOWN);
    assert_int_equal(block->replies[0].height, 2);
    assert_int_equal(block->replies[0].result.size, 0);
    assert_forgotten(&world, 2, 2);
    assert_forgotten(&world, 3, 2);
    assert_kept(&world, 4, 5); /* no more goes than has to */
    assert_kept(&world, 6, 81);
    assert_int_equal(ledger_requests_executed(world.ledger), 5);
    done(&world, block);
}

/* A result larger than the memory is given once and not kept; it pushes nothing out. */
static void rule_13_too_large_to_keep(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    world_sized(block, 1, 1, 0, 'b', 10);
    world_sized(block, 1, 2, 0, 'b', 96);
    world_sized(block, 1, 2, 0, 'b', 96);
    world_run(&world, block, 2);
    assert_int_equal(block->replies[1].status, SYNOD_OK);
    assert_int_equal(block->replies[1].result.size, 101);
    assert_int_equal(block->replies[2].status, SYNOD_UNKNOWN);
    assert_int_equal(block->replies[2].height, 2);
    assert_kept(&world, 1, 15);
    assert_forgotten(&world, 2, 2);
    done(&world, block);
}

/* Acknowledging frees memory wherever the result lies; what is left stays whole when it slides. */
static void rule_13_acknowledging_frees(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = world_with_session(world_small, &block);
    world_sized(block, 1, 3, 0, 'b', 25); /* 30 */
    world_sized(block, 1, 1, 0, 'b', 25);
    world_sized(block, 1, 4, 0, 'b', 25);
    world_sized(block, 1, 2, 0, 'b', 5);  /* 10: full */
    world_sized(block, 1, 5, 2, 'b', 35); /* 40: takes the room of 1 and 2 */
    world_run(&world, block, 2);
    assert_kept(&world, 3, 30);
    assert_kept(&world, 4, 30);
    assert_kept(&world, 5, 40);
    for (uint64_t sequence = 6; sequence < 60; sequence++) {
        again(block);
        world_sized(block, 1, sequence, sequence - 3, 'b', (uint32_t)(sequence % 29));
        world_run(&world, block, sequence);
        for (uint64_t kept = sequence - 2; kept <= sequence && kept > 5; kept++) {
            assert_kept(&world, kept, 5 + kept % 29);
            reply_t reply;
            assert_true(ledger_reply(world.ledger, 1, kept, &reply));
            uint8_t expected[32] = {'p', 'q'};
            assert_memory_equal(reply.result.data + 5, expected, kept % 29);
        }
    }
    done(&world, block);
}

/* A session without reply memory still runs everything once. */
static void rule_13_no_memory(void **unused) {
    (void)unused;
    ledger_parameters_t parameters = world_small;
    parameters.session_reply_bytes = 0;
    world_block_t *block;
    world_t world = world_with_session(parameters, &block);
    world_request(block, 1, 1, 0, "e");
    world_request(block, 1, 1, 0, "e");
    world_run(&world, block, 2);
    assert_int_equal(block->replies[0].status, SYNOD_OK);
    assert_int_equal(block->replies[1].status, SYNOD_UNKNOWN);
    assert_int_equal(block->replies[1].height, 2);
    done(&world, block);
}

static size_t resident_bytes(void *memory, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page, resident = 0;
    unsigned char *map = malloc(pages);
    assert_non_null(map);
    assert_int_equal(mincore(memory, size, map), 0);
    for (size_t i = 0; i < pages; i++) {
        resident += map[i] & 1 ? page : 0;
    }
    free(map);
    return resident;
}

/* Hundreds of megabytes are reserved, what was never opened is never touched. */
static void memory_is_touched_when_used(void **unused) {
    (void)unused;
    ledger_parameters_t parameters = {.sessions_max = 4096,
                                      .session_window = 1024,
                                      .session_reply_bytes = 64 << 10,
                                      .session_idle_ns = 1,
                                      .reply_bytes_max = 256 << 10};
    size_t size = ledger_bytes(&parameters);
    assert_true(size > (size_t)500 << 20);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    world_t world = {.memory = memory, .parameters = parameters};
    assert_int_equal(ledger_open(memory, &parameters, &fold_app, &world_verifier, &world.ledger),
                     SYNOD_OK);
    world_block_t *block = world_block();
    for (uint8_t name = 0; name < 8; name++) {
        world_open_request(block, world_key(name), 0);
    }
    world_sized(block, 1, 1, 0, 'b', 20000);
    world_run(&world, block, 1);
    world_root(&world);
    size_t resident = resident_bytes(memory, size);
    assert_true(resident < (size_t)1 << 20);
    /* A client that settles promptly stays on its first pages. */
    for (uint64_t sequence = 2; sequence < 20; sequence++) {
        block->count = 0;
        block->used = 0;
        world_sized(block, 1, sequence, sequence - 1, 'b', 20000);
        world_run(&world, block, sequence);
    }
    assert_int_equal(resident_bytes(memory, size), resident);
    free(block);
    ledger_close(world.ledger);
    munmap(memory, size);
}

static synod_status open_with(ledger_parameters_t parameters, const synod_app *app) {
    size_t size = ledger_bytes(&parameters);
    void *memory = calloc(1, size == 0 ? 64 : size);
    ledger_t *ledger = NULL;
    synod_status status = ledger_open(memory, &parameters, app, &world_verifier, &ledger);
    assert_int_equal(size == 0, status == SYNOD_BAD_CONFIG);
    if (status == SYNOD_OK) {
        ledger_close(ledger);
    }
    free(memory);
    return status;
}

static void open_judges_parameters(void **unused) {
    (void)unused;
    ledger_parameters_t bad[8] = {world_small, world_small, world_small, world_small,
                                  world_small, world_small, world_small, world_small};
    bad[0].sessions_max = 0;
    bad[1].sessions_max = LEDGER_SESSIONS_MAX + 1;
    bad[2].session_window = 0;
    bad[3].session_window = 24;
    bad[4].session_window = 2 * LEDGER_WINDOW_MAX;
    bad[5].session_reply_bytes = LEDGER_SESSION_REPLY_BYTES_MAX + 1;
    bad[6].reply_bytes_max = LEDGER_REPLY_BYTES_MIN - 1;
    bad[7].reply_bytes_max = LEDGER_REPLY_BYTES_MAX + 1;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(open_with(bad[i], &fold_app), SYNOD_BAD_CONFIG);
    }
    assert_int_equal(open_with(world_small, &fold_app), SYNOD_OK);
}

static synod_status no_memory(void **state) {
    *state = NULL;
    return SYNOD_NO_MEMORY;
}

static uint32_t no_updates(void *state, synod_validator_update *updates, uint32_t capacity) {
    (void)state, (void)updates, (void)capacity;
    return 0;
}

static void open_judges_application(void **unused) {
    (void)unused;
    synod_app app = fold_app;
    app.open = no_memory;
    assert_int_equal(open_with(world_small, &app), SYNOD_NO_MEMORY);
    app = fold_app;
    app.validator_updates = no_updates;
    assert_int_equal(open_with(world_small, &app), SYNOD_UNSUPPORTED);
    /* Of an older build, whose table ends before that member. */
    app.size_bytes = offsetof(synod_app, validator_updates);
    assert_int_equal(open_with(world_small, &app), SYNOD_OK);
    app = fold_app;
    app.size_bytes = offsetof(synod_app, snapshot_load);
    assert_int_equal(open_with(world_small, &app), SYNOD_UNSUPPORTED);
    app = fold_app;
    app.execute = NULL;
    assert_int_equal(open_with(world_small, &app), SYNOD_UNSUPPORTED);
    app = fold_app;
    app.root_begin = fold_root_begin; /* without the other half */
    assert_int_equal(open_with(world_small, &app), SYNOD_UNSUPPORTED);
    static const uint8_t byte = 1;
    world_t world = world_make(world_small);
    assert_int_equal(ledger_check(world.ledger, bytes_of(&byte, 1)), SYNOD_OK); /* it has none */
    assert_int_equal(ledger_query(world.ledger, (bytes_t){0}, false, NULL, NULL),
                     SYNOD_UNSUPPORTED);
    world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_11_operations),          cmocka_unit_test(rule_12_bound),
        cmocka_unit_test(rule_12_no_partial_reply),    cmocka_unit_test(rule_12_all_headers_fit),
        cmocka_unit_test(rule_13_oldest_goes),         cmocka_unit_test(rule_13_too_large_to_keep),
        cmocka_unit_test(rule_13_acknowledging_frees), cmocka_unit_test(rule_13_no_memory),
        cmocka_unit_test(memory_is_touched_when_used), cmocka_unit_test(open_judges_parameters),
        cmocka_unit_test(open_judges_application),     cmocka_unit_test(operations_are_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
