/* Work that the leader and the followers do alike. */
#include "bench/support/floor_replica.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void floor_block_push(struct floor_block_queue *queue, struct floor_block *block) {
    block->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = block;
    } else {
        queue->first = block;
    }
    queue->last = block;
    queue->count++;
}

struct floor_block *floor_block_pop(struct floor_block_queue *queue) {
    struct floor_block *block = queue->first;
    if (block != NULL) {
        queue->first = block->next;
        queue->last = block->next == NULL ? NULL : queue->last;
        queue->count--;
    }
    return block;
}

void floor_replica_open(struct floor_replica *replica, struct floor_process *process,
                        void (*on_durable)(void *owner, uint64_t durable), void *owner) {
    const struct floor_settings *settings = process->settings;
    *replica = (struct floor_replica){.process = process, .settings = settings};
    floor_digest_open(&replica->digest);
    if (settings->kind == FLOOR_C) {
        floor_map_open(&replica->map, floor_key_count(settings), settings->payload_bytes);
    }
    if (settings->fsync) {
        floor_journal_open(&replica->journal, &process->loop, settings->directory, on_durable,
                           owner);
    }
}

static void free_block(struct floor_block *block) {
    floor_buffer_free(&block->batch_digests);
    free(block);
}

void floor_replica_close(struct floor_replica *replica) {
    floor_digest_close(&replica->digest);
    floor_map_close(&replica->map);
    if (replica->settings->fsync) {
        floor_journal_close(&replica->journal);
    }
    while (replica->spare != NULL) {
        struct floor_block *block = replica->spare;
        replica->spare = block->next;
        free_block(block);
    }
}

struct floor_block *floor_replica_new_block(struct floor_replica *replica) {
    struct floor_block *block = replica->spare;
    if (block == NULL) {
        block = floor_allocate(sizeof *block);
    } else {
        replica->spare = block->next;
    }
    block->next = NULL;
    block->votes = 0;
    block->batches = 0;
    block->size_bytes = sizeof(struct floor_block_head);
    floor_buffer_consume(&block->batch_digests, floor_buffer_size(&block->batch_digests));
    return block;
}

void floor_replica_release(struct floor_replica *replica, struct floor_block *block) {
    block->next = replica->spare;
    replica->spare = block;
}

void floor_replica_free_queue(struct floor_block_queue *queue) {
    while (queue->first != NULL) {
        free_block(floor_block_pop(queue));
    }
}

void floor_replica_check_batch(struct floor_replica *replica, const uint8_t *batch,
                               struct floor_buffer *digests) {
    size_t size_bytes = floor_batch_frame_bytes(replica->settings);
    size_t signed_bytes = size_bytes - FLOOR_SIGNATURE_BYTES;
    uint8_t *digest = floor_buffer_reserve(digests, FLOOR_DIGEST_BYTES);
    floor_digest_of(&replica->digest, batch, signed_bytes, NULL, 0, digest);
    digests->end += FLOOR_DIGEST_BYTES;
    if (crypto_sign_verify_detached(batch + signed_bytes, digest, FLOOR_DIGEST_BYTES,
                                    replica->process->world->public_key) != 0) {
        floor_fatal("%s: wrong signature on a batch", floor_process_name(replica->process->index));
    }
}

void floor_replica_check_block(struct floor_replica *replica, const uint8_t *bytes,
                               size_t size_bytes, struct floor_buffer *digests) {
    size_t batch_bytes = floor_batch_frame_bytes(replica->settings);
    for (size_t at = sizeof(struct floor_block_head); at < size_bytes; at += batch_bytes) {
        if (size_bytes - at < batch_bytes) {
            floor_fatal("%s: a cut batch", floor_process_name(replica->process->index));
        }
        floor_replica_check_batch(replica, bytes + at, digests);
    }
}

void floor_replica_hash(struct floor_replica *replica, struct floor_block *block,
                        const uint8_t *bytes, size_t size_bytes) {
    if (replica->settings->kind == FLOOR_C) {
        floor_digest_of(&replica->digest, bytes, sizeof(struct floor_block_head),
                        floor_buffer_head(&block->batch_digests),
                        floor_buffer_size(&block->batch_digests), block->digest);
    } else {
        floor_digest_of(&replica->digest, bytes, size_bytes, NULL, 0, block->digest);
    }
}

static void execute(struct floor_replica *replica, const uint8_t *operations) {
    for (uint32_t i = 0; i < replica->settings->batch_operations; i++) {
        floor_map_put(&replica->map, operations + (size_t)i * replica->settings->payload_bytes);
    }
}

void floor_replica_finish(struct floor_replica *replica, const struct floor_block *block) {
    struct {
        struct floor_frame frame;
        uint8_t digest[FLOOR_DIGEST_BYTES];
    } reply = {.frame = {.size_bytes = sizeof reply, .kind = FLOOR_FRAME_REPLY}};
    memcpy(reply.digest, block->digest, sizeof reply.digest);
    size_t batch_bytes = floor_batch_frame_bytes(replica->settings);
    size_t at = sizeof(struct floor_block_head);
    for (; at < block->size_bytes; at += batch_bytes) {
        struct floor_frame batch;
        memcpy(&batch, block->bytes + at, sizeof batch);
        if (replica->settings->kind == FLOOR_C) {
            execute(replica, block->bytes + at + sizeof batch);
        }
        reply.frame.number = batch.number;
        floor_channel_send(replica->client, &reply, sizeof reply);
    }
    assert(at == block->size_bytes);
}
