/* A node: one whole replica with its host. The verbs only note what is to happen and schedule its
 * completion, so that nothing is ever called from within a verb. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "sim/world_state.h"

/* ---- clocks ---- */

/* A node's clocks run at their own rate: rate_ppm faster than the world's. Never back, not even by
 * a nanosecond (rounded in steps of 1,000 ns a slow one did). */
static uint64_t clock_of(const node_t *node, uint64_t span_ns) {
    return span_ns + (uint64_t)((int64_t)span_ns * node->rate_ppm / 1000000);
}

instant_t node_instant(const node_t *node) {
    uint64_t now = node->world->now_ns;
    int64_t wall = (int64_t)clock_of(node, now) + node->skew_ns;
    return (instant_t){.now_ns = 1 + clock_of(node, now - node->boot_ns),
                       .time_ns = wall > 0 ? (uint64_t)wall : 0};
}

/* When does the node's clock show this? */
static uint64_t world_time_of(const node_t *node, uint64_t at_ns) {
    uint64_t span = at_ns - (at_ns > 0 ? 1 : 0);
    uint64_t guess = (uint64_t)((int64_t)span - (int64_t)span * node->rate_ppm / 1000000);
    while (clock_of(node, guess) < span)
        guess += span - clock_of(node, guess);
    return node->boot_ns + guess;
}

/* ---- processor ---- */

bool node_has_costs(const node_t *node) {
    const world_options_t *o = &node->world->options;
    return (o->cost_frame_ns | o->cost_kib_ns | o->cost_operation_ns) != 0;
}

static uint64_t work_for(node_t *node, uint64_t cost_ns) {
    uint64_t now = node->world->now_ns;
    node->busy_until_ns = (node->busy_until_ns > now ? node->busy_until_ns : now) + cost_ns;
    return node->busy_until_ns;
}

uint64_t node_work(node_t *node, size_t frame_bytes) {
    const world_options_t *o = &node->world->options;
    return work_for(node, o->cost_frame_ns + o->cost_kib_ns * frame_bytes / 1024);
}

static uint64_t operations_of(world_t *w, bytes_t payload) {
    uint32_t count = 0;
    uint64_t operations = 0;
    (void)payload_walk(payload, w->walk, WALK_REQUESTS_MAX, &count);
    for (uint32_t i = 0; i < count; i++)
        operations += w->walk[i].operation_count;
    return operations;
}

static void on_executed(void *context, height_t height, const digest_t *id, const block_t *block,
                        bytes_t payload) {
    node_t *node = context;
    world_t *w = node->world;
    if (node_has_costs(node))
        (void)work_for(node, w->options.cost_operation_ns * operations_of(w, payload));
    oracle_executed(node, height, id, block, payload);
}

/* ---- verbs ---- */

sim_event_t node_event_for(const node_t *node, sim_event_kind_t kind) {
    return (sim_event_t){.kind = kind, .who = node->endpoint, .life = node->life};
}

static void verb_send(void *context, const link_t *links, uint32_t count, lane_t lane,
                      bytes_t bytes) {
    node_t *node = context;
    world_t *w = node->world;
    frame_buffer_t *frame = frame_make(bytes);
    frame->lane = lane;
    if (node_is_true(node))
        oracle_sent(node, frame);
    for (uint32_t i = 0; i < count; i++) {
        if (!link_is_up(w, links[i]))
            continue;
        if (node->lies != 0) {
            liar_send(node, links[i], frame);
            continue;
        }
        if (endpoint_is_client(w, link_peer(w, links[i])) && node_is_true(node))
            answers_said(node, &w->clients[link_peer(w, links[i]) - w->options.members], frame);
        sim_net_send(w, links[i], frame);
    }
    frame_drop(frame);
}

static void verb_close(void *context, link_t link) {
    sim_net_close(((node_t *)context)->world, link);
}

static void verb_read(void *context, uint64_t token, uint64_t offset, void *to, size_t size) {
    node_t *node = context;
    sim_event_t event = node_event_for(node, SIM_READ);
    event.a = token;
    event.b = offset;
    event.pointer = to;
    event.size = size;
    world_event(node->world, node->world->now_ns + MS / 10 + node->lag_ns, &event);
}

static void verb_store(void *context, uint64_t token, uint32_t slot, uint64_t offset, bytes_t bytes,
                       unsigned flags) {
    node_t *node = context;
    world_t *w = node->world;
    store_begin(node, slot, offset, bytes, flags);
    sim_event_t event = node_event_for(node, SIM_STORED);
    event.a = token;
    world_event(w, w->now_ns + (node->sync_ns != 0 ? node->sync_ns : MS) + node->lag_ns, &event);
}

static void verb_load(void *context, uint64_t token, uint32_t slot, uint64_t offset, void *to,
                      size_t size) {
    node_t *node = context;
    sim_event_t event = node_event_for(node, SIM_LOADED);
    event.a = token;
    event.b = offset;
    event.slot = slot;
    event.pointer = to;
    event.size = size;
    world_event(node->world, node->world->now_ns + MS / 10 + node->lag_ns, &event);
}

static void verb_wake(void *context, uint64_t at_ns) {
    node_t *node = context;
    world_t *w = node->world;
    sim_event_t event = node_event_for(node, SIM_WAKE);
    event.a = ++node->wake_number;
    uint64_t at = world_time_of(node, at_ns);
    world_event(w, (at > w->now_ns ? at : w->now_ns) + node->lag_ns, &event);
}

static void verb_job(void *context, job_t *job) {
    node_t *node = context;
    world_t *w = node->world;
    job->work(job);
    sim_event_t event = node_event_for(node, SIM_JOB);
    event.pointer = job;
    uint64_t start = w->now_ns;
    if (node_has_costs(node)) { /* one worker */
        start = node->pool_until_ns > start ? node->pool_until_ns : start;
        node->pool_until_ns = start + job->cost_ns;
    }
    world_event(w, start + job->cost_ns + node->lag_ns, &event);
}

static void verb_log(void *context, int level, const char *module, const char *event,
                     const char *text) {
    node_t *node = context;
    world_report_t *report = &node->world->report;
    report->releases += strcmp(module, "journal") == 0 && strcmp(event, "released") == 0;
    report->shorts += strcmp(module, "journal") == 0 && strcmp(event, "short") == 0;
    report->installs += strcmp(module, "transfer") == 0 && strcmp(event, "installed") == 0;
    if (strcmp(module, "lanes") == 0 && node_is_true(node)) {
        if (strcmp(event, "full") == 0)
            world_struck(node->world, FAULT_LANE_FULL);
        if (strcmp(event, "missing") == 0)
            world_struck(node->world, FAULT_BYTES_MISSING);
    }
    if (world_heard(node->world) && level <= 2)
        world_say(node->world, "node %u: %s %s %s", node->member, module, event, text);
}

/* The process ends with its replica. Damage is a reason to refuse; nothing else is. */
static void verb_halt(void *context, synod_status status, const char *reason) {
    node_t *node = context;
    world_t *w = node->world;
    node->halted = true;
    world_note(w, node->endpoint, "halt", (uint64_t)status, 0);
    world_say(w, "node %u halts: %s: %s", node->member, synod_status_text(status), reason);
    bool excused = node->rotten || (node->disk.failed && status == SYNOD_IO);
    if (node->lies == 0 && (!excused || reason == NULL || reason[0] == '\0'))
        violate(w, VIOLATION_HALT, "node %u halts: %s", node->member, reason);
    sim_event_t event = node_event_for(node, SIM_STOP);
    world_event(w, w->now_ns, &event);
}

/* ---- life ---- */

void node_make(world_t *w, uint32_t endpoint, member_t member) {
    node_t *node = node_at(w, endpoint);
    const world_options_t *o = &w->options;
    node->world = w;
    node->endpoint = endpoint;
    node->member = member;
    node->lies = o->liars[member];
    node->identity = (symbolic_identity_t){&w->symbols, w->infos[member].key};
    node->signer = signer_symbolic(&node->identity);
    node->host = (host_t){.context = node,
                          .send = verb_send,
                          .close = verb_close,
                          .append = node_append,
                          .read = verb_read,
                          .store = verb_store,
                          .load = verb_load,
                          .wake = verb_wake,
                          .job = verb_job,
                          .log = verb_log,
                          .halt = verb_halt};
    node->config =
        (replica_config_t){.protocol = w->protocol,
                           .chain = w->chain,
                           .committee = &w->committee,
                           .self = member,
                           .signer = &node->signer,
                           .anchor = w->anchor,
                           .app = synod_app_kv(),
                           .host = &node->host,
                           .journal_segments = o->segments,
                           .journal_segment_bytes = o->segment_bytes,
                           .snapshot_bytes = o->snapshot_bytes,
                           .mempool_bytes = o->mempool_bytes != 0 ? o->mempool_bytes : 4u << 20,
                           .links_max = 4 * ENDPOINTS_MAX};
    store_u64(node->config.seed, o->seed);
    store_u64(node->config.seed + 8, endpoint + 1);
    disk_make(&node->disk, o->segment_bytes * o->segments);
    node->memory_bytes = replica_bytes(&node->config);
    if (o->rate_max_ppm > 0)
        node->rate_ppm =
            (int64_t)chance_between(w, 0, 2 * (uint64_t)o->rate_max_ppm) - (int64_t)o->rate_max_ppm;
    if (o->skew_max_ns > 0)
        node->skew_ns = (int64_t)chance_between(w, 0, 2 * o->skew_max_ns) - (int64_t)o->skew_max_ns;
}

/* Collects what one batch of inputs asked for. */
void node_after_input(node_t *node) {
    world_t *w = node->world;
    if (node->flush_due)
        return;
    if (w->options.loop_max_ns == 0) {
        replica_flush(node->replica, node_instant(node));
        return;
    }
    node->flush_due = true;
    sim_event_t event = node_event_for(node, SIM_FLUSH);
    world_event(w, w->now_ns + chance_between(w, 0, w->options.loop_max_ns), &event);
}

void node_start(node_t *node) {
    world_t *w = node->world;
    require(!node->up);
    disk_flush(&node->disk);
    node->disk.failed = false;
    node->memory = mmap(NULL, node->memory_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    invariant(node->memory != MAP_FAILED);
    synod_status status =
        replica_open(node->memory, node->memory_bytes, &node->config, &node->replica);
    invariant(status == SYNOD_OK);
    node->up = true;
    node->halted = node->flush_due = false;
    node->observed = node->installed = 0;
    node->busy_until_ns = node->pool_until_ns = 0;
    replica_observe(node->replica, on_executed, node);
    world_note(w, node->endpoint, "start", node->life, 0);
    world_say(w, "node %u starts", node->member);
    replica_start(node->replica, node_instant(node));
    node_after_input(node);
    net_dial_all(w, node->endpoint);
}

static void release(node_t *node) {
    replica_close(node->replica);
    munmap(node->memory, node->memory_bytes);
    node->replica = NULL;
    node->memory = NULL;
}

void node_stop(node_t *node, bool power) {
    world_t *w = node->world;
    if (!node->up) {
        if (power)
            disk_power_cut(w, &node->disk); /* what the killed process left in the cache */
        return;
    }
    batches_stopped(node);
    node->up = false;
    node->life++;
    node->trap = 0;
    node->disk.fails = node->disk.fails && !node->disk.failed;
    world_note(w, node->endpoint, power ? "power off" : "crash", 0, 0);
    world_say(w, "node %u %s", node->member, power ? "loses power" : "crashes");
    if (node->disk.waits) /* nothing of it was taken */
        node->disk.writing = node->disk.waits = false;
    if (node->disk.writing)
        oracle_landed(node, node->disk.data);
    store_stop(node);
    if (power) {
        disk_power_cut(w, &node->disk);
        node->boot_ns = w->now_ns;
    } else {
        disk_killed(w, &node->disk);
    }
    net_lost_endpoint(w, node->endpoint, power);
    release(node);
}

void node_free(node_t *node) {
    if (node->up)
        release(node);
    liar_free(node);
    sim_disk_free(&node->disk);
    store_free(&node->store);
    free(node->landed);
}

/* ---- inputs ---- */

void node_link_up(node_t *node, link_t link, member_t member) {
    uint64_t number = prng_next(&node->world->chance);
    replica_on_link_up(node->replica, node_instant(node), link, member, number);
    node_after_input(node);
}

void node_link_down(node_t *node, link_t link) {
    replica_on_link_down(node->replica, node_instant(node), link);
    node_after_input(node);
}

void node_frame(node_t *node, link_t link, const frame_buffer_t *buffer) {
    frame_t frame;
    size_t used = 0;
    synod_status status = frame_decode(bytes_of(buffer->data, buffer->size), &frame, &used);
    if (status != SYNOD_OK || used != buffer->size) {
        /* As the daemon does: the link is closed; the stream cannot be found again. */
        world_say(node->world, "node %u closes a link: bad frame", node->member);
        sim_net_close(node->world, link);
        node_link_down(node, link);
        return;
    }
    if (node->lies != 0 && liar_heard(node, link, buffer))
        return;
    replica_on_frame(node->replica, node_instant(node), link, frame);
    node_after_input(node);
}

static void on_wake(node_t *node, const sim_event_t *event) {
    if (event->a != node->wake_number)
        return;
    replica_on_wake(node->replica, node_instant(node));
    node_after_input(node);
}

void node_event(node_t *node, const sim_event_t *event) {
    if (event->kind == SIM_RESTART) {
        if (!node->up)
            node_start(node);
        return;
    }
    if (!node->up || event->life != node->life)
        return;
    if (event->kind == SIM_STOP) {
        node_stop(node, false);
        return;
    }
    switch (event->kind) {
    case SIM_APPENDED:
        node_appended(node, event);
        break;
    case SIM_READ:
        sim_disk_read(&node->disk, event->b, event->pointer, event->size);
        replica_on_read(node->replica, node_instant(node), event->a, SYNOD_OK);
        node_after_input(node);
        break;
    case SIM_STORED:
        replica_on_stored(node->replica, node_instant(node), event->a, store_complete(node));
        node_after_input(node);
        break;
    case SIM_LOADED:
        replica_on_loaded(node->replica, node_instant(node), event->a,
                          store_read(node, event->slot, event->b, event->pointer, event->size));
        node_after_input(node);
        break;
    case SIM_WAKE:
        on_wake(node, event);
        break;
    case SIM_JOB:
        replica_on_job(node->replica, node_instant(node), event->pointer);
        node_after_input(node);
        break;
    default:
        node->flush_due = false;
        replica_flush(node->replica, node_instant(node));
        break;
    }
}
