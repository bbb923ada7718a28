/* Where keys are, by a hash: one line of memory to look at instead of four levels of kv_order. With
 * 100,000 keys a search of the tree waits for memory about fifteen times, one by a hint three
 * times.
 *
 * A hint is no index: the table may forget, and a key that has none is searched in the tree. So
 * keys that a client chose to collide, and a table that starts anew when it grows, cost what they
 * cost without it. Invariant: the entry of a hint is in the order (whoever removes it says so). */
#ifndef APP_KV_HINTS_H
#define APP_KV_HINTS_H

#include "app/kv_entry.h"

#define KV_HINTS_A_LINE 8u

typedef struct kv_hint_line {
    uint32_t hashes[KV_HINTS_A_LINE];
    uint32_t leaves[KV_HINTS_A_LINE]; /* 0: no hint; slot 0 of the store is never used */
} kv_hint_line_t;

typedef struct kv_hints {
    kv_hint_line_t *lines;
    uint32_t mask;
} kv_hints_t;

uint32_t kv_hints_hash(bytes_t key);
/* The entry of `key` if there is a hint for it, else KV_LEAF_NONE. */
uint32_t kv_hints_find(const kv_hints_t *hints, const kv_slot_t *slots, bytes_t key, uint32_t hash);
/* Starts loading what a search will look at. */
void kv_hints_load(const kv_hints_t *hints, uint32_t hash);
/* The entry that the hash alone speaks for, if any: perhaps that of another key. */
uint32_t kv_hints_guess(const kv_hints_t *hints, uint32_t hash);
/* `entry_count`: for how many the table should do. */
void kv_hints_put(kv_hints_t *hints, uint32_t entry_count, uint32_t hash, uint32_t leaf);
void kv_hints_remove(kv_hints_t *hints, uint32_t hash, uint32_t leaf);
void kv_hints_free(kv_hints_t *hints);

#endif
