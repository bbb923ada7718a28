/* The block: one shape for chains, re-proposals and DAGs. Its id is the hash of its encoding
 * (docs/formats/block.md); the payload is a digest (Merkle root over its requests) and a size,
 * never bytes. `birth_view` is part of the block; a later view may propose the same block again
 * under its old id (PBFT, Byzantine primary-backup, VABA). */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include "model/ids.h"

#define BLOCK_EXTRA_MAX 32
/* n - f parents of a DAG round at the largest committee that runs one. */
#define BLOCK_PARENTS_MAX 1024
#define BLOCK_FIXED_BYTES 160 /* encoding without parents */

typedef struct block {
    epoch_t epoch;
    height_t height;
    view_t birth_view;
    view_t justify_view; /* view of the certificate for the first parent on which it stands */
    member_t proposer;
    uint32_t payload_size_bytes;
    uint32_t payload_count; /* requests */
    digest_t payload;       /* zero when empty */
    uint64_t time_ns;       /* agreed, since genesis; not below the parent's */
    uint8_t extra[BLOCK_EXTRA_MAX];
    uint32_t extra_size;
    uint32_t parent_count; /* 1 in chains */
    digest_t parents[];
} block_t;

/* Bytes in memory. */
static inline size_t block_bytes(uint32_t parent_count) {
    return sizeof(block_t) + parent_count * sizeof(digest_t);
}
/* Bytes of the encoding: BLOCK_FIXED_BYTES + 32 a parent. */
size_t block_encoded_bytes(const block_t *block);
/* Writes exactly block_encoded_bytes. */
void block_encode(const block_t *block, writer_t *writer);
/* Reads a block into `to` (capacity `to_size` bytes). Judges every field and bound. */
synod_status block_decode(reader_t *reader, block_t *to, size_t to_size);
digest_t block_id(const block_t *block);

#endif
