/* See batch_codec.h and docs/formats/wire.md. */
#include "codec/batch_codec.h"

#include "base/check.h"
#include "codec/field.h"
#include "crypto/hash.h"
#include "model/message.h"

#define PAYLOAD_TAG "synod.payload.v1"
#define NAME_TAG "synod.batch.v1.."    /* 16 characters, without the zero */
#define CONTENT_TAG "synod.batch.data" /* the same */
/* The path and phase that no core uses. */
#define STATEMENT_PATH UINT32_C(0x59415053) /* "SPAY" */
#define STATEMENT_PHASE 254
#define ENTRY_BYTES_MAX (FRAME_BODY_MAX >> 2)

digest_t batch_content(bytes_t requests) {
    bytes_t parts[] = {bytes_of(CONTENT_TAG, 16), requests};
    return hash_parts(parts, 2);
}

digest_t batch_name(member_t author, uint64_t sequence, const digest_t *parent,
                    const batch_entry_t *entry) {
    uint8_t bytes[16 + 4 + 8 + SYNOD_DIGEST_BYTES + BATCH_ENTRY_BYTES];
    writer_t writer = writer_of(bytes, sizeof bytes);
    write_bytes(&writer, NAME_TAG, 16);
    write_u32(&writer, author);
    write_u64(&writer, sequence);
    write_bytes(&writer, parent->bytes, sizeof parent->bytes);
    write_u32(&writer, entry->size_bytes);
    write_u32(&writer, entry->requests);
    write_bytes(&writer, entry->content.bytes, sizeof entry->content.bytes);
    ensure(!writer.failed && writer.at == sizeof bytes);
    return hash_bytes(writer_bytes(&writer));
}

digest_t batch_payload_digest(bytes_t references) {
    bytes_t parts[] = {bytes_of(PAYLOAD_TAG, 16), references};
    return references.size == 0 ? (digest_t){{0}} : hash_parts(parts, 2);
}

/* View 1: view 0 is the anchor's (attack Q14). */
statement_t batch_statement(epoch_t epoch, member_t author, uint64_t sequence,
                            const digest_t *name) {
    return (statement_t){.epoch = epoch,
                         .path = {.parts = {STATEMENT_PATH}, .length = 1},
                         .view = 1,
                         .height = sequence,
                         .subject = author,
                         .phase = STATEMENT_PHASE,
                         .body = BODY_VOTE,
                         .digest = *name};
}

synod_status batch_certificate(const batch_reference_t *reference, const digest_t *name,
                               const committee_t *committee, certificate_t *to) {
    statement_t statement = batch_statement(committee->epoch, reference->author,
                                            reference->first + reference->count - 1, name);
    uint32_t signers = (uint32_t)(reference->signatures.size / SYNOD_SIGNATURE_BYTES);
    if (signers > committee->size || reference->signers.size != (committee->size + 7) / 8)
        return SYNOD_MALFORMED;
    certificate_begin(to, &statement, committee->size, signers, false);
    uint32_t index = 0;
    for (member_t m = 0; m < committee->size; m++) {
        if ((reference->signers.data[m / 8] >> (m % 8) & 1) == 0)
            continue;
        if (index == signers)
            return SYNOD_MALFORMED;
        signature_t signature;
        memcpy(signature.bytes, reference->signatures.data + (size_t)index * SYNOD_SIGNATURE_BYTES,
               SYNOD_SIGNATURE_BYTES);
        certificate_put(to, index++, m, &signature, NULL);
    }
    return index == signers ? SYNOD_OK : SYNOD_MALFORMED;
}

/* ---- frames ---- */

static const field_t batch_fields[] = {
    FIELD_MEMBER(batch_t, author),
    FIELD_WITHIN(batch_t, sequence, 8, 1, UINT64_MAX >> 2),
    FIELD_RAW(batch_t, parent),
};
static const schema_t batch_schema = SCHEMA_OF(batch_fields);

static const field_t ack_fields[] = {
    FIELD_MEMBER(batch_ack_t, author),
    FIELD_WITHIN(batch_ack_t, sequence, 8, 1, UINT64_MAX >> 2),
    FIELD_RAW(batch_ack_t, name),
    FIELD_RAW(batch_ack_t, signature),
};
static const schema_t ack_schema = SCHEMA_OF(ack_fields);

static const field_t ask_fields[] = {
    FIELD_MEMBER(batch_ask_t, author),
    FIELD_WITHIN(batch_ask_t, sequence, 8, 1, UINT64_MAX >> 2),
};
static const schema_t ask_schema = SCHEMA_OF(ask_fields);

void batch_encode(const batch_t *batch, writer_t *writer) {
    schema_encode(batch_schema, batch, writer);
    write_bytes(writer, batch->requests.data, batch->requests.size);
}

/* The rest of the frame is the requests. */
synod_status batch_decode(reader_t *reader, batch_t *batch) {
    *batch = (batch_t){0};
    synod_status status = schema_decode(batch_schema, reader, batch);
    if (status != SYNOD_OK)
        return status;
    batch->requests = read_bytes(reader, reader_left(reader));
    return batch->requests.size > 0 ? SYNOD_OK : SYNOD_MALFORMED;
}

void batch_ack_encode(const batch_ack_t *ack, writer_t *writer) {
    schema_encode(ack_schema, ack, writer);
}

synod_status batch_ack_decode(reader_t *reader, batch_ack_t *ack) {
    *ack = (batch_ack_t){0};
    return schema_decode_whole(ack_schema, reader, ack);
}

void batch_ask_encode(const batch_ask_t *ask, writer_t *writer) {
    schema_encode(ask_schema, ask, writer);
}

synod_status batch_ask_decode(reader_t *reader, batch_ask_t *ask) {
    *ask = (batch_ask_t){0};
    return schema_decode_whole(ask_schema, reader, ask);
}

/* ---- references ---- */

size_t batch_reference_bytes(const batch_reference_t *reference) {
    return BATCH_REFERENCE_FIXED_BYTES + (size_t)reference->count * BATCH_ENTRY_BYTES +
           reference->signers.size + reference->signatures.size;
}

void batch_reference_encode(const batch_reference_t *reference, writer_t *writer) {
    require(reference->count >= 1 && reference->count <= LANE_WINDOW);
    write_u32(writer, reference->author);
    write_u64(writer, reference->first);
    write_u32(writer, reference->count);
    for (uint32_t i = 0; i < reference->count; i++) {
        const batch_entry_t *entry = &reference->entries[i];
        write_u32(writer, entry->size_bytes);
        write_u32(writer, entry->requests);
        write_bytes(writer, entry->content.bytes, sizeof entry->content.bytes);
    }
    write_bytes(writer, reference->signers.data, reference->signers.size);
    write_bytes(writer, reference->signatures.data, reference->signatures.size);
}

static bool decode_entries(reader_t *reader, batch_reference_t *reference) {
    bool good = true;
    for (uint32_t i = 0; i < reference->count; i++) {
        batch_entry_t *entry = &reference->entries[i];
        entry->size_bytes = read_u32(reader);
        entry->requests = read_u32(reader);
        read_into(reader, entry->content.bytes, sizeof entry->content.bytes);
        good &= entry->size_bytes > 0 && entry->size_bytes <= ENTRY_BYTES_MAX &&
                entry->requests > 0 && entry->requests <= entry->size_bytes;
    }
    return good;
}

static uint32_t bits_of(bytes_t bitmap) {
    uint32_t count = 0;
    for (size_t i = 0; i < bitmap.size; i++)
        for (uint8_t rest = bitmap.data[i]; rest != 0; rest &= (uint8_t)(rest - 1))
            count++;
    return count;
}

/* One reference, one encoding: bits of the bitmap beyond the committee are zero. */
synod_status batch_reference_decode(reader_t *reader, uint32_t members,
                                    batch_reference_t *reference) {
    *reference = (batch_reference_t){0};
    reference->author = read_u32(reader);
    reference->first = read_u64(reader);
    reference->count = read_u32(reader);
    if (reader->failed)
        return SYNOD_TRUNCATED;
    if (reference->author >= members)
        return SYNOD_NOT_MEMBER;
    if (reference->count < 1 || reference->count > LANE_WINDOW || reference->first == 0 ||
        reference->first > UINT64_MAX >> 2)
        return SYNOD_MALFORMED;
    bool good = decode_entries(reader, reference);
    reference->signers = read_bytes(reader, (members + 7) / 8);
    if (reader->failed)
        return SYNOD_TRUNCATED;
    if (!good || (members % 8 != 0 &&
                  reference->signers.data[reference->signers.size - 1] >> (members % 8) != 0))
        return SYNOD_MALFORMED;
    reference->signatures =
        read_bytes(reader, (size_t)bits_of(reference->signers) * SYNOD_SIGNATURE_BYTES);
    return reader->failed ? SYNOD_TRUNCATED : SYNOD_OK;
}
