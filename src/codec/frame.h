/* Frames: how bytes are cut on a link (docs/formats/wire.md).
 *
 * Header of FRAME_HEADER_BYTES, little-endian: body length u32, version u16, kind u16, CRC32C u32
 * over the eight bytes before it and the body. A frame is bounded, by its kind, before anything is
 * allocated or waited for (attack N1); another version closes the link with a reason. */
#ifndef CODEC_FRAME_H
#define CODEC_FRAME_H

#include "base/bytes.h"

#define FRAME_HEADER_BYTES 12
#define FRAME_BODY_MAX (4u << 20)
#define FRAME_VERSION 1
/* A ping may carry a few bytes, which the pong returns. */
#define FRAME_PING_MAX 64

typedef enum frame_kind {
    FRAME_HELLO = 1,      /* first on every link, both ways: who, which chain, which parameters */
    FRAME_GOODBYE = 2,    /* last: a status and a reason for people */
    FRAME_MESSAGE = 3,    /* a consensus message, a proposal with its payload */
    FRAME_REQUEST = 4,    /* client -> replica, or forwarded by a replica */
    FRAME_REPLY = 5,      /* replica -> client */
    FRAME_BLOCK_ASK = 6,  /* sync: blocks by id or height */
    FRAME_BLOCK = 7,      /* sync: one block with payload, and proof */
    FRAME_CHECKPOINT = 8, /* attestation of a state root */
    FRAME_QUERY = 9,      /* client -> replica: a read */
    FRAME_QUERY_REPLY = 10,
    FRAME_STATUS_ASK = 11, /* client -> replica */
    FRAME_STATUS = 12,
    FRAME_SNAPSHOT_ASK = 13,
    FRAME_SNAPSHOT = 14,
    FRAME_PING = 15, /* keep-alive; answered by FRAME_PONG */
    FRAME_PONG = 16,
    FRAME_ATTACH = 17, /* client -> replica: proves a session key; replies come over this link */
    FRAME_BATCH = 18,  /* member -> member: requests that a block will name (payload.md) */
    FRAME_BATCH_ACK = 19,
    FRAME_BATCH_ASK = 20,
    FRAME_BATCH_PROOF = 21, /* certified batches of one author */
    FRAME_KIND_END = 22
} frame_kind_t;

typedef struct frame {
    frame_kind_t kind;
    bytes_t body;
} frame_t;

/* Looks at the front of `stream`. SYNOD_OK: `*frame` borrows from it, `*used` bytes are consumed.
 * SYNOD_TRUNCATED: more bytes are needed, `*used` says how many in total (header or whole frame).
 * Otherwise the link must be closed: TOO_LARGE, BAD_VERSION, BAD_CHECKSUM, MALFORMED (kind). */
synod_status frame_decode(bytes_t stream, frame_t *frame, size_t *used);

/* Largest body that a frame of this kind may have; 0 for what is no kind. */
uint32_t frame_body_max(frame_kind_t kind);

/* "hello", "block ask"; as docs/formats/wire.md names it. */
const char *frame_kind_name(frame_kind_t kind);

/* Body bytes are written first at buffer + FRAME_HEADER_BYTES; this then fills the header. The body
 * is at most frame_body_max(kind). */
void frame_seal(uint8_t *buffer, frame_kind_t kind, size_t body_size);

#endif
