/* The verbs of replica/host.h on sockets, disk and threads; completions back into the replica.
 * After each turn of the loop the net calls on_turn, which flushes the replica once. */
#include <stdio.h>
#include <time.h>

#include "node/api_state.h"
#include "node/faults.h"

static uint64_t wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint32_t node_version(void) {
    return SYNOD_VERSION_NUMBER; /* from CMakeLists.txt */
}

instant_t node_now(node_t *node) {
    uint64_t wall = wall_ns() + (uint64_t)faults_clock_ns(), genesis = node->home.genesis.time_ns;
    uint64_t time = wall > genesis ? wall - genesis : 0;
    if (time > node->last_time_ns) /* a wall clock may be set back; time since genesis is not */
        node->last_time_ns = time;
    return (instant_t){uv_hrtime(), node->last_time_ns};
}

/* ---- verbs ---- */

static void host_send(void *context, const link_t *links, uint32_t count, lane_t lane,
                      bytes_t frame) {
    net_send(((node_t *)context)->net, links, count, lane, frame);
}

static void host_close(void *context, link_t link) {
    net_close(((node_t *)context)->net, link);
}

static void host_append(void *context, uint64_t token, uint64_t offset, bytes_t bytes) {
    disk_append(((node_t *)context)->disk, token, offset, bytes);
}

static void host_read(void *context, uint64_t token, uint64_t offset, void *to, size_t size) {
    disk_read(((node_t *)context)->disk, token, offset, to, size);
}

static void host_store(void *context, uint64_t token, uint32_t slot, uint64_t offset, bytes_t bytes,
                       unsigned flags) {
    disk_store(((node_t *)context)->disk, token, slot, offset, bytes, flags);
}

static void host_load(void *context, uint64_t token, uint32_t slot, uint64_t offset, void *to,
                      size_t size) {
    disk_load(((node_t *)context)->disk, token, slot, offset, to, size);
}

static void on_wake(uv_timer_t *timer) {
    node_t *node = timer->data;
    stage_t before = meter_stage(STAGE_GATE);
    replica_on_wake(node->replica, node_now(node));
    (void)meter_stage(before);
}

static void host_wake(void *context, uint64_t at_ns) {
    node_t *node = context;
    uint64_t now = uv_hrtime();
    /* Never 0: libuv runs a timer that is due again at once before anything else of the loop. */
    uint64_t wait_ms = at_ns > now ? (at_ns - now + 999999) / 1000000 : 1;
    uv_update_time(&node->loop); /* the timer counts from the loop's idea of now */
    uv_timer_start(&node->wake, on_wake, wait_ms, 0);
}

static void host_job(void *context, job_t *job) {
    pool_run(((node_t *)context)->pool, job);
}

static void host_log(void *context, int level, const char *module, const char *event,
                     const char *text) {
    log_line(&((node_t *)context)->log, level, module, event, text);
}

static void host_halt(void *context, synod_status status, const char *reason) {
    node_t *node = context;
    node->halted = status;
    snprintf(node->halt_reason, sizeof node->halt_reason, "%s", reason);
    uv_async_send(&node->stop);
}

static uint64_t host_silence_ms(void *context, link_t link) {
    return net_silence_ms(((node_t *)context)->net, link);
}

static void on_space(uv_fs_t *request) {
    node_t *node = request->data;
    if (request->result == 0) {
        const uv_statfs_t *facts = request->ptr;
        node->free_bytes = facts->f_bavail * facts->f_bsize;
        node->total_bytes = facts->f_blocks * facts->f_bsize;
    }
    uv_fs_req_cleanup(request);
    node->space_asked = false;
}

/* What is told is what was there when it was asked for before: a file system that hangs must not
 * stop the loop. */
void node_ask_space(node_t *node) {
    if (node->space_asked || node->stopping)
        return;
    node->space.data = node;
    node->space_asked =
        uv_fs_statfs(&node->loop, &node->space, node->home.data.text, on_space) == 0;
}

static void host_describe(void *context, struct status_report *report) {
    node_t *node = context;
    disk_counters_t disk;
    disk_counters(node->disk, &disk);
    node_ask_space(node);
    report->version = node_version();
    report->disk_syncs = disk.syncs;
    report->disk_sync_ns = disk.sync_ns;
    report->disk_sync_longest_ns = disk.sync_longest_ns;
    report->disk_free_bytes = node->free_bytes;
    report->disk_total_bytes = node->total_bytes;
    report->disk_full = disk.full ? 1 : 0;
}

/* ---- completions ---- */

static void on_up(void *context, link_t link, member_t member, uint64_t connection) {
    node_t *node = context;
    replica_on_link_up(node->replica, node_now(node), link, member, connection);
}

static void on_down(void *context, link_t link) {
    node_t *node = context;
    replica_on_link_down(node->replica, node_now(node), link);
}

static void on_frame(void *context, link_t link, frame_t frame) {
    node_t *node = context;
    replica_on_frame(node->replica, node_now(node), link, frame);
}

static void on_turn(void *context) {
    node_t *node = context;
    if (node->replica == NULL)
        return;
    stage_t before = meter_stage(STAGE_GATE);
    replica_flush(node->replica, node_now(node));
    (void)meter_stage(before);
    node_tell_ready(node);
}

static void on_appended(void *context, uint64_t token, synod_status status) {
    node_t *node = context;
    stage_t before = meter_stage(STAGE_GATE);
    replica_on_appended(node->replica, node_now(node), token, status);
    (void)meter_stage(before);
}

static void on_read(void *context, uint64_t token, synod_status status) {
    node_t *node = context;
    if (token == API_TOKEN) {
        api_on_read(node->api, status);
        return;
    }
    replica_on_read(node->replica, node_now(node), token, status);
}

static void on_stored(void *context, uint64_t token, synod_status status) {
    node_t *node = context;
    replica_on_stored(node->replica, node_now(node), token, status);
}

static void on_loaded(void *context, uint64_t token, synod_status status) {
    node_t *node = context;
    replica_on_loaded(node->replica, node_now(node), token, status);
}

disk_events_t node_disk_events(node_t *node) {
    return (disk_events_t){node, on_appended, on_read, on_stored, on_loaded};
}

void node_on_job(void *context, job_t *job) {
    node_t *node = context;
    stage_t before = meter_stage(STAGE_GATE);
    replica_on_job(node->replica, node_now(node), job);
    (void)meter_stage(before);
}

void node_bind_host(node_t *node) {
    node->host = (host_t){.context = node,
                          .send = host_send,
                          .close = host_close,
                          .append = host_append,
                          .read = host_read,
                          .store = host_store,
                          .load = host_load,
                          .wake = host_wake,
                          .job = host_job,
                          .log = host_log,
                          .halt = host_halt,
                          .describe = host_describe,
                          .silence_ms = host_silence_ms,
                          .stage = node->meter == NULL ? NULL : meter_stage};
}

net_events_t node_net_events(node_t *node) {
    return (net_events_t){node, on_up, on_down, on_frame, on_turn};
}
