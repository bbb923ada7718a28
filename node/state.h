/* The inside of a node. */
#ifndef NODE_STATE_H
#define NODE_STATE_H

#include <uv.h>

#include "adapter/home.h"
#include "adapter/log.h"
#include "adapter/uv_disk.h"
#include "adapter/uv_net.h"
#include "adapter/uv_pool.h"
#include "node/node.h"
#include "node/notify.h"

struct node {
    node_options_t options;
    home_t home;
    bool home_read;
    log_t log;
    bool log_open;
    uv_loop_t loop;
    bool loop_open;
    net_t *net;
    disk_t *disk;
    pool_t *pool;
    struct api *api; /* api.h; NULL: the configuration wants none */
    meter_t *meter;  /* NULL: nobody measures */
    uv_timer_t wake;
    uv_async_t stop;
    uv_signal_t signals[2];
    uv_timer_t stop_poll;
    notify_t notify; /* in use if the process is ours */
    /* replica */
    void *memory;
    size_t memory_size;
    replica_t *replica;
    host_t host;
    verifier_t verifier;
    member_info_t *infos;
    committee_t committee;
    sign_secret_t secret;
    signer_t signer;
    uint64_t last_time_ns; /* agreed time never goes back */
    /* the file system under data/, as it was seen last */
    uv_fs_t space;
    bool space_asked;
    uint64_t free_bytes, total_bytes;
    struct faults *faults; /* faults.h; NULL in builds without hooks */
    /* ending */
    bool stopping;
    uint32_t stop_polls;
    synod_status halted;
    char halt_reason[256];
};

/* host.c: the replica's verbs on this node. */
void node_bind_host(node_t *node);
net_events_t node_net_events(node_t *node);
disk_events_t node_disk_events(node_t *node);
void node_on_job(void *context, job_t *job);
instant_t node_now(node_t *node);
/* Looks how much room the disk has, without waiting for it. */
void node_ask_space(node_t *node);

/* node.c: tells the service manager, once, after recovery. */
void node_tell_ready(node_t *node);

#endif
