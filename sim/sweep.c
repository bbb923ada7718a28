/* A run from a seed: the options, the plan of faults, its execution and its judgement. */
#include "sim/sweep.h"

#include <stdio.h>

#include "sim/world_state.h"

#define ACTIONS_MAX 16

typedef enum action_kind {
    ACT_CRASH = 0,
    ACT_POWER,
    ACT_POWER_ALL,
    ACT_TRAP,
    ACT_PARTITION,
    ACT_ONE_WAY,
    ACT_CUT_OFF,
    ACT_RESET,
    ACT_SLOW_DISK,
    ACT_SLOW_NODE,
    ACT_CLOCK,
    ACT_ROT,
    ACT_HEAL,
    ACT_RESTART,
    ACT_KINDS = ACT_ROT /* those that plan_actions draws */
} action_kind_t;

typedef struct action {
    uint64_t at_ns;
    action_kind_t kind;
    member_t member;
    uint64_t number;
} action_t;

typedef struct plan {
    world_options_t options;
    uint64_t calm_ns, bound_ns;
    uint32_t count;
    action_t actions[2 * ACTIONS_MAX + 4];
} plan_t;

static uint64_t pick(prng_t *prng, const uint64_t *from, uint32_t count) {
    return from[prng_below(prng, count)];
}

static uint32_t faults_of(uint32_t members) {
    return (members - 1) / 3;
}

/* Kinds of lies that plan_liars draws; plan_snapshots adds the last one. */
#define LIARS_DRAWN (LIAR_COUNT - 1)

static void plan_liars(plan_t *plan, prng_t *prng) {
    uint32_t liars = (uint32_t)prng_below(prng, faults_of(plan->options.members) + 1);
    if (faults_of(plan->options.members) > 0 && liars == 0 && prng_below(prng, 3) == 0)
        liars = 1;
    while (liars > 0) {
        member_t m = (member_t)prng_below(prng, plan->options.members);
        if (plan->options.liars[m] != 0)
            continue;
        plan->options.liars[m] = (uint16_t)(1u << prng_below(prng, LIARS_DRAWN));
        if (prng_below(prng, 2) == 0)
            plan->options.liars[m] |= (uint16_t)(1u << prng_below(prng, LIARS_DRAWN));
        liars--;
    }
    plan->options.lies_per_million = (uint32_t)prng_between(prng, 50000, 1000000);
}

static void plan_network(plan_t *plan, prng_t *prng) {
    world_options_t *o = &plan->options;
    o->delay_min_ns = prng_between(prng, MS / 20, 2 * MS);
    o->delay_max_ns = o->delay_min_ns + prng_between(prng, 0, 10 * MS);
    o->delay_wild_ns = prng_between(prng, 50 * MS, 1500 * MS);
    o->detect_max_ns = prng_between(prng, MS, 300 * MS);
    if (prng_below(prng, 3) == 0)
        o->wild_per_million = (uint32_t)prng_between(prng, 100, 20000);
    if (prng_below(prng, 3) == 0) {
        o->loss_per_million = (uint32_t)prng_between(prng, 0, 100000);
        o->twice_per_million = (uint32_t)prng_between(prng, 0, 50000);
        o->late_per_million = (uint32_t)prng_between(prng, 0, 100000);
    }
}

static void plan_nodes(plan_t *plan, prng_t *prng) {
    static const uint64_t views[] = {0, 0, 0, 1, 2, 5};
    static const uint64_t intervals[] = {1, 4, 16, 256};
    world_options_t *o = &plan->options;
    o->sync_min_ns = prng_between(prng, MS / 20, MS);
    o->sync_max_ns = o->sync_min_ns + prng_between(prng, 0, 8 * MS);
    o->loop_max_ns = prng_below(prng, 2) * prng_between(prng, 1000, MS);
    o->skew_max_ns = prng_below(prng, 2) * prng_between(prng, MS, 2 * SECOND);
    o->rate_max_ppm = (uint32_t)(prng_below(prng, 2) * prng_between(prng, 1, 2000));
    o->chain.core.view_timeout_ns = prng_between(prng, 100 * MS, 400 * MS);
    o->chain.core.request_patience_ns = 8 * o->chain.core.view_timeout_ns;
    o->chain.core.leader_views = pick(prng, views, 6);
    o->chain.checkpoint_blocks = pick(prng, intervals, 4);
    if (prng_below(prng, 4) == 0)
        o->chain.core.execution_horizon = prng_between(prng, 2, 8);
}

static void add_action(plan_t *plan, uint64_t at_ns, action_kind_t kind, member_t member,
                       uint64_t number) {
    /* Kept in order of time; equal times in order of planning. */
    uint32_t at = plan->count++;
    while (at > 0 && plan->actions[at - 1].at_ns > at_ns) {
        plan->actions[at] = plan->actions[at - 1];
        at--;
    }
    plan->actions[at] = (action_t){at_ns, kind, member, number};
}

static void plan_actions(plan_t *plan, prng_t *prng) {
    uint32_t count = (uint32_t)prng_between(prng, 1, ACTIONS_MAX / 2);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = prng_between(prng, 10 * MS, plan->calm_ns - 1);
        uint64_t lasts = prng_between(prng, MS, 1500 * MS);
        action_kind_t kind = (action_kind_t)prng_below(prng, ACT_KINDS);
        member_t member = (member_t)prng_below(prng, plan->options.members);
        uint64_t number = prng_next(prng);
        add_action(plan, at, kind, member, number);
        if (kind <= ACT_TRAP)
            add_action(plan, at + lasts, ACT_RESTART, member, kind == ACT_POWER_ALL);
        else if (kind == ACT_PARTITION || kind == ACT_ONE_WAY || kind == ACT_CUT_OFF)
            add_action(plan, at + lasts, ACT_HEAL, 0, 0);
    }
}

/* Journals so small that snapshots are taken and segments released, in half of the runs; in some a
 * member is away meanwhile for long, or a bit of what it kept rots. Drawn apart, so that the seeds
 * of before keep their meaning. */
static void plan_snapshots(plan_t *plan, uint64_t seed) {
    prng_t prng = prng_of(seed ^ UINT64_C(0x736e617073686f74));
    world_options_t *o = &plan->options;
    if (prng_below(&prng, 2) == 0)
        return;
    o->chain.core.payload_bytes_max = 8u << 10;
    o->chain.checkpoint_blocks = prng_between(&prng, 1, 4);
    o->segment_bytes = 96u << 10;
    o->segments = 24;
    o->snapshot_bytes = prng_between(&prng, 1, 64) << 10;
    o->requests += (uint32_t)prng_between(&prng, 10, 30);
    for (member_t m = 0; m < o->members; m++)
        if (o->liars[m] != 0)
            o->liars[m] |= LIAR_SNAPSHOTS;
    if (prng_below(&prng, 2) == 0) {
        member_t away = (member_t)prng_below(&prng, o->members);
        uint64_t at = prng_between(&prng, 10 * MS, plan->calm_ns / 2);
        add_action(plan, at, prng_below(&prng, 2) == 0 ? ACT_CRASH : ACT_POWER, away, 0);
        if (prng_below(&prng, 2) == 0)
            add_action(plan, prng_between(&prng, at, plan->calm_ns - 1), ACT_ROT, away,
                       prng_next(&prng));
    }
    if (prng_below(&prng, 2) == 0)
        add_action(plan, prng_between(&prng, plan->calm_ns / 2, plan->calm_ns - 1), ACT_ROT,
                   (member_t)prng_below(&prng, o->members), prng_next(&prng));
}

static void make_plan(plan_t *plan, uint64_t seed, const sweep_options_t *narrow) {
    static const uint64_t sizes[] = {1, 2, 3, 4, 4, 4, 4, 4, 4, 5, 6, 7};
    prng_t prng = prng_of(seed);
    *plan = (plan_t){.options = {.seed = seed, .protocol = narrow->protocol}};
    world_options_t *o = &plan->options;
    uint32_t members = (uint32_t)pick(&prng, sizes, 12);
    o->members = narrow->members != 0 ? narrow->members : members;
    o->clients = (uint32_t)prng_between(&prng, 1, 3);
    o->requests = (uint32_t)prng_between(&prng, 2, 10);
    o->client_window = (uint32_t)prng_between(&prng, 1, 4);
    o->retry_ns = prng_between(&prng, 200 * MS, SECOND);
    o->segment_bytes = 256u << 10;
    o->segments = 8;
    plan->calm_ns = prng_between(&prng, SECOND / 2, 4 * SECOND);
    o->submit_until_ns = plan->calm_ns + SECOND / 2;
    plan_network(plan, &prng);
    plan_nodes(plan, &prng);
    if (!narrow->no_liars)
        plan_liars(plan, &prng);
    for (member_t m = 0; m < narrow->liars_beyond && m < o->members; m++)
        o->liars[m] = LIAR_TWINS;
    o->disk_lies = narrow->disk_lies;
    if (narrow->no_faults)
        o->wild_per_million = o->loss_per_million = o->twice_per_million = o->late_per_million = 0;
    else
        plan_actions(plan, &prng);
    if (!narrow->no_faults)
        plan_snapshots(plan, seed);
    /* The back-off may have grown to 2^6, and liars may lead in between; then patience. */
    uint64_t timeouts = 64u * 2 * (faults_of(o->members) + 1) + 64;
    plan->bound_ns = timeouts * o->chain.core.view_timeout_ns + 20 * o->retry_ns + 10 * SECOND;
    o->line = narrow->line;
    o->line_context = narrow->line_context;
}

static void act_cut(world_t *w, const action_t *action) {
    uint64_t all = (UINT64_C(1) << w->options.members) - 1, side = action->number & all;
    if (side == 0 || side == all)
        side = 1;
    world_struck(w, action->kind == ACT_PARTITION ? FAULT_PARTITION : FAULT_ONE_WAY);
    world_cut(w, side, all & ~side);
    if (action->kind == ACT_PARTITION)
        world_cut(w, all & ~side, side);
}

static void act(world_t *w, const action_t *action) {
    member_t member = action->member;
    uint64_t number = action->number;
    switch (action->kind) {
    case ACT_CRASH:
        world_crash(w, member);
        break;
    case ACT_POWER:
        world_struck(w, FAULT_POWER_CUT);
        world_power_off(w, member);
        break;
    case ACT_POWER_ALL:
        world_struck(w, FAULT_POWER_CUT);
        for (member_t m = 0; m < w->options.members; m++)
            world_power_off(w, m);
        break;
    case ACT_TRAP:
        world_trap(w, member, (uint32_t)(number % 8), number >> 8 & 1);
        break;
    case ACT_PARTITION:
    case ACT_ONE_WAY:
        act_cut(w, action);
        break;
    case ACT_CUT_OFF:
        world_struck(w, FAULT_PARTITION);
        world_cut_off(w, member);
        break;
    case ACT_RESET:
        world_reset_link(w, member, (member_t)((member + 1 + number % 3) % w->options.members));
        break;
    case ACT_SLOW_DISK:
        world_slow_disk(w, member, MS + number % (200 * MS));
        break;
    case ACT_SLOW_NODE:
        world_slow_node(w, member, MS + number % (100 * MS));
        break;
    case ACT_CLOCK:
        world_step_clock(w, member, (int64_t)(number % (10 * SECOND)) - (int64_t)(5 * SECOND));
        break;
    case ACT_ROT:
        (void)world_rot(w, member, (uint32_t)(number % 2));
        break;
    case ACT_HEAL:
        world_heal(w);
        break;
    case ACT_RESTART:
        for (member_t m = 0; m < w->options.members; m++)
            if (m == member || number != 0)
                world_restart(w, m);
        break;
    }
}

/* Who lacks what, as far as a line goes. */
static void violate_liveness(world_t *w, uint64_t bound_ns) {
    char text[WORLD_TEXT_MAX];
    size_t at = 0;
    for (member_t m = 0; m < w->options.members && at < sizeof text / 2; m++) {
        status_report_t status = world_status(w, m);
        at +=
            (size_t)snprintf(text + at, sizeof text - at, " %u%s: height %llu view %llu,", m,
                             world_is_honest(w, m) ? "" : " (liar)",
                             (unsigned long long)status.executed, (unsigned long long)status.view);
    }
    for (uint32_t c = 0; c < w->options.clients && at < sizeof text - 40; c++)
        if (w->clients[c].outstanding > 0)
            at += (size_t)snprintf(text + at, sizeof text - at, " client %u waits,", c);
    violate(w, VIOLATION_LIVENESS, "%llu ms after the calm:%s top height %llu",
            (unsigned long long)(bound_ns / MS), text, (unsigned long long)w->heights_known);
}

void sweep_run(uint64_t seed, const sweep_options_t *options, world_report_t *report) {
    plan_t plan;
    make_plan(&plan, seed, options);
    world_t *w = world_open(&plan.options);
    invariant(w != NULL);
    for (uint32_t i = 0; i < plan.count && plan.actions[i].at_ns < plan.calm_ns; i++) {
        world_until(w, plan.actions[i].at_ns);
        if (world_report(w)->violated != VIOLATION_NONE)
            break;
        act(w, &plan.actions[i]);
    }
    world_until(w, plan.calm_ns);
    if (w->report.violated == VIOLATION_NONE) {
        world_calm(w);
        bool settled = world_settle(w, plan.calm_ns + plan.bound_ns);
        w->report.heal_ns = w->now_ns - plan.calm_ns;
        if (!settled)
            violate_liveness(w, plan.bound_ns);
        else
            oracle_finish(w);
    }
    *report = *world_report(w);
    world_close(w);
}

bool sweep_vacuous(const world_report_t *report) {
    uint64_t struck = 0;
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        struck += report->faults[i];
    return struck == 0 || report->views_failed == 0 || report->requests_answered == 0;
}

void sweep_add(sweep_totals_t *totals, uint64_t seed, const world_report_t *report) {
    totals->runs++;
    totals->vacuous += sweep_vacuous(report);
    totals->events += report->events;
    totals->requests += report->requests_answered;
    totals->blocks += report->blocks;
    totals->views_failed += report->views_failed;
    totals->restarts += report->restarts;
    totals->refused += report->refused;
    totals->snapshots += report->snapshots;
    totals->releases += report->releases;
    totals->installs += report->installs;
    totals->heal_sum_ns += report->heal_ns;
    totals->hash += report->hash * (2 * seed + 1);
    if (report->heal_ns > totals->heal_max_ns)
        totals->heal_max_ns = report->heal_ns;
    for (uint32_t i = 0; i < FAULT_KINDS; i++) {
        totals->faults[i] += report->faults[i];
        totals->runs_with[i] += report->faults[i] > 0;
        for (uint32_t j = i + 1; j < FAULT_KINDS; j++)
            totals->pairs[i][j] += report->faults[i] > 0 && report->faults[j] > 0;
    }
    if (report->violated == VIOLATION_NONE)
        return;
    if (totals->violated == 0 || seed < totals->first_violated) {
        totals->first_violated = seed;
        totals->first = *report;
    }
    totals->violated++;
}

void sweep_merge(sweep_totals_t *to, const sweep_totals_t *from) {
    to->runs += from->runs;
    to->vacuous += from->vacuous;
    to->events += from->events;
    to->requests += from->requests;
    to->blocks += from->blocks;
    to->views_failed += from->views_failed;
    to->restarts += from->restarts;
    to->refused += from->refused;
    to->snapshots += from->snapshots;
    to->releases += from->releases;
    to->installs += from->installs;
    to->heal_sum_ns += from->heal_sum_ns;
    to->hash += from->hash;
    if (from->heal_max_ns > to->heal_max_ns)
        to->heal_max_ns = from->heal_max_ns;
    for (uint32_t i = 0; i < FAULT_KINDS; i++) {
        to->faults[i] += from->faults[i];
        to->runs_with[i] += from->runs_with[i];
        for (uint32_t j = i + 1; j < FAULT_KINDS; j++)
            to->pairs[i][j] += from->pairs[i][j];
    }
    if (from->violated > 0 && (to->violated == 0 || from->first_violated < to->first_violated)) {
        to->first_violated = from->first_violated;
        to->first = from->first;
    }
    to->violated += from->violated;
}

uint32_t sweep_pairs_missing(const sweep_totals_t *totals) {
    uint32_t missing = 0;
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        for (uint32_t j = i + 1; j < FAULT_KINDS; j++)
            missing += totals->pairs[i][j] == 0;
    return missing;
}
