/* The simulated world: n whole replicas (src/replica, the code of the daemon) with simulated
 * networks, disks, clocks and pools, and clients that submit, retry and check what they are told.
 *
 * Everything follows from the options and their seed: same options, same events, same trace hash on
 * every machine and in every build. Time is virtual; nothing here waits. A run is judged while it
 * goes on by oracles (world_oracle.c); the first violation ends it and is kept in the report.
 *
 * Times are in nanoseconds since the world began. Members are honest unless `liars` says otherwise;
 * a liar runs a real replica whose outgoing frames are altered, and signs with its own key only. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "replica/replica.h"

#define WORLD_MEMBERS_MAX 64
#define WORLD_CLIENTS_MAX 64
#define WORLD_ALL UINT32_MAX /* instead of one member */
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
    LIAR_SNAPSHOTS = 1 << 11  /* wrong manifests and chunks, or none */
};
#define LIAR_COUNT 12

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
    FAULT_SNAPSHOT_CUT, /* stopped while a piece of a snapshot was under way */
    FAULT_SNAPSHOT_ROT, /* a bit of a stored snapshot */
    FAULT_LIAR,         /* first of LIAR_COUNT */
    FAULT_KINDS = FAULT_LIAR + LIAR_COUNT
} world_fault_t;

const char *world_fault_name(world_fault_t fault);

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
    uint32_t client_window;   /* outstanding at once; 0: 1 */
    uint64_t submit_until_ns; /* requests come at random times before */
    uint64_t retry_ns;        /* a client asks everybody after this */
    chain_parameters_t chain; /* zero fields: the simulator's defaults */
    uint64_t segment_bytes;   /* of the journal; 0: 512 KiB */
    uint32_t segments;        /* 0: 4 */
    uint64_t snapshot_bytes;  /* of journal between two snapshots; 0: an eighth of it */
    uint16_t liars[WORLD_MEMBERS_MAX]; /* LIAR_ bits; 0: honest */
    uint32_t lies_per_million;         /* how often a liar that could lie does */
    /* network */
    uint64_t delay_min_ns, delay_max_ns; /* one way */
    uint64_t delay_wild_ns;
    uint32_t wild_per_million, loss_per_million, twice_per_million, late_per_million;
    uint64_t detect_max_ns; /* until an end learns that its link broke */
    /* nodes */
    uint64_t sync_min_ns, sync_max_ns; /* one append until it is durable */
    bool disk_lies;                    /* a control: nothing that it calls durable counts as such */
    uint64_t loop_max_ns;              /* inputs that come within so long are one batch */
    uint64_t skew_max_ns;              /* wall clocks differ by up to this from the truth */
    uint32_t rate_max_ppm;             /* clocks run fast or slow by up to this */
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
    uint64_t faults[FAULT_KINDS];
    uint64_t requests_sent, requests_answered;
    uint64_t blocks; /* highest executed by an honest member */
    uint64_t views, views_failed;
    uint64_t restarts;
    uint64_t refused;                       /* frames that honest replicas dropped, with a reason */
    uint64_t snapshots, releases, installs; /* taken or fetched; journals shortened; fetched ones */
    uint64_t heal_ns; /* from healed to everything answered and executed everywhere */
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

/* A request of a client: operation of the application; its number, from 0, within the client. */
uint32_t world_submit(world_t *world, uint32_t client, bytes_t operation);
uint32_t world_clients(const world_t *world);
uint32_t world_submitted(const world_t *world, uint32_t client);
bool world_answered(const world_t *world, uint32_t client, uint32_t request);
/* Status and result (of the one operation) of an answered request. */
synod_status world_answer(const world_t *world, uint32_t client, uint32_t request, bytes_t *result);
/* The client sends that request once more to one member, or to all. */
void world_send_again(world_t *world, uint32_t client, uint32_t request, uint32_t member);

/* ---- faults ---- */

/* The process is killed; the machine and what it handed to the disk stay. */
void world_crash(world_t *world, member_t member);
/* The machine loses power: what was not durable is lost or torn. */
void world_power_off(world_t *world, member_t member);
void world_restart(world_t *world, member_t member);
bool world_up(const world_t *world, member_t member);
/* The next append but `skip` stops the node: before the write, or when it is durable but nobody was
 * told. */
void world_trap(world_t *world, member_t member, uint32_t skip, bool after_write);
/* Members in `from` do not reach members in `to` (bit sets of members). */
void world_cut(world_t *world, uint64_t from, uint64_t to);
void world_cut_off(world_t *world, member_t member); /* both ways, from members and clients */
void world_heal(world_t *world);                     /* all cuts end */
void world_reset_link(world_t *world, member_t a, member_t b);
void world_slow_disk(world_t *world, member_t member, uint64_t sync_ns); /* 0: as it was */
void world_slow_node(world_t *world, member_t member, uint64_t lag_ns);  /* 0: as it was */
/* A bit of a stored snapshot flips; false: there is none in that slot. */
bool world_rot(world_t *world, member_t member, uint32_t slot);
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
