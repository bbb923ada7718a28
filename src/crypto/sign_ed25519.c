/* The suite `ed25519`: libsodium and nothing else, because verifiers of different libraries
 * disagree on odd input and replicas that disagree on one signature split (attack K1).
 *
 * What crypto_sign_verify_detached of libsodium 1.0.18 refuses (tests/data/ed25519-edge.txt shows
 * it, wherever such a signature can be made at all): S not below L (malleability); an R or a key of
 * small order, compared with the list of their encodings, canonical or not; a key with y not below
 * p or off the curve; an R that differs in one bit from the encoding of S B - h A, hence any
 * non-canonical R. The equation is the one without cofactor. What it accepts is a key of mixed
 * order, that is a point of the prime-order subgroup plus one of small order.
 *
 * judge_key is stricter and admits points of the prime-order subgroup only:
 * - no honest key is lost: a key is a multiple of the base point, hence in the subgroup;
 * - keys that differ by a point of small order are several members of which one secret knows all,
 *   and the same key to whatever multiplies by the cofactor (VRF, shares, proofs);
 * - a signature under a mixed key holds or not by h mod 8, with equations that differ between
 *   verifiers; and batch verification without cofactor is sound for keys of prime order only;
 * - libsodium's own arithmetic refuses such points, so it would fail later and elsewhere.
 * verify does not repeat the test: it would multiply its cost, for keys that were judged before. */
#include "crypto/sign.h"

#include <sodium.h>

#include "base/check.h"

_Static_assert(SYNOD_KEY_BYTES == crypto_sign_ed25519_PUBLICKEYBYTES, "key size");
_Static_assert(SYNOD_SIGNATURE_BYTES == crypto_sign_ed25519_BYTES, "signature size");
_Static_assert(SIGN_SEED_BYTES == crypto_sign_ed25519_SEEDBYTES, "seed size");
_Static_assert(sizeof(sign_secret_t) == crypto_sign_ed25519_SECRETKEYBYTES, "secret size");

/* L - 1, little-endian; L = 2^252 + 27742317777372353535851937790883648493 is the order of the base
 * point (RFC 8032, section 5.1). */
static const uint8_t order_less_one[32] = {
    0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

bool sign_open(void) {
    return sodium_init() >= 0;
}

static synod_status verify(const void *context, const key_public_t *key, bytes_t message,
                           const signature_t *signature) {
    (void)context;
    int verdict = crypto_sign_ed25519_verify_detached(signature->bytes, message.data, message.size,
                                                      key->bytes);
    return verdict == 0 ? SYNOD_OK : SYNOD_BAD_SIGNATURE;
}

/* crypto_core_ed25519_is_valid_point is meant for this, but up to libsodium 1.0.20 it takes a point
 * plus the point of order 2 for a member of the subgroup (CVE-2025-69277), and distributions patch
 * it without a new version number, so two builds would disagree. Instead: (L - 1) A = -A holds
 * exactly when L A is the identity, whichever release multiplies. The product is encoded
 * canonically, so a non-canonical key fails the comparison; the small orders fail it because none
 * of them divides L; the identity fails it because its sign cannot be flipped. */
static synod_status judge_key(const void *context, const key_public_t *key) {
    (void)context;
    uint8_t product[32] = {0};
    if (crypto_scalarmult_ed25519_noclamp(product, order_less_one, key->bytes) != 0) {
        return SYNOD_BAD_KEY;
    }
    product[31] ^= 0x80; /* negates the encoded point: its x, of which this bit is the sign */
    return memcmp(product, key->bytes, sizeof product) == 0 ? SYNOD_OK : SYNOD_BAD_KEY;
}

verifier_t verifier_ed25519(void) {
    return (verifier_t){.suite = SUITE_ED25519, .verify = verify, .judge_key = judge_key};
}

static void sign(const void *context, bytes_t message, signature_t *signature) {
    const sign_secret_t *secret = context;
    int done = crypto_sign_ed25519_detached(signature->bytes, NULL, message.data, message.size,
                                            secret->bytes);
    ensure(done == 0);
}

signer_t signer_ed25519(const uint8_t seed[SIGN_SEED_BYTES], sign_secret_t *secret) {
    require(secret != NULL);
    signer_t signer = {.suite = SUITE_ED25519, .sign = sign, .context = secret};
    int done = crypto_sign_ed25519_seed_keypair(signer.key.bytes, secret->bytes, seed);
    ensure(done == 0);
    return signer;
}

void sign_wipe(void *memory, size_t size) {
    sodium_memzero(memory, size);
}

bool sign_equal(const void *a, const void *b, size_t size) {
    return sodium_memcmp(a, b, size) == 0;
}
