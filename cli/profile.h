/* What a load looks like: how large its operations are, how many of them read, and how they spread
 * over the keys. Parsed from flags, drawn from a seed: the same seed draws the same load. */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include "base/prng.h"

#define PROFILE_SIZE_MAX (512u << 10) /* of an operation */
#define PROFILE_KEYS_MAX 10000000u
#define PROFILE_PARTS 8 /* of a distribution of sizes */

/* Sizes from `low` to `high`, evenly; this part is drawn `weight` times of all weights. */
typedef struct size_part {
    uint32_t low, high, weight;
} size_part_t;

typedef enum spread_kind { SPREAD_UNIFORM = 0, SPREAD_ZIPF, SPREAD_HOT } spread_kind_t;

/* Numbers from 0 to keys-1, the most frequent first.
 * ZIPF: the k-th (from 1) as often as k^-exponent. HOT: the first hot_keys get hot_parts draws in a
 * million, evenly; the others get the rest, evenly. */
typedef struct spread {
    spread_kind_t kind;
    uint64_t keys;
    double exponent;
    double h_low, h_high, shortcut; /* of the sampler, see profile.c */
    uint64_t hot_keys;
    uint32_t hot_parts;
} spread_t;

typedef struct profile {
    size_part_t sizes[PROFILE_PARTS];
    uint32_t size_count, weights;
    uint32_t reads_per_million;
    spread_t spread;
    prng_t prng;
} profile_t;

/* One operation of a load. */
typedef struct draw {
    uint64_t key;
    uint32_t size;
    bool read;
} draw_t;

/* Each takes its flag's text; NULL, or a sentence about what is wrong with it.
 *   sizes   128   64..1k   100:90,4k:10  (weights behind the colon; a part may be a range)
 *   reads   50%  from 0 to 100, with or without the sign
 *   spread  uniform   zipf   zipf:1.2   hot   hot:10%:90%  (so many keys get so many draws) */
const char *profile_sizes(profile_t *profile, const char *text);
const char *profile_reads(profile_t *profile, const char *text);
const char *profile_spread(profile_t *profile, const char *text, uint64_t keys);

uint32_t profile_size_max(const profile_t *profile);
draw_t profile_draw(profile_t *profile);
uint64_t spread_draw(const spread_t *spread, prng_t *prng);

#endif
