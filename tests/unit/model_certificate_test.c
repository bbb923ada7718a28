/* Certificates: what a peer can send is refused with a reason, whatever it is; what correct members
 * build is accepted, complete and the same bytes everywhere. */
#include "model_world.h"

static suite_id_t suites[] = {SUITE_ED25519, SUITE_SYMBOLIC};

static world_t world;
static const digest_t anchor = {{0x11, 0x22}};

/* A certificate in memory of exactly its size, so that AddressSanitizer sees any access beyond. */
static certificate_t *certificate_new(const statement_t *statement, uint64_t signers,
                                      bool claims_differ) {
    const uint32_t size = world.committee.size;
    const uint32_t count = bitset_count(&signers, size);
    certificate_t *certificate =
        test_malloc(certificate_bytes(size, count, statement->claim_count, claims_differ));
    certificate_begin(certificate, statement, size, count, claims_differ);
    uint32_t index = 0;
    for (member_t member = bitset_next(&signers, size, 0); member < size;
         member = bitset_next(&signers, size, member + 1)) {
        statement_t own = *statement;
        if (claims_differ) /* member i knows of view i */
            own.claims[0] = (claim_t){.view = member, .digest = digest_of((uint8_t)member)};
        const signature_t signature = world_sign(&world, member, &own);
        certificate_put(certificate, index++, member, &signature, own.claims);
    }
    return certificate;
}

static synod_status judge(const certificate_t *certificate) {
    return certificate_judge(certificate, &world.committee, QUORUM_DECIDE, &anchor);
}

static synod_status verify(const certificate_t *certificate) {
    return certificate_verify(certificate, &world.committee, NULL);
}

/* The i-th signature, to be spoilt. */
static uint8_t *signature_bytes(certificate_t *certificate, uint32_t index) {
    const signature_t *signature = certificate_signature(certificate, index);
    return (uint8_t *)certificate + ((const uint8_t *)signature - (const uint8_t *)certificate);
}

static void test_built(void **state) {
    world_open(&world, *(suite_id_t *)*state, 7, NULL);
    const statement_t statement = statement_sample();
    for (int differ = 0; differ < 2; differ++) {
        certificate_t *certificate = certificate_new(&statement, 0x6d, differ); /* 0 2 3 5 6 */
        assert_int_equal(judge(certificate), SYNOD_OK);
        assert_int_equal(verify(certificate), SYNOD_OK);
        assert_false(certificate_is_genesis(certificate));
        const member_t expected[] = {0, 2, 3, 5, 6};
        for (uint32_t i = 0; i < 5; i++) {
            const statement_t own = certificate_statement_of(certificate, i);
            const signature_t signature = world_sign(&world, expected[i], &own);
            assert_memory_equal(certificate_signature(certificate, i), &signature,
                                sizeof signature);
            assert_int_equal(certificate_claim(certificate, i, 0)->view,
                             differ ? expected[i] : statement.claims[0].view);
            assert_true(claim_equal(certificate_claim(certificate, i, 0), &own.claims[0]));
            assert_true(statement_equal(&own, &statement, differ));
        }
        for (member_t member = 0; member < 7; member++)
            assert_int_equal(certificate_has(certificate, member), 0x6d >> member & 1);
        assert_int_equal(certificate_highest_claim(certificate, 0), differ ? 6 : 4);
        assert_true(certificate_size(certificate) <= certificate_bytes_max(7));
        test_free(certificate);
    }
}

static void test_sizes(void **state) {
    (void)state;
    const size_t header = sizeof(certificate_t);
    assert_int_equal(certificate_bytes(4, 3, 1, false), header + 8 + 3 * 64);
    assert_int_equal(certificate_bytes(64, 3, 2, true), header + 8 + 3 * (64 + 2 * 40));
    assert_int_equal(certificate_bytes(65, 0, 0, false), header + 16);
    assert_int_equal(certificate_bytes_max(65), header + 16 + 65 * (64 + 2 * 40));
}

/* Equal content is equal memory, whatever stood in the fields that do not count. */
static void test_same_bytes(void **state) {
    (void)state;
    world_open(&world, SUITE_SYMBOLIC, 4, NULL);
    const statement_t clean = statement_sample();
    statement_t dirty = clean;
    dirty.path.parts[4] = 99;
    dirty.claims[1].view = 99;
    for (int differ = 0; differ < 2; differ++) {
        certificate_t *a = certificate_new(&clean, 7, differ);
        certificate_t *b = certificate_new(&dirty, 7, differ);
        assert_memory_equal(a, b, certificate_size(a));
        if (differ) { /* claims per signer: those of the statement are zero and no copy remains */
            assert_int_equal(a->statement.claims[0].view, 0);
            a->statement.claims[0].view = 4;
            assert_int_equal(judge(a), SYNOD_MALFORMED);
        }
        test_free(a);
        test_free(b);
    }
    /* Without claims nothing can differ. */
    statement_t bare = clean;
    bare.claim_count = 0;
    certificate_t *certificate = certificate_new(&bare, 7, false);
    certificate_begin(certificate, &bare, 4, 3, true);
    assert_false(certificate->claims_differ);
    test_free(certificate);
    certificate = certificate_new(&bare, 7, false);
    assert_int_equal(judge(certificate), SYNOD_OK);
    certificate->claims_differ = true;
    assert_int_equal(judge(certificate), SYNOD_MALFORMED);
    test_free(certificate);
}

static void put_again(void *context) {
    const signature_t signature = {{0}};
    certificate_put(context, 1, 0, &signature, NULL);
}

static void put_over(void *context) {
    const signature_t signature = {{0}};
    certificate_put(context, 0, 0, &signature, NULL);
}

static void put_lower(void *context) {
    const signature_t signature = {{0}};
    certificate_put(context, 1, 1, &signature, NULL);
    certificate_put(context, 2, 0, &signature, NULL);
}

static void put_too_many(void *context) {
    const signature_t signature = {{0}};
    certificate_put(context, 3, 3, &signature, NULL);
}

static void put_stranger(void *context) {
    const signature_t signature = {{0}};
    certificate_put(context, 1, 4, &signature, NULL);
}

static void put_in_order(void *context) {
    const signature_t signature = {{0}};
    certificate_put(context, 1, 1, &signature, NULL);
    certificate_put(context, 2, 3, &signature, NULL);
}

/* attack Q1: one member stands in a certificate once. The builder refuses ... */
static void test_same_signer_not_built(void **state) {
    (void)state;
    world_open(&world, SUITE_SYMBOLIC, 4, NULL);
    const statement_t statement = statement_sample();
    certificate_t *certificate = certificate_new(&statement, 7, false);
    certificate_begin(certificate, &statement, 4, 3, false);
    const signature_t signature = world_sign(&world, 0, &statement);
    certificate_put(certificate, 0, 0, &signature, NULL);
    assert_false(stops(put_in_order, certificate));
    assert_true(stops(put_again, certificate));
    assert_true(stops(put_over, certificate));
    assert_true(stops(put_too_many, certificate));
    assert_true(stops(put_stranger, certificate));
    certificate_begin(certificate, &statement, 4, 3, false);
    certificate_put(certificate, 0, 2, &signature, NULL);
    assert_true(stops(put_lower, certificate));
    test_free(certificate);
}

/* ... and attack Q1 from a peer: three signatures of one member, or two members' with the count of
 * three, have bits that do not match their count. */
static void test_same_signer_not_accepted(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t statement = statement_sample();
    for (uint64_t bits = 0; bits < 16; bits++) {
        certificate_t *certificate = certificate_new(&statement, 7, false);
        for (uint32_t i = 1; i < 3; i++)
            memcpy(signature_bytes(certificate, i), certificate_signature(certificate, 0),
                   sizeof(signature_t));
        certificate->words[0] = bits;
        if (bitset_count(&bits, 4) != 3)
            assert_int_equal(judge(certificate), SYNOD_MALFORMED);
        else /* other members are named, but they did not sign */
            assert_int_equal(verify(certificate), SYNOD_BAD_SIGNATURE);
        assert_int_not_equal(verify(certificate), SYNOD_OK);
        test_free(certificate);
    }
}

/* attack Q3, attack Q4, attack K2: a certificate given another view, height, phase, body, instance,
 * epoch, digest or claim: every signature in it fails. */
static void test_relabelled(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t statement = statement_sample();
    for (int change = 0; change < CHANGES; change++) {
        certificate_t *certificate = certificate_new(&statement, 7, false);
        statement_change(&certificate->statement, change);
        if (change != CHANGE_EPOCH) /* in the epoch's committee it is refused before */
            assert_int_equal(verify(certificate), SYNOD_BAD_SIGNATURE);
        committee_t other_epoch = world.committee;
        other_epoch.epoch = certificate->statement.epoch;
        assert_int_equal(certificate_verify(certificate, &other_epoch, NULL), SYNOD_BAD_SIGNATURE);
        test_free(certificate);
    }
    /* Another chain, protocol or set of parameters with the same members. */
    certificate_t *certificate = certificate_new(&statement, 7, false);
    committee_t other_chain = world.committee;
    other_chain.domain.bytes[31] ^= 1;
    assert_int_equal(certificate_verify(certificate, &other_chain, NULL), SYNOD_BAD_SIGNATURE);
    assert_int_equal(verify(certificate), SYNOD_OK);
    test_free(certificate);
}

/* attack H5: the claim of one signer altered, or two signers' claims exchanged. */
static void test_altered_claims(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t statement = statement_sample();
    for (uint32_t i = 0; i < 3; i++) {
        certificate_t *certificate = certificate_new(&statement, 7, true);
        assert_int_equal(verify(certificate), SYNOD_OK);
        claim_t *claims = (claim_t *)(void *)(signature_bytes(certificate, 2) + 64);
        assert_ptr_equal(claims + i, certificate_claim(certificate, i, 0));
        claims[i].view++;
        assert_int_equal(verify(certificate), SYNOD_BAD_SIGNATURE);
        claims[i].view--;
        claims[i].digest.bytes[7] ^= 1;
        assert_int_equal(verify(certificate), SYNOD_BAD_SIGNATURE);
        claims[i].digest.bytes[7] ^= 1;
        const claim_t kept = claims[i];
        claims[i] = claims[(i + 1) % 3];
        claims[(i + 1) % 3] = kept;
        assert_int_equal(verify(certificate), SYNOD_BAD_SIGNATURE);
        test_free(certificate);
    }
}

/* attack Q8: each signature counts, those beyond the quorum too; one that is altered spoils all. */
static void test_every_signature(void **state) {
    world_open(&world, *(suite_id_t *)*state, 7, NULL);
    const statement_t statement = statement_sample();
    for (int differ = 0; differ < 2; differ++) {
        certificate_t *certificate = certificate_new(&statement, 0x7f, differ);
        assert_int_equal(verify(certificate), SYNOD_OK);
        for (uint32_t i = 0; i < 7; i++) {
            signature_bytes(certificate, i)[i] ^= 1;
            assert_int_equal(judge(certificate), SYNOD_OK);
            assert_int_equal(verify(certificate), SYNOD_BAD_SIGNATURE);
            signature_bytes(certificate, i)[i] ^= 1;
        }
        test_free(certificate);
    }
}

/* attack Q9: counts and lengths that do not fit are refused before anything is read by them. */
static void test_out_of_bounds(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t statement = statement_sample();
    certificate_t *certificate = certificate_new(&statement, 7, false);
    const uint32_t wrong_members[] = {0, 3, 5, 64, 65, MEMBERS_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong_members / sizeof wrong_members[0]; i++) {
        certificate->members = wrong_members[i];
        assert_int_equal(judge(certificate), SYNOD_MALFORMED);
        assert_int_equal(verify(certificate), SYNOD_MALFORMED);
    }
    certificate->members = 4;
    const uint32_t wrong_signers[] = {0, 1, 2, 4, 5, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong_signers / sizeof wrong_signers[0]; i++) {
        certificate->signers = wrong_signers[i];
        assert_int_equal(judge(certificate), SYNOD_MALFORMED);
    }
    certificate->signers = 3;
    for (uint32_t bit = 4; bit < 64; bit++) { /* signers that no member has */
        bitset_add(certificate->words, bit);
        assert_int_equal(judge(certificate), SYNOD_NOT_MEMBER);
        bitset_remove(certificate->words, 0); /* and in place of a member */
        assert_int_equal(judge(certificate), SYNOD_NOT_MEMBER);
        bitset_add(certificate->words, 0);
        bitset_remove(certificate->words, bit);
    }
    certificate->statement.claim_count = CLAIMS_MAX + 1;
    assert_int_equal(judge(certificate), SYNOD_MALFORMED);
    assert_int_equal(verify(certificate), SYNOD_MALFORMED);
    certificate->statement.claim_count = 1;
    certificate->statement.path.length = PATH_PARTS_MAX + 1;
    assert_int_equal(judge(certificate), SYNOD_MALFORMED);
    assert_int_equal(verify(certificate), SYNOD_MALFORMED);
    certificate->statement.path.length = 2;
    assert_int_equal(judge(certificate), SYNOD_OK);
    test_free(certificate);
}

/* attack Q10: a certificate of another epoch is not judged by this committee. */
static void test_other_epoch(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t statement = statement_sample();
    certificate_t *certificate = certificate_new(&statement, 7, false);
    world.committee.epoch++;
    assert_int_equal(judge(certificate), SYNOD_WRONG_EPOCH);
    assert_int_equal(verify(certificate), SYNOD_WRONG_EPOCH);
    test_free(certificate);
}

/* attack Q11: every set of signers under every quorum, with weights and without. */
static void test_quorums(void **state) {
    const uint64_t weights[] = {4, 1, 1, 2, 3};
    for (int weighted = 0; weighted < 2; weighted++) {
        world_open(&world, *(suite_id_t *)*state, 5, weighted ? weights : NULL);
        const uint64_t least[2][4] = {{2, 4, 4, 5}, {4, 8, 8, 11}}; /* by hand: f = 1, f = 3 */
        const statement_t statement = statement_sample();
        for (uint64_t set = 0; set < 32; set++) {
            certificate_t *certificate = certificate_new(&statement, set, false);
            uint64_t weight = 0;
            for (uint32_t i = 0; i < 5; i++)
                weight += (set >> i & 1) * (weighted ? weights[i] : 1);
            for (quorum_t quorum = QUORUM_ONE_HONEST; quorum <= QUORUM_ALL; quorum++)
                assert_int_equal(certificate_judge(certificate, &world.committee, quorum, &anchor),
                                 weight >= least[weighted][quorum] ? SYNOD_OK : SYNOD_NO_QUORUM);
            assert_int_equal(verify(certificate), set == 0 ? SYNOD_NO_QUORUM : SYNOD_OK);
            test_free(certificate);
        }
    }
}

static synod_status judge_changed_genesis(int change) {
    uint8_t space[1024];
    certificate_t *certificate = (certificate_t *)(void *)space;
    assert_true(certificate_bytes_max(4) <= sizeof space);
    memset(space, 0xee, sizeof space);
    certificate_genesis(certificate, &world.committee, &anchor, 1);
    if (change >= 0)
        statement_change(&certificate->statement, change);
    if (change == CHANGE_VIEW)
        assert_false(certificate_is_genesis(certificate));
    return judge(certificate);
}

/* attack Q14: view 0 is valid for the anchor at height 0, without signers, and for nothing else. */
static void test_genesis(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    assert_int_equal(judge_changed_genesis(-1), SYNOD_OK);
    assert_int_equal(judge_changed_genesis(CHANGE_EPOCH), SYNOD_WRONG_EPOCH);
    assert_int_equal(judge_changed_genesis(CHANGE_VIEW), SYNOD_NO_QUORUM);
    assert_int_equal(judge_changed_genesis(CHANGE_HEIGHT), SYNOD_MALFORMED);
    assert_int_equal(judge_changed_genesis(CHANGE_SUBJECT), SYNOD_MALFORMED);
    assert_int_equal(judge_changed_genesis(CHANGE_BODY), SYNOD_MALFORMED);
    assert_int_equal(judge_changed_genesis(CHANGE_CLAIM_COUNT), SYNOD_MALFORMED);
    assert_int_equal(judge_changed_genesis(CHANGE_DIGEST), SYNOD_MISMATCH);

    statement_t statement = {.epoch = 7, .subject = MEMBER_NONE, .phase = 1, .body = BODY_VOTE};
    statement.digest = anchor;
    certificate_t *certificate = certificate_new(&statement, 0, false);
    assert_true(certificate_is_genesis(certificate));
    assert_int_equal(judge(certificate), SYNOD_OK);
    assert_int_equal(verify(certificate), SYNOD_OK);
    assert_int_equal(certificate_highest_claim(certificate, 0), 0);
    assert_int_equal(certificate_judge(certificate, &world.committee, QUORUM_ALL, NULL),
                     SYNOD_MISMATCH);
    test_free(certificate);
    /* Real signatures do not make another view 0. */
    certificate = certificate_new(&statement, 15, false);
    assert_int_equal(judge(certificate), SYNOD_MALFORMED);
    test_free(certificate);
    statement.height = 3;
    certificate = certificate_new(&statement, 15, false);
    assert_int_equal(judge(certificate), SYNOD_MALFORMED);
    test_free(certificate);
}

typedef struct memory {
    const certificate_t *certificate;
    uint64_t answers; /* by member */
    uint64_t asked;
    uint32_t verified; /* by the verifier below */
} memory_t;

static memory_t memory;

static bool is_known(void *context, member_t member, const uint8_t statement[STATEMENT_BYTES],
                     const signature_t *signature) {
    memory_t *known = context;
    assert_false(bitset_has(&known->asked, member));
    const uint32_t index = bitset_rank(known->certificate->words, member);
    const statement_t own = certificate_statement_of(known->certificate, index);
    uint8_t encoded[STATEMENT_BYTES];
    statement_encode(&own, &world.domain, encoded);
    assert_memory_equal(statement, encoded, sizeof encoded);
    assert_memory_equal(signature, certificate_signature(known->certificate, index),
                        sizeof *signature);
    bitset_add(&known->asked, member);
    return bitset_has(&known->answers, member);
}

static synod_status count_verify(const void *context, const key_public_t *key, bytes_t message,
                                 const signature_t *signature) {
    memory.verified++;
    return world.verifier.verify(context, key, message, signature);
}

/* What was verified before is compared, not verified again; all the rest is. */
static void test_known(void **state) {
    world_open(&world, *(suite_id_t *)*state, 7, NULL);
    verifier_t counting = world.verifier;
    counting.verify = count_verify;
    world.committee.verifier = &counting;
    const statement_t statement = statement_sample();
    for (int differ = 0; differ < 2; differ++) {
        certificate_t *certificate = certificate_new(&statement, 0x6d, differ);
        for (uint64_t answers = 0; answers < 128; answers++) {
            memory = (memory_t){.certificate = certificate, .answers = answers};
            const certificate_known_t known = {.known = is_known, .context = &memory};
            assert_int_equal(certificate_verify(certificate, &world.committee, &known), SYNOD_OK);
            assert_int_equal(memory.asked, 0x6d);
            const uint64_t left = 0x6d & ~answers;
            assert_int_equal(memory.verified, bitset_count(&left, 7));
        }
        /* An unknown bad one among known ones is found. */
        signature_bytes(certificate, 4)[0] ^= 1;
        memory = (memory_t){.certificate = certificate, .answers = 0x3f};
        const certificate_known_t known = {.known = is_known, .context = &memory};
        assert_int_equal(certificate_verify(certificate, &world.committee, &known),
                         SYNOD_BAD_SIGNATURE);
        test_free(certificate);
    }
}

/* More members than a word has bits. */
static void test_many_members(void **state) {
    world_open(&world, *(suite_id_t *)*state, WORLD_MAX, NULL);
    const statement_t statement = statement_sample();
    certificate_t *certificate = test_malloc(certificate_bytes(WORLD_MAX, 67, 1, false));
    certificate_begin(certificate, &statement, WORLD_MAX, 67, false);
    for (uint32_t i = 0; i < 67; i++) {
        const member_t member = 33 + i;
        const signature_t signature = world_sign(&world, member, &statement);
        certificate_put(certificate, i, member, &signature, NULL);
    }
    assert_int_equal(judge(certificate), SYNOD_OK);
    assert_int_equal(verify(certificate), SYNOD_OK);
    bitset_add(certificate->words, WORLD_MAX); /* attack Q9, in the last word */
    assert_int_equal(judge(certificate), SYNOD_NOT_MEMBER);
    bitset_remove(certificate->words, WORLD_MAX);
    bitset_remove(certificate->words, 99);
    assert_int_equal(judge(certificate), SYNOD_MALFORMED);
    assert_int_equal(verify(certificate), SYNOD_MALFORMED);
    bitset_add(certificate->words, 99);
    certificate->signers = 66;
    assert_int_equal(verify(certificate), SYNOD_MALFORMED);
    test_free(certificate);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_prestate(test, &suites[0]), cmocka_unit_test_prestate(test, &suites[1])

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(test_built),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_same_signer_not_built),
        BOTH(test_same_signer_not_accepted),
        BOTH(test_relabelled),
        BOTH(test_altered_claims),
        BOTH(test_every_signature),
        BOTH(test_out_of_bounds),
        BOTH(test_other_epoch),
        BOTH(test_quorums),
        BOTH(test_genesis),
        BOTH(test_known),
        BOTH(test_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
