/* A small deterministic fuzzer for every decoder: mutated encodings and plain noise. The targets
 * demand that nothing is read out of bounds (the input is a copy of its exact size) and that what
 * is accepted encodes to the same bytes. A run in which nothing was accepted, or nothing refused,
 * would prove little, so both are counted. */
#include "tests/unit/codec_world.h"

#define INPUTS 100000
#define SEEDS 24
#define SEED_MAX 3000

/* Encodes a random value of the format into `to`; returns its size. */
typedef size_t generator_t(prng_t *prng, uint8_t *to);

static sample_t sample;

static size_t write_frame(prng_t *prng, uint8_t *to) {
    const frame_kind_t kind = (frame_kind_t)prng_between(prng, FRAME_HELLO, FRAME_KIND_END - 1);
    const uint32_t most = frame_body_max(kind) < 100 ? frame_body_max(kind) : 100;
    const size_t size = random_bytes(prng, to + FRAME_HEADER_BYTES, most).size;
    frame_seal(to, kind, size);
    return FRAME_HEADER_BYTES + size;
}

/* Records without inner structure that matters: one value each, varied by the mutations. */
static size_t write_hello(prng_t *prng, uint8_t *to) {
    const hello_t hello = {.domain = random_digest(prng), .role = ROLE_MEMBER, .member = 3};
    writer_t writer = writer_of(to, SEED_MAX);
    hello_encode(&hello, &writer);
    return writer.at;
}

static size_t write_goodbye(prng_t *prng, uint8_t *to) {
    goodbye_t goodbye = {.status = SYNOD_STALE};
    for (uint64_t left = prng_below(prng, sizeof goodbye.reason); left > 0; left--)
        goodbye.reason[left - 1] = (char)prng_between(prng, ' ', '~');
    writer_t writer = writer_of(to, SEED_MAX);
    goodbye_encode(&goodbye, &writer);
    return writer.at;
}

static size_t write_block_ask(prng_t *prng, uint8_t *to) {
    const block_ask_t ask = {.by_id = prng_chance(prng, 500000),
                             .id = random_digest(prng),
                             .from = random_number(prng),
                             .count = 1 + (uint32_t)prng_below(prng, 100)};
    writer_t writer = writer_of(to, SEED_MAX);
    block_ask_encode(&ask, &writer);
    return writer.at;
}

static size_t write_block_answer(prng_t *prng, uint8_t *to) {
    uint8_t space[3][100];
    const block_answer_t answer = {.height = random_number(prng),
                                   .block = random_bytes(prng, space[0], 100),
                                   .proof = random_bytes(prng, space[1], 100),
                                   .payload = random_bytes(prng, space[2], 100)};
    writer_t writer = writer_of(to, SEED_MAX);
    block_answer_encode(&answer, &writer);
    return writer.at;
}

static size_t write_checkpoint(prng_t *prng, uint8_t *to) {
    const checkpoint_t checkpoint = {.root = random_digest(prng),
                                     .member = random_member(prng, MEMBERS_MAX, false),
                                     .signature = random_signature(prng)};
    writer_t writer = writer_of(to, SEED_MAX);
    checkpoint_encode(&checkpoint, &writer);
    return writer.at;
}

static size_t write_query(prng_t *prng, uint8_t *to) {
    uint8_t space[100];
    const query_t query = {.prove = prng_chance(prng, 500000),
                           .query = random_bytes(prng, space, sizeof space)};
    writer_t writer = writer_of(to, SEED_MAX);
    query_encode(&query, &writer);
    return writer.at;
}

static size_t write_query_reply(prng_t *prng, uint8_t *to) {
    uint8_t space[2][100];
    const query_reply_t reply = {.root = random_digest(prng),
                                 .reply = random_bytes(prng, space[0], 100),
                                 .proof = random_bytes(prng, space[1], 100)};
    writer_t writer = writer_of(to, SEED_MAX);
    query_reply_encode(&reply, &writer);
    return writer.at;
}

static size_t write_status_report(prng_t *prng, uint8_t *to) {
    const status_report_t report = {.member = random_member(prng, MEMBERS_MAX, true),
                                    .root = random_digest(prng)};
    writer_t writer = writer_of(to, SEED_MAX);
    status_report_encode(&report, &writer);
    return writer.at;
}

static size_t write_reply(prng_t *prng, uint8_t *to) {
    uint8_t space[100];
    const reply_t reply = {.session = random_number(prng),
                           .status = SYNOD_BUSY,
                           .result = random_bytes(prng, space, sizeof space)};
    writer_t writer = writer_of(to, SEED_MAX);
    reply_encode(&reply, &writer);
    return writer.at;
}

static size_t write_attach(prng_t *prng, uint8_t *to) {
    attach_t attach;
    random_fill(prng, &attach, sizeof attach);
    writer_t writer = writer_of(to, SEED_MAX);
    attach_encode(&attach, &writer);
    return writer.at;
}

static size_t write_result(prng_t *prng, uint8_t *to) {
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

static size_t write_request(prng_t *prng, uint8_t *to) {
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

static size_t write_payload(prng_t *prng, uint8_t *to) {
    size_t size = 0;
    for (uint64_t count = prng_below(prng, 6); count > 0; count--)
        size += write_request(prng, to + size);
    return size;
}

static size_t write_certificate(prng_t *prng, uint8_t *to) {
    static const uint8_t phases[] = {1, 2, 8};
    return encode_certificate(random_certificate(prng, TARGET_MEMBERS, phases[prng_below(prng, 3)],
                                                 sample.certificates[0]),
                              to);
}

static size_t write_message(prng_t *prng, uint8_t *to) {
    const uint8_t phase = (uint8_t)prng_below(prng, TARGET_PHASES);
    return encode_message(random_message(prng, TARGET_MEMBERS, phase, &sample), to);
}

/* Numbers on which decoders have broken before. */
static uint32_t nasty_number(prng_t *prng) {
    static const uint32_t numbers[] = {0,          1,          4,          7,         8,
                                       0x7f,       0x80,       0xff,       0x100,     0xffff,
                                       0x10000,    1u << 20,   4u << 20,   INT32_MAX, 1u << 31,
                                       UINT32_MAX, 0xfffffff0, MEMBERS_MAX};
    return numbers[prng_below(prng, sizeof numbers / sizeof numbers[0])];
}

/* One change; the size may change too. */
static size_t mutate(prng_t *prng, uint8_t *bytes, size_t size) {
    const size_t at = size > 0 ? (size_t)prng_below(prng, size) : 0;
    switch (prng_below(prng, 7)) {
    case 0:
    case 1:
        if (size > 0)
            bytes[at] ^= (uint8_t)(1u << prng_below(prng, 8));
        return size;
    case 2:
        if (size > 0)
            bytes[at] = (uint8_t)nasty_number(prng);
        return size;
    case 3:
        if (size - at >= 4)
            store_u32(bytes + at, nasty_number(prng));
        return size;
    case 4:
        return at; /* cut */
    case 5:        /* a piece goes */
        if (size > 0) {
            const size_t piece = 1 + (size_t)prng_below(prng, size - at);
            memmove(bytes + at, bytes + at + piece, size - at - piece);
            return size - piece;
        }
        return size;
    default: /* a piece comes twice */
        if (size > 0 && size <= SEED_MAX) {
            const size_t piece = 1 + (size_t)prng_below(prng, size - at);
            memmove(bytes + at + piece, bytes + at, size - at);
            return size + piece;
        }
        return size;
    }
}

/* Changes that keep a length, count or checksum right reach further: for frames, seal again. */
static void mend(prng_t *prng, target_t *target, uint8_t *bytes, size_t size) {
    if (target == target_frame && size >= FRAME_HEADER_BYTES && prng_chance(prng, 500000)) {
        const uint32_t kind = load_u16(bytes + 6);
        if (kind >= FRAME_HELLO && kind < FRAME_KIND_END &&
            size - FRAME_HEADER_BYTES <= frame_body_max((frame_kind_t)kind))
            frame_seal(bytes, (frame_kind_t)kind, size - FRAME_HEADER_BYTES);
    }
}

static void fuzz(target_t *target, generator_t *generator, uint64_t seed) {
    static uint8_t seeds[SEEDS][SEED_MAX], input[3 * SEED_MAX];
    size_t sizes[SEEDS];
    prng_t prng = prng_of(seed);
    for (uint32_t index = 0; index < SEEDS; index++) {
        sizes[index] = generator(&prng, seeds[index]);
        require(sizes[index] <= SEED_MAX);
        assert_int_equal(target_exact(target, seeds[index], sizes[index]), SYNOD_OK);
    }
    uint32_t accepted = 0;
    for (uint32_t round = 0; round < INPUTS; round++) {
        size_t size;
        if (round % 8 == 0) {
            size = random_bytes(&prng, input, 120).size;
        } else {
            const uint32_t index = (uint32_t)prng_below(&prng, SEEDS);
            size = sizes[index];
            memcpy(input, seeds[index], size);
            for (uint64_t times = prng_below(&prng, 3) + 1; times > 0; times--)
                size = mutate(&prng, input, size);
            mend(&prng, target, input, size);
        }
        accepted += target_exact(target, input, size) == SYNOD_OK ? 1 : 0;
    }
    assert_in_range(accepted, INPUTS / 1000, INPUTS - INPUTS / 100);
}

#define FUZZ(name, writes, seed)                                                                   \
    static void test_##name(void **state) {                                                        \
        (void)state;                                                                               \
        fuzz(target_##name, writes, seed);                                                         \
    }

FUZZ(frame, write_frame, 1)
FUZZ(hello, write_hello, 2)
FUZZ(goodbye, write_goodbye, 3)
FUZZ(block_ask, write_block_ask, 4)
FUZZ(block_answer, write_block_answer, 5)
FUZZ(checkpoint, write_checkpoint, 6)
FUZZ(query, write_query, 7)
FUZZ(query_reply, write_query_reply, 8)
FUZZ(status_report, write_status_report, 9)
FUZZ(reply, write_reply, 10)
FUZZ(reply_walk, write_result, 11)
FUZZ(request, write_request, 12)
FUZZ(payload, write_payload, 13)
FUZZ(certificate, write_certificate, 14)
FUZZ(message, write_message, 15)
FUZZ(attach, write_attach, 16)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),         cmocka_unit_test(test_hello),
        cmocka_unit_test(test_goodbye),       cmocka_unit_test(test_block_ask),
        cmocka_unit_test(test_block_answer),  cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_query),         cmocka_unit_test(test_query_reply),
        cmocka_unit_test(test_status_report), cmocka_unit_test(test_reply),
        cmocka_unit_test(test_reply_walk),    cmocka_unit_test(test_request),
        cmocka_unit_test(test_payload),       cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_message),       cmocka_unit_test(test_attach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
