/* Power cuts against the journal (attack F1): after any cut, also during recovery itself, exactly
 * the acknowledged records are there, then possibly some of the unacknowledged ones in order; and
 * what one recovery answered is what every later one answers. */
#include "tests/fault/journal_world.h"

#define BUFFER_BYTES (12u << 10)

/* What a run touched, so that a run that proves nothing shows. */
typedef struct tally {
    uint64_t cuts, cuts_in_write, torn, cuts_in_recovery, kept_more, lost, turns, full;
} tally_t;

static size_t some_size(prng_t *prng, size_t most) {
    static const size_t favourites[] = {0, 1, 64, 192, 200, 448, 1000, 3000, 4032, 4096};
    uint64_t kind = prng_below(prng, 20);
    if (kind == 0) {
        return most;
    }
    if (kind < 4) {
        return (size_t)prng_below(prng, most + 1);
    }
    return favourites[prng_below(prng, sizeof favourites / sizeof favourites[0])];
}

/* Appends, pumps, completes, releases for a while; stops at a moment of the seed's choice, often
 * with a write under way. */
static void live(world_t *world, prng_t *prng, tally_t *tally) {
    uint64_t steps = prng_below(prng, 60);
    for (uint64_t i = 0; i <= steps; i++) {
        if (journal_status(world->journal) == SYNOD_NO_SPACE) {
            tally->full++;
            world_flush(world);
            world->released = journal_durable(world->journal);
            journal_release(world->journal, world->released);
        }
        uint64_t action = prng_below(prng, 20);
        if (journal_last(world->journal) == 0) {
            (void)world_append(world, JOURNAL_GENESIS, 100, 7);
        } else if (action < 10) {
            size_t size = some_size(prng, journal_body_max(world->journal));
            bool room = journal_room(world->journal, size);
            journal_kind_t kind = action == 9 ? JOURNAL_SNAPSHOT : JOURNAL_BLOCK;
            uint64_t sequence = world_append(world, kind, size, prng_below(prng, 2));
            if (kind == JOURNAL_BLOCK) {
                assert_int_equal(sequence != 0, room);
            }
        } else if (action < 14) {
            journal_pump(world->journal);
        } else if (action < 18) {
            (void)world_complete_append(world);
        } else if (action == 18) {
            (void)journal_seal(world->journal);
        } else if (journal_durable(world->journal) > 8) {
            uint64_t until = journal_durable(world->journal) - prng_below(prng, 8);
            world->released = until > world->released ? until : world->released;
            journal_release(world->journal, until);
        }
    }
}

/* Recovery, cut itself a few times before it is let through. */
static void come_back(world_t *world, prng_t *prng, uint64_t durable, tally_t *tally) {
    world_record_t *got = calloc(world->capacity, sizeof *got);
    assert_non_null(got);
    for (int cuts = 0; cuts < 3 && prng_below(prng, 3) == 0; cuts++) {
        size_t got_count = 0;
        world_start(world);
        if (world_drive(world, prng_below(prng, 20), got, &got_count, world->capacity) ==
            JOURNAL_END) {
            world_check(world, got, got_count, durable);
            durable = journal_durable(world->journal);
        }
        assert_true(journal_status(world->journal) != SYNOD_CORRUPT);
        world_cut(world, prng);
        tally->cuts_in_recovery++;
    }
    free(got);
    size_t before = world->count;
    world_recover(world, durable);
    tally->torn += journal_was_torn(world->journal) ? 1 : 0;
    tally->lost += world->count < before ? 1 : 0;
    if (world->count > 0 && world->records[world->count - 1].sequence > durable) {
        tally->kept_more++;
    }
}

static void run_seed(uint64_t seed, tally_t *tally) {
    prng_t prng = prng_of(seed);
    world_t world;
    world_open(&world, (uint32_t)prng_between(&prng, 3, 5), BUFFER_BYTES);
    uint64_t durable = 0;
    for (int life = 0; life < 12; life++) {
        come_back(&world, &prng, durable, tally);
        live(&world, &prng, tally);
        durable = journal_durable(world.journal);
        tally->cuts_in_write += world.appending ? 1 : 0;
        tally->turns += world.journal->ordinal;
        tally->cuts++;
        world_cut(&world, &prng);
    }
    come_back(&world, &prng, durable, tally);
    world_close(&world);
}

static uint64_t seed_now;

/* attack F1 */
static void test_power_cuts(void **state) {
    (void)state;
    tally_t tally = {0};
    const char *only = getenv("JOURNAL_SEED");
    const char *more = getenv("JOURNAL_SEEDS");
    uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 1;
    uint64_t count = only != NULL ? 1 : (more != NULL ? strtoull(more, NULL, 10) : 3000);
    for (uint64_t seed = first; seed < first + count; seed++) {
        seed_now = seed;
        run_seed(seed, &tally);
    }
    print_message("seeds %llu cuts %llu in a write %llu in recovery %llu torn %llu lost records "
                  "%llu kept unacknowledged %llu full %llu segments begun %llu\n",
                  (unsigned long long)count, (unsigned long long)tally.cuts,
                  (unsigned long long)tally.cuts_in_write,
                  (unsigned long long)tally.cuts_in_recovery, (unsigned long long)tally.torn,
                  (unsigned long long)tally.lost, (unsigned long long)tally.kept_more,
                  (unsigned long long)tally.full, (unsigned long long)tally.turns);
    if (only == NULL) {
        assert_true(tally.cuts_in_write > count && tally.torn > count && tally.kept_more > 0);
        assert_true(tally.lost > count && tally.full > 0 && tally.cuts_in_recovery > count);
    }
}

static int say_seed(void **state) {
    (void)state;
    print_message("last seed %llu; JOURNAL_SEED=n runs one, JOURNAL_SEEDS=n so many\n",
                  (unsigned long long)seed_now);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, say_seed);
}
