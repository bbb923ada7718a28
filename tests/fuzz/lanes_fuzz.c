/* Fuzz target: a whole replica of a chain whose blocks name certified batches (strategy
 * `certified`). What the input says is completed where chance would never get it right: the liar
 * signs its acknowledgements; its batches and the blocks that it serves stand where the replica
 * waits for them; payloads have the digest that their block names; references are certified by
 * whoever they say (f + 1 correct members would not have signed some of them, which only makes it
 * harsher). Another member acknowledges what the replica itself makes. */
#include "tests/fuzz/replica_target.h"
#include "tests/unit/replica_lanes.h"

#define HELPER 2u
#define PLACES 64 /* of the liar's lane */

static digest_t names[PLACES]; /* of its batches, by sequence */

static signature_t signed_by(const world_t *w, member_t member, const batch_ack_t *ack) {
    statement_t statement =
        batch_statement(w->committee.epoch, ack->author, ack->sequence, &ack->name);
    return sign_statement(w, member, &statement);
}

static void say_ack(world_t *w, member_t member, batch_ack_t ack) {
    uint8_t bytes[BATCH_ACK_BYTES];
    writer_t writer = writer_of(bytes, sizeof bytes);
    ack.signature = signed_by(w, member, &ack);
    batch_ack_encode(&ack, &writer);
    feed(w, member_link(member), FRAME_BATCH_ACK, writer_bytes(&writer));
}

/* The newest batch that the replica made, as something to acknowledge. */
static bool own_batch(const world_t *w, batch_ack_t *ack) {
    static request_t requests[256];
    const sent_t *sent = last_sent(w, FRAME_BATCH, member_link(HELPER));
    reader_t reader = reader_of(sent == NULL ? (bytes_t){0} : bytes_of(sent->body, sent->size));
    batch_t batch;
    uint32_t count = 0;
    if (sent == NULL || batch_decode(&reader, &batch) != SYNOD_OK || batch.author != w->self ||
        payload_walk(batch.requests, requests, 256, &count) != SYNOD_OK)
        return false;
    batch_entry_t entry = {.size_bytes = (uint32_t)batch.requests.size,
                           .requests = count,
                           .content = batch_content(batch.requests)};
    *ack = (batch_ack_t){.author = batch.author,
                         .sequence = batch.sequence,
                         .name = batch_name(batch.author, batch.sequence, &batch.parent, &entry)};
    return true;
}

static void say_batch(world_t *w, bytes_t body) {
    static request_t requests[256];
    reader_t reader = reader_of(body);
    batch_t batch;
    uint32_t count = 0;
    if (batch_decode(&reader, &batch) != SYNOD_OK || batch.author != LIAR ||
        batch.sequence >= PLACES ||
        payload_walk(batch.requests, requests, 256, &count) != SYNOD_OK) {
        feed(w, member_link(LIAR), FRAME_BATCH, body);
        return;
    }
    batch.parent = names[batch.sequence - 1];
    batch_entry_t entry = {.size_bytes = (uint32_t)batch.requests.size,
                           .requests = count,
                           .content = batch_content(batch.requests)};
    names[batch.sequence] = batch_name(LIAR, batch.sequence, &batch.parent, &entry);
    writer_t writer = writer_of(w->body, sizeof w->body);
    batch_encode(&batch, &writer);
    feed(w, member_link(LIAR), FRAME_BATCH, writer_bytes(&writer));
}

/* Signs a reference that stands on `parent` by all that it names. */
static void certify_reference(const world_t *w, batch_reference_t *reference,
                              const digest_t *parent, uint8_t *signatures) {
    batch_ack_t ack = {.author = reference->author, .name = *parent};
    for (uint32_t i = 0; i < reference->count; i++) {
        ack.sequence = reference->first + i;
        ack.name = batch_name(ack.author, ack.sequence, &ack.name, &reference->entries[i]);
    }
    uint8_t *to = signatures;
    for (member_t m = 0; m < MEMBERS; m++) {
        if ((reference->signers.data[0] >> m & 1) == 0)
            continue;
        signature_t signature = signed_by(w, m, &ack);
        memcpy(to, signature.bytes, sizeof signature.bytes);
        to += sizeof signature.bytes;
    }
    reference->signatures = bytes_of(signatures, (size_t)(to - signatures));
}

static const digest_t *below(const batch_reference_t *reference) {
    static const digest_t none;
    return reference->author == LIAR && reference->first <= PLACES ? &names[reference->first - 1]
                                                                   : &none;
}

/* Certified again, from a reader to a writer. False: nothing more. */
static bool copy_reference(const world_t *w, reader_t *reader, writer_t *writer) {
    uint8_t signatures[MEMBERS * SYNOD_SIGNATURE_BYTES];
    batch_reference_t reference;
    if (reader_left(reader) == 0 || batch_reference_decode(reader, MEMBERS, &reference) != SYNOD_OK)
        return false;
    certify_reference(w, &reference, below(&reference), signatures);
    batch_reference_encode(&reference, writer);
    return true;
}

static void say_proof(world_t *w, bytes_t body) {
    reader_t reader = reader_of(body);
    (void)read_bytes(&reader, SYNOD_DIGEST_BYTES);
    reader_t peek = reader;
    batch_reference_t reference;
    static uint8_t bytes[1 << 16];
    writer_t writer = writer_of(bytes, sizeof bytes);
    if (reader.failed || batch_reference_decode(&peek, MEMBERS, &reference) != SYNOD_OK) {
        feed(w, member_link(LIAR), FRAME_BATCH_PROOF, body);
        return;
    }
    write_bytes(&writer, below(&reference)->bytes, SYNOD_DIGEST_BYTES);
    (void)copy_reference(w, &reader, &writer);
    feed(w, member_link(LIAR), FRAME_BATCH_PROOF, writer_bytes(&writer));
}

/* The references at the front of `payload`, certified; what stands behind them is kept. */
static bytes_t certify_payload(const world_t *w, block_t *block, bytes_t payload) {
    static uint8_t bytes[1 << 17];
    writer_t writer = writer_of(bytes, sizeof bytes);
    const size_t named =
        block->payload_size_bytes < payload.size ? block->payload_size_bytes : payload.size;
    reader_t reader = reader_of(bytes_of(payload.data, named));
    block->payload_count = 0;
    while (copy_reference(w, &reader, &writer))
        block->payload_count++;
    block->payload_size_bytes = (uint32_t)writer.at;
    block->payload = batch_payload_digest(writer_bytes(&writer));
    write_bytes(&writer, payload.data + named, payload.size - named);
    require(!writer.failed);
    return writer_bytes(&writer);
}

static bool say_message(world_t *w, bytes_t body) {
    static _Alignas(16) uint8_t room[1 << 18], block_room[sizeof(block_t) + sizeof(digest_t)];
    arena_t arena = arena_of(room, sizeof room);
    message_t message;
    bytes_t payload;
    if (!target_message_in(w, body, &arena, &message, &payload))
        return false;
    if (message.block != NULL && message.block->parent_count == 1) {
        block_t *block = (block_t *)(void *)block_room;
        memcpy(block, message.block, block_bytes(1));
        payload = certify_payload(w, block, payload);
        message.block = block;
        message.statement.digest = block_id(block);
    }
    if (message_encoded_bytes(&message) + payload.size > sizeof w->body)
        return false;
    tell(w, member_link(LIAR), &message, payload);
    return true;
}

/* A block that it serves stands on what the replica asked from. */
static bool say_block(world_t *w, bytes_t body) {
    static _Alignas(16) uint8_t block_room[sizeof(block_t) + sizeof(digest_t)];
    static uint8_t bytes[BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES];
    block_t *block = (block_t *)(void *)block_room;
    block_answer_t answer;
    block_ask_t question;
    link_t link = LINK_NONE;
    reader_t reader = reader_of(body);
    if (!asked_for(w, &question, &link) || question.by_id ||
        block_answer_decode(&reader, &answer) != SYNOD_OK)
        return false;
    reader = reader_of(answer.block);
    if (block_decode(&reader, block, sizeof block_room) != SYNOD_OK || block->parent_count != 1)
        return false;
    const bytes_t payload = certify_payload(w, block, answer.payload);
    block->height = answer.height = question.from;
    block->epoch = w->committee.epoch;
    if (question.from == 1)
        block->parents[0] = w->config.anchor;
    writer_t inner = writer_of(bytes, sizeof bytes);
    block_encode(block, &inner);
    answer.block = writer_bytes(&inner);
    answer.payload = payload;
    writer_t writer = writer_of(w->body, sizeof w->body);
    block_answer_encode(&answer, &writer);
    if (!writer.failed)
        feed(w, link, FRAME_BLOCK, writer_bytes(&writer));
    return !writer.failed;
}

static void say(world_t *w, frame_kind_t kind, bytes_t body) {
    batch_ack_t own;
    reader_t reader = reader_of(body);
    batch_ack_t ack;
    if (own_batch(w, &own))
        say_ack(w, HELPER, own);
    if (kind == FRAME_BATCH_ACK && batch_ack_decode(&reader, &ack) == SYNOD_OK) {
        if (ack.name.bytes[0] % 2 == 0 && own_batch(w, &own))
            ack = own;
        say_ack(w, LIAR, ack);
    } else if (kind == FRAME_BATCH) {
        say_batch(w, body);
    } else if (kind == FRAME_BATCH_PROOF) {
        say_proof(w, body);
    } else if ((kind != FRAME_MESSAGE || !say_message(w, body)) &&
               (kind != FRAME_BLOCK || !say_block(w, body))) {
        feed(w, member_link(LIAR), kind, body);
    }
}

const uint32_t fuzz_price = 60;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16)
        return 0;
    memset(names, 0, sizeof names);
    world_t *w = target_replica(PAYLOAD_CERTIFIED);
    forget(w);
    target_hear(w, data, size, say);
    world_close(w);
    return 0;
}
