/* The bytes of the journal (docs/formats/journal.md): record header, segment record, turn record.
 * Private to journal*.c; tests look inside. */
#ifndef REPLICA_JOURNAL_FORMAT_H
#define REPLICA_JOURNAL_FORMAT_H

#include "replica/journal.h"

#define JOURNAL_MAGIC UINT32_C(0x314a5953) /* "SYJ1" */
#define JOURNAL_VERSION 1u
/* A write starts at a sector of its own, so that no torn write can touch an acknowledged record. */
#define JOURNAL_SECTOR_BYTES 4096u
/* Records start at multiples of their header's size: no header lies on two 512-byte sectors. */
#define JOURNAL_ALIGNMENT_BYTES 64u
#define JOURNAL_CHAIN_BYTES 16u
/* No sequence number or ordinal reaches this: what claims to is refused before sums can wrap. */
#define JOURNAL_NUMBER_MAX (UINT64_C(1) << 62)
#define JOURNAL_SEGMENT_FIXED_BYTES 32u /* what the journal adds before the caller's genesis */
#define JOURNAL_TURN_BYTES 16u
#define JOURNAL_RELEASED_BYTES 8u

/* Kinds that the journal writes for itself and never hands to the caller. */
#define JOURNAL_KIND_USER_MAX 31u
#define JOURNAL_KIND_TURN 32u     /* last record of a segment: where the log goes on */
#define JOURNAL_KIND_OPENED 33u   /* a recovery ended here: what is before it stays, for ever */
#define JOURNAL_KIND_SEALED 34u   /* everything before it is durable (journal_seal) */
#define JOURNAL_KIND_RELEASED 35u /* segments below an ordinal may be overwritten */
#define JOURNAL_KIND_END 36u

typedef struct journal_header {
    uint64_t sequence;
    uint64_t address;
    uint64_t committed; /* every record up to this one was durable when the write started */
    uint32_t length;    /* of the body */
    uint32_t body_crc;
    uint32_t device; /* prefix of the genesis' digest */
    uint16_t kind;
    uint8_t previous[JOURNAL_CHAIN_BYTES]; /* digest of the header before */
} journal_header_t;

/* CRC32C, continued over several ranges; starts from 0. */
uint32_t journal_crc(uint32_t crc, bytes_t bytes);
void journal_header_encode(const journal_header_t *header, uint8_t *to);
/* Looks at JOURNAL_RECORD_HEADER_BYTES: OK, NOT_FOUND (no magic), BAD_CHECKSUM or MALFORMED. */
synod_status journal_header_decode(const uint8_t *from, journal_header_t *header);
/* What the next record carries as `previous`. */
void journal_chain(const uint8_t *header, uint8_t *chain);
uint32_t journal_device(bytes_t genesis);

/* Body of the first record of each segment (kind JOURNAL_GENESIS). */
typedef struct journal_segment_body {
    uint64_t segment_bytes;
    uint64_t ordinal; /* grows for ever, 1 for the first segment begun */
    uint64_t oldest;  /* least ordinal that was not released when this segment began */
    bytes_t genesis;  /* the caller's bytes, repeated in each segment */
} journal_segment_body_t;

void journal_segment_encode(const journal_segment_body_t *body, uint8_t *to);
/* OK, TRUNCATED, BAD_VERSION, MALFORMED. */
synod_status journal_segment_decode(bytes_t from, journal_segment_body_t *body);

typedef struct journal_turn {
    uint64_t ordinal; /* of the segment in which the log goes on */
    uint32_t slot;    /* where that segment is */
} journal_turn_t;

void journal_turn_encode(const journal_turn_t *turn, uint8_t *to);
synod_status journal_turn_decode(bytes_t from, journal_turn_t *turn);
/* Body of a released record: the least ordinal that is still live. 0 when it is malformed. */
uint64_t journal_released_decode(bytes_t from);

static inline uint64_t journal_align(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}
static inline uint64_t journal_align_sector(uint64_t value) {
    return journal_align(value, JOURNAL_SECTOR_BYTES);
}
/* Bytes that a record with a body of `size` takes. */
static inline uint64_t journal_cost(size_t size) {
    return journal_align(JOURNAL_RECORD_HEADER_BYTES + (uint64_t)size, JOURNAL_ALIGNMENT_BYTES);
}

#endif
