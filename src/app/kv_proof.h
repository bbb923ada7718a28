/* The Merkle rules of `kv` and its proofs: pure functions, the same for a replica that proves and a
 * client that verifies. The specification is docs/formats/kv.md.
 *
 *     leaf  = SHA-256(0x00 || SHA-256(key) || SHA-256(value))
 *     node  = SHA-256(0x01 || bit || left || right)
 *     empty = SHA-256(0x02)
 *
 * The tree is a trie over SHA-256(key) whose inner nodes all have two children; `bit` (0 = the
 * first bit of the digest, 255 the last) is where the keys below part. It is hashed, because it
 * decides on which way a key is looked for: without it a proof could claim other bits, lead a key
 * that is there past its leaf, and so prove it absent. */
#ifndef APP_KV_PROOF_H
#define APP_KV_PROOF_H

#include "base/bytes.h"

#define KV_PROOF_STEPS_MAX 256u
#define KV_PROOF_BYTES_MAX (1u + 2u * SYNOD_DIGEST_BYTES + 2u + KV_PROOF_STEPS_MAX * 33u)

/* What the way of a key through the tree ends at. */
typedef enum kv_proof_end {
    KV_PROOF_EMPTY = 0, /* there is no entry at all */
    KV_PROOF_FOUND = 1, /* its own leaf */
    KV_PROOF_OTHER = 2  /* the leaf of another key: this one is absent */
} kv_proof_end_t;

typedef struct kv_proof_step {
    uint8_t bit;
    digest_t sibling;
} kv_proof_step_t;

typedef struct kv_proof {
    kv_proof_end_t end;
    digest_t other_key, other_value; /* digests, of KV_PROOF_OTHER */
    uint16_t step_count;
    kv_proof_step_t steps[KV_PROOF_STEPS_MAX]; /* from the leaf up: bits grow smaller */
} kv_proof_t;

/* The two children of an inner node. */
typedef struct kv_pair {
    digest_t child[2];
} kv_pair_t;

digest_t kv_hash_empty(void);
digest_t kv_hash_leaf(const digest_t *key, const digest_t *value);
digest_t kv_hash_node(uint8_t bit, const kv_pair_t *children);

/* The writer has room for KV_PROOF_BYTES_MAX. */
void kv_proof_encode(const kv_proof_t *proof, writer_t *writer);
/* SYNOD_OK, SYNOD_TRUNCATED or SYNOD_MALFORMED. */
synod_status kv_proof_decode(bytes_t bytes, kv_proof_t *proof);
/* Does the proof show, under `root`, that `key` (a digest) has the value with the digest `value`,
 * or with NULL that it is absent? SYNOD_OK, SYNOD_MALFORMED for a proof of something else, or
 * SYNOD_MISMATCH. */
synod_status kv_proof_check(const kv_proof_t *proof, const digest_t *root, const digest_t *key,
                            const digest_t *value);

#endif
