/* The state of `kv`, and the parts of the application that work on it. */
#ifndef APP_KV_STATE_H
#define APP_KV_STATE_H

#include <synod/app.h>

#include "app/kv_format.h"
#include "app/kv_reply.h"
#include "app/kv_store.h"
#include "app/kv_tree.h"
#include "app/kv_view.h"

/* Where the loading of a snapshot is. */
typedef enum kv_load_field {
    KV_LOAD_NONE = 0, /* no load is going on */
    KV_LOAD_HEADER,
    KV_LOAD_KEY_SIZE,
    KV_LOAD_KEY, /* with the size of the value */
    KV_LOAD_VALUE,
    KV_LOAD_ROOT,
    KV_LOAD_END
} kv_load_field_t;

typedef struct kv_loader {
    kv_load_field_t field;
    size_t want_bytes, have_bytes; /* of the field */
    uint8_t *gathered;             /* the field, when pieces cut it */
    size_t gathered_capacity;
    uint64_t entries_left;
    digest_t last_key;
    bytes_t key; /* in `key_bytes` */
    uint8_t key_bytes[KV_KEY_BYTES_MAX];
    digest_t root;
} kv_loader_t;

/* A snapshot that is being given out. */
typedef struct kv_saver {
    bool on, ended;
    bool rooted; /* `root` is known: it may still be computed when the snapshot begins */
    digest_t root;
    uint8_t *bytes; /* what was encoded and not given out yet: one entry at most */
    size_t size, capacity, at;
} kv_saver_t;

typedef struct kv_state {
    kv_store_t store;
    kv_tree_t tree;
    kv_view_t view;
    kv_reply_t reply;
    kv_loader_t loader;
    kv_saver_t saver;
} kv_state_t;

void kv_state_open(kv_state_t *state);
void kv_state_close(kv_state_t *state);

/* kv_apply.c: runs one operation, not a transaction, on the view; appends its reply. */
kv_error_t kv_apply(kv_state_t *state, const kv_operation_t *operation);
/* Appends the reply of a get. */
kv_error_t kv_apply_found(kv_reply_t *reply, kv_maybe_t value);

/* Members of the table synod_app with the same names; kv_execute.c, kv_query.c, kv_snapshot.c. */
synod_status kv_check(void *memory, synod_bytes operation);
synod_status kv_execute(void *memory, const synod_block_info *block, synod_bytes operation,
                        synod_writer *reply);
void kv_expect(void *memory, const synod_bytes *operations, uint32_t count);
synod_status kv_query(void *memory, synod_bytes query, bool prove, synod_writer *reply,
                      synod_writer *proof);
synod_status kv_verify(const synod_digest *root, synod_bytes query, synod_bytes reply,
                       synod_bytes proof);
void kv_snapshot_begin(void *memory);
/* Before the tree becomes that of another state. */
void kv_snapshot_root(kv_state_t *state);
synod_status kv_snapshot_next(void *memory, synod_writer *writer, bool *more);
void kv_snapshot_end(void *memory);
synod_status kv_snapshot_load(void *memory, synod_bytes piece);

#endif
