/* The entries in the order of their keys: a B+ tree whose nodes hold no keys, but for each item the
 * first bit where its key differs from the one before (Ferguson, "Bit-Tree: a data structure for
 * fast file processing", CACM 1992). A search reads these 60 bytes, which leave one item that can
 * be the key, and compares with that one alone.
 *
 * Why not the kv_trie, which does the same for a whole set at once: that is as deep as clients make
 * it, thousands of levels for keys chosen so. Here a search is one short scan and one comparison
 * for each of a few levels, whatever the keys (ADR 0002).
 *
 * Invariants: keys grow strictly along each level; bits[i] is where items i - 1 and i part; the
 * leaf named for a child is the first below it; no node but the root is empty, and two neighbours
 * under one parent have at least KV_ORDER_PAIR_MIN items together: a split leaves halves, a removal
 * merges what fits well. So the height is logarithmic in the number of entries. */
#ifndef APP_KV_ORDER_H
#define APP_KV_ORDER_H

#include "app/kv_entry.h"
#include "app/kv_key.h"
#include "app/kv_memory.h"

#define KV_ORDER_ITEMS 30u
#define KV_ORDER_PAIR_MIN (KV_ORDER_ITEMS / 2 + 1)
#define KV_ORDER_MERGE_MAX 22u /* below a full node: merging and splitting must not alternate */
#define KV_ORDER_LEVELS_MAX 16u

typedef struct kv_order_node {
    uint16_t count;
    uint16_t is_inner;
    kv_bit_t bits[KV_ORDER_ITEMS];     /* bits[0] means nothing */
    uint32_t leaves[KV_ORDER_ITEMS];   /* the entry; of an inner node, the first below the child */
    uint32_t children[KV_ORDER_ITEMS]; /* of an inner node */
    uint32_t unused[4];                /* up to whole cache lines */
} kv_order_node_t;

typedef struct kv_order {
    kv_chunks_t nodes; /* number 0 is not used */
    uint32_t root, height;
    uint32_t node_count, free_node; /* chained by children[0], 0 = none */
} kv_order_t;

/* The way to a key; level 0 has the entries. Any change ends it. */
typedef struct kv_order_path {
    uint32_t node[KV_ORDER_LEVELS_MAX], index[KV_ORDER_LEVELS_MAX];
} kv_order_path_t;

void kv_order_open(kv_order_t *order);
void kv_order_close(kv_order_t *order);

/* The entry of `key`, or KV_LEAF_NONE; then the path leads to where it would be. */
uint32_t kv_order_find(const kv_order_t *order, const kv_slot_t *slots, bytes_t key,
                       kv_order_path_t *path);
/* Adds the entry `leaf` where the search for its key ended. */
void kv_order_insert(kv_order_t *order, const kv_slot_t *slots, const kv_order_path_t *path,
                     uint32_t leaf);
/* Takes out the entry that the search found; its slot is still as it was. */
void kv_order_remove(kv_order_t *order, const kv_slot_t *slots, const kv_order_path_t *path);

/* The entry at the path, which moves on to the next one; KV_LEAF_NONE at the end. */
uint32_t kv_order_next(const kv_order_t *order, kv_order_path_t *path);

#endif
