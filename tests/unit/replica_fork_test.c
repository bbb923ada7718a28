/* Two final blocks of one height, which take more than f faulty members, become known by block
 * sync: a replica stops and says so, if it is proved, and only then. The one under test is member
 * 3; replica_refusal_test.c has the fork that is proposed. */
#include "tests/unit/replica_late.h"

static node_t forked[CHAIN + 1];

/* Three of four signed another chain as well, from the genesis on, in later views. */
static void make_fork(const world_t *w) {
    memset(forked, 0, sizeof forked);
    forked[0] = genesis(w);
    for (uint32_t i = 1; i <= CHAIN; i++)
        grow(w, &forked[i - 1], &forked[i], nodes[CHAIN].view + i, 0);
}

/* Blocks from..end of the fork; the certificate is said to make the last one final. */
static void tell_fork(world_t *w, link_t link, uint32_t from, uint32_t end,
                      const certificate_t *proof) {
    for (uint32_t i = from; i <= end; i++)
        tell_block(w, link, &forked[i], i == end ? proof : NULL, payload_of(&forked[i]));
}

/* Blocks 1 to 3 are executed, and somebody is asked for more. */
static world_t *open_forked(link_t *link) {
    world_t *w = open_late();
    make_fork(w);
    tell_run(w, member_link(0), 3);
    assert_int_equal(report(w).executed, 3);
    block_ask_t question;
    assert_true(asked_for(w, &question, link));
    assert_int_equal(question.from, 4);
    return w;
}

static void expect_fork(world_t *w, uint32_t executed) {
    assert_int_equal(w->halted, SYNOD_CONFLICT);
    assert_non_null(strstr(w->halt_reason, "more than f members"));
    assert_memory_equal(w->executed_id.bytes, nodes[executed].id.bytes, sizeof w->executed_id);
    forget(w);
    pass(w, 60 * SECOND_NS);
    assert_int_equal(w->sent_count, 0);
    world_close(w);
}

/* Another chain, whose end is proved final, comes from nobody but the one who is asked
 * for blocks. It is no less a fork than one that is proposed: the replica stops and says so. */
static void test_a_fork_comes_by_sync(void **state) {
    (void)state;
    link_t link;
    world_t *w = open_forked(&link);
    tell_fork(w, link, 4, 6, qc_of(&forked[7]));
    expect_fork(w, 3);
    w = open_forked(&link); /* the first one is proved at once */
    tell_fork(w, link, 4, 4, qc_of(&forked[5]));
    expect_fork(w, 3);
}

/* The core knows which block of a height is final before it is here; what comes is another one. */
static void test_a_fork_in_place_of_what_is_final(void **state) {
    (void)state;
    link_t link;
    world_t *w = open_forked(&link);
    tell_certificate(w, 1, qc_of(&nodes[7]));
    assert_int_equal(report(w).final, 6);
    assert_int_equal(report(w).executed, 3);
    static node_t branch[CHAIN + 1];
    memset(branch, 0, sizeof branch);
    branch[3] = nodes[3];
    for (uint32_t i = 4; i <= 7; i++)
        grow(w, &branch[i - 1], &branch[i], nodes[CHAIN].view + i, 0);
    for (uint32_t i = 4; i <= 6; i++)
        tell_block(w, link, &branch[i], i == 6 ? qc_of(&branch[7]) : NULL, payload_of(&branch[i]));
    expect_fork(w, 3);
}

/* What is not proved stops nobody: any member can make up another chain. */
static void test_made_up_forks(void **state) {
    (void)state;
    static _Alignas(8) uint8_t room[CERTIFICATE_ROOM];
    certificate_t *proof = (certificate_t *)(void *)room;
    link_t link;
    world_t *w = open_forked(&link);
    static node_t later;
    memset(&later, 0, sizeof later);
    grow(w, &forked[6], &later, forked[6].view + 2, 0);
    for (uint32_t kind = 0; kind < 6; kind++) {
        memcpy(room, forked[7].qc_room, sizeof room);
        if (kind == 0) /* a signature that does not hold */
            ((signature_t *)(uintptr_t)certificate_signature(proof, 1))->bytes[3] ^= 4;
        if (kind ==
            1) /* certified, as two blocks of a height may be, in no row of views: not final */
            memcpy(room, later.qc_room, sizeof room);
        if (kind == 2) { /* two signers are no quorum */
            statement_t statement = vote_for(w, &forked[6], &forked[7]);
            certificate_begin(proof, &statement, MEMBERS, 2, false);
            for (member_t m = 0; m < 2; m++) {
                signature_t signature = sign_statement(w, m, &statement);
                certificate_put(proof, m, m, &signature, NULL);
            }
        }
        if (kind == 3) /* of our own chain */
            memcpy(room, nodes[7].qc_room, sizeof room);
        if (kind == 4)
            certificate_genesis(proof, &w->committee, &w->config.anchor, VOTE);
        tell_fork(w, link, 4, 6, kind == 5 ? NULL : proof);
        assert_int_equal(w->halted, SYNOD_OK);
        assert_int_equal(report(w).executed, 3);
        link = next_asked(w, link);
    }
    for (uint32_t i = 4; i <= 7; i++)
        tell_block(w, link, &nodes[i], i == 7 ? qc_of(&nodes[8]) : NULL, payload_of(&nodes[i]));
    assert_int_equal(report(w).executed, 7);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fork_comes_by_sync),
        cmocka_unit_test(test_a_fork_in_place_of_what_is_final),
        cmocka_unit_test(test_made_up_forks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
