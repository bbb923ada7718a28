/* Random schedules: links that lose, delay and break, up to f replicas that lie, refuse or say
 * nothing, sessions that are evicted, replicas that keep no results. Whatever happens, each
 * operation runs at most once and completes exactly once; when it completes with a result, it is
 * the honest one; and when the world heals, nothing is left open. */
#include "tests/unit/client_drive.h"

#define SEEDS 150
#define OPERATIONS 250

typedef struct totals {
    client_counters_t counters;
    uint64_t opens, honest, unknown_for_good, never_sent, lates;
} totals_t;

static uint64_t pick(world_t *w, uint64_t low, uint64_t high) {
    return prng_between(&w->prng, low, high);
}

static world_t *random_world(uint64_t seed) {
    world_t *w = drive_make(seed % 3 == 0 ? 7 : 4, seed);
    const uint32_t faults = (uint32_t)w->committee.faults;
    w->config.window = (uint32_t)pick(w, 1, 12);
    w->config.batch_operations = (uint32_t)pick(w, 1, 9);
    w->config.batch_bytes = (uint32_t)pick(w, 1, 100);
    w->config.payload_bytes_max = 256;
    w->config.queue_bytes = (uint32_t)pick(w, 300, 3000);
    w->config.queue_operations = (uint32_t)pick(w, 1, 100);
    w->config.linger_ns = pick(w, 0, 20) * MS;
    w->config.deadline_ns = pick(w, 0, 3) * 1000 * MS;
    w->config.session_idle_ns = pick(w, 0, 1) * 4000 * MS;
    w->jitter = pick(w, 0, 1) == 1;
    for (member_t m = 0; m < w->committee.size; m++)
        w->fakes[m].delay_ns = pick(w, 1, 30) * MS;
    for (uint32_t i = 0; i < faults; i++) {
        fake_t *liar = &w->fakes[pick(w, 0, w->committee.size - 1)];
        liar->mode = (fake_mode_t)pick(w, 0, 5);
        liar->delay_ns = MS / 2; /* always first */
        liar->hint = pick(w, 0, 9);
    }
    return w;
}

/* Something that goes wrong, or right again. */
static void random_fault(world_t *w) {
    const member_t member = (member_t)pick(w, 0, w->committee.size - 1);
    switch (pick(w, 0, 11)) {
    case 0:
        if (w->fakes[member].link != CLIENT_LINK_NONE)
            drive_down(w, member);
        break;
    case 1:
    case 2:
        drive_up(w, member); /* also beside a link that still stands (attack N10) */
        break;
    case 3:
        w->loss_per_million = (uint32_t)pick(w, 0, 300000);
        break;
    case 4:
        w->fakes[member].attached = false; /* the replica forgot it */
        break;
    case 5:
        w->stalled = !w->stalled;
        break;
    case 6:
        if (client_session(w->client) != 0 && pick(w, 0, 3) == 0)
            world_evict(w);
        break;
    case 7:
        w->forgets_results = pick(w, 0, 5) == 0;
        break;
    case 8:
        for (member_t m = 0; m < w->committee.size; m++)
            w->fakes[m].hint = member + 1;
        break;
    default:
        break;
    }
}

static void heal(world_t *w) {
    w->loss_per_million = 0;
    w->stalled = w->forgets_results = false;
    for (member_t m = 0; m < w->committee.size; m++)
        if (w->fakes[m].link == CLIENT_LINK_NONE)
            drive_up(w, m);
}

static void judge_operation(const world_t *w, uint64_t number, totals_t *totals) {
    const outcome_t *outcome = drive_outcome(w, number);
    assert_int_equal(outcome->completions, 1);
    assert_true(outcome->settled);
    assert_true(outcome->lates <= 1);
    totals->lates += outcome->lates;
    switch (outcome->status) {
    case SYNOD_OK:
    case SYNOD_APP_ERROR:
        expect_honest(w, number);
        totals->honest++;
        break;
    case SYNOD_UNKNOWN: /* its session was evicted, or its result kept by nobody */
        assert_true(outcome->height == 0 || w->runs[number] == 1);
        totals->unknown_for_good++;
        break;
    default:
        assert_int_equal(outcome->status, SYNOD_BUSY);
        assert_int_equal(w->runs[number], 0);
        totals->never_sent++;
        break;
    }
}

static void count(const world_t *w, totals_t *totals) {
    const client_counters_t own = drive_counters(w);
    assert_int_equal(own.completed + own.unknown, own.submitted);
    totals->counters.retries += own.retries;
    totals->counters.lies += own.lies;
    totals->counters.unknown += own.unknown;
    totals->counters.resolved += own.resolved;
    totals->counters.refused_busy += own.refused_busy;
    totals->counters.sessions_expired += own.sessions_expired;
    totals->opens += w->opens;
    for (member_t m = 0; m < w->committee.size; m++)
        if (w->fakes[m].mode == HONEST)
            assert_int_equal(client_lies(w->client, m), 0); /* nobody is accused wrongly */
}

static uint64_t run(uint64_t seed, totals_t *totals) {
    world_t *w = random_world(seed);
    drive_start(w);
    uint64_t number = 0;
    for (uint32_t step = 0; step < 3000 && number < OPERATIONS; step++) {
        uint64_t token;
        for (uint64_t burst = pick(w, 0, 8); burst > 0 && number < OPERATIONS; burst--) {
            if (drive_try(w, number + 1, &token) != SYNOD_OK)
                break;
            number++;
        }
        if (pick(w, 0, 3) == 0)
            client_flush(w->client, w->now_ns);
        if (pick(w, 0, 2) == 0)
            random_fault(w);
        drive_for(w, pick(w, 0, 200) * MS);
    }
    heal(w);
    drive_for(w, 60000 * MS);
    for (uint64_t k = 1; k <= number; k++)
        judge_operation(w, k, totals);
    assert_int_equal(client_waiting(w->client), 0);
    assert_true(w->event_count == 0);
    count(w, totals);
    const uint64_t trace = w->trace;
    drive_free(w);
    return trace;
}

/* attacks C1, C4, C5, C7, C8 */
static void every_operation_completes_once_with_the_honest_result(void **state) {
    (void)state;
    totals_t totals = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        (void)run(seed, &totals);
    print_message("honest %llu, unknown for good %llu, never sent %llu, late %llu, retries %llu, "
                  "lies %llu, expired %llu, busy %llu\n",
                  (unsigned long long)totals.honest, (unsigned long long)totals.unknown_for_good,
                  (unsigned long long)totals.never_sent, (unsigned long long)totals.lates,
                  (unsigned long long)totals.counters.retries,
                  (unsigned long long)totals.counters.lies,
                  (unsigned long long)totals.counters.sessions_expired,
                  (unsigned long long)totals.counters.refused_busy);
    /* A run in which nothing struck proves nothing. */
    assert_true(totals.honest > SEEDS * OPERATIONS / 2);
    assert_true(totals.unknown_for_good > 0 && totals.never_sent > 0 && totals.lates > 0);
    assert_true(totals.counters.retries > SEEDS && totals.counters.lies > SEEDS);
    assert_true(totals.counters.sessions_expired > 0 && totals.counters.refused_busy > 0);
}

static void the_same_seed_gives_the_same_run(void **state) {
    (void)state;
    totals_t totals = {0};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const uint64_t first = run(seed, &totals);
        assert_int_equal(run(seed, &totals), first);
        assert_int_not_equal(run(seed + 1000, &totals), first);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_completes_once_with_the_honest_result),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
