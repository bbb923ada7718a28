/* The byte form of certificates: canonical, and bounded by the committee before use. */
#include "codec_world.h"

#define AT_SUBJECT 56
#define AT_MEMBERS 60
#define AT_SIGNERS 62
#define AT_PHASE 64
#define AT_BODY 65
#define AT_CLAIM_COUNT 66
#define AT_CLAIMS_DIFFER 67
#define AT_PATH_LENGTH 68
#define FIXED 69

static uint8_t encoded[ENCODED_MAX];
static _Alignas(16) uint8_t space[SAMPLE_CERTIFICATE_BYTES];

static bool certificates_equal(const certificate_t *a, const certificate_t *b) {
    if (certificate_size(a) != certificate_size(b) || a->members != b->members ||
        a->signers != b->signers || a->claims_differ != b->claims_differ ||
        !statement_equal(&a->statement, &b->statement, false))
        return false;
    /* Bitmap, signatures and claims are all that follows the header. */
    return memcmp(a->words, b->words, certificate_size(a) - sizeof *a) == 0;
}

static void test_round_trip(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 2, 4, 7, 8, 9, 63, 64, 65, 100};
    static const uint8_t phases[] = {1, 2, 8};
    prng_t prng = prng_of(1);
    uint32_t genesis = 0;
    for (int round = 0; round < 300; round++) {
        const uint32_t members = sizes[prng_below(&prng, sizeof sizes / sizeof sizes[0])];
        const certificate_t *certificate =
            random_certificate(&prng, members, phases[round % 3], space);
        const size_t size = encode_certificate(certificate, encoded);
        arena_t arena = target_arena(members);
        const certificate_t *back = NULL;
        reader_t reader = reader_of(bytes_of(encoded, size));
        assert_int_equal(certificate_decode(&reader, members, &arena, &back), SYNOD_OK);
        assert_true(reader_done(&reader));
        assert_true(certificates_equal(certificate, back));
        assert_int_equal((uintptr_t)back % 16, 0);
        genesis += certificate_is_genesis(back) ? 1 : 0;
    }
    assert_in_range(genesis, 10, 100);
}

static void test_sweeps(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    static uint8_t copy[ENCODED_MAX];
    for (int round = 0; round < 12; round++) {
        static const uint8_t phases[] = {1, 2, 8};
        const certificate_t *certificate =
            random_certificate(&prng, TARGET_MEMBERS, phases[round % 3], space);
        const size_t size = encode_certificate(certificate, copy);
        refuse_prefixes(target_certificate, copy, size);
        refuse_longer(target_certificate, copy, size);
        assert_true(corrupt_bytes(target_certificate, copy, size) > 0);
    }
}

/* Members 0, 1 and 3 of 4, as in docs/formats/wire.md. */
static certificate_t *example(void) {
    certificate_t *certificate = (certificate_t *)(void *)space;
    const statement_t statement = {.epoch = 7,
                                   .view = 5,
                                   .height = 9,
                                   .subject = MEMBER_NONE,
                                   .phase = 1,
                                   .body = BODY_VOTE,
                                   .claim_count = 1,
                                   .digest = filled_digest(0xaa),
                                   .claims = {{.view = 4, .digest = filled_digest(0xbb)}}};
    certificate_begin(certificate, &statement, 4, 3, false);
    static const member_t members[] = {0, 1, 3};
    for (uint32_t index = 0; index < 3; index++) {
        signature_t signature;
        memset(signature.bytes, 0x10 + (int)members[index], sizeof signature.bytes);
        certificate_put(certificate, index, members[index], &signature, NULL);
    }
    return certificate;
}

static void test_documented_bytes(void **state) {
    (void)state;
    static const uint8_t head[] = {7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0,
                                   0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t middle[] = {0xff, 0xff, 0xff, 0xff, 4, 0, 3, 0, 1, 2, 1,
                                     0,    0,    4,    0,    0, 0, 0, 0, 0, 0};
    assert_int_equal(encode_certificate(example(), encoded), 302);
    assert_memory_equal(encoded, head, sizeof head);
    const digest_t digest = filled_digest(0xaa), claim = filled_digest(0xbb);
    assert_memory_equal(encoded + 24, digest.bytes, 32);
    assert_memory_equal(encoded + 56, middle, sizeof middle);
    assert_memory_equal(encoded + 77, claim.bytes, 32);
    assert_int_equal(encoded[109], 0x0b);
    for (uint32_t at = 110; at < 302; at++)
        assert_int_equal(encoded[at], at < 174 ? 0x10 : at < 238 ? 0x11 : 0x13);
}

static synod_status decode_of(uint32_t members, size_t size) {
    uint8_t *exact = test_malloc(size);
    memcpy(exact, encoded, size);
    const synod_status status = target_certificate_of(members, bytes_of(exact, size));
    test_free(exact);
    return status;
}

/* The example with one byte, or two, changed. */
static synod_status changed(size_t at, uint8_t value) {
    const size_t size = encode_certificate(example(), encoded);
    encoded[at] = value;
    return decode_of(4, size);
}

static synod_status changed_number(size_t at, uint16_t value) {
    const size_t size = encode_certificate(example(), encoded);
    store_u16(encoded + at, value);
    return decode_of(4, size);
}

/* attack Q9: size of the committee, number of signers, bits of the bitmap */
static void test_bounds_of_the_committee(void **state) {
    (void)state;
    static const uint16_t sizes[] = {0, 1, 3, 5, 8, 64, 100, MEMBERS_MAX, UINT16_MAX};
    for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
        assert_int_equal(changed_number(AT_MEMBERS, sizes[index]), SYNOD_MALFORMED);
        const size_t size = encode_certificate(example(), encoded);
        if (sizes[index] > 0 && sizes[index] <= TARGET_MEMBERS_MAX)
            assert_int_equal(decode_of(sizes[index], size), SYNOD_MALFORMED);
    }
    assert_int_equal(changed_number(AT_SIGNERS, 5), SYNOD_MALFORMED);
    assert_int_equal(changed_number(AT_SIGNERS, UINT16_MAX), SYNOD_MALFORMED);
    assert_int_equal(changed_number(AT_SIGNERS, 0), SYNOD_MALFORMED);
    assert_int_equal(changed_number(AT_SIGNERS, 4), SYNOD_TRUNCATED);
    for (uint32_t bit = 4; bit < 8; bit++)
        assert_int_equal(changed(109, (uint8_t)(0x0b & ~1u) | (uint8_t)(1u << bit)),
                         SYNOD_NOT_MEMBER);
    assert_int_equal(changed(AT_SUBJECT, 3), SYNOD_NOT_MEMBER); /* 0xffffff03 */
}

/* attack Q1: signers are distinct bits; as many as announced, no more and no fewer */
static void test_bits_are_signers(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 16; bits++) {
        const uint32_t count = (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1);
        assert_int_equal(changed(109, (uint8_t)bits), count == 3 ? SYNOD_OK : SYNOD_MALFORMED);
    }
}

static void test_fields(void **state) {
    (void)state;
    assert_int_equal(changed(AT_PHASE, 200), SYNOD_OK); /* the reader's phase table says */
    assert_int_equal(changed(AT_BODY, 0), SYNOD_MALFORMED);
    assert_int_equal(changed(AT_BODY, 6), SYNOD_OK);
    assert_int_equal(changed(AT_BODY, 7), SYNOD_MALFORMED);
    assert_int_equal(changed(AT_CLAIM_COUNT, 3), SYNOD_MALFORMED);
    assert_int_equal(changed(AT_CLAIM_COUNT, 255), SYNOD_MALFORMED);
    assert_int_equal(changed(AT_CLAIM_COUNT, 2), SYNOD_TRUNCATED);
    assert_int_equal(changed(AT_CLAIMS_DIFFER, 2), SYNOD_MALFORMED);
    assert_int_equal(changed(AT_CLAIMS_DIFFER, 1), SYNOD_TRUNCATED);
    assert_int_equal(changed(AT_PATH_LENGTH, 6), SYNOD_MALFORMED);
    assert_int_equal(changed(AT_PATH_LENGTH, 255), SYNOD_MALFORMED);
    assert_int_equal(changed(AT_PATH_LENGTH, 5), SYNOD_TRUNCATED);
    /* Claims that differ, of which there are none: would be a second form of the same. */
    const size_t size = encode_certificate(example(), encoded);
    encoded[AT_CLAIM_COUNT] = 0;
    encoded[AT_CLAIMS_DIFFER] = 1;
    assert_int_equal(decode_of(4, size), SYNOD_MALFORMED);
}

/* attack Q14: view 0 has no signers and no claims, any other view has signers */
static void test_genesis(void **state) {
    (void)state;
    assert_int_equal(changed(8, 0), SYNOD_MALFORMED); /* view 0, three signers */
    const committee_t committee = {.epoch = 7, .size = 4};
    const digest_t anchor = filled_digest(0xaa);
    certificate_t *certificate = (certificate_t *)(void *)space;
    certificate_genesis(certificate, &committee, &anchor, 1);
    const size_t size = encode_certificate(certificate, encoded);
    assert_int_equal(size, FIXED + 1);
    assert_int_equal(decode_of(4, size), SYNOD_OK);
    encoded[8] = 1; /* a view, and nobody signed */
    assert_int_equal(decode_of(4, size), SYNOD_MALFORMED);
    encoded[8] = 0;
    encoded[AT_CLAIM_COUNT] = 1; /* a claim, complete, and still no bit in the bitmap */
    memset(encoded + FIXED, 0, 40 + 1);
    assert_int_equal(decode_of(4, size + 40), SYNOD_MALFORMED);
}

static void test_small_arena(void **state) {
    (void)state;
    const certificate_t *certificate = example();
    const size_t size = encode_certificate(certificate, encoded);
    const size_t needed = certificate_size(certificate);
    for (size_t room = 0; room <= needed; room++) {
        _Alignas(16) static uint8_t memory[1024];
        arena_t arena = arena_of(memory, room);
        const certificate_t *back = NULL;
        reader_t reader = reader_of(bytes_of(encoded, size));
        const synod_status status = certificate_decode(&reader, 4, &arena, &back);
        assert_int_equal(status, room / 16 * 16 < needed ? SYNOD_NO_MEMORY : SYNOD_OK);
    }
}

/* The largest committee with the largest certificate: nothing overflows, memory suffices. */
static void test_largest(void **state) {
    (void)state;
    const uint32_t members = MEMBERS_MAX;
    certificate_t *certificate = test_malloc(certificate_bytes_max(members));
    prng_t prng = prng_of(3);
    statement_t statement;
    random_statement(&prng, members, 8, &statement);
    statement.view = UINT64_MAX;
    statement.path.length = PATH_PARTS_MAX;
    certificate_begin(certificate, &statement, members, members, true);
    for (member_t member = 0; member < members; member++) {
        const signature_t signature = random_signature(&prng);
        const claim_t claims[CLAIMS_MAX] = {{member, statement.digest}, {member, statement.digest}};
        certificate_put(certificate, member, member, &signature, claims);
    }
    assert_int_equal(certificate_size(certificate), certificate_bytes_max(members));
    const size_t size = certificate_encoded_bytes(certificate);
    assert_true(MESSAGE_CERTIFICATES_MAX * size < FRAME_BODY_MAX); /* two fit in a frame */
    uint8_t *bytes = test_malloc(size);
    writer_t writer = writer_of(bytes, size);
    certificate_encode(certificate, &writer);
    assert_int_equal(writer.at, size);
    uint8_t *memory = test_malloc(message_arena_bytes(members));
    arena_t arena = arena_of(memory, message_arena_bytes(members));
    for (uint32_t times = 0; times < MESSAGE_CERTIFICATES_MAX; times++) {
        const certificate_t *back = NULL;
        reader_t reader = reader_of(bytes_of(bytes, size));
        assert_int_equal(certificate_decode(&reader, members, &arena, &back), SYNOD_OK);
        assert_true(certificates_equal(certificate, back));
    }
    test_free(memory);
    test_free(bytes);
    test_free(certificate);
}

static void write_without_room(void) {
    writer_t writer = writer_of(encoded, 301);
    certificate_encode(example(), &writer);
}

static void test_own_mistakes_stop(void **state) {
    (void)state;
    assert_true(stops_program(write_without_room));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_sweeps),
        cmocka_unit_test(test_documented_bytes), cmocka_unit_test(test_bounds_of_the_committee),
        cmocka_unit_test(test_bits_are_signers), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_genesis),          cmocka_unit_test(test_small_arena),
        cmocka_unit_test(test_largest),          cmocka_unit_test(test_own_mistakes_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
