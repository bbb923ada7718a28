/* The map against a list of pairs, on keys that collide and wrap around the end of the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/prng.h"

enum { CAPACITY_MAX = 64, STEPS = 20000, KEYS = 24, CELLS_MAX = 256 };

typedef struct model {
    uint64_t keys[CAPACITY_MAX];
    uint32_t values[CAPACITY_MAX];
    uint32_t count;
} model_t;

static uint32_t model_find(const model_t *model, uint64_t key) {
    uint32_t i = 0;
    while (i < model->count && model->keys[i] != key) {
        i++;
    }
    return i;
}

static bool model_put(model_t *model, uint64_t key, uint32_t value, uint32_t capacity) {
    uint32_t i = model_find(model, key);
    if (i == model->count) {
        if (model->count == capacity) {
            return false;
        }
        model->count++;
    }
    model->keys[i] = key;
    model->values[i] = value;
    return true;
}

static bool model_remove(model_t *model, uint64_t key) {
    uint32_t i = model_find(model, key);
    if (i == model->count) {
        return false;
    }
    model->count--;
    model->keys[i] = model->keys[model->count];
    model->values[i] = model->values[model->count];
    return true;
}

static uint32_t model_get(const model_t *model, uint64_t key) {
    uint32_t i = model_find(model, key);
    return i < model->count ? model->values[i] : MAP_NONE;
}

static uint32_t cells_in_use(const map_t *map) {
    uint32_t used = 0;
    for (uint32_t i = 0; i <= map->mask; i++) {
        used += map->cells[i].taken;
    }
    return used;
}

static void run_against_model(prng_t *prng, uint32_t capacity, const uint64_t *keys) {
    _Alignas(map_cell_t) uint8_t memory[CELLS_MAX * sizeof(map_cell_t)];
    assert_true(map_bytes(capacity) <= sizeof memory);
    map_t map = map_of(memory, capacity);
    model_t model = {.count = 0};
    for (uint32_t step = 0; step < STEPS; step++) {
        uint64_t key = keys[prng_below(prng, KEYS)];
        uint64_t act = prng_below(prng, 100);
        if (act < (step / 256 % 2 == 0 ? 60 : 30)) {
            assert_int_equal(map_put(&map, key, step), model_put(&model, key, step, capacity));
        } else {
            assert_int_equal(map_remove(&map, key), model_remove(&model, key));
        }
        assert_int_equal(map.count, model.count);
        for (uint32_t i = 0; i < KEYS; i++) {
            assert_int_equal(map_get(&map, keys[i]), model_get(&model, keys[i]));
        }
    }
    assert_int_equal(cells_in_use(&map), model.count);
}

static void random_keys_against_a_list(void **state) {
    (void)state;
    prng_t prng = prng_of(5);
    for (uint32_t capacity = 0; capacity <= KEYS; capacity += 1 + capacity / 3) {
        uint64_t keys[KEYS] = {0, UINT64_MAX, 1, 2, 3};
        for (uint32_t i = 5; i < KEYS; i++) {
            keys[i] = prng_next(&prng);
        }
        run_against_model(&prng, capacity, keys);
    }
}

/* The cell that a key gets in an empty map. */
static uint32_t home_of(uint64_t key, uint32_t capacity) {
    _Alignas(map_cell_t) uint8_t memory[CELLS_MAX * sizeof(map_cell_t)];
    map_t map = map_of(memory, capacity);
    (void)map_put(&map, key, 1);
    uint32_t at = 0;
    while (map.cells[at].taken == 0) {
        at++;
    }
    return at;
}

/* All keys live in the last two and the first two cells: long runs over the end of the table, where
 * the arithmetic of backward-shift deletion goes wrong first. */
static void colliding_keys_against_a_list(void **state) {
    (void)state;
    enum { CAPACITY = 16, LAST = 31 };
    assert_int_equal(map_bytes(CAPACITY), (LAST + 1) * sizeof(map_cell_t));
    prng_t prng = prng_of(6);
    for (int round = 0; round < 4; round++) {
        uint64_t keys[KEYS];
        for (uint32_t found = 0; found < KEYS;) {
            uint64_t key = prng_next(&prng);
            uint32_t home = home_of(key, CAPACITY);
            if (home <= 1 || home >= LAST - 1) {
                keys[found++] = key;
            }
        }
        run_against_model(&prng, CAPACITY, keys);
    }
}

/* Sequential keys, the common case (heights, slots), must spread: at a load of one half with good
 * mixing an entry is about half a step from home on average (Knuth 6.4: (1 + 1/(1-a))/2 probes). */
static void sequential_and_strided_keys_spread(void **state) {
    (void)state;
    enum { CAPACITY = 4096, CELLS = 8192 };
    assert_int_equal(map_bytes(CAPACITY), CELLS * sizeof(map_cell_t));
    for (unsigned shift = 0; shift < 52; shift += 13) {
        static map_cell_t memory[CELLS];
        map_t map = map_of(memory, CAPACITY);
        for (uint64_t i = 0; i < CAPACITY; i++) {
            assert_true(map_put(&map, i << shift, (uint32_t)i));
        }
        assert_false(map_put(&map, UINT64_MAX, 1));
        assert_true(map_put(&map, 7ULL << shift, 9)); /* replacing works in a full map */
        assert_int_equal(map_get(&map, 7ULL << shift), 9);
        uint32_t run = 0, longest = 0;
        for (uint32_t i = 0; i < CELLS; i++) {
            run = memory[i].taken ? run + 1 : 0;
            longest = run > longest ? run : longest;
        }
        assert_in_range(longest, 8, 120);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_against_a_list),
        cmocka_unit_test(colliding_keys_against_a_list),
        cmocka_unit_test(sequential_and_strided_keys_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
