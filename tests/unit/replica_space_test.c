/* Copies of a release that fill the buffers of the journal: they are written in parts, and what the
 * core wants written meanwhile waits. */
#include "replica/journal_state.h"
#include "replica/ledger_state.h"
#include "replica/state.h"
#include "tests/unit/replica_lanes.h"

enum { SELF = 3 };

static node_t nodes[12];

/* A small journal, one executed block, full lanes of all others. */
static world_t *open_laden(void) {
    world_t *w = world_make(SUITE_SYMBOLIC, SELF);
    w->config.chain.payload = PAYLOAD_CERTIFIED;
    w->config.journal_segments = JOURNAL_SEGMENTS_MIN;
    start(w);
    connect_all(w);
    memset(nodes, 0, sizeof nodes);
    propose_chain(w, nodes, 3);
    assert_int_equal(report(w).executed, 1);
    for (member_t m = 0; m < SELF; m++) {
        digest_t parent = {{0}}, name;
        for (uint64_t s = 1; s <= LANE_WINDOW; s++) {
            send_batch(w, m, m, s, 100 * m + s, &parent, false, &name);
            parent = name;
        }
    }
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), SELF * LANE_WINDOW);
    return w;
}

static void make_short(world_t *w) {
    static uint8_t junk[64u << 10];
    bytes_t part = bytes_of(junk, sizeof junk);
    while (!space_short(w->replica)) {
        assert_int_not_equal(journal_append(w->replica->journal, JOURNAL_FINAL, &part, 1, NULL), 0);
        journal_pump(w->replica->journal);
        settle(w);
    }
}

/* Until ordinary records have no room. */
static void fill_journal(world_t *w) {
    static uint8_t junk[16u << 10];
    bytes_t part = bytes_of(junk, sizeof junk);
    while (journal_append(w->replica->journal, JOURNAL_FINAL, &part, 1, NULL) != 0)
        settle(w);
    assert_int_equal(journal_status(w->replica->journal), SYNOD_NO_SPACE);
}

/* What lanes hold is more than a buffer of the journal takes: it is written in several turns, each
 * part once, and then the journal has room again. */
static void test_what_is_carried_over_in_parts(void **state) {
    (void)state;
    world_t *w = open_laden();
    replica_t *r = w->replica;
    make_short(w);
    r->snapshots.slots[0].height = ledger_height(r->ledger); /* a snapshot of this very state */
    r->snapshots.slots[0].keep = space_first_above(r, ledger_height(r->ledger));
    r->journal->buffer_bytes = 3 * JOURNAL_SECTOR_BYTES;
    r->journal->body_max = 3500;
    uint64_t before = journal_position(r->journal);
    r->snapshots.release_due = true;
    for (uint32_t i = 0; i < 20 && r->snapshots.release_due; i++)
        pass(w, SECOND_NS / 40);
    assert_false(r->snapshots.release_due);
    assert_false(space_short(r));
    assert_true(journal_position(r->journal) - before < SEGMENT_BYTES + (64u << 10));
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* While one buffer is being written the other one fills. */
static void fill_buffers(world_t *w) {
    static uint8_t junk[64u << 10];
    journal_t *journal = w->replica->journal;
    bytes_t part = bytes_of(junk, sizeof junk);
    assert_true(w->appending);
    journal_use_reserve(journal, true);
    for (; part.size > 0; part.size = part.size > 1 ? 1 : 0)
        while (journal_append(journal, JOURNAL_FINAL, &part, 1, NULL) != 0)
            ;
    journal_use_reserve(journal, false);
}

/* The first proposal of a lease waits for the disk; what a release copies may have taken the room
 * that there was when its payload was made. */
static void test_own_proposal_finds_no_room(void **state) {
    (void)state;
    world_t *w = world_open(SUITE_SYMBOLIC, 0);
    replica_t *r = w->replica;
    w->disk_holds = true;
    ask(w, client_link(0), 0, 0, 1, 0, "");
    assert_int_equal(count_phase(w, PROPOSAL, NULL), 0);
    fill_buffers(w);
    finish_append(w);
    assert_int_equal(replica_phase(r), REPLICA_RUNNING);
    w->disk_holds = false;
    settle(w);
    assert_int_equal(w->halted, SYNOD_OK);
    assert_int_equal(replica_phase(r), REPLICA_RUNNING);
    world_close(w);
}

/* The signatures of a block were at the pool while the room that there was for it went. */
static void test_a_verdict_finds_no_room(void **state) {
    (void)state;
    world_t *w = world_open(SUITE_SYMBOLIC, SELF);
    memset(nodes, 0, sizeof nodes);
    nodes[0] = genesis(w);
    grow(w, &nodes[0], &nodes[1], 1, 0);
    for (uint32_t i = 0; i < 4; i++)
        add_text(w, &nodes[2], 0, 0, i, 0, "");
    grow(w, &nodes[1], &nodes[2], 2, 0);
    w->disk_holds = w->pool_holds = true;
    propose(w, &nodes[0], &nodes[1]);
    propose(w, &nodes[1], &nodes[2]);
    assert_int_equal(w->job_count, 1);
    fill_buffers(w);
    w->pool_holds = false;
    settle(w);
    assert_int_equal(w->halted, SYNOD_OK);
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    w->disk_holds = false;
    settle(w);
    assert_int_equal(count_phase(w, VOTE, NULL), 2);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* Blocks above a snapshot are written again only where all of them fit, to the byte. */
static void test_blocks_that_just_do_not_fit(void **state) {
    (void)state;
    enum { BLOCKS = 10 };
    static uint8_t junk[2 * JOURNAL_SECTOR_BYTES];
    world_t *w = world_open(SUITE_SYMBOLIC, SELF);
    replica_t *r = w->replica;
    memset(nodes, 0, sizeof nodes);
    propose_chain(w, nodes, BLOCKS + 1);
    make_short(w);
    height_t executed = ledger_height(r->ledger);
    r->ledger->table.height = 1; /* so that many blocks are above a snapshot of this very state */
    snapshot_slot_t *from = &r->snapshots.slots[0];
    from->height = 1;
    from->keep = space_first_above(r, 1);
    size_t least = BLOCKS * (BLOCK_FIXED_BYTES + JOURNAL_RECORD_HEADER_BYTES);
    size_t room = (size_t)journal_align_sector(journal_cost(least)); /* and little more */
    size_t filled = JOURNAL_SECTOR_BYTES + room - (size_t)journal_cost(least);
    bytes_t part = bytes_of(junk, filled - JOURNAL_RECORD_HEADER_BYTES);
    journal_use_reserve(r->journal, true);
    assert_int_not_equal(journal_append(r->journal, JOURNAL_FINAL, &part, 1, NULL), 0);
    r->journal->buffer_bytes = JOURNAL_SECTOR_BYTES + room;
    assert_true(journal_room(r->journal, least));
    journal_use_reserve(r->journal, false);
    uint64_t before = journal_last(r->journal);
    space_release(r);
    assert_int_equal(w->halted, SYNOD_OK);
    assert_int_equal(journal_last(r->journal), before);
    r->ledger->table.height = executed;
    world_close(w);
}

/* As many open requests as a batch of the largest size takes, in one. */
static void send_full_batch(world_t *w, member_t author) {
    enum { ROOM = PAYLOAD_MAX - 1024 };
    static uint8_t requests[PAYLOAD_MAX], body[BATCH_HEADER_BYTES + PAYLOAD_MAX];
    static node_t node;
    batch_entry_t entry = {0};
    digest_t none = {{0}};
    for (uint64_t nonce = 1; entry.size_bytes < ROOM; nonce++) {
        node.payload_size = 0;
        add_request(w, &node, 0, 0, 10000 * (author + 1) + nonce, 0, (bytes_t){0});
        memcpy(requests + entry.size_bytes, node.payload, node.payload_size);
        entry.size_bytes += (uint32_t)node.payload_size;
        entry.requests++;
    }
    batch_t batch = {.author = author,
                     .sequence = 1,
                     .parent = none,
                     .requests = bytes_of(requests, entry.size_bytes)};
    writer_t writer = writer_of(body, sizeof body);
    batch_encode(&batch, &writer);
    assert_false(writer.failed);
    feed(w, member_link(author), FRAME_BATCH, writer_bytes(&writer));
}

/* Full lanes of more than a segment, and a journal that is full as well: what ordinary records left
 * free takes them, and blocks have room again. */
static void test_full_lanes_have_room(void **state) {
    (void)state;
    world_t *w = world_make(SUITE_SYMBOLIC, SELF);
    w->config.chain.payload = PAYLOAD_CERTIFIED;
    w->config.journal_segment_bytes = 2 * PAYLOAD_MAX + 16 * JOURNAL_SECTOR_BYTES;
    uint64_t least = replica_segments_min(&w->config);
    assert_in_range(least, JOURNAL_SEGMENTS_MIN + 1, SEGMENTS);
    w->config.journal_segments = (uint32_t)least;
    start(w);
    connect_all(w);
    memset(nodes, 0, sizeof nodes);
    propose_chain(w, nodes, 3);
    for (member_t m = 0; m < SELF; m++)
        send_full_batch(w, m);
    assert_int_equal(count_sent(w, FRAME_BATCH_ACK), SELF);
    for (uint64_t nonce = 1; nonce <= 400; nonce++)
        ask(w, client_link(0), 0, 0, nonce, 0, "");
    replica_t *r = w->replica;
    r->journal->body_max = PAYLOAD_MAX + (4u << 10); /* large segments are full when so much fits */
    fill_journal(w);
    r->snapshots.slots[0].height = ledger_height(r->ledger); /* a snapshot of this very state */
    r->snapshots.slots[0].keep = space_first_above(r, ledger_height(r->ledger));
    r->snapshots.release_due = true;
    for (uint32_t i = 0; i < 20 && r->snapshots.release_due; i++)
        pass(w, SECOND_NS / 40);
    assert_false(r->snapshots.release_due);
    assert_false(space_short(r));
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* The machine stopped while a transferred snapshot was being loaded: its mark says nothing of what
 * it needs, and the first block above it stands before the mark. */
static void test_a_mark_that_says_nothing(void **state) {
    (void)state;
    world_t *w = world_open(SUITE_SYMBOLIC, SELF);
    replica_t *r = w->replica;
    uint8_t body[8 + 4 + 4 + 8 + 8 + SYNOD_DIGEST_BYTES] = {0};
    snapshot_slot_t *held = &r->snapshots.slots[1];
    held->height = 4;
    store_u64(body, held->height);
    store_u32(body + 8, 1);
    journal_entry_t mark = {.kind = JOURNAL_SNAPSHOT, .body = bytes_of(body, sizeof body)};
    space_on_block(r, 4, 9);
    space_on_block(r, 5, 10);
    space_on_mark(r, &mark);
    space_on_block(r, 6, 12);
    assert_int_equal(held->keep, 10);
    store_u64(body + 16, 11);
    space_on_mark(r, &mark);
    assert_int_equal(held->keep, 11);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_verdict_finds_no_room),
        cmocka_unit_test(test_blocks_that_just_do_not_fit),
        cmocka_unit_test(test_full_lanes_have_room),
        cmocka_unit_test(test_a_mark_that_says_nothing),
        cmocka_unit_test(test_what_is_carried_over_in_parts),
        cmocka_unit_test(test_own_proposal_finds_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
