/* The network: connections as TCP gives them, in order and without loss while they live, but
 * they break, what is under way is then lost, and the two ends learn of it at different times,
 * so that an old and a new connection of one pair overlap (attack N10). A cut holds frames back,
 * in order; connections across it break after a while. Beside that a harsher mode loses, doubles
 * and overtakes single consensus frames. */
#include <stdlib.h>

#include "sim/world_state.h"

/* Until the dialling end tries again. */
#define DIAL_MIN_NS (5 * MS)
#define DIAL_MAX_NS (60 * MS)
/* A power loss is found out by keep-alive only; a killed process's machine answers at once. */
#define KEEP_ALIVE_NS (400 * MS)

/* ---- frames ---- */

frame_buffer_t *frame_make(bytes_t bytes) {
    frame_buffer_t *frame = malloc(sizeof *frame + bytes.size);
    invariant(frame != NULL);
    frame->references = 1;
    frame->lane = LANE_CONSENSUS;
    frame->size = bytes.size;
    memcpy(frame->data, bytes.data, bytes.size);
    return frame;
}

frame_buffer_t *frame_kept(frame_buffer_t *frame) {
    frame->references++;
    return frame;
}

void frame_drop(frame_buffer_t *frame) {
    if (--frame->references == 0)
        free(frame);
}

/* ---- who ---- */

static bool endpoint_up(const world_t *w, uint32_t endpoint) {
    return endpoint_is_client(w, endpoint) || node_at(w, endpoint)->up;
}

static uint64_t life_of(const world_t *w, uint32_t endpoint) {
    return endpoint_is_client(w, endpoint) ? 0 : node_at(w, endpoint)->life;
}

static bool cut_between(const world_t *w, uint32_t a, uint32_t b) {
    return *cut_at(w, a, b) || *cut_at(w, b, a);
}

static bool is_twin(const world_t *w, uint32_t endpoint) {
    return !endpoint_is_client(w, endpoint) &&
           (w->options.liars[node_at(w, endpoint)->member] & LIAR_TWINS) != 0;
}

/* A twin talks to one half of the others and its second self to the other half; twins of one half
 * work together. */
static uint32_t half_of(const world_t *w, uint32_t endpoint) {
    return is_twin(w, endpoint) ? endpoint < w->options.members : endpoint % 2;
}

/* Do these two ever connect? Not clients with each other, not the two selves of a twin. */
static bool ever_connect(const world_t *w, uint32_t a, uint32_t b) {
    if ((is_twin(w, a) || is_twin(w, b)) && half_of(w, a) != half_of(w, b))
        return false;
    bool client_a = endpoint_is_client(w, a), client_b = endpoint_is_client(w, b);
    if (client_a || client_b)
        return client_a != client_b;
    return node_at(w, a)->member != node_at(w, b)->member;
}

static uint32_t *current_of(world_t *w, uint32_t a, uint32_t b) {
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    return &w->current[(size_t)low * w->endpoints + high];
}

static link_t link_of(uint32_t connection, uint32_t end) {
    return 2 * (link_t)connection + end + 1;
}

/* ---- dialling ---- */

static void schedule_dial(world_t *w, uint32_t a, uint32_t b) {
    sim_event_t event = {.kind = SIM_DIAL, .who = a < b ? a : b, .a = a < b ? b : a};
    world_event(w, w->now_ns + chance_between(w, DIAL_MIN_NS, DIAL_MAX_NS), &event);
}

void net_dial_all(world_t *w, uint32_t endpoint) {
    for (uint32_t other = 0; other < w->endpoints; other++) {
        if (other == endpoint || !ever_connect(w, endpoint, other) || !endpoint_up(w, other))
            continue;
        sim_event_t event = {.kind = SIM_DIAL,
                             .who = endpoint < other ? endpoint : other,
                             .a = endpoint < other ? other : endpoint};
        world_event(w, w->now_ns, &event);
    }
}

static void schedule_link(world_t *w, sim_event_kind_t kind, link_t link, uint64_t at_ns) {
    const connection_t *c = connection_of(w, link);
    sim_event_t event = {.kind = kind,
                         .who = c->end[end_of(link)].owner,
                         .life = c->end[end_of(link)].life,
                         .a = link};
    world_event(w, at_ns, &event);
}

/* The end of the lower endpoint knows whether there still is a connection. */
static void on_dial(world_t *w, uint32_t a, uint32_t b) {
    uint32_t *current = current_of(w, a, b);
    if (!endpoint_up(w, a) || !endpoint_up(w, b))
        return; /* whoever comes back dials */
    if (*current != 0) {
        const connection_t *c = &w->connections[*current - 1];
        bool alive = !c->broken && c->end[0].life == life_of(w, c->end[0].owner) &&
                     c->end[1].life == life_of(w, c->end[1].owner);
        if (alive)
            return;
    }
    if (cut_between(w, a, b)) {
        schedule_dial(w, a, b);
        return;
    }
    w->connections = grow(w->connections, sizeof(connection_t), &w->connection_capacity,
                          w->connection_count + 1);
    uint32_t index = w->connection_count++;
    connection_t *c = &w->connections[index];
    c->end[0] = (link_end_t){.owner = a, .life = life_of(w, a)};
    c->end[1] = (link_end_t){.owner = b, .life = life_of(w, b)};
    *current = index + 1;
    uint64_t at = w->now_ns + chance_between(w, w->options.delay_min_ns, w->options.delay_max_ns);
    for (uint32_t end = 0; end < 2; end++) {
        c->way[end].last_ns = at;
        schedule_link(w, SIM_LINK_UP, link_of(index, end), at);
    }
}

/* ---- ends ---- */

static void free_held(way_t *way) {
    for (uint32_t i = 0; i < way->held_count; i++)
        frame_drop(way->held[i]);
    free(way->held);
    way->held = NULL;
    way->held_count = way->held_capacity = 0;
}

/* Both ends will learn it, each in its time. */
static void break_within(world_t *w, uint32_t index, uint64_t within_ns) {
    connection_t *c = &w->connections[index];
    if (c->broken)
        return;
    c->broken = true;
    for (uint32_t end = 0; end < 2; end++) {
        free_held(&c->way[end]);
        schedule_link(w, SIM_LINK_DOWN, link_of(index, end),
                      w->now_ns + chance_between(w, 0, within_ns));
    }
}

void net_break(world_t *w, uint32_t connection) {
    break_within(w, connection, w->options.detect_max_ns);
}

void net_lost_endpoint(world_t *w, uint32_t endpoint, bool power) {
    uplink_clear(w, endpoint);
    for (uint32_t other = 0; other < w->endpoints; other++) {
        uint32_t current = other == endpoint ? 0 : *current_of(w, endpoint, other);
        if (current != 0)
            break_within(w, current - 1, power ? KEEP_ALIVE_NS : w->options.detect_max_ns);
    }
}

/* The owner closed its end: the other end learns it behind what is still under way. */
void sim_net_close(world_t *w, link_t link) {
    connection_t *c = connection_of(w, link);
    uint32_t end = end_of(link);
    if (!c->end[end].up)
        return;
    c->end[end].up = false;
    uint64_t after = c->way[end].last_ns > w->now_ns ? c->way[end].last_ns : w->now_ns;
    schedule_link(w, SIM_LINK_DOWN, link_of((uint32_t)((link - 1) / 2), 1 - end), after + 1);
    schedule_dial(w, c->end[0].owner, c->end[1].owner);
    if (!c->broken) {
        /* Nothing comes in here any more, and no new dial may take this one for alive. */
        uint32_t *current = current_of(w, c->end[0].owner, c->end[1].owner);
        if (*current == (link - 1) / 2 + 1)
            *current = 0;
    }
}

static void on_link_up(world_t *w, const sim_event_t *event) {
    connection_t *c = connection_of(w, event->a);
    uint32_t end = end_of(event->a), peer = link_peer(w, event->a);
    if (!endpoint_up(w, event->who) || event->life != life_of(w, event->who) || c->broken)
        return;
    c->end[end].up = true;
    world_note(w, event->who, "link up", peer, event->a);
    if (endpoint_is_client(w, event->who))
        sim_client_link_up(&w->clients[event->who - w->options.members], event->a,
                           node_at(w, peer)->member);
    else
        node_link_up(node_at(w, event->who), event->a,
                     endpoint_is_client(w, peer) ? MEMBER_NONE : node_at(w, peer)->member);
}

static void on_link_down(world_t *w, const sim_event_t *event) {
    connection_t *c = connection_of(w, event->a);
    link_end_t *end = &c->end[end_of(event->a)];
    uint32_t peer = link_peer(w, event->a);
    if (endpoint_up(w, event->who) && event->life == life_of(w, event->who) && end->up) {
        end->up = false;
        world_note(w, event->who, "link down", peer, event->a);
        if (endpoint_is_client(w, event->who))
            sim_client_link_down(&w->clients[event->who - w->options.members], event->a);
        else
            node_link_down(node_at(w, event->who), event->a);
    }
    if (*current_of(w, event->who, peer) == (event->a - 1) / 2 + 1) {
        c->broken = true;
        schedule_dial(w, event->who, peer);
    }
}

/* ---- sending ---- */

static void schedule_frame(world_t *w, link_t from, frame_buffer_t *frame, uint64_t at_ns) {
    connection_t *c = connection_of(w, from);
    uint32_t other = 1 - end_of(from);
    sim_event_t event = {.kind = SIM_FRAME,
                         .who = c->end[other].owner,
                         .life = c->end[other].life,
                         .a = link_of((uint32_t)((from - 1) / 2), other),
                         .pointer = frame};
    frame->references++;
    c->way[end_of(from)].under_way++;
    world_event(w, at_ns, &event);
}

static uint64_t draw_delay(world_t *w) {
    const world_options_t *o = &w->options;
    if (w->calm_ns == 0 && chance_hits(w, o->wild_per_million)) {
        world_struck(w, FAULT_SLOW_FRAME);
        return chance_between(w, o->delay_max_ns, o->delay_wild_ns);
    }
    return chance_between(w, o->delay_min_ns, o->delay_max_ns);
}

static bool is_consensus(const frame_buffer_t *frame) {
    return frame->size > FRAME_HEADER_BYTES && load_u16(frame->data + 6) == FRAME_MESSAGE;
}

/* The harsher mode. True: the frame was dealt with. */
static bool mistreat(world_t *w, link_t link, frame_buffer_t *frame) {
    const world_options_t *o = &w->options;
    if (w->calm_ns != 0 || !is_consensus(frame))
        return false;
    if (chance_hits(w, o->loss_per_million)) {
        world_struck(w, FAULT_FRAME_LOST);
        return true;
    }
    if (chance_hits(w, o->twice_per_million)) {
        world_struck(w, FAULT_FRAME_TWICE);
        schedule_frame(w, link, frame, w->now_ns + 2 * draw_delay(w));
    }
    if (chance_hits(w, o->late_per_million)) {
        world_struck(w, FAULT_FRAME_LATE);
        schedule_frame(w, link, frame, w->now_ns + 3 * draw_delay(w));
        return true;
    }
    return false;
}

void sim_net_send(world_t *w, link_t link, frame_buffer_t *frame) {
    connection_t *c = connection_of(w, link);
    way_t *way = &c->way[end_of(link)];
    w->report.frames++;
    w->report.bytes += frame->size;
    w->uplinks[c->end[end_of(link)].owner].sent_bytes += frame->size;
    if (c->broken || mistreat(w, link, frame))
        return;
    if (way->under_way > WAY_FRAMES_MAX) {
        violate(w, VIOLATION_BOUNDS, "endpoint %u has %u frames under way on one link",
                c->end[end_of(link)].owner, way->under_way);
        return;
    }
    if (uplink_limits(w, c->end[end_of(link)].owner))
        uplink_queue(w, link, frame);
    else
        net_depart(w, link, frame);
}

uint64_t world_sent_bytes(const world_t *w, member_t member) {
    return w->uplinks[member].sent_bytes;
}

/* Not before the processor of its sender has done what it had to do until now. */
void net_depart(world_t *w, link_t link, frame_buffer_t *frame) {
    way_t *way = &connection_of(w, link)->way[end_of(link)];
    uint32_t owner = connection_of(w, link)->end[end_of(link)].owner;
    uint64_t busy = endpoint_is_client(w, owner) ? 0 : node_at(w, owner)->busy_until_ns;
    uint64_t at = (busy > w->now_ns ? busy : w->now_ns) + draw_delay(w);
    way->last_ns = at > way->last_ns ? at : way->last_ns;
    schedule_frame(w, link, frame, way->last_ns);
}

static void hold(way_t *way, frame_buffer_t *frame) {
    way->held = grow(way->held, sizeof(frame_buffer_t *), &way->held_capacity, way->held_count + 1);
    way->held[way->held_count++] = frame;
}

/* What a cut has held goes on, in order. */
void net_healed(world_t *w) {
    for (uint32_t index = 0; index < w->connection_count; index++) {
        connection_t *c = &w->connections[index];
        for (uint32_t end = 0; end < 2; end++) {
            way_t *way = &c->way[end];
            uint32_t from = c->end[end].owner, to = c->end[1 - end].owner;
            if (way->held_count == 0 || *cut_at(w, from, to))
                continue;
            for (uint32_t i = 0; i < way->held_count; i++) {
                net_depart(w, link_of(index, end), way->held[i]);
            }
            free_held(way);
        }
    }
}

static void deliver_frame(world_t *w, const sim_event_t *event) {
    connection_t *c = connection_of(w, event->a);
    uint32_t end = end_of(event->a), peer = link_peer(w, event->a);
    way_t *way = &c->way[1 - end];
    frame_buffer_t *frame = event->pointer;
    way->under_way--;
    bool there = endpoint_up(w, event->who) && event->life == life_of(w, event->who);
    if (!there || c->broken || !c->end[end].up) {
        frame_drop(frame);
        return;
    }
    if (*cut_at(w, peer, event->who) || way->held_count > 0) {
        hold(way, frame);
        return;
    }
    world_note(w, event->who, "frame", peer, frame->size);
    if (endpoint_is_client(w, event->who))
        sim_client_frame(&w->clients[event->who - w->options.members], event->a, frame);
    else
        node_frame(node_at(w, event->who), event->a, frame);
    frame_drop(frame);
}

/* It has arrived in the machine; the processor comes to it in turn. */
static void on_frame(world_t *w, const sim_event_t *event) {
    bool node = !endpoint_is_client(w, event->who) && endpoint_up(w, event->who) &&
                event->life == life_of(w, event->who);
    if (!node || !node_has_costs(node_at(w, event->who))) {
        deliver_frame(w, event);
        return;
    }
    const frame_buffer_t *frame = event->pointer;
    sim_event_t taken = *event;
    taken.kind = SIM_TAKEN;
    world_event(w, node_work(node_at(w, event->who), frame->size), &taken);
}

void net_event(world_t *w, const sim_event_t *event) {
    switch (event->kind) {
    case SIM_FRAME:
        on_frame(w, event);
        break;
    case SIM_TAKEN:
        deliver_frame(w, event);
        break;
    case SIM_SENT:
        if (endpoint_up(w, event->who) && event->life == life_of(w, event->who))
            uplink_sent(w, event->who);
        break;
    case SIM_LINK_UP:
        on_link_up(w, event);
        break;
    case SIM_LINK_DOWN:
        on_link_down(w, event);
        break;
    default:
        on_dial(w, event->who, (uint32_t)event->a);
        break;
    }
}

void sim_net_free(world_t *w) {
    for (uint32_t i = 0; i < w->connection_count; i++)
        for (uint32_t end = 0; end < 2; end++)
            free_held(&w->connections[i].way[end]);
    free(w->connections);
}
