/* Forgery: frames that a Byzantine member makes in its own name. It has its own key and everything
 * that it ever received; it cannot sign for anybody else. */
#include <stdlib.h>

#include "codec/batch_codec.h"
#include "codec/snapshot_codec.h"
#include "codec/sync_codec.h"
#include "sim/world_state.h"

frame_buffer_t *forge_room(size_t body_size) {
    frame_buffer_t *frame = malloc(sizeof *frame + FRAME_HEADER_BYTES + body_size);
    invariant(frame != NULL);
    frame->references = 1;
    frame->lane = LANE_CONSENSUS; /* a liar minds no order */
    frame->size = FRAME_HEADER_BYTES + body_size;
    return frame;
}

unsigned frame_kind_of(const frame_buffer_t *frame) {
    return frame->size < FRAME_HEADER_BYTES ? 0u : load_u16(frame->data + 6);
}

static bytes_t body_of(const frame_buffer_t *frame) {
    return bytes_of(frame->data + FRAME_HEADER_BYTES, frame->size - FRAME_HEADER_BYTES);
}

bool forge_open(world_t *w, const frame_buffer_t *frame, message_t *message, bytes_t *payload) {
    reader_t reader = reader_of(body_of(frame));
    arena_reset(&w->decode);
    if (frame_kind_of(frame) != FRAME_MESSAGE ||
        message_decode(&reader, w->protocol->phases, w->protocol->phase_count, w->options.members,
                       &w->decode, message) != SYNOD_OK)
        return false;
    *payload = read_bytes(&reader, reader_left(&reader));
    return true;
}

frame_buffer_t *forge_message(node_t *node, message_t *message, bytes_t payload) {
    world_t *w = node->world;
    uint8_t bytes[STATEMENT_BYTES];
    message->author = node->member;
    statement_encode(&message->statement, &w->committee.domain, bytes);
    node->signer.sign(node->signer.context, bytes_of(bytes, sizeof bytes), &message->signature);
    size_t size = message_encoded_bytes(message) + payload.size;
    frame_buffer_t *frame = forge_room(size);
    writer_t writer = writer_of(frame->data + FRAME_HEADER_BYTES, size);
    message_encode(message, &writer);
    write_bytes(&writer, payload.data, payload.size);
    ensure(!writer.failed && writer.at == size);
    frame_seal(frame->data, FRAME_MESSAGE, size);
    return frame;
}

typedef struct block_room {
    _Alignas(8) uint8_t bytes[sizeof(block_t) + sizeof(digest_t)];
} block_room_t;

static block_t *copy_block(block_room_t *room, const block_t *block) {
    memcpy(room->bytes, block, block_bytes(1));
    return (block_t *)(void *)room->bytes;
}

/* A block that names other batches, none of which may be ordered, or a second good one. */
static frame_buffer_t *forge_other_references(node_t *node, message_t *message, block_t *block,
                                              bytes_t payload) {
    uint8_t *other = malloc(2 * payload.size + 1);
    invariant(other != NULL);
    size_t size = prng_below(&node->world->chance, 2) == 0
                      ? 0
                      : forge_references(node->world, payload, other, &block->payload_count);
    if (size > 0) {
        payload = bytes_of(other, size);
        block->payload_size_bytes = (uint32_t)size;
        block->payload = batch_payload_digest(payload);
    }
    block->time_ns++;
    message->block = block;
    message->statement.digest = block_id(block);
    frame_buffer_t *forged = forge_message(node, message, payload);
    free(other);
    return forged;
}

frame_buffer_t *forge_other_block(node_t *node, const frame_buffer_t *proposal) {
    message_t message;
    bytes_t payload;
    block_room_t room;
    if (!forge_open(node->world, proposal, &message, &payload) || message.block == NULL ||
        message.block->parent_count != 1)
        return NULL;
    block_t *block = copy_block(&room, message.block);
    if (node->world->chain.payload == PAYLOAD_CERTIFIED)
        return forge_other_references(node, &message, block, payload);
    if (block->payload_count > 0 && prng_below(&node->world->chance, 2) == 0) {
        block->payload_count = block->payload_size_bytes = 0; /* drops what clients asked for */
        block->payload = (digest_t){{0}};
        payload = (bytes_t){0};
    } else {
        block->time_ns++;
    }
    message.block = block;
    message.statement.digest = block_id(block);
    return forge_message(node, &message, payload);
}

frame_buffer_t *forge_stale(node_t *node, const frame_buffer_t *frame, const frame_buffer_t *old) {
    world_t *w = node->world;
    message_t message, before;
    bytes_t payload, none;
    block_room_t room;
    /* The old certificate is copied, because decoding the other frame takes the arena anew. */
    if (!forge_open(w, old, &before, &none) || before.certificates[0] == NULL)
        return NULL;
    certificate_t *stale = malloc(certificate_size(before.certificates[0]));
    invariant(stale != NULL);
    memcpy(stale, before.certificates[0], certificate_size(before.certificates[0]));
    frame_buffer_t *forged = NULL;
    if (forge_open(w, frame, &message, &payload) && message.certificates[0] != NULL &&
        message.certificates[0]->statement.view > stale->statement.view) {
        const phase_t *phase = &w->protocol->phases[message.statement.phase];
        message.certificates[0] = stale;
        if (phase->body == BODY_NEW_VIEW)
            message.statement.claims[0] = (claim_t){stale->statement.view, stale->statement.digest};
        if (message.block != NULL && message.block->parent_count == 1) {
            block_t *block = copy_block(&room, message.block);
            block->parents[0] = stale->statement.digest;
            block->height = stale->statement.height + 1;
            block->justify_view = stale->statement.view;
            message.block = block;
            message.statement.height = block->height;
            message.statement.digest = block_id(block);
        }
        forged = forge_message(node, &message, payload);
    }
    free(stale);
    return forged;
}

/* The claims, where votes have some: what the block stands on, and what that stood on. */
frame_buffer_t *forge_vote(node_t *node, const frame_buffer_t *proposal, uint8_t phase) {
    world_t *w = node->world;
    message_t message;
    bytes_t payload;
    if (w->protocol->phases[phase].body != BODY_VOTE ||
        !forge_open(w, proposal, &message, &payload) || message.block == NULL ||
        message.certificates[0] == NULL)
        return NULL;
    const statement_t *parent = &message.certificates[0]->statement;
    message_t vote = {.statement = message.statement};
    vote.statement.phase = phase;
    vote.statement.body = BODY_VOTE;
    vote.statement.claim_count = w->protocol->phases[phase].claim_count;
    if (vote.statement.claim_count > 0)
        vote.statement.claims[0] = (claim_t){parent->view, parent->digest};
    for (uint8_t i = 1; i < vote.statement.claim_count; i++)
        vote.statement.claims[i] = parent->claims[i - 1];
    return forge_message(node, &vote, (bytes_t){0});
}

frame_buffer_t *forge_tail(world_t *w, const frame_buffer_t *frame) {
    size_t body = frame->size - FRAME_HEADER_BYTES;
    if (body < 64)
        return NULL;
    frame_buffer_t *forged = frame_make(bytes_of(frame->data, frame->size));
    uint8_t *tail = forged->data + forged->size - 1 - prng_below(&w->chance, 32);
    *tail ^= (uint8_t)(1 + prng_below(&w->chance, 255));
    frame_seal(forged->data, (frame_kind_t)frame_kind_of(frame), body);
    return forged;
}

frame_buffer_t *forge_noise(world_t *w, const frame_buffer_t *frame) {
    frame_buffer_t *forged = frame_make(bytes_of(frame->data, frame->size));
    size_t body = frame->size - FRAME_HEADER_BYTES;
    uint64_t flips = 1 + prng_below(&w->chance, 8);
    for (uint64_t i = 0; i < flips; i++)
        forged->data[prng_below(&w->chance, forged->size)] ^=
            (uint8_t)(1 << prng_below(&w->chance, 8));
    /* Mostly with a right checksum and kind: noise that reaches the decoders. */
    uint32_t end = w->chain.payload == PAYLOAD_INLINE ? FRAME_BATCH : FRAME_KIND_END;
    frame_kind_t kind = (frame_kind_t)(1 + prng_below(&w->chance, end - 1));
    if (prng_below(&w->chance, 2) == 0 || body > frame_body_max(kind))
        kind = (frame_kind_t)frame_kind_of(frame);
    if (prng_below(&w->chance, 8) != 0)
        frame_seal(forged->data, kind, body);
    return forged;
}

/* A run that ends nowhere, "I have nothing more", a promise of endless blocks. */
frame_buffer_t *forge_sync(world_t *w, const frame_buffer_t *frame) {
    block_answer_t answer;
    reader_t reader = reader_of(body_of(frame));
    if (block_answer_decode(&reader, &answer) != SYNOD_OK)
        return NULL;
    switch (prng_below(&w->chance, 4)) {
    case 0:
        answer.block = answer.payload = answer.proof = (bytes_t){0};
        answer.final_height = 0;
        break;
    case 1:
        answer.proof = (bytes_t){0};
        break;
    case 2:
        answer.final_height += 1000;
        break;
    default:
        return forge_tail(w, frame);
    }
    size_t size = block_answer_encoded_bytes(&answer);
    frame_buffer_t *forged = forge_room(size);
    writer_t writer = writer_of(forged->data + FRAME_HEADER_BYTES, size);
    block_answer_encode(&answer, &writer);
    ensure(!writer.failed);
    frame_seal(forged->data, FRAME_BLOCK, size);
    return forged;
}

/* Any byte may change: heights, ids, digests of chunks, attestations, the stream. */
frame_buffer_t *forge_snapshot(world_t *w, const frame_buffer_t *frame) {
    snapshot_answer_t answer;
    reader_t reader = reader_of(body_of(frame));
    if (snapshot_answer_decode(&reader, &answer) != SYNOD_OK)
        return NULL;
    size_t size = answer.bytes.size;
    if (size == 0 || prng_below(&w->chance, 4) == 0)
        answer.bytes = (bytes_t){0};
    frame_buffer_t *forged = forge_room(body_of(frame).size);
    writer_t writer = writer_of(forged->data + FRAME_HEADER_BYTES, body_of(frame).size);
    snapshot_answer_encode(&answer, &writer);
    ensure(!writer.failed);
    if (answer.bytes.size > 0) /* the bytes are the end of the frame */
        forged->data[FRAME_HEADER_BYTES + writer.at - 1 - prng_below(&w->chance, size)] ^= 1;
    forged->size = FRAME_HEADER_BYTES + writer.at;
    frame_seal(forged->data, FRAME_SNAPSHOT, writer.at);
    return forged;
}

frame_buffer_t *forge_root(node_t *node, const frame_buffer_t *frame) {
    checkpoint_t checkpoint;
    reader_t reader = reader_of(body_of(frame));
    if (checkpoint_decode(&reader, &checkpoint) != SYNOD_OK)
        return NULL;
    checkpoint.root.bytes[0] ^= 1;
    uint8_t bytes[CHECKPOINT_SIGNED_BYTES];
    checkpoint_signed_bytes(&checkpoint, &node->world->committee.domain, bytes);
    node->signer.sign(node->signer.context, bytes_of(bytes, sizeof bytes), &checkpoint.signature);
    frame_buffer_t *forged = forge_room(CHECKPOINT_BYTES);
    writer_t writer = writer_of(forged->data + FRAME_HEADER_BYTES, CHECKPOINT_BYTES);
    checkpoint_encode(&checkpoint, &writer);
    ensure(!writer.failed);
    frame_seal(forged->data, FRAME_CHECKPOINT, writer.at);
    return forged;
}
