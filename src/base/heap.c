/* Binary heap in an array (Williams 1964): the children of i are 2i + 1 and 2i + 2.
 *
 * Invariant: no item comes before its parent. The order is total over all three numbers: two items
 * that compare equal are the same, so the order out is a function of the set of items alone. */
#include "base/heap.h"

#include <stddef.h>

#include "base/check.h"

static bool comes_before(const heap_item_t *a, const heap_item_t *b) {
    if (a->key != b->key) {
        return a->key < b->key;
    }
    if (a->tie != b->tie) {
        return a->tie < b->tie;
    }
    return a->value < b->value;
}

heap_t heap_of(heap_item_t *items, uint32_t capacity) {
    require(items != NULL || capacity == 0);
    return (heap_t){.items = items, .capacity = capacity};
}

bool heap_push(heap_t *heap, heap_item_t item) {
    invariant(heap->count <= heap->capacity);
    if (heap->count == heap->capacity) {
        return false;
    }
    size_t hole = heap->count++;
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;
        if (!comes_before(&item, &heap->items[parent])) {
            break;
        }
        heap->items[hole] = heap->items[parent];
        hole = parent;
    }
    heap->items[hole] = item;
    return true;
}

heap_item_t heap_top(const heap_t *heap) {
    require(heap->count > 0);
    return heap->items[0];
}

heap_item_t heap_pop(heap_t *heap) {
    require(heap->count > 0);
    heap_item_t top = heap->items[0];
    heap->count--;
    heap_item_t moved = heap->items[heap->count];
    size_t count = heap->count;
    size_t hole = 0;
    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && comes_before(&heap->items[child + 1], &heap->items[child])) {
            child++;
        }
        if (!comes_before(&heap->items[child], &moved)) {
            break;
        }
        heap->items[hole] = heap->items[child];
        hole = child;
    }
    heap->items[hole] = moved; /* writes back in place when the heap became empty */
    return top;
}
