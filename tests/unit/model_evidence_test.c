/* Evidence convicts whom its signatures convict, and nobody else; and what a phase forbids. */
#include "model_world.h"

static suite_id_t suites[] = {SUITE_ED25519, SUITE_SYMBOLIC};

static world_t world;

enum { PROPOSE, VOTE, FINALITY, REPORT, GOSSIP, PHASES };

static const phase_t phases[PHASES] = {
    [PROPOSE] = {.body = BODY_PROPOSAL, .authentication = AUTH_SIGNATURE, .slot = SLOT_VIEW},
    [VOTE] = {.body = BODY_VOTE, .authentication = AUTH_SIGNATURE, .slot = SLOT_VIEW | SLOT_HEIGHT},
    [FINALITY] = {.body = BODY_VOTE,
                  .authentication = AUTH_SIGNATURE,
                  .slot = SLOT_CLAIM | SLOT_SUBJECT},
    [REPORT] = {.body = BODY_VOTE, .authentication = AUTH_SIGNATURE, .slot = SLOT_NONE},
    [GOSSIP] = {.body = BODY_VOTE, .authentication = AUTH_CHANNEL, .slot = SLOT_VIEW}};

static statement_t sample_of(uint8_t phase) {
    statement_t statement = statement_sample();
    statement.phase = phase;
    statement.body = (uint8_t)phases[phase].body;
    return statement;
}

static evidence_t evidence_of(member_t member, const statement_t *a, const statement_t *b) {
    return (evidence_t){.member = member,
                        .first = *a,
                        .second = *b,
                        .first_signature = world_sign(&world, member, a),
                        .second_signature = world_sign(&world, member, b)};
}

static synod_status judge(const evidence_t *evidence) {
    return evidence_judge(evidence, &world.committee, phases, PHASES);
}

static synod_status judge_change(uint8_t phase, int change) {
    const statement_t a = sample_of(phase);
    statement_t b = a;
    statement_change(&b, change);
    const evidence_t evidence = evidence_of(1, &a, &b);
    const evidence_t reversed = evidence_of(1, &b, &a);
    const synod_status status = judge(&evidence);
    assert_int_equal(judge(&reversed), status); /* both ways alike */
    assert_int_equal(phase_conflict(&phases[phase], &a, &b),
                     phase_conflict(&phases[phase], &b, &a));
    return status;
}

/* Each field as the difference, under each kind of slot: it convicts where the field is not part of
 * the slot, and never where it is. */
static void test_slots(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    static const struct {
        uint8_t phase;
        int slot_fields[4];
    } cases[] = {
        {PROPOSE, {CHANGE_VIEW, -1, -1, -1}},
        {VOTE, {CHANGE_VIEW, CHANGE_HEIGHT, -1, -1}},
        {FINALITY, {CHANGE_SUBJECT, CHANGE_CLAIM_COUNT, CHANGE_CLAIM_VIEW, CHANGE_CLAIM_DIGEST}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        for (int change = 0; change < CHANGES; change++) {
            if (change == CHANGE_EPOCH)
                continue;
            /* Another phase, body or instance is never the same slot. */
            bool same_slot = change != CHANGE_PHASE && change != CHANGE_BODY &&
                             change != CHANGE_PATH_PART && change != CHANGE_PATH_LENGTH;
            for (int i = 0; i < 4; i++)
                same_slot = same_slot && cases[c].slot_fields[i] != change;
            assert_int_equal(judge_change(cases[c].phase, change),
                             same_slot ? SYNOD_OK : SYNOD_UNWANTED);
        }
    }
    assert_int_equal(judge_change(VOTE, CHANGE_EPOCH), SYNOD_WRONG_EPOCH);
    statement_t later = sample_of(VOTE);
    const statement_t earlier = later;
    later.epoch++;
    assert_false(phase_conflict(&phases[VOTE], &earlier, &later));
    /* Nothing is promised, or nothing can be shown to others. */
    assert_int_equal(judge_change(REPORT, CHANGE_DIGEST), SYNOD_UNWANTED);
    assert_int_equal(judge_change(GOSSIP, CHANGE_DIGEST), SYNOD_UNWANTED);
    const statement_t a = sample_of(GOSSIP);
    statement_t b = a;
    b.digest = digest_of(1);
    assert_true(phase_conflict(&phases[GOSSIP], &a, &b)); /* but to be suspected it suffices */
}

/* Saying one thing twice is no fault, however it was written down or signed. */
static void test_same_statement(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    for (uint8_t phase = 0; phase < PHASES; phase++) {
        const statement_t a = sample_of(phase);
        statement_t b = a;
        b.path.parts[4] = 9;
        b.claims[1].view = 9;
        const evidence_t evidence = evidence_of(2, &a, &b);
        assert_int_equal(judge(&evidence), SYNOD_DUPLICATE);
        assert_false(phase_conflict(&phases[phase], &a, &b));
    }
}

/* A member is not convicted by what others signed, or nobody. */
static void test_signatures(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t a = sample_of(VOTE);
    statement_t b = a;
    b.digest = digest_of(1);
    const evidence_t good = evidence_of(2, &a, &b);
    assert_int_equal(judge(&good), SYNOD_OK);
    evidence_t bad = good;
    bad.first_signature.bytes[3] ^= 1;
    assert_int_equal(judge(&bad), SYNOD_BAD_SIGNATURE);
    bad = good;
    bad.second_signature.bytes[3] ^= 1;
    assert_int_equal(judge(&bad), SYNOD_BAD_SIGNATURE);
    bad = good;
    bad.second_signature = bad.first_signature;
    assert_int_equal(judge(&bad), SYNOD_BAD_SIGNATURE);
    for (member_t other = 0; other < 4; other++) { /* the accuser's own, given to another */
        bad = good;
        bad.member = other;
        assert_int_equal(judge(&bad), other == 2 ? SYNOD_OK : SYNOD_BAD_SIGNATURE);
        bad = good;
        bad.second_signature = world_sign(&world, other, &b);
        assert_int_equal(judge(&bad), other == 2 ? SYNOD_OK : SYNOD_BAD_SIGNATURE);
    }
    /* attack K2: signed for another chain, shown in this one. */
    committee_t other_chain = world.committee;
    other_chain.domain.bytes[5] ^= 1;
    assert_int_equal(evidence_judge(&good, &other_chain, phases, PHASES), SYNOD_BAD_SIGNATURE);
}

/* Whatever an accuser writes is judged before it is used. */
static void test_bounds(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    const statement_t a = sample_of(VOTE);
    statement_t b = a;
    b.digest = digest_of(1);
    const evidence_t good = evidence_of(2, &a, &b);
    const member_t strangers[] = {4, 5, MEMBERS_MAX, MEMBER_NONE};
    for (uint32_t i = 0; i < 4; i++) {
        evidence_t bad = good;
        bad.member = strangers[i];
        assert_int_equal(judge(&bad), SYNOD_NOT_MEMBER);
    }
    for (int which = 0; which < 2; which++) {
        evidence_t bad = good;
        statement_t *statement = which == 0 ? &bad.first : &bad.second;
        statement->path.length = PATH_PARTS_MAX + 1;
        assert_int_equal(judge(&bad), SYNOD_MALFORMED);
        statement->path.length = a.path.length;
        statement->claim_count = 255;
        assert_int_equal(judge(&bad), SYNOD_MALFORMED);
        statement->claim_count = a.claim_count;
        statement->phase = PHASES;
        assert_int_equal(judge(&bad), SYNOD_MALFORMED);
        statement->phase = PHASE_NONE;
        assert_int_equal(judge(&bad), SYNOD_MALFORMED);
        statement->phase = VOTE;
        assert_int_equal(judge(&bad), SYNOD_OK);
        statement->epoch++;
        assert_int_equal(judge(&bad), SYNOD_WRONG_EPOCH);
    }
    /* attack Q10: the committee of another epoch does not judge it either. */
    committee_t next = world.committee;
    next.epoch++;
    assert_int_equal(evidence_judge(&good, &next, phases, PHASES), SYNOD_WRONG_EPOCH);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_prestate(test, &suites[0]), cmocka_unit_test_prestate(test, &suites[1])

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(test_slots),
        BOTH(test_same_statement),
        BOTH(test_signatures),
        BOTH(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
