/* synod demo: a guided minute. Four validators, the machine's package index loaded through the
 * client, the leader killed in the middle, restarted, everything compared. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/kv_words.h"
#include "cli/loader.h"
#include "cli/local.h"
#include "cli/verbs.h"
#include "node/faults.h"

#define PACE_DEFAULT_NS UINT64_C(15000000000)
/* The next commit after a kill is due within a second; this is when the demo gives up. */
#define SETTLE_PATIENCE_NS UINT64_C(60000000000)
#define ROOTS_PATIENCE_NS UINT64_C(20000000000)
/* From the signal to the damage: the validator looks at once, this is for a slow machine. */
#define DAMAGE_PAUSE_NS 300000000

typedef struct demo {
    const verb_t *verb;
    local_options_t local;
    uint64_t pace_ns;
    const char *file;
    const char *fault; /* --break; NULL: nothing */
    char made_folder[64];
    cluster_t cluster;
    synod_client *client;
    record_set_t records;
    loader_t loader;
    /* what happened */
    uint32_t victim;
    uint64_t killed_ns, back_ns, restarted_ns;
    uint64_t done_at_kill;
    uint64_t last_line_ns, last_line_done;
    int ended; /* a validator that ended by itself, or -1 */
    char end_reason[1024];
} demo_t;

static double seconds_of(uint64_t ns) {
    return (double)ns / 1e9;
}

static void say(const demo_t *demo, const char *what) {
    printf("%6.2fs  %s\n", seconds_of(monotonic_ns() - demo->loader.started_ns), what);
    fflush(stdout);
}

static void line(demo_t *demo) {
    uint64_t now = monotonic_ns(), done = atomic_load(&demo->loader.done);
    if (now - demo->last_line_ns < 500000000)
        return;
    double rate = (double)(done - demo->last_line_done) / seconds_of(now - demo->last_line_ns);
    uint32_t bar = (uint32_t)(rate / 250 > 40 ? 40 : rate / 250);
    printf("%6.2fs  %6llu records  %6.0f/s  %.*s\n", seconds_of(now - demo->loader.started_ns),
           (unsigned long long)done, rate, (int)bar, "########################################");
    fflush(stdout);
    demo->last_line_ns = now;
    demo->last_line_done = done;
}

static bool find_leader(demo_t *demo, uint32_t *leader) {
    for (uint32_t i = 0; i < demo->cluster.size; i++) {
        status_report_t report;
        if (demo->cluster.processes[i] != 0 &&
            connect_status(demo->client, i, UINT64_C(500000000), &report) &&
            report.leader < demo->cluster.size) {
            *leader = report.leader;
            return true;
        }
    }
    return false;
}

/* The middle of the load: the leader dies; later it comes back. */
static void choreography(demo_t *demo) {
    uint64_t elapsed = monotonic_ns() - demo->loader.started_ns;
    char text[160];
    if (demo->killed_ns == 0 && elapsed > demo->pace_ns * 2 / 5 &&
        find_leader(demo, &demo->victim)) {
        demo->done_at_kill = atomic_load(&demo->loader.done);
        cluster_kill(&demo->cluster, demo->victim);
        demo->killed_ns = monotonic_ns();
        snprintf(text, sizeof text, "validator %u, the leader, was killed with -9", demo->victim);
        say(demo, text);
    }
    /* What was answered already on its way does not count as being back. */
    uint64_t dead_ns = demo->killed_ns == 0 ? 0 : monotonic_ns() - demo->killed_ns;
    if (demo->killed_ns != 0 && demo->back_ns == 0 && dead_ns < 100000000)
        demo->done_at_kill = atomic_load(&demo->loader.done);
    if (demo->killed_ns != 0 && demo->back_ns == 0 && dead_ns >= 100000000 &&
        atomic_load(&demo->loader.done) > demo->done_at_kill) {
        demo->back_ns = monotonic_ns();
        snprintf(text, sizeof text, "records are confirmed again, %.2f s after the kill",
                 seconds_of(demo->back_ns - demo->killed_ns));
        say(demo, text);
    }
    if (demo->back_ns != 0 && demo->restarted_ns == 0 && elapsed > demo->pace_ns * 7 / 10 &&
        cluster_start(&demo->cluster, demo->victim)) {
        demo->restarted_ns = monotonic_ns();
        snprintf(text, sizeof text, "validator %u starts again from its journal", demo->victim);
        say(demo, text);
    }
}

static bool load(demo_t *demo) {
    bool all = false;
    loader_begin(&demo->loader, demo->client, &demo->records, demo->pace_ns);
    demo->last_line_ns = demo->loader.started_ns;
    uint64_t end = demo->loader.started_ns + demo->pace_ns + SETTLE_PATIENCE_NS;
    while (!all || !loader_settled(&demo->loader) || demo->restarted_ns == 0) {
        struct timespec pause = {0, 2000000};
        all = loader_advance(&demo->loader);
        choreography(demo);
        line(demo);
        nanosleep(&pause, NULL);
        if (monotonic_ns() > end)
            return false;
    }
    return atomic_load(&demo->loader.failed) == 0;
}

static void compared(void *context, uint64_t count) {
    (void)context;
    if (on_terminal()) {
        printf("\r         %llu records compared", (unsigned long long)count);
        fflush(stdout);
    }
}

typedef struct roots {
    uint32_t equal, answering;
    int odd; /* a validator whose root differs from that of most, or -1 */
    status_report_t reports[CLUSTER_MAX];
    bool answered[CLUSTER_MAX];
} roots_t;

/* Roots count when they are of the same height and nothing is left to execute. */
static void read_roots(demo_t *demo, roots_t *roots) {
    *roots = (roots_t){.odd = -1};
    for (uint32_t i = 0; i < demo->cluster.size; i++) {
        roots->answered[i] =
            connect_status(demo->client, i, UINT64_C(1000000000), &roots->reports[i]);
        roots->answering += roots->answered[i];
    }
    uint32_t best = 0;
    for (uint32_t i = 0; i < demo->cluster.size; i++) {
        uint32_t same = 0;
        for (uint32_t j = 0; roots->answered[i] && j < demo->cluster.size; j++)
            same += roots->answered[j] &&
                    roots->reports[j].root_height == roots->reports[i].root_height &&
                    digest_equal(&roots->reports[j].root, &roots->reports[i].root);
        if (same > roots->equal) {
            roots->equal = same;
            best = i;
        }
    }
    for (uint32_t i = 0; i < demo->cluster.size; i++)
        if (roots->answered[i] &&
            roots->reports[i].root_height == roots->reports[best].root_height &&
            !digest_equal(&roots->reports[i].root, &roots->reports[best].root))
            roots->odd = (int)i;
}

static void wait_for_roots(demo_t *demo, roots_t *roots) {
    uint64_t end = monotonic_ns() + ROOTS_PATIENCE_NS;
    do {
        struct timespec pause = {0, 100000000};
        nanosleep(&pause, NULL);
        read_roots(demo, roots);
        demo->ended = cluster_check(&demo->cluster, demo->end_reason, sizeof demo->end_reason);
    } while (roots->equal < demo->cluster.size && demo->ended < 0 && monotonic_ns() < end);
}

/* --break state: one validator's memory goes bad, and the chain goes on by one ordered read, which
 * alters nothing. Whoever executes it tells its root to the others. */
static void break_state(demo_t *demo) {
    char text[160];
    uint8_t operation[64], answer[64];
    uint32_t leader = 0;
    size_t size;
    writer_t get = writer_of(operation, sizeof operation);
    struct timespec pause = {0, DAMAGE_PAUSE_NS};
    find_leader(demo, &leader);
    uint32_t victim = (leader + 1) % demo->cluster.size;
    kill(demo->cluster.processes[victim], SIGUSR1);
    snprintf(text, sizeof text, "broken on purpose: a bit of the state of validator %u is flipped",
             victim);
    say(demo, text);
    nanosleep(&pause, NULL);
    kv_encode_get(&get, bytes_of("synod demo", 10));
    synod_client_call(demo->client, writer_bytes(&get), answer, sizeof answer, &size);
}

static int conclude(demo_t *demo, bool loaded, uint64_t differ) {
    roots_t roots;
    wait_for_roots(demo, &roots);
    for (uint32_t i = 0; i < demo->cluster.size; i++) {
        const status_report_t *r = &roots.reports[i];
        if (!roots.answered[i])
            printf("         validator %u does not answer\n", i);
        else
            printf("         validator %u: %llu operations, state root %02x%02x%02x%02x at height "
                   "%llu\n",
                   i, (unsigned long long)r->operations_executed, r->root.bytes[0],
                   r->root.bytes[1], r->root.bytes[2], r->root.bytes[3],
                   (unsigned long long)r->root_height);
    }
    if (demo->ended >= 0)
        printf("validator %d ended: %s\n", demo->ended, demo->end_reason);
    if (roots.odd >= 0)
        printf("validator %d has another state than the others\n", roots.odd);
    if (!loaded)
        printf("%llu of %zu records were not confirmed\n",
               (unsigned long long)(demo->records.count - atomic_load(&demo->loader.done) +
                                    atomic_load(&demo->loader.failed)),
               demo->records.count);
    bool good = loaded && differ == 0 && demo->ended < 0 && roots.odd < 0 &&
                roots.equal == demo->cluster.size && demo->back_ns != 0 && demo->records.count > 0;
    printf("demo: %zu records, %llu differ, %u roots equal\n", demo->records.count,
           (unsigned long long)differ, roots.equal);
    return good ? EXIT_OK : EXIT_FAILED;
}

static int play(demo_t *demo) {
    char reason[512];
    bool read = demo->file != NULL
                    ? records_from_lines(demo->file, &demo->records, reason, sizeof reason)
                    : records_from_apt(&demo->records, reason, sizeof reason);
    if (!read)
        return failed(demo->verb, "%s", reason);
    printf("%u validators, f = %u may fail in any way; a client, and %zu records to keep\n",
           (unsigned)demo->local.count, (unsigned)((demo->local.count - 1) / 3),
           demo->records.count);
    int code = local_prepare(demo->verb, &demo->local, &demo->cluster);
    if (code < 0)
        code = local_start(demo->verb, &demo->cluster, &demo->client);
    if (code >= 0)
        return code;
    printf("all validators run, each a process, mutual TLS between them; logs in %s/node*/log\n",
           demo->cluster.folder);
    bool loaded = load(demo);
    say(demo, loaded ? "all records are confirmed by f+1 validators; reading them back"
                     : "not all records were confirmed; reading them back");
    if (demo->fault != NULL)
        break_state(demo);
    uint64_t differ = loader_compare(demo->client, &demo->records, compared, demo);
    if (on_terminal())
        printf("\n");
    code = conclude(demo, loaded, differ);
    synod_client_close(demo->client);
    if (cluster_stop(&demo->cluster, 5000) > 0)
        code = failed(demo->verb, "a validator did not end when it was asked to");
    return code;
}

/* Folders of our own making only. */
static void remove_folder(const char *folder) {
    char command[160];
    if (strncmp(folder, "/tmp/synod-demo-", 16) != 0)
        return;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "synod demo: %s was left behind\n", folder);
}

/* What the validators inherit makes them listen to the signal of break_state. */
static int arm(const verb_t *verb, const char *fault) {
    if (strcmp(fault, "state") != 0)
        return usage_error(verb, "--break: there is no \"%s\", only state", fault);
    if (!faults_built())
        return usage_error(verb, "--break: this program has no fault hooks; `make demo "
                                 "BREAK=state` builds one that has");
    return setenv("SYNOD_FAULT", fault, 1) == 0 ? -1 : failed(verb, "out of memory");
}

static int run(const verb_t *verb, int argc, char **argv) {
    demo_t *demo = calloc(1, sizeof *demo);
    if (demo == NULL)
        return failed(verb, "out of memory");
    demo->verb = verb;
    demo->pace_ns = PACE_DEFAULT_NS;
    option_t options[17] = {{"pace", OPTION_DURATION, &demo->pace_ns, "TIME",
                             "the load takes about this long (default 15s)"},
                            {"records", OPTION_TEXT, &demo->file, "FILE",
                             "KEY<TAB>VALUE lines instead of the package index"},
                            {"break", OPTION_TEXT, &demo->fault, "WHAT",
                             "state: damage one validator's (only in builds with fault hooks)"}};
    local_option_table(&demo->local, options, 3);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code < 0 && arguments.count > 0)
        code = usage_error(verb, "takes no arguments");
    if (code < 0 && (demo->local.count < 4 || demo->pace_ns < UINT64_C(2000000000)))
        code = usage_error(verb, "--n: at least 4; --pace: at least 2s");
    if (code < 0 && demo->fault != NULL)
        code = arm(verb, demo->fault);
    if (code < 0 && demo->local.home == NULL) {
        snprintf(demo->made_folder, sizeof demo->made_folder, "/tmp/synod-demo-XXXXXX");
        if (mkdtemp(demo->made_folder) == NULL)
            code = failed(verb, "no folder can be made in /tmp");
        demo->local.home = demo->made_folder;
    }
    if (code < 0)
        code = play(demo);
    if (demo->made_folder[0] != '\0' && code == EXIT_OK)
        remove_folder(demo->made_folder);
    records_free(&demo->records);
    free(demo);
    return code;
}

const verb_t verb_demo = {
    .name = "demo",
    .summary = "a guided minute: load, kill the leader, recover, compare",
    .arguments = "",
    .details =
        "Runs four validators as processes, loads the machine's Debian package index through the\n"
        "client, kills the leader with -9 in the middle, starts it again, reads every record back\n"
        "and compares the state roots. Exit code 1 unless everything is right.",
    .example = "synod demo",
    .run = run,
};
