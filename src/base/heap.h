/* Heap: a bounded binary min-heap of (key, tie, value), for timers and simulated events. Equal keys
 * come out by `tie`, so that the order never depends on the history of the heap. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct heap_item {
    uint64_t key, tie, value;
} heap_item_t;

typedef struct heap {
    heap_item_t *items;
    uint32_t capacity, count;
} heap_t;

heap_t heap_of(heap_item_t *items, uint32_t capacity);
/* False when full. */
bool heap_push(heap_t *heap, heap_item_t item);
/* Least item; count > 0. */
heap_item_t heap_top(const heap_t *heap);
heap_item_t heap_pop(heap_t *heap);

#endif
