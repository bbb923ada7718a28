/* Roots and proofs of `kv`: the rules of docs/formats/kv.md computed by hand here, reads as of the
 * last root, and every way to bend a proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <synod/app.h>

#include "app/kv_client.h"
#include "app/kv_state.h"
#include "base/prng.h"
#include "crypto/hash.h"

typedef struct sink {
    uint8_t bytes[16384];
    size_t size;
} sink_t;

/* A get with its answer: what a client verifies. */
typedef struct answer {
    uint8_t query[64];
    size_t query_size;
    sink_t reply, proof;
    synod_digest root;
} answer_t;

static const synod_app *app;
static void *kv;

static bool collect(void *context, synod_bytes bytes) {
    sink_t *to = context;
    if (bytes.size > sizeof to->bytes - to->size) {
        return false;
    }
    memcpy(to->bytes + to->size, bytes.data, bytes.size);
    to->size += bytes.size;
    return true;
}

static bytes_t text(const char *string) {
    return bytes_of(string, strlen(string));
}

static int open_kv(void **memory) {
    (void)memory;
    app = synod_app_kv();
    return app->open(&kv) == SYNOD_OK ? 0 : -1;
}

static int close_kv(void **memory) {
    (void)memory;
    app->close(kv);
    return 0;
}

static void execute(const writer_t *writer) {
    static sink_t reply;
    const synod_block_info block = {.height = 1};
    synod_writer to = {collect, &reply, sizeof reply.bytes};
    reply.size = 0;
    assert_int_equal(app->execute(kv, &block, writer_bytes(writer), &to), SYNOD_OK);
}

static void set(const char *key, bytes_t value) {
    static uint8_t buffer[32768];
    writer_t writer = writer_of(buffer, sizeof buffer);
    kv_encode_set(&writer, text(key), value);
    execute(&writer);
}

static void delete_key(const char *key) {
    uint8_t buffer[64];
    writer_t writer = writer_of(buffer, sizeof buffer);
    kv_encode_delete(&writer, text(key));
    execute(&writer);
}

static synod_digest root_of_state(void) {
    synod_digest root;
    app->root(kv, &root);
    return root;
}

static synod_status ask(const char *key, bool prove, answer_t *answer) {
    writer_t writer = writer_of(answer->query, sizeof answer->query);
    kv_encode_get(&writer, text(key));
    answer->query_size = writer.at;
    answer->reply.size = answer->proof.size = 0;
    synod_writer reply = {collect, &answer->reply, sizeof answer->reply.bytes};
    synod_writer proof = {collect, &answer->proof, sizeof answer->proof.bytes};
    return app->query(kv, writer_bytes(&writer), prove, &reply, &proof);
}

static synod_status verify(const answer_t *answer) {
    return app->verify(&answer->root, bytes_of(answer->query, answer->query_size),
                       bytes_of(answer->reply.bytes, answer->reply.size),
                       bytes_of(answer->proof.bytes, answer->proof.size));
}

/* `expected` NULL = absent. The proof holds under `root`. */
static void check_answer(const char *key, const char *expected, synod_digest root) {
    static answer_t answer;
    assert_int_equal(ask(key, true, &answer), SYNOD_OK);
    answer.root = root;
    kv_maybe_t value;
    assert_true(kv_read_get(bytes_of(answer.reply.bytes, answer.reply.size), &value));
    assert_int_equal(value.present, expected != NULL);
    assert_true(expected == NULL || bytes_equal(value.value, text(expected)));
    assert_int_equal(verify(&answer), SYNOD_OK);
}

/* ---- the rules by hand ---- */

static digest_t leaf_by_hand(const char *key, const char *value) {
    const uint8_t tag = 0;
    digest_t key_digest = hash_bytes(text(key)), value_digest = hash_bytes(text(value));
    const bytes_t parts[] = {bytes_of(&tag, 1), bytes_of(key_digest.bytes, 32),
                             bytes_of(value_digest.bytes, 32)};
    return hash_parts(parts, 3);
}

static digest_t node_by_hand(uint8_t bit, digest_t left, digest_t right) {
    const uint8_t tags[] = {1, bit};
    const bytes_t parts[] = {bytes_of(tags, 2), bytes_of(left.bytes, 32),
                             bytes_of(right.bytes, 32)};
    return hash_parts(parts, 3);
}

static void check_hex(digest_t digest, const char *expected) {
    char hex[65];
    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", digest.bytes[i]);
    }
    assert_string_equal(hex, expected);
}

/* SHA-256("a") = ca97.., SHA-256("b") = 3e23.., SHA-256("c") = 2e7d..: bit 0 parts a from b and c,
 * bit 3 parts c (0010) from b (0011). The digests are those of the page. */
static void test_small_roots(void **state) {
    (void)state;
    check_hex(root_of_state(), "dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986");
    set("a", text("1"));
    digest_t a = leaf_by_hand("a", "1"), b = leaf_by_hand("b", "2"), c = leaf_by_hand("c", "");
    synod_digest root = root_of_state();
    assert_true(digest_equal(&root, &a));
    set("b", text("2"));
    digest_t expected = node_by_hand(0, b, a);
    root = root_of_state();
    assert_true(digest_equal(&root, &expected));
    set("c", text(""));
    expected = node_by_hand(0, node_by_hand(3, c, b), a);
    root = root_of_state();
    assert_true(digest_equal(&root, &expected));
    check_hex(root, "f38284db44433640bf4f174fcf5227f684fb0a8cf0c4c552653ec6d6f4a6ff1f");
    delete_key("b");
    expected = node_by_hand(0, c, a);
    root = root_of_state();
    assert_true(digest_equal(&root, &expected));
}

/* ---- reads as of the last root ---- */

static void test_as_of_last_root(void **state) {
    (void)state;
    check_answer("k", NULL, root_of_state());
    set("before", text("1"));
    synod_digest none;
    none = hash_bytes(bytes_of("\x02", 1));
    check_answer("before", NULL, none); /* no root since: as after open */
    set("same", text("2"));
    set("gone", text("3"));
    synod_digest root = root_of_state();
    set("before", text("changed"));
    set("before", text("changed again"));
    set("new", text("4"));
    delete_key("gone");
    check_answer("before", "1", root);
    check_answer("same", "2", root);
    check_answer("gone", "3", root);
    check_answer("new", NULL, root);
    set("gone", text("back"));
    check_answer("gone", "3", root);
    delete_key("gone");
    check_answer("gone", "3", root);
    delete_key("new");
    check_answer("new", NULL, root);
    static answer_t answer;
    assert_int_equal(ask("before", false, &answer), SYNOD_OK); /* without a proof: as of now */
    kv_maybe_t value;
    assert_true(kv_read_get(bytes_of(answer.reply.bytes, answer.reply.size), &value));
    assert_true(bytes_equal(value.value, text("changed again")));
    assert_int_equal(answer.proof.size, 0);
    root = root_of_state();
    check_answer("before", "changed again", root);
    check_answer("gone", NULL, root);
}

/* Images of large values are kept by giving their block away, a path of its own. */
static void test_large_images(void **state) {
    (void)state;
    static char one[8001], two[8001];
    memset(one, '1', 8000);
    memset(two, '2', 8000);
    for (int round = 0; round < 3; round++) {
        set("k", text(one));
        set("d", text(one));
        synod_digest root = root_of_state();
        set("k", text(two));
        set("k", text("small"));
        delete_key("d");
        check_answer("k", one, root);
        check_answer("d", one, root);
        set("d", text(two));
        check_answer("d", one, root);
        const kv_state_t *inside = kv;
        assert_int_equal(inside->store.images.adopted_count, 2); /* given away, not copied */
        root = root_of_state();
        check_answer("k", "small", root);
        check_answer("d", two, root);
    }
}

static uint32_t count_stale(const kv_trie_t *trie, kv_ref_t ref) {
    if ((ref & KV_REF_LEAF) != 0) {
        return 0;
    }
    const kv_trie_node_t *node = &trie->nodes[ref];
    return (node->stale != 0) + count_stale(trie, node->child[0]) +
           count_stale(trie, node->child[1]);
}

/* Settling leaves nothing to do: what is marked is computed once and not again. */
static void test_nothing_stays_stale(void **state) {
    (void)state;
    prng_t prng = prng_of(7);
    const kv_state_t *inside = kv;
    for (int round = 0; round < 300; round++) {
        for (uint64_t i = prng_below(&prng, 40); i > 0; i--) {
            char key[32];
            (void)snprintf(key, sizeof key, "key %d", (int)prng_below(&prng, 60));
            if (prng_chance(&prng, 500000)) {
                delete_key(key);
            } else {
                set(key, text(key + prng_below(&prng, 4)));
            }
        }
        (void)root_of_state();
        const kv_trie_t *trie = &inside->tree.trie;
        assert_int_equal(trie->nodes[0].stale, 0);
        assert_int_equal(count_stale(trie, trie->nodes[0].child[0]), 0);
        assert_int_equal(inside->store.changes.count, 0);
    }
}

/* All keys go between two roots, in either order: the root of nothing, and it fills again. */
static void test_emptied(void **state) {
    (void)state;
    synod_digest empty = root_of_state();
    char key[] = "key";
    for (int count = 1; count <= 8; count++) {
        for (int backwards = 0; backwards < 2; backwards++) {
            for (int i = 0; i < count; i++) {
                key[0] = (char)('a' + i);
                set(key, text("v"));
            }
            synod_digest full = root_of_state();
            for (int i = 0; i < count; i++) {
                key[0] = (char)('a' + (backwards ? count - 1 - i : i));
                delete_key(key);
            }
            check_answer("aey", "v", full);
            synod_digest root = root_of_state();
            assert_true(digest_equal(&root, &empty));
            check_answer("aey", NULL, empty);
        }
    }
}

/* ---- tampering ---- */

static void fill(int count) {
    for (int i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key %d", i);
        set(key, text(key + 2));
    }
}

/* Whatever bit is bent, and wherever the proof or the reply is cut, it is refused. */
static void check_tampered(answer_t *answer, uint8_t *bytes, size_t *size) {
    for (size_t at = 0; at < *size; at++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            bytes[at] = (uint8_t)(bytes[at] ^ 1u << bit);
            assert_int_not_equal(verify(answer), SYNOD_OK);
            bytes[at] = (uint8_t)(bytes[at] ^ 1u << bit);
        }
    }
    size_t whole = *size;
    for (*size = 0; *size < whole; (*size)++) {
        assert_int_not_equal(verify(answer), SYNOD_OK);
    }
    *size = whole + 1;
    bytes[whole] = 0;
    assert_int_not_equal(verify(answer), SYNOD_OK);
    *size = whole;
    assert_int_equal(verify(answer), SYNOD_OK);
}

static void check_all_tampered(const char *key, synod_digest root) {
    static answer_t answer;
    assert_int_equal(ask(key, true, &answer), SYNOD_OK);
    answer.root = root;
    assert_int_equal(verify(&answer), SYNOD_OK);
    check_tampered(&answer, answer.proof.bytes, &answer.proof.size);
    check_tampered(&answer, answer.reply.bytes, &answer.reply.size);
    for (size_t at = 0; at < 32; at++) {
        answer.root.bytes[at] ^= 1;
        assert_int_equal(verify(&answer), SYNOD_MISMATCH);
        answer.root.bytes[at] ^= 1;
    }
    if (answer.reply.bytes[1] ==
        1) { /* one absence can show that of several keys, a value cannot */
        answer.query[answer.query_size - 1] ^= 1;
        assert_int_not_equal(verify(&answer), SYNOD_OK);
    }
}

static void test_tampered(void **state) {
    (void)state;
    check_all_tampered("of nothing", root_of_state());
    fill(1);
    check_all_tampered("key 0", root_of_state());
    check_all_tampered("absent", root_of_state());
    fill(200);
    synod_digest root = root_of_state();
    for (int i = 0; i < 200; i += 40) {
        char key[32];
        (void)snprintf(key, sizeof key, "key %d", i);
        check_all_tampered(key, root);
        (void)snprintf(key, sizeof key, "absent %d", i);
        check_all_tampered(key, root);
    }
}

/* The attack that hashing `bit` prevents: a real path to the neighbour of a present key, with bits
 * claimed so that this key seems to lead there. Also with the true bits, and for a present key the
 * proof of itself turned into "another leaf". */
static void test_present_key_is_not_proved_absent(void **state) {
    (void)state;
    fill(50);
    synod_digest root = root_of_state();
    digest_t victim = hash_bytes(text("key 7"));
    static answer_t answer;
    for (int i = 0; i < 50; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(ask(key, true, &answer), SYNOD_OK);
        kv_proof_t proof;
        bytes_t bytes = bytes_of(answer.proof.bytes, answer.proof.size);
        assert_int_equal(kv_proof_decode(bytes, &proof), SYNOD_OK);
        proof.end = KV_PROOF_OTHER;
        proof.other_key = hash_bytes(text(key));
        proof.other_value = hash_bytes(text(key + 2));
        assert_int_not_equal(kv_proof_check(&proof, &root, &victim, NULL), SYNOD_OK);
        for (uint16_t step = 0; step < proof.step_count; step++) { /* bits where both agree */
            uint32_t bit = step == 0 ? 255 : proof.steps[step - 1].bit - 1u;
            while (bit > 0 &&
                   ((proof.other_key.bytes[bit / 8] ^ victim.bytes[bit / 8]) >> (7 - bit % 8) &
                    1) != 0) {
                bit--;
            }
            proof.steps[step].bit = (uint8_t)bit;
        }
        assert_int_not_equal(kv_proof_check(&proof, &root, &victim, NULL), SYNOD_OK);
    }
}

/* What no honest tree can give is refused by its form, before any hashing: each of these folds to
 * the root that it is checked against. */
static void test_forms_of_proofs(void **state) {
    (void)state;
    digest_t key = hash_bytes(text("b")), value = hash_bytes(text("2"));
    digest_t other = hash_bytes(text("a"));
    digest_t own_leaf = leaf_by_hand("b", "2"), other_leaf = leaf_by_hand("a", "1");
    kv_proof_t proof = {.end = KV_PROOF_FOUND, .step_count = 2};
    proof.steps[0] = (kv_proof_step_t){9, other_leaf};
    proof.steps[1] = (kv_proof_step_t){4, other_leaf};
    digest_t low = node_by_hand(9, own_leaf, other_leaf); /* SHA-256("b") = 3e23.. */
    digest_t root = node_by_hand(4, other_leaf, low);
    assert_int_equal(kv_proof_check(&proof, &root, &key, &value), SYNOD_OK);
    proof.steps[1].bit = 9; /* bits must shrink */
    root = node_by_hand(9, low, other_leaf);
    assert_int_equal(kv_proof_check(&proof, &root, &key, &value), SYNOD_MALFORMED);
    proof.steps[1].bit = 11;
    root = node_by_hand(11, low, other_leaf);
    assert_int_equal(kv_proof_check(&proof, &root, &key, &value), SYNOD_MALFORMED);
    proof = (kv_proof_t){.end = KV_PROOF_OTHER, .other_key = other, .step_count = 1};
    proof.other_value = hash_bytes(text("1"));
    proof.steps[0] = (kv_proof_step_t){0, own_leaf}; /* SHA-256("a") = ca97..: not on the way */
    root = node_by_hand(0, other_leaf, own_leaf);
    assert_int_equal(kv_proof_check(&proof, &root, &key, NULL), SYNOD_MALFORMED);
    proof.step_count = 0;
    assert_int_equal(kv_proof_check(&proof, &other_leaf, &key, NULL), SYNOD_OK);
    assert_int_equal(kv_proof_check(&proof, &own_leaf, &key, &value), SYNOD_MALFORMED);
    assert_int_equal(kv_proof_check(&proof, &other_leaf, &other, NULL), SYNOD_MALFORMED);
    proof.end = KV_PROOF_FOUND;
    assert_int_equal(kv_proof_check(&proof, &own_leaf, &key, &value), SYNOD_OK);
    assert_int_equal(kv_proof_check(&proof, &other_leaf, &key, NULL), SYNOD_MALFORMED);
}

/* ---- what is not answered ---- */

static void test_refused_queries(void **state) {
    (void)state;
    uint8_t buffer[64];
    static sink_t reply, proof;
    synod_writer to = {collect, &reply, sizeof reply.bytes};
    synod_writer proof_to = {collect, &proof, sizeof proof.bytes};
    fill(3);
    (void)root_of_state();
    writer_t writer = writer_of(buffer, sizeof buffer);
    kv_encode_scan(&writer, text("key"), &(kv_scan_bounds_t){.entries_max = 2});
    assert_int_equal(app->query(kv, writer_bytes(&writer), false, &to, NULL), SYNOD_OK);
    reply.size = 0;
    assert_int_equal(app->query(kv, writer_bytes(&writer), true, &to, &proof_to), SYNOD_APP_ERROR);
    assert_int_equal(reply.bytes[0], KV_NOT_ALLOWED_HERE);
    synod_digest root = root_of_state();
    assert_int_equal(
        app->verify(&root, writer_bytes(&writer), bytes_of("\0\0", 2), bytes_of("\0\0\0", 3)),
        SYNOD_INVALID);
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_set(&writer, text("k"), text("v"));
    reply.size = 0;
    assert_int_equal(app->query(kv, writer_bytes(&writer), false, &to, NULL), SYNOD_APP_ERROR);
    assert_int_equal(reply.bytes[0], KV_NOT_ALLOWED_HERE);
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_get(&writer, text("key 1"));
    to.limit_bytes = KV_REPLY_BYTES_MIN - 1;
    assert_int_equal(app->query(kv, writer_bytes(&writer), false, &to, NULL), SYNOD_TOO_LARGE);
    to.limit_bytes = KV_REPLY_BYTES_MIN;
    reply.size = 0;
    proof.size = sizeof proof.bytes; /* full */
    assert_int_equal(app->query(kv, writer_bytes(&writer), true, &to, &proof_to), SYNOD_TOO_LARGE);
    assert_int_equal(app->query(kv, bytes_of(NULL, 0), false, &to, NULL), SYNOD_APP_ERROR);
}

#define KV_TEST(test) cmocka_unit_test_setup_teardown(test, open_kv, close_kv)

int main(void) {
    const struct CMUnitTest tests[] = {
        KV_TEST(test_small_roots),
        KV_TEST(test_as_of_last_root),
        KV_TEST(test_large_images),
        KV_TEST(test_nothing_stays_stale),
        KV_TEST(test_emptied),
        KV_TEST(test_tampered),
        KV_TEST(test_present_key_is_not_proved_absent),
        KV_TEST(test_forms_of_proofs),
        KV_TEST(test_refused_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
