/*
 * A follower: checks and hashes each block, makes it durable, acknowledges it; in floor C keeps it
 * until the leader says that it is decided, then executes it and answers the client as well.
 *
 * Invariant: `held` is in order of height; its acknowledged blocks come before the others.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bench/support/floor_process.h"
#include "bench/support/floor_replica.h"

struct follower {
    struct floor_replica replica;
    struct floor_channel *leader;
    struct floor_block_queue held;
    uint64_t last_height;
    uint64_t durable_height;
    uint64_t decided_height;
};

static void acknowledge(struct follower *follower, struct floor_block *block) {
    struct {
        struct floor_frame frame;
        uint8_t digest[FLOOR_DIGEST_BYTES];
    } ack = {.frame = {.size_bytes = sizeof ack, .kind = FLOOR_FRAME_ACK, .number = block->height}};
    memcpy(ack.digest, block->digest, sizeof ack.digest);
    floor_channel_send(follower->leader, &ack, sizeof ack);
    block->votes |= 1U << follower->replica.process->index;
}

/* Acknowledges what is durable, then finishes what is decided as well. */
static void advance(struct follower *follower) {
    struct floor_replica *replica = &follower->replica;
    bool executes = replica->settings->kind == FLOOR_C;
    for (struct floor_block *block = follower->held.first; block != NULL; block = block->next) {
        if (block->votes == 0 && block->height <= follower->durable_height) {
            acknowledge(follower, block);
        }
    }
    for (;;) {
        struct floor_block *block = follower->held.first;
        if (block == NULL || block->votes == 0 ||
            (executes && block->height > follower->decided_height)) {
            return;
        }
        floor_block_pop(&follower->held);
        if (executes) {
            floor_replica_finish(replica, block);
        }
        floor_replica_release(replica, block);
    }
}

static void on_durable(void *owner, uint64_t durable) {
    struct follower *follower = owner;
    follower->durable_height = durable;
    advance(follower);
}

static void on_block(struct follower *follower, const struct floor_frame *frame,
                     const uint8_t *bytes) {
    struct floor_replica *replica = &follower->replica;
    struct floor_block_head head;
    if (frame->size_bytes < sizeof head || frame->size_bytes > sizeof replica->spare->bytes ||
        frame->number != follower->last_height + 1) {
        floor_fatal("%s: a block that does not follow",
                    floor_process_name(replica->process->index));
    }
    memcpy(&head, bytes, sizeof head);
    struct floor_block *block = floor_replica_new_block(replica);
    block->height = head.frame.number;
    block->size_bytes = frame->size_bytes;
    follower->last_height = block->height;
    follower->decided_height = head.decided;
    /* Written first, so that the disk works while this process checks and hashes. */
    if (replica->settings->fsync) {
        floor_journal_append(&replica->journal, bytes, frame->size_bytes);
    } else {
        follower->durable_height = block->height;
    }
    if (replica->settings->kind == FLOOR_C) {
        memcpy(block->bytes, bytes, frame->size_bytes);
        floor_replica_check_block(replica, bytes, frame->size_bytes, &block->batch_digests);
    }
    floor_replica_hash(replica, block, bytes, frame->size_bytes);
    floor_block_push(&follower->held, block);
    advance(follower);
}

static void on_frame(void *state, struct floor_channel *channel, const struct floor_frame *frame,
                     const uint8_t *bytes) {
    struct follower *follower = state;
    if (channel == follower->leader && frame->kind == FLOOR_FRAME_BLOCK) {
        on_block(follower, frame, bytes);
    } else if (channel == follower->leader && frame->kind == FLOOR_FRAME_DECIDED) {
        follower->decided_height = frame->number;
        advance(follower);
    } else {
        floor_fatal("%s got a frame of kind %u from %s",
                    floor_process_name(follower->replica.process->index), frame->kind,
                    floor_process_name(channel->peer));
    }
}

static void *open_follower(struct floor_process *process) {
    struct follower *follower = floor_allocate(sizeof *follower);
    /* The leader connects, and where every replica answers, the client as well. */
    process->links_all = process->settings->kind == FLOOR_C ? 2 : 1;
    floor_replica_open(&follower->replica, process, on_durable, follower);
    return follower;
}

static void on_hello(void *state, struct floor_channel *channel) {
    struct follower *follower = state;
    if (channel->peer == FLOOR_LEADER) {
        follower->leader = channel;
    } else if (channel->peer == FLOOR_CLIENT) {
        follower->replica.client = channel;
    } else {
        floor_fatal("%s connects to a follower", floor_process_name(channel->peer));
    }
}

static void count(const void *state, struct floor_counts *counts) {
    const struct follower *follower = state;
    counts->fsyncs = follower->replica.journal.fsyncs;
}

static void close_follower(void *state) {
    struct follower *follower = state;
    floor_replica_free_queue(&follower->held);
    floor_replica_close(&follower->replica);
    free(follower);
}

const struct floor_role floor_role_follower = {
    .open = open_follower,
    .on_hello = on_hello,
    .on_frame = on_frame,
    .count = count,
    .close = close_follower,
};
