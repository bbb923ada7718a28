/* Log-linear buckets: durations below 64 ns are exact, above that 64 steps per power of two. */
#include "bench/support/floor_latency.h"

#include <string.h>

static unsigned bucket_of(uint64_t duration_ns) {
    if (duration_ns < FLOOR_LATENCY_STEPS) {
        return (unsigned)duration_ns;
    }
    unsigned top_bit = 63U - (unsigned)__builtin_clzll(duration_ns);
    unsigned shift = top_bit - FLOOR_LATENCY_STEP_BITS;
    unsigned step = (unsigned)(duration_ns >> shift) - FLOOR_LATENCY_STEPS;
    return (shift + 1U) * FLOOR_LATENCY_STEPS + step;
}

static uint64_t middle_of(unsigned bucket) {
    if (bucket < FLOOR_LATENCY_STEPS) {
        return bucket;
    }
    unsigned shift = bucket / FLOOR_LATENCY_STEPS - 1U;
    uint64_t lowest = ((uint64_t)(bucket % FLOOR_LATENCY_STEPS) + FLOOR_LATENCY_STEPS) << shift;
    return lowest + ((1ULL << shift) >> 1);
}

void floor_latency_clear(struct floor_latency *latency) {
    memset(latency, 0, sizeof *latency);
}

void floor_latency_add(struct floor_latency *latency, uint64_t duration_ns) {
    latency->total++;
    latency->buckets[bucket_of(duration_ns)]++;
}

uint64_t floor_latency_quantile(const struct floor_latency *latency, unsigned per_mille) {
    uint64_t wanted = (latency->total * per_mille + 999U) / 1000U;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < FLOOR_LATENCY_BUCKETS && latency->total > 0; bucket++) {
        seen += latency->buckets[bucket];
        if (seen >= wanted) {
            return middle_of(bucket);
        }
    }
    return 0;
}
