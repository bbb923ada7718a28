/* The journal: the one durable log of a node (docs/formats/journal.md). Blocks with payloads, the
 * cores' records, final marks: one engine, one sync.
 *
 * A device of zero-filled segments of JOURNAL_SEGMENT_BYTES that are overwritten in place. A record
 * has a magic, its sequence number, its own address, its kind and length, a CRC over that header, a
 * CRC over the body, and the hash of the record before, so that torn, lost, misdirected and rotten
 * writes are told apart (attacks F1, F3, F4, F5).
 *
 * Appends are collected while a write is under way and go out together with the next one: group
 * commit. One write is under way at any time and starts at a sector of its own. `durable` is the
 * sequence number up to which all records are on the disk.
 *
 * No I/O here: `journal_pump` hands ranges to host->append, and journal_on_appended brings the
 * answer. A first failed append latches (attack F2): nothing is ever durable after it.
 *
 * What the journal asks of host->append: when it completes, not only its own range is durable, but
 * everything that was written to the device before, also by an earlier process (fdatasync of the
 * one file does that; a write with O_DSYNC alone does not). Ranges are whole sectors of 4096. */
#ifndef REPLICA_JOURNAL_H
#define REPLICA_JOURNAL_H

#include "model/ids.h"
#include "replica/host.h"

#define JOURNAL_SEGMENT_BYTES (64u << 20)
#define JOURNAL_RECORD_HEADER_BYTES 64
/* A block with the largest payload and its certificates: the body of a record. */
#define JOURNAL_RECORD_MAX (8u << 20)
/* Body of the genesis record: it is repeated in the first sector of each segment. */
#define JOURNAL_GENESIS_MAX 3072u

typedef enum journal_kind {
    JOURNAL_GENESIS = 1,  /* first record of a device: domain, member, format version */
    JOURNAL_BLOCK = 2,    /* encoded block, payload */
    JOURNAL_RECORD = 3,   /* a core's record: path, key, bytes; empty bytes = forgotten */
    JOURNAL_FINAL = 4,    /* height, block id, encoded proof */
    JOURNAL_SNAPSHOT = 5, /* a snapshot of this height is durable: what is below may go */
    JOURNAL_BATCH = 6     /* a batch of requests: author, sequence, parent, requests */
} journal_kind_t;         /* up to 31 are the caller's, the rest the journal's own */

typedef struct journal journal_t;

/* Memory: two write buffers of `buffer_bytes` each (at least JOURNAL_RECORD_MAX + one header, or
 * journal_body_max is less) and the bookkeeping. `segments` bounds the device (at least 3; some are
 * kept free, see journal_use_reserve); it may grow between two runs, not shrink. */
size_t journal_memory_bytes(size_t buffer_bytes, uint32_t segments);
journal_t *journal_make(void *memory, size_t buffer_bytes, uint32_t segments, const host_t *host);
/* The same with segments of another size (a multiple of 4096, 64 KiB or more): for simulated nodes
 * and tests. The size is part of the device: opening it with another one is refused. */
journal_t *journal_make_sized(void *memory, size_t buffer_bytes, uint64_t segment_bytes,
                              uint32_t segments, const host_t *host);
/* Largest body that fits with these sizes; JOURNAL_RECORD_MAX at most. */
size_t journal_body_max(const journal_t *journal);

/* ---- writing ---- */

/* Adds a record made of parts; returns its sequence number (1 and up; the journal's own records
 * take numbers in between), or 0 when there is no room now (both buffers full: back-pressure;
 * journal_room tells beforehand) or the device is full or failed (journal_status tells which).
 * `*address`, if not NULL, becomes the record's address. The first record of a device is
 * JOURNAL_GENESIS, and no other is; put some random bytes into it, they keep clients from forging
 * what looks like a record of this device (docs/formats/journal.md, "device"). */
uint64_t journal_append(journal_t *journal, journal_kind_t kind, const bytes_t *parts,
                        uint32_t part_count, uint64_t *address);
/* Is there room for a record with a body of `size` bytes now? */
bool journal_room(const journal_t *journal, size_t size);
/* Have ordinary appends a whole segment beyond the present one? What may wait for a release
 * (blocks) is added only then, so that what may not (records of the core) finds room until it comes
 * (attack F6). With 6 segments and twice the reserve that is so again whenever all but the last two
 * and what filled the reserve are released. */
bool journal_roomy(const journal_t *journal);
/* Hands what has collected to the host unless a write is under way. */
void journal_pump(journal_t *journal);
/* Completion of host->append; a token that is not the journal's is ignored. Returns true when
 * `durable` moved. Also during recovery, see journal_next. */
bool journal_on_appended(journal_t *journal, uint64_t token, synod_status status);
uint64_t journal_durable(const journal_t *journal);
uint64_t journal_last(const journal_t *journal); /* sequence of the last record appended */
/* OK; NO_SPACE while the device is full (until journal_release frees segments); or, for good, IO or
 * what recovery found: CORRUPT, BAD_CONFIG, BAD_VERSION, TOO_LARGE, NO_SPACE. */
synod_status journal_status(const journal_t *journal);
uint64_t journal_syncs(const journal_t *journal);
uint64_t journal_bytes_written(const journal_t *journal);

/* Writes a mark after the last record, if nothing is collected or under way and there is none yet;
 * true when one was added (then pump). Damage in the very last write looks like a torn one and is
 * cut; the mark makes the mark that last write. Call it at an orderly stop and after some idle
 * time: it costs one sync. */
bool journal_seal(journal_t *journal);

/* ---- recovery: before any append ---- */

typedef struct journal_entry {
    uint64_t sequence, address;
    journal_kind_t kind;
    bytes_t body; /* borrowed until the next call */
} journal_entry_t;

/* How large the device is now, before recovery: what lies beyond was never written and is not
 * looked through. Without this the whole bound of segments is. */
void journal_set_extent(journal_t *journal, uint64_t bytes);

/* Starts reading from the oldest live segment; answers come by journal_on_read. */
void journal_recover(journal_t *journal);
/* Completion of host->read; a token that is not the journal's is ignored. */
void journal_on_read(journal_t *journal, uint64_t token, synod_status status);
typedef enum journal_step {
    JOURNAL_ENTRY = 1, /* `*entry` is the next valid record; the genesis comes first, once */
    JOURNAL_WAIT = 2,  /* a read, or the write of the opening mark, is under way: call again after
                        * journal_on_read or journal_on_appended */
    JOURNAL_END = 3,   /* all records were given; the torn tail, if any, is cut; ready to append */
    JOURNAL_FAILED = 4 /* journal_status says why: CORRUPT in the middle, IO */
} journal_step_t;
/* Entries may be followed by JOURNAL_FAILED: nothing may leave the node before JOURNAL_END, which
 * comes only when all that was given is durable. */
journal_step_t journal_next(journal_t *journal, journal_entry_t *entry);
/* After JOURNAL_END: was there a torn record at the tail (unacknowledged by construction)? For
 * people: remains that are damaged beyond recognition do not count. */
bool journal_was_torn(const journal_t *journal);
/* For people: where and why recovery failed ("segment 3 offset 4096: body checksum ..."). */
const char *journal_reason(const journal_t *journal);

/* Judges a record that the caller itself read back from `address`: its header, that it belongs
 * there, its body (bytes may go on behind it). OK, NOT_FOUND (no record), BAD_CHECKSUM, MALFORMED,
 * MISMATCH (of another address), TRUNCATED. `entry` borrows from `bytes`. */
synod_status journal_parse(bytes_t bytes, uint64_t address, journal_entry_t *entry);

/* ---- space ---- */

/* How far the log has come, in bytes from its very beginning, released or not. */
uint64_t journal_position(const journal_t *journal);
/* Bytes of the segments that hold something that was not released, and of all. */
uint64_t journal_used_bytes(const journal_t *journal);
uint64_t journal_capacity_bytes(const journal_t *journal);

/* Segments that hold only records below `sequence` may be overwritten again. What is still needed
 * of them (a core's newest record of each key) has to be appended again first. Adds a record of the
 * journal's own if a segment became free, so pump afterwards. */
void journal_release(journal_t *journal, uint64_t sequence);
/* So many free segments are left by ordinary appends; 1 unless this is called. */
void journal_set_reserve(journal_t *journal, uint32_t segments);
/* How many free segments surely take records of `bytes` with all their headers, the longest of
 * which has `largest`; a segment is longer than that by four sectors at least. */
uint64_t journal_segments_for(uint64_t segment_bytes, uint64_t bytes, uint64_t largest);
/* While set, any kind may take the free segments that ordinary appends leave; JOURNAL_SNAPSHOT
 * always may. For what has to be written before something can be released (attack F6). */
void journal_use_reserve(journal_t *journal, bool allowed);

#endif
