/* Seeded pseudo-random numbers (xoshiro256**, seeded by splitmix64; Blackman and Vigna 2018). Not
 * for secrets. The sequence is part of what a seed means: it never changes. */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct prng {
    uint64_t state[4];
} prng_t;

prng_t prng_of(uint64_t seed);
uint64_t prng_next(prng_t *prng);
/* Uniform in [0, bound), without modulo bias; bound > 0. */
uint64_t prng_below(prng_t *prng, uint64_t bound);
/* Uniform in [low, high]. */
uint64_t prng_between(prng_t *prng, uint64_t low, uint64_t high);
/* True with probability per_million / 1,000,000. */
bool prng_chance(prng_t *prng, uint32_t per_million);
/* An independent generator derived from this one. */
prng_t prng_fork(prng_t *prng);

#endif
