/* Sessions: what makes a request run at most once. Rules: docs/formats/sessions.md.
 *
 * A session is a window of sequence numbers above `low`, the highest number that its client
 * settled. Each number in the window either ran or not; of what ran, the newest results are kept
 * within a bound of bytes. The table holds the sessions, the counters that new numbers come from,
 * and all else of the replicated state that is not the application's.
 *
 * Memory: a session has a header, a window of entries indexed by the low bits of the sequence, and
 * reply memory of twice its bound: results are appended at a cursor, and what is still kept slides
 * to the front when the end is reached. As at most one half is ever kept, a byte is moved at most
 * once for each byte appended, and every result lies in one piece. Nothing of a session is touched
 * before it is opened. Slot numbers are no part of the state: nothing visible depends on them.
 *
 * Invariants: low <= highest <= low + window; entries outside of (low, highest] are zero;
 * kept_bytes is the sum of the sizes of kept entries and at most the bound; kept entries are linked
 * in the order in which they ran, which is their order in reply memory; positions of last use are
 * distinct and the order of use is their order. */
#ifndef REPLICA_SESSION_H
#define REPLICA_SESSION_H

#include <synod/app.h>

#include "base/map.h"
#include "crypto/sign.h"

#define SESSION_NONE UINT32_MAX /* no slot, no entry */

/* One sequence number of a window; all zero: did not run. */
typedef struct session_entry {
    uint64_t sequence;
    uint64_t height;
    uint32_t offset, size; /* of the result in reply memory, when kept */
    uint32_t older, newer; /* kept entries in the order in which they ran */
    uint8_t status;
    bool kept, hashed;
    digest_t digest; /* of the result, when hashed */
} session_entry_t;

/* Two orders of the same sessions: by number (roots, stream) and by last use (eviction). */
typedef enum session_order { SESSION_BY_NUMBER = 0, SESSION_BY_USE = 1 } session_order_t;

typedef struct session_link {
    uint32_t before, after;
} session_link_t;

typedef struct session {
    uint64_t number; /* 0: slot never opened */
    uint64_t nonce;
    key_public_t key;
    uint64_t opened_height;
    uint64_t low, highest;
    uint64_t used_position, used_time_ns; /* of the last request */
    uint64_t tag;                         /* prefix of H(key, nonce) */
    uint32_t same_bucket;                 /* next slot + 1 whose tag falls into the bucket */
    uint32_t ran_count, kept_count;
    uint32_t oldest, newest; /* kept entries */
    uint32_t kept_bytes, cursor;
    session_link_t links[2];
    uint8_t number_encoded[8]; /* result of the open */
    bool dirty;                /* digest is not that of the content */
    digest_t digest;
} session_t;

typedef struct session_limits {
    uint32_t sessions_max, window, reply_bytes;
    uint64_t idle_ns;
} session_limits_t;

typedef struct session_table {
    session_limits_t limits;
    session_t *sessions;
    session_entry_t *entries;
    uint8_t *replies;
    map_t by_number;
    void *map_memory;
    uint32_t *buckets; /* first slot + 1 */
    uint32_t bucket_mask;
    uint32_t slots_used; /* slots fill from the front and are reused in place */
    uint32_t count;
    session_link_t ends[2]; /* per order: before = last, after = first */
    uint8_t *scratch;       /* encoding of one session; lent to the ledger between calls */
    size_t scratch_bytes;
    digest_t *leaves;
    /* replicated counters */
    uint64_t height, time_ns;
    uint64_t next_number;
    uint64_t positions; /* requests ordered so far, whatever came of them */
    uint64_t requests_executed, operations_executed;
} session_table_t;

/* ---- table (session_table.c) ---- */

/* Bytes of the table's memory; `scratch_bytes` is the least size of the scratch. */
size_t session_table_bytes(const session_limits_t *limits, size_t scratch_bytes);
/* `memory` is zeroed and aligned to 16. */
void session_table_make(session_table_t *table, void *memory, const session_limits_t *limits,
                        size_t scratch_bytes);
/* Back to a table without sessions and with zero counters. */
void session_table_clear(session_table_t *table);

/* NULL when it is not live. */
session_t *session_find(const session_table_t *table, uint64_t number);
session_t *session_find_opened(const session_table_t *table, const key_public_t *key,
                               uint64_t nonce);
/* Is there room for one more at time_ns of the table, if need be in place of one that is idle? */
bool session_has_room(const session_table_t *table);
/* A new session under the next number, opened by the request at the current position; has_room. */
session_t *session_add(session_table_t *table, const key_public_t *key, uint64_t nonce);
/* Another one with a given number above all that are there (from a stream): by number only; the
 * caller links it by use. count < sessions_max. */
session_t *session_restore(session_table_t *table, uint64_t number, const key_public_t *key,
                           uint64_t nonce);
/* The request at the current position is of this session. */
void session_use(session_table_t *table, session_t *session);
void session_link_last(session_table_t *table, session_order_t order, uint32_t slot);
uint32_t session_slot(const session_table_t *table, const session_t *session);

/* ---- one session (session.c) ---- */

typedef enum session_verdict {
    SESSION_FRESH = 1,
    SESSION_RAN = 2,     /* in the window, its entry says how */
    SESSION_SETTLED = 3, /* at or below low */
    SESSION_OUTSIDE = 4
} session_verdict_t;

/* What a request with these numbers would meet. */
session_verdict_t session_judge(const session_table_t *table, const session_t *session,
                                uint64_t sequence, uint64_t acknowledged);
/* Raises `low` and forgets what is at or below it. Never lowers it. */
void session_settle(session_table_t *table, session_t *session, uint64_t acknowledged);
/* The entry in which `sequence` is or would be; check its sequence. */
session_entry_t *session_entry_of(const session_table_t *table, const session_t *session,
                                  uint64_t sequence);
/* Notes that `sequence` (FRESH, above low, inside of the window) ran, without a result. */
session_entry_t *session_ran(session_table_t *table, session_t *session, uint64_t sequence,
                             uint64_t height);
/* Keeps `size` bytes for the result of an entry that just ran, dropping the oldest results as
 * needed; returns where they go, or NULL when the bound is smaller than `size`. */
uint8_t *session_keep(session_table_t *table, session_t *session, session_entry_t *entry,
                      uint32_t size, synod_status status);
bytes_t session_result(const session_table_t *table, const session_t *session,
                       const session_entry_t *entry);

/* ---- roots and stream (session_encode.c, session_load.c) ---- */

digest_t session_table_root(session_table_t *table);
/* The longest stream of any table with these limits. */
size_t session_stream_bytes_max(const session_limits_t *limits);
/* SYNOD_TOO_LARGE when the writer refuses. */
synod_status session_table_save(session_table_t *table, synod_writer *writer);

#define SESSION_STREAM_TAG "synod.ledger.v1\0" /* 16 bytes */
#define SESSION_STREAM_HEADER_BYTES (16 + 6 * 8 + 4)
#define SESSION_RECORD_BYTES (8 + 8 + 32 + 4 * 8 + 4 + 4)
#define SESSION_FORGOTTEN_BYTES (8 + 8)
#define SESSION_KEPT_BYTES (8 + 8 + 1 + 4)

typedef enum session_load_stage {
    SESSION_LOAD_HEADER = 1,
    SESSION_LOAD_RECORD = 2,
    SESSION_LOAD_FORGOTTEN = 3,
    SESSION_LOAD_KEPT = 4,
    SESSION_LOAD_RESULT = 5,
    SESSION_LOAD_DONE = 6
} session_load_stage_t;

typedef struct session_loader {
    session_table_t *table; /* cleared before */
    const verifier_t *verifier;
    session_load_stage_t stage;
    uint8_t buffer[SESSION_RECORD_BYTES];
    uint32_t filled;
    uint32_t sessions_left, forgotten_left, kept_left;
    session_t *session;
    uint64_t last_number, last_opened_height; /* of the session before */
    uint64_t last_sequence, last_height;      /* of the entry before */
    uint8_t *result;
    uint32_t result_left;
} session_loader_t;

void session_load_begin(session_loader_t *loader, session_table_t *table,
                        const verifier_t *verifier);
/* Consumes from the front of `*piece`; what is left over when the stage is DONE is not ours. On
 * failure the table must be cleared. */
synod_status session_load(session_loader_t *loader, bytes_t *piece);

#endif
