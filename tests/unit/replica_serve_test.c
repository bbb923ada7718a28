/* Serving blocks and snapshots to peers that go while something is read for them, that ask for what
 * is not there, and from a disk that does not give it. The replica under test is member 3. */
#include "codec/snapshot_codec.h"
#include "replica/ledger_state.h"
#include "replica/state.h"
#include "tests/unit/replica_late.h"

/* Blocks 1 to LONG, the first of which have left the memory. */
#define LONG 198

static world_t *open_long(void) {
    static node_t chain[LONG + 2];
    world_t *w = open_late();
    memset(chain, 0, sizeof chain);
    chain[0] = genesis(w);
    for (uint32_t i = 1; i < LONG + 2; i++)
        grow(w, &chain[i - 1], &chain[i], i, 0);
    tell_certificate(w, 1, qc_of(&chain[LONG + 1]));
    link_t link = member_link(0);
    for (uint32_t i = 1; i <= LONG; i++) {
        bool last = i % 66 == 0;
        tell_block(w, link, &chain[i], last ? qc_of(&chain[i + 1]) : NULL, (bytes_t){0});
        if (last && i < LONG)
            link = next_asked(w, link);
    }
    assert_int_equal(report(w).executed, LONG);
    forget(w);
    return w;
}

static void goes(world_t *w, member_t member) {
    replica_on_link_down(w->replica, w->now, member_link(member));
    replica_flush(w->replica, w->now);
}

/* What is read for a member that has gone is not read on, and the next one has its turn. */
static void test_gone_while_blocks_are_read(void **state) {
    (void)state;
    world_t *w = open_long();
    w->reads_hold = true;
    ask_blocks(w, 2, 1, 20);
    assert_true(w->reading);
    goes(w, 2);
    finish_read(w);
    assert_false(w->reading);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 0);
    member_comes(w, member_link(2), 2);
    forget(w);
    ask_blocks(w, 2, 1, 20);
    assert_true(w->reading);
    ask_blocks(w, 1, 1, 2);
    goes(w, 2);
    w->reads_hold = false;
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 2);
    assert_non_null(last_sent(w, FRAME_BLOCK, member_link(1)));
    world_close(w);
}

/* A disk that does not give a block, or gives other bytes: nothing is sent, and the next question
 * is answered. */
static void test_unreadable_blocks(void **state) {
    (void)state;
    world_t *w = open_long();
    for (uint32_t i = 0; i < 2; i++) {
        w->reads_hold = true;
        ask_blocks(w, 2, 1, 5);
        assert_true(w->reading);
        w->reading = false;
        memset(w->read_to, 0x5a, w->read_size);
        replica_on_read(w->replica, w->now, w->read_token, i == 0 ? SYNOD_IO : SYNOD_OK);
        assert_int_equal(count_sent(w, FRAME_BLOCK), 0);
        w->reads_hold = false;
        settle(w);
    }
    ask_blocks(w, 2, 1, 5);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 5);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* A place of the index is that of the newest block of its remainder: who is further behind than the
 * index reaches is told that the block is not here. */
static void test_behind_the_index(void **state) {
    (void)state;
    world_t *w = open_long();
    w->replica->ledger->table.height = INDEX_HEIGHTS + 4; /* as if so much had been executed */
    ask_blocks(w, 1, 4, 8);
    const sent_t *sent = last_sent(w, FRAME_BLOCK, member_link(1));
    assert_non_null(sent);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    block_answer_t answer;
    assert_int_equal(block_answer_decode(&reader, &answer), SYNOD_OK);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 1);
    assert_int_equal(answer.block.size, 0);
    assert_int_equal(answer.height, 5);
    world_close(w);
}

/* ---- snapshots ---- */

#define STATES 24

static node_t states[STATES + 1];

/* A snapshot is due at each checkpoint, every fourth block. */
static world_t *open_states(void) {
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.snapshot_bytes = 1;
    w->config.chain.core.view_timeout_ns = 600 * SECOND_NS;
    start(w);
    connect_all(w);
    memset(states, 0, sizeof states);
    states[0] = genesis(w);
    for (uint32_t i = 1; i <= STATES; i++)
        grow(w, &states[i - 1], &states[i], i, 0);
    return w;
}

/* Up to this height is executed, and the snapshot of it attested. */
static void attest_at(world_t *w, uint32_t height) {
    reach(w, states, height);
    assert_int_equal(report(w).root_height, height);
    digest_t root = report(w).root;
    for (member_t m = 0; m < 2; m++)
        tell_checkpoint(w, m, height, &root);
    assert_int_equal(report(w).snapshot_height, height);
    forget(w);
}

/* Without waiting for what is read for it. */
static void hand_question(world_t *w, member_t from, const snapshot_ask_t *question) {
    uint8_t bytes[SNAPSHOT_ASK_BYTES];
    writer_t writer = writer_of(bytes, sizeof bytes);
    snapshot_ask_encode(question, &writer);
    replica_on_frame(w->replica, w->now, member_link(from),
                     (frame_t){FRAME_SNAPSHOT_ASK, writer_bytes(&writer)});
}

static void ask_part(world_t *w, member_t from, const snapshot_ask_t *question) {
    hand_question(w, from, question);
    settle(w);
}

/* The newest answer to member 0; its bytes borrow from the captured frame. */
static snapshot_answer_t answer_of(const world_t *w) {
    const sent_t *sent = last_sent(w, FRAME_SNAPSHOT, member_link(0));
    snapshot_answer_t answer = {0};
    assert_non_null(sent);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    assert_int_equal(snapshot_answer_decode(&reader, &answer), SYNOD_OK);
    return answer;
}

static snapshot_ask_t question_for_the_first_chunk(world_t *w) {
    ask_part(w, 0, &(snapshot_ask_t){.part = SNAPSHOT_MANIFEST});
    snapshot_answer_t manifest = answer_of(w);
    assert_true(manifest.bytes.size > 0);
    forget(w);
    return (snapshot_ask_t){.part = SNAPSHOT_CHUNK, .content = manifest.content, .count = 1};
}

static void assert_served(world_t *w, const snapshot_ask_t *question) {
    forget(w);
    ask_part(w, 0, question);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT), 1);
    assert_true(answer_of(w).bytes.size > 0);
}

/* Another content, a chunk beyond the last, a height that is not there: said so, without bytes. */
static void test_no_such_part(void **state) {
    (void)state;
    world_t *w = open_states();
    attest_at(w, 4);
    snapshot_ask_t right = question_for_the_first_chunk(w), other = right, beyond = right;
    other.content.bytes[0] ^= 1;
    beyond.index = 1000;
    ask_part(w, 0, &other);
    assert_int_equal(answer_of(w).bytes.size, 0);
    assert_memory_equal(answer_of(w).content.bytes, other.content.bytes, SYNOD_DIGEST_BYTES);
    ask_part(w, 0, &beyond);
    assert_int_equal(answer_of(w).bytes.size, 0);
    assert_int_equal(answer_of(w).index, 1000);
    ask_part(w, 0, &(snapshot_ask_t){.part = SNAPSHOT_MANIFEST, .height = 4});
    assert_int_equal(answer_of(w).bytes.size, 0);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT), 3);
    assert_served(w, &right);
    world_close(w);
}

/* It goes while its chunk is read, or the disk does not give it: the next one is served. */
static void test_gone_while_a_chunk_is_read(void **state) {
    (void)state;
    world_t *w = open_states();
    attest_at(w, 4);
    snapshot_ask_t right = question_for_the_first_chunk(w);
    hand_question(w, 1, &right);
    assert_int_not_equal(w->load_token, 0);
    goes(w, 1);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT), 0);
    assert_served(w, &right);
    forget(w);
    hand_question(w, 0, &right);
    uint64_t token = w->load_token;
    w->load_token = 0;
    replica_on_loaded(w->replica, w->now, token, SYNOD_IO);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT), 0);
    assert_served(w, &right);
    world_close(w);
}

/* The slot is written anew while a chunk of it is read: what was read is of neither. A snapshot
 * that somebody fetches stays for ten seconds. */
static void test_replaced_while_a_chunk_is_read(void **state) {
    (void)state;
    world_t *w = open_states();
    attest_at(w, 4);
    snapshot_ask_t old = question_for_the_first_chunk(w);
    attest_at(w, 8);
    hand_question(w, 0, &old);
    uint64_t token = w->load_token;
    assert_int_not_equal(token, 0);
    w->load_token = 0;
    for (uint32_t i = 9; i <= 14; i++)
        propose(w, &states[i - 1], &states[i]);
    assert_int_equal(report(w).root_height, 12);
    assert_int_equal(w->stored, 2);
    pass(w, 11 * SECOND_NS);
    for (uint32_t i = 15; i <= 18; i++)
        propose(w, &states[i - 1], &states[i]);
    attest_at(w, 16);
    memset(w->load_to, 0x5a, w->load_size);
    replica_on_loaded(w->replica, w->now, token, SYNOD_OK);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT), 0);
    ask_part(w, 0, &old);
    assert_int_equal(answer_of(w).bytes.size, 0);
    snapshot_ask_t right = question_for_the_first_chunk(w);
    assert_served(w, &right);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone_while_blocks_are_read),
        cmocka_unit_test(test_unreadable_blocks),
        cmocka_unit_test(test_behind_the_index),
        cmocka_unit_test(test_no_such_part),
        cmocka_unit_test(test_gone_while_a_chunk_is_read),
        cmocka_unit_test(test_replaced_while_a_chunk_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
