/* Merkle rules and proofs of `kv`; see the header and docs/formats/kv.md. */
#include "app/kv_proof.h"

#include "base/check.h"
#include "crypto/hash.h"

enum { TAG_LEAF = 0, TAG_NODE = 1, TAG_EMPTY = 2 };

digest_t kv_hash_empty(void) {
    const uint8_t tag = TAG_EMPTY;
    return hash_bytes(bytes_of(&tag, 1));
}

digest_t kv_hash_leaf(const digest_t *key, const digest_t *value) {
    uint8_t bytes[1 + 2 * SYNOD_DIGEST_BYTES];
    bytes[0] = TAG_LEAF;
    memcpy(bytes + 1, key->bytes, SYNOD_DIGEST_BYTES);
    memcpy(bytes + 1 + SYNOD_DIGEST_BYTES, value->bytes, SYNOD_DIGEST_BYTES);
    return hash_bytes(bytes_of(bytes, sizeof bytes));
}

digest_t kv_hash_node(uint8_t bit, const kv_pair_t *children) {
    uint8_t bytes[2 + sizeof *children];
    bytes[0] = TAG_NODE;
    bytes[1] = bit;
    memcpy(bytes + 2, children, sizeof *children);
    return hash_bytes(bytes_of(bytes, sizeof bytes));
}

void kv_proof_encode(const kv_proof_t *proof, writer_t *writer) {
    write_u8(writer, (uint8_t)proof->end);
    if (proof->end == KV_PROOF_OTHER) {
        write_bytes(writer, proof->other_key.bytes, SYNOD_DIGEST_BYTES);
        write_bytes(writer, proof->other_value.bytes, SYNOD_DIGEST_BYTES);
    }
    write_u16(writer, proof->step_count);
    for (uint16_t i = 0; i < proof->step_count; i++) {
        write_u8(writer, proof->steps[i].bit);
        write_bytes(writer, proof->steps[i].sibling.bytes, SYNOD_DIGEST_BYTES);
    }
    ensure(!writer->failed);
}

synod_status kv_proof_decode(bytes_t bytes, kv_proof_t *proof) {
    reader_t reader = reader_of(bytes);
    uint8_t end = read_u8(&reader);
    if (end > KV_PROOF_OTHER) {
        return SYNOD_MALFORMED;
    }
    proof->end = (kv_proof_end_t)end;
    if (proof->end == KV_PROOF_OTHER) {
        read_into(&reader, proof->other_key.bytes, SYNOD_DIGEST_BYTES);
        read_into(&reader, proof->other_value.bytes, SYNOD_DIGEST_BYTES);
    }
    proof->step_count = read_u16(&reader);
    if (proof->step_count > KV_PROOF_STEPS_MAX) {
        return SYNOD_MALFORMED;
    }
    for (uint16_t i = 0; i < proof->step_count; i++) {
        proof->steps[i].bit = read_u8(&reader);
        read_into(&reader, proof->steps[i].sibling.bytes, SYNOD_DIGEST_BYTES);
    }
    if (reader.failed) {
        return SYNOD_TRUNCATED;
    }
    return reader_done(&reader) ? SYNOD_OK : SYNOD_MALFORMED;
}

static uint32_t bit_of(const digest_t *digest, uint8_t bit) {
    return ((uint32_t)digest->bytes[bit / 8] >> (7u - bit % 8u)) & 1u;
}

/* Bits must shrink towards the root, and a leaf of another key must lie on the way of this one:
 * under an honestly built root nothing else can hold, so anything else is refused before
 * hashing. */
static bool is_way_of(const kv_proof_t *proof, const digest_t *key) {
    if (proof->end == KV_PROOF_EMPTY) {
        return proof->step_count == 0;
    }
    const digest_t *leaf = proof->end == KV_PROOF_OTHER ? &proof->other_key : key;
    for (uint16_t i = 0; i < proof->step_count; i++) {
        uint8_t bit = proof->steps[i].bit;
        if (i > 0 && bit >= proof->steps[i - 1].bit) {
            return false;
        }
        if (bit_of(leaf, bit) != bit_of(key, bit)) {
            return false;
        }
    }
    return true;
}

static digest_t fold_steps(const kv_proof_t *proof, const digest_t *key, digest_t digest) {
    for (uint16_t i = 0; i < proof->step_count; i++) {
        const kv_proof_step_t *step = &proof->steps[i];
        uint32_t side = bit_of(key, step->bit);
        kv_pair_t children;
        children.child[side] = digest;
        children.child[1 - side] = step->sibling;
        digest = kv_hash_node(step->bit, &children);
    }
    return digest;
}

synod_status kv_proof_check(const kv_proof_t *proof, const digest_t *root, const digest_t *key,
                            const digest_t *value) {
    bool says_present = proof->end == KV_PROOF_FOUND;
    bool names_key = proof->end == KV_PROOF_OTHER && digest_equal(&proof->other_key, key);
    if (says_present != (value != NULL) || names_key || !is_way_of(proof, key)) {
        return SYNOD_MALFORMED;
    }
    digest_t digest;
    if (proof->end == KV_PROOF_EMPTY) {
        digest = kv_hash_empty();
    } else if (value != NULL) {
        digest = kv_hash_leaf(key, value);
    } else {
        digest = kv_hash_leaf(&proof->other_key, &proof->other_value);
    }
    digest = fold_steps(proof, key, digest);
    return digest_equal(&digest, root) ? SYNOD_OK : SYNOD_MISMATCH;
}
