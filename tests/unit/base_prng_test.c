/* The generators against published vectors and against numbers of an independent implementation:
 * what a seed means never changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/prng.h"

static void seeding_is_splitmix64(void **state) {
    (void)state;
    prng_t prng = prng_of(0);
    assert_true(prng.state[0] == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(prng.state[1] == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(prng.state[2] == UINT64_C(0x06c45d188009454f));
    assert_true(prng.state[3] == UINT64_C(0xf88bb8a8724c81ec));
    prng = prng_of(1234567);
    assert_true(prng.state[0] == UINT64_C(6457827717110365317));
    assert_true(prng.state[3] == UINT64_C(4593380528125082431));
}

/* From the reference implementation, state 1 2 3 4. */
static void generator_is_xoshiro256_starstar(void **state) {
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    prng_t prng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(prng_next(&prng) == expected[i]);
    }
}

static void sequences_are_frozen(void **state) {
    (void)state;
    prng_t prng = prng_of(42);
    assert_true(prng_next(&prng) == UINT64_C(0x15780b2e0c2ec716));
    assert_true(prng_next(&prng) == UINT64_C(0x6104d9866d113a7e));

    static const uint64_t bounds[] = {
        1, 2, 10, 1000, 1000000, UINT64_C(3) << 62, UINT64_MAX, (UINT64_C(1) << 63) + 1};
    static const uint64_t expected[] = {0,
                                        0,
                                        6,
                                        924,
                                        991803,
                                        UINT64_C(9950984181700650565),
                                        UINT64_C(15679888225317814406),
                                        UINT64_C(7022439175346172479)};
    prng = prng_of(42);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        assert_true(prng_below(&prng, bounds[i]) == expected[i]);
    }

    prng = prng_of(42);
    prng_t child = prng_fork(&prng);
    assert_true(prng_next(&child) == UINT64_C(0x8ee445d14631c453));
    assert_true(prng_next(&prng) == UINT64_C(0x6104d9866d113a7e));

    static const char chances[] = "00000011010000000011100001101011";
    prng = prng_of(7);
    for (size_t i = 0; i < sizeof chances - 1; i++) {
        assert_int_equal(prng_chance(&prng, 250000), chances[i] == '1');
    }
}

/* Without drawing again, floor(x * 3/4) would hit every third number twice: half of the results
 * would be divisible by three. */
static void below_has_no_bias(void **state) {
    (void)state;
    enum { DRAWS = 30000 };
    prng_t prng = prng_of(8);
    uint32_t count[3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = prng_below(&prng, UINT64_C(3) << 62);
        assert_true(value < UINT64_C(3) << 62);
        count[value % 3]++;
    }
    for (int i = 0; i < 3; i++) {
        assert_in_range(count[i], DRAWS / 3 - 500, DRAWS / 3 + 500); /* six standard deviations */
    }
    uint32_t die[6] = {0};
    for (int i = 0; i < DRAWS; i++) {
        die[prng_below(&prng, 6)]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(die[i], DRAWS / 6 - 400, DRAWS / 6 + 400);
    }
}

static void between_includes_both_ends(void **state) {
    (void)state;
    prng_t prng = prng_of(9);
    bool seen[3] = {false};
    for (int i = 0; i < 100; i++) {
        uint64_t value = prng_between(&prng, 5, 7);
        assert_in_range(value, 5, 7);
        seen[value - 5] = true;
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_true(prng_between(&prng, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    prng_t copy = prng;
    assert_true(prng_between(&prng, 0, UINT64_MAX) == prng_next(&copy));
}

static void certain_chances_still_draw(void **state) {
    (void)state;
    prng_t prng = prng_of(10), copy = prng_of(10);
    for (int i = 0; i < 1000; i++) {
        assert_false(prng_chance(&prng, 0));
        assert_true(prng_chance(&prng, 1000000));
        (void)prng_next(&copy);
        (void)prng_next(&copy);
    }
    assert_memory_equal(&prng, &copy, sizeof prng);
}

/* True for exactly `per_million` of a million values: the draw must be below it, not equal. */
static void chance_is_exact_at_its_bound(void **state) {
    (void)state;
    prng_t prng = prng_of(12);
    for (int i = 0; i < 100; i++) {
        prng_t same = prng, again = prng;
        uint32_t value = (uint32_t)prng_below(&prng, 1000000);
        assert_false(prng_chance(&same, value));
        assert_true(prng_chance(&again, value + 1));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeding_is_splitmix64),
        cmocka_unit_test(generator_is_xoshiro256_starstar),
        cmocka_unit_test(sequences_are_frozen),
        cmocka_unit_test(below_has_no_bias),
        cmocka_unit_test(between_includes_both_ends),
        cmocka_unit_test(certain_chances_still_draw),
        cmocka_unit_test(chance_is_exact_at_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
