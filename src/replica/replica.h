/* The replica: everything between the bytes of a link and the ordered, executed log, around any
 * core that the registry offers. No I/O, no clock, no allocator: the host (host.h) gives memory at
 * open, carries out the verbs, and brings every input by one of the calls below.
 *
 *   bytes -> gate (decode, bound, judge, admit, verify) -> core -> effects -> journal, outbox,
 * ledger client requests -> gate -> mempool -> payload of a block -> ledger -> reply
 *
 * Rules of the host: calls come from one thread and are not nested (a verb never calls back);
 * `now` never goes back; after each batch of inputs it calls replica_flush once. Same inputs, same
 * verbs called with the same bytes, on every machine. */
#ifndef REPLICA_REPLICA_H
#define REPLICA_REPLICA_H

#include "base/latency.h"
#include "codec/frame.h"
#include "codec/sync_codec.h"
#include "protocol/protocol.h"
#include "replica/host.h"
#include "replica/ledger.h"

/* With fewer a release might not make room for the next block (journal_roomy). */
#define JOURNAL_SEGMENTS_MIN 8

typedef struct instant {
    uint64_t now_ns;  /* monotonic */
    uint64_t time_ns; /* since genesis, as this node's clock says */
} instant_t;

/* How the bytes of requests reach everybody (docs/protocols/payload.md). */
typedef enum payload_kind {
    PAYLOAD_INLINE = 1,   /* behind the leader's proposal */
    PAYLOAD_CERTIFIED = 2 /* from whoever a client sent them to; blocks name certified batches */
} payload_kind_t;
/* Of payload_bytes_max with PAYLOAD_CERTIFIED: a block, its references and its content travel in
 * one frame when somebody catches up. */
#define PAYLOAD_CERTIFIED_BYTES_MAX (FRAME_BODY_MAX >> 2)
/* 0: no strategy has that name. */
uint32_t payload_find(const char *name);
const char *payload_name(uint32_t kind);

/* What all replicas of a chain share (it stands in the genesis). */
typedef struct chain_parameters {
    parameters_t core;
    ledger_parameters_t ledger;
    uint64_t checkpoint_blocks; /* a state root every so many blocks, and when idle; default 256 */
    uint64_t clock_drift_ns;    /* block times further ahead of our clock are not voted for; 10 s */
    uint32_t payload;           /* payload_kind_t; default inline */
} chain_parameters_t;

/* Zero fields get the defaults named above, in ledger.h and by the protocol. */
void chain_parameters_fill(chain_parameters_t *parameters, const protocol_t *protocol);

typedef struct replica_config {
    const protocol_t *protocol;
    chain_parameters_t chain;
    const committee_t *committee; /* borrowed */
    member_t self;
    const signer_t *signer; /* of the member's key; borrowed */
    uint8_t seed[32];       /* node secret, stable over restarts */
    digest_t anchor;        /* id of the genesis block */
    const synod_app *app;
    const host_t *host; /* borrowed */
    /* this node's own bounds; zero = default */
    uint32_t journal_segments;      /* default 64; see replica_segments_min */
    uint64_t journal_segment_bytes; /* part of the device; default 64 MiB */
    /* Bytes that the journal's device has now: beyond, nothing was ever written; 0: not known. */
    uint64_t journal_extent_bytes;
    /* A snapshot at the next checkpoint after so many bytes of journal; default an eighth of the
     * device: two snapshots are kept and the journal from the older one on, so about three of these
     * are in use, and at most one, and the blocks of one checkpoint, are replayed at start. */
    uint64_t snapshot_bytes;
    uint32_t mempool_bytes; /* default 64 MiB */
    uint32_t links_max;     /* members and clients; default 1,024 */
    uint32_t link_faults;   /* wrong frames at once before a link is closed; default 256 */
} replica_config_t;

typedef struct replica replica_t;

/* Bytes that replica_open needs, zeroed; mostly reserved, touched as used. */
size_t replica_bytes(const replica_config_t *config);
/* The fewest journal segments with which a full journal is surely released again; with fewer, but
 * JOURNAL_SEGMENTS_MIN, what all lanes may hold at worst may not find room then, so the daemon
 * refuses them. 0: the segments are too small. */
uint64_t replica_segments_min(const replica_config_t *config);
/* Copies the config. BAD_CONFIG, UNSUPPORTED, NO_MEMORY. */
synod_status replica_open(void *memory, size_t size, const replica_config_t *config,
                          replica_t **replica);
/* Starts recovery from the journal; the replica takes part when that has finished. */
void replica_start(replica_t *replica, instant_t now);
/* Ends: the application is closed. The memory may then go. */
void replica_close(replica_t *replica);

/* ---- inputs ---- */

/* A channel is up. `member`: whose pinned key the channel proved, MEMBER_NONE for anybody else (a
 * client). A new channel of the same member replaces the one before, which is closed. `connection`
 * is a fresh random number. */
void replica_on_link_up(replica_t *replica, instant_t now, link_t link, member_t member,
                        uint64_t connection);
void replica_on_link_down(replica_t *replica, instant_t now, link_t link);
/* One whole frame that frame_decode accepted. The body is borrowed for the call. */
void replica_on_frame(replica_t *replica, instant_t now, link_t link, frame_t frame);
void replica_on_appended(replica_t *replica, instant_t now, uint64_t token, synod_status status);
void replica_on_read(replica_t *replica, instant_t now, uint64_t token, synod_status status);
void replica_on_stored(replica_t *replica, instant_t now, uint64_t token, synod_status status);
void replica_on_loaded(replica_t *replica, instant_t now, uint64_t token, synod_status status);
void replica_on_wake(replica_t *replica, instant_t now);
void replica_on_job(replica_t *replica, instant_t now, job_t *job);
/* After each batch of inputs: hands collected work to journal and pool. */
void replica_flush(replica_t *replica, instant_t now);

/* Before an orderly end, again and again until it says true: everything that was appended is
 * durable and sealed. Nothing else should come in any more. */
bool replica_rest(replica_t *replica, instant_t now);

/* ---- looking ---- */

typedef enum replica_phase {
    REPLICA_RECOVERING = 1,
    REPLICA_RUNNING = 2,
    REPLICA_HALTED = 3 /* host->halt was called; inputs are ignored */
} replica_phase_t;

replica_phase_t replica_phase(const replica_t *replica);
void replica_status(const replica_t *replica, instant_t now, status_report_t *report);
/* The same with what it says of its members, which is borrowed until the next call. */
void replica_report(replica_t *replica, instant_t now, status_report_t *report);
/* What the replica knows of a member, itself included. */
void replica_peer(const replica_t *replica, member_t member, status_peer_t *peer);
const ledger_t *replica_ledger(const replica_t *replica);

/* Stages of the way of requests and blocks, in this order. */
typedef enum latency_stage {
    LATENCY_VERIFY = 0, /* a request: until its signature was checked */
    LATENCY_ORDER,      /* from there until it has run, wherever it was proposed */
    LATENCY_JUDGE,      /* a block: until it is found good */
    LATENCY_FINAL,      /* from its arrival until it is final and has run */
    LATENCY_STAGES
} latency_stage_t;

#define STATUS_NUMBERS 64 /* every status is below */

/* Counted since the start, for metrics. */
typedef struct replica_figures {
    latency_t latencies[LATENCY_STAGES];
    uint64_t drops[STATUS_NUMBERS];    /* frames, by what was wrong */
    uint64_t requests[STATUS_NUMBERS]; /* executed or refused, by outcome */
    uint64_t batches_refused;          /* of a lane that was full */
    uint64_t batches_twofold;          /* another one in a place that is taken */
    uint64_t batches_asked;            /* questions for what a final block lacked */
    uint64_t leaders_rotated;          /* changes of leader that no failed view caused */
    uint64_t views_failed_seen;
    view_cause_t view_changed_by;
    uint64_t view_changed_ns; /* when */
} replica_figures_t;
const replica_figures_t *replica_figures(const replica_t *replica);

/* How full the queues are now, and what they hold at most. */
typedef struct queue_depth {
    const char *name;
    uint64_t depth, bound;
} queue_depth_t;
#define QUEUES_COUNT 6
void replica_queues(const replica_t *replica, queue_depth_t queues[QUEUES_COUNT]);
/* Verified signatures of a member that were seen, in messages and in certificates. */
uint64_t replica_signatures_seen(const replica_t *replica, member_t member);

/* What is known here of the batches of one author (docs/protocols/payload.md). */
typedef struct lane_view {
    uint64_t ordered, certified, held; /* the highest batch that is; 0: none */
    digest_t ordered_name;
    uint64_t acknowledged;     /* by this member, and not certified as far as is known */
    uint64_t bytes, bytes_max; /* held and not ordered */
    uint64_t waiting_ns;       /* since something certified waits to be ordered; 0: not */
    bool forked; /* its author sent other batches to others: nothing more of it is taken */
} lane_view_t;
/* False: the chain's payloads have no lanes. */
bool replica_lane(const replica_t *replica, member_t author, lane_view_t *view);
/* A read of the application, as a client asks for one. False: it is recovering, or has halted. The
 * answer is borrowed until the next call of the replica. */
bool replica_query(replica_t *replica, bytes_t query, bool prove, query_reply_t *answer);

/* The newest state root computed here, and the parts whose digest it is (docs/formats/sessions.md):
 * what a reader needs to believe a proof against `application`. */
typedef struct state_root {
    epoch_t epoch;
    height_t height;
    digest_t root;
    digest_t application, sessions, committee, order;
} state_root_t;
/* False: there is none of the state as it is now. Blocks were executed since the last one, and what
 * is read with a proof would be of before them. */
bool replica_root(const replica_t *replica, state_root_t *root);
/* Has the member signed this very root, as far as is known here? */
bool replica_root_signed(const replica_t *replica, member_t member, signature_t *signature);

typedef enum block_place {
    BLOCK_HERE = 1,     /* in memory or in the journal */
    BLOCK_RELEASED = 2, /* below what is kept */
    BLOCK_UNKNOWN = 3   /* not executed here */
} block_place_t;

typedef struct block_view {
    height_t lowest, highest; /* what there is */
    const block_t *block;     /* borrowed until the next call; NULL: read it at `address` */
    uint64_t address;         /* of its record in the journal (journal_parse) */
    bool has_proof;           /* the certificate that made it final is known, at: */
    uint64_t proof_address;
    size_t record_bytes_max; /* of both */
} block_view_t;
block_place_t replica_block_at(const replica_t *replica, height_t height, block_view_t *view);

/* For the simulator's oracles: called at each delivered and executed block, in order. With a NULL
 * block: the state is now that after this block, by a snapshot. */
typedef void replica_observer_fn(void *context, height_t height, const digest_t *id,
                                 const block_t *block, bytes_t payload);
void replica_observe(replica_t *replica, replica_observer_fn *observer, void *context);

#endif
