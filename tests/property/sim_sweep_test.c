/* The sweep of whole replicas: seeds that must be good, controls that must go red, and the same
 * trace from the same seed in every process. More seeds: `synod sim sweep`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/sweep_jobs.h"

#define SEEDS 400
#define STARTS 20

static void good_seeds(void **state) {
    (void)state;
    sweep_jobs_t jobs = {.first = 1, .count = SEEDS, .jobs = 2};
    sweep_totals_t totals;
    assert_true(sweep_jobs_run(&jobs, &totals));
    if (totals.violated > 0)
        print_message("synod sim run --seed %" PRIu64 ": %s: %s\n", totals.seeds[0],
                      violation_name(totals.first.violated), totals.first.text);
    assert_int_equal(totals.violated, 0);
    assert_int_equal(totals.runs, SEEDS);
    /* It is not good because nothing happens. */
    assert_true(totals.vacuous < SEEDS / 50);
    assert_true(totals.requests > 5 * SEEDS);
    assert_true(totals.views_failed > SEEDS);
    assert_true(totals.blocks_after_calm > SEEDS);
    assert_true(totals.views_failed > SEEDS / 2);
    assert_true(totals.snapshots > SEEDS);
    assert_true(totals.releases > SEEDS / 4);
    assert_true(totals.installs > 0);
    for (uint32_t i = 0; i < world_fault_kinds(PAYLOAD_INLINE); i++) {
        if (totals.faults[i] == 0)
            print_message("%s never struck\n", world_fault_name((world_fault_t)i));
        assert_true(totals.faults[i] > 0);
    }
}

static uint64_t violations_of(const sweep_options_t *options, uint64_t count,
                              violation_t violation) {
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= count; seed++) {
        world_report_t report;
        sweep_run(seed, options, &report);
        found += report.violated == violation;
    }
    return found;
}

/* Two of four that live twice can fork the chain: the oracle has to see it. */
static void control_too_many_liars_fork(void **state) {
    (void)state;
    sweep_options_t options = {.members = 4, .no_liars = true, .liars_beyond = 2};
    assert_true(violations_of(&options, 60, VIOLATION_AGREEMENT) > 0);
}

static void control_early_durable_is_seen(void **state) {
    (void)state;
    sweep_options_t options = {.members = 4, .no_liars = true, .disk_lies = true};
    assert_int_equal(violations_of(&options, 10, VIOLATION_DURABILITY), 10);
}

static void control_no_quorum_is_no_progress(void **state) {
    (void)state;
    world_options_t options = world_options_quiet(4);
    options.liars[1] = options.liars[2] = LIAR_SILENT;
    options.lies_per_million = 1000000;
    options.requests = 2;
    world_t *w = world_open(&options);
    assert_non_null(w);
    assert_false(world_settle(w, UINT64_C(60000000000)));
    assert_int_equal(world_report(w)->violated, VIOLATION_NONE);
    world_close(w);
}

/* ---- determinism ---- */

static uint64_t hash_of_some(void) {
    sweep_totals_t totals = {0};
    sweep_options_t options = {0};
    for (uint64_t seed = 1; seed <= 5; seed++) {
        world_report_t report;
        sweep_run(seed, &options, &report);
        sweep_add(&totals, seed, &report);
    }
    return totals.hash;
}

static void same_seed_same_trace_in_every_process(void **state) {
    (void)state;
    char command[600], self[500];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    snprintf(command, sizeof command, "'%s' --hash", self);
    uint64_t hash = hash_of_some();
    for (int start = 0; start < STARTS; start++) {
        uint64_t theirs = 0;
        FILE *out = popen(command, "r");
        assert_non_null(out);
        assert_int_equal(fscanf(out, "%" SCNx64, &theirs), 1);
        assert_int_equal(pclose(out), 0);
        assert_true(theirs == hash);
    }
}

static void ignore_line(void *context, uint64_t now_ns, const char *text) {
    (void)now_ns;
    *(size_t *)context += strlen(text);
}

static void listening_changes_nothing(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        size_t said = 0;
        world_report_t heard, unheard;
        sweep_options_t options = {0};
        sweep_run(seed, &options, &unheard);
        options.line = ignore_line;
        options.line_context = &said;
        sweep_run(seed, &options, &heard);
        assert_true(heard.hash == unheard.hash);
        assert_true(said > 0);
    }
}

static void totals_do_not_depend_on_jobs(void **state) {
    (void)state;
    sweep_jobs_t jobs = {.first = 100, .count = 23, .jobs = 1};
    sweep_totals_t one, three;
    assert_true(sweep_jobs_run(&jobs, &one));
    jobs.jobs = 3;
    assert_true(sweep_jobs_run(&jobs, &three));
    assert_true(one.hash == three.hash);
    assert_int_equal(one.runs, three.runs);
    assert_int_equal(one.events, three.events);
    assert_memory_equal(one.pairs, three.pairs, sizeof one.pairs);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--hash") == 0) {
        printf("%016" PRIx64 "\n", hash_of_some());
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_seeds),
        cmocka_unit_test(control_too_many_liars_fork),
        cmocka_unit_test(control_early_durable_is_seen),
        cmocka_unit_test(control_no_quorum_is_no_progress),
        cmocka_unit_test(same_seed_same_trace_in_every_process),
        cmocka_unit_test(listening_changes_nothing),
        cmocka_unit_test(totals_do_not_depend_on_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
