/* The heap against a list that is searched for its least item, and against its own history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/heap.h"
#include "base/prng.h"

enum { CAPACITY_MAX = 40, STEPS = 4000 };

static bool comes_before(heap_item_t a, heap_item_t b) {
    return a.key != b.key ? a.key < b.key : a.tie != b.tie ? a.tie < b.tie : a.value < b.value;
}

static void assert_same(heap_item_t a, heap_item_t b) {
    assert_true(a.key == b.key && a.tie == b.tie && a.value == b.value);
}

static heap_item_t random_item(prng_t *prng) {
    /* Few keys and ties, so that equal ones are common; now and then the extremes. */
    static const uint64_t keys[] = {0, 1, 2, 3, 4, UINT64_MAX - 1, UINT64_MAX};
    return (heap_item_t){.key = keys[prng_below(prng, 7)],
                         .tie = keys[prng_below(prng, 7)],
                         .value = prng_below(prng, 50)};
}

static heap_item_t take_least(heap_item_t *items, uint32_t *count) {
    uint32_t least = 0;
    for (uint32_t i = 1; i < *count; i++) {
        least = comes_before(items[i], items[least]) ? i : least;
    }
    heap_item_t item = items[least];
    items[least] = items[--*count];
    return item;
}

static void random_steps_against_a_list(void **state) {
    (void)state;
    prng_t prng = prng_of(3);
    for (uint32_t capacity = 0; capacity <= CAPACITY_MAX; capacity += 1 + capacity / 4) {
        heap_item_t items[CAPACITY_MAX], model[CAPACITY_MAX];
        uint32_t count = 0;
        heap_t heap = heap_of(items, capacity);
        for (uint32_t step = 0; step < STEPS; step++) {
            if (prng_chance(&prng, step / 128 % 2 == 0 ? 700000 : 300000)) {
                heap_item_t item = random_item(&prng);
                assert_int_equal(heap_push(&heap, item), count < capacity);
                if (count < capacity) {
                    model[count++] = item;
                }
            } else if (count > 0) {
                heap_item_t expected = take_least(model, &count);
                assert_same(heap_top(&heap), expected);
                assert_same(heap_pop(&heap), expected);
            }
            assert_int_equal(heap.count, count);
        }
    }
}

/* The order out depends on the items and not on the order in: that is what makes a simulated world
 * the same again after a change of code that reorders pushes. */
static void order_does_not_depend_on_history(void **state) {
    (void)state;
    prng_t prng = prng_of(4);
    for (int round = 0; round < 200; round++) {
        heap_item_t pool[CAPACITY_MAX], first[CAPACITY_MAX], second[CAPACITY_MAX];
        heap_t a = heap_of(first, CAPACITY_MAX), b = heap_of(second, CAPACITY_MAX);
        for (uint32_t i = 0; i < CAPACITY_MAX; i++) {
            pool[i] = random_item(&prng);
            (void)heap_push(&a, pool[i]);
        }
        for (uint32_t i = CAPACITY_MAX; i > 0; i--) { /* the same items, shuffled */
            uint32_t j = (uint32_t)prng_below(&prng, i);
            (void)heap_push(&b, pool[j]);
            pool[j] = pool[i - 1];
        }
        while (a.count > 0) {
            assert_same(heap_pop(&a), heap_pop(&b));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_against_a_list),
        cmocka_unit_test(order_does_not_depend_on_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
