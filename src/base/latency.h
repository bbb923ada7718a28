/* How long things took, in a few buckets whose bounds people know: 100 us to 10 s. Fixed memory,
 * and an addition costs next to nothing, so it is counted always and for all. */
#ifndef BASE_LATENCY_H
#define BASE_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 16
/* Upper bounds; what took longer than the last counts beyond them. */
extern const uint64_t latency_bounds_ns[LATENCY_BUCKETS];

typedef struct latency {
    uint64_t counts[LATENCY_BUCKETS + 1]; /* in each bucket by itself */
    uint64_t count, sum_ns;
} latency_t;

void latency_add(latency_t *latency, uint64_t took_ns);

#endif
