/* attack N7: what one link may cost, and that nobody else pays for it. The replica under test is
 * member 1; member 0 leads. */
#include "tests/unit/replica_chain.h"

static node_t nodes[8];

static world_t *open_backup(void) {
    memset(nodes, 0, sizeof nodes);
    world_t *w = world_open(SUITE_SYMBOLIC, 1);
    nodes[0] = genesis(w);
    return w;
}

/* A vote with a signature that does not hold. */
static void send_wrong(world_t *w, member_t from) {
    message_t message = {.statement = statement_of(w, TIMEOUT, UINT64_C(1) << 32),
                         .author = from,
                         .certificates = {qc_of(&nodes[0])}};
    message.statement.claims[0] = (claim_t){0, nodes[0].id};
    message.signature.bytes[0] = 1;
    writer_t writer = writer_of(w->body, sizeof w->body);
    message_encode(&message, &writer);
    feed(w, member_link(from), FRAME_MESSAGE, writer_bytes(&writer));
}

/* Until the link is closed; how many wrong frames that took. */
static uint32_t send_wrong_until_closed(world_t *w, member_t from) {
    uint32_t count = 0;
    forget(w);
    while (!was_closed(w, member_link(from)) && count < 1000) {
        send_wrong(w, from);
        count++;
    }
    return count;
}

static void test_faults_close_the_link(void **state) {
    (void)state;
    world_t *w = open_backup();
    assert_in_range(send_wrong_until_closed(w, 2), 200, 300);
    assert_non_null(strstr(goodbye_on(w, member_link(2)).reason, "too many frames that are wrong"));
    assert_int_equal(report(w).links_refused, 1);
    assert_int_equal(report(w).peers_connected, 2);
    propose_chain(w, nodes, 3); /* nobody else is touched */
    assert_int_equal(count_phase(w, VOTE, NULL), 3);
    world_close(w);
}

static void test_back_off_of_a_member(void **state) {
    (void)state;
    world_t *w = open_backup();
    for (uint64_t wait = 1; wait <= 4; wait *= 2) {
        (void)send_wrong_until_closed(w, 2);
        forget(w);
        pass(w, wait * SECOND_NS - 1);
        member_comes(w, member_link(2), 2);
        assert_int_equal(report(w).peers_connected, 2);
        pass(w, 1);
        member_comes(w, member_link(2), 2);
        assert_int_equal(report(w).peers_connected, 3);
    }
    world_close(w);
}

/* Slow enough, it goes on for ever: an honest member with a rare fault stays. */
static void test_a_rare_fault_is_forgiven(void **state) {
    (void)state;
    world_t *w = open_backup();
    for (uint32_t i = 0; i < 1000; i++) {
        send_wrong(w, 2);
        pass(w, SECOND_NS / 30);
    }
    assert_int_equal(report(w).links_refused, 0);
    assert_int_equal(report(w).peers_connected, 3);
    world_close(w);
}

static void test_lines_are_held_back(void **state) {
    (void)state;
    world_t *w = open_backup();
    uint32_t before = w->log_lines;
    for (uint32_t i = 0; i < 150; i++)
        send_wrong(w, 2);
    assert_in_range(w->log_lines - before, 1, 16);
    assert_true(report(w).lines_held == 135);
    uint32_t mine = w->log_lines;
    send_wrong(w, 3); /* another one is still heard */
    assert_int_equal(w->log_lines, mine + 1);
    for (uint32_t i = 0; i < 10; i++)
        pass(w, SECOND_NS);
    assert_non_null(strstr(w->log_more, "member=2"));
    assert_non_null(strstr(w->log_more, "and 135 more like these"));
    world_close(w);
}

/* ---- clients ---- */

static void attach_key(world_t *w, link_t link, uint64_t number) {
    symbolic_identity_t identity = {.world = &w->symbolic, .key = symbolic_key(number)};
    signer_t signer = signer_symbolic(&identity), kept = w->signers[MEMBERS + 1];
    w->signers[MEMBERS + 1] = signer;
    attach(w, 1, link);
    w->signers[MEMBERS + 1] = kept;
}

/* The connection with the most keys loses its own. */
static void test_keys_of_one_link(void **state) {
    (void)state;
    world_t *w = open_backup();
    attach(w, 0, client_link(0));
    for (uint32_t i = 0; i < 4200; i++) {
        attach_key(w, client_link(1), 100000 + i);
        if (i % 1000 == 0)
            pass(w, SECOND_NS);
    }
    assert_int_equal(report(w).quota_drops, 0);
    forget(w);
    for (uint32_t i = 1; i <= 4; i++) {
        if (i == 1)
            add_text(w, &nodes[i], 0, 0, 7, 0, "");
        grow(w, &nodes[i - 1], &nodes[i], i, 0);
        propose(w, &nodes[i - 1], &nodes[i]);
    }
    assert_int_equal(reply_on(w, client_link(0)).sequence, 7);
    world_close(w);
}

static void test_attaches_are_bounded(void **state) {
    (void)state;
    world_t *w = open_backup();
    for (uint32_t i = 0; i < 4300; i++)
        attach_key(w, client_link(1), 100000 + i);
    assert_in_range(report(w).quota_drops, 100, 200); /* a quarter of a second's worth */
    attach(w, 0, client_link(0));
    assert_in_range(report(w).quota_drops, 100, 200); /* not at the cost of another */
    world_close(w);
}

static synod_status ask_proof(world_t *w, link_t link) {
    uint8_t bytes[64];
    writer_t writer = writer_of(bytes, sizeof bytes);
    query_encode(&(query_t){.number = 1, .prove = true, .query = bytes_of("q", 1)}, &writer);
    feed(w, link, FRAME_QUERY, writer_bytes(&writer));
    const sent_t *sent = last_sent(w, FRAME_QUERY_REPLY, link);
    query_reply_t reply = {0};
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    assert_int_equal(query_reply_decode(&reader, &reply), SYNOD_OK);
    forget(w);
    return reply.status;
}

static void test_questions_are_bounded(void **state) {
    (void)state;
    world_t *w = open_backup();
    uint32_t answered = 0;
    while (ask_proof(w, client_link(0)) != SYNOD_BUSY && answered < 20000)
        answered++;
    assert_in_range(answered, 10000, 13000);
    assert_int_not_equal(ask_proof(w, client_link(1)), SYNOD_BUSY);
    pass(w, SECOND_NS);
    assert_int_not_equal(ask_proof(w, client_link(0)), SYNOD_BUSY);
    world_close(w);
}

/* Hands a request over without letting the replica work on it. */
static void hand_open(world_t *w, uint32_t client, uint64_t nonce) {
    static node_t node;
    memset(&node, 0, sizeof node);
    add_text(w, &node, client, 0, nonce, 0, "");
    replica_on_frame(w->replica, w->now, client_link(client),
                     (frame_t){FRAME_REQUEST, bytes_of(node.payload, node.payload_size)});
}

/* While the pool works, one link fills half of what waits; the next one finds room. */
static void test_share_of_the_pool(void **state) {
    (void)state;
    world_t *w = open_backup();
    forget(w);
    for (uint32_t i = 0; i < 600; i++)
        hand_open(w, 0, 100 + i);
    assert_int_equal(count_sent(w, FRAME_REPLY), 600 - 512);
    assert_int_equal(reply_on(w, client_link(0)).status, SYNOD_BUSY);
    assert_int_equal(report(w).quota_drops, 88);
    for (uint32_t i = 0; i < 200; i++)
        hand_open(w, 1, 5000 + i);
    assert_null(last_sent(w, FRAME_REPLY, client_link(1)));
    settle(w);
    assert_int_equal(report(w).pending_requests, 712);
    hand_open(w, 0, 9000); /* in the next batch it has a share again */
    settle(w);
    assert_int_equal(report(w).pending_requests, 713);
    world_close(w);
}

/* Wrong requests are charged as well. */
static void test_wrong_requests_close_a_client(void **state) {
    (void)state;
    world_t *w = open_backup();
    const signer_t keys = w->signers[MEMBERS];
    for (uint32_t i = 0; i < 300 && !was_closed(w, client_link(0)); i++) {
        node_t *node = calloc(1, sizeof *node);
        assert_non_null(node);
        add_text(w, node, 0, 0, 100 + i, 0, "");
        node->payload[node->payload_size - 3] ^= 1; /* in the signature */
        feed(w, client_link(0), FRAME_REQUEST, bytes_of(node->payload, node->payload_size));
        free(node);
    }
    w->signers[MEMBERS] = keys;
    assert_true(was_closed(w, client_link(0)));
    assert_true(report(w).signatures_bad > 200);
    ask(w, client_link(1), 1, 0, 1, 0, "");
    assert_int_equal(report(w).pending_requests, 1);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_close_the_link),
        cmocka_unit_test(test_back_off_of_a_member),
        cmocka_unit_test(test_a_rare_fault_is_forgiven),
        cmocka_unit_test(test_lines_are_held_back),
        cmocka_unit_test(test_keys_of_one_link),
        cmocka_unit_test(test_attaches_are_bounded),
        cmocka_unit_test(test_questions_are_bounded),
        cmocka_unit_test(test_share_of_the_pool),
        cmocka_unit_test(test_wrong_requests_close_a_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
