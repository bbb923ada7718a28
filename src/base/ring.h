/* Ring: a bounded first-in first-out queue of fixed-size items in memory of the caller. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ring {
    uint8_t *items;
    size_t item_bytes;
    uint32_t capacity, head, count;
} ring_t;

ring_t ring_of(void *memory, size_t item_bytes, uint32_t capacity);
/* Copies the item in; false when full. */
bool ring_push(ring_t *ring, const void *item);
/* Borrows the item at `index` from the front; index < count. */
void *ring_at(ring_t *ring, uint32_t index);
/* Removes the front; count > 0. */
void ring_pop(ring_t *ring);

#endif
