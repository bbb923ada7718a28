/* Open addressing with linear probing; deletion shifts later entries back (Knuth, volume 3, 6.4,
 * algorithm R), so a probe always ends at the first free cell.
 *
 * Invariants: the number of cells is a power of two and at least twice the capacity, so there is
 * always a free cell; between the home cell of an entry and its own cell none is free. */
#include "base/map.h"

#include <string.h>

#include "base/check.h"

/* Cells are counted in 32 bits, and there are up to four times as many as entries. */
enum { MAP_CAPACITY_MAX = 1 << 30 };

/* Finaliser of splitmix64 (Stafford's mix 13): every bit of the key reaches the low bits that
 * choose the cell. A bijection, so an adversary who chooses keys can find collisions: see map.h. */
static uint32_t home_of(const map_t *map, uint64_t key) {
    key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(key ^ (key >> 31)) & map->mask;
}

static uint32_t cells_for(uint32_t capacity) {
    require(capacity <= MAP_CAPACITY_MAX);
    uint32_t cells = 2;
    while (cells < 2 * capacity) {
        cells *= 2;
    }
    return cells;
}

size_t map_bytes(uint32_t capacity) {
    return (size_t)cells_for(capacity) * sizeof(map_cell_t);
}

map_t map_of_zeroed(void *memory, uint32_t capacity) {
    require(memory != NULL && (uintptr_t)memory % _Alignof(map_cell_t) == 0);
    return (map_t){.cells = memory, .mask = cells_for(capacity) - 1, .capacity = capacity};
}

map_t map_of(void *memory, uint32_t capacity) {
    memset(memory, 0, map_bytes(capacity));
    return map_of_zeroed(memory, capacity);
}

/* The cell of `key`, or the free cell where its probe ends. */
static map_cell_t *find_cell(const map_t *map, uint64_t key) {
    uint32_t at = home_of(map, key);
    while (map->cells[at].taken && map->cells[at].key != key) {
        at = (at + 1) & map->mask;
    }
    return &map->cells[at];
}

uint32_t map_get(const map_t *map, uint64_t key) {
    const map_cell_t *cell = find_cell(map, key);
    return cell->taken ? cell->value : MAP_NONE;
}

bool map_put(map_t *map, uint64_t key, uint32_t value) {
    require(value != MAP_NONE);
    map_cell_t *cell = find_cell(map, key);
    if (!cell->taken) {
        if (map->count == map->capacity) {
            return false;
        }
        map->count++;
        cell->taken = 1;
        cell->key = key;
    }
    cell->value = value;
    return true;
}

bool map_remove(map_t *map, uint64_t key) {
    map_cell_t *cell = find_cell(map, key);
    if (!cell->taken) {
        return false;
    }
    uint32_t hole = (uint32_t)(cell - map->cells);
    uint32_t at = (hole + 1) & map->mask;
    while (map->cells[at].taken) {
        /* The entry may fill the hole when the hole lies on its probe, from home to `at`. */
        uint32_t home = home_of(map, map->cells[at].key);
        if (((at - home) & map->mask) >= ((at - hole) & map->mask)) {
            map->cells[hole] = map->cells[at];
            hole = at;
        }
        at = (at + 1) & map->mask;
    }
    map->cells[hole] = (map_cell_t){.value = MAP_NONE};
    invariant(map->count > 0);
    map->count--;
    return true;
}
