/* attack Q11: slips in quorum formulas. Every committee of up to 100 equal members; every pair of
 * sets of the small ones, by enumeration and not by the formulas; every small vector of weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/committee.h"

#define SIZE_MAX_COUNTED 100
#define SIZE_MAX_ENUMERATED 10

static synod_status any_key(const void *context, const key_public_t *key) {
    (void)context;
    (void)key;
    return SYNOD_OK;
}

static const verifier_t verifier = {.suite = SUITE_SYMBOLIC, .judge_key = any_key};
static member_info_t members[SIZE_MAX_COUNTED];

static committee_t committee_of(uint32_t size) {
    committee_t committee;
    const digest_t domain = {{1}};
    member_t culprit;
    for (uint32_t i = 0; i < size; i++)
        members[i].key = symbolic_key(i);
    assert_int_equal(committee_make(&committee, &domain, 1, members, size, &verifier, &culprit),
                     SYNOD_OK);
    return committee;
}

static committee_t committee_of_equals(uint32_t size) {
    for (uint32_t i = 0; i < size; i++)
        members[i].weight = 1;
    return committee_of(size);
}

/* Two sets of at least x and y out of n meet in at least x + y - n. */
static int64_t least_overlap(uint64_t x, uint64_t y, uint64_t total) {
    return (int64_t)(x + y) - (int64_t)total;
}

static void judge_weights(const committee_t *committee) {
    const uint64_t total = committee->weight_total;
    const uint64_t faults = committee->faults;
    const uint64_t one = quorum_weight(committee, QUORUM_ONE_HONEST);
    const uint64_t decide = quorum_weight(committee, QUORUM_DECIDE);
    const uint64_t respond = quorum_weight(committee, QUORUM_RESPOND);
    /* f is the largest with 3f < total. */
    assert_true(3 * faults < total && 3 * (faults + 1) >= total);
    /* One honest: more than all faulty together, and no more than needed. */
    assert_int_equal(one, faults + 1);
    /* Decide: any two meet in more than the faulty; one less would not do. */
    assert_true(least_overlap(decide, decide, total) >= (int64_t)(faults + 1));
    assert_true(least_overlap(decide - 1, decide - 1, total) < (int64_t)(faults + 1));
    /* Respond: what is left when all faulty are silent; it suffices to decide. */
    assert_int_equal(respond, total - faults);
    assert_true(respond >= decide);
    /* What one waits for meets what was decided in a correct member. */
    assert_true(least_overlap(respond, decide, total) >= (int64_t)(faults + 1));
    assert_int_equal(quorum_weight(committee, QUORUM_ALL), total);
    /* Fewer faults than tolerated: all of that holds the more. */
    for (uint64_t fewer = 0; fewer <= faults; fewer++) {
        assert_true(least_overlap(decide, decide, total) > (int64_t)fewer);
        assert_true(total - fewer >= decide);
    }
}

static void test_counts(void **state) {
    (void)state;
    for (uint32_t size = 1; size <= SIZE_MAX_COUNTED; size++) {
        const committee_t committee = committee_of_equals(size);
        assert_int_equal(committee.weight_total, size);
        judge_weights(&committee);
        if (size % 3 == 1) /* n = 3f + 1: the papers' 2f + 1 */
            assert_int_equal(quorum_weight(&committee, QUORUM_DECIDE), 2 * committee.faults + 1);
    }
}

/* Numbers written down by hand, so that no formula is compared with itself. */
static void test_known(void **state) {
    (void)state;
    static const struct {
        uint32_t size, faults, decide, respond;
    } known[] = {{1, 0, 1, 1},  {2, 0, 2, 2},  {3, 0, 2, 3},  {4, 1, 3, 3},     {5, 1, 4, 4},
                 {6, 1, 4, 5},  {7, 2, 5, 5},  {8, 2, 6, 6},  {9, 2, 6, 7},     {10, 3, 7, 7},
                 {11, 3, 8, 8}, {12, 3, 8, 9}, {13, 4, 9, 9}, {100, 33, 67, 67}};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        const committee_t committee = committee_of_equals(known[k].size);
        assert_int_equal(committee.faults, known[k].faults);
        assert_int_equal(quorum_weight(&committee, QUORUM_ONE_HONEST), known[k].faults + 1);
        assert_int_equal(quorum_weight(&committee, QUORUM_DECIDE), known[k].decide);
        assert_int_equal(quorum_weight(&committee, QUORUM_RESPOND), known[k].respond);
        assert_int_equal(quorum_weight(&committee, QUORUM_ALL), known[k].size);
    }
}

/* All pairs of sets: two that decide share a set heavier than the faulty, so a correct member
 * whoever is faulty; and everything that can be asked about one set agrees with its complement. */
static void judge_sets(const committee_t *committee) {
    const uint64_t sets = UINT64_C(1) << committee->size;
    for (uint64_t a = 0; a < sets; a++) {
        const uint64_t others = ~a & (sets - 1);
        const bool faulty_possible = committee_set_weight(committee, &a) <= committee->faults;
        for (quorum_t quorum = QUORUM_ONE_HONEST; quorum <= QUORUM_ALL; quorum++)
            assert_int_equal(quorum_reachable(committee, quorum, &a),
                             quorum_met(committee, quorum, &others));
        /* One honest: never within a set that may be faulty, always beyond. */
        assert_int_equal(quorum_met(committee, QUORUM_ONE_HONEST, &a), !faulty_possible);
        /* The faulty cannot block: the others decide, respond and are heard. */
        if (faulty_possible) {
            assert_true(quorum_met(committee, QUORUM_RESPOND, &others));
            assert_true(quorum_met(committee, QUORUM_DECIDE, &others));
        }
        if (!quorum_met(committee, QUORUM_DECIDE, &a))
            continue;
        for (uint64_t b = a; b < sets; b++) {
            const uint64_t common = a & b;
            if (quorum_met(committee, QUORUM_DECIDE, &b))
                assert_true(quorum_met(committee, QUORUM_ONE_HONEST, &common));
        }
    }
}

static void test_all_pairs_of_sets(void **state) {
    (void)state;
    for (uint32_t size = 1; size <= SIZE_MAX_ENUMERATED; size++) {
        const committee_t committee = committee_of_equals(size);
        judge_sets(&committee);
    }
}

/* Counts through all vectors of weights 1..most; false when it wraps around. */
static bool next_weights(uint32_t size, uint64_t most) {
    for (uint32_t i = 0; i < size; i++) {
        if (members[i].weight < most) {
            members[i].weight++;
            return true;
        }
        members[i].weight = 1;
    }
    return false;
}

static void test_all_small_weights(void **state) {
    (void)state;
    static const uint64_t most[] = {0, 40, 15, 8, 6, 4, 3}; /* by size */
    for (uint32_t size = 1; size <= 6; size++) {
        for (uint32_t i = 0; i < size; i++)
            members[i].weight = 1;
        do {
            const committee_t committee = committee_of(size);
            judge_weights(&committee);
            judge_sets(&committee);
        } while (next_weights(size, most[size]));
    }
}

/* Up to the largest total that is allowed, where sums in 32 bits would wrap. */
static void test_large_weights(void **state) {
    (void)state;
    for (uint64_t total = COMMITTEE_WEIGHT_MAX - 10; total <= COMMITTEE_WEIGHT_MAX; total++) {
        members[0].weight = total - 4;
        for (uint32_t i = 1; i < 5; i++)
            members[i].weight = 1;
        const committee_t committee = committee_of(5);
        const uint64_t faults = committee.faults;
        assert_true(3 * faults < total && 3 * (faults + 1) >= total);
        const uint64_t decide = quorum_weight(&committee, QUORUM_DECIDE);
        assert_true(2 * decide - total >= faults + 1 && 2 * (decide - 1) - total < faults + 1);
        judge_sets(&committee);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_all_pairs_of_sets),
        cmocka_unit_test(test_all_small_weights),
        cmocka_unit_test(test_large_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
