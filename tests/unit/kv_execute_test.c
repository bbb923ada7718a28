/* What each operation of `kv` does and replies, as a client sees it through synod_app. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/kv_client.h"
#include "app/kv_state.h"

/* Collects what the application writes. */
typedef struct sink {
    uint8_t bytes[KV_REPLY_BYTES_MAX];
    size_t size;
    bool refuse;
} sink_t;

static sink_t sink;
static uint8_t buffer[KV_OPERATION_BYTES_MAX];
static uint8_t large[KV_VALUE_BYTES_MAX];

static bool collect(void *context, synod_bytes bytes) {
    sink_t *to = context;
    if (to->refuse || bytes.size > sizeof to->bytes - to->size) {
        return false;
    }
    memcpy(to->bytes + to->size, bytes.data, bytes.size);
    to->size += bytes.size;
    return true;
}

static bytes_t text(const char *string) {
    return bytes_of(string, strlen(string));
}

static kv_maybe_t some(const char *string) {
    return (kv_maybe_t){.present = true, .value = text(string)};
}

static kv_maybe_t none(void) {
    return (kv_maybe_t){.present = false};
}

static int open_kv(void **memory) {
    return synod_app_kv()->open(memory) == SYNOD_OK ? 0 : -1;
}

static int close_kv(void **memory) {
    synod_app_kv()->close(*memory);
    return 0;
}

static writer_t start(void) {
    return writer_of(buffer, sizeof buffer);
}

static synod_status execute_within(void *kv, const writer_t *writer, size_t limit_bytes) {
    assert_false(writer->failed);
    const synod_block_info block = {.height = 1};
    synod_writer reply = {collect, &sink, limit_bytes};
    sink.size = 0;
    return synod_app_kv()->execute(kv, &block, writer_bytes(writer), &reply);
}

static synod_status execute(void *kv, const writer_t *writer) {
    return execute_within(kv, writer, KV_REPLY_BYTES_MAX);
}

static void check_reply(const void *expected, size_t size) {
    assert_int_equal(sink.size, size);
    assert_memory_equal(sink.bytes, expected, size);
}

#define CHECK_REPLY(...)                                                                           \
    do {                                                                                           \
        static const uint8_t expected[] = {__VA_ARGS__};                                           \
        check_reply(expected, sizeof expected);                                                    \
    } while (0)

static void check_error(void *kv, const writer_t *writer, kv_error_t error, uint16_t index) {
    assert_int_equal(execute(kv, writer), SYNOD_APP_ERROR);
    uint8_t expected[3] = {(uint8_t)error};
    store_u16(expected + 1, index);
    check_reply(expected, sizeof expected);
}

static void set(void *kv, const char *key, bytes_t value) {
    writer_t writer = start();
    kv_encode_set(&writer, text(key), value);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
}

static void check_value(void *kv, const char *key, kv_maybe_t expected) {
    writer_t writer = start();
    kv_encode_get(&writer, text(key));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    kv_maybe_t value;
    assert_true(kv_read_get(bytes_of(sink.bytes, sink.size), &value));
    assert_int_equal(value.present, expected.present);
    assert_true(bytes_equal(value.value, expected.value));
}

static synod_digest root_of(void *kv) {
    synod_digest root;
    synod_app_kv()->root(kv, &root);
    return root;
}

static void test_get_set_delete(void **memory) {
    void *kv = *memory;
    writer_t writer = start();
    kv_encode_get(&writer, text("k"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 0);
    writer = start();
    kv_encode_set(&writer, text("k"), text("one"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 0);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 1);
    writer = start();
    kv_encode_get(&writer, text("k"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 1, 3, 0, 0, 0, 'o', 'n', 'e');
    writer = start();
    kv_encode_delete(&writer, text("k"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 1);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 0);
    check_value(kv, "k", none());
}

static void test_values_of_all_sizes(void **memory) {
    static const size_t sizes[] = {0, 1, 7, 100, 4096, 4097, KV_VALUE_BYTES_MAX, 5000, 3, 0};
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        kv_maybe_t value = {true, bytes_of(large + i, sizes[i] - (sizes[i] > i ? i : 0))};
        set(*memory, "k", value.value);
        check_value(*memory, "k", value);
        if (i % 2 == 0) {
            (void)root_of(*memory);
        }
        check_value(*memory, "k", value);
    }
}

static void test_swap(void **memory) {
    void *kv = *memory;
    writer_t writer = start();
    kv_encode_swap(&writer, text("k"), (kv_condition_t){.kind = KV_PRESENT}, some("v"));
    check_error(kv, &writer, KV_NOT_MET, KV_INDEX_WHOLE);
    writer = start();
    kv_encode_swap(&writer, text("k"), (kv_condition_t){KV_EQUALS, text("")}, some("v"));
    check_error(kv, &writer, KV_NOT_MET, KV_INDEX_WHOLE);
    writer = start();
    kv_encode_swap(&writer, text("k"), (kv_condition_t){.kind = KV_ABSENT}, some("v"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0);
    check_error(kv, &writer, KV_NOT_MET, KV_INDEX_WHOLE);
    writer = start();
    kv_encode_swap(&writer, text("k"), (kv_condition_t){KV_EQUALS, text("x")}, some("w"));
    check_error(kv, &writer, KV_NOT_MET, KV_INDEX_WHOLE);
    check_value(kv, "k", some("v"));
    writer = start();
    kv_encode_swap(&writer, text("k"), (kv_condition_t){KV_EQUALS, text("v")}, some("w"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    check_value(kv, "k", some("w"));
    writer = start();
    kv_encode_swap(&writer, text("k"), (kv_condition_t){.kind = KV_PRESENT}, none());
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    check_value(kv, "k", none());
}

static void increment(writer_t *writer, int64_t delta) {
    *writer = start();
    kv_encode_increment(writer, text("n"), delta);
}

static void test_increment(void **memory) {
    void *kv = *memory;
    writer_t writer;
    increment(&writer, -3);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    increment(&writer, INT64_MIN);
    check_error(kv, &writer, KV_OVERFLOW, KV_INDEX_WHOLE);
    increment(&writer, INT64_MIN + 3);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    check_value(kv, "n", (kv_maybe_t){true, bytes_of("\0\0\0\0\0\0\0\x80", 8)});
    increment(&writer, -1);
    check_error(kv, &writer, KV_OVERFLOW, KV_INDEX_WHOLE);
    increment(&writer, INT64_MAX);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    increment(&writer, INT64_MAX);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    increment(&writer, 2);
    check_error(kv, &writer, KV_OVERFLOW, KV_INDEX_WHOLE);
    increment(&writer, 1);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    check_value(kv, "n", (kv_maybe_t){true, bytes_of("\xff\xff\xff\xff\xff\xff\xff\x7f", 8)});
    increment(&writer, 1);
    check_error(kv, &writer, KV_OVERFLOW, KV_INDEX_WHOLE);
    set(kv, "n", text("seven b"));
    increment(&writer, 0);
    check_error(kv, &writer, KV_NOT_A_NUMBER, KV_INDEX_WHOLE);
    check_value(kv, "n", some("seven b"));
}

static void test_check(void **memory) {
    void *kv = *memory;
    set(kv, "k", text("v"));
    static const bool met[] = {false, true, true};
    for (int kind = KV_ABSENT; kind <= KV_PRESENT; kind++) {
        writer_t writer = start();
        kv_encode_check(&writer, text("k"), (kv_condition_t){(kv_condition_kind_t)kind, text("v")});
        if (met[kind]) {
            assert_int_equal(execute(kv, &writer), SYNOD_OK);
            CHECK_REPLY(0);
        } else {
            check_error(kv, &writer, KV_NOT_MET, KV_INDEX_WHOLE);
        }
    }
}

/* Later members see what earlier ones did, over what the store has. */
static void test_transaction_sees_itself(void **memory) {
    void *kv = *memory;
    set(kv, "a", text("1"));
    writer_t writer = start();
    kv_encode_transaction(&writer, 7);
    kv_encode_set(&writer, text("b"), text("2"));
    kv_encode_get(&writer, text("b"));
    kv_encode_delete(&writer, text("a"));
    kv_encode_check(&writer, text("a"), (kv_condition_t){.kind = KV_ABSENT});
    kv_encode_increment(&writer, text("n"), 5);
    kv_encode_increment(&writer, text("n"), 6);
    kv_encode_swap(&writer, text("b"), (kv_condition_t){KV_EQUALS, text("2")}, some("3"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(0, 7, 0, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 1, 1, 0, 0, 0, '2', 2, 0, 0, 0, 0, 1, 1,
                0, 0, 0, 0, 9, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 11, 0, 0, 0, 0, 0,
                0, 0, 1, 0, 0, 0, 0);
    check_value(kv, "a", none());
    check_value(kv, "b", some("3"));
    check_value(kv, "n", (kv_maybe_t){true, bytes_of("\x0b\0\0\0\0\0\0\0", 8)});
}

static void test_transaction_aborts_whole(void **memory) {
    void *kv = *memory;
    set(kv, "a", text("1"));
    set(kv, "b", text("2"));
    synod_digest before = root_of(kv);
    writer_t writer = start();
    kv_encode_transaction(&writer, 4);
    kv_encode_set(&writer, text("a"), text("changed"));
    kv_encode_delete(&writer, text("b"));
    kv_encode_set(&writer, text("c"), text("new"));
    kv_encode_check(&writer, text("b"), (kv_condition_t){.kind = KV_PRESENT});
    check_error(kv, &writer, KV_NOT_MET, 3);
    check_value(kv, "a", some("1"));
    check_value(kv, "b", some("2"));
    check_value(kv, "c", none());
    synod_digest after = root_of(kv);
    assert_true(digest_equal(&before, &after));
}

/* A reply over its bound, or one that the caller does not take, leaves the state as it was. */
static void test_reply_bounds(void **memory) {
    void *kv = *memory;
    set(kv, "k", bytes_of(large, 100));
    writer_t writer = start();
    kv_encode_get(&writer, text("k"));
    assert_int_equal(execute_within(kv, &writer, 106), SYNOD_OK);
    assert_int_equal(execute_within(kv, &writer, 105), SYNOD_APP_ERROR);
    CHECK_REPLY(KV_REPLY_SIZE, 0xff, 0xff);
    writer = start();
    kv_encode_transaction(&writer, 2);
    kv_encode_set(&writer, text("x"), text("y"));
    kv_encode_get(&writer, text("k"));
    assert_int_equal(execute_within(kv, &writer, 100), SYNOD_APP_ERROR);
    CHECK_REPLY(KV_REPLY_SIZE, 1, 0);
    check_value(kv, "x", none());
    writer = start();
    kv_encode_set(&writer, text("x"), text("y"));
    assert_int_equal(execute_within(kv, &writer, KV_REPLY_BYTES_MIN - 1), SYNOD_APP_ERROR);
    assert_int_equal(sink.size, 0);
    sink.refuse = true;
    assert_int_equal(execute(kv, &writer), SYNOD_APP_ERROR);
    sink.refuse = false;
    check_value(kv, "x", none());
    writer = start();
    kv_encode_set(&writer, text("x"), text("y"));
    assert_int_equal(execute_within(kv, &writer, KV_REPLY_BYTES_MIN), SYNOD_OK);
    check_value(kv, "x", some("y"));
}

/* Two values of the largest size do not fit one reply; one does. */
static void test_largest_reply(void **memory) {
    void *kv = *memory;
    set(kv, "k", bytes_of(large, sizeof large));
    writer_t writer = start();
    kv_encode_transaction(&writer, 2);
    kv_encode_get(&writer, text("k"));
    kv_encode_get(&writer, text("k"));
    check_error(kv, &writer, KV_REPLY_SIZE, 1);
    check_value(kv, "k", (kv_maybe_t){true, bytes_of(large, sizeof large)});
}

static void test_state_bound(void **memory) {
    kv_state_t *kv = *memory;
    kv->view.used_bytes_max = 2 * kv_store_charge(1, 10);
    set(kv, "a", bytes_of(large, 10));
    set(kv, "b", bytes_of(large, 10));
    writer_t writer = start();
    kv_encode_set(&writer, text("b"), bytes_of(large, 11));
    check_error(kv, &writer, KV_STATE_FULL, KV_INDEX_WHOLE);
    writer = start();
    kv_encode_increment(&writer, text("c"), 1);
    check_error(kv, &writer, KV_STATE_FULL, KV_INDEX_WHOLE);
    check_value(kv, "b", (kv_maybe_t){true, bytes_of(large, 10)});
    writer = start();
    kv_encode_transaction(&writer, 2);
    kv_encode_delete(&writer, text("a"));
    kv_encode_set(&writer, text("c"), bytes_of(large, 10));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    set(kv, "c", bytes_of(large, 9));
    kv->view.used_bytes_max = 1; /* over the bound already: shrinking is still allowed */
    set(kv, "c", bytes_of(large, 8));
    assert_int_equal(kv->store.used_bytes, kv_store_charge(1, 8) + kv_store_charge(1, 10));
}

/* Scans with the given bounds and checks the keys that come, one character each. */
static bool scan(void *kv, const char *prefix, kv_scan_bounds_t bounds, const char *expected) {
    writer_t writer = start();
    kv_encode_scan(&writer, text(prefix), &bounds);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    kv_scan_reader_t reader;
    assert_true(kv_read_scan(bytes_of(sink.bytes, sink.size), bounds.keys_only, &reader));
    bytes_t key, value;
    while (kv_read_scan_next(&reader, &key, &value)) {
        assert_true(*expected != '\0' && key.data[key.size - 1] == (uint8_t)*expected);
        assert_int_equal(value.size, bounds.keys_only ? 0 : 10);
        expected++;
    }
    assert_true(kv_read_scan_complete(&reader));
    assert_int_equal(*expected, '\0');
    return reader.more;
}

static void test_scan(void **memory) {
    void *kv = *memory;
    static const char *const keys[] = {"pb", "pa", "q", "p", "pc", "o", "pba"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        set(kv, keys[i], bytes_of(large, 10));
    }
    assert_false(scan(kv, "", (kv_scan_bounds_t){.keys_only = true}, "opabacq"));
    assert_false(scan(kv, "p", (kv_scan_bounds_t){.keys_only = false}, "pabac"));
    assert_false(scan(kv, "pb", (kv_scan_bounds_t){.keys_only = false}, "ba"));
    assert_false(scan(kv, "x", (kv_scan_bounds_t){.keys_only = false}, ""));
    assert_true(scan(kv, "p", (kv_scan_bounds_t){.entries_max = 2}, "pa"));
    assert_true(scan(kv, "p", (kv_scan_bounds_t){.after = text("pa"), .entries_max = 2}, "ba"));
    assert_false(scan(kv, "p", (kv_scan_bounds_t){.after = text("pba"), .entries_max = 1}, "c"));
    assert_false(scan(kv, "p", (kv_scan_bounds_t){.after = text("pc")}, ""));
    assert_false(scan(kv, "p", (kv_scan_bounds_t){.after = text("a")}, "pabac"));
    assert_false(scan(kv, "p", (kv_scan_bounds_t){.after = text("z")}, ""));
    /* p takes 17 bytes, pa 18: exactly two fit, one byte less gives one. */
    assert_true(scan(kv, "p", (kv_scan_bounds_t){.bytes_max = 35}, "pa"));
    assert_true(scan(kv, "p", (kv_scan_bounds_t){.bytes_max = 34}, "p"));
    writer_t writer = start();
    kv_encode_scan(&writer, text("p"), &(kv_scan_bounds_t){.bytes_max = 16});
    check_error(kv, &writer, KV_REPLY_SIZE, KV_INDEX_WHOLE);
    assert_int_equal(execute_within(kv, &writer, 22), SYNOD_APP_ERROR);
}

/* No entry that fits a state is too large for a scan. */
static void test_scan_passes_the_largest_entry(void **memory) {
    char key[KV_KEY_BYTES_MAX + 1] = {0};
    memset(key, 'k', KV_KEY_BYTES_MAX);
    set(*memory, key, bytes_of(large, sizeof large));
    writer_t writer = start();
    kv_encode_scan(&writer, text(""), &(kv_scan_bounds_t){.entries_max = 1});
    assert_int_equal(execute(*memory, &writer), SYNOD_OK);
    assert_int_equal(sink.size, 6 + 2 + KV_KEY_BYTES_MAX + 4 + sizeof large);
}

static void test_bad_bytes(void **memory) {
    const synod_app *app = synod_app_kv();
    writer_t writer = start();
    kv_encode_transaction(&writer, 2);
    kv_encode_set(&writer, text("k"), text("v"));
    kv_encode_get(&writer, text(""));
    check_error(*memory, &writer, KV_BAD_KEY_SIZE, 1);
    check_value(*memory, "k", none());
    assert_int_equal(app->check(*memory, bytes_of("\x09", 1)), SYNOD_INVALID);
    assert_int_equal(app->check(*memory, bytes_of(NULL, 0)), SYNOD_INVALID);
    writer = start();
    kv_encode_get(&writer, text("k"));
    assert_int_equal(app->check(*memory, writer_bytes(&writer)), SYNOD_OK);
}

/* The readers for clients: what they return, and that they refuse every cut of a reply. */
static void test_readers(void **memory) {
    void *kv = *memory;
    writer_t writer = start();
    kv_encode_transaction(&writer, 3);
    kv_encode_set(&writer, text("k"), text("v"));
    kv_encode_increment(&writer, text("n"), -7);
    kv_encode_get(&writer, text("k"));
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    reader_t members;
    uint16_t count, index;
    bytes_t reply;
    bool was_present = true;
    int64_t number;
    kv_maybe_t value;
    assert_int_equal(kv_read_error(bytes_of(sink.bytes, sink.size), &index), KV_OK);
    assert_true(kv_read_transaction(bytes_of(sink.bytes, sink.size), &members, &count));
    assert_int_equal(count, 3);
    assert_true(kv_read_member(&members, &reply));
    assert_true(kv_read_was_present(reply, &was_present));
    assert_false(was_present);
    assert_false(kv_read_was_present(bytes_of(reply.data, reply.size - 1), &was_present));
    assert_true(kv_read_member(&members, &reply));
    assert_true(kv_read_increment(reply, &number));
    assert_int_equal(number, -7);
    assert_false(kv_read_increment(bytes_of(reply.data, reply.size - 1), &number));
    assert_true(kv_read_member(&members, &reply));
    assert_true(kv_read_get(reply, &value));
    assert_true(bytes_equal(value.value, text("v")));
    for (size_t cut = 0; cut < reply.size; cut++) {
        assert_false(kv_read_get(bytes_of(reply.data, cut), &value));
    }
    assert_true(reader_done(&members));
    assert_false(kv_read_member(&members, &reply));
    writer = start();
    kv_encode_get(&writer, text(""));
    assert_int_equal(execute(kv, &writer), SYNOD_APP_ERROR);
    assert_int_equal(kv_read_error(bytes_of(sink.bytes, sink.size), &index), KV_BAD_KEY_SIZE);
    assert_int_equal(index, KV_INDEX_WHOLE);
    assert_int_equal(kv_read_error(bytes_of(sink.bytes, 2), &index), KV_MALFORMED);
    assert_false(kv_read_get(bytes_of(sink.bytes, sink.size), &value));
    assert_int_equal(kv_read_error(bytes_of(NULL, 0), &index), KV_MALFORMED);
}

/* Whatever is announced, known keys, unknown ones, or bytes that are no operation: nothing changes,
 * and what runs then runs alike. */
static void test_expecting_changes_nothing(void **memory) {
    void *kv = *memory;
    enum { KEYS = 70 };
    static uint8_t encoded[KEYS + 3][64];
    bytes_t operations[KEYS + 3] = {[KEYS] = bytes_of("\x02", 1), [KEYS + 2] = {NULL, 0}};
    for (uint8_t i = 0; i < KEYS; i++) {
        writer_t writer = writer_of(encoded[i], sizeof encoded[i]);
        kv_encode_set(&writer, bytes_of(&i, 1), text("v"));
        operations[i] = writer_bytes(&writer);
        if (i % 2 == 0) {
            assert_int_equal(execute(kv, &writer), SYNOD_OK);
        }
    }
    writer_t scan = writer_of(encoded[KEYS], sizeof encoded[KEYS]);
    kv_encode_scan(&scan, text("p"), &(kv_scan_bounds_t){.entries_max = 3});
    operations[KEYS + 1] = writer_bytes(&scan);
    assert_int_equal(kv_peek_key(operations[3]).size, 1);
    assert_int_equal(kv_peek_key(operations[3]).data[0], 3);
    for (uint32_t i = KEYS; i < KEYS + 3; i++) {
        assert_int_equal(kv_peek_key(operations[i]).size, 0);
    }
    digest_t before = root_of(kv);
    synod_app_kv()->expect(kv, operations, KEYS + 3);
    digest_t after = root_of(kv);
    assert_true(digest_equal(&before, &after));
    writer_t writer = writer_of(encoded[0], sizeof encoded[0]);
    writer.at = operations[0].size;
    synod_app_kv()->expect(kv, operations, 2);
    assert_int_equal(execute(kv, &writer), SYNOD_OK);
    CHECK_REPLY(KV_OK, 1);
}

#define KV_TEST(test) cmocka_unit_test_setup_teardown(test, open_kv, close_kv)

int main(void) {
    const struct CMUnitTest tests[] = {
        KV_TEST(test_get_set_delete),
        KV_TEST(test_values_of_all_sizes),
        KV_TEST(test_swap),
        KV_TEST(test_increment),
        KV_TEST(test_check),
        KV_TEST(test_transaction_sees_itself),
        KV_TEST(test_transaction_aborts_whole),
        KV_TEST(test_reply_bounds),
        KV_TEST(test_largest_reply),
        KV_TEST(test_state_bound),
        KV_TEST(test_scan),
        KV_TEST(test_scan_passes_the_largest_entry),
        KV_TEST(test_bad_bytes),
        KV_TEST(test_readers),
        KV_TEST(test_expecting_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
