/* The Merkle tree of `kv`: a kv_trie over the SHA-256 of the keys (so that nobody can make it deep,
 * and its shape is a function of the content alone) with the digests of both children in each inner
 * node. Rules of hashing and proofs: kv_proof.h.
 *
 * Between two calls of kv_tree_settle nothing here changes: the tree is that of the last settling
 * and proves against its root, whatever has been written since. Settling takes over the changes of
 * the store: it first alters the shape and marks the ways to what changed, then computes each
 * marked node once, children before parents.
 *
 * Invariant between calls: no node is stale; the digest kept for a child is that of its subtree. */
#ifndef APP_KV_TREE_H
#define APP_KV_TREE_H

#include "app/kv_memory.h"
#include "app/kv_proof.h"
#include "app/kv_store.h"
#include "app/kv_trie.h"

typedef struct kv_tree {
    kv_trie_t trie;
    kv_chunks_t pairs;       /* kv_pair_t by node; the first of node 0 is the root */
    kv_chunks_t key_digests; /* digest_t by leaf */
} kv_tree_t;

void kv_tree_open(kv_tree_t *tree);
void kv_tree_close(kv_tree_t *tree);

/* Brings the tree up to the store. Afterwards kv_tree_root is the root of its content. */
void kv_tree_settle(kv_tree_t *tree, kv_store_t *store);
/* The root at the last settling; at the start, that of no entries. */
/* SHA-256 of the key of an entry that the tree knows. */
const digest_t *kv_tree_key_digest(const kv_tree_t *tree, uint32_t leaf);
digest_t kv_tree_root(const kv_tree_t *tree);

/* The leaf of a key at the last settling, KV_LEAF_NONE when it was absent. */
uint32_t kv_tree_find(const kv_tree_t *tree, const digest_t *key);
/* Proves what kv_tree_find says. */
void kv_tree_prove(const kv_tree_t *tree, const kv_store_t *store, const digest_t *key,
                   kv_proof_t *proof);

#endif
