/* A local chain for up, demo and bench: homes made when missing, validators started, ready checked.
 */
#ifndef CLI_LOCAL_H
#define CLI_LOCAL_H

#include "cli/cluster.h"
#include "cli/connect.h"
#include "cli/plan.h"

typedef struct local_options {
    plan_options_t plan;
    const char *home;
    uint64_t count;
} local_options_t;

/* --home, --n and those of a plan from index `at`; needs room for 10. */
void local_option_table(local_options_t *local, option_t *options, uint32_t at);
/* Makes the homes unless they are there. -1 to go on, or the exit code. */
int local_prepare(const verb_t *verb, local_options_t *local, cluster_t *cluster);
/* Starts all and waits until all answer; the client is the caller's to close. -1, or the exit code
 * (then all were stopped). */
int local_start(const verb_t *verb, cluster_t *cluster, synod_client **client);
/* A client of this cluster. */
int local_client(const verb_t *verb, const cluster_t *cluster, const synod_client_options *tuning,
                 synod_client **client);

#endif
