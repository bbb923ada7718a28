/* Bit sets: counting and walking. Words beyond the last bit asked for are never read, and bits
 * beyond it in the last word are ignored. */
#include "base/bitset.h"

static uint32_t word_count(uint64_t word) {
    return (uint32_t)__builtin_popcountll(word);
}

uint32_t bitset_rank(const uint64_t *words, uint32_t bit) {
    uint32_t rank = 0;
    for (uint32_t i = 0; i < bit / 64; i++) {
        rank += word_count(words[i]);
    }
    if (bit % 64 != 0) {
        rank += word_count(words[bit / 64] & ((UINT64_C(1) << (bit % 64)) - 1));
    }
    return rank;
}

uint32_t bitset_count(const uint64_t *words, uint32_t bits) {
    return bitset_rank(words, bits);
}

uint32_t bitset_next(const uint64_t *words, uint32_t bits, uint32_t from) {
    if (from >= bits) {
        return bits;
    }
    uint32_t last = (bits - 1) / 64;
    uint32_t index = from / 64;
    uint64_t word = words[index] & (UINT64_MAX << (from % 64));
    while (word == 0) {
        if (index == last) {
            return bits;
        }
        index++;
        word = words[index];
    }
    uint32_t bit = index * 64 + (uint32_t)__builtin_ctzll(word);
    return bit < bits ? bit : bits;
}
