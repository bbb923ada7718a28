/* One function for each decoder, which fuzzers and tests share: it decodes, and when that succeeds
 * it demands that the same bytes come out again and that every walk over the result stays inside.
 * A broken demand stops the program, which is how libFuzzer sees it. */
#ifndef TESTS_CODEC_TARGETS_H
#define TESTS_CODEC_TARGETS_H

#include <stdlib.h>

#include "base/check.h"
#include "codec/batch_codec.h"
#include "codec/frame.h"
#include "codec/hello.h"
#include "codec/message_codec.h"
#include "codec/request.h"
#include "codec/sync_codec.h"

/* The whole input is one encoded thing. */
typedef synod_status target_t(bytes_t input);

/* A phase table with every kind of body, authentication and certificate. */
static const phase_t target_phases[] = {
    {.name = "signed proposal",
     .body = BODY_PROPOSAL,
     .authentication = AUTH_SIGNATURE,
     .certificate_phase = {1, 2},
     .certificate_required = {true, false}},
    {.name = "signed vote",
     .body = BODY_VOTE,
     .authentication = AUTH_SIGNATURE,
     .claim_count = 1,
     .certificate_phase = {PHASE_NONE, PHASE_NONE}},
    {.name = "new view",
     .body = BODY_NEW_VIEW,
     .authentication = AUTH_SIGNATURE,
     .claim_count = 1,
     .claims_differ = true,
     .certificate_phase = {1, PHASE_NONE},
     .certificate_required = {true, false}},
    {.name = "certificate",
     .body = BODY_CERTIFICATE,
     .authentication = AUTH_ITSELF,
     .certificate_phase = {1, 2},
     .certificate_required = {true, false}},
    {.name = "status",
     .body = BODY_STATUS,
     .authentication = AUTH_CHANNEL,
     .certificate_phase = {PHASE_NONE, PHASE_NONE}},
    {.name = "private share",
     .body = BODY_SHARE,
     .authentication = AUTH_CHANNEL,
     .certificate_phase = {PHASE_NONE, PHASE_NONE}},
    {.name = "echo",
     .body = BODY_VOTE,
     .authentication = AUTH_CHANNEL,
     .claim_count = 2,
     .certificate_phase = {PHASE_NONE, PHASE_NONE}},
    {.name = "channel proposal",
     .body = BODY_PROPOSAL,
     .authentication = AUTH_CHANNEL,
     .certificate_phase = {PHASE_NONE, PHASE_NONE}},
    {.name = "second only",
     .body = BODY_VOTE,
     .authentication = AUTH_SIGNATURE,
     .claim_count = 2,
     .claims_differ = true,
     .certificate_phase = {PHASE_NONE, 2},
     .certificate_required = {false, true}},
    {.name = "signed share",
     .body = BODY_SHARE,
     .authentication = AUTH_SIGNATURE,
     .certificate_phase = {8, 8},
     .certificate_required = {false, false}},
    {.name = "signed status",
     .body = BODY_STATUS,
     .authentication = AUTH_SIGNATURE,
     .certificate_phase = {1, PHASE_NONE},
     .certificate_required = {false, false}},
};
#define TARGET_PHASES ((uint32_t)(sizeof target_phases / sizeof target_phases[0]))

#define TARGET_MEMBERS 7
#define TARGET_MEMBERS_MAX 100
#define TARGET_PAYLOAD_REQUESTS 64
#define TARGET_BYTES_MAX (1u << 18)

static uint8_t target_space[TARGET_BYTES_MAX];

static inline writer_t target_writer(size_t size) {
    require(size <= sizeof target_space);
    return writer_of(target_space, size);
}

/* The writer must be full, with what the decoder took. */
static inline void target_compare(const writer_t *writer, const uint8_t *taken) {
    require(!writer->failed && writer->at == writer->size);
    require(memcmp(writer->data, taken, writer->size) == 0);
}

/* A record with a decoder and an encoder of the usual form. */
#define TARGET_RECORD(name, type)                                                                  \
    static inline synod_status target_##name(bytes_t input) {                                      \
        type record;                                                                               \
        memset(&record, 0xee, sizeof record);                                                      \
        reader_t reader = reader_of(input);                                                        \
        const synod_status status = name##_decode(&reader, &record);                               \
        if (status == SYNOD_OK) {                                                                  \
            require(reader_done(&reader));                                                         \
            writer_t writer = target_writer(input.size);                                           \
            name##_encode(&record, &writer);                                                       \
            target_compare(&writer, input.data);                                                   \
        }                                                                                          \
        return status;                                                                             \
    }

TARGET_RECORD(hello, hello_t)
TARGET_RECORD(goodbye, goodbye_t)
TARGET_RECORD(block_ask, block_ask_t)
TARGET_RECORD(block_answer, block_answer_t)
TARGET_RECORD(checkpoint, checkpoint_t)
TARGET_RECORD(query, query_t)
TARGET_RECORD(query_reply, query_reply_t)
TARGET_RECORD(status_report, status_report_t)
TARGET_RECORD(reply, reply_t)
TARGET_RECORD(attach, attach_t)
TARGET_RECORD(batch, batch_t)
TARGET_RECORD(batch_ack, batch_ack_t)
TARGET_RECORD(batch_ask, batch_ask_t)

/* A payload of references: each comes out again, and as a certificate has so many signers as its
 * bitmap says. */
static inline synod_status target_references_of(uint32_t members, bytes_t input) {
    static _Alignas(8) uint8_t room[TARGET_BYTES_MAX];
    const committee_t committee = {.epoch = 1, .size = members};
    reader_t reader = reader_of(input);
    while (reader_left(&reader) > 0) {
        batch_reference_t reference;
        const size_t at = reader.at;
        const synod_status status = batch_reference_decode(&reader, members, &reference);
        if (status != SYNOD_OK)
            return status;
        const size_t size = batch_reference_bytes(&reference);
        require(size == reader.at - at);
        writer_t writer = target_writer(size);
        batch_reference_encode(&reference, &writer);
        target_compare(&writer, input.data + at);
        require(certificate_bytes_max(members) <= sizeof room);
        certificate_t *certificate = (certificate_t *)(void *)room;
        const digest_t name = batch_content(input);
        require(batch_certificate(&reference, &name, &committee, certificate) == SYNOD_OK);
        require(certificate->signers == reference.signatures.size / SYNOD_SIGNATURE_BYTES);
    }
    return SYNOD_OK;
}

static inline synod_status target_references(bytes_t input) {
    return target_references_of(TARGET_MEMBERS, input);
}

static inline synod_status target_references_many(bytes_t input) {
    return target_references_of(TARGET_MEMBERS_MAX, input);
}

/* Also the walk over a result that nobody judged. */
static inline synod_status target_reply_walk(bytes_t input) {
    reply_t reply = {.result = input};
    size_t at = 0, before = 0;
    synod_status status;
    bytes_t result;
    while (reply_operation(&reply, &at, &status, &result)) {
        require(at > before && at <= input.size);
        require(result.data + result.size == input.data + at);
        before = at;
    }
    return at == input.size ? SYNOD_OK : SYNOD_MALFORMED;
}

/* A stream of frames. */
static inline synod_status target_frame(bytes_t input) {
    size_t at = 0;
    while (at < input.size) {
        frame_t frame;
        size_t used = 0;
        const bytes_t rest = bytes_of(input.data + at, input.size - at);
        const synod_status status = frame_decode(rest, &frame, &used);
        if (status == SYNOD_TRUNCATED) {
            require(used > rest.size && used <= FRAME_HEADER_BYTES + FRAME_BODY_MAX);
            return status;
        }
        require(status == SYNOD_OK ? used >= FRAME_HEADER_BYTES && used <= rest.size : used == 0);
        if (status != SYNOD_OK)
            return status;
        require(frame.body.data == rest.data + FRAME_HEADER_BYTES);
        require(frame.body.size == used - FRAME_HEADER_BYTES);
        writer_t writer = target_writer(used);
        memcpy(writer.data + FRAME_HEADER_BYTES, frame.body.data, frame.body.size);
        frame_seal(writer.data, frame.kind, frame.body.size);
        writer.at = used;
        target_compare(&writer, rest.data);
        at += used;
    }
    return SYNOD_OK;
}

/* The operations of a request that was accepted fill exactly their place. */
static inline void target_walk_request(const request_t *request) {
    size_t at = 0;
    bytes_t operation;
    uint32_t count = 0;
    const uint8_t *end = request->operations.data;
    while (request_operation(request, &at, &operation)) {
        require(operation.data == end + 4);
        end = operation.data + operation.size;
        count++;
    }
    require(count == request->operation_count && at == request->operations.size);
    require(end + SYNOD_SIGNATURE_BYTES == request->encoded.data + request->encoded.size);
    require(request->body.size + SYNOD_SIGNATURE_BYTES == request->encoded.size);
    require(request->body.data == request->encoded.data);
    require(memcmp(request->signature.bytes, end, SYNOD_SIGNATURE_BYTES) == 0);
    if (request->session == 0) {
        key_public_t key;
        uint64_t nonce;
        request_open_fields(request, &key, &nonce);
    }
}

/* Builds the request again from its parts: what was accepted has no other encoding. */
static inline void target_rebuild_request(const request_t *request) {
    writer_t writer = target_writer(request->encoded.size);
    request_begin(&writer, request->session, request->sequence, request->acknowledged);
    store_u32(writer.data + REQUEST_HEADER_BYTES - 4, request->operation_count);
    size_t at = 0;
    bytes_t operation;
    while (request_operation(request, &at, &operation))
        request_add(&writer, operation);
    write_bytes(&writer, request->signature.bytes, SYNOD_SIGNATURE_BYTES);
    target_compare(&writer, request->encoded.data);
}

static inline synod_status target_request(bytes_t input) {
    request_t request;
    memset(&request, 0xee, sizeof request);
    reader_t reader = reader_of(input);
    const synod_status status = request_decode(&reader, &request);
    if (status != SYNOD_OK) {
        require(reader.at == 0);
        return status;
    }
    require(reader.at == request.encoded.size && request.encoded.data == input.data);
    target_walk_request(&request);
    target_rebuild_request(&request);
    return reader_done(&reader) ? SYNOD_OK : SYNOD_MALFORMED;
}

static inline synod_status target_payload(bytes_t input) {
    static request_t requests[TARGET_PAYLOAD_REQUESTS];
    uint32_t count = 0;
    const synod_status status = payload_walk(input, requests, TARGET_PAYLOAD_REQUESTS, &count);
    require(count <= TARGET_PAYLOAD_REQUESTS);
    const uint8_t *end = input.data;
    for (uint32_t index = 0; index < count; index++) {
        require(requests[index].encoded.data == end);
        end += requests[index].encoded.size;
        target_walk_request(&requests[index]);
    }
    require(status != SYNOD_OK || input.size == 0 || end == input.data + input.size);
    return status;
}

/* Memory of exactly what the codec says that it needs, off any alignment. */
static inline arena_t target_arena(uint32_t members) {
    static uint8_t memory[TARGET_BYTES_MAX];
    const size_t size = message_arena_bytes(members);
    require(size < sizeof memory);
    return arena_of(memory + 1, size);
}

static inline synod_status target_certificate_of(uint32_t members, bytes_t input) {
    arena_t arena = target_arena(members);
    const certificate_t *certificate = NULL;
    reader_t reader = reader_of(input);
    const synod_status status = certificate_decode(&reader, members, &arena, &certificate);
    require(status != SYNOD_NO_MEMORY);
    if (status != SYNOD_OK)
        return status;
    require(certificate->members == members);
    require(bitset_count(certificate->words, members) == certificate->signers);
    require(certificate_encoded_bytes(certificate) == reader.at);
    writer_t writer = target_writer(reader.at);
    certificate_encode(certificate, &writer);
    target_compare(&writer, input.data);
    return reader_done(&reader) ? SYNOD_OK : SYNOD_MALFORMED;
}

static inline synod_status target_certificate(bytes_t input) {
    return target_certificate_of(TARGET_MEMBERS, input);
}

static inline synod_status target_message_of(uint32_t members, bytes_t input) {
    arena_t arena = target_arena(members);
    message_t message;
    memset(&message, 0xee, sizeof message);
    reader_t reader = reader_of(input);
    const synod_status status =
        message_decode(&reader, target_phases, TARGET_PHASES, members, &arena, &message);
    require(status != SYNOD_NO_MEMORY);
    if (status != SYNOD_OK)
        return status;
    require(message.author < members);
    if (message.block != NULL) {
        const digest_t id = block_id(message.block);
        require(digest_equal(&id, &message.statement.digest));
    } else {
        require(reader_done(&reader));
    }
    require(message_encoded_bytes(&message) == reader.at);
    writer_t writer = target_writer(reader.at);
    message_encode(&message, &writer);
    target_compare(&writer, input.data);
    return SYNOD_OK;
}

static inline synod_status target_message(bytes_t input) {
    return target_message_of(TARGET_MEMBERS, input);
}

/* Gives `target` a copy of exactly the size, so that AddressSanitizer sees a read beyond it. */
static inline synod_status target_exact(target_t *target, const void *data, size_t size) {
    require(size <= FRAME_HEADER_BYTES + FRAME_BODY_MAX);
    uint8_t *copy = malloc(size > 0 ? size : 1);
    require(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    const synod_status status = target(bytes_of(copy, size));
    free(copy);
    return status;
}

#endif
