/*
 * The client: keeps a fixed number of batches outstanding (closed loop), draws fresh keys for each
 * and, in floor C, signs it and waits for two replies of the same content.
 *
 * Batch number n uses slot n modulo the number of slots, so a late reply finds a newer number.
 */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bench/support/floor_channel.h"
#include "bench/support/floor_digest.h"
#include "bench/support/floor_latency.h"
#include "bench/support/floor_process.h"

struct slot {
    uint64_t number;
    uint64_t sent_ns;
    unsigned replies;
    uint8_t digest[FLOOR_DIGEST_BYTES]; /* of the first reply */
};

struct client {
    struct floor_process *process;
    struct floor_channel *leader;
    struct floor_digest digest;
    struct floor_latency latency;
    uint64_t random_state;
    uint64_t completed_batches;
    unsigned replies_wanted;
    bool stopped;
    struct slot *slots;
    uint8_t *batch; /* one frame, written anew for each batch */
    size_t batch_bytes;
};

/* splitmix64: any sequence without short cycles will do. */
static uint64_t next_random(uint64_t *state) {
    uint64_t mixed = *state += 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
}

static void draw_keys(struct client *client) {
    const struct floor_settings *settings = client->process->settings;
    uint64_t key_count = floor_key_count(settings);
    uint8_t *operation = client->batch + sizeof(struct floor_frame);
    for (uint32_t i = 0; i < settings->batch_operations; i++) {
        uint64_t words[2];
        words[0] = ((next_random(&client->random_state) >> 32) * key_count) >> 32;
        words[1] = words[0] * 0xd6e8feb86659fd93ULL;
        static_assert(sizeof words == FLOOR_KEY_BYTES, "a key is two words");
        memcpy(operation, words, sizeof words);
        operation += settings->payload_bytes;
    }
}

static void sign(struct client *client) {
    uint8_t digest[FLOOR_DIGEST_BYTES];
    size_t signed_bytes = client->batch_bytes - FLOOR_SIGNATURE_BYTES;
    floor_digest_of(&client->digest, client->batch, signed_bytes, NULL, 0, digest);
    if (crypto_sign_detached(client->batch + signed_bytes, NULL, digest, sizeof digest,
                             client->process->world->secret_key) != 0) {
        floor_fatal("signing a batch failed");
    }
}

static void submit(struct client *client, struct slot *slot) {
    const struct floor_settings *settings = client->process->settings;
    struct floor_frame frame = {.size_bytes = (uint32_t)client->batch_bytes,
                                .kind = FLOOR_FRAME_BATCH};
    slot->number += settings->outstanding_batches;
    slot->replies = 0;
    slot->sent_ns = uv_hrtime();
    frame.number = slot->number;
    memcpy(client->batch, &frame, sizeof frame);
    draw_keys(client);
    if (settings->kind == FLOOR_C) {
        sign(client);
    }
    floor_channel_send(client->leader, client->batch, client->batch_bytes);
}

static void complete(struct client *client, struct slot *slot) {
    floor_latency_add(&client->latency, uv_hrtime() - slot->sent_ns);
    client->completed_batches++;
    if (client->stopped) {
        slot->number = 0;
    } else {
        submit(client, slot);
    }
}

static void on_reply(struct client *client, const struct floor_frame *frame, const uint8_t *bytes) {
    struct slot *slot =
        &client->slots[frame->number % client->process->settings->outstanding_batches];
    const uint8_t *digest = bytes + sizeof *frame;
    if (frame->number != slot->number) {
        return; /* the batch is complete; this is a reply more than needed */
    }
    if (slot->replies > 0 && memcmp(slot->digest, digest, sizeof slot->digest) != 0) {
        floor_fatal("two replicas answer batch %llu differently",
                    (unsigned long long)frame->number);
    }
    memcpy(slot->digest, digest, sizeof slot->digest);
    slot->replies++;
    if (slot->replies == client->replies_wanted) {
        complete(client, slot);
    }
}

static void on_frame(void *state, struct floor_channel *channel, const struct floor_frame *frame,
                     const uint8_t *bytes) {
    struct client *client = state;
    if (frame->kind != FLOOR_FRAME_REPLY ||
        frame->size_bytes != sizeof *frame + FLOOR_DIGEST_BYTES) {
        floor_fatal("the client got a frame of kind %u from %s", frame->kind,
                    floor_process_name(channel->peer));
    }
    on_reply(client, frame, bytes);
}

static void *open_client(struct floor_process *process) {
    const struct floor_settings *settings = process->settings;
    const struct floor_world *world = process->world;
    struct client *client = floor_allocate(sizeof *client);
    bool all_answer = settings->kind == FLOOR_C;
    client->process = process;
    client->replies_wanted = all_answer ? FLOOR_MATCHING_REPLIES : 1;
    client->random_state = 1;
    floor_digest_open(&client->digest);
    client->slots = floor_allocate(settings->outstanding_batches * sizeof *client->slots);
    for (uint32_t i = 0; i < settings->outstanding_batches; i++) {
        client->slots[i].number = i;
    }
    client->batch_bytes = floor_batch_frame_bytes(settings);
    client->batch = floor_allocate(client->batch_bytes);
    for (size_t i = 0; i < client->batch_bytes; i++) {
        client->batch[i] = (uint8_t)next_random(&client->random_state);
    }
    process->links_all = all_answer ? FLOOR_REPLICAS : 1;
    client->leader = floor_hub_connect(&process->hub, world->ports[FLOOR_LEADER], FLOOR_LEADER);
    for (unsigned i = 1; i < process->links_all; i++) {
        floor_hub_connect(&process->hub, world->ports[i], i);
    }
    return client;
}

static void on_hello(void *state, struct floor_channel *channel) {
    (void)state;
    floor_fatal("%s connects to the client", floor_process_name(channel->peer));
}

static void on_start(void *state) {
    struct client *client = state;
    for (uint32_t i = 0; i < client->process->settings->outstanding_batches; i++) {
        submit(client, &client->slots[i]);
    }
}

static void on_begin(void *state) {
    struct client *client = state;
    floor_latency_clear(&client->latency);
}

static void on_end(void *state, struct floor_report *report) {
    struct client *client = state;
    report->latency_p50_ns = floor_latency_quantile(&client->latency, 500);
    report->latency_p99_ns = floor_latency_quantile(&client->latency, 990);
    client->stopped = true;
}

static void count(const void *state, struct floor_counts *counts) {
    const struct client *client = state;
    counts->batches = client->completed_batches;
    counts->operations = client->completed_batches * client->process->settings->batch_operations;
}

static void close_client(void *state) {
    struct client *client = state;
    floor_digest_close(&client->digest);
    free(client->slots);
    free(client->batch);
    free(client);
}

const struct floor_role floor_role_client = {
    .open = open_client,
    .on_hello = on_hello,
    .on_frame = on_frame,
    .count = count,
    .close = close_client,
    .on_start = on_start,
    .on_begin = on_begin,
    .on_end = on_end,
};
