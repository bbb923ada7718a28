/* The trie of `kv` against a sorted list: order, search, insertion, removal, shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/kv_trie.h"
#include "base/prng.h"

enum { KEYS_MAX = 600 };

/* The list: keys in order, `present` says which the trie holds; the leaf of a key is its place. */
typedef struct list {
    bytes_t keys[KEYS_MAX];
    bool present[KEYS_MAX];
    uint32_t count;
} list_t;

static list_t list;
static kv_trie_cursor_t cursor;

static int compare(const void *a, const void *b) {
    const bytes_t *left = a, *right = b;
    size_t common = left->size < right->size ? left->size : right->size;
    int order = common == 0 ? 0 : memcmp(left->data, right->data, common);
    return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

static void add_key(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    assert_true(list.count < KEYS_MAX);
    list.keys[list.count++] = bytes_of(copy, size);
}

/* Sorts the list and drops what is there twice. */
static void settle_list(void) {
    qsort(list.keys, list.count, sizeof list.keys[0], compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        if (kept > 0 && compare(&list.keys[kept - 1], &list.keys[i]) == 0) {
            free((void *)(uintptr_t)list.keys[i].data);
        } else {
            list.keys[kept++] = list.keys[i];
        }
    }
    list.count = kept;
    memset(list.present, 0, sizeof list.present);
}

static void free_list(void) {
    for (uint32_t i = 0; i < list.count; i++) {
        free((void *)(uintptr_t)list.keys[i].data);
    }
    list.count = 0;
}

static bytes_t closest_key(const kv_trie_t *trie, bytes_t key) {
    uint32_t leaf = kv_trie_closest(trie, key);
    return leaf == KV_LEAF_NONE ? bytes_of(NULL, 0) : list.keys[leaf];
}

static void toggle(kv_trie_t *trie, uint32_t at) {
    bytes_t key = list.keys[at];
    if (list.present[at]) {
        assert_int_equal(kv_trie_closest(trie, key), at);
        kv_trie_remove(trie, key);
    } else {
        kv_trie_insert(trie, key, closest_key(trie, key), at);
        assert_int_equal(kv_trie_closest(trie, key), at);
    }
    list.present[at] = !list.present[at];
}

/* A walk meets exactly what is present, in order; a search finds each, and for what is absent a
 * leaf that is not it. */
static void check_all(const kv_trie_t *trie) {
    kv_trie_start(&cursor, trie);
    for (uint32_t at = 0; at < list.count; at++) {
        uint32_t leaf = kv_trie_closest(trie, list.keys[at]);
        if (list.present[at]) {
            assert_int_equal(leaf, at);
            assert_int_equal(kv_trie_next(&cursor), at);
        } else {
            assert_int_not_equal(leaf, at);
            assert_true(leaf == KV_LEAF_NONE || list.present[leaf]);
        }
    }
    assert_int_equal(kv_trie_next(&cursor), KV_LEAF_NONE);
    assert_int_equal(kv_trie_next(&cursor), KV_LEAF_NONE);
}

static void test_empty(void **state) {
    (void)state;
    kv_trie_t trie;
    kv_trie_open(&trie);
    list.count = 0;
    bytes_t key = bytes_of("k", 1);
    assert_int_equal(kv_trie_closest(&trie, key), KV_LEAF_NONE);
    kv_trie_start(&cursor, &trie);
    assert_int_equal(kv_trie_next(&cursor), KV_LEAF_NONE);
    kv_trie_close(&trie);
}

/* All strings of up to four letters of {00, 01, 80, ff}: every prefix of a key is a key, and zero
 * bytes are not ends. */
static void test_small_alphabet(void **state) {
    (void)state;
    static const uint8_t letters[] = {0x00, 0x01, 0x80, 0xff};
    for (uint32_t size = 0; size <= 4; size++) {
        for (uint32_t word = 0; word < 1u << (2 * size); word++) {
            uint8_t key[4];
            for (uint32_t i = 0; i < size; i++) {
                key[i] = letters[(word >> (2 * i)) & 3];
            }
            add_key(key, size);
        }
    }
    settle_list();
    assert_int_equal(list.count, 341);
    kv_trie_t trie;
    kv_trie_open(&trie);
    prng_t prng = prng_of(1);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 200; i++) {
            toggle(&trie, (uint32_t)prng_below(&prng, list.count));
        }
        check_all(&trie);
    }
    kv_trie_close(&trie);
    free_list();
}

static void test_random_keys(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    for (int i = 0; i < 300; i++) {
        uint8_t key[40];
        size_t size = 1 + prng_below(&prng, sizeof key);
        size_t shared = prng_below(&prng, size + 1);
        for (size_t at = 0; at < size; at++) {
            key[at] = at < shared ? 'p' : (uint8_t)prng_next(&prng);
        }
        add_key(key, size);
    }
    settle_list();
    kv_trie_t trie;
    kv_trie_open(&trie);
    for (int i = 0; i < 5000; i++) {
        toggle(&trie, (uint32_t)prng_below(&prng, list.count));
        if (i % 250 == 0) {
            check_all(&trie);
        }
    }
    assert_in_range(trie.node_count, 1, list.count); /* nodes are used again */
    kv_trie_close(&trie);
    free_list();
}

/* The same set has the same shape, whatever happened before: compared by walking both. */
static void check_same_shape(const kv_trie_t *a, kv_ref_t left, const kv_trie_t *b,
                             kv_ref_t right) {
    assert_int_equal(left & KV_REF_LEAF, right & KV_REF_LEAF);
    if ((left & KV_REF_LEAF) != 0) {
        assert_int_equal(left, right);
        return;
    }
    assert_int_equal(a->nodes[left].bit, b->nodes[right].bit);
    for (uint32_t side = 0; side < 2; side++) {
        check_same_shape(a, a->nodes[left].child[side], b, b->nodes[right].child[side]);
    }
}

static void test_shape_has_no_history(void **state) {
    (void)state;
    prng_t prng = prng_of(3);
    for (int i = 0; i < 500; i++) {
        uint8_t key[3];
        store_u16(key, (uint16_t)prng_next(&prng));
        key[2] = (uint8_t)prng_next(&prng);
        add_key(key, 1 + prng_below(&prng, 3));
    }
    settle_list();
    kv_trie_t wild, plain;
    kv_trie_open(&wild);
    kv_trie_open(&plain);
    for (int i = 0; i < 20000; i++) {
        toggle(&wild, (uint32_t)prng_below(&prng, list.count));
    }
    for (uint32_t at = list.count; at-- > 0;) {
        if (list.present[at]) {
            kv_trie_insert(&plain, list.keys[at], closest_key(&plain, list.keys[at]), at);
        }
    }
    check_same_shape(&wild, wild.nodes[0].child[0], &plain, plain.nodes[0].child[0]);
    kv_trie_close(&wild);
    kv_trie_close(&plain);
    free_list();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_small_alphabet),
        cmocka_unit_test(test_random_keys),
        cmocka_unit_test(test_shape_has_no_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
