/* Bit sets against an array of booleans, with rubbish beyond the last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/prng.h"

enum { BITS_MAX = 200, WORDS = (BITS_MAX + 63) / 64 + 1, ROUNDS = 2000 };

static void compare(const uint64_t *words, const bool *model, uint32_t bits) {
    uint32_t rank = 0;
    for (uint32_t bit = 0; bit < bits; bit++) {
        assert_int_equal(bitset_has(words, bit), model[bit]);
        assert_int_equal(bitset_rank(words, bit), rank);
        rank += model[bit];
    }
    assert_int_equal(bitset_rank(words, bits), rank);
    assert_int_equal(bitset_count(words, bits), rank);
    uint32_t next = bits;
    assert_int_equal(bitset_next(words, bits, bits), bits);
    assert_int_equal(bitset_next(words, bits, bits + 1), bits);
    for (uint32_t bit = bits; bit-- > 0;) {
        next = model[bit] ? bit : next;
        assert_int_equal(bitset_next(words, bits, bit), next);
    }
}

static void random_sets_against_booleans(void **state) {
    (void)state;
    prng_t prng = prng_of(1);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t bits = (uint32_t)prng_below(&prng, BITS_MAX + 1);
        uint32_t density = (uint32_t)prng_below(&prng, 1000001);
        uint64_t words[WORDS];
        bool model[BITS_MAX] = {false};
        for (uint32_t i = 0; i < WORDS; i++) {
            words[i] = prng_next(&prng); /* what stays of it beyond `bits` must not count */
        }
        for (uint32_t bit = 0; bit < bits; bit++) {
            model[bit] = prng_chance(&prng, density);
            bitset_remove(words, bit);
            if (model[bit]) {
                bitset_add(words, bit);
            }
        }
        compare(words, model, bits);
        /* Only the one bit changes, and doing it twice changes nothing. */
        for (int change = 0; bits > 0 && change < 4; change++) {
            uint32_t bit = (uint32_t)prng_below(&prng, bits);
            model[bit] = prng_chance(&prng, 500000);
            for (int twice = 0; twice < 2; twice++) {
                model[bit] ? bitset_add(words, bit) : bitset_remove(words, bit);
            }
            compare(words, model, bits);
        }
    }
}

/* Exactly the words that are promised, so that the sanitizer sees a read beyond them. */
static void no_word_beyond_the_last_is_read(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits <= 192; bits++) {
        assert_int_equal(bitset_words(bits), bits / 64 + (bits % 64 != 0));
        size_t size = bitset_words(bits) * sizeof(uint64_t);
        uint64_t *words = malloc(size); /* not of cmocka: it adds guards around */
        assert_non_null(words);
        memset(words, 0, size);
        assert_int_equal(bitset_count(words, bits), 0);
        for (uint32_t from = 0; from <= bits; from++) {
            assert_int_equal(bitset_next(words, bits, from), bits);
        }
        free(words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sets_against_booleans),
        cmocka_unit_test(no_word_beyond_the_last_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
