/* Damage that is not a torn tail: rotten bits, lost, misdirected and swapped writes, corrupt
 * lengths. What was acknowledged before the last write is found or the journal is refused; it never
 * comes up with less (attacks F3, F4, F5). */
#include <stdio.h>

#include "tests/fault/journal_world.h"

#define BUFFER_BYTES (12u << 10)
#define WRITES_MAX 512
#define HISTORY_SEGMENTS 6

/* A journal of several writes, and for each its range and what the disk held before. */
typedef struct history {
    world_t world;
    uint8_t *disk; /* after all writes */
    struct {
        uint64_t offset, last;
        size_t size;
        uint8_t *before, *after;
    } writes[WRITES_MAX];
    size_t count, records;
    uint64_t durable;
} history_t;

static void write_noted(history_t *history) {
    world_t *world = &history->world;
    journal_pump(world->journal);
    while (world->appending) {
        assert_true(history->count < WRITES_MAX);
        size_t at = history->count++;
        size_t size = world->append_size;
        history->writes[at].offset = world->append_offset;
        history->writes[at].size = size;
        history->writes[at].before = malloc(size);
        history->writes[at].after = malloc(size);
        assert_true(history->writes[at].before != NULL && history->writes[at].after != NULL);
        memcpy(history->writes[at].before, world->disk + world->append_offset, size);
        memcpy(history->writes[at].after, world->append_data, size);
        assert_true(world_complete_append(world));
        history->writes[at].last = journal_durable(world->journal);
    }
}

/* `rounds` writes of one to three records; releases on the way if the device is to be recycled. */
static void history_make(history_t *history, uint64_t seed, int rounds, size_t most, bool recycle) {
    world_t *world = &history->world;
    prng_t prng = prng_of(seed);
    memset(history, 0, sizeof *history);
    world_open(world, HISTORY_SEGMENTS, BUFFER_BYTES);
    world_recover(world, 0);
    assert_int_not_equal(world_append(world, JOURNAL_GENESIS, 100, 7), 0);
    write_noted(history);
    for (int i = 0; i < rounds; i++) {
        for (uint64_t records = prng_between(&prng, 1, 3); records > 0; records--) {
            size_t size = (size_t)prng_below(&prng, most);
            assert_int_not_equal(world_append(world, JOURNAL_BLOCK, size, prng_next(&prng)), 0);
        }
        write_noted(history);
        if (recycle && i % 4 == 0 && journal_durable(world->journal) > 50) {
            world->released = journal_durable(world->journal) - 50;
            journal_release(world->journal, world->released);
        }
    }
    history->durable = journal_durable(world->journal);
    history->records = world->count;
    history->disk = malloc(world->disk_bytes);
    assert_non_null(history->disk);
    memcpy(history->disk, world->disk, world->disk_bytes);
}

static void history_free(history_t *history) {
    for (size_t i = 0; i < history->count; i++) {
        free(history->writes[i].before);
        free(history->writes[i].after);
    }
    free(history->disk);
    world_close(&history->world);
}

static void history_restore(history_t *history) {
    memcpy(history->world.disk, history->disk, history->world.disk_bytes);
    history->world.count = history->records;
}

/* Opens the damaged device: refused as corrupt (true), or everything up to `owed` is there. */
static bool refused_or_whole(history_t *history, uint64_t owed) {
    world_t *world = &history->world;
    static world_record_t got[WRITES_MAX * 4];
    size_t got_count = 0;
    world_start(world);
    journal_step_t step =
        world_drive(world, UINT64_MAX, got, &got_count, sizeof got / sizeof got[0]);
    if (step == JOURNAL_FAILED) {
        assert_int_equal(journal_status(world->journal), SYNOD_CORRUPT);
        assert_true(strlen(journal_reason(world->journal)) > 0);
        return true;
    }
    assert_int_equal(step, JOURNAL_END);
    world_check(world, got, got_count, owed);
    return false;
}

/* What the last write had acknowledged before itself: damage in the last write cannot be told from
 * a torn one, which is why journal_seal exists. */
static uint64_t owed_of(const history_t *history) {
    return history->writes[history->count - 2].last;
}

/* attack F4: each byte of a small journal flipped. The first record that is missing is named. */
static void test_each_byte_rots(void **state) {
    (void)state;
    history_t history;
    history_make(&history, 1, 5, 900, false);
    uint64_t owed = owed_of(&history);
    uint64_t end =
        history.writes[history.count - 1].offset + history.writes[history.count - 1].size;
    size_t refused = 0;
    size_t harmless = 0;
    for (uint64_t at = 0; at < end; at++) {
        history_restore(&history);
        history.world.disk[at] ^= (uint8_t)(1u << (at % 8));
        bool corrupt = refused_or_whole(&history, owed);
        refused += corrupt ? 1 : 0;
        harmless += corrupt ? 0 : 1;
        if (corrupt) {
            assert_non_null(strstr(journal_reason(history.world.journal), "segment 0 offset"));
        }
    }
    assert_true(refused > 1000);  /* headers and bodies */
    assert_true(harmless > 1000); /* the zeros behind them, the last write */
    history_free(&history);
}

/* attack F4: the same in a sealed journal: then the last write is protected as well. */
static void test_sealed_journal_rots(void **state) {
    (void)state;
    history_t history;
    history_make(&history, 2, 3, 900, false);
    assert_true(journal_seal(history.world.journal));
    write_noted(&history);
    memcpy(history.disk, history.world.disk, history.world.disk_bytes);
    const world_record_t *last = &history.world.records[history.records - 1];
    for (size_t at = 0; at < JOURNAL_RECORD_HEADER_BYTES + last->size; at++) {
        history_restore(&history);
        history.world.disk[last->address + at] ^= 0x08;
        assert_true(refused_or_whole(&history, history.durable));
    }
    for (size_t at = 0; at < JOURNAL_SECTOR_BYTES; at++) { /* the seal itself is worth nothing */
        history_restore(&history);
        history.world.disk[history.writes[history.count - 1].offset + at] ^= 0x08;
        assert_false(refused_or_whole(&history, history.durable));
    }
    history_free(&history);
}

/* attack F3: a write that was reported durable and never arrived, or arrived elsewhere, or two that
 * changed places. Journals on fresh segments and on recycled ones, over many segments. */
static void test_lost_and_misdirected_writes(void **state) {
    (void)state;
    size_t refused = 0;
    for (uint64_t seed = 10; seed < 16; seed++) {
        history_t history;
        history_make(&history, seed, 100, seed % 2 ? 2000 : 5000, true);
        for (size_t i = 1; i + 1 < history.count; i++) {
            uint64_t owed = owed_of(&history);
            uint8_t *disk = history.world.disk;
            uint64_t from = history.writes[i].offset;
            size_t size = history.writes[i].size;
            if (memcmp(history.disk + from, history.writes[i].after, size) != 0 ||
                history.writes[i].last <= history.world.released) {
                continue; /* overwritten by a later life, or free to be */
            }
            /* Lost. */
            history_restore(&history);
            memcpy(disk + from, history.writes[i].before, size);
            bool corrupt = refused_or_whole(&history, owed);
            assert_true(corrupt);
            refused += corrupt ? 1 : 0;
            /* Misdirected: over the next one, and what follows if that is shorter. Where this takes
             * all that came later, no proof is left, and less is owed. */
            bool proof = i + 4 < history.count;
            owed = proof ? owed : history.writes[i - 1].last;
            history_restore(&history);
            memcpy(disk + from, history.writes[i].before, size);
            if (history.writes[i + 1].offset + size <= history.world.disk_bytes) {
                memcpy(disk + history.writes[i + 1].offset, history.writes[i].after, size);
            }
            corrupt = refused_or_whole(&history, owed);
            assert_true(corrupt || !proof);
            /* Swapped with the next one, as far as both reach. */
            size_t both = size < history.writes[i + 1].size ? size : history.writes[i + 1].size;
            history_restore(&history);
            memcpy(disk + from, history.writes[i + 1].after, both);
            memcpy(disk + history.writes[i + 1].offset, history.writes[i].after, both);
            corrupt = refused_or_whole(&history, owed);
            assert_true(corrupt || !proof);
        }
        history_free(&history);
    }
    assert_true(refused > 60);
}

/* attack F3: single sectors of acknowledged writes exchanged with any other sector. */
static void test_swapped_sectors(void **state) {
    (void)state;
    size_t refused = 0;
    prng_t prng = prng_of(3);
    history_t history;
    history_make(&history, 20, 60, 4000, true);
    size_t sectors = history.world.disk_bytes / WORLD_CUT_BYTES;
    for (int i = 0; i < 4000; i++) {
        uint8_t *one = history.world.disk + WORLD_CUT_BYTES * prng_below(&prng, sectors);
        uint8_t *two = history.world.disk + WORLD_CUT_BYTES * prng_below(&prng, sectors);
        uint8_t keep[WORLD_CUT_BYTES];
        history_restore(&history);
        memcpy(keep, one, sizeof keep);
        memcpy(one, two, sizeof keep);
        memcpy(two, keep, sizeof keep);
        refused += refused_or_whole(&history, owed_of(&history)) ? 1 : 0;
    }
    assert_true(refused > 100);
    history_free(&history);
}

/* attack F5: any value in the length of any record, with the header's checksum wrong or, as if a
 * program had written it, right. */
static void test_corrupt_lengths(void **state) {
    (void)state;
    static const uint32_t lengths[] = {
        0, 1, 63, 64, 100, 4096, 65536, 1u << 20, 8u << 20, (8u << 20) + 1, 1u << 31, UINT32_MAX};
    history_t history;
    history_make(&history, 30, 6, 900, false);
    uint64_t owed = owed_of(&history);
    for (size_t i = 0; i < history.records; i++) {
        const world_record_t *record = &history.world.records[i];
        for (size_t k = 0; k < 2 * sizeof lengths / sizeof lengths[0]; k++) {
            uint8_t *header = history.world.disk + record->address;
            history_restore(&history);
            if (load_u32(header + 32) == lengths[k / 2]) {
                continue;
            }
            store_u32(header + 32, lengths[k / 2]);
            if (k % 2 == 1) {
                store_u32(header + 4, journal_crc(0, bytes_of(header + 8, 56)));
            }
            bool corrupt = refused_or_whole(&history, owed);
            assert_true(corrupt || record->sequence > owed);
        }
    }
    history_free(&history);
}

/* attack F4: several wounds at once, anywhere, in journals of every shape. */
static void test_random_damage(void **state) {
    (void)state;
    size_t refused = 0;
    size_t opened = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        history_t history;
        prng_t prng = prng_of(seed);
        history_make(&history, seed + 100, (int)prng_between(&prng, 2, 80), 5000, true);
        for (int i = 0; i < 60; i++) {
            history_restore(&history);
            /* The last write stays: it is the proof that all before it was acknowledged. */
            uint64_t proof = history.writes[history.count - 1].offset;
            for (uint64_t wounds = prng_between(&prng, 1, 3); wounds > 0; wounds--) {
                uint64_t at = prng_below(&prng, history.world.disk_bytes - 4096);
                size_t size = (size_t)(UINT64_C(1) << prng_below(&prng, 12));
                if (at + size > proof && at < proof + JOURNAL_SECTOR_BYTES) {
                    continue;
                }
                for (size_t k = 0; k < size; k++) {
                    history.world.disk[at + k] = (uint8_t)prng_next(&prng);
                }
            }
            if (refused_or_whole(&history, owed_of(&history))) {
                refused++;
            } else {
                opened++;
            }
        }
        history_free(&history);
    }
    assert_true(refused > 100 && opened > 100);
}

/* The first record of each live segment: lost, it must not make the journal begin or end there. */
static void test_damaged_segment_starts(void **state) {
    (void)state;
    history_t history;
    history_make(&history, 40, 30, 3500, false);
    assert_true(history.world.journal->ordinal >= 3);
    for (uint32_t slot = 0; slot < HISTORY_SEGMENTS; slot++) {
        if (history.world.journal->slots[slot].ordinal == 0) {
            continue;
        }
        history_restore(&history);
        memset(history.world.disk + slot * WORLD_SEGMENT_BYTES, 0, 100);
        assert_true(refused_or_whole(&history, owed_of(&history)));
        history_restore(&history);
        memset(history.world.disk + slot * WORLD_SEGMENT_BYTES, 0xff, JOURNAL_SECTOR_BYTES);
        assert_true(refused_or_whole(&history, owed_of(&history)));
    }
    history_free(&history);
}

/* A damaged record in the first of several segments: the reason says where, and what proves it. */
static void test_reason_names_the_place(void **state) {
    (void)state;
    history_t history;
    history_make(&history, 41, 30, 3500, false);
    const world_record_t *record = &history.world.records[5];
    assert_in_range(record->address, 4096, WORLD_SEGMENT_BYTES);
    history.world.disk[record->address + JOURNAL_RECORD_HEADER_BYTES] ^= 1;
    char place[64];
    (void)snprintf(place, sizeof place, "segment 0 offset %llu: record %llu: body damaged",
                   (unsigned long long)record->address, (unsigned long long)record->sequence);
    const char *reason = world_refuse(&history.world, SYNOD_CORRUPT);
    assert_non_null(strstr(reason, place));
    assert_non_null(strstr(reason, "holds a later part of the log"));
    history_free(&history);
}

/* Each field that ties a record to its place, wrong under a right checksum, in the last record: it
 * does not continue the chain, so it is cut and not given. */
static void test_each_tie_alone(void **state) {
    (void)state;
    static const size_t ties[] = {8, 16, 44, 48, 63}; /* sequence, address, device, previous */
    for (size_t i = 0; i < sizeof ties / sizeof ties[0]; i++) {
        world_t world;
        world_fresh(&world, 3, BUFFER_BYTES);
        assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 500, 1), 0);
        world_flush(&world);
        assert_int_equal(world.count, 2);
        uint8_t *header = world.disk + world.records[1].address;
        header[ties[i]] ^= 0x40;
        store_u32(header + 4, journal_crc(0, bytes_of(header + 8, 56)));
        world_recover(&world, 1);
        assert_int_equal(world.count, 1);
        world_close(&world);
    }
}

/* Devices that are no journal, or a mixture of two. */
static void test_foreign_devices(void **state) {
    (void)state;
    world_t world;
    world_open(&world, 3, BUFFER_BYTES);
    prng_t prng = prng_of(9);
    for (size_t i = 0; i < world.disk_bytes; i++) {
        world.disk[i] = (uint8_t)prng_next(&prng);
    }
    assert_non_null(strstr(world_refuse(&world, SYNOD_CORRUPT), "neither empty"));
    world_close(&world);

    history_t one;
    history_t two;
    history_make(&one, 50, 30, 3000, false);
    history_make(&two, 51, 30, 3000, false);
    world_t other;
    world_open(&other, HISTORY_SEGMENTS, BUFFER_BYTES);
    world_recover(&other, 0);
    assert_int_not_equal(world_append(&other, JOURNAL_GENESIS, 101, 8), 0);
    for (int i = 0; i < 30; i++) {
        assert_int_not_equal(world_append(&other, JOURNAL_BLOCK, 4000, 1), 0);
        world_flush(&other);
    }
    memcpy(one.world.disk + WORLD_SEGMENT_BYTES, other.disk + WORLD_SEGMENT_BYTES,
           WORLD_SEGMENT_BYTES); /* of another genesis */
    assert_non_null(strstr(world_refuse(&one.world, SYNOD_CORRUPT), "another journal"));
    history_restore(&one);
    memcpy(one.world.disk + WORLD_SEGMENT_BYTES, two.disk + WORLD_SEGMENT_BYTES,
           WORLD_SEGMENT_BYTES); /* of the same genesis, another life */
    assert_true(refused_or_whole(&one, owed_of(&one)));
    world_close(&other);
    history_free(&one);
    history_free(&two);
}

/* A client may write anything into a body, also what looks like a record that proves a loss.
 * Without the device's number (a digest of the genesis, which holds random bytes) it convinces
 * nobody. */
static void forge(world_t *world, uint32_t device, uint64_t shift) {
    uint8_t body[4096];
    uint64_t base = world->append_offset + world->append_size; /* where the record will be */
    for (size_t at = 0; at < sizeof body; at += JOURNAL_ALIGNMENT_BYTES) {
        journal_header_t forged = {
            .sequence = 1u << 20,
            .address = base + JOURNAL_RECORD_HEADER_BYTES + at + shift,
            .committed = 1u << 19,
            .device = device,
            .kind = JOURNAL_BLOCK,
        };
        journal_header_encode(&forged, body + at);
    }
    bytes_t part = bytes_of(body, sizeof body);
    uint64_t address = 0;
    assert_int_not_equal(journal_append(world->journal, JOURNAL_BLOCK, &part, 1, &address), 0);
    assert_int_equal(address, base);
    journal_pump(world->journal);
    memcpy(world->disk + world->append_offset + WORLD_CUT_BYTES,
           world->append_data + WORLD_CUT_BYTES, world->append_size - WORLD_CUT_BYTES);
    world->appending = false;
}

static void test_forged_header_in_a_body(void **state) {
    (void)state;
    world_t world;
    world_fresh(&world, 3, BUFFER_BYTES);
    uint64_t durable = journal_durable(world.journal);
    uint32_t device = world.journal->device;
    forge(&world, device ^ 1, 0);
    world_recover(&world, durable);
    durable = journal_durable(world.journal);
    forge(&world, device, 64); /* nor does a true header that was copied into a body */
    world_recover(&world, durable);
    /* The control: with the right number it would be believed. */
    forge(&world, device, 0);
    (void)world_refuse(&world, SYNOD_CORRUPT);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_rots),
        cmocka_unit_test(test_sealed_journal_rots),
        cmocka_unit_test(test_lost_and_misdirected_writes),
        cmocka_unit_test(test_swapped_sectors),
        cmocka_unit_test(test_corrupt_lengths),
        cmocka_unit_test(test_random_damage),
        cmocka_unit_test(test_damaged_segment_starts),
        cmocka_unit_test(test_reason_names_the_place),
        cmocka_unit_test(test_each_tie_alone),
        cmocka_unit_test(test_foreign_devices),
        cmocka_unit_test(test_forged_header_in_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
