/* A whole run with random faults, and its judgement. */
#include "sim/bare_state.h"

/* A run takes some thousands of events; whoever answers each message by several never ends. */
#define EVENTS_MAX 2000000

static void plan_clients(bare_t *world) {
    const bare_options_t *options = &world->options;
    prng_t *chance = &world->chance.client;
    for (uint32_t i = 0; i < options->requests; i++) {
        uint64_t at_ns = prng_below(chance, options->requests_until_ns + 1);
        uint32_t request = bare_request_new(world);
        bool to_all = prng_chance(chance, 400000);
        member_t first = (member_t)prng_below(chance, options->members);
        uint64_t again_ns = at_ns + prng_between(chance, 1, options->retry_ns);
        bare_schedule(world, at_ns, HAPPEN_REQUEST, to_all ? NOTHING : first)->number = request;
        bare_schedule(world, again_ns, HAPPEN_REQUEST, NOTHING)->number = request;
        if (again_ns > world->healed_ns)
            world->healed_ns = again_ns;
    }
}

static member_t honest_member(bare_t *world) {
    for (;;) {
        member_t m = (member_t)prng_below(&world->chance.fault, world->options.members);
        if (world->options.behaviours[m] == 0)
            return m;
    }
}

static void plan_faults(bare_t *world) {
    const bare_options_t *options = &world->options;
    prng_t *chance = &world->chance.fault;
    for (uint32_t i = 0; i < options->partitions; i++)
        bare_schedule(world, prng_below(chance, options->gst_ns), HAPPEN_PARTITION, NOTHING);
    bare_schedule(world, options->gst_ns, HAPPEN_PARTITION, NOTHING)->extra = 1;
    for (uint32_t i = 0; i < options->crashes; i++) {
        member_t member = honest_member(world);
        bare_schedule(world, prng_below(chance, options->gst_ns), HAPPEN_CRASH, member);
    }
    for (uint32_t i = 0; i < options->power_cuts; i++)
        bare_schedule(world, prng_below(chance, options->gst_ns), HAPPEN_POWER_CUT, NOTHING);
    uint64_t healed = options->gst_ns + options->down_max_ns + options->retry_ns;
    if (healed > world->healed_ns)
        world->healed_ns = healed;
}

static bool step_bounded(bare_t *world) {
    if (world->report.events > EVENTS_MAX)
        bare_violated(world, ORACLE_BOUNDS, BARE_ALL, "more than %d events", EVENTS_MAX);
    return bare_step(world);
}

/* Delivered everywhere in time? */
static void until_delivered(bare_t *world) {
    const bare_options_t *options = &world->options;
    uint64_t base = bare_base_timeout_ns(world);
    uint64_t limit = world->healed_ns + options->heal_timeouts_max * base;
    while (world->report.violated == ORACLE_NONE && world->now_ns <= limit) {
        if (world->now_ns >= world->healed_ns && bare_ledger_all_delivered(world))
            break;
        if (!step_bounded(world))
            break;
    }
    uint64_t after = world->now_ns > world->healed_ns ? world->now_ns - world->healed_ns : 0;
    world->report.heal_timeouts = (after + base - 1) / base;
    if (options->heal_timeouts_max > 0 && !bare_ledger_all_delivered(world))
        bare_violated(world, ORACLE_LIVENESS, BARE_ALL,
                      "healed at %.3f ms, not everything delivered %llu base time-outs later",
                      (double)world->healed_ns / 1e6,
                      (unsigned long long)options->heal_timeouts_max);
}

static bool rests(const bare_t *world) {
    return world->deadlines_set == 0;
}

static void until_rest(bare_t *world) {
    const bare_options_t *options = &world->options;
    if (options->idle_timeouts_max == 0)
        return;
    world->adversary.quiet = true;
    uint64_t limit = world->now_ns + options->idle_timeouts_max * bare_base_timeout_ns(world);
    while (world->report.violated == ORACLE_NONE && world->now_ns <= limit && step_bounded(world)) {
    }
    if (!rests(world))
        bare_violated(world, ORACLE_IDLE, BARE_ALL,
                      "%u timers still run %u base time-outs after the last delivery",
                      world->deadlines_set, options->idle_timeouts_max);
}

static void conclude(bare_t *world) {
    bare_report_t *report = &world->report;
    bare_oracle_views(world);
    uint64_t struck = 0;
    for (uint32_t f = 0; f < FAULT_COUNT; f++)
        struck += report->faults[f];
    report->hash = world->trace.hash;
    report->vacuous = report->requests_delivered == 0 || report->views_failed == 0 || struck == 0;
}

void bare_run(const bare_options_t *options, bare_report_t *report) {
    bare_t *world = bare_open(options);
    require(world != NULL);
    plan_clients(world);
    plan_faults(world);
    until_delivered(world);
    until_rest(world);
    conclude(world);
    *report = world->report;
    bare_close(world);
}
