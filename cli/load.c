/* synod load: many records into a chain, with a line of progress. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/kv_client.h"
#include "cli/connect.h"
#include "cli/loader.h"
#include "cli/verbs.h"

typedef struct load_options {
    bool apt, verify, json;
    uint64_t pace_ns;
} load_options_t;

static void show(const loader_t *loader, uint64_t since_ns, uint64_t before, bool last) {
    uint64_t done = atomic_load(&loader->done);
    double seconds = (double)(monotonic_ns() - since_ns) / 1e9;
    double rate = seconds > 0 ? (double)(done - before) / seconds : 0;
    printf("%s%8llu of %zu records  %8.0f/s%s", on_terminal() ? "\r" : "", (unsigned long long)done,
           loader->records->count, rate, on_terminal() && !last ? "" : "\n");
    fflush(stdout);
}

static void nothing(void *context, uint64_t compared) {
    (void)context;
    (void)compared;
}

static bool load(loader_t *loader, bool quiet) {
    uint64_t since = monotonic_ns(), before = 0;
    bool all = false;
    while (!all || !loader_settled(loader)) {
        all = loader_advance(loader);
        if (all)
            synod_client_flush(loader->client);
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
        if (monotonic_ns() - since < 500000000)
            continue;
        if (!quiet)
            show(loader, since, before, false);
        since = monotonic_ns();
        before = atomic_load(&loader->done);
    }
    return atomic_load(&loader->failed) == 0;
}

/* Told before anything is sent. -1 to go on, or the exit code. */
static int judge_sizes(const verb_t *verb, const synod_client *client,
                       const record_set_t *records) {
    size_t most = synod_client_operation_bytes_max(client) - KV_SET_AROUND_BYTES;
    for (size_t i = 0; i < records->count; i++) {
        const record_pair_t *pair = &records->pairs[i];
        if (pair->key.size + pair->value.size > most)
            return failed(verb, "%.*s: key and value have %zu bytes, this chain takes at most %zu",
                          (int)pair->key.size, (const char *)pair->key.data,
                          pair->key.size + pair->value.size, most);
    }
    return -1;
}

static int load_and_verify(const verb_t *verb, const connect_options_t *connect,
                           const load_options_t *wanted, const record_set_t *records) {
    synod_client *client;
    int code = connect_open(verb, connect, NULL, &client);
    if (code >= 0)
        return code;
    code = judge_sizes(verb, client, records);
    if (code >= 0) {
        synod_client_close(client);
        return code;
    }
    loader_t loader;
    loader_begin(&loader, client, records, wanted->pace_ns);
    uint64_t started = monotonic_ns(), differ = 0;
    bool good = load(&loader, wanted->json);
    double seconds = (double)(monotonic_ns() - started) / 1e9;
    if (!wanted->json)
        show(&loader, started, 0, true);
    if (good && wanted->verify)
        differ = loader_compare(client, records, nothing, NULL);
    synod_client_close(client);
    unsigned long long failures = (unsigned long long)atomic_load(&loader.failed);
    if (wanted->json)
        printf(
            "{\"records\":%zu,\"failed\":%llu,\"seconds\":%.3f,\"verified\":%s,\"differ\":%llu}\n",
            records->count, failures, seconds, wanted->verify ? "true" : "false",
            (unsigned long long)differ);
    else if (wanted->verify)
        printf("%zu records read back, %llu differ\n", records->count, (unsigned long long)differ);
    if (failures > 0)
        return failed(verb, "%llu of %zu records were not confirmed", failures, records->count);
    return differ == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run(const verb_t *verb, int argc, char **argv) {
    load_options_t wanted = {0};
    connect_options_t connect;
    option_t options[12] = {
        {"apt", OPTION_FLAG, &wanted.apt, NULL, "the machine's Debian package index"},
        {"pace", OPTION_DURATION, &wanted.pace_ns, "TIME",
         "spread the load over this long (default: as fast as it goes)"},
        {"verify", OPTION_FLAG, &wanted.verify, NULL, "read everything back and compare"},
        {"json", OPTION_FLAG, &wanted.json, NULL, "print JSON"}};
    connect_option_table(&connect, options, 4);
    connect.timeout_ns = UINT64_C(30000000000);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (wanted.apt ? arguments.count != 0 : arguments.count != 1)
        return usage_error(verb, "name one FILE (- is standard input), or --apt");
    char reason[512];
    record_set_t records;
    bool read = wanted.apt
                    ? records_from_apt(&records, reason, sizeof reason)
                    : records_from_lines(arguments.positional[0], &records, reason, sizeof reason);
    if (!read)
        return failed(verb, "%s", reason);
    code = load_and_verify(verb, &connect, &wanted, &records);
    records_free(&records);
    return code;
}

const verb_t verb_load = {
    .name = "load",
    .summary = "many records from a file or the Debian package index",
    .arguments = "FILE | --apt",
    .details = "Sets every record of FILE (lines KEY<TAB>VALUE) or of the package index, each "
               "confirmed by\n"
               "f+1 validators. Exit code 1 when one was not.",
    .example = "synod load --home ./ledger --apt --verify",
    .run = run,
};
