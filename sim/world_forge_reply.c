/* What a liar tells clients: attacks on the client's core, in the liar's own name. Half of the lies
 * follow from what they are about and from nothing else, so that all liars tell the same one, first
 * and alike (attack C4). */
#include <stdlib.h>

#include "sim/world_state.h"

#define SESSION_NEVER (UINT64_C(1) << 40) /* a number that no ledger reaches here */
#define RESULT_ROOM 65536u

static uint64_t draw(node_t *node, bool pact, uint64_t about, uint64_t below) {
    return pact ? oracle_mix(about, below) % below : prng_below(&node->world->chance, below);
}

static frame_buffer_t *frame_of(const reply_t *reply) {
    size_t size = reply_encoded_bytes(reply);
    frame_buffer_t *forged = forge_room(size);
    writer_t writer = writer_of(forged->data + FRAME_HEADER_BYTES, size);
    reply_encode(reply, &writer);
    ensure(!writer.failed);
    frame_seal(forged->data, FRAME_REPLY, size);
    return forged;
}

static void refuse_instead(reply_t *reply, synod_status status) {
    reply->status = status;
    reply->height = 0;
    reply->result = (bytes_t){0};
}

/* `room` holds the bytes of an altered result. */
static void alter_result(reply_t *reply, uint8_t *room, uint64_t number) {
    if (reply->result.size == 0 || reply->result.size > RESULT_ROOM)
        return;
    memcpy(room, reply->result.data, reply->result.size);
    room[reply->session == 0 ? 0 : reply->result.size - 1 - number % 4 % reply->result.size] ^= 3;
    reply->result = bytes_of(room, reply->result.size);
}

frame_buffer_t *forge_reply(node_t *node, const frame_buffer_t *frame) {
    reply_t reply;
    reader_t reader =
        reader_of(bytes_of(frame->data + FRAME_HEADER_BYTES, frame->size - FRAME_HEADER_BYTES));
    if (reply_decode(&reader, &reply) != SYNOD_OK)
        return NULL;
    uint64_t about = oracle_mix(reply.session + 1, reply.sequence);
    bool pact = prng_below(&node->world->chance, 2) == 0;
    uint64_t number = draw(node, pact, about, 64);
    static const synod_status refusals[] = {SYNOD_EXPIRED, SYNOD_INVALID, SYNOD_UNKNOWN,
                                            SYNOD_BUSY,    SYNOD_EXPIRED, SYNOD_INVALID};
    uint8_t *room = malloc(RESULT_ROOM);
    invariant(room != NULL);
    uint64_t kind = draw(node, pact, about + 1, 12);
    if (kind < 6)
        refuse_instead(&reply, refusals[kind]);
    else if (kind < 8)
        alter_result(&reply, room, number);
    else if (kind == 8)
        reply.height += 1 + number % 3;
    else if (kind == 9)
        reply.sequence += number % 5 - 2; /* another request's answer */
    else if (kind == 10)
        reply.session += number % 3 - 1;
    else
        reply.status = reply.status == SYNOD_OK ? SYNOD_APP_ERROR : SYNOD_OK;
    reply.leader_hint = number % 3 == 0 ? number : (uint64_t)node->member + 1; /* "I lead" */
    frame_buffer_t *forged = frame_of(&reply);
    free(room);
    return forged;
}

/* Results that look right, of a request that has not run. */
static bytes_t invent_result(const request_t *request, uint8_t *room) {
    writer_t writer = writer_of(room, RESULT_ROOM);
    if (request->session == 0) {
        write_u64(&writer, SESSION_NEVER + request->operations.size);
        return writer_bytes(&writer);
    }
    for (uint32_t i = 0; i < request->operation_count; i++) {
        write_u8(&writer, SYNOD_OK);
        write_u32(&writer, 8);
        write_u64(&writer, 7 + i);
    }
    return writer.failed ? (bytes_t){0} : writer_bytes(&writer);
}

frame_buffer_t *forge_early_reply(node_t *node, const frame_buffer_t *asked) {
    request_t request;
    reader_t reader =
        reader_of(bytes_of(asked->data + FRAME_HEADER_BYTES, asked->size - FRAME_HEADER_BYTES));
    if (request_decode(&reader, &request) != SYNOD_OK)
        return NULL;
    uint8_t *room = malloc(RESULT_ROOM);
    invariant(room != NULL);
    reply_t reply = {.session = request.session,
                     .sequence = request.sequence,
                     .height = 1,
                     .leader_hint = (uint64_t)node->member + 1,
                     .result = invent_result(&request, room)};
    if (request.session == 0) {
        key_public_t key;
        request_open_fields(&request, &key, &reply.sequence);
    }
    uint64_t kind = oracle_mix(request.session + 1, request.sequence) % 8;
    if (kind == 0)
        refuse_instead(&reply, SYNOD_INVALID); /* of an open: "your key is refused" */
    else if (kind == 1)
        refuse_instead(&reply, SYNOD_EXPIRED);
    else if (kind == 2)
        refuse_instead(&reply, SYNOD_BUSY);
    frame_buffer_t *forged = frame_of(&reply);
    free(room);
    return forged;
}
