/* See local.h. */
#include "cli/local.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READY_PATIENCE_NS UINT64_C(30000000000)

void local_option_table(local_options_t *local, option_t *options, uint32_t at) {
    local->home = NULL;
    local->count = 4;
    options[at] = (option_t){"home", OPTION_TEXT, &local->home, "DIR", "folder of the chain"};
    options[at + 1] = (option_t){"n", OPTION_NUMBER, &local->count, "N", "validators (default 4)"};
    plan_option_table(&local->plan, options, at + 2);
}

/* Validators of a folder that exists: node0, node1, ... */
static uint32_t homes_in(const char *folder) {
    char path[4096];
    uint32_t count = 0;
    for (; count < CLUSTER_MAX; count++) {
        snprintf(path, sizeof path, "%s/node%u/genesis.json", folder, count);
        if (access(path, R_OK) != 0)
            break;
    }
    return count;
}

static bool port_is_free(uint16_t port) {
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle < 0)
        return true; /* whoever starts the validator will say why */
    (void)setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool is_free = bind(handle, (const struct sockaddr *)&at, sizeof at) == 0;
    close(handle);
    return is_free;
}

/* Somebody may run a chain here already: the first hundred with room for all. A port that was asked
 * for is not changed. */
static uint16_t free_ports(uint16_t first, uint32_t count) {
    for (uint32_t base = first; base < first + 2000u; base += 100) {
        uint32_t taken = 0;
        for (uint32_t i = 0; i < count; i++)
            taken += !port_is_free((uint16_t)(base + i)) ||
                     (count <= HTTP_PORT_OFFSET &&
                      !port_is_free((uint16_t)(base + HTTP_PORT_OFFSET + i)));
        if (taken == 0)
            return (uint16_t)base;
    }
    return first;
}

int local_prepare(const verb_t *verb, local_options_t *local, cluster_t *cluster) {
    uint32_t there = homes_in(local->home);
    if (there == 0) {
        home_plan_t plan;
        reason_t reason;
        if (local->count < 1 || local->count > CLUSTER_MAX)
            return usage_error(verb, "--n: from 1 to %d validators on one machine", CLUSTER_MAX);
        int code = plan_from_options(verb, &local->plan, &plan);
        if (code >= 0)
            return code;
        if (local->plan.port == 0)
            plan.port = free_ports(plan.port, (uint32_t)local->count);
        if (testnet_create(local->home, (uint32_t)local->count, &plan, &reason) != SYNOD_OK)
            return failed(verb, "%s", reason.text);
        there = (uint32_t)local->count;
    }
    cluster_open(cluster, local->home, there);
    return -1;
}

int local_client(const verb_t *verb, const cluster_t *cluster, const synod_client_options *tuning,
                 synod_client **client) {
    connect_options_t connect = {.home = cluster->folder, .timeout_ns = UINT64_C(30000000000)};
    return connect_open(verb, &connect, tuning, client);
}

/* Do all answer, connected to each other? */
static bool all_ready(synod_client *client, uint32_t size) {
    for (uint32_t i = 0; i < size; i++) {
        status_report_t report;
        if (!connect_status(client, i, UINT64_C(300000000), &report) ||
            report.peers_connected + 1 < size)
            return false;
    }
    return true;
}

int local_start(const verb_t *verb, cluster_t *cluster, synod_client **client) {
    char reason[1024];
    for (uint32_t i = 0; i < cluster->size; i++)
        if (!cluster_start(cluster, i))
            return failed(verb, "validator %u cannot be started", i);
    int code = local_client(verb, cluster, NULL, client);
    if (code >= 0) {
        cluster_stop(cluster, 2000);
        return code;
    }
    uint64_t end = monotonic_ns() + READY_PATIENCE_NS;
    while (!all_ready(*client, cluster->size)) {
        int ended = cluster_check(cluster, reason, sizeof reason);
        if (ended < 0 && monotonic_ns() < end) {
            struct timespec pause = {0, 20000000};
            nanosleep(&pause, NULL);
            continue;
        }
        synod_client_close(*client);
        cluster_stop(cluster, 2000);
        return ended >= 0
                   ? failed(verb, "validator %d did not start: %s", ended, reason)
                   : failed(verb, "the validators were not ready within 30 s; see %s/node*/log",
                            cluster->folder);
    }
    return -1;
}
