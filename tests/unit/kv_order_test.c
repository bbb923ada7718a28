/* The ordered index of `kv` against a sorted list, and its invariants after every change; the keys
 * that made a trie thousands of levels deep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/kv_order.h"
#include "base/prng.h"

enum { KEYS_MAX = 8300, KEY_BYTES_MAX = 1024 };

/* Keys in order; slot i + 1 holds key i, so that numbers of entries and places differ. */
static struct {
    kv_slot_t slots[KEYS_MAX + 1];
    bool present[KEYS_MAX];
    uint32_t count, present_count;
} list;

static kv_order_t order;

static bytes_t key_at(uint32_t at) {
    return kv_entry_key(list.slots[at + 1].entry);
}

static int compare(const void *a, const void *b) {
    bytes_t left = kv_entry_key(((const kv_slot_t *)a)->entry);
    bytes_t right = kv_entry_key(((const kv_slot_t *)b)->entry);
    size_t common = left.size < right.size ? left.size : right.size;
    int result = common == 0 ? 0 : memcmp(left.data, right.data, common);
    return result != 0 ? result : (left.size > right.size) - (left.size < right.size);
}

static void add_key(const uint8_t *data, size_t size) {
    assert_true(list.count < KEYS_MAX);
    kv_entry_t *entry = calloc(1, sizeof *entry + size);
    assert_non_null(entry);
    entry->key_size = (uint16_t)size;
    if (size > 0) {
        memcpy(entry->bytes, data, size);
    }
    list.slots[++list.count].entry = entry;
}

/* Sorts the list and drops what is there twice. */
static void settle_list(void) {
    qsort(list.slots + 1, list.count, sizeof list.slots[0], compare);
    uint32_t kept = 0;
    for (uint32_t i = 1; i <= list.count; i++) {
        if (kept > 0 && compare(&list.slots[kept], &list.slots[i]) == 0) {
            free(list.slots[i].entry);
        } else {
            list.slots[++kept] = list.slots[i];
        }
    }
    list.count = kept;
    list.present_count = 0;
    memset(list.present, 0, sizeof list.present);
}

static void free_list(void) {
    for (uint32_t i = 1; i <= list.count; i++) {
        free(list.slots[i].entry);
    }
    list.count = 0;
}

static void toggle(uint32_t at) {
    kv_order_path_t path;
    uint32_t leaf = kv_order_find(&order, list.slots, key_at(at), &path);
    assert_int_equal(leaf, list.present[at] ? at + 1 : KV_LEAF_NONE);
    if (list.present[at]) {
        kv_order_remove(&order, list.slots, &path);
        list.present_count--;
    } else {
        kv_order_insert(&order, list.slots, &path, at + 1);
        list.present_count++;
    }
    list.present[at] = !list.present[at];
}

/* ---- invariants ---- */

static const kv_order_node_t *node_of(uint32_t node) {
    return kv_chunks_at(&order.nodes, node);
}

static void check_node(uint32_t at, uint32_t level, uint32_t *nodes, uint32_t *entries) {
    const kv_order_node_t *node = node_of(at);
    (*nodes)++;
    assert_int_equal(node->is_inner, level > 0);
    assert_true(node->count <= KV_ORDER_ITEMS);
    for (uint32_t i = 0; i < node->count; i++) {
        kv_bit_t bit;
        if (i > 0) {
            bytes_t before = kv_entry_key(list.slots[node->leaves[i - 1]].entry);
            bytes_t key = kv_entry_key(list.slots[node->leaves[i]].entry);
            assert_true(kv_key_differ(before, key, &bit));
            assert_int_equal(node->bits[i], bit);
            assert_int_equal(kv_key_side(key, bit), 1);
        }
        if (level == 0) {
            assert_true(list.present[node->leaves[i] - 1]);
            (*entries)++;
            continue;
        }
        const kv_order_node_t *child = node_of(node->children[i]);
        assert_true(child->count > 0);
        assert_int_equal(child->leaves[0], node->leaves[i]);
        if (i > 0) {
            const kv_order_node_t *neighbour = node_of(node->children[i - 1]);
            assert_true(neighbour->count + child->count >= KV_ORDER_PAIR_MIN);
        }
        check_node(node->children[i], level - 1, nodes, entries);
    }
}

/* No node is lost either: what is not in the tree is in the free list. */
static void check_invariants(void) {
    uint32_t nodes = 0, entries = 0;
    check_node(order.root, order.height - 1, &nodes, &entries);
    assert_int_equal(entries, list.present_count);
    assert_true(order.height == 1 || node_of(order.root)->count > 1);
    for (uint32_t free_node = order.free_node; free_node != 0;) {
        nodes++;
        free_node = node_of(free_node)->children[0];
    }
    assert_int_equal(nodes + 1, order.node_count);
}

/* From each key on, present or not, the walk meets exactly what is present. */
static void check_walks(uint32_t step) {
    for (uint32_t from = 0; from < list.count; from += step) {
        kv_order_path_t path;
        (void)kv_order_find(&order, list.slots, key_at(from), &path);
        for (uint32_t at = from; at < list.count; at++) {
            if (list.present[at]) {
                assert_int_equal(kv_order_next(&order, &path), at + 1);
            }
        }
        assert_int_equal(kv_order_next(&order, &path), KV_LEAF_NONE);
        assert_int_equal(kv_order_next(&order, &path), KV_LEAF_NONE);
    }
}

/* ---- tests ---- */

static void test_empty(void **state) {
    (void)state;
    kv_order_open(&order);
    kv_order_path_t path;
    assert_int_equal(kv_order_find(&order, NULL, bytes_of("k", 1), &path), KV_LEAF_NONE);
    assert_int_equal(kv_order_next(&order, &path), KV_LEAF_NONE);
    kv_order_close(&order);
}

/* All strings of up to five letters of {00, 01, 80, ff}: every prefix of a key is a key, and zero
 * bytes are not ends. The empty one too, which the prefix of a scan can be. */
static void test_small_alphabet(void **state) {
    (void)state;
    static const uint8_t letters[] = {0x00, 0x01, 0x80, 0xff};
    for (uint32_t size = 0; size <= 5; size++) {
        for (uint32_t word = 0; word < 1u << (2 * size); word++) {
            uint8_t key[5];
            for (uint32_t i = 0; i < size; i++) {
                key[i] = letters[(word >> (2 * i)) & 3];
            }
            add_key(key, size);
        }
    }
    settle_list();
    assert_int_equal(list.count, 1365);
    kv_order_open(&order);
    prng_t prng = prng_of(1);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 100; i++) {
            toggle((uint32_t)prng_below(&prng, list.count));
            check_invariants();
        }
        check_walks(13);
    }
    kv_order_close(&order);
    free_list();
}

/* Filled and emptied in several orders, all the way up and down. */
static void test_fill_and_empty(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 4000; i++) {
        uint8_t key[] = {'k', 'e', 'y', (uint8_t)(i >> 8), (uint8_t)i};
        add_key(key, sizeof key);
    }
    settle_list();
    kv_order_open(&order);
    const uint32_t strides[] = {1, list.count - 1, 1103, 7};
    for (size_t fill = 0; fill < 4; fill++) {
        for (size_t empty = 0; empty < 4; empty++) {
            for (uint32_t i = 0; i < list.count; i++) {
                toggle((uint32_t)((uint64_t)i * strides[fill] % list.count));
            }
            check_invariants();
            check_walks(1000);
            assert_in_range(order.height, 3, 4);
            if (fill == 0 && empty == 0) { /* keys that come in order fill their nodes */
                assert_in_range(order.node_count, 1, list.count / KV_ORDER_ITEMS + 10);
            }
            for (uint32_t i = 0; i < list.count; i++) {
                toggle((uint32_t)((uint64_t)(i + 17) * strides[empty] % list.count));
                if (i % 97 == 0) {
                    check_invariants();
                }
            }
            check_invariants();
            assert_int_equal(order.height, 1);
        }
    }
    kv_order_close(&order);
    free_list();
}

/* Nodes lose most of their items, in rounds, and get some back, in order: the height follows the
 * entries down, and no node that fills up leaves two small ones side by side. */
static void test_thinned_out(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    for (int i = 0; i < 8000; i++) {
        uint8_t key[12];
        store_u64(key, prng_next(&prng));
        add_key(key, 1 + prng_below(&prng, 8));
    }
    settle_list();
    kv_order_open(&order);
    for (uint32_t at = 0; at < list.count; at++) {
        toggle(at);
    }
    uint32_t height = order.height;
    for (uint32_t step = 2; step < 4096; step *= 2) {
        for (uint32_t at = 0; at < list.count; at++) {
            if (list.present[at] && at % step != 0) {
                toggle(at);
            }
        }
        check_invariants();
        check_walks(500);
        for (uint32_t at = 0; at < list.count; at++) {
            if (!list.present[at] && at % (10 * step) < 3 * step) {
                toggle(at);
            }
        }
        check_invariants();
        for (uint32_t at = 0; at < list.count; at++) {
            if (list.present[at] && at % (2 * step) != 0) {
                toggle(at);
            }
        }
    }
    check_invariants();
    assert_true(order.height < height);
    kv_order_close(&order);
    free_list();
}

/* A full node beside a small one, and a key between them: a new node of one key would make a pair
 * that is too small. */
static void test_full_beside_small(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t key[] = {(uint8_t)(i >> 8), (uint8_t)i};
        add_key(key, sizeof key);
    }
    settle_list();
    kv_order_open(&order);
    for (uint32_t at = 0; at < list.count; at += 2) { /* nodes of 30 keys, every other number */
        toggle(at);
    }
    for (uint32_t at = 60; at < 110; at += 2) { /* of the second one, five are left */
        toggle(at);
    }
    check_invariants();
    toggle(59);
    check_invariants();
    kv_order_close(&order);
    free_list();
}

/* For each bit of one key of the largest size, a key that leaves it there. */
static void test_longest_common_prefixes(void **state) {
    (void)state;
    uint8_t key[KEY_BYTES_MAX] = {0};
    for (uint32_t size = 1; size <= sizeof key; size++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            key[size - 1] = (uint8_t)(1u << bit);
            add_key(key, size);
        }
        key[size - 1] = 0;
    }
    settle_list();
    assert_int_equal(list.count, 8192);
    kv_order_open(&order);
    for (uint32_t i = 0; i < list.count; i++) {
        toggle(i * 1103 % list.count);
    }
    assert_true(order.height <= 4);
    check_invariants();
    check_walks(1000);
    kv_order_close(&order);
    free_list();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_small_alphabet),
        cmocka_unit_test(test_fill_and_empty),
        cmocka_unit_test(test_thinned_out),
        cmocka_unit_test(test_full_beside_small),
        cmocka_unit_test(test_longest_common_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
