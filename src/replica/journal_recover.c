/* Reading a journal back: which segments there are, then record by record along the chain.
 *
 * Headers (journal_read.c): the first record of each slot says which segment it holds. Probe: the
 * end of the newest one says which is the oldest. Walk: from the oldest live segment on, each
 * record must have the next sequence, the hash of the record before, its own address and sound
 * checksums; the first position where none follows is the end. Scan (journal_scan.c): whatever lies
 * behind that end must not prove that more had been durable. Then an opening mark is written,
 * alone: it makes durable what was read, and nothing that was cut can ever continue the chain
 * behind it.
 *
 * The walk knows three places for the next record: right behind the last one (same write), the next
 * sector (next write), or, after a turn, the start of the segment that the turn names.
 *
 * Bytes of the disk are judged here, never asserted. */
#include "base/check.h"
#include "replica/journal_state.h"

#define WHERE "segment %u offset %llu"

static unsigned long long wide(uint64_t value) {
    return value;
}

/* ---- walk ---- */

/* WAIT: a read is under way, or the journal has failed. */
typedef enum verdict { VERDICT_NEXT, VERDICT_WAIT, VERDICT_NO } verdict_t;

/* The record in hand: its header as bytes and as fields, its body. */
typedef struct found {
    const uint8_t *bytes;
    journal_header_t header;
    bytes_t body;
} found_t;

/* How much a refused candidate says about what was there. */
typedef enum trace_of { TRACE_NONE, TRACE_OTHER, TRACE_HEADER, TRACE_BODY } trace_of_t;

/* Keeps the candidate that says most, for the reason that a person reads. */
static verdict_t refuse(journal_t *journal, uint64_t address, trace_of_t trace, const char *text) {
    if (journal->stop_text == NULL || (uint32_t)trace > journal->stop_trace) {
        journal->stop_text = text;
        journal->stop_trace = (uint32_t)trace;
        journal->stop_address = address;
    }
    return VERDICT_NO;
}

/* Does this header continue the chain? NULL or what is wrong. */
static const char *judge_header(const journal_t *journal, const journal_header_t *header,
                                uint64_t address) {
    bool first = journal->ordinal + 1 == journal->first_ordinal;
    if (header->address != address) {
        return "record of another address";
    }
    if (header->device != journal->device) {
        return "record of another device";
    }
    if (header->sequence != journal->sequence + 1) {
        return "record of another sequence";
    }
    if (!first && memcmp(header->previous, journal->chain, JOURNAL_CHAIN_BYTES) != 0) {
        return "record of another chain";
    }
    return NULL;
}

/* A record whose checksums hold, but whose content this program cannot have written there. */
static bool contradiction(journal_t *journal, uint64_t address, const char *what) {
    journal_fail(journal, SYNOD_CORRUPT, WHERE ": %s", (unsigned)(address / journal->segment_bytes),
                 wide(address % journal->segment_bytes), what);
    return false;
}

/* Could this program have written a header that continues the chain like this? */
static bool judge_place(journal_t *journal, const journal_header_t *header, uint64_t address) {
    bool first = journal->ordinal + 1 == journal->first_ordinal;
    if (!first && header->committed != journal->sequence &&
        header->committed != journal->last_committed) {
        return contradiction(journal, address, "a record that belongs to no write");
    }
    /* Behind any record but a turn there is a sector for the turn: appending relies on it. */
    uint64_t end = address % journal->segment_bytes + journal_cost(header->length);
    if (header->kind != JOURNAL_KIND_TURN) {
        end = journal_align_sector(end) + JOURNAL_SECTOR_BYTES;
    }
    if (end > journal->segment_bytes) {
        return contradiction(journal, address, "a record that is longer than its segment");
    }
    return true;
}

/* Judges the record at `address`. The window always reaches back to `tail`, so that looking at one
 * candidate never loses the other one. */
static verdict_t judge_at(journal_t *journal, uint64_t tail, uint64_t address, found_t *found) {
    uint64_t end = address + JOURNAL_RECORD_HEADER_BYTES;
    size_t capacity = journal_window_capacity(journal);
    const uint8_t *from = journal_window(journal, tail, end, capacity);
    if (from == NULL) {
        return VERDICT_WAIT;
    }
    synod_status status = journal_header_decode(from + (address - tail), &found->header);
    if (status == SYNOD_NOT_FOUND) {
        return refuse(journal, address, TRACE_NONE, "no record");
    }
    if (status != SYNOD_OK) {
        journal->torn = true;
        return refuse(journal, address, TRACE_HEADER, "header damaged");
    }
    const char *wrong = judge_header(journal, &found->header, address);
    if (wrong != NULL) {
        return refuse(journal, address, TRACE_OTHER, wrong);
    }
    if (!judge_place(journal, &found->header, address)) {
        return VERDICT_WAIT;
    }
    end += found->header.length;
    if (end - tail + JOURNAL_SECTOR_BYTES > capacity) {
        journal_fail(journal, SYNOD_TOO_LARGE,
                     WHERE ": a record of %u bytes does not fit into the buffers",
                     (unsigned)(address / journal->segment_bytes),
                     wide(address % journal->segment_bytes), (unsigned)found->header.length);
        return VERDICT_WAIT;
    }
    from = journal_window(journal, tail, end, capacity);
    if (from == NULL) {
        return VERDICT_WAIT;
    }
    found->bytes = from + (address - tail);
    found->body = bytes_of(found->bytes + JOURNAL_RECORD_HEADER_BYTES, found->header.length);
    if (journal_crc(0, found->body) != found->header.body_crc) {
        return refuse(journal, address, TRACE_BODY, "body damaged");
    }
    return VERDICT_NEXT;
}

static verdict_t find_next(journal_t *journal, found_t *found) {
    if (journal->turned) {
        uint64_t start = journal_base(journal, journal->next_slot);
        return judge_at(journal, start, start, found);
    }
    uint64_t base = journal_base(journal, journal->slot);
    uint64_t sector = journal_align_sector(journal->tail);
    verdict_t verdict = VERDICT_NO;
    if (journal->tail < journal->segment_bytes) {
        verdict = judge_at(journal, base + journal->tail, base + journal->tail, found);
    }
    if (verdict == VERDICT_NO && sector != journal->tail && sector < journal->segment_bytes) {
        verdict = judge_at(journal, base + journal->tail, base + sector, found);
    }
    return verdict;
}

/* Moves the tail over a segment's first record. */
static bool enter_segment(journal_t *journal, const found_t *found) {
    journal_segment_body_t body;
    uint64_t address = found->header.address;
    bytes_t known = bytes_of(journal->genesis, journal->genesis_size);
    if (!journal->turned || found->header.kind != JOURNAL_GENESIS ||
        journal_segment_decode(found->body, &body) != SYNOD_OK ||
        body.ordinal != journal->ordinal + 1 || body.oldest < journal->oldest ||
        !bytes_equal(body.genesis, known)) {
        return contradiction(journal, address, "a segment must start here and nowhere else");
    }
    journal->slot = journal->next_slot;
    journal->ordinal = body.ordinal;
    journal->oldest = body.oldest;
    journal->turned = false;
    return true;
}

static bool turn_segment(journal_t *journal, const found_t *found) {
    journal_turn_t turn;
    uint64_t address = found->header.address;
    if (journal_turn_decode(found->body, &turn) != SYNOD_OK ||
        turn.ordinal != journal->ordinal + 1) {
        return contradiction(journal, address, "a turn with impossible content");
    }
    if (turn.slot >= journal->segments) {
        return contradiction(journal, address, "the log goes on beyond the device's end");
    }
    uint64_t holds = journal->slots[turn.slot].ordinal;
    if (holds >= journal->oldest && holds != turn.ordinal) {
        return contradiction(journal, address, "a turn to a segment that is in use");
    }
    journal->next_slot = turn.slot;
    journal->turned = true;
    return true;
}

static bool release_segments(journal_t *journal, const found_t *found) {
    uint64_t oldest = journal_released_decode(found->body);
    if (oldest <= journal->oldest || oldest > journal->ordinal) {
        return contradiction(journal, found->header.address, "an impossible release");
    }
    journal->oldest = oldest;
    return true;
}

/* Moves the tail over a record of the chain; false when its content is impossible. */
static bool accept_record(journal_t *journal, const found_t *found) {
    uint16_t kind = found->header.kind;
    if (journal->turned || kind == JOURNAL_GENESIS) {
        if (!enter_segment(journal, found)) {
            return false;
        }
    } else if (kind == JOURNAL_KIND_TURN) {
        if (!turn_segment(journal, found)) {
            return false;
        }
    } else if (kind == JOURNAL_KIND_RELEASED) {
        if (!release_segments(journal, found)) {
            return false;
        }
    } else if (kind >= JOURNAL_KIND_END) {
        return contradiction(journal, found->header.address, "a kind of record not known here");
    }
    uint64_t base = journal_base(journal, journal->slot);
    journal->tail = found->header.address - base + journal_cost(found->header.length);
    journal->sequence = found->header.sequence;
    journal->last_committed = found->header.committed;
    journal->last_kind = kind;
    journal->stop_text = NULL;
    journal->torn = false;
    journal_chain(found->bytes, journal->chain);
    return true;
}

static bool for_caller(journal_t *journal, const found_t *found, journal_entry_t *entry) {
    uint16_t kind = found->header.kind;
    if (kind > JOURNAL_KIND_USER_MAX || (kind == JOURNAL_GENESIS && journal->genesis_given)) {
        return false;
    }
    *entry = (journal_entry_t){found->header.sequence, found->header.address, (journal_kind_t)kind,
                               found->body};
    if (kind == JOURNAL_GENESIS) {
        journal->genesis_given = true;
        entry->body = bytes_of(found->body.data + JOURNAL_SEGMENT_FIXED_BYTES,
                               found->body.size - JOURNAL_SEGMENT_FIXED_BYTES);
    }
    return true;
}

/* The end of the chain: does it lie in the newest segment? */
static void end_walk(journal_t *journal) {
    if (journal->newest > journal->ordinal) {
        journal_fail(journal, SYNOD_CORRUPT,
                     WHERE ": record %llu: %s; yet segment %u holds a later part of the log",
                     (unsigned)(journal->stop_address / journal->segment_bytes),
                     wide(journal->stop_address % journal->segment_bytes),
                     wide(journal->sequence + 1), journal->stop_text,
                     (unsigned)journal_slot_of(journal, journal->newest));
        return;
    }
    journal->phase = JOURNAL_PHASE_SCAN;
}

/* The newest segment alone, because it may hold a release: then a torn first write of the next
 * segment can have damaged one of which its own first record still says that it is live. */
static journal_step_t probe(journal_t *journal) {
    for (;;) {
        found_t found;
        verdict_t verdict = find_next(journal, &found);
        if (verdict == VERDICT_WAIT) {
            return journal->reading ? JOURNAL_WAIT : JOURNAL_FAILED;
        }
        if (verdict == VERDICT_NEXT && !accept_record(journal, &found)) {
            return JOURNAL_FAILED;
        }
        if (verdict == VERDICT_NO || journal->turned) {
            journal_begin_walk(journal);
            return JOURNAL_END;
        }
    }
}

/* JOURNAL_END: the walk is over, one way or the other. */
static journal_step_t walk(journal_t *journal, journal_entry_t *entry) {
    for (;;) {
        found_t found;
        verdict_t verdict = find_next(journal, &found);
        if (verdict == VERDICT_WAIT) {
            return journal->reading ? JOURNAL_WAIT : JOURNAL_FAILED;
        }
        if (verdict == VERDICT_NO) {
            end_walk(journal);
            return JOURNAL_END;
        }
        if (!accept_record(journal, &found)) {
            return JOURNAL_FAILED;
        }
        if (for_caller(journal, &found, entry)) {
            return JOURNAL_ENTRY;
        }
    }
}

/* ---- the opening mark ---- */

static void place_mark(journal_t *journal) {
    journal->window_size = 0; /* the window's memory becomes the write buffers again */
    journal->durable = journal->sequence;
    if (journal->ordinal == 0) {
        journal->phase = JOURNAL_PHASE_READY; /* fresh: the first record is the caller's genesis */
        return;
    }
    journal->phase = JOURNAL_PHASE_MARK;
    if (journal_place(journal, JOURNAL_KIND_OPENED, JOURNAL_LEVEL_MARK, NULL, 0, NULL) == 0) {
        journal_fail(journal, SYNOD_NO_SPACE, "no sector is left for the opening mark");
        return;
    }
    journal_start(journal);
}

journal_step_t journal_next(journal_t *journal, journal_entry_t *entry) {
    require(journal->phase != JOURNAL_PHASE_MADE);
    for (;;) {
        journal_step_t step = JOURNAL_END;
        switch (journal->phase) {
        case JOURNAL_PHASE_HEADERS:
            step = journal_read_headers(journal);
            break;
        case JOURNAL_PHASE_PROBE:
            step = probe(journal);
            break;
        case JOURNAL_PHASE_WALK:
            step = walk(journal, entry);
            break;
        case JOURNAL_PHASE_SCAN:
            step = journal_scan(journal);
            if (step == JOURNAL_END) {
                place_mark(journal);
            }
            break;
        case JOURNAL_PHASE_MARK:
            if (journal->durable != journal->sequence) {
                return JOURNAL_WAIT;
            }
            journal->phase = JOURNAL_PHASE_READY;
            break;
        case JOURNAL_PHASE_READY:
            return JOURNAL_END;
        case JOURNAL_PHASE_MADE:
        case JOURNAL_PHASE_BROKEN:
        default:
            return JOURNAL_FAILED;
        }
        if (step != JOURNAL_END) {
            return step;
        }
    }
}
