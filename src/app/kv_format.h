/* Operations of the application `kv` as bytes: bounds, codes, decoder. The specification is
 * docs/formats/kv.md; numbers given there are never given to another meaning.
 *
 * The decoder judges: whatever the bytes, it ends with a kv_error_t and reads nothing outside of
 * them. It depends on the bytes only, so every replica judges alike. */
#ifndef APP_KV_FORMAT_H
#define APP_KV_FORMAT_H

#include "base/bytes.h"

#define KV_KEY_BYTES_MAX 1024u
#define KV_VALUE_BYTES_MAX (1024u * 1024u)
/* A compare-and-swap of two values of the largest size fits, and so does the frame around it. */
#define KV_OPERATION_BYTES_MAX (3u * 1024u * 1024u)
/* Two values of the largest size, less a little. */
#define KV_REPLY_BYTES_MAX (2u * 1024u * 1024u)
/* Every reply but that of get, scan and transaction fits; a caller that accepts less gets none. */
#define KV_REPLY_BYTES_MIN 16u
#define KV_TRANSACTION_OPERATIONS_MAX 1024u
/* A scan visits at most one entry more: 0.2 ms, a millisecond from cold memory. */
#define KV_SCAN_ENTRIES_MAX 4096u
#define KV_NUMBER_BYTES 8u
/* What an entry counts besides its key and its value: about what its indexes cost in memory. */
#define KV_ENTRY_CHARGE_BYTES 192u
/* The sum over all entries that no write may pass, unless the genesis says less. Counted, not
 * measured, so that all replicas refuse the same operation. Process memory is up to twice as much
 * between two roots (ADR 0002). */
#define KV_STATE_BYTES_MAX (UINT64_C(4) * 1024 * 1024 * 1024)
/* "The operation as a whole" in an error reply. */
#define KV_INDEX_WHOLE UINT16_C(0xffff)

typedef enum kv_code {
    KV_GET = 1,
    KV_SET = 2,
    KV_DELETE = 3,
    KV_SWAP = 4,
    KV_INCREMENT = 5,
    KV_CHECK = 6,
    KV_SCAN = 7,
    KV_TRANSACTION = 8
} kv_code_t;

/* First byte of every reply. */
typedef enum kv_error {
    KV_OK = 0,
    KV_MALFORMED = 1,         /* ends early, goes on after its end, or a forbidden field value */
    KV_UNKNOWN_OPERATION = 2, /* no such code */
    KV_BAD_KEY_SIZE = 3,      /* empty or over KV_KEY_BYTES_MAX */
    KV_BAD_VALUE_SIZE = 4,    /* over KV_VALUE_BYTES_MAX */
    KV_OPERATION_SIZE = 5,    /* over KV_OPERATION_BYTES_MAX */
    KV_OPERATION_COUNT = 6,   /* transaction of none or of over KV_TRANSACTION_OPERATIONS_MAX */
    KV_NOT_ALLOWED_HERE =
        7,          /* scan or transaction in a transaction; a write as a query; proof of a scan */
    KV_NOT_MET = 8, /* the condition of a compare-and-swap or a check does not hold */
    KV_NOT_A_NUMBER = 9, /* increment of a value that is not 8 bytes long */
    KV_OVERFLOW = 10,    /* the sum leaves the range of a signed 64-bit number */
    KV_REPLY_SIZE = 11,  /* the reply would pass its bound */
    KV_STATE_FULL = 12   /* the state would pass KV_STATE_BYTES_MAX */
} kv_error_t;

/* A short English text; never NULL, static. */
const char *kv_error_text(kv_error_t error);

typedef enum kv_condition_kind { KV_ABSENT = 0, KV_EQUALS = 1, KV_PRESENT = 2 } kv_condition_kind_t;

typedef struct kv_condition {
    kv_condition_kind_t kind;
    bytes_t value; /* of KV_EQUALS */
} kv_condition_t;

/* A value or its absence. */
typedef struct kv_maybe {
    bool present;
    bytes_t value;
} kv_maybe_t;

typedef struct kv_scan_bounds {
    bytes_t after;
    uint32_t entries_max, bytes_max;
    bool keys_only;
} kv_scan_bounds_t;

/* One decoded operation; all bytes are borrowed from the encoded one. */
typedef struct kv_operation {
    kv_code_t code;
    bytes_t key;              /* scan: the prefix */
    kv_maybe_t value;         /* set, swap: what to put there */
    kv_condition_t condition; /* swap, check */
    int64_t delta;            /* increment */
    kv_scan_bounds_t scan;
    uint16_t count;  /* transaction: its members, */
    bytes_t members; /* one after the other */
} kv_operation_t;

/* Decodes the member of a transaction at the reader. */
kv_error_t kv_decode_member(reader_t *reader, kv_operation_t *operation);
/* Decodes and judges a whole operation, with all members of a transaction. `*index` is set to what
 * failed: a member, or KV_INDEX_WHOLE. */
kv_error_t kv_decode(bytes_t bytes, kv_operation_t *operation, uint16_t *index);
/* The one key of an operation; empty for a scan, a transaction and what cannot be read. */
bytes_t kv_peek_key(bytes_t operation);

#endif
