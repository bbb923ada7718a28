/* The arena: alignment, zeroing, exhaustion at the byte, sizes that overflow when rounded up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"

enum { MEMORY_BYTES = 256 };

static void pieces_are_aligned_zeroed_and_apart(void **state) {
    (void)state;
    for (size_t shift = 0; shift < 16; shift++) {
        _Alignas(16) uint8_t memory[MEMORY_BYTES];
        memset(memory, 0xee, sizeof memory);
        arena_t arena = arena_of(memory + shift, sizeof memory - shift);
        uint8_t *end = memory + shift;
        for (size_t size = 1; size < 40; size += 3) {
            uint8_t *piece = arena_take(&arena, size);
            if (piece == NULL) {
                break;
            }
            assert_int_equal((uintptr_t)piece % 16, 0);
            assert_true(piece >= end && piece + size <= memory + sizeof memory);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(piece[i], 0);
            }
            memset(piece, 0xdd, size); /* the next one must not see it */
            end = piece + size;
        }
        assert_true(end > memory + sizeof memory / 2);
    }
}

static void costs_add_up_to_the_size(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 16, 17, 0, 15, 32, 33};
    size_t total = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(arena_cost(sizes[i]) >= sizes[i] && arena_cost(sizes[i]) < sizes[i] + 16);
        total += arena_cost(sizes[i]);
    }
    _Alignas(16) uint8_t memory[MEMORY_BYTES];
    assert_true(total < sizeof memory);
    arena_t exact = arena_of(memory, total);
    arena_t short_by_one = arena_of(memory, total - 1);
    void *last = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_non_null(arena_take(&exact, sizes[i]));
        last = arena_take(&short_by_one, sizes[i]);
    }
    assert_null(last);
    assert_null(arena_take(&exact, 1));
}

static void failure_takes_nothing_and_reset_gives_all_back(void **state) {
    (void)state;
    _Alignas(16) uint8_t memory[64];
    arena_t arena = arena_of(memory, sizeof memory);
    uint8_t *first = arena_take(&arena, 16);
    first[0] = 1;
    assert_null(arena_take(&arena, 49));
    assert_null(arena_take(&arena, SIZE_MAX)); /* rounded up it would be 0 */
    assert_null(arena_take(&arena, SIZE_MAX - 14));
    assert_non_null(arena_take(&arena, 48));
    assert_null(arena_take(&arena, 1));
    arena_reset(&arena);
    assert_ptr_equal(arena_take(&arena, 64), memory);
    assert_int_equal(memory[0], 0);
}

static void too_little_memory_for_the_alignment(void **state) {
    (void)state;
    _Alignas(16) uint8_t memory[32];
    arena_t arena = arena_of(memory + 1, 14);
    assert_null(arena_take(&arena, 1));
    arena = arena_of(memory + 1, 31);
    assert_ptr_equal(arena_take(&arena, 16), memory + 16);
    arena = arena_of(NULL, 0);
    assert_null(arena_take(&arena, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(costs_add_up_to_the_size),
        cmocka_unit_test(failure_takes_nothing_and_reset_gives_all_back),
        cmocka_unit_test(too_little_memory_for_the_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
