/* Writing the journal: placing records into buffers, group commit, segments' turns, release.
 *
 * Invariants:
 * - At most one write is under way. A write holds every record after the one before it, so all of
 *   its records carry committed = (its first sequence - 1), and committed = c in any record on the
 *   disk proves that all records up to c were durable. Recovery rests on this.
 * - A write starts at a fresh sector and ends with zeros up to a sector: it never touches a sector
 *   that holds an acknowledged record.
 * - After any record at least one sector is left in its segment, for the turn to the next one.
 * - A slot is overwritten only when the record of its release and the turn that names it are
 *   durable: both lie in earlier writes.
 * - The genesis record stands alone in its write, the opening mark has no record of the caller in
 *   its own. So whatever a torn write left behind, it does not continue the chain of what came
 *   after the cut (docs/formats/journal.md, "remains"). */
#include "replica/journal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "replica/journal_state.h"

/* ---- making ---- */

/* Besides a record of `buffer_bytes`: a turn in a sector of its own, the first record of a segment,
 * rounding. */
static size_t buffer_capacity(size_t buffer_bytes) {
    return (size_t)journal_align_sector(buffer_bytes) + 3 * (size_t)JOURNAL_SECTOR_BYTES;
}

size_t journal_memory_bytes(size_t buffer_bytes, uint32_t segments) {
    return 2 * JOURNAL_SECTOR_BYTES + sizeof(journal_t) + segments * sizeof(journal_slot_t) +
           2 * buffer_capacity(buffer_bytes);
}

static size_t body_max_of(const journal_t *journal, size_t buffer_bytes) {
    uint64_t segment = journal->segment_bytes - journal_kept(journal->segment_bytes) -
                       2 * (uint64_t)JOURNAL_SECTOR_BYTES - JOURNAL_RECORD_HEADER_BYTES;
    uint64_t most = buffer_bytes - JOURNAL_RECORD_HEADER_BYTES;
    most = most < segment ? most : segment;
    return most < JOURNAL_RECORD_MAX ? (size_t)most : JOURNAL_RECORD_MAX;
}

journal_t *journal_make_sized(void *memory, size_t buffer_bytes, uint64_t segment_bytes,
                              uint32_t segments, const host_t *host) {
    require(memory != NULL && host != NULL && segments >= 3);
    require(buffer_bytes >= JOURNAL_SECTOR_BYTES);
    require(segment_bytes % JOURNAL_SECTOR_BYTES == 0 && segment_bytes >= (64u << 10));
    require(segment_bytes <= UINT64_MAX / 2 / segments);
    uint8_t *at = memory;
    /* Buffers first and aligned to sectors, so that a host may write without its own copy. */
    at += (size_t)(-(uintptr_t)at % JOURNAL_SECTOR_BYTES);
    size_t capacity = buffer_capacity(buffer_bytes);
    journal_t *journal = (journal_t *)(void *)(at + 2 * capacity);
    memset(journal, 0, sizeof *journal);
    journal->host = host;
    journal->extent_bytes = UINT64_MAX;
    journal->segment_bytes = segment_bytes;
    journal->segments = segments;
    journal->reserve = 1;
    journal->buffer_bytes = capacity;
    journal->body_max = body_max_of(journal, buffer_bytes);
    journal->buffers[0].memory = at;
    journal->buffers[1].memory = at + capacity;
    journal->slots = (journal_slot_t *)(void *)(journal + 1);
    memset(journal->slots, 0, segments * sizeof *journal->slots);
    journal->oldest = 1;
    journal->turned = true;
    ensure(journal->body_max >= JOURNAL_GENESIS_MAX);
    return journal;
}

void journal_set_reserve(journal_t *journal, uint32_t segments) {
    require(segments >= 1 && segments < journal->segments);
    journal->reserve = segments;
}

/* Of each segment its first record, the turn and rounding take a sector each; where a record turns
 * to the next one up to its length is left. */
uint64_t journal_segments_for(uint64_t segment_bytes, uint64_t bytes, uint64_t largest) {
    uint64_t lost = 3 * (uint64_t)JOURNAL_SECTOR_BYTES + largest;
    uint64_t wanted = bytes + journal_kept(segment_bytes);
    require(segment_bytes > lost);
    uint64_t each = segment_bytes - lost;
    return wanted <= each + largest ? 1 : (wanted - largest + each - 1) / each;
}

void journal_set_extent(journal_t *journal, uint64_t bytes) {
    journal->extent_bytes = bytes;
}

journal_t *journal_make(void *memory, size_t buffer_bytes, uint32_t segments, const host_t *host) {
    return journal_make_sized(memory, buffer_bytes, JOURNAL_SEGMENT_BYTES, segments, host);
}

size_t journal_body_max(const journal_t *journal) {
    return journal->body_max;
}

/* The first reason stays: later ones are its consequences. */
void journal_fail(journal_t *journal, synod_status status, const char *format, ...) {
    require(status != SYNOD_OK);
    if (journal->phase == JOURNAL_PHASE_BROKEN) {
        return;
    }
    journal->phase = JOURNAL_PHASE_BROKEN;
    journal->status = status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(journal->reason, sizeof journal->reason, format, arguments);
    va_end(arguments);
}

/* ---- appending ---- */

static uint64_t append_genesis(journal_t *journal, const bytes_t *parts, uint32_t part_count,
                               uint64_t *address) {
    journal->genesis_size = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        require(parts[i].size <= JOURNAL_GENESIS_MAX - journal->genesis_size);
        if (parts[i].size > 0) {
            memcpy(journal->genesis + journal->genesis_size, parts[i].data, parts[i].size);
            journal->genesis_size += parts[i].size;
        }
    }
    journal->device = journal_device(bytes_of(journal->genesis, journal->genesis_size));
    journal->next_slot = 0;
    journal_put_segment(journal);
    journal_close_range(journal); /* alone in its write */
    if (address != NULL) {
        *address = 0;
    }
    return journal->sequence;
}

static journal_level_t level_of(const journal_t *journal, journal_kind_t kind) {
    bool reserve = journal->use_reserve || kind == JOURNAL_SNAPSHOT;
    return reserve ? JOURNAL_LEVEL_RESERVE : JOURNAL_LEVEL_ORDINARY;
}

uint64_t journal_append(journal_t *journal, journal_kind_t kind, const bytes_t *parts,
                        uint32_t part_count, uint64_t *address) {
    require(parts != NULL || part_count == 0);
    require(kind > 0 && (unsigned)kind <= JOURNAL_KIND_USER_MAX);
    if (journal->phase == JOURNAL_PHASE_BROKEN) {
        return 0;
    }
    require(journal->phase == JOURNAL_PHASE_READY);
    require((kind == JOURNAL_GENESIS) == (journal->ordinal == 0));
    if (kind == JOURNAL_GENESIS) {
        return append_genesis(journal, parts, part_count, address);
    }
    stage_t before = host_stage(journal->host, STAGE_JOURNAL);
    uint64_t sequence =
        journal_place(journal, (uint16_t)kind, level_of(journal, kind), parts, part_count, address);
    host_stage(journal->host, before);
    return sequence;
}

bool journal_room(const journal_t *journal, size_t size) {
    if (journal->phase != JOURNAL_PHASE_READY || size > journal->body_max) {
        return false;
    }
    if (journal->ordinal == 0) {
        return true; /* the genesis */
    }
    journal_placement_t placement = journal_plan(journal, size, level_of(journal, JOURNAL_RECORD));
    return placement == JOURNAL_PLACE_HERE || placement == JOURNAL_PLACE_TURN;
}

bool journal_seal(journal_t *journal) {
    const journal_buffer_t *buffer = journal_collecting(journal);
    bool marked =
        journal->last_kind == JOURNAL_KIND_SEALED || journal->last_kind == JOURNAL_KIND_OPENED;
    if (journal->phase != JOURNAL_PHASE_READY || journal->ordinal == 0 || marked ||
        journal->writing || buffer->count > 0) {
        return false;
    }
    invariant(journal->durable == journal->sequence);
    return journal_place(journal, JOURNAL_KIND_SEALED, JOURNAL_LEVEL_ORDINARY, NULL, 0, NULL) != 0;
}

/* ---- group commit ---- */

/* A release is a record, because space may be relied upon only when a recovery would see it as
 * well: otherwise a node that comes back could find no sector left. */
static void write_release(journal_t *journal) {
    uint8_t bytes[JOURNAL_RELEASED_BYTES];
    store_u64(bytes, journal->releasable);
    bytes_t part = bytes_of(bytes, sizeof bytes);
    if (journal->phase == JOURNAL_PHASE_READY && journal->releasable > journal->oldest &&
        journal_place(journal, JOURNAL_KIND_RELEASED, JOURNAL_LEVEL_MARK, &part, 1, NULL) != 0) {
        journal->oldest = journal->releasable;
    }
}

void journal_start(journal_t *journal) {
    if (journal->writing || journal->phase == JOURNAL_PHASE_BROKEN) {
        return;
    }
    journal_buffer_t *buffer = &journal->buffers[1 - journal->collecting];
    if (buffer->count == 0) {
        buffer = journal_collecting(journal);
        if (buffer->count == 0) {
            return;
        }
        if (buffer->open) {
            journal_close_range(journal);
        }
        journal->collecting = 1 - journal->collecting;
    }
    invariant(buffer->next < buffer->count);
    const journal_range_t *range = &buffer->ranges[buffer->next];
    invariant(range->committed == journal->durable && range->size > 0);
    journal->writing = true;
    journal->token += 1;
    /* Last, because a host may complete within the call. */
    journal->host->append(journal->host->context, JOURNAL_TOKEN_BASE + journal->token,
                          range->address, bytes_of(buffer->memory + range->start, range->size));
}

void journal_pump(journal_t *journal) {
    journal_start(journal); /* before the end of recovery nothing has collected */
    write_release(journal); /* there may be room for it now */
}

bool journal_on_appended(journal_t *journal, uint64_t token, synod_status status) {
    if (!journal->writing || token != JOURNAL_TOKEN_BASE + journal->token) {
        return false;
    }
    journal->writing = false;
    journal_buffer_t *buffer = &journal->buffers[1 - journal->collecting];
    journal_range_t range = buffer->ranges[buffer->next];
    if (status != SYNOD_OK) {
        /* Whether a part of it is on the disk nobody knows, and a second try can report success for
         * pages that were dropped (attack F2). */
        journal_fail(journal, SYNOD_IO, "append of %zu bytes at %llu: %s", range.size,
                     (unsigned long long)range.address, synod_status_text(status));
        return false;
    }
    ensure(range.last > journal->durable);
    journal->durable = range.last;
    journal->syncs += 1;
    journal->bytes_written += range.size;
    buffer->next += 1;
    if (buffer->next < buffer->count) {
        journal_start(journal); /* the rest of the same group, in the next segment */
    } else {
        buffer->count = buffer->next = 0;
        buffer->used = 0;
    }
    write_release(journal);
    return true;
}

/* ---- state ---- */

uint64_t journal_durable(const journal_t *journal) {
    return journal->durable;
}

uint64_t journal_last(const journal_t *journal) {
    return journal->sequence;
}

synod_status journal_status(const journal_t *journal) {
    if (journal->status != SYNOD_OK) {
        return journal->status;
    }
    bool full =
        journal->phase == JOURNAL_PHASE_READY && journal->ordinal != 0 && journal_full(journal);
    return full ? SYNOD_NO_SPACE : SYNOD_OK;
}

uint64_t journal_syncs(const journal_t *journal) {
    return journal->syncs;
}

uint64_t journal_bytes_written(const journal_t *journal) {
    return journal->bytes_written;
}

const char *journal_reason(const journal_t *journal) {
    return journal->reason;
}

bool journal_was_torn(const journal_t *journal) {
    return journal->torn;
}

/* ---- space ---- */

uint64_t journal_position(const journal_t *journal) {
    return journal->ordinal == 0 ? 0
                                 : (journal->ordinal - 1) * journal->segment_bytes + journal->tail;
}

uint64_t journal_used_bytes(const journal_t *journal) {
    uint64_t live = journal->ordinal == 0 ? 0 : journal->ordinal - journal->oldest + 1;
    return live * journal->segment_bytes;
}

uint64_t journal_capacity_bytes(const journal_t *journal) {
    return journal->segments * journal->segment_bytes;
}

void journal_release(journal_t *journal, uint64_t sequence) {
    if (journal->phase == JOURNAL_PHASE_BROKEN) {
        return;
    }
    require(journal->phase == JOURNAL_PHASE_READY);
    /* A segment holds only records below `sequence` when the next one starts at or below it. */
    for (uint32_t slot = 0; slot < journal->segments; slot++) {
        const journal_slot_t *entry = &journal->slots[slot];
        if (entry->ordinal > journal->releasable && entry->first <= sequence) {
            journal->releasable = entry->ordinal;
        }
    }
    write_release(journal);
}

void journal_use_reserve(journal_t *journal, bool allowed) {
    journal->use_reserve = allowed;
}
