/* What a bench reads, at one moment and without asking the validators: processor clocks, the pages
 * that they count into (adapter/meter.h), its own client. */
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "cli/bench.h"

static meter_t *look(const bench_t *bench, uint32_t member) {
    char path[4096];
    cluster_path(&bench->cluster, member, METER_FILE, path, sizeof path);
    return meter_look(path);
}

bool bench_open_meters(bench_t *bench) {
    for (uint32_t i = 0; i < bench->cluster.size; i++) {
        bench->meters[i] = look(bench, i);
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

static void read_meter(meter_t *meter, reading_t *reading) {
    for (uint32_t kind = 0; kind < FRAME_KIND_END; kind++)
        reading->bytes[kind] += atomic_load(&meter->frame_bytes_out[kind]);
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
        reading->stage_ns[stage] += atomic_load(&meter->stage_ns[stage]);
    reading->writes += atomic_load(&meter->journal_writes);
    reading->journal_bytes += atomic_load(&meter->journal_bytes);
    reading->grown_bytes += atomic_load(&meter->grown_bytes);
}

/* What the process of this validator has counted so far. */
static void add_counts(bench_t *bench, uint32_t member, reading_t *reading) {
    reading->cpu_us += cluster_cpu_us(&bench->cluster, member);
    /* That of one that was started again is there when it answers. */
    if (bench->meters[member] == NULL && atomic_load(&bench->answers[member]))
        bench->meters[member] = look(bench, member);
    if (bench->meters[member] != NULL)
        read_meter(bench->meters[member], reading);
}

/* A process that comes back makes its meter anew, so the old one is let go of. */
void bench_keep_counts(bench_t *bench, uint32_t member) {
    add_counts(bench, member, &bench->gone);
    meter_close(bench->meters[member]);
    bench->meters[member] = NULL;
}

void bench_read(bench_t *bench, reading_t *reading) {
    *reading = bench->gone;
    reading->at_ns = monotonic_ns();
    reading->answered = atomic_load(&bench->answered);
    reading->own_cpu_us = own_cpu_us();
    reading->generator_cpu_us = atomic_load(&bench->generator_cpu_us);
    reading->cpu_us += reading->own_cpu_us;
    synod_client_counters counters = {.size_bytes = sizeof counters};
    (void)synod_client_count(bench->client, &counters);
    reading->requests = counters.requests;
    reading->client_bytes = counters.bytes_out;
    for (uint32_t i = 0; i < bench->cluster.size; i++)
        add_counts(bench, i, reading);
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
