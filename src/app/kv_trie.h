/* A binary trie over byte strings in which every inner node has two children: a node names the
 * first bit where the strings below it differ, bits that they share are skipped (Morrison 1968,
 * PATRICIA; Bernstein's "crit-bit trees"). `kv` uses it twice: over the SHA-256 of the keys, as the
 * shape of the Merkle tree, and over the keys that a running transaction has touched.
 *
 * It holds no strings, only leaf numbers; the caller knows the string of a leaf. A lookup goes down
 * to the one leaf that can be the string and compares once, so it touches 12 bytes a level. Nothing
 * bounds the depth but the number of leaves and the length of the strings: 256 for digests.
 *
 * Invariants: on a path from the root the bits grow strictly; the strings of child[0] have a 0
 * there, those of child[1] a 1, and all agree before. So the shape is a function of the set of
 * strings, not of its history. */
#ifndef APP_KV_TRIE_H
#define APP_KV_TRIE_H

#include "app/kv_entry.h"
#include "app/kv_key.h"

/* The number of a node, or KV_REF_LEAF plus the number of a leaf. */
typedef uint32_t kv_ref_t;
#define KV_REF_LEAF UINT32_C(0x80000000)
#define KV_REF_NONE (KV_REF_LEAF | KV_LEAF_NONE)

typedef struct kv_trie_node {
    kv_ref_t child[2];
    kv_bit_t bit;
    uint8_t stale; /* for the Merkle tree: bit s set = the digest of child[s] must be computed */
} kv_trie_node_t;

typedef struct kv_trie {
    kv_trie_node_t *nodes; /* nodes[0] is above the root: its child[0] is the root */
    uint32_t node_count, node_capacity;
    uint32_t free_node; /* chained by child[0]; 0 = none */
} kv_trie_t;

/* Where a leaf was put in or taken out: the inner node that came or went with it, and the place
 * above of that node. node == 0 when the leaf is, or was, alone. */
typedef struct kv_trie_joint {
    uint32_t node, side, parent, parent_side;
} kv_trie_joint_t;

void kv_trie_open(kv_trie_t *trie);
void kv_trie_close(kv_trie_t *trie);
/* Forgets all leaves, keeps the memory. */
void kv_trie_clear(kv_trie_t *trie);

/* The leaf that holds `key` if any does; KV_LEAF_NONE when the trie is empty. */
uint32_t kv_trie_closest(const kv_trie_t *trie, bytes_t key);

/* Adds `leaf`, whose string is `key`; it must be absent. `closest` is the string of
 * kv_trie_closest(key), anything when the trie is empty. */
kv_trie_joint_t kv_trie_insert(kv_trie_t *trie, bytes_t key, bytes_t closest, uint32_t leaf);
/* Takes out the leaf of `key`, which must be there. */
kv_trie_joint_t kv_trie_remove(kv_trie_t *trie, bytes_t key);

/* A walk over the leaves in order, for tries of digests. Any change of the trie ends it. */
#define KV_TRIE_WALK_DEPTH_MAX 256u
typedef struct kv_trie_cursor {
    const kv_trie_t *trie;
    uint32_t depth;
    kv_ref_t pending[KV_TRIE_WALK_DEPTH_MAX + 1]; /* subtrees still to visit, the next one last */
} kv_trie_cursor_t;

void kv_trie_start(kv_trie_cursor_t *cursor, const kv_trie_t *trie);
/* From the first leaf behind the string `after`, which need not be there; `closest` is the string
 * of kv_trie_closest(after), anything when the trie is empty. */
void kv_trie_start_after(kv_trie_cursor_t *cursor, const kv_trie_t *trie, bytes_t after,
                         bytes_t closest);
/* KV_LEAF_NONE at the end. */
uint32_t kv_trie_next(kv_trie_cursor_t *cursor);

#endif
