/* Requests of hostile and clumsy clients, and proposals that carry them. The replica under test is
 * member 3 and never leads here: member 0 leads the first term, member 1 the second. */
#include "replica/state.h"
#include "tests/unit/replica_chain.h"

#define TERM (UINT64_C(1) << 32)

static node_t nodes[12];

/* Client 0 has session 1; the chain stands at height 3, view 3, and one block is executed. */
static world_t *open_session(suite_id_t suite) {
    world_t *w = world_open(suite, 3);
    memset(nodes, 0, sizeof nodes);
    add_text(w, &nodes[1], 0, 0, 99, 0, "");
    propose_chain(w, nodes, 3);
    assert_int_equal(report(w).executed, 1);
    assert_int_equal(report(w).sessions, 1);
    forget(w);
    return w;
}

/* nodes[at] on the one before, in the view after it. */
static void extend(world_t *w, uint32_t at) {
    grow(w, &nodes[at - 1], &nodes[at], nodes[at - 1].view + 1, nodes[at - 1].view >= TERM ? 1 : 0);
    propose(w, &nodes[at - 1], &nodes[at]);
}

static void retry_and_conflict(suite_id_t suite) {
    world_t *w = open_session(suite);
    attach(w, 0, client_link(2));
    ask(w, client_link(0), 0, 1, 1, 0, "a");
    ask(w, client_link(0), 0, 1, 1, 0, "a");
    ask(w, client_link(1), 0, 1, 1, 0, "b"); /* attack C3 */
    assert_int_equal(report(w).pending_requests, 1);
    assert_int_equal(count_sent(w, FRAME_REPLY), 0);
    add_text(w, &nodes[4], 0, 1, 1, 0, "b"); /* the order decides */
    add_text(w, &nodes[5], 0, 1, 1, 0, "a");
    add_text(w, &nodes[5], 0, 1, 1, 0, "b"); /* attack C1 */
    for (uint32_t i = 4; i <= 7; i++)
        extend(w, i);
    assert_int_equal(report(w).executed, 5);
    assert_int_equal(w->executed_operations, 1);
    assert_int_equal(report(w).pending_requests, 0);
    assert_int_equal(count_sent(w, FRAME_REPLY), 3);
    for (uint32_t i = 0; i < w->sent_count; i++) {
        if (w->sent[i].kind != FRAME_REPLY)
            continue;
        assert_int_equal(w->sent[i].link, client_link(2)); /* who proved the key, nobody else */
        reader_t reader = reader_of(bytes_of(w->sent[i].body, w->sent[i].size));
        reply_t reply;
        assert_int_equal(reply_decode(&reader, &reply), SYNOD_OK);
        assert_int_equal(reply.status, SYNOD_OK);
        assert_int_equal(reply.height, 4);
        assert_int_equal(reply.result.size, 6);
        assert_int_equal(reply.result.data[5], 'b');
    }
    forget(w);
    ask(w, client_link(1), 0, 1, 1, 0, "a"); /* a late retry, signed: on the link it came over */
    assert_int_equal(reply_on(w, client_link(1)).result.data[5], 'b');
    assert_int_equal(w->executed_operations, 1);
    world_close(w);
}

/* attacks C1, C3 */
static void test_retry_and_conflict(void **state) {
    (void)state;
    retry_and_conflict(SUITE_SYMBOLIC);
}

/* attacks C1, C3, K1: the same with the signatures of real life */
static void test_retry_and_conflict_ed25519(void **state) {
    (void)state;
    retry_and_conflict(SUITE_ED25519);
}

/* Requests that open a session have no sequence: each is known by its digest all the same. */
static void test_opens_are_told_apart(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    ask(w, client_link(0), 1, 0, 5, 0, "");
    ask(w, client_link(0), 1, 0, 5, 0, "");
    ask(w, client_link(1), 2, 0, 5, 0, "");
    assert_int_equal(report(w).pending_requests, 2);
    add_text(w, &nodes[4], 1, 0, 5, 0, "");
    for (uint32_t i = 4; i <= 6; i++)
        extend(w, i);
    assert_int_equal(report(w).executed, 4);
    assert_int_equal(report(w).sessions, 2);
    assert_int_equal(report(w).pending_requests, 1); /* the other one */
    world_close(w);
}

/* What a client was answered is not for strangers who know its numbers. */
static void test_replies_need_the_key(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    add_text(w, &nodes[4], 0, 1, 1, 0, "secret");
    for (uint32_t i = 4; i <= 6; i++)
        extend(w, i);
    assert_int_equal(w->executed_operations, 1);
    assert_int_equal(count_sent(w, FRAME_REPLY), 0); /* nobody attached the key */
    ask(w, client_link(1), 1, 1, 1, 0, "guess");     /* signed with another key */
    assert_int_equal(reply_on(w, client_link(1)).status, SYNOD_INVALID);
    assert_int_equal(reply_on(w, client_link(1)).result.size, 0);
    assert_int_equal(report(w).signatures_bad, 1);
    ask(w, client_link(0), 0, 1, 1, 0, "secret");
    assert_int_equal(reply_on(w, client_link(0)).result.size, 5 + strlen("secret"));
    world_close(w);
}

static void test_window_and_unknown_session(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    ask(w, client_link(0), 0, 1, 8, 0, "last of the window");
    assert_int_equal(report(w).pending_requests, 1);
    assert_int_equal(count_sent(w, FRAME_REPLY), 0);
    ask(w, client_link(0), 0, 1, 9, 0, "beyond");
    assert_int_equal(reply_on(w, client_link(0)).status, SYNOD_INVALID);
    ask(w, client_link(0), 0, 1, UINT64_MAX, UINT64_MAX - 1, "attack C2");
    assert_int_equal(report(w).pending_requests, 2);
    forget(w);
    ask(w, client_link(0), 0, 7, 1, 0, "we may be behind: silence");
    assert_int_equal(count_sent(w, FRAME_REPLY), 0);
    assert_int_equal(report(w).pending_requests, 2);
    world_close(w);
}

static void test_full_mempool_is_busy(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    static char operation[15 << 10];
    memset(operation, 'x', sizeof operation - 1);
    uint32_t held = 0;
    while (count_sent(w, FRAME_REPLY) == 0 && held < 1000) {
        ask(w, client_link(0), 0, 1, held + 1, held, operation);
        forget(w);                                               /* forwards */
        ask(w, client_link(1), 0, 1, held + 1, held, operation); /* held already: no answer */
        if (report(w).pending_requests == held)
            break;
        held++;
    }
    assert_in_range(held, 130, 140); /* 4 MiB of 15 KiB, less two of the largest for moving */
    assert_int_equal(reply_on(w, client_link(1)).status, SYNOD_BUSY);
    assert_true(report(w).pending_bytes <= 4u << 20);
    assert_int_equal(report(w).pending_requests, held);
    add_text(w, &nodes[4], 0, 1, held, held - 1, "settles all before");
    for (uint32_t i = 4; i <= 6; i++)
        extend(w, i);
    assert_int_equal(report(w).pending_requests, 0); /* none of them can run any more */
    ask(w, client_link(0), 0, 1, held + 1, held, "room again");
    assert_int_equal(report(w).pending_requests, 1);
    world_close(w);
}

/* A request that no leader can take any more must not make us leave an honest leader (HS 16). */
static void test_settled_request_is_dropped(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    ask(w, client_link(0), 0, 1, 1, 0, "late");
    assert_int_equal(report(w).pending_requests, 1);
    add_text(w, &nodes[4], 0, 1, 2, 1, "settles 1");
    for (uint32_t i = 4; i <= 6; i++)
        extend(w, i);
    tell_certificate(w, 0, qc_of(&nodes[6]));
    assert_int_equal(report(w).pending_requests, 0);
    forget(w);
    for (uint32_t i = 0; i < 10; i++)
        pass(w, SECOND_NS);
    assert_int_equal(count_phase(w, TIMEOUT, NULL), 0);
    world_close(w);
}

/* Another member may hand us a request: if it stayed here, we alone would lose patience. */
static void test_forwarded_request_goes_on_to_the_leader(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    ask(w, member_link(2), 0, 1, 1, 0, "forwarded");
    assert_int_equal(report(w).pending_requests, 1);
    assert_int_equal(count_sent(w, FRAME_REQUEST), 1);
    assert_int_equal(last_sent(w, FRAME_REQUEST, 0)->link, member_link(0));
    ask(w, member_link(1), 0, 1, 1, 0, "forwarded"); /* once is enough: no circle */
    assert_int_equal(count_sent(w, FRAME_REQUEST), 1);
    world_close(w);
}

/* ---- proposals ---- */

static void make_timeout_certificate(const world_t *w, node_t *highest, certificate_t *to) {
    statement_t statement = statement_of(w, TIMEOUT, TERM);
    certificate_begin(to, &statement, MEMBERS, 3, true);
    statement.claims[0] = (claim_t){highest->view, highest->id};
    for (member_t m = 0; m < 3; m++) {
        signature_t signature = sign_statement(w, m, &statement);
        certificate_put(to, m, m, &signature, statement.claims);
    }
}

/* attack H15 */
static void test_request_in_two_branches(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    add_text(w, &nodes[4], 0, 1, 1, 0, "once");
    extend(w, 4);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    static _Alignas(8) uint8_t room[CERTIFICATE_ROOM];
    certificate_t *tc = (certificate_t *)(void *)room;
    make_timeout_certificate(w, &nodes[3], tc);
    nodes[5] = nodes[4]; /* the other branch: the same payload on block 3 */
    grow(w, &nodes[3], &nodes[5], TERM + 1, 1);
    message_t message = proposal_of(w, &nodes[3], &nodes[5]);
    tell(w, member_link(1), &message, payload_of(&nodes[5])); /* attack H1: no TC, no vote */
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    message.certificates[1] = tc;
    tell(w, member_link(1), &message, payload_of(&nodes[5]));
    assert_int_equal(count_phase(w, VOTE, NULL), 2);
    nodes[6] = nodes[5];
    for (uint32_t i = 6; i <= 8; i++) {
        extend(w, i); /* and once more in the same branch */
        nodes[i + 1] = nodes[0];
    }
    assert_int_equal(report(w).executed, 5); /* 1, 2, 3, and both blocks with the request */
    assert_int_equal(w->executed_operations, 1);
    assert_memory_equal(w->executed_id.bytes, nodes[6].id.bytes, sizeof w->executed_id);
    world_close(w);
}

static void test_payload_is_not_what_the_block_says(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    add_text(w, &nodes[4], 0, 1, 1, 0, "right");
    grow(w, &nodes[3], &nodes[4], 4, 0);
    message_t message = proposal_of(w, &nodes[3], &nodes[4]);
    static node_t other;
    memset(&other, 0, sizeof other);
    add_text(w, &other, 0, 1, 1, 0, "wrong"); /* as long, and signed as well */
    uint64_t dropped = report(w).frames_dropped;
    tell(w, member_link(0), &message, bytes_of(other.payload, other.payload_size - 1));
    assert_int_equal(report(w).frames_dropped, dropped + 1);
    tell(w, member_link(0), &message, payload_of(&other));
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    /* The others got the right bytes and certified it: we must be able to go on. */
    extend(w, 5);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    block_ask_t question;
    link_t link = LINK_NONE;
    assert_true(asked_for(w, &question, &link));
    assert_true(question.by_id && digest_equal(&question.id, &nodes[4].id));
    tell_block(w, link, &nodes[4], NULL, payload_of(&other)); /* a liar again */
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    tell_block(w, link, &nodes[4], NULL, payload_of(&nodes[4]));
    message_t vote = {0};
    assert_int_equal(count_phase(w, VOTE, &vote), 1);
    assert_true(digest_equal(&vote.statement.digest, &nodes[5].id));
    world_close(w);
}

static void test_bad_signature_inside_a_proposal(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    add_text(w, &nodes[4], 0, 1, 1, 0, "fine");
    add_text(w, &nodes[4], 1, 1, 2, 0, "signed by another client");
    add_text(w, &nodes[4], 0, 1, 3, 0, "fine");
    extend(w, 4);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    assert_int_equal(report(w).signatures_bad, 1);
    extend(w, 5); /* certified by a quorum nevertheless: our opinion does not stop the chain */
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    world_close(w);
}

/* Blocks with requests of a session that is not open here yet wait; they turn green when the block
 * that opens it was executed. */
static void test_unknown_session_waits(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    add_text(w, &nodes[4], 1, 0, 1, 0, "");
    extend(w, 4);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    add_text(w, &nodes[5], 1, 2, 1, 0, "of session 2");
    extend(w, 5);
    assert_int_equal(count_phase(w, VOTE, NULL), 1); /* block 4 is not executed: amber */
    assert_int_equal(report(w).sessions, 1);
    extend(w, 6); /* the others knew it: block 4 is final, 5 turns green, 6 gets our vote */
    assert_int_equal(report(w).sessions, 2);
    assert_int_equal(count_phase(w, VOTE, NULL), 2);
    extend(w, 7);
    assert_int_equal(w->executed_operations, 1);
    world_close(w);
}

/* Block times ahead of our clock wait as well. */
static void test_time_ahead_waits(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    grow(w, &nodes[3], &nodes[4], 4, 0);
    block_of(&nodes[4])->time_ns = w->now.time_ns + 10 * SECOND_NS + SECOND_NS / 4;
    nodes[4].id = block_id(block_of(&nodes[4]));
    propose(w, &nodes[3], &nodes[4]);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    pass(w, SECOND_NS / 4 - 1);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    pass(w, 1);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    world_close(w);
}

/* A state that was transferred has the session that an open request waits for: nobody takes that
 * request out by executing it, and all that came after it would wait behind it. */
static void test_an_open_session_waits_for_nothing(void **state) {
    (void)state;
    world_t *w = open_session(SUITE_SYMBOLIC);
    replica_t *r = w->replica;
    for (uint64_t nonce = 99; nonce <= 100; nonce++) {
        static node_t node;
        request_t request;
        node.payload_size = 0;
        add_text(w, &node, 0, 0, nonce, 0, "");
        reader_t reader = reader_of(payload_of(&node));
        assert_int_equal(request_decode(&reader, &request), SYNOD_OK);
        digest_t digest = request_digest(&request);
        uint64_t sequence = mempool_sequence(&request, &digest);
        assert_int_equal(mempool_add(&r->mempool, &request, sequence, &digest, w->now.now_ns),
                         SYNOD_OK);
    }
    const mempool_entry_t *oldest = submit_oldest(r);
    assert_non_null(oldest);
    request_t request;
    key_public_t key;
    uint64_t nonce = 0;
    reader_t reader = reader_of(mempool_bytes(&r->mempool, oldest));
    assert_int_equal(request_decode(&reader, &request), SYNOD_OK);
    request_open_fields(&request, &key, &nonce);
    assert_int_equal(nonce, 100);
    assert_int_equal(report(w).pending_requests, 1);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_and_conflict),
        cmocka_unit_test(test_retry_and_conflict_ed25519),
        cmocka_unit_test(test_opens_are_told_apart),
        cmocka_unit_test(test_replies_need_the_key),
        cmocka_unit_test(test_window_and_unknown_session),
        cmocka_unit_test(test_full_mempool_is_busy),
        cmocka_unit_test(test_settled_request_is_dropped),
        cmocka_unit_test(test_an_open_session_waits_for_nothing),
        cmocka_unit_test(test_forwarded_request_goes_on_to_the_leader),
        cmocka_unit_test(test_request_in_two_branches),
        cmocka_unit_test(test_payload_is_not_what_the_block_says),
        cmocka_unit_test(test_bad_signature_inside_a_proposal),
        cmocka_unit_test(test_unknown_session_waits),
        cmocka_unit_test(test_time_ahead_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
