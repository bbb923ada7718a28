/* SHA-256 (OpenSSL, through the processor's instructions; algorithm fetched once a thread, context
 * reused) and the Merkle rules of the house: leaf and node hashed under different tags, so that a
 * node can never be shown as a leaf (RFC 6962, section 2.1). */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/bytes.h"

/* Digest of one range. */
digest_t hash_bytes(bytes_t bytes);
/* Digest of the concatenation of `count` ranges. */
digest_t hash_parts(const bytes_t *parts, size_t count);

/* Streaming, for large inputs. One at a time per thread between begin and end. */
typedef struct hash_stream {
    void *context;
} hash_stream_t;
hash_stream_t hash_begin(void);
void hash_add(hash_stream_t *stream, bytes_t bytes);
digest_t hash_end(hash_stream_t *stream);

/* H(0x00 || bytes) and H(0x01 || left || right). */
digest_t hash_leaf(bytes_t bytes);
digest_t hash_node(const digest_t *left, const digest_t *right);

/* Merkle root over `count` leaf digests (RFC 6962 shape: the left subtree is the largest power of
 * two below count). Zero digest for count 0. `leaves` is overwritten as scratch. */
digest_t merkle_root(digest_t *leaves, size_t count);

#endif
