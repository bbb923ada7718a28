/* Map: fixed-capacity open-addressing table from 64-bit keys to 32-bit values (slots of a pool), in
 * memory of the caller; linear probing, backward-shift deletion, no tombstones. Keys that peers can
 * choose must be mixed by the caller with a secret or be digests. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_NONE UINT32_MAX

typedef struct map_cell {
    uint64_t key;
    uint32_t value;
    uint32_t taken; /* 0 = free */
} map_cell_t;

typedef struct map {
    map_cell_t *cells;
    uint32_t mask, count, capacity;
} map_t;

/* Bytes for a map of up to `capacity` entries (load at most one half). */
size_t map_bytes(uint32_t capacity);
map_t map_of(void *memory, uint32_t capacity);
/* The same over memory that is zero already: nothing is touched before it is used. */
map_t map_of_zeroed(void *memory, uint32_t capacity);
/* MAP_NONE when absent. */
uint32_t map_get(const map_t *map, uint64_t key);
/* Inserts or replaces; false when full. value != MAP_NONE. */
bool map_put(map_t *map, uint64_t key, uint32_t value);
/* True when it was there. */
bool map_remove(map_t *map, uint64_t key);

#endif
