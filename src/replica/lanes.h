/* Lanes: the batches of requests of every member, for the strategy `certified` (payload.h; rules:
 * docs/protocols/payload.md).
 *
 *   payload_certified.c  the strategy: blocks judged, made and filled
 *   lanes.c              what is held of each lane; order state; journal
 *   lanes_take.c         batches of others: taken, verified, written, acknowledged
 *   lanes_own.c          the own lane: batches made, acknowledgements counted, certificates told
 *   lanes_fetch.c        bytes that a final block lacks
 *
 * Invariants: of each author batches low + 1 to high are held, in one ring of bytes, each standing
 * on the one before; an acknowledgement leaves only when the batch is durable, and of one place of
 * a lane only one batch is ever written; `tip` is a function of the executed blocks; `low` follows
 * it once what was executed is durable with its block or below a snapshot.
 *
 * Private to src/replica. */
#ifndef REPLICA_LANES_H
#define REPLICA_LANES_H

#include "codec/batch_codec.h"
#include "replica/payload.h"

typedef enum held_state {
    HELD_WAITING = 1, /* its requests are to be verified */
    HELD_VERIFYING,   /* at the pool */
    HELD_GOOD,        /* to be written */
    HELD_WRITTEN,     /* in the journal, perhaps not durable */
    HELD_SAID         /* acknowledged; of the own lane: sent */
} held_state_t;

typedef struct held_batch {
    held_state_t state;
    uint64_t sequence;
    digest_t parent, name;
    batch_entry_t entry;
    uint64_t at;               /* in the ring */
    uint64_t journal_sequence; /* 0: not written */
    height_t unknown_at;       /* height + 1 at which a session was not known; 0: all were */
} held_batch_t;

typedef struct author_lane {
    uint64_t tip; /* ordered and executed up to here */
    digest_t tip_name;
    uint64_t low, high;
    digest_t high_name;
    held_batch_t *held;  /* LANE_WINDOW, by sequence */
    uint8_t *ring;       /* twice the largest payload */
    uint64_t head, tail; /* logical */
    bool forked;         /* its author sends different batches to different members */
    uint64_t asked_at;   /* for what is missing below a batch that came; 0: not */
    /* certified, as far as known here; entries from `known_from` on */
    uint64_t certified, known_from;
    digest_t certified_name;
    batch_entry_t known[LANE_WINDOW]; /* by sequence */
    uint64_t certified_ns;            /* since when something certified waits */
    bool relayed;                     /* the leader was told, in case that it was not */
    size_t signers_size, signatures_size;
    uint8_t *signers, *signatures; /* of the certificate of `certified` */
} author_lane_t;

/* Acknowledgements of one own batch. */
typedef struct own_acks {
    uint64_t *signers;
    signature_t *signatures; /* by member */
} own_acks_t;

typedef struct lanes {
    author_lane_t *lanes; /* by author; NULL: the strategy is another one */
    uint32_t ring_bytes;
    bool dirty;       /* something may go on */
    uint32_t mute;    /* written and not said yet */
    uint64_t said;    /* journal sequence that was durable when they were looked through */
    uint64_t used;    /* highest own sequence that ever stood in a block or the journal */
    own_acks_t *acks; /* LANE_WINDOW, by sequence */
    uint64_t remind_at;
    height_t unwritten; /* highest executed block whose bytes are in the journal as batches only */
    /* the block whose bytes are asked for */
    digest_t fetch_block;
    uint64_t fetch_at;
    uint32_t fetch_tries;
    /* scratch */
    uint64_t *branch; /* tips at some block, by author */
    digest_t *branch_name;
    uint64_t *looked, *taken; /* sets of authors */
    uint8_t *order;           /* encoded order state */
    certificate_t *proof;
} lanes_t;

/* A ring of so many of the largest payloads takes one of them in whole batches, wherever it begins.
 */
#define LANE_RING_SHARE 2
/* Bytes of the order state of one lane: what travels with a snapshot (PAY 8). */
#define LANE_ORDER_BYTES (8 + SYNOD_DIGEST_BYTES)

/* ---- lanes.c ---- */
static inline held_batch_t *held_at(author_lane_t *lane, uint64_t sequence) {
    return &lane->held[sequence % LANE_WINDOW];
}
static inline bool lane_holds(const author_lane_t *lane, uint64_t sequence) {
    return sequence > lane->low && sequence <= lane->high;
}
bytes_t held_bytes(const replica_t *r, member_t author, const held_batch_t *held);
/* Of what is held and not ordered. */
void lane_load(const author_lane_t *lane, uint64_t *bytes, uint64_t *requests);
/* Room for one more batch of so many bytes and requests, as far as its bounds go? */
bool lane_has_room(const replica_t *r, const author_lane_t *lane, size_t size, uint32_t requests);
/* The next batch of a lane, its bytes copied in. NULL: no room. */
held_batch_t *lane_put(replica_t *r, member_t author, const digest_t *parent,
                       const batch_entry_t *entry, bytes_t requests);
/* What is held from `sequence` on goes. */
void lane_cut(author_lane_t *lane, uint64_t sequence);
/* Batches up to `sequence` were ordered. */
void lane_ordered(replica_t *r, member_t author, uint64_t sequence, const digest_t *name);
/* Does a block above the newest snapshot need batches that were executed? Then lanes wait. */
bool lanes_pinned(const replica_t *r);
/* What nobody needs any more makes room. */
void lanes_advance(replica_t *r);
/* The order state as of now; with `next` in its place. */
bytes_t lanes_order(replica_t *r);
synod_status lanes_adopt(replica_t *r, bytes_t order, bool judge_only);
/* Written to the journal; false: there is no room now. */
bool lane_write(replica_t *r, member_t author, held_batch_t *held);
/* Recovery: a block in the journal names these; numbers of the own lane in it are used. */
void own_named(replica_t *r, bytes_t payload);
void lanes_recovered(replica_t *r);
void lanes_recover(replica_t *r, bytes_t body, uint64_t journal_sequence);
/* What is held and lies below this record of the journal is written again. */
bool lanes_carry(replica_t *r, uint64_t below);

/* ---- lanes_take.c ---- */
void lanes_on_batch(replica_t *r, replica_link_t *link, bytes_t body);
void lanes_on_ask(replica_t *r, replica_link_t *link, bytes_t body);
void lanes_on_proof(replica_t *r, replica_link_t *link, bytes_t body);
void lanes_verified(replica_t *r, struct verify_job *job);
/* Everything that can go on does. */
void lanes_pump(replica_t *r);
void batch_send(replica_t *r, link_t link, member_t author, const held_batch_t *held);
/* Judges a reference whose batches stand on `parent`. The name of the last one is in `name`. */
synod_status reference_judge(replica_t *r, const batch_reference_t *reference,
                             const digest_t *parent, digest_t *name);
void lane_certified(replica_t *r, const batch_reference_t *reference, const digest_t *name);
/* What is known to be certified above `from`; false: not all of it is. */
bool lane_reference(const author_lane_t *lane, member_t author, uint64_t from,
                    const digest_t *from_name, batch_reference_t *reference);

/* ---- lanes_own.c ---- */
void own_offer(replica_t *r);
void own_said(replica_t *r, held_batch_t *held);
void own_on_ack(replica_t *r, replica_link_t *link, bytes_t body);
void proof_send(replica_t *r, const link_t *links, uint32_t count, member_t author);
void own_met(replica_t *r, member_t member);
void lanes_look_again(replica_t *r);
void lanes_tick(replica_t *r);

/* ---- lanes_fetch.c ---- */
/* The bytes of a block, as far as they are held; true: all. */
bool fetch_fill(replica_t *r, block_slot_t *slot);
void fetch_missing(replica_t *r, const block_slot_t *slot);
/* Bytes of a batch that came from somebody. */
void fetch_take(replica_t *r, member_t author, uint64_t sequence, bytes_t requests);
/* The content that came with a block, or as much of it as is right. */
void fetch_content(replica_t *r, block_slot_t *slot, bytes_t content);
bool fetch_find(replica_t *r, member_t author, uint64_t sequence, bytes_t *requests);
/* Are the bytes of the next block on their way from those who acknowledged them? */
bool fetch_waits(const replica_t *r);
void fetch_tick(replica_t *r);

#endif
