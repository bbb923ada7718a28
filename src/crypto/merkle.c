/* The Merkle rules of the house (RFC 6962, section 2.1). Leaf and node are hashed under different
 * first bytes: without them the two digests inside of a node could be shown as the content of a
 * leaf, and one root would stand for two lists (the second-preimage attack that the RFC names). */
#include "crypto/hash.h"

#include "base/check.h"

enum { LEAF_TAG = 0, NODE_TAG = 1 };

digest_t hash_leaf(bytes_t bytes) {
    static const uint8_t tag = LEAF_TAG;
    bytes_t parts[] = {bytes_of(&tag, 1), bytes};
    return hash_parts(parts, 2);
}

digest_t hash_node(const digest_t *left, const digest_t *right) {
    uint8_t input[1 + 2 * SYNOD_DIGEST_BYTES] = {NODE_TAG};
    memcpy(input + 1, left->bytes, SYNOD_DIGEST_BYTES);
    memcpy(input + 1 + SYNOD_DIGEST_BYTES, right->bytes, SYNOD_DIGEST_BYTES);
    return hash_bytes(bytes_of(input, sizeof input));
}

/* Level by level, pairs from the left; a last one without a partner moves up as it is. That is the
 * shape of the RFC: at each level every subtree but the last is full, so the left side of each
 * split holds the largest power of two below the count. */
digest_t merkle_root(digest_t *leaves, size_t count) {
    require(leaves != NULL || count == 0);
    if (count == 0) {
        return (digest_t){{0}};
    }
    while (count > 1) {
        size_t pairs = count / 2;
        for (size_t i = 0; i < pairs; i++) {
            leaves[i] = hash_node(&leaves[2 * i], &leaves[2 * i + 1]);
        }
        if (count % 2 == 1) {
            leaves[pairs] = leaves[count - 1];
        }
        count = pairs + count % 2;
    }
    return leaves[0];
}
