/* Batches of the payload strategy `certified` in the simulated world: what honest members may say
 * about them, what befalls them, and what liars make of them. */
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
enum { PLACE_SAID = 0x7361, PLACE_MADE = 0x6d61, PLACE_HELD = 0x6865, PLACE_PROVED = 0x7072 };

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

/* PAY 2: another batch may be acknowledged only where the one before was of a lane that turned out
 * not to be the ordered one, so that neither it nor what follows on it can ever be certified. What
 * was said above on that lane is forgotten then: the next one is excused for itself. */
static bool is_of_other_lane(node_t *node, const batch_ack_t *ack) {
    world_t *w = node->world;
    lane_view_t lane;
    if (!replica_lane(node->replica, ack->author, &lane) || lane.ordered >= ack->sequence)
        return false;
    uint64_t said = told(w, place_print(node->member, PLACE_SAID, ack->author, lane.ordered));
    if (said == 0 || said == digest_prefix(&lane.ordered_name))
        return false;
    w->report.acknowledged_again++;
    for (uint64_t s = ack->sequence; s <= ack->sequence + LANE_WINDOW; s++)
        tell(w, place_print(node->member, PLACE_SAID, ack->author, s), 0);
    return true;
}

/* What all this is for: of one place one batch can be certified, however liars vote (they count as
 * if they had acknowledged everything). */
static void judge_certifiable(node_t *node, const batch_ack_t *ack) {
    world_t *w = node->world;
    uint64_t print = digest_prefix(&ack->name);
    uint64_t key = oracle_mix(place_print(0, PLACE_SAID, ack->author, ack->sequence), print) | 1;
    if (w->options.members > 64)
        return;
    uint64_t signers = told(w, key) | UINT64_C(1) << node->member;
    tell(w, key, signers);
    for (member_t m = 0; m < w->options.members; m++)
        if (!world_is_honest(w, m))
            signers |= UINT64_C(1) << m;
    if (quorum_met(&w->committee, QUORUM_DECIDE, &signers) &&
        !said_once(w, place_print(0, PLACE_PROVED, ack->author, ack->sequence), print))
        violate(w, VIOLATION_AGREEMENT, "two batches %llu of member %u can be certified",
                (unsigned long long)ack->sequence, ack->author);
}

static void judge_ack(node_t *node, const batch_ack_t *ack) {
    world_t *w = node->world;
    uint64_t print = digest_prefix(&ack->name);
    uint64_t place = place_print(node->member, PLACE_SAID, ack->author, ack->sequence);
    if (!said_once(w, place, print) && !(is_of_other_lane(node, ack) && said_once(w, place, print)))
        violate(w, VIOLATION_CONFLICT,
                "honest member %u acknowledged two batches %llu of member %u", node->member,
                (unsigned long long)ack->sequence, ack->author);
    if (told(w, place_print(node->member, PLACE_HELD, ack->author, ack->sequence)) != print)
        violate(w, VIOLATION_DURABILITY,
                "member %u acknowledged batch %llu of member %u, which is not durable here",
                node->member, (unsigned long long)ack->sequence, ack->author);
    judge_certifiable(node, ack);
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
        judge_ack(node, &ack);
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

/* Of what it acknowledged a part may be in nobody's hands but its own. */
void batches_stopped(node_t *node) {
    uint64_t bare = 0;
    lane_view_t lane;
    for (member_t m = 0; m < node->world->options.members; m++)
        if (m != node->member && replica_lane(node->replica, m, &lane))
            bare += lane.acknowledged;
    if (bare > 0 && node_is_true(node))
        world_struck(node->world, FAULT_STOP_ACKNOWLEDGED);
}

/* ---- lies ---- */

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
static frame_buffer_t *other_batch(world_t *w, const frame_buffer_t *frame) {
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

/* Those who are lied to about a lane: so few that the others certify it without them. */
static bool is_victim(const node_t *node, link_t link) {
    return (link_peer(node->world, link) + node->member) % 3 == 0;
}

/* After a batch goes more than a lane may hold, each on the one before, all with its requests: so
 * that those who take them have no room for what the author's replica makes next. */
static void flood(node_t *node, link_t link, const frame_buffer_t *frame) {
    reader_t reader = reader_of(body_of(frame));
    batch_t batch;
    digest_t name;
    if (batch_decode(&reader, &batch) != SYNOD_OK || batch.author != node->member ||
        !name_of(node->world, &batch, &name))
        return;
    for (uint32_t i = 0; i < LANE_WINDOW + 4; i++) {
        batch.sequence++;
        batch.parent = name;
        (void)name_of(node->world, &batch, &name);
        (void)liar_sends(node, link, LIAR_FLOOD, make(&batch));
    }
}

static bool lie_in_batch(node_t *node, link_t link, frame_buffer_t *frame) {
    world_t *w = node->world;
    bool victim = is_victim(node, link);
    if (victim && liar_lies(node, LIAR_FORK) &&
        liar_sends(node, link, LIAR_FORK, other_batch(w, frame)))
        return true;
    if ((victim && (node->lies & LIAR_HOARD) != 0) || liar_lies(node, LIAR_HOARD)) {
        world_struck(w, FAULT_LIAR_HOARD);
        return true;
    }
    if (!liar_lies(node, LIAR_FLOOD))
        return false;
    sim_net_send(w, link, frame);
    flood(node, link, frame);
    return true;
}

/* Nothing, something old, or a broken acknowledgement or certificate. */
static bool lie_about_batch(node_t *node, link_t link, frame_buffer_t *frame) {
    world_t *w = node->world;
    uint64_t how = prng_below(&w->chance, 3);
    if (how == 0) {
        world_struck(w, FAULT_LIAR_ACKS);
        return true;
    }
    if (how == 1)
        return liar_sends(node, link, LIAR_ACKS, forge_tail(w, frame));
    if (node->old_about == NULL)
        node->old_about = frame_kept(frame);
    return liar_sends(node, link, LIAR_ACKS, frame_kept(node->old_about));
}

bool lie_about_batches(node_t *node, link_t link, frame_buffer_t *frame) {
    if (frame_kind_of(frame) == FRAME_BATCH)
        return lie_in_batch(node, link, frame);
    return liar_lies(node, LIAR_ACKS) && lie_about_batch(node, link, frame);
}

/* Whatever it is: verified or not, the second one of a place or not. */
bool acknowledge_all(node_t *node, link_t link, const frame_buffer_t *frame) {
    world_t *w = node->world;
    reader_t reader = reader_of(body_of(frame));
    batch_t batch;
    batch_ack_t ack;
    uint8_t bytes[STATEMENT_BYTES];
    if (!liar_lies(node, LIAR_ACKS) || batch_decode(&reader, &batch) != SYNOD_OK ||
        !name_of(w, &batch, &ack.name))
        return false;
    ack.author = batch.author;
    ack.sequence = batch.sequence;
    statement_t statement =
        batch_statement(w->committee.epoch, ack.author, ack.sequence, &ack.name);
    statement_encode(&statement, &w->committee.domain, bytes);
    node->signer.sign(node->signer.context, bytes_of(bytes, sizeof bytes), &ack.signature);
    frame_buffer_t *forged = forge_room(BATCH_ACK_BYTES);
    writer_t writer = writer_of(forged->data + FRAME_HEADER_BYTES, BATCH_ACK_BYTES);
    batch_ack_encode(&ack, &writer);
    ensure(!writer.failed);
    frame_seal(forged->data, FRAME_BATCH_ACK, writer.at);
    return liar_sends(node, link, LIAR_ACKS, forged);
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
