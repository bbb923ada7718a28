/* See equivocate.h. */
#include "node/equivocate.h"

#ifdef SYNOD_FAULT_HOOKS

#include <string.h>

#include "base/check.h"
#include "codec/message_codec.h"
#include "protocol/registry.h"

typedef struct block_room {
    _Alignas(8) uint8_t bytes[sizeof(block_t) + sizeof(digest_t)];
} block_room_t;

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

size_t equivocate_frame(node_t *node, arena_t *arena, bytes_t frame, uint8_t *to) {
    const protocol_t *protocol = protocol_find(node->home.genesis.protocol.text);
    frame_t whole;
    size_t used;
    message_t message;
    block_room_t room;
    if (frame_decode(frame, &whole, &used) != SYNOD_OK || whole.kind != FRAME_MESSAGE)
        return 0;
    reader_t reader = reader_of(whole.body);
    arena_reset(arena);
    synod_status status = message_decode(&reader, protocol->phases, protocol->phase_count,
                                         node->committee.size, arena, &message);
    ensure(status == SYNOD_OK);
    bytes_t payload = read_bytes(&reader, reader_left(&reader));
    body_t body = protocol->phases[message.statement.phase].body;
    if (message.author != node->home.self ||
        (body == BODY_PROPOSAL ? !other_block(&message, &room, &payload) : body != BODY_VOTE))
        return 0;
    if (body == BODY_VOTE)
        message.statement.digest.bytes[0] ^= 1;
    uint8_t signed_bytes[STATEMENT_BYTES];
    statement_encode(&message.statement, &node->committee.domain, signed_bytes);
    node->signer.sign(node->signer.context, bytes_of(signed_bytes, sizeof signed_bytes),
                      &message.signature);
    writer_t writer =
        writer_of(to + FRAME_HEADER_BYTES, frame.size + EQUIVOCATE_ROOM - FRAME_HEADER_BYTES);
    message_encode(&message, &writer);
    write_bytes(&writer, payload.data, payload.size);
    ensure(!writer.failed);
    frame_seal(to, FRAME_MESSAGE, writer.at);
    return FRAME_HEADER_BYTES + writer.at;
}

#endif
