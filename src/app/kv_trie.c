/* A binary trie over byte strings; see the header. */
#include "app/kv_trie.h"

#include <stdlib.h>

#include "app/kv_memory.h"
#include "base/check.h"

void kv_trie_open(kv_trie_t *trie) {
    *trie = (kv_trie_t){.node_capacity = kv_grown(0, 1)};
    trie->nodes = kv_allocate(trie->node_capacity * sizeof trie->nodes[0]);
    kv_trie_clear(trie);
}

void kv_trie_close(kv_trie_t *trie) {
    free(trie->nodes);
    *trie = (kv_trie_t){0};
}

void kv_trie_clear(kv_trie_t *trie) {
    trie->nodes[0] = (kv_trie_node_t){.child = {KV_REF_NONE, KV_REF_NONE}};
    trie->node_count = 1;
    trie->free_node = 0;
}

static uint32_t take_node(kv_trie_t *trie) {
    uint32_t node = trie->free_node;
    if (node != 0) {
        trie->free_node = trie->nodes[node].child[0];
        return node;
    }
    if (trie->node_count == trie->node_capacity) {
        trie->node_capacity = kv_grown(trie->node_capacity, trie->node_count + 1);
        trie->nodes = kv_resize(trie->nodes, trie->node_capacity * sizeof trie->nodes[0]);
    }
    return trie->node_count++;
}

static void give_node(kv_trie_t *trie, uint32_t node) {
    trie->nodes[node].child[0] = trie->free_node;
    trie->free_node = node;
}

uint32_t kv_trie_closest(const kv_trie_t *trie, bytes_t key) {
    const kv_trie_node_t *nodes = trie->nodes;
    kv_ref_t ref = nodes[0].child[0];
    while ((ref & KV_REF_LEAF) == 0) {
        ref = nodes[ref].child[kv_key_side(key, nodes[ref].bit)];
    }
    return ref & ~KV_REF_LEAF;
}

kv_trie_joint_t kv_trie_insert(kv_trie_t *trie, bytes_t key, bytes_t closest, uint32_t leaf) {
    require(leaf < KV_LEAF_NONE);
    if (trie->nodes[0].child[0] == KV_REF_NONE) {
        trie->nodes[0].child[0] = KV_REF_LEAF | leaf;
        return (kv_trie_joint_t){0};
    }
    kv_bit_t bit = 0;
    bool differs = kv_key_differ(key, closest, &bit);
    require(differs);
    uint32_t parent = 0, parent_side = 0;
    kv_ref_t below = trie->nodes[0].child[0];
    while ((below & KV_REF_LEAF) == 0 && trie->nodes[below].bit < bit) {
        parent = below;
        parent_side = kv_key_side(key, trie->nodes[parent].bit);
        below = trie->nodes[parent].child[parent_side];
    }
    uint32_t node = take_node(trie), side = kv_key_side(key, bit);
    kv_trie_node_t *added = &trie->nodes[node];
    *added = (kv_trie_node_t){.bit = bit};
    added->child[side] = KV_REF_LEAF | leaf;
    added->child[1 - side] = below;
    trie->nodes[parent].child[parent_side] = node;
    return (kv_trie_joint_t){node, side, parent, parent_side};
}

kv_trie_joint_t kv_trie_remove(kv_trie_t *trie, bytes_t key) {
    kv_trie_joint_t joint = {0, 0, 0, 0};
    kv_ref_t ref = trie->nodes[0].child[0];
    require(ref != KV_REF_NONE);
    while ((ref & KV_REF_LEAF) == 0) {
        joint.parent = joint.node;
        joint.parent_side = joint.side;
        joint.node = ref;
        joint.side = kv_key_side(key, trie->nodes[ref].bit);
        ref = trie->nodes[ref].child[joint.side];
    }
    if (joint.node == 0) {
        trie->nodes[0].child[0] = KV_REF_NONE;
        return joint;
    }
    kv_ref_t sibling = trie->nodes[joint.node].child[1 - joint.side];
    trie->nodes[joint.parent].child[joint.parent_side] = sibling;
    give_node(trie, joint.node);
    return joint;
}

static void push_pending(kv_trie_cursor_t *cursor, kv_ref_t ref) {
    invariant(cursor->depth <= KV_TRIE_WALK_DEPTH_MAX);
    cursor->pending[cursor->depth++] = ref;
}

void kv_trie_start(kv_trie_cursor_t *cursor, const kv_trie_t *trie) {
    cursor->trie = trie;
    cursor->depth = 0;
    if (trie->nodes[0].child[0] != KV_REF_NONE) {
        push_pending(cursor, trie->nodes[0].child[0]);
    }
}

/* Down the way of `after`, up to where the strings part from it: every subtree on the right of that
 * way is behind it, and so is the one where they part if `after` goes left there. */
void kv_trie_start_after(kv_trie_cursor_t *cursor, const kv_trie_t *trie, bytes_t after,
                         bytes_t closest) {
    kv_ref_t ref = trie->nodes[0].child[0];
    cursor->trie = trie;
    cursor->depth = 0;
    if (ref == KV_REF_NONE) {
        return;
    }
    kv_bit_t bit = 0;
    bool differs = kv_key_differ(after, closest, &bit);
    while ((ref & KV_REF_LEAF) == 0 && (!differs || trie->nodes[ref].bit < bit)) {
        uint32_t side = kv_key_side(after, trie->nodes[ref].bit);
        if (side == 0) {
            push_pending(cursor, trie->nodes[ref].child[1]);
        }
        ref = trie->nodes[ref].child[side];
    }
    if (differs && kv_key_side(after, bit) == 0) {
        push_pending(cursor, ref);
    }
}

uint32_t kv_trie_next(kv_trie_cursor_t *cursor) {
    if (cursor->depth == 0) {
        return KV_LEAF_NONE;
    }
    kv_ref_t ref = cursor->pending[--cursor->depth];
    while ((ref & KV_REF_LEAF) == 0) {
        push_pending(cursor, cursor->trie->nodes[ref].child[1]);
        ref = cursor->trie->nodes[ref].child[0];
    }
    return ref & ~KV_REF_LEAF;
}
