/* See histogram.h: the first bits after the leading one choose the bucket within a doubling. */
#include "cli/histogram.h"

#define UNIT_NS 512 /* everything below is one bucket */

static uint32_t bucket_of(uint64_t value_ns) {
    uint64_t units = value_ns / UNIT_NS;
    if (units < HISTOGRAM_SUB)
        return (uint32_t)units;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(units) - 6;
    uint32_t bucket = (shift + 1) * HISTOGRAM_SUB + (uint32_t)(units >> shift) - HISTOGRAM_SUB;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_edge_ns(uint32_t bucket) {
    if (bucket < HISTOGRAM_SUB)
        return (uint64_t)(bucket + 1) * UNIT_NS;
    uint32_t shift = bucket / HISTOGRAM_SUB - 1;
    uint64_t units = (uint64_t)(bucket % HISTOGRAM_SUB + HISTOGRAM_SUB + 1) << shift;
    return units * UNIT_NS;
}

void histogram_add(histogram_t *histogram, uint64_t value_ns) {
    histogram->counts[bucket_of(value_ns)]++;
    histogram->total++;
    histogram->sum_ns += value_ns;
    if (value_ns > histogram->max_ns)
        histogram->max_ns = value_ns;
}

uint64_t histogram_quantile_ns(const histogram_t *histogram, double part) {
    uint64_t wanted = (uint64_t)(part * (double)histogram->total), seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > wanted)
            return upper_edge_ns(i) < histogram->max_ns ? upper_edge_ns(i) : histogram->max_ns;
    }
    return histogram->max_ns;
}
