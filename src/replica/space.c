/* The room that the journal has: what a durable snapshot makes unnecessary is released.
 *
 * Kept are: blocks and final marks above the older of the two snapshots, so that each of them can
 * be started from; the newest record of each key of the core, which is appended again when it lies
 * below (it says what this member promised: votes, time-outs, lease; without it the key must not
 * sign); and the marks of both snapshots, which lie above. Everything else was a step on the way to
 * the snapshot's state.
 *
 * When the journal fills faster than snapshots are written, blocks wait for room (space_for_block),
 * records of the core do not, until the last segment but one is full: then what they promise waits.
 * The next state root is then due for a snapshot however little came since the last, and what only
 * the older one needs goes as well: one certified state and the journal above it are enough to go
 * on. */
#include "replica/journal_format.h"
#include "replica/state.h"

#define MARK_BYTES (8 + 4 + 4 + 8 + 8 + SYNOD_DIGEST_BYTES)

bool space_append_record(replica_t *r, const record_t *record) {
    uint8_t head[5 + 4 * PATH_PARTS_MAX + 4];
    writer_t writer = writer_of(head, sizeof head);
    write_u8(&writer, (uint8_t)record->path.length);
    for (uint32_t i = 0; i < PATH_PARTS_MAX; i++)
        write_u32(&writer, record->path.parts[i]);
    write_u32(&writer, record->key);
    bytes_t parts[2] = {writer_bytes(&writer), record->bytes};
    uint64_t sequence = journal_append(r->journal, JOURNAL_RECORD, parts, 2, NULL);
    if (sequence != 0)
        r->record_sequences[record->key] = sequence;
    return sequence != 0;
}

void space_keep_record(replica_t *r, const record_t *record) {
    size_t bound = r->config.protocol->record_bytes_max(r->config.committee->size);
    require(record->key < r->config.protocol->records_max && record->bytes.size <= bound);
    require(record->path.length == 0);
    uint8_t *to = r->record_room + record->key * bound;
    memcpy(to, record->bytes.data, record->bytes.size);
    r->records[record->key] =
        (record_t){record->path, record->key, bytes_of(to, record->bytes.size)};
    r->record_sequences[record->key] = 0;
}

/* Appends the newest record of each key that is not in the journal yet. Where it has no room, what
 * was promised stays here until a release makes some: a member that waits for that says nothing,
 * and goes on executing. */
void space_write_records(replica_t *r) {
    bool owed = false;
    for (uint32_t key = 0; key < r->config.protocol->records_max; key++)
        if (r->records[key].bytes.size > 0 && r->record_sequences[key] == 0)
            owed |= !space_append_record(r, &r->records[key]);
    synod_status status = journal_status(r->journal);
    if (owed && status != SYNOD_OK && status != SYNOD_NO_SPACE)
        replica_halt(r, status, "the journal takes no more records");
    if (owed && !r->records_owed)
        replica_log(r, 1, "journal", "full",
                    "why=\"nothing is promised until a snapshot makes room\"");
    if (!owed && r->records_owed)
        outbox_written(r);
    r->records_owed = owed;
    if (owed && status == SYNOD_NO_SPACE)
        space_release(r);
}

static bool is_written_above(const block_slot_t *slot, height_t height) {
    return slot->state != BLOCK_FREE && slot_block(slot)->height > height &&
           slot->journal_sequence != 0;
}

/* The first record of the journal that somebody who starts from here needs: of the blocks above
 * that were written already, the oldest. */
uint64_t space_first_above(const replica_t *r, height_t height) {
    uint64_t first = journal_last(r->journal) + 1;
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        const block_slot_t *slot = &r->blocks.slots[i];
        if (is_written_above(slot, height) && slot->journal_sequence < first)
            first = slot->journal_sequence;
    }
    return first;
}

void space_mark(replica_t *r, uint32_t slot) {
    const snapshot_slot_t *taken = &r->snapshots.slots[slot];
    uint8_t body[MARK_BYTES];
    writer_t writer = writer_of(body, sizeof body);
    write_u64(&writer, taken->height);
    write_u32(&writer, slot);
    write_u32(&writer, 0);
    write_u64(&writer, taken->keep);
    write_u64(&writer, taken->position);
    write_bytes(&writer, taken->content.bytes, SYNOD_DIGEST_BYTES);
    bytes_t part = writer_bytes(&writer);
    /* Without the mark a restart keeps more than it must, nothing else. */
    if (journal_append(r->journal, JOURNAL_SNAPSHOT, &part, 1, NULL) != 0)
        r->snapshots.marked_height = taken->height;
}

void space_on_mark(replica_t *r, const journal_entry_t *entry) {
    snapshots_t *s = &r->snapshots;
    reader_t reader = reader_of(entry->body);
    height_t height = read_u64(&reader);
    uint32_t slot = read_u32(&reader);
    uint32_t unused = read_u32(&reader);
    uint64_t keep = read_u64(&reader), position = read_u64(&reader);
    digest_t content;
    read_into(&reader, content.bytes, sizeof content.bytes);
    if (!reader_done(&reader) || slot >= SNAPSHOT_SLOTS_HELD || unused != 0) {
        replica_halt(r, SYNOD_CORRUPT, "the mark of a snapshot in the journal cannot be read");
        return;
    }
    if (height > s->marked_height)
        s->marked_height = height;
    snapshot_slot_t *held = &s->slots[slot];
    if (held->height == height && digest_equal(&held->content, &content)) {
        /* That of a transferred one is written before it is loaded, and says none: what the blocks
         * before it in the journal said stays. */
        if (keep != 0)
            held->keep = keep;
        held->position = position;
    }
}

/* A snapshot whose mark is missing (the machine stopped in between): the first block above it that
 * is replayed is the first that it needs. */
void space_on_block(replica_t *r, height_t height, uint64_t sequence) {
    for (uint32_t i = 0; i < SNAPSHOT_SLOTS_HELD; i++) {
        snapshot_slot_t *held = &r->snapshots.slots[i];
        if (held->height != 0 && held->keep == 0 && height > held->height)
            held->keep = sequence;
    }
}

void space_recovered(replica_t *r) {
    for (uint32_t i = 0; i < SNAPSHOT_SLOTS_HELD; i++) {
        snapshot_slot_t *held = &r->snapshots.slots[i];
        if (held->height != 0 && held->keep == 0)
            held->keep = journal_last(r->journal) + 1;
    }
    r->snapshots.release_due = true; /* what was due when the last life ended */
}

/* What the release takes away and is still needed, again at the end of the log. False: the journal
 * has no room now. */
static bool carry_over(replica_t *r, uint64_t below) {
    for (uint32_t key = 0; key < r->config.protocol->records_max; key++) {
        const record_t *record = &r->records[key];
        if (record->bytes.size == 0 || r->record_sequences[key] >= below)
            continue;
        if (!space_append_record(r, record))
            return false;
    }
    return true;
}

/* Most bytes of blocks that one release writes again. */
static uint64_t blocks_carried_max(uint64_t segment_bytes) {
    return segment_bytes / 4 < JOURNAL_RECORD_MAX / 2 ? segment_bytes / 4 : JOURNAL_RECORD_MAX / 2;
}

/* A full journal has these, and a release writes all of it before it gains anything: the lanes, and
 * of one once more what a buffer had no room for, records of the core, blocks. */
uint64_t space_reserve(const replica_config_t *c) {
    uint64_t n = c->committee->size, payload = c->chain.core.payload_bytes_max;
    uint64_t batch = journal_cost(BATCH_HEADER_BYTES) + JOURNAL_RECORD_HEADER_BYTES;
    uint64_t lane = payload + LANE_WINDOW * batch;
    uint64_t again = lane + n * lane / (JOURNAL_BUFFER_BYTES - lane) * lane;
    uint64_t record = journal_cost(5 + 4 * PATH_PARTS_MAX + 4 +
                                   c->protocol->record_bytes_max(c->committee->size));
    return journal_segments_for(c->journal_segment_bytes,
                                n * lane + again + c->protocol->records_max * record +
                                    blocks_carried_max(c->journal_segment_bytes),
                                payload + batch);
}

/* Blocks above the snapshot, of which some may lie far below the tail, again at its end. Only of a
 * snapshot of this very state: executed blocks above it may have left the store, and are needed.
 * False: the journal has no room now. */
static bool carry_blocks(replica_t *r, snapshot_slot_t *from) {
    uint64_t bytes = 0, most = journal_body_max(r->journal) / 2;
    uint64_t share = blocks_carried_max(r->config.journal_segment_bytes);
    if (from->height != ledger_height(r->ledger))
        return true;
    /* Once a release: each time it would move what is kept past the records and batches that the
     * try before wrote, and where all of them are more than one write takes, none would be the
     * last. */
    if (r->snapshots.carried != 0 && from->keep == r->snapshots.carried)
        return true;
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        const block_slot_t *slot = &r->blocks.slots[i];
        if (is_written_above(slot, from->height))
            bytes += journal_cost(slot_bytes(slot).size + BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES);
    }
    if (bytes > (most < share ? most : share))
        return true; /* the release goes as far as the oldest of them */
    if (!journal_room(r->journal, (size_t)bytes))
        return false;
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        block_slot_t *slot = &r->blocks.slots[i];
        if (!is_written_above(slot, from->height))
            continue;
        slot->journal_sequence = 0;
        slot->journal_whole = false;
        journal_block(r, slot);
    }
    from->keep = r->snapshots.carried = space_first_above(r, from->height);
    return true;
}

bool space_short(const replica_t *r) {
    return !journal_roomy(r->journal);
}

bool space_for_block(replica_t *r, size_t size) {
    bool roomy = !space_short(r);
    if (!roomy && !r->snapshots.short_said)
        replica_log(r, 1, "journal", "short",
                    "used_mib=%llu of_mib=%llu why=\"blocks wait until a snapshot makes room\"",
                    (unsigned long long)(journal_used_bytes(r->journal) >> 20),
                    (unsigned long long)(journal_capacity_bytes(r->journal) >> 20));
    r->snapshots.short_said = !roomy;
    r->disk_short |= !roomy;
    if (!roomy) {
        /* There may never be a newer snapshot, as no block has room: the newest one has to do. */
        r->snapshots.release_due |= snapshot_newest(&r->snapshots)->keep > r->snapshots.released;
        save_consider(r);
    }
    return roomy && journal_has(r, size);
}

void space_release(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    snapshot_slot_t *from = space_short(r) ? snapshot_newest(s) : snapshot_older(s);
    s->release_due = false;
    if (from->height == 0 || from->keep == 0)
        return;
    journal_use_reserve(r->journal, true);
    lanes_advance(r);
    bool carried = !space_short(r) || carry_blocks(r, from);
    bool gains = from->keep > s->released; /* else what is carried over would fill the reserve */
    carried = carried && gains && carry_over(r, from->keep) && lanes_carry(r, from->keep);
    if (carried) {
        journal_release(r->journal, from->keep);
        s->released = from->keep;
        s->carried = 0;
    }
    journal_use_reserve(r->journal, false);
    if (carried && r->records_owed)
        space_write_records(r);
    s->release_due = !carried && gains;
    if (carried && from->height + 1 > r->index_low)
        r->index_low = from->height + 1;
    if (carried)
        replica_log(r, 2, "journal", "released", "below_height=%llu used_mib=%llu of_mib=%llu",
                    (unsigned long long)from->height + 1,
                    (unsigned long long)(journal_used_bytes(r->journal) >> 20),
                    (unsigned long long)(journal_capacity_bytes(r->journal) >> 20));
}
