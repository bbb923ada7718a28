/* Faults on demand, and work by hand: what tests, scripts and plans do to a world. */
#include "sim/world_state.h"

void world_crash(world_t *w, member_t member) {
    if (w->nodes[member].up)
        world_struck(w, FAULT_CRASH);
    for (uint32_t i = 0; i < w->node_count; i++)
        if (w->nodes[i].member == member)
            node_stop(&w->nodes[i], false);
}

void world_power_off(world_t *w, member_t member) {
    for (uint32_t i = 0; i < w->node_count; i++)
        if (w->nodes[i].member == member)
            node_stop(&w->nodes[i], true);
}

void world_restart(world_t *w, member_t member) {
    for (uint32_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i].member != member || w->nodes[i].up)
            continue;
        w->report.restarts++;
        node_start(&w->nodes[i]);
    }
}

void world_trap(world_t *w, member_t member, uint32_t skip, trap_point_t point) {
    w->nodes[member].trap = skip + 1;
    w->nodes[member].trap_point = point;
}

void world_fill_disk(world_t *w, member_t member, bool full) {
    world_say(w, "the disk of %u %s", member, full ? "is full" : "has room");
    world_note(w, member, "full disk", full, 0);
    if (full)
        w->nodes[member].disk.full = true;
    else
        node_has_room(&w->nodes[member]);
}

void world_fail_disk(world_t *w, member_t member) {
    w->nodes[member].disk.fails = true;
}

bool world_rot(world_t *w, member_t member) {
    node_t *node = &w->nodes[member];
    bool forgotten = false;
    if (!disk_rot(w, &node->disk, &forgotten))
        return false;
    world_struck(w, FAULT_ROT);
    node->rotten = true;
    node->forgetful = node->forgetful || forgotten;
    world_note(w, member, "rot", forgotten, 0);
    world_say(w, "the journal of %u rots%s", member,
              forgotten ? ", where nothing proves what was lost" : "");
    return true;
}

/* Half of the connections across a cut break, the others hold what is sent until it heals. */
static void cut_pair(world_t *w, uint32_t from, uint32_t to) {
    if (from == to || *cut_at(w, from, to))
        return;
    *cut_at(w, from, to) = true;
    uint32_t low = from < to ? from : to, high = from < to ? to : from;
    uint32_t current = w->current[(size_t)low * w->endpoints + high];
    if (current != 0 && prng_below(&w->chance, 2) == 0)
        net_break(w, current - 1);
}

void world_cut(world_t *w, uint64_t from, uint64_t to) {
    world_note(w, 0, "cut", from, to);
    world_say(w, "cut: members %#llx do not reach %#llx", (unsigned long long)from,
              (unsigned long long)to);
    for (member_t a = 0; a < w->options.members && a < WORLD_CUTS_MAX; a++)
        for (member_t b = 0; b < w->options.members && b < WORLD_CUTS_MAX; b++)
            if ((from >> a & 1) != 0 && (to >> b & 1) != 0)
                cut_pair(w, a, b);
}

void world_cut_off(world_t *w, member_t member) {
    world_note(w, member, "cut off", 0, 0);
    world_say(w, "cut: member %u is cut off", member);
    for (uint32_t other = 0; other < w->endpoints; other++) {
        cut_pair(w, member, other);
        cut_pair(w, other, member);
    }
}

void world_cut_client(world_t *w, uint32_t client) {
    uint32_t endpoint = w->options.members + client;
    world_note(w, endpoint, "cut off", 0, 0);
    world_say(w, "cut: client %u is cut off", client);
    for (uint32_t other = 0; other < w->endpoints; other++) {
        cut_pair(w, endpoint, other);
        cut_pair(w, other, endpoint);
    }
}

void world_heal(world_t *w) {
    world_note(w, 0, "heal", 0, 0);
    world_say(w, "all cuts heal");
    memset(w->cut, 0, (size_t)w->endpoints * w->endpoints * sizeof(bool));
    net_healed(w);
}

void world_reset_link(world_t *w, member_t a, member_t b) {
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    uint32_t current = w->current[(size_t)low * w->endpoints + high];
    if (current == 0)
        return;
    world_struck(w, FAULT_LINK_RESET);
    world_note(w, a, "reset", b, 0);
    world_say(w, "the link between %u and %u breaks", a, b);
    net_break(w, current - 1);
}

void world_slow_disk(world_t *w, member_t member, uint64_t sync_ns) {
    w->nodes[member].sync_ns = sync_ns;
    if (sync_ns != 0)
        world_struck(w, FAULT_SLOW_DISK);
}

void world_slow_link(world_t *w, member_t member, uint64_t uplink_bytes) {
    world_note(w, member, "uplink", uplink_bytes, 0);
    for (uint32_t i = 0; i < w->node_count; i++)
        if (w->nodes[i].member == member)
            w->uplinks[w->nodes[i].endpoint].bytes = uplink_bytes;
}

void world_slow_node(world_t *w, member_t member, uint64_t lag_ns) {
    w->nodes[member].lag_ns = lag_ns;
    if (lag_ns != 0)
        world_struck(w, FAULT_SLOW_NODE);
}

void world_step_clock(world_t *w, member_t member, int64_t by_ns) {
    w->nodes[member].skew_ns += by_ns;
    world_struck(w, FAULT_CLOCK_STEP);
    world_note(w, member, "clock", (uint64_t)by_ns, 0);
    world_say(w, "the wall clock of %u jumps by %lld ms", member, (long long)(by_ns / (int64_t)MS));
}

void world_calm(world_t *w) {
    world_note(w, 0, "calm", 0, 0);
    world_say(w, "the world becomes calm");
    world_heal(w);
    for (member_t m = 0; m < w->options.members; m++) {
        w->nodes[m].sync_ns = w->nodes[m].lag_ns = 0;
        w->nodes[m].trap = 0;
        w->nodes[m].disk.fails = false;
        world_fill_disk(w, m, false);
        world_slow_link(w, m, 0);
        world_restart(w, m);
    }
    w->calm_ns = w->now_ns == 0 ? 1 : w->now_ns;
}

/* ---- work ---- */

uint32_t world_submit(world_t *w, uint32_t client, bytes_t operation) {
    return sim_client_submit(&w->clients[client], operation, KIND_MANUAL);
}

uint32_t world_clients(const world_t *w) {
    return w->options.clients;
}

uint32_t world_submitted(const world_t *w, uint32_t client) {
    return w->clients[client].count;
}

world_outcome_t world_outcome(const world_t *w, uint32_t client, uint32_t request) {
    require(request < w->clients[client].count);
    const sim_request_t *one = &w->clients[client].requests[request];
    return (world_outcome_t){.reported = one->reported,
                             .answered = one->answered,
                             .status = one->answered ? one->status : SYNOD_UNKNOWN,
                             .height = one->height,
                             .result = bytes_of(one->result, one->result_size)};
}

void world_send_again(world_t *w, uint32_t client, uint32_t request, uint32_t member) {
    sim_client_t *one = &w->clients[client];
    require(request < one->count);
    sim_client_send_again(one, &one->requests[request], member);
}

const client_t *world_client(const world_t *w, uint32_t client) {
    return w->clients[client].core;
}
