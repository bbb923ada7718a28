/* Bit sets over 64-bit words that the caller owns: members of a committee, slots of a window. */
#ifndef BASE_BITSET_H
#define BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint32_t bitset_words(uint32_t bits) {
    return (bits + 63) / 64;
}
static inline bool bitset_has(const uint64_t *words, uint32_t bit) {
    return (words[bit / 64] >> (bit % 64)) & 1;
}
static inline void bitset_add(uint64_t *words, uint32_t bit) {
    words[bit / 64] |= UINT64_C(1) << (bit % 64);
}
static inline void bitset_remove(uint64_t *words, uint32_t bit) {
    words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}
uint32_t bitset_count(const uint64_t *words, uint32_t bits);
/* The first set bit at or after `from`, or `bits` when there is none. */
uint32_t bitset_next(const uint64_t *words, uint32_t bits, uint32_t from);
/* Number of set bits below `bit`. */
uint32_t bitset_rank(const uint64_t *words, uint32_t bit);

#endif
