/* Moving a world on by hand: what the scripted plays of tests use. */
#include "sim/bare_state.h"

const bare_report_t *bare_report(const bare_t *world) {
    return &world->report;
}

uint64_t bare_now_ns(const bare_t *world) {
    return world->now_ns;
}

const committee_t *bare_committee(const bare_t *world) {
    return &world->committee;
}

const digest_t *bare_anchor(const bare_t *world) {
    return &world->anchor;
}

void bare_until(bare_t *world, uint64_t now_ns) {
    while (world->heap.count > 0 && heap_top(&world->heap).key <= now_ns)
        bare_step(world);
    if (world->now_ns < now_ns)
        world->now_ns = now_ns;
}

/* Is an event under way that is neither a timer nor a liar's idea? */
static bool under_way(const bare_t *world) {
    for (uint32_t i = 0; i < world->heap.count; i++) {
        happening_kind_t kind = world->slots[world->heap.items[i].value].kind;
        if (kind != HAPPEN_DEADLINE && kind != HAPPEN_LIE)
            return true;
    }
    return false;
}

void bare_settle(bare_t *world, uint64_t limit_ns) {
    while (under_way(world) && heap_top(&world->heap).key <= limit_ns)
        bare_step(world);
}

bool bare_finish(bare_t *world, uint64_t limit_ns) {
    while (!bare_ledger_all_delivered(world) || world->deadlines_set > 0 || under_way(world)) {
        if (world->heap.count == 0 || heap_top(&world->heap).key > limit_ns)
            return false;
        bare_step(world);
    }
    return true;
}

/* ---- requests and looking on ---- */

uint32_t bare_request(bare_t *world, member_t member) {
    uint32_t request = bare_request_new(world);
    bare_request_again(world, request, member);
    return request;
}

void bare_request_again(bare_t *world, uint32_t request, member_t member) {
    for (uint32_t i = 0; i < world->node_count; i++)
        if (member == BARE_ALL || world->nodes[i].member == member)
            bare_request_arrives(&world->nodes[i], request);
}

bool bare_delivered(const bare_t *world, member_t member, uint32_t request) {
    return world->nodes[member].requests[request] == REQUEST_DONE;
}

height_t bare_height(const bare_t *world, member_t member) {
    return world->nodes[member].delivered;
}

height_t bare_executed(const bare_t *world, member_t member) {
    return world->nodes[member].executed;
}

bool bare_up(const bare_t *world, member_t member) {
    return world->nodes[member].up;
}

progress_t bare_progress(const bare_t *world, member_t member) {
    progress_t progress = {0};
    const node_t *node = &world->nodes[member];
    if (node->up)
        world->protocol->progress(node->core, &node->env, &progress);
    return progress;
}

uint32_t bare_timers(const bare_t *world, member_t member) {
    uint32_t count = 0;
    for (uint32_t id = 0; id < DEADLINES_MAX; id++)
        count += world->nodes[member].deadlines_ns[id] != 0;
    return count;
}

bytes_t bare_record(const bare_t *world, member_t member, uint32_t key) {
    const node_t *node = &world->nodes[member];
    for (uint32_t i = 0; i < node->record_count; i++)
        if (node->records[i].key == key)
            return node->records[i].bytes;
    return (bytes_t){0};
}

/* ---- faults ---- */

void bare_crash(bare_t *world, member_t member) {
    bare_fault(world, FAULT_CRASH);
    bare_node_stop(&world->nodes[member]);
}

void bare_restart(bare_t *world, member_t member) {
    bare_node_start(&world->nodes[member]);
}

void bare_jump(bare_t *world, member_t member, member_t from) {
    bare_node_jump(&world->nodes[member], &world->nodes[from]);
}

void bare_trap(bare_t *world, member_t member, uint64_t commit, bare_point_t point) {
    world->nodes[member].trap_commit = commit;
    world->nodes[member].trap_point = point;
}

uint64_t bare_commits(const bare_t *world, member_t member) {
    return world->nodes[member].commits;
}

void bare_slow_disk(bare_t *world, member_t member, uint64_t sync_ns) {
    world->nodes[member].sync_fixed_ns = sync_ns;
}

void bare_slow_network(bare_t *world, uint64_t delay_ns) {
    world->delay_fixed_ns = delay_ns;
}

void bare_cut(bare_t *world, uint32_t from, uint32_t to) {
    for (member_t m = 0; m < world->options.members; m++)
        if ((from >> m & 1) != 0)
            world->cuts[m] |= to;
}

void bare_heal(bare_t *world) {
    memset(world->cuts, 0, sizeof world->cuts);
}

/* ---- messages ---- */

void bare_filter(bare_t *world, bare_filter_t *filter, void *context) {
    world->filter = filter;
    world->filter_context = context;
}

const message_t *bare_keep(bare_t *world, const bare_letter_t *letter) {
    world->kept =
        bare_grow(world->kept, &world->kept_capacity, world->kept_count, sizeof *world->kept);
    shared_t *shared = bare_shared_of(letter->message);
    world->kept[world->kept_count++] = shared;
    return &shared->message;
}

void bare_release(bare_t *world) {
    uint32_t count = world->held_count;
    world->held_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        happening_t *held = &world->held[i];
        bare_network_post(world, held->link, &world->nodes[held->node], held->message);
        bare_shared_drop(held->message);
    }
}

signature_t bare_sign(const bare_t *world, member_t liar, const statement_t *statement) {
    require(liar < world->options.members && world->options.behaviours[liar] != 0);
    signature_t signature;
    bare_sign_statement(world, liar, statement, &signature);
    return signature;
}

void bare_forge(bare_t *world, member_t liar, member_t to, const message_t *message, bool sign) {
    require(liar < world->options.members && world->options.behaviours[liar] != 0);
    uint32_t members = to == BARE_ALL ? UINT32_MAX : UINT32_C(1) << to;
    bare_say_to(&world->nodes[liar], members, message, sign, false);
}
