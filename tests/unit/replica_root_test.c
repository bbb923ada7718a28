/* A root that takes many turns of the loop: blocks go on meanwhile, and what is attested, kept and
 * answered is of the state whose root it is. The replica under test is member 3; there is a
 * checkpoint every 4 blocks. */
#include "codec/snapshot_codec.h"
#include "tests/unit/replica_chain.h"

#define CHAIN 16
#define MANY 100000

static node_t nodes[CHAIN + 1];

static world_t *open_slow(uint32_t pieces, uint64_t snapshot_bytes) {
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.app = echo_slow();
    w->config.snapshot_bytes = snapshot_bytes;
    echo_pieces = pieces;
    start(w);
    connect_all(w);
    memset(nodes, 0, sizeof nodes);
    nodes[0] = genesis(w);
    for (uint32_t i = 1; i <= CHAIN; i++) {
        if (i == 1)
            add_text(w, &nodes[i], 0, 0, 7, 0, "");
        else
            add_text(w, &nodes[i], 0, 1, i, i - 1, i % 2 == 0 ? "even" : "odd");
        grow(w, &nodes[i - 1], &nodes[i], i, 0);
    }
    return w;
}

/* What a replica that computes roots at once has at that height. */
static digest_t root_at(uint32_t height) {
    world_t *w = open_slow(0, UINT64_MAX);
    reach(w, nodes, height);
    assert_int_equal(report(w).root_height, height);
    digest_t root = report(w).root;
    world_close(w);
    return root;
}

static void expect_root(world_t *w, uint32_t height, const digest_t *root) {
    assert_int_equal(report(w).root_height, height);
    assert_memory_equal(report(w).root.bytes, root->bytes, sizeof root->bytes);
}

/* The work is done in the turns of the loop; the root is that of the checkpoint's height, however
 * many blocks came since, and only then is it told. */
static void test_blocks_go_on(void **state) {
    (void)state;
    digest_t root = root_at(4);
    world_t *w = open_slow(MANY, UINT64_MAX);
    reach(w, nodes, 7);
    assert_int_equal(report(w).root_height, 0);
    assert_int_equal(count_sent(w, FRAME_CHECKPOINT), 0);
    uint32_t left = echo_left;
    for (uint32_t turn = 1; turn <= 10; turn++) {
        assert_true(w->wake_at != 0 && w->wake_at <= w->now.now_ns + SECOND_NS / 100);
        pass(w, w->wake_at - w->now.now_ns);
    }
    assert_true(echo_left <= left - 10); /* it does not wait for inputs */
    echo_left = 1;
    pass(w, SECOND_NS / 1000);
    expect_root(w, 4, &root);
    assert_int_equal(count_sent(w, FRAME_CHECKPOINT), 3);
    world_close(w);
}

/* The next checkpoint comes before the root is there: what is left is done at once. */
static void test_one_root_at_a_time(void **state) {
    (void)state;
    digest_t first = root_at(4), second = root_at(8);
    world_t *w = open_slow(MANY, UINT64_MAX);
    reach(w, nodes, 8);
    expect_root(w, 4, &first);
    assert_int_equal(count_sent(w, FRAME_CHECKPOINT), 3);
    echo_left = 1;
    pass(w, SECOND_NS / 1000);
    expect_root(w, 8, &second);
    world_close(w);
}

static uint16_t query(world_t *w, bool prove) {
    uint8_t bytes[64];
    writer_t writer = writer_of(bytes, sizeof bytes);
    query_t question = {.number = 1, .prove = prove, .query = bytes_of("q", 1)};
    query_reply_t answer;
    query_encode(&question, &writer);
    feed(w, client_link(0), FRAME_QUERY, writer_bytes(&writer));
    const sent_t *sent = last_sent(w, FRAME_QUERY_REPLY, client_link(0));
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    assert_int_equal(query_reply_decode(&reader, &answer), SYNOD_OK);
    return (uint16_t)answer.status;
}

/* Between two roots nothing can be proved; what needs no proof is answered. */
static void test_proofs_wait(void **state) {
    (void)state;
    world_t *w = open_slow(MANY, UINT64_MAX);
    client_comes(w, client_link(0));
    reach(w, nodes, 5);
    assert_int_equal(query(w, true), SYNOD_BUSY);
    assert_int_equal(query(w, false), SYNOD_OK);
    echo_left = 1;
    pass(w, SECOND_NS / 1000);
    assert_int_equal(query(w, true), SYNOD_OK);
    world_close(w);
}

/* A snapshot is of the checkpoint's state, though more was executed before its root was known, and
 * attestations that came before count. */
static void test_a_snapshot_of_then(void **state) {
    (void)state;
    digest_t root = root_at(4);
    world_t *w = open_slow(MANY, 1);
    reach(w, nodes, 7);
    for (member_t m = 0; m < 2; m++)
        tell_checkpoint(w, m, 4, &root);
    assert_int_equal(w->stored, 0);
    echo_left = 1;
    pass(w, SECOND_NS / 1000);
    assert_int_equal(w->stored, 1);
    assert_int_equal(report(w).snapshot_height, 4);
    snapshot_header_t header;
    assert_int_equal(snapshot_header_decode(w->blobs[1].bytes, &header), SYNOD_OK);
    assert_int_equal(header.height, 4);
    uint64_t before = w->executed_operations;
    stop(w);
    start(w); /* the stream is judged by the root in its manifest */
    assert_int_equal(report(w).snapshot_height, 4);
    assert_int_equal(report(w).executed, 7);
    assert_int_equal(w->executed_operations, before + 3);
    world_close(w);
}

/* Replay waits for nobody, and a root that was under way when the process ended is computed again.
 */
static void test_restart(void **state) {
    (void)state;
    digest_t root = root_at(4);
    world_t *w = open_slow(MANY, UINT64_MAX);
    reach(w, nodes, 6);
    assert_int_equal(report(w).root_height, 0);
    stop(w);
    echo_pieces = 3;
    start(w);
    assert_int_equal(report(w).executed, 6);
    expect_root(w, 4, &root);
    world_close(w);
}

/* What f + 1 signed the root of exists: who has not executed that much is not synced, though it
 * knows of no final block that it has not executed. One liar changes nothing. */
static void test_synced(void **state) {
    (void)state;
    const digest_t any = {{1}};
    world_t *w = open_slow(0, UINT64_MAX);
    reach(w, nodes, 3);
    assert_int_equal(report(w).synced, 1);
    tell_checkpoint(w, 0, 8, &any);
    assert_int_equal(report(w).synced, 1);
    tell_checkpoint(w, 1, 12, &any);
    assert_int_equal(report(w).executed, 3);
    assert_int_equal(report(w).synced, 0);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_go_on), cmocka_unit_test(test_one_root_at_a_time),
        cmocka_unit_test(test_proofs_wait),  cmocka_unit_test(test_a_snapshot_of_then),
        cmocka_unit_test(test_restart),      cmocka_unit_test(test_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
