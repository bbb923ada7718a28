/* Options, open, close, the event loop and looking. See world.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "sim/world_state.h"

#define EVENT_NONE UINT32_MAX

/* ---- small helpers ---- */

void *grow(void *items, size_t item_bytes, uint32_t *capacity, uint32_t needed) {
    if (needed <= *capacity)
        return items;
    uint32_t to = *capacity == 0 ? 16 : *capacity;
    while (to < needed)
        to *= 2;
    void *grown = realloc(items, to * item_bytes);
    invariant(grown != NULL);
    memset((uint8_t *)grown + *capacity * item_bytes, 0, (to - *capacity) * item_bytes);
    *capacity = to;
    return grown;
}

uint64_t chance_between(world_t *w, uint64_t low, uint64_t high) {
    return low >= high ? low : prng_between(&w->chance, low, high);
}

bool chance_hits(world_t *w, uint32_t per_million) {
    return per_million > 0 && prng_chance(&w->chance, per_million);
}

bool world_is_honest(const world_t *w, member_t member) {
    return w->options.liars[member] == 0 && !w->nodes[member].rotten;
}

void world_struck(world_t *w, world_fault_t fault) {
    w->report.faults[fault]++;
}

void world_note(world_t *w, uint32_t who, const char *what, uint64_t a, uint64_t b) {
    trace_note(&w->trace, w->now_ns, who, what, a, b, 0, 0);
}

void world_say(world_t *w, const char *format, ...) {
    if (w->options.line == NULL)
        return;
    char text[WORLD_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    w->options.line(w->options.line_context, w->now_ns, text);
}

void violate(world_t *w, violation_t violation, const char *format, ...) {
    if (w->report.violated != VIOLATION_NONE)
        return;
    w->report.violated = violation;
    w->report.at_ns = w->now_ns;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(w->report.text, sizeof w->report.text, format, arguments);
    va_end(arguments);
    world_note(w, 0, "violation", (uint64_t)violation, 0);
    world_say(w, "VIOLATION %s: %s", violation_name(violation), w->report.text);
}

const char *violation_name(violation_t violation) {
    static const char *const names[VIOLATION_COUNT] = {
        "none",     "agreement",  "prefix",   "validity", "once", "history", "lost",  "root",
        "conflict", "durability", "liveness", "bounds",   "halt", "stop",    "script"};
    return (unsigned)violation < VIOLATION_COUNT ? names[violation] : "unknown";
}

const char *world_fault_name(world_fault_t fault) {
    static const char *const names[] = {
        "link_reset",         "slow_frame",        "frame_lost",    "frame_twice",
        "frame_late",         "partition",         "one_way",       "crash",
        "crash_before_write", "crash_after_write", "power_cut",     "torn_write",
        "clock_step",         "slow_disk",         "slow_node",     "full_disk",
        "failed_disk",        "slow_link",         "rot",           "snapshot_cut",
        "snapshot_rot",       "liar_silent",       "liar_withhold", "liar_equivocate",
        "liar_stale",         "liar_vote_all",     "liar_twins",    "liar_payload",
        "liar_garbage",       "liar_sync",         "liar_roots",    "liar_replies",
        "liar_snapshots",     "liar_hoard",        "liar_fork",     "liar_acks",
        "liar_flood",         "stop_acknowledged", "bytes_missing", "lane_full"};
    _Static_assert(sizeof names / sizeof names[0] == FAULT_KINDS, "every kind has a name");
    return (unsigned)fault < FAULT_KINDS ? names[fault] : "unknown";
}

uint32_t world_fault_kinds(uint32_t payload) {
    return payload == PAYLOAD_CERTIFIED ? FAULT_KINDS : FAULT_OF_BATCHES;
}

/* ---- events ---- */

void world_event(world_t *w, uint64_t at_ns, const sim_event_t *event) {
    uint32_t slot = w->events_free;
    if (slot != EVENT_NONE) {
        w->events_free = w->events[slot].next_free;
    } else {
        w->events = grow(w->events, sizeof(sim_event_t), &w->events_capacity, w->events_used + 1);
        slot = w->events_used++;
    }
    if (w->heap.count == w->heap.capacity) {
        uint32_t capacity = w->heap.capacity;
        w->heap.items = grow(w->heap.items, sizeof(heap_item_t), &capacity, w->heap.count + 1);
        w->heap.capacity = capacity;
    }
    w->events[slot] = *event;
    bool pushed = heap_push(&w->heap, (heap_item_t){at_ns, w->event_number++, slot});
    ensure(pushed);
}

static void dispatch(world_t *w, const sim_event_t *event) {
    switch (event->kind) {
    case SIM_FRAME:
    case SIM_TAKEN:
    case SIM_SENT:
    case SIM_LINK_UP:
    case SIM_LINK_DOWN:
    case SIM_DIAL:
        net_event(w, event);
        break;
    case SIM_CLIENT:
        sim_client_event(&w->clients[event->who], event);
        break;
    case SIM_RESTART:
    case SIM_STOP:
    case SIM_APPENDED:
    case SIM_READ:
    case SIM_STORED:
    case SIM_LOADED:
    case SIM_WAKE:
    case SIM_JOB:
    case SIM_FLUSH:
        node_event(node_at(w, event->who), event);
        break;
    }
}

bool world_step(world_t *w) {
    if (w->heap.count == 0 || w->report.violated != VIOLATION_NONE)
        return false;
    heap_item_t item = heap_pop(&w->heap);
    uint32_t slot = (uint32_t)item.value;
    sim_event_t event = w->events[slot];
    w->events[slot].next_free = w->events_free;
    w->events_free = slot;
    invariant(item.key >= w->now_ns);
    w->now_ns = item.key;
    w->report.events++;
    dispatch(w, &event);
    return true;
}

void world_until(world_t *w, uint64_t at_ns) {
    while (w->heap.count > 0 && heap_top(&w->heap).key <= at_ns && world_step(w))
        continue;
    if (w->report.violated == VIOLATION_NONE && at_ns > w->now_ns)
        w->now_ns = at_ns;
}

bool world_settled(const world_t *w) {
    height_t highest = w->heights_known; /* what was executed once has to come back */
    for (uint32_t c = 0; c < w->options.clients; c++)
        if (!sim_client_idle(&w->clients[c]))
            return false;
    for (member_t m = 0; m < w->options.members; m++)
        if (world_is_honest(w, m) && world_height(w, m) > highest)
            highest = world_height(w, m);
    for (member_t m = 0; m < w->options.members; m++) {
        const node_t *node = &w->nodes[m];
        if (world_is_honest(w, m) && node->up &&
            (replica_phase(node->replica) != REPLICA_RUNNING || world_height(w, m) != highest))
            return false;
    }
    return true;
}

bool world_settle(world_t *w, uint64_t limit_ns) {
    uint32_t since = 0;
    while (w->heap.count > 0 && heap_top(&w->heap).key <= limit_ns) {
        if (since++ % 16 == 0 && world_settled(w))
            return true;
        if (!world_step(w))
            return false;
    }
    return w->report.violated == VIOLATION_NONE && world_settled(w);
}

/* ---- open and close ---- */

world_options_t world_options_quiet(uint32_t members) {
    return (world_options_t){.seed = 1,
                             .members = members,
                             .clients = 1,
                             .client_window = 8,
                             .retry_ns = 1 * SECOND,
                             .delay_min_ns = 1 * MS,
                             .delay_max_ns = 1 * MS,
                             .detect_max_ns = 10 * MS,
                             .sync_min_ns = 1 * MS,
                             .sync_max_ns = 1 * MS};
}

static void fill_chain(world_t *w) {
    chain_parameters_t *chain = &w->chain;
    *chain = w->options.chain;
    if (chain->core.payload_bytes_max == 0)
        chain->core.payload_bytes_max = 64u << 10;
    if (chain->ledger.sessions_max == 0)
        chain->ledger.sessions_max = 256;
    if (chain->checkpoint_blocks == 0)
        chain->checkpoint_blocks = 8;
    chain_parameters_fill(chain, w->protocol);
}

/* A stand-in for the canonical genesis: everything that all members share. */
static digest_t world_domain(const world_t *w) {
    uint8_t bytes[16];
    store_u64(bytes, w->options.seed);
    store_u64(bytes + 8, w->options.members);
    bytes_t parts[2] = {bytes_of("synod simulated genesis", 23), bytes_of(bytes, sizeof bytes)};
    return hash_parts(parts, 2);
}

static bool make_committee(world_t *w) {
    prng_t secret = prng_of(w->options.seed ^ UINT64_C(0x73796d626f6c6963));
    store_u64(w->symbols.secret, prng_next(&secret));
    store_u64(w->symbols.secret + 8, prng_next(&secret));
    w->verifier = verifier_symbolic(&w->symbols);
    for (member_t m = 0; m < w->options.members; m++)
        w->infos[m] = (member_info_t){.key = symbolic_key(1 + m), .weight = 1, .incarnation = 1};
    digest_t domain = world_domain(w);
    bytes_t part = bytes_of(domain.bytes, sizeof domain.bytes);
    w->anchor = hash_parts(&part, 1);
    member_t culprit;
    return committee_make(&w->committee, &domain, 1, w->infos, w->options.members, &w->verifier,
                          &culprit) == SYNOD_OK;
}

static void make_parts(world_t *w) {
    const world_options_t *o = &w->options;
    uint32_t n = o->members, twins = 0;
    for (member_t m = 0; m < n; m++)
        twins += (o->liars[m] & LIAR_TWINS) != 0;
    w->node_count = n + twins;
    w->endpoints = w->node_count + o->clients;
    w->nodes = calloc(w->node_count, sizeof(node_t));
    w->clients = calloc(o->clients + 1, sizeof(sim_client_t));
    w->uplinks = calloc(w->endpoints, sizeof(uplink_t));
    w->current = calloc((size_t)w->endpoints * w->endpoints, sizeof(uint32_t));
    w->cut = calloc((size_t)w->endpoints * w->endpoints, sizeof(bool));
    invariant(w->nodes != NULL && w->clients != NULL && w->uplinks != NULL && w->current != NULL &&
              w->cut != NULL);
    oracle_make(w);
    uint32_t twin = n + o->clients;
    for (member_t m = 0; m < n; m++) {
        node_make(w, m, m);
        if ((o->liars[m] & LIAR_TWINS) != 0)
            node_make(w, twin++, m);
    }
    for (uint32_t c = 0; c < o->clients; c++)
        sim_client_make(w, c);
    for (uint32_t i = 0; i < w->node_count; i++)
        node_start(&w->nodes[i]);
    for (uint32_t c = 0; c < o->clients; c++) {
        sim_client_start(&w->clients[c]);
        net_dial_all(w, n + c);
    }
}

world_t *world_open(const world_options_t *options) {
    const protocol_t *protocol =
        protocol_find(options->protocol == NULL ? PROTOCOL_DEFAULT : options->protocol);
    if (protocol == NULL || options->members == 0 || options->members > WORLD_MEMBERS_MAX ||
        options->clients > WORLD_CLIENTS_MAX)
        return NULL;
    world_t *w = calloc(1, sizeof *w);
    invariant(w != NULL);
    w->options = *options;
    if (w->options.client_window == 0)
        w->options.client_window = 1;
    if (w->options.segment_bytes == 0)
        w->options.segment_bytes = 512u << 10;
    if (w->options.segments == 0)
        w->options.segments = 8;
    if (w->options.retry_ns == 0)
        w->options.retry_ns = 1 * SECOND;
    w->events_free = EVENT_NONE;
    w->protocol = protocol;
    w->chance = prng_of(options->seed);
    fill_chain(w);
    if (!make_committee(w)) {
        free(w);
        return NULL;
    }
    make_parts(w);
    return w;
}

void world_close(world_t *w) {
    for (uint32_t i = 0; i < w->node_count; i++)
        node_free(&w->nodes[i]);
    for (uint32_t c = 0; c < w->options.clients; c++)
        sim_client_free(&w->clients[c]);
    while (w->heap.count > 0) {
        sim_event_t *event = &w->events[heap_pop(&w->heap).value];
        if (event->kind == SIM_FRAME || event->kind == SIM_TAKEN)
            frame_drop(event->pointer);
    }
    uplink_free(w);
    sim_net_free(w);
    oracle_free(w);
    free(w->heap.items);
    free(w->events);
    free(w->nodes);
    free(w->clients);
    free(w->current);
    free(w->cut);
    free(w);
}

/* ---- looking ---- */

uint64_t world_now_ns(const world_t *w) {
    return w->now_ns;
}

const committee_t *world_committee(const world_t *w) {
    return &w->committee;
}

bool world_up(const world_t *w, member_t member) {
    return w->nodes[member].up;
}

uint64_t world_appends(const world_t *w, member_t member) {
    return w->nodes[member].disk.appends;
}

replica_t *world_replica(const world_t *w, member_t member) {
    return w->nodes[member].up ? w->nodes[member].replica : NULL;
}

status_report_t world_status(const world_t *w, member_t member) {
    status_report_t report = {0};
    const node_t *node = &w->nodes[member];
    if (node->up)
        replica_status(node->replica, node_instant(node), &report);
    return report;
}

height_t world_height(const world_t *w, member_t member) {
    const node_t *node = &w->nodes[member];
    return node->up ? ledger_height(replica_ledger(node->replica)) : 0;
}

const world_report_t *world_report(world_t *w) {
    w->report.hash = w->trace.hash;
    w->report.refused = 0;
    for (member_t m = 0; m < w->options.members; m++) {
        if (!world_is_honest(w, m))
            continue;
        status_report_t status = world_status(w, m);
        w->report.refused += status.frames_dropped;
        if (status.view > w->report.views)
            w->report.views = status.view;
        if (status.views_failed > w->report.views_failed)
            w->report.views_failed = status.views_failed;
    }
    w->report.blocks = w->heights_known;
    return &w->report;
}
