/* See blocks.h. A linear search over 128 slots compares 128 first words: cheaper than a table. */
#include "replica/blocks.h"

#include "base/arena.h"
#include "base/check.h"

size_t blocks_memory_bytes(uint32_t payload_max, uint32_t content_max) {
    return arena_cost(BLOCKS_SLOTS * sizeof(block_slot_t)) +
           BLOCKS_SLOTS * arena_cost((size_t)payload_max + content_max);
}

blocks_t blocks_make(void *memory, uint32_t payload_max, uint32_t content_max) {
    arena_t arena = arena_of(memory, blocks_memory_bytes(payload_max, content_max));
    blocks_t blocks = {.payload_max = payload_max, .content_max = content_max};
    blocks.slots = arena_take(&arena, BLOCKS_SLOTS * sizeof(block_slot_t));
    /* Not arena_take: it would touch the reserved payload memory. */
    uint8_t *payloads = arena.base + arena.used;
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++)
        blocks.slots[i].payload = payloads + i * arena_cost((size_t)payload_max + content_max);
    return blocks;
}

block_slot_t *blocks_find(const blocks_t *blocks, const digest_t *id) {
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        block_slot_t *slot = &blocks->slots[i];
        if (slot->state != BLOCK_FREE && digest_equal(&slot->id, id))
            return slot;
    }
    return NULL;
}

block_slot_t *blocks_executed_at(const blocks_t *blocks, height_t height) {
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        block_slot_t *slot = &blocks->slots[i];
        if (slot->state == BLOCK_EXECUTED && slot_block(slot)->height == height)
            return slot;
    }
    return NULL;
}

#define RANK_SHIFT 56
/* Neither executed nor known to be final, and maybe certified. */
#define RANK_OPEN 4

/* Lower is thrown out first. Old executed blocks go before free slots are touched: memory that was
 * used lately is warm, and what is not needed is never paid for. Blocks at the pool must stay: a
 * job points to them. */
static uint64_t worth(const blocks_t *blocks, const block_slot_t *slot) {
    const block_t *block = slot_block(slot);
    bool old = slot->state == BLOCK_EXECUTED && block->height + BLOCKS_KEPT <= blocks->executed;
    /* At or below what was executed and not that: lost, whatever view it claims to be of. */
    bool lost = slot->state != BLOCK_EXECUTED && slot->state != BLOCK_VERIFYING &&
                block->height <= blocks->executed;
    uint64_t rank = old                                ? 0
                    : slot->state == BLOCK_FREE        ? 1
                    : slot->state == BLOCK_BAD || lost ? 2
                    : slot->state == BLOCK_EXECUTED    ? 3
                    : slot->state == BLOCK_VERIFYING   ? 6
                    : slot->final                      ? 5
                                                       : RANK_OPEN;
    uint64_t age = slot->state == BLOCK_EXECUTED ? block->height : block->birth_view;
    return rank << RANK_SHIFT | (age & ((UINT64_C(1) << RANK_SHIFT) - 1));
}

static bool is_stood_on(const blocks_t *blocks, const digest_t *id) {
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++)
        if (blocks->slots[i].state != BLOCK_FREE &&
            digest_equal(slot_parent(&blocks->slots[i]), id))
            return true;
    return false;
}

/* Of the open blocks those go first on which nothing stands. A certified one that others stand on
 * may be nowhere but in these slots, and without it nobody can judge what comes: it must outlive
 * any number of proposals that failed on top of it. */
static block_slot_t *open_leaf(const blocks_t *blocks, block_slot_t *lowest,
                               const digest_t *parent) {
    block_slot_t *best = NULL;
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        block_slot_t *slot = &blocks->slots[i];
        uint64_t value = worth(blocks, slot);
        if (value >> RANK_SHIFT == RANK_OPEN && !digest_equal(&slot->id, parent) &&
            (best == NULL || value < worth(blocks, best)) && !is_stood_on(blocks, &slot->id))
            best = slot;
    }
    return best == NULL ? lowest : best;
}

block_slot_t *blocks_put(blocks_t *blocks, const digest_t *id, const block_t *block,
                         bytes_t payload) {
    require(block->parent_count == 1);
    if (payload.size > blocks->payload_max)
        return NULL;
    block_slot_t *best = &blocks->slots[0];
    for (uint32_t i = 1; i < BLOCKS_SLOTS; i++)
        if (worth(blocks, &blocks->slots[i]) < worth(blocks, best))
            best = &blocks->slots[i];
    if (worth(blocks, best) >> RANK_SHIFT == RANK_OPEN)
        best = open_leaf(blocks, best, &block->parents[0]);
    invariant(best->state != BLOCK_VERIFYING); /* fewer jobs than slots */
    uint8_t *room = best->payload;
    *best = (block_slot_t){
        .state = BLOCK_WAITING, .id = *id, .payload = room, .whole = blocks->content_max == 0};
    memcpy(best->block_room, block, block_bytes(1));
    best->payload_size = (uint32_t)payload.size;
    if (payload.size > 0)
        memcpy(room, payload.data, payload.size);
    return best;
}
