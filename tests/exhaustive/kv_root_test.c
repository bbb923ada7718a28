/* A root of `kv` in pieces, for everything that can happen to one key: what was done to it before
 * the last root, before the one that is asked for, and while that one is computed, item by item.
 * The root is that of the state when it was asked for, and the next one that of the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/kv_client.h"
#include "app/kv_state.h"

/* A large value gives its block away when it changes, a small one is copied (kv_store.c). */
enum { NOTHING, SMALL, LARGE, DELETE, DEEDS };
enum { LARGE_BYTES = 5000, NEIGHBOURS = 3, ITEMS_MAX = 4 };

static const synod_app *app;
static synod_digest expected[DEEDS]; /* by what the key has; NOTHING: it is absent */
static uint32_t roots;

static bool ignore(void *context, synod_bytes bytes) {
    (void)context;
    (void)bytes;
    return true;
}

static void run(void *kv, bytes_t operation) {
    const synod_block_info block = {.size_bytes = sizeof block, .height = 1, .operation_count = 1};
    synod_writer to = {ignore, NULL, 1 << 20};
    assert_int_equal(app->execute(kv, &block, operation, &to), SYNOD_OK);
}

static void put(void *kv, const char *key, size_t size) {
    static const uint8_t value[LARGE_BYTES] = {7};
    static uint8_t bytes[LARGE_BYTES + 64];
    writer_t writer = writer_of(bytes, sizeof bytes);
    kv_encode_set(&writer, bytes_of(key, 1), bytes_of(value, size));
    run(kv, writer_bytes(&writer));
}

/* What the key has afterwards. */
static uint32_t deed(void *kv, uint32_t what, uint32_t has) {
    uint8_t bytes[64];
    writer_t writer = writer_of(bytes, sizeof bytes);
    switch (what) {
    case SMALL:
        put(kv, "k", 40);
        return SMALL;
    case LARGE:
        put(kv, "k", LARGE_BYTES);
        return LARGE;
    case DELETE:
        kv_encode_delete(&writer, bytes_of("k", 1));
        run(kv, writer_bytes(&writer));
        return NOTHING;
    default:
        return has;
    }
}

static void *open_state(void) {
    void *kv;
    assert_int_equal(app->open(&kv), SYNOD_OK);
    for (char key = 'a'; key < 'a' + NEIGHBOURS; key++) {
        put(kv, &key, 20);
    }
    return kv;
}

static void expect_root(void *kv, uint32_t has) {
    synod_digest root;
    app->root(kv, &root);
    assert_true(digest_equal(&root, &expected[has]));
}

/* `deeds`: one before the last root, two before this one, three while it is computed. */
static void play(const uint32_t deeds[6], uint32_t items) {
    void *kv = open_state();
    kv_state_t *inside = kv;
    uint32_t has = NOTHING, had;
    has = deed(kv, deeds[0], has);
    expect_root(kv, has);
    for (uint32_t i = 1; i < 3; i++) {
        has = deed(kv, deeds[i], has);
    }
    app->root_begin(kv);
    had = has;
    for (uint32_t i = 3; i < 6; i++) {
        has = deed(kv, deeds[i], has);
        (void)kv_tree_settle_next(&inside->tree, &inside->store, items);
    }
    synod_digest root;
    while (!app->root_next(kv, &root)) {
    }
    assert_true(digest_equal(&root, &expected[had]));
    expect_root(kv, has);
    app->close(kv);
    roots++;
}

static void test_everything_that_can_happen_to_a_key(void **state) {
    (void)state;
    uint32_t deeds[6];
    for (uint32_t code = 0; code < 1u << 12; code++) {
        for (uint32_t i = 0; i < 6; i++) {
            deeds[i] = code >> 2 * i & 3;
        }
        for (uint32_t items = 0; items < ITEMS_MAX; items++) {
            play(deeds, items);
        }
    }
    assert_int_equal(roots, ITEMS_MAX << 12);
}

/* Closed at any point: nothing leaks, nothing is freed twice (a sanitizer tells). */
static void test_closed_half_way(void **state) {
    (void)state;
    for (uint32_t code = 0; code < 1u << 6; code++) {
        for (uint32_t items = 0; items < 12; items++) {
            void *kv = open_state();
            kv_state_t *inside = kv;
            (void)deed(kv, code & 3, NOTHING);
            synod_digest root;
            app->root(kv, &root);
            (void)deed(kv, code >> 2 & 3, NOTHING);
            app->root_begin(kv);
            (void)kv_tree_settle_next(&inside->tree, &inside->store, items);
            (void)deed(kv, code >> 4, NOTHING);
            app->close(kv);
        }
    }
}

static int setup(void **state) {
    (void)state;
    app = synod_app_kv();
    for (uint32_t what = NOTHING; what < DELETE; what++) {
        void *kv = open_state();
        (void)deed(kv, what, NOTHING);
        app->root(kv, &expected[what]);
        app->close(kv);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_that_can_happen_to_a_key),
        cmocka_unit_test(test_closed_half_way),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
