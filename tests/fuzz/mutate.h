/* Changes to bytes, all from a seed: for the mutation test, and for running fuzzers without
 * libFuzzer. */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include "base/bytes.h"
#include "base/prng.h"
#include "model/ids.h"

/* Numbers on which decoders have broken before. */
static inline uint32_t nasty_number(prng_t *prng) {
    static const uint32_t numbers[] = {0,          1,          4,          7,         8,
                                       0x7f,       0x80,       0xff,       0x100,     0xffff,
                                       0x10000,    1u << 20,   4u << 20,   INT32_MAX, 1u << 31,
                                       UINT32_MAX, 0xfffffff0, MEMBERS_MAX};
    return numbers[prng_below(prng, sizeof numbers / sizeof numbers[0])];
}

/* One change; the size may change too, and grows only while it is at most `most`: there has to be
 * room for twice that. */
static inline size_t mutate(prng_t *prng, uint8_t *bytes, size_t size, size_t most) {
    const size_t at = size > 0 ? (size_t)prng_below(prng, size) : 0;
    switch (prng_below(prng, 7)) {
    case 0:
    case 1:
        if (size > 0)
            bytes[at] ^= (uint8_t)(1u << prng_below(prng, 8));
        return size;
    case 2:
        if (size > 0)
            bytes[at] = (uint8_t)nasty_number(prng);
        return size;
    case 3:
        if (size - at >= 4)
            store_u32(bytes + at, nasty_number(prng));
        return size;
    case 4:
        return at; /* cut */
    case 5:        /* a piece goes */
        if (size > 0) {
            const size_t piece = 1 + (size_t)prng_below(prng, size - at);
            memmove(bytes + at, bytes + at + piece, size - at - piece);
            return size - piece;
        }
        return size;
    default: /* a piece comes twice */
        if (size > 0 && size <= most) {
            const size_t piece = 1 + (size_t)prng_below(prng, size - at);
            memmove(bytes + at + piece, bytes + at, size - at);
            return size + piece;
        }
        return size;
    }
}

#endif
