/* What many runs sum up to: see sweep.h. */
#include "sim/sweep.h"

bool sweep_vacuous(const world_report_t *report) {
    uint64_t struck = 0;
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        struck += report->faults[i];
    return struck == 0 || report->views_failed == 0 || report->requests_answered == 0;
}

/* `held`: how many violated seeds are in there already. */
static void keep_seed(sweep_totals_t *totals, uint64_t held, uint64_t seed,
                      const world_report_t *report) {
    uint64_t at = held < SWEEP_SEEDS_KEPT ? held : SWEEP_SEEDS_KEPT;
    if (at == 0 || seed < totals->seeds[0])
        totals->first = *report;
    for (; at > 0 && totals->seeds[at - 1] > seed; at--)
        if (at < SWEEP_SEEDS_KEPT)
            totals->seeds[at] = totals->seeds[at - 1];
    if (at < SWEEP_SEEDS_KEPT)
        totals->seeds[at] = seed;
}

void sweep_add(sweep_totals_t *totals, uint64_t seed, const world_report_t *report) {
    totals->runs++;
    totals->vacuous += sweep_vacuous(report);
    totals->events += report->events;
    totals->requests += report->requests_answered;
    totals->blocks += report->blocks;
    totals->blocks_after_calm += report->blocks_after_calm;
    totals->views_failed += report->views_failed;
    totals->restarts += report->restarts;
    totals->refused += report->refused;
    totals->snapshots += report->snapshots;
    totals->releases += report->releases;
    totals->installs += report->installs;
    totals->shorts += report->shorts;
    totals->heal_sum_ns += report->heal_ns;
    totals->hash += report->hash * (2 * seed + 1);
    if (report->heal_ns > totals->heal_max_ns)
        totals->heal_max_ns = report->heal_ns;
    for (uint32_t i = 0; i < FAULT_KINDS; i++) {
        totals->faults[i] += report->faults[i];
        totals->runs_with[i] += report->faults[i] > 0;
        for (uint32_t j = i + 1; j < FAULT_KINDS; j++)
            totals->pairs[i][j] += report->faults[i] > 0 && report->faults[j] > 0;
    }
    if (report->violated == VIOLATION_NONE)
        return;
    totals->violations[report->violated]++;
    keep_seed(totals, totals->violated++, seed, report);
}

void sweep_merge(sweep_totals_t *to, const sweep_totals_t *from) {
    to->runs += from->runs;
    to->vacuous += from->vacuous;
    to->events += from->events;
    to->requests += from->requests;
    to->blocks += from->blocks;
    to->blocks_after_calm += from->blocks_after_calm;
    to->views_failed += from->views_failed;
    to->restarts += from->restarts;
    to->refused += from->refused;
    to->snapshots += from->snapshots;
    to->releases += from->releases;
    to->installs += from->installs;
    to->shorts += from->shorts;
    to->heal_sum_ns += from->heal_sum_ns;
    to->hash += from->hash;
    if (from->heal_max_ns > to->heal_max_ns)
        to->heal_max_ns = from->heal_max_ns;
    for (uint32_t i = 0; i < FAULT_KINDS; i++) {
        to->faults[i] += from->faults[i];
        to->runs_with[i] += from->runs_with[i];
        for (uint32_t j = i + 1; j < FAULT_KINDS; j++)
            to->pairs[i][j] += from->pairs[i][j];
    }
    for (uint32_t i = 0; i < VIOLATION_COUNT; i++)
        to->violations[i] += from->violations[i];
    for (uint64_t i = 0; i < from->violated && i < SWEEP_SEEDS_KEPT; i++)
        keep_seed(to, to->violated + i, from->seeds[i], &from->first);
    to->violated += from->violated;
}

uint32_t sweep_pairs_missing(const sweep_totals_t *totals, uint32_t kinds) {
    uint32_t missing = 0;
    for (uint32_t i = 0; i < kinds; i++)
        for (uint32_t j = i + 1; j < kinds; j++)
            missing += totals->pairs[i][j] == 0;
    return missing;
}
