/* For whoever speaks to `kv`: makes operations, reads replies. Formats: docs/formats/kv.md.
 *
 * The encoders append to a writer of the caller; one that is too small latches `failed`. They do
 * not judge sizes: the replica does, by the same kv_decode. */
#ifndef APP_KV_CLIENT_H
#define APP_KV_CLIENT_H

#include "app/kv_format.h"

void kv_encode_get(writer_t *writer, bytes_t key);
/* What a set has besides key and value. */
#define KV_SET_AROUND_BYTES 7u
void kv_encode_set(writer_t *writer, bytes_t key, bytes_t value);
void kv_encode_delete(writer_t *writer, bytes_t key);
/* If `condition` holds, the key gets `value`; absent deletes it. */
void kv_encode_swap(writer_t *writer, bytes_t key, kv_condition_t condition, kv_maybe_t value);
void kv_encode_increment(writer_t *writer, bytes_t key, int64_t delta);
void kv_encode_check(writer_t *writer, bytes_t key, kv_condition_t condition);
void kv_encode_scan(writer_t *writer, bytes_t prefix, const kv_scan_bounds_t *bounds);
/* To be followed by `count` other operations. */
void kv_encode_transaction(writer_t *writer, uint16_t count);

/* An error reply, with KV_INDEX_WHOLE or the failed member; KV_OK when it is not one. */
kv_error_t kv_read_error(bytes_t reply, uint16_t *index);

/* The following read replies without an error; false when the bytes are not such a reply. */
bool kv_read_get(bytes_t reply, kv_maybe_t *value);
/* Of set and delete. */
bool kv_read_was_present(bytes_t reply, bool *was_present);
bool kv_read_increment(bytes_t reply, int64_t *number);

/* A scan: begin, then next until it returns false; `complete` tells an end from damage. */
typedef struct kv_scan_reader {
    reader_t reader;
    uint32_t left;
    bool more; /* there are further entries: scan again after the last key */
    bool keys_only;
} kv_scan_reader_t;
bool kv_read_scan(bytes_t reply, bool keys_only, kv_scan_reader_t *scan);
bool kv_read_scan_next(kv_scan_reader_t *scan, bytes_t *key, bytes_t *value);
bool kv_read_scan_complete(const kv_scan_reader_t *scan);

/* The replies of a transaction's members, in order, by the same pattern. */
bool kv_read_transaction(bytes_t reply, reader_t *members, uint16_t *count);
bool kv_read_member(reader_t *members, bytes_t *reply);

#endif
