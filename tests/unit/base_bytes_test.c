/* Loads, stores, reader and writer: every truncation of a record, and what a failure leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

/* u8, u16, u32, u64, 5 borrowed bytes, 3 copied bytes, u8. */
enum { RECORD_BYTES = 1 + 2 + 4 + 8 + 5 + 3 + 1, FIELDS = 7 };
static const size_t field_end[FIELDS] = {1, 3, 7, 15, 20, 23, 24};
static const uint8_t record[RECORD_BYTES + 1] = {
    0x11,                                           /* u8 */
    0x22, 0x33,                                     /* u16 */
    0x44, 0x55, 0x66, 0x77,                         /* u32 */
    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, /* u64 */
    'b',  'y',  't',  'e',  's',                    /* borrowed */
    'c',  'p',  'y',                                /* copied */
    0x5a,                                           /* u8 */
    0x7b,                                           /* one too many */
};

static void numbers_are_little_endian_at_any_address(void **state) {
    (void)state;
    uint8_t memory[16];
    for (size_t shift = 0; shift < 8; shift++) {
        uint8_t *at = memory + shift;
        store_u16(at, 0xf1e2);
        assert_memory_equal(at, "\xe2\xf1", 2);
        assert_int_equal(load_u16(at), 0xf1e2);
        store_u32(at, 0xf1e2d3c4);
        assert_memory_equal(at, "\xc4\xd3\xe2\xf1", 4);
        assert_int_equal(load_u32(at), 0xf1e2d3c4);
        store_u64(at, UINT64_C(0xf1e2d3c4b5a69788));
        assert_memory_equal(at, "\x88\x97\xa6\xb5\xc4\xd3\xe2\xf1", 8);
        assert_true(load_u64(at) == UINT64_C(0xf1e2d3c4b5a69788));
    }
}

static void ranges_and_digests_compare_by_content(void **state) {
    (void)state;
    assert_true(bytes_equal(bytes_of("abc", 3), bytes_of("abcd", 3)));
    assert_false(bytes_equal(bytes_of("abc", 3), bytes_of("abd", 3)));
    assert_false(bytes_equal(bytes_of("abc", 3), bytes_of("abc", 2)));
    assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of("abc", 0)));

    digest_t digest = {{0}};
    assert_true(digest_is_zero(&digest));
    for (size_t i = 0; i < sizeof digest.bytes; i++) {
        digest_t other = digest;
        other.bytes[i] = 1;
        assert_false(digest_is_zero(&other));
        assert_false(digest_equal(&digest, &other));
    }
    for (uint8_t i = 0; i < sizeof digest.bytes; i++) {
        digest.bytes[i] = i;
    }
    assert_true(digest_prefix(&digest) == UINT64_C(0x0706050403020100));
}

typedef struct fields {
    uint64_t number[4];
    bytes_t borrowed;
    uint8_t copied[3];
    uint64_t last;
} fields_t;

static fields_t read_fields(reader_t *reader) {
    fields_t fields = {.copied = "xxx"};
    fields.number[0] = read_u8(reader);
    fields.number[1] = read_u16(reader);
    fields.number[2] = read_u32(reader);
    fields.number[3] = read_u64(reader);
    fields.borrowed = read_bytes(reader, 5);
    read_into(reader, fields.copied, 3);
    fields.last = read_u8(reader);
    return fields;
}

/* The bytes before the cut read as they are; from the first field that is cut on, all is zero. */
static void reader_at_every_truncation(void **state) {
    (void)state;
    for (size_t size = 0; size <= RECORD_BYTES; size++) {
        uint8_t memory[RECORD_BYTES]; /* exact, so that the sanitizer sees a read beyond */
        memcpy(memory, record, size);
        reader_t reader = reader_of(bytes_of(memory, size));
        fields_t fields = read_fields(&reader);

        static const uint64_t expected[4] = {0x11, 0x3322, 0x77665544,
                                             UINT64_C(0xffeeddccbbaa9988)};
        for (size_t i = 0; i < 4; i++) {
            assert_true(fields.number[i] == (field_end[i] <= size ? expected[i] : 0));
        }
        if (field_end[4] <= size) {
            assert_ptr_equal(fields.borrowed.data, memory + field_end[3]);
            assert_int_equal(fields.borrowed.size, 5);
        } else {
            assert_null(fields.borrowed.data);
            assert_int_equal(fields.borrowed.size, 0);
        }
        assert_memory_equal(fields.copied, field_end[5] <= size ? "cpy" : "\0\0\0", 3);
        assert_int_equal(fields.last, field_end[6] <= size ? 0x5a : 0);
        assert_int_equal(reader.failed, size < RECORD_BYTES);
        assert_int_equal(reader_done(&reader), size == RECORD_BYTES);
        assert_int_equal(reader_left(&reader), 0); /* a loop over what is left ends */
    }
}

static void reader_with_bytes_left_is_not_done(void **state) {
    (void)state;
    reader_t reader = reader_of(bytes_of(record, sizeof record));
    (void)read_fields(&reader);
    assert_false(reader.failed);
    assert_int_equal(reader_left(&reader), 1);
    assert_false(reader_done(&reader));
    assert_int_equal(read_u8(&reader), 0x7b);
    assert_true(reader_done(&reader));
}

/* A field that would fit after one that did not must not be read from the wrong place. */
static void reader_failure_stays(void **state) {
    (void)state;
    reader_t reader = reader_of(bytes_of(record, 7));
    assert_true(read_u64(&reader) == 0);
    assert_true(reader.failed);
    assert_int_equal(read_u8(&reader), 0);
    assert_int_equal(read_u16(&reader), 0);
    assert_int_equal(read_u32(&reader), 0);
    assert_null(read_bytes(&reader, 0).data);
    assert_false(reader_done(&reader));
}

static void reader_of_nothing_and_of_too_much(void **state) {
    (void)state;
    reader_t reader = reader_of(bytes_of(NULL, 0));
    assert_true(reader_done(&reader));
    assert_non_null(read_bytes(&reader, 0).data); /* nothing was read, and that succeeded */
    read_into(&reader, NULL, 0);
    assert_true(reader_done(&reader));
    assert_int_equal(read_u8(&reader), 0);
    assert_true(reader.failed);

    reader = reader_of(bytes_of(record, 8));
    (void)read_u8(&reader);
    assert_null(read_bytes(&reader, SIZE_MAX).data); /* at + size would wrap to 0 */
    assert_true(reader.failed);
}

static void write_fields(writer_t *writer) {
    write_u8(writer, 0x11);
    write_u16(writer, 0x3322);
    write_u32(writer, 0x77665544);
    write_u64(writer, UINT64_C(0xffeeddccbbaa9988));
    write_bytes(writer, "bytes", 5);
    write_bytes(writer, "cpy", 3);
    write_u8(writer, 0x5a);
}

static void writer_at_every_size(void **state) {
    (void)state;
    for (size_t size = 0; size <= RECORD_BYTES; size++) {
        uint8_t memory[RECORD_BYTES + 1];
        memset(memory, 0xee, sizeof memory);
        writer_t writer = writer_of(memory, size);
        write_fields(&writer);

        size_t written = 0;
        for (size_t i = 0; i < FIELDS && field_end[i] <= size; i++) {
            written = field_end[i];
        }
        assert_int_equal(writer.failed, size < RECORD_BYTES);
        assert_int_equal(writer_bytes(&writer).size, written);
        assert_ptr_equal(writer_bytes(&writer).data, memory);
        assert_memory_equal(memory, record, written);
        for (size_t i = written; i < sizeof memory; i++) {
            assert_int_equal(memory[i], 0xee);
        }
    }
}

static void writer_of_nothing_and_of_too_much(void **state) {
    (void)state;
    writer_t writer = writer_of(NULL, 0);
    write_bytes(&writer, NULL, 0);
    assert_false(writer.failed);
    write_u8(&writer, 1);
    assert_true(writer.failed);

    uint8_t memory[8];
    writer = writer_of(memory, sizeof memory);
    write_u8(&writer, 1);
    write_bytes(&writer, record, SIZE_MAX); /* at + size would wrap to 0 */
    assert_true(writer.failed);
    assert_int_equal(writer_bytes(&writer).size, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian_at_any_address),
        cmocka_unit_test(ranges_and_digests_compare_by_content),
        cmocka_unit_test(reader_at_every_truncation),
        cmocka_unit_test(reader_with_bytes_left_is_not_done),
        cmocka_unit_test(reader_failure_stays),
        cmocka_unit_test(reader_of_nothing_and_of_too_much),
        cmocka_unit_test(writer_at_every_size),
        cmocka_unit_test(writer_of_nothing_and_of_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
