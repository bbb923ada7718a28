/* A binary trie over byte strings; see the header. */
#include "app/kv_trie.h"

#include <stdlib.h>

#include "app/kv_memory.h"
#include "base/check.h"

/* The first bit where two strings differ. */
typedef struct critical {
    uint32_t byte_at, shift;
} critical_t;

static uint32_t symbol_of(bytes_t key, uint32_t byte_at) {
    return byte_at < key.size ? UINT32_C(0x100) | key.data[byte_at] : 0;
}

/* False when the strings are equal. */
static bool find_critical(bytes_t a, bytes_t b, critical_t *critical) {
    uint32_t at = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at]) {
        at++;
    }
    uint32_t difference = symbol_of(a, at) ^ symbol_of(b, at);
    if (difference == 0) {
        return false;
    }
    uint32_t shift = 8;
    while (((difference >> shift) & 1) == 0) {
        shift--;
    }
    *critical = (critical_t){.byte_at = at, .shift = shift};
    return true;
}

static bool is_above(const kv_trie_node_t *node, critical_t critical) {
    return node->byte_at < critical.byte_at ||
           (node->byte_at == critical.byte_at && node->shift > critical.shift);
}

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
        ref = nodes[ref].child[kv_trie_side(&nodes[ref], key)];
    }
    return ref & ~KV_REF_LEAF;
}

kv_trie_joint_t kv_trie_insert(kv_trie_t *trie, bytes_t key, bytes_t closest, uint32_t leaf) {
    require(key.size <= KV_TRIE_KEY_BYTES_MAX && leaf < KV_LEAF_NONE);
    if (trie->nodes[0].child[0] == KV_REF_NONE) {
        trie->nodes[0].child[0] = KV_REF_LEAF | leaf;
        return (kv_trie_joint_t){0};
    }
    critical_t critical = {0, 0};
    bool differs = find_critical(key, closest, &critical);
    require(differs);
    uint32_t parent = 0, parent_side = 0;
    kv_ref_t below = trie->nodes[0].child[0];
    while ((below & KV_REF_LEAF) == 0 && is_above(&trie->nodes[below], critical)) {
        parent = below;
        parent_side = kv_trie_side(&trie->nodes[parent], key);
        below = trie->nodes[parent].child[parent_side];
    }
    uint32_t node = take_node(trie);
    uint32_t side = (symbol_of(key, critical.byte_at) >> critical.shift) & 1;
    kv_trie_node_t *added = &trie->nodes[node];
    *added =
        (kv_trie_node_t){.byte_at = (uint16_t)critical.byte_at, .shift = (uint8_t)critical.shift};
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
        joint.side = kv_trie_side(&trie->nodes[ref], key);
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
    invariant(cursor->depth <= KV_TRIE_DEPTH_MAX);
    cursor->pending[cursor->depth++] = ref;
}

void kv_trie_start(kv_trie_cursor_t *cursor, const kv_trie_t *trie) {
    cursor->trie = trie;
    cursor->depth = 0;
    if (trie->nodes[0].child[0] != KV_REF_NONE) {
        push_pending(cursor, trie->nodes[0].child[0]);
    }
}

/* Follows the way of `key` and notes what branches off to the right. Where the way meets a subtree
 * whose strings all differ from `key` at one bit, that subtree lies wholly before or after it. */
void kv_trie_seek(kv_trie_cursor_t *cursor, const kv_trie_t *trie, bytes_t key, bytes_t closest,
                  bool exclusive) {
    cursor->trie = trie;
    cursor->depth = 0;
    kv_ref_t ref = trie->nodes[0].child[0];
    if (ref == KV_REF_NONE) {
        return;
    }
    critical_t critical = {0, 0};
    bool differs = find_critical(key, closest, &critical);
    while ((ref & KV_REF_LEAF) == 0 && (!differs || is_above(&trie->nodes[ref], critical))) {
        const kv_trie_node_t *node = &trie->nodes[ref];
        uint32_t side = kv_trie_side(node, key);
        if (side == 0) {
            push_pending(cursor, node->child[1]);
        }
        ref = node->child[side];
    }
    bool after =
        differs ? ((symbol_of(key, critical.byte_at) >> critical.shift) & 1) == 0 : !exclusive;
    if (after) {
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
