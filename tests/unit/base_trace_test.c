/* The trace hash: every noted number and character counts, their order counts, a listener does
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/trace.h"

typedef struct entry {
    uint64_t now_ns;
    uint32_t who;
    const char *what;
    uint64_t number[4];
} entry_t;

static void note(trace_t *trace, const entry_t *entry) {
    trace_note(trace, entry->now_ns, entry->who, entry->what, entry->number[0], entry->number[1],
               entry->number[2], entry->number[3]);
}

static uint64_t hash_of(const entry_t *entries, size_t count) {
    trace_t trace = {0};
    for (size_t i = 0; i < count; i++) {
        note(&trace, &entries[i]);
    }
    assert_true(trace.count == count);
    return trace.hash;
}

static const entry_t plain = {1500, 3, "commit", {1, 2, 3, 4}};

/* Numbers of an independent implementation: two builds must agree (rule 9). */
static void hash_is_frozen(void **state) {
    (void)state;
    entry_t entries[] = {plain, {1501, 4, "view_changed", {UINT64_MAX, 0, 7, 0}}};
    assert_true(hash_of(entries, 1) == UINT64_C(0x56a58c41410da64a));
    assert_true(hash_of(entries, 2) == UINT64_C(0x298cc8b8127d0bda));
}

static void all_differ(const uint64_t *hashes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
    }
}

static void every_field_counts(void **state) {
    (void)state;
    entry_t variants[] = {plain, plain, plain, plain, plain, plain, plain, plain};
    variants[1].now_ns++;
    variants[2].who++;
    for (size_t i = 0; i < 4; i++) {
        variants[3 + i].number[i] ^= UINT64_C(1) << 63;
    }
    variants[7].number[0] = plain.number[1];
    variants[7].number[1] = plain.number[0];
    uint64_t hashes[8];
    for (size_t i = 0; i < 8; i++) {
        hashes[i] = hash_of(&variants[i], 1);
    }
    all_differ(hashes, 8);
}

/* Eight characters make a word, so the lengths around eight and sixteen are the ones to try. */
static void every_character_counts(void **state) {
    (void)state;
    static const char *const names[] = {"",
                                        "a",
                                        "b",
                                        "aa",
                                        "aaaaaaa",
                                        "aaaaaaaa",
                                        "aaaaaaaaa",
                                        "aaaaaaab",
                                        "baaaaaaa",
                                        "aaaaaaaab",
                                        "aaaaaaaaba",
                                        "aaaaaaaaab",
                                        "aaaaaaaaaaaaaaaa",
                                        "aaaaaaaaaaaaaaaaa"};
    enum { NAMES = sizeof names / sizeof names[0] };
    uint64_t hashes[NAMES];
    for (size_t i = 0; i < NAMES; i++) {
        entry_t entry = plain;
        entry.what = names[i];
        hashes[i] = hash_of(&entry, 1);
    }
    all_differ(hashes, NAMES);
}

static void order_and_repetition_count(void **state) {
    (void)state;
    entry_t other = plain;
    other.number[3] = 5;
    entry_t forth[] = {plain, other}, back[] = {other, plain}, twice[] = {plain, plain};
    uint64_t hashes[] = {hash_of(forth, 2),  hash_of(back, 2),   hash_of(twice, 2),
                         hash_of(&plain, 1), hash_of(&other, 1), hash_of(NULL, 0)};
    all_differ(hashes, 6);
}

/* Same characters at another address give the same hash. */
static void addresses_do_not_count(void **state) {
    (void)state;
    char copy[16];
    strcpy(copy, plain.what);
    entry_t entry = plain;
    entry.what = copy;
    assert_true(hash_of(&entry, 1) == hash_of(&plain, 1));
}

static void listen(void *context, uint64_t now_ns, uint32_t who, const char *what, uint64_t a,
                   uint64_t b, uint64_t c, uint64_t d) {
    *(entry_t *)context = (entry_t){now_ns, who, what, {a, b, c, d}};
}

static void listener_hears_and_does_not_count(void **state) {
    (void)state;
    entry_t heard = {0};
    trace_t trace = {.line = listen, .context = &heard};
    note(&trace, &plain);
    assert_true(trace.hash == hash_of(&plain, 1));
    assert_memory_equal(&heard.number, &plain.number, sizeof heard.number);
    assert_ptr_equal(heard.what, plain.what);
    assert_true(heard.now_ns == plain.now_ns && heard.who == plain.who);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_frozen),
        cmocka_unit_test(every_field_counts),
        cmocka_unit_test(every_character_counts),
        cmocka_unit_test(order_and_repetition_count),
        cmocka_unit_test(addresses_do_not_count),
        cmocka_unit_test(listener_hears_and_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
