/* Fault hooks of a node: ways to break it on purpose, for the tests that must see what is broken.
 * They are in builds with SYNOD_FAULT_HOOKS only; any other has the empty functions below, and
 * tests/power/hooks_test.sh looks into the program for what should not be there. All hooks stand
 * between the replica and the world, so no other file knows of them.
 *
 * The environment variable SYNOD_FAULT names them, separated by commas:
 *   unsynced       a sync of the journal or a snapshot does nothing and succeeds
 *   slow=US        each sync takes so many microseconds longer, as on a slow disk; breaks nothing
 *   clock=MS       the clock goes so many milliseconds ahead, or behind; breaks nothing up to the
 *                  chain's clock_drift_ns
 *   early          an append is reported durable at once and written afterwards: votes leave before
 *                  their record
 *   state          SIGUSR1 flips a bit of a record in the application's state
 *   promises=FILE  each signed statement that leaves is appended to FILE before it does: the 216
 *                  bytes of docs/formats/statement.md. This one breaks nothing
 * What a validator does wrong or late from a moment on while it runs: misbehave.h. */
#ifndef NODE_FAULTS_H
#define NODE_FAULTS_H

#include "node/state.h"

/* Does this program have them? */
bool faults_built(void);

#ifdef SYNOD_FAULT_HOOKS

/* BAD_CONFIG: SYNOD_FAULT asks for what does not exist. Called when the loop is there. */
synod_status faults_open(node_t *node, reason_t *reason);
void faults_disk(node_t *node, disk_options_t *options, disk_events_t *events);
/* After node_bind_host. */
void faults_replica(node_t *node, replica_config_t *config);
/* How far the clock is to be ahead of the true one. */
int64_t faults_clock_ns(void);
bool faults_read_clock(const char *text);
/* When the loop is closed. */
void faults_close(node_t *node);
/* Where misbehave.c keeps what is its own. */
struct misbehaviour **faults_misbehaviour(node_t *node);

#else

static inline synod_status faults_open(node_t *node, reason_t *reason) {
    (void)node;
    (void)reason;
    return SYNOD_OK;
}

static inline void faults_disk(node_t *node, disk_options_t *options, disk_events_t *events) {
    (void)node;
    (void)options;
    (void)events;
}

static inline void faults_replica(node_t *node, replica_config_t *config) {
    (void)node;
    (void)config;
}

static inline int64_t faults_clock_ns(void) {
    return 0;
}

static inline void faults_close(node_t *node) {
    (void)node;
}

#endif
#endif
