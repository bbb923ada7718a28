/* A histogram of durations with a relative error below 2 %, of fixed size. */
#ifndef SYNOD_BENCH_FLOOR_LATENCY_H
#define SYNOD_BENCH_FLOOR_LATENCY_H

#include <stdint.h>

enum {
    FLOOR_LATENCY_STEP_BITS = 6, /* each power of two is cut into 64 steps */
    FLOOR_LATENCY_STEPS = 1 << FLOOR_LATENCY_STEP_BITS,
    FLOOR_LATENCY_BUCKETS = (64 - FLOOR_LATENCY_STEP_BITS + 1) * FLOOR_LATENCY_STEPS,
};

struct floor_latency {
    uint64_t total;
    uint64_t buckets[FLOOR_LATENCY_BUCKETS];
};

void floor_latency_clear(struct floor_latency *latency);

void floor_latency_add(struct floor_latency *latency, uint64_t duration_ns);

/* The duration that `per_mille` of the samples do not exceed; zero when there are none. */
uint64_t floor_latency_quantile(const struct floor_latency *latency, unsigned per_mille);

#endif
