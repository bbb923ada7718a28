/* Where a record goes: buffers, ranges, segments and their turns, the reserve.
 *
 * Invariants (continued from journal.c): after any record at least one sector is left in its
 * segment, for the turn to the next one; `used` of an open range and the tail move together. */
#include "base/check.h"
#include "replica/journal_state.h"

/* ---- placing ---- */

static uint32_t free_slots(const journal_t *journal) {
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < journal->segments; slot++) {
        count += journal_slot_free(journal, slot) ? 1 : 0;
    }
    return count;
}

/* Any free slot would do: recovery goes by ordinals. The one begun longest ago, never used ones
 * first, spreads the wear. */
static uint32_t choose_slot(const journal_t *journal) {
    uint32_t best = UINT32_MAX;
    for (uint32_t slot = 0; slot < journal->segments; slot++) {
        if (journal_slot_free(journal, slot) &&
            (best == UINT32_MAX || journal->slots[slot].ordinal < journal->slots[best].ordinal)) {
            best = slot;
        }
    }
    ensure(best != UINT32_MAX);
    return best;
}

/* Does a record fit into the present segment, with a sector for the turn and `kept` left? */
static bool fits_segment(const journal_t *journal, size_t size, uint64_t kept) {
    const journal_buffer_t *buffer = &journal->buffers[journal->collecting];
    if (journal->turned) {
        return false;
    }
    uint64_t start = buffer->open ? journal->tail : journal_align_sector(journal->tail);
    uint64_t end = journal_align_sector(start + journal_cost(size));
    return end + JOURNAL_SECTOR_BYTES + kept <= journal->segment_bytes;
}

/* Full once the largest record might not fit: from then on for small ones as well, so that no later
 * record overtakes a refused one. */
bool journal_full(const journal_t *journal) {
    uint32_t free = free_slots(journal);
    return free < journal->reserve ||
           (free == journal->reserve && !fits_segment(journal, journal->body_max, 0));
}

bool journal_roomy(const journal_t *journal) {
    return journal->ordinal == 0 || free_slots(journal) > journal->reserve + 1;
}

journal_placement_t journal_plan(const journal_t *journal, size_t size, journal_level_t level) {
    const journal_buffer_t *buffer = &journal->buffers[journal->collecting];
    if (level == JOURNAL_LEVEL_ORDINARY && journal_full(journal)) {
        return JOURNAL_PLACE_FULL;
    }
    uint32_t free = free_slots(journal);
    uint64_t kept =
        level != JOURNAL_LEVEL_MARK && free == 0 ? journal_kept(journal->segment_bytes) : 0;
    uint32_t ranges = buffer->count;
    uint64_t used = buffer->used;
    journal_placement_t placement = JOURNAL_PLACE_HERE;
    if (fits_segment(journal, size, kept)) {
        ranges += buffer->open ? 0 : 1;
    } else if (free == 0) {
        return JOURNAL_PLACE_FULL;
    } else {
        placement = JOURNAL_PLACE_TURN;
        if (!journal->turned) {
            ranges += buffer->open ? 0 : 1;
            used = journal_align_sector(used + journal_cost(JOURNAL_TURN_BYTES));
        }
        ranges += 1;
        used += journal_cost(JOURNAL_SEGMENT_FIXED_BYTES + journal->genesis_size);
    }
    used = journal_align_sector(used + journal_cost(size));
    bool room = ranges <= JOURNAL_RANGES_MAX && used <= journal->buffer_bytes;
    return room ? placement : JOURNAL_PLACE_NO_ROOM;
}

static void open_range(journal_t *journal) {
    journal_buffer_t *buffer = journal_collecting(journal);
    invariant(!buffer->open && buffer->count < JOURNAL_RANGES_MAX);
    invariant(buffer->used % JOURNAL_SECTOR_BYTES == 0);
    journal->tail = journal_align_sector(journal->tail);
    buffer->ranges[buffer->count++] = (journal_range_t){
        .address = journal_base(journal, journal->slot) + journal->tail,
        .committed = journal->sequence,
        .last = journal->sequence,
        .start = buffer->used,
    };
    buffer->open = true;
}

void journal_close_range(journal_t *journal) {
    journal_buffer_t *buffer = journal_collecting(journal);
    journal_range_t *range = &buffer->ranges[buffer->count - 1];
    invariant(buffer->open && range->last > range->committed);
    size_t end = (size_t)journal_align_sector(buffer->used);
    memset(buffer->memory + buffer->used, 0, end - buffer->used);
    buffer->used = end;
    range->size = end - range->start;
    buffer->open = false;
}

/* Writes a record at the tail, into the open range. */
static void put(journal_t *journal, uint16_t kind, const bytes_t *parts, uint32_t part_count) {
    journal_buffer_t *buffer = journal_collecting(journal);
    journal_range_t *range = &buffer->ranges[buffer->count - 1];
    uint8_t *record = buffer->memory + buffer->used;
    uint8_t *body = record + JOURNAL_RECORD_HEADER_BYTES;
    size_t length = 0;
    uint32_t crc = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        if (parts[i].size > 0) {
            memcpy(body + length, parts[i].data, parts[i].size);
            crc = journal_crc(crc, parts[i]);
            length += parts[i].size;
        }
    }
    journal_header_t header = {
        .sequence = ++journal->sequence,
        .address = journal_base(journal, journal->slot) + journal->tail,
        .committed = range->committed,
        .length = (uint32_t)length,
        .body_crc = crc,
        .device = journal->device,
        .kind = kind,
    };
    memcpy(header.previous, journal->chain, JOURNAL_CHAIN_BYTES);
    journal_header_encode(&header, record);
    journal_chain(record, journal->chain);
    size_t cost = (size_t)journal_cost(length);
    memset(body + length, 0, cost - JOURNAL_RECORD_HEADER_BYTES - length);
    invariant(header.address == range->address + (buffer->used - range->start));
    buffer->used += cost;
    journal->tail += cost;
    range->last = journal->sequence;
    journal->last_kind = kind;
    ensure(buffer->used <= journal->buffer_bytes && journal->tail <= journal->segment_bytes);
}

/* Ends the present segment: says where the log goes on. */
static void put_turn(journal_t *journal) {
    uint8_t bytes[JOURNAL_TURN_BYTES];
    journal->next_slot = choose_slot(journal);
    journal_turn_t turn = {journal->ordinal + 1, journal->next_slot};
    journal_turn_encode(&turn, bytes);
    if (!journal_collecting(journal)->open) {
        open_range(journal);
    }
    bytes_t part = bytes_of(bytes, sizeof bytes);
    put(journal, JOURNAL_KIND_TURN, &part, 1);
    journal_close_range(journal);
    journal->turned = true;
}

/* Begins the segment that was turned to, with the genesis again. */
void journal_put_segment(journal_t *journal) {
    uint8_t bytes[JOURNAL_SEGMENT_FIXED_BYTES + JOURNAL_GENESIS_MAX];
    invariant(journal->turned && journal_slot_free(journal, journal->next_slot));
    journal->turned = false;
    journal->slot = journal->next_slot;
    journal->ordinal += 1;
    journal->tail = 0;
    journal->slots[journal->slot] = (journal_slot_t){
        .ordinal = journal->ordinal,
        .first = journal->sequence + 1,
        .oldest = journal->oldest,
    };
    journal_segment_body_t body = {
        .segment_bytes = journal->segment_bytes,
        .ordinal = journal->ordinal,
        .oldest = journal->oldest,
        .genesis = bytes_of(journal->genesis, journal->genesis_size),
    };
    journal_segment_encode(&body, bytes);
    open_range(journal);
    bytes_t part = bytes_of(bytes, JOURNAL_SEGMENT_FIXED_BYTES + journal->genesis_size);
    put(journal, JOURNAL_GENESIS, &part, 1);
}

uint64_t journal_place(journal_t *journal, uint16_t kind, journal_level_t level,
                       const bytes_t *parts, uint32_t part_count, uint64_t *address) {
    size_t size = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        require(parts[i].size <= journal->body_max - size);
        size += parts[i].size;
    }
    journal_placement_t placement = journal_plan(journal, size, level);
    if (placement == JOURNAL_PLACE_NO_ROOM || placement == JOURNAL_PLACE_FULL) {
        return 0;
    }
    if (placement == JOURNAL_PLACE_TURN) {
        if (!journal->turned) {
            put_turn(journal);
        }
        journal_put_segment(journal);
    } else if (!journal_collecting(journal)->open) {
        open_range(journal);
    }
    if (address != NULL) {
        *address = journal_base(journal, journal->slot) + journal->tail;
    }
    put(journal, kind, parts, part_count);
    return journal->sequence;
}
