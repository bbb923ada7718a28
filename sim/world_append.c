/* An append and what can become of it: it takes its time, waits for room, fails, or is the last
 * thing that the node did. */
#include "sim/world_state.h"

static void schedule_append(node_t *node, uint64_t trap) {
    world_t *w = node->world;
    uint64_t takes = node->sync_ns != 0
                         ? node->sync_ns
                         : chance_between(w, w->options.sync_min_ns, w->options.sync_max_ns);
    sim_event_t event = node_event_for(node, SIM_APPENDED);
    event.a = node->disk.token;
    event.b = trap;
    world_event(w, w->now_ns + takes + node->lag_ns, &event);
}

void node_append(void *context, uint64_t token, uint64_t offset, bytes_t bytes) {
    node_t *node = context;
    disk_t *disk = &node->disk;
    require(!disk->writing && offset + bytes.size <= disk->bytes);
    disk->writing = true;
    disk->token = token;
    disk->offset = offset;
    disk->data = bytes;
    schedule_append(node, node->trap > 0 && --node->trap == 0 ? node->trap_point : 0);
}

/* The host reports the error; the replica must not go on as if the write were there (attack F2). */
static void append_failed(node_t *node, uint64_t token) {
    world_t *w = node->world;
    world_struck(w, FAULT_FAILED_DISK);
    world_say(w, "an append of node %u fails", node->member);
    node->disk.failed = true;
    oracle_landed(node, node->disk.data);
    disk_killed(w, &node->disk);
    replica_on_appended(node->replica, node_instant(node), token, SYNOD_IO);
    if (node_is_true(node) && !node->halted)
        violate(w, VIOLATION_DURABILITY, "node %u goes on although an append failed", node->member);
}

static void stop_there(node_t *node, trap_point_t point) {
    world_t *w = node->world;
    if (point == TRAP_BEFORE) {
        world_struck(w, FAULT_CRASH_BEFORE_WRITE);
        node->disk.writing = false;
    } else if (point == TRAP_AFTER) {
        world_struck(w, FAULT_CRASH_AFTER_WRITE);
    } else {
        world_struck(w, FAULT_POWER_CUT);
    }
    node_stop(node, point == TRAP_POWER);
}

void node_appended(node_t *node, const sim_event_t *event) {
    world_t *w = node->world;
    disk_t *disk = &node->disk;
    trap_point_t trap = w->calm_ns == 0 ? (trap_point_t)event->b : 0;
    if (disk->full) {
        world_struck(w, FAULT_FULL_DISK);
        disk->waits = true;
        disk->trapped = event->b;
        return;
    }
    if (trap == TRAP_BEFORE || trap == TRAP_POWER) {
        stop_there(node, trap);
        return;
    }
    if (disk->fails || disk->failed) {
        append_failed(node, event->a);
        return;
    }
    bytes_t written = disk->data;
    disk_complete(disk);
    if (!w->options.disk_lies)
        oracle_durable(node, written);
    if (trap == TRAP_AFTER) {
        stop_there(node, trap);
        return;
    }
    replica_on_appended(node->replica, node_instant(node), event->a, SYNOD_OK);
    node_after_input(node);
}

/* The append that waits for room takes its time from now. */
void node_has_room(node_t *node) {
    node->disk.full = false;
    if (!node->disk.waits)
        return;
    node->disk.waits = false;
    schedule_append(node, node->disk.trapped);
}
