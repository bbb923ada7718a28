/* See latency.h. */
#include "base/latency.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

const uint64_t latency_bounds_ns[LATENCY_BUCKETS] = {
    100 * US, 250 * US, 500 * US, 1 * MS,   2500 * US, 5 * MS,    10 * MS,   25 * MS,
    50 * MS,  100 * MS, 250 * MS, 500 * MS, 1000 * MS, 2500 * MS, 5000 * MS, 10000 * MS};

void latency_add(latency_t *latency, uint64_t took_ns) {
    uint32_t at = 0;
    while (at < LATENCY_BUCKETS && took_ns > latency_bounds_ns[at])
        at++;
    latency->counts[at]++;
    latency->count++;
    latency->sum_ns += took_ns;
}
