/* The inside of the simulated world: what its files share. One file a concern:
 *   world.c         options, open, close, the event loop
 *   world_node.c    a node and its host verbs
 *   world_net.c     links and frames
 *   world_disk.c    a disk that loses power
 *   world_store.c   snapshots on it
 *   world_client.c  clients
 *   world_fault.c   faults on demand
 *   world_liar.c    which lie is told when
 *   world_forge.c   forged frames
 *   world_oracle.c  judgement while it runs
 *   world_finish.c  judgement at the end
 *
 * Invariants: an event carries the life of the node that it is for, so that nothing reaches a
 * later life; all chance comes from world->chance, drawn in the order of events; every random
 * choice is drawn only when the option that needs it is on, so that options do not shift each
 * other. */
#ifndef SIM_WORLD_STATE_H
#define SIM_WORLD_STATE_H

#include "base/arena.h"
#include "base/check.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/trace.h"
#include "codec/hello.h"
#include "codec/message_codec.h"
#include "codec/request.h"
#include "protocol/registry.h"
#include "sim/world.h"
#include "sim/world_store.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define ENDPOINTS_MAX (WORLD_MEMBERS_MAX + WORLD_CLIENTS_MAX)
#define DISK_PAGE_BYTES 65536u
#define DISK_CUT_BYTES 512u
/* Frames under way on one direction of one link; a real host closes such a link. */
#define WAY_FRAMES_MAX 20000

typedef enum sim_event_kind {
    SIM_FRAME = 1, /* link, frame */
    SIM_LINK_UP,   /* link */
    SIM_LINK_DOWN, /* link */
    SIM_DIAL,      /* who = lower endpoint, a = higher */
    SIM_APPENDED,
    SIM_READ,
    SIM_STORED,
    SIM_LOADED, /* a = token, b = offset */
    SIM_WAKE,
    SIM_JOB,
    SIM_FLUSH,
    SIM_CLIENT, /* who = client, a = kind of timer */
    SIM_RESTART
} sim_event_kind_t;

typedef struct sim_event {
    sim_event_kind_t kind;
    uint32_t who; /* endpoint */
    uint64_t life;
    uint64_t a, b;
    uint32_t slot;
    size_t size;
    void *pointer;
    uint32_t next_free;
} sim_event_t;

typedef struct frame_buffer {
    uint32_t references;
    size_t size;
    uint8_t data[];
} frame_buffer_t;

/* ---- network ---- */

typedef struct link_end {
    uint32_t owner; /* endpoint: members first, then clients */
    uint64_t life;
    bool up; /* the owner was told so */
} link_end_t;

typedef struct way {
    uint64_t last_ns; /* arrival of the last frame: in order */
    uint32_t under_way;
    frame_buffer_t **held; /* stalled by a cut, in order */
    uint32_t held_count, held_capacity;
} way_t;

/* Two ends; link numbers are 2 * index + end + 1 and never used again. */
typedef struct connection {
    link_end_t end[2];
    way_t way[2]; /* from end i */
    bool broken;
} connection_t;

/* ---- disk ---- */

typedef struct disk_undo {
    uint64_t at;
    uint8_t before[DISK_CUT_BYTES];
} disk_undo_t;

typedef struct disk {
    uint64_t bytes;
    uint8_t **pages; /* NULL: zeros */
    bool writing;
    uint64_t token, offset;
    bytes_t data; /* in the replica's memory until the write completes */
    /* sectors that a killed process had handed over: seen by reads, lost by a power cut, durable
     * with the next completed append */
    disk_undo_t *undo;
    uint32_t undo_count, undo_capacity;
    uint64_t appends;
} disk_t;

/* ---- nodes ---- */

/* What is durable of the record of the default protocol, read from the appends (durable before
 * spoken). */
typedef struct spoken {
    view_t voted, left, lease;
} spoken_t;

typedef struct node {
    struct world *world;
    uint32_t endpoint; /* twins share the member, not the endpoint */
    member_t member;
    uint16_t lies;
    bool up, halted;
    uint64_t life;
    replica_t *replica;
    void *memory;
    size_t memory_bytes;
    host_t host;
    replica_config_t config;
    symbolic_identity_t identity;
    signer_t signer;
    disk_t disk;
    store_t store;
    height_t installed;       /* of the last snapshot that it started from or took over */
    uint64_t sync_ns, lag_ns; /* 0: as the options say */
    uint64_t boot_ns;         /* world time at which its monotonic clock began */
    int64_t skew_ns, rate_ppm;
    uint64_t wake_number; /* of the last wish */
    uint64_t reset_until_ns;
    bool flush_due;
    uint32_t trap; /* appends until it stops; 0: none */
    bool trap_after;
    height_t observed;        /* last height that this life executed */
    view_t said_left;         /* highest view of a time-out that ever left it */
    spoken_t durable, landed; /* landed: of writes cut short, durable with the next append */
    frame_buffer_t *stale;    /* of a liar: an old proposal of its own */
    frame_buffer_t *twofold;  /* the other block of the proposal that is being sent, */
    uint64_t twofold_of;      /* which is this one */
} node_t;

/* ---- clients ---- */

typedef struct sim_request {
    uint64_t sequence;
    bytes_t encoded; /* owned */
    digest_t digest;
    bool sent, answered;
    uint64_t submitted_ns, answered_ns, retry_at_ns, resends;
    uint64_t kind, number;               /* of the workload: which counter, what it was told */
    uint64_t answers[WORLD_MEMBERS_MAX]; /* hash of what each member said; 0: nothing */
    uint64_t accepted;                   /* the hash accepted */
    synod_status status;
    height_t height;
    uint8_t *result; /* owned */
    size_t result_size;
} sim_request_t;

typedef struct sim_client_link {
    link_t link; /* LINK_NONE: none */
    bool greeted;
} sim_client_link_t;

typedef struct sim_client {
    struct world *world;
    uint32_t index;
    symbolic_identity_t identity;
    signer_t signer;
    uint64_t session, open_attempts;
    bool expired;
    sim_request_t open;
    sim_request_t *requests;
    uint32_t count, capacity;
    uint32_t outstanding, answered;
    uint64_t settled; /* all sequences up to this one are answered */
    uint32_t to_submit;
    uint64_t timer_at_ns;
    sim_client_link_t links[WORLD_MEMBERS_MAX];
    member_t hint;
} sim_client_t;

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
bool world_is_honest(const world_t *w, member_t member);
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

/* ---- world_node.c ---- */
void node_make(world_t *w, uint32_t endpoint, member_t member);
void node_start(node_t *node);
/* Ends its life: `power`: what was not durable is lost too. */
void node_stop(node_t *node, bool power);
void node_free(node_t *node);
instant_t node_instant(const node_t *node);
void node_link_up(node_t *node, link_t link, member_t member);
void node_link_down(node_t *node, link_t link);
void node_frame(node_t *node, link_t link, const frame_buffer_t *buffer);
void node_event(node_t *node, const sim_event_t *event);

/* ---- world_net.c ---- */
frame_buffer_t *frame_make(bytes_t bytes);
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

/* ---- world_client.c ---- */
/* What a client of the workload asks for; KIND_MANUAL: by hand. */
enum { KIND_MANUAL = 0, KIND_OWN = 1, KIND_SHARED = 2, KIND_SET = 3 };
void sim_client_make(world_t *w, uint32_t index);
void sim_client_free(sim_client_t *client);
void sim_client_link_up(sim_client_t *client, link_t link, member_t member);
void sim_client_link_down(sim_client_t *client, member_t member, link_t link);
void sim_client_frame(sim_client_t *client, member_t member, const frame_buffer_t *buffer);
void sim_client_timer(sim_client_t *client);
uint32_t sim_client_submit(sim_client_t *client, bytes_t operation, uint64_t kind);
void sim_client_send(sim_client_t *client, sim_request_t *request, uint32_t member);
bool sim_client_idle(const sim_client_t *client);

/* ---- world_liar.c ---- */
/* A frame that a liar's replica sends on a link: sends it, something else, or nothing. */
void liar_send(node_t *node, link_t link, frame_buffer_t *frame);
/* A frame that reaches a liar, before its replica has it. */
void liar_heard(node_t *node, const frame_buffer_t *frame);
void liar_free(node_t *node);

/* ---- world_forge.c: frames made in a liar's own name; NULL when there is nothing to alter ---- */
unsigned frame_kind_of(const frame_buffer_t *frame);
/* The consensus message in a frame and its payload; it lives until the next one is decoded. */
bool forge_open(world_t *w, const frame_buffer_t *frame, message_t *message, bytes_t *payload);
/* Signs what the message now says and encodes it. */
frame_buffer_t *forge_message(node_t *node, message_t *message, bytes_t payload);
frame_buffer_t *forge_other_block(node_t *node, const frame_buffer_t *proposal);
/* The proposal or time-out rests on the certificate of an old proposal instead. */
frame_buffer_t *forge_stale(node_t *node, const frame_buffer_t *frame, const frame_buffer_t *old);
frame_buffer_t *forge_vote(node_t *node, const frame_buffer_t *proposal);
/* Other bytes at the end of the body: payload of proposals, replies, blocks. */
frame_buffer_t *forge_tail(world_t *w, const frame_buffer_t *frame);
frame_buffer_t *forge_noise(world_t *w, const frame_buffer_t *frame);
frame_buffer_t *forge_sync(world_t *w, const frame_buffer_t *frame);
/* Of an answer of state transfer: another manifest, another chunk, nothing. */
frame_buffer_t *forge_snapshot(world_t *w, const frame_buffer_t *frame);
frame_buffer_t *forge_root(node_t *node, const frame_buffer_t *frame);
frame_buffer_t *forge_reply(world_t *w, const frame_buffer_t *frame);

/* ---- world_oracle.c ---- */
void oracle_make(world_t *w);
void oracle_free(world_t *w);
void oracle_issued(world_t *w, const digest_t *digest);
void oracle_executed(void *node, height_t height, const digest_t *id, const block_t *block,
                     bytes_t payload);
/* What an honest node hands to the network. */
void oracle_sent(node_t *node, const frame_buffer_t *frame);
/* What became durable at a node; what may have, when its write was cut short. */
void oracle_durable(node_t *node, bytes_t written);
void oracle_landed(node_t *node, bytes_t written);
void oracle_submitted(sim_client_t *client, sim_request_t *request);
void oracle_answered(sim_client_t *client, const sim_request_t *request);
/* At the end of a run in which everything was answered. */
void oracle_finish(world_t *w);

#endif
