/* Payload strategies: how the bytes of requests reach everybody, beside any protocol. A core orders
 * digests and never sees bytes; a strategy decides what a block holds, when it may be called good,
 * who is asked for bytes later and when they may go. Rules and reasons: docs/protocols/payload.md.
 *
 *   payload.c            which strategy, and what all of them need
 *   payload_inline.c     the leader sends the bytes behind its proposal
 *   payload_certified.c  every member sends its own; blocks name batches by certificates
 *
 * Private to src/replica. */
#ifndef REPLICA_PAYLOAD_H
#define REPLICA_PAYLOAD_H

#include "replica/blocks.h"
#include "replica/replica.h"

struct verify_job;

typedef enum payload_opinion {
    PAYLOAD_GREEN = 1, /* may be ordered */
    PAYLOAD_AMBER = 2, /* cannot tell yet; the block is judged again when something moved */
    PAYLOAD_RED = 3,   /* never */
    PAYLOAD_OTHER = 4 /* these bytes are not what the block names; others may have the right ones */
} payload_opinion_t;

typedef struct replica_link replica_link_t;

/* The branch of blocks from what is executed to some block. */
typedef enum branch { BRANCH_HERE = 1, BRANCH_MISSING, BRANCH_LOST } branch_t;

typedef struct payload_strategy {
    const char *name;
    bool apart; /* what a block names is not the bytes of requests: they stand behind it */
    /* A verified request was taken into the mempool (PAY 1). */
    void (*offer)(replica_t *r, const request_t *request);
    /* The leader changed, or came back; any member did. */
    void (*led)(replica_t *r);
    void (*met)(replica_t *r, member_t member);
    /* What waits to be ordered, for the core. */
    void (*pending)(replica_t *r, event_t *event);
    /* A payload that repeats nothing of the branch to parent, into r->built (PAY 4): its size and
     * digest, and the number of what the block counts. */
    branch_t (*take)(replica_t *r, const digest_t *parent, uint32_t size_max, uint32_t *count);
    /* The payload taken last stands in this own block now. */
    void (*proposed)(replica_t *r, const block_slot_t *slot);
    /* Is the payload what the block says? Computed once a slot. */
    bool (*matches)(replica_t *r, block_slot_t *slot);
    /* The payload of a block whose ancestors are good (PAY 5). AMBER also while signatures are at
     * the pool; judge_verified has the answer then. */
    payload_opinion_t (*judge)(replica_t *r, block_slot_t *slot);
    /* The requests of a block that is final, in order (PAY 6). False: bytes are missing, and asked
     * for. */
    bool (*need)(replica_t *r, block_slot_t *slot, bytes_t *requests);
    /* The block was executed (PAY 7). */
    void (*release)(replica_t *r, block_slot_t *slot);
    /* A frame of a member that only a strategy knows. False: not this one. */
    bool (*frame)(replica_t *r, replica_link_t *link, frame_t frame);
    /* To whom the client of a session should send next: index + 1, 0: nobody knows. */
    uint64_t (*hint)(const replica_t *r, uint64_t session);
} payload_strategy_t;

extern const payload_strategy_t payload_inline, payload_certified;

/* A block that came or was read with its content behind its payload: cuts the two. */
bytes_t payload_cut(const replica_t *r, const block_t *block, bytes_t *payload);

/* NULL: no such strategy. */
const payload_strategy_t *payload_strategy(uint32_t kind);
/* Collects those of r->requests whose signatures have to be checked before they may be ordered.
 * False: wait, a session is not known here yet. */
bool payload_signatures(replica_t *r, uint32_t count, struct verify_job *job);

#endif
