/* Batches of the payload strategy `certified` in the simulated world: what honest members may say
 * about them, and what liars make of them. */
#include <stdlib.h>

#include "codec/batch_codec.h"
#include "sim/world_state.h"

static bytes_t body_of(const frame_buffer_t *frame) {
    return bytes_of(frame->data + FRAME_HEADER_BYTES, frame->size - FRAME_HEADER_BYTES);
}

/* ---- oracle ---- */

static void tell(world_t *w, uint64_t key, uint64_t content) {
    said_t *said = said_slot(w, key);
    w->said_count += said->key == 0 ? 1 : 0;
    *said = (said_t){key, content};
}

static uint64_t told(world_t *w, uint64_t key) {
    return said_slot(w, key)->content; /* 0 where nothing is */
}

/* One thing a key, ever; false: something else was said before. */
static bool said_once(world_t *w, uint64_t key, uint64_t content) {
    uint64_t before = told(w, key);
    if (before == 0)
        tell(w, key, content);
    return before == 0 || before == content;
}

/* What a member said or made durable about one place of one lane. */
static uint64_t place_print(member_t member, uint64_t what, member_t author, uint64_t sequence) {
    return oracle_mix(oracle_mix(oracle_mix(what, member), author), sequence) | 1;
}
enum { PLACE_SAID = 0x7361, PLACE_MADE = 0x6d61, PLACE_HELD = 0x6865 };

static bool name_of(world_t *w, const batch_t *batch, digest_t *name) {
    uint32_t count = 0;
    if (payload_walk(batch->requests, w->walk, WALK_REQUESTS_MAX, &count) != SYNOD_OK)
        return false;
    batch_entry_t entry = {.size_bytes = (uint32_t)batch->requests.size,
                           .requests = count,
                           .content = batch_content(batch->requests)};
    *name = batch_name(batch->author, batch->sequence, &batch->parent, &entry);
    return true;
}

/* PAY 1, PAY 2: an honest member makes one batch a place of its lane, whatever happened to it, and
 * acknowledges one batch a place of any lane, when that is durable here (attack D9). */
void oracle_batch_sent(node_t *node, unsigned kind, bytes_t body) {
    world_t *w = node->world;
    reader_t reader = reader_of(body);
    batch_t batch;
    batch_ack_t ack;
    digest_t name;
    if (!node_is_true(node))
        return;
    if (kind == FRAME_BATCH && batch_decode(&reader, &batch) == SYNOD_OK &&
        batch.author == node->member && (batch.sequence == 1 || !digest_is_zero(&batch.parent)) &&
        name_of(w, &batch, &name)) { /* an answer about an old one has no parent */
        if (!said_once(w, place_print(node->member, PLACE_MADE, batch.author, batch.sequence),
                       digest_prefix(&name)))
            violate(w, VIOLATION_CONFLICT, "honest member %u made two batches %llu", node->member,
                    (unsigned long long)batch.sequence);
    } else if (kind == FRAME_BATCH_ACK && batch_ack_decode(&reader, &ack) == SYNOD_OK) {
        uint64_t print = digest_prefix(&ack.name);
        if (!said_once(w, place_print(node->member, PLACE_SAID, ack.author, ack.sequence), print))
            violate(w, VIOLATION_CONFLICT,
                    "honest member %u acknowledged two batches %llu of member %u", node->member,
                    (unsigned long long)ack.sequence, ack.author);
        if (told(w, place_print(node->member, PLACE_HELD, ack.author, ack.sequence)) != print)
            violate(w, VIOLATION_DURABILITY,
                    "member %u acknowledged batch %llu of member %u, which is not durable here",
                    node->member, (unsigned long long)ack.sequence, ack.author);
    }
}

void oracle_batch_durable(node_t *node, bytes_t body) {
    reader_t reader = reader_of(body);
    batch_t batch;
    digest_t name;
    if (batch_decode(&reader, &batch) == SYNOD_OK && name_of(node->world, &batch, &name))
        tell(node->world, place_print(node->member, PLACE_HELD, batch.author, batch.sequence),
             digest_prefix(&name));
}

/* ---- forgery ---- */

static frame_buffer_t *make(const batch_t *batch) {
    frame_buffer_t *frame = forge_room(BATCH_HEADER_BYTES + batch->requests.size);
    writer_t writer =
        writer_of(frame->data + FRAME_HEADER_BYTES, BATCH_HEADER_BYTES + batch->requests.size);
    batch_encode(batch, &writer);
    ensure(!writer.failed);
    frame_seal(frame->data, FRAME_BATCH, writer.at);
    return frame;
}

/* Another batch in the same place: without its last request, or twice its first. */
frame_buffer_t *forge_other_batch(world_t *w, const frame_buffer_t *frame) {
    reader_t reader = reader_of(body_of(frame));
    batch_t batch;
    uint32_t count = 0;
    if (batch_decode(&reader, &batch) != SYNOD_OK ||
        payload_walk(batch.requests, w->walk, WALK_REQUESTS_MAX, &count) != SYNOD_OK)
        return NULL;
    if (count > 1) {
        batch.requests.size -= w->walk[count - 1].encoded.size;
        return make(&batch);
    }
    uint8_t *twice = malloc(2 * batch.requests.size);
    invariant(twice != NULL);
    memcpy(twice, batch.requests.data, batch.requests.size);
    memcpy(twice + batch.requests.size, batch.requests.data, batch.requests.size);
    batch.requests = bytes_of(twice, 2 * batch.requests.size);
    frame_buffer_t *forged = make(&batch);
    free(twice);
    return forged;
}

/* References that must not be voted for: an acknowledgement fewer than a quorum, one that nobody
 * signed, a batch left out, the first one twice. Returns the size, 0: there is nothing to alter. */
size_t forge_references(world_t *w, bytes_t payload, uint8_t *to, uint32_t *count) {
    uint32_t members = w->options.members;
    uint64_t how = prng_below(&w->chance, 4);
    reader_t reader = reader_of(payload);
    batch_reference_t reference;
    if (payload.size == 0 || batch_reference_decode(&reader, members, &reference) != SYNOD_OK)
        return 0;
    size_t first = reader.at;
    uint8_t *bitmap = to + BATCH_REFERENCE_FIXED_BYTES + reference.count * BATCH_ENTRY_BYTES;
    memcpy(to, payload.data, payload.size);
    if (how == 0) { /* the last signer and its signature go */
        uint32_t last = members - 1;
        while (last > 0 && (bitmap[last / 8] >> (last % 8) & 1) == 0)
            last--;
        bitmap[last / 8] &= (uint8_t) ~(1u << (last % 8));
        memmove(to + first - SYNOD_SIGNATURE_BYTES, payload.data + first, payload.size - first);
        return payload.size - SYNOD_SIGNATURE_BYTES;
    }
    if (how == 1) {
        to[first - 1] ^= 1;
        return payload.size;
    }
    if (how == 2) { /* what one author's clients asked for is put off by claiming a later place */
        store_u64(to + 4, reference.first + 1);
        return payload.size;
    }
    memcpy(to + payload.size, payload.data, first);
    *count += 1;
    return payload.size + first;
}
