/* The Merkle tree of `kv`; see the header. */
#include "app/kv_tree.h"

#include <stdlib.h>

#include "base/check.h"
#include "crypto/hash.h"

enum {
    WAYS_MAX = 16,
    AHEAD = 8 /* items between the start of loading and the use */
};

static kv_pair_t *pair_of(const kv_tree_t *tree, uint32_t node) {
    return kv_chunks_at(&tree->pairs, node);
}

static digest_t *key_digest_of(const kv_tree_t *tree, uint32_t leaf) {
    return kv_chunks_at(&tree->key_digests, leaf);
}

static bytes_t digest_bytes(const digest_t *digest) {
    return bytes_of(digest->bytes, sizeof digest->bytes);
}

static uint8_t bit_of_node(const kv_trie_node_t *node) {
    return (uint8_t)(node->bit / 16u * 8u + node->bit % 16u - 1u);
}

void kv_tree_open(kv_tree_t *tree) {
    tree->pairs = kv_chunks_of(sizeof(kv_pair_t));
    tree->key_digests = kv_chunks_of(sizeof(digest_t));
    tree->stage = KV_SETTLED;
    tree->stale = NULL;
    tree->stale_count = tree->stale_capacity = 0;
    kv_trie_open(&tree->trie);
    kv_chunks_reach(&tree->pairs, 0);
    pair_of(tree, 0)->child[0] = kv_hash_empty();
}

void kv_tree_close(kv_tree_t *tree) {
    kv_trie_close(&tree->trie);
    kv_chunks_free(&tree->pairs);
    kv_chunks_free(&tree->key_digests);
    free(tree->stale);
}

const digest_t *kv_tree_key_digest(const kv_tree_t *tree, uint32_t leaf) {
    return key_digest_of(tree, leaf);
}

digest_t kv_tree_root(const kv_tree_t *tree) {
    require(tree->stage == KV_SETTLED);
    return pair_of(tree, 0)->child[0];
}

/* ---- shape ---- */

/* Marks the way of `key` from the root down to, but not below, the node `last` (KV_REF_NONE: down
 * to its leaf). */
static void mark_way(kv_tree_t *tree, const digest_t *key, kv_ref_t last) {
    kv_trie_node_t *nodes = tree->trie.nodes;
    uint32_t at = 0, side = 0;
    while (at != last) {
        nodes[at].stale = (uint8_t)(nodes[at].stale | 1u << side);
        kv_ref_t below = nodes[at].child[side];
        if ((below & KV_REF_LEAF) != 0) {
            return;
        }
        at = below;
        side = kv_key_side(digest_bytes(key), nodes[at].bit);
    }
}

/* The subtree that the new node pushes down keeps its digest and whether that is stale. */
static void insert_leaf(kv_tree_t *tree, uint32_t leaf, bytes_t key) {
    kv_chunks_reach(&tree->key_digests, leaf);
    digest_t *digest = key_digest_of(tree, leaf);
    *digest = hash_bytes(key);
    uint32_t closest = kv_trie_closest(&tree->trie, digest_bytes(digest));
    bytes_t closest_bytes = {NULL, 0};
    if (closest != KV_LEAF_NONE) {
        closest_bytes = digest_bytes(key_digest_of(tree, closest));
    }
    kv_trie_joint_t joint = kv_trie_insert(&tree->trie, digest_bytes(digest), closest_bytes, leaf);
    if (joint.node != 0) {
        kv_chunks_reach(&tree->pairs, joint.node);
        pair_of(tree, joint.node)->child[1 - joint.side] =
            pair_of(tree, joint.parent)->child[joint.parent_side];
        uint32_t stale = (tree->trie.nodes[joint.parent].stale >> joint.parent_side) & 1;
        tree->trie.nodes[joint.node].stale = (uint8_t)(stale << (1 - joint.side));
    }
    mark_way(tree, digest, KV_REF_NONE);
}

/* The subtree that moves up keeps its digest, and if that was stale, then so was its new place;
 * what is above of that becomes stale. */
static void remove_leaf(kv_tree_t *tree, uint32_t leaf) {
    const digest_t *digest = key_digest_of(tree, leaf);
    kv_trie_joint_t joint = kv_trie_remove(&tree->trie, digest_bytes(digest));
    if (joint.node == 0) {
        pair_of(tree, 0)->child[0] = kv_hash_empty();
        tree->trie.nodes[0].stale = 0;
        return;
    }
    pair_of(tree, joint.parent)->child[joint.parent_side] =
        pair_of(tree, joint.node)->child[1 - joint.side];
    mark_way(tree, digest, joint.parent);
}

/* ---- hashing ---- */

static void add_stale(kv_tree_t *tree, kv_ref_t ref, uint32_t parent, uint32_t side) {
    if (tree->stale_count == tree->stale_capacity) {
        tree->stale_capacity = kv_grown(tree->stale_capacity, tree->stale_count + 1);
        tree->stale = kv_resize(tree->stale, tree->stale_capacity * sizeof tree->stale[0]);
    }
    tree->stale[tree->stale_count++] =
        (kv_stale_t){.ref = ref, .parent = parent & 0x7fffffff, .side = side & 1};
}

static void collect_children(kv_tree_t *tree, uint32_t at) {
    kv_trie_node_t *node = &tree->trie.nodes[at];
    for (uint32_t side = 0; side < 2; side++) {
        if (((node->stale >> side) & 1) != 0) {
            add_stale(tree, node->child[side], at, side);
        }
    }
    node->stale = 0;
}

/* Takes all marks off. */
static uint32_t collect_stale(kv_tree_t *tree, uint32_t items) {
    for (; items > 0 && tree->at < tree->stale_count; items--, tree->at++) {
        uint32_t ahead = tree->at + AHEAD;
        if (ahead < tree->stale_count && (tree->stale[ahead].ref & KV_REF_LEAF) == 0) {
            __builtin_prefetch(&tree->trie.nodes[tree->stale[ahead].ref], 1);
        }
        if ((tree->stale[tree->at].ref & KV_REF_LEAF) == 0) {
            collect_children(tree, tree->stale[tree->at].ref);
        }
    }
    return items;
}

/* So many items further on, or the last one. */
static const kv_stale_t *ahead_of(const kv_tree_t *tree, uint32_t at, uint32_t items) {
    return &tree->stale[at < items ? 0 : at - items];
}

static bool is_leaf(const kv_stale_t *item) {
    return (item->ref & KV_REF_LEAF) != 0;
}
static uint32_t leaf_of(const kv_stale_t *item) {
    return item->ref & ~KV_REF_LEAF;
}

/* Starts loading what the hashing of items to come will touch. Each step of the way needs what the
 * one before has loaded: slot, entry, the note of its value of then, that value. The line after an
 * entry's header may lie outside of the block: it is only loaded. */
static void prefetch_stale(const kv_tree_t *tree, const kv_store_t *store, uint32_t at) {
    const kv_stale_t *item = ahead_of(tree, at, 4 * AHEAD);
    if (is_leaf(item)) {
        __builtin_prefetch(&store->slots[leaf_of(item)]);
    }
    item = ahead_of(tree, at, 3 * AHEAD);
    if (is_leaf(item)) {
        const kv_entry_t *entry = kv_store_entry(store, leaf_of(item));
        __builtin_prefetch(entry);
        __builtin_prefetch((const void *)((uintptr_t)entry + KV_CACHE_LINE_BYTES));
    }
    item = ahead_of(tree, at, 2 * AHEAD);
    if (is_leaf(item)) {
        kv_store_expect_settled(store, leaf_of(item), false);
    }
    item = ahead_of(tree, at, AHEAD);
    if (is_leaf(item)) {
        kv_store_expect_settled(store, leaf_of(item), true);
        __builtin_prefetch(key_digest_of(tree, leaf_of(item)));
    } else {
        __builtin_prefetch(pair_of(tree, item->ref));
    }
    __builtin_prefetch(pair_of(tree, item->parent), 1);
}

static digest_t hash_leaf_of(const kv_tree_t *tree, const kv_store_t *store, uint32_t leaf) {
    digest_t value = hash_bytes(kv_store_settled_value(store, leaf));
    return kv_hash_leaf(key_digest_of(tree, leaf), &value);
}

static uint32_t rehash(kv_tree_t *tree, const kv_store_t *store, uint32_t items) {
    for (; items > 0 && tree->at > 0; items--) {
        uint32_t i = --tree->at;
        const kv_stale_t *item = &tree->stale[i];
        prefetch_stale(tree, store, i);
        digest_t *to = &pair_of(tree, item->parent)->child[item->side];
        if (is_leaf(item)) {
            *to = hash_leaf_of(tree, store, leaf_of(item));
        } else {
            const kv_trie_node_t *node = &tree->trie.nodes[item->ref];
            *to = kv_hash_node(bit_of_node(node), pair_of(tree, item->ref));
        }
    }
    return items;
}

/* ---- settling ---- */

/* The ways of several keys, walked side by side: each step waits for memory, and so the waits
 * overlap. */
typedef struct ways {
    const digest_t *keys[WAYS_MAX];
    uint32_t nodes[WAYS_MAX];
    uint32_t count;
} ways_t;

static void mark_ways(kv_tree_t *tree, ways_t *ways) {
    kv_trie_node_t *nodes = tree->trie.nodes;
    while (ways->count > 0) {
        for (uint32_t i = 0; i < ways->count;) {
            kv_trie_node_t *node = &nodes[ways->nodes[i]];
            uint32_t side =
                ways->nodes[i] == 0 ? 0 : kv_key_side(digest_bytes(ways->keys[i]), node->bit);
            node->stale = (uint8_t)(node->stale | 1u << side);
            kv_ref_t below = node->child[side];
            if ((below & KV_REF_LEAF) != 0) {
                ways->count--;
                ways->keys[i] = ways->keys[ways->count];
                ways->nodes[i] = ways->nodes[ways->count];
            } else {
                __builtin_prefetch(&nodes[below], 1);
                ways->nodes[i] = below;
                i++;
            }
        }
    }
}

static uint32_t leaf_ahead(const kv_store_t *store, uint32_t at) {
    return at < store->settling.count ? store->settling.items[at].leaf : KV_LEAF_NONE;
}

static void prefetch_change(const kv_tree_t *tree, const kv_store_t *store, uint32_t at) {
    uint32_t far = leaf_ahead(store, at + WAYS_MAX), near = leaf_ahead(store, at + WAYS_MAX / 2);
    if (far != KV_LEAF_NONE) {
        __builtin_prefetch(&store->slots[far]);
    }
    if (near != KV_LEAF_NONE) {
        __builtin_prefetch(kv_store_entry(store, near), 1);
        if (near / KV_CHUNK_ITEMS < tree->key_digests.count) {
            __builtin_prefetch(key_digest_of(tree, near));
        }
    }
}

static uint32_t remove_gone(kv_tree_t *tree, kv_store_t *store, uint32_t items) {
    uint32_t leaf;
    if (store->settling.removed == 0) {
        tree->at = store->settling.count;
    }
    for (; items > 0 && tree->at < store->settling.count; items--, tree->at++) {
        prefetch_change(tree, store, tree->at);
        if (kv_store_settling(store, tree->at, &leaf) == KV_SETTLING_GONE) {
            remove_leaf(tree, leaf);
            kv_store_settled(store, tree->at);
        }
    }
    return items;
}

static uint32_t take_over(kv_tree_t *tree, kv_store_t *store, uint32_t items) {
    ways_t ways = {.count = 0};
    for (; items > 0 && tree->at < store->settling.count; items--, tree->at++) {
        uint32_t leaf;
        prefetch_change(tree, store, tree->at);
        kv_settling_t what = kv_store_settling(store, tree->at, &leaf);
        if (what == KV_SETTLING_NONE) {
            continue;
        }
        if (what == KV_SETTLING_NEW) {
            insert_leaf(tree, leaf, kv_entry_key(kv_store_entry(store, leaf)));
        } else {
            ways.keys[ways.count] = key_digest_of(tree, leaf);
            ways.nodes[ways.count++] = 0;
        }
        if (ways.count == WAYS_MAX) {
            mark_ways(tree, &ways);
        }
        kv_store_settled(store, tree->at);
    }
    mark_ways(tree, &ways);
    return items;
}

void kv_tree_settle_begin(kv_tree_t *tree, kv_store_t *store) {
    kv_tree_settle_end(tree, store);
    kv_store_settle(store);
    tree->stage = KV_REMOVING;
    tree->at = 0;
}

static void next_stage(kv_tree_t *tree, kv_store_t *store) {
    tree->stage = tree->stage == KV_HASHING ? KV_SETTLED : tree->stage + 1;
    tree->at = 0;
    if (tree->stage == KV_COLLECTING) {
        kv_store_settling_end(store);
        collect_children(tree, 0);
    } else if (tree->stage == KV_HASHING) {
        tree->at = tree->stale_count;
    } else if (tree->stage == KV_SETTLED) {
        free(tree->stale);
        tree->stale = NULL;
        tree->stale_count = tree->stale_capacity = 0;
    }
}

bool kv_tree_settle_next(kv_tree_t *tree, kv_store_t *store, uint32_t items) {
    while (tree->stage != KV_SETTLED && items > 0) {
        switch (tree->stage) {
        case KV_REMOVING:
            items = remove_gone(tree, store, items);
            break;
        case KV_TAKING:
            items = take_over(tree, store, items);
            break;
        case KV_COLLECTING:
            items = collect_stale(tree, items);
            break;
        case KV_HASHING:
            items = rehash(tree, store, items);
            break;
        case KV_SETTLED:
            break;
        }
        if (items > 0) {
            next_stage(tree, store);
        }
    }
    return tree->stage == KV_SETTLED;
}

void kv_tree_settle_end(kv_tree_t *tree, kv_store_t *store) {
    (void)kv_tree_settle_next(tree, store, UINT32_MAX);
}

void kv_tree_settle(kv_tree_t *tree, kv_store_t *store) {
    kv_tree_settle_begin(tree, store);
    kv_tree_settle_end(tree, store);
}

/* ---- proofs ---- */

static uint32_t closest_leaf(const kv_tree_t *tree, const digest_t *key) {
    return kv_trie_closest(&tree->trie, digest_bytes(key));
}

uint32_t kv_tree_find(const kv_tree_t *tree, const digest_t *key) {
    uint32_t leaf = closest_leaf(tree, key);
    if (leaf != KV_LEAF_NONE && !digest_equal(key_digest_of(tree, leaf), key)) {
        leaf = KV_LEAF_NONE;
    }
    return leaf;
}

static void reverse_steps(kv_proof_t *proof) {
    for (uint16_t low = 0, high = proof->step_count; low + 1 < high; low++) {
        high--;
        kv_proof_step_t step = proof->steps[low];
        proof->steps[low] = proof->steps[high];
        proof->steps[high] = step;
    }
}

void kv_tree_prove(const kv_tree_t *tree, const kv_store_t *store, const digest_t *key,
                   kv_proof_t *proof) {
    proof->end = KV_PROOF_EMPTY;
    proof->step_count = 0;
    uint32_t leaf = closest_leaf(tree, key);
    if (leaf == KV_LEAF_NONE) {
        return;
    }
    kv_ref_t ref = tree->trie.nodes[0].child[0];
    while ((ref & KV_REF_LEAF) == 0) {
        const kv_trie_node_t *node = &tree->trie.nodes[ref];
        uint32_t side = kv_key_side(digest_bytes(key), node->bit);
        invariant(proof->step_count < KV_PROOF_STEPS_MAX);
        proof->steps[proof->step_count++] =
            (kv_proof_step_t){bit_of_node(node), pair_of(tree, ref)->child[1 - side]};
        ref = node->child[side];
    }
    reverse_steps(proof);
    proof->end = KV_PROOF_FOUND;
    const digest_t *found = key_digest_of(tree, leaf);
    if (!digest_equal(found, key)) {
        proof->end = KV_PROOF_OTHER;
        proof->other_key = *found;
        proof->other_value = hash_bytes(kv_store_settled_value(store, leaf));
    }
}
