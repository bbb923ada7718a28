/* The tally: against a naive count over random votes, and against each attack on counting. */
#include "model_world.h"

#include <sodium.h>

static suite_id_t suites[] = {SUITE_ED25519, SUITE_SYMBOLIC};

static world_t world;
static tally_t *tally;
static certificate_t *certificate;

/* Memory of exactly the promised size, filled with rubbish: zero is not a valid state, and nothing
 * beyond the header may be read before it was written. */
static void open_tally(bool claims_differ) {
    const uint32_t size = world.committee.size;
    tally = test_malloc(tally_bytes(size));
    memset(tally, 0xa5, tally_bytes(size));
    certificate = test_malloc(certificate_bytes_max(size));
    tally_reset(tally, size, claims_differ);
}

static void close_tally(void) {
    test_free(tally);
    test_free(certificate);
}

static tally_outcome_t add(member_t author, const statement_t *statement, uint64_t *weight) {
    const message_t vote = world_vote(&world, author, statement);
    return tally_add(tally, &world.committee, &vote, weight);
}

static synod_status certify(const statement_t *statement) {
    tally_certify(tally, &world.committee, statement, certificate);
    const synod_status status =
        certificate_judge(certificate, &world.committee, QUORUM_DECIDE, NULL);
    return status != SYNOD_OK ? status : certificate_verify(certificate, &world.committee, NULL);
}

static void test_counts(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    open_tally(false);
    const statement_t statement = statement_sample();
    const member_t order[] = {2, 0, 3, 1};
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t weight = 99;
        assert_int_equal(tally_weight(tally), i);
        assert_int_equal(tally_count(tally), i);
        assert_false(tally_has(tally, order[i]));
        assert_int_equal(add(order[i], &statement, &weight), TALLY_COUNTED);
        assert_int_equal(weight, i + 1); /* each threshold is crossed visibly */
        assert_true(tally_has(tally, order[i]));
        assert_int_equal(certify(&statement), i + 1 >= 3 ? SYNOD_OK : SYNOD_NO_QUORUM);
        assert_int_equal(certificate->signers, i + 1);
    }
    tally_reset(tally, 4, false);
    assert_int_equal(tally_weight(tally), 0);
    assert_int_equal(tally_count(tally), 0);
    for (member_t member = 0; member < 4; member++)
        assert_false(tally_has(tally, member));
    assert_int_equal(add(1, &statement, NULL), TALLY_COUNTED);
    assert_int_equal(tally_weight(tally), 1);
    close_tally();
}

/* attack Q13: the first vote of a member counts; the same again does not, and something else is
 * told apart as evidence, for whichever value it is. */
static void test_repeat_and_conflict(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    open_tally(false);
    const statement_t a = statement_sample();
    statement_t b = a, c = a;
    b.digest = digest_of(0xb0);
    c.digest = digest_of(0xc0);
    uint64_t weight;
    assert_int_equal(add(0, &a, &weight), TALLY_COUNTED);
    assert_int_equal(add(1, &b, &weight), TALLY_COUNTED);
    assert_int_equal(weight, 1);
    assert_int_equal(add(0, &a, &weight), TALLY_REPEATED);
    assert_int_equal(weight, 1);
    assert_int_equal(add(0, &b, &weight), TALLY_CONFLICT); /* a group that there is */
    assert_int_equal(weight, 1);
    assert_int_equal(add(0, &c, &weight), TALLY_CONFLICT); /* and one that there is not */
    assert_int_equal(weight, 0);
    assert_int_equal(tally_weight(tally), 2);
    assert_int_equal(tally_count(tally), 2);
    assert_int_equal(add(2, &b, &weight), TALLY_COUNTED);
    assert_int_equal(weight, 2);

    /* What was counted and what came second convict together. */
    static const phase_t phases[2] = {[1] = {.body = BODY_VOTE,
                                             .authentication = AUTH_SIGNATURE,
                                             .slot = SLOT_VIEW,
                                             .claim_count = 1}};
    const message_t other = world_vote(&world, 0, &b);
    evidence_t evidence = {
        .member = 0, .second = other.statement, .second_signature = other.signature};
    tally_vote(tally, 0, &evidence.first, &evidence.first_signature);
    assert_true(statement_equal(&evidence.first, &a, false));
    assert_int_equal(evidence_judge(&evidence, &world.committee, phases, 2), SYNOD_OK);
    close_tally();
}

/* Signs as RFC 8032 does, but with a nonce of one's choice: another signature that is valid. */
static signature_t sign_again(const uint8_t seed[32], const key_public_t *key, bytes_t message,
                              uint8_t nonce) {
    uint8_t secret[64], challenge_hash[64], r[32] = {nonce}, challenge[32], product[32];
    crypto_hash_sha512(secret, seed, 32);
    secret[0] &= 248;
    secret[31] = (uint8_t)((secret[31] & 127) | 64);
    signature_t signature;
    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(signature.bytes, r), 0);
    crypto_hash_sha512_state hash;
    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, signature.bytes, 32);
    crypto_hash_sha512_update(&hash, key->bytes, sizeof key->bytes);
    crypto_hash_sha512_update(&hash, message.data, message.size);
    crypto_hash_sha512_final(&hash, challenge_hash);
    crypto_core_ed25519_scalar_reduce(challenge, challenge_hash);
    uint8_t wide[64] = {0}, scalar[32];
    memcpy(wide, secret, 32);
    crypto_core_ed25519_scalar_reduce(scalar, wide);
    crypto_core_ed25519_scalar_mul(product, challenge, scalar);
    crypto_core_ed25519_scalar_add(signature.bytes + 32, r, product);
    return signature;
}

/* attack Q2: the same vote under many signatures, each of them valid, is one vote. */
static void test_signed_again(void **state) {
    (void)state;
    world_open(&world, SUITE_ED25519, 4, NULL);
    open_tally(false);
    const statement_t statement = statement_sample();
    uint8_t encoded[STATEMENT_BYTES];
    statement_encode(&statement, &world.domain, encoded);
    const uint8_t seed[32] = {0x5e, 3}; /* of member 3 of the world */
    assert_int_equal(add(3, &statement, NULL), TALLY_COUNTED);
    const message_t first = world_vote(&world, 3, &statement);
    for (uint8_t nonce = 1; nonce < 10; nonce++) {
        message_t vote = first;
        vote.signature =
            sign_again(seed, &world.members[3].key, bytes_of(encoded, sizeof encoded), nonce);
        assert_memory_not_equal(&vote.signature, &first.signature, sizeof vote.signature);
        assert_int_equal(world.verifier.verify(world.verifier.context, &world.members[3].key,
                                               bytes_of(encoded, sizeof encoded), &vote.signature),
                         SYNOD_OK);
        uint64_t weight;
        assert_int_equal(tally_add(tally, &world.committee, &vote, &weight), TALLY_REPEATED);
        assert_int_equal(weight, 1);
    }
    assert_int_equal(certify(&statement), SYNOD_NO_QUORUM);
    assert_memory_equal(certificate_signature(certificate, 0), &first.signature,
                        sizeof first.signature);
    close_tally();
}

/* attack Q6: a vote with a bad signature is left out; duplicates and conflicts do not keep the
 * quorum from forming. */
static void test_bad_votes_do_not_matter(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    open_tally(false);
    const statement_t good = statement_sample();
    statement_t bad = good;
    bad.digest = digest_of(0xbd);
    uint32_t refused = 0;
    for (member_t author = 0; author < 4; author++) {
        message_t incoming[] = {world_vote(&world, author, &good),
                                world_vote(&world, author, &good),
                                world_vote(&world, author, &bad)};
        if (author == 0) /* signed by nobody, before all others */
            incoming[0].signature.bytes[0] ^= 1;
        if (author == 0)
            incoming[1].signature.bytes[40] ^= 1;
        for (uint32_t i = 0; i < 3; i++) {
            uint8_t encoded[STATEMENT_BYTES];
            statement_encode(&incoming[i].statement, &world.domain, encoded);
            if (world.verifier.verify(world.verifier.context, &world.members[author].key,
                                      bytes_of(encoded, sizeof encoded),
                                      &incoming[i].signature) == SYNOD_OK)
                (void)tally_add(tally, &world.committee, &incoming[i], NULL);
            else
                refused++;
        }
    }
    assert_int_equal(refused, 2);
    assert_int_equal(certify(&good), SYNOD_OK);
    assert_int_equal(certificate->words[0], 0xe);
    assert_int_equal(certify(&bad), SYNOD_NO_QUORUM); /* what member 0 said with its signature */
    assert_int_equal(certificate->words[0], 1);
    close_tally();
}

/* attack Q7: a valid vote with one deviating field, whichever it is, at whichever moment, stands
 * apart; the others make their quorum. attack Q8: of exactly their votes. */
static void test_deviating_field(void **state) {
    world_open(&world, *(suite_id_t *)*state, 7, NULL);
    const statement_t usual = statement_sample();
    for (int differ = 0; differ < 2; differ++) {
        for (int change = 0; change < CHANGES; change++) {
            if (differ && change == CHANGE_EPOCH)
                continue; /* the two ways of grouping share that line */
            const member_t deviating = (member_t)change % 7;
            open_tally(differ);
            statement_t other = usual;
            statement_change(&other, change);
            const bool together =
                differ && (change == CHANGE_CLAIM_VIEW || change == CHANGE_CLAIM_DIGEST);
            for (member_t author = 0; author < 7; author++)
                assert_int_equal(add(author, author == deviating ? &other : &usual, NULL),
                                 TALLY_COUNTED);
            assert_int_equal(tally_weight(tally), 7);
            assert_int_equal(certify(&usual), SYNOD_OK);
            assert_int_equal(certificate->words[0], together ? 0x7fu : 0x7fu & ~(1u << deviating));
            assert_int_equal(certificate->claims_differ, differ);
            if (!together && change != CHANGE_EPOCH) {
                assert_int_equal(certify(&other), SYNOD_NO_QUORUM);
                assert_int_equal(certificate->words[0], 1u << deviating);
            }
            close_tally();
        }
    }
}

/* Claims that may differ: one group, each signer with its own. */
static void test_differing_claims(void **state) {
    world_open(&world, *(suite_id_t *)*state, 7, NULL);
    open_tally(true);
    statement_t said[7];
    for (uint32_t i = 0; i < 7; i++) {
        const member_t author = (i * 3 + 2) % 7;
        said[author] = statement_sample();
        said[author].claims[0].view = (author * 5) % 7;
        uint64_t weight;
        assert_int_equal(add(author, &said[author], &weight), TALLY_COUNTED);
        assert_int_equal(weight, i + 1);
        assert_int_equal(add(author, &said[author], NULL), TALLY_REPEATED);
        statement_t second = said[author];
        second.claims[0].view += 1; /* another claim is another thing, though of the same group */
        assert_int_equal(add(author, &second, &weight), TALLY_CONFLICT);
        assert_int_equal(weight, i + 1);
    }
    assert_int_equal(certify(&said[4]), SYNOD_OK);
    assert_int_equal(certificate_highest_claim(certificate, 0), 6);
    for (member_t member = 0; member < 7; member++) {
        const statement_t own = certificate_statement_of(certificate, member);
        assert_true(statement_equal(&own, &said[member], false));
        statement_t counted;
        tally_vote(tally, member, &counted, NULL);
        assert_true(statement_equal(&counted, &said[member], false));
    }
    close_tally();
}

/* What a simple-minded collector would know. */
typedef struct naive {
    bool has[WORLD_MAX];
    message_t vote[WORLD_MAX];
} naive_t;

static uint64_t naive_weight(const naive_t *naive, const statement_t *statement, bool differ) {
    uint64_t weight = 0;
    for (uint32_t i = 0; i < world.committee.size; i++) {
        if (naive->has[i] && statement_equal(&naive->vote[i].statement, statement, differ))
            weight += world.members[i].weight;
    }
    return weight;
}

static void compare_with_naive(const naive_t *naive, const statement_t *pool, uint32_t pool_size,
                               bool differ) {
    uint64_t total = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < world.committee.size; i++) {
        assert_int_equal(tally_has(tally, i), naive->has[i]);
        if (!naive->has[i])
            continue;
        total += world.members[i].weight;
        count++;
        statement_t statement;
        signature_t signature;
        tally_vote(tally, i, &statement, &signature);
        assert_true(statement_equal(&statement, &naive->vote[i].statement, false));
        assert_memory_equal(&signature, &naive->vote[i].signature, sizeof signature);
    }
    assert_int_equal(tally_weight(tally), total);
    assert_int_equal(tally_count(tally), count);
    for (uint32_t p = 0; p < pool_size; p++) {
        const uint64_t weight = naive_weight(naive, &pool[p], differ);
        if (weight == 0)
            continue;
        const uint64_t decide = quorum_weight(&world.committee, QUORUM_DECIDE);
        assert_int_equal(certify(&pool[p]), weight >= decide ? SYNOD_OK : SYNOD_NO_QUORUM);
        assert_int_equal(committee_set_weight(&world.committee, certificate->words), weight);
        assert_int_equal(certificate_verify(certificate, &world.committee, NULL), SYNOD_OK);
    }
}

static void random_run(prng_t *prng, bool differ) {
    static naive_t naive;
    memset(&naive, 0, sizeof naive);
    statement_t pool[5];
    for (uint32_t p = 0; p < 5; p++) {
        pool[p] = statement_sample();
        if (p > 0)
            statement_change(&pool[p], p % 2 == 1 ? CHANGE_DIGEST : CHANGE_CLAIM_VIEW);
        pool[p].height = p > 2;
    }
    open_tally(differ);
    for (uint32_t step = 0; step < 3 * world.committee.size; step++) {
        const member_t author = (member_t)prng_below(prng, world.committee.size);
        const statement_t *statement = &pool[prng_below(prng, 5)];
        const message_t vote = world_vote(&world, author, statement);
        tally_outcome_t expected = TALLY_COUNTED;
        if (naive.has[author])
            expected = statement_equal(&naive.vote[author].statement, statement, false)
                           ? TALLY_REPEATED
                           : TALLY_CONFLICT;
        else
            naive.vote[author] = vote;
        naive.has[author] = true;
        uint64_t weight;
        assert_int_equal(tally_add(tally, &world.committee, &vote, &weight), expected);
        assert_int_equal(weight, naive_weight(&naive, statement, differ));
    }
    compare_with_naive(&naive, pool, 5, differ);
    close_tally();
}

static void test_against_naive(void **state) {
    (void)state;
    prng_t prng = prng_of(6);
    for (uint32_t round = 0; round < 300; round++) {
        const uint32_t size = (uint32_t)prng_between(&prng, 1, round % 50 == 0 ? WORLD_MAX : 13);
        uint64_t weights[WORLD_MAX];
        for (uint32_t i = 0; i < size; i++)
            weights[i] = prng_between(&prng, 1, round % 2 == 0 ? 1 : 6);
        world_open(&world, SUITE_SYMBOLIC, size, weights);
        random_run(&prng, round % 3 == 0);
    }
}

/* No pointers: a copy elsewhere goes on like the original, which may be overwritten. */
static void test_copied(void **state) {
    (void)state;
    world_open(&world, SUITE_SYMBOLIC, 7, NULL);
    open_tally(true);
    const statement_t a = statement_sample();
    statement_t b = a;
    b.view++;
    assert_int_equal(add(6, &b, NULL), TALLY_COUNTED);
    for (member_t author = 0; author < 3; author++)
        assert_int_equal(add(author, &a, NULL), TALLY_COUNTED);
    tally_t *copy = test_malloc(tally_bytes(7));
    memcpy(copy, tally, tally_bytes(7));
    memset(tally, 0x5a, tally_bytes(7));
    test_free(tally);
    tally = copy;
    uint64_t weight;
    assert_int_equal(add(6, &a, &weight), TALLY_CONFLICT);
    assert_int_equal(weight, 3);
    assert_int_equal(add(4, &a, &weight), TALLY_COUNTED);
    assert_int_equal(add(3, &a, &weight), TALLY_COUNTED);
    assert_int_equal(weight, 5);
    assert_int_equal(certify(&a), SYNOD_OK);
    close_tally();
}

/* The largest committee with as many opinions as members that may be faulty, and with one each:
 * bounded work, slots that nobody used stay untouched. */
static void test_largest(void **state) {
    (void)state;
    static member_info_t members[MEMBERS_MAX];
    world_open(&world, SUITE_SYMBOLIC, 1, NULL);
    for (uint32_t i = 0; i < MEMBERS_MAX; i++)
        members[i] = (member_info_t){.key = symbolic_key(i), .weight = 1};
    committee_t committee;
    member_t culprit;
    assert_int_equal(committee_make(&committee, &world.domain, 7, members, MEMBERS_MAX,
                                    &world.verifier, &culprit),
                     SYNOD_OK);
    const size_t size = tally_bytes(MEMBERS_MAX);
    tally = test_malloc(size);
    memset(tally, 0xa5, size);
    tally_reset(tally, MEMBERS_MAX, false);
    const size_t header_max = 64 + MEMBERS_MAX / 8 + 8;
    for (size_t i = header_max; i < size; i++)
        assert_int_equal(((const uint8_t *)tally)[i], 0xa5);
    uint64_t weight = 0;
    message_t vote = {.statement = statement_sample()};
    for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
        vote.author = i * 7 % MEMBERS_MAX;
        const bool faulty = i % 3 == 1;
        vote.statement.height = faulty ? i : 0;
        assert_int_equal(tally_add(tally, &committee, &vote, &weight), TALLY_COUNTED);
        assert_int_equal(weight, faulty ? 1 : i - (i + 1) / 3 + 1);
    }
    certificate = test_malloc(certificate_bytes_max(MEMBERS_MAX));
    vote.statement.height = 0;
    tally_certify(tally, &committee, &vote.statement, certificate);
    assert_int_equal(certificate_judge(certificate, &committee, QUORUM_DECIDE, NULL), SYNOD_OK);
    assert_int_equal(certificate->signers, 6667);
    tally_reset(tally, MEMBERS_MAX, false);
    for (uint32_t i = 0; i < 2000; i++) { /* nobody agrees */
        vote.author = i;
        vote.statement.height = i;
        assert_int_equal(tally_add(tally, &committee, &vote, &weight), TALLY_COUNTED);
        assert_int_equal(weight, 1);
    }
    close_tally();
}

static void certify_nothing(void *context) {
    tally_certify(tally, &world.committee, context, certificate);
}

static void vote_of_nobody(void *context) {
    statement_t statement;
    (void)context;
    tally_vote(tally, 2, &statement, NULL);
}

static void test_preconditions(void **state) {
    (void)state;
    world_open(&world, SUITE_SYMBOLIC, 4, NULL);
    open_tally(false);
    statement_t statement = statement_sample();
    assert_true(stops(certify_nothing, &statement));
    assert_true(stops(vote_of_nobody, NULL));
    assert_int_equal(add(2, &statement, NULL), TALLY_COUNTED);
    assert_false(stops(certify_nothing, &statement));
    assert_false(stops(vote_of_nobody, NULL));
    statement.view++;
    assert_true(stops(certify_nothing, &statement));
    close_tally();
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_prestate(test, &suites[0]), cmocka_unit_test_prestate(test, &suites[1])

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(test_counts),
        BOTH(test_repeat_and_conflict),
        cmocka_unit_test(test_signed_again),
        BOTH(test_bad_votes_do_not_matter),
        BOTH(test_deviating_field),
        BOTH(test_differing_claims),
        cmocka_unit_test(test_against_naive),
        cmocka_unit_test(test_copied),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_preconditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
