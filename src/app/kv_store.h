/* The entries of `kv`: keys and values in memory, in the order of their keys, and what changed
 * since the last settling.
 *
 * The Merkle tree (kv_tree.h) is that of the last settling, so that it can prove at any time what
 * was true then. For that the store keeps, for each entry that was there and has changed since, the
 * value of then (its image), and a removed entry stays as a tombstone.
 *
 * A settling takes time, and the state goes on changing meanwhile. So there are two lists of
 * changes: those before it began, which the tree is taking over, and those since, with the images
 * that it needs. To begin is to change their places; an entry tells by KV_CHANGE_ERA in which list
 * it is.
 *
 * An entry is one block of memory: header, key, value. A value that fits its block is overwritten
 * in place; a large one whose image is due gives its old block away instead of copying it.
 *
 * Invariants: an entry that is not in the tree is in a list of changes; a tombstone is in a list
 * and not in the order; an entry in both lists bears its place in the later one; `used_bytes` is a
 * function of the content. */
#ifndef APP_KV_STORE_H
#define APP_KV_STORE_H

#include "app/kv_entry.h"
#include "app/kv_hints.h"
#include "app/kv_kept.h"
#include "app/kv_memory.h"
#include "app/kv_order.h"

#define KV_CHANGE_NONE UINT32_MAX
#define KV_CHANGE_ERA UINT32_C(0x80000000) /* beside the place: one list or the other */
#define KV_EXPECTED_MAX 32u

/* One entry that differs from the last settling. */
typedef struct kv_change {
    bytes_t image; /* its value then, if it was there */
    uint32_t leaf; /* KV_LEAF_NONE: done with */
} kv_change_t;

typedef struct kv_changes {
    kv_change_t *items;
    uint32_t count, capacity;
    uint32_t removed; /* tombstones among them */
} kv_changes_t;

typedef struct kv_store {
    kv_order_t order;
    kv_hints_t hints;
    kv_slot_t *slots; /* by leaf number */
    uint32_t slot_count, slot_capacity, free_slot;
    kv_changes_t changes;  /* since the last settling began */
    kv_changes_t settling; /* before that, until the tree has taken them over */
    uint32_t era;          /* of `changes`: 0 or KV_CHANGE_ERA */
    kv_copies_t images;
    kv_kept_t kept;         /* for a snapshot that is being given out */
    uint32_t entry_count;   /* without tombstones */
    uint64_t used_bytes;    /* against KV_STATE_BYTES_MAX */
    kv_order_path_t cursor; /* of the walk */
} kv_store_t;

/* Where a key is, or would be. Any write ends it. */
typedef struct kv_spot {
    kv_entry_t *entry; /* NULL = absent */
    uint32_t leaf;     /* its number, or KV_LEAF_NONE */
    uint32_t hash;     /* of the key, for the hints */
    bool has_path;     /* a key that was found by a hint has none */
    kv_order_path_t path;
} kv_spot_t;

void kv_store_open(kv_store_t *store);
void kv_store_close(kv_store_t *store);

/* What an entry counts against the bound of the state. */
uint64_t kv_store_charge(size_t key_bytes, size_t value_bytes);

kv_spot_t kv_store_find(kv_store_t *store, bytes_t key);
/* These keys are looked for next, at most KV_EXPECTED_MAX: starts loading their entries. */
void kv_store_expect(const kv_store_t *store, const bytes_t *keys, uint32_t count);
/* `spot` is that of `key`; sizes are within the bounds of kv_format.h. */
void kv_store_write(kv_store_t *store, const kv_spot_t *spot, bytes_t key, bytes_t value);
/* spot->entry != NULL */
void kv_store_remove(kv_store_t *store, const kv_spot_t *spot);

/* Walks the entries that start with `prefix`, in order, from the first one after `after` (from the
 * first one of all if that is empty). One walk at a time; a write ends it. */
void kv_store_scan(kv_store_t *store, bytes_t prefix, bytes_t after);
/* NULL at the end. */
const kv_entry_t *kv_store_scan_next(kv_store_t *store, bytes_t prefix);

/* ---- for kv_tree ---- */

static inline kv_entry_t *kv_store_entry(const kv_store_t *store, uint32_t leaf) {
    return store->slots[leaf].entry;
}
/* The value when the last settling began of an entry that was there. */
bytes_t kv_store_settled_value(const kv_store_t *store, uint32_t leaf);

/* Starts loading what kv_store_settled_value will touch beside the entry, which is loaded: first
 * where its value of then is noted, then that value. */
void kv_store_expect_settled(const kv_store_t *store, uint32_t leaf, bool noted);

/* What was changed up to now is to be settled. No settling is under way. */
void kv_store_settle(kv_store_t *store);
typedef enum kv_settling {
    KV_SETTLING_NONE, /* done with */
    KV_SETTLING_GONE,
    KV_SETTLING_NEW,
    KV_SETTLING_VALUE
} kv_settling_t;
/* What item `at` of the settling list was when the settling began. */
kv_settling_t kv_store_settling(const kv_store_t *store, uint32_t at, uint32_t *leaf);
/* The tree has taken it over. Its tombstone goes. */
void kv_store_settled(kv_store_t *store, uint32_t at);
/* The tree has taken over all of them. */
void kv_store_settling_end(kv_store_t *store);

#endif
