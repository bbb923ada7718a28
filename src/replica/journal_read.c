/* First pass of a recovery: the window on the device, and the first record of each slot, which says
 * which segment the slot holds. Chooses where the walks (journal_recover.c) start.
 *
 * Bytes of the disk are judged here, never asserted. */
#include "base/check.h"
#include "replica/journal_state.h"

#define WHERE "segment %u offset %llu"

static unsigned long long wide(uint64_t value) {
    return value;
}

/* ---- reading ---- */

const uint8_t *journal_window(journal_t *journal, uint64_t from, uint64_t to, size_t wanted) {
    uint64_t base = from - from % JOURNAL_SECTOR_BYTES;
    uint64_t slot = from / journal->segment_bytes;
    uint64_t end = (slot + 1) * journal->segment_bytes;
    require(from < to && to <= end && to - base <= journal_window_capacity(journal));
    bool inside = from >= journal->window_base && to <= journal->window_base + journal->window_size;
    if (!journal->reading && !inside) {
        size_t most =
            wanted < journal_window_capacity(journal) ? wanted : journal_window_capacity(journal);
        uint64_t size = most > to - base ? most : journal_align_sector(to) - base;
        size = size < end - base ? size : end - base;
        journal->window_base = base;
        journal->window_size = (size_t)size;
        journal->reading = true;
        journal->read_token += 1;
        journal->host->read(journal->host->context, JOURNAL_TOKEN_BASE + journal->read_token, base,
                            journal->buffers[0].memory, journal->window_size);
    }
    /* A host may have completed within the call. */
    if (journal->reading || journal->phase == JOURNAL_PHASE_BROKEN) {
        return NULL;
    }
    return journal->buffers[0].memory + (from - journal->window_base);
}

void journal_on_read(journal_t *journal, uint64_t token, synod_status status) {
    if (!journal->reading || token != JOURNAL_TOKEN_BASE + journal->read_token) {
        return;
    }
    journal->reading = false;
    if (status != SYNOD_OK) {
        journal_fail(journal, SYNOD_IO, WHERE ": read of %zu bytes: %s",
                     (unsigned)(journal->window_base / journal->segment_bytes),
                     wide(journal->window_base % journal->segment_bytes), journal->window_size,
                     synod_status_text(status));
    }
}

void journal_recover(journal_t *journal) {
    require(journal->phase == JOURNAL_PHASE_MADE);
    journal->phase = JOURNAL_PHASE_HEADERS;
}

/* ---- headers ---- */

/* Judges the first record of a slot; false when this slot's content forbids to go on. */
static bool judge_slot(journal_t *journal, uint32_t slot, const uint8_t *sector) {
    journal_header_t header;
    journal_entry_t entry;
    journal_segment_body_t body;
    uint64_t address = journal_base(journal, slot);
    bytes_t bytes = bytes_of(sector, JOURNAL_SECTOR_BYTES);
    if (journal_header_decode(sector, &header) != SYNOD_OK ||
        journal_parse(bytes, address, &entry) != SYNOD_OK || entry.kind != JOURNAL_GENESIS) {
        return true; /* never used, torn or damaged: the walk and the scan will tell */
    }
    synod_status status = journal_segment_decode(entry.body, &body);
    if (status != SYNOD_OK) {
        journal_fail(journal, status == SYNOD_BAD_VERSION ? status : SYNOD_CORRUPT,
                     WHERE ": first record of the segment: %s", slot, wide(0),
                     synod_status_text(status));
        return false;
    }
    if (body.segment_bytes != journal->segment_bytes) {
        journal_fail(journal, SYNOD_BAD_CONFIG, "segments of %llu bytes on the device, %llu wanted",
                     wide(body.segment_bytes), wide(journal->segment_bytes));
        return false;
    }
    bytes_t known = bytes_of(journal->genesis, journal->genesis_size);
    bool first = journal->newest == 0;
    if (header.device != journal_device(body.genesis) ||
        (!first && !bytes_equal(known, body.genesis))) {
        journal_fail(journal, SYNOD_CORRUPT, WHERE ": of another journal", slot, wide(0));
        return false;
    }
    if (first) {
        memcpy(journal->genesis, body.genesis.data, body.genesis.size);
        journal->genesis_size = body.genesis.size;
        journal->device = header.device;
    }
    journal->slots[slot] = (journal_slot_t){body.ordinal, entry.sequence, body.oldest};
    journal->newest = body.ordinal > journal->newest ? body.ordinal : journal->newest;
    return true;
}

uint32_t journal_slot_of(const journal_t *journal, uint64_t ordinal) {
    uint32_t found = journal->segments;
    for (uint32_t slot = 0; slot < journal->segments; slot++) {
        if (journal->slots[slot].ordinal == ordinal) {
            if (found != journal->segments) {
                return journal->segments;
            }
            found = slot;
        }
    }
    return found;
}

/* Sets the tail before the first record of the segment with this ordinal. */
static void set_out(journal_t *journal, uint64_t ordinal, journal_phase_t phase) {
    uint32_t slot = journal_slot_of(journal, ordinal);
    journal->first_ordinal = ordinal;
    journal->ordinal = ordinal - 1;
    journal->oldest = 1;
    journal->next_slot = slot;
    journal->sequence = journal->slots[slot].first - 1;
    journal->turned = true;
    journal->torn = false;
    journal->stop_text = NULL;
    journal->phase = phase;
}

static void begin_probe(journal_t *journal) {
    if (journal->newest == 0) {
        journal->phase = JOURNAL_PHASE_SCAN;
    } else if (journal_slot_of(journal, journal->newest) == journal->segments) {
        journal_fail(journal, SYNOD_CORRUPT, "two segments with ordinal %llu",
                     wide(journal->newest));
    } else {
        set_out(journal, journal->newest, JOURNAL_PHASE_PROBE);
    }
}

void journal_begin_walk(journal_t *journal) {
    uint64_t oldest = journal->oldest;
    for (uint64_t ordinal = oldest; ordinal <= journal->newest; ordinal++) {
        if (journal_slot_of(journal, ordinal) == journal->segments) {
            journal_fail(journal, SYNOD_CORRUPT,
                         "the segment with ordinal %llu is missing, twice there or its first "
                         "record is damaged; ordinals %llu to %llu are in use",
                         wide(ordinal), wide(oldest), wide(journal->newest));
            return;
        }
    }
    set_out(journal, oldest, JOURNAL_PHASE_WALK);
}

journal_step_t journal_read_headers(journal_t *journal) {
    while (journal->cursor_slot < journal->segments) {
        uint64_t base = journal_base(journal, journal->cursor_slot);
        const uint8_t *sector = journal_window(journal, base, base + JOURNAL_SECTOR_BYTES, 0);
        if (sector == NULL) {
            return journal->reading ? JOURNAL_WAIT : JOURNAL_FAILED;
        }
        if (!judge_slot(journal, journal->cursor_slot, sector)) {
            return JOURNAL_FAILED;
        }
        journal->cursor_slot += 1;
    }
    journal->cursor_slot = 0;
    begin_probe(journal);
    return JOURNAL_END;
}
