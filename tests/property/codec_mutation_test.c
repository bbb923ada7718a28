/* A small deterministic fuzzer for every decoder: mutated encodings and plain noise. The targets
 * demand that nothing is read out of bounds (the input is a copy of its exact size) and that what
 * is accepted encodes to the same bytes. A run in which nothing was accepted, or nothing refused,
 * would prove little, so both are counted. */
#include "tests/fuzz/codec_seeds.h"
#include "tests/fuzz/mutate.h"

#define INPUTS 100000
#define SEEDS 24

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
                size = mutate(&prng, input, size, SEED_MAX);
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
FUZZ(batch_ack, write_batch_ack, 17)
FUZZ(batch_ask, write_batch_ask, 18)
FUZZ(references, write_references, 19)
FUZZ(references_many, write_references_many, 20)

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
        cmocka_unit_test(test_batch_ack),     cmocka_unit_test(test_batch_ask),
        cmocka_unit_test(test_references),    cmocka_unit_test(test_references_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
