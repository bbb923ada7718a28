/* Arena: hands out aligned pieces of one range that the caller gave; freed all at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct arena {
    uint8_t *base;
    size_t size, used;
} arena_t;

arena_t arena_of(void *memory, size_t size);
/* `size` bytes, zeroed, aligned to 16; NULL when the arena is exhausted. */
void *arena_take(arena_t *arena, size_t size);
void arena_reset(arena_t *arena);
/* What arena_take will consume for a piece of `size` bytes. */
static inline size_t arena_cost(size_t size) {
    return (size + 15) & ~(size_t)15;
}

#endif
