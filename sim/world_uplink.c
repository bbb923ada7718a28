/* Bandwidth. What an endpoint sends goes through its one uplink, frame after frame: a frame's delay
 * depends on its size and on what waits before it. Lanes are as in the daemon: consensus goes
 * before clients, those before catch-up; and a lane of one link that is full closes the link
 * (consensus, and answers to clients) or loses the frame (the rest, which is asked for again).
 * Linear: one event a frame. */
#include <stdlib.h>

#include "sim/world_state.h"

/* A frame that waits for longer is a fault that struck. */
#define LONG_NS (10 * MS)
#define QUEUE_BYTES_DEFAULT LANE_BULK_BYTES /* as the daemon's lanes of clients and catch-up */

static uint64_t bytes_a_second(const world_t *w, uint32_t endpoint) {
    uint64_t own = w->uplinks[endpoint].bytes;
    return own != 0 ? own : w->options.uplink_bytes;
}

bool uplink_limits(const world_t *w, uint32_t endpoint) {
    return w->uplinks[endpoint].busy || bytes_a_second(w, endpoint) != 0;
}

static way_t *way_from(world_t *w, link_t link) {
    return &connection_of(w, link)->way[end_of(link)];
}

/* ---- one lane ---- */

static void put(lane_queue_t *queue, const waiting_t *item) {
    if (queue->count == queue->capacity) {
        uint32_t capacity = queue->capacity == 0 ? 16 : 2 * queue->capacity;
        waiting_t *items = malloc(capacity * sizeof(waiting_t));
        invariant(items != NULL);
        for (uint32_t i = 0; i < queue->count; i++)
            items[i] = queue->items[(queue->head + i) % queue->capacity];
        free(queue->items);
        *queue = (lane_queue_t){.items = items, .count = queue->count, .capacity = capacity};
    }
    queue->items[(queue->head + queue->count++) % queue->capacity] = *item;
}

static waiting_t take(lane_queue_t *queue) {
    waiting_t item = queue->items[queue->head];
    queue->head = (queue->head + 1) % queue->capacity;
    queue->count--;
    return item;
}

/* ---- sending ---- */

/* The next frame, of the first lane that has one. */
static void send_next(world_t *w, uint32_t endpoint) {
    uplink_t *uplink = &w->uplinks[endpoint];
    uplink->busy = false;
    for (uint32_t lane = 0; lane < LANE_COUNT && !uplink->busy; lane++) {
        if (uplink->lanes[lane].count == 0)
            continue;
        uplink->sending = take(&uplink->lanes[lane]);
        uplink->busy = true;
    }
    if (!uplink->busy)
        return;
    uint64_t rate = bytes_a_second(w, endpoint);
    uint64_t takes = rate == 0 ? 0 : uplink->sending.frame->size * SECOND / rate;
    sim_event_t event = {.kind = SIM_SENT,
                         .who = endpoint,
                         .life = endpoint_is_client(w, endpoint) ? 0 : node_at(w, endpoint)->life};
    world_event(w, w->now_ns + takes, &event);
}

/* As net_send of the daemon does. */
static void overflow(world_t *w, link_t link, lane_t lane) {
    w->report.overflows++;
    if (lane == LANE_CONSENSUS ||
        (lane == LANE_CLIENT && endpoint_is_client(w, link_peer(w, link))))
        net_break(w, (uint32_t)((link - 1) / 2));
}

void uplink_queue(world_t *w, link_t link, frame_buffer_t *frame) {
    uint32_t endpoint = connection_of(w, link)->end[end_of(link)].owner;
    uplink_t *uplink = &w->uplinks[endpoint];
    uint64_t *queued = &way_from(w, link)->queued_bytes[frame->lane];
    uint64_t most = w->options.queue_bytes != 0 ? w->options.queue_bytes : QUEUE_BYTES_DEFAULT;
    if (*queued + frame->size > most) {
        overflow(w, link, frame->lane);
        return;
    }
    frame->references++;
    *queued += frame->size;
    put(&uplink->lanes[frame->lane], &(waiting_t){link, frame, w->now_ns});
    if (!uplink->busy)
        send_next(w, endpoint);
}

void uplink_sent(world_t *w, uint32_t endpoint) {
    waiting_t sent = w->uplinks[endpoint].sending;
    way_from(w, sent.link)->queued_bytes[sent.frame->lane] -= sent.frame->size;
    if (w->calm_ns == 0 && w->now_ns - sent.since_ns > LONG_NS)
        world_struck(w, FAULT_SLOW_LINK);
    if (link_is_up(w, sent.link) && !connection_of(w, sent.link)->broken)
        net_depart(w, sent.link, sent.frame);
    frame_drop(sent.frame);
    send_next(w, endpoint);
}

void uplink_clear(world_t *w, uint32_t endpoint) {
    uplink_t *uplink = &w->uplinks[endpoint];
    if (uplink->busy)
        frame_drop(uplink->sending.frame);
    uplink->busy = false;
    for (uint32_t lane = 0; lane < LANE_COUNT; lane++)
        while (uplink->lanes[lane].count > 0)
            frame_drop(take(&uplink->lanes[lane]).frame);
}

void uplink_free(world_t *w) {
    for (uint32_t endpoint = 0; endpoint < w->endpoints; endpoint++) {
        uplink_clear(w, endpoint);
        for (uint32_t lane = 0; lane < LANE_COUNT; lane++)
            free(w->uplinks[endpoint].lanes[lane].items);
    }
    free(w->uplinks);
}
