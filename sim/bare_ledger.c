/* What stands in for the replica: blocks, payloads, mempools, execution.
 *
 * Blocks are known to the whole world as soon as anybody made them: a certified block is held by
 * honest members, from which a real node would fetch it. Whether its payload is good is a fact of
 * the block alone (every request was asked for by a client and is new on its branch), so it is
 * settled once, when the block is registered. A payload's digest is its number. */
#include <stdlib.h>

#include "replica/blocks.h"
#include "sim/bare_state.h"

static const char payload_mark[] = "payload";

void bare_ledger_open(bare_t *world) {
    world->blocks = bare_grow(NULL, &world->block_capacity, 0, sizeof *world->blocks);
    world->blocks[0] = (entry_t){.id = world->anchor, .parent = NOTHING, .valid = true};
    world->block_count = 1;
    world->block_map_memory = malloc(map_bytes(world->block_capacity));
    require(world->block_map_memory != NULL);
    world->block_map = map_of(world->block_map_memory, world->block_capacity);
    map_put(&world->block_map, digest_prefix(&world->anchor), 0);
    world->final = bare_grow(NULL, &world->final_capacity, 0, sizeof *world->final);
    world->final_count = 1; /* the anchor */
}

void bare_ledger_close(bare_t *world) {
    free(world->blocks);
    free(world->block_map_memory);
    free(world->payloads);
    free(world->payload_requests);
    free(world->final);
    for (uint32_t i = 0; i < world->proof_capacity; i++)
        free(world->proofs[i]);
    free(world->proofs);
    free(world->final_requests);
    free(world->marks);
}

/* ---- requests ---- */

static void requests_grow(bare_t *world) {
    uint32_t old = world->request_capacity, capacity = old == 0 ? 64 : 2 * old;
    world->final_requests = realloc(world->final_requests, capacity);
    world->marks = realloc(world->marks, capacity);
    require(world->final_requests != NULL && world->marks != NULL);
    memset(world->final_requests + old, 0, capacity - old);
    memset(world->marks + old, 0, capacity - old);
    for (uint32_t i = 0; i < world->node_count; i++) {
        node_t *node = &world->nodes[i];
        node->requests = realloc(node->requests, capacity);
        node->arrivals_ns = realloc(node->arrivals_ns, capacity * sizeof *node->arrivals_ns);
        require(node->requests != NULL && node->arrivals_ns != NULL);
        memset(node->requests + old, 0, capacity - old);
    }
    world->request_capacity = capacity;
}

uint32_t bare_request_new(bare_t *world) {
    if (world->request_count == world->request_capacity)
        requests_grow(world);
    return world->request_count++;
}

void bare_request_arrives(node_t *node, uint32_t request) {
    require(request < node->world->request_count);
    if (!node->up || node->requests[request] != 0)
        return;
    node->requests[request] = REQUEST_HERE;
    node->arrivals_ns[request] = bare_node_clock_ns(node);
    bare_note(node->world, node->index, "request", request, 0, 0, 0);
    bare_pending_changed(node);
}

/* Told at the end of the instant, once. */
void bare_pending_changed(node_t *node) {
    if (node->pending_told)
        return;
    node->pending_told = true;
    happening_t *event =
        bare_schedule(node->world, node->world->now_ns, HAPPEN_PENDING, node->index);
    event->life = node->life;
}

void bare_pending_tell(node_t *node) {
    event_t event = bare_node_event(node, EVENT_PENDING);
    node->pending_told = false;
    for (uint32_t r = 0; r < node->world->request_count; r++) {
        if (node->requests[r] != REQUEST_HERE)
            continue;
        if (event.pending.bytes == 0 || node->arrivals_ns[r] < event.pending.oldest_ns) {
            event.pending.oldest_ns = node->arrivals_ns[r];
            store_u64(event.pending.oldest.bytes, 1 + r);
        }
        event.pending.bytes += REQUEST_BYTES;
    }
    bare_node_step(node, &event);
}

/* ---- payloads ---- */

digest_t bare_payload_make(bare_t *world, const uint32_t *requests, uint32_t count) {
    digest_t digest = {{0}};
    if (count == 0)
        return digest;
    world->payloads = bare_grow(world->payloads, &world->payload_capacity, world->payload_count,
                                sizeof *world->payloads);
    world->payloads[world->payload_count++] = (payload_t){world->payload_request_count, count};
    for (uint32_t i = 0; i < count; i++) {
        world->payload_requests =
            bare_grow(world->payload_requests, &world->payload_request_capacity,
                      world->payload_request_count, sizeof *world->payload_requests);
        world->payload_requests[world->payload_request_count++] = requests[i];
    }
    store_u64(digest.bytes, world->payload_count);
    memcpy(digest.bytes + 8, payload_mark, sizeof payload_mark);
    return digest;
}

bool bare_payload_find(const bare_t *world, const digest_t *digest, uint32_t count,
                       payload_t *payload) {
    *payload = (payload_t){0, 0};
    if (count == 0)
        return digest_is_zero(digest);
    uint64_t number = load_u64(digest->bytes);
    if (number == 0 || number > world->payload_count ||
        memcmp(digest->bytes + 8, payload_mark, sizeof payload_mark) != 0)
        return false;
    *payload = world->payloads[number - 1];
    return payload->count == count;
}

/* Marks, or unmarks, the requests in `block` and its ancestors above `above`. */
static void mark_branch(bare_t *world, uint32_t block, height_t above, uint8_t mark) {
    for (; block != 0 && world->blocks[block].block.height > above;
         block = world->blocks[block].parent) {
        payload_t payload;
        const facts_t *at = &world->blocks[block].block;
        bare_payload_find(world, &at->payload, at->payload_count, &payload);
        for (uint32_t i = 0; i < payload.count; i++) {
            uint32_t request = world->payload_requests[payload.first + i];
            if (request < world->request_count)
                world->marks[request] = mark;
        }
    }
}

void bare_ledger_want(node_t *node, const digest_t *parent) {
    bare_t *world = node->world;
    uint32_t block = bare_block_find(world, parent);
    bare_note(world, node->index, "wants a payload on", digest_prefix(parent), block, 0, 0);
    if (block == NOTHING)
        return;
    uint64_t pause = prng_below(&world->chance.node, world->options.payload_max_ns + 1);
    happening_t *event = bare_schedule(world, world->now_ns + pause, HAPPEN_PAYLOAD, node->index);
    event->life = node->life;
    event->number = block;
}

void bare_ledger_fetch(node_t *node, const digest_t *id) {
    bare_t *world = node->world;
    uint32_t found = bare_block_find(world, id);
    bare_note(world, node->index, "fetches", digest_prefix(id), found, 0, 0);
    if (found == NOTHING)
        return;
    uint64_t pause = prng_below(&world->chance.node, world->options.payload_max_ns + 1);
    happening_t *event = bare_schedule(world, world->now_ns + pause, HAPPEN_BLOCK, node->index);
    event->life = node->life;
    event->number = found;
}

void bare_ledger_block(node_t *node, uint32_t number) {
    bare_t *world = node->world;
    const facts_t *facts = &world->blocks[number].block;
    union {
        block_t block;
        uint8_t bytes[sizeof(block_t) + sizeof(digest_t)];
    } room = {0};
    room.block.epoch = world->committee.epoch;
    room.block.height = facts->height;
    room.block.birth_view = facts->birth_view;
    room.block.justify_view = facts->justify_view;
    room.block.proposer = facts->proposer;
    room.block.payload = facts->payload;
    room.block.payload_size_bytes = facts->payload_size_bytes;
    room.block.payload_count = facts->payload_count;
    room.block.time_ns = facts->time_ns;
    room.block.parent_count = 1;
    room.block.parents[0] = world->blocks[world->blocks[number].parent].id;
    event_t event = bare_node_event(node, EVENT_BLOCK);
    event.block.block = &room.block;
    bare_node_step(node, &event);
}

void bare_ledger_payload(node_t *node, uint32_t parent) {
    bare_t *world = node->world;
    uint32_t chosen[64], count = 0;
    uint32_t most = world->options.batch_max < 64 ? world->options.batch_max : 64;
    mark_branch(world, parent, node->delivered, 1);
    for (uint32_t r = 0; r < world->request_count && count < most; r++)
        if (node->requests[r] == REQUEST_HERE && world->marks[r] == 0)
            chosen[count++] = r;
    mark_branch(world, parent, node->delivered, 0);
    event_t event = bare_node_event(node, EVENT_PAYLOAD);
    uint64_t parent_time_ns = world->blocks[parent].block.time_ns;
    event.payload.parent = world->blocks[parent].id;
    event.payload.payload = bare_payload_make(world, chosen, count);
    event.payload.size_bytes = count * REQUEST_BYTES;
    event.payload.count = count;
    event.payload.time_ns = event.time_ns > parent_time_ns ? event.time_ns : parent_time_ns;
    bare_node_step(node, &event);
}

/* ---- blocks ---- */

uint32_t bare_block_find(const bare_t *world, const digest_t *id) {
    uint32_t block = map_get(&world->block_map, digest_prefix(id));
    bool found = block != MAP_NONE && digest_equal(&world->blocks[block].id, id);
    return found ? block : NOTHING;
}

static bool judge_payload(bare_t *world, const entry_t *entry) {
    payload_t payload;
    const facts_t *block = &entry->block;
    if (!bare_payload_find(world, &block->payload, block->payload_count, &payload) ||
        block->payload_size_bytes != payload.count * REQUEST_BYTES ||
        block->time_ns < world->blocks[entry->parent].block.time_ns ||
        !world->blocks[entry->parent].valid)
        return false;
    bool good = true;
    mark_branch(world, entry->parent, 0, 1);
    for (uint32_t i = 0; i < payload.count; i++) {
        uint32_t request = world->payload_requests[payload.first + i];
        good = good && request < world->request_count && world->marks[request] == 0;
        if (good)
            world->marks[request] = 1;
    }
    mark_branch(world, entry->parent, 0, 0);
    for (uint32_t i = 0; i < payload.count; i++)
        if (world->payload_requests[payload.first + i] < world->request_count)
            world->marks[world->payload_requests[payload.first + i]] = 0;
    return good;
}

static void map_grow(bare_t *world) {
    free(world->block_map_memory);
    world->block_map_memory = malloc(map_bytes(world->block_capacity));
    require(world->block_map_memory != NULL);
    world->block_map = map_of(world->block_map_memory, world->block_capacity);
    for (uint32_t i = 0; i < world->block_count; i++)
        map_put(&world->block_map, digest_prefix(&world->blocks[i].id), i);
}

uint32_t bare_block_register(bare_t *world, const block_t *block) {
    digest_t id = block_id(block);
    uint32_t known = bare_block_find(world, &id);
    if (known != NOTHING)
        return known;
    uint32_t parent =
        block->parent_count == 1 ? bare_block_find(world, &block->parents[0]) : NOTHING;
    if (parent == NOTHING)
        return NOTHING;
    uint32_t capacity = world->block_capacity;
    world->blocks =
        bare_grow(world->blocks, &world->block_capacity, world->block_count, sizeof *world->blocks);
    if (world->block_capacity != capacity)
        map_grow(world);
    uint32_t index = world->block_count++;
    facts_t facts = {.height = block->height,
                     .birth_view = block->birth_view,
                     .justify_view = block->justify_view,
                     .proposer = block->proposer,
                     .time_ns = block->time_ns,
                     .payload = block->payload,
                     .payload_size_bytes = block->payload_size_bytes,
                     .payload_count = block->payload_count};
    world->blocks[index] = (entry_t){.id = id, .block = facts, .parent = parent};
    world->blocks[index].valid = judge_payload(world, &world->blocks[index]);
    bool put = map_put(&world->block_map, digest_prefix(&id), index);
    ensure(put);
    return index;
}

/* ---- verdicts ---- */

static void schedule_verdict(node_t *node, uint32_t block, bool amber) {
    bare_t *world = node->world;
    uint64_t pause = prng_below(&world->chance.node, world->options.verdict_max_ns + 1);
    happening_t *event = bare_schedule(world, world->now_ns + pause, HAPPEN_VERDICT, node->index);
    event->life = node->life;
    event->number = block;
    event->extra = amber;
}

/* Further above what is executed a replica keeps no block, and says nothing about it. */
void bare_ledger_validate(node_t *node, const digest_t *id) {
    uint32_t block = bare_block_find(node->world, id);
    if (block != NOTHING &&
        node->world->blocks[block].block.height <= node->executed + BLOCKS_AHEAD)
        schedule_verdict(
            node, block,
            prng_chance(&node->world->chance.node, node->world->options.amber_per_million));
}

void bare_ledger_verdict(node_t *node, uint32_t block, bool amber) {
    const entry_t *entry = &node->world->blocks[block];
    event_t event = bare_node_event(node, EVENT_VERDICT);
    event.verdict.id = entry->id;
    event.verdict.verdict = amber ? VERDICT_AMBER : entry->valid ? VERDICT_GREEN : VERDICT_RED;
    if (amber)
        schedule_verdict(node, block, false);
    bare_node_step(node, &event);
}
