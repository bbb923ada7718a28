/* What a seed means: the options of a world and the faults that strike it. Part of sweep.c. */
#ifndef SIM_SWEEP_PLAN_H
#define SIM_SWEEP_PLAN_H

#include "sim/sweep.h"

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
    ACT_ROT_SNAPSHOT,
    ACT_HEAL,
    ACT_RESTART,
    ACT_EMPTY_DISK,
    ACT_KINDS = ACT_ROT_SNAPSHOT /* those that plan_actions draws */
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
    action_t actions[2 * ACTIONS_MAX + 4];
    bool aimed[ACTIONS_MAX];      /* by draw: at whoever leads when it strikes */
    member_t struck[ACTIONS_MAX]; /* by draw: whom it struck */
    bool asks_after;              /* for something new when the world is calm */
} plan_t;

/* Draws everything from the seed; `narrow` leaves out or fixes some of it. */
void sweep_plan(plan_t *plan, uint64_t seed, const sweep_options_t *narrow);

#endif
