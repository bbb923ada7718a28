/* The gate against hostile members: identities, chains, certificates, replays, floods, garbage. The
 * replica under test is member 1; member 0 leads the first term. */
#include "tests/unit/replica_chain.h"

static world_t *open_backup(void) {
    return world_open(SUITE_SYMBOLIC, 1);
}

static node_t nodes[8];

static void clear_nodes(void) {
    memset(nodes, 0, sizeof nodes);
}

/* ---- who speaks ---- */

/* attack K5 */
static void test_hello_of_another(void **state) {
    (void)state;
    world_t *w = open_backup();
    link_comes(w, 500, 2);
    hello_t hello = hello_of(w, ROLE_MEMBER, 3);
    say_hello(w, 500, &hello);
    assert_int_equal(goodbye_on(w, 500).status, SYNOD_NOT_MEMBER);
    assert_true(was_closed(w, 500));
    link_comes(w, 501, MEMBER_NONE); /* a client that calls itself a member */
    hello.member = 2;
    say_hello(w, 501, &hello);
    assert_int_equal(goodbye_on(w, 501).status, SYNOD_NOT_MEMBER);
    link_comes(w, 502, 2); /* a member that calls itself a client */
    hello = hello_of(w, ROLE_CLIENT, MEMBER_NONE);
    say_hello(w, 502, &hello);
    assert_int_equal(goodbye_on(w, 502).status, SYNOD_NOT_MEMBER);
    assert_int_equal(report(w).peers_connected, 3); /* those of before */
    world_close(w);
}

/* attack K5 */
static void test_author_is_not_the_channel(void **state) {
    (void)state;
    world_t *w = open_backup();
    clear_nodes();
    propose_chain(w, nodes, 2);
    forget(w);
    uint64_t dropped = report(w).frames_dropped;
    tell_status(w, member_link(2), 3, 1); /* would be helped with a certificate */
    assert_int_equal(w->sent_count, 0);
    assert_int_equal(report(w).frames_dropped, dropped + 1);
    tell_status(w, member_link(3), 3, 1);
    assert_int_equal(count_phase(w, CERTIFICATE, NULL), 1);
    assert_int_equal(w->sent[0].link, member_link(3));
    world_close(w);
}

static void test_clients_and_strangers_are_no_members(void **state) {
    (void)state;
    world_t *w = open_backup();
    clear_nodes();
    nodes[0] = genesis(w);
    grow(w, &nodes[0], &nodes[1], 1, 0);
    message_t message = proposal_of(w, &nodes[0], &nodes[1]);
    tell(w, client_link(0), &message, payload_of(&nodes[1]));
    link_comes(w, 500, 0); /* the leader's channel, but it did not greet */
    tell(w, 500, &message, payload_of(&nodes[1]));
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    /* An index beyond the committee, in a frame that is right otherwise. */
    message.author = 0;
    tell(w, member_link(2), &message, payload_of(&nodes[1])); /* relayed: it is signed */
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    world_close(w);
}

static void test_unknown_signer(void **state) {
    (void)state;
    world_t *w = open_backup();
    uint64_t dropped = report(w).frames_dropped;
    for (member_t stranger = MEMBERS; stranger < 100; stranger += 95)
        for (uint8_t phase = VOTE; phase <= STATUS; phase += 3)
            for (uint32_t k = 0; k < 2; k++) {
                message_t message = {.statement = statement_of(w, phase, 1), .author = 2};
                if (phase == VOTE)
                    message.signature.bytes[0] = 1;
                message.author = stranger;
                writer_t writer = writer_of(w->body, sizeof w->body);
                message_encode(&message, &writer);
                feed(w, member_link(2), FRAME_MESSAGE, writer_bytes(&writer));
            }
    assert_int_equal(report(w).frames_dropped, dropped + 8);
    assert_int_equal(w->sent_count, 0);
    world_close(w);
}

/* attack K8 */
static void test_parameters_differ(void **state) {
    (void)state;
    world_t *w = open_backup();
    hello_t hello = hello_of(w, ROLE_MEMBER, 2);
    hello.parameters.view_timeout_ns++;
    link_comes(w, 500, 2);
    say_hello(w, 500, &hello);
    goodbye_t goodbye = goodbye_on(w, 500);
    assert_int_equal(goodbye.status, SYNOD_BAD_CONFIG);
    assert_non_null(strstr(goodbye.reason, "view_timeout_ns"));
    assert_true(was_closed(w, 500));
    world_close(w);
}

/* attack K2: another chain, another epoch */
static void test_other_chain_and_epoch(void **state) {
    (void)state;
    world_t *w = open_backup();
    hello_t hello = hello_of(w, ROLE_MEMBER, 2);
    hello.domain.bytes[0] ^= 1;
    link_comes(w, 500, 2);
    say_hello(w, 500, &hello);
    assert_int_equal(goodbye_on(w, 500).status, SYNOD_WRONG_CHAIN);
    hello = hello_of(w, ROLE_MEMBER, 2);
    hello.epoch++;
    link_comes(w, 501, 2);
    say_hello(w, 501, &hello);
    assert_int_equal(goodbye_on(w, 501).status, SYNOD_WRONG_EPOCH);
    clear_nodes();
    nodes[0] = genesis(w);
    digest_t domain = w->committee.domain;
    w->committee.domain.bytes[5] ^= 1; /* what follows is signed for another chain */
    grow(w, &nodes[0], &nodes[1], 1, 0);
    message_t message = proposal_of(w, &nodes[0], &nodes[1]);
    message.signature = sign_statement(w, 0, &message.statement);
    w->committee.domain = domain;
    writer_t writer = writer_of(w->body, sizeof w->body);
    message_encode(&message, &writer);
    feed(w, member_link(0), FRAME_MESSAGE, writer_bytes(&writer));
    assert_int_equal(report(w).signatures_bad, 1);
    message.statement.epoch++;
    tell(w, member_link(0), &message, payload_of(&nodes[1]));
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    message.statement.epoch--;
    tell(w, member_link(0), &message, payload_of(&nodes[1]));
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    world_close(w);
}

/* ---- certificates ---- */

/* attack Q5 */
static void test_unverified_certificate(void **state) {
    (void)state;
    world_t *w = open_backup();
    clear_nodes();
    nodes[0] = genesis(w);
    nodes[7].view = 8;
    nodes[7].id.bytes[0] = 8;
    nodes[7].height = 8;
    grow(w, &nodes[7], &nodes[1], 9, 0);
    for (size_t at = 0; at < 3; at++) { /* each of the three signatures in turn */
        certify(w, &nodes[7], &nodes[1]);
        ((signature_t *)(uintptr_t)certificate_signature(qc_of(&nodes[1]), (uint32_t)at))
            ->bytes[40] ^= 1;
        tell_certificate(w, 2, qc_of(&nodes[1]));
        tell_timeout(w, 2, UINT64_C(1) << 32, &nodes[1]);
    }
    assert_int_equal(report(w).view, 1);
    assert_int_equal(report(w).certified, 0);
    assert_int_equal(report(w).final, 0);
    assert_int_equal(report(w).signatures_bad, 6);
    certify(w, &nodes[7], &nodes[1]);
    tell_certificate(w, 2, qc_of(&nodes[1]));
    assert_int_equal(report(w).view, 10);
    assert_int_equal(report(w).final, 8);
    world_close(w);
}

/* attack Q7: a time-out whose other fields are odd must not spoil the certificate of all. */
static void test_odd_timeouts_do_not_count(void **state) {
    (void)state;
    world_t *w = open_backup();
    clear_nodes();
    nodes[0] = genesis(w);
    view_t end = UINT64_C(1) << 32;
    message_t odd = {.statement = statement_of(w, TIMEOUT, end),
                     .author = 0,
                     .certificates = {qc_of(&nodes[0])}};
    odd.statement.claims[0] = (claim_t){0, nodes[0].id};
    odd.statement.height = 7;
    tell(w, member_link(0), &odd, (bytes_t){0});
    tell_timeout(w, 2, end, &nodes[0]);
    assert_int_equal(report(w).view, 1);
    tell_timeout(w, 3, end, &nodes[0]); /* f + 1 pull us along: 1, 2 and 3 are the quorum */
    assert_int_equal(report(w).view, end + 1);
    message_t proposal = {0};
    assert_true(count_phase(w, PROPOSAL, &proposal) > 0);
    assert_non_null(proposal.certificates[1]);
    assert_int_equal(certificate_verify(proposal.certificates[1], &w->committee, NULL), SYNOD_OK);
    world_close(w);
}

/* ---- again and again ---- */

/* attack N3 */
static void test_replays_change_nothing(void **state) {
    (void)state;
    world_t *w = open_backup();
    clear_nodes();
    propose_chain(w, nodes, 3);
    assert_int_equal(count_phase(w, VOTE, NULL), 3);
    assert_int_equal(report(w).executed, 1);
    forget(w);
    uint64_t journal = report(w).journal_bytes;
    for (uint32_t round = 0; round < 5; round++)
        for (uint32_t i = 1; i <= 3; i++) {
            propose(w, &nodes[i - 1], &nodes[i]);
            tell_certificate(w, 2, qc_of(&nodes[i - 1]));
            statement_t vote = vote_for(w, &nodes[i - 1], &nodes[i]);
            tell_vote(w, 2, &vote);
        }
    assert_int_equal(w->sent_count, 0);
    assert_int_equal(report(w).view, 3);
    assert_int_equal(report(w).executed, 1);
    assert_int_equal(report(w).journal_bytes, journal);
    hello_t hello = hello_of(w, ROLE_MEMBER, 0);
    say_hello(w, member_link(0), &hello); /* a second hello asks for nothing again */
    assert_int_equal(w->sent_count, 0);
    world_close(w);
}

/* attack N10 */
static void test_second_channel_replaces_the_first(void **state) {
    (void)state;
    world_t *w = open_backup();
    clear_nodes();
    member_comes(w, 500, 0);
    assert_true(was_closed(w, member_link(0)));
    assert_int_equal(report(w).peers_connected, 3);
    replica_on_link_down(w->replica, w->now, member_link(0)); /* late news of the old one */
    nodes[0] = genesis(w);
    grow(w, &nodes[0], &nodes[1], 1, 0);
    message_t message = proposal_of(w, &nodes[0], &nodes[1]);
    tell(w, member_link(0), &message, payload_of(&nodes[1]));
    assert_int_equal(count_phase(w, VOTE, NULL), 0); /* nothing is heard of the old one */
    tell(w, 500, &message, payload_of(&nodes[1]));
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    assert_int_equal(last_sent(w, FRAME_MESSAGE, 0)->link, 500);
    world_close(w);
}

/* attack H13: one leader, one view, thousands of proposals; and views that are far away. */
static void test_proposals_are_bounded(void **state) {
    (void)state;
    world_t *w = open_backup();
    clear_nodes();
    propose_chain(w, nodes, 1);
    for (uint32_t i = 0; i < 400; i++) {
        view_t view = i % 2 == 0 ? 1 : 1000 + i;
        nodes[2].payload_size = 0;
        add_text(w, &nodes[2], 0, 0, i, 0, "");
        grow(w, &nodes[0], &nodes[2], view, 0);
        propose(w, &nodes[0], &nodes[2]);
    }
    assert_int_equal(w->accusations, 1);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    /* The block that was voted for has kept its place: it is what others may ask for. */
    uint8_t bytes[BLOCK_ASK_BYTES];
    writer_t writer = writer_of(bytes, sizeof bytes);
    block_ask_t question = {.by_id = true, .id = nodes[1].id, .count = 1};
    block_ask_encode(&question, &writer);
    forget(w);
    feed(w, member_link(2), FRAME_BLOCK_ASK, writer_bytes(&writer));
    assert_int_equal(count_sent(w, FRAME_BLOCK), 1);
    question.id = nodes[2].id; /* the last of the others has none */
    writer = writer_of(bytes, sizeof bytes);
    block_ask_encode(&question, &writer);
    feed(w, member_link(2), FRAME_BLOCK_ASK, writer_bytes(&writer));
    assert_int_equal(count_sent(w, FRAME_BLOCK), 1);
    world_close(w);
}

/* attack N7: clients take no member's place. */
static void test_clients_leave_room_for_members(void **state) {
    (void)state;
    world_t *w = world_make(SUITE_SYMBOLIC, 1);
    start(w);
    for (uint32_t i = 0; i < 100; i++)
        client_comes(w, 1000 + i);
    assert_int_equal(report(w).clients_connected, 32 - 2 * MEMBERS);
    for (uint32_t i = 0; i < 20; i++)
        link_comes(w, 2000 + i, 2); /* and one that never greets takes no other's either */
    member_comes(w, member_link(0), 0);
    member_comes(w, member_link(3), 3);
    assert_int_equal(report(w).peers_connected, 2);
    world_close(w);
}

/* ---- garbage ---- */

/* Random bytes, or something that was right once, cut and with a bit changed. */
static size_t garbage_body(world_t *w, prng_t *prng, frame_kind_t kind) {
    uint32_t most = frame_body_max(kind);
    size_t size = prng_below(prng, (most < 300 ? most : 300) + 1);
    uint32_t place = (uint32_t)prng_below(prng, FED_KEPT);
    if (prng_below(prng, 8) == 0 || w->fed_size[kind][place] == 0) {
        for (size_t i = 0; i < size; i++)
            w->body[i] = (uint8_t)prng_next(prng);
        return size;
    }
    size = w->fed_size[kind][place];
    memcpy(w->body, w->fed[kind][place], size);
    for (uint64_t changes = prng_below(prng, 3); changes > 0; changes--)
        w->body[prng_below(prng, size)] ^= (uint8_t)(1u << prng_below(prng, 8));
    return prng_below(prng, 2) == 0 ? size : prng_below(prng, size + 1);
}

static void throw_garbage(world_t *w, uint32_t frames, uint64_t seed) {
    prng_t prng = prng_of(seed);
    forget(w);
    w->deaf = true;
    uint64_t dropped = report(w).frames_dropped;
    for (uint32_t i = 0; i < frames; i++) {
        frame_kind_t kind = (frame_kind_t)(1 + prng_below(&prng, FRAME_KIND_END - 1));
        link_t links[3] = {member_link(2), client_link(1), 999};
        link_t link = links[prng_below(&prng, 16) % 3];
        size_t size = garbage_body(w, &prng, kind);
        feed(w, link, kind, bytes_of(w->body, size));
        for (uint32_t k = 0; k < w->closed_count; k++) { /* a bad hello closes its link */
            if (w->closed[k] == member_link(2))
                member_comes(w, member_link(2), 2);
            if (w->closed[k] == client_link(1))
                client_comes(w, client_link(1));
        }
        w->closed_count = 0;
        if (i % 100 == 0)
            pass(w, SECOND_NS / 1000);
    }
    w->deaf = false;
    assert_true(report(w).frames_dropped - dropped > frames / 8);
    assert_int_equal(w->halted, SYNOD_OK);
}

/* One right frame of each kind that the replica takes, for the garbage to start from. */
static void say_one_of_each(world_t *w) {
    digest_t root = {{1}};
    tell_timeout(w, 2, UINT64_C(1) << 32, &nodes[2]);
    tell_certificate(w, 2, qc_of(&nodes[1]));
    tell_block(w, member_link(2), &nodes[2], qc_of(&nodes[3]), payload_of(&nodes[2]));
    tell_checkpoint(w, 2, 1000, &root);
    ask(w, client_link(1), 1, 0, 5, 0, "");
    ask(w, client_link(1), 1, 1, 5, 0, "operation");
    attach(w, 1, client_link(1));
    uint8_t bytes[64];
    writer_t writer = writer_of(bytes, sizeof bytes);
    block_ask_encode(&(block_ask_t){.from = 1, .count = 9}, &writer);
    feed(w, member_link(2), FRAME_BLOCK_ASK, writer_bytes(&writer));
    writer = writer_of(bytes, sizeof bytes);
    query_encode(&(query_t){.number = 1, .prove = true, .query = bytes_of("q", 1)}, &writer);
    feed(w, client_link(1), FRAME_QUERY, writer_bytes(&writer));
}

static void test_garbage(void **state) {
    (void)state;
    world_t *w = world_make(SUITE_SYMBOLIC, 1);
    w->config.link_faults = UINT32_MAX; /* all of it is looked at */
    start(w);
    link_comes(w, member_link(2), 2);
    throw_garbage(w, 10000, 1); /* nobody else is there */
    replica_on_link_down(w->replica, w->now, member_link(2));
    replica_on_link_down(w->replica, w->now, client_link(1));
    connect_all(w);
    clear_nodes();
    propose_chain(w, nodes, 3);
    say_one_of_each(w);
    throw_garbage(w, 90000, 2);
    for (member_t m = 0; m < MEMBERS; m++)
        if (m != w->self)
            member_comes(w, 600 + m, m);
    forget(w);
    grow(w, &nodes[3], &nodes[4], 4, 0); /* and it still works */
    message_t message = proposal_of(w, &nodes[3], &nodes[4]);
    tell(w, 600, &message, payload_of(&nodes[4]));
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    assert_int_equal(report(w).executed, 2);
    w->disk_fails = true; /* halted: nothing is listened to any more */
    tell_timeout(w, 2, UINT64_C(1) << 32, &nodes[4]);
    grow(w, &nodes[4], &nodes[5], 5, 0);
    message = proposal_of(w, &nodes[4], &nodes[5]);
    tell(w, 600, &message, payload_of(&nodes[5]));
    assert_int_equal(replica_phase(w->replica), REPLICA_HALTED);
    for (uint32_t kind = 0; kind < FRAME_KIND_END; kind++)
        feed(w, member_link(2), (frame_kind_t)kind, bytes_of(w->body, 40));
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_of_another),
        cmocka_unit_test(test_author_is_not_the_channel),
        cmocka_unit_test(test_clients_and_strangers_are_no_members),
        cmocka_unit_test(test_unknown_signer),
        cmocka_unit_test(test_parameters_differ),
        cmocka_unit_test(test_other_chain_and_epoch),
        cmocka_unit_test(test_unverified_certificate),
        cmocka_unit_test(test_odd_timeouts_do_not_count),
        cmocka_unit_test(test_replays_change_nothing),
        cmocka_unit_test(test_second_channel_replaces_the_first),
        cmocka_unit_test(test_proposals_are_bounded),
        cmocka_unit_test(test_clients_leave_room_for_members),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
