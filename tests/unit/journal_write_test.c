/* Appending: sequence numbers, group commit, back-pressure, the latch of the first failure. */
#include "tests/fault/journal_world.h"

#define BUFFER_BYTES (16u << 10)

static void test_fresh_device(void **state) {
    (void)state;
    world_t world;
    world_open(&world, 3, BUFFER_BYTES);
    world_recover(&world, 0);
    assert_int_equal(world.count, 0);
    assert_false(journal_was_torn(world.journal));
    assert_int_equal(journal_status(world.journal), SYNOD_OK);
    assert_int_equal(journal_last(world.journal), 0);
    assert_int_equal(world.appends, 0); /* nothing to mark yet */
    uint64_t address = 1;
    bytes_t body = bytes_of("domain", 6);
    assert_true(journal_room(world.journal, 6));
    assert_int_equal(journal_append(world.journal, JOURNAL_GENESIS, &body, 1, &address), 1);
    assert_int_equal(address, 0);
    world_flush(&world);

    world_start(&world);
    journal_entry_t entry = {0};
    while (journal_next(world.journal, &entry) == JOURNAL_WAIT) {
        (void)(world_complete_read(&world) || world_complete_append(&world));
    }
    assert_int_equal(entry.kind, JOURNAL_GENESIS);
    assert_int_equal(entry.sequence, 1);
    assert_int_equal(entry.address, 0);
    assert_true(bytes_equal(entry.body, body));
    world_close(&world);
}

static void test_group_commit(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    uint64_t syncs = journal_syncs(world.journal);
    uint64_t written = journal_bytes_written(world.journal);
    uint64_t first = world_append(&world, JOURNAL_RECORD, 10, 1);
    journal_pump(world.journal);
    assert_true(world.appending);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(world_append(&world, JOURNAL_RECORD, 10, 1), first + 1 + (uint64_t)i);
        journal_pump(world.journal); /* one write at a time */
    }
    assert_int_equal(world.appends, syncs + 1);
    assert_int_equal(journal_durable(world.journal), first - 1);
    assert_true(world_complete_append(&world));
    assert_int_equal(journal_durable(world.journal), first);
    assert_false(world.appending); /* the next write waits for the pump */
    journal_pump(world.journal);
    assert_true(world_complete_append(&world));
    assert_int_equal(journal_durable(world.journal), first + 10);
    assert_int_equal(journal_last(world.journal), first + 10);
    assert_int_equal(journal_syncs(world.journal), syncs + 2);
    assert_int_equal(journal_bytes_written(world.journal), written + 2 * 4096u);
    journal_pump(world.journal);
    assert_false(world.appending); /* nothing to write, nothing written */
    world_recover(&world, first + 10);
    world_close(&world);
}

/* Two writes never share a sector: the second could take the first one along (attack F1). */
static void test_writes_share_no_sector(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 8, BUFFER_BYTES);
    uint64_t end = world.append_offset + world.append_size;
    for (int i = 0; i < 40; i++) {
        assert_int_not_equal(world_append(&world, JOURNAL_RECORD, (size_t)i * 37, 1), 0);
        journal_pump(world.journal);
        assert_true(world.append_offset >= end || world.append_offset % WORLD_SEGMENT_BYTES == 0);
        end = world.append_offset + world.append_size;
        const world_record_t *last = &world.records[world.count - 1];
        if (last->address >= world.append_offset && last->address < end) {
            size_t used = (size_t)(last->address + JOURNAL_RECORD_HEADER_BYTES + last->size -
                                   world.append_offset);
            for (size_t at = used; at < world.append_size; at++) {
                assert_int_equal(world.append_data[at], 0); /* nothing of earlier groups */
            }
        }
        assert_true(world_complete_append(&world));
    }
    world_recover(&world, journal_durable(world.journal));
    world_close(&world);
}

static void test_back_pressure(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    uint64_t count = 0;
    journal_pump(world.journal);
    while (world_append(&world, JOURNAL_BLOCK, 1000, 1) != 0) {
        assert_true(++count < 100);
        journal_pump(world.journal);
    }
    /* One buffer is being written, the other is full. */
    assert_true(world.appending);
    assert_false(journal_room(world.journal, 1000));
    assert_int_equal(journal_status(world.journal), SYNOD_OK);
    assert_true(count >= BUFFER_BYTES / 1100);
    assert_true(world_complete_append(&world));
    journal_pump(world.journal);
    assert_true(journal_room(world.journal, 1000));
    assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 1000, 1), 0);
    world_flush(&world);
    world_recover(&world, journal_durable(world.journal));
    world_close(&world);
}

static void test_sizes(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 6, BUFFER_BYTES);
    size_t most = journal_body_max(world.journal);
    assert_true(most >= BUFFER_BYTES - JOURNAL_RECORD_HEADER_BYTES);
    assert_false(journal_room(world.journal, most + 1));
    const size_t sizes[] = {0, 1, 63, 64, 65, 4031, 4032, 4033, most - 1, most, 0, most};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(journal_room(world.journal, sizes[i]));
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, sizes[i], i), 0);
        world_flush(&world);
    }
    world_recover(&world, journal_durable(world.journal));
    world_close(&world);
}

/* The sizes of a real node. */
static void test_default_sizes(void **state) {
    (void)state;
    host_t host = {0};
    size_t buffer = JOURNAL_RECORD_MAX + JOURNAL_RECORD_HEADER_BYTES;
    void *memory = malloc(journal_memory_bytes(buffer, 16) + 1);
    assert_non_null(memory);
    /* Memory of any alignment. */
    const journal_t *journal = journal_make((uint8_t *)memory + 1, buffer, 16, &host);
    assert_int_equal(journal_body_max(journal), JOURNAL_RECORD_MAX);
    free(memory);
}

/* A group that reaches over a segment's end is two writes, one after the other. */
static void test_group_over_segments(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    for (int i = 0; i < 3; i++) {
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 14000, 1), 0);
        world_flush(&world);
    }
    uint64_t durable = journal_durable(world.journal);
    uint64_t one = world_append(&world, JOURNAL_BLOCK, 3000, 1);
    uint64_t two = world_append(&world, JOURNAL_BLOCK, 12000, 1);
    assert_int_equal(world.records[world.count - 1].address / WORLD_SEGMENT_BYTES, 1);
    assert_true(two > one + 1); /* the turn and the next segment's first record are between */
    journal_pump(world.journal);
    assert_true(world_complete_append(&world));
    assert_in_range(journal_durable(world.journal), one, two - 1);
    assert_true(journal_durable(world.journal) > durable);
    assert_true(world.appending); /* the second went out without a pump */
    assert_true(world_complete_append(&world));
    assert_int_equal(journal_durable(world.journal), two);
    world_recover(&world, two);
    world_close(&world);
}

/* attack F2: the first failure latches; a later success of the same disk changes nothing. */
static void test_first_failure_latches(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    uint64_t durable = journal_durable(world.journal);
    assert_int_not_equal(world_append(&world, JOURNAL_RECORD, 10, 1), 0);
    journal_pump(world.journal);
    assert_int_not_equal(world_append(&world, JOURNAL_RECORD, 10, 2), 0);
    uint64_t token = world.append_token;
    world.fail_append = true;
    assert_true(world_complete_append(&world));
    world.fail_append = false;
    assert_int_equal(journal_status(world.journal), SYNOD_IO);
    assert_true(strlen(journal_reason(world.journal)) > 0);
    journal_pump(world.journal);
    assert_false(world.appending);
    assert_false(journal_on_appended(world.journal, token, SYNOD_OK));
    assert_int_equal(world_append(&world, JOURNAL_RECORD, 10, 3), 0);
    assert_false(journal_room(world.journal, 10));
    assert_false(journal_seal(world.journal));
    journal_release(world.journal, 1);
    assert_int_equal(journal_durable(world.journal), durable);
    assert_int_equal(journal_status(world.journal), SYNOD_IO);
    world_recover(&world, durable); /* a restart reads what is really there */
    world_close(&world);
}

static void test_read_error(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    world.fail_read = true;
    assert_non_null(strstr(world_refuse(&world, SYNOD_IO), "segment 0"));
    assert_int_equal(journal_append(world.journal, JOURNAL_GENESIS, NULL, 0, NULL), 0);
    world_close(&world);
}

static void test_failed_opening_mark(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    world.fail_append = true;
    (void)world_refuse(&world, SYNOD_IO);
    world.fail_append = false;
    world_recover(&world, 1);
    world_close(&world);
}

static void test_other_tokens_are_ignored(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    assert_false(journal_on_appended(world.journal, 1, SYNOD_OK));
    uint64_t last = world_append(&world, JOURNAL_RECORD, 10, 1);
    journal_pump(world.journal);
    assert_false(journal_on_appended(world.journal, world.append_token + 1, SYNOD_OK));
    assert_false(journal_on_appended(world.journal, world.append_token - 1, SYNOD_IO));
    journal_on_read(world.journal, world.append_token, SYNOD_IO);
    assert_int_equal(journal_status(world.journal), SYNOD_OK);
    assert_true(world_complete_append(&world));
    assert_int_equal(journal_durable(world.journal), last);
    world_close(&world);
}

/* A host that completes within its own call. */
static void test_host_that_completes_at_once(void **state) {
    (void)state;
    world_t world;
    world_open(&world, 5, BUFFER_BYTES);
    world.at_once = true;
    world_recover(&world, 0);
    world_genesis(&world);
    for (int i = 0; i < 30; i++) {
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 3000, 1), 0);
        world_flush(&world);
    }
    world_recover(&world, journal_durable(world.journal));
    world_close(&world);
}

static void test_seal(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    uint64_t last = world_append(&world, JOURNAL_RECORD, 10, 1);
    assert_false(journal_seal(world.journal)); /* something has collected */
    journal_pump(world.journal);
    assert_false(journal_seal(world.journal)); /* a write is under way */
    assert_true(world_complete_append(&world));
    assert_true(journal_seal(world.journal));
    assert_false(journal_seal(world.journal));
    world_flush(&world);
    assert_int_equal(journal_last(world.journal), last + 1);
    assert_false(journal_seal(world.journal)); /* there is one already */
    world_recover(&world, last + 1);
    assert_false(journal_seal(world.journal)); /* the opening mark is one */
    assert_int_equal(world.count, 2);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresh_device),
        cmocka_unit_test(test_group_commit),
        cmocka_unit_test(test_writes_share_no_sector),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_default_sizes),
        cmocka_unit_test(test_group_over_segments),
        cmocka_unit_test(test_first_failure_latches),
        cmocka_unit_test(test_read_error),
        cmocka_unit_test(test_failed_opening_mark),
        cmocka_unit_test(test_other_tokens_are_ignored),
        cmocka_unit_test(test_host_that_completes_at_once),
        cmocka_unit_test(test_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
