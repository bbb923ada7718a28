/* The disk: nothing that promises leaves before it is durable, a failed append is the end, a slow
 * one is not, and a restart keeps what was promised. */
#include "tests/unit/replica_chain.h"

#define TERM (UINT64_C(1) << 32)

static node_t nodes[12];

static world_t *open_backup(void) {
    memset(nodes, 0, sizeof nodes);
    world_t *w = world_open(SUITE_SYMBOLIC, 3);
    nodes[0] = genesis(w);
    return w;
}

static void extend(world_t *w, uint32_t at) {
    grow(w, &nodes[at - 1], &nodes[at], nodes[at - 1].view + 1, 0);
    propose(w, &nodes[at - 1], &nodes[at]);
}

/* One append completes, and what it lets go is carried out. */
static void finish_one(world_t *w) {
    assert_true(w->appending);
    finish_append(w);
    settle(w);
}

static void restart(world_t *w) {
    stop(w);
    w->disk_holds = w->disk_fails = false;
    start(w);
    connect_all(w);
}

/* ---- persist before you speak ---- */

static void test_votes_wait_for_the_disk(void **state) {
    (void)state;
    world_t *w = open_backup();
    w->disk_holds = true;
    extend(w, 1);
    assert_int_equal(w->sent_count, 0);
    extend(w, 2); /* goes out with the next write */
    assert_int_equal(w->sent_count, 0);
    tell_status(w, member_link(2), 2, 1); /* what promises nothing need not wait */
    assert_int_equal(count_phase(w, CERTIFICATE, NULL), 1);
    finish_one(w);
    message_t vote = {0};
    assert_int_equal(count_phase(w, VOTE, &vote), 1);
    assert_int_equal(vote.statement.view, 1);
    assert_int_equal(last_sent(w, FRAME_MESSAGE, 0)->link, member_link(0)); /* the collector */
    finish_one(w);
    assert_int_equal(count_phase(w, VOTE, &vote), 2);
    assert_int_equal(vote.statement.view, 2);
    assert_true(digest_equal(&vote.statement.claims[0].digest, &nodes[1].id));
    world_close(w);
}

static void test_timeouts_wait_for_the_disk(void **state) {
    (void)state;
    world_t *w = open_backup();
    w->disk_holds = true;
    tell_timeout(w, 0, TERM, &nodes[0]);
    tell_timeout(w, 1, TERM, &nodes[0]); /* f + 1: we join (HS 12) */
    assert_int_equal(count_phase(w, TIMEOUT, NULL), 0);
    assert_int_equal(report(w).view, 1); /* attack Q12: nor does our own count yet */
    finish_one(w);
    assert_int_equal(count_phase(w, TIMEOUT, NULL), MEMBERS - 1);
    assert_int_equal(report(w).view, TERM + 1);
    forget(w);
    extend(w, 1); /* attack H11: the view was timed out */
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    world_close(w);
}

/* attack F2 */
static void test_failed_append_is_the_end(void **state) {
    (void)state;
    world_t *w = open_backup();
    extend(w, 1);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    forget(w);
    w->disk_fails = true;
    extend(w, 2);
    assert_int_equal(w->halted, SYNOD_IO);
    assert_int_equal(replica_phase(w->replica), REPLICA_HALTED);
    assert_non_null(strstr(w->halt_reason, "journal"));
    w->disk_fails = false; /* a second try would succeed: nobody asks */
    extend(w, 3);
    tell_timeout(w, 0, TERM, &nodes[0]);
    tell_timeout(w, 1, TERM, &nodes[0]);
    tell_status(w, member_link(2), 2, 1);
    ask(w, client_link(0), 0, 0, 1, 0, "");
    for (uint32_t i = 0; i < 20; i++)
        pass(w, SECOND_NS);
    member_comes(w, 900, 1);
    assert_int_equal(w->sent_count, 0);
    assert_false(w->appending);
    world_close(w);
}

/* attack Q12, and the lease of HS 6 */
static void test_leader_counts_its_vote_when_durable(void **state) {
    (void)state;
    memset(nodes, 0, sizeof nodes);
    world_t *w = world_open(SUITE_SYMBOLIC, 0);
    nodes[0] = genesis(w);
    w->disk_holds = true;
    ask(w, client_link(0), 0, 0, 1, 0, "");
    assert_int_equal(count_phase(w, PROPOSAL, NULL), 0); /* the first one of a lease waits */
    finish_one(w);
    message_t proposal = {0};
    assert_int_equal(count_phase(w, PROPOSAL, &proposal), MEMBERS - 1);
    assert_int_equal(proposal.statement.view, 1);
    nodes[1].id = proposal.statement.digest;
    nodes[1].height = nodes[1].view = 1;
    statement_t vote = vote_for(w, &nodes[0], &nodes[1]);
    tell_vote(w, 1, &vote);
    tell_vote(w, 2, &vote);
    tell_vote(w, 2, &vote);
    assert_int_equal(report(w).view, 1); /* two and our own, which is not durable */
    assert_true(w->appending);
    finish_one(w);
    assert_int_equal(report(w).view, 2);
    /* The second proposal is under the lease: it leaves while the disk is busy or not. */
    assert_int_equal(count_phase(w, PROPOSAL, &proposal), 2 * (MEMBERS - 1));
    assert_int_equal(proposal.statement.view, 2);
    world_close(w);
}

/* The next proposal is `at`; all others vote for it, the leader itself cannot: its disk is busy. */
static void others_certify(world_t *w, uint32_t at) {
    message_t proposal = {0};
    assert_int_equal(count_phase(w, PROPOSAL, &proposal), at * (MEMBERS - 1));
    assert_int_equal(proposal.statement.view, at);
    nodes[at].id = proposal.statement.digest;
    nodes[at].height = nodes[at].view = at;
    statement_t vote = vote_for(w, &nodes[at - 1], &nodes[at]);
    for (member_t m = 1; m < MEMBERS; m++)
        tell_vote(w, m, &vote);
    assert_int_equal(report(w).view, at + 1);
}

/* HS 5: votes of the others certify a leader's blocks while its disk is still busy with an older
 * record. It knows what it proposed nevertheless, and finishes it. */
static void test_leader_hears_itself_in_time(void **state) {
    (void)state;
    memset(nodes, 0, sizeof nodes);
    world_t *w = world_open(SUITE_SYMBOLIC, 0);
    nodes[0] = genesis(w);
    w->disk_holds = true;
    ask(w, client_link(0), 0, 0, 1, 0, "");
    finish_one(w);
    others_certify(w, 1);
    others_certify(w, 2);
    assert_int_equal(report(w).executed, 1);
    ask(w, client_link(1), 1, 0, 1, 0, "");
    others_certify(w, 3);
    others_certify(w, 4);
    assert_true(w->appending); /* the first vote, all the time */
    assert_int_equal(report(w).executed, 3);
    world_close(w);
}

/* ---- restart ---- */

/* attack H7 */
static void test_one_vote_a_view_over_restarts(void **state) {
    (void)state;
    world_t *w = open_backup();
    extend(w, 1);
    extend(w, 2);
    assert_int_equal(count_phase(w, VOTE, NULL), 2);
    restart(w);
    assert_int_equal(report(w).view, 2); /* attack H8: from the certificate in the record */
    static node_t other;
    memset(&other, 0, sizeof other);
    add_text(w, &other, 0, 0, 1, 0, "");
    grow(w, &nodes[1], &other, 2, 0);
    propose(w, &nodes[1], &other);
    propose(w, &nodes[1], &nodes[2]);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    extend(w, 3);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    assert_int_equal(report(w).executed, 1);
    world_close(w);
}

/* What comes after a restart stands on blocks of before: they are judged at once. */
static void test_vote_on_a_recovered_block(void **state) {
    (void)state;
    world_t *w = open_backup();
    extend(w, 1);
    restart(w);
    extend(w, 2);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    world_close(w);
}

/* A record that did not reach the disk binds nobody, because its vote did not leave either. */
static void test_crash_before_the_record(void **state) {
    (void)state;
    world_t *w = open_backup();
    w->disk_holds = true;
    extend(w, 1);
    assert_int_equal(w->sent_count, 0);
    restart(w);
    static node_t other;
    memset(&other, 0, sizeof other);
    add_text(w, &other, 0, 0, 1, 0, "");
    grow(w, &nodes[0], &other, 1, 0);
    propose(w, &nodes[0], &other);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    world_close(w);
}

/* attack H11 over a restart */
static void test_timed_out_over_restarts(void **state) {
    (void)state;
    world_t *w = open_backup();
    tell_timeout(w, 0, TERM, &nodes[0]);
    w->disk_holds = true;
    tell_timeout(w, 1, TERM, &nodes[0]);
    finish_one(w); /* our time-out is durable; the certificate in memory is not */
    restart(w);
    assert_int_equal(report(w).view, 1);
    extend(w, 1);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    world_close(w);
}

/* HS 15: a former life may have proposed anything under its lease. */
static void test_leader_is_silent_in_its_old_lease(void **state) {
    (void)state;
    world_t *w = world_open(SUITE_SYMBOLIC, 0);
    w->disk_holds = true;
    ask(w, client_link(0), 0, 0, 1, 0, "");
    finish_one(w); /* the lease is durable, the vote for the own block is not */
    assert_int_equal(count_phase(w, PROPOSAL, NULL), MEMBERS - 1);
    restart(w);
    assert_int_equal(report(w).view, 1);
    ask(w, client_link(0), 0, 0, 2, 0, "");
    assert_int_equal(report(w).pending_requests, 1);
    assert_int_equal(count_phase(w, PROPOSAL, NULL), 0);
    world_close(w);
}

static void test_executed_blocks_come_back(void **state) {
    (void)state;
    world_t *w = open_backup();
    add_text(w, &nodes[1], 0, 0, 1, 0, "");
    add_text(w, &nodes[4], 0, 1, 1, 0, "operation");
    for (uint32_t i = 1; i <= 8; i++)
        extend(w, i);
    for (uint32_t i = 0; i < 20; i++)
        pass(w, SECOND_NS / 100); /* final marks are written in their own time */
    status_report_t before = report(w);
    assert_int_equal(before.executed, 6);
    assert_int_equal(before.operations_executed, 1);
    restart(w);
    status_report_t after = report(w);
    assert_int_equal(after.executed, 6);
    assert_int_equal(after.operations_executed, 1);
    assert_memory_equal(&after.final_id, &before.final_id, sizeof after.final_id);
    assert_int_equal(after.sessions, 1);
    world_close(w);
}

static void test_journal_of_another_member(void **state) {
    (void)state;
    world_t *w = open_backup();
    extend(w, 1);
    stop(w);
    w->config.self = 2;
    w->config.signer = &w->signers[2];
    start(w);
    assert_int_equal(w->halted, SYNOD_WRONG_CHAIN);
    world_close(w);
}

/* ---- a slow disk ---- */

/* The others go on without us while one append takes for ever: blocks wait, nothing stops, and when
 * the disk is back we take part again. */
static void test_slow_disk_is_no_reason_to_halt(void **state) {
    (void)state;
    world_t *w = open_backup();
    static node_t pair[2];
    pair[0] = nodes[0];
    w->disk_holds = true;
    for (uint32_t i = 1; i <= 1000; i++) {
        node_t *parent = &pair[(i - 1) % 2], *node = &pair[i % 2];
        memset(node, 0, sizeof *node);
        for (uint32_t k = 0; k < 100; k++)
            add_request(w, node, 0, 0, i * 1000 + k, 0, (bytes_t){0});
        grow(w, parent, node, i, 0);
        propose(w, parent, node);
    }
    assert_int_equal(w->halted, SYNOD_OK);
    assert_int_equal(report(w).view, 1000);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    assert_true(report(w).executed < 990); /* it did have to wait */
    w->disk_holds = false;
    settle(w);
    assert_int_equal(w->halted, SYNOD_OK);
    assert_true(count_phase(w, VOTE, NULL) > 100);
    for (uint32_t i = 0; i < 4; i++)
        pass(w, SECOND_NS / 2);
    bool asked = false; /* for what fell out of the store */
    for (uint32_t i = 0; i < w->sent_count; i++) {
        reader_t reader = reader_of(bytes_of(w->sent[i].body, w->sent[i].size));
        block_ask_t question;
        asked |= w->sent[i].kind == FRAME_BLOCK_ASK &&
                 block_ask_decode(&reader, &question) == SYNOD_OK && !question.by_id &&
                 question.from == report(w).executed + 1;
    }
    assert_true(asked);
    world_close(w);
}

static void test_bad_configurations_are_refused(void **state) {
    (void)state;
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    const replica_config_t good = w->config;
    replica_config_t bad[7];
    for (uint32_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].self = MEMBERS;
    bad[1].journal_segments = 2;
    bad[2].journal_segment_bytes = SEGMENT_BYTES + 1;
    bad[3].journal_segment_bytes = PAYLOAD_MAX; /* no room for a block */
    bad[4].mempool_bytes = 1u << 20;
    bad[5].links_max = MEMBERS;
    bad[6].chain.core.execution_horizon = 1000; /* more than the block store holds */
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(replica_open(NULL, SIZE_MAX, &bad[i], &w->replica), SYNOD_BAD_CONFIG);
    start(w);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_votes_wait_for_the_disk),
        cmocka_unit_test(test_timeouts_wait_for_the_disk),
        cmocka_unit_test(test_failed_append_is_the_end),
        cmocka_unit_test(test_leader_counts_its_vote_when_durable),
        cmocka_unit_test(test_leader_hears_itself_in_time),
        cmocka_unit_test(test_one_vote_a_view_over_restarts),
        cmocka_unit_test(test_vote_on_a_recovered_block),
        cmocka_unit_test(test_crash_before_the_record),
        cmocka_unit_test(test_timed_out_over_restarts),
        cmocka_unit_test(test_leader_is_silent_in_its_old_lease),
        cmocka_unit_test(test_executed_blocks_come_back),
        cmocka_unit_test(test_journal_of_another_member),
        cmocka_unit_test(test_slow_disk_is_no_reason_to_halt),
        cmocka_unit_test(test_bad_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
