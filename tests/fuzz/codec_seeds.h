/* A random value of each format, encoded: what the mutation test starts from, and the corpus of the
 * fuzzers is made of. */
#ifndef TESTS_FUZZ_CODEC_SEEDS_H
#define TESTS_FUZZ_CODEC_SEEDS_H

#include "tests/unit/codec_world.h"

#define SEED_MAX 3000

/* Encodes a random value of the format into `to`; returns its size. */
typedef size_t generator_t(prng_t *prng, uint8_t *to);

static sample_t seed_sample;

static inline size_t write_frame(prng_t *prng, uint8_t *to) {
    const frame_kind_t kind = (frame_kind_t)prng_between(prng, FRAME_HELLO, FRAME_KIND_END - 1);
    const uint32_t most = frame_body_max(kind) < 100 ? frame_body_max(kind) : 100;
    const size_t size = random_bytes(prng, to + FRAME_HEADER_BYTES, most).size;
    frame_seal(to, kind, size);
    return FRAME_HEADER_BYTES + size;
}

/* Records without inner structure that matters: one value each, varied by the mutations. */
static inline size_t write_hello(prng_t *prng, uint8_t *to) {
    const hello_t hello = {.domain = random_digest(prng), .role = ROLE_MEMBER, .member = 3};
    writer_t writer = writer_of(to, SEED_MAX);
    hello_encode(&hello, &writer);
    return writer.at;
}

static inline size_t write_goodbye(prng_t *prng, uint8_t *to) {
    goodbye_t goodbye = {.status = SYNOD_STALE};
    for (uint64_t left = prng_below(prng, sizeof goodbye.reason); left > 0; left--)
        goodbye.reason[left - 1] = (char)prng_between(prng, ' ', '~');
    writer_t writer = writer_of(to, SEED_MAX);
    goodbye_encode(&goodbye, &writer);
    return writer.at;
}

static inline size_t write_block_ask(prng_t *prng, uint8_t *to) {
    const block_ask_t ask = {.by_id = prng_chance(prng, 500000),
                             .id = random_digest(prng),
                             .from = random_number(prng),
                             .count = 1 + (uint32_t)prng_below(prng, 100)};
    writer_t writer = writer_of(to, SEED_MAX);
    block_ask_encode(&ask, &writer);
    return writer.at;
}

static inline size_t write_block_answer(prng_t *prng, uint8_t *to) {
    uint8_t space[3][100];
    const block_answer_t answer = {.height = random_number(prng),
                                   .block = random_bytes(prng, space[0], 100),
                                   .proof = random_bytes(prng, space[1], 100),
                                   .payload = random_bytes(prng, space[2], 100)};
    writer_t writer = writer_of(to, SEED_MAX);
    block_answer_encode(&answer, &writer);
    return writer.at;
}

static inline size_t write_checkpoint(prng_t *prng, uint8_t *to) {
    const checkpoint_t checkpoint = {.root = random_digest(prng),
                                     .member = random_member(prng, MEMBERS_MAX, false),
                                     .signature = random_signature(prng)};
    writer_t writer = writer_of(to, SEED_MAX);
    checkpoint_encode(&checkpoint, &writer);
    return writer.at;
}

static inline size_t write_query(prng_t *prng, uint8_t *to) {
    uint8_t space[100];
    const query_t query = {.prove = prng_chance(prng, 500000),
                           .query = random_bytes(prng, space, sizeof space)};
    writer_t writer = writer_of(to, SEED_MAX);
    query_encode(&query, &writer);
    return writer.at;
}

static inline size_t write_query_reply(prng_t *prng, uint8_t *to) {
    uint8_t space[2][100];
    const query_reply_t reply = {.root = random_digest(prng),
                                 .reply = random_bytes(prng, space[0], 100),
                                 .proof = random_bytes(prng, space[1], 100)};
    writer_t writer = writer_of(to, SEED_MAX);
    query_reply_encode(&reply, &writer);
    return writer.at;
}

static inline size_t write_status_report(prng_t *prng, uint8_t *to) {
    const status_report_t report = {.member = random_member(prng, MEMBERS_MAX, true),
                                    .root = random_digest(prng)};
    writer_t writer = writer_of(to, SEED_MAX);
    status_report_encode(&report, &writer);
    return writer.at;
}

static inline size_t write_reply(prng_t *prng, uint8_t *to) {
    uint8_t space[100];
    const reply_t reply = {.session = random_number(prng),
                           .status = SYNOD_BUSY,
                           .result = random_bytes(prng, space, sizeof space)};
    writer_t writer = writer_of(to, SEED_MAX);
    reply_encode(&reply, &writer);
    return writer.at;
}

static inline size_t write_attach(prng_t *prng, uint8_t *to) {
    attach_t attach;
    random_fill(prng, &attach, sizeof attach);
    writer_t writer = writer_of(to, SEED_MAX);
    attach_encode(&attach, &writer);
    return writer.at;
}

static inline size_t write_batch(prng_t *prng, uint8_t *to) {
    uint8_t space[100] = {0};
    batch_t batch = {.author = (member_t)prng_below(prng, 4),
                     .sequence = 1 + prng_below(prng, 3),
                     .parent = random_digest(prng),
                     .requests = random_bytes(prng, space, sizeof space)};
    batch.requests.size += batch.requests.size == 0 ? 1 : 0;
    writer_t writer = writer_of(to, SEED_MAX);
    batch_encode(&batch, &writer);
    return writer.at;
}

static inline size_t write_batch_ack(prng_t *prng, uint8_t *to) {
    const batch_ack_t ack = {.author = (member_t)prng_below(prng, 4),
                             .sequence = 1 + prng_below(prng, 3),
                             .name = random_digest(prng),
                             .signature = random_signature(prng)};
    writer_t writer = writer_of(to, SEED_MAX);
    batch_ack_encode(&ack, &writer);
    return writer.at;
}

static inline size_t write_batch_ask(prng_t *prng, uint8_t *to) {
    const batch_ask_t ask = {.author = (member_t)prng_below(prng, 4),
                             .sequence = 1 + prng_below(prng, 3)};
    writer_t writer = writer_of(to, SEED_MAX);
    batch_ask_encode(&ask, &writer);
    return writer.at;
}

/* One reference, in a committee of so many. */
static inline size_t write_reference_of(prng_t *prng, uint32_t members, uint8_t *to) {
    uint8_t bitmap[(MEMBERS_MAX + 7) / 8] = {0}, signatures[8 * SYNOD_SIGNATURE_BYTES];
    uint32_t signers = 0;
    for (uint64_t left = prng_below(prng, 6); left > 0; left--) {
        const member_t m = (member_t)prng_below(prng, members);
        signers += (bitmap[m / 8] >> (m % 8) & 1) == 0 ? 1 : 0;
        bitmap[m / 8] |= (uint8_t)(1u << (m % 8));
    }
    random_fill(prng, signatures, sizeof signatures);
    batch_reference_t reference = {
        .author = (member_t)prng_below(prng, members),
        .first = 1 + prng_below(prng, 3),
        .count = 1 + (uint32_t)prng_below(prng, 4),
        .signers = bytes_of(bitmap, (members + 7) / 8),
        .signatures = bytes_of(signatures, (size_t)signers * SYNOD_SIGNATURE_BYTES)};
    for (uint32_t i = 0; i < reference.count; i++)
        reference.entries[i] = (batch_entry_t){.size_bytes = 1 + (uint32_t)prng_below(prng, 300),
                                               .requests = 1,
                                               .content = random_digest(prng)};
    writer_t writer = writer_of(to, SEED_MAX);
    batch_reference_encode(&reference, &writer);
    return writer.at;
}

static inline size_t write_references(prng_t *prng, uint8_t *to) {
    const size_t size = write_reference_of(prng, TARGET_MEMBERS, to);
    return size + write_reference_of(prng, TARGET_MEMBERS, to + size);
}

static inline size_t write_references_many(prng_t *prng, uint8_t *to) {
    return write_reference_of(prng, TARGET_MEMBERS_MAX, to);
}

/* A certificate that is told: the name that it stands on, and a reference, in a chain of four. */
static inline size_t write_batch_proof(prng_t *prng, uint8_t *to) {
    const digest_t parent = random_digest(prng);
    memcpy(to, parent.bytes, sizeof parent.bytes);
    return sizeof parent.bytes + write_reference_of(prng, 4, to + sizeof parent.bytes);
}

static inline size_t write_result(prng_t *prng, uint8_t *to) {
    writer_t writer = writer_of(to, SEED_MAX);
    for (uint64_t count = prng_below(prng, 9); count > 0; count--) {
        uint8_t space[20];
        const bytes_t bytes = random_bytes(prng, space, sizeof space);
        write_u8(&writer, 0);
        write_u32(&writer, (uint32_t)bytes.size);
        write_bytes(&writer, bytes.data, bytes.size);
    }
    return writer.at;
}

static inline size_t write_request(prng_t *prng, uint8_t *to) {
    const bool open = prng_chance(prng, 250000);
    const uint32_t count = open ? 1 : 1 + (uint32_t)prng_below(prng, 6);
    uint8_t space[REQUEST_OPEN_BYTES];
    random_fill(prng, space, sizeof space);
    writer_t writer = writer_of(to, SEED_MAX);
    request_begin(&writer, open ? 0 : 7, open ? 0 : 9, open ? 0 : prng_below(prng, 9));
    store_u32(to + REQUEST_HEADER_BYTES - 4, count);
    for (uint32_t index = 0; index < count; index++)
        request_add(&writer, bytes_of(space, open ? sizeof space : prng_below(prng, 40)));
    const signature_t signature = random_signature(prng);
    write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    return writer.at;
}

static inline size_t write_payload(prng_t *prng, uint8_t *to) {
    size_t size = 0;
    for (uint64_t count = prng_below(prng, 6); count > 0; count--)
        size += write_request(prng, to + size);
    return size;
}

static inline size_t write_certificate(prng_t *prng, uint8_t *to) {
    static const uint8_t phases[] = {1, 2, 8};
    return encode_certificate(random_certificate(prng, TARGET_MEMBERS, phases[prng_below(prng, 3)],
                                                 seed_sample.certificates[0]),
                              to);
}

static inline size_t write_message(prng_t *prng, uint8_t *to) {
    const uint8_t phase = (uint8_t)prng_below(prng, TARGET_PHASES);
    return encode_message(random_message(prng, TARGET_MEMBERS, phase, &seed_sample), to);
}

#endif
