/* Hints of `kv`: a key is found under its own entry or not at all, whoever shares its hash or its
 * line; growing forgets; the store answers alike with and without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/kv_hints.h"
#include "app/kv_store.h"
#include "base/prng.h"

enum { ENTRIES = 2000 };

static kv_slot_t slots[ENTRIES + 1]; /* slot 0 is not used */
static kv_hints_t hints;

static bytes_t key_at(uint32_t leaf) {
    return kv_entry_key(slots[leaf].entry);
}

static uint32_t find(uint32_t leaf, uint32_t hash) {
    return kv_hints_find(&hints, slots, key_at(leaf), hash);
}

static int make_entries(void **unused) {
    (void)unused;
    for (uint32_t leaf = 1; leaf <= ENTRIES; leaf++) {
        char key[16];
        int size = snprintf(key, sizeof key, "k%u", leaf);
        slots[leaf].entry = calloc(1, sizeof(kv_entry_t) + (size_t)size);
        slots[leaf].entry->key_size = (uint16_t)size;
        memcpy(slots[leaf].entry->bytes, key, (size_t)size);
    }
    return 0;
}

static int free_entries(void **unused) {
    (void)unused;
    for (uint32_t leaf = 1; leaf <= ENTRIES; leaf++) {
        free(slots[leaf].entry);
    }
    kv_hints_free(&hints);
    return 0;
}

static void test_empty(void **unused) {
    (void)unused;
    assert_int_equal(find(1, 7), KV_LEAF_NONE);
    kv_hints_remove(&hints, 7, 1);
}

/* All of one hash: as many as a line holds are known, the others are not, nobody is mistaken. */
static void test_collisions(void **unused) {
    (void)unused;
    for (uint32_t leaf = 1; leaf <= 20; leaf++) {
        kv_hints_put(&hints, 20, 7, leaf);
    }
    uint32_t known = 0;
    for (uint32_t leaf = 1; leaf <= 20; leaf++) {
        uint32_t found = find(leaf, 7);
        assert_true(found == leaf || found == KV_LEAF_NONE);
        known += found == leaf ? 1 : 0;
    }
    assert_int_equal(known, KV_HINTS_A_LINE);
    assert_int_equal(find(21, 7), KV_LEAF_NONE);
    for (uint32_t leaf = 1; leaf <= 20; leaf++) {
        kv_hints_remove(&hints, 7, leaf);
        assert_int_equal(find(leaf, 7), KV_LEAF_NONE);
    }
    kv_hints_free(&hints);
}

/* A guess names an entry of that hash, or none. */
static void test_guess(void **unused) {
    (void)unused;
    assert_int_equal(kv_hints_guess(&hints, 7), KV_LEAF_NONE);
    kv_hints_load(&hints, 7);
    kv_hints_put(&hints, 20, 7, 3);
    kv_hints_put(&hints, 20, 9, 4);
    assert_int_equal(kv_hints_guess(&hints, 7), 3);
    assert_int_equal(kv_hints_guess(&hints, 9), 4);
    kv_hints_remove(&hints, 7, 3);
    assert_int_equal(kv_hints_guess(&hints, 7), KV_LEAF_NONE);
    kv_hints_free(&hints);
}

static void test_growth_and_recall(void **unused) {
    (void)unused;
    uint32_t known = 0;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t leaf = 1; leaf <= ENTRIES; leaf++) {
            uint32_t hash = kv_hints_hash(key_at(leaf));
            if (find(leaf, hash) == KV_LEAF_NONE) {
                kv_hints_put(&hints, round == 0 ? leaf : ENTRIES, hash, leaf);
            }
        }
    }
    for (uint32_t leaf = 1; leaf <= ENTRIES; leaf++) {
        uint32_t found = find(leaf, kv_hints_hash(key_at(leaf)));
        assert_true(found == leaf || found == KV_LEAF_NONE);
        known += found == leaf ? 1 : 0;
    }
    assert_true(known > ENTRIES * 9 / 10);
    kv_hints_free(&hints);
}

/* Random sets and removals of few keys against a list: hints of what was removed and came back
 * under another number mislead nobody. */
static void test_store_against_a_list(void **unused) {
    (void)unused;
    enum { KEYS = 64 };
    kv_store_t store;
    uint64_t values[KEYS] = {0}; /* 0: absent */
    prng_t prng = prng_of(5);
    kv_store_open(&store);
    for (uint64_t step = 1; step <= 20000; step++) {
        uint8_t key[8];
        uint64_t which = prng_below(&prng, KEYS);
        store_u64(key, which);
        bytes_t next[2] = {bytes_of(key, sizeof key), {NULL, 0}}; /* one without a key */
        kv_store_expect(&store, next, 2);
        kv_spot_t spot = kv_store_find(&store, bytes_of(key, sizeof key));
        assert_int_equal(spot.entry != NULL, values[which] != 0);
        if (spot.entry != NULL) {
            assert_true(load_u64(kv_entry_value(spot.entry).data) == values[which]);
        }
        if (spot.entry != NULL && prng_below(&prng, 3) == 0) {
            kv_store_remove(&store, &spot);
            values[which] = 0;
        } else {
            uint8_t value[8];
            store_u64(value, step);
            kv_store_write(&store, &spot, bytes_of(key, sizeof key), bytes_of(value, sizeof value));
            values[which] = step;
        }
        if (step % 500 == 0) {
            kv_store_settle(&store);
            for (uint32_t at = 0; at < store.settling.count; at++) {
                kv_store_settled(&store, at);
            }
            kv_store_settling_end(&store);
        }
    }
    kv_store_close(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_growth_and_recall),
        cmocka_unit_test(test_store_against_a_list),
    };
    return cmocka_run_group_tests(tests, make_entries, free_entries);
}
