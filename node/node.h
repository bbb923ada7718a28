/* A validator in this process: files, loop, links, disk, pool, around one replica. Several may live
 * in one process, each with a loop of its own; all calls for one come from one thread, but for
 * node_ask_stop. */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <signal.h>
#include <synod/app.h>

#include "adapter/reason.h"
#include "replica/replica.h"

typedef struct node node_t;

typedef struct node_options {
    const char *home;     /* folder */
    const synod_app *app; /* NULL: the built-in one that the genesis names */
    bool handle_signals;  /* SIGTERM and SIGINT end it gracefully */
    bool owns_process;    /* may forbid core dumps, and talk to the service manager (notify.h) */
} node_options_t;

/* Reads and judges the home, locks the journal, listens. Whatever is wrong is one sentence. */
synod_status node_open(const node_options_t *options, node_t **node, reason_t *reason);
/* Runs until it is stopped. OK after a graceful stop; otherwise why the replica halted. */
synod_status node_run(node_t *node, reason_t *reason);
/* From any thread or from a signal handler: end gracefully. */
void node_ask_stop(node_t *node);
/* After node_run. */
void node_close(node_t *node);

/* For whoever embeds it: the port in use, and numbers (from the loop's thread only). */
uint16_t node_port(const node_t *node);
void node_status(const node_t *node, status_report_t *report);

/* Of this program: major << 16 | minor << 8 | patch. */
uint32_t node_version(void);

#endif
