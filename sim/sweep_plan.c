/* See sweep_plan.h. */
#include "sim/sweep_plan.h"

#include "base/prng.h"
#include "sim/world_state.h"

/* No snapshot is due by what was written. */
#define NO_INTERVAL (UINT64_C(1) << 40)
/* The draw of what plan_snapshots adds; plan_actions needs the lower half. */
#define SNAPSHOT_DRAW (ACTIONS_MAX - 1)

static uint64_t pick(prng_t *prng, const uint64_t *from, uint32_t count) {
    return from[prng_below(prng, count)];
}

static uint32_t faults_of(uint32_t members) {
    return (members - 1) / 3;
}

/* Kinds of lies that plan_liars draws; plan_snapshots and plan_batches add the others. */
#define LIARS_DRAWN 11

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

static void plan_snapshot_rot(plan_t *plan, prng_t *prng, uint64_t from_ns, member_t member) {
    uint64_t at = prng_between(prng, from_ns, plan->calm_ns - 1);
    add_action(plan, (action_t){at, ACT_ROT_SNAPSHOT, member, prng_next(prng), SNAPSHOT_DRAW});
}

/* Journals so small that snapshots are taken and segments released, in half of the runs; in some a
 * member is away meanwhile for long, or a bit of what it kept rots. Drawn apart, so that the seeds
 * of before keep their meaning. */
static void plan_snapshots(plan_t *plan, uint64_t seed) {
    prng_t prng = prng_of(seed ^ UINT64_C(0x736e617073686f74));
    world_options_t *o = &plan->options;
    member_t rotten = MEMBER_NONE;
    bool lies = false;
    if (prng_below(&prng, 2) == 0)
        return;
    o->chain.core.payload_bytes_max = 8u << 10;
    o->chain.checkpoint_blocks = prng_between(&prng, 1, 4);
    o->segment_bytes = 96u << 10;
    o->segments = 24;
    o->snapshot_bytes = prng_between(&prng, 1, 64) << 10;
    if (prng_below(&prng, 4) == 0) { /* none is due before the journal is full (attack F6) */
        o->chain.core.payload_bytes_max = 4u << 10;
        o->chain.checkpoint_blocks = 256;
        o->segment_bytes = 72u << 10;
        o->segments = 8;
        o->snapshot_bytes = NO_INTERVAL;
        o->requests += 60;
    }
    o->requests += (uint32_t)prng_between(&prng, 10, 30);
    for (member_t m = 0; m < o->members; m++)
        if (o->liars[m] != 0) {
            o->liars[m] |= LIAR_SNAPSHOTS;
            lies = true;
        }
    plan->aimed[SNAPSHOT_DRAW] = false;
    if (lies || prng_below(&prng, 2) == 0) { /* whoever lies needs somebody who asks */
        member_t away = (member_t)prng_below(&prng, o->members);
        uint64_t at = prng_between(&prng, 10 * MS, plan->calm_ns / 2);
        action_kind_t stop = prng_below(&prng, 2) == 0 ? ACT_CRASH : ACT_POWER;
        add_action(plan, (action_t){at, stop, away, 0, SNAPSHOT_DRAW});
        if (o->members > 1 && prng_below(&prng, 2) == 0) /* nobody has what the only one lost */
            plan_snapshot_rot(plan, &prng, at, rotten = away);
    }
    if (o->members > 1 && prng_below(&prng, 2) == 0) {
        member_t other = (member_t)prng_below(&prng, o->members);
        bool last = o->members == 2 && rotten != MEMBER_NONE; /* nor what both of two lost */
        plan_snapshot_rot(plan, &prng, plan->calm_ns / 2, last ? rotten : other);
    }
}

/* With certified payloads most liars lie about batches as well, and there is more to put into
 * them. Drawn apart, so that the seeds of inline payloads keep their meaning. */
static void plan_batches(plan_t *plan, uint64_t seed) {
    prng_t prng = prng_of(seed ^ UINT64_C(0x62617463686573));
    world_options_t *o = &plan->options;
    o->requests += (uint32_t)prng_between(&prng, 0, 20);
    for (member_t m = 0; m < o->members; m++)
        for (uint32_t i = 0; o->liars[m] != 0 && i < 2; i++)
            if (prng_below(&prng, 4) != 0)
                o->liars[m] |= (uint16_t)(LIAR_HOARD << prng_below(&prng, LIARS_OF_BATCHES));
}

void sweep_plan(plan_t *plan, uint64_t seed, const sweep_options_t *narrow) {
    static const uint64_t sizes[] = {1, 2, 3, 4, 4, 4, 4, 4, 4, 5, 6, 7};
    prng_t prng = prng_of(seed);
    *plan = (plan_t){.options = {.seed = seed, .protocol = narrow->protocol}};
    world_options_t *o = &plan->options;
    uint32_t members = (uint32_t)pick(&prng, sizes, 12);
    o->members = narrow->members != 0 ? narrow->members : members;
    o->chain.payload = narrow->payload;
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
    o->slow_roots = seed % 2 == 1; /* no draw: seeds keep their meaning */
    if (narrow->no_faults)
        o->wild_per_million = o->loss_per_million = o->twice_per_million = o->late_per_million = 0;
    else
        plan_actions(plan, &prng);
    plan_aims(plan);
    if (!narrow->no_faults)
        plan_snapshots(plan, seed);
    if (o->chain.payload == PAYLOAD_CERTIFIED)
        plan_batches(plan, seed);
    /* The back-off may have grown to 2^6 when the calm begins. One time-out brings the members
     * together. A faulty seat spoils its own view and, where the next leader collects the votes,
     * the one before: 2 f time-outs until each seat has led once. Among n > 3 f seats three correct
     * ones follow each other, which is what two and three chains need; the calm may begin within
     * such a row, and what is left of it be too short: two more. With three chains the certificate
     * of the third comes by the time-out of that view (HSC 4), which is counted; four phases in one
     * view need half of all this. So one number holds for all. The first final block brings the
     * back-off down, to twice what a view takes or less. Then patience. Where leaders take turns,
     * work left over takes its time as well: one thing after another may be asked for, and each
     * waits for a round of leaders, in which a faulty seat costs two views of twice the base. */
    uint32_t faults = faults_of(o->members);
    uint64_t timeouts = 64u * 2 * (faults + 1) + 64;
    if (o->chain.core.leader_views != 0)
        timeouts += (uint64_t)o->clients * o->requests * (4 * faults + o->members);
    plan->bound_ns = timeouts * o->chain.core.view_timeout_ns + 20 * o->retry_ns + 10 * SECOND;
    if (o->snapshot_bytes == NO_INTERVAL) /* blocks wait for snapshots as well */
        plan->bound_ns *= 2;
    o->line = narrow->line;
    o->line_context = narrow->line_context;
}
