/* The ring against an array from which the front is removed by moving the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/prng.h"
#include "base/ring.h"

enum { CAPACITY_MAX = 9, STEPS = 3000 };

typedef struct item {
    uint8_t bytes[5]; /* a size that no alignment helps */
} item_t;

static item_t item_number(uint64_t number) {
    item_t item;
    for (size_t i = 0; i < sizeof item.bytes; i++) {
        item.bytes[i] = (uint8_t)(number >> (8 * i));
    }
    return item;
}

typedef struct model {
    item_t items[CAPACITY_MAX];
    uint32_t count;
} model_t;

static void compare(ring_t *ring, const model_t *model) {
    assert_int_equal(ring->count, model->count);
    for (uint32_t i = 0; i < model->count; i++) {
        assert_memory_equal(ring_at(ring, i), &model->items[i], sizeof(item_t));
    }
}

static void random_steps_against_an_array(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    for (uint32_t capacity = 0; capacity <= CAPACITY_MAX; capacity++) {
        uint8_t memory[CAPACITY_MAX * sizeof(item_t) + 1];
        memory[capacity * sizeof(item_t)] = 0xee;
        ring_t ring = ring_of(memory, sizeof(item_t), capacity);
        model_t model = {.count = 0};
        for (uint64_t step = 0; step < STEPS; step++) {
            /* Phases that fill and phases that drain, so that both ends are met often. */
            bool push = prng_chance(&prng, step / 64 % 2 == 0 ? 700000 : 300000);
            if (push) {
                item_t item = item_number(step);
                bool fits = model.count < capacity;
                assert_int_equal(ring_push(&ring, &item), fits);
                if (fits) {
                    model.items[model.count++] = item;
                }
            } else if (model.count > 0) {
                ring_pop(&ring);
                model.count--;
                memmove(&model.items[0], &model.items[1], model.count * sizeof(item_t));
            }
            compare(&ring, &model);
        }
        assert_int_equal(memory[capacity * sizeof(item_t)], 0xee);
    }
}

static void items_can_be_changed_in_place(void **state) {
    (void)state;
    uint32_t memory[3];
    ring_t ring = ring_of(memory, sizeof memory[0], 3);
    for (uint32_t i = 0; i < 5; i++) {
        if (ring.count == 3) {
            ring_pop(&ring);
        }
        assert_true(ring_push(&ring, &i));
    }
    *(uint32_t *)ring_at(&ring, 1) = 77;
    ring_pop(&ring);
    assert_int_equal(*(uint32_t *)ring_at(&ring, 0), 77);
    assert_int_equal(*(uint32_t *)ring_at(&ring, 1), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_against_an_array),
        cmocka_unit_test(items_can_be_changed_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
