/* Frames: judged by the header alone, bounded before anything is waited for, found damaged. */
#include "codec_world.h"

/* Castagnoli's polynomial bit by bit, as RFC 3720 describes it: an independent second opinion. */
static uint32_t checksum(const uint8_t *from, size_t size) {
    uint32_t sum = UINT32_MAX;
    for (size_t at = 0; at < size; at++) {
        sum ^= from[at];
        for (int bit = 0; bit < 8; bit++)
            sum = (sum & 1) != 0 ? sum >> 1 ^ UINT32_C(0x82f63b78) : sum >> 1;
    }
    return ~sum;
}

static void header(uint8_t *to, uint32_t length, uint16_t version, uint16_t kind) {
    store_u32(to, length);
    store_u16(to + 4, version);
    store_u16(to + 6, kind);
    store_u32(to + 8, 0);
}

static synod_status decode(const uint8_t *data, size_t size, size_t *used) {
    uint8_t *exact = test_malloc(size > 0 ? size : 1);
    memcpy(exact, data, size);
    frame_t frame;
    const synod_status status = frame_decode(bytes_of(exact, size), &frame, used);
    test_free(exact);
    return status;
}

static void test_documented_bytes(void **state) {
    (void)state;
    static const uint8_t ping[] = {0, 0, 0, 0, 1, 0, 0x0f, 0, 0xcf, 0x12, 0x14, 0xb6};
    uint8_t frame[64];
    frame_seal(frame, FRAME_PING, 0);
    assert_memory_equal(frame, ping, sizeof ping);
    static const uint8_t goodbye[] = {0x1a, 0,    0,    0,    1,    0,    2,    0,    0x55, 0x62,
                                      0x87, 0x60, 0x37, 0,    0x14, 0,    0,    0,    0x6c, 0x65,
                                      0x61, 0x64, 0x65, 0x72, 0x5f, 0x76, 0x69, 0x65, 0x77, 0x73,
                                      0x20, 0x64, 0x69, 0x66, 0x66, 0x65, 0x72, 0x73};
    const goodbye_t said = {.status = SYNOD_BAD_CONFIG, .reason = "leader_views differs"};
    writer_t writer = writer_of(frame + FRAME_HEADER_BYTES, sizeof frame - FRAME_HEADER_BYTES);
    goodbye_encode(&said, &writer);
    frame_seal(frame, FRAME_GOODBYE, writer.at);
    assert_int_equal(FRAME_HEADER_BYTES + writer.at, sizeof goodbye);
    assert_memory_equal(frame, goodbye, sizeof goodbye);
}

static void test_checksum(void **state) {
    (void)state;
    assert_int_equal(checksum((const uint8_t *)"123456789", 9), 0xe3069283);
    prng_t prng = prng_of(1);
    static uint8_t frame[FRAME_HEADER_BYTES + 3000], covered[8 + 3000];
    for (size_t size = 0; size < 3000; size = size < 40 ? size + 1 : size * 2 - 3) {
        random_fill(&prng, frame + FRAME_HEADER_BYTES, size);
        frame_seal(frame, FRAME_MESSAGE, size);
        memcpy(covered, frame, 8);
        memcpy(covered + 8, frame + FRAME_HEADER_BYTES, size);
        assert_int_equal(load_u32(frame + 8), checksum(covered, 8 + size));
        size_t used;
        assert_int_equal(decode(frame, FRAME_HEADER_BYTES + size, &used), SYNOD_OK);
        assert_int_equal(used, FRAME_HEADER_BYTES + size);
    }
}

/* attack N1 */
static void test_lengths(void **state) {
    (void)state;
    static const uint32_t absurd[] = {FRAME_BODY_MAX + 1, INT32_MAX, UINT32_C(1) << 31,
                                      UINT32_MAX - 12, UINT32_MAX};
    uint8_t bytes[FRAME_HEADER_BYTES + 1] = {0};
    size_t used;
    for (size_t index = 0; index < sizeof absurd / sizeof absurd[0]; index++) {
        header(bytes, absurd[index], FRAME_VERSION, FRAME_MESSAGE);
        assert_int_equal(decode(bytes, FRAME_HEADER_BYTES, &used), SYNOD_TOO_LARGE);
        assert_int_equal(used, 0);
    }
    frame_seal(bytes, FRAME_MESSAGE, 0);
    assert_int_equal(decode(bytes, FRAME_HEADER_BYTES, &used), SYNOD_OK);
    assert_int_equal(used, FRAME_HEADER_BYTES);
    frame_seal(bytes, FRAME_MESSAGE, 1);
    assert_int_equal(decode(bytes, FRAME_HEADER_BYTES, &used), SYNOD_TRUNCATED);
    assert_int_equal(used, FRAME_HEADER_BYTES + 1);
    assert_int_equal(decode(bytes, FRAME_HEADER_BYTES + 1, &used), SYNOD_OK);
    assert_int_equal(used, FRAME_HEADER_BYTES + 1);
}

/* attack N1: each kind has its own bound, so that a stranger's first frame cannot fill memory */
static void test_bound_of_each_kind(void **state) {
    (void)state;
    uint8_t bytes[FRAME_HEADER_BYTES];
    size_t used;
    for (uint16_t kind = FRAME_HELLO; kind < FRAME_KIND_END; kind++) {
        const uint32_t most = frame_body_max((frame_kind_t)kind);
        assert_true(most <= FRAME_BODY_MAX);
        assert_true(most > 0); /* no kind is forgotten */
        header(bytes, most, FRAME_VERSION, kind);
        assert_int_equal(decode(bytes, sizeof bytes, &used), SYNOD_TRUNCATED);
        assert_int_equal(used, FRAME_HEADER_BYTES + (size_t)most);
        header(bytes, most + 1, FRAME_VERSION, kind);
        assert_int_equal(decode(bytes, sizeof bytes, &used), SYNOD_TOO_LARGE);
    }
    assert_int_equal(frame_body_max(FRAME_HELLO), 256);
    assert_int_equal(frame_body_max(FRAME_REQUEST), 1 << 20);
    assert_int_equal(frame_body_max(FRAME_STATUS_ASK), 8);
    assert_int_equal(frame_body_max(FRAME_KIND_END), 0);
    assert_int_equal(frame_body_max((frame_kind_t)0), 0);
}

/* attack N1: another version, another kind */
static void test_versions_and_kinds(void **state) {
    (void)state;
    static const uint16_t kinds[] = {0, FRAME_KIND_END, FRAME_KIND_END + 1, 0x100, 0xffff};
    uint8_t bytes[FRAME_HEADER_BYTES];
    size_t used;
    for (uint32_t version = 0; version <= UINT16_MAX; version++) {
        if (version == FRAME_VERSION)
            continue;
        /* Version comes before all that it gives a meaning to. */
        header(bytes, UINT32_MAX, (uint16_t)version, 0xffff);
        assert_int_equal(decode(bytes, sizeof bytes, &used), SYNOD_BAD_VERSION);
        assert_int_equal(used, 0);
    }
    for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index++) {
        header(bytes, 0, FRAME_VERSION, kinds[index]);
        assert_int_equal(decode(bytes, sizeof bytes, &used), SYNOD_MALFORMED);
        assert_int_equal(used, 0);
    }
}

static void test_pieces(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    uint8_t stream[2 * (FRAME_HEADER_BYTES + 50)];
    random_fill(&prng, stream, sizeof stream);
    frame_seal(stream, FRAME_MESSAGE, 50);
    frame_seal(stream + FRAME_HEADER_BYTES + 50, FRAME_PONG, 50);
    for (size_t size = 0; size < FRAME_HEADER_BYTES + 50; size++) {
        size_t used;
        assert_int_equal(decode(stream, size, &used), SYNOD_TRUNCATED);
        assert_int_equal(used,
                         size < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : FRAME_HEADER_BYTES + 50);
    }
    frame_t frame;
    size_t used;
    assert_int_equal(frame_decode(bytes_of(stream, sizeof stream), &frame, &used), SYNOD_OK);
    assert_int_equal(used, FRAME_HEADER_BYTES + 50);
    assert_int_equal(frame.kind, FRAME_MESSAGE);
    assert_ptr_equal(frame.body.data, stream + FRAME_HEADER_BYTES);
    assert_int_equal(frame.body.size, 50);
    const bytes_t rest = bytes_of(stream + used, sizeof stream - used);
    assert_int_equal(frame_decode(rest, &frame, &used), SYNOD_OK);
    assert_int_equal(frame.kind, FRAME_PONG);
}

static void test_each_damage_is_seen(void **state) {
    (void)state;
    prng_t prng = prng_of(3);
    uint8_t frame[FRAME_HEADER_BYTES + 200];
    random_fill(&prng, frame, sizeof frame);
    frame_seal(frame, FRAME_MESSAGE, 200);
    /* One byte changed is always seen, wherever it is; in the body and the sum as what it is. */
    for (size_t at = 0; at < sizeof frame; at++) {
        for (uint32_t change = 1; change < 256; change++) {
            frame[at] ^= (uint8_t)change;
            size_t used;
            const synod_status status = decode(frame, sizeof frame, &used);
            assert_int_not_equal(status, SYNOD_OK);
            if (at >= 8)
                assert_int_equal(status, SYNOD_BAD_CHECKSUM);
            frame[at] ^= (uint8_t)change;
        }
    }
}

static void seal_too_much(void) {
    static uint8_t frame[FRAME_HEADER_BYTES + HELLO_BYTES_MAX + 1];
    frame_seal(frame, FRAME_HELLO, HELLO_BYTES_MAX + 1);
}

static void seal_no_kind(void) {
    uint8_t frame[FRAME_HEADER_BYTES];
    frame_seal(frame, FRAME_KIND_END, 0);
}

static void test_own_mistakes_stop(void **state) {
    (void)state;
    assert_true(stops_program(seal_too_much));
    assert_true(stops_program(seal_no_kind));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_bytes),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_bound_of_each_kind),
        cmocka_unit_test(test_versions_and_kinds),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_each_damage_is_seen),
        cmocka_unit_test(test_own_mistakes_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
