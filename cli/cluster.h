/* Validators on this machine as real processes of this same program: for `up`, `demo` and `bench`.
 *
 * Each runs `synod node --home DIR/nodeI` and writes its log to DIR/nodeI/log. Only processes that
 * were started here are ever ended, by their process id; they end with this process too. */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CLUSTER_MAX 64

typedef struct cluster {
    char folder[3000];
    uint32_t size;
    pid_t processes[CLUSTER_MAX]; /* 0: not running */
    uint16_t first_port;
} cluster_t;

/* A folder with the homes of `size` validators made before. */
void cluster_open(cluster_t *cluster, const char *folder, uint32_t size);
/* "DIR/nodeI/NAME". */
void cluster_path(const cluster_t *cluster, uint32_t index, const char *name, char *to,
                  size_t to_size);
/* False: the process could not be started (errno). */
bool cluster_start(cluster_t *cluster, uint32_t index);
/* kill -9, and waits until it is gone. */
void cluster_kill(cluster_t *cluster, uint32_t index);
/* SIGTERM to all, up to `patience_ms`, then SIGKILL. Returns how many had to be killed. */
uint32_t cluster_stop(cluster_t *cluster, uint32_t patience_ms);
/* Looks for validators that ended by themselves: index of one, or -1. Its exit status is printed in
 * `reason` together with the last line of its log. */
int cluster_check(cluster_t *cluster, char *reason, size_t reason_size);
/* CPU time used so far by a running validator, in microseconds (0 when unknown). */
uint64_t cluster_cpu_us(const cluster_t *cluster, uint32_t index);

#endif
