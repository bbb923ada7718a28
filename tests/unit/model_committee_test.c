/* The committee: a genesis is judged like a message (attack K4), and quorums are sums of weight.
 * The quorum formulas themselves: tests/exhaustive/quorum_test.c. */
#include "model_world.h"

static suite_id_t suites[] = {SUITE_ED25519, SUITE_SYMBOLIC};

static world_t world;
static committee_t made;
static member_t culprit;

static synod_status make(uint32_t size) {
    return committee_make(&made, &world.domain, 3, world.members, size, &world.verifier, &culprit);
}

static void test_made(void **state) {
    const uint64_t weights[] = {1, 2, 3, 4, 5};
    world_open(&world, *(suite_id_t *)*state, 5, weights);
    assert_int_equal(make(5), SYNOD_OK);
    assert_int_equal(culprit, MEMBER_NONE);
    assert_int_equal(made.size, 5);
    assert_int_equal(made.epoch, 3);
    assert_true(digest_equal(&made.domain, &world.domain));
    assert_ptr_equal(made.members, world.members);
    assert_ptr_equal(made.verifier, &world.verifier);
    assert_int_equal(made.weight_total, 15);
    assert_int_equal(made.faults, 4);
    assert_int_equal(committee_weight(&made, 3), 4);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(committee_find(&made, &world.members[i].key), i);
    const key_public_t stranger = {{1}};
    assert_int_equal(committee_find(&made, &stranger), MEMBER_NONE);
}

/* attack K4: the same key under two members. */
static void test_same_key_twice(void **state) {
    const uint32_t size = 7;
    for (uint32_t later = 1; later < size; later++) {
        for (uint32_t earlier = 0; earlier < later; earlier++) {
            world_open(&world, *(suite_id_t *)*state, size, NULL);
            world.members[later].key = world.members[earlier].key;
            assert_int_equal(make(size), SYNOD_DUPLICATE);
            assert_int_equal(culprit, later);
        }
    }
}

/* The largest committee, and keys that agree in what the search for duplicates looks at first. */
static void test_same_key_twice_at_scale(void **state) {
    (void)state;
    static member_info_t members[MEMBERS_MAX + 1];
    world_open(&world, SUITE_SYMBOLIC, 1, NULL);
    for (uint32_t i = 0; i <= MEMBERS_MAX; i++)
        members[i] = (member_info_t){.key = symbolic_key(i), .weight = 1};
    assert_int_equal(committee_make(&made, &world.domain, 1, members, MEMBERS_MAX + 1,
                                    &world.verifier, &culprit),
                     SYNOD_MALFORMED);
    assert_int_equal(culprit, MEMBER_NONE);
    assert_int_equal(
        committee_make(&made, &world.domain, 1, members, MEMBERS_MAX, &world.verifier, &culprit),
        SYNOD_OK);
    assert_int_equal(made.faults, 3333);
    assert_int_equal(quorum_weight(&made, QUORUM_DECIDE), 6667);
    for (uint32_t i = 0; i < 2000; i++)
        members[i].key = symbolic_key((uint64_t)i << 32);
    assert_int_equal(
        committee_make(&made, &world.domain, 1, members, 2000, &world.verifier, &culprit),
        SYNOD_OK);
    members[1999].key = members[1].key;
    assert_int_equal(
        committee_make(&made, &world.domain, 1, members, 2000, &world.verifier, &culprit),
        SYNOD_DUPLICATE);
    assert_int_equal(culprit, 1999);
}

/* attack K4: nobody, too many, weight zero, weights that overflow. */
static void test_sizes_and_weights(void **state) {
    world_open(&world, *(suite_id_t *)*state, 4, NULL);
    assert_int_equal(make(0), SYNOD_MALFORMED);
    assert_int_equal(culprit, MEMBER_NONE);
    assert_int_equal(make(MEMBERS_MAX + 1), SYNOD_MALFORMED);
    assert_int_equal(make(UINT32_MAX), SYNOD_MALFORMED);
    for (uint32_t i = 0; i < 4; i++) {
        world.members[i].weight = 0;
        assert_int_equal(make(4), SYNOD_MALFORMED);
        assert_int_equal(culprit, i);
        world.members[i].weight = 1;
    }
    world.members[3].weight = COMMITTEE_WEIGHT_MAX - 3; /* just fits */
    assert_int_equal(make(4), SYNOD_OK);
    assert_int_equal(made.weight_total, COMMITTEE_WEIGHT_MAX);
    world.members[3].weight++;
    assert_int_equal(make(4), SYNOD_MALFORMED);
    assert_int_equal(culprit, 3);
    world.members[3].weight = UINT64_MAX; /* 3 + (2^64 - 1) = 2 */
    assert_int_equal(make(4), SYNOD_MALFORMED);
    world.members[0].weight = UINT64_MAX - 1;
    assert_int_equal(make(4), SYNOD_MALFORMED);
    assert_int_equal(culprit, 0);
}

/* attack Q11: the largest weights; no sum or formula wraps. */
static void test_largest_weights(void **state) {
    const uint64_t third = COMMITTEE_WEIGHT_MAX / 3; /* 1,431,655,765, divides without remainder */
    const uint64_t weights[] = {third, third, third};
    world_open(&world, *(suite_id_t *)*state, 3, weights);
    assert_int_equal(world.committee.faults, third - 1);
    assert_int_equal(quorum_weight(&world.committee, QUORUM_ONE_HONEST), third);
    assert_int_equal(quorum_weight(&world.committee, QUORUM_DECIDE), 2 * third);
    assert_int_equal(quorum_weight(&world.committee, QUORUM_RESPOND), 2 * third + 1);
    assert_int_equal(quorum_weight(&world.committee, QUORUM_ALL), UINT32_MAX);
    const uint64_t all = 7, two = 5, none = 0;
    assert_int_equal(committee_set_weight(&world.committee, &all), UINT32_MAX);
    assert_true(quorum_met(&world.committee, QUORUM_DECIDE, &two));
    assert_false(quorum_met(&world.committee, QUORUM_RESPOND, &two));
    assert_false(quorum_met(&world.committee, QUORUM_ONE_HONEST, &none));
}

/* attack X19: keys of small order, for which one signature fits every message; and keys that are
 * not canonical (attack K1). The eight points of small order in their encodings, canonical or not;
 * then a y that is not below p, and one that is not on the curve. */
static void test_weak_keys(void **state) {
    (void)state;
    static const key_public_t weak[] = {
        {{0}},
        {{1}},
        {{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
          0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
          0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}},
        {{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
          0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
          0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}},
        {{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
        {{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
        {{0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
        {{2}},
        {{0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
    };
    for (uint32_t k = 0; k < sizeof weak / sizeof weak[0]; k++) {
        for (uint32_t sign = 0; sign < 2; sign++) {
            world_open(&world, SUITE_ED25519, 4, NULL);
            world.members[k % 4].key = weak[k];
            world.members[k % 4].key.bytes[31] |= (uint8_t)(sign << 7);
            assert_int_equal(make(4), SYNOD_BAD_KEY);
            assert_int_equal(culprit, k % 4);
        }
    }
    world_open(&world, SUITE_SYMBOLIC, 4, NULL);
    world.members[2].key.bytes[31] ^= 1;
    assert_int_equal(make(4), SYNOD_BAD_KEY);
    assert_int_equal(culprit, 2);
}

/* Every set of a committee with weights: weight, quorum met, quorum still reachable. */
static void test_sets(void **state) {
    const uint64_t weights[] = {7, 1, 1, 3, 2, 5};
    const uint32_t size = 6;
    world_open(&world, *(suite_id_t *)*state, size, weights);
    for (uint64_t set = 0; set < 64; set++) {
        uint64_t weight = 0;
        for (uint32_t i = 0; i < size; i++)
            weight += (set >> i & 1) * weights[i];
        /* Bits above the committee weigh nothing and lead nowhere. */
        const uint64_t dirty = set | UINT64_MAX << size;
        assert_int_equal(committee_set_weight(&world.committee, &set), weight);
        assert_int_equal(committee_set_weight(&world.committee, &dirty), weight);
        for (quorum_t quorum = QUORUM_ONE_HONEST; quorum <= QUORUM_ALL; quorum++) {
            const uint64_t least = quorum_weight(&world.committee, quorum);
            assert_int_equal(quorum_met(&world.committee, quorum, &set), weight >= least);
            assert_int_equal(quorum_reachable(&world.committee, quorum, &set),
                             19 - weight >= least);
        }
    }
}

static void test_sets_of_many_words(void **state) {
    (void)state;
    world_open(&world, SUITE_SYMBOLIC, WORLD_MAX, NULL);
    uint64_t words[2] = {UINT64_MAX, UINT64_MAX};
    assert_int_equal(committee_set_weight(&world.committee, words), WORLD_MAX);
    world.members[99].weight = 2; /* no longer all alike: the other way of counting */
    assert_int_equal(make(WORLD_MAX), SYNOD_OK);
    assert_int_equal(committee_set_weight(&made, words), WORLD_MAX + 1);
    bitset_remove(words, 99);
    bitset_remove(words, 0);
    assert_int_equal(committee_set_weight(&made, words), WORLD_MAX - 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_made, &suites[0]),
        cmocka_unit_test_prestate(test_made, &suites[1]),
        cmocka_unit_test_prestate(test_same_key_twice, &suites[0]),
        cmocka_unit_test_prestate(test_same_key_twice, &suites[1]),
        cmocka_unit_test(test_same_key_twice_at_scale),
        cmocka_unit_test_prestate(test_sizes_and_weights, &suites[0]),
        cmocka_unit_test_prestate(test_sizes_and_weights, &suites[1]),
        cmocka_unit_test_prestate(test_largest_weights, &suites[0]),
        cmocka_unit_test_prestate(test_largest_weights, &suites[1]),
        cmocka_unit_test(test_weak_keys),
        cmocka_unit_test_prestate(test_sets, &suites[0]),
        cmocka_unit_test_prestate(test_sets, &suites[1]),
        cmocka_unit_test(test_sets_of_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
