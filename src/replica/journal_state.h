/* The state of a journal, shared by journal.c and journal_place.c (writing), journal_read.c and
 * journal_recover.c (reading back) and journal_scan.c (judging what lies behind the end). Private
 * to those files.
 *
 * The tail (slot, ordinal, tail, sequence, chain, turned) is one thing for both directions:
 * recovery moves it forward over what it accepts, appending moves it forward over what it adds. */
#ifndef REPLICA_JOURNAL_STATE_H
#define REPLICA_JOURNAL_STATE_H

#include "replica/journal_format.h"

/* A group has one range per segment that it touches, plus one where a write must stand alone. An
 * empty buffer needs two at most for any record (a turn, then the next segment), so four never
 * block progress. */
#define JOURNAL_RANGES_MAX 4
#define JOURNAL_REASON_BYTES 200
#define JOURNAL_TOKEN_BASE (UINT64_C(0x4a) << 56)

typedef enum journal_phase {
    JOURNAL_PHASE_MADE = 0, /* journal_recover was not called yet */
    JOURNAL_PHASE_HEADERS,  /* first sector of each slot */
    JOURNAL_PHASE_PROBE,    /* the newest segment, for what its end says about the oldest one */
    JOURNAL_PHASE_WALK,     /* record by record along the chain */
    JOURNAL_PHASE_SCAN,     /* what lies behind the end: torn, or acknowledged and lost? */
    JOURNAL_PHASE_MARK,     /* the opening mark is being written */
    JOURNAL_PHASE_READY,
    JOURNAL_PHASE_BROKEN /* `status` and `reason` say why */
} journal_phase_t;

/* Who may use the last free segment and its last sectors (attack F6). */
typedef enum journal_level {
    JOURNAL_LEVEL_ORDINARY, /* leaves one segment free */
    JOURNAL_LEVEL_RESERVE,  /* what makes a release possible; leaves sectors for marks */
    JOURNAL_LEVEL_MARK      /* the opening mark */
} journal_level_t;

/* One write: contiguous, within one segment, whole sectors. */
typedef struct journal_range {
    uint64_t address, committed, last;
    size_t start, size; /* in the buffer */
} journal_range_t;

typedef struct journal_buffer {
    uint8_t *memory;
    size_t used;
    journal_range_t ranges[JOURNAL_RANGES_MAX];
    uint32_t count, next; /* ranges; the next one to write */
    bool open;            /* the last range still takes records */
} journal_buffer_t;

typedef struct journal_slot {
    uint64_t ordinal; /* 0: never used, or its first record is not valid */
    uint64_t first;   /* sequence of its first record */
    uint64_t oldest;  /* what that record says */
} journal_slot_t;

struct journal {
    uint64_t extent_bytes; /* of the device before recovery */
    const host_t *host;
    uint64_t segment_bytes;
    uint32_t segments;
    uint32_t reserve;    /* of them ordinary appends leave free */
    size_t buffer_bytes; /* of each of the two, whole sectors */
    size_t body_max;
    journal_phase_t phase;
    synod_status status;
    char reason[JOURNAL_REASON_BYTES];
    journal_slot_t *slots;

    /* The tail. `turned`: no record may follow in this segment, the next one starts next_slot. A
     * fresh journal is one that has turned to slot 0 from nowhere (ordinal 0). */
    uint64_t ordinal, oldest, tail, sequence, durable;
    uint64_t releasable; /* the least ordinal that is still needed; `oldest` follows on the disk */
    uint32_t slot, next_slot;
    bool turned;
    uint16_t last_kind;
    uint64_t last_committed;
    uint8_t chain[JOURNAL_CHAIN_BYTES];

    /* Writing. */
    journal_buffer_t buffers[2];
    uint32_t collecting; /* index of the buffer that takes appends; the other is being written */
    bool writing, use_reserve;
    uint64_t token, syncs, bytes_written;

    /* Reading: the two buffers as one window. */
    uint64_t window_base;
    size_t window_size;
    bool reading;
    uint64_t read_token;
    uint32_t cursor_slot;   /* headers, scan */
    uint64_t cursor_offset; /* scan */
    uint64_t first_ordinal; /* where the walk starts */
    uint64_t newest;        /* greatest ordinal with a valid first record */
    bool torn, genesis_given;
    const char *stop_text; /* why the walk ended where it ended */
    uint32_t stop_trace;
    uint64_t stop_address;

    uint32_t device;
    size_t genesis_size;
    uint8_t genesis[JOURNAL_GENESIS_MAX];
};

static inline uint64_t journal_base(const journal_t *journal, uint32_t slot) {
    return journal->segment_bytes * slot;
}
static inline size_t journal_window_capacity(const journal_t *journal) {
    return 2 * journal->buffer_bytes;
}
/* Is the slot free for the next segment, given what was released? */
static inline bool journal_slot_free(const journal_t *journal, uint32_t slot) {
    return journal->slots[slot].ordinal < journal->oldest;
}

static inline journal_buffer_t *journal_collecting(journal_t *journal) {
    return &journal->buffers[journal->collecting];
}
/* Kept in the very last segment for opening marks: a node that crashes again and again on a full
 * device must still come up. */
static inline uint64_t journal_kept(uint64_t segment_bytes) {
    uint64_t sectors = segment_bytes / 16 / JOURNAL_SECTOR_BYTES;
    return (sectors > 8 ? sectors : 8) * JOURNAL_SECTOR_BYTES;
}

/* journal.c */
void journal_start(journal_t *journal); /* journal_pump without its precondition */
void journal_fail(journal_t *journal, synod_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* journal_place.c */
typedef enum journal_placement {
    JOURNAL_PLACE_HERE,
    JOURNAL_PLACE_TURN, /* in the next segment */
    JOURNAL_PLACE_NO_ROOM,
    JOURNAL_PLACE_FULL
} journal_placement_t;

bool journal_full(const journal_t *journal);
journal_placement_t journal_plan(const journal_t *journal, size_t size, journal_level_t level);
/* Adds a record wherever it fits; 0 when it does not. */
uint64_t journal_place(journal_t *journal, uint16_t kind, journal_level_t level,
                       const bytes_t *parts, uint32_t part_count, uint64_t *address);
/* Begins the segment that was turned to. */
void journal_put_segment(journal_t *journal);
/* Pads the open range to a sector: it takes no more records. */
void journal_close_range(journal_t *journal);

/* journal_read.c: a window on the device. NULL while a read is under way. [from, to) lies within
 * one segment and, from the sector of `from`, within the window's capacity. */
const uint8_t *journal_window(journal_t *journal, uint64_t from, uint64_t to, size_t wanted);
/* The slot of an ordinal; `segments` when there is none or more than one. */
uint32_t journal_slot_of(const journal_t *journal, uint64_t ordinal);
/* JOURNAL_WAIT, JOURNAL_FAILED, or JOURNAL_END: the next phase was entered. */
journal_step_t journal_read_headers(journal_t *journal);
/* After the probe: sets out at the oldest live segment, if all up to the newest are there. */
void journal_begin_walk(journal_t *journal);

/* journal_scan.c. JOURNAL_WAIT, JOURNAL_FAILED, or JOURNAL_END: what is behind the tail may go. */
journal_step_t journal_scan(journal_t *journal);

#endif
