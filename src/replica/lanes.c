/* What is held of each lane, and what of it is durable. See lanes.h. */
#include "replica/lanes.h"

#include "replica/state.h"

bytes_t held_bytes(const replica_t *r, member_t author, const held_batch_t *held) {
    const uint8_t *ring = r->lanes.lanes[author].ring;
    return bytes_of(ring + held->at % r->lanes.ring_bytes, held->entry.size_bytes);
}

void lane_load(const author_lane_t *lane, uint64_t *bytes, uint64_t *requests) {
    *bytes = *requests = 0;
    for (uint64_t s = lane->low + 1; s <= lane->high; s++) {
        const held_batch_t *held = &lane->held[s % LANE_WINDOW];
        *bytes += held->entry.size_bytes;
        *requests += s > lane->tip ? held->entry.requests : 0;
    }
}

/* Batches do not cross the end of the ring: the rest is skipped. An empty ring begins again, so
 * that memory which is not needed is never touched. */
static bool place(replica_t *r, author_lane_t *lane, uint32_t size, uint64_t *at) {
    uint64_t ring = r->lanes.ring_bytes;
    if (lane->low >= lane->high)
        lane->head = lane->tail = 0;
    uint64_t left = ring - lane->tail % ring;
    *at = lane->tail + (size > left ? left : 0);
    return *at + size - lane->head <= ring;
}

bool lane_has_room(const replica_t *r, const author_lane_t *lane, size_t size, uint32_t requests) {
    uint64_t bytes, count;
    lane_load(lane, &bytes, &count);
    return lane->high - lane->low < LANE_WINDOW && bytes + size <= r->blocks.payload_max &&
           count + requests <= BLOCK_REQUESTS_MAX;
}

held_batch_t *lane_put(replica_t *r, member_t author, const digest_t *parent,
                       const batch_entry_t *entry, bytes_t requests) {
    author_lane_t *lane = &r->lanes.lanes[author];
    uint64_t at;
    if (!lane_has_room(r, lane, requests.size, entry->requests) ||
        !place(r, lane, (uint32_t)requests.size, &at))
        return NULL;
    held_batch_t *held = held_at(lane, lane->high + 1);
    *held = (held_batch_t){.state = HELD_WAITING,
                           .sequence = lane->high + 1,
                           .parent = *parent,
                           .name = batch_name(author, lane->high + 1, parent, entry),
                           .entry = *entry,
                           .at = at};
    memcpy(lane->ring + at % r->lanes.ring_bytes, requests.data, requests.size);
    lane->tail = at + requests.size;
    lane->high++;
    lane->high_name = held->name;
    r->lanes.dirty = true;
    return held;
}

void lane_cut(author_lane_t *lane, uint64_t sequence) {
    if (!lane_holds(lane, sequence))
        return;
    const held_batch_t *held = held_at(lane, sequence);
    uint64_t high = lane->high;
    lane->tail = held->at;
    lane->high = sequence - 1;
    lane->high_name = held->parent;
    for (uint64_t s = sequence; s <= high; s++)
        *held_at(lane, s) = (held_batch_t){0};
}

void lane_ordered(replica_t *r, member_t author, uint64_t sequence, const digest_t *name) {
    author_lane_t *lane = &r->lanes.lanes[author];
    lane->tip = sequence;
    lane->tip_name = *name;
    if (author == r->config.self && sequence > r->lanes.used)
        r->lanes.used = sequence;
    /* Another batch at this place: the author showed this member another lane than others. What was
     * acknowledged of that one stays the last that is acknowledged to it. */
    uint64_t high = lane->high;
    if (lane_holds(lane, sequence) && !digest_equal(&held_at(lane, sequence)->name, name))
        lane_cut(lane, sequence);
    else if (lane_holds(lane, sequence + 1) &&
             !digest_equal(&held_at(lane, sequence + 1)->parent, name))
        lane_cut(lane, sequence + 1);
    lane->forked |= lane->high != high;
    lane->certified_ns = r->now.now_ns;
    r->lanes.dirty = true;
}

/* PAY 7: while a block above the newest snapshot was executed without its bytes, because the
 * journal was short, the batches are the only durable copy here. */
bool lanes_pinned(const replica_t *r) {
    const snapshot_slot_t *slots = r->snapshots.slots;
    height_t newest = slots[0].height > slots[1].height ? slots[0].height : slots[1].height;
    return r->lanes.unwritten > newest;
}

void lanes_advance(replica_t *r) {
    if (r->lanes.lanes == NULL || lanes_pinned(r))
        return;
    for (member_t m = 0; m < r->config.committee->size; m++) {
        author_lane_t *lane = &r->lanes.lanes[m];
        if (lane->low >= lane->tip)
            continue;
        lane->low = lane->tip;
        if (lane->high > lane->low) {
            lane->head = held_at(lane, lane->low + 1)->at;
        } else if (lane->high < lane->tip) { /* this member missed some: it goes on from the tip */
            lane->high = lane->tip;
            lane->high_name = lane->tip_name;
        }
        r->lanes.dirty = true;
    }
}

/* ---- order state ---- */

/* PAY 8 */
bytes_t lanes_order(replica_t *r) {
    uint32_t members = r->config.committee->size;
    if (r->lanes.lanes == NULL)
        return (bytes_t){0};
    writer_t writer = writer_of(r->lanes.order, (size_t)members * LANE_ORDER_BYTES);
    for (member_t m = 0; m < members; m++) {
        write_u64(&writer, r->lanes.lanes[m].tip);
        write_bytes(&writer, r->lanes.lanes[m].tip_name.bytes, SYNOD_DIGEST_BYTES);
    }
    ensure(!writer.failed);
    return writer_bytes(&writer);
}

synod_status lanes_adopt(replica_t *r, bytes_t order, bool judge_only) {
    uint32_t members = r->config.committee->size;
    reader_t reader = reader_of(order);
    if (order.size != (r->lanes.lanes == NULL ? 0 : (size_t)members * LANE_ORDER_BYTES))
        return SYNOD_MALFORMED;
    for (member_t m = 0; m < members && r->lanes.lanes != NULL && !judge_only; m++) {
        uint64_t tip = read_u64(&reader);
        digest_t name;
        read_into(&reader, name.bytes, sizeof name.bytes);
        if (tip > r->lanes.lanes[m].tip)
            lane_ordered(r, m, tip, &name);
    }
    return SYNOD_OK;
}

/* ---- journal ---- */

bool lane_write(replica_t *r, member_t author, held_batch_t *held) {
    uint8_t head[BATCH_HEADER_BYTES];
    writer_t writer = writer_of(head, sizeof head);
    batch_t batch = {.author = author, .sequence = held->sequence, .parent = held->parent};
    batch_encode(&batch, &writer);
    bytes_t parts[2] = {writer_bytes(&writer), held_bytes(r, author, held)};
    uint64_t sequence = journal_append(r->journal, JOURNAL_BATCH, parts, 2, NULL);
    if (sequence != 0)
        held->journal_sequence = sequence;
    return sequence != 0;
}

/* Room as when it was written: what is executed by now is still in the way, and what was written
 * first was so then. */
static held_batch_t *put_again(replica_t *r, const batch_t *batch, const batch_entry_t *entry) {
    author_lane_t *lane = &r->lanes.lanes[batch->author];
    for (;;) {
        held_batch_t *held = lane_put(r, batch->author, &batch->parent, entry, batch->requests);
        if (held != NULL || lane->low == lane->high)
            return held;
        lane->low++;
        if (lane->high > lane->low)
            lane->head = held_at(lane, lane->low + 1)->at;
    }
}

void own_named(replica_t *r, bytes_t payload) {
    reader_t reader = reader_of(payload);
    batch_reference_t reference;
    while (r->lanes.lanes != NULL && reader_left(&reader) > 0 &&
           batch_reference_decode(&reader, r->config.committee->size, &reference) == SYNOD_OK) {
        uint64_t last = reference.first + reference.count - 1;
        if (reference.author == r->config.self && last > r->lanes.used)
            r->lanes.used = last;
    }
}

void lanes_recover(replica_t *r, bytes_t body, uint64_t journal_sequence) {
    reader_t reader = reader_of(body);
    batch_t batch;
    uint32_t count = 0;
    if (r->lanes.lanes == NULL || batch_decode(&reader, &batch) != SYNOD_OK ||
        batch.author >= r->config.committee->size ||
        payload_walk(batch.requests, r->requests, BLOCK_REQUESTS_MAX, &count) != SYNOD_OK) {
        replica_halt(r, SYNOD_CORRUPT, "a batch in the journal cannot be read");
        return;
    }
    author_lane_t *lane = &r->lanes.lanes[batch.author];
    if (batch.author == r->config.self && batch.sequence > r->lanes.used)
        r->lanes.used = batch.sequence;
    if (batch.sequence <= lane->tip)
        return;
    batch_entry_t entry = {.size_bytes = (uint32_t)batch.requests.size,
                           .requests = count,
                           .content = batch_content(batch.requests)};
    digest_t name = batch_name(batch.author, batch.sequence, &batch.parent, &entry);
    held_batch_t *held = lane_holds(lane, batch.sequence) ? held_at(lane, batch.sequence) : NULL;
    if (held == NULL || !digest_equal(&held->name, &name)) {
        if (batch.sequence != lane->high + 1 || !digest_equal(&batch.parent, &lane->high_name)) {
            lane->low = lane->high = batch.sequence - 1; /* what came before was executed */
            lane->high_name = batch.parent;
        }
        held = put_again(r, &batch, &entry);
    }
    if (held == NULL) {
        replica_halt(r, SYNOD_CORRUPT, "a batch in the journal is larger than the chain allows");
        return;
    }
    held->journal_sequence = journal_sequence;
    held->state = HELD_WRITTEN;
}

void lanes_recovered(replica_t *r) {
    if (r->lanes.lanes == NULL)
        return;
    lanes_advance(r);
    r->lanes.dirty = true;
    r->lanes.remind_at = r->now.now_ns + 1; /* what was certified before is acknowledged again */
}

/* All of a lane or nothing: recovery meets them in their order. */
bool lanes_carry(replica_t *r, uint64_t below) {
    for (member_t m = 0; m < r->config.committee->size && r->lanes.lanes != NULL; m++) {
        author_lane_t *lane = &r->lanes.lanes[m];
        bool due = false;
        for (uint64_t s = lane->low + 1; s <= lane->high; s++)
            due |= held_at(lane, s)->journal_sequence != 0 &&
                   held_at(lane, s)->journal_sequence < below;
        for (uint64_t s = lane->low + 1; due && s <= lane->high; s++)
            if (held_at(lane, s)->journal_sequence != 0 && !lane_write(r, m, held_at(lane, s)))
                return false;
    }
    return true;
}
