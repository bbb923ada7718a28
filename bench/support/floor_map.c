/* The hash map of floor C. Not keyed: its keys come from our own client. */
#include "bench/support/floor_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bench/support/floor.h"

void floor_map_open(struct floor_map *map, uint32_t keys_max, size_t entry_bytes) {
    assert(keys_max > 0 && entry_bytes >= FLOOR_KEY_BYTES);
    uint32_t table_size = 2;
    while (table_size < keys_max * 2U) {
        table_size *= 2U;
    }
    map->table = floor_allocate(table_size * sizeof *map->table);
    map->entries = floor_allocate((size_t)keys_max * entry_bytes);
    map->entry_bytes = entry_bytes;
    map->table_mask = table_size - 1U;
    map->used = 0;
    map->keys_max = keys_max;
}

static uint32_t slot_of(const struct floor_map *map, const uint8_t *key) {
    uint64_t low;
    uint64_t high;
    memcpy(&low, key, sizeof low);
    memcpy(&high, key + sizeof low, sizeof high);
    uint64_t mixed = (low ^ (high >> 29)) * 0x9e3779b97f4a7c15ULL;
    return (uint32_t)(mixed >> 32) & map->table_mask;
}

void floor_map_put(struct floor_map *map, const uint8_t *operation) {
    uint32_t slot = slot_of(map, operation);
    while (map->table[slot] != 0) {
        uint8_t *entry = map->entries + (size_t)(map->table[slot] - 1U) * map->entry_bytes;
        if (memcmp(entry, operation, FLOOR_KEY_BYTES) == 0) {
            memcpy(entry + FLOOR_KEY_BYTES, operation + FLOOR_KEY_BYTES,
                   map->entry_bytes - FLOOR_KEY_BYTES);
            return;
        }
        slot = (slot + 1U) & map->table_mask;
    }
    if (map->used == map->keys_max) {
        floor_fatal("more than %u keys in the map", map->keys_max);
    }
    memcpy(map->entries + (size_t)map->used * map->entry_bytes, operation, map->entry_bytes);
    map->table[slot] = ++map->used;
}

void floor_map_close(struct floor_map *map) {
    free(map->table);
    free(map->entries);
    *map = (struct floor_map){0};
}
