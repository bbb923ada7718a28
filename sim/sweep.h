/* The sweep: whole runs derived from seeds. One seed gives a cluster, clients, a network, liars
 * and a plan of faults; the run plays them, then the world becomes calm and everything asked for
 * must be answered, executed everywhere and equal. */
#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

#include "sim/world.h"

/* Narrows what a seed may choose; zero fields: anything. */
typedef struct sweep_options {
    const char *protocol;
    uint32_t members; /* 0: 1 to 7, mostly 4 */
    uint32_t payload; /* payload_kind_t; 0: inline */
    bool no_liars, no_faults;
    uint32_t liars_beyond; /* so many members are twins, beyond the bound: forks must be seen */
    bool disk_lies;        /* every disk says durable too early: must be seen */
    void (*line)(void *context, uint64_t now_ns, const char *text);
    void *line_context;
} sweep_options_t;

/* One judged run. */
void sweep_run(uint64_t seed, const sweep_options_t *options, world_report_t *report);
/* A run counts only if requests were answered, a view changed and a fault struck. */
bool sweep_vacuous(const world_report_t *report);

#define SWEEP_SEEDS_KEPT 16

/* Sums over many runs. */
typedef struct sweep_totals {
    uint64_t runs, vacuous, violated, events, requests, blocks, views_failed, restarts, refused;
    uint64_t blocks_after_calm;
    uint64_t snapshots, releases, installs, shorts;
    uint64_t heal_max_ns, heal_sum_ns;
    uint64_t hash;                            /* of all trace hashes, whatever their order */
    uint64_t faults[FAULT_KINDS];             /* how often each struck */
    uint64_t runs_with[FAULT_KINDS];          /* in how many runs */
    uint64_t pairs[FAULT_KINDS][FAULT_KINDS]; /* runs in which both struck; row < column */
    uint64_t violations[VIOLATION_COUNT];
    uint64_t seeds[SWEEP_SEEDS_KEPT]; /* the lowest that were violated, in order */
    world_report_t first;             /* of seeds[0]; meaningful if violated > 0 */
} sweep_totals_t;

void sweep_add(sweep_totals_t *totals, uint64_t seed, const world_report_t *report);
void sweep_merge(sweep_totals_t *to, const sweep_totals_t *from);
/* Pairs of the first so many kinds that never struck together. */
uint32_t sweep_pairs_missing(const sweep_totals_t *totals, uint32_t kinds);

#endif
