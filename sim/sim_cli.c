/* Command line of the simulator: see sim_cli.h. */
#include "sim/sim_cli.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/registry.h"
#include "sim/script.h"
#include "sim/sweep_jobs.h"
#include "sim/sweep_print.h"

static const char run_help[] =
    "usage: synod sim run FILE.lua [--quiet] [--json]\n"
    "       synod sim run --seed N [--members N] [--protocol NAME] [--strategy NAME] [--quiet]\n"
    "                     [--json]\n"
    "\n"
    "Plays one run of whole replicas in simulated time and tells what happens, line by line: a\n"
    "script (docs/guide/simulator.md), or the run that a sweep derives from a seed.\n"
    "\n"
    "  --quiet          only the outcome\n"
    "  --json           the outcome as JSON\n"
    "\n"
    "example: synod sim run --seed 397\n"
    "\n"
    "Exit codes: 0 nothing was violated, 1 something was or the script failed, 2 wrong usage.\n";

static const char sweep_help[] =
    "usage: synod sim sweep [--seeds N] [--first S] [--jobs J] [--protocol NAME] [--strategy "
    "NAME]\n"
    "                       [--members N]\n"
    "                       [--no-liars] [--no-faults] [--twins N] [--disk-lies] [--stop] "
    "[--json]\n"
    "\n"
    "Plays many runs, each with its own cluster, network, liars and faults, all from its seed, "
    "and\n"
    "judges each: agreement, validity, exactly once, equal roots, no double signing, durable "
    "before\n"
    "spoken, progress once the faults end. Prints how often each kind of fault struck.\n"
    "\n"
    "  --seeds N        how many runs (1000)\n"
    "  --first S        the first seed (1)\n"
    "  --jobs J         processes (as many as processors)\n"
    "  --strategy NAME  payload strategy: inline (the default) or certified\n"
    "  --members N      clusters of this size only (1 to 7, mostly 4)\n"
    "  --no-liars       crashing members and bad networks only\n"
    "  --no-faults      liars only\n"
    "  --twins N        a control: the first N members have twins; beyond f, forks must be seen\n"
    "  --disk-lies      a control: every disk says durable too early; that must be seen\n"
    "  --stop           end at the first violation\n"
    "  --json           totals as JSON\n"
    "\n"
    "example: synod sim sweep --seeds 10000 --jobs 4\n"
    "\n"
    "Exit codes: 0 nothing was violated, 1 something was, 2 wrong usage.\n";

typedef struct arguments {
    const char *file;
    bool has_seed, quiet, json, help;
    sweep_jobs_t sweep;
} arguments_t;

static int usage(const char *verb, const char *what, const char *which) {
    fprintf(stderr, "synod sim %s: %s%s; see synod sim %s --help\n", verb, what, which, verb);
    return 2;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *number) {
    char *end = NULL;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number <= most;
}

/* An option with a number. False: the text is none. */
static bool take_number(arguments_t *a, const char *option, const char *text) {
    uint64_t number = 0;
    bool members = strcmp(option, "--members") == 0, jobs = strcmp(option, "--jobs") == 0;
    bool twins = strcmp(option, "--twins") == 0;
    uint64_t most = members || twins ? 16 : jobs ? SWEEP_JOBS_MAX : UINT64_MAX / 4;
    if (!parse_number(text, most, &number) || ((members || jobs) && number == 0))
        return false;
    if (members) {
        a->sweep.options.members = (uint32_t)number;
    } else if (twins) {
        a->sweep.options.liars_beyond = (uint32_t)number;
    } else if (jobs) {
        a->sweep.jobs = (uint32_t)number;
    } else if (strcmp(option, "--seeds") == 0) {
        a->sweep.count = number;
    } else {
        a->sweep.first = number;
        a->has_seed = a->has_seed || strcmp(option, "--seed") == 0;
    }
    return true;
}

static bool is_one_of(const char *text, const char *const *list) {
    for (; *list != NULL; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

static bool take_flag(arguments_t *a, const char *text) {
    struct {
        const char *name;
        bool *to;
    } flags[] = {{"--quiet", &a->quiet},
                 {"--json", &a->json},
                 {"--help", &a->help},
                 {"--no-liars", &a->sweep.options.no_liars},
                 {"--no-faults", &a->sweep.options.no_faults},
                 {"--disk-lies", &a->sweep.options.disk_lies},
                 {"--stop", &a->sweep.stop_at_first}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(text, flags[i].name) == 0)
            return *flags[i].to = true;
    return false;
}

/* 0, or the exit code of a usage error. */
static int parse(arguments_t *a, const char *verb, const char *const *allowed, int argc,
                 char **argv) {
    static const char *const numbers[] = {"--seeds", "--first", "--jobs", "--members",
                                          "--twins", "--seed",  NULL};
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        if (text[0] != '-' && strcmp(verb, "run") == 0 && a->file == NULL) {
            a->file = text;
            continue;
        }
        if (!is_one_of(text, allowed))
            return usage(verb, "what is ", text);
        if (take_flag(a, text))
            continue;
        if (++i == argc)
            return usage(verb, "a value is missing after ", text);
        if (strcmp(text, "--strategy") == 0) {
            a->sweep.options.payload = payload_find(argv[i]);
            if (a->sweep.options.payload == 0)
                return usage(verb, "inline or certified, not ", argv[i]);
        } else if (strcmp(text, "--protocol") == 0) {
            const protocol_t *protocol = protocol_find(argv[i]);
            const char *reason;
            a->sweep.options.protocol = argv[i];
            if (protocol == NULL)
                return usage(verb, "no such protocol: ", argv[i]);
            if (protocol_judge(protocol, &reason) != SYNOD_OK)
                return usage(verb, "no chain can be made of it: ", reason);
        } else if (!is_one_of(text, numbers) || !take_number(a, text, argv[i])) {
            return usage(verb, "not a number that fits: ", argv[i]);
        }
    }
    return 0;
}

/* ---- run ---- */

static void print_line(void *context, uint64_t now_ns, const char *text) {
    (void)context;
    printf("%12.3f ms  %s\n", (double)now_ns / 1e6, text);
}

static void print_report(const world_report_t *r, bool json) {
    if (json) {
        char hash[17];
        snprintf(hash, sizeof hash, "%016" PRIx64, r->hash);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "violated", violation_name(r->violated));
        cJSON_AddStringToObject(object, "text", r->text);
        cJSON_AddStringToObject(object, "trace_hash", hash);
        cJSON_AddNumberToObject(object, "events", (double)r->events);
        cJSON_AddNumberToObject(object, "requests_answered", (double)r->requests_answered);
        cJSON_AddNumberToObject(object, "blocks", (double)r->blocks);
        cJSON_AddNumberToObject(object, "views_failed", (double)r->views_failed);
        char *text = cJSON_Print(object);
        printf("%s\n", text);
        cJSON_free(text);
        cJSON_Delete(object);
        return;
    }
    printf("%s%s%s: %" PRIu64 " requests answered, %" PRIu64 " blocks, %" PRIu64
           " views failed, %" PRIu64 " events, trace %016" PRIx64 "\n",
           r->violated == VIOLATION_NONE ? "good" : violation_name(r->violated),
           r->violated == VIOLATION_NONE ? "" : ": ", r->text, r->requests_answered, r->blocks,
           r->views_failed, r->events, r->hash);
}

int sim_cli_run(int argc, char **argv) {
    static const char *const allowed[] = {"--seed",  "--members",   "--protocol", "--quiet",
                                          "--json",  "--help",      "--no-liars", "--no-faults",
                                          "--twins", "--disk-lies", "--strategy", NULL};
    arguments_t a = {0};
    int code = parse(&a, "run", allowed, argc, argv);
    if (code != 0)
        return code;
    if (a.help) {
        fputs(run_help, stdout);
        return 0;
    }
    if ((a.file != NULL) == a.has_seed)
        return usage("run", "one script or one --seed is needed", "");
    world_report_t report = {0};
    void (*line)(void *, uint64_t, const char *) = a.quiet || a.json ? NULL : print_line;
    if (a.file != NULL) {
        char error[SCRIPT_ERROR_MAX];
        if (!script_run(a.file, line, NULL, &report, error, sizeof error)) {
            fprintf(stderr, "synod sim run: %s\n", error);
            return 1;
        }
    } else {
        a.sweep.options.line = line;
        sweep_run(a.sweep.first, &a.sweep.options, &report);
    }
    print_report(&report, a.json);
    return report.violated == VIOLATION_NONE ? 0 : 1;
}

/* ---- sweep ---- */

static void show_progress(void *context, uint64_t done, uint64_t count, uint64_t violated) {
    uint64_t *last = context;
    if (isatty(STDERR_FILENO)) {
        unsigned width = (unsigned)(done * 40 / (count == 0 ? 1 : count));
        fprintf(stderr, "\r[%-40.*s] %" PRIu64 "/%" PRIu64 " runs, %" PRIu64 " violated ",
                (int)width, "########################################", done, count, violated);
    } else if (done * 10 / (count == 0 ? 1 : count) > *last) {
        *last = done * 10 / (count == 0 ? 1 : count);
        fprintf(stderr, "%" PRIu64 "/%" PRIu64 " runs, %" PRIu64 " violated\n", done, count,
                violated);
    }
}

int sim_cli_sweep(int argc, char **argv) {
    static const char *const allowed[] = {
        "--seeds", "--first",     "--jobs",  "--protocol",  "--members", "--no-liars", "--stop",
        "--json",  "--no-faults", "--twins", "--disk-lies", "--help",    "--strategy", NULL};
    arguments_t a = {.sweep = {.first = 1, .count = 1000}};
    int code = parse(&a, "sweep", allowed, argc, argv);
    if (code != 0)
        return code;
    if (a.help) {
        fputs(sweep_help, stdout);
        return 0;
    }
    if (a.sweep.jobs == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        a.sweep.jobs = processors < 1 || processors > SWEEP_JOBS_MAX ? 1 : (uint32_t)processors;
    }
    uint64_t shown = 0;
    sweep_totals_t totals;
    a.sweep.progress = show_progress;
    a.sweep.context = &shown;
    if (!sweep_jobs_run(&a.sweep, &totals)) {
        fprintf(stderr, "synod sim sweep: no process could be made; try --jobs 1\n");
        return 1;
    }
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\n");
    if (a.json)
        sweep_print_json(&a.sweep.options, &totals);
    else
        sweep_print_text(&a.sweep.options, &totals);
    return totals.violated == 0 ? 0 : 1;
}
