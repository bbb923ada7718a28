/*
 * What the leader and the followers share: blocks and their digests, checking batches, executing
 * them, answering the client, the journal.
 *
 * The digest of a block covers its bytes. In floor C it covers the digests of the batches instead,
 * which the signature check has computed anyway: a floor hashes every byte once.
 */
#ifndef SYNOD_BENCH_FLOOR_REPLICA_H
#define SYNOD_BENCH_FLOOR_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/support/floor.h"
#include "bench/support/floor_buffer.h"
#include "bench/support/floor_channel.h"
#include "bench/support/floor_digest.h"
#include "bench/support/floor_journal.h"
#include "bench/support/floor_map.h"
#include "bench/support/floor_process.h"

/* Before the batches of a block: its frame and the height up to which all is decided. */
struct floor_block_head {
    struct floor_frame frame;
    uint64_t decided;
};

struct floor_block {
    struct floor_block *next;
    uint64_t height;
    uint32_t votes; /* bit of each replica that holds the block; at a follower, own bit when sent */
    uint32_t batches;
    uint8_t digest[FLOOR_DIGEST_BYTES];
    struct floor_buffer batch_digests; /* floor C only */
    size_t size_bytes;                 /* head included */
    uint8_t bytes[sizeof(struct floor_block_head) + FLOOR_BLOCK_BYTES_MAX];
};

/* First in, first out. */
struct floor_block_queue {
    struct floor_block *first;
    struct floor_block *last;
    uint32_t count;
};

struct floor_replica {
    struct floor_process *process;
    const struct floor_settings *settings;
    struct floor_channel *client; /* null where the client does not connect */
    struct floor_digest digest;
    struct floor_map map;         /* floor C only */
    struct floor_journal journal; /* with fsync only */
    struct floor_block *spare;    /* blocks to use again */
};

void floor_block_push(struct floor_block_queue *queue, struct floor_block *block);
struct floor_block *floor_block_pop(struct floor_block_queue *queue);

/* on_durable is called with the number of blocks durable since the start, which is a height. */
void floor_replica_open(struct floor_replica *replica, struct floor_process *process,
                        void (*on_durable)(void *owner, uint64_t durable), void *owner);
void floor_replica_close(struct floor_replica *replica);

/* An empty block: taken from the spare ones, or new. */
struct floor_block *floor_replica_new_block(struct floor_replica *replica);
void floor_replica_release(struct floor_replica *replica, struct floor_block *block);
void floor_replica_free_queue(struct floor_block_queue *queue);

/* Checks the signature of a batch and appends its digest to `digests`. Fatal if it is wrong. */
void floor_replica_check_batch(struct floor_replica *replica, const uint8_t *batch,
                               struct floor_buffer *digests);

/* Checks every batch of a block that came from the leader (floor C). */
void floor_replica_check_block(struct floor_replica *replica, const uint8_t *bytes,
                               size_t size_bytes, struct floor_buffer *digests);

/* Sets the digest of a block from its bytes and, in floor C, from its batch digests. */
void floor_replica_hash(struct floor_replica *replica, struct floor_block *block,
                        const uint8_t *bytes, size_t size_bytes);

/* Executes (floor C) and answers every batch of a decided block. */
void floor_replica_finish(struct floor_replica *replica, const struct floor_block *block);

#endif
