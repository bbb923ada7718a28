/* The Merkle tree of `kv`: a kv_trie over the SHA-256 of the keys (so that nobody can make it deep,
 * and its shape is a function of the content alone) with the digests of both children in each inner
 * node. Rules of hashing and proofs: kv_proof.h.
 *
 * Between two settlings nothing here changes: the tree is that of the last one and proves against
 * its root, whatever has been written since. Settling takes over the changes that the store had
 * when it began: it first alters the shape and marks the ways to what changed, then computes each
 * marked node once, children before parents. It goes in pieces, between which the store goes on
 * changing; until its end the tree proves nothing.
 *
 * Invariant when nothing is settling: no node is stale; the digest kept for a child is that of its
 * subtree. */
#ifndef APP_KV_TREE_H
#define APP_KV_TREE_H

#include "app/kv_memory.h"
#include "app/kv_proof.h"
#include "app/kv_store.h"
#include "app/kv_trie.h"

/* What a settling is at. */
typedef enum kv_stage {
    KV_SETTLED = 0,
    KV_REMOVING,   /* what has gone: before what has come, for a key may have come back */
    KV_TAKING,     /* what has come and what has another value: marks the ways to it */
    KV_COLLECTING, /* what is marked */
    KV_HASHING
} kv_stage_t;

/* A digest to be computed: of the subtree `ref`, to be kept in the pair of `parent`. */
typedef struct kv_stale {
    kv_ref_t ref;
    uint32_t parent : 31, side : 1;
} kv_stale_t;

typedef struct kv_tree {
    kv_trie_t trie;
    kv_chunks_t pairs;       /* kv_pair_t by node; the first of node 0 is the root */
    kv_chunks_t key_digests; /* digest_t by leaf */
    kv_stage_t stage;
    uint32_t at; /* the next item of the stage */
    /* All that is stale, parents before children. Taken back to front it has all children of a node
     * before the node, and tells early what memory will be needed: at a million keys the waiting
     * for memory would cost as much as the hashing. */
    kv_stale_t *stale;
    uint32_t stale_count, stale_capacity;
} kv_tree_t;

void kv_tree_open(kv_tree_t *tree);
void kv_tree_close(kv_tree_t *tree);

/* Brings the tree up to the store as it is now, whatever was settling before. Afterwards
 * kv_tree_root is the root of its content. */
void kv_tree_settle(kv_tree_t *tree, kv_store_t *store);
/* The same in pieces: what the store is now, after a settling under way has ended; */
void kv_tree_settle_begin(kv_tree_t *tree, kv_store_t *store);
/* so many items more of it, a microsecond or so each. False: there is more to do. */
bool kv_tree_settle_next(kv_tree_t *tree, kv_store_t *store, uint32_t items);
/* To its end, if one is under way. */
void kv_tree_settle_end(kv_tree_t *tree, kv_store_t *store);

/* SHA-256 of the key of an entry that the tree knows. */
const digest_t *kv_tree_key_digest(const kv_tree_t *tree, uint32_t leaf);
/* The root at the last settling, which has ended; at the start, that of no entries. */
digest_t kv_tree_root(const kv_tree_t *tree);

/* The leaf of a key at the last settling, KV_LEAF_NONE when it was absent. */
uint32_t kv_tree_find(const kv_tree_t *tree, const digest_t *key);
/* Proves what kv_tree_find says. */
void kv_tree_prove(const kv_tree_t *tree, const kv_store_t *store, const digest_t *key,
                   kv_proof_t *proof);

#endif
