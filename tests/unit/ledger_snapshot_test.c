/* The stream: back and forth in pieces of any size, and what hostile bytes meet (attack P24). */
#include "tests/unit/ledger_world.h"

/* Offsets in the stream (docs/formats/sessions.md). */
enum {
    AT_HEIGHT = 16,
    AT_TIME = 24,
    AT_NEXT = 32,
    AT_POSITIONS = 40,
    AT_REQUESTS = 48,
    AT_COUNT = 64,
    AT_FIRST = 68, /* session 1 */
    IN_NONCE = 8,
    IN_KEY = 16,
    IN_OPENED = 48,
    IN_LOW = 56,
    IN_POSITION = 64,
    IN_TIME = 72,
    IN_FORGOTTEN = 80,
    IN_KEPT = 84,
    RECORD = 88
};

/* Three sessions; the first has two results forgotten and two kept, the second nothing, the third
 * one kept; the last use is in the order 2, 3, 1. */
static world_t populated(void) {
    world_t world = world_make(world_small);
    world_block_t *block = world_block();
    world_open_request(block, world_key(1), 0);
    world_open_request(block, world_key(2), 0);
    world_open_request(block, world_key(3), 5);
    world_run(&world, block, 10);
    block->count = 0;
    block->used = 0;
    world_sized(block, 1, 4, 2, 'b', 40);
    world_sized(block, 1, 3, 2, 'b', 60);
    world_request(block, 3, 1, 0, "e");
    world_sized(block, 1, 9, 2, 'b', 90); /* both before it go */
    world_run(&world, block, 11);
    block->count = 0;
    block->used = 0;
    world_request(block, 1, 5, 0, "n"); /* and this one: 9 goes */
    world_request(block, 1, 6, 0, "f");
    world_run(&world, block, 12);
    free(block);
    return world;
}

/* What both do with the same blocks from now on. */
static void assert_same_future(world_t *a, world_t *b) {
    for (uint64_t round = 0; round < 12; round++) {
        world_block_t *one = world_block();
        for (uint64_t session = 1; session <= 6; session++) {
            world_request(one, session, 1 + round, round < 6 ? 0 : round - 5, "e");
            world_request(one, session, 4 + round / 2, 0, "n");
        }
        world_open_request(one, world_key(1), 0);
        world_open_request(one, world_key((uint8_t)(10 + round)), 0);
        world_block_t *two = malloc(sizeof *two);
        assert_non_null(two);
        memcpy(two, one, sizeof *two); /* the requests borrow from the first */
        world_run(a, one, 12 + round * 500);
        world_run(b, two, 12 + round * 500);
        for (uint32_t i = 0; i < one->count; i++) {
            assert_int_equal(one->replies[i].status, two->replies[i].status);
            assert_int_equal(one->replies[i].height, two->replies[i].height);
            assert_true(bytes_equal(one->replies[i].result, two->replies[i].result));
        }
        free(one);
        free(two);
        digest_t root_a = world_root(a), root_b = world_root(b);
        assert_true(digest_equal(&root_a, &root_b));
    }
}

static void back_and_forth(void **unused) {
    (void)unused;
    world_t from = populated();
    digest_t root = world_root(&from);
    world_stream_t stream = world_save(&from);
    for (size_t piece = 1; piece <= stream.size + 1; piece += piece < 100 ? 1 : 41) {
        world_t to = world_make(world_small);
        assert_int_equal(world_load(&to, bytes_of(stream.data, stream.size), piece), SYNOD_OK);
        digest_t loaded = world_root(&to);
        assert_true(digest_equal(&root, &loaded));
        assert_int_equal(ledger_height(to.ledger), ledger_height(from.ledger));
        assert_int_equal(ledger_time_ns(to.ledger), ledger_time_ns(from.ledger));
        assert_int_equal(ledger_sessions(to.ledger), 3);
        assert_int_equal(ledger_requests_executed(to.ledger), 6);
        world_stream_t again = world_save(&to);
        assert_true(
            bytes_equal(bytes_of(stream.data, stream.size), bytes_of(again.data, again.size)));
        free(again.data);
        if (piece > stream.size) {
            assert_same_future(&from, &to);
        }
        world_free(&to);
    }
    free(stream.data);
    world_free(&from);
}

/* Loading replaces whatever was there, window entries included. */
static void load_over_something(void **unused) {
    (void)unused;
    world_t from = populated(), to = populated();
    world_t empty = world_make(world_small);
    world_stream_t nothing = world_save(&empty), stream = world_save(&from);
    digest_t fresh = world_root(&empty);
    assert_int_equal(world_load(&to, bytes_of(nothing.data, nothing.size), 64), SYNOD_OK);
    assert_int_equal(ledger_sessions(to.ledger), 0);
    digest_t root = world_root(&to);
    assert_true(digest_equal(&root, &fresh));
    assert_same_future(&empty, &to);
    assert_int_equal(world_load(&to, bytes_of(stream.data, stream.size), 64), SYNOD_OK);
    assert_same_future(&from, &to);
    free(nothing.data);
    free(stream.data);
    world_free(&empty);
    world_free(&from);
    world_free(&to);
}

/* Pieces of any size add up to the same stream, and what runs meanwhile is not in it. */
static void save_in_pieces(void **unused) {
    (void)unused;
    static const size_t sizes[] = {1, 7, 68, 100, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        world_t from = populated(), other = populated();
        world_stream_t whole = world_save(&from), late = {.limit = WORLD_BYTES_MAX};
        world_stream_t pieces = world_save_pieces(&from, sizes[i]);
        assert_true(
            bytes_equal(bytes_of(whole.data, whole.size), bytes_of(pieces.data, pieces.size)));
        late.data = pieces.data;
        ledger_save_begin(from.ledger);
        assert_same_future(&from, &other); /* goes on */
        world_save_rest(&from, &late, sizes[i]);
        assert_true(bytes_equal(bytes_of(whole.data, whole.size), bytes_of(late.data, late.size)));
        free(whole.data);
        free(pieces.data);
        world_free(&from);
        world_free(&other);
    }
}

/* After a refused stream the ledger is as after open and of full use. */
static void assert_fresh(world_t *world) {
    world_t empty = world_make(world_small);
    digest_t fresh = world_root(&empty), root = world_root(world);
    assert_true(digest_equal(&root, &fresh));
    assert_int_equal(ledger_height(world->ledger), 0);
    assert_int_equal(ledger_sessions(world->ledger), 0);
    world_free(&empty);
}

static void truncations(void **unused) {
    (void)unused;
    world_t from = populated(), to = populated();
    world_stream_t stream = world_save(&from);
    for (size_t size = 0; size < stream.size; size++) {
        assert_int_equal(world_load(&to, bytes_of(stream.data, size), 50), SYNOD_TRUNCATED);
        assert_fresh(&to);
    }
    assert_int_equal(world_load(&to, bytes_of(stream.data, stream.size), 50), SYNOD_OK);
    assert_same_future(&from, &to);
    free(stream.data);
    world_free(&from);
    world_free(&to);
}

/* Every single bit: refused with a status, or another state, which its root tells. */
static void flips(void **unused) {
    (void)unused;
    world_t from = populated(), to = world_make(world_small);
    world_stream_t stream = world_save(&from);
    digest_t root = world_root(&from);
    uint32_t refused = 0, accepted = 0;
    for (size_t bit = 0; bit < 8 * stream.size; bit++) {
        stream.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        synod_status status = world_load(&to, bytes_of(stream.data, stream.size), 64);
        if (status == SYNOD_OK) {
            digest_t loaded = world_root(&to);
            assert_false(digest_equal(&root, &loaded));
            accepted++;
        } else {
            assert_true(status >= SYNOD_TRUNCATED && status <= SYNOD_UNWANTED);
            assert_fresh(&to);
            refused++;
        }
        stream.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(refused > 500 && accepted > 500);
    free(stream.data);
    world_free(&from);
    world_free(&to);
}

typedef struct lie {
    uint32_t at, size;
    uint64_t value;
    synod_status status;
} lie_t;

enum {
    FORGOTTEN_1 = AT_FIRST + RECORD, /* sequences 3, 4, 9; 16 bytes each */
    KEPT_1 = FORGOTTEN_1 + 3 * 16,   /* sequences 5 (6 bytes), 6 (12 bytes) */
    KEPT_2 = KEPT_1 + 21 + 6,
    SECOND = KEPT_2 + 21 + 12,
    THIRD = SECOND + RECORD
};

/* One field at a time, each with the judgement that it meets. */
static const lie_t lies[] = {
    {0, 8, 0, SYNOD_BAD_VERSION},
    {AT_HEIGHT, 8, 2, SYNOD_MALFORMED}, /* below the height of an entry */
    {AT_HEIGHT, 8, 0, SYNOD_MALFORMED},
    {AT_TIME, 8, 11, SYNOD_MALFORMED},
    {AT_NEXT, 8, 0, SYNOD_MALFORMED},
    {AT_NEXT, 8, 3, SYNOD_MALFORMED},
    {AT_NEXT, 8, 11, SYNOD_MALFORMED}, /* more than positions can have given out */
    {AT_POSITIONS, 8, 8, SYNOD_MALFORMED},
    {AT_REQUESTS, 8, 10, SYNOD_MALFORMED},
    {AT_COUNT, 4, 4, SYNOD_TOO_LARGE},
    {AT_COUNT, 4, UINT32_MAX, SYNOD_TOO_LARGE},
    {AT_FIRST, 8, 0, SYNOD_MALFORMED},
    {AT_FIRST, 8, 2, SYNOD_MALFORMED}, /* then the second does not ascend */
    {THIRD, 8, 4, SYNOD_MALFORMED},
    {SECOND + IN_KEY, 1, 1, SYNOD_DUPLICATE},
    {SECOND + IN_KEY, 1, 0xff, SYNOD_BAD_KEY},
    {AT_FIRST + IN_OPENED, 8, 0, SYNOD_MALFORMED},
    {AT_FIRST + IN_OPENED, 8, 4, SYNOD_MALFORMED},
    {AT_FIRST + IN_OPENED, 8, 3, SYNOD_MALFORMED}, /* above the height of an entry */
    {SECOND + IN_OPENED, 8, 2, SYNOD_MALFORMED},   /* above that of the third */
    {AT_FIRST + IN_LOW, 8, UINT64_MAX, SYNOD_MALFORMED},
    {AT_FIRST + IN_LOW, 8, 3, SYNOD_MALFORMED},
    {AT_FIRST + IN_LOW, 8, 0, SYNOD_MALFORMED}, /* 9 is out of the window */
    {AT_FIRST + IN_POSITION, 8, 0, SYNOD_MALFORMED},
    {AT_FIRST + IN_POSITION, 8, 10, SYNOD_MALFORMED},
    {AT_FIRST + IN_POSITION, 8, 2, SYNOD_MALFORMED}, /* that of the second */
    {AT_FIRST + IN_POSITION, 8, 1, SYNOD_MALFORMED}, /* times would go back */
    {AT_FIRST + IN_TIME, 8, 13, SYNOD_MALFORMED},
    {AT_FIRST + IN_TIME, 8, 9, SYNOD_MALFORMED},
    {AT_FIRST + IN_FORGOTTEN, 4, 9, SYNOD_TOO_LARGE},
    {AT_FIRST + IN_FORGOTTEN, 4, 7, SYNOD_TOO_LARGE}, /* 7 + 2 > window */
    {AT_FIRST + IN_FORGOTTEN, 4, UINT32_MAX, SYNOD_TOO_LARGE},
    {AT_FIRST + IN_KEPT, 4, UINT32_MAX, SYNOD_TOO_LARGE},
    {FORGOTTEN_1, 8, 2, SYNOD_MALFORMED},
    {FORGOTTEN_1, 8, 4, SYNOD_MALFORMED}, /* then the next does not ascend */
    {FORGOTTEN_1 + 32, 8, 11, SYNOD_MALFORMED},
    {FORGOTTEN_1 + 32, 8, UINT64_MAX, SYNOD_MALFORMED},
    {FORGOTTEN_1 + 8, 8, 0, SYNOD_MALFORMED},
    {FORGOTTEN_1 + 8, 8, 4, SYNOD_MALFORMED},
    {KEPT_1, 8, 3, SYNOD_DUPLICATE},
    {KEPT_1, 8, 6, SYNOD_DUPLICATE},
    {KEPT_1, 8, 11, SYNOD_MALFORMED},
    {KEPT_1, 8, 2, SYNOD_MALFORMED},
    {KEPT_1 + 8, 8, 4, SYNOD_MALFORMED},
    {KEPT_2 + 8, 8, 2, SYNOD_MALFORMED}, /* below that of the result before */
    {KEPT_1 + 16, 1, SYNOD_UNKNOWN, SYNOD_MALFORMED},
    {KEPT_1 + 17, 4, 101, SYNOD_TOO_LARGE},
    {KEPT_1 + 17, 4, UINT32_MAX, SYNOD_TOO_LARGE},
    {KEPT_2 + 17, 4, 95, SYNOD_TOO_LARGE}, /* 6 + 95 > 100 */
};

static void lying_fields(void **unused) {
    (void)unused;
    world_t from = populated(), to = world_make(world_small);
    world_stream_t stream = world_save(&from);
    assert_int_equal(stream.size, THIRD + RECORD + 21 + 14 + 32);
    uint8_t *bytes = malloc(stream.size);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        uint8_t value[8];
        store_u64(value, lies[i].value);
        memcpy(bytes, stream.data, stream.size);
        memcpy(bytes + lies[i].at, value, lies[i].size);
        synod_status status = world_load(&to, bytes_of(bytes, stream.size), stream.size);
        if (status != lies[i].status) {
            print_error("lie %zu at %u: %d\n", i, lies[i].at, status);
        }
        assert_int_equal(status, lies[i].status);
        assert_fresh(&to);
    }
    free(bytes);
    free(stream.data);
    world_free(&from);
    world_free(&to);
}

/* Two fields at a time, or a stream without entries, where one lie alone meets another rule. */
static void lying_pairs(void **unused) {
    (void)unused;
    world_t from = populated(), to = world_make(world_small);
    world_stream_t stream = world_save(&from);
    store_u64(stream.data + SECOND + IN_POSITION, 6); /* that of the third, at its time */
    store_u64(stream.data + SECOND + IN_TIME, 11);
    assert_int_equal(world_load(&to, bytes_of(stream.data, stream.size), 9), SYNOD_MALFORMED);
    free(stream.data);
    world_free(&from);
    from = world_make(world_small);
    world_block_t *block = world_block();
    world_open_request(block, world_key(1), 0);
    world_run(&from, block, 10);
    free(block);
    stream = world_save(&from);
    bytes_t bytes = bytes_of(stream.data, stream.size);
    store_u64(stream.data + AT_FIRST + IN_OPENED, 2);
    assert_int_equal(world_load(&to, bytes, 9), SYNOD_MALFORMED);
    store_u64(stream.data + AT_FIRST + IN_OPENED, 1);
    store_u64(stream.data + AT_FIRST + IN_LOW, UINT64_MAX);
    assert_int_equal(world_load(&to, bytes, 9), SYNOD_MALFORMED);
    store_u64(stream.data + AT_FIRST + IN_LOW, UINT64_MAX - 1);
    assert_int_equal(world_load(&to, bytes, 9), SYNOD_OK);
    free(stream.data);
    world_free(&from);
    world_free(&to);
}

static synod_status load_anything(void *state, synod_bytes piece) {
    (void)state, (void)piece;
    return SYNOD_OK;
}

/* The sessions must be whole even for an application to which no bytes at all are a state. */
static void truncation_before_the_application(void **unused) {
    (void)unused;
    world_t from = populated();
    world_stream_t stream = world_save(&from);
    synod_app app = fold_app;
    app.snapshot_load = load_anything;
    world_t to = {.memory = calloc(1, ledger_bytes(&world_small))};
    assert_int_equal(ledger_open(to.memory, &world_small, &app, &world_verifier, &to.ledger),
                     SYNOD_OK);
    size_t sessions = stream.size - 32;
    for (size_t size = 0; size < sessions; size++) {
        assert_int_equal(world_load(&to, bytes_of(stream.data, size), 50), SYNOD_TRUNCATED);
        assert_int_equal(ledger_height(to.ledger), 0);
    }
    assert_int_equal(world_load(&to, bytes_of(stream.data, sessions), 50), SYNOD_OK);
    assert_int_equal(ledger_sessions(to.ledger), 3);
    free(stream.data);
    world_free(&from);
    world_free(&to);
}

/* Too much for the application: its status, and everything is as after open. */
static void application_refuses(void **unused) {
    (void)unused;
    world_t from = populated(), to = populated();
    world_stream_t stream = world_save(&from);
    stream.data[stream.size] = 1;
    bytes_t longer = bytes_of(stream.data, stream.size + 1);
    assert_int_equal(world_load(&to, longer, 64), SYNOD_TOO_LARGE);
    assert_fresh(&to);
    world_t empty = world_make(world_small);
    assert_same_future(&empty, &to);
    world_free(&empty);
    free(stream.data);
    world_free(&from);
    world_free(&to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(back_and_forth),
        cmocka_unit_test(load_over_something),
        cmocka_unit_test(save_in_pieces),
        cmocka_unit_test(truncations),
        cmocka_unit_test(flips),
        cmocka_unit_test(lying_fields),
        cmocka_unit_test(lying_pairs),
        cmocka_unit_test(truncation_before_the_application),
        cmocka_unit_test(application_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
