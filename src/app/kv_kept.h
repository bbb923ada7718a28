/* What a snapshot of `kv` would lose: entries that change while it is given out, as they were when
 * it began. The walk over the tree goes by the SHA-256 of keys; what lies behind it need not be
 * kept, and of what lies ahead only the first change counts.
 *
 * Invariants: while it is on, an entry that was written since the beginning bears the snapshot's
 * number, any other is as it was then; every entry of then that bears the number and was not passed
 * yet has one item; items are found by digest. */
#ifndef APP_KV_KEPT_H
#define APP_KV_KEPT_H

#include "app/kv_entry.h"
#include "app/kv_trie.h"

typedef struct kv_kept_item {
    digest_t digest;   /* of the key */
    kv_entry_t *entry; /* a copy of its own */
} kv_kept_item_t;

typedef struct kv_kept {
    bool on, passed_any;
    uint32_t number; /* of the snapshot, from 1 */
    digest_t passed; /* keys up to this digest were given out */
    kv_trie_t trie;  /* over the items */
    kv_kept_item_t *items;
    uint32_t count, capacity;
} kv_kept_t;

void kv_kept_begin(kv_kept_t *kept);
/* Drops what was kept. */
void kv_kept_end(kv_kept_t *kept);
/* Before an entry changes or goes. */
void kv_kept_touch(kv_kept_t *kept, kv_entry_t *entry);
/* The digest was given out, by this item if `item` is not KV_LEAF_NONE. */
void kv_kept_pass(kv_kept_t *kept, const digest_t *digest, uint32_t item);
/* A walk over the items that were not passed. */
void kv_kept_start(const kv_kept_t *kept, kv_trie_cursor_t *cursor);

#endif
