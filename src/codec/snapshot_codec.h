/* Snapshots: the manifest, the first bytes of the stored form, and the two frames of state transfer
 * (docs/formats/snapshot.md). Same rules as all decoders: bound first, borrow, nothing left over.
 *
 * A manifest has two parts. The content is the same at every correct replica: which chain, which
 * height, which block, which state root, and the digests of the chunks of the stream. The evidence
 * differs: who attested that root, and a certificate that proves the block final. */
#ifndef CODEC_SNAPSHOT_CODEC_H
#define CODEC_SNAPSHOT_CODEC_H

#include "codec/frame.h"
#include "model/committee.h"

#define SNAPSHOT_CHUNK_BYTES 65536u
/* 4 GiB of stream, as much as `kv` can hold. */
#define SNAPSHOT_CHUNKS_MAX 65536u
#define SNAPSHOT_CONTENT_BYTES 144 /* without order state and the digests of the chunks */
/* A manifest has to fit into a frame. */
#define SNAPSHOT_MANIFEST_MAX (FRAME_BODY_MAX - 256)

typedef struct snapshot_manifest {
    digest_t domain;
    epoch_t epoch;
    height_t height;
    digest_t id;           /* of the block at that height */
    digest_t root;         /* state root after it */
    uint64_t stream_bytes; /* of the ledger's stream */
    bytes_t order;         /* order state of the payload strategy; borrows; empty for inline */
    /* the rest borrows */
    uint32_t chunk_count;
    bytes_t chunks; /* their digests, 32 bytes each */
    uint32_t attestation_count;
    bytes_t attestations; /* member u32, signature: 68 bytes each, members ascending */
    bytes_t proof;        /* encoded certificate; empty where the protocol has none */
} snapshot_manifest_t;
#define SNAPSHOT_ATTESTATION_BYTES 68

static inline digest_t snapshot_chunk_digest(const snapshot_manifest_t *manifest, uint32_t index) {
    digest_t digest;
    memcpy(digest.bytes, manifest->chunks.data + (size_t)index * SYNOD_DIGEST_BYTES,
           sizeof digest.bytes);
    return digest;
}
/* Bytes of a chunk: all are full but the last one. */
static inline uint32_t snapshot_chunk_bytes(const snapshot_manifest_t *manifest, uint32_t index) {
    uint64_t left = manifest->stream_bytes - (uint64_t)index * SNAPSHOT_CHUNK_BYTES;
    return left < SNAPSHOT_CHUNK_BYTES ? (uint32_t)left : SNAPSHOT_CHUNK_BYTES;
}

void snapshot_manifest_encode(const snapshot_manifest_t *manifest, writer_t *writer);
/* Judges structure and bounds; no signature is looked at. */
synod_status snapshot_manifest_decode(bytes_t bytes, snapshot_manifest_t *manifest);
/* The digest of the content: two manifests with one content stand for the same stream. `manifest`
 * is what those bytes decode to. */
digest_t snapshot_content_id(bytes_t encoded, const snapshot_manifest_t *manifest);

/* ---- the stored form ---- */

/* A blob: this header, chunk i at (1 + i) * SNAPSHOT_CHUNK_BYTES, the manifest behind the last
 * chunk. The header is written last. */
#define SNAPSHOT_HEADER_BYTES 80
typedef struct snapshot_header {
    height_t height;
    uint64_t stream_bytes, manifest_bytes;
    digest_t manifest; /* digest of its bytes */
} snapshot_header_t;
void snapshot_header_encode(const snapshot_header_t *header, uint8_t to[SNAPSHOT_HEADER_BYTES]);
/* BAD_CHECKSUM, BAD_VERSION, MALFORMED, TOO_LARGE; NOT_FOUND for zeros. */
synod_status snapshot_header_decode(const uint8_t from[SNAPSHOT_HEADER_BYTES],
                                    snapshot_header_t *header);
static inline uint32_t snapshot_chunks_of(uint64_t stream_bytes) {
    return (uint32_t)((stream_bytes + SNAPSHOT_CHUNK_BYTES - 1) / SNAPSHOT_CHUNK_BYTES);
}
static inline uint64_t snapshot_chunk_at(uint32_t index) {
    return (uint64_t)(1 + index) * SNAPSHOT_CHUNK_BYTES;
}

/* ---- frames ---- */

typedef enum snapshot_part {
    SNAPSHOT_MANIFEST = 1, /* of the newest snapshot above `height` */
    SNAPSHOT_CHUNK = 2     /* chunk `index` and up to count - 1 after it, of `content` */
} snapshot_part_t;

typedef struct snapshot_ask {
    snapshot_part_t part;
    height_t height;
    digest_t content;
    uint32_t index, count;
} snapshot_ask_t;
#define SNAPSHOT_ASK_BYTES 49

/* One manifest, or one chunk; no bytes: it is not there (any more). */
typedef struct snapshot_answer {
    snapshot_part_t part;
    digest_t content;
    uint32_t index;
    bytes_t bytes;
} snapshot_answer_t;

void snapshot_ask_encode(const snapshot_ask_t *ask, writer_t *writer);
synod_status snapshot_ask_decode(reader_t *reader, snapshot_ask_t *ask);
void snapshot_answer_encode(const snapshot_answer_t *answer, writer_t *writer);
synod_status snapshot_answer_decode(reader_t *reader, snapshot_answer_t *answer);

#endif
