/* synod bench: a local chain under load. Closed loop (so many operations outstanding) or open loop
 * (a rate, latencies counted from the intended time of each operation, so that a stall is not left
 * out). CPU is counted over all processes, the client included. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "app/kv_client.h"
#include "base/prng.h"
#include "cli/histogram.h"
#include "cli/local.h"
#include "cli/verbs.h"

#define KEY_BYTES 16
#define WARM_UP_NS UINT64_C(1000000000)
#define STARTS (1u << 20) /* more than can be outstanding */

typedef struct bench {
    const verb_t *verb;
    local_options_t local;
    bool json;
    uint64_t batch, outstanding, payload, keys, rate, duration_ns;
    char made_folder[64];
    cluster_t cluster;
    synod_client *client;
    prng_t prng;
    uint64_t submitted;
    uint64_t *starts; /* when operation i % STARTS was, or should have been, submitted */
    /* by callbacks */
    atomic_uint_fast64_t completed, failed;
    atomic_bool measuring;
    histogram_t *latencies;
} bench_t;

typedef struct reading {
    uint64_t at_ns, completed, cpu_us, own_cpu_us, requests, blocks, syncs, bytes;
} reading_t;

static bench_t *running; /* for callbacks, whose context is the operation's number */

static void on_done(void *context, const synod_client_result *result) {
    uint64_t number = (uint64_t)(uintptr_t)context;
    if (result->late)
        return;
    if (result->status != SYNOD_OK)
        atomic_fetch_add(&running->failed, 1);
    if (atomic_load(&running->measuring))
        histogram_add(running->latencies, monotonic_ns() - running->starts[number % STARTS]);
    atomic_fetch_add(&running->completed, 1);
}

static uint64_t own_cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static reading_t read_now(bench_t *bench) {
    reading_t reading = {.at_ns = monotonic_ns(), .completed = atomic_load(&bench->completed)};
    synod_client_counters counters;
    synod_client_count(bench->client, &counters);
    reading.requests = counters.requests;
    reading.bytes = counters.bytes_in + counters.bytes_out;
    reading.own_cpu_us = own_cpu_us();
    reading.cpu_us = reading.own_cpu_us;
    for (uint32_t i = 0; i < bench->cluster.size; i++) {
        status_report_t report;
        reading.cpu_us += cluster_cpu_us(&bench->cluster, i);
        if (!connect_status(bench->client, i, UINT64_C(2000000000), &report))
            continue;
        reading.syncs += report.journal_syncs;
        if (report.executed > reading.blocks)
            reading.blocks = report.executed;
    }
    return reading;
}

/* One operation: a set of a random key, or bytes that the null application ignores. */
static synod_status submit_one(bench_t *bench, uint64_t start_ns) {
    static uint8_t operation[1u << 20], value[1u << 20];
    char key[KEY_BYTES + 1];
    snprintf(key, sizeof key, "key%013llu",
             (unsigned long long)prng_below(&bench->prng, bench->keys));
    size_t around = KEY_BYTES + 16;
    size_t size = bench->payload > around ? bench->payload - around : 0;
    writer_t writer = writer_of(operation, sizeof operation);
    kv_encode_set(&writer, bytes_of(key, KEY_BYTES), bytes_of(value, size));
    bench->starts[bench->submitted % STARTS] = start_ns;
    synod_status status = synod_client_submit(bench->client, writer_bytes(&writer), on_done,
                                              (void *)(uintptr_t)bench->submitted);
    if (status == SYNOD_OK)
        bench->submitted++;
    return status;
}

/* Submits what is due; the loop's beginning is `begin_ns` in open loop. */
static void advance(bench_t *bench, uint64_t begin_ns) {
    uint64_t now = monotonic_ns();
    if (bench->rate == 0) {
        uint64_t limit = bench->outstanding * bench->batch;
        while (bench->submitted - atomic_load(&bench->completed) < limit &&
               submit_one(bench, monotonic_ns()) == SYNOD_OK) {
        }
        return;
    }
    for (;;) {
        uint64_t due = begin_ns + (uint64_t)((double)bench->submitted * 1e9 / (double)bench->rate);
        if (due > now || submit_one(bench, due) != SYNOD_OK)
            return;
    }
}

static void run_until(bench_t *bench, uint64_t begin_ns, uint64_t end_ns) {
    while (monotonic_ns() < end_ns) {
        advance(bench, begin_ns);
        struct timespec pause = {0, bench->rate == 0 ? 20000 : 200000};
        nanosleep(&pause, NULL);
    }
}

static double per(uint64_t amount, uint64_t of) {
    return of == 0 ? 0 : (double)amount / (double)of;
}

static double ms(const bench_t *bench, double part) {
    return (double)histogram_quantile_ns(bench->latencies, part) / 1e6;
}

static void print_text(const bench_t *b, const reading_t *from, const reading_t *to, double rate,
                       uint64_t operations) {
    uint64_t blocks = to->blocks - from->blocks;
    printf("\n%s loop, %llu B operations, %llu a signed request, %s%llu\n",
           b->rate == 0 ? "closed" : "open", (unsigned long long)b->payload,
           (unsigned long long)b->batch, b->rate == 0 ? "outstanding requests " : "operations/s ",
           (unsigned long long)(b->rate == 0 ? b->outstanding : b->rate));
    printf("  operations/s        %10.0f\n", rate);
    printf("  latency ms          p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n", ms(b, 0.5),
           ms(b, 0.9), ms(b, 0.99), ms(b, 0.999), ms(b, 1.0));
    printf("  CPU us/operation    %10.2f  over all processes (client %.2f)\n",
           per(to->cpu_us - from->cpu_us, operations),
           per(to->own_cpu_us - from->own_cpu_us, operations));
    printf("  client bytes/op     %10.1f\n", per(to->bytes - from->bytes, operations));
    printf("  operations a block  %10.1f  (%.1f requests)\n", per(operations, blocks),
           per(to->requests - from->requests, blocks));
    printf("  syncs a block       %10.2f  a validator\n",
           per(to->syncs - from->syncs, blocks * b->cluster.size));
    printf("  failed              %10llu\n", (unsigned long long)atomic_load(&b->failed));
}

static void print_json(const bench_t *b, const reading_t *from, const reading_t *to, double rate,
                       uint64_t operations) {
    uint64_t blocks = to->blocks - from->blocks;
    printf("{\"payload\":%llu,\"batch\":%llu,\"operations_per_second\":%.0f,\"p50_ms\":%.3f,"
           "\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"cpu_us_per_operation\":%.3f,"
           "\"client_cpu_us_per_operation\":%.3f,\"client_bytes_per_operation\":%.1f,"
           "\"operations_per_block\":%.1f,\"syncs_per_block\":%.2f,\"failed\":%llu}\n",
           (unsigned long long)b->payload, (unsigned long long)b->batch, rate, ms(b, 0.5),
           ms(b, 0.9), ms(b, 0.99), ms(b, 1.0), per(to->cpu_us - from->cpu_us, operations),
           per(to->own_cpu_us - from->own_cpu_us, operations),
           per(to->bytes - from->bytes, operations), per(operations, blocks),
           per(to->syncs - from->syncs, blocks * b->cluster.size),
           (unsigned long long)atomic_load(&b->failed));
}

static int measure(bench_t *bench) {
    synod_client_options tuning = {.batch_operations = (uint32_t)bench->batch,
                                   .window = (uint32_t)bench->outstanding,
                                   .queue_operations = 1u << 18};
    int code = local_start(bench->verb, &bench->cluster, &bench->client);
    if (code >= 0)
        return code;
    synod_client_close(bench->client);
    code = local_client(bench->verb, &bench->cluster, &tuning, &bench->client);
    if (code < 0) {
        uint64_t begin = monotonic_ns();
        run_until(bench, begin, begin + WARM_UP_NS);
        reading_t from = read_now(bench);
        atomic_store(&bench->measuring, true);
        uint64_t start = monotonic_ns();
        run_until(bench, begin, start + bench->duration_ns);
        atomic_store(&bench->measuring, false);
        reading_t to = read_now(bench);
        uint64_t operations = to.completed - from.completed;
        double rate = (double)operations * 1e9 / (double)(to.at_ns - from.at_ns);
        (bench->json ? print_json : print_text)(bench, &from, &to, rate, operations);
        (void)synod_client_wait(bench->client, UINT64_C(10000000000));
        synod_client_close(bench->client);
        code = atomic_load(&bench->failed) == 0 && operations > 0 ? EXIT_OK : EXIT_FAILED;
    }
    cluster_stop(&bench->cluster, 5000);
    return code;
}

static int run_in_folder(bench_t *bench) {
    snprintf(bench->made_folder, sizeof bench->made_folder, "/tmp/synod-bench-XXXXXX");
    if (mkdtemp(bench->made_folder) == NULL)
        return failed(bench->verb, "no folder can be made in /tmp");
    bench->local.home = bench->made_folder;
    int code = local_prepare(bench->verb, &bench->local, &bench->cluster);
    if (code < 0)
        code = measure(bench);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", bench->made_folder);
    if (system(command) != 0)
        fprintf(stderr, "synod bench: %s was left behind\n", bench->made_folder);
    return code;
}

static int judge(const bench_t *b) {
    if (b->local.home != NULL)
        return usage_error(b->verb, "bench makes a folder of its own; leave --home away");
    if (b->batch < 1 || b->batch > 1024 || b->outstanding < 1 || b->outstanding > 1024)
        return usage_error(b->verb, "--batch and --outstanding: from 1 to 1,024");
    if (b->payload > 512u << 10 || b->keys < 1)
        return usage_error(b->verb, "--size: up to 512k; --keys: at least 1");
    if (b->duration_ns < 100000000)
        return usage_error(b->verb, "--duration: at least 100ms");
    return -1;
}

static int run(const verb_t *verb, int argc, char **argv) {
    bench_t *b = calloc(1, sizeof *b);
    if (b == NULL)
        return failed(verb, "out of memory");
    *b = (bench_t){.verb = verb,
                   .batch = 100,
                   .outstanding = 64,
                   .payload = 128,
                   .keys = 100000,
                   .duration_ns = UINT64_C(5000000000)};
    option_t options[20] = {
        {"batch", OPTION_NUMBER, &b->batch, "N", "operations under one signature (default 100)"},
        {"outstanding", OPTION_NUMBER, &b->outstanding, "N",
         "requests under way, closed loop (default 64)"},
        {"rate", OPTION_NUMBER, &b->rate, "R", "operations/s, open loop (default: closed)"},
        {"size", OPTION_SIZE, &b->payload, "BYTES", "of an operation (default 128)"},
        {"keys", OPTION_NUMBER, &b->keys, "N", "spread over so many keys (default 100k)"},
        {"duration", OPTION_DURATION, &b->duration_ns, "TIME", "measured (default 5s)"},
        {"json", OPTION_FLAG, &b->json, NULL, "print JSON"}};
    local_option_table(&b->local, options, 7);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code < 0 && arguments.count > 0)
        code = usage_error(verb, "takes no arguments");
    if (code < 0)
        code = judge(b);
    if (code < 0) {
        b->prng = prng_of(1);
        b->starts = calloc(STARTS, sizeof *b->starts);
        b->latencies = calloc(1, sizeof *b->latencies);
        running = b;
        code = b->starts == NULL || b->latencies == NULL ? failed(verb, "out of memory")
                                                         : run_in_folder(b);
        free(b->starts);
        free(b->latencies);
    }
    free(b);
    return code;
}

const verb_t verb_bench = {
    .name = "bench",
    .summary = "a local chain under load: throughput, latency, CPU per operation",
    .arguments = "",
    .details =
        "Starts validators in a folder of its own, loads them and prints operations/s, latencies,\n"
        "CPU over all processes, batch sizes and syncs. Writes durably unless told otherwise.\n"
        "The least that such a system must spend is measured by the program bench/floors.",
    .example = "synod bench --batch 100 --size 128 --duration 5s",
    .run = run,
};
