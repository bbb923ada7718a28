/* What the simulated world is made of: events, frames and links, disks, nodes, clients. The world
 * itself, and which file does what to it: world_state.h. */
#ifndef SIM_WORLD_TYPES_H
#define SIM_WORLD_TYPES_H

#include "base/arena.h"
#include "base/check.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/trace.h"
#include "client/client_core.h"
#include "codec/hello.h"
#include "codec/message_codec.h"
#include "codec/request.h"
#include "protocol/registry.h"
#include "sim/promises.h"
#include "sim/world.h"
#include "sim/world_store.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
/* Requests of one payload. */
#define WALK_REQUESTS_MAX 10240 /* as many as a block may have */
#define ENDPOINTS_MAX (WORLD_MEMBERS_MAX + WORLD_CLIENTS_MAX)
#define DISK_PAGE_BYTES 65536u
#define DISK_CUT_BYTES 512u
/* Frames under way on one direction of one link; a real host closes such a link. */
#define WAY_FRAMES_MAX 20000

typedef enum sim_event_kind {
    SIM_FRAME = 1, /* link, frame */
    SIM_TAKEN,     /* the same, when the processor comes to it */
    SIM_SENT,      /* the uplink of who has sent a frame */
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
    SIM_STOP,   /* the process of a replica that halted ends */
    SIM_CLIENT, /* who = client, a = number of the wish; 0: its workload */
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
    lane_t lane;
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
    uint64_t queued_bytes[LANE_COUNT]; /* that wait for the uplink */
} way_t;

/* Two ends; link numbers are 2 * index + end + 1 and never used again. */
typedef struct connection {
    link_end_t end[2];
    way_t way[2]; /* from end i */
    bool broken;
} connection_t;

/* ---- uplinks ---- */

typedef struct waiting {
    link_t link;
    frame_buffer_t *frame;
    uint64_t since_ns;
} waiting_t;

typedef struct lane_queue {
    waiting_t *items; /* a ring */
    uint32_t head, count, capacity;
} lane_queue_t;

typedef struct uplink {
    lane_queue_t lanes[LANE_COUNT];
    bool busy;
    waiting_t sending; /* while busy */
    uint64_t bytes;    /* a second, of this one; 0: as the options say */
    uint64_t sent_bytes;
} uplink_t;

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
    bool full;        /* appends wait */
    bool waits;       /* one does: its event, without room */
    uint64_t trapped; /* of that event */
    bool fails;       /* the next append does */
    bool failed;      /* one of this life did, and so does each that follows */
} disk_t;

/* ---- nodes ---- */

/* A record of the core in a write that was cut short. */
typedef struct landed {
    uint64_t sequence;
    promised_t promises;
} landed_t;

typedef struct node {
    struct world *world;
    uint32_t endpoint; /* twins share the member, not the endpoint */
    member_t member;
    uint16_t lies;
    bool up, halted;
    bool rotten;    /* its journal is damaged: it may refuse to start */
    bool forgetful; /* and nothing proves what it lost: it is not held to what it said */
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
    height_t installed; /* of the last snapshot that it started from or took over */
    uint64_t busy_until_ns, pool_until_ns; /* processor; worker of the pool */
    uint64_t sync_ns, lag_ns;              /* 0: as the options say */
    uint64_t boot_ns;                      /* world time at which its monotonic clock began */
    int64_t skew_ns, rate_ppm;
    uint64_t wake_number; /* of the last wish */
    uint64_t reset_until_ns;
    bool flush_due;
    uint32_t trap; /* appends until it stops; 0: none */
    trap_point_t trap_point;
    height_t observed;        /* last height that this life executed */
    uint64_t recorded;        /* sequence of the last record that became durable */
    promised_t said, durable; /* needed by what ever left it; by its latest durable record */
    landed_t *landed;         /* in order of sequence; known with the next append */
    uint32_t landed_count, landed_capacity;
    frame_buffer_t *stale;     /* of a liar: an old proposal of its own */
    frame_buffer_t *answered;  /* of a liar: an old answer to a client */
    frame_buffer_t *old_about; /* of a liar: something about batches that it said before */
    frame_buffer_t *twofold;   /* the other block of the proposal that is being sent, */
    uint64_t twofold_of;       /* which is this one */
} node_t;

/* ---- clients ---- */

/* One operation that a client was given; its token is its index + 1. */
typedef struct sim_request {
    bytes_t operation;     /* owned */
    uint64_t kind, number; /* of the workload: which counter, what it was told before */
    uint32_t sealed;       /* index + 1 of the signed request that carries it; 0: not sent yet */
    bool reported;         /* as UNKNOWN: the truth may follow */
    bool answered;         /* nothing follows any more */
    bool late;             /* it was reported before */
    synod_status status;
    height_t height;
    uint8_t *result; /* owned */
    size_t result_size;
    uint64_t honest; /* print of what honest members say that it did; 0: nothing yet */
} sim_request_t;

/* A signed request, as it left the client first. */
typedef struct sim_sealed {
    uint64_t session, sequence;
    uint32_t first, count; /* operations */
    uint32_t refusals;     /* set of the statuses that honest members gave instead of a result */
    frame_buffer_t *frame;
} sim_sealed_t;

typedef struct sim_client {
    struct world *world;
    uint32_t index;
    symbolic_identity_t identity;
    signer_t signer;
    client_host_t host;
    void *memory;
    client_t *core;
    uint64_t wake_number;            /* of the last wish */
    link_t links[WORLD_MEMBERS_MAX]; /* the newest of each member; LINK_NONE: none */
    sim_request_t *requests;
    uint32_t count, capacity;
    uint32_t outstanding; /* not answered */
    uint32_t to_submit;   /* by the workload */
    /* oracle: what was signed, and what honest members said of sessions */
    sim_sealed_t *sealed;
    uint32_t sealed_count, sealed_capacity;
    uint32_t next_sealed;   /* operations before this index were sealed or given up */
    uint64_t session_alive; /* the newest that an honest member said was opened */
    uint64_t session_gone;  /* the newest that an honest member said is gone */
} sim_client_t;

#endif
