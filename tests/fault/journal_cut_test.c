/* Power cuts taken exhaustively in small cases (attack F1): at each byte of a write, and with each
 * of its 512-byte sectors old, new or garbage, in every combination. After each: a recovery, the
 * same records appended again (so that what was lost lies byte for byte behind the new tail), and a
 * second recovery. */
#include "tests/fault/journal_world.h"

#define BUFFER_BYTES (12u << 10)

/* Which write is under way when the power goes. */
typedef enum moment {
    MOMENT_FIRST,   /* the genesis */
    MOMENT_PLAIN,   /* a group behind other records, on zeros */
    MOMENT_STALE,   /* the same on an earlier life of the segment */
    MOMENT_REMAINS, /* the same where a torn write was cut before */
    MOMENT_TURN,    /* the turn, alone in the last sector of a segment */
    MOMENT_SEGMENT, /* the first write of a segment that was released */
    MOMENT_OPENING, /* the opening mark */
    MOMENT_RELEASE, /* a release and the first records that rely on it */
    MOMENT_END
} moment_t;

/* A world at such a moment, to be put back again and again. */
typedef struct scene {
    world_t world;
    uint8_t *disk, *data;
    uint64_t durable, last, offset; /* `last`: what the write under way would make durable */
    size_t size, count;
    world_record_t *records;
    uint64_t released;
} scene_t;

static void group(world_t *world) {
    static const size_t sizes[] = {100, 700, 0, 448, 1500};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_not_equal(world_append(world, JOURNAL_RECORD, sizes[i], 3), 0);
    }
}

/* Fills the present segment until only the sector for the turn is left. */
static void fill_segment(world_t *world) {
    const journal_t *journal = world->journal;
    uint64_t last = world->segment_bytes - 2 * JOURNAL_SECTOR_BYTES;
    while (journal_align_sector(journal->tail) <= last) {
        assert_int_not_equal(world_append(world, JOURNAL_BLOCK, 4000, 1), 0);
        world_flush(world);
    }
}

static void go_round(world_t *world, uint64_t ordinal) {
    while (world->journal->ordinal < ordinal) {
        assert_int_not_equal(world_append(world, JOURNAL_BLOCK, 4000, 2), 0);
        world_flush(world);
        world->released = journal_durable(world->journal);
        journal_release(world->journal, world->released);
        world_flush(world);
    }
}

static void reach(world_t *world, moment_t moment) {
    prng_t prng = prng_of(5);
    world_open(world, 3, BUFFER_BYTES);
    world_recover(world, 0);
    if (moment == MOMENT_FIRST) {
        assert_int_not_equal(world_append(world, JOURNAL_GENESIS, 100, 7), 0);
        group(world); /* waits for its own write */
        return;
    }
    world_genesis(world);
    assert_int_not_equal(world_append(world, JOURNAL_BLOCK, 900, 1), 0);
    world_flush(world);
    if (moment == MOMENT_STALE || moment == MOMENT_SEGMENT) {
        go_round(world, 5);
    }
    if (moment == MOMENT_REMAINS) {
        uint64_t durable = journal_durable(world->journal);
        group(world);
        journal_pump(world->journal);
        /* All but the first sector of the write arrive. */
        memcpy(world->disk + world->append_offset + WORLD_CUT_BYTES,
               world->append_data + WORLD_CUT_BYTES, world->append_size - WORLD_CUT_BYTES);
        world->appending = false;
        world_recover(world, durable);
        assert_true(journal_was_torn(world->journal));
    }
    if (moment == MOMENT_RELEASE) {
        fill_segment(world);
        assert_int_not_equal(world_append(world, JOURNAL_BLOCK, 10, 1), 0);
        world_flush(world);
        world->released = journal_durable(world->journal);
        journal_release(world->journal, world->released);
    }
    if (moment == MOMENT_TURN || moment == MOMENT_SEGMENT) {
        fill_segment(world);
        group(world);
        journal_pump(world->journal); /* the turn */
        if (moment == MOMENT_SEGMENT) {
            assert_true(world_complete_append(world));
        }
    } else if (moment == MOMENT_OPENING) {
        world_record_t got[64];
        size_t got_count = 0;
        world_cut(world, &prng);
        world_start(world);
        while (!world->appending) {
            assert_int_equal(world_drive(world, 1, got, &got_count, 64), JOURNAL_WAIT);
        }
    } else {
        group(world);
    }
}

static void scene_make(scene_t *scene, moment_t moment) {
    world_t *world = &scene->world;
    reach(world, moment);
    if (moment != MOMENT_OPENING) {
        journal_pump(world->journal);
    }
    assert_true(world->appending);
    assert_int_equal(world->append_size, JOURNAL_SECTOR_BYTES);
    scene->durable = journal_durable(world->journal);
    const journal_buffer_t *buffer = &world->journal->buffers[1 - world->journal->collecting];
    scene->last = buffer->ranges[buffer->next].last;
    scene->offset = world->append_offset;
    scene->size = world->append_size;
    scene->count = world->count;
    scene->released = world->released;
    scene->disk = malloc(world->disk_bytes);
    scene->data = malloc(scene->size);
    scene->records = malloc(scene->count * sizeof *scene->records);
    assert_true(scene->disk != NULL && scene->data != NULL && scene->records != NULL);
    memcpy(scene->disk, world->disk, world->disk_bytes);
    memcpy(scene->data, world->append_data, scene->size);
    memcpy(scene->records, world->records, scene->count * sizeof *scene->records);
}

static void scene_restore(scene_t *scene) {
    world_t *world = &scene->world;
    memcpy(world->disk, scene->disk, world->disk_bytes);
    memcpy(world->records, scene->records, scene->count * sizeof *scene->records);
    world->count = scene->count;
    world->released = scene->released;
    world->appending = world->reading = false;
}

static void scene_free(scene_t *scene) {
    free(scene->disk);
    free(scene->data);
    free(scene->records);
    world_close(&scene->world);
}

/* Recovery after the cut, life goes on, recovery again. */
static void survive(scene_t *scene) {
    world_t *world = &scene->world;
    world_recover(world, scene->durable);
    if (world->count == 0) {
        assert_int_not_equal(world_append(world, JOURNAL_GENESIS, 100, 7), 0);
    }
    group(world);
    world_flush(world);
    world_recover(world, journal_durable(world->journal));
}

/* attack F1: each byte. What follows the cut stays old, or is garbage. */
static void test_cut_at_each_byte(void **state) {
    (void)state;
    for (int moment = 0; moment < MOMENT_END; moment++) {
        scene_t scene;
        scene_make(&scene, (moment_t)moment);
        uint8_t *to = scene.world.disk + scene.offset;
        for (size_t cut = 0; cut <= scene.size; cut++) {
            for (int garbage = 0; garbage < 2; garbage++) {
                scene_restore(&scene);
                memcpy(to, scene.data, cut);
                memset(to + cut, 0x5a, garbage ? scene.size - cut : 0);
                /* When all of it is there, all of it must be found. */
                world_recover(&scene.world, cut == scene.size ? scene.last : scene.durable);
                if (cut % 61 == 0) {
                    survive(&scene);
                }
            }
        }
        scene_free(&scene);
    }
}

/* attack F1: each sector old, new or garbage, all combinations. */
static void test_each_combination_of_sectors(void **state) {
    (void)state;
    enum { SECTORS = JOURNAL_SECTOR_BYTES / WORLD_CUT_BYTES, COMBINATIONS = 6561 };
    for (int moment = 0; moment < MOMENT_END; moment++) {
        scene_t scene;
        scene_make(&scene, (moment_t)moment);
        for (int code = 0; code < COMBINATIONS; code++) {
            scene_restore(&scene);
            int rest = code;
            for (size_t sector = 0; sector < SECTORS; sector++, rest /= 3) {
                uint8_t *to = scene.world.disk + scene.offset + sector * WORLD_CUT_BYTES;
                if (rest % 3 == 1) {
                    memcpy(to, scene.data + sector * WORLD_CUT_BYTES, WORLD_CUT_BYTES);
                } else if (rest % 3 == 2) {
                    memset(to, 0xc3, WORLD_CUT_BYTES);
                }
            }
            survive(&scene);
        }
        scene_free(&scene);
    }
}

/* Remains of a first write whose genesis was lost do not come back when the same genesis and the
 * same record are written again: the genesis stands alone in its write. */
static void test_remains_of_a_first_write(void **state) {
    (void)state;
    world_t world;
    world_open(&world, 3, BUFFER_BYTES);
    world_recover(&world, 0);
    assert_int_not_equal(world_append(&world, JOURNAL_GENESIS, 100, 7), 0);
    size_t genesis = (size_t)journal_cost(JOURNAL_SEGMENT_FIXED_BYTES + 100);
    size_t rest = JOURNAL_SECTOR_BYTES - genesis - JOURNAL_RECORD_HEADER_BYTES;
    assert_int_not_equal(world_append(&world, JOURNAL_RECORD, rest, 1), 0);
    assert_int_not_equal(world_append(&world, JOURNAL_RECORD, 50, 1), 0);
    journal_pump(world.journal);
    memcpy(world.disk + WORLD_CUT_BYTES, world.append_data + WORLD_CUT_BYTES,
           world.append_size - WORLD_CUT_BYTES);
    world.appending = false;
    world_recover(&world, 0);
    assert_int_equal(world.count, 0);
    assert_int_not_equal(world_append(&world, JOURNAL_GENESIS, 100, 7), 0);
    assert_int_not_equal(world_append(&world, JOURNAL_RECORD, rest, 1), 0);
    world_flush(&world);
    world_recover(&world, journal_durable(world.journal));
    assert_int_equal(world.count, 2);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_each_byte),
        cmocka_unit_test(test_each_combination_of_sectors),
        cmocka_unit_test(test_remains_of_a_first_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
