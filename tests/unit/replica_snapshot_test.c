/* Snapshots of one replica: when one is taken, what makes it count, what a start makes of it when
 * it is whole, damaged, alone, or without the journal below. The replica under test is member 3. */
#include "codec/snapshot_codec.h"
#include "crypto/hash.h"
#include "replica/blocks.h"
#include "tests/unit/replica_chain.h"

#define CHAIN 16

static node_t nodes[CHAIN + 1];

/* Member 3 executes what the others made; a snapshot is due at each checkpoint (every 4 blocks). */
static world_t *open_due(void) {
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.snapshot_bytes = 1;
    start(w);
    connect_all(w);
    memset(nodes, 0, sizeof nodes);
    nodes[0] = genesis(w);
    for (uint32_t i = 1; i <= CHAIN; i++) {
        if (i == 2)
            add_text(w, &nodes[i], 0, 0, 7, 0, "");
        if (i >= 4)
            add_text(w, &nodes[i], 0, 1, i, i - 1, "operation");
        grow(w, &nodes[i - 1], &nodes[i], i, 0);
    }
    return w;
}

static void attest_by(world_t *w, member_t first, uint32_t count) {
    digest_t root = report(w).root;
    for (member_t m = first; m < first + count; m++)
        tell_checkpoint(w, m, report(w).root_height, &root);
}

/* A snapshot of height 4, and one of 8. */
static world_t *open_taken(uint32_t snapshots) {
    world_t *w = open_due();
    for (uint32_t i = 1; i <= snapshots; i++) {
        reach(w, nodes, 4 * i);
        attest_by(w, 0, 2);
        assert_int_equal(w->stored, i);
        assert_int_equal(report(w).snapshot_height, 4 * i);
    }
    return w;
}

static void restart(world_t *w) {
    stop(w);
    start(w);
}

/* attack P24: with f + 1 attestations, our own among them, it is not kept. */
static void test_a_quorum_makes_it_count(void **state) {
    (void)state;
    world_t *w = open_due();
    reach(w, nodes, 4);
    assert_int_equal(report(w).root_height, 4);
    digest_t other = {{1}};
    attest_by(w, 0, 1);
    tell_checkpoint(w, 1, 4, &other);
    assert_int_equal(w->stored, 0);
    attest_by(w, 2, 1);
    assert_int_equal(w->stored, 1);
    assert_int_equal(report(w).snapshot_height, 4);
    world_close(w);
}

static void test_start_from_it(void **state) {
    (void)state;
    world_t *w = open_taken(2);
    digest_t root = report(w).root;
    uint64_t before = w->executed_operations;
    restart(w);
    assert_int_equal(report(w).snapshot_height, 8);
    assert_int_equal(report(w).executed, 8);
    assert_memory_equal(report(w).root.bytes, root.bytes, sizeof root);
    assert_int_equal(w->executed_operations, before); /* nothing was executed again */
    connect_all(w);
    reach(w, nodes, 12);
    assert_true(count_phase(w, VOTE, NULL) > 0);
    attest_by(w, 0, 2);
    assert_int_equal(report(w).snapshot_height, 12);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* attack P18: what ran does not run again, although the block in which it ran is not replayed. */
static void test_sessions_are_in_it(void **state) {
    (void)state;
    world_t *w = open_taken(2);
    restart(w);
    connect_all(w);
    attach(w, 0, client_link(0));
    ask(w, client_link(0), 0, 1, 8, 7, "operation");
    reply_t reply = reply_on(w, client_link(0));
    assert_int_equal(reply.status, SYNOD_OK);
    assert_int_equal(reply.height, 8);
    world_close(w);
}

/* attack F8: each flipped bit of the newest is found, and the older one and the journal give the
 * same state. */
static void test_damage(void **state) {
    (void)state;
    world_t *w = open_taken(2);
    digest_t root = report(w).root;
    snapshot_header_t header;
    assert_int_equal(snapshot_header_decode(w->blobs[0].bytes, &header), SYNOD_OK);
    assert_int_equal(header.height, 8);
    size_t manifest_at = 2 * SNAPSHOT_CHUNK_BYTES;
    for (size_t i = 0; i < SNAPSHOT_HEADER_BYTES + header.stream_bytes + header.manifest_bytes;
         i += 7) {
        size_t at = i < SNAPSHOT_HEADER_BYTES ? i
                    : i < SNAPSHOT_HEADER_BYTES + header.stream_bytes
                        ? SNAPSHOT_CHUNK_BYTES + i - SNAPSHOT_HEADER_BYTES
                        : manifest_at + i - SNAPSHOT_HEADER_BYTES - header.stream_bytes;
        uint8_t bit = (uint8_t)(1u << i % 8);
        w->blobs[0].bytes[at] ^= bit;
        restart(w);
        assert_int_equal(report(w).snapshot_height, 4);
        assert_int_equal(report(w).executed, 8);
        assert_memory_equal(report(w).root.bytes, root.bytes, sizeof root);
        w->blobs[0].bytes[at] ^= bit;
    }
    world_close(w);
}

/* Digest of the only chunk and of the manifest, as they have to be. */
static void seal_blob(uint8_t *blob, snapshot_header_t *header) {
    snapshot_manifest_t manifest;
    uint8_t *encoded = blob + snapshot_chunk_at(snapshot_chunks_of(header->stream_bytes));
    bytes_t bytes = bytes_of(encoded, (size_t)header->manifest_bytes);
    assert_int_equal(snapshot_manifest_decode(bytes, &manifest), SYNOD_OK);
    assert_int_equal(manifest.chunk_count, 1);
    digest_t digest =
        hash_bytes(bytes_of(blob + SNAPSHOT_CHUNK_BYTES, (size_t)header->stream_bytes));
    memcpy(encoded + (manifest.chunks.data - encoded), digest.bytes, sizeof digest.bytes);
    header->manifest = hash_bytes(bytes);
    snapshot_header_encode(header, blob);
}

/* attack P24: another state, with digests that are right, below attestations of the true root. */
static void test_another_state(void **state) {
    (void)state;
    world_t *w = open_taken(2);
    digest_t root = report(w).root;
    uint8_t *blob = w->blobs[0].bytes;
    snapshot_header_t header;
    assert_int_equal(snapshot_header_decode(blob, &header), SYNOD_OK);
    for (size_t i = 0; i < header.stream_bytes; i++) {
        blob[SNAPSHOT_CHUNK_BYTES + i] ^= 1;
        seal_blob(blob, &header);
        restart(w);
        assert_int_equal(report(w).snapshot_height, 4);
        assert_memory_equal(report(w).root.bytes, root.bytes, sizeof root);
        blob[SNAPSHOT_CHUNK_BYTES + i] ^= 1;
    }
    seal_blob(blob, &header);
    restart(w);
    assert_int_equal(report(w).snapshot_height, 8);
    world_close(w);
}

static void test_both_damaged(void **state) {
    (void)state;
    world_t *w = open_taken(2);
    w->blobs[0].bytes[SNAPSHOT_CHUNK_BYTES] ^= 1;
    w->blobs[1].there = false;
    restart(w);
    assert_int_equal(report(w).snapshot_height, 0);
    assert_int_equal(report(w).executed, 8); /* nothing was released yet: the journal has all */
    world_close(w);
}

/* A stop before the header leaves the one before. */
static void test_cut_short(void **state) {
    (void)state;
    world_t *w = open_taken(1);
    reach(w, nodes, 8);
    w->store_holds = true;
    attest_by(w, 0, 2);
    assert_true(w->store_token != 0);
    restart(w);
    w->store_holds = false;
    assert_int_equal(report(w).snapshot_height, 4);
    assert_int_equal(report(w).executed, 8);
    world_close(w);
}

/* Whoever executes behind what is final, because a block is missing, takes it at a checkpoint that
 * it comes by. */
static void test_behind_what_is_final(void **state) {
    (void)state;
    world_t *w = open_due();
    for (uint32_t i = 1; i <= 8; i++)
        if (i != 3)
            propose(w, &nodes[i - 1], &nodes[i]);
    assert_int_equal(report(w).executed, 2); /* 6 is final */
    for (member_t m = 0; m < 3 && report(w).executed == 2; m++)
        tell_block(w, member_link(m), &nodes[3], NULL, payload_of(&nodes[3]));
    assert_int_equal(report(w).executed, 6);
    assert_int_equal(report(w).root_height, 4);
    attest_by(w, 0, 2);
    assert_int_equal(report(w).snapshot_height, 4);
    restart(w);
    assert_int_equal(w->halted, SYNOD_OK);
    assert_int_equal(report(w).snapshot_height, 4);
    assert_int_equal(report(w).mute, 0); /* beside a journal a snapshot loses nothing */
    world_close(w);
}

/* The journal is gone, the snapshot is not: what the key signed is not known, now or later. */
static void test_learner_without_a_journal(void **state) {
    (void)state;
    world_t *w = open_taken(2);
    memset(w->disk, 0, (size_t)SEGMENTS * SEGMENT_BYTES);
    for (uint32_t life = 0; life < 2; life++) {
        block_ask_t question;
        link_t link = LINK_NONE;
        uint32_t next = (uint32_t)(9 + life);
        restart(w);
        connect_all(w);
        propose(w, &nodes[next], &nodes[next + 1]);
        if (asked_for(w, &question, &link)) /* it takes part in everything else */
            tell_block(w, link, &nodes[next], NULL, payload_of(&nodes[next]));
        propose(w, &nodes[next + 1], &nodes[next + 2]);
        assert_true(report(w).executed > 8);
        assert_int_equal(report(w).mute, 1); /* whoever counts votes must know */
        pass(w, 30 * SECOND_NS);
        assert_int_equal(count_phase(w, VOTE, NULL), 0);
        assert_int_equal(count_phase(w, TIMEOUT, NULL), 0);
    }
    world_close(w);
}

/* ---- release ---- */

/* Blocks of 12 KB between two snapshots: more than a segment holds. */
#define STEP 48
#define LONG_CHAIN 600
static node_t chain[LONG_CHAIN + 1];

/* One vote, for the first block; then the member only follows, in steps of so many blocks, with
 * a snapshot after each, until several segments were released. */
static world_t *open_released(void) {
    static char text[12000];
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.snapshot_bytes = 1;
    start(w);
    connect_all(w);
    memset(chain, 0, sizeof chain);
    memset(text, 'x', sizeof text - 1);
    chain[0] = genesis(w);
    for (uint32_t i = 1; i <= LONG_CHAIN; i++) {
        add_text(w, &chain[i], 0, i == 1 ? 0 : 1, i == 1 ? 7 : i, i == 1 ? 0 : i - 1, text);
        grow(w, &chain[i - 1], &chain[i], i, 0);
    }
    propose(w, &chain[0], &chain[1]);
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    for (uint32_t to = STEP; to < LONG_CHAIN; to += STEP) {
        block_ask_t question;
        link_t link = LINK_NONE;
        forget(w);
        tell_certificate(w, 0, qc_of(&chain[to + 1]));
        assert_true(asked_for(w, &question, &link));
        for (uint32_t i = to + 1 - STEP; i <= to; i++)
            tell_block(w, link, &chain[i], i == to ? qc_of(&chain[to + 1]) : NULL,
                       payload_of(&chain[i]));
        assert_int_equal(report(w).executed, to);
        attest_by(w, 0, 3);
        assert_int_equal(report(w).snapshot_height, to);
    }
    assert_int_equal(count_phase(w, VOTE, NULL), 0);
    assert_true(report(w).journal_used_bytes <= 4 * SEGMENT_BYTES); /* of 3 MB */
    return w;
}

/* What this member promised outlives the segment in which it stood (attack F7). */
static void test_promises_are_carried_over(void **state) {
    (void)state;
    world_t *w = open_released();
    for (uint32_t life = 0; life < 2; life++) {
        restart(w);
        assert_int_equal(w->halted, SYNOD_OK);
        assert_non_null(strstr(w->recovered, "records=1"));
    }
    world_close(w);
}

/* The journal goes back to the older snapshot, so that the newer one may be damaged. */
static void test_the_older_one_is_enough(void **state) {
    (void)state;
    world_t *w = open_released();
    status_report_t before = report(w);
    uint32_t newest = 0;
    snapshot_header_t headers[2];
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(snapshot_header_decode(w->blobs[i].bytes, &headers[i]), SYNOD_OK);
    newest = headers[1].height > headers[0].height ? 1 : 0;
    w->blobs[newest].bytes[SNAPSHOT_CHUNK_BYTES + 3] ^= 4;
    restart(w);
    assert_int_equal(report(w).snapshot_height, headers[1 - newest].height);
    assert_int_equal(report(w).executed, before.executed);
    assert_memory_equal(report(w).root.bytes, before.root.bytes, sizeof before.root);
    world_close(w);
}

/* ---- a journal that fills ---- */

/* Eight segments, and every block is voted for. */
static world_t *open_small(uint64_t checkpoint_blocks, uint64_t snapshot_bytes) {
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.journal_segments = JOURNAL_SEGMENTS_MIN;
    w->config.snapshot_bytes = snapshot_bytes;
    w->config.chain.checkpoint_blocks = checkpoint_blocks;
    start(w);
    connect_all(w);
    memset(chain, 0, sizeof chain);
    chain[0] = genesis(w);
    return w;
}

#define TERM (UINT64_C(1) << 32)
#define LARGE 12000
#define SMALL 5000 /* what the store keeps of these is little enough to be written again */

/* Proposes block i of so many bytes; is it voted for? */
static bool is_voted_for(world_t *w, uint32_t i, size_t size) {
    static char text[LARGE];
    memset(text, 'x', size - 1);
    text[size - 1] = 0;
    if (i == 2)
        add_text(w, &chain[i], 0, 0, 7, 0, "");
    if (i >= 4)
        add_text(w, &chain[i], 0, 1, i, i - 1, text);
    grow(w, &chain[i - 1], &chain[i], i, 0);
    forget(w);
    propose(w, &chain[i - 1], &chain[i]);
    return count_phase(w, VOTE, NULL) == 1;
}

/* attack F6: blocks wait; what is idle then takes a snapshot, and they go on. */
static void test_a_full_journal_waits(void **state) {
    (void)state;
    world_t *w = open_small(1000, UINT64_C(1) << 40); /* no snapshot while there is work */
    uint32_t waits = 0;
    for (uint32_t i = 1; i <= LONG_CHAIN; i++) {
        if (is_voted_for(w, i, LARGE))
            continue;
        waits++;
        pass(w, SECOND_NS / 5);
        assert_int_equal(report(w).root_height, i - 2);
        assert_int_equal(count_phase(w, VOTE, NULL), 0);
        attest_by(w, 0, 2);
        assert_int_equal(report(w).snapshot_height, i - 2);
        assert_int_equal(count_phase(w, VOTE, NULL), 1);
    }
    assert_in_range(waits, 2, 8);
    assert_int_equal(w->halted, SYNOD_OK);
    restart(w);
    assert_int_equal(report(w).executed, LONG_CHAIN - 2);
    world_close(w);
}

/* A journal that gets short after its newest snapshot gives up what only the older one needs, and
 * blocks go on: there may never be a newer one (attack F6). */
static void test_a_short_journal_gives_up_the_older(void **state) {
    (void)state;
    world_t *w = open_small(50, 1);
    uint64_t used = 0;
    uint32_t given_up = 0;
    for (uint32_t i = 1; is_voted_for(w, i, LARGE); i++) {
        assert_in_range(i, 1, LONG_CHAIN - 1);
        status_report_t now = report(w);
        given_up += now.journal_used_bytes < used ? 1 : 0;
        used = now.journal_used_bytes;
        if (now.executed == 50 || now.executed == 100)
            attest_by(w, 0, 2);
        if (now.executed == 110)
            given_up = 0;
    }
    assert_int_equal(report(w).snapshot_height, 100);
    assert_int_equal(given_up, 1);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* A snapshot that was begun while there was room ends when there is none: of the blocks above it
 * most have left the store, and only the journal has them. */
static void test_a_slow_snapshot_releases_no_block(void **state) {
    (void)state;
    world_t *w = open_small(100, 1);
    uint32_t i = 1;
    for (; is_voted_for(w, i, SMALL); i++) {
        if (report(w).executed != 100)
            continue;
        w->store_holds = true;
        attest_by(w, 0, 2);
        assert_true(w->store_token != 0);
    }
    status_report_t before = report(w);
    assert_true(before.executed > 100 + 2 * BLOCKS_KEPT);
    w->store_holds = false;
    settle(w);
    assert_int_equal(report(w).snapshot_height, 100);
    assert_true(report(w).journal_used_bytes < before.journal_used_bytes);
    restart(w);
    assert_int_equal(w->halted, SYNOD_OK);
    /* what is final is marked while there is room: the last one is final again when others say so
     */
    assert_in_range(report(w).executed, before.executed - 1, before.executed);
    assert_memory_equal(report(w).root.bytes, before.root.bytes, sizeof before.root);
    world_close(w);
}

/* A full journal, and nobody attests: the room that blocks leave is for time-outs. */
static void test_a_full_journal_takes_time_outs(void **state) {
    (void)state;
    world_t *w = open_small(1000, UINT64_C(1) << 40); /* no snapshot while there is work */
    uint32_t i = 1;
    while (is_voted_for(w, i, LARGE))
        assert_in_range(++i, 1, LONG_CHAIN);
    for (uint32_t times = 0; times < 100; times++)
        pass(w, 60 * SECOND_NS);
    assert_true(count_phase(w, TIMEOUT, NULL) > 0);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* View after view fails for all, until not even a time-out has room: nothing is said that is not
 * written, nothing halts, and with a snapshot all of it is written and said. */
static void test_promises_wait_for_room(void **state) {
    (void)state;
    world_t *w = open_small(1000, UINT64_C(1) << 40); /* no snapshot while there is work */
    uint32_t i = 1;
    while (is_voted_for(w, i, LARGE))
        assert_in_range(++i, 1, LONG_CHAIN);
    uint32_t term = 0;
    do {
        forget(w);
        term++;
        for (member_t m = 0; m < 3; m++)
            tell_timeout(w, m, term * TERM, &chain[i - 1]);
        assert_in_range(term, 1, 200);
    } while (count_phase(w, TIMEOUT, NULL) > 0);
    assert_true(term > 10);
    assert_int_equal(w->halted, SYNOD_OK);
    pass(w, SECOND_NS / 5);
    assert_int_equal(count_phase(w, TIMEOUT, NULL), 0);
    attest_by(w, 0, 2);
    assert_int_equal(report(w).snapshot_height, i - 2);
    assert_true(count_phase(w, TIMEOUT, NULL) > 0);
    restart(w);
    assert_int_equal(report(w).executed, i - 2);
    assert_true(report(w).view > (term - 1) * TERM); /* what was said last is known */
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* Time-outs alone, above a snapshot: all but the last one are over, and make room. */
static void test_time_outs_make_room(void **state) {
    (void)state;
    world_t *w = open_small(4, 1);
    for (uint32_t i = 1; i <= 6; i++)
        assert_true(is_voted_for(w, i, SMALL));
    attest_by(w, 0, 2);
    assert_int_equal(report(w).snapshot_height, 4);
    for (uint32_t term = 1; term <= 1000; term++) {
        forget(w);
        for (member_t m = 0; m < 3; m++)
            tell_timeout(w, m, term * TERM, &chain[5]);
        assert_true(count_phase(w, TIMEOUT, NULL) > 0);
    }
    assert_int_equal(w->halted, SYNOD_OK);
    restart(w);
    assert_int_equal(report(w).executed, 4);
    assert_true(report(w).view > 999 * TERM); /* where it timed out last */
    world_close(w);
}

/* A transfer ends a save whose piece is still at the pool, and is over before the pool is: the job
 * and the piece are not used again until they are back. */
static void test_a_piece_stays_at_the_pool(void **state) {
    (void)state;
    world_t *w = open_due();
    w->pool_holds = true;
    reach(w, nodes, 4);
    assert_int_equal(w->job_count, 1);
    for (member_t m = 0; m < 2; m++) { /* they keep the next block no more */
        block_answer_t answer = {.height = 10, .final_height = 12};
        writer_t writer = writer_of(w->body, sizeof w->body);
        block_answer_encode(&answer, &writer);
        feed(w, member_link(m), FRAME_BLOCK, writer_bytes(&writer));
    }
    for (uint32_t i = 0; i < 4 * MEMBERS; i++) { /* and have no snapshot */
        const sent_t *asked = last_sent(w, FRAME_SNAPSHOT_ASK, 0);
        snapshot_answer_t none = {.part = SNAPSHOT_MANIFEST};
        writer_t writer = writer_of(w->body, sizeof w->body);
        snapshot_answer_encode(&none, &writer);
        if (asked != NULL)
            feed(w, asked->link, FRAME_SNAPSHOT, writer_bytes(&writer));
        pass(w, 0);
    }
    reach(w, nodes, 8);
    assert_int_equal(w->job_count, 1);
    w->pool_holds = false;
    settle(w);
    reach(w, nodes, 12);
    attest_by(w, 0, 2);
    assert_int_equal(report(w).snapshot_height, 12);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_piece_stays_at_the_pool),
        cmocka_unit_test(test_a_quorum_makes_it_count),
        cmocka_unit_test(test_start_from_it),
        cmocka_unit_test(test_sessions_are_in_it),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_another_state),
        cmocka_unit_test(test_both_damaged),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_behind_what_is_final),
        cmocka_unit_test(test_learner_without_a_journal),
        cmocka_unit_test(test_promises_are_carried_over),
        cmocka_unit_test(test_the_older_one_is_enough),
        cmocka_unit_test(test_a_full_journal_waits),
        cmocka_unit_test(test_a_short_journal_gives_up_the_older),
        cmocka_unit_test(test_a_slow_snapshot_releases_no_block),
        cmocka_unit_test(test_a_full_journal_takes_time_outs),
        cmocka_unit_test(test_promises_wait_for_room),
        cmocka_unit_test(test_time_outs_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
