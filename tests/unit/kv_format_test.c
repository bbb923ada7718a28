/* Operations of `kv` as bytes: the examples of docs/formats/kv.md, every bound, every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/kv_client.h"
#include "base/prng.h"

static kv_error_t judge(bytes_t bytes, uint16_t *index) {
    kv_operation_t operation;
    return kv_decode(bytes, &operation, index);
}

static kv_error_t judged(const void *data, size_t size) {
    uint16_t index;
    return judge(bytes_of(data, size), &index);
}

static bytes_t text(const char *string) {
    return bytes_of(string, strlen(string));
}

static kv_maybe_t some(const char *string) {
    return (kv_maybe_t){.present = true, .value = text(string)};
}

#define CHECK_BYTES(writer, ...)                                                                   \
    do {                                                                                           \
        static const uint8_t expected[] = {__VA_ARGS__};                                           \
        assert_false((writer)->failed);                                                            \
        assert_int_equal((writer)->at, sizeof expected);                                           \
        assert_memory_equal((writer)->data, expected, sizeof expected);                            \
        assert_int_equal(judged(expected, sizeof expected), KV_OK);                                \
    } while (0)

/* The bytes of docs/formats/kv.md, section "Examples". */
static void test_examples(void **state) {
    (void)state;
    uint8_t buffer[128];
    writer_t writer = writer_of(buffer, sizeof buffer);
    kv_encode_get(&writer, text("ab"));
    CHECK_BYTES(&writer, 1, 2, 0, 'a', 'b');
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_set(&writer, text("ab"), text("xyz"));
    CHECK_BYTES(&writer, 2, 2, 0, 'a', 'b', 3, 0, 0, 0, 'x', 'y', 'z');
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_delete(&writer, text("ab"));
    CHECK_BYTES(&writer, 3, 2, 0, 'a', 'b');
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_swap(&writer, text("k"), (kv_condition_t){KV_EQUALS, text("x")}, some("y"));
    CHECK_BYTES(&writer, 4, 1, 0, 'k', 1, 1, 0, 0, 0, 'x', 1, 1, 0, 0, 0, 'y');
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_swap(&writer, text("k"), (kv_condition_t){.kind = KV_PRESENT},
                   (kv_maybe_t){.present = false});
    CHECK_BYTES(&writer, 4, 1, 0, 'k', 2, 0);
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_increment(&writer, text("n"), -2);
    CHECK_BYTES(&writer, 5, 1, 0, 'n', 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_check(&writer, text("k"), (kv_condition_t){.kind = KV_ABSENT});
    CHECK_BYTES(&writer, 6, 1, 0, 'k', 0);
    writer = writer_of(buffer, sizeof buffer);
    kv_scan_bounds_t bounds = {.after = text("ab"), .entries_max = 10, .keys_only = true};
    kv_encode_scan(&writer, text("a"), &bounds);
    CHECK_BYTES(&writer, 7, 1, 0, 'a', 2, 0, 'a', 'b', 10, 0, 0, 0, 0, 0, 0, 0, 1);
    writer = writer_of(buffer, sizeof buffer);
    kv_encode_transaction(&writer, 2);
    kv_encode_check(&writer, text("k"), (kv_condition_t){.kind = KV_ABSENT});
    kv_encode_set(&writer, text("k"), text("v"));
    CHECK_BYTES(&writer, 8, 2, 0, 6, 1, 0, 'k', 0, 2, 1, 0, 'k', 1, 0, 0, 0, 'v');
}

/* One operation of each kind with all its variants, for the tests that cut and bend. */
static size_t encode_sample(int kind, uint8_t *buffer, size_t size) {
    writer_t writer = writer_of(buffer, size);
    kv_scan_bounds_t bounds = {.after = text("pq"), .entries_max = 3, .bytes_max = 99};
    switch (kind) {
    case 0:
        kv_encode_get(&writer, text("key"));
        break;
    case 1:
        kv_encode_set(&writer, text("key"), text("value"));
        break;
    case 2:
        kv_encode_delete(&writer, text("key"));
        break;
    case 3:
        kv_encode_swap(&writer, text("key"), (kv_condition_t){KV_EQUALS, text("old")}, some("new"));
        break;
    case 4:
        kv_encode_swap(&writer, text("key"), (kv_condition_t){.kind = KV_ABSENT}, some("new"));
        break;
    case 5:
        kv_encode_increment(&writer, text("key"), INT64_MIN);
        break;
    case 6:
        kv_encode_check(&writer, text("key"), (kv_condition_t){KV_EQUALS, text("old")});
        break;
    case 7:
        kv_encode_scan(&writer, text("p"), &bounds);
        break;
    default:
        kv_encode_transaction(&writer, 3);
        kv_encode_set(&writer, text("a"), text("b"));
        kv_encode_get(&writer, text("a"));
        kv_encode_increment(&writer, text("c"), 7);
        break;
    }
    assert_false(writer.failed);
    return writer.at;
}
enum { SAMPLES = 9 };

/* Each cut copy stands alone on the heap, so that the address sanitiser sees any read past it. */
static void test_every_cut_is_malformed(void **state) {
    (void)state;
    for (int kind = 0; kind < SAMPLES; kind++) {
        uint8_t buffer[256];
        size_t size = encode_sample(kind, buffer, sizeof buffer);
        assert_int_equal(judged(buffer, size), KV_OK);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut > 0 ? cut : 1);
            assert_non_null(copy);
            memcpy(copy, buffer, cut);
            assert_int_equal(judged(copy, cut), KV_MALFORMED);
            free(copy);
        }
        buffer[size] = 0;
        assert_int_equal(judged(buffer, size + 1), KV_MALFORMED);
    }
}

static void test_random_bytes_end_in_a_verdict(void **state) {
    (void)state;
    prng_t prng = prng_of(4);
    uint32_t accepted = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t buffer[256];
        size_t size = encode_sample((int)prng_below(&prng, SAMPLES), buffer, sizeof buffer);
        for (uint64_t bends = prng_below(&prng, 4); bends > 0; bends--) {
            buffer[prng_below(&prng, size)] = (uint8_t)prng_next(&prng);
        }
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, buffer, size);
        kv_error_t error = judged(copy, size);
        assert_true(error <= KV_OPERATION_COUNT || error == KV_NOT_ALLOWED_HERE);
        accepted += error == KV_OK;
        free(copy);
    }
    assert_in_range(accepted, 1000, 199000);
}

static void test_codes(void **state) {
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        uint8_t bytes[] = {(uint8_t)code, 1, 0, KV_GET}; /* a key, or the code of a member */
        kv_error_t error = judged(bytes, sizeof bytes);
        if (code == 0 || code > KV_TRANSACTION) {
            assert_int_equal(error, KV_UNKNOWN_OPERATION);
        } else {
            assert_int_not_equal(error, KV_UNKNOWN_OPERATION);
        }
    }
    assert_int_equal(judged(NULL, 0), KV_MALFORMED);
}

static void test_key_bounds(void **state) {
    (void)state;
    uint8_t *bytes = calloc(1, 3 + KV_KEY_BYTES_MAX + 1);
    assert_non_null(bytes);
    bytes[0] = KV_GET;
    assert_int_equal(judged(bytes, 3), KV_BAD_KEY_SIZE);
    store_u16(bytes + 1, KV_KEY_BYTES_MAX);
    assert_int_equal(judged(bytes, 3 + KV_KEY_BYTES_MAX), KV_OK);
    store_u16(bytes + 1, KV_KEY_BYTES_MAX + 1);
    assert_int_equal(judged(bytes, 3 + KV_KEY_BYTES_MAX + 1), KV_BAD_KEY_SIZE);
    free(bytes);
}

static void test_value_bounds(void **state) {
    (void)state;
    size_t size = 8 + (size_t)KV_VALUE_BYTES_MAX;
    uint8_t *bytes = calloc(1, size + 1);
    assert_non_null(bytes);
    bytes[0] = KV_SET;
    store_u16(bytes + 1, 1);
    store_u32(bytes + 4, KV_VALUE_BYTES_MAX);
    assert_int_equal(judged(bytes, size), KV_OK);
    store_u32(bytes + 4, KV_VALUE_BYTES_MAX + 1);
    assert_int_equal(judged(bytes, size + 1), KV_BAD_VALUE_SIZE);
    store_u32(bytes + 4, UINT32_MAX);
    assert_int_equal(judged(bytes, size), KV_BAD_VALUE_SIZE);
    free(bytes);
}

/* The largest operation that is not a transaction fits, one byte more than the bound does not. */
static void test_operation_bound(void **state) {
    (void)state;
    size_t size = KV_OPERATION_BYTES_MAX + 1;
    uint8_t *bytes = calloc(1, size), *value = calloc(1, KV_VALUE_BYTES_MAX);
    assert_non_null(bytes);
    assert_non_null(value);
    assert_int_equal(judged(bytes, size), KV_OPERATION_SIZE);
    uint8_t key[KV_KEY_BYTES_MAX] = {0};
    bytes_t large = bytes_of(value, KV_VALUE_BYTES_MAX);
    writer_t writer = writer_of(bytes, size);
    kv_encode_swap(&writer, bytes_of(key, sizeof key), (kv_condition_t){KV_EQUALS, large},
                   (kv_maybe_t){true, large});
    assert_false(writer.failed);
    assert_int_equal(judged(bytes, writer.at), KV_OK);
    free(bytes);
    free(value);
}

static void test_transaction_bounds(void **state) {
    (void)state;
    static uint8_t bytes[3 + 4 * (KV_TRANSACTION_OPERATIONS_MAX + 1)];
    const uint32_t counts[] = {0, 1, KV_TRANSACTION_OPERATIONS_MAX,
                               KV_TRANSACTION_OPERATIONS_MAX + 1};
    for (size_t i = 0; i < 4; i++) {
        writer_t writer = writer_of(bytes, sizeof bytes);
        kv_encode_transaction(&writer, (uint16_t)counts[i]);
        for (uint32_t member = 0; member < counts[i]; member++) {
            kv_encode_get(&writer, text("k"));
        }
        assert_false(writer.failed);
        uint16_t index;
        kv_error_t error = judge(writer_bytes(&writer), &index);
        assert_int_equal(error, i == 1 || i == 2 ? KV_OK : KV_OPERATION_COUNT);
        assert_int_equal(index, KV_INDEX_WHOLE);
    }
}

static void check_member(const uint8_t *member, size_t size, kv_error_t expected) {
    uint8_t bytes[64];
    writer_t writer = writer_of(bytes, sizeof bytes);
    kv_encode_transaction(&writer, 2);
    kv_encode_get(&writer, text("k"));
    write_bytes(&writer, member, size);
    uint16_t index;
    assert_int_equal(judge(writer_bytes(&writer), &index), expected);
    assert_int_equal(index, 1);
}

static void test_members(void **state) {
    (void)state;
    uint8_t scan[32];
    writer_t writer = writer_of(scan, sizeof scan);
    kv_encode_scan(&writer, text("a"), &(kv_scan_bounds_t){.entries_max = 1});
    check_member(scan, writer.at, KV_NOT_ALLOWED_HERE);
    const uint8_t nested[] = {KV_TRANSACTION, 1, 0, KV_GET, 1, 0, 'k'};
    check_member(nested, sizeof nested, KV_NOT_ALLOWED_HERE);
    const uint8_t unknown[] = {99};
    check_member(unknown, sizeof unknown, KV_UNKNOWN_OPERATION);
    const uint8_t no_key[] = {KV_DELETE, 0, 0};
    check_member(no_key, sizeof no_key, KV_BAD_KEY_SIZE);
    check_member(NULL, 0, KV_MALFORMED);
}

static void test_forbidden_values(void **state) {
    (void)state;
    const uint8_t condition[] = {KV_CHECK, 1, 0, 'k', 3};
    assert_int_equal(judged(condition, sizeof condition), KV_MALFORMED);
    const uint8_t replacement[] = {KV_SWAP, 1, 0, 'k', 0, 2};
    assert_int_equal(judged(replacement, sizeof replacement), KV_MALFORMED);
    uint8_t scan[] = {KV_SCAN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    assert_int_equal(judged(scan, sizeof scan), KV_MALFORMED);
    scan[13] = 1;
    assert_int_equal(judged(scan, sizeof scan), KV_OK);
}

static void test_scan_bounds_are_clipped(void **state) {
    (void)state;
    const uint32_t asked[][2] = {{0, 0}, {UINT32_MAX, UINT32_MAX}, {5, 6}};
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[32];
        writer_t writer = writer_of(bytes, sizeof bytes);
        kv_scan_bounds_t bounds = {.entries_max = asked[i][0], .bytes_max = asked[i][1]};
        kv_encode_scan(&writer, text(""), &bounds);
        kv_operation_t operation;
        uint16_t index;
        assert_int_equal(kv_decode(writer_bytes(&writer), &operation, &index), KV_OK);
        assert_int_equal(operation.scan.entries_max, i < 2 ? KV_SCAN_ENTRIES_MAX : 5);
        assert_int_equal(operation.scan.bytes_max, i < 2 ? KV_REPLY_BYTES_MAX : 6);
    }
}

static void test_errors_have_texts(void **state) {
    (void)state;
    for (int error = KV_OK; error <= KV_STATE_FULL; error++) {
        assert_string_not_equal(kv_error_text((kv_error_t)error), "unknown error");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_every_cut_is_malformed),
        cmocka_unit_test(test_random_bytes_end_in_a_verdict),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_key_bounds),
        cmocka_unit_test(test_value_bounds),
        cmocka_unit_test(test_operation_bound),
        cmocka_unit_test(test_transaction_bounds),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_forbidden_values),
        cmocka_unit_test(test_scan_bounds_are_clipped),
        cmocka_unit_test(test_errors_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
