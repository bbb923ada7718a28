/*
 * floors: the least that replication of this shape can cost on this machine.
 *
 * Three programs with the skeleton of a leader-based protocol and nothing else: no views, no
 * votes to store, no memory pool, no recovery. What Synod spends above them is its own.
 *
 *   A  client -> leader -> three followers over plain TCP on loopback: blocks of whatever batches
 *      are waiting, hashed by every replica, answered when two followers have acknowledged.
 *   B  A with TLS 1.3 on every connection.
 *   C  B with one Ed25519 signature per batch checked by every replica, a hash map written by every
 *      replica once a block is decided, and a reply from each; the client waits for two that match.
 *
 * The parts are in bench/support/floor_*; this file has the options and the output.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bench/support/floor.h"

enum { FLOOR_COUNT = 3, EXIT_USAGE = 2, TMPFS = 0x01021994 };

enum {
    OUTSTANDING_MAX = 4096,
    OUTSTANDING_BYTES_MAX = 256 << 20, /* what the leader may have to hold */
    PAYLOAD_BYTES_MAX = 1 << 16,
    BATCH_MAX = 1 << 16,
    PIPELINE_MAX = 64,
};

struct options {
    struct floor_settings settings;
    bool chosen[FLOOR_COUNT];
    bool json;
};

static const char *const descriptions[FLOOR_COUNT] = {
    "plain TCP, SHA-256",
    "A + TLS 1.3",
    "B + Ed25519, map, replies",
};

/* What is printed of one floor, over all five processes unless it says otherwise. */
struct figures {
    double seconds;
    double operations_per_second;
    double cpu_us_per_operation;
    double leader_us_per_operation;
    double followers_us_per_operation; /* the three together */
    double client_us_per_operation;
    double system_share; /* of the CPU time */
    double bytes_per_operation;
    double p50_ms;
    double p99_ms;
    double batches_per_block;
    double fsyncs_per_block;
    uint64_t operations;
    uint64_t blocks;
    uint64_t fsyncs;
};

/* ---- options ---- */

static void print_help(void) {
    fputs("Usage: floors [options]\n"
          "The least CPU that a replicated operation costs on this machine: a leader, three\n"
          "followers and a client as five processes on loopback, closed loop.\n"
          "\n"
          "  --floor A|B|C|all   A: plain TCP and hashing; B: A over TLS 1.3; C: B with client\n"
          "                      signatures, a hash map and replies from all (default all)\n"
          "  --payload BYTES     of one operation, key of 16 included (default 128)\n"
          "  --batch N           operations in a batch (default 100)\n"
          "  --outstanding N     batches that the client keeps outstanding (default 64)\n"
          "  --pipeline K        blocks in flight at a time (default 1)\n"
          "  --seconds S         measured, after a warm-up of 0.5 s (default 3)\n"
          "  --fsync             replicas write each block and fdatasync before they vote\n"
          "  --dir DIR           where the journals lie, without names (default .)\n"
          "  --json              print JSON instead of a table\n"
          "  --help              this text\n"
          "\n"
          "CPU is user and system time of all five processes. Bytes are those written to sockets,\n"
          "without TCP and IP headers. fsyncs/block adds up the four replicas: 4.00 is one each.\n"
          "Work that the kernel does in its own threads (disk) belongs to no process.\n"
          "\n"
          "Example: what durability adds to the plain pipeline, for operations of 1 KiB\n"
          "  floors --floor A --payload 1024 --fsync --dir /var/tmp\n"
          "\n"
          "Exit codes: 0 done, 1 failed, 2 usage.\n",
          stdout);
}

static _Noreturn void usage_error(const char *option, const char *value, const char *wanted) {
    fprintf(stderr, "floors: %s: '%s' is not %s; see floors --help\n", option, value, wanted);
    exit(EXIT_USAGE);
}

static uint32_t parse_count(const char *option, const char *text, uint32_t least, uint32_t most) {
    char wanted[64];
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < (long)least || value > (long)most) {
        snprintf(wanted, sizeof wanted, "a whole number from %u to %u", least, most);
        usage_error(option, text, wanted);
    }
    return (uint32_t)value;
}

static uint64_t parse_seconds(const char *text) {
    char *end = NULL;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0.1 && seconds <= 3600.0)) {
        usage_error("--seconds", text, "a number from 0.1 to 3600");
    }
    return (uint64_t)(seconds * 1e9);
}

static void choose_floor(struct options *options, const char *text) {
    static const char *const letters[FLOOR_COUNT] = {"A", "B", "C"};
    bool all = strcasecmp(text, "all") == 0;
    bool any = false;
    for (int i = 0; i < FLOOR_COUNT; i++) {
        options->chosen[i] = all || strcasecmp(text, letters[i]) == 0;
        any = any || options->chosen[i];
    }
    if (!any) {
        usage_error("--floor", text, "A, B, C or all");
    }
}

/* What only the options together can violate. */
static void judge(const struct options *options) {
    struct floor_settings largest = options->settings;
    struct stat status;
    largest.kind = FLOOR_C;
    size_t frame_bytes = floor_batch_frame_bytes(&largest);
    if (frame_bytes > FLOOR_BLOCK_BYTES_MAX) {
        fprintf(stderr,
                "floors: a batch of %u operations of %u bytes does not fit into a block of 1 MiB; "
                "lower --batch or --payload\n",
                largest.batch_operations, largest.payload_bytes);
        exit(EXIT_USAGE);
    }
    if (frame_bytes * largest.outstanding_batches > OUTSTANDING_BYTES_MAX) {
        fprintf(stderr, "floors: more than 256 MiB outstanding; lower --outstanding\n");
        exit(EXIT_USAGE);
    }
    if (largest.fsync && (stat(largest.directory, &status) != 0 || !S_ISDIR(status.st_mode) ||
                          access(largest.directory, W_OK | X_OK) != 0)) {
        usage_error("--dir", largest.directory, "a directory that can be written");
    }
}

static void warn_of_memory_disk(const struct floor_settings *settings) {
    struct statfs system;
    if (settings->fsync && statfs(settings->directory, &system) == 0 && system.f_type == TMPFS) {
        fprintf(stderr,
                "floors: %s lies in memory, where fdatasync does nothing; "
                "choose a disk by --dir\n",
                settings->directory);
    }
}

static struct options parse(int argc, char **argv) {
    static const struct option known[] = {
        {"floor", required_argument, NULL, 'f'},
        {"payload", required_argument, NULL, 'p'},
        {"batch", required_argument, NULL, 'b'},
        {"outstanding", required_argument, NULL, 'o'},
        {"pipeline", required_argument, NULL, 'k'},
        {"seconds", required_argument, NULL, 's'},
        {"fsync", no_argument, NULL, 'y'},
        {"dir", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {
        .settings = {.payload_bytes = 128,
                     .batch_operations = 100,
                     .outstanding_batches = 64,
                     .pipeline_blocks = 1,
                     .warm_up_ns = 500000000,
                     .duration_ns = 3000000000,
                     .directory = "."},
        .chosen = {true, true, true},
    };
    struct floor_settings *to = &options.settings;
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (letter) {
        case 'f':
            choose_floor(&options, optarg);
            break;
        case 'p':
            to->payload_bytes =
                parse_count("--payload", optarg, FLOOR_KEY_BYTES, PAYLOAD_BYTES_MAX);
            break;
        case 'b':
            to->batch_operations = parse_count("--batch", optarg, 1, BATCH_MAX);
            break;
        case 'o':
            to->outstanding_batches = parse_count("--outstanding", optarg, 1, OUTSTANDING_MAX);
            break;
        case 'k':
            to->pipeline_blocks = parse_count("--pipeline", optarg, 1, PIPELINE_MAX);
            break;
        case 's':
            to->duration_ns = parse_seconds(optarg);
            break;
        case 'y':
            to->fsync = true;
            break;
        case 'd':
            to->directory = optarg;
            break;
        case 'j':
            options.json = true;
            break;
        case 'h':
            print_help();
            exit(EXIT_SUCCESS);
        default:
            fputs("floors: see floors --help\n", stderr);
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc) {
        usage_error("argument", argv[optind], "an option");
    }
    judge(&options);
    return options;
}

/* ---- output ---- */

static double cpu_us(const struct floor_report *report) {
    return (double)(report->counts.cpu_user_ns + report->counts.cpu_system_ns) / 1e3;
}

static struct figures figures_of(const struct floor_result *result) {
    const struct floor_report *client = &result->reports[FLOOR_CLIENT];
    const struct floor_counts *leader = &result->reports[FLOOR_LEADER].counts;
    double operations = (double)client->counts.operations;
    double blocks = (double)leader->blocks;
    double system_us = 0;
    double sent_bytes = 0;
    struct figures figures = {.operations = client->counts.operations, .blocks = leader->blocks};
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        const struct floor_report *report = &result->reports[i];
        figures.cpu_us_per_operation += cpu_us(report) / operations;
        system_us += (double)report->counts.cpu_system_ns / 1e3;
        sent_bytes += (double)report->counts.sent_bytes;
        figures.fsyncs += report->counts.fsyncs;
    }
    figures.seconds = (double)client->counts.time_ns / 1e9;
    figures.operations_per_second = operations / figures.seconds;
    figures.leader_us_per_operation = cpu_us(&result->reports[FLOOR_LEADER]) / operations;
    figures.client_us_per_operation = cpu_us(client) / operations;
    figures.followers_us_per_operation = figures.cpu_us_per_operation -
                                         figures.leader_us_per_operation -
                                         figures.client_us_per_operation;
    figures.system_share = system_us / (figures.cpu_us_per_operation * operations);
    figures.bytes_per_operation = sent_bytes / operations;
    figures.p50_ms = (double)client->latency_p50_ns / 1e6;
    figures.p99_ms = (double)client->latency_p99_ns / 1e6;
    figures.batches_per_block = (double)leader->block_batches / blocks;
    figures.fsyncs_per_block = (double)figures.fsyncs / blocks;
    return figures;
}

static void print_table_head(const struct floor_settings *settings) {
    printf("4 replicas, payload %u B, %u operations a batch, %u batches outstanding, "
           "%u block%s in flight,\n%s, %.1f s each; us/op are microseconds of CPU an operation\n\n",
           settings->payload_bytes, settings->batch_operations, settings->outstanding_batches,
           settings->pipeline_blocks, settings->pipeline_blocks == 1 ? "" : "s",
           settings->fsync ? "fdatasync before each vote" : "no fsync",
           (double)settings->duration_ns / 1e9);
    printf("%-28s %8s %7s %7s %9s %7s %5s %8s %7s %7s %8s %8s %7s\n", "", "", "us/op", "us/op",
           "us/op", "us/op", "in", "bytes", "p50", "p99", "", "batches", "fsyncs");
    printf("%-28s %8s %7s %7s %9s %7s %5s %8s %7s %7s %8s %8s %7s\n", "floor", "ops/s", "all",
           "leader", "followers", "client", "sys", "/op", "ms", "ms", "blocks", "/block", "/block");
}

static void print_row(int floor, const struct figures *figures) {
    printf("%c %-26s %8.0f %7.3f %7.3f %9.3f %7.3f %4.0f%% %8.1f %7.2f %7.2f %8" PRIu64
           " %8.1f %7.2f\n",
           'A' + floor, descriptions[floor], figures->operations_per_second,
           figures->cpu_us_per_operation, figures->leader_us_per_operation,
           figures->followers_us_per_operation, figures->client_us_per_operation,
           figures->system_share * 100, figures->bytes_per_operation, figures->p50_ms,
           figures->p99_ms, figures->blocks, figures->batches_per_block, figures->fsyncs_per_block);
    fflush(stdout);
}

static void print_json_head(const struct floor_settings *settings) {
    printf("{\"replicas\":%d,\"payload_bytes\":%u,\"batch_operations\":%u,"
           "\"outstanding_batches\":%u,\"pipeline_blocks\":%u,\"fsync\":%s,\"floors\":[",
           FLOOR_REPLICAS, settings->payload_bytes, settings->batch_operations,
           settings->outstanding_batches, settings->pipeline_blocks,
           settings->fsync ? "true" : "false");
}

static void print_json(int floor, const struct figures *figures, bool first) {
    printf("%s\n{\"floor\":\"%c\",\"description\":\"%s\",\"seconds\":%.3f,"
           "\"operations\":%" PRIu64 ",\"operations_per_second\":%.0f,"
           "\"cpu_us_per_operation\":%.4f,\"leader_cpu_us_per_operation\":%.4f,"
           "\"followers_cpu_us_per_operation\":%.4f,\"client_cpu_us_per_operation\":%.4f,"
           "\"system_share\":%.3f,\"bytes_per_operation\":%.2f,\"latency_p50_ms\":%.3f,"
           "\"latency_p99_ms\":%.3f,\"blocks\":%" PRIu64 ",\"batches_per_block\":%.2f,"
           "\"fsyncs\":%" PRIu64 ",\"fsyncs_per_block\":%.3f}",
           first ? "" : ",", 'A' + floor, descriptions[floor], figures->seconds,
           figures->operations, figures->operations_per_second, figures->cpu_us_per_operation,
           figures->leader_us_per_operation, figures->followers_us_per_operation,
           figures->client_us_per_operation, figures->system_share, figures->bytes_per_operation,
           figures->p50_ms, figures->p99_ms, figures->blocks, figures->batches_per_block,
           figures->fsyncs, figures->fsyncs_per_block);
    fflush(stdout);
}

static bool run_one(struct floor_settings *settings, int floor, struct figures *figures) {
    struct floor_result result;
    memset(&result, 0, sizeof result);
    settings->kind = (enum floor_kind)floor;
    if (!floor_run(settings, &result)) {
        return false;
    }
    if (result.reports[FLOOR_CLIENT].counts.operations == 0 ||
        result.reports[FLOOR_LEADER].counts.blocks == 0) {
        fprintf(stderr, "floors: floor %c completed nothing; raise --seconds\n", 'A' + floor);
        return false;
    }
    *figures = figures_of(&result);
    return true;
}

int main(int argc, char **argv) {
    struct options options = parse(argc, argv);
    bool first = true;
    warn_of_memory_disk(&options.settings);
    (options.json ? print_json_head : print_table_head)(&options.settings);
    for (int floor = 0; floor < FLOOR_COUNT; floor++) {
        struct figures figures;
        if (!options.chosen[floor]) {
            continue;
        }
        if (!run_one(&options.settings, floor, &figures)) {
            return EXIT_FAILURE;
        }
        if (options.json) {
            print_json(floor, &figures, first);
        } else {
            print_row(floor, &figures);
        }
        first = false;
    }
    if (options.json) {
        printf("\n]}\n");
    }
    return EXIT_SUCCESS;
}
