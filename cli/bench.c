/* synod bench: a local chain under load. Whatever is counted is counted over all processes, the
 * client included. The verb: its flags, its folder, its reports; the rest is named in bench.h. */
#include "cli/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verbs.h"
#include "node/faults.h"

#define INTERVAL_MIN_NS UINT64_C(50000000)
/* The answers of a request share 256 KiB (include/synod/client.h), each with its length. */
#define READS_BYTES_MAX (240u << 10)

/* The page is opened before the run, so that one that cannot be written is told at once. */
static int write_page(const bench_t *b, FILE *page, const figures_t *figures) {
    bench_print_html(page, b, figures);
    bool written = fflush(page) == 0 && ferror(page) == 0;
    if (fclose(page) != 0 || !written)
        return failed(b->verb, "%s: %s", b->html, strerror(errno));
    if (!b->json)
        printf("  page                %s\n", b->html);
    return -1;
}

static int tell(bench_t *b, FILE *page) {
    figures_t figures = bench_figures(b);
    if (b->json)
        bench_print_json(stdout, b, &figures);
    else
        bench_print_text(b, &figures);
    int code = page == NULL ? -1 : write_page(b, page, &figures);
    if (code >= 0)
        return code;
    if (b->strikes_hit < b->strike_count)
        return failed(b->verb,
                      "%u of %u strikes found nobody: who is dead cannot be killed or lie, "
                      "who runs cannot be started, and a leader must be seen first",
                      b->strike_count - b->strikes_hit, b->strike_count);
    return figures.failed == 0 && figures.completed > 0 ? EXIT_OK : EXIT_FAILED;
}

static int measure(bench_t *b, FILE *page) {
    int code = local_start(b->verb, &b->cluster, &b->client);
    if (code >= 0)
        return code;
    synod_client_close(b->client);
    for (uint32_t i = 0; i < b->cluster.size; i++)
        atomic_store(&b->up[i], true);
    if (!bench_open_meters(b))
        code = failed(b->verb, "a validator does not count into its file " METER_FILE);
    if (code < 0)
        bench_kill_dead(b);
    if (code < 0)
        code = bench_preload(b);
    if (code < 0)
        code = bench_open_client(b, b->batch, b->outstanding);
    if (code < 0)
        code = bench_run(b);
    if (code < 0)
        code = tell(b, page);
    cluster_stop(&b->cluster, 5000);
    bench_close_meters(b);
    return code;
}

static int run_in_folder(bench_t *b) {
    FILE *page = b->html == NULL ? NULL : fopen(b->html, "w");
    if (b->html != NULL && page == NULL)
        return failed(b->verb, "%s: %s", b->html, strerror(errno));
    snprintf(b->made_folder, sizeof b->made_folder, "/tmp/synod-bench-XXXXXX");
    if (mkdtemp(b->made_folder) == NULL)
        return failed(b->verb, "no folder can be made in /tmp");
    b->local.home = b->made_folder;
    b->local.plan.meter = b->stages ? METER_STAGES : METER_BYTES;
    int code = local_prepare(b->verb, &b->local, &b->cluster);
    if (code < 0)
        code = measure(b, page);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", b->made_folder);
    if (system(command) != 0)
        fprintf(stderr, "synod bench: %s was left behind\n", b->made_folder);
    return code;
}

/* For the validators, which inherit it. */
static int set_faults(const bench_t *b) {
    char slow[32];
    if (b->sync_delay_ns == 0)
        return -1;
    if (!faults_built())
        return usage_error(b->verb, "--sync-delay: this build has no fault hooks (make faults)");
    snprintf(slow, sizeof slow, "slow=%llu", (unsigned long long)(b->sync_delay_ns / 1000));
    return setenv("SYNOD_FAULT", slow, 1) == 0 ? -1 : failed(b->verb, "out of memory");
}

static int read_profile(bench_t *b) {
    profile_t *profile = &b->profile;
    const char *wrong;
    profile->prng = prng_of(b->seed);
    if ((wrong = profile_sizes(profile, b->sizes)) != NULL)
        return usage_error(b->verb, "--size: \"%s\" %s", b->sizes, wrong);
    if ((wrong = profile_reads(profile, b->reads)) != NULL)
        return usage_error(b->verb, "--reads: \"%s\" %s", b->reads, wrong);
    if (b->keys < 1 || b->keys > PROFILE_KEYS_MAX)
        return usage_error(b->verb, "--keys: from 1 to 10M");
    if ((wrong = profile_spread(profile, b->spread, b->keys)) != NULL)
        return usage_error(b->verb, "--spread: \"%s\" %s", b->spread, wrong);
    if (profile->reads_per_million > 0 && strcmp(b->local.plan.app, "null") == 0)
        return usage_error(b->verb, "--reads: the application null keeps nothing to be read");
    if (profile->reads_per_million > 0 && !b->queries &&
        b->batch * profile_size_max(profile) > READS_BYTES_MAX)
        return usage_error(b->verb, "--reads: the answers of a request would not fit into 240k; "
                                    "lower --batch or --size, or read with --queries");
    return -1;
}

static int judge(bench_t *b) {
    if (b->local.home != NULL)
        return usage_error(b->verb, "bench makes a folder of its own; leave --home away");
    if (b->batch < 1 || b->batch > 1024 || b->outstanding < 1 || b->outstanding > 1024)
        return usage_error(b->verb, "--batch and --outstanding: from 1 to 1,024");
    if (b->dead > 0 && 3 * b->dead >= b->local.count)
        return usage_error(b->verb,
                           "--dead: fewer than a third of --n, or nobody would be answered");
    if (b->duration_ns < 100000000)
        return usage_error(b->verb, "--duration: at least 100ms");
    if (b->interval_ns == 0) {
        b->interval_ns = b->duration_ns / 100;
        if (b->interval_ns < INTERVAL_MIN_NS)
            b->interval_ns = INTERVAL_MIN_NS;
    }
    b->interval_count = (uint32_t)((b->duration_ns + b->interval_ns - 1) / b->interval_ns);
    if (b->interval_ns < 1000000 || b->duration_ns / b->interval_ns >= INTERVALS_MAX)
        return usage_error(b->verb,
                           "--interval: at least 1ms, and at most %u of them in "
                           "--duration",
                           INTERVALS_MAX);
    int code = read_profile(b);
    if (code < 0)
        code = strikes_read(b);
    return code < 0 ? set_faults(b) : code;
}

static int run_with_memory(bench_t *b) {
    b->starts = calloc(STARTS, sizeof *b->starts);
    b->key_operations = calloc(b->keys, sizeof *b->key_operations);
    b->intervals = calloc(b->interval_count, sizeof *b->intervals);
    b->block_operations = calloc(BLOCKS_COUNTED, sizeof *b->block_operations);
    bool made = b->starts != NULL && b->key_operations != NULL && b->intervals != NULL &&
                b->block_operations != NULL && uv_mutex_init(&b->mutex) == 0 &&
                uv_mutex_init(&b->marks_mutex) == 0 && uv_cond_init(&b->reached) == 0;
    atomic_store(&b->leader, MEMBER_NONE);
    int code = made ? run_in_folder(b) : failed(b->verb, "out of memory");
    free(b->block_operations);
    free(b->intervals);
    free(b->key_operations);
    free(b->starts);
    return code;
}

static uint32_t option_table(bench_t *b, option_t *to) {
    const option_t table[] = {
        {"batch", OPTION_NUMBER, &b->batch, "N", "operations under one signature (default 100)"},
        {"outstanding", OPTION_NUMBER, &b->outstanding, "N",
         "requests under way, closed loop (default 64)"},
        {"rate", OPTION_NUMBER, &b->rate, "R", "operations/s, open loop (default: closed)"},
        {"size", OPTION_TEXT, &b->sizes, "BYTES",
         "of an operation: 128, 64..1k, 100:90,4k:10 (default 128)"},
        {"reads", OPTION_TEXT, &b->reads, "PERCENT", "of the operations (default 0)"},
        {"queries", OPTION_FLAG, &b->queries, NULL,
         "reads ask f+1 validators; default: they are ordered too"},
        {"keys", OPTION_NUMBER, &b->keys, "N", "spread over so many keys (default 100k)"},
        {"spread", OPTION_TEXT, &b->spread, "HOW",
         "uniform, zipf[:EXPONENT] or hot[:KEYS%:DRAWS%] (default uniform)"},
        {"seed", OPTION_NUMBER, &b->seed, "N", "of the load (default 1)"},
        {"duration", OPTION_DURATION, &b->duration_ns, "TIME", "measured (default 5s)"},
        {"interval", OPTION_DURATION, &b->interval_ns, "TIME",
         "of the series (default: a hundredth, at least 50ms)"},
        {"dead", OPTION_NUMBER, &b->dead, "N",
         "the last so many of --n are dead from the start (default 0)"},
        {"kill", OPTION_TEXT, &b->kill, "WHO@TIME",
         "kill -9 then: a number or leader; several with commas"},
        {"restart", OPTION_TEXT, &b->restart, "WHO@TIME", "again; leader: who was killed last"},
        {"byzantine", OPTION_TEXT, &b->byzantine, "WHO:HOW@TIME",
         "1:equivocate@5s, leader:delay@5s; HOW see above (builds with fault hooks only)"},
        {"stages", OPTION_FLAG, &b->stages, NULL, "CPU by stage too (which costs some itself)"},
        {"sync-delay", OPTION_DURATION, &b->sync_delay_ns, "TIME",
         "each sync takes so much longer (builds with fault hooks only)"},
        {"html", OPTION_TEXT, &b->html, "FILE", "a page with throughput and latency over time"},
        {"json", OPTION_FLAG, &b->json, NULL, "print JSON"}};
    memcpy(to, table, sizeof table);
    return sizeof table / sizeof table[0];
}

static int run_verb(const verb_t *verb, int argc, char **argv) {
    bench_t *b = calloc(1, sizeof *b);
    if (b == NULL)
        return failed(verb, "out of memory");
    b->verb = verb;
    b->batch = 100;
    b->outstanding = 64;
    b->keys = 100000;
    b->seed = 1;
    b->duration_ns = UINT64_C(5000000000);
    b->sizes = "128";
    b->reads = "0";
    b->spread = "uniform";
    option_t options[32];
    arguments_t arguments;
    local_option_table(&b->local, options, option_table(b, options));
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code < 0 && arguments.count > 0)
        code = usage_error(verb, "takes no arguments");
    if (code < 0)
        code = judge(b);
    if (code < 0)
        code = run_with_memory(b);
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
        "otherwise. What happens to validators meanwhile is at times of the measured time; --html\n"
        "shows it. docs/guide/bench.md says how each figure is taken.\n"
        "With --byzantine a validator does from then on: equivocate (two blocks a view, two "
        "votes),\n"
        "withhold (one member never gets its proposals), silent, delay[=80%] (holds each proposal "
        "for\n"
        "so much of the view's time-out: a leader just below it) or slow=TIME (each turn of its "
        "event\n"
        "loop takes so much longer: a starved machine).\n"
        "The least that such a system must spend is measured by the program bench/floors.",
    .example = "synod bench --rate 5000 --batch 10 --duration 10s --kill leader@4s --html run.html",
    .run = run_verb,
};
