/* The suite symbolic: one signature per key and message, which only a holder of the identity
 * makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypto/sign.h"

enum { MAC_BYTES = 16 };

static const symbolic_world_t world = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static signature_t sign_as(const symbolic_world_t *in, uint64_t number, bytes_t message) {
    symbolic_identity_t identity = {.world = in, .key = symbolic_key(number)};
    signer_t signer = signer_symbolic(&identity);
    signature_t signature;
    signer.sign(signer.context, message, &signature);
    return signature;
}

static synod_status verify(uint64_t number, bytes_t message, const signature_t *signature) {
    verifier_t verifier = verifier_symbolic(&world);
    key_public_t key = symbolic_key(number);
    return verifier.verify(verifier.context, &key, message, signature);
}

static void keys_are_a_fixed_encoding(void **state) {
    (void)state;
    key_public_t key = symbolic_key(UINT64_C(0x0807060504030201));
    assert_memory_equal(key.bytes, "\1\2\3\4\5\6\7\10symbolic\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                        sizeof key.bytes);
    symbolic_identity_t identity = {.world = &world, .key = key};
    signer_t signer = signer_symbolic(&identity);
    assert_memory_equal(signer.key.bytes, key.bytes, sizeof key.bytes);
    assert_int_equal(signer.suite, SUITE_SYMBOLIC);
    assert_int_equal(verifier_symbolic(&world).suite, SUITE_SYMBOLIC);
}

static void only_that_encoding_is_a_key(void **state) {
    (void)state;
    verifier_t verifier = verifier_symbolic(&world);
    key_public_t key = symbolic_key(7);
    for (size_t bit = 0; bit < 8 * sizeof key.bytes; bit++) {
        key.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(verifier.judge_key(verifier.context, &key),
                         bit < 64 ? SYNOD_OK : SYNOD_BAD_KEY); /* another number is another key */
        key.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    key = symbolic_key(UINT64_MAX);
    assert_int_equal(verifier.judge_key(verifier.context, &key), SYNOD_OK);
}

static void signatures_hold_at_every_length(void **state) {
    (void)state;
    uint8_t message[200];
    memset(message, 0x31, sizeof message);
    for (size_t size = 0; size <= sizeof message; size++) {
        bytes_t bytes = bytes_of(size == 0 ? NULL : message, size);
        signature_t signature = sign_as(&world, 3, bytes), again = sign_as(&world, 3, bytes);
        assert_memory_equal(signature.bytes, again.bytes, sizeof again.bytes);
        assert_int_equal(verify(3, bytes, &signature), SYNOD_OK);
        if (size > 0) {
            assert_int_equal(verify(3, bytes_of(message, size - 1), &signature),
                             SYNOD_BAD_SIGNATURE);
        }
    }
}

/* The bytes after the MAC are zero and are checked: a signature has one encoding. */
static void every_bit_counts(void **state) {
    (void)state;
    uint8_t message[20] = "twenty bytes of text";
    bytes_t bytes = bytes_of(message, sizeof message);
    signature_t signature = sign_as(&world, 3, bytes);
    for (size_t i = MAC_BYTES; i < sizeof signature.bytes; i++) {
        assert_int_equal(signature.bytes[i], 0);
    }
    for (size_t bit = 0; bit < 8 * sizeof signature.bytes; bit++) {
        signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(verify(3, bytes, &signature), SYNOD_BAD_SIGNATURE);
        signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(verify(3, bytes, &signature), SYNOD_BAD_SIGNATURE);
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_int_equal(verify(3 ^ UINT64_C(1) << bit, bytes, &signature), SYNOD_BAD_SIGNATURE);
    }
    assert_int_equal(verify(3, bytes, &signature), SYNOD_OK);
}

/* Each bit of the secret of the world counts, and so does every byte of a key. */
static void other_worlds_and_keys_do_not_hold(void **state) {
    (void)state;
    bytes_t message = bytes_of("message", 7);
    for (size_t bit = 0; bit < 8 * sizeof world.secret; bit++) {
        symbolic_world_t other = world;
        other.secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
        signature_t signature = sign_as(&other, 3, message);
        assert_int_equal(verify(3, message, &signature), SYNOD_BAD_SIGNATURE);
    }
    verifier_t verifier = verifier_symbolic(&world);
    signature_t signature = sign_as(&world, 3, message);
    for (size_t i = 0; i < SYNOD_KEY_BYTES; i++) {
        key_public_t key = symbolic_key(3);
        key.bytes[i] ^= 1;
        assert_int_equal(verifier.verify(verifier.context, &key, message, &signature),
                         SYNOD_BAD_SIGNATURE);
    }
}

/* Traces of old seeds must replay: from an independent implementation of SipHash-2-4-128. */
static void signatures_are_frozen(void **state) {
    (void)state;
    static const uint8_t expected[MAC_BYTES] = {0x3b, 0xd7, 0xae, 0x34, 0x6b, 0xcc, 0x98, 0x8e,
                                                0x79, 0x7f, 0xde, 0x6d, 0x0a, 0x79, 0x96, 0x8b};
    signature_t signature = sign_as(&world, 3, bytes_of("message", 7));
    assert_memory_equal(signature.bytes, expected, sizeof expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_a_fixed_encoding),
        cmocka_unit_test(only_that_encoding_is_a_key),
        cmocka_unit_test(signatures_hold_at_every_length),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(other_worlds_and_keys_do_not_hold),
        cmocka_unit_test(signatures_are_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
