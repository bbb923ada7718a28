/* See snapshot_codec.h and docs/formats/snapshot.md. */
#include "codec/snapshot_codec.h"

#include <isa-l/crc.h>

#include "base/check.h"
#include "codec/field.h"
#include "crypto/hash.h"

#define CONTENT_TAG "synod.snapshot.2" /* 16 characters, without the zero */
#define HEADER_MAGIC "SYNODSNP"
#define HEADER_VERSION 1
#define HEADER_CHECKED_BYTES (SNAPSHOT_HEADER_BYTES - 4)

_Static_assert(16 + 32 + 8 + 8 + 32 + 32 + 8 + 4 + 4 == SNAPSHOT_CONTENT_BYTES, "content");

/* ---- manifest ---- */

void snapshot_manifest_encode(const snapshot_manifest_t *manifest, writer_t *writer) {
    require(manifest->chunks.size == (size_t)manifest->chunk_count * SYNOD_DIGEST_BYTES);
    write_bytes(writer, CONTENT_TAG, 16);
    write_bytes(writer, manifest->domain.bytes, SYNOD_DIGEST_BYTES);
    write_u64(writer, manifest->epoch);
    write_u64(writer, manifest->height);
    write_bytes(writer, manifest->id.bytes, SYNOD_DIGEST_BYTES);
    write_bytes(writer, manifest->root.bytes, SYNOD_DIGEST_BYTES);
    write_u64(writer, manifest->stream_bytes);
    write_u32(writer, manifest->chunk_count);
    write_u32(writer, (uint32_t)manifest->order.size);
    write_bytes(writer, manifest->chunks.data, manifest->chunks.size);
    write_bytes(writer, manifest->order.data, manifest->order.size);
    write_u32(writer, manifest->attestation_count);
    write_bytes(writer, manifest->attestations.data, manifest->attestations.size);
    write_u32(writer, (uint32_t)manifest->proof.size);
    write_bytes(writer, manifest->proof.data, manifest->proof.size);
}

static synod_status decode_evidence(reader_t *reader, snapshot_manifest_t *manifest) {
    manifest->attestation_count = read_u32(reader);
    if (manifest->attestation_count > MEMBERS_MAX)
        return SYNOD_TOO_LARGE;
    manifest->attestations =
        read_bytes(reader, (size_t)manifest->attestation_count * SNAPSHOT_ATTESTATION_BYTES);
    uint32_t proof_bytes = read_u32(reader);
    manifest->proof = read_bytes(reader, proof_bytes);
    if (reader->failed)
        return SYNOD_TRUNCATED;
    uint64_t least = 0;
    for (uint32_t i = 0; i < manifest->attestation_count; i++) {
        uint32_t member = load_u32(manifest->attestations.data + i * SNAPSHOT_ATTESTATION_BYTES);
        if (member < least || member >= MEMBERS_MAX)
            return SYNOD_NOT_MEMBER;
        least = (uint64_t)member + 1;
    }
    return reader_done(reader) ? SYNOD_OK : SYNOD_MALFORMED;
}

synod_status snapshot_manifest_decode(bytes_t bytes, snapshot_manifest_t *manifest) {
    reader_t reader = reader_of(bytes);
    *manifest = (snapshot_manifest_t){0};
    if (bytes.size > SNAPSHOT_MANIFEST_MAX)
        return SYNOD_TOO_LARGE;
    bytes_t tag = read_bytes(&reader, 16);
    read_into(&reader, manifest->domain.bytes, SYNOD_DIGEST_BYTES);
    manifest->epoch = read_u64(&reader);
    manifest->height = read_u64(&reader);
    read_into(&reader, manifest->id.bytes, SYNOD_DIGEST_BYTES);
    read_into(&reader, manifest->root.bytes, SYNOD_DIGEST_BYTES);
    manifest->stream_bytes = read_u64(&reader);
    manifest->chunk_count = read_u32(&reader);
    uint32_t order_bytes = read_u32(&reader);
    if (reader.failed)
        return SYNOD_TRUNCATED;
    if (!bytes_equal(tag, bytes_of(CONTENT_TAG, 16)))
        return SYNOD_BAD_VERSION;
    if (manifest->chunk_count > SNAPSHOT_CHUNKS_MAX ||
        manifest->stream_bytes > (uint64_t)SNAPSHOT_CHUNKS_MAX * SNAPSHOT_CHUNK_BYTES)
        return SYNOD_TOO_LARGE;
    if (manifest->height == 0 || manifest->chunk_count == 0 ||
        manifest->chunk_count != snapshot_chunks_of(manifest->stream_bytes))
        return SYNOD_MALFORMED;
    manifest->chunks = read_bytes(&reader, (size_t)manifest->chunk_count * SYNOD_DIGEST_BYTES);
    manifest->order = read_bytes(&reader, order_bytes);
    return decode_evidence(&reader, manifest);
}

digest_t snapshot_content_id(bytes_t encoded, const snapshot_manifest_t *manifest) {
    size_t size = SNAPSHOT_CONTENT_BYTES + manifest->chunks.size + manifest->order.size;
    require(encoded.size >= size);
    return hash_bytes(bytes_of(encoded.data, size));
}

/* ---- the stored form ---- */

static uint32_t header_checksum(const uint8_t *bytes) {
    return ~crc32_iscsi((unsigned char *)(uintptr_t)bytes, HEADER_CHECKED_BYTES, UINT32_MAX);
}

void snapshot_header_encode(const snapshot_header_t *header, uint8_t to[SNAPSHOT_HEADER_BYTES]) {
    writer_t writer = writer_of(to, SNAPSHOT_HEADER_BYTES);
    write_bytes(&writer, HEADER_MAGIC, 8);
    write_u32(&writer, HEADER_VERSION);
    write_u64(&writer, header->height);
    write_u64(&writer, header->stream_bytes);
    write_u64(&writer, header->manifest_bytes);
    write_bytes(&writer, header->manifest.bytes, SYNOD_DIGEST_BYTES);
    write_u64(&writer, 0);
    write_u32(&writer, header_checksum(to));
    ensure(!writer.failed && writer.at == SNAPSHOT_HEADER_BYTES);
}

synod_status snapshot_header_decode(const uint8_t from[SNAPSHOT_HEADER_BYTES],
                                    snapshot_header_t *header) {
    static const uint8_t nothing[SNAPSHOT_HEADER_BYTES];
    reader_t reader = reader_of(bytes_of(from, SNAPSHOT_HEADER_BYTES));
    if (memcmp(from, nothing, sizeof nothing) == 0)
        return SYNOD_NOT_FOUND;
    if (!bytes_equal(read_bytes(&reader, 8), bytes_of(HEADER_MAGIC, 8)))
        return SYNOD_MALFORMED;
    if (load_u32(from + HEADER_CHECKED_BYTES) != header_checksum(from))
        return SYNOD_BAD_CHECKSUM;
    if (read_u32(&reader) != HEADER_VERSION)
        return SYNOD_BAD_VERSION;
    header->height = read_u64(&reader);
    header->stream_bytes = read_u64(&reader);
    header->manifest_bytes = read_u64(&reader);
    read_into(&reader, header->manifest.bytes, SYNOD_DIGEST_BYTES);
    uint64_t unused = read_u64(&reader);
    if (header->manifest_bytes > SNAPSHOT_MANIFEST_MAX ||
        header->stream_bytes > (uint64_t)SNAPSHOT_CHUNKS_MAX * SNAPSHOT_CHUNK_BYTES)
        return SYNOD_TOO_LARGE;
    return unused == 0 && header->stream_bytes > 0 ? SYNOD_OK : SYNOD_MALFORMED;
}

/* ---- frames ---- */

static const field_t ask_fields[] = {
    FIELD_WITHIN(snapshot_ask_t, part, 1, SNAPSHOT_MANIFEST, SNAPSHOT_CHUNK),
    FIELD_ANY(snapshot_ask_t, height),
    FIELD_RAW(snapshot_ask_t, content),
    FIELD_WITHIN(snapshot_ask_t, index, 4, 0, SNAPSHOT_CHUNKS_MAX - 1),
    FIELD_WITHIN(snapshot_ask_t, count, 4, 0, SNAPSHOT_CHUNKS_MAX),
};
static const schema_t ask_schema = SCHEMA_OF(ask_fields);

static const field_t answer_fields[] = {
    FIELD_WITHIN(snapshot_answer_t, part, 1, SNAPSHOT_MANIFEST, SNAPSHOT_CHUNK),
    FIELD_RAW(snapshot_answer_t, content),
    FIELD_WITHIN(snapshot_answer_t, index, 4, 0, SNAPSHOT_CHUNKS_MAX - 1),
    FIELD_BYTES(snapshot_answer_t, bytes, SNAPSHOT_MANIFEST_MAX),
};
static const schema_t answer_schema = SCHEMA_OF(answer_fields);

void snapshot_ask_encode(const snapshot_ask_t *ask, writer_t *writer) {
    schema_encode(ask_schema, ask, writer);
}

synod_status snapshot_ask_decode(reader_t *reader, snapshot_ask_t *ask) {
    *ask = (snapshot_ask_t){0};
    synod_status status = schema_decode_whole(ask_schema, reader, ask);
    if (status != SYNOD_OK)
        return status;
    /* One ask, one encoding: what the form does not use is zero. */
    bool manifest = ask->part == SNAPSHOT_MANIFEST;
    bool canonical = manifest ? digest_is_zero(&ask->content) && ask->index == 0 && ask->count == 0
                              : ask->height == 0 && ask->count > 0;
    return canonical ? SYNOD_OK : SYNOD_MALFORMED;
}

void snapshot_answer_encode(const snapshot_answer_t *answer, writer_t *writer) {
    schema_encode(answer_schema, answer, writer);
}

synod_status snapshot_answer_decode(reader_t *reader, snapshot_answer_t *answer) {
    *answer = (snapshot_answer_t){0};
    synod_status status = schema_decode_whole(answer_schema, reader, answer);
    if (status != SYNOD_OK)
        return status;
    bool fits = answer->part == SNAPSHOT_MANIFEST ? answer->index == 0
                                                  : answer->bytes.size <= SNAPSHOT_CHUNK_BYTES;
    return fits ? SYNOD_OK : SYNOD_MALFORMED;
}
