/* The Merkle rules against the text of RFC 6962, section 2.1, written down naively: roots, audit
 * paths of every leaf for 1 to 9 leaves, and the two ways in which one root could stand for two
 * lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"

enum { LEAVES_MAX = 300, PATH_MAX_NODES = 16 };

static digest_t leaf_number(uint32_t number) {
    uint8_t bytes[4];
    store_u32(bytes, number);
    return hash_leaf(bytes_of(bytes, sizeof bytes));
}

/* H(tag || a || b), spelled out here so that the tags are checked too. */
static digest_t naive_node(const digest_t *left, const digest_t *right) {
    bytes_t parts[] = {bytes_of("\x01", 1), bytes_of(left->bytes, 32), bytes_of(right->bytes, 32)};
    return hash_parts(parts, 3);
}

static size_t split_of(size_t count) {
    size_t split = 1;
    while (2 * split < count) {
        split *= 2;
    }
    return split;
}

static digest_t naive_root(const digest_t *leaves, size_t count) {
    if (count == 1) {
        return leaves[0];
    }
    size_t split = split_of(count);
    digest_t left = naive_root(leaves, split);
    digest_t right = naive_root(leaves + split, count - split);
    return naive_node(&left, &right);
}

static digest_t root_of(const digest_t *leaves, size_t count) {
    static digest_t scratch[LEAVES_MAX];
    assert_true(count <= LEAVES_MAX);
    memcpy(scratch, leaves, count * sizeof scratch[0]);
    return merkle_root(scratch, count);
}

static digest_t digest_from_hex(const char *hex) {
    digest_t digest;
    for (size_t i = 0; i < sizeof digest.bytes; i++) {
        const char *digits = "0123456789abcdef";
        digest.bytes[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) * 16 +
                                    (strchr(digits, hex[2 * i + 1]) - digits));
    }
    return digest;
}

/* The eight entries that the implementations of Certificate Transparency test with. */
static void known_roots(void **state) {
    (void)state;
    static const char *const entries[] = {"",         "\x00", "\x10",     "\x20\x21",
                                          "\x30\x31", "@ABC", "PQRSTUVW", "`abcdefghijklmno"};
    static const size_t sizes[] = {0, 1, 1, 2, 2, 4, 8, 16};
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    digest_t leaves[8];
    for (size_t i = 0; i < 8; i++) {
        leaves[i] = hash_leaf(bytes_of(entries[i], sizes[i]));
        digest_t root = root_of(leaves, i + 1), expected = digest_from_hex(roots[i]);
        assert_memory_equal(root.bytes, expected.bytes, sizeof root.bytes);
    }
}

static void roots_against_the_recursive_definition(void **state) {
    (void)state;
    static digest_t leaves[LEAVES_MAX];
    for (uint32_t i = 0; i < LEAVES_MAX; i++) {
        leaves[i] = leaf_number(i);
    }
    for (size_t count = 1; count <= LEAVES_MAX; count++) {
        digest_t root = root_of(leaves, count), expected = naive_root(leaves, count);
        assert_memory_equal(root.bytes, expected.bytes, sizeof root.bytes);
    }
    digest_t none = merkle_root(NULL, 0);
    assert_true(digest_is_zero(&none));
}

/* PATH(m, D[n]) of the RFC, from the leaf up; `from_left` says on which side each node stands. */
static size_t naive_path(const digest_t *leaves, size_t count, size_t index, digest_t *path,
                         bool *from_left) {
    if (count == 1) {
        return 0;
    }
    size_t split = split_of(count);
    bool right = index >= split;
    size_t length = right
                        ? naive_path(leaves + split, count - split, index - split, path, from_left)
                        : naive_path(leaves, split, index, path, from_left);
    path[length] = right ? naive_root(leaves, split) : naive_root(leaves + split, count - split);
    from_left[length] = right;
    return length + 1;
}

static void audit_paths_of_one_to_nine_leaves(void **state) {
    (void)state;
    /* Lengths by hand, from the shapes drawn in section 2.1.3 of the RFC and their like. */
    static const char *const lengths[] = {"",      "0",      "11",      "221",      "2222",
                                          "33331", "333322", "3333332", "33333333", "444444441"};
    digest_t leaves[9];
    for (uint32_t i = 0; i < 9; i++) {
        leaves[i] = leaf_number(i);
    }
    for (size_t count = 1; count <= 9; count++) {
        digest_t root = root_of(leaves, count);
        for (size_t index = 0; index < count; index++) {
            digest_t path[PATH_MAX_NODES];
            bool from_left[PATH_MAX_NODES];
            size_t length = naive_path(leaves, count, index, path, from_left);
            assert_int_equal(length, lengths[count][index] - '0');
            digest_t folded = leaves[index];
            for (size_t i = 0; i < length; i++) {
                folded = from_left[i] ? hash_node(&path[i], &folded) : hash_node(&folded, &path[i]);
            }
            assert_memory_equal(folded.bytes, root.bytes, sizeof root.bytes);
        }
    }
}

/* The two digests of a node, shown as the content of a leaf: the tags keep the hashes apart. */
static void a_node_is_never_a_leaf(void **state) {
    (void)state;
    digest_t pair[] = {leaf_number(1), leaf_number(2)};
    digest_t root = root_of(pair, 2);
    uint8_t content[64];
    memcpy(content, pair[0].bytes, 32);
    memcpy(content + 32, pair[1].bytes, 32);
    digest_t as_leaf = hash_leaf(bytes_of(content, sizeof content));
    digest_t untagged = hash_bytes(bytes_of(content, sizeof content));
    assert_false(digest_equal(&root, &as_leaf));
    assert_false(digest_equal(&root, &untagged));

    uint8_t tagged[65] = {0};
    memcpy(tagged + 1, content, sizeof content);
    digest_t expected = hash_bytes(bytes_of(tagged, sizeof tagged));
    assert_true(digest_equal(&as_leaf, &expected));
    tagged[0] = 1;
    expected = hash_bytes(bytes_of(tagged, sizeof tagged));
    assert_true(digest_equal(&root, &expected));
}

/* A last leaf without a partner is not doubled (in Bitcoin it is: CVE-2012-2459). */
static void a_doubled_last_leaf_changes_the_root(void **state) {
    (void)state;
    digest_t leaves[8];
    for (uint32_t i = 0; i < 7; i++) {
        leaves[i] = leaf_number(i);
        leaves[i + 1] = leaves[i];
        digest_t single = root_of(leaves, i + 1), doubled = root_of(leaves, i + 2);
        assert_false(digest_equal(&single, &doubled));
    }
}

static void order_and_count_matter(void **state) {
    (void)state;
    digest_t forth[] = {leaf_number(1), leaf_number(2), leaf_number(3)};
    digest_t back[] = {forth[0], forth[2], forth[1]};
    digest_t root = root_of(forth, 3), swapped = root_of(back, 3), fewer = root_of(forth, 2);
    assert_false(digest_equal(&root, &swapped));
    assert_false(digest_equal(&root, &fewer));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_roots),
        cmocka_unit_test(roots_against_the_recursive_definition),
        cmocka_unit_test(audit_paths_of_one_to_nine_leaves),
        cmocka_unit_test(a_node_is_never_a_leaf),
        cmocka_unit_test(a_doubled_last_leaf_changes_the_root),
        cmocka_unit_test(order_and_count_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
