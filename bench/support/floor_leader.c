/*
 * The leader: gathers batches into blocks, sends them to the followers, decides with a quorum of
 * three votes (own vote when the block is durable here), then executes and answers.
 *
 * Blocks move waiting -> in_flight -> decided -> spare, always in order of height.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bench/support/floor_process.h"
#include "bench/support/floor_replica.h"

/* A follower this far behind holds the leader back; else its queue would grow without end. */
enum { BACKLOG_BYTES_MAX = 4 << 20 };

struct leader {
    struct floor_replica replica;
    struct floor_channel *followers[FLOOR_REPLICAS]; /* the first is unused */
    struct floor_block_queue waiting;                /* the last one is being filled */
    struct floor_block_queue in_flight;
    struct floor_block_queue decided;
    uint64_t proposed_height;
    uint64_t decided_height;
    uint64_t announced_height; /* of decisions that the followers have been told */
    uint64_t decided_batches;
};

/* Decides what has its quorum; in order, as a block depends on all before it. */
static void decide(struct leader *leader) {
    struct floor_block *block = leader->in_flight.first;
    while (block != NULL && __builtin_popcount(block->votes) >= FLOOR_QUORUM) {
        floor_block_push(&leader->decided, floor_block_pop(&leader->in_flight));
        leader->decided_height = block->height;
        leader->decided_batches += block->batches;
        block = leader->in_flight.first;
    }
}

static void on_durable(void *owner, uint64_t durable) {
    struct leader *leader = owner;
    for (struct floor_block *block = leader->in_flight.first; block != NULL; block = block->next) {
        if (block->height <= durable) {
            block->votes |= 1U << FLOOR_LEADER;
        }
    }
    decide(leader);
}

static void on_ack(struct leader *leader, unsigned peer, const struct floor_frame *frame,
                   const uint8_t *bytes) {
    struct floor_block *block = leader->in_flight.first;
    while (block != NULL && block->height != frame->number) {
        block = block->next;
    }
    if (block == NULL) {
        return; /* the vote that was not needed */
    }
    if (frame->size_bytes != sizeof *frame + FLOOR_DIGEST_BYTES ||
        memcmp(bytes + sizeof *frame, block->digest, FLOOR_DIGEST_BYTES) != 0) {
        floor_fatal("%s acknowledges another block", floor_process_name(peer));
    }
    block->votes |= 1U << peer;
    decide(leader);
}

static void on_batch(struct leader *leader, const struct floor_frame *frame, const uint8_t *bytes) {
    struct floor_replica *replica = &leader->replica;
    struct floor_block *block = leader->waiting.last;
    if (frame->size_bytes != floor_batch_frame_bytes(replica->settings)) {
        floor_fatal("the leader got a batch of %u bytes", frame->size_bytes);
    }
    if (block == NULL || block->size_bytes + frame->size_bytes > sizeof block->bytes) {
        block = floor_replica_new_block(replica);
        floor_block_push(&leader->waiting, block);
    }
    memcpy(block->bytes + block->size_bytes, bytes, frame->size_bytes);
    block->size_bytes += frame->size_bytes;
    block->batches++;
    if (replica->settings->kind == FLOOR_C) {
        floor_replica_check_batch(replica, bytes, &block->batch_digests);
    }
}

static void on_frame(void *state, struct floor_channel *channel, const struct floor_frame *frame,
                     const uint8_t *bytes) {
    struct leader *leader = state;
    if (frame->kind == FLOOR_FRAME_BATCH && channel->peer == FLOOR_CLIENT) {
        on_batch(leader, frame, bytes);
    } else if (frame->kind == FLOOR_FRAME_ACK && channel->peer != FLOOR_CLIENT) {
        on_ack(leader, channel->peer, frame, bytes);
    } else {
        floor_fatal("the leader got a frame of kind %u from %s", frame->kind,
                    floor_process_name(channel->peer));
    }
}

static void send_to_followers(struct leader *leader, const void *bytes, size_t size_bytes) {
    for (unsigned i = 1; i < FLOOR_REPLICAS; i++) {
        floor_channel_send(leader->followers[i], bytes, size_bytes);
        floor_channel_flush(leader->followers[i]);
    }
    leader->announced_height = leader->decided_height;
}

/* Sends first: the followers then work while the leader writes and hashes. */
static void propose(struct leader *leader) {
    struct floor_replica *replica = &leader->replica;
    struct floor_block *block = floor_block_pop(&leader->waiting);
    block->height = ++leader->proposed_height;
    struct floor_block_head head = {
        .frame = {.size_bytes = (uint32_t)block->size_bytes,
                  .kind = FLOOR_FRAME_BLOCK,
                  .number = block->height},
        .decided = leader->decided_height,
    };
    memcpy(block->bytes, &head, sizeof head);
    floor_block_push(&leader->in_flight, block);
    send_to_followers(leader, block->bytes, block->size_bytes);
    if (replica->settings->fsync) {
        floor_journal_append(&replica->journal, block->bytes, block->size_bytes);
    } else {
        block->votes |= 1U << FLOOR_LEADER;
    }
    floor_replica_hash(replica, block, block->bytes, block->size_bytes);
}

static bool may_propose(const struct leader *leader) {
    if (leader->waiting.first == NULL ||
        leader->in_flight.count >= leader->replica.settings->pipeline_blocks) {
        return false;
    }
    for (unsigned i = 1; i < FLOOR_REPLICAS; i++) {
        if (floor_channel_backlog_bytes(leader->followers[i]) > BACKLOG_BYTES_MAX) {
            return false;
        }
    }
    return true;
}

static void on_turn(void *state) {
    struct leader *leader = state;
    while (may_propose(leader)) {
        propose(leader);
    }
    if (leader->replica.settings->kind == FLOOR_C &&
        leader->announced_height < leader->decided_height) {
        /* No block has carried the decision, so it goes alone: followers wait for it to execute. */
        struct floor_frame decided = {.size_bytes = sizeof decided,
                                      .kind = FLOOR_FRAME_DECIDED,
                                      .number = leader->decided_height};
        send_to_followers(leader, &decided, sizeof decided);
    }
    while (leader->decided.first != NULL) {
        struct floor_block *block = floor_block_pop(&leader->decided);
        floor_replica_finish(&leader->replica, block);
        floor_replica_release(&leader->replica, block);
    }
}

static void *open_leader(struct floor_process *process) {
    struct leader *leader = floor_allocate(sizeof *leader);
    process->links_all = FLOOR_REPLICAS; /* three followers and the client */
    floor_replica_open(&leader->replica, process, on_durable, leader);
    for (unsigned i = 1; i < FLOOR_REPLICAS; i++) {
        leader->followers[i] = floor_hub_connect(&process->hub, process->world->ports[i], i);
    }
    return leader;
}

static void on_hello(void *state, struct floor_channel *channel) {
    struct leader *leader = state;
    if (channel->peer != FLOOR_CLIENT) {
        floor_fatal("%s connects to the leader", floor_process_name(channel->peer));
    }
    leader->replica.client = channel;
}

static void count(const void *state, struct floor_counts *counts) {
    const struct leader *leader = state;
    counts->blocks = leader->decided_height;
    counts->block_batches = leader->decided_batches;
    counts->fsyncs = leader->replica.journal.fsyncs;
}

static void close_leader(void *state) {
    struct leader *leader = state;
    floor_replica_free_queue(&leader->waiting);
    floor_replica_free_queue(&leader->in_flight);
    floor_replica_free_queue(&leader->decided);
    floor_replica_close(&leader->replica);
    free(leader);
}

const struct floor_role floor_role_leader = {
    .open = open_leader,
    .on_hello = on_hello,
    .on_frame = on_frame,
    .on_turn = on_turn,
    .count = count,
    .close = close_leader,
};
