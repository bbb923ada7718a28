/* The arena: a pointer that only moves up.
 *
 * Invariants: base is aligned to 16; size and used are multiples of 16; used <= size. So, in a
 * range that was aligned, pieces fit exactly when their arena_cost adds up to at most its size. */
#include "base/arena.h"

#include <string.h>

#include "base/check.h"

enum { ARENA_ALIGNMENT = 16 };

arena_t arena_of(void *memory, size_t size) {
    require(memory != NULL || size == 0);
    size_t skip = (size_t)(-(uintptr_t)memory % ARENA_ALIGNMENT);
    if (size <= skip) {
        return (arena_t){0};
    }
    size_t usable = (size - skip) & ~(size_t)(ARENA_ALIGNMENT - 1);
    return (arena_t){.base = (uint8_t *)memory + skip, .size = usable};
}

void *arena_take(arena_t *arena, size_t size) {
    invariant(arena->used <= arena->size);
    /* Compared before rounding up, which could overflow; the room left is a multiple of 16, so a
     * size that fits also fits when rounded. */
    if (arena->base == NULL || size > arena->size - arena->used) {
        return NULL;
    }
    uint8_t *piece = arena->base + arena->used;
    arena->used += arena_cost(size);
    ensure(arena->used <= arena->size);
    memset(piece, 0, size);
    return piece;
}

void arena_reset(arena_t *arena) {
    arena->used = 0;
}
