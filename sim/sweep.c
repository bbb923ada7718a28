/* A run from a seed: the execution of its plan and its judgement. */
#include "sim/sweep.h"

#include <stdio.h>

#include "sim/sweep_hunt.h"
#include "sim/sweep_plan.h"
#include "sim/world_state.h"

static void act_cut(world_t *w, const action_t *action) {
    uint64_t all = (UINT64_C(1) << w->options.members) - 1, side = action->number & all;
    if (side == 0 || side == all)
        side = 1;
    world_struck(w, action->kind == ACT_PARTITION ? FAULT_PARTITION : FAULT_ONE_WAY);
    world_cut(w, side, all & ~side);
    if (action->kind == ACT_PARTITION)
        world_cut(w, all & ~side, side);
}

static void act_power(world_t *w, member_t member, bool all) {
    world_struck(w, FAULT_POWER_CUT);
    for (member_t m = 0; m < w->options.members; m++)
        if (all || m == member)
            world_power_off(w, m);
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
    case ACT_POWER_ALL:
        act_power(w, member, action->kind == ACT_POWER_ALL);
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
    case ACT_ROT_SNAPSHOT:
        (void)world_rot_snapshot(w, member, (uint32_t)(number % 2));
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
    sweep_plan(&plan, seed, options);
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
