/* The block: one encoding, one id, nothing that a peer can slip in beside the fields. */
#include "model_world.h"

#include "crypto/hash.h"
#include "model/block.h"

#define PARENTS 5
#define SPACE_BYTES (sizeof(block_t) + BLOCK_PARENTS_MAX * sizeof(digest_t))
#define ENCODED_MAX (BLOCK_FIXED_BYTES + BLOCK_PARENTS_MAX * SYNOD_DIGEST_BYTES)

typedef union space {
    block_t block;
    uint8_t bytes[SPACE_BYTES];
} space_t;

static space_t first, second;
static uint8_t encoded[ENCODED_MAX], again[ENCODED_MAX];

/* The example of docs/formats/block.md. */
static block_t *example(void) {
    memset(&first, 0, sizeof first);
    first.block = (block_t){.epoch = 2,
                            .height = 3,
                            .birth_view = 5,
                            .justify_view = 4,
                            .proposer = 1,
                            .payload_size_bytes = 300,
                            .payload_count = 2,
                            .payload = digest_of(0xab),
                            .time_ns = 1000000000,
                            .extra = {1, 2, 3},
                            .extra_size = 3,
                            .parent_count = 1};
    first.block.parents[0] = digest_of(0x77);
    return &first.block;
}

static size_t encode(const block_t *block, uint8_t *to) {
    const size_t size = block_encoded_bytes(block);
    writer_t writer = writer_of(to, size);
    block_encode(block, &writer);
    assert_false(writer.failed);
    assert_int_equal(writer.at, size);
    return size;
}

static synod_status decode(const uint8_t *from, size_t size, space_t *to) {
    /* A copy of the exact size, so that AddressSanitizer sees a read beyond it. */
    uint8_t *exact = test_malloc(size > 0 ? size : 1);
    memcpy(exact, from, size);
    reader_t reader = reader_of(bytes_of(exact, size));
    memset(to, 0xee, sizeof *to);
    const synod_status status = block_decode(&reader, &to->block, sizeof *to);
    if (status == SYNOD_OK)
        assert_true(reader_done(&reader));
    test_free(exact);
    return status;
}

static void test_documented_bytes(void **state) {
    (void)state;
    uint8_t expected[192] = {0};
    memcpy(expected, "synod.block.v1\0\0", 16);
    expected[16] = 2;
    expected[24] = 3;
    expected[32] = 5;
    expected[40] = 4;
    memcpy(expected + 48, "\x00\xca\x9a\x3b", 4);
    expected[56] = 1;
    memcpy(expected + 60, "\x2c\x01", 2);
    memset(expected + 64, 0xab, 32);
    memcpy(expected + 96, "\x01\x02\x03", 3);
    expected[128] = 2;
    expected[132] = 3;
    expected[136] = 1;
    memset(expected + 160, 0x77, 32);
    const block_t *block = example();
    assert_int_equal(encode(block, encoded), sizeof expected);
    assert_memory_equal(encoded, expected, sizeof expected);
    static const uint8_t id[] = {0x20, 0x8a, 0xf3, 0x13, 0x5e, 0x50, 0x6f, 0x8d, 0x83, 0x54, 0x68,
                                 0xa2, 0xb1, 0x14, 0xe1, 0x41, 0xc7, 0xea, 0x83, 0x0a, 0x1c, 0x72,
                                 0x38, 0x1e, 0xf1, 0xbd, 0x34, 0x5b, 0x18, 0xad, 0xc0, 0xed};
    const digest_t digest = block_id(block);
    assert_memory_equal(digest.bytes, id, sizeof id);
}

static void random_digest(prng_t *prng, digest_t *digest) {
    for (uint32_t i = 0; i < SYNOD_DIGEST_BYTES; i++)
        digest->bytes[i] = (uint8_t)prng_next(prng);
}

static block_t *random_block(prng_t *prng, uint32_t parents_max) {
    memset(&first, 0, sizeof first);
    block_t *block = &first.block;
    block->epoch = prng_next(prng);
    block->height = prng_next(prng);
    block->birth_view = prng_next(prng);
    block->justify_view = prng_next(prng);
    block->time_ns = prng_next(prng);
    block->proposer =
        prng_chance(prng, 100000) ? MEMBER_NONE : (member_t)prng_below(prng, MEMBERS_MAX);
    if (prng_chance(prng, 800000)) {
        block->payload_size_bytes = (uint32_t)prng_between(prng, 1, UINT32_MAX);
        block->payload_count = (uint32_t)prng_between(prng, 1, UINT32_MAX);
        random_digest(prng, &block->payload);
    }
    block->extra_size = (uint32_t)prng_between(prng, 0, BLOCK_EXTRA_MAX);
    for (uint32_t i = 0; i < block->extra_size; i++)
        block->extra[i] = (uint8_t)prng_next(prng);
    block->parent_count = (uint32_t)prng_between(prng, 0, parents_max);
    for (uint32_t i = 0; i < block->parent_count; i++)
        random_digest(prng, &block->parents[i]);
    return block;
}

static void test_round_trip(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    for (uint32_t round = 0; round < 3000; round++) {
        const block_t *block = random_block(&prng, round == 0 ? BLOCK_PARENTS_MAX : PARENTS);
        const size_t size = encode(block, encoded);
        assert_int_equal(decode(encoded, size, &second), SYNOD_OK);
        /* Equal blocks are equal memory: states that hold them can be compared and hashed. */
        assert_memory_equal(block, &second, block_bytes(block->parent_count));
        const digest_t id = block_id(block);
        const digest_t hash = hash_bytes(bytes_of(encoded, size));
        assert_true(digest_equal(&id, &hash));
    }
}

/* Extra bytes beyond their size are not part of the block. */
static void test_extra_is_padded(void **state) {
    (void)state;
    block_t *block = example();
    const digest_t id = block_id(block);
    block->extra[3] = 9;
    const digest_t same = block_id(block);
    assert_true(digest_equal(&id, &same));
    block->extra_size = 4;
    const digest_t other = block_id(block);
    assert_false(digest_equal(&id, &other));
}

static void test_truncations(void **state) {
    (void)state;
    prng_t prng = prng_of(3);
    const block_t *block = random_block(&prng, PARENTS);
    first.block.parent_count = PARENTS;
    const size_t size = encode(block, encoded);
    for (size_t shorter = 0; shorter < size; shorter++)
        assert_int_equal(decode(encoded, shorter, &second), SYNOD_TRUNCATED);
    assert_int_equal(decode(encoded, size, &second), SYNOD_OK);
    /* A reader that failed before stays failed. */
    reader_t reader = reader_of(bytes_of(encoded, size));
    (void)read_bytes(&reader, size + 1);
    assert_int_equal(block_decode(&reader, &second.block, sizeof second), SYNOD_TRUNCATED);
}

/* Bytes after the block are the next thing in the frame. */
static void test_leaves_the_rest(void **state) {
    (void)state;
    const size_t size = encode(example(), encoded);
    encoded[size] = 0x42;
    reader_t reader = reader_of(bytes_of(encoded, size + 1));
    assert_int_equal(block_decode(&reader, &second.block, sizeof second), SYNOD_OK);
    assert_int_equal(reader_left(&reader), 1);
    assert_int_equal(read_u8(&reader), 0x42);
}

static synod_status decode_with(size_t offset, uint8_t value) {
    const size_t size = encode(example(), encoded);
    encoded[offset] = value;
    return decode(encoded, size, &second);
}

static void test_refuses(void **state) {
    (void)state;
    for (size_t offset = 0; offset < 16; offset++)
        assert_int_equal(decode_with(offset, 0xff), SYNOD_BAD_VERSION);
    for (size_t offset = 140; offset < 160; offset++)
        assert_int_equal(decode_with(offset, 1), SYNOD_MALFORMED);
    for (size_t offset = 96 + 3; offset < 128; offset++)
        assert_int_equal(decode_with(offset, 1), SYNOD_MALFORMED);
    assert_int_equal(decode_with(132, BLOCK_EXTRA_MAX), SYNOD_OK);
    assert_int_equal(decode_with(132, BLOCK_EXTRA_MAX + 1), SYNOD_MALFORMED);
    assert_int_equal(decode_with(135, 0xff), SYNOD_MALFORMED);
    assert_int_equal(decode_with(132, 2), SYNOD_MALFORMED); /* the third byte is left over */
    assert_int_equal(decode_with(138, 1), SYNOD_TOO_LARGE); /* 65,537 parents */
    assert_int_equal(decode_with(139, 0xff), SYNOD_TOO_LARGE);
    assert_int_equal(decode_with(128, 0), SYNOD_MALFORMED); /* bytes without requests */
    assert_int_equal(decode_with(57, 0x27), SYNOD_OK);      /* proposer 9,985 */
    assert_int_equal(decode_with(57, 0x28), SYNOD_MALFORMED);
    assert_int_equal(decode_with(59, 0xff), SYNOD_MALFORMED);
}

/* Count, size and digest of the payload agree on whether there is any. */
static void test_payload_consistent(void **state) {
    (void)state;
    for (uint32_t kind = 0; kind < 8; kind++) {
        const size_t size = encode(example(), encoded);
        memset(encoded + 60, 0, 4);
        memset(encoded + 64, 0, 32);
        memset(encoded + 128, 0, 4);
        encoded[61] = kind & 1;
        encoded[95] = (kind & 2) != 0;
        encoded[131] = (kind & 4) != 0;
        const synod_status expected = kind == 0 || kind == 7 ? SYNOD_OK : SYNOD_MALFORMED;
        assert_int_equal(decode(encoded, size, &second), expected);
    }
}

static void test_bounds_of_parents(void **state) {
    (void)state;
    prng_t prng = prng_of(4);
    block_t *block = random_block(&prng, 0);
    block->parent_count = BLOCK_PARENTS_MAX;
    const size_t size = encode(block, encoded);
    assert_int_equal(decode(encoded, size, &second), SYNOD_OK);
    reader_t reader = reader_of(bytes_of(encoded, size));
    assert_int_equal(block_decode(&reader, &second.block, sizeof second - 1), SYNOD_TOO_LARGE);
    /* A chain has room for one parent. */
    block->parent_count = 2;
    const size_t two = encode(block, encoded);
    reader = reader_of(bytes_of(encoded, two));
    assert_int_equal(block_decode(&reader, &second.block, block_bytes(1)), SYNOD_TOO_LARGE);
    /* More than the bound, with all the bytes there and room to spare: the bound alone refuses. */
    static uint8_t larger[ENCODED_MAX + 32];
    static union {
        block_t block;
        uint8_t bytes[SPACE_BYTES + 64];
    } roomy;
    block->parent_count = BLOCK_PARENTS_MAX;
    (void)encode(block, larger);
    store_u32(larger + 136, BLOCK_PARENTS_MAX + 1);
    reader = reader_of(bytes_of(larger, sizeof larger));
    assert_int_equal(block_decode(&reader, &roomy.block, sizeof roomy), SYNOD_TOO_LARGE);
}

/* Canonical: whatever one altered bit decodes to, encodes to just these bytes again and has another
 * id. */
static void test_canonical(void **state) {
    (void)state;
    prng_t prng = prng_of(5);
    uint32_t accepted = 0;
    for (uint32_t round = 0; round < 20; round++) {
        const block_t *block = random_block(&prng, PARENTS);
        const digest_t id = block_id(block);
        const size_t size = encode(block, encoded);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            encoded[bit / 8] ^= (uint8_t)(1u << bit % 8);
            reader_t reader = reader_of(bytes_of(encoded, size));
            if (block_decode(&reader, &second.block, sizeof second) == SYNOD_OK) {
                accepted++;
                assert_int_equal(encode(&second.block, again), reader.at);
                assert_memory_equal(again, encoded, reader.at);
                const digest_t other = block_id(&second.block);
                assert_false(digest_equal(&id, &other));
            }
            encoded[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_true(accepted > 1000);
}

static void encode_broken(void *context) {
    writer_t writer = writer_of(encoded, sizeof encoded);
    block_encode(context, &writer);
}

static void id_of_broken(void *context) {
    (void)block_id(context);
}

/* A block that every peer refuses is not made here, and gets no id. */
static void test_encodes_only_what_decodes(void **state) {
    (void)state;
    assert_false(stops(encode_broken, example()));
    example()->parent_count = BLOCK_PARENTS_MAX + 1;
    assert_true(stops(encode_broken, &first));
    assert_true(stops(id_of_broken, &first));
    example()->extra_size = BLOCK_EXTRA_MAX + 1;
    assert_true(stops(encode_broken, &first));
    example()->payload_count = 0;
    assert_true(stops(encode_broken, &first));
    assert_true(stops(id_of_broken, &first));
    example()->proposer = MEMBERS_MAX;
    assert_true(stops(encode_broken, &first));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_bytes),   cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_extra_is_padded),    cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_leaves_the_rest),    cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_payload_consistent), cmocka_unit_test(test_bounds_of_parents),
        cmocka_unit_test(test_canonical),          cmocka_unit_test(test_encodes_only_what_decodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
