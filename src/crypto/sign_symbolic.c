/* The suite `symbolic`: signatures for the simulator at the cost of two SipHashes. Whoever lacks
 * the secret of the world cannot make one, and there is one signature per key and message, so the
 * simulated adversary has what the model gives it: it signs as those it corrupted, and no more.
 *
 * key       = identity (8 bytes, little-endian, first so that prefixes differ), "symbolic", zeros
 * signature = SipHash(outer, key || SipHash(inner, message)) with 128-bit results, then zeros
 *
 * Two calls, nested as in HMAC (RFC 2104) with its constants, because SipHash takes one range and
 * nothing here can copy a message of any size. */
#include "crypto/sign.h"

#include <sodium.h>

#include "base/check.h"

enum { MAC_BYTES = crypto_shorthash_siphashx24_BYTES, INNER_PAD = 0x36, OUTER_PAD = 0x5c };

_Static_assert(sizeof((symbolic_world_t){{0}}.secret) == crypto_shorthash_siphashx24_KEYBYTES,
               "secret size");

key_public_t symbolic_key(uint64_t identity) {
    key_public_t key = {{0}};
    store_u64(key.bytes, identity);
    memcpy(key.bytes + 8, "symbolic", 8);
    return key;
}

static void keyed_hash(uint8_t out[MAC_BYTES], const symbolic_world_t *world, uint8_t pad,
                       const void *data, size_t size) {
    uint8_t secret[crypto_shorthash_siphashx24_KEYBYTES];
    for (size_t i = 0; i < sizeof secret; i++) {
        secret[i] = world->secret[i] ^ pad;
    }
    int done = crypto_shorthash_siphashx24(out, data, size, secret);
    ensure(done == 0);
}

static signature_t signature_of(const symbolic_world_t *world, const key_public_t *key,
                                bytes_t message) {
    uint8_t named[SYNOD_KEY_BYTES + MAC_BYTES];
    memcpy(named, key->bytes, SYNOD_KEY_BYTES);
    keyed_hash(named + SYNOD_KEY_BYTES, world, INNER_PAD, message.data, message.size);
    signature_t signature = {{0}};
    keyed_hash(signature.bytes, world, OUTER_PAD, named, sizeof named);
    return signature;
}

static synod_status judge_key(const void *context, const key_public_t *key) {
    (void)context;
    key_public_t same = symbolic_key(load_u64(key->bytes));
    return memcmp(same.bytes, key->bytes, SYNOD_KEY_BYTES) == 0 ? SYNOD_OK : SYNOD_BAD_KEY;
}

static synod_status verify(const void *context, const key_public_t *key, bytes_t message,
                           const signature_t *signature) {
    signature_t right = signature_of(context, key, message);
    int difference = memcmp(right.bytes, signature->bytes, sizeof right.bytes);
    return difference == 0 ? SYNOD_OK : SYNOD_BAD_SIGNATURE;
}

verifier_t verifier_symbolic(const symbolic_world_t *world) {
    require(world != NULL);
    return (verifier_t){
        .suite = SUITE_SYMBOLIC, .verify = verify, .judge_key = judge_key, .context = world};
}

static void sign(const void *context, bytes_t message, signature_t *signature) {
    const symbolic_identity_t *identity = context;
    *signature = signature_of(identity->world, &identity->key, message);
}

signer_t signer_symbolic(const symbolic_identity_t *identity) {
    require(identity != NULL && identity->world != NULL);
    return (signer_t){
        .suite = SUITE_SYMBOLIC, .sign = sign, .key = identity->key, .context = identity};
}
