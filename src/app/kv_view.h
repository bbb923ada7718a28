/* The state as a running operation sees it: the store with what the operation has written so far
 * laid over it. Nothing reaches the store before the commit, so an operation that fails half-way
 * leaves no trace, whatever it did, and needs no undoing. */
#ifndef APP_KV_VIEW_H
#define APP_KV_VIEW_H

#include "app/kv_format.h"
#include "app/kv_store.h"
#include "app/kv_trie.h"

/* A key as the operation sees it, found once for both reading and writing. Any write ends it. */
typedef struct kv_sight {
    bytes_t key;
    kv_maybe_t value; /* its bytes last until the key is written or the view committed */
    uint32_t pending; /* the closest pending write, KV_LEAF_NONE without any */
    bool is_pending;  /* it is that of the key */
    kv_spot_t spot;   /* in the store, if not pending */
} kv_sight_t;

/* What the operation leaves a key at. Bytes are borrowed from the operation. */
typedef struct kv_pending {
    bytes_t key;
    kv_maybe_t value;
    kv_spot_t spot;                  /* in the store, until the first write there */
    uint8_t number[KV_NUMBER_BYTES]; /* backs the value when it was computed, not given */
} kv_pending_t;

typedef struct kv_view {
    kv_trie_t written; /* the keys; leaf = place in `pending` */
    kv_pending_t pending[KV_TRANSACTION_OPERATIONS_MAX];
    uint32_t pending_count;
    kv_spot_t first_spot; /* of pending[0] in the store, which nothing has changed before it */
    uint64_t used_bytes;  /* what the store's would be after the commit */
    uint64_t used_bytes_max;
} kv_view_t;

void kv_view_open(kv_view_t *view);
void kv_view_close(kv_view_t *view);

/* Starts over from the store as it is. */
void kv_view_begin(kv_view_t *view, const kv_store_t *store);
kv_sight_t kv_view_look(const kv_view_t *view, kv_store_t *store, bytes_t key);
/* Sets or removes. The bytes must last until the commit. KV_OK or KV_STATE_FULL. At most
 * KV_TRANSACTION_OPERATIONS_MAX different keys. */
kv_error_t kv_view_put(kv_view_t *view, const kv_sight_t *sight, kv_maybe_t value);
kv_error_t kv_view_put_number(kv_view_t *view, const kv_sight_t *sight, int64_t number);
void kv_view_commit(kv_view_t *view, kv_store_t *store);

#endif
