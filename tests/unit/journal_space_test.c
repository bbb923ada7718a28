/* Segments: recycling, release, the full device and its reserve, growth, other sizes. attack F6 */
#include "tests/fault/journal_world.h"

#define BUFFER_BYTES (16u << 10)

/* Round the device many times, with a recovery of the disk as it stands after each step. */
static void test_recycle_and_recover_at_each_point(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 4, BUFFER_BYTES);
    prng_t prng = prng_of(11);
    for (int i = 0; i < 600; i++) {
        assert_int_not_equal(
            world_append(&world, JOURNAL_BLOCK, (size_t)prng_below(&prng, 12000), prng_next(&prng)),
            0);
        if (i % 3 == 0) {
            world_flush(&world);
            world.released = journal_durable(world.journal) - 2;
            journal_release(world.journal, world.released);
        }
        world_flush(&world);
        world_recover(&world, journal_durable(world.journal));
        assert_false(journal_was_torn(world.journal));
    }
    assert_true(world.journal->ordinal > 60);
    world_close(&world);
}

/* The same without a restart in between: the state in memory alone. */
static void test_recycle_in_one_life(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    prng_t prng = prng_of(12);
    for (int i = 0; i < 1000; i++) {
        assert_int_not_equal(
            world_append(&world, JOURNAL_BLOCK, (size_t)prng_below(&prng, 12000), prng_next(&prng)),
            0);
        world_flush(&world);
        world.released = journal_durable(world.journal) - 1;
        journal_release(world.journal, world.released);
        world_flush(&world);
    }
    assert_true(world.journal->ordinal > 100);
    world_recover(&world, journal_durable(world.journal));
    world_close(&world);
}

/* Nothing that was not released is ever overwritten. */
static void test_release_is_exact(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 5, BUFFER_BYTES);
    while (world.journal->ordinal < 3) {
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 9000, 1), 0);
        world_flush(&world);
    }
    uint64_t second = world.journal->slots[1].first;
    uint64_t last = journal_last(world.journal);
    journal_release(world.journal, second - 1); /* the last record of the first segment is needed */
    assert_int_equal(world.journal->oldest, 1);
    assert_int_equal(journal_last(world.journal), last);
    journal_release(world.journal, second);
    assert_int_equal(world.journal->oldest, 2);
    assert_int_equal(journal_last(world.journal), last + 1); /* the release is a record */
    journal_release(world.journal, second);
    assert_int_equal(journal_last(world.journal), last + 1);
    journal_release(world.journal, UINT64_MAX); /* the present one stays */
    assert_int_equal(world.journal->oldest, 3);
    world_flush(&world);
    world.released = last + 1;
    world_recover(&world, journal_durable(world.journal));
    assert_int_equal(world.journal->oldest, 3);
    world_close(&world);
}

static void fill(world_t *world) {
    uint64_t before = 0;
    while (world_append(world, JOURNAL_BLOCK, 9000, before) != 0) {
        world_flush(world);
        assert_true(++before < 1000);
    }
}

static void test_full_device(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 4, BUFFER_BYTES);
    fill(&world);
    assert_int_equal(journal_status(world.journal), SYNOD_NO_SPACE);
    assert_false(journal_room(world.journal, 0)); /* a small one does not overtake a refused one */
    assert_int_equal(world_append(&world, JOURNAL_RECORD, 1, 1), 0);
    assert_int_equal(world_append(&world, JOURNAL_BLOCK, 1, 1), 0);
    world_recover(&world, journal_durable(world.journal));
    assert_int_equal(journal_status(world.journal), SYNOD_NO_SPACE); /* it lasts */

    /* What makes a release possible may use what is left. */
    journal_use_reserve(world.journal, true);
    assert_true(journal_room(world.journal, 9000));
    assert_int_not_equal(world_append(&world, JOURNAL_RECORD, 9000, 5), 0);
    world_flush(&world);
    journal_use_reserve(world.journal, false);
    assert_int_equal(world_append(&world, JOURNAL_RECORD, 1, 1), 0);
    uint64_t snapshot = world_append(&world, JOURNAL_SNAPSHOT, 50, 6);
    assert_int_not_equal(snapshot, 0);
    world_flush(&world);
    assert_int_equal(journal_status(world.journal), SYNOD_NO_SPACE);

    world.released = snapshot - 1;
    journal_release(world.journal, world.released);
    assert_int_equal(journal_status(world.journal), SYNOD_OK);
    assert_true(journal_room(world.journal, 9000));
    fill(&world);
    world_recover(&world, journal_durable(world.journal));
    assert_true(world.count > 10);
    world_close(&world);
}

/* The reserve ends too; then only opening marks fit, and the device can still be opened. */
static void test_reserve_used_up(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    journal_use_reserve(world.journal, true);
    fill(&world);
    while (world_append(&world, JOURNAL_SNAPSHOT, 0, 1) != 0) {
        world_flush(&world);
    }
    for (int i = 0; i < 8; i++) {
        world_recover(&world, journal_durable(world.journal));
        assert_int_equal(journal_status(world.journal), SYNOD_NO_SPACE);
        assert_int_equal(world_append(&world, JOURNAL_SNAPSHOT, 0, 1), 0);
    }
    assert_non_null(strstr(world_refuse(&world, SYNOD_NO_SPACE), "opening mark"));
    world_close(&world);
}

/* A release while both buffers are full is written as soon as there is room. */
static void test_release_waits_for_room(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 5, BUFFER_BYTES);
    while (world.journal->ordinal < 2) {
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 9000, 1), 0);
        world_flush(&world);
    }
    journal_pump(world.journal);
    while (world_append(&world, JOURNAL_BLOCK, 0, 1) != 0) {
        journal_pump(world.journal);
    }
    uint64_t last = journal_last(world.journal);
    journal_release(world.journal, UINT64_MAX);
    assert_int_equal(journal_last(world.journal), last);
    assert_int_equal(world.journal->oldest, 1);
    world_flush(&world);
    assert_int_equal(journal_last(world.journal), last + 1);
    assert_int_equal(world.journal->oldest, 2);
    world.released = last;
    world_recover(&world, journal_durable(world.journal));
    assert_int_equal(world.journal->oldest, 2);
    world_close(&world);
}

static void resize(world_t *world, uint32_t segments) {
    size_t bytes = (size_t)segments * WORLD_SEGMENT_BYTES;
    uint8_t *disk = calloc(1, bytes);
    assert_non_null(disk);
    memcpy(disk, world->disk, bytes < world->disk_bytes ? bytes : world->disk_bytes);
    free(world->disk);
    free(world->memory);
    world->disk = disk;
    world->disk_bytes = bytes;
    world->segments = segments;
    world->memory = malloc(journal_memory_bytes(world->buffer_bytes, segments));
    assert_non_null(world->memory);
}

static void test_device_grows_but_does_not_shrink(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    for (int i = 0; i < 40; i++) { /* so that the order of slots is not that of ordinals */
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 9000, 1), 0);
        world_flush(&world);
        world.released = journal_durable(world.journal);
        journal_release(world.journal, world.released);
    }
    fill(&world);
    world_flush(&world);
    uint64_t durable = journal_durable(world.journal);
    resize(&world, 6);
    world_recover(&world, durable);
    assert_int_equal(journal_status(world.journal), SYNOD_OK);
    fill(&world);
    world_recover(&world, journal_durable(world.journal));
    resize(&world, 4);
    (void)world_refuse(&world, SYNOD_CORRUPT);
    world_close(&world);
}

static void test_other_sizes_are_refused(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 4, BUFFER_BYTES);
    assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 14000, 1), 0);
    world_flush(&world);
    world_record_t got[4];
    size_t got_count = 0;

    void *memory = malloc(journal_memory_bytes(BUFFER_BYTES, 3));
    assert_non_null(memory);
    world.journal =
        journal_make_sized(memory, BUFFER_BYTES, WORLD_SEGMENT_BYTES + 4096, 3, &world.host);
    journal_recover(world.journal);
    assert_int_equal(world_drive(&world, UINT64_MAX, got, &got_count, 4), JOURNAL_FAILED);
    assert_int_equal(journal_status(world.journal), SYNOD_BAD_CONFIG);

    world.journal = journal_make_sized(memory, 4096, WORLD_SEGMENT_BYTES, 3, &world.host);
    journal_recover(world.journal);
    /* The two smaller buffers together still hold this record. */
    assert_int_equal(world_drive(&world, UINT64_MAX, got, &got_count, 4), JOURNAL_END);
    free(memory);
    world_close(&world);
}

static void test_record_larger_than_the_buffers(void **state) {
    (void)state;
    world_t world;
    world_open_sized(&world, 3, 256u << 10, 100u << 10);
    world_recover(&world, 0);
    world_genesis(&world);
    assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 100000, 1), 0);
    world_flush(&world);
    uint8_t *copy = malloc(world.disk_bytes);
    assert_non_null(copy);
    memcpy(copy, world.disk, world.disk_bytes);
    world.buffer_bytes = 16u << 10;
    assert_non_null(strstr(world_refuse(&world, SYNOD_TOO_LARGE), "100000 bytes"));
    assert_memory_equal(copy, world.disk, world.disk_bytes); /* and nothing was cut */
    world.buffer_bytes = 100u << 10;
    world_recover(&world, journal_last(world.journal));
    free(copy);
    world_close(&world);
}

/* Told how far the device reaches, recovery reads no more than the first sectors beyond; it still
 * finds everything, and what proves a loss. */
static void test_extent(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 40, BUFFER_BYTES);
    while (world.journal->ordinal < 3) {
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 9000, 1), 0);
        world_flush(&world);
    }
    uint64_t durable = journal_durable(world.journal);
    world.extent_bytes = 3 * WORLD_SEGMENT_BYTES;
    world.read_bytes = 0;
    world_recover(&world, durable);
    assert_true(world.read_bytes < 8 * (uint64_t)WORLD_SEGMENT_BYTES);
    durable = journal_durable(world.journal);
    while (world.journal->ordinal < 6) { /* appending is not bound by it */
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 9000, 1), 0);
        world_flush(&world);
    }
    durable = journal_durable(world.journal);
    world.extent_bytes = 6 * WORLD_SEGMENT_BYTES - 12 * 4096; /* ends within a segment */
    world_recover(&world, durable);
    world.disk[3 * WORLD_SEGMENT_BYTES + 8192 + 100] ^= 1;
    (void)world_refuse(&world, SYNOD_CORRUPT);
    world_close(&world);
}

/* The genesis stays reachable when the segment that it came in is long gone, and comes once. */
static void test_genesis_survives(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    for (int i = 0; i < 100; i++) {
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 9000, 1), 0);
        world_flush(&world);
        world.released = journal_durable(world.journal);
        journal_release(world.journal, world.released);
    }
    world_flush(&world);
    assert_true(world.journal->oldest > 10);
    world_record_t got[64];
    size_t got_count = 0;
    world_start(&world);
    assert_int_equal(world_drive(&world, UINT64_MAX, got, &got_count, 64), JOURNAL_END);
    assert_true(got_count >= 1);
    assert_int_equal(got[0].kind, JOURNAL_GENESIS);
    assert_int_equal(got[0].hash, world.records[0].hash);
    assert_int_equal(got[0].size, world.records[0].size);
    for (size_t i = 1; i < got_count; i++) {
        assert_int_equal(got[i].kind, JOURNAL_BLOCK);
    }
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recycle_and_recover_at_each_point),
        cmocka_unit_test(test_recycle_in_one_life),
        cmocka_unit_test(test_release_is_exact),
        cmocka_unit_test(test_full_device),
        cmocka_unit_test(test_reserve_used_up),
        cmocka_unit_test(test_release_waits_for_room),
        cmocka_unit_test(test_device_grows_but_does_not_shrink),
        cmocka_unit_test(test_other_sizes_are_refused),
        cmocka_unit_test(test_record_larger_than_the_buffers),
        cmocka_unit_test(test_extent),
        cmocka_unit_test(test_genesis_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
