/* A run from a seed: the options, the plan of faults, its execution and its judgement. */
#include "sim/sweep.h"

#include <stdio.h>

#include "sim/sweep_hunt.h"
#include "sim/world_state.h"

#define ACTIONS_MAX 16

typedef enum action_kind {
    ACT_CRASH = 0,
    ACT_POWER,
    ACT_POWER_ALL,
    ACT_TRAP,
    ACT_FAIL_DISK,
    ACT_ROT,
    ACT_FILL_DISK,
    ACT_PARTITION,
    ACT_ONE_WAY,
    ACT_CUT_OFF,
    ACT_RESET,
    ACT_SLOW_DISK,
    ACT_SLOW_LINK,
    ACT_SLOW_NODE,
    ACT_CLOCK,
    ACT_HEAL,
    ACT_RESTART,
    ACT_EMPTY_DISK,
    ACT_KINDS = ACT_HEAL
} action_kind_t;

typedef struct action {
    uint64_t at_ns;
    action_kind_t kind;
    member_t member;
    uint64_t number;
    uint32_t draw; /* which fault of the plan this is, or ends */
} action_t;

typedef struct plan {
    world_options_t options;
    uint64_t calm_ns, bound_ns;
    bool rotten[WORLD_MEMBERS_MAX];
    uint32_t count;
    action_t actions[2 * ACTIONS_MAX];
    bool aimed[ACTIONS_MAX];      /* by draw: at whoever leads when it strikes */
    member_t struck[ACTIONS_MAX]; /* by draw: whom it struck */
    bool asks_after;              /* for something new when the world is calm */
} plan_t;

static uint64_t pick(prng_t *prng, const uint64_t *from, uint32_t count) {
    return from[prng_below(prng, count)];
}

static uint32_t faults_of(uint32_t members) {
    return (members - 1) / 3;
}

static void plan_liars(plan_t *plan, prng_t *prng) {
    uint32_t liars = (uint32_t)prng_below(prng, faults_of(plan->options.members) + 1);
    if (faults_of(plan->options.members) > 0 && liars == 0 && prng_below(prng, 3) == 0)
        liars = 1;
    while (liars > 0) {
        member_t m = (member_t)prng_below(prng, plan->options.members);
        if (plan->options.liars[m] != 0)
            continue;
        plan->options.liars[m] = (uint16_t)(1u << prng_below(prng, LIAR_COUNT));
        if (prng_below(prng, 2) == 0)
            plan->options.liars[m] |= (uint16_t)(1u << prng_below(prng, LIAR_COUNT));
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

/* Mostly no limits; else generous ones, or tight ones that make frames wait. */
static void plan_capacity(plan_t *plan, prng_t *prng) {
    world_options_t *o = &plan->options;
    uint64_t kind = prng_below(prng, 8);
    if (kind == 0)
        o->uplink_bytes = prng_between(prng, 10000000, 100000000);
    else if (kind == 1)
        o->uplink_bytes = prng_between(prng, 200000, 2000000);
    if (prng_below(prng, 4) != 0)
        return;
    o->cost_frame_ns = prng_between(prng, 1000, 200000);
    o->cost_kib_ns = prng_between(prng, 1000, 20000);
    o->cost_operation_ns = prng_between(prng, 1000, 500000);
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

/* Mostly patient clients; some give up waiting and learn the truth later, some lose their sessions,
 * because there are fewer places for them than clients. */
static void plan_clients(plan_t *plan, prng_t *prng) {
    world_options_t *o = &plan->options;
    o->clients = (uint32_t)prng_between(prng, 1, 3);
    o->requests = (uint32_t)prng_between(prng, 2, 10);
    o->client_window = (uint32_t)prng_between(prng, 1, 4);
    o->client_batch = (uint32_t)prng_between(prng, 1, 4);
    o->retry_ns = prng_between(prng, 200 * MS, SECOND);
    if (prng_below(prng, 4) == 0)
        o->deadline_ns = prng_between(prng, 100 * MS, 3 * SECOND);
    if (prng_below(prng, 8) == 0 && o->clients > 1) {
        o->chain.ledger.sessions_max = o->clients - 1;
        o->chain.ledger.session_idle_ns = prng_between(prng, 50 * MS, SECOND);
    }
}

/* Kept in order of time; equal times in order of planning. */
static void add_action(plan_t *plan, action_t action) {
    uint32_t at = plan->count++;
    while (at > 0 && plan->actions[at - 1].at_ns > action.at_ns) {
        plan->actions[at] = plan->actions[at - 1];
        at--;
    }
    plan->actions[at] = action;
}

/* A third of the runs hits whom chance says, a third whoever leads, a third both. */
static void plan_aims(plan_t *plan) {
    prng_t prng = prng_of(plan->options.seed ^ UINT64_C(0x61696d));
    uint64_t manner = prng_below(&prng, 3);
    for (uint32_t i = 0; i < ACTIONS_MAX; i++)
        plan->aimed[i] = manner == 1 || (manner == 2 && prng_below(&prng, 2) == 0);
    plan->asks_after = prng_below(&prng, 2) == 0;
}

/* A member with a rotten journal is one of the faulty ones. */
static bool plan_rot(plan_t *plan, member_t member) {
    uint32_t faulty = 1;
    for (member_t m = 0; m < plan->options.members; m++)
        faulty += plan->options.liars[m] != 0 || plan->rotten[m];
    if (plan->options.liars[member] != 0 || plan->rotten[member] ||
        faulty > faults_of(plan->options.members))
        return false;
    plan->rotten[member] = true;
    return true;
}

static void plan_actions(plan_t *plan, prng_t *prng) {
    uint32_t count = (uint32_t)prng_between(prng, 1, ACTIONS_MAX / 2);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = prng_between(prng, 10 * MS, plan->calm_ns - 1);
        uint64_t lasts = prng_between(prng, MS, 1500 * MS);
        action_kind_t kind = (action_kind_t)prng_below(prng, ACT_KINDS);
        member_t member = (member_t)prng_below(prng, plan->options.members);
        uint64_t number = prng_next(prng);
        if (kind == ACT_ROT && !plan_rot(plan, member))
            continue;
        add_action(plan, (action_t){at, kind, member, number, i});
        if (kind == ACT_FILL_DISK)
            add_action(plan, (action_t){at + lasts, ACT_EMPTY_DISK, member, 0, i});
        else if (kind <= ACT_ROT)
            add_action(plan, (action_t){at + lasts, ACT_RESTART, member, kind == ACT_POWER_ALL, i});
        else if (kind == ACT_PARTITION || kind == ACT_ONE_WAY || kind == ACT_CUT_OFF)
            add_action(plan, (action_t){at + lasts, ACT_HEAL, 0, 0, i});
    }
}

static void make_plan(plan_t *plan, uint64_t seed, const sweep_options_t *narrow) {
    static const uint64_t sizes[] = {1, 2, 3, 4, 4, 4, 4, 4, 4, 5, 6, 7};
    prng_t prng = prng_of(seed);
    *plan = (plan_t){.options = {.seed = seed, .protocol = narrow->protocol}};
    world_options_t *o = &plan->options;
    uint32_t members = (uint32_t)pick(&prng, sizes, 12);
    o->members = narrow->members != 0 ? narrow->members : members;
    plan_clients(plan, &prng);
    o->segment_bytes = 256u << 10;
    o->segments = 8;
    plan->calm_ns = prng_between(&prng, SECOND / 2, 4 * SECOND);
    o->submit_until_ns = plan->calm_ns + SECOND / 2;
    plan_network(plan, &prng);
    plan_nodes(plan, &prng);
    plan_capacity(plan, &prng);
    if (!narrow->no_liars)
        plan_liars(plan, &prng);
    for (member_t m = 0; m < narrow->liars_beyond && m < o->members; m++)
        o->liars[m] = LIAR_TWINS;
    o->disk_lies = narrow->disk_lies;
    if (narrow->no_faults)
        o->wild_per_million = o->loss_per_million = o->twice_per_million = o->late_per_million = 0;
    else
        plan_actions(plan, &prng);
    plan_aims(plan);
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

static void act(world_t *w, plan_t *plan, const action_t *action) {
    member_t member = action->member;
    uint64_t number = action->number;
    if (action->kind == ACT_RESTART || action->kind == ACT_EMPTY_DISK)
        member = plan->struck[action->draw];
    else if (plan->aimed[action->draw] && action->kind != ACT_ROT) /* that one counts as faulty */
        member = sweep_leader(w, member);
    plan->struck[action->draw] = member;
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
        world_trap(w, member, (uint32_t)(number % 8), (trap_point_t)(TRAP_BEFORE + number / 8 % 3));
        break;
    case ACT_FAIL_DISK:
        world_fail_disk(w, member);
        break;
    case ACT_ROT:
        world_power_off(w, member);
        (void)world_rot(w, member);
        break;
    case ACT_FILL_DISK:
    case ACT_EMPTY_DISK:
        world_fill_disk(w, member, action->kind == ACT_FILL_DISK);
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
    case ACT_SLOW_LINK:
        world_slow_link(w, member, 10000 + number % 200000);
        break;
    case ACT_SLOW_NODE:
        world_slow_node(w, member, MS + number % (100 * MS));
        break;
    case ACT_CLOCK:
        world_step_clock(w, member, (int64_t)(number % (10 * SECOND)) - (int64_t)(5 * SECOND));
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
        if (!sim_client_idle(&w->clients[c]))
            at += (size_t)snprintf(text + at, sizeof text - at, " client %u waits,", c);
    violate(w, VIOLATION_LIVENESS, "%llu ms after the calm:%s top height %llu",
            (unsigned long long)(bound_ns / MS), text, (unsigned long long)w->heights_known);
}

/* Everything must come together again. Half of the runs ask for something new, the others for
 * nothing: who was left out then has to find out by itself. */
static void judge_calm(world_t *w, const plan_t *plan) {
    uint64_t calm_ns = w->now_ns;
    height_t height = w->heights_known;
    if (plan->asks_after)
        sweep_submit(w, plan->options.seed);
    world_calm(w);
    bool settled = world_settle(w, calm_ns + plan->bound_ns);
    w->report.heal_ns = w->now_ns - calm_ns;
    w->report.blocks_after_calm = w->heights_known - height;
    if (!settled)
        violate_liveness(w, plan->bound_ns);
    else
        oracle_finish(w);
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
        act(w, &plan, &plan.actions[i]);
    }
    world_until(w, plan.calm_ns);
    if (!options->no_faults)
        sweep_hunt(w, seed);
    if (w->report.violated == VIOLATION_NONE)
        judge_calm(w, &plan);
    *report = *world_report(w);
    world_close(w);
}
