/* Latencies in buckets of at most 1 % width, from 1 µs to 100 s: fixed memory, however many. */
#ifndef CLI_HISTOGRAM_H
#define CLI_HISTOGRAM_H

#include <stdint.h>

/* 64 buckets in each of 28 doublings. */
#define HISTOGRAM_SUB 64
#define HISTOGRAM_BUCKETS (28 * HISTOGRAM_SUB)

typedef struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total, sum_ns, max_ns;
} histogram_t;

void histogram_add(histogram_t *histogram, uint64_t value_ns);
/* The value below which `part` (0 to 1) of all lie; the upper edge of its bucket. */
uint64_t histogram_quantile_ns(const histogram_t *histogram, double part);

#endif
