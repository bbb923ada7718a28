/*
 * The in-memory hash map of floor C: fixed key size, fixed value size, bounded number of keys.
 * Open addressing; the table holds entry numbers, the entries lie in one array.
 */
#ifndef SYNOD_BENCH_FLOOR_MAP_H
#define SYNOD_BENCH_FLOOR_MAP_H

#include <stddef.h>
#include <stdint.h>

struct floor_map {
    uint32_t *table; /* entry number plus one, 0 when free; twice as many as keys, or more */
    uint8_t *entries;
    size_t entry_bytes;
    uint32_t table_mask;
    uint32_t used;
    uint32_t keys_max;
};

/* An entry is a key of FLOOR_KEY_BYTES and its value, entry_bytes together. */
void floor_map_open(struct floor_map *map, uint32_t keys_max, size_t entry_bytes);

/* Puts one operation, which is laid out like an entry. Fatal when there are too many keys. */
void floor_map_put(struct floor_map *map, const uint8_t *operation);

void floor_map_close(struct floor_map *map);

#endif
