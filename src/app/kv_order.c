/* The entries in the order of their keys; see the header. */
#include "app/kv_order.h"

#include "base/check.h"

_Static_assert(sizeof(kv_order_node_t) == 5 * KV_CACHE_LINE_BYTES, "a node is whole cache lines");

static kv_order_node_t *node_of(const kv_order_t *order, uint32_t node) {
    return kv_chunks_at(&order->nodes, node);
}

static bytes_t key_of(const kv_slot_t *slots, uint32_t leaf) {
    return kv_entry_key(slots[leaf].entry);
}

static uint32_t take_node(kv_order_t *order, bool is_inner) {
    uint32_t node = order->free_node;
    if (node != 0) {
        order->free_node = node_of(order, node)->children[0];
    } else {
        node = order->node_count++;
        kv_chunks_reach(&order->nodes, node);
    }
    *node_of(order, node) = (kv_order_node_t){.is_inner = is_inner};
    return node;
}

static void give_node(kv_order_t *order, uint32_t node) {
    node_of(order, node)->children[0] = order->free_node;
    order->free_node = node;
}

void kv_order_open(kv_order_t *order) {
    *order = (kv_order_t){.nodes = kv_chunks_of(sizeof(kv_order_node_t)), .node_count = 1};
    order->root = take_node(order, false);
    order->height = 1;
}

void kv_order_close(kv_order_t *order) {
    kv_chunks_free(&order->nodes);
}

/* ---- search ---- */

/* The one item that can be `key`: at each bit where items part, those on the other side are out. */
static uint32_t guess_item(const kv_order_node_t *node, bytes_t key) {
    uint32_t guess = 0, at = 1;
    while (at < node->count) {
        kv_bit_t bit = node->bits[at];
        if (kv_key_side(key, bit) == 1) {
            guess = at++;
        } else {
            do {
                at++;
            } while (at < node->count && node->bits[at] > bit);
        }
    }
    return guess;
}

/* The item of `key`, or the first one after it. What agrees with the guess beyond the bit where the
 * key leaves it lies on the same side of the key. */
static uint32_t search_node(const kv_order_node_t *node, const kv_slot_t *slots, bytes_t key,
                            bool *exact) {
    *exact = false;
    if (node->count == 0) {
        return 0;
    }
    kv_bit_t bit;
    uint32_t at = guess_item(node, key);
    if (!kv_key_differ(key, key_of(slots, node->leaves[at]), &bit)) {
        *exact = true;
    } else if (kv_key_side(key, bit) == 1) {
        do {
            at++;
        } while (at < node->count && node->bits[at] > bit);
    } else {
        while (at > 0 && node->bits[at] > bit) {
            at--;
        }
    }
    return at;
}

uint32_t kv_order_find(const kv_order_t *order, const kv_slot_t *slots, bytes_t key,
                       kv_order_path_t *path) {
    uint32_t at = order->root;
    bool exact;
    for (uint32_t level = order->height - 1; level > 0; level--) {
        const kv_order_node_t *node = node_of(order, at);
        uint32_t index = search_node(node, slots, key, &exact);
        index = exact || index == 0 ? index : index - 1;
        path->node[level] = at;
        path->index[level] = index;
        at = node->children[index];
    }
    const kv_order_node_t *node = node_of(order, at);
    path->node[0] = at;
    path->index[0] = search_node(node, slots, key, &exact);
    return exact ? node->leaves[path->index[0]] : KV_LEAF_NONE;
}

uint32_t kv_order_next(const kv_order_t *order, kv_order_path_t *path) {
    uint32_t level = 0;
    while (path->index[level] >= node_of(order, path->node[level])->count) {
        if (++level == order->height) {
            return KV_LEAF_NONE;
        }
        path->index[level]++;
    }
    for (; level > 0; level--) {
        path->node[level - 1] = node_of(order, path->node[level])->children[path->index[level]];
        path->index[level - 1] = 0;
    }
    return node_of(order, path->node[0])->leaves[path->index[0]++];
}

/* ---- items of a node ---- */

/* Computes the bits on both sides of an item from the keys. */
static void set_bits(kv_order_node_t *node, const kv_slot_t *slots, uint32_t index) {
    uint32_t first = index > 0 ? index : 1;
    for (uint32_t i = first; i <= index + 1 && i < node->count; i++) {
        bool differ = kv_key_differ(key_of(slots, node->leaves[i - 1]),
                                    key_of(slots, node->leaves[i]), &node->bits[i]);
        invariant(differ);
    }
}

/* Copies `count` items; the bit before the first of them is for the caller. */
static void copy_items(kv_order_node_t *to, uint32_t to_index, const kv_order_node_t *from,
                       uint32_t from_index, uint32_t count) {
    memmove(&to->bits[to_index], &from->bits[from_index], count * sizeof to->bits[0]);
    memmove(&to->leaves[to_index], &from->leaves[from_index], count * sizeof to->leaves[0]);
    memmove(&to->children[to_index], &from->children[from_index], count * sizeof to->children[0]);
}

static void put_item(kv_order_node_t *node, const kv_slot_t *slots, uint32_t index, uint32_t leaf,
                     uint32_t child) {
    require(node->count < KV_ORDER_ITEMS && index <= node->count);
    if (index < node->count) {
        copy_items(node, index + 1, node, index, node->count - index);
    }
    node->count++;
    node->leaves[index] = leaf;
    node->children[index] = child;
    set_bits(node, slots, index);
}

/* Where the neighbours of what goes part is the earlier one of where it parted from each. */
static void drop_item(kv_order_node_t *node, uint32_t index) {
    require(index < node->count);
    kv_bit_t before = node->bits[index];
    node->count--;
    if (index < node->count) {
        copy_items(node, index, node, index + 1, node->count - index);
        node->bits[index] = before < node->bits[index] ? before : node->bits[index];
    }
}

/* The first entry below the node at `level` has changed: says so above. */
static void renew_first(kv_order_t *order, const kv_slot_t *slots, const kv_order_path_t *path,
                        uint32_t level) {
    uint32_t leaf = node_of(order, path->node[level])->leaves[0];
    while (++level < order->height) {
        kv_order_node_t *above = node_of(order, path->node[level]);
        above->leaves[path->index[level]] = leaf;
        set_bits(above, slots, path->index[level]);
        if (path->index[level] > 0) {
            return;
        }
    }
}

/* ---- growing ---- */

/* Puts an item into a node, which may split; the new node on its right, or 0. A node that is full
 * because keys come in order (`is_last` of its parent) stays so. */
static uint32_t put_or_split(kv_order_t *order, const kv_slot_t *slots, uint32_t left,
                             uint32_t index, uint32_t leaf, uint32_t child, bool is_last) {
    kv_order_node_t *node = node_of(order, left);
    if (node->count < KV_ORDER_ITEMS) {
        put_item(node, slots, index, leaf, child);
        return 0;
    }
    uint32_t right = take_node(order, node->is_inner != 0);
    kv_order_node_t *added = node_of(order, right);
    if (is_last && index == KV_ORDER_ITEMS) {
        put_item(added, slots, 0, leaf, child);
        return right;
    }
    uint32_t kept = KV_ORDER_ITEMS / 2;
    copy_items(added, 0, node, kept, KV_ORDER_ITEMS - kept);
    added->count = KV_ORDER_ITEMS - KV_ORDER_ITEMS / 2;
    node->count = KV_ORDER_ITEMS / 2;
    if (index > kept) {
        put_item(added, slots, index - kept, leaf, child);
    } else {
        put_item(node, slots, index, leaf, child);
    }
    return right;
}

static bool is_last_child(const kv_order_t *order, const kv_order_path_t *path, uint32_t level) {
    return level + 1 == order->height ||
           path->index[level + 1] + 1 == node_of(order, path->node[level + 1])->count;
}

static void grow_root(kv_order_t *order, const kv_slot_t *slots, uint32_t right) {
    invariant(order->height < KV_ORDER_LEVELS_MAX);
    uint32_t left = order->root;
    order->root = take_node(order, true);
    order->height++;
    put_item(node_of(order, order->root), slots, 0, node_of(order, left)->leaves[0], left);
    put_item(node_of(order, order->root), slots, 1, node_of(order, right)->leaves[0], right);
}

void kv_order_insert(kv_order_t *order, const kv_slot_t *slots, const kv_order_path_t *path,
                     uint32_t leaf) {
    uint32_t right = put_or_split(order, slots, path->node[0], path->index[0], leaf, 0,
                                  is_last_child(order, path, 0));
    if (path->index[0] == 0) {
        renew_first(order, slots, path, 0);
    }
    for (uint32_t level = 1; right != 0 && level < order->height; level++) {
        right = put_or_split(order, slots, path->node[level], path->index[level] + 1,
                             node_of(order, right)->leaves[0], right,
                             is_last_child(order, path, level));
    }
    if (right != 0) {
        grow_root(order, slots, right);
    }
}

/* ---- shrinking ---- */

static bool can_merge(const kv_order_t *order, const kv_order_node_t *above, uint32_t left) {
    return left + 1 < above->count && node_of(order, above->children[left])->count +
                                              node_of(order, above->children[left + 1])->count <=
                                          KV_ORDER_MERGE_MAX;
}

/* Moves the items of the right neighbour of the child `left` into that. */
static void merge_children(kv_order_t *order, const kv_slot_t *slots, kv_order_node_t *above,
                           uint32_t left) {
    kv_order_node_t *to = node_of(order, above->children[left]);
    const kv_order_node_t *from = node_of(order, above->children[left + 1]);
    uint32_t joint = to->count;
    copy_items(to, joint, from, 0, from->count);
    to->count = (uint16_t)(joint + from->count);
    set_bits(to, slots, joint);
    give_node(order, above->children[left + 1]);
    drop_item(above, left + 1);
}

/* Frees or merges the child `index` of `above` after it has lost an item; the place of the child
 * that is gone, or KV_ORDER_ITEMS. */
static uint32_t shrink_child(kv_order_t *order, const kv_slot_t *slots, kv_order_node_t *above,
                             uint32_t index) {
    if (node_of(order, above->children[index])->count == 0) {
        give_node(order, above->children[index]);
        drop_item(above, index);
        return index;
    }
    if (can_merge(order, above, index)) {
        merge_children(order, slots, above, index);
        return index + 1;
    }
    if (index > 0 && can_merge(order, above, index - 1)) {
        merge_children(order, slots, above, index - 1);
        return index;
    }
    return KV_ORDER_ITEMS;
}

static void shrink_root(kv_order_t *order) {
    kv_order_node_t *root = node_of(order, order->root);
    while (root->is_inner && root->count == 1) {
        uint32_t child = root->children[0];
        give_node(order, order->root);
        order->root = child;
        order->height--;
        root = node_of(order, child);
    }
}

void kv_order_remove(kv_order_t *order, const kv_slot_t *slots, const kv_order_path_t *path) {
    uint32_t gone = path->index[0];
    drop_item(node_of(order, path->node[0]), gone);
    for (uint32_t level = 0; level + 1 < order->height && gone != KV_ORDER_ITEMS; level++) {
        if (gone == 0 && node_of(order, path->node[level])->count > 0) {
            renew_first(order, slots, path, level);
        }
        gone = shrink_child(order, slots, node_of(order, path->node[level + 1]),
                            path->index[level + 1]);
    }
    shrink_root(order);
}
