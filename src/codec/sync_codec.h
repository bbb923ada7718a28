/* Bodies of the sync, checkpoint, query and status frames (docs/formats/wire.md). Same rules as all
 * decoders: bound first, borrow, nothing left over. */
#ifndef CODEC_SYNC_CODEC_H
#define CODEC_SYNC_CODEC_H

#include "model/block.h"
#include "model/committee.h"

/* Asks for final blocks from `from` on (by_id false), or for one block and up to count - 1 of its
 * ancestors (by_id true). */
typedef struct block_ask {
    bool by_id;
    digest_t id;
    height_t from;
    uint32_t count; /* 1 or more; the answerer bounds it */
} block_ask_t;
#define BLOCK_ASK_BYTES 45

/* One block: its encoding, its payload, and, for a final one, the encoded certificate that proves
 * the end of the run it belongs to (may be empty). */
typedef struct block_answer {
    height_t height;       /* of this block */
    height_t final_height; /* the sender's last final height: how much there is to get */
    bytes_t block, proof, payload;
} block_answer_t;

/* Attestation of a state root at a position; signed over tag[16] "synod.checkpoint", domain[32],
 * epoch u64, height u64, root[32]. */
typedef struct checkpoint {
    epoch_t epoch;
    height_t height;
    digest_t root;
    member_t member;
    signature_t signature;
} checkpoint_t;
#define CHECKPOINT_BYTES 116
#define CHECKPOINT_SIGNED_BYTES 96
void checkpoint_signed_bytes(const checkpoint_t *checkpoint, const digest_t *domain,
                             uint8_t to[CHECKPOINT_SIGNED_BYTES]);

typedef struct query {
    uint64_t number; /* chosen by the client, returned */
    bool prove;
    bytes_t query;
} query_t;

typedef struct query_reply {
    uint64_t number;
    synod_status status;
    height_t height; /* state as of this block */
    digest_t root;   /* application root when proved, else zero */
    bytes_t reply, proof;
} query_reply_t;

void block_ask_encode(const block_ask_t *ask, writer_t *writer);
synod_status block_ask_decode(reader_t *reader, block_ask_t *ask);
size_t block_answer_encoded_bytes(const block_answer_t *answer);
void block_answer_encode(const block_answer_t *answer, writer_t *writer);
synod_status block_answer_decode(reader_t *reader, block_answer_t *answer);
void checkpoint_encode(const checkpoint_t *checkpoint, writer_t *writer);
synod_status checkpoint_decode(reader_t *reader, checkpoint_t *checkpoint);
size_t query_encoded_bytes(const query_t *query);
void query_encode(const query_t *query, writer_t *writer);
synod_status query_decode(reader_t *reader, query_t *query);
size_t query_reply_encoded_bytes(const query_reply_t *reply);
void query_reply_encode(const query_reply_t *reply, writer_t *writer);
synod_status query_reply_decode(reader_t *reader, query_reply_t *reply);

/* A replica's account of itself, for `synod status` and tests. Fixed-size numbers. */
typedef struct status_report {
    member_t member;
    uint64_t view;
    member_t leader;
    height_t certified, final, executed;
    digest_t final_id;
    height_t root_height; /* last computed state root */
    digest_t root;
    uint64_t views_failed, requests_executed, operations_executed, pending_requests, pending_bytes;
    uint64_t sessions, peers_connected, clients_connected, journal_syncs, journal_bytes;
    uint64_t frames_dropped, signatures_bad, uptime_ns;
    uint64_t sync_failures;
    uint64_t quota_drops, links_refused, lines_held;
    height_t snapshot_height;                            /* newest usable one; 0: none */
    uint64_t journal_used_bytes, journal_capacity_bytes; /* not released yet, of all */
    uint32_t synced;                                     /* 1 when nothing is known to be missing */
    uint32_t phase;                                      /* replica_phase_t */
    uint32_t version;                                    /* major << 16 | minor << 8 | patch */
    uint64_t time_ns;                                    /* since genesis, by its own clock */
    uint64_t leaders_rotated; /* leader changes that no time-out caused */
    uint32_t view_changed_by; /* view_cause_t */
    uint64_t view_changed_ns; /* how long ago that was */
    uint64_t disk_syncs, disk_sync_ns, disk_sync_longest_ns;
    uint64_t disk_free_bytes, disk_total_bytes; /* of the file system; 0: not known */
    uint32_t disk_full;                         /* 1 while an append waits for room */
    uint32_t mute;     /* 1: what its key signed before is not known, so it signs no vote */
    uint64_t question; /* the number of what it answers */
    bytes_t peers;     /* STATUS_PEER_BYTES for each member in order; or empty */
} status_report_t;
#define STATUS_ASK_BYTES 8 /* the question's number, which the answer returns */
#define STATUS_PEER_BYTES 16
#define STATUS_FIXED_BYTES 372 /* without peers */
#define STATUS_BYTES_MAX (STATUS_FIXED_BYTES + STATUS_PEER_BYTES * MEMBERS_MAX)

/* Why the leader, or the view of a leader that stays, is another one. */
typedef enum view_cause {
    VIEW_CAUSE_NONE = 0,
    VIEW_CAUSE_TIMEOUT = 1, /* the view before failed */
    VIEW_CAUSE_ROTATION = 2 /* it was the next one's turn */
} view_cause_t;

/* What a member says about another one, or about itself. */
typedef struct status_peer {
    uint32_t connected;       /* 1: the channel is up and both have greeted */
    uint32_t silent_ms;       /* since the last byte; UINT32_MAX: not connected */
    height_t attested_height; /* of its newest state root heard of; 0: none */
} status_peer_t;
void status_peer_encode(const status_peer_t *peer, writer_t *writer);
/* False: the report does not say. */
bool status_report_peer(const status_report_t *report, member_t member, status_peer_t *peer);
void status_report_encode(const status_report_t *report, writer_t *writer);
synod_status status_report_decode(reader_t *reader, status_report_t *report);

#endif
