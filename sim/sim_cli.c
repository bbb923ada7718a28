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

static const char run_help[] =
    "usage: synod sim run FILE.lua [--quiet] [--json]\n"
    "       synod sim run --seed N [--members N] [--protocol NAME] [--quiet] [--json]\n"
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
    "usage: synod sim sweep [--seeds N] [--first S] [--jobs J] [--protocol NAME] [--members N]\n"
    "                       [--no-liars] [--no-faults] [--stop] [--json]\n"
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
    "  --members N      clusters of this size only (1 to 7, mostly 4)\n"
    "  --no-liars       crashing members and bad networks only\n"
    "  --no-faults      liars only\n"
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
    uint64_t most = members ? 16 : jobs ? SWEEP_JOBS_MAX : UINT64_MAX / 4;
    if (!parse_number(text, most, &number) || ((members || jobs) && number == 0))
        return false;
    if (members) {
        a->sweep.options.members = (uint32_t)number;
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
                 {"--stop", &a->sweep.stop_at_first}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(text, flags[i].name) == 0)
            return *flags[i].to = true;
    return false;
}

/* 0, or the exit code of a usage error. */
static int parse(arguments_t *a, const char *verb, const char *const *allowed, int argc,
                 char **argv) {
    static const char *const numbers[] = {"--seeds",   "--first", "--jobs",
                                          "--members", "--seed",  NULL};
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
        if (strcmp(text, "--protocol") == 0) {
            a->sweep.options.protocol = argv[i];
            if (protocol_find(argv[i]) == NULL)
                return usage(verb, "no such protocol: ", argv[i]);
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
    static const char *const allowed[] = {"--seed",     "--members",   "--protocol",
                                          "--quiet",    "--json",      "--help",
                                          "--no-liars", "--no-faults", NULL};
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

static void repeat_command(const sweep_jobs_t *sweep, const sweep_totals_t *t, char *to,
                           size_t size) {
    const sweep_options_t *o = &sweep->options;
    char members[32] = "";
    if (o->members != 0)
        snprintf(members, sizeof members, " --members %u", o->members);
    snprintf(to, size, "synod sim run --seed %" PRIu64 "%s%s%s%s%s", t->first_violated,
             o->protocol == NULL ? "" : " --protocol ", o->protocol == NULL ? "" : o->protocol,
             members, o->no_liars ? " --no-liars" : "", o->no_faults ? " --no-faults" : "");
}

static void print_json(const sweep_jobs_t *sweep, const sweep_totals_t *t) {
    cJSON *object = cJSON_CreateObject(), *faults = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "runs", (double)t->runs);
    cJSON_AddNumberToObject(object, "vacuous", (double)t->vacuous);
    cJSON_AddNumberToObject(object, "violated", (double)t->violated);
    cJSON_AddNumberToObject(object, "events", (double)t->events);
    cJSON_AddNumberToObject(object, "requests_answered", (double)t->requests);
    cJSON_AddNumberToObject(object, "blocks", (double)t->blocks);
    cJSON_AddNumberToObject(object, "views_failed", (double)t->views_failed);
    cJSON_AddNumberToObject(object, "restarts", (double)t->restarts);
    cJSON_AddNumberToObject(object, "snapshots", (double)t->snapshots);
    cJSON_AddNumberToObject(object, "releases", (double)t->releases);
    cJSON_AddNumberToObject(object, "installs", (double)t->installs);
    cJSON_AddNumberToObject(object, "heal_max_ms", (double)(t->heal_max_ns / 1000000));
    cJSON_AddNumberToObject(object, "pairs_missing", sweep_pairs_missing(t));
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, t->hash);
    cJSON_AddStringToObject(object, "trace_hash", hash);
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        cJSON_AddNumberToObject(faults, world_fault_name((world_fault_t)i), (double)t->faults[i]);
    cJSON_AddItemToObject(object, "faults", faults);
    if (t->violated > 0) {
        char command[200];
        repeat_command(sweep, t, command, sizeof command);
        cJSON_AddStringToObject(object, "first_violation", violation_name(t->first.violated));
        cJSON_AddStringToObject(object, "text", t->first.text);
        cJSON_AddStringToObject(object, "repeat", command);
    }
    char *text = cJSON_Print(object);
    printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(object);
}

static void print_text(const sweep_jobs_t *sweep, const sweep_totals_t *t) {
    printf("runs %" PRIu64 " (%" PRIu64 " vacuous), violated %" PRIu64 "\n", t->runs, t->vacuous,
           t->violated);
    printf("requests answered %" PRIu64 ", blocks %" PRIu64 ", views failed %" PRIu64
           ", restarts %" PRIu64 ", events %" PRIu64 "\n",
           t->requests, t->blocks, t->views_failed, t->restarts, t->events);
    printf("snapshots stored %" PRIu64 ", journals shortened %" PRIu64
           ", states fetched from others %" PRIu64 "\n",
           t->snapshots, t->releases, t->installs);
    printf("from the calm to everything answered and executed: %.2f s at most, %.2f s on average\n",
           (double)t->heal_max_ns / 1e9,
           t->runs == 0 ? 0 : (double)t->heal_sum_ns / 1e9 / (double)t->runs);
    printf("%-20s %12s %12s\n", "fault", "struck", "in runs");
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        printf("%-20s %12" PRIu64 " %12" PRIu64 "\n", world_fault_name((world_fault_t)i),
               t->faults[i], t->runs_with[i]);
    printf("pairs of kinds that never struck in one run: %u of %u\n", sweep_pairs_missing(t),
           FAULT_KINDS * (FAULT_KINDS - 1) / 2);
    printf("hash of all traces: %016" PRIx64 "\n", t->hash);
    if (t->violated == 0)
        return;
    char command[200];
    repeat_command(sweep, t, command, sizeof command);
    printf("first violation: seed %" PRIu64 ": %s: %s\nrepeat it with: %s\n", t->first_violated,
           violation_name(t->first.violated), t->first.text, command);
}

int sim_cli_sweep(int argc, char **argv) {
    static const char *const allowed[] = {"--seeds",     "--first",    "--jobs", "--protocol",
                                          "--members",   "--no-liars", "--stop", "--json",
                                          "--no-faults", "--help",     NULL};
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
        print_json(&a.sweep, &totals);
    else
        print_text(&a.sweep, &totals);
    return totals.violated == 0 ? 0 : 1;
}
