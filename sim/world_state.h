/* The inside of the simulated world: what its files share. One file a concern:
 *   world.c         options, open, close, the event loop
 *   world_node.c    a node and its host verbs
 *   world_append.c  what becomes of an append
 *   world_net.c     links and frames
 *   world_uplink.c  bandwidth, lanes
 *   world_disk.c    a disk that loses power
 *   world_store.c   snapshots on it
 *   world_client.c  clients: the core of src/client on simulated links and time
 *   world_fault.c   faults on demand
 *   world_liar.c    which lie is told when
 *   world_forge.c   forged frames; world_forge_reply.c: forged answers to clients
 *   world_oracle.c  judgement while it runs
 *   world_promises.c judgement of what is durable; promises.c what both worlds share of it
 *   world_answers.c judgement of what clients sign and believe
 *   world_batches.c batches: judgement and lies
 *   world_finish.c  judgement at the end
 *
 * Invariants: an event carries the life of the node that it is for, so that nothing reaches a
 * later life; all chance comes from world->chance, drawn in the order of events; every random
 * choice is drawn only when the option that needs it is on, so that options do not shift each
 * other. */
#ifndef SIM_WORLD_STATE_H
#define SIM_WORLD_STATE_H

#include "sim/world_types.h"

/* ---- oracle ---- */

typedef struct chain_entry {
    digest_t id, root;
    bool known, has_root;
    member_t by;
} chain_entry_t;

typedef struct said {
    uint64_t key; /* mix of member, phase and slot; 0: free */
    uint64_t content;
} said_t;

struct world {
    world_options_t options;
    world_report_t report;
    trace_t trace;
    prng_t chance;
    uint64_t now_ns;
    uint64_t calm_ns; /* 0: not yet */
    /* events */
    heap_t heap;
    sim_event_t *events;
    uint32_t events_capacity, events_used, events_free;
    uint64_t event_number;
    /* committee */
    symbolic_world_t symbols;
    verifier_t verifier;
    committee_t committee;
    member_info_t infos[WORLD_MEMBERS_MAX];
    digest_t anchor;
    const protocol_t *protocol;
    chain_parameters_t chain;
    /* endpoints: members, then clients, then second selves of twins */
    uint32_t endpoints, node_count;
    node_t *nodes;
    sim_client_t *clients;
    uplink_t *uplinks; /* by endpoint */
    connection_t *connections;
    uint32_t connection_count, connection_capacity;
    uint32_t *current; /* per pair: connection + 1, 0 none */
    bool *cut;         /* [from * endpoints + to] */
    /* oracle */
    chain_entry_t *heights;
    height_t heights_known;
    uint32_t heights_capacity;
    said_t *said;
    uint32_t said_count, said_capacity; /* a power of two */
    uint64_t *issued; /* prefixes of digests of requests signed by clients: open addressing */
    uint32_t issued_count, issued_capacity;
    arena_t decode;
    void *decode_memory;
    request_t *walk;      /* requests of one payload */
    uint64_t shared_high; /* greatest number that the shared counter was told to have */
    uint8_t *told;        /* per counter and number: a client was told it */
    uint64_t told_width;
};

/* ---- world.c ---- */
void world_event(world_t *w, uint64_t at_ns, const sim_event_t *event);
uint64_t chance_between(world_t *w, uint64_t low, uint64_t high); /* draws nothing if equal */
bool chance_hits(world_t *w, uint32_t per_million);               /* draws nothing if 0 */
/* Held to everything: safety and progress. */
bool world_is_honest(const world_t *w, member_t member);
/* Held to safety. */
static inline bool node_is_true(const node_t *node) {
    return node->lies == 0 && !node->forgetful;
}
void world_struck(world_t *w, world_fault_t fault);
/* Notes into the trace and, when somebody listens, says a line. `what` is static. */
void world_note(world_t *w, uint32_t who, const char *what, uint64_t a, uint64_t b);
void world_say(world_t *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline bool world_heard(const world_t *w) {
    return w->options.line != NULL;
}
void violate(world_t *w, violation_t violation, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Growing arrays of the simulator. */
void *grow(void *items, size_t item_bytes, uint32_t *capacity, uint32_t needed);

static inline bool endpoint_is_client(const world_t *w, uint32_t endpoint) {
    return endpoint >= w->options.members && endpoint < w->options.members + w->options.clients;
}
static inline node_t *node_at(const world_t *w, uint32_t endpoint) {
    return &w->nodes[endpoint < w->options.members ? endpoint : endpoint - w->options.clients];
}
static inline bool *cut_at(const world_t *w, uint32_t from, uint32_t to) {
    return &w->cut[(size_t)from * w->endpoints + to];
}

/* ---- world_app.c ---- */
const synod_app *world_app(const world_options_t *options);

/* ---- world_node.c ---- */
void node_make(world_t *w, uint32_t endpoint, member_t member);
void node_start(node_t *node);
/* Ends its life: `power`: what was not durable is lost too. */
void node_stop(node_t *node, bool power);
void node_free(node_t *node);
sim_event_t node_event_for(const node_t *node, sim_event_kind_t kind);
/* Collects what one batch of inputs asked for. */
void node_after_input(node_t *node);
/* Has a processor that needs time; when it will have dealt with so many bytes. */
bool node_has_costs(const node_t *node);
uint64_t node_work(node_t *node, size_t frame_bytes);

/* ---- world_append.c ---- */
void node_append(void *node, uint64_t token, uint64_t offset, bytes_t bytes);
void node_appended(node_t *node, const sim_event_t *event);
/* Its disk is not full any more. */
void node_has_room(node_t *node);
instant_t node_instant(const node_t *node);
void node_link_up(node_t *node, link_t link, member_t member);
void node_link_down(node_t *node, link_t link);
void node_frame(node_t *node, link_t link, const frame_buffer_t *buffer);
void node_event(node_t *node, const sim_event_t *event);

/* ---- world_net.c ---- */
frame_buffer_t *frame_make(bytes_t bytes);
frame_buffer_t *frame_kept(frame_buffer_t *frame);
void frame_drop(frame_buffer_t *frame);
static inline connection_t *connection_of(world_t *w, link_t link) {
    return &w->connections[(link - 1) / 2];
}
static inline uint32_t end_of(link_t link) {
    return (uint32_t)((link - 1) % 2);
}
static inline bool link_is_up(world_t *w, link_t link) {
    return connection_of(w, link)->end[end_of(link)].up;
}
static inline uint32_t link_peer(world_t *w, link_t link) {
    return connection_of(w, link)->end[1 - end_of(link)].owner;
}
/* Sends on a link whose end is up; the frame is shared, not taken. */
void sim_net_send(world_t *w, link_t link, frame_buffer_t *frame);
void sim_net_close(world_t *w, link_t link);
void net_dial_all(world_t *w, uint32_t endpoint);
void net_lost_endpoint(world_t *w, uint32_t endpoint, bool power);
void net_break(world_t *w, uint32_t connection);
void net_healed(world_t *w);
void net_event(world_t *w, const sim_event_t *event);
void sim_net_free(world_t *w);
/* A frame leaves its sender's machine now. */
void net_depart(world_t *w, link_t link, frame_buffer_t *frame);

/* ---- world_uplink.c ---- */
/* False: the uplink carries any amount at once, and nothing waits. */
bool uplink_limits(const world_t *w, uint32_t endpoint);
void uplink_queue(world_t *w, link_t link, frame_buffer_t *frame);
void uplink_sent(world_t *w, uint32_t endpoint);
/* The endpoint ends: what waits is gone. */
void uplink_clear(world_t *w, uint32_t endpoint);
void uplink_free(world_t *w);

/* ---- world_disk.c ---- */
void disk_make(disk_t *disk, uint64_t bytes);
void sim_disk_free(disk_t *disk);
void sim_disk_read(const disk_t *disk, uint64_t offset, void *to, size_t size);
void disk_write(disk_t *disk, uint64_t offset, const void *from, size_t size);
/* The append under way is durable, and all before it. */
void disk_complete(disk_t *disk);
/* As a host does when it opens the device (host.h): what is in the cache becomes durable. */
void disk_flush(disk_t *disk);
/* The process ends with a write under way: some sectors of it are in the machine's cache. */
void disk_killed(world_t *w, disk_t *disk);
void disk_power_cut(world_t *w, disk_t *disk);
/* Changes a bit or a sector of some record. False: there is none. `*forgotten`: nothing that is
 * left proves that what was damaged had been acknowledged. */
bool disk_rot(world_t *w, disk_t *disk, bool *forgotten);

/* ---- world_client.c ---- */
/* What a client of the workload asks for; KIND_MANUAL: by hand. */
enum { KIND_MANUAL = 0, KIND_OWN = 1, KIND_SHARED = 2, KIND_SET = 3 };
void sim_client_make(world_t *w, uint32_t index);
void sim_client_start(sim_client_t *client);
void sim_client_free(sim_client_t *client);
void sim_client_link_up(sim_client_t *client, link_t link, member_t member);
void sim_client_link_down(sim_client_t *client, link_t link);
void sim_client_frame(sim_client_t *client, link_t link, const frame_buffer_t *buffer);
void sim_client_event(sim_client_t *client, const sim_event_t *event);
/* Its index, or WORLD_BUSY. */
uint32_t sim_client_submit(sim_client_t *client, bytes_t operation, uint64_t kind);
/* The signed request that carries it goes out once more, past the core. */
void sim_client_send_again(sim_client_t *client, const sim_request_t *request, uint32_t member);
bool sim_client_idle(const sim_client_t *client);

/* ---- world_liar.c ---- */
/* A frame that a liar's replica sends on a link: sends it, something else, or nothing. */
void liar_send(node_t *node, link_t link, frame_buffer_t *frame);
/* A frame that reaches a liar, before its replica has it. True: the replica never has it. */
bool liar_heard(node_t *node, link_t link, const frame_buffer_t *frame);
void liar_free(node_t *node);
/* Does it lie so, this time? */
bool liar_lies(node_t *node, uint16_t kind);
/* Sends a forged frame, counts it, gives it back. False: there was none. */
bool liar_sends(node_t *node, link_t link, uint16_t kind, frame_buffer_t *forged);

/* ---- world_forge.c: frames made in a liar's own name; NULL when there is nothing to alter ---- */
unsigned frame_kind_of(const frame_buffer_t *frame);
/* The consensus message in a frame and its payload; it lives until the next one is decoded. */
bool forge_open(world_t *w, const frame_buffer_t *frame, message_t *message, bytes_t *payload);
/* Signs what the message now says and encodes it. */
frame_buffer_t *forge_message(node_t *node, message_t *message, bytes_t payload);
frame_buffer_t *forge_other_block(node_t *node, const frame_buffer_t *proposal);
/* The proposal or time-out rests on the certificate of an old proposal instead. */
frame_buffer_t *forge_stale(node_t *node, const frame_buffer_t *frame, const frame_buffer_t *old);
frame_buffer_t *forge_vote(node_t *node, const frame_buffer_t *proposal, uint8_t phase);
/* Other bytes at the end of the body: payload of proposals, replies, blocks. */
frame_buffer_t *forge_tail(world_t *w, const frame_buffer_t *frame);
frame_buffer_t *forge_noise(world_t *w, const frame_buffer_t *frame);
frame_buffer_t *forge_sync(world_t *w, const frame_buffer_t *frame);
/* Of an answer of state transfer: another manifest, another chunk, nothing. */
frame_buffer_t *forge_snapshot(world_t *w, const frame_buffer_t *frame);
frame_buffer_t *forge_root(node_t *node, const frame_buffer_t *frame);
frame_buffer_t *forge_room(size_t body_size);

/* ---- world_forge_reply.c ---- */
frame_buffer_t *forge_reply(node_t *node, const frame_buffer_t *frame);
/* An answer to a request that has not run. */
frame_buffer_t *forge_early_reply(node_t *node, const frame_buffer_t *asked);

/* ---- world_promises.c ---- */
/* What became durable at a node; what may have, when its write was cut short. */
void oracle_durable(node_t *node, bytes_t written);
void oracle_landed(node_t *node, bytes_t written);
/* A statement with a slot leaves its author; `is_new`: it was never said before. */
void oracle_promised(node_t *node, const phase_t *phase, const statement_t *statement, bool is_new);

/* ---- world_oracle.c ---- */
void oracle_make(world_t *w);
void oracle_free(world_t *w);
void oracle_issued(world_t *w, const digest_t *digest);
void oracle_executed(void *node, height_t height, const digest_t *id, const block_t *block,
                     bytes_t payload);
/* What an honest node hands to the network. */
void oracle_sent(node_t *node, const frame_buffer_t *frame);
void oracle_submitted(sim_client_t *client, sim_request_t *request);
void oracle_answered(sim_client_t *client, const sim_request_t *request);
uint64_t oracle_mix(uint64_t hash, uint64_t word);
/* Where what was said under this key stands, or would. */
said_t *said_slot(world_t *w, uint64_t key);
/* At the end of a run in which everything was answered. */
void oracle_finish(world_t *w);

/* ---- world_batches.c ---- */
void oracle_batch_sent(node_t *node, unsigned kind, bytes_t body);
void oracle_batch_durable(node_t *node, bytes_t body);
/* The node stops: had it acknowledged what is not certified? */
void batches_stopped(node_t *node);
/* A liar sends a frame about batches. True: something else went out, or nothing. */
bool lie_about_batches(node_t *node, link_t link, frame_buffer_t *frame);
/* A liar hears a batch. True: its replica never has it. */
bool acknowledge_all(node_t *node, link_t link, const frame_buffer_t *frame);
/* `to` has twice the room of the payload. */
size_t forge_references(world_t *w, bytes_t payload, uint8_t *to, uint32_t *count);

/* ---- world_answers.c: what clients sign, what honest members reply, what clients believe ---- */
/* A request leaves the client: it is what was submitted, in its order, and always the same. */
void answers_sealed(sim_client_t *client, frame_buffer_t *frame);
/* An honest member sends this to the client. */
void answers_said(node_t *node, sim_client_t *client, const frame_buffer_t *frame);
/* The client's core tells what became of an operation. */
void answers_believed(sim_client_t *client, sim_request_t *request,
                      const client_completion_t *completion);
/* No core may call an honest member a liar. */
void answers_finish(sim_client_t *client);

#endif
