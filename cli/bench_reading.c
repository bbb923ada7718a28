/* What a bench reads, at one moment and without asking the validators: processor clocks, the pages
 * that they count into (adapter/meter.h), its own client. */
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "cli/bench.h"

bool bench_open_meters(bench_t *bench) {
    for (uint32_t i = 0; i < bench->cluster.size; i++) {
        char path[4096];
        cluster_path(&bench->cluster, i, METER_FILE, path, sizeof path);
        bench->meters[i] = meter_look(path);
        if (bench->meters[i] == NULL)
            return false;
    }
    return true;
}

void bench_close_meters(bench_t *bench) {
    for (uint32_t i = 0; i < bench->cluster.size; i++)
        meter_close(bench->meters[i]);
}

static uint64_t own_cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint64_t thread_cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void read_meter(meter_t *meter, reading_t *reading) {
    for (uint32_t kind = 0; kind < FRAME_KIND_END; kind++)
        reading->bytes[kind] += atomic_load(&meter->frame_bytes_out[kind]);
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
        reading->stage_ns[stage] += atomic_load(&meter->stage_ns[stage]);
    reading->writes += atomic_load(&meter->journal_writes);
    reading->journal_bytes += atomic_load(&meter->journal_bytes);
    reading->grown_bytes += atomic_load(&meter->grown_bytes);
}

void bench_read(bench_t *bench, reading_t *reading) {
    *reading = (reading_t){.at_ns = monotonic_ns(),
                           .completed = atomic_load(&bench->completed),
                           .own_cpu_us = own_cpu_us(),
                           .generator_cpu_us = thread_cpu_us()};
    reading->cpu_us = reading->own_cpu_us;
    synod_client_counters counters = {.size_bytes = sizeof counters};
    (void)synod_client_count(bench->client, &counters);
    reading->requests = counters.requests;
    reading->client_bytes = counters.bytes_out;
    for (uint32_t i = 0; i < bench->cluster.size; i++) {
        reading->cpu_us += cluster_cpu_us(&bench->cluster, i);
        read_meter(bench->meters[i], reading);
    }
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

/* The first and the last block were answered in part before and after. Sorts the counts. */
block_sizes_t bench_block_sizes(bench_t *bench) {
    uint32_t *counts = bench->block_operations;
    uint32_t first = 0, last = BLOCKS_COUNTED, size = 0;
    block_sizes_t sizes = {0};
    while (first < BLOCKS_COUNTED && counts[first] == 0)
        first++;
    while (last > first && counts[last - 1] == 0)
        last--;
    uint64_t operations = 0;
    for (uint32_t height = first + 1; height + 1 < last; height++) {
        if (counts[height] == 0)
            continue; /* an empty one, or one of a session */
        operations += counts[height];
        counts[size++] = counts[height];
    }
    if (size == 0)
        return sizes;
    qsort(counts, size, sizeof counts[0], compare);
    return (block_sizes_t){.blocks = size,
                           .mean = (double)operations / size,
                           .p50 = counts[size / 2],
                           .max = counts[size - 1]};
}
