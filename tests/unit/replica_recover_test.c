/* A journal whose sums hold and whose records this version cannot read: another version wrote them.
 * The replica says so, keeps quiet and keeps the file (attack F8). */
#include "codec/batch_codec.h"
#include "replica/state.h"
#include "tests/unit/replica_chain.h"

enum { SELF = 1 };

static node_t nodes[4];

/* Three blocks, the first one executed. */
static world_t *open_running(bool certified) {
    world_t *w = world_make(SUITE_SYMBOLIC, SELF);
    w->config.chain.payload = certified ? PAYLOAD_CERTIFIED : PAYLOAD_INLINE;
    start(w);
    connect_all(w);
    memset(nodes, 0, sizeof nodes);
    propose_chain(w, nodes, 3);
    assert_int_equal(report(w).executed, 1);
    return w;
}

/* Writes this record as the newest one, and starts again. */
static void start_after(world_t *w, journal_kind_t kind, bytes_t body) {
    assert_int_not_equal(journal_append(w->replica->journal, kind, &body, 1, NULL), 0);
    settle(w);
    stop(w);
    start(w);
}

static void assert_refused(world_t *w, synod_status status, const char *why) {
    uint8_t *before = malloc((size_t)SEGMENTS * SEGMENT_BYTES);
    assert_non_null(before);
    assert_int_equal(w->halted, status);
    if (strstr(w->halt_reason, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, w->halt_reason);
    memcpy(before, w->disk, (size_t)SEGMENTS * SEGMENT_BYTES);
    member_comes(w, member_link(0), 0);
    pass(w, 5 * SECOND_NS);
    assert_int_equal(w->sent_count, 0);
    assert_memory_equal(before, w->disk, (size_t)SEGMENTS * SEGMENT_BYTES);
    free(before);
    world_close(w);
}

static void test_records_of_another_version(void **state) {
    (void)state;
    static const uint8_t garbage[256] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct {
        journal_kind_t kind;
        size_t size;
        const char *why;
    } cases[] = {
        {JOURNAL_BLOCK, 3, "a block in the journal"},
        {JOURNAL_BLOCK, 256, "a block in the journal"},
        {JOURNAL_RECORD, 3, "a record of the core"},
        {JOURNAL_RECORD, 256, "a record of the core"},
        {JOURNAL_FINAL, 39, "a final mark"},
        {JOURNAL_SNAPSHOT, 3, "the mark of a snapshot"},
        {JOURNAL_SNAPSHOT, 64, "the mark of a snapshot"},
        {JOURNAL_SNAPSHOT, 256, "the mark of a snapshot"},
        {JOURNAL_BATCH, 3, "a batch in the journal"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world_t *w = open_running(cases[i].kind == JOURNAL_BATCH);
        start_after(w, cases[i].kind, bytes_of(garbage, cases[i].size));
        assert_refused(w, SYNOD_CORRUPT, cases[i].why);
    }
}

/* The mark of a snapshot in a place that there is not. */
static void test_mark_of_another_place(void **state) {
    (void)state;
    static const uint8_t body[64] = {[0] = 4, [8] = SNAPSHOT_SLOTS_HELD};
    world_t *w = open_running(false);
    start_after(w, JOURNAL_SNAPSHOT, bytes_of(body, sizeof body));
    assert_refused(w, SYNOD_CORRUPT, "the mark of a snapshot");
}

/* A batch in the journal of a chain whose blocks hold requests themselves. */
static void test_batch_of_another_strategy(void **state) {
    (void)state;
    static uint8_t body[1024] = {2, 0, 0, 0, 1};
    static node_t node;
    world_t *w = open_running(false);
    node.payload_size = 0;
    add_request(w, &node, 0, 0, 7, 0, (bytes_t){0});
    memcpy(body + BATCH_HEADER_BYTES, node.payload, node.payload_size);
    start_after(w, JOURNAL_BATCH, bytes_of(body, BATCH_HEADER_BYTES + node.payload_size));
    assert_refused(w, SYNOD_CORRUPT, "a batch in the journal");
}

/* A block with more than the chain's blocks may hold: a version with other bounds, or another
 * genesis under the same name. */
static void test_block_too_large(void **state) {
    (void)state;
    static uint8_t body[BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES + PAYLOAD_MAX + 1];
    world_t *w = open_running(false);
    block_t *block = block_of(&nodes[3]);
    block->height = 4;
    block->parents[0] = nodes[3].id;
    writer_t writer = writer_of(body, sizeof body);
    block_encode(block, &writer);
    start_after(w, JOURNAL_BLOCK, bytes_of(body, writer.at + PAYLOAD_MAX + 1));
    assert_refused(w, SYNOD_CORRUPT, "larger than the chain allows");
}

/* What the core promised is the core's to read: it does not start without. */
static void test_promise_that_cannot_be_read(void **state) {
    (void)state;
    static const uint8_t body[1 + 4 * PATH_PARTS_MAX + 4 + 40];
    world_t *w = open_running(false);
    start_after(w, JOURNAL_RECORD, bytes_of(body, sizeof body));
    assert_refused(w, SYNOD_CONFLICT, "what this member signed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_of_another_version),
        cmocka_unit_test(test_mark_of_another_place),
        cmocka_unit_test(test_batch_of_another_strategy),
        cmocka_unit_test(test_block_too_large),
        cmocka_unit_test(test_promise_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
