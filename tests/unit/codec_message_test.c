/* Messages: round trips of every kind of phase, and a refusal for everything that contradicts the
 * phase table, the committee or the block. */
#include "codec_world.h"

#define AT_PHASE 0
#define AT_HEIGHT 17
#define AT_DIGEST 25
#define AT_AUTHOR 57
#define AT_SUBJECT 61
#define AT_PATH_LENGTH 65
#define AT_FLAGS 66
#define HEADER 67

static uint8_t encoded[ENCODED_MAX];
static sample_t sample;

static bool messages_equal(const message_t *a, const message_t *b) {
    if (!statement_equal(&a->statement, &b->statement, false) || a->author != b->author ||
        memcmp(&a->signature, &b->signature, sizeof a->signature) != 0 ||
        !bytes_equal(a->share, b->share) || (a->block == NULL) != (b->block == NULL))
        return false;
    if (a->block != NULL && (a->block->parent_count != b->block->parent_count ||
                             memcmp(a->block, b->block, block_bytes(a->block->parent_count)) != 0))
        return false;
    for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX; index++) {
        const certificate_t *one = a->certificates[index], *other = b->certificates[index];
        if ((one == NULL) != (other == NULL))
            return false;
        if (one != NULL && (certificate_size(one) != certificate_size(other) ||
                            memcmp(one, other, certificate_size(one)) != 0))
            return false;
    }
    return true;
}

static synod_status decode(uint32_t members, size_t size, message_t *message) {
    static arena_t arena;
    arena = target_arena(members);
    reader_t reader = reader_of(bytes_of(encoded, size));
    return message_decode(&reader, target_phases, TARGET_PHASES, members, &arena, message);
}

static void test_round_trip(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 4, 7, 64, 100};
    prng_t prng = prng_of(1);
    for (uint32_t round = 0; round < 1500; round++) {
        const uint32_t members = sizes[prng_below(&prng, 5)];
        const message_t *message =
            random_message(&prng, members, (uint8_t)(round % TARGET_PHASES), &sample);
        const size_t size = encode_message(message, encoded);
        message_t back;
        memset(&back, 0xee, sizeof back);
        assert_int_equal(decode(members, size, &back), SYNOD_OK);
        assert_true(messages_equal(message, &back));
        if (back.block != NULL)
            assert_int_equal((uintptr_t)back.block % 16, 0);
        /* A proposal takes its payload with it, and all of it. */
        const uint32_t payload = back.block != NULL ? back.block->payload_size_bytes : 0;
        const synod_status too_long = back.block != NULL ? SYNOD_MISMATCH : SYNOD_MALFORMED;
        memset(encoded + size, 0x5a, payload + 1);
        assert_int_equal(decode(members, size + payload, &back), SYNOD_OK);
        assert_int_equal(decode(members, size + payload + 1, &back), too_long);
        if (payload > 1)
            assert_int_equal(decode(members, size + payload - 1, &back), SYNOD_MISMATCH);
    }
}

static void test_sweeps(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    static uint8_t copy[ENCODED_MAX];
    for (uint32_t round = 0; round < 2 * TARGET_PHASES; round++) {
        const message_t *message =
            random_message(&prng, TARGET_MEMBERS, (uint8_t)(round % TARGET_PHASES), &sample);
        const size_t size = encode_message(message, copy);
        refuse_prefixes(target_message, copy, size);
        refuse_longer(target_message, copy, size);
        assert_true(corrupt_bytes(target_message, copy, size) > 0);
    }
}

static void test_documented_bytes(void **state) {
    (void)state;
    message_t message = {.statement = {.epoch = 7,
                                       .view = 5,
                                       .height = 9,
                                       .subject = MEMBER_NONE,
                                       .phase = 1,
                                       .body = BODY_VOTE,
                                       .claim_count = 1,
                                       .digest = filled_digest(0xaa),
                                       .claims = {{.view = 4, .digest = filled_digest(0xbb)}}},
                         .author = 3};
    memset(message.signature.bytes, 0x99, sizeof message.signature.bytes);
    static const uint8_t head[] = {1, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0,
                                   0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t middle[] = {3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0,
                                     4, 4, 0, 0, 0,    0,    0,    0,    0};
    assert_int_equal(encode_message(&message, encoded), 171);
    assert_memory_equal(encoded, head, sizeof head);
    assert_memory_equal(encoded + 25, message.statement.digest.bytes, 32);
    assert_memory_equal(encoded + 57, middle, sizeof middle);
    assert_memory_equal(encoded + 75, message.statement.claims[0].digest.bytes, 32);
    assert_memory_equal(encoded + 107, message.signature.bytes, 64);
}

/* A message of the phase (members: 7) with one byte changed. */
static synod_status changed(uint8_t phase, size_t at, uint8_t value) {
    prng_t prng = prng_of(3);
    const size_t size =
        encode_message(random_message(&prng, TARGET_MEMBERS, phase, &sample), encoded);
    encoded[at] = value;
    return target_exact(target_message, encoded, size);
}

static void test_header(void **state) {
    (void)state;
    assert_int_equal(changed(1, AT_PHASE, 1), SYNOD_OK);
    assert_int_equal(changed(1, AT_PHASE, TARGET_PHASES), SYNOD_MALFORMED);
    assert_int_equal(changed(1, AT_PHASE, PHASE_NONE), SYNOD_MALFORMED);
    assert_int_equal(changed(1, AT_PATH_LENGTH, 6), SYNOD_MALFORMED);
    assert_int_equal(changed(1, AT_PATH_LENGTH, 255), SYNOD_MALFORMED);
    for (uint8_t phase = 0; phase < TARGET_PHASES; phase++) {
        /* attack Q9: whoever indexes by author or subject may do so, in every phase */
        assert_int_equal(changed(phase, AT_AUTHOR, TARGET_MEMBERS - 1), SYNOD_OK);
        assert_int_equal(changed(phase, AT_AUTHOR, TARGET_MEMBERS), SYNOD_NOT_MEMBER);
        assert_int_equal(changed(phase, AT_AUTHOR + 1, 0x40), SYNOD_NOT_MEMBER);
        assert_int_equal(changed(phase, AT_AUTHOR + 3, 0xff), SYNOD_NOT_MEMBER);
        prng_t prng = prng_of(4);
        message_t message = *random_message(&prng, TARGET_MEMBERS, phase, &sample);
        static const struct {
            member_t author, subject;
            synod_status status;
        } cases[] = {{0, 0, SYNOD_OK},
                     {0, MEMBER_NONE, SYNOD_OK},
                     {0, TARGET_MEMBERS, SYNOD_NOT_MEMBER},
                     {0, MEMBERS_MAX - 1, SYNOD_NOT_MEMBER},
                     {MEMBER_NONE, 0, SYNOD_NOT_MEMBER}};
        for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
            message.author = cases[index].author;
            message.statement.subject = cases[index].subject;
            const size_t size = encode_message(&message, encoded);
            assert_int_equal(target_exact(target_message, encoded, size), cases[index].status);
        }
    }
}

static synod_status sent_as(const message_t *message) {
    const size_t size = encode_message(message, encoded);
    return target_exact(target_message, encoded, size);
}

/* The phase table says who signs; the flag must agree. */
static void test_signature_flag(void **state) {
    (void)state;
    prng_t prng = prng_of(5);
    for (uint8_t phase = 0; phase < TARGET_PHASES; phase++) {
        message_t message = *random_message(&prng, TARGET_MEMBERS, phase, &sample);
        assert_int_equal(sent_as(&message), SYNOD_OK);
        const signature_t none = {{0}};
        const bool is_signed = memcmp(&message.signature, &none, sizeof none) != 0;
        const phase_t *row = &target_phases[phase];
        assert_int_equal(is_signed,
                         row->authentication == AUTH_SIGNATURE && row->body != BODY_STATUS);
        message.signature = is_signed ? none : random_signature(&prng);
        assert_int_equal(sent_as(&message), SYNOD_MALFORMED);
        if (!is_signed)
            continue;
        /* A signature of zeros would be a second form of no signature. */
        message.signature = (signature_t){{1}};
        const size_t size = encode_message(&message, encoded);
        const size_t at =
            HEADER + 4 * message.statement.path.length + 40 * (size_t)message.statement.claim_count;
        assert_int_equal(encoded[at], 1);
        encoded[at] = 0;
        assert_int_equal(target_exact(target_message, encoded, size), SYNOD_BAD_SIGNATURE);
    }
    for (uint32_t bit = 3; bit < 8; bit++)
        assert_int_equal(changed(6, AT_FLAGS, (uint8_t)(1u << bit)), SYNOD_MALFORMED);
}

/* attack Q4: a certificate stands where its phase belongs, in the form of its phase */
static void test_certificates_fit_the_table(void **state) {
    (void)state;
    prng_t prng = prng_of(6);
    static sample_t other;
    for (int round = 0; round < 40; round++) {
        for (uint8_t phase = 0; phase < TARGET_PHASES; phase++) {
            const phase_t *row = &target_phases[phase];
            for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX; index++) {
                message_t message = *random_message(&prng, TARGET_MEMBERS, phase, &sample);
                message.certificates[index] = NULL;
                assert_int_equal(sent_as(&message),
                                 row->certificate_required[index] ? SYNOD_MALFORMED : SYNOD_OK);
                static const uint8_t kinds[] = {1, 2, 8};
                const uint8_t kind = kinds[prng_below(&prng, 3)];
                message.certificates[index] =
                    random_certificate(&prng, TARGET_MEMBERS, kind, other.certificates[0]);
                assert_int_equal(sent_as(&message), row->certificate_phase[index] == kind
                                                        ? SYNOD_OK
                                                        : SYNOD_MALFORMED);
            }
        }
    }
}

/* The right phase, but another body, claim count or kind of claims than that phase has. */
static void test_certificate_form(void **state) {
    (void)state;
    prng_t prng = prng_of(7);
    message_t message = *random_message(&prng, TARGET_MEMBERS, 3, &sample);
    message.certificates[1] = NULL;
    const signature_t signature = random_signature(&prng);
    static const struct {
        uint8_t body, claim_count;
        bool differ;
        synod_status status;
    } cases[] = {{BODY_VOTE, 1, false, SYNOD_OK},
                 {BODY_VOTE, 0, false, SYNOD_MALFORMED},
                 {BODY_VOTE, 2, false, SYNOD_MALFORMED},
                 {BODY_VOTE, 1, true, SYNOD_MALFORMED},
                 {BODY_NEW_VIEW, 1, false, SYNOD_MALFORMED}};
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const claim_t claims[CLAIMS_MAX] = {{0}};
        certificate_t *certificate = (certificate_t *)(void *)sample.certificates[0];
        const statement_t statement = {.view = 1,
                                       .phase = 1,
                                       .body = cases[index].body,
                                       .claim_count = cases[index].claim_count};
        certificate_begin(certificate, &statement, TARGET_MEMBERS, 1, cases[index].differ);
        certificate_put(certificate, 0, 2, &signature, claims);
        message.certificates[0] = certificate;
        assert_int_equal(sent_as(&message), cases[index].status);
    }
}

/* Where no certificate may be, none of "no phase" may be either. */
static void test_certificate_of_no_phase(void **state) {
    (void)state;
    prng_t prng = prng_of(11);
    const signature_t signature = random_signature(&prng);
    const claim_t claims[CLAIMS_MAX] = {{0}};
    for (uint8_t phase = 0; phase < TARGET_PHASES; phase++) {
        for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX; index++) {
            message_t message = *random_message(&prng, TARGET_MEMBERS, phase, &sample);
            certificate_t *certificate = (certificate_t *)(void *)sample.certificates[index];
            const statement_t statement = {.view = 1, .phase = PHASE_NONE, .body = BODY_VOTE};
            certificate_begin(certificate, &statement, TARGET_MEMBERS, 1, false);
            certificate_put(certificate, 0, 2, &signature, claims);
            message.certificates[index] = certificate;
            assert_int_equal(sent_as(&message), SYNOD_MALFORMED);
        }
    }
}

static size_t proposal(block_t **block) {
    prng_t prng = prng_of(8);
    message_t *message = &sample.message;
    (void)random_message(&prng, TARGET_MEMBERS, 7, &sample);
    *block = (block_t *)(void *)sample.block;
    (*block)->parent_count = 2;
    message->statement.path.length = 0;
    message->statement.digest = block_id(*block);
    return encode_message(message, encoded);
}

static synod_status recode(void) {
    return sent_as(&sample.message);
}

/* What is signed is the block that is there: cores do not look again. */
static void test_block_is_the_statements(void **state) {
    (void)state;
    block_t *block;
    (void)proposal(&block);
    assert_int_equal(recode(), SYNOD_OK);
    sample.message.statement.digest.bytes[31] ^= 1;
    assert_int_equal(recode(), SYNOD_MISMATCH);
    (void)proposal(&block);
    sample.message.statement.height ^= 1;
    assert_int_equal(recode(), SYNOD_MISMATCH);
    (void)proposal(&block);
    block->parents[1].bytes[0] ^= 1;
    assert_int_equal(recode(), SYNOD_MISMATCH);
    (void)proposal(&block);
    block->birth_view = sample.message.statement.view - 1; /* proposed again */
    sample.message.statement.digest = block_id(block);
    assert_int_equal(recode(), SYNOD_OK);
}

static void test_block_length(void **state) {
    (void)state;
    block_t *block;
    const size_t size = proposal(&block);
    assert_int_equal(size, HEADER + 4 + BLOCK_FIXED_BYTES + 2 * SYNOD_DIGEST_BYTES);
    static const struct {
        uint32_t length;
        synod_status status;
    } cases[] = {
        {BLOCK_FIXED_BYTES + 64, SYNOD_OK},
        {BLOCK_FIXED_BYTES + 32, SYNOD_TOO_LARGE}, /* two parents said, room for one */
        {BLOCK_FIXED_BYTES + 96, SYNOD_TRUNCATED},
        {BLOCK_FIXED_BYTES + 63, SYNOD_MALFORMED},
        {BLOCK_FIXED_BYTES - 1, SYNOD_MALFORMED},
        {0, SYNOD_MALFORMED},
        {BLOCK_FIXED_BYTES + 32 * (BLOCK_PARENTS_MAX + 1), SYNOD_MALFORMED},
        {UINT32_MAX, SYNOD_MALFORMED},
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        (void)proposal(&block);
        store_u32(encoded + HEADER, cases[index].length);
        assert_int_equal(target_exact(target_message, encoded, size), cases[index].status);
    }
    /* Three parents' room, two parents said: the rest is left over. */
    (void)proposal(&block);
    store_u32(encoded + HEADER, BLOCK_FIXED_BYTES + 96);
    memset(encoded + size, 0, 32);
    assert_int_equal(target_exact(target_message, encoded, size + 32), SYNOD_MALFORMED);
}

/* attack N1: a share says how long it is */
static void test_share_length(void **state) {
    (void)state;
    prng_t prng = prng_of(9);
    static const uint32_t lengths[] = {11, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX};
    message_t message = *random_message(&prng, TARGET_MEMBERS, 5, &sample);
    message.statement.path.length = 0;
    message.share = bytes_of(sample.share, 10);
    size_t size = encode_message(&message, encoded);
    assert_int_equal(size, HEADER + 4 + 10);
    for (size_t index = 0; index < sizeof lengths / sizeof lengths[0]; index++) {
        store_u32(encoded + HEADER, lengths[index]);
        assert_int_equal(target_exact(target_message, encoded, size), SYNOD_TRUNCATED);
    }
    store_u32(encoded + HEADER, 9);
    assert_int_equal(target_exact(target_message, encoded, size), SYNOD_MALFORMED);
}

/* The largest block and the largest certificates of a committee fit what the codec asks for. */
static void test_arena(void **state) {
    (void)state;
    static const phase_t phases[] = {{.body = BODY_PROPOSAL,
                                      .authentication = AUTH_CHANNEL,
                                      .certificate_phase = {1, 1},
                                      .certificate_required = {true, true}},
                                     {.body = BODY_VOTE,
                                      .authentication = AUTH_SIGNATURE,
                                      .claim_count = 2,
                                      .claims_differ = true,
                                      .certificate_phase = {PHASE_NONE, PHASE_NONE}}};
    prng_t prng = prng_of(10);
    const uint32_t members = TARGET_MEMBERS_MAX;
    certificate_t *certificate = (certificate_t *)(void *)sample.certificates[0];
    const statement_t statement = {.view = 1, .phase = 1, .body = BODY_VOTE, .claim_count = 2};
    certificate_begin(certificate, &statement, members, members, true);
    const claim_t claims[CLAIMS_MAX] = {{1, filled_digest(1)}, {2, filled_digest(2)}};
    for (member_t member = 0; member < members; member++) {
        const signature_t signature = random_signature(&prng);
        certificate_put(certificate, member, member, &signature, claims);
    }
    block_t *block = test_malloc(block_bytes(BLOCK_PARENTS_MAX));
    memset(block, 0, block_bytes(BLOCK_PARENTS_MAX));
    block->parent_count = BLOCK_PARENTS_MAX;
    const message_t message = {.statement = {.body = BODY_PROPOSAL, .digest = block_id(block)},
                               .certificates = {certificate, certificate},
                               .block = block};
    const size_t size = encode_message(&message, encoded);
    const size_t needed = message_arena_bytes(members);
    uint8_t *memory = test_malloc(needed + 16);
    for (size_t skew = 0; skew < 16; skew++) {
        message_t back;
        arena_t arena = arena_of(memory + skew, needed);
        reader_t reader = reader_of(bytes_of(encoded, size));
        assert_int_equal(message_decode(&reader, phases, 2, members, &arena, &back), SYNOD_OK);
        assert_true(messages_equal(&message, &back));
    }
    /* With less, the caller's mistake is a status too. */
    for (size_t room = 0; room < needed - 32; room += 1000) {
        message_t back;
        arena_t arena = arena_of(memory, room);
        reader_t reader = reader_of(bytes_of(encoded, size));
        assert_int_equal(message_decode(&reader, phases, 2, members, &arena, &back),
                         SYNOD_NO_MEMORY);
    }
    test_free(memory);
    test_free(block);
}

static void propose_nothing(void) {
    const message_t message = {.statement = {.body = BODY_PROPOSAL}};
    (void)encode_message(&message, encoded);
}

static void vote_with_a_share(void) {
    const message_t message = {.statement = {.body = BODY_VOTE}, .share = bytes_of("x", 1)};
    (void)encode_message(&message, encoded);
}

static void write_without_room(void) {
    const message_t message = {.statement = {.body = BODY_VOTE}};
    writer_t writer = writer_of(encoded, HEADER - 1);
    message_encode(&message, &writer);
}

static void test_own_mistakes_stop(void **state) {
    (void)state;
    assert_true(stops_program(propose_nothing));
    assert_true(stops_program(vote_with_a_share));
    assert_true(stops_program(write_without_room));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sweeps),
        cmocka_unit_test(test_documented_bytes),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_signature_flag),
        cmocka_unit_test(test_certificates_fit_the_table),
        cmocka_unit_test(test_certificate_form),
        cmocka_unit_test(test_certificate_of_no_phase),
        cmocka_unit_test(test_block_is_the_statements),
        cmocka_unit_test(test_block_length),
        cmocka_unit_test(test_share_length),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_own_mistakes_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
