/* The replica's inside: what its files share. One file a concern:
 *   replica.c  open, inputs, the run loop       look.c     what others may see
 *                                               gate.c     frames in, consensus messages judged
 *   driver.c   core events and effects          submit.c   client requests into the mempool
 *   judge.c    blocks judged, payloads built    deliver.c  final blocks executed, replies
 *   outbox.c   the one FIFO, signing            links.c    members and clients, handshake
 *   recover.c  journal replay                   sync.c     blocks that were missed
 *   attest.c   checkpoints                      serve.c    blocks for those who missed them
 *   quota.c    what one link may cost           snapshot.h snapshots, state transfer, space
 *   payload.h  how the bytes of requests reach everybody
 *
 * Invariants: nothing leaves that promises something before journal_durable reached its barrier;
 * the ledger executes heights one after another; a core is stepped by one event at a time and its
 * effects are carried out before the next. */
#ifndef REPLICA_STATE_H
#define REPLICA_STATE_H

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/ring.h"
#include "codec/hello.h"
#include "codec/message_codec.h"
#include "model/judge.h"
#include "protocol/registry.h"
#include "replica/blocks.h"
#include "replica/journal.h"
#include "replica/lanes.h"
#include "replica/mempool.h"
#include "replica/payload.h"
#include "replica/quota.h"
#include "replica/replica.h"
#include "replica/snapshot_parts.h"
#include "replica/sync_parts.h"

/* Journal write buffers: one is written while the other collects. */
#define JOURNAL_BUFFER_BYTES (12u << 20)
/* Frames that wait for the disk: at most a few votes and time-outs, or one proposal of 4 MiB. */
#define OUTBOX_BYTES (16u << 20)
/* Requests in one block: the smallest signed request has about 100 bytes, so this is the bound for
 * blocks of 1 MiB of them; it sizes the verification jobs. */
#define BLOCK_REQUESTS_MAX 10240
/* Verification jobs under way; when all are, blocks and requests wait. */
#define JOBS_MAX 8
/* Up to so many signatures are checked at once in the loop: cheaper than waking a thread. */
#define VERIFY_INLINE_MAX 2
/* Requests of clients collected for one verification. */
#define SUBMIT_BATCH_MAX 1024
#define SUBMIT_BATCH_BYTES (8u << 20)
/* Verified signatures remembered: votes and time-outs of a few views of the largest committees. */
#define KNOWN_SLOTS 4096
/* Internal events waiting: a verdict for each block held, and a few of each other kind. */
#define EVENTS_MAX 256
#define DEADLINES_MAX 8
/* Heights whose place in the journal is known, for peers that are behind: 8 MiB of addresses. */
#define INDEX_HEIGHTS (1u << 20)
/* Blocks in one answer. */
#define SYNC_RUN_MAX 72
/* A question to a peer that brings nothing for so long goes to the next one. */
#define SYNC_PATIENCE_NS UINT64_C(500000000)
/* It doubles with each run in a row that the peer left unproved, up to 2^3: 4 s, so that a slow one
 * is heard as well. */
#define SYNC_STRIKES_PATIENT 3
/* All that a peer gets from the first question to a proof: whoever drips blocks costs no more. A
 * peer that cannot bring what it was asked for in that time is asked for half as many. */
#define SYNC_STRETCH_NS UINT64_C(4000000000)
/* Room in the journal that blocks leave for the core's records: two of the largest. */
#define JOURNAL_RESERVE (2u << 20)
#define ATTACHMENTS_MAX 4096
/* Tokens of stores and loads count from here. */
#define SNAPSHOT_TOKEN (UINT64_C(1) << 61)
/* Answer and proof of one read: two of them fit into a frame. */
#define QUERY_BYTES_MAX (1u << 20)

typedef struct known_entry {
    member_t author;
    uint8_t used;
    uint8_t statement[STATEMENT_BYTES];
    signature_t signature;
} known_entry_t;

typedef struct verify_item {
    key_public_t key;
    digest_t digest;
    signature_t signature;
    uint32_t tag; /* the caller's */
    bool good;
} verify_item_t;

typedef enum verify_purpose { VERIFY_BLOCK = 1, VERIFY_SUBMIT, VERIFY_BATCH } verify_purpose_t;

/* A batch of request signatures at the pool. */
typedef struct verify_job {
    job_t job; /* first: the host gives this back */
    bool used;
    verify_purpose_t purpose;
    digest_t block;  /* VERIFY_BLOCK: id; VERIFY_BATCH: name */
    member_t author; /* VERIFY_BATCH */
    uint64_t sequence;
    const verifier_t *verifier;
    digest_t domain;
    uint32_t count;
    uint32_t slot;        /* VERIFY_SUBMIT: which batch */
    verify_item_t *items; /* BLOCK_REQUESTS_MAX */
} verify_job_t;

/* Requests of clients that wait for their signatures to be checked. */
typedef struct submit_item {
    uint32_t at, size; /* in bytes */
    link_t link;       /* to answer to, if any */
    link_t from;
    digest_t digest;
    uint64_t sequence; /* as the mempool names it */
    uint64_t arrival_ns;
} submit_item_t;

typedef struct submit_batch {
    bool at_pool;
    uint64_t number; /* of the filling, from 1 on */
    uint32_t count, bytes_used;
    submit_item_t *items; /* SUBMIT_BATCH_MAX */
    uint8_t *bytes;       /* SUBMIT_BATCH_BYTES */
} submit_batch_t;

typedef struct replica_link {
    link_t link; /* LINK_NONE: free */
    member_t member;
    bool greeted;                        /* its hello was accepted */
    uint64_t connection;                 /* ours, in our hello */
    uint64_t faults_paid, work_paid;     /* quota.c */
    uint64_t submitted_to;               /* which filling of a batch the next two count */
    uint32_t submitted, submitted_bytes; /* in the batch that is filling */
    uint32_t attached;                   /* session keys proved on it */
} replica_link_t;

typedef struct attachment {
    key_public_t key;
    link_t link;
    uint64_t used; /* counter of use: the least recently used goes */
} attachment_t;

#define OUTBOX_OWED UINT64_MAX
typedef struct outbox_entry {
    uint64_t barrier; /* journal sequence that must be durable; OUTBOX_OWED: of what is to be
                         appended yet */
    member_t to;      /* or SEND_ALL; self: loops back */
    uint64_t at;      /* logical position in the outbox ring */
    uint32_t size;
    bool heard; /* by oneself already: it waits for its turn to be forgotten */
} outbox_entry_t;

/* What a member attested. Of each the newest few: it may be ahead of us. */
#define CHECKPOINTS_KEPT 4
typedef struct checkpoint_said {
    height_t height; /* 0: nothing */
    digest_t root;
    signature_t signature;
} checkpoint_said_t;

struct replica {
    replica_config_t config;
    replica_phase_t phase;
    env_t env;
    instant_t now;
    instant_t started;
    bool mute; /* what this key signed is not known: no vote, time-out or proposal leaves */
    replica_observer_fn *observer;
    void *observer_context;

    /* core */
    void *core;
    effects_t effects;
    ring_t events;                     /* internal events that wait: event_t */
    uint64_t deadlines[DEADLINES_MAX]; /* by id; 0 off */
    uint64_t wake_at;                  /* as told to the host */
    bool pending_dirty;
    record_t *records;          /* by key: the newest of each */
    uint64_t *record_sequences; /* 0: not in the journal */
    bool records_owed;          /* the journal had no room for one */
    record_t *live_records;     /* those that there are, for the core's start */
    uint8_t *record_room;

    /* durable */
    journal_t *journal;
    uint64_t seal_at;      /* 0: nothing to seal */
    uint64_t sealed;       /* last record that is */
    uint64_t lazy_at;      /* records that nobody waits for go out by then; 0: there are none */
    uint64_t *index_block; /* height % INDEX_HEIGHTS -> address + 1 of its block record */
    uint64_t *index_final; /* the same for final marks */
    height_t index_low;    /* lowest height that the index knows */

    /* gate */
    known_entry_t *known;
    certificate_known_t known_face;
    arena_t decode; /* one message */
    uint8_t *frame; /* building one frame: FRAME_HEADER_BYTES + FRAME_BODY_MAX */
    uint64_t known_secret;
    uint8_t *query_room; /* 2 * QUERY_BYTES_MAX */

    /* requests */
    mempool_t mempool;
    submit_batch_t submit[2];
    uint32_t submit_filling;
    uint64_t batch_clock;
    verify_job_t jobs[JOBS_MAX];
    attachment_t *attachments;
    map_t attachment_index;
    uint32_t attachment_count;
    uint64_t attachment_clock;

    /* blocks */
    const payload_strategy_t *payload;
    lanes_t lanes;
    blocks_t blocks;
    const block_t *proposal; /* of the message that the core is looking at, and its payload */
    bytes_t proposal_payload;
    request_t *requests; /* parsed payload of one block */
    digest_t *request_digests, *request_leaves;
    uint64_t mark_clock;
    digest_t branch; /* block up to which mempool marks of branch_mark reach */
    uint64_t branch_mark;
    bool judge_again;
    bool disk_short;             /* something waits for room in the journal */
    bool want_waits, want_block; /* what the core wants is not here yet; a block, not a payload */
    digest_t want_parent;
    uint32_t want_size;
    uint8_t *built; /* payload made for the proposal that the core is about to send */
    uint32_t built_size;
    digest_t built_digest, built_parent;

    /* delivered */
    ledger_t *ledger;
    digest_t executed_id;
    height_t final_height; /* target: known final; executed may be behind */
    digest_t final_id;
    uint8_t *final_proof; /* encoded certificate of the last final */
    uint8_t *proof_room;  /* encoding one */
    size_t final_proof_size;
    /* of a lower one, not passed yet, for a snapshot there */
    height_t passed_height;
    uint8_t *passed_proof;
    size_t passed_proof_size;
    height_t final_marked; /* highest height with a final mark in the journal */

    /* links */
    replica_link_t *links;
    uint32_t links_max;
    map_t link_index;
    link_t *member_links; /* LINK_NONE: not connected */
    link_t *send_room;    /* list of links for one send */

    guard_t *guards;        /* by member, then that of the clients */
    uint64_t lines_told_at; /* when to say how many lines were held back; 0: none */

    /* outbox */
    ring_t outbox;
    uint8_t *outbox_bytes;
    uint64_t outbox_head, outbox_tail;
    uint32_t own_early; /* in the ring, of barrier 0 and not heard */

    /* sync */
    member_t sync_peer;
    bool sync_sure;       /* f + 1 members said that there is nothing more */
    uint64_t sync_at;     /* deadline of the question, or when to look again; 0: neither */
    uint64_t sync_by;     /* when the peer must have brought a proof */
    uint32_t sync_count;  /* blocks asked for at once */
    height_t sync_next;   /* next height of the run that comes in */
    height_t sync_end;    /* the run was asked for up to here; 0: nobody is asked */
    digest_t sync_parent; /* parent of the next */
    bool sync_begins;     /* the next is the first of the run */
    sync_peer_t *sync_peers;
    height_t *claims;   /* by member: the height that it attested; above ours: to be asked for */
    uint64_t claims_at; /* when to look at them; 0: none is above ours */
    uint32_t claims_tries;
    digest_t fetch_id;   /* one block that a proposal stands on; zero: none */
    member_t fetch_peer; /* who was asked for it */
    uint64_t fetch_at;   /* until when; 0: nobody is asked */
    serve_t serve;
    member_t last_leader;

    /* attestation */
    height_t root_height;
    digest_t root, application_root, root_order;
    height_t rooting; /* the height whose root is being computed; 0: none */
    uint64_t root_at; /* its next piece, where nothing else turns the loop before; 0: none */
    digest_t rooting_order;
    uint64_t idle_root_at;          /* 0: off */
    uint64_t tell_at;               /* when the newest root is told again; 0: there is none */
    uint32_t tell_tries;            /* how often it was */
    checkpoint_said_t *checkpoints; /* CHECKPOINTS_KEPT of each member */

    snapshots_t snapshots;
    transfer_t transfer;
    ledger_t *spare; /* a transferred state is loaded here; NULL: was not needed yet */
    void *spare_memory;

    /* counters */
    uint64_t frames_dropped, signatures_bad, sync_failures;
    uint64_t quota_drops, links_refused, lines_held;
    replica_figures_t figures;
    uint64_t *signatures_seen; /* by member */
    char text[256];            /* log line */
};

/* ---- driver.c ---- */
size_t driver_bytes(const replica_config_t *config);
void driver_start(replica_t *r, const record_t *records, uint32_t count);
/* Queues an internal event; the run loop steps the core with it. */
void driver_queue(replica_t *r, const event_t *event);
void driver_message(replica_t *r, const message_t *message, member_t link);
/* Until nothing is queued. */
void driver_run(replica_t *r);
void driver_deadlines(replica_t *r);
void set_wake(replica_t *r);

/* ---- gate.c ---- */
void gate_message(replica_t *r, replica_link_t *link, bytes_t body);
void known_add(replica_t *r, member_t author, const uint8_t statement[STATEMENT_BYTES],
               const signature_t *signature);
void known_add_certificate(replica_t *r, const certificate_t *certificate);
bool known_has(void *context, member_t author, const uint8_t statement[STATEMENT_BYTES],
               const signature_t *signature);

/* ---- submit.c ---- */
void submit_request(replica_t *r, replica_link_t *link, bytes_t body);
void submit_flush(replica_t *r);
void submit_verified(replica_t *r, verify_job_t *job);
/* The request that waits longest and can still run; drops those before it that cannot. */
const mempool_entry_t *submit_oldest(replica_t *r);
verify_job_t *job_take(replica_t *r, verify_purpose_t purpose);
void job_run(job_t *job);
/* Starts it at the pool, or does it at once when it is small; true when it is done already. */
bool job_start(replica_t *r, verify_job_t *job);
void job_free(verify_job_t *job);

/* ---- judge.c ---- */
void judge_block(replica_t *r, const digest_t *id);
void judge_waiting(replica_t *r);
void judge_verified(replica_t *r, verify_job_t *job);
/* Is there room in the journal for a body of this size and the records that may come with it? */
bool journal_has(replica_t *r, size_t size);
/* The blocks between what is executed and `parent`, highest first. */
branch_t judge_branch(replica_t *r, const digest_t *parent, block_slot_t *path[BLOCKS_SLOTS],
                      uint32_t *count);
/* The payload built last becomes that of this own block. */
void keep_own_proposal(replica_t *r, const digest_t *id, const block_t *block);
void build_payload(replica_t *r, const digest_t *parent, uint32_t size_max);
void fetch_block(replica_t *r, const digest_t *id);

/* ---- deliver.c ---- */
void deliver(replica_t *r, height_t height, const digest_t *id, const certificate_t *proof);
void deliver_encoded(replica_t *r, height_t height, const digest_t *id, bytes_t proof);
/* The proof that is at hand of what is final at a height; empty: none. */
bytes_t proof_of(const replica_t *r, height_t height);
/* Executes what is final and here. */
void deliver_pump(replica_t *r);
void journal_block(replica_t *r, block_slot_t *slot);
void send_reply(replica_t *r, link_t link, const reply_t *reply);

/* ---- outbox.c ---- */
void outbox_send(replica_t *r, member_t to, bool early, const message_t *message);
/* Releases what has become durable. */
void outbox_pump(replica_t *r);
/* What was owed to the journal is in it. */
void outbox_written(replica_t *r);

/* ---- links.c ---- */
replica_link_t *link_find(replica_t *r, link_t link);
/* The hello goes out at once, or when this replica has recovered: what it cannot take before that
 * would be lost, and come again late. */
void link_up(replica_t *r, link_t link, member_t member, uint64_t connection);
void links_recovered(replica_t *r);
void link_down(replica_t *r, link_t link);
void link_on_hello(replica_t *r, replica_link_t *link, bytes_t body);
void link_attach(replica_t *r, replica_link_t *link, bytes_t body);
link_t attached_link(replica_t *r, const key_public_t *key);
/* Says why and closes. */
void refuse_link(replica_t *r, replica_link_t *link, synod_status status, const char *reason);
/* A frame from the frame buffer to one link. */
void link_send(replica_t *r, link_t link, lane_t lane, frame_kind_t kind, size_t body_size);
static inline writer_t frame_writer(replica_t *r) {
    return writer_of(r->frame + FRAME_HEADER_BYTES, FRAME_BODY_MAX);
}
void answer_query(replica_t *r, replica_link_t *link, bytes_t body);
/* The application's answer, in room of the replica. */
void query_answer(replica_t *r, bytes_t query, bool prove, query_reply_t *answer);
void answer_status(replica_t *r, replica_link_t *link, bytes_t body);

/* ---- recover.c ---- */
void recover_continue(replica_t *r);

/* ---- replica.c ---- */
void replica_halt(replica_t *r, synod_status status, const char *reason);
void replica_log_list(replica_t *r, int level, const char *module, const char *event,
                      const char *format, va_list arguments) __attribute__((format(printf, 5, 0)));
void replica_log(replica_t *r, int level, const char *module, const char *event, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));

#endif
