/* See sweep_hunt.h. */
#include "sim/sweep_hunt.h"

#include "app/kv_client.h"
#include "sim/world_state.h"

#define ROUNDS_MAX 12
#define STEP_NS (10 * MS)

typedef enum hit {
    HIT_CRASH = 0,
    HIT_POWER,
    HIT_CUT_OFF,
    HIT_ALONE,
    HIT_UNHEARD,
    HIT_SLOW_DISK,
    HIT_SLOW_NODE,
    HIT_KINDS
} hit_t;

member_t sweep_leader(const world_t *w, member_t otherwise) {
    view_t highest = 0;
    for (member_t m = 0; m < w->options.members; m++) {
        status_report_t status = world_status(w, m);
        if (!world_is_honest(w, m) || status.view < highest || status.leader >= w->options.members)
            continue;
        highest = status.view;
        otherwise = status.leader;
    }
    return otherwise;
}

static void strike(world_t *w, hit_t hit, member_t leader, uint64_t long_ns) {
    uint64_t self = UINT64_C(1) << leader, all = (UINT64_C(1) << w->options.members) - 1;
    switch (hit) {
    case HIT_CRASH:
        world_crash(w, leader);
        break;
    case HIT_POWER:
        world_struck(w, FAULT_POWER_CUT);
        world_power_off(w, leader);
        break;
    case HIT_CUT_OFF:
        world_struck(w, FAULT_PARTITION);
        world_cut_off(w, leader);
        break;
    case HIT_ALONE:
        world_struck(w, FAULT_PARTITION);
        world_cut(w, self, all & ~self);
        world_cut(w, all & ~self, self);
        break;
    case HIT_UNHEARD:
        world_struck(w, FAULT_ONE_WAY);
        world_cut(w, self, all & ~self);
        break;
    case HIT_SLOW_DISK:
        world_slow_disk(w, leader, long_ns);
        break;
    case HIT_SLOW_NODE:
        world_slow_node(w, leader, long_ns);
        break;
    case HIT_KINDS:
        break;
    }
}

static void make_good(world_t *w, member_t leader) {
    world_heal(w);
    world_restart(w, leader);
    world_slow_disk(w, leader, 0);
    world_slow_node(w, leader, 0);
}

/* True when there is nothing more to do. */
static bool has_failed(world_t *w) {
    const world_report_t *report = world_report(w);
    return report->violated != VIOLATION_NONE || report->views_failed > 0;
}

void sweep_submit(world_t *w, uint64_t number) {
    uint8_t room[64];
    writer_t writer = writer_of(room, sizeof room);
    kv_encode_increment(&writer, bytes_of("by hand", 7), 1);
    world_submit(w, (uint32_t)(number % w->options.clients), writer_bytes(&writer));
}

void sweep_hunt(world_t *w, uint64_t seed) {
    prng_t prng = prng_of(seed ^ UINT64_C(0x68756e74));
    uint64_t view_ns = w->chain.core.view_timeout_ns;
    for (uint32_t round = 0; round < ROUNDS_MAX && !has_failed(w); round++) {
        sweep_submit(w, prng_next(&prng));
        world_until(w, w->now_ns + prng_between(&prng, 0, w->options.delay_max_ns * 3));
        member_t leader = sweep_leader(w, (member_t)prng_below(&prng, w->options.members));
        strike(w, (hit_t)prng_below(&prng, HIT_KINDS), leader,
               view_ns + prng_between(&prng, 0, 2 * view_ns));
        /* Who is asked by nobody waits for nobody: until the clients have asked all and a view's
         * time has passed. */
        uint64_t until = w->now_ns + 2 * w->options.retry_ns + 3 * view_ns;
        while (w->now_ns < until && !has_failed(w))
            world_until(w, w->now_ns + STEP_NS);
        world_until(w, w->now_ns + prng_between(&prng, 0, 2 * view_ns));
        make_good(w, leader);
    }
}
