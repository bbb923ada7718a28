/* See sweep_print.h. */
#include "sim/sweep_print.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

#define COMMAND_MAX 240

static void repeat_command(const sweep_options_t *o, uint64_t seed, char *to, size_t size) {
    char members[32] = "", twins[32] = "", strategy[32] = "";
    if (o->members != 0)
        snprintf(members, sizeof members, " --members %u", o->members);
    if (o->liars_beyond != 0)
        snprintf(twins, sizeof twins, " --twins %u", o->liars_beyond);
    if (o->payload != 0)
        snprintf(strategy, sizeof strategy, " --strategy %s", payload_name(o->payload));
    snprintf(to, size, "synod sim run --seed %" PRIu64 "%s%s%s%s%s%s%s%s", seed,
             o->protocol == NULL ? "" : " --protocol ", o->protocol == NULL ? "" : o->protocol,
             strategy, members, twins, o->no_liars ? " --no-liars" : "",
             o->no_faults ? " --no-faults" : "", o->disk_lies ? " --disk-lies" : "");
}

/* ---- JSON ---- */

static void add(cJSON *object, const char *name, uint64_t number) {
    cJSON_AddNumberToObject(object, name, (double)number);
}

static void add_faults(cJSON *object, uint32_t payload, const sweep_totals_t *t) {
    cJSON *struck = cJSON_AddObjectToObject(object, "faults");
    cJSON *runs = cJSON_AddObjectToObject(object, "runs_with");
    cJSON *pairs = cJSON_AddObjectToObject(object, "pairs");
    uint32_t kinds = world_fault_kinds(payload);
    for (uint32_t i = 0; i < kinds; i++) {
        const char *name = world_fault_name((world_fault_t)i);
        add(struck, name, t->faults[i]);
        add(runs, name, t->runs_with[i]);
        cJSON *row = cJSON_AddObjectToObject(pairs, name);
        for (uint32_t j = i + 1; j < kinds; j++)
            add(row, world_fault_name((world_fault_t)j), t->pairs[i][j]);
    }
}

static void add_violations(cJSON *object, const sweep_options_t *options, const sweep_totals_t *t) {
    cJSON *kinds = cJSON_AddObjectToObject(object, "violations");
    cJSON *seeds = cJSON_AddArrayToObject(object, "violated_seeds");
    for (uint32_t i = 1; i < VIOLATION_COUNT; i++)
        if (t->violations[i] > 0)
            add(kinds, violation_name((violation_t)i), t->violations[i]);
    for (uint64_t i = 0; i < t->violated && i < SWEEP_SEEDS_KEPT; i++)
        cJSON_AddItemToArray(seeds, cJSON_CreateNumber((double)t->seeds[i]));
    if (t->violated == 0)
        return;
    char command[COMMAND_MAX];
    repeat_command(options, t->seeds[0], command, sizeof command);
    cJSON_AddStringToObject(object, "first_violation", violation_name(t->first.violated));
    cJSON_AddStringToObject(object, "text", t->first.text);
    cJSON_AddStringToObject(object, "repeat", command);
}

void sweep_print_json(const sweep_options_t *options, const sweep_totals_t *t) {
    cJSON *object = cJSON_CreateObject();
    add(object, "runs", t->runs);
    add(object, "vacuous", t->vacuous);
    add(object, "violated", t->violated);
    add(object, "events", t->events);
    add(object, "requests_answered", t->requests);
    add(object, "blocks", t->blocks);
    add(object, "blocks_after_calm", t->blocks_after_calm);
    add(object, "views_failed", t->views_failed);
    add(object, "restarts", t->restarts);
    add(object, "snapshots", t->snapshots);
    add(object, "releases", t->releases);
    add(object, "installs", t->installs);
    add(object, "journals_full", t->shorts);
    add(object, "heal_max_ms", t->heal_max_ns / 1000000);
    add(object, "heal_sum_ms", t->heal_sum_ns / 1000000);
    add(object, "pairs_missing", sweep_pairs_missing(t, world_fault_kinds(options->payload)));
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, t->hash);
    cJSON_AddStringToObject(object, "trace_hash", hash);
    add_faults(object, options->payload, t);
    add_violations(object, options, t);
    char *text = cJSON_Print(object);
    printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(object);
}

/* ---- text ---- */

void sweep_print_text(const sweep_options_t *options, const sweep_totals_t *t) {
    printf("runs %" PRIu64 " (%" PRIu64 " vacuous), violated %" PRIu64 "\n", t->runs, t->vacuous,
           t->violated);
    printf("requests answered %" PRIu64 ", blocks %" PRIu64 ", views failed %" PRIu64
           ", restarts %" PRIu64 ", events %" PRIu64 "\n",
           t->requests, t->blocks, t->views_failed, t->restarts, t->events);
    printf("snapshots stored %" PRIu64 ", journals shortened %" PRIu64 ", full for a while %" PRIu64
           ", states fetched from others %" PRIu64 "\n",
           t->snapshots, t->releases, t->shorts, t->installs);
    printf("from the calm to everything answered and executed: %.2f s at most, %.2f s on average\n",
           (double)t->heal_max_ns / 1e9,
           t->runs == 0 ? 0 : (double)t->heal_sum_ns / 1e9 / (double)t->runs);
    printf("%-20s %12s %12s\n", "fault", "struck", "in runs");
    uint32_t kinds = world_fault_kinds(options->payload);
    for (uint32_t i = 0; i < kinds; i++)
        printf("%-20s %12" PRIu64 " %12" PRIu64 "\n", world_fault_name((world_fault_t)i),
               t->faults[i], t->runs_with[i]);
    printf("pairs of kinds that never struck in one run: %u of %u\n", sweep_pairs_missing(t, kinds),
           kinds * (kinds - 1) / 2);
    printf("hash of all traces: %016" PRIx64 "\n", t->hash);
    if (t->violated == 0)
        return;
    char command[COMMAND_MAX];
    repeat_command(options, t->seeds[0], command, sizeof command);
    printf("violated seeds:");
    for (uint64_t i = 0; i < t->violated && i < SWEEP_SEEDS_KEPT; i++)
        printf(" %" PRIu64, t->seeds[i]);
    printf("%s\nthe first: %s: %s\nrepeat it with: %s\n",
           t->violated > SWEEP_SEEDS_KEPT ? " and more" : "", violation_name(t->first.violated),
           t->first.text, command);
}
