/* The rest of the HotStuff family in whole replicas: seeds that must be good, and the controls that
 * show that the oracles see these protocols too. More: `synod sim sweep --protocol NAME`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "sim/sweep_jobs.h"

#define SEEDS 100
#define SEEDS_CONTROL 60

static uint64_t violations_of(const sweep_options_t *options, violation_t violation) {
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= SEEDS_CONTROL; seed++) {
        world_report_t report;
        sweep_run(seed, options, &report);
        found += report.violated == violation;
    }
    return found;
}

static void good_and_judged(const char *protocol) {
    sweep_jobs_t jobs = {.first = 1, .count = SEEDS, .jobs = 2, .options = {.protocol = protocol}};
    sweep_totals_t totals;
    assert_true(sweep_jobs_run(&jobs, &totals));
    if (totals.violated > 0)
        print_message("synod sim run --protocol %s --seed %" PRIu64 ": %s\n", protocol,
                      totals.seeds[0], totals.first.text);
    assert_int_equal(totals.violated, 0);
    assert_true(totals.vacuous < SEEDS / 20);
    assert_true(totals.views_failed > SEEDS);
    assert_true(totals.blocks_after_calm > SEEDS);
    sweep_options_t twins = {
        .protocol = protocol, .members = 4, .no_liars = true, .liars_beyond = 2};
    uint64_t forks = violations_of(&twins, VIOLATION_AGREEMENT);
    sweep_options_t disks = {
        .protocol = protocol, .members = 4, .no_liars = true, .disk_lies = true};
    uint64_t early = violations_of(&disks, VIOLATION_DURABILITY);
    printf("%s: %d seeds, %" PRIu64 " vacuous, %" PRIu64 " blocks; f + 1 twins: %" PRIu64
           " of %d fork; disks that lie: %" PRIu64 " of %d seen\n",
           protocol, SEEDS, totals.vacuous, totals.blocks, forks, SEEDS_CONTROL, early,
           SEEDS_CONTROL);
    assert_true(forks > 0);
    assert_int_equal(early, SEEDS_CONTROL);
}

/* A liar keeps the one certificate a round that commits, and others get the block by asking: in
 * these seeds the back-off did not come down by that (HS 17), and a block took 8 and 21 s. */
static void three_chains(void **state) {
    (void)state;
    static const uint64_t slow[] = {8641, 10812};
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        sweep_options_t options = {.protocol = "hotstuff-chained"};
        world_report_t report;
        sweep_run(slow[i], &options, &report);
        assert_string_equal(report.text, "");
    }
    good_and_judged("hotstuff-chained");
}

static void two_phases(void **state) {
    (void)state;
    good_and_judged("hotstuff-2");
}

static void four_phases(void **state) {
    (void)state;
    good_and_judged("hotstuff-basic");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_chains),
        cmocka_unit_test(two_phases),
        cmocka_unit_test(four_phases),
    };
    return cmocka_run_group_tests_name("hotstuff: the family in replicas", tests, NULL, NULL);
}
