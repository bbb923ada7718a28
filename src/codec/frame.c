/* Frames: header, bound, version, checksum (docs/formats/wire.md).
 *
 * The header is judged as soon as it is there, before a byte of the body is waited for: version
 * first, because it says what the other fields mean, then kind, then length against the bound of
 * that kind (attack N1). The checksum finds damage, not malice: a member's frames come through an
 * authenticated channel. */
#include "codec/frame.h"

#include <isa-l/crc.h>

#include "base/check.h"
#include "codec/batch_codec.h"
#include "codec/hello.h"
#include "codec/request.h"
#include "codec/snapshot_codec.h"
#include "codec/sync_codec.h"

#define FRAME_CHECKED_BYTES 8 /* length, version, kind: before the checksum, and under it */

/* Largest body of each kind; 0 at the gaps of the enumeration is no kind at all. */
static const uint32_t body_max_of[FRAME_KIND_END] = {
    [FRAME_HELLO] = HELLO_BYTES_MAX,
    [FRAME_GOODBYE] = GOODBYE_BYTES_MAX,
    [FRAME_MESSAGE] = FRAME_BODY_MAX,
    [FRAME_REQUEST] = REQUEST_BYTES_MAX,
    [FRAME_REPLY] = FRAME_BODY_MAX,
    [FRAME_BLOCK_ASK] = BLOCK_ASK_BYTES,
    [FRAME_BLOCK] = FRAME_BODY_MAX,
    [FRAME_CHECKPOINT] = CHECKPOINT_BYTES,
    [FRAME_QUERY] = FRAME_BODY_MAX,
    [FRAME_QUERY_REPLY] = FRAME_BODY_MAX,
    [FRAME_STATUS_ASK] = STATUS_ASK_BYTES,
    [FRAME_STATUS] = STATUS_BYTES_MAX,
    [FRAME_SNAPSHOT_ASK] = SNAPSHOT_ASK_BYTES,
    [FRAME_SNAPSHOT] = FRAME_BODY_MAX,
    [FRAME_PING] = FRAME_PING_MAX,
    [FRAME_PONG] = FRAME_PING_MAX,
    [FRAME_ATTACH] = ATTACH_BYTES,
    [FRAME_BATCH] = FRAME_BODY_MAX,
    [FRAME_BATCH_ACK] = BATCH_ACK_BYTES,
    [FRAME_BATCH_ASK] = BATCH_ASK_BYTES,
    [FRAME_BATCH_PROOF] = FRAME_BODY_MAX,
};

const char *frame_kind_name(frame_kind_t kind) {
    static const char *const names[FRAME_KIND_END] = {
        "none",      "hello",        "goodbye",    "message", "request",     "reply",
        "block ask", "block",        "checkpoint", "query",   "query reply", "status ask",
        "status",    "snapshot ask", "snapshot",   "ping",    "pong",        "attach"};
    return kind < FRAME_KIND_END ? names[kind] : names[0];
}

/* CRC32C (Castagnoli, RFC 3720 appendix B.4) of the header's first fields and the body. ISA-L
 * leaves the inversions at both ends to the caller and does not change what it points to. */
static uint32_t frame_checksum(const uint8_t *header, bytes_t body) {
    uint32_t sum = crc32_iscsi((unsigned char *)header, FRAME_CHECKED_BYTES, UINT32_MAX);
    if (body.size > 0) {
        sum = crc32_iscsi((unsigned char *)body.data, (int)body.size, sum);
    }
    return ~sum;
}

synod_status frame_decode(bytes_t stream, frame_t *frame, size_t *used) {
    *used = 0;
    if (stream.size < FRAME_HEADER_BYTES) {
        *used = FRAME_HEADER_BYTES;
        return SYNOD_TRUNCATED;
    }
    uint32_t size = load_u32(stream.data);
    uint16_t version = load_u16(stream.data + 4);
    uint16_t kind = load_u16(stream.data + 6);
    if (version != FRAME_VERSION) {
        return SYNOD_BAD_VERSION;
    }
    if (kind < FRAME_HELLO || kind >= FRAME_KIND_END) {
        return SYNOD_MALFORMED;
    }
    if (size > body_max_of[kind]) {
        return SYNOD_TOO_LARGE;
    }
    size_t total = FRAME_HEADER_BYTES + (size_t)size;
    if (stream.size < total) {
        *used = total;
        return SYNOD_TRUNCATED;
    }
    bytes_t body = bytes_of(stream.data + FRAME_HEADER_BYTES, size);
    if (load_u32(stream.data + FRAME_CHECKED_BYTES) != frame_checksum(stream.data, body)) {
        return SYNOD_BAD_CHECKSUM;
    }
    *frame = (frame_t){.kind = (frame_kind_t)kind, .body = body};
    *used = total;
    return SYNOD_OK;
}

uint32_t frame_body_max(frame_kind_t kind) {
    return kind >= FRAME_HELLO && kind < FRAME_KIND_END ? body_max_of[kind] : 0;
}

void frame_seal(uint8_t *buffer, frame_kind_t kind, size_t body_size) {
    require(kind >= FRAME_HELLO && kind < FRAME_KIND_END);
    require(body_size <= body_max_of[kind]);
    store_u32(buffer, (uint32_t)body_size);
    store_u16(buffer + 4, FRAME_VERSION);
    store_u16(buffer + 6, (uint16_t)kind);
    bytes_t body = bytes_of(buffer + FRAME_HEADER_BYTES, body_size);
    store_u32(buffer + FRAME_CHECKED_BYTES, frame_checksum(buffer, body));
}
