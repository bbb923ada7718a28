/* What one replica does with batches of others (docs/protocols/payload.md): acknowledged once and
 * when durable, verified before, in their order, within bounds; certificates of few refused. */
#include "tests/unit/replica_lanes.h"

enum { SELF = 1, AUTHOR = 2, OTHER = 3 };

static batch_ack_t last_ack(world_t *w) {
    const sent_t *sent = last_sent(w, FRAME_BATCH_ACK, member_link(AUTHOR));
    assert_non_null(sent);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    batch_ack_t ack;
    assert_int_equal(batch_ack_decode(&reader, &ack), SYNOD_OK);
    return ack;
}

/* PAY 2, attack D9: not before it is durable; the same again is acknowledged again, another batch
 * in its place never, also after a restart. */
static void test_one_acknowledgement_a_place(void **state) {
    (void)state;
    world_t *w = open_certified(SELF);
    digest_t none = {{0}}, first, second, name;
    w->disk_holds = true;
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &first);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    w->disk_holds = false;
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 1);
    batch_ack_t ack = last_ack(w);
    assert_true(digest_equal(&ack.name, &first));
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &name);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 2);
    send_batch(w, AUTHOR, AUTHOR, 1, 2, &none, false, &second);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 2);
    assert_false(digest_equal(&first, &second));
    stop(w);
    start(w);
    connect_all(w);
    forget(w);
    send_batch(w, AUTHOR, AUTHOR, 1, 2, &none, false, &second);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &name);
    settle(w);
    ack = last_ack(w);
    assert_true(digest_equal(&ack.name, &first));
    world_close(w);
}

/* PAY 2, attack K1: one request that its client did not sign, and the batch is none; the right one
 * may follow in its place. */
static void test_unsigned_request_in_a_batch(void **state) {
    (void)state;
    world_t *w = open_certified(SELF);
    digest_t none = {{0}}, name;
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, true, &name);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    assert_int_equal(report(w).signatures_bad, 1);
    stop(w); /* nor was it written */
    start(w);
    connect_all(w);
    forget(w);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &name);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 1);
    world_close(w);
}

/* PAY 2: in order, on the one before; what is missing is asked for; only from the author. */
static void test_order_of_a_lane(void **state) {
    (void)state;
    world_t *w = open_certified(SELF);
    digest_t none = {{0}}, first, second, name;
    send_batch(w, AUTHOR, AUTHOR, 2, 2, &none, false, &name);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    assert_int_equal(count_sent(w, FRAME_BATCH_ASK), 1);
    send_batch(w, OTHER, AUTHOR, 1, 1, &none, false, &first);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &first);
    send_batch(w, AUTHOR, AUTHOR, 2, 2, &none, false, &name); /* on nothing */
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 1);
    send_batch(w, AUTHOR, AUTHOR, 2, 2, &first, false, &second);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 2);
    batch_ack_t ack = last_ack(w);
    assert_true(digest_equal(&ack.name, &second));
    world_close(w);
}

/* PAY 2: a flood of batches of an author that does not let them be ordered fills its window. */
static void test_window_of_a_lane(void **state) {
    (void)state;
    world_t *w = open_certified(SELF);
    digest_t parent = {{0}}, name;
    for (uint64_t s = 1; s <= 3 * LANE_WINDOW; s++) {
        send_batch(w, AUTHOR, AUTHOR, s, s, &parent, false, &name);
        parent = name;
    }
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), LANE_WINDOW);
    assert_true(report(w).frames_dropped > 0);
    world_close(w);
}

/* attack N7: an author that asks again and again whether its batch was acknowledged, or sends it
 * again, gets so many signatures as its share of the loop pays for. */
static void test_acknowledging_again_is_paid_for(void **state) {
    (void)state;
    world_t *w = open_certified(SELF);
    digest_t none = {{0}}, name;
    uint8_t body[BATCH_ASK_BYTES];
    writer_t writer = writer_of(body, sizeof body);
    batch_ask_encode(&(batch_ask_t){.author = AUTHOR, .sequence = 1}, &writer);
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &name);
    settle(w);
    uint32_t said = 0;
    for (uint32_t i = 0; i < 12000; i++) {
        forget(w);
        if (i % 4 == 0)
            send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &name);
        else
            feed(w, member_link(AUTHOR), FRAME_BATCH_ASK, writer_bytes(&writer));
        said += count_sent(w, FRAME_BATCH_ACK);
    }
    assert_in_range(said, 1000, 6000);
    pass(w, SECOND_NS);
    forget(w);
    feed(w, member_link(AUTHOR), FRAME_BATCH_ASK, writer_bytes(&writer));
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 1);
    world_close(w);
}

/* PAY 3: what fewer than a quorum acknowledged, or somebody else signed, is certified to nobody. */
static void test_certificate_of_few(void **state) {
    (void)state;
    world_t *w = open_certified(SELF);
    batch_entry_t entry = {.size_bytes = 100, .requests = 1, .content = {{7}}};
    digest_t none = {{0}};
    digest_t name = batch_name(AUTHOR, 1, &none, &entry);
    statement_t statement = batch_statement(w->committee.epoch, AUTHOR, 1, &name);
    uint8_t signatures[3 * SYNOD_SIGNATURE_BYTES], body[1024];
    for (uint32_t i = 0; i < 3; i++) {
        signature_t signature = sign_statement(w, i == 0 ? 0 : i + 1, &statement);
        memcpy(signatures + (size_t)i * SYNOD_SIGNATURE_BYTES, signature.bytes,
               SYNOD_SIGNATURE_BYTES);
    }
    for (uint32_t round = 0; round < 3; round++) {
        static const uint8_t bitmaps[] = {0x5, 0xe, 0xd}; /* two; another's signature; good */
        batch_reference_t reference = {
            .author = AUTHOR,
            .first = 1,
            .count = 1,
            .entries = {entry},
            .signers = bytes_of(&bitmaps[round], 1),
            .signatures = bytes_of(signatures, (round == 0 ? 2u : 3u) * SYNOD_SIGNATURE_BYTES)};
        writer_t writer = writer_of(body, sizeof body);
        write_bytes(&writer, none.bytes, sizeof none.bytes);
        batch_reference_encode(&reference, &writer);
        uint64_t dropped = report(w).frames_dropped;
        feed(w, member_link(AUTHOR), FRAME_BATCH_PROOF, writer_bytes(&writer));
        assert_int_equal(report(w).frames_dropped - dropped, round < 2 ? 1 : 0);
    }
    world_close(w);
}

/* ---- blocks that name batches ---- */

/* The first block names these two; is it voted for? */
static bool is_voted_for(member_t author, uint64_t first, uint32_t signers, member_t second,
                         uint64_t second_first) {
    static node_t before, node;
    world_t *w = open_certified(SELF);
    before = genesis(w);
    memset(&node, 0, sizeof node);
    writer_t writer = writer_of(node.payload, sizeof node.payload);
    write_reference(w, &writer, author, first, signers);
    write_reference(w, &writer, second, second_first, 3);
    assert_false(writer.failed);
    grow_references(w, &before, &node, writer.at, 2);
    forget(w);
    propose(w, &before, &node);
    bool voted = count_phase(w, VOTE, NULL) == 1;
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
    return voted;
}

/* PAY 5: authors ascend, so that none is named twice; each goes on from the branch; certified. */
static void test_what_a_block_may_name(void **state) {
    (void)state;
    assert_true(is_voted_for(AUTHOR, 1, 3, OTHER, 1));
    assert_false(is_voted_for(AUTHOR, 1, 3, AUTHOR, 1));
    assert_false(is_voted_for(OTHER, 1, 3, AUTHOR, 1));
    assert_false(is_voted_for(AUTHOR, 2, 3, OTHER, 1));
    assert_false(is_voted_for(AUTHOR, 1, 2, OTHER, 1));
}

/* attack N1: a peer that serves blocks chooses what is kept until its run is proved, and sends the
 * bytes of the batches with it. What names more batches, or larger ones, than a block may is not
 * kept. */
static void serve_block(uint32_t references, uint32_t entries, uint32_t size, bool kept) {
    static node_t before, node, next;
    static uint8_t sent[64 << 10];
    world_t *w = open_certified(SELF);
    batch_reference_t reference = {.count = entries, .signers = bytes_of("", 1)};
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    before = genesis(w);
    memset(&node, 0, sizeof node);
    memset(&next, 0, sizeof next);
    for (uint32_t i = 0; i < entries; i++)
        reference.entries[i] = (batch_entry_t){
            .size_bytes = size, .requests = 1, .content = batch_content(bytes_of(bytes, size))};
    writer_t writer = writer_of(node.payload, sizeof node.payload);
    for (uint32_t i = 0; i < references; i++) {
        reference.first = 1 + (uint64_t)i * entries;
        batch_reference_encode(&reference, &writer);
    }
    assert_false(writer.failed);
    grow_references(w, &before, &node, writer.at, references);
    grow(w, &node, &next, 2, 0);
    tell_certificate(w, AUTHOR, qc_of(&next));
    block_ask_t question;
    link_t link = LINK_NONE;
    assert_true(asked_for(w, &question, &link));
    memcpy(sent, node.payload, node.payload_size);
    size_t all = node.payload_size;
    for (uint32_t i = 0; i < references * entries && all + size <= sizeof sent; i++, all += size)
        memcpy(sent + all, bytes, size);
    uint64_t dropped = report(w).frames_dropped;
    tell_block(w, link, &node, NULL, bytes_of(sent, all));
    assert_int_equal(report(w).frames_dropped - dropped, kept ? 0 : 1);
    settle(w);
    assert_int_equal(w->halted, SYNOD_OK);
    free(bytes);
    world_close(w);
}

static void test_what_a_run_may_bring(void **state) {
    (void)state;
    serve_block(16, LANE_WINDOW, 1, true);
    serve_block(17, LANE_WINDOW, 1, false);
    serve_block(1, 4, 4096, true);
    serve_block(1, 15, 4500, false); /* 64 KiB are what a block of this chain may hold */
}

/* What no block of an inline chain names is nothing to it. */
static void test_inline_chain_knows_no_batches(void **state) {
    (void)state;
    world_t *w = world_open(SUITE_SYMBOLIC, SELF);
    digest_t none = {{0}}, name;
    uint64_t dropped = report(w).frames_dropped;
    send_batch(w, AUTHOR, AUTHOR, 1, 1, &none, false, &name);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    assert_int_equal(report(w).frames_dropped - dropped, 1);
    world_close(w);
}

/* PAY 8: whoever reads a root with its parts can put them together again. */
static void test_the_root_of_the_order(void **state) {
    (void)state;
    static node_t nodes[4];
    world_t *w = open_certified(SELF);
    state_root_t root;
    memset(nodes, 0, sizeof nodes);
    propose_chain(w, nodes, 3);
    pass(w, SECOND_NS / 4);
    assert_true(replica_root(w->replica, &root));
    assert_true(root.height >= 1);
    digest_t whole = whole_of(&root);
    assert_memory_equal(whole.bytes, root.root.bytes, sizeof whole.bytes);
    assert_memory_not_equal(root.order.bytes, nodes[root.height].id.bytes, sizeof whole.bytes);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_acknowledgement_a_place),
        cmocka_unit_test(test_unsigned_request_in_a_batch),
        cmocka_unit_test(test_order_of_a_lane),
        cmocka_unit_test(test_window_of_a_lane),
        cmocka_unit_test(test_acknowledging_again_is_paid_for),
        cmocka_unit_test(test_certificate_of_few),
        cmocka_unit_test(test_what_a_block_may_name),
        cmocka_unit_test(test_the_root_of_the_order),
        cmocka_unit_test(test_what_a_run_may_bring),
        cmocka_unit_test(test_inline_chain_knows_no_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
