/* Knobs from a seed. Times hang on the base time-out of 100 ms, so that a run of some seconds of
 * simulated time goes through many views. */
#include "sim/bare_state.h"

#define MILLISECOND UINT64_C(1000000)
#define BASE_NS (100 * MILLISECOND)
/* Base time-outs in which everything must be delivered after healing. Views back off to 64 base
 * time-outs, f liars in a row may lead, and laggards add to it; the slowest of 60,000 seeds took
 * 444. */
#define HEAL_TIMEOUTS_MAX 900
#define IDLE_TIMEOUTS_MAX 600

static void knobs_of_network(bare_options_t *options, prng_t *chance) {
    options->delay_min_ns = prng_between(chance, MILLISECOND / 10, 2 * MILLISECOND);
    options->delay_max_ns = options->delay_min_ns + prng_below(chance, 8 * MILLISECOND);
    options->delay_wild_ns = prng_between(chance, 1, 4 * BASE_NS);
    options->gst_ns = prng_between(chance, 5 * BASE_NS, 25 * BASE_NS);
    options->wild_per_million = prng_chance(chance, 500000) ? 0 : 100000;
    options->loss_per_million = (uint32_t)prng_below(chance, 4) * 30000;
    options->duplicate_per_million = (uint32_t)prng_below(chance, 3) * 30000;
    options->partitions = (uint32_t)prng_below(chance, 6);
}

static void knobs_of_nodes(bare_options_t *options, prng_t *chance) {
    options->sync_min_ns = prng_between(chance, 1, MILLISECOND);
    options->sync_max_ns = options->sync_min_ns + prng_below(chance, 2 * MILLISECOND);
    /* Disks slower than the network: what is asked of them overtakes what they have done. */
    options->slow_sync_max_ns = prng_between(chance, 5 * MILLISECOND, 150 * MILLISECOND);
    options->slow_sync_max_ns += options->sync_min_ns;
    if (prng_chance(chance, 400000))
        options->slow_disks = (uint32_t)prng_next(chance) & (uint32_t)prng_next(chance);
    options->verdict_max_ns = prng_below(chance, 3 * MILLISECOND);
    options->payload_max_ns = prng_below(chance, 2 * MILLISECOND);
    options->execute_max_ns = prng_below(chance, 10 * MILLISECOND);
    options->clock_offset_max_ns = prng_chance(chance, 500000) ? 0 : UINT64_C(1000) * BASE_NS;
    options->amber_per_million = prng_chance(chance, 500000) ? 0 : 100000;
    options->sync = true;
    options->crashes = (uint32_t)prng_below(chance, 7);
    options->power_cuts = prng_chance(chance, 250000) ? 1 : 0;
    options->crash_at_sync_per_million = (uint32_t)prng_below(chance, 3) * 10000;
    options->down_max_ns = prng_between(chance, 1, 10 * BASE_NS);
}

/* Up to `liars` members with one to three behaviours each. */
static void knobs_of_liars(bare_options_t *options, prng_t *chance, uint32_t liars) {
    options->lies_per_million = (uint32_t)prng_between(chance, 100000, 900000);
    for (uint32_t i = 0; i < liars; i++) {
        member_t m = (member_t)prng_below(chance, options->members);
        uint64_t kinds = prng_between(chance, 1, 3);
        for (uint64_t k = 0; k < kinds; k++)
            options->behaviours[m] |=
                (uint16_t)(1u << prng_between(chance, 1, BEHAVIOUR_COUNT - 1));
    }
}

static bare_options_t common(uint64_t seed, prng_t *chance) {
    static const uint32_t sizes[] = {4, 4, 5, 7, 10};
    static const uint64_t terms[] = {0, 1, 3};
    bare_options_t options = {.seed = seed};
    options.members = sizes[prng_below(chance, 5)];
    options.parameters.view_timeout_ns = BASE_NS;
    options.parameters.request_patience_ns = 8 * BASE_NS;
    options.parameters.leader_views = terms[prng_below(chance, 3)];
    options.parameters.execution_horizon = prng_chance(chance, 200000) ? 2 : 64;
    options.requests = (uint32_t)prng_between(chance, 5, 40);
    options.retry_ns = prng_between(chance, 1, 6 * BASE_NS);
    options.batch_max = (uint32_t)prng_between(chance, 1, 4);
    return options;
}

bare_options_t bare_options_of(uint64_t seed) {
    prng_t chance = prng_of(seed);
    bare_options_t options = common(seed, &chance);
    knobs_of_network(&options, &chance);
    knobs_of_nodes(&options, &chance);
    uint32_t most = (options.members - 1) / 3;
    knobs_of_liars(&options, &chance, (uint32_t)prng_between(&chance, 0, most));
    options.requests_until_ns = options.gst_ns + prng_below(&chance, 5 * BASE_NS);
    options.heal_timeouts_max = HEAL_TIMEOUTS_MAX;
    options.idle_timeouts_max = IDLE_TIMEOUTS_MAX;
    return options;
}

bare_options_t bare_options_beyond(uint64_t seed) {
    prng_t chance = prng_of(seed);
    bare_options_t options = common(seed, &chance);
    knobs_of_network(&options, &chance);
    knobs_of_nodes(&options, &chance);
    options.loss_per_million = 0;
    options.partitions = 0;
    options.lies_per_million = 900000;
    uint32_t liars = (options.members - 1) / 3 + 1;
    for (member_t m = 0; m < liars; m++)
        options.behaviours[m] = BEHAVIOUR_VOTE_ALL | BEHAVIOUR_EQUIVOCATE | BEHAVIOUR_STALE;
    options.requests_until_ns = options.gst_ns;
    options.heal_timeouts_max = 0;
    options.idle_timeouts_max = 0;
    return options;
}

bare_options_t bare_options_quiet(uint32_t members) {
    bare_options_t options = {.members = members};
    options.parameters.view_timeout_ns = BASE_NS;
    options.parameters.request_patience_ns = 8 * BASE_NS;
    options.batch_max = 4;
    options.delay_min_ns = options.delay_max_ns = MILLISECOND;
    options.sync_min_ns = options.sync_max_ns = MILLISECOND / 5;
    options.retry_ns = BASE_NS;
    options.down_max_ns = BASE_NS;
    return options;
}
