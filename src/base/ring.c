/* The ring. Invariants: count <= capacity; head < capacity, or 0 when capacity is 0. */
#include "base/ring.h"

#include <string.h>

#include "base/check.h"

ring_t ring_of(void *memory, size_t item_bytes, uint32_t capacity) {
    require(memory != NULL || capacity == 0);
    require(item_bytes > 0 && capacity <= SIZE_MAX / item_bytes);
    return (ring_t){.items = memory, .item_bytes = item_bytes, .capacity = capacity};
}

static uint8_t *ring_slot(ring_t *ring, uint32_t index) {
    uint32_t before_wrap = ring->capacity - ring->head;
    uint32_t slot = index < before_wrap ? ring->head + index : index - before_wrap;
    return ring->items + slot * ring->item_bytes;
}

bool ring_push(ring_t *ring, const void *item) {
    invariant(ring->count <= ring->capacity);
    if (ring->count == ring->capacity) {
        return false;
    }
    memcpy(ring_slot(ring, ring->count), item, ring->item_bytes);
    ring->count++;
    return true;
}

void *ring_at(ring_t *ring, uint32_t index) {
    require(index < ring->count);
    return ring_slot(ring, index);
}

void ring_pop(ring_t *ring) {
    require(ring->count > 0);
    ring->head = ring->head + 1 < ring->capacity ? ring->head + 1 : 0;
    ring->count--;
}
