/* The suite ed25519: RFC 8032, and the strict rule on signatures and keys that make verifiers
 * disagree (tests/data/ed25519-*.txt say what each is). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "crypto/sign.h"

#ifndef SYNOD_SOURCE_DIR
#define SYNOD_SOURCE_DIR "."
#endif

enum { LINE_BYTES = 4096, FIELDS_MAX = 6, MESSAGE_BYTES = 1024 };

static FILE *open_data(const char *file_name) {
    const char *root = getenv("SYNOD_SOURCE");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/tests/data/%s", root != NULL ? root : SYNOD_SOURCE_DIR,
                   file_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot read %s: start the test in the source folder or set SYNOD_SOURCE", path);
    }
    return file;
}

/* The next line that is no comment, cut into `count` fields; false at the end. */
static bool next_line(FILE *file, char line[LINE_BYTES], char *fields[FIELDS_MAX], size_t count) {
    do {
        if (fgets(line, LINE_BYTES, file) == NULL) {
            return false;
        }
    } while (line[0] == '#');
    size_t found = 0;
    for (char *field = strtok(line, " \n"); field != NULL; field = strtok(NULL, " \n")) {
        assert_true(found < count);
        fields[found++] = field;
    }
    assert_int_equal(found, count);
    return true;
}

/* Bytes written by `hex`, at most `size`; "-" is none. */
static size_t from_hex(uint8_t *to, size_t size, const char *hex) {
    static const char digits[] = "0123456789abcdef";
    size_t length = strcmp(hex, "-") == 0 ? 0 : strlen(hex);
    assert_true(length % 2 == 0 && length / 2 <= size);
    for (size_t i = 0; i < length; i++) {
        const char *digit = strchr(digits, hex[i]);
        assert_non_null(digit);
        size_t value = (size_t)(digit - digits);
        to[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : to[i / 2] | value);
    }
    return length / 2;
}

static void exactly_from_hex(void *to, size_t size, const char *hex) {
    assert_int_equal(from_hex(to, size, hex), size);
}

static synod_status verify(const key_public_t *key, bytes_t message, const signature_t *signature) {
    verifier_t verifier = verifier_ed25519();
    return verifier.verify(verifier.context, key, message, signature);
}

static synod_status judge(const key_public_t *key) {
    verifier_t verifier = verifier_ed25519();
    return verifier.judge_key(verifier.context, key);
}

static signature_t sign(const signer_t *signer, bytes_t message) {
    signature_t signature;
    signer->sign(signer->context, message, &signature);
    return signature;
}

static signer_t signer_number(uint8_t number, sign_secret_t *secret) {
    uint8_t seed[SIGN_SEED_BYTES] = {number};
    return signer_ed25519(seed, secret);
}

static void vectors_of_rfc_8032(void **state) {
    (void)state;
    char line[LINE_BYTES], *field[FIELDS_MAX];
    size_t count = 0;
    FILE *file = open_data("ed25519-rfc8032.txt");
    for (; next_line(file, line, field, 5); count++) {
        uint8_t seed[SIGN_SEED_BYTES], message[MESSAGE_BYTES];
        key_public_t key;
        signature_t expected;
        sign_secret_t secret;
        exactly_from_hex(seed, sizeof seed, field[1]);
        exactly_from_hex(key.bytes, sizeof key.bytes, field[2]);
        bytes_t bytes = bytes_of(message, from_hex(message, sizeof message, field[3]));
        exactly_from_hex(expected.bytes, sizeof expected.bytes, field[4]);

        signer_t signer = signer_ed25519(seed, &secret);
        assert_int_equal(signer.suite, SUITE_ED25519);
        assert_memory_equal(signer.key.bytes, key.bytes, sizeof key.bytes);
        signature_t signature = sign(&signer, bytes);
        assert_memory_equal(signature.bytes, expected.bytes, sizeof expected.bytes);
        assert_int_equal(verify(&key, bytes, &expected), SYNOD_OK);
        assert_int_equal(judge(&key), SYNOD_OK);
    }
    (void)fclose(file);
    assert_int_equal(count, 5);
}

/* attack K1, attack X19: S + L, small-order keys and R, non-canonical encodings, mixed orders. */
static void unusual_signatures_get_one_verdict(void **state) {
    (void)state;
    char line[LINE_BYTES], *field[FIELDS_MAX];
    size_t count = 0, wrong = 0;
    FILE *file = open_data("ed25519-edge.txt");
    for (; next_line(file, line, field, 6); count++) {
        key_public_t key;
        signature_t signature;
        uint8_t message[MESSAGE_BYTES];
        exactly_from_hex(key.bytes, sizeof key.bytes, field[3]);
        bytes_t bytes = bytes_of(message, from_hex(message, sizeof message, field[4]));
        exactly_from_hex(signature.bytes, sizeof signature.bytes, field[5]);
        bool holds = strcmp(field[0], "ok") == 0, admitted = strcmp(field[1], "ok") == 0;
        if (verify(&key, bytes, &signature) != (holds ? SYNOD_OK : SYNOD_BAD_SIGNATURE)) {
            print_error("%s: the verifier disagrees\n", field[2]);
            wrong++;
        }
        if (judge(&key) != (admitted ? SYNOD_OK : SYNOD_BAD_KEY)) {
            print_error("%s: judge_key disagrees\n", field[2]);
            wrong++;
        }
    }
    (void)fclose(file);
    assert_int_equal(wrong, 0);
    assert_int_equal(count, 86);
}

/* attack X19: no key of small or mixed order, and no second encoding of a key, is admitted. */
static void unusual_keys_are_not_admitted(void **state) {
    (void)state;
    char line[LINE_BYTES], *field[FIELDS_MAX];
    size_t good = 0, bad = 0, wrong = 0;
    FILE *file = open_data("ed25519-keys.txt");
    while (next_line(file, line, field, 3)) {
        key_public_t key;
        exactly_from_hex(key.bytes, sizeof key.bytes, field[2]);
        bool admitted = strcmp(field[0], "ok") == 0;
        good += admitted;
        bad += !admitted;
        if (judge(&key) != (admitted ? SYNOD_OK : SYNOD_BAD_KEY)) {
            print_error("%s: judge_key disagrees\n", field[1]);
            wrong++;
        }
    }
    (void)fclose(file);
    assert_int_equal(wrong, 0);
    assert_int_equal(good, 11);
    assert_int_equal(bad, 77);
}

static void honest_keys_are_admitted_and_their_signatures_hold(void **state) {
    (void)state;
    for (uint8_t number = 0; number < 50; number++) {
        sign_secret_t secret;
        signer_t signer = signer_number(number, &secret);
        bytes_t message = bytes_of(&number, 1);
        signature_t signature = sign(&signer, message), again = sign(&signer, message);
        assert_memory_equal(signature.bytes, again.bytes, sizeof again.bytes); /* deterministic */
        assert_int_equal(judge(&signer.key), SYNOD_OK);
        assert_int_equal(verify(&signer.key, message, &signature), SYNOD_OK);
    }
}

/* Every single bit of key, message and signature counts: none can be flipped, so a signature has
 * one encoding and cannot be counted twice. */
static void every_bit_counts(void **state) {
    (void)state;
    sign_secret_t secret;
    signer_t signer = signer_number(1, &secret);
    uint8_t message[5] = "hello";
    signature_t signature = sign(&signer, bytes_of(message, sizeof message));
    struct {
        uint8_t *bytes;
        size_t size;
    } inputs[] = {{signer.key.bytes, sizeof signer.key.bytes},
                  {message, sizeof message},
                  {signature.bytes, sizeof signature.bytes}};
    for (size_t input = 0; input < 3; input++) {
        for (size_t bit = 0; bit < 8 * inputs[input].size; bit++) {
            inputs[input].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(verify(&signer.key, bytes_of(message, sizeof message), &signature),
                             SYNOD_BAD_SIGNATURE);
            inputs[input].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    assert_int_equal(verify(&signer.key, bytes_of(message, sizeof message), &signature), SYNOD_OK);
    assert_int_equal(verify(&signer.key, bytes_of(message, sizeof message - 1), &signature),
                     SYNOD_BAD_SIGNATURE);
}

static void other_signers_and_messages_do_not_hold(void **state) {
    (void)state;
    sign_secret_t first_secret, second_secret;
    signer_t first = signer_number(1, &first_secret), second = signer_number(2, &second_secret);
    bytes_t message = bytes_of("message", 7);
    signature_t signature = sign(&first, message);
    assert_int_equal(verify(&second.key, message, &signature), SYNOD_BAD_SIGNATURE);
    assert_int_equal(verify(&first.key, bytes_of("massage", 7), &signature), SYNOD_BAD_SIGNATURE);
}

/* Random bytes are a point of the curve every other time, and one point in eight is of the
 * subgroup, which is closed under negation. */
static void random_bytes_are_judged(void **state) {
    (void)state;
    enum { KEYS = 3000 };
    prng_t prng = prng_of(11);
    uint32_t admitted = 0;
    for (int i = 0; i < KEYS; i++) {
        key_public_t key, negated;
        for (size_t at = 0; at < sizeof key.bytes; at += 8) {
            store_u64(key.bytes + at, prng_next(&prng));
        }
        negated = key;
        negated.bytes[31] ^= 0x80;
        assert_int_equal(judge(&key), judge(&negated));
        admitted += judge(&key) == SYNOD_OK;
    }
    assert_in_range(admitted, KEYS / 16 - 70, KEYS / 16 + 70); /* five standard deviations */
}

/* attack K7 (the comparison in constant time and the wiping; files are for the adapter). */
static void wipe_and_equal(void **state) {
    (void)state;
    uint8_t a[64], b[64];
    memset(a, 0x5a, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(sign_equal(a, b, sizeof a));
    assert_true(sign_equal(a, b, 0));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sign_equal(a, b, sizeof a));
        assert_true(sign_equal(a, b, bit / 8));
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    sign_wipe(a, sizeof a - 1);
    for (size_t i = 0; i < sizeof a - 1; i++) {
        assert_int_equal(a[i], 0);
    }
    assert_int_equal(a[sizeof a - 1], 0x5a);
}

static int open_library(void **state) {
    (void)state;
    return sign_open() && sign_open() ? 0 : -1; /* a second call does no harm */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_8032),
        cmocka_unit_test(unusual_signatures_get_one_verdict),
        cmocka_unit_test(unusual_keys_are_not_admitted),
        cmocka_unit_test(honest_keys_are_admitted_and_their_signatures_hold),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(other_signers_and_messages_do_not_hold),
        cmocka_unit_test(random_bytes_are_judged),
        cmocka_unit_test(wipe_and_equal),
    };
    return cmocka_run_group_tests(tests, open_library, NULL);
}
