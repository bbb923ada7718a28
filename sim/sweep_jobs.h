/* A sweep over many seeds in several processes. A run that stops its process (a broken
 * assertion) is found like any other violation: the parent knows which seed it was. */
#ifndef SIM_SWEEP_JOBS_H
#define SIM_SWEEP_JOBS_H

#include "sim/sweep.h"

#define SWEEP_JOBS_MAX 256

typedef struct sweep_jobs {
    uint64_t first, count;
    uint32_t jobs;      /* processes, 1 or more */
    bool stop_at_first; /* no further seeds after a violation */
    sweep_options_t options;
    /* Optional: called some times a second with what is done. */
    void (*progress)(void *context, uint64_t done, uint64_t count, uint64_t violated);
    void *context;
} sweep_jobs_t;

/* The totals do not depend on the number of processes, unless it stops at the first violation.
 * False: no process could be made. */
bool sweep_jobs_run(const sweep_jobs_t *jobs, sweep_totals_t *totals);

#endif
