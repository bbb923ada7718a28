/* synod bench: a local chain under load. Closed loop (so many operations outstanding) or open loop
 * (a rate, latencies counted from the intended time of each operation, so that a stall is not left
 * out). Whatever is counted is counted over all processes, the client included. */
#include "cli/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/kv_client.h"
#include "cli/verbs.h"
#include "node/faults.h"

#define KEY_BYTES 16
#define SET_BYTES (7 + KEY_BYTES)   /* a `set` of an empty value */
#define AWAIT_NS UINT64_C(20000000) /* then looks at the clock */
#define WARM_UP_NS UINT64_C(1000000000)
/* An idle chain settles its root, here that of all keys at once. Else that would fall into the
 * measured time, and a client that had to ask again avoids the leader for seconds. */
#define SETTLE_SECONDS 1
#define PRELOAD_BATCH 100
#define PRELOAD_OUTSTANDING 16
#define PRELOAD_PATIENCE_NS UINT64_C(60000000000)

static bench_t *running; /* for callbacks, whose context is the operation's number */

static void on_done(void *context, const synod_client_result *result) {
    uint64_t number = (uint64_t)(uintptr_t)context;
    if (result->late)
        return;
    if (result->status != SYNOD_OK)
        atomic_fetch_add(&running->failed, 1);
    if (atomic_load(&running->measuring)) {
        histogram_add(running->latencies, monotonic_ns() - running->starts[number % STARTS]);
        if (result->height < BLOCKS_COUNTED)
            running->block_operations[result->height]++;
    }
    uint64_t completed = atomic_fetch_add(&running->completed, 1) + 1;
    if (completed != atomic_load(&running->awaited))
        return;
    uv_mutex_lock(&running->mutex);
    uv_cond_signal(&running->reached);
    uv_mutex_unlock(&running->mutex);
}

/* One operation: a set of this key, or bytes that the null application ignores. */
static synod_status submit(bench_t *bench, uint64_t number, uint64_t start_ns) {
    static uint8_t operation[1u << 20], value[1u << 20];
    char key[KEY_BYTES + 1];
    snprintf(key, sizeof key, "key%013llu", (unsigned long long)number);
    size_t size = bench->payload > SET_BYTES ? bench->payload - SET_BYTES : 0;
    writer_t writer = writer_of(operation, sizeof operation);
    kv_encode_set(&writer, bytes_of(key, KEY_BYTES), bytes_of(value, size));
    bench->starts[bench->submitted % STARTS] = start_ns;
    synod_status status = synod_client_submit(bench->client, writer_bytes(&writer), on_done,
                                              (void *)(uintptr_t)bench->submitted);
    if (status == SYNOD_OK)
        bench->submitted++;
    return status;
}

static synod_status submit_one(bench_t *bench, uint64_t start_ns) {
    return submit(bench, prng_below(&bench->prng, bench->keys), start_ns);
}

/* Submits what is due; the loop's beginning is `begin_ns` in open loop. False: the client took no
 * more. */
static bool advance(bench_t *bench, uint64_t begin_ns) {
    uint64_t now = monotonic_ns();
    if (bench->rate == 0) {
        uint64_t limit = bench->outstanding * bench->batch;
        while (bench->submitted - atomic_load(&bench->completed) < limit)
            if (submit_one(bench, monotonic_ns()) != SYNOD_OK)
                return false;
        return true;
    }
    for (;;) {
        uint64_t due = begin_ns + (uint64_t)((double)bench->submitted * 1e9 / (double)bench->rate);
        if (due > now)
            return true;
        if (submit_one(bench, due) != SYNOD_OK)
            return false;
    }
}

/* Until there is room for one request more. Looking again and again would take processor time from
 * what is measured: at one request at a time a tenth of it. */
static void await_room(bench_t *bench) {
    uint64_t ahead = (bench->outstanding - 1) * bench->batch;
    uint64_t wanted = bench->submitted > ahead ? bench->submitted - ahead : 0;
    uv_mutex_lock(&bench->mutex);
    atomic_store(&bench->awaited, wanted);
    if (atomic_load(&bench->completed) < wanted)
        (void)uv_cond_timedwait(&bench->reached, &bench->mutex, AWAIT_NS);
    uv_mutex_unlock(&bench->mutex);
}

static void run_until(bench_t *bench, uint64_t begin_ns, uint64_t end_ns) {
    while (monotonic_ns() < end_ns) {
        bool taken = advance(bench, begin_ns);
        if (taken && bench->rate == 0)
            await_room(bench);
        else
            nanosleep(&(struct timespec){0, 200000}, NULL);
    }
}

static int open_client(bench_t *bench, uint64_t batch, uint64_t outstanding) {
    synod_client_options tuning = {.batch_operations = (uint32_t)batch,
                                   .window = (uint32_t)outstanding,
                                   .queue_operations = 1u << 18};
    return local_client(bench->verb, &bench->cluster, &tuning, &bench->client);
}

/* Sets every key once, so that what is measured is a state of that size and not its growth. */
static int preload(bench_t *bench) {
    int code = open_client(bench, PRELOAD_BATCH, PRELOAD_OUTSTANDING);
    if (code >= 0)
        return code;
    uint64_t end = monotonic_ns() + PRELOAD_PATIENCE_NS;
    while (bench->submitted < bench->keys && monotonic_ns() < end) {
        uint64_t under_way = bench->submitted - atomic_load(&bench->completed);
        if (under_way < PRELOAD_BATCH * PRELOAD_OUTSTANDING &&
            submit(bench, bench->submitted, monotonic_ns()) == SYNOD_OK)
            continue;
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    bool done = synod_client_wait(bench->client, PRELOAD_PATIENCE_NS) &&
                bench->submitted == bench->keys && atomic_load(&bench->failed) == 0;
    synod_client_close(bench->client);
    nanosleep(&(struct timespec){.tv_sec = SETTLE_SECONDS}, NULL);
    bench->submitted = 0;
    atomic_store(&bench->completed, 0);
    return done ? -1 : failed(bench->verb, "the keys could not be loaded in time");
}

static void run(bench_t *bench) {
    uint64_t begin = monotonic_ns();
    run_until(bench, begin, begin + WARM_UP_NS);
    bench_read(bench, &bench->from);
    atomic_store(&bench->measuring, true);
    run_until(bench, begin, monotonic_ns() + bench->duration_ns);
    atomic_store(&bench->measuring, false);
    bench_read(bench, &bench->to);
    (void)synod_client_wait(bench->client, UINT64_C(10000000000));
    synod_client_close(bench->client);
}

static int measure(bench_t *bench) {
    int code = local_start(bench->verb, &bench->cluster, &bench->client);
    if (code >= 0)
        return code;
    synod_client_close(bench->client);
    if (!bench_open_meters(bench))
        code = failed(bench->verb, "a validator does not count into its file " METER_FILE);
    if (code < 0)
        code = preload(bench);
    if (code < 0)
        code = open_client(bench, bench->batch, bench->outstanding);
    if (code < 0) {
        run(bench);
        bench_print(bench);
        bool good = atomic_load(&bench->failed) == 0 && bench->to.completed > bench->from.completed;
        code = good ? EXIT_OK : EXIT_FAILED;
    }
    cluster_stop(&bench->cluster, 5000);
    bench_close_meters(bench);
    return code;
}

static int run_in_folder(bench_t *bench) {
    snprintf(bench->made_folder, sizeof bench->made_folder, "/tmp/synod-bench-XXXXXX");
    if (mkdtemp(bench->made_folder) == NULL)
        return failed(bench->verb, "no folder can be made in /tmp");
    bench->local.home = bench->made_folder;
    bench->local.plan.meter = bench->stages ? METER_STAGES : METER_BYTES;
    int code = local_prepare(bench->verb, &bench->local, &bench->cluster);
    if (code < 0)
        code = measure(bench);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", bench->made_folder);
    if (system(command) != 0)
        fprintf(stderr, "synod bench: %s was left behind\n", bench->made_folder);
    return code;
}

/* For the validators, which inherit it. */
static int delay_syncs(const bench_t *b) {
    char fault[32];
    if (b->sync_delay_ns == 0)
        return -1;
    if (!faults_built())
        return usage_error(b->verb, "--sync-delay: this build has no fault hooks (make faults)");
    snprintf(fault, sizeof fault, "slow=%llu", (unsigned long long)(b->sync_delay_ns / 1000));
    return setenv("SYNOD_FAULT", fault, 1) == 0 ? -1 : failed(b->verb, "out of memory");
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
    return delay_syncs(b);
}

static int run_verb(const verb_t *verb, int argc, char **argv) {
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
        {"stages", OPTION_FLAG, &b->stages, NULL, "CPU by stage too (which costs some itself)"},
        {"sync-delay", OPTION_DURATION, &b->sync_delay_ns, "TIME",
         "each sync takes so much longer (builds with fault hooks only)"},
        {"json", OPTION_FLAG, &b->json, NULL, "print JSON"}};
    local_option_table(&b->local, options, 9);
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
        b->block_operations = calloc(BLOCKS_COUNTED, sizeof *b->block_operations);
        running = b;
        bool made = b->starts != NULL && b->latencies != NULL && b->block_operations != NULL &&
                    uv_mutex_init(&b->mutex) == 0 && uv_cond_init(&b->reached) == 0;
        code = made ? run_in_folder(b) : failed(verb, "out of memory");
        free(b->block_operations);
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
        "CPU and bytes over all processes, sizes of blocks and syncs. Writes durably unless told\n"
        "otherwise. docs/guide/bench.md says how each figure is taken.\n"
        "The least that such a system must spend is measured by the program bench/floors.",
    .example = "synod bench --batch 100 --size 128 --duration 5s",
    .run = run_verb,
};
