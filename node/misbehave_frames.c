/* See misbehave.h: what is in a frame that leaves, and what could be said instead. */
#include "node/misbehave.h"

#ifdef SYNOD_FAULT_HOOKS

#include <string.h>

#include "base/check.h"
#include "protocol/registry.h"

typedef struct block_room {
    _Alignas(8) uint8_t bytes[sizeof(block_t) + sizeof(digest_t)];
} block_room_t;

static const phase_t *phase_of(const node_t *node, const message_t *message) {
    return &protocol_find(node->home.genesis.protocol.text)->phases[message->statement.phase];
}

bool own_message(const node_t *node, arena_t *arena, bytes_t frame, message_t *message,
                 bytes_t *payload) {
    const protocol_t *protocol = protocol_find(node->home.genesis.protocol.text);
    frame_t whole;
    size_t used;
    if (frame_decode(frame, &whole, &used) != SYNOD_OK || whole.kind != FRAME_MESSAGE)
        return false;
    reader_t reader = reader_of(whole.body);
    arena_reset(arena);
    synod_status status = message_decode(&reader, protocol->phases, protocol->phase_count,
                                         node->committee.size, arena, message);
    ensure(status == SYNOD_OK);
    *payload = read_bytes(&reader, reader_left(&reader));
    return message->author == node->home.self;
}

bool is_proposal(const node_t *node, const message_t *message) {
    return phase_of(node, message)->body == BODY_PROPOSAL;
}

/* Without what clients asked for, or, when there was nothing, a moment later. */
static bool other_block(message_t *message, block_room_t *room, bytes_t *payload) {
    if (message->block == NULL || message->block->parent_count != 1)
        return false;
    memcpy(room->bytes, message->block, block_bytes(1));
    block_t *block = (block_t *)(void *)room->bytes;
    if (block->payload_count == 0)
        block->time_ns++;
    block->payload_count = block->payload_size_bytes = 0;
    block->payload = (digest_t){{0}};
    *payload = (bytes_t){0};
    message->block = block;
    message->statement.digest = block_id(block);
    return true;
}

static size_t put_frame(const message_t *message, bytes_t payload, uint8_t *to, size_t room) {
    writer_t writer = writer_of(to + FRAME_HEADER_BYTES, room - FRAME_HEADER_BYTES);
    message_encode(message, &writer);
    write_bytes(&writer, payload.data, payload.size);
    ensure(!writer.failed);
    frame_seal(to, FRAME_MESSAGE, writer.at);
    return FRAME_HEADER_BYTES + writer.at;
}

size_t equivocate_frame(node_t *node, arena_t *arena, bytes_t frame, uint8_t *to) {
    message_t message;
    bytes_t payload;
    block_room_t room;
    if (!own_message(node, arena, frame, &message, &payload))
        return 0;
    body_t body = phase_of(node, &message)->body;
    if (body == BODY_PROPOSAL ? !other_block(&message, &room, &payload) : body != BODY_VOTE)
        return 0;
    if (body == BODY_VOTE)
        message.statement.digest.bytes[0] ^= 1;
    uint8_t signed_bytes[STATEMENT_BYTES];
    statement_encode(&message.statement, &node->committee.domain, signed_bytes);
    node->signer.sign(node->signer.context, bytes_of(signed_bytes, sizeof signed_bytes),
                      &message.signature);
    return put_frame(&message, payload, to, frame.size + EQUIVOCATE_ROOM);
}

size_t certificates_frame(node_t *node, const message_t *proposal, uint8_t *to, size_t room) {
    const protocol_t *protocol = protocol_find(node->home.genesis.protocol.text);
    const phase_t *said = &protocol->phases[proposal->statement.phase];
    for (uint32_t i = 0; i < protocol->phase_count; i++) {
        const phase_t *phase = &protocol->phases[i];
        if (phase->body != BODY_CERTIFICATE ||
            memcmp(phase->certificate_phase, said->certificate_phase,
                   sizeof said->certificate_phase) != 0)
            continue;
        message_t message = *proposal;
        message.block = NULL;
        message.signature = (signature_t){{0}};
        message.statement = (statement_t){.epoch = proposal->statement.epoch,
                                          .path = proposal->statement.path,
                                          .view = proposal->statement.view,
                                          .subject = proposal->statement.subject,
                                          .phase = (uint8_t)i,
                                          .body = BODY_CERTIFICATE};
        return put_frame(&message, (bytes_t){0}, to, room);
    }
    return 0;
}

#endif
