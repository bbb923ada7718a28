/* The journal's bytes: golden layout, every flipped bit of a header, malformed bodies. */
#include "tests/fault/journal_world.h"

static journal_header_t sample(void) {
    journal_header_t header = {
        .sequence = 0x0102030405060708,
        .address = 0x1112131415161718,
        .committed = 0x0102030405060700,
        .length = 0x00012345,
        .body_crc = 0xa1a2a3a4,
        .device = 0xb1b2b3b4,
        .kind = 3,
    };
    for (size_t i = 0; i < JOURNAL_CHAIN_BYTES; i++) {
        header.previous[i] = (uint8_t)(0xc0 + i);
    }
    return header;
}

/* docs/formats/journal.md, "record": a change here is a new version of the format. */
static void test_golden_header(void **state) {
    (void)state;
    static const uint8_t expected[JOURNAL_RECORD_HEADER_BYTES] = {
        'S',  'Y',  'J',  '1',  0,    0,    0,    0,    /* magic, CRC (below) */
        0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* sequence */
        0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, /* address */
        0x00, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* committed */
        0x45, 0x23, 0x01, 0x00, 0xa4, 0xa3, 0xa2, 0xa1, /* length, body CRC */
        0x03, 0x00, 0x00, 0x00, 0xb4, 0xb3, 0xb2, 0xb1, /* kind, zero, device */
        0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, /* previous */
        0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf};
    uint8_t bytes[JOURNAL_RECORD_HEADER_BYTES];
    journal_header_t header = sample();
    journal_header_encode(&header, bytes);
    assert_memory_equal(bytes, expected, 4);
    assert_memory_equal(bytes + 8, expected + 8, sizeof bytes - 8);
    assert_int_equal(load_u32(bytes + 4), journal_crc(0, bytes_of(bytes + 8, 56)));
    journal_header_t again;
    assert_int_equal(journal_header_decode(bytes, &again), SYNOD_OK);
    assert_int_equal(again.sequence, header.sequence);
    assert_int_equal(again.address, header.address);
    assert_int_equal(again.committed, header.committed);
    assert_int_equal(again.length, header.length);
    assert_int_equal(again.body_crc, header.body_crc);
    assert_int_equal(again.device, header.device);
    assert_int_equal(again.kind, header.kind);
    assert_memory_equal(again.previous, header.previous, JOURNAL_CHAIN_BYTES);
}

/* RFC 3720, appendix B.4, and the check value of CRC-32C. */
static void test_crc(void **state) {
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(journal_crc(0, bytes_of(bytes, 32)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(journal_crc(0, bytes_of(bytes, 32)), 0x62a8ab43);
    assert_int_equal(journal_crc(0, bytes_of("123456789", 9)), 0xe3069283);
    uint32_t split = journal_crc(journal_crc(0, bytes_of("1234", 4)), bytes_of("56789", 5));
    assert_int_equal(split, 0xe3069283);
    assert_int_equal(journal_crc(0, bytes_of(NULL, 0)), 0);
}

/* attack F5: no flipped bit of a header, the length's least of all, goes unseen. */
static void test_header_flips(void **state) {
    (void)state;
    uint8_t bytes[JOURNAL_RECORD_HEADER_BYTES];
    journal_header_t header = sample();
    journal_header_encode(&header, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ (1u << (bit % 8)));
        synod_status status = journal_header_decode(bytes, &header);
        assert_int_equal(status, bit < 32 ? SYNOD_NOT_FOUND : SYNOD_BAD_CHECKSUM);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ (1u << (bit % 8)));
    }
}

/* Checksums that hold over fields that no journal writes. */
static void test_header_malformed(void **state) {
    (void)state;
    uint8_t bytes[JOURNAL_RECORD_HEADER_BYTES];
    journal_header_t again;
    journal_header_t header = sample();
    header.length = JOURNAL_RECORD_MAX;
    journal_header_encode(&header, bytes);
    assert_int_equal(journal_header_decode(bytes, &again), SYNOD_OK);
    header.length = JOURNAL_RECORD_MAX + 1;
    journal_header_encode(&header, bytes);
    assert_int_equal(journal_header_decode(bytes, &again), SYNOD_MALFORMED);
    header = sample();
    header.committed = header.sequence;
    journal_header_encode(&header, bytes);
    assert_int_equal(journal_header_decode(bytes, &again), SYNOD_MALFORMED);
    header = sample();
    header.kind = 0;
    journal_header_encode(&header, bytes);
    assert_int_equal(journal_header_decode(bytes, &again), SYNOD_MALFORMED);
    header = sample();
    header.sequence = 0;
    journal_header_encode(&header, bytes);
    assert_int_equal(journal_header_decode(bytes, &again), SYNOD_MALFORMED);
    header.sequence = JOURNAL_NUMBER_MAX;
    journal_header_encode(&header, bytes);
    assert_int_equal(journal_header_decode(bytes, &again), SYNOD_MALFORMED);
}

static void test_segment_body(void **state) {
    (void)state;
    uint8_t bytes[JOURNAL_SEGMENT_FIXED_BYTES + 5];
    journal_segment_body_t again;
    journal_segment_body_t body = {1u << 20, 9, 4, bytes_of("hello", 5)};
    journal_segment_encode(&body, bytes);
    assert_int_equal(journal_segment_decode(bytes_of(bytes, sizeof bytes), &again), SYNOD_OK);
    assert_int_equal(again.segment_bytes, body.segment_bytes);
    assert_int_equal(again.ordinal, body.ordinal);
    assert_int_equal(again.oldest, body.oldest);
    assert_true(bytes_equal(again.genesis, body.genesis));
    for (size_t size = 0; size < JOURNAL_SEGMENT_FIXED_BYTES; size++) {
        assert_int_equal(journal_segment_decode(bytes_of(bytes, size), &again), SYNOD_TRUNCATED);
    }
    store_u32(bytes, JOURNAL_VERSION + 1);
    assert_int_equal(journal_segment_decode(bytes_of(bytes, sizeof bytes), &again),
                     SYNOD_BAD_VERSION);
    const journal_segment_body_t wrong[] = {{1u << 20, 0, 0, {NULL, 0}},
                                            {1u << 20, 9, 0, {NULL, 0}},
                                            {1u << 20, 9, 10, {NULL, 0}},
                                            {1u << 20, JOURNAL_NUMBER_MAX, 1, {NULL, 0}}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        journal_segment_encode(&wrong[i], bytes);
        assert_int_equal(
            journal_segment_decode(bytes_of(bytes, JOURNAL_SEGMENT_FIXED_BYTES), &again),
            SYNOD_MALFORMED);
    }
}

static void test_turn_and_release(void **state) {
    (void)state;
    uint8_t bytes[JOURNAL_TURN_BYTES + 1] = {0};
    journal_turn_t again;
    journal_turn_t turn = {77, 3};
    journal_turn_encode(&turn, bytes);
    assert_int_equal(journal_turn_decode(bytes_of(bytes, JOURNAL_TURN_BYTES), &again), SYNOD_OK);
    assert_int_equal(again.ordinal, 77);
    assert_int_equal(again.slot, 3);
    assert_int_equal(journal_turn_decode(bytes_of(bytes, JOURNAL_TURN_BYTES - 1), &again),
                     SYNOD_TRUNCATED);
    assert_int_equal(journal_turn_decode(bytes_of(bytes, JOURNAL_TURN_BYTES + 1), &again),
                     SYNOD_MALFORMED);
    bytes[12] = 1;
    assert_int_equal(journal_turn_decode(bytes_of(bytes, JOURNAL_TURN_BYTES), &again),
                     SYNOD_MALFORMED);
    store_u64(bytes, 5);
    assert_int_equal(journal_released_decode(bytes_of(bytes, 8)), 5);
    assert_int_equal(journal_released_decode(bytes_of(bytes, 7)), 0);
    assert_int_equal(journal_released_decode(bytes_of(bytes, 9)), 0);
}

/* What a caller does that reads a block back by its address. attack F3, F4 */
static void test_parse(void **state) {
    (void)state;
    world_t world;
    journal_entry_t entry;
    world_fresh(&world, 3, 16u << 10);
    assert_int_not_equal(world_append(&world, JOURNAL_BLOCK, 1000, 1), 0);
    world_flush(&world);
    const world_record_t *record = &world.records[1];
    uint8_t *bytes = world.disk + record->address;
    size_t whole = JOURNAL_RECORD_HEADER_BYTES + record->size;
    assert_int_equal(journal_parse(bytes_of(bytes, whole + 100), record->address, &entry),
                     SYNOD_OK);
    assert_int_equal(entry.sequence, record->sequence);
    assert_int_equal(entry.kind, JOURNAL_BLOCK);
    assert_int_equal(world_hash(entry.body), record->hash);
    assert_int_equal(journal_parse(bytes_of(bytes, whole - 1), record->address, &entry),
                     SYNOD_TRUNCATED);
    assert_int_equal(journal_parse(bytes_of(bytes, 63), record->address, &entry), SYNOD_TRUNCATED);
    assert_int_equal(journal_parse(bytes_of(bytes, whole), record->address + 64, &entry),
                     SYNOD_MISMATCH);
    assert_int_equal(journal_parse(bytes_of(bytes + 64, whole - 64), record->address + 64, &entry),
                     SYNOD_NOT_FOUND);
    bytes[whole - 1] ^= 0x10;
    assert_int_equal(journal_parse(bytes_of(bytes, whole), record->address, &entry),
                     SYNOD_BAD_CHECKSUM);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_header), cmocka_unit_test(test_crc),
        cmocka_unit_test(test_header_flips),  cmocka_unit_test(test_header_malformed),
        cmocka_unit_test(test_segment_body),  cmocka_unit_test(test_turn_and_release),
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
