/* synod bench, its parts: bench.c the verb and the load, bench_reading.c what is read and worked
 * out, bench_print.c what is printed. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdatomic.h>
#include <uv.h>

#include "adapter/meter.h"
#include "base/prng.h"
#include "cli/histogram.h"
#include "cli/local.h"

#define STARTS (1u << 20) /* more than can be outstanding */
/* Blocks whose operations are counted, from the first of the chain: an hour at 1,000 a second. */
#define BLOCKS_COUNTED (1u << 22)

/* Everything that counts up, at one moment. CPU in us. */
typedef struct reading {
    uint64_t at_ns, completed, requests;
    uint64_t cpu_us, own_cpu_us, generator_cpu_us; /* all; this process; its loading thread */
    uint64_t client_bytes, bytes[FRAME_KIND_END];
    uint64_t writes, journal_bytes, grown_bytes;
    uint64_t stage_ns[STAGE_COUNT];
} reading_t;

typedef struct bench {
    const verb_t *verb;
    local_options_t local;
    bool json, stages;
    uint64_t batch, outstanding, payload, keys, rate, duration_ns, sync_delay_ns;
    char made_folder[64];
    cluster_t cluster;
    meter_t *meters[CLUSTER_MAX];
    synod_client *client;
    prng_t prng;
    uint64_t submitted;
    uint64_t *starts; /* when operation i % STARTS was, or should have been, submitted */
    reading_t from, to;
    /* by callbacks */
    atomic_uint_fast64_t completed, failed;
    atomic_bool measuring;
    /* closed loop: the load sleeps until so many operations have completed */
    atomic_uint_fast64_t awaited;
    uv_mutex_t mutex;
    uv_cond_t reached;
    histogram_t *latencies;
    uint32_t *block_operations; /* by height: those answered while measuring */
} bench_t;

/* Operations of the blocks that lie whole in the measured time. */
typedef struct block_sizes {
    uint64_t blocks;
    double mean;
    uint32_t p50, max;
} block_sizes_t;

/* False: a validator does not count (its file `meter`). */
bool bench_open_meters(bench_t *bench);
void bench_close_meters(bench_t *bench);
void bench_read(bench_t *bench, reading_t *reading);
block_sizes_t bench_block_sizes(bench_t *bench);

void bench_print(bench_t *bench);

#endif
