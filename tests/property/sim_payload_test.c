/* The payload strategy `certified` in whole replicas, with faults and liars that send two batches
 * in one place or too many, withhold them, acknowledge what they do not have, say old things again
 * and lead with references that must not be voted for (PAY 1 to PAY 8). More: `make proof
 * STAGE=certified`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "sim/sweep_jobs.h"

#define SEEDS 60
#define SEEDS_CONTROL 10

static void good_seeds(void **state) {
    (void)state;
    sweep_jobs_t jobs = {
        .first = 1, .count = SEEDS, .jobs = 2, .options = {.payload = PAYLOAD_CERTIFIED}};
    sweep_totals_t totals;
    assert_true(sweep_jobs_run(&jobs, &totals));
    if (totals.violated > 0)
        print_message("synod sim run --strategy certified --seed %" PRIu64 ": %s\n",
                      totals.seeds[0], totals.first.text);
    assert_int_equal(totals.violated, 0);
    assert_true(totals.vacuous < SEEDS / 20);
    assert_true(totals.requests > 5 * SEEDS);
    assert_true(totals.blocks_after_calm > SEEDS);
    assert_true(totals.releases > SEEDS / 4);
    assert_true(totals.installs > 0);
    for (uint32_t i = FAULT_OF_BATCHES; i < FAULT_KINDS; i++) {
        if (totals.faults[i] == 0)
            print_message("%s never struck\n", world_fault_name((world_fault_t)i));
        assert_true(totals.faults[i] > 0);
    }
}

/* A control: disks that say durable too early are seen, acknowledgements or votes. */
static void early_durable_is_seen(void **state) {
    (void)state;
    sweep_options_t options = {
        .payload = PAYLOAD_CERTIFIED, .members = 4, .no_liars = true, .disk_lies = true};
    for (uint64_t seed = 1; seed <= SEEDS_CONTROL; seed++) {
        world_report_t report;
        sweep_run(seed, &options, &report);
        assert_int_equal(report.violated, VIOLATION_DURABILITY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_seeds),
        cmocka_unit_test(early_durable_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
