/* What one replica makes of lanes that go wrong (docs/protocols/payload.md): frames that are none,
 * acknowledgements that do not count, certificates kept from the leader, bytes that are missing,
 * lanes that fork, and what the journal says of them. */
#include "tests/unit/replica_chain.h"

#include "codec/batch_codec.h"
#include "replica/lanes.h"

enum { LEADER = 0, SELF = 1, AUTHOR = 2, OTHER = 3 };

static world_t *open_certified(void) {
    world_t *w = world_make(SUITE_SYMBOLIC, SELF);
    w->config.chain.payload = PAYLOAD_CERTIFIED;
    w->config.chain.core.view_timeout_ns = 60 * SECOND_NS; /* leaders are not what this is about */
    w->config.link_faults = 1000;                          /* nor are links that are closed */
    start(w);
    connect_all(w);
    forget(w);
    return w;
}

static void restart(world_t *w) {
    stop(w);
    start(w);
    connect_all(w);
}

/* ---- lanes of others ---- */

/* One batch of one request. */
typedef struct made {
    member_t author;
    uint64_t sequence;
    digest_t parent, name;
    batch_entry_t entry;
    uint8_t requests[13 << 10];
} made_t;

static uint8_t room[14 << 10]; /* of the frame that is told next */

static bytes_t requests_of(const made_t *made) {
    return bytes_of(made->requests, made->entry.size_bytes);
}

/* The one after `before`, or the first one of its author. */
static made_t make_of(const world_t *w, member_t author, const made_t *before, uint64_t session,
                      uint64_t number, size_t size) {
    static node_t node;
    static const uint8_t operation[12 << 10];
    made_t made = {.author = author, .sequence = 1};
    node.payload_size = 0;
    add_request(w, &node, 0, session, number, 0, bytes_of(operation, size));
    memcpy(made.requests, node.payload, node.payload_size);
    if (before != NULL) {
        made.sequence = before->sequence + 1;
        made.parent = before->name;
    }
    made.entry = (batch_entry_t){.size_bytes = (uint32_t)node.payload_size, .requests = 1};
    made.entry.content = batch_content(requests_of(&made));
    made.name = batch_name(author, made.sequence, &made.parent, &made.entry);
    return made;
}

/* Of a small request; for session 0 client 0 opens one, with `number` as nonce. */
static made_t make(const world_t *w, member_t author, const made_t *before, uint64_t session,
                   uint64_t number) {
    return make_of(w, author, before, session, number, 9);
}

static size_t encode_batch(const made_t *made) {
    batch_t batch = {.author = made->author,
                     .sequence = made->sequence,
                     .parent = made->parent,
                     .requests = requests_of(made)};
    writer_t writer = writer_of(room, sizeof room);
    batch_encode(&batch, &writer);
    assert_false(writer.failed);
    return writer.at;
}

static void tell_batch(world_t *w, member_t from, const made_t *made) {
    feed(w, member_link(from), FRAME_BATCH, bytes_of(room, encode_batch(made)));
}

static void ask_batch(world_t *w, member_t from, member_t author, uint64_t sequence) {
    writer_t writer = writer_of(room, sizeof room);
    batch_ask_encode(&(batch_ask_t){.author = author, .sequence = sequence}, &writer);
    feed(w, member_link(from), FRAME_BATCH_ASK, writer_bytes(&writer));
}

/* Batches of one lane that follow each other, certified by all but the replica under test. */
static void write_reference(const world_t *w, writer_t *writer, const made_t *list,
                            uint32_t count) {
    static const member_t signers[] = {0, 2, 3};
    uint8_t bitmap = 0xd, signatures[3 * SYNOD_SIGNATURE_BYTES];
    const made_t *last = &list[count - 1];
    batch_reference_t reference = {.author = list->author, .first = list->sequence, .count = count};
    statement_t statement =
        batch_statement(w->committee.epoch, last->author, last->sequence, &last->name);
    for (uint32_t i = 0; i < count; i++)
        reference.entries[i] = list[i].entry;
    for (uint32_t i = 0; i < 3; i++) {
        signature_t signature = sign_statement(w, signers[i], &statement);
        memcpy(signatures + (size_t)i * SYNOD_SIGNATURE_BYTES, signature.bytes,
               SYNOD_SIGNATURE_BYTES);
    }
    reference.signers = bytes_of(&bitmap, 1);
    reference.signatures = bytes_of(signatures, sizeof signatures);
    batch_reference_encode(&reference, writer);
}

static void tell_proof(world_t *w, member_t from, const made_t *list, uint32_t count) {
    writer_t writer = writer_of(room, sizeof room);
    write_bytes(&writer, list->parent.bytes, sizeof list->parent.bytes);
    write_reference(w, &writer, list, count);
    assert_false(writer.failed);
    feed(w, member_link(from), FRAME_BATCH_PROOF, writer_bytes(&writer));
}

/* ---- blocks ---- */

static node_t nodes[4];

/* Nodes 1 to 3 of the first leader; the first names these batches of one lane. */
static void make_chain(const world_t *w, const made_t *list, uint32_t count) {
    memset(nodes, 0, sizeof nodes);
    nodes[0] = genesis(w);
    grow(w, &nodes[0], &nodes[1], 1, LEADER);
    writer_t writer = writer_of(nodes[1].payload, sizeof nodes[1].payload);
    write_reference(w, &writer, list, count);
    assert_false(writer.failed);
    block_t *block = block_of(&nodes[1]);
    nodes[1].payload_size = writer.at;
    block->payload = batch_payload_digest(payload_of(&nodes[1]));
    block->payload_size_bytes = (uint32_t)writer.at;
    block->payload_count = 1;
    nodes[1].id = block_id(block);
    certify(w, &nodes[0], &nodes[1]);
    grow(w, &nodes[1], &nodes[2], 2, LEADER);
    grow(w, &nodes[2], &nodes[3], 3, LEADER);
}

static void order(world_t *w, const made_t *list, uint32_t count) {
    make_chain(w, list, count);
    for (uint32_t i = 1; i <= 3; i++)
        propose(w, &nodes[i - 1], &nodes[i]);
}

/* ---- frames ---- */

static void refused(world_t *w, frame_kind_t kind, bytes_t body) {
    uint64_t dropped = report(w).frames_dropped;
    forget(w);
    feed(w, member_link(AUTHOR), kind, body);
    if (report(w).frames_dropped != dropped + 1)
        fail_msg("kind %d of %zu bytes was not dropped", (int)kind, body.size);
    assert_int_equal(w->sent_count, 0);
}

/* attack N1: cut, too long, of an author that is none, of number 0. Author and number stand first
 * in each but a certificate, in which the author stands behind a name. */
static void test_frames_that_are_none(void **state) {
    (void)state;
    static const frame_kind_t kinds[] = {FRAME_BATCH, FRAME_BATCH_ACK, FRAME_BATCH_ASK,
                                         FRAME_BATCH_PROOF};
    world_t *w = open_certified();
    made_t made = make(w, AUTHOR, NULL, 0, 1);
    for (uint32_t k = 0; k < 4; k++) {
        writer_t writer = writer_of(room, sizeof room);
        size_t author = kinds[k] == FRAME_BATCH_PROOF ? SYNOD_DIGEST_BYTES : 0;
        batch_ack_t ack = {.author = SELF, .sequence = 1};
        if (kinds[k] == FRAME_BATCH)
            writer.at = encode_batch(&made);
        else if (kinds[k] == FRAME_BATCH_ACK)
            batch_ack_encode(&ack, &writer);
        else if (kinds[k] == FRAME_BATCH_ASK)
            batch_ask_encode(&(batch_ask_t){.author = AUTHOR, .sequence = 1}, &writer);
        else
            write_bytes(&writer, made.parent.bytes, sizeof made.parent.bytes);
        if (kinds[k] == FRAME_BATCH_PROOF)
            write_reference(w, &writer, &made, 1);
        size_t least = kinds[k] == FRAME_BATCH ? BATCH_HEADER_BYTES + 1 : writer.at;
        refused(w, kinds[k], bytes_of(room, 0));
        refused(w, kinds[k], bytes_of(room, least - 1));
        room[writer.at] = 0;
        refused(w, kinds[k], bytes_of(room, writer.at + 1));
        for (uint32_t i = 0; i < 2; i++) {
            uint8_t right = room[author + 4 * i];
            room[author + 4 * i] = i == 0 ? MEMBERS : 0;
            refused(w, kinds[k], bytes_of(room, writer.at));
            room[author + 4 * i] = right;
        }
    }
    world_close(w);
}

/* ---- acknowledgements ---- */

/* Signed by `signer` for what is named `signed_name`. */
static void tell_ack(world_t *w, member_t from, const batch_ack_t *said,
                     const digest_t *signed_name, member_t signer) {
    batch_ack_t ack = *said;
    statement_t statement =
        batch_statement(w->committee.epoch, ack.author, ack.sequence, signed_name);
    ack.signature = sign_statement(w, signer, &statement);
    writer_t writer = writer_of(room, sizeof room);
    batch_ack_encode(&ack, &writer);
    feed(w, member_link(from), FRAME_BATCH_ACK, writer_bytes(&writer));
}

/* PAY 3: of the own lane, of the batch that was sent, signed by who says it, once. */
static void test_acknowledgements_that_do_not_count(void **state) {
    (void)state;
    world_t *w = open_certified();
    ask(w, client_link(0), 0, 0, 7, 0, "");
    assert_int_equal(count_sent(w, FRAME_BATCH), MEMBERS - 1);
    const sent_t *sent = last_sent(w, FRAME_BATCH, 0);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    batch_t batch;
    assert_int_equal(batch_decode(&reader, &batch), SYNOD_OK);
    batch_entry_t entry = {.size_bytes = (uint32_t)batch.requests.size,
                           .requests = 1,
                           .content = batch_content(batch.requests)};
    batch_ack_t right = {
        .author = SELF, .sequence = 1, .name = batch_name(SELF, 1, &batch.parent, &entry)};
    batch_ack_t foreign = right, other = right, next = right;
    foreign.author = OTHER;
    other.name.bytes[0] ^= 1;
    next.sequence = 2;
    uint64_t dropped = report(w).frames_dropped;
    tell_ack(w, AUTHOR, &foreign, &right.name, AUTHOR);
    tell_ack(w, AUTHOR, &other, &right.name, AUTHOR);
    tell_ack(w, AUTHOR, &other, &other.name, AUTHOR);
    tell_ack(w, AUTHOR, &right, &right.name, OTHER);
    assert_int_equal(report(w).frames_dropped, dropped + 4);
    tell_ack(w, LEADER, &right, &right.name, LEADER);
    tell_ack(w, LEADER, &right, &right.name, LEADER);
    tell_ack(w, LEADER, &next, &right.name, LEADER);
    assert_int_equal(count_sent(w, FRAME_BATCH_PROOF), 0);
    tell_ack(w, AUTHOR, &right, &right.name, AUTHOR); /* with the own one these are three */
    assert_int_equal(count_sent(w, FRAME_BATCH_PROOF), MEMBERS - 1);
    tell_ack(w, OTHER, &right, &right.name, LEADER); /* enough: not looked at */
    assert_int_equal(report(w).frames_dropped, dropped + 4);
    assert_int_equal(count_sent(w, FRAME_BATCH_PROOF), MEMBERS - 1);
    world_close(w);
}

/* PAY 3: an author that tells all but the leader cannot make them think that the leader leaves it
 * out. */
static void test_the_leader_is_told(void **state) {
    (void)state;
    world_t *w = open_certified();
    made_t made = make(w, AUTHOR, NULL, 0, 1);
    pass(w, SECOND_NS); /* nothing is left of the start */
    tell_proof(w, AUTHOR, &made, 1);
    forget(w);
    for (uint32_t i = 0; i < 3; i++)
        pass(w, SECOND_NS / 2);
    assert_int_equal(count_sent(w, FRAME_BATCH_PROOF), 0);
    for (uint32_t i = 0; i < 6; i++)
        pass(w, SECOND_NS / 2);
    assert_int_equal(count_sent(w, FRAME_BATCH_PROOF), 1);
    const sent_t *sent = last_sent(w, FRAME_BATCH_PROOF, member_link(LEADER));
    assert_non_null(sent);
    batch_reference_t reference;
    reader_t reader =
        reader_of(bytes_of(sent->body + SYNOD_DIGEST_BYTES, sent->size - SYNOD_DIGEST_BYTES));
    assert_int_equal(batch_reference_decode(&reader, MEMBERS, &reference), SYNOD_OK);
    assert_int_equal(reference.author, AUTHOR);
    world_close(w);
}

/* ---- sessions ---- */

/* PAY 2: a request of a session that is not known here yet waits until a block opens it. */
static void test_unknown_session_waits(void **state) {
    (void)state;
    world_t *w = open_certified();
    made_t opens = make(w, OTHER, NULL, 0, 1), uses = make(w, AUTHOR, NULL, 1, 1);
    tell_batch(w, AUTHOR, &uses);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 0);
    tell_batch(w, OTHER, &opens);
    assert_non_null(last_sent(w, FRAME_BATCH_ACK, member_link(OTHER)));
    order(w, &opens, 1);
    assert_int_equal(report(w).executed, 1);
    assert_non_null(last_sent(w, FRAME_BATCH_ACK, member_link(AUTHOR)));
    assert_int_equal(report(w).signatures_bad, 0);
    world_close(w);
}

/* ---- bytes that are missing ---- */

/* PAY 6: asked for after a while; what is wrong, or here already, changes nothing, whoever sends
 * it. Whoever asks for what was executed lately gets it. */
static void test_missing_bytes(void **state) {
    (void)state;
    world_t *w = open_certified();
    made_t list[2], lie;
    list[0] = make(w, AUTHOR, NULL, 0, 1);
    list[1] = make(w, AUTHOR, &list[0], 0, 2);
    lie = make(w, AUTHOR, NULL, 0, 3);
    order(w, list, 2);
    assert_int_equal(report(w).executed, 0);
    assert_int_equal(count_sent(w, FRAME_BATCH_ASK), 0); /* its author has them under way */
    pass(w, SECOND_NS / 3);
    assert_int_equal(count_sent(w, FRAME_BATCH_ASK), 2);
    tell_batch(w, OTHER, &lie);
    lie = list[0];
    lie.sequence = 2;
    tell_batch(w, OTHER, &lie);
    lie.author = OTHER;
    tell_batch(w, OTHER, &lie);
    tell_batch(w, OTHER, &list[1]);
    tell_batch(w, LEADER, &list[1]);
    assert_int_equal(report(w).executed, 0);
    tell_batch(w, OTHER, &list[0]);
    assert_int_equal(report(w).executed, 1);
    forget(w);
    ask_batch(w, OTHER, AUTHOR, 2);
    ask_batch(w, OTHER, AUTHOR, 3);
    ask_batch(w, OTHER, LEADER, 2);
    assert_int_equal(count_sent(w, FRAME_BATCH), 1);
    const sent_t *sent = last_sent(w, FRAME_BATCH, member_link(OTHER));
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    batch_t batch;
    assert_int_equal(batch_decode(&reader, &batch), SYNOD_OK);
    assert_true(bytes_equal(batch.requests, requests_of(&list[1])));
    world_close(w);
}

/* PAY 6: nobody who acknowledged it answers: block sync is asked, and a block that comes with its
 * bytes is enough; with others it is not. */
static void test_missing_bytes_by_block_sync(void **state) {
    (void)state;
    world_t *w = open_certified();
    made_t made = make(w, AUTHOR, NULL, 0, 1);
    uint8_t sent[1024];
    order(w, &made, 1);
    block_ask_t question;
    link_t link = LINK_NONE;
    forget(w);
    for (uint32_t i = 0; i < 40 && !asked_for(w, &question, &link); i++)
        pass(w, SECOND_NS / 4);
    assert_true(asked_for(w, &question, &link));
    assert_int_equal(question.from, 1);
    size_t size = nodes[1].payload_size;
    memcpy(sent, nodes[1].payload, size);
    memcpy(sent + size, made.requests, made.entry.size_bytes);
    sent[size] ^= 1;
    tell_block(w, link, &nodes[1], NULL, bytes_of(sent, size + made.entry.size_bytes));
    tell_block(w, link, &nodes[1], NULL, bytes_of(sent, size));
    assert_int_equal(report(w).executed, 0);
    sent[size] ^= 1;
    for (uint32_t i = 0; i < 8 && report(w).executed == 0; i++) {
        if (asked_for(w, &question, &link))
            tell_block(w, link, &nodes[1], qc_of(&nodes[2]),
                       bytes_of(sent, size + made.entry.size_bytes));
        forget(w);
        pass(w, SECOND_NS);
    }
    assert_int_equal(report(w).executed, 1);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* ---- lanes that fork ---- */

/* PAY 2: another batch was ordered than the one that is held here: what stands on that one goes,
 * and nothing more of this lane is taken until a restart. */
static void test_another_lane_was_ordered(void **state) {
    (void)state;
    world_t *w = open_certified();
    made_t ordered = make(w, AUTHOR, NULL, 0, 1), shown[2], next;
    shown[0] = make(w, AUTHOR, NULL, 0, 2);
    shown[1] = make(w, AUTHOR, &shown[0], 0, 3);
    next = make(w, AUTHOR, &ordered, 0, 4);
    tell_batch(w, AUTHOR, &shown[0]);
    tell_batch(w, AUTHOR, &shown[1]);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), 2);
    order(w, &ordered, 1);
    pass(w, SECOND_NS / 3);
    tell_batch(w, OTHER, &ordered);
    assert_int_equal(report(w).executed, 1);
    forget(w);
    ask_batch(w, OTHER, AUTHOR, 2);
    tell_batch(w, AUTHOR, &next);
    tell_batch(w, AUTHOR, &shown[1]);
    ask_batch(w, AUTHOR, AUTHOR, 2);
    assert_int_equal(w->sent_count, 0);
    world_close(w);
}

/* ---- the journal ---- */

/* PAY 1: a number of the own lane that stands in a block was used, though this disk knows of no
 * batch: it is not used again before that block is ordered, or gone. */
static void test_own_number_in_a_block(void **state) {
    (void)state;
    world_t *w = open_certified();
    made_t made = make(w, SELF, NULL, 0, 1);
    make_chain(w, &made, 1);
    propose(w, &nodes[0], &nodes[1]);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    restart(w);
    ask(w, client_link(0), 0, 0, 7, 0, "");
    pass(w, SECOND_NS);
    assert_int_equal(count_sent(w, FRAME_BATCH), 0);
    for (uint32_t i = 1; i <= 3; i++)
        propose(w, &nodes[i - 1], &nodes[i]);
    tell_batch(w, OTHER, &made);
    assert_int_equal(report(w).executed, 1);
    const sent_t *sent = last_sent(w, FRAME_BATCH, 0);
    assert_non_null(sent);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    batch_t batch;
    assert_int_equal(batch_decode(&reader, &batch), SYNOD_OK);
    assert_int_equal(batch.sequence, 2);
    assert_true(digest_equal(&batch.parent, &made.name));
    world_close(w);
}

static void recover(world_t *w, const made_t *made) {
    lanes_recover(w->replica, bytes_of(room, encode_batch(made)), 1);
}

/* What was executed before a journal was released is not in it: a lane begins where it begins
 * there, and more than fit may stand in it, of which the first ones were executed. */
static void test_what_a_released_journal_holds(void **state) {
    (void)state;
    world_t *w = open_certified();
    made_t first = make(w, AUTHOR, NULL, 0, 1), list[LANE_WINDOW + 2], other = first;
    other.sequence = 7;
    list[0] = make(w, AUTHOR, &other, 0, 2);
    recover(w, &first);
    for (uint32_t i = 0; i < LANE_WINDOW + 2; i++) {
        if (i > 0)
            list[i] = make(w, AUTHOR, &list[i - 1], 0, 2 + i);
        recover(w, &list[i]);
    }
    recover(w, &list[LANE_WINDOW]); /* written again */
    assert_int_equal(w->halted, SYNOD_OK);
    pass(w, SECOND_NS / 100);
    forget(w);
    for (uint64_t s = 1; s <= 8 + LANE_WINDOW + 1; s++)
        ask_batch(w, OTHER, AUTHOR, s);
    assert_int_equal(count_sent(w, FRAME_BATCH), LANE_WINDOW);
    for (uint32_t i = 0; i < LANE_WINDOW; i++) {
        reader_t reader = reader_of(bytes_of(w->sent[i].body, w->sent[i].size));
        batch_t batch;
        assert_int_equal(batch_decode(&reader, &batch), SYNOD_OK);
        assert_int_equal(batch.sequence, list[i + 2].sequence);
        assert_true(bytes_equal(batch.requests, requests_of(&list[i + 2])));
    }
    world_close(w);
}

/* The same, where the ring of bytes is what is full: five of 12 KiB fit into 64 KiB. */
static void test_room_of_what_was_executed(void **state) {
    (void)state;
    world_t *w = open_certified();
    static made_t list[12];
    for (uint32_t i = 0; i < 12; i++) {
        list[i] = make_of(w, AUTHOR, i == 0 ? NULL : &list[i - 1], 1, 1 + i, 12 << 10);
        recover(w, &list[i]);
    }
    assert_int_equal(w->halted, SYNOD_OK);
    pass(w, SECOND_NS / 100);
    forget(w);
    for (uint64_t s = 1; s <= 12; s++) {
        ask_batch(w, OTHER, AUTHOR, s);
        assert_int_equal(count_sent(w, FRAME_BATCH), s <= 7 ? 0 : s - 7);
    }
    for (uint32_t i = 0; i < 5; i++) {
        const sent_t *sent = &w->sent[i];
        assert_memory_equal(sent->body + BATCH_HEADER_BYTES, list[7 + i].requests,
                            list[7 + i].entry.size_bytes);
    }
    world_close(w);
}

/* A record of another version halts the replica, which keeps the file. */
static void test_a_batch_that_cannot_be_read(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        world_t *w = open_certified();
        made_t made = make(w, i == 0 ? MEMBERS : AUTHOR, NULL, 0, 1);
        size_t size = encode_batch(&made);
        lanes_recover(w->replica, bytes_of(room, size - i), 1);
        assert_int_equal(w->halted, SYNOD_CORRUPT);
        assert_non_null(strstr(w->halt_reason, "batch"));
        world_close(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_that_are_none),
        cmocka_unit_test(test_acknowledgements_that_do_not_count),
        cmocka_unit_test(test_the_leader_is_told),
        cmocka_unit_test(test_unknown_session_waits),
        cmocka_unit_test(test_missing_bytes),
        cmocka_unit_test(test_missing_bytes_by_block_sync),
        cmocka_unit_test(test_another_lane_was_ordered),
        cmocka_unit_test(test_own_number_in_a_block),
        cmocka_unit_test(test_what_a_released_journal_holds),
        cmocka_unit_test(test_room_of_what_was_executed),
        cmocka_unit_test(test_a_batch_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
