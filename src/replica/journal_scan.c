/* What lies behind the end of the chain: remains of a torn write, or proof of a loss?
 *
 * Any sound header, at its own address, with committed = c proves that all records up to c had been
 * durable before its write began. The walk reached `sequence`. So if anywhere behind it a header
 * has committed > sequence, acknowledged records are missing: the journal is corrupt and is refused
 * (attacks F3, F4). If there is none, everything behind the end belongs to one write that was never
 * acknowledged, or to earlier lives of the segments, and is cut (attack F1). Every multiple of the
 * alignment is looked at, because a broken header cannot say how long its record is (attack F5).
 *
 * A device without a single valid segment is fresh, unless something lies where a torn first write
 * cannot have put it. */
#include "replica/journal_state.h"

/* Is there anything behind the end that the slot's content before the walk does not explain? */
static bool scanned_slot(const journal_t *journal, uint32_t slot) {
    if (journal_base(journal, slot) >= journal->extent_bytes) {
        return false; /* the device ends before it: nothing was ever written there */
    }
    bool live = journal->slots[slot].ordinal >= journal->first_ordinal &&
                journal->slots[slot].ordinal <= journal->ordinal && journal->ordinal != 0;
    return !live || slot == journal->slot;
}

static void judge_remains(journal_t *journal, const journal_header_t *header, uint32_t slot) {
    if (header->committed > journal->sequence) {
        const char *text = journal->stop_text == NULL ? "no record" : journal->stop_text;
        journal_fail(journal, SYNOD_CORRUPT,
                     "segment %u offset %llu: record %llu: %s; yet record %llu at segment %u "
                     "offset %llu was written after %llu was durable",
                     (unsigned)(journal->stop_address / journal->segment_bytes),
                     (unsigned long long)(journal->stop_address % journal->segment_bytes),
                     (unsigned long long)journal->sequence + 1, text,
                     (unsigned long long)header->sequence, (unsigned)slot,
                     (unsigned long long)(header->address % journal->segment_bytes),
                     (unsigned long long)header->committed);
        return;
    }
    /* Of the write that was under way: either none of its records was accepted, or some were.
     * Remains that an earlier recovery had cut are older than the mark that it wrote. */
    bool same_write =
        header->committed == journal->last_committed && journal->last_kind != JOURNAL_KIND_OPENED;
    if (header->sequence > journal->sequence &&
        (header->committed == journal->sequence || same_write)) {
        journal->torn = true;
    }
}

static bool all_zero(const uint8_t *bytes, size_t size) {
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static void scan_bytes(journal_t *journal, const uint8_t *bytes, size_t size) {
    uint64_t address = journal_base(journal, journal->cursor_slot) + journal->cursor_offset;
    if (journal->ordinal == 0 && !all_zero(bytes, size)) {
        if (journal->cursor_slot != 0) {
            journal_fail(journal, SYNOD_CORRUPT,
                         "segment %u offset %llu: neither empty nor part of a journal",
                         (unsigned)journal->cursor_slot,
                         (unsigned long long)journal->cursor_offset);
            return;
        }
        journal->torn = true;
    }
    for (size_t at = 0; at < size; at += JOURNAL_ALIGNMENT_BYTES) {
        journal_header_t header;
        if (journal_header_decode(bytes + at, &header) == SYNOD_OK &&
            header.address == address + at &&
            (journal->ordinal == 0 || header.device == journal->device)) {
            judge_remains(journal, &header, journal->cursor_slot);
            if (journal->phase == JOURNAL_PHASE_BROKEN) {
                return;
            }
        }
    }
}

journal_step_t journal_scan(journal_t *journal) {
    while (journal->cursor_slot < journal->segments) {
        uint32_t slot = journal->cursor_slot;
        bool own = journal->ordinal != 0 && slot == journal->slot;
        uint64_t start = own ? journal->tail : 0;
        uint64_t offset = journal->cursor_offset > start ? journal->cursor_offset : start;
        if (!scanned_slot(journal, slot) || offset >= journal->segment_bytes) {
            journal->cursor_slot += 1;
            journal->cursor_offset = 0;
            continue;
        }
        size_t capacity = journal_window_capacity(journal) - JOURNAL_SECTOR_BYTES;
        uint64_t left = journal->segment_bytes - offset;
        size_t size = left < capacity ? (size_t)left : capacity;
        uint64_t from = journal_base(journal, slot) + offset;
        const uint8_t *bytes = journal_window(journal, from, from + size, size);
        if (bytes == NULL) {
            return journal->reading ? JOURNAL_WAIT : JOURNAL_FAILED;
        }
        journal->cursor_offset = offset;
        scan_bytes(journal, bytes, size);
        if (journal->phase == JOURNAL_PHASE_BROKEN) {
            return JOURNAL_FAILED;
        }
        journal->cursor_offset = offset + size;
    }
    return JOURNAL_END;
}
