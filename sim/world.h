/* The simulated world: n whole replicas (src/replica, the code of the daemon) with simulated
 * networks, disks, clocks and pools, and whole clients (src/client, the code of the client
 * library).
 *
 * Everything follows from the options and their seed: same options, same events, same trace hash on
 * every machine and in every build. Time is virtual; nothing here waits. A run is judged while it
 * goes on by oracles (world_oracle.c); the first violation ends it and is kept in the report.
 *
 * Times are in nanoseconds since the world began. Members are honest unless `liars` says otherwise;
 * a liar runs a real replica whose outgoing frames are altered, and signs with its own key only. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "client/client_core.h"
#include "replica/replica.h"

#define WORLD_MEMBERS_MAX 128
#define WORLD_CLIENTS_MAX 128
#define WORLD_CUTS_MAX 64     /* members that a set of members can name */
#define WORLD_ALL UINT32_MAX  /* instead of one member */
#define WORLD_BUSY UINT32_MAX /* instead of the number of a request */
#define WORLD_TEXT_MAX 400

/* What a liar does to what its replica says; any of them together. */
enum {
    LIAR_SILENT = 1 << 0,     /* no consensus message leaves */
    LIAR_WITHHOLD = 1 << 1,   /* what it says reaches a random part of the others */
    LIAR_EQUIVOCATE = 1 << 2, /* leads with two blocks in a view, one for each half */
    LIAR_STALE = 1 << 3,      /* proposes on and claims old certificates */
    LIAR_VOTE_ALL = 1 << 4,   /* votes for each proposal that it sees, to every member */
    LIAR_TWINS = 1 << 5,      /* two replicas with one key, each talks to a half of the others */
    LIAR_PAYLOAD = 1 << 6,    /* other payload bytes under a good block */
    LIAR_GARBAGE = 1 << 7,    /* frames with flipped bits, and frames of noise */
    LIAR_SYNC = 1 << 8,       /* wrong answers to those who catch up */
    LIAR_ROOTS = 1 << 9,      /* signs wrong state roots */
    LIAR_REPLIES = 1 << 10,   /* lies to clients */
    LIAR_SNAPSHOTS = 1 << 11, /* wrong manifests and chunks, or none */
    /* of batches: they mean something with the strategy `certified` only */
    LIAR_HOARD = 1 << 12, /* some never get its batches, whoever asks for one gets nothing */
    LIAR_FORK = 1 << 13,  /* another batch in a place of its lane for some */
    LIAR_ACKS = 1 << 14,  /* acknowledges whatever it hears and keeps none of it; else nothing, old
                             or broken acknowledgements and certificates */
    LIAR_FLOOD = 1 << 15  /* more batches than a lane may hold */
};
#define LIAR_COUNT 16
#define LIARS_OF_BATCHES 4 /* the last so many */

/* Faults that struck, by kind; the liars' kinds follow in the order of their bits. */
typedef enum world_fault {
    FAULT_LINK_RESET = 0,
    FAULT_SLOW_FRAME,
    FAULT_FRAME_LOST,
    FAULT_FRAME_TWICE,
    FAULT_FRAME_LATE, /* overtaken by later ones */
    FAULT_PARTITION,
    FAULT_ONE_WAY,
    FAULT_CRASH,
    FAULT_CRASH_BEFORE_WRITE, /* at an append: nothing of it survives */
    FAULT_CRASH_AFTER_WRITE,  /* at an append: it is durable, nobody was told */
    FAULT_POWER_CUT,          /* of all nodes at once */
    FAULT_TORN_WRITE,
    FAULT_CLOCK_STEP,
    FAULT_SLOW_DISK,
    FAULT_SLOW_NODE,
    FAULT_FULL_DISK,    /* an append waits for room */
    FAULT_FAILED_DISK,  /* an append ends with an error: some of it may be there */
    FAULT_SLOW_LINK,    /* a frame waited long for its turn on an uplink */
    FAULT_ROT,          /* bits of the journal change at rest */
    FAULT_SNAPSHOT_CUT, /* stopped while a piece of a snapshot was under way */
    FAULT_SNAPSHOT_ROT, /* a bit of a stored snapshot */
    FAULT_LIAR,         /* first of LIAR_COUNT */
    /* from here on: with the strategy `certified` only; three things that befall an honest member
     */
    FAULT_OF_BATCHES = FAULT_LIAR + LIAR_COUNT - LIARS_OF_BATCHES,
    FAULT_LIAR_HOARD = FAULT_OF_BATCHES,
    FAULT_LIAR_FORK,
    FAULT_LIAR_ACKS,
    FAULT_LIAR_FLOOD,
    FAULT_STOP_ACKNOWLEDGED, /* between acknowledgement and certificate */
    FAULT_BYTES_MISSING,     /* a final block waits for a batch */
    FAULT_LANE_FULL,         /* a batch finds no room */
    FAULT_KINDS
} world_fault_t;

const char *world_fault_name(world_fault_t fault);
/* How many kinds, from the first, can strike with this payload strategy. */
uint32_t world_fault_kinds(uint32_t payload);

/* What was violated. */
typedef enum violation {
    VIOLATION_NONE = 0,
    VIOLATION_AGREEMENT,  /* two honest members executed different blocks at one height */
    VIOLATION_PREFIX,     /* an executed block does not extend the one before */
    VIOLATION_VALIDITY,   /* executed what no client signed */
    VIOLATION_ONCE,       /* a request had its effect twice or not at all */
    VIOLATION_HISTORY,    /* a client was told what no order of the operations explains */
    VIOLATION_LOST,       /* an acknowledged request is gone */
    VIOLATION_ROOT,       /* different state roots at one height */
    VIOLATION_CONFLICT,   /* an honest member said two things in one slot */
    VIOLATION_DURABILITY, /* a promise left before what it depends on was durable */
    VIOLATION_LIVENESS,   /* healed, and still no progress after the bound */
    VIOLATION_BOUNDS,     /* a queue grew over its bound */
    VIOLATION_HALT,       /* an honest replica gave up */
    VIOLATION_STOP,       /* the process stopped: an assertion, a crash (told by the sweep) */
    VIOLATION_SCRIPT,     /* what a script expected is not so */
    VIOLATION_COUNT
} violation_t;

const char *violation_name(violation_t violation);

typedef struct world_options {
    uint64_t seed;
    const char *protocol; /* NULL: the default one */
    uint32_t members, clients;
    uint32_t requests;        /* each client submits so many by itself; 0: only by world_submit */
    uint32_t client_window;   /* signed requests outstanding at once; 0: 1 */
    uint32_t client_batch;    /* operations in one request at most; 0: the client's default */
    uint64_t deadline_ns;     /* then an operation is reported as UNKNOWN; 0: never */
    uint64_t submit_until_ns; /* requests come at random times before */
    uint64_t retry_ns;        /* a client asks everybody after this, then later and later */
    chain_parameters_t chain; /* zero fields: the simulator's defaults */
    uint64_t segment_bytes;   /* of the journal; 0: 512 KiB */
    uint32_t segments;        /* 0: 8 */
    uint64_t snapshot_bytes;  /* of journal between two snapshots; 0: an eighth of it */
    uint32_t mempool_bytes;   /* 0: 4 MiB */
    uint16_t liars[WORLD_MEMBERS_MAX]; /* LIAR_ bits; 0: honest */
    uint32_t lies_per_million;         /* how often a liar that could lie does */
    /* network */
    uint64_t delay_min_ns, delay_max_ns; /* one way */
    uint64_t delay_wild_ns;
    uint32_t wild_per_million, loss_per_million, twice_per_million, late_per_million;
    uint64_t detect_max_ns; /* until an end learns that its link broke */
    /* What an uplink carries in a second, to all peers together; 0: any amount at once. Frames wait
     * in lanes, consensus before clients before catch-up; a lane of one link holds queue_bytes (0:
     * 8 MiB), and what is too much is treated as the daemon does. */
    uint64_t uplink_bytes, queue_bytes;
    /* What a node's one processor needs: for each frame, each KiB of it, each operation that it
     * executes. With any of them the pool has one worker; 0: nothing. */
    uint64_t cost_frame_ns, cost_kib_ns, cost_operation_ns;
    /* nodes */
    uint64_t sync_min_ns, sync_max_ns; /* one append until it is durable */
    bool disk_lies;                    /* a control: nothing that it calls durable counts as such */
    uint64_t loop_max_ns;              /* inputs that come within so long are one batch */
    bool slow_roots;       /* a root takes many turns of the loop, as of a large state */
    uint64_t skew_max_ns;  /* wall clocks differ by up to this from the truth */
    uint32_t rate_max_ppm; /* clocks run fast or slow by up to this */
    /* Optional listener: one line of text for each thing that happens. */
    void (*line)(void *context, uint64_t now_ns, const char *text);
    void *line_context;
} world_options_t;

/* No chance and no faults: every delay is fixed. */
world_options_t world_options_quiet(uint32_t members);

typedef struct world_report {
    violation_t violated;
    char text[WORLD_TEXT_MAX]; /* what, who, when; empty when nothing was violated */
    uint64_t at_ns;
    uint64_t hash; /* of the trace */
    uint64_t events, frames, bytes;
    uint64_t overflows; /* frames that found the lane of their link full */
    uint64_t faults[FAULT_KINDS];
    uint64_t requests_sent, requests_answered; /* operations: submitted, answered with a result */
    uint64_t requests_unknown;                 /* reported as UNKNOWN at their deadline */
    uint64_t requests_late;                    /* of these: the truth was learnt afterwards */
    uint64_t blocks;                           /* highest executed by an honest member */
    uint64_t views, views_failed;
    uint64_t restarts;
    uint64_t refused;                       /* frames that honest replicas dropped, with a reason */
    uint64_t snapshots, releases, installs; /* taken or fetched; journals shortened; fetched ones */
    uint64_t shorts;                        /* journals in which blocks waited for room */
    uint64_t acknowledged_again; /* batches in a place in which one of a forked lane was */
    uint64_t heal_ns;            /* from healed to everything answered and executed everywhere */
    uint64_t blocks_after_calm;
} world_report_t;

typedef struct world world_t;

/* A world at time 0 whose nodes have been started. NULL: unknown protocol or bad options. */
world_t *world_open(const world_options_t *options);
void world_close(world_t *world);
const world_report_t *world_report(world_t *world);
uint64_t world_now_ns(const world_t *world);
const committee_t *world_committee(const world_t *world);

/* ---- time ---- */

/* One event; false when there is none or an oracle has fired. */
bool world_step(world_t *world);
void world_until(world_t *world, uint64_t at_ns);
/* Until every submitted request is answered and every honest member that is up has executed all;
 * false when that is not so at `limit_ns` or something was violated. */
bool world_settle(world_t *world, uint64_t limit_ns);
/* Is it so now? */
bool world_settled(const world_t *world);

/* ---- work ---- */

/* An operation for a client's core; its number, from 0, within the client. WORLD_BUSY: its queue is
 * full, nothing was taken. */
uint32_t world_submit(world_t *world, uint32_t client, bytes_t operation);
uint32_t world_clients(const world_t *world);
uint32_t world_submitted(const world_t *world, uint32_t client);
/* What is known of an operation. */
typedef struct world_outcome {
    bool reported;       /* as UNKNOWN, at its deadline */
    bool answered;       /* for good: nothing follows */
    synod_status status; /* as client_completion_t; UNKNOWN while only reported */
    height_t height;
    bytes_t result;
} world_outcome_t;
world_outcome_t world_outcome(const world_t *world, uint32_t client, uint32_t request);
/* The signed request that carries it is sent once more, to one member or to all. */
void world_send_again(world_t *world, uint32_t client, uint32_t request, uint32_t member);
const client_t *world_client(const world_t *world, uint32_t client);

/* ---- faults ---- */

/* The process is killed; the machine and what it handed to the disk stay. */
void world_crash(world_t *world, member_t member);
/* The machine loses power: what was not durable is lost or torn. */
void world_power_off(world_t *world, member_t member);
void world_restart(world_t *world, member_t member);
bool world_up(const world_t *world, member_t member);
/* Appends of the member that became durable. */
uint64_t world_appends(const world_t *world, member_t member);
/* The next append but `skip` stops the node. */
typedef enum trap_point {
    TRAP_BEFORE = 1, /* before the write: nothing of it is there */
    TRAP_AFTER = 2,  /* it is durable, but nobody was told */
    TRAP_POWER = 3   /* a power cut in the middle: any sectors of it are there, one may be torn */
} trap_point_t;
void world_trap(world_t *world, member_t member, uint32_t skip, trap_point_t point);
/* What an endpoint ever handed to the network, frame headers included. */
uint64_t world_sent_bytes(const world_t *world, member_t member);
/* Members in `from` do not reach members in `to` (bit sets of members). */
void world_cut(world_t *world, uint64_t from, uint64_t to);
void world_cut_off(world_t *world, member_t member); /* both ways, from members and clients */
void world_cut_client(world_t *world, uint32_t client);
void world_heal(world_t *world); /* all cuts end */
void world_reset_link(world_t *world, member_t a, member_t b);
void world_slow_disk(world_t *world, member_t member, uint64_t sync_ns);      /* 0: as it was */
void world_slow_link(world_t *world, member_t member, uint64_t uplink_bytes); /* 0: as it was */
void world_slow_node(world_t *world, member_t member, uint64_t lag_ns);       /* 0: as it was */
/* While a disk is full an append waits for room, as in the daemon. */
void world_fill_disk(world_t *world, member_t member, bool full);
/* The next append of this or the next life fails, and every other one of that life. The process
 * ends; the disk works again in the life after. */
void world_fail_disk(world_t *world, member_t member);
/* One bit or one sector of a record in the journal changes; false when it holds none. From now on
 * the member counts among the faulty ones: it may refuse to start. It may be believed to have
 * forgotten something only if nothing else on its disk proves that the damaged record was
 * acknowledged. */
bool world_rot(world_t *world, member_t member);
/* A bit of a stored snapshot flips; false: there is none in that slot. */
bool world_rot_snapshot(world_t *world, member_t member, uint32_t slot);
void world_step_clock(world_t *world, member_t member, int64_t by_ns);
/* From now on the network and the members do no more harm; liars go on. Sets the moment from which
 * recovery is measured; nodes that are down come back. */
void world_calm(world_t *world);

/* ---- looking ---- */

/* Zero when it is down. */
status_report_t world_status(const world_t *world, member_t member);
height_t world_height(const world_t *world, member_t member);
replica_t *world_replica(const world_t *world, member_t member);
/* State root as of now of a member that is up; changes nothing but its caches. */
digest_t world_root(world_t *world, member_t member);
/* Are the state roots of all honest members that are up equal at one height? */
bool world_roots_equal(world_t *world);

#endif
