/* The simulated disk and the one queue of a node (rule 4: persist before you speak).
 *
 * Operations are numbered from 1 as they are asked for. One group commit runs at a time, begun at
 * the end of a step; it covers what was asked for before and becomes durable when it ends. A
 * message that is not early waits until every operation asked for before it is durable; messages
 * leave in order. A crash loses the operations that no group commit covered, maybe those of the one
 * that runs, and all messages that have not left. */
#include <stdlib.h>

#include "sim/bare_state.h"

static uint64_t sync_time_ns(node_t *node) {
    const bare_options_t *options = &node->world->options;
    bool slow = (options->slow_disks >> node->member & 1) != 0;
    uint64_t drawn = prng_between(&node->world->chance.disk, options->sync_min_ns,
                                  slow ? options->slow_sync_max_ns : options->sync_max_ns);
    return node->sync_fixed_ns != 0 ? node->sync_fixed_ns : drawn;
}

void bare_disk_commit(node_t *node) {
    if (node->syncing || node->asked == node->durable)
        return;
    node->syncing = true;
    node->syncing_to = node->asked;
    happening_t *event = bare_schedule(node->world, node->world->now_ns + sync_time_ns(node),
                                       HAPPEN_SYNC, node->index);
    event->life = node->life;
    /* What the ledger had when the group commit began is part of it. */
    event->extra = node->delivered;
}

static void ask(node_t *node, const operation_t *operation) {
    uint32_t waiting = (uint32_t)(node->asked - node->durable);
    if (waiting == node->operation_capacity) {
        uint32_t capacity = waiting == 0 ? 16 : 2 * waiting;
        operation_t *grown = calloc(capacity, sizeof *grown);
        require(grown != NULL);
        for (uint32_t i = 0; i < waiting; i++)
            grown[i] = node->operations[(node->operation_head + i) % node->operation_capacity];
        free(node->operations);
        node->operations = grown;
        node->operation_capacity = capacity;
        node->operation_head = 0;
    }
    node->operations[(node->operation_head + waiting) % node->operation_capacity] = *operation;
    node->asked++;
}

static operation_t with_bytes(const record_t *record) {
    operation_t operation = {.record = *record};
    uint8_t *bytes = malloc(record->bytes.size + 1);
    require(bytes != NULL);
    if (record->bytes.size > 0)
        memcpy(bytes, record->bytes.data, record->bytes.size);
    operation.record.bytes.data = bytes;
    return operation;
}

void bare_disk_persist(node_t *node, const record_t *record) {
    const bare_t *world = node->world;
    if (record->bytes.size > world->protocol->record_bytes_max(world->committee.size))
        bare_violated(node->world, ORACLE_BOUNDS, node->member, "a record of %zu bytes",
                      record->bytes.size);
    operation_t operation = with_bytes(record);
    node->persists++;
    ask(node, &operation);
}

void bare_disk_store(node_t *node) {
    operation_t operation = {0};
    ask(node, &operation);
}

void bare_disk_forget(node_t *node, const record_t *record) {
    operation_t operation = {.record = *record, .forget = true};
    operation.record.bytes = (bytes_t){0};
    ask(node, &operation);
}

/* ---- what is durable ---- */

static void forget_below(node_t *node, const record_t *limit) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->record_count; i++) {
        record_t *record = &node->records[i];
        if (path_equal(&record->path, &limit->path) && record->key < limit->key)
            free((void *)(uintptr_t)record->bytes.data);
        else
            node->records[kept++] = *record;
    }
    node->record_count = kept;
}

static void record_put(node_t *node, const record_t *record) {
    bare_oracle_record(node, record);
    for (uint32_t i = 0; i < node->record_count; i++) {
        record_t *old = &node->records[i];
        if (old->key == record->key && path_equal(&old->path, &record->path)) {
            free((void *)(uintptr_t)old->bytes.data);
            old->bytes = record->bytes;
            return;
        }
    }
    uint32_t bound = node->world->protocol->records_max;
    if (node->record_count >= bound)
        bare_violated(node->world, ORACLE_BOUNDS, node->member, "more than %u live records", bound);
    record_t *grown = realloc(node->records, (node->record_count + 1) * sizeof *grown);
    require(grown != NULL);
    node->records = grown;
    node->records[node->record_count++] = *record;
}

static void apply_to(node_t *node, uint64_t last) {
    while (node->durable < last) {
        operation_t *operation = &node->operations[node->operation_head];
        if (operation->forget)
            forget_below(node, &operation->record);
        else if (operation->record.bytes.data != NULL)
            record_put(node, &operation->record);
        *operation = (operation_t){0};
        node->operation_head = (node->operation_head + 1) % node->operation_capacity;
        node->durable++;
    }
}

/* ---- the queue of messages ---- */

static outgoing_t *outgoing_at(const node_t *node, uint32_t index) {
    return &node->outgoing[(node->outgoing_head + index) % node->outgoing_capacity];
}

static void hold_back(node_t *node, const outgoing_t *outgoing) {
    if (node->outgoing_count == node->outgoing_capacity) {
        uint32_t capacity = node->outgoing_count == 0 ? 16 : 2 * node->outgoing_count;
        outgoing_t *grown = calloc(capacity, sizeof *grown);
        require(grown != NULL);
        for (uint32_t i = 0; i < node->outgoing_count; i++)
            grown[i] = *outgoing_at(node, i);
        free(node->outgoing);
        node->outgoing = grown;
        node->outgoing_capacity = capacity;
        node->outgoing_head = 0;
    }
    node->outgoing_count++;
    *outgoing_at(node, node->outgoing_count - 1) = *outgoing;
}

static void depart(node_t *node, const outgoing_t *outgoing) {
    if (node->honest)
        bare_oracle_departure(node, outgoing);
    if (node->honest || !bare_liar_sends(node, outgoing->to, outgoing->shared))
        bare_network_send(node, outgoing->to, outgoing->shared);
    bare_shared_drop(outgoing->shared);
}

void bare_disk_send(node_t *node, member_t to, bool early, shared_t *shared) {
    outgoing_t outgoing = {.barrier = node->asked,
                           .persists = node->persists,
                           .to = to,
                           .early = early,
                           .shared = shared};
    bool now = early || (node->outgoing_count == 0 && node->asked == node->durable);
    if (now)
        depart(node, &outgoing);
    else
        hold_back(node, &outgoing);
}

static void release(node_t *node, uint32_t messages_max) {
    for (uint32_t sent = 0; sent < messages_max && node->outgoing_count > 0 &&
                            outgoing_at(node, 0)->barrier <= node->durable;
         sent++) {
        outgoing_t outgoing = *outgoing_at(node, 0);
        node->outgoing_head = (node->outgoing_head + 1) % node->outgoing_capacity;
        node->outgoing_count--;
        depart(node, &outgoing);
    }
}

/* ---- stopping in the middle ---- */

/* Where this group commit stops the node, if it does. */
static bare_point_t drawn_point(node_t *node) {
    bare_t *world = node->world;
    if (node->trap_point != POINT_NONE)
        return node->commits == node->trap_commit ? node->trap_point : POINT_NONE;
    if (!prng_chance(&world->chance.fault, world->options.crash_at_sync_per_million) ||
        world->now_ns >= world->options.gst_ns || !node->honest)
        return POINT_NONE;
    return (bare_point_t)prng_between(&world->chance.fault, POINT_BEFORE_WRITE, POINT_AFTER_SEND);
}

static void stop_at(node_t *node, bare_point_t point) {
    bare_t *world = node->world;
    bare_note(world, node->index, "stops at point", point, node->commits, 0, 0);
    bare_fault(world, FAULT_CRASH);
    bool scripted = node->trap_point != POINT_NONE;
    node->trap_point = POINT_NONE;
    bare_node_stop(node);
    if (scripted)
        return;
    uint64_t down = prng_between(&world->chance.fault, 1, world->options.down_max_ns);
    bare_schedule(world, world->now_ns + down, HAPPEN_RESTART, node->index);
}

void bare_disk_synced(node_t *node, height_t delivered) {
    node->syncing = false;
    node->commits++;
    bare_point_t point = drawn_point(node);
    uint64_t written = node->syncing_to;
    if (point == POINT_AFTER_WRITE)
        written -= (node->syncing_to - node->durable) / 2;
    if (point != POINT_BEFORE_WRITE) {
        apply_to(node, written);
        node->delivered_durable = delivered;
    }
    node->half_sent = point == POINT_MID_SEND;
    if (point == POINT_NONE || point >= POINT_MID_SEND)
        release(node, point == POINT_MID_SEND ? 1 : UINT32_MAX);
    node->half_sent = false;
    if (point != POINT_NONE)
        stop_at(node, point);
    else
        bare_disk_commit(node);
}

void bare_disk_crash(node_t *node) {
    /* A group commit in the middle may have come through: its operations in order, up to some. */
    if (node->syncing) {
        uint64_t reached = prng_between(&node->world->chance.disk, node->durable, node->syncing_to);
        apply_to(node, reached);
    }
    node->syncing = false;
    while (node->durable < node->asked) {
        operation_t *operation = &node->operations[node->operation_head];
        free((void *)(uintptr_t)operation->record.bytes.data);
        *operation = (operation_t){0};
        node->operation_head = (node->operation_head + 1) % node->operation_capacity;
        node->asked--;
    }
    for (uint32_t i = 0; i < node->outgoing_count; i++)
        bare_shared_drop(outgoing_at(node, i)->shared);
    node->outgoing_count = 0;
}

void bare_disk_close(node_t *node) {
    bare_disk_crash(node);
    for (uint32_t i = 0; i < node->record_count; i++)
        free((void *)(uintptr_t)node->records[i].bytes.data);
    free(node->records);
    free(node->operations);
    free(node->outgoing);
}
