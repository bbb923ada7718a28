/* The statement: its bytes as documented, and that no signature survives any change of meaning. */
#include "model_world.h"

#include "crypto/hash.h"

static suite_id_t suites[] = {SUITE_ED25519, SUITE_SYMBOLIC};

/* The example of docs/formats/statement.md. */
static statement_t example(void) {
    return (statement_t){
        .epoch = 7,
        .path = {.parts = {1, 2}, .length = 2},
        .view = UINT64_C(0x0102030405060708),
        .height = 9,
        .subject = 5,
        .phase = 3,
        .body = BODY_VOTE,
        .claim_count = 2,
        .digest = digest_of(0xaa),
        .claims = {{.view = 6, .digest = digest_of(0xbb)}, {.view = 4, .digest = digest_of(0xcc)}}};
}

static void fill(uint8_t *bytes, size_t from, size_t size, int value) {
    memset(bytes + from, value, size);
}

static void test_documented_bytes(void **state) {
    (void)state;
    uint8_t expected[STATEMENT_BYTES] = {0};
    memcpy(expected, "synod.statement1", 16);
    fill(expected, 16, 32, 0xd0);
    expected[48] = 7;
    expected[56] = 1;
    expected[60] = 2;
    memcpy(expected + 76, "\x02\x03\x02\x02", 4);
    memcpy(expected + 80, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    expected[88] = 9;
    expected[96] = 5;
    fill(expected, 104, 32, 0xaa);
    expected[136] = 6;
    fill(expected, 144, 32, 0xbb);
    expected[176] = 4;
    fill(expected, 184, 32, 0xcc);

    const statement_t statement = example();
    const digest_t domain = digest_of(0xd0);
    uint8_t encoded[STATEMENT_BYTES];
    memset(encoded, 0xff, sizeof encoded); /* every byte is written */
    statement_encode(&statement, &domain, encoded);
    assert_memory_equal(encoded, expected, sizeof expected);

    /* The same once more as one number, in case that both lists above were edited alike. */
    static const uint8_t hash[] = {0xa8, 0xb2, 0xfd, 0x50, 0xff, 0x50, 0x27, 0x0d, 0xca, 0xdd, 0x19,
                                   0xbb, 0xaf, 0x72, 0x4e, 0xb5, 0xe3, 0x37, 0x2b, 0x7f, 0x88, 0x45,
                                   0x81, 0x32, 0xb4, 0xc2, 0x24, 0x14, 0xce, 0x1f, 0x5f, 0x0d};
    const digest_t digest = hash_bytes(bytes_of(encoded, sizeof encoded));
    assert_memory_equal(digest.bytes, hash, sizeof hash);
}

/* What stands in memory beyond the counts has no meaning: not signed, not compared. */
static void test_what_does_not_count(void **state) {
    (void)state;
    statement_t clean = statement_sample();
    statement_t dirty = clean;
    for (uint32_t i = dirty.path.length; i < PATH_PARTS_MAX; i++)
        dirty.path.parts[i] = 77;
    dirty.claims[1] = (claim_t){.view = 99, .digest = digest_of(0x99)};
    const digest_t domain = digest_of(1);
    uint8_t a[STATEMENT_BYTES], b[STATEMENT_BYTES];
    statement_encode(&clean, &domain, a);
    statement_encode(&dirty, &domain, b);
    assert_memory_equal(a, b, sizeof a);
    assert_true(statement_equal(&clean, &dirty, false));
    assert_true(path_equal(&clean.path, &dirty.path));
}

static void test_equality(void **state) {
    (void)state;
    const statement_t sample = statement_sample();
    for (int change = 0; change < CHANGES; change++) {
        statement_t other = sample;
        statement_change(&other, change);
        assert_false(statement_equal(&sample, &other, false));
        const bool only_claims = change == CHANGE_CLAIM_VIEW || change == CHANGE_CLAIM_DIGEST;
        assert_int_equal(statement_equal(&sample, &other, true), only_claims);
    }
    assert_true(statement_equal(&sample, &sample, false));
    const claim_t claim = {.view = 3, .digest = digest_of(3)};
    claim_t other = claim;
    assert_true(claim_equal(&claim, &other));
    other.view = 4;
    assert_false(claim_equal(&claim, &other));
    other = (claim_t){.view = 3, .digest = digest_of(4)};
    assert_false(claim_equal(&claim, &other));
}

static statement_t random_statement(prng_t *prng) {
    statement_t statement = {.epoch = prng_below(prng, 2),
                             .path = {.length = (uint32_t)prng_below(prng, 3)},
                             .view = prng_below(prng, 2),
                             .height = prng_below(prng, 2),
                             .subject = (uint32_t)prng_below(prng, 2),
                             .phase = (uint8_t)prng_below(prng, 2),
                             .body = (uint8_t)prng_below(prng, 2),
                             .claim_count = (uint8_t)prng_below(prng, 3),
                             .digest = digest_of((uint8_t)prng_below(prng, 2))};
    for (uint32_t i = 0; i < PATH_PARTS_MAX; i++)
        statement.path.parts[i] = (uint32_t)prng_below(prng, 2);
    for (uint32_t k = 0; k < CLAIMS_MAX; k++)
        statement.claims[k] = (claim_t){.view = prng_below(prng, 2),
                                        .digest = digest_of((uint8_t)prng_below(prng, 2))};
    return statement;
}

/* Few values for each field, so that equal pairs and pairs that hardly differ are frequent. */
static void test_equal_exactly_when_bytes_are(void **state) {
    (void)state;
    prng_t prng = prng_of(1);
    const digest_t domain = digest_of(1);
    uint32_t equal_pairs = 0;
    for (uint32_t round = 0; round < 200000; round++) {
        const statement_t a = random_statement(&prng);
        statement_t b = prng_chance(&prng, 500000) ? a : random_statement(&prng);
        b.path.parts[prng_below(&prng, PATH_PARTS_MAX)] ^= 1;
        b.claims[prng_below(&prng, CLAIMS_MAX)].view ^= 1;
        uint8_t encoded_a[STATEMENT_BYTES], encoded_b[STATEMENT_BYTES];
        statement_encode(&a, &domain, encoded_a);
        statement_encode(&b, &domain, encoded_b);
        const bool equal = memcmp(encoded_a, encoded_b, STATEMENT_BYTES) == 0;
        assert_int_equal(statement_equal(&a, &b, false), equal);
        equal_pairs += equal;
    }
    assert_in_range(equal_pairs, 1000, 100000);
}

/* attack Q3, attack Q4, attack K2: a signature holds for one view, phase, chain and so on. */
static void test_relabelling(void **state) {
    static world_t world;
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t sample = statement_sample();
    const signature_t signature = world_sign(&world, 2, &sample);
    const key_public_t *key = &world.members[2].key;
    const verifier_t *verifier = &world.verifier;
    uint8_t encoded[STATEMENT_BYTES];
    const bytes_t message = bytes_of(encoded, sizeof encoded);
    for (int change = 0; change < CHANGES; change++) {
        statement_t other = sample;
        statement_change(&other, change);
        statement_encode(&other, &world.domain, encoded);
        assert_int_equal(verifier->verify(verifier->context, key, message, &signature),
                         SYNOD_BAD_SIGNATURE);
    }
    /* Another chain, protocol or parameters: another domain. */
    digest_t domain = world.domain;
    domain.bytes[0] ^= 1;
    statement_encode(&sample, &domain, encoded);
    assert_int_equal(verifier->verify(verifier->context, key, message, &signature),
                     SYNOD_BAD_SIGNATURE);
    statement_encode(&sample, &world.domain, encoded);
    assert_int_equal(verifier->verify(verifier->context, key, message, &signature), SYNOD_OK);
    /* Another member. */
    assert_int_equal(
        verifier->verify(verifier->context, &world.members[1].key, message, &signature),
        SYNOD_BAD_SIGNATURE);
}

/* attack K2: each of the 216 bytes is under the signature, the tag and the zeros too. */
static void test_every_byte(void **state) {
    static world_t world;
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t statement = example();
    const signature_t signature = world_sign(&world, 0, &statement);
    uint8_t encoded[STATEMENT_BYTES];
    statement_encode(&statement, &world.domain, encoded);
    const bytes_t message = bytes_of(encoded, sizeof encoded);
    for (uint32_t bit = 0; bit < 8 * STATEMENT_BYTES; bit++) {
        encoded[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(world.verifier.verify(world.verifier.context, &world.members[0].key,
                                               message, &signature),
                         SYNOD_BAD_SIGNATURE);
        encoded[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* Neither do fewer bytes do. */
    assert_int_equal(world.verifier.verify(world.verifier.context, &world.members[0].key,
                                           bytes_of(encoded, sizeof encoded - 1), &signature),
                     SYNOD_BAD_SIGNATURE);
}

static void encode_unbounded(void *context) {
    uint8_t encoded[STATEMENT_BYTES];
    const digest_t domain = digest_of(1);
    statement_encode(context, &domain, encoded);
}

static void compare_unbounded(void *context) {
    const statement_t sample = statement_sample();
    (void)statement_equal(&sample, context, true);
}

static void test_bounds(void **state) {
    (void)state;
    statement_t statement = statement_sample();
    statement.path.length = PATH_PARTS_MAX;
    statement.claim_count = CLAIMS_MAX;
    assert_true(statement_bounded(&statement));
    assert_false(stops(encode_unbounded, &statement));
    statement.path.length = PATH_PARTS_MAX + 1;
    assert_false(statement_bounded(&statement));
    assert_true(stops(encode_unbounded, &statement));
    assert_true(stops(compare_unbounded, &statement));
    statement.path.length = 0;
    statement.claim_count = CLAIMS_MAX + 1;
    assert_false(statement_bounded(&statement));
    assert_true(stops(encode_unbounded, &statement));
    assert_true(stops(compare_unbounded, &statement));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_bytes),
        cmocka_unit_test(test_what_does_not_count),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_equal_exactly_when_bytes_are),
        cmocka_unit_test_prestate(test_relabelling, &suites[0]),
        cmocka_unit_test_prestate(test_relabelling, &suites[1]),
        cmocka_unit_test_prestate(test_every_byte, &suites[0]),
        cmocka_unit_test_prestate(test_every_byte, &suites[1]),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
