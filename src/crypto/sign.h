/* Signatures behind one interface with two suites.
 *
 * `ed25519`: libsodium only, one strict predicate everywhere (attack K1): canonical S, canonical
 * and not small-order public key, R not of small order and compared by its bytes, cofactorless; a
 * key is admitted only if it is also of prime order. `symbolic`: for the simulator, a keyed hash
 * whose key the simulated world holds, so that nobody can forge and a signature costs tens of
 * nanoseconds.
 *
 * A signer holds a secret; a verifier needs none. Both are plain tables of functions, so that cores
 * and replica never know which suite runs. */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/bytes.h"

typedef synod_key key_public_t;
typedef synod_signature signature_t;

#define SIGN_SEED_BYTES 32

typedef enum suite_id { SUITE_ED25519 = 1, SUITE_SYMBOLIC = 255 } suite_id_t;

typedef struct verifier {
    suite_id_t suite;
    /* SYNOD_OK or SYNOD_BAD_SIGNATURE. Thread-safe. */
    synod_status (*verify)(const void *context, const key_public_t *key, bytes_t message,
                           const signature_t *signature);
    /* SYNOD_OK or SYNOD_BAD_KEY: may this key stand in a committee or a session (attack X19)? */
    synod_status (*judge_key)(const void *context, const key_public_t *key);
    const void *context;
} verifier_t;

typedef struct signer {
    suite_id_t suite;
    void (*sign)(const void *context, bytes_t message, signature_t *signature);
    key_public_t key;
    const void *context;
} signer_t;

/* ---- ed25519 ---- */

/* Must be called once before anything else of this header; false when the library cannot start. */
bool sign_open(void);
verifier_t verifier_ed25519(void);

/* Secret key memory of one signer; wipe it with sign_wipe. */
typedef struct sign_secret {
    uint8_t bytes[64];
} sign_secret_t;

/* Derives the pair from a 32-byte seed. The signer borrows `secret`, which must outlive it. */
signer_t signer_ed25519(const uint8_t seed[SIGN_SEED_BYTES], sign_secret_t *secret);
void sign_wipe(void *memory, size_t size);
/* Constant-time comparison (attack K7). */
bool sign_equal(const void *a, const void *b, size_t size);

/* ---- symbolic ---- */

/* The simulated world's secret; the key of an identity is a public number under it. */
typedef struct symbolic_world {
    uint8_t secret[16];
} symbolic_world_t;

typedef struct symbolic_identity {
    const symbolic_world_t *world;
    key_public_t key;
} symbolic_identity_t;

/* A public key that names `identity` (any number) in every world. */
key_public_t symbolic_key(uint64_t identity);
verifier_t verifier_symbolic(const symbolic_world_t *world);
/* The signer borrows `identity`. Whoever holds this can sign as that identity, nobody else can. */
signer_t signer_symbolic(const symbolic_identity_t *identity);

#endif
