/* Thousands of seeds of bare HotStuff cores under crashes, partitions, loss and up to f liars:
 * every oracle stays quiet. Beside it the controls: the same seed gives the same trace, and with f
 * + 1 liars the agreement oracle does fire. A red seed prints its number; tests/breaks/sweep.c with
 * mode `play` prints what happened in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/bare.h"

#define SEEDS 4000
#define SEEDS_TWICE 100
#define SEEDS_BEYOND 600

typedef struct sums {
    uint64_t vacuous, commits, empty, views, timeouts, refused, convictions, slowest;
    uint64_t faults[FAULT_COUNT], struck[FAULT_COUNT];
    uint64_t hash; /* of all traces: the same on every build (design, rule 9) */
} sums_t;

static void add(sums_t *sums, const bare_report_t *report) {
    sums->vacuous += report->vacuous;
    sums->hash = (sums->hash << 1 | sums->hash >> 63) ^ report->hash;
    sums->commits += report->blocks;
    sums->empty += report->blocks_empty;
    sums->views += report->views_failed;
    sums->timeouts += report->timeouts;
    sums->refused += report->refused;
    sums->convictions += report->convictions;
    if (report->heal_timeouts > sums->slowest)
        sums->slowest = report->heal_timeouts;
    for (uint32_t f = 0; f < FAULT_COUNT; f++) {
        sums->faults[f] += report->faults[f];
        sums->struck[f] += report->faults[f] > 0;
    }
}

static void print_sums(const sums_t *sums, uint64_t seeds) {
    printf(
        "hotstuff: %llu seeds, %llu vacuous (%.1f %%), %llu blocks final (%llu empty), %llu views "
        "left by time-out, %llu deadlines, %llu messages refused, %llu convictions of liars\n",
        (unsigned long long)seeds, (unsigned long long)sums->vacuous,
        100.0 * (double)sums->vacuous / (double)seeds, (unsigned long long)sums->commits,
        (unsigned long long)sums->empty, (unsigned long long)sums->views,
        (unsigned long long)sums->timeouts, (unsigned long long)sums->refused,
        (unsigned long long)sums->convictions);
    printf("hotstuff: slowest run delivered everything %llu base time-outs after healing; traces "
           "%016llx\n",
           (unsigned long long)sums->slowest, (unsigned long long)sums->hash);
    for (uint32_t f = 0; f < FAULT_COUNT; f++)
        printf("hotstuff: fault %-10s struck %9llu times in %5llu seeds\n",
               bare_fault_name((bare_fault_t)f), (unsigned long long)sums->faults[f],
               (unsigned long long)sums->struck[f]);
}

static void every_oracle_stays_quiet(void **state) {
    (void)state;
    sums_t sums = {0};
    uint32_t sizes = 0, terms = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bare_options_t options = bare_options_of(seed);
        bare_report_t report;
        bare_run(&options, &report);
        if (report.violated != ORACLE_NONE)
            fail_msg("%s", report.text);
        add(&sums, &report);
        sizes |= UINT32_C(1) << options.members;
        terms |= UINT32_C(1) << options.parameters.leader_views;
    }
    print_sums(&sums, SEEDS);
    assert_true(sums.vacuous * 20 < SEEDS);
    assert_int_equal(sizes, 1 << 4 | 1 << 5 | 1 << 7 | 1 << 10);
    assert_int_equal(terms, 1 << 0 | 1 << 1 | 1 << 3);
    for (uint32_t f = 0; f < FAULT_COUNT; f++)
        assert_true(sums.faults[f] > 0);
}

static void ignore_line(void *context, const char *text) {
    uint64_t *lines = context;
    *lines += text[0] != '\0';
}

/* Also when somebody listens: what is told does not change what happens. */
static void same_seed_same_trace(void **state) {
    (void)state;
    uint64_t differing = 0, previous = 0;
    for (uint64_t seed = 1; seed <= SEEDS_TWICE; seed++) {
        bare_options_t options = bare_options_of(seed);
        bare_report_t first, second;
        uint64_t lines = 0;
        bare_run(&options, &first);
        options.line = ignore_line;
        options.line_context = &lines;
        bare_run(&options, &second);
        assert_true(lines > 0);
        assert_int_equal(first.hash, second.hash);
        assert_int_equal(first.events, second.events);
        differing += first.hash != previous;
        previous = first.hash;
    }
    assert_int_equal(differing, SEEDS_TWICE);
}

/* The control: beyond the bound forks are possible, and they are seen. */
static void beyond_the_bound_forks_are_seen(void **state) {
    (void)state;
    uint64_t forks = 0, first = 0;
    for (uint64_t seed = 1; seed <= SEEDS_BEYOND; seed++) {
        bare_options_t options = bare_options_beyond(seed);
        bare_report_t report;
        bare_run(&options, &report);
        bool fork = report.violated == ORACLE_AGREEMENT || report.violated == ORACLE_PREFIX;
        if (report.violated != ORACLE_NONE && !fork)
            fail_msg("%s", report.text);
        if (fork && forks++ == 0)
            first = seed;
    }
    printf("hotstuff: f + 1 liars forked %llu of %d seeds, first seed %llu\n",
           (unsigned long long)forks, SEEDS_BEYOND, (unsigned long long)first);
    assert_true(forks > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_oracle_stays_quiet),
        cmocka_unit_test(same_seed_same_trace),
        cmocka_unit_test(beyond_the_bound_forks_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
