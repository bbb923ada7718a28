/* xoshiro256** 1.0 and splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2018; reference code prng.di.unimi.it, public domain). */
#include "base/prng.h"

#include "base/check.h"

__extension__ typedef unsigned __int128 wide_t;

enum { MILLION = 1000000 };

static uint64_t splitmix_next(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, unsigned bits) {
    return (x << bits) | (x >> (64 - bits));
}

prng_t prng_of(uint64_t seed) {
    prng_t prng;
    /* Four successive outputs of splitmix64 are distinct, so the state is never all zero, the one
     * state that xoshiro cannot leave. */
    for (int i = 0; i < 4; i++) {
        prng.state[i] = splitmix_next(&seed);
    }
    return prng;
}

uint64_t prng_next(prng_t *prng) {
    uint64_t *s = prng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high half of next * bound,
 * drawn again while the low half lies in the part that would be hit once too often. */
uint64_t prng_below(prng_t *prng, uint64_t bound) {
    require(bound > 0);
    wide_t product = (wide_t)prng_next(prng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t surplus = (0 - bound) % bound; /* 2^64 mod bound */
        while ((uint64_t)product < surplus) {
            product = (wide_t)prng_next(prng) * bound;
        }
    }
    uint64_t result = (uint64_t)(product >> 64);
    ensure(result < bound);
    return result;
}

uint64_t prng_between(prng_t *prng, uint64_t low, uint64_t high) {
    require(low <= high);
    uint64_t span = high - low;
    return span == UINT64_MAX ? prng_next(prng) : low + prng_below(prng, span + 1);
}

bool prng_chance(prng_t *prng, uint32_t per_million) {
    require(per_million <= MILLION);
    /* Draws even when the answer is certain, so that switching a fault off does not shift the
     * numbers of everything that follows. */
    return prng_below(prng, MILLION) < per_million;
}

/* The child is seeded through splitmix64, which shares no linear structure with xoshiro (section 5
 * of the paper recommends it); the parent moves on by one number. */
prng_t prng_fork(prng_t *prng) {
    return prng_of(prng_next(prng));
}
