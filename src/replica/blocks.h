/* The block store: recent blocks with their payloads, by id, in a fixed number of slots.
 *
 * A slot is taken by a block that the core wants judged, or that sync brought. When all are taken,
 * the lowest executed one goes, else the one of the lowest view on which nothing stands: what
 * others stand on may be certified, and held by stores like this only. So memory is bounded
 * whatever a faulty leader proposes (attack H13). */
#ifndef REPLICA_BLOCKS_H
#define REPLICA_BLOCKS_H

#include "model/block.h"

/* Blocks further above what is executed are not kept: while this replica is so far behind they can
 * neither be judged nor executed, and would crowd out those that sync brings. A little more than
 * the default horizon of ordering over execution. */
#define BLOCKS_AHEAD 72
/* Those, as many of one sync run, and those executed that are kept. */
#define BLOCKS_SLOTS 176
/* Executed blocks kept in memory for members that are a little behind; older ones come from the
 * journal. */
#define BLOCKS_KEPT 16

/* Pieces in which the content behind a payload may come (payload.h). */
#define SLOT_PIECES 256

typedef enum block_state {
    BLOCK_FREE = 0,
    BLOCK_WAITING = 1,   /* for its parent, a session or its clock: judged again on progress */
    BLOCK_VERIFYING = 2, /* signatures of its requests are at the pool */
    BLOCK_GOOD = 3,
    BLOCK_BAD = 4,
    BLOCK_EXECUTED = 5
} block_state_t;

typedef struct block_slot {
    block_state_t state;
    digest_t id;
    uint64_t journal_sequence; /* record that holds it; 0 not written */
    uint64_t journal_address;
    bool asked;          /* the core waits for a verdict */
    bool root_checked;   /* the payload is what the block says */
    bool final;          /* known to be final although not executed yet */
    bool forked;         /* does not extend what was executed: nor does what stands on it */
    bool unproven;       /* of a run that a peer sent and whose end is not proved yet */
    uint64_t arrival_ns; /* of its proposal; 0: it came otherwise */
    bool whole;          /* the bytes of all requests are here */
    bool journal_whole;  /* and in the record */
    uint32_t payload_size;
    uint32_t content_size;           /* what stands behind the payload; complete when whole */
    uint64_t here[SLOT_PIECES / 64]; /* which pieces of it are here */
    uint8_t *payload;
    _Alignas(8) uint8_t block_room[sizeof(block_t) + sizeof(digest_t)]; /* one parent */
} block_slot_t;

static inline const block_t *slot_block(const block_slot_t *slot) {
    return (const block_t *)(const void *)slot->block_room;
}

typedef struct blocks {
    block_slot_t *slots;
    uint32_t payload_max;
    uint32_t content_max; /* behind it */
    height_t executed;    /* told by whoever executes */
} blocks_t;

size_t blocks_memory_bytes(uint32_t payload_max, uint32_t content_max);
blocks_t blocks_make(void *memory, uint32_t payload_max, uint32_t content_max);
block_slot_t *blocks_find(const blocks_t *blocks, const digest_t *id);
/* An executed block of this height, or NULL when it is not held any more. */
block_slot_t *blocks_executed_at(const blocks_t *blocks, height_t height);
/* A slot for a new block, its payload copied in. Never fails: see above. NULL when the payload is
 * over the bound. */
block_slot_t *blocks_put(blocks_t *blocks, const digest_t *id, const block_t *block,
                         bytes_t payload);
static inline bytes_t slot_payload(const block_slot_t *slot) {
    return bytes_of(slot->payload, slot->payload_size);
}
static inline bytes_t slot_content(const block_slot_t *slot) {
    return bytes_of(slot->payload + slot->payload_size, slot->content_size);
}
/* Payload and, when all of it is here, content. */
static inline bytes_t slot_bytes(const block_slot_t *slot) {
    return bytes_of(slot->payload, slot->payload_size + (slot->whole ? slot->content_size : 0));
}
static inline const digest_t *slot_parent(const block_slot_t *slot) {
    return &slot_block(slot)->parents[0];
}

#endif
