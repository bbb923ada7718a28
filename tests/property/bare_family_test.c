/* The rest of the HotStuff family as bare cores: thousands of seeds in which every oracle stays
 * quiet for the rules that are safe, and in which the one-chain rule forks without any help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/bare.h"

#define SEEDS 1000
#define SEEDS_UNSAFE 1000

static void stays_quiet(const char *protocol) {
    uint64_t vacuous = 0, blocks = 0, failed = 0, slowest = 0, hash = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bare_options_t options = bare_options_of(seed);
        options.protocol = protocol;
        bare_report_t report;
        bare_run(&options, &report);
        if (report.violated != ORACLE_NONE)
            fail_msg("%s: %s", protocol, report.text);
        vacuous += report.vacuous;
        blocks += report.blocks;
        failed += report.views_failed;
        slowest = report.heal_timeouts > slowest ? report.heal_timeouts : slowest;
        hash = (hash << 1 | hash >> 63) ^ report.hash;
    }
    printf("%s: %d seeds, %llu vacuous, %llu blocks final, %llu views left by time-out, slowest "
           "%llu base time-outs after healing; traces %016llx\n",
           protocol, SEEDS, (unsigned long long)vacuous, (unsigned long long)blocks,
           (unsigned long long)failed, (unsigned long long)slowest, (unsigned long long)hash);
    assert_true(vacuous * 20 < SEEDS);
}

static void three_chains_stay_quiet(void **state) {
    (void)state;
    stays_quiet("hotstuff-chained");
}

static void two_phases_stay_quiet(void **state) {
    (void)state;
    stays_quiet("hotstuff-2");
}

static void four_phases_stay_quiet(void **state) {
    (void)state;
    stays_quiet("hotstuff-basic");
}

/* The control: without liars, only by time-outs and lost messages. */
static void one_chain_forks(void **state) {
    (void)state;
    uint64_t forks = 0, first = 0;
    for (uint64_t seed = 1; seed <= SEEDS_UNSAFE; seed++) {
        bare_options_t options = bare_options_of(seed);
        options.protocol = "hotstuff-one-chain";
        for (member_t m = 0; m < options.members; m++)
            options.behaviours[m] = 0;
        bare_report_t report;
        bare_run(&options, &report);
        if (report.violated != ORACLE_AGREEMENT && report.violated != ORACLE_PREFIX)
            continue;
        first = forks++ == 0 ? seed : first;
    }
    printf("hotstuff-one-chain: %llu of %d seeds without a liar fork, first seed %llu\n",
           (unsigned long long)forks, SEEDS_UNSAFE, (unsigned long long)first);
    assert_true(forks > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_chains_stay_quiet),
        cmocka_unit_test(two_phases_stay_quiet),
        cmocka_unit_test(four_phases_stay_quiet),
        cmocka_unit_test(one_chain_forks),
    };
    return cmocka_run_group_tests_name("hotstuff: the family", tests, NULL, NULL);
}
