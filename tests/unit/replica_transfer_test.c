/* State transfer, seen from the member that lacks the state: whom it asks, what it believes, and
 * whom it leaves for what reason. The replica under test is member 3, with an empty disk; the
 * snapshot that the others serve was taken by itself in an earlier life. */
#include "codec/snapshot_codec.h"
#include "crypto/hash.h"
#include "tests/unit/replica_chain.h"

/* Three sessions with results of 60 KB each stand in the snapshot of height 20. */
#define CHAIN 22
#define TAKEN 20
#define RESULT_BYTES 12000

static node_t nodes[CHAIN + 1];
/* The snapshot as stored, its manifest, and what comes out of it. */
static blob_t source;
static snapshot_header_t header;
static digest_t root;

static void build_chain(world_t *w) {
    static char text[RESULT_BYTES];
    memset(text, 'x', sizeof text - 1);
    memset(nodes, 0, sizeof nodes);
    nodes[0] = genesis(w);
    for (uint32_t i = 1; i <= CHAIN; i++) {
        uint32_t client = i <= 3 ? i - 1 : (i - 4) / 5;
        if (i <= 3)
            add_text(w, &nodes[i], client, 0, 7, 0, "");
        else if (i <= 18)
            add_text(w, &nodes[i], client, 1 + client, 1 + (i - 4) % 5, 0, text);
        grow(w, &nodes[i - 1], &nodes[i], i, 0);
    }
}

/* A life in which a snapshot is taken, and the next one, in which nothing of it is left. */
static world_t *open_empty(void) {
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    w->config.snapshot_bytes = 1;
    start(w);
    connect_all(w);
    build_chain(w);
    for (uint32_t i = 1; i <= CHAIN; i++)
        propose(w, &nodes[i - 1], &nodes[i]);
    root = report(w).root;
    for (member_t m = 0; m < 3; m++)
        tell_checkpoint(w, m, report(w).root_height, &root);
    assert_int_equal(report(w).snapshot_height, TAKEN);
    source = w->blobs[w->blobs[1].there ? 1 : 0];
    assert_int_equal(snapshot_header_decode(source.bytes, &header), SYNOD_OK);
    assert_in_range(snapshot_chunks_of(header.stream_bytes), 3, 5);
    stop(w);
    memset(w->disk, 0, (size_t)SEGMENTS * SEGMENT_BYTES);
    memset(w->blobs, 0, sizeof w->blobs);
    start(w);
    for (member_t m = 0; m < 3; m++)
        member_comes(w, member_link(m), m);
    return w;
}

/* ---- what the others say ---- */

/* It is at height 22, and keeps the blocks after the snapshot. */
static void tell_pruned(world_t *w, member_t from) {
    uint8_t bytes[64];
    block_answer_t answer = {.height = TAKEN + 1, .final_height = CHAIN};
    writer_t writer = writer_of(bytes, sizeof bytes);
    block_answer_encode(&answer, &writer);
    feed(w, member_link(from), FRAME_BLOCK, writer_bytes(&writer));
}

static void tell_part(world_t *w, link_t link, const snapshot_answer_t *answer) {
    writer_t writer = writer_of(w->body, sizeof w->body);
    snapshot_answer_encode(answer, &writer);
    assert_false(writer.failed);
    feed(w, link, FRAME_SNAPSHOT, writer_bytes(&writer));
}

static bytes_t manifest_of(const blob_t *blob) {
    uint64_t at = snapshot_chunk_at(snapshot_chunks_of(header.stream_bytes));
    return bytes_of(blob->bytes + at, (size_t)header.manifest_bytes);
}

static digest_t content_of(const blob_t *blob) {
    snapshot_manifest_t manifest;
    assert_int_equal(snapshot_manifest_decode(manifest_of(blob), &manifest), SYNOD_OK);
    return snapshot_content_id(manifest_of(blob), &manifest);
}

static void tell_manifest(world_t *w, link_t link, const blob_t *blob) {
    tell_part(w, link,
              &(snapshot_answer_t){.part = SNAPSHOT_MANIFEST,
                                   .content = content_of(blob),
                                   .bytes = manifest_of(blob)});
}

static bytes_t chunk_of(const blob_t *blob, uint32_t index) {
    snapshot_manifest_t manifest;
    assert_int_equal(snapshot_manifest_decode(manifest_of(blob), &manifest), SYNOD_OK);
    return bytes_of(blob->bytes + snapshot_chunk_at(index), snapshot_chunk_bytes(&manifest, index));
}

static void tell_chunk(world_t *w, link_t link, const blob_t *blob, uint32_t index) {
    tell_part(w, link,
              &(snapshot_answer_t){.part = SNAPSHOT_CHUNK,
                                   .content = content_of(blob),
                                   .index = index,
                                   .bytes = chunk_of(blob, index)});
}

/* The newest question for a snapshot. */
static link_t asked_part(const world_t *w, snapshot_ask_t *question) {
    const sent_t *sent = last_sent(w, FRAME_SNAPSHOT_ASK, 0);
    assert_non_null(sent);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    assert_int_equal(snapshot_ask_decode(&reader, question), SYNOD_OK);
    return sent->link;
}

static link_t asked_manifest(const world_t *w) {
    snapshot_ask_t question;
    link_t link = asked_part(w, &question);
    assert_int_equal(question.part, SNAPSHOT_MANIFEST);
    return link;
}

static link_t asked_chunks(const world_t *w, uint32_t first) {
    snapshot_ask_t question;
    link_t link = asked_part(w, &question);
    assert_int_equal(question.part, SNAPSHOT_CHUNK);
    assert_int_equal(question.index, first);
    assert_int_equal(question.index + question.count, snapshot_chunks_of(header.stream_bytes));
    return link;
}

/* Two members, one of them honest, do not keep the next block: a manifest is asked for. */
static world_t *open_asking(void) {
    world_t *w = open_empty();
    tell_pruned(w, 0);
    assert_null(last_sent(w, FRAME_SNAPSHOT_ASK, 0)); /* one alone may be a liar */
    tell_pruned(w, 1);
    (void)asked_manifest(w);
    return w;
}

static link_t serve_manifest(world_t *w) {
    tell_manifest(w, asked_manifest(w), &source);
    return asked_chunks(w, 0);
}

/* All chunks from `first` on, by whoever was asked for them. */
static void serve_chunks(world_t *w, uint32_t first) {
    link_t link = asked_chunks(w, first);
    for (uint32_t i = first; i < snapshot_chunks_of(header.stream_bytes); i++)
        tell_chunk(w, link, &source, i);
}

static void assert_installed(world_t *w) {
    assert_int_equal(report(w).executed, TAKEN);
    assert_int_equal(report(w).snapshot_height, TAKEN);
    assert_memory_equal(report(w).root.bytes, root.bytes, sizeof root);
    assert_int_equal(w->halted, SYNOD_OK);
}

/* ---- the tests ---- */

static void test_it_is_fetched_and_durable(void **state) {
    (void)state;
    world_t *w = open_asking();
    uint64_t before = w->executed_operations;
    (void)serve_manifest(w);
    serve_chunks(w, 0);
    assert_installed(w);
    assert_int_equal(w->executed_operations, before);
    stop(w);
    start(w);
    assert_installed(w);
    world_close(w);
}

/* attack P24: a chunk that is not what its digest says costs its sender the next question, and
 * what came before it is kept. */
static void test_a_wrong_chunk(void **state) {
    (void)state;
    static blob_t lie;
    world_t *w = open_asking();
    link_t liar = serve_manifest(w);
    tell_chunk(w, liar, &source, 0);
    lie = source;
    lie.bytes[snapshot_chunk_at(1) + 9] ^= 1;
    tell_part(w, liar,
              &(snapshot_answer_t){.part = SNAPSHOT_CHUNK,
                                   .content = content_of(&source),
                                   .index = 1,
                                   .bytes = chunk_of(&lie, 1)});
    link_t next = asked_chunks(w, 1);
    assert_int_not_equal(next, liar);
    tell_chunk(w, liar, &source, 1); /* nobody asks it any more */
    for (uint32_t i = 1; i < snapshot_chunks_of(header.stream_bytes); i++) {
        assert_int_equal(report(w).executed, 0);
        tell_chunk(w, next, &source, i);
    }
    assert_installed(w);
    world_close(w);
}

/* Answers to other questions change nothing: another content, a number beyond the end. */
static void test_other_answers(void **state) {
    (void)state;
    world_t *w = open_asking();
    link_t link = serve_manifest(w);
    snapshot_answer_t other = {
        .part = SNAPSHOT_CHUNK, .content = {{1}}, .index = 0, .bytes = chunk_of(&source, 0)};
    forget(w);
    tell_part(w, link, &other);
    other.content = content_of(&source);
    other.index = snapshot_chunks_of(header.stream_bytes);
    tell_part(w, link, &other);
    tell_manifest(w, link, &source);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT_ASK), 0);
    for (uint32_t i = 0; i < snapshot_chunks_of(header.stream_bytes); i++)
        tell_chunk(w, link, &source, i);
    assert_installed(w);
    world_close(w);
}

/* Who is silent, and who has it no more, is left for the next one; when nobody has it, a manifest
 * is asked for again, and chunks that are stored stay. */
static void test_servers_that_go(void **state) {
    (void)state;
    world_t *w = open_asking();
    link_t first = serve_manifest(w);
    pass(w, SECOND_NS + 1);
    link_t second = asked_chunks(w, 0);
    assert_int_not_equal(first, second);
    snapshot_answer_t none = {.part = SNAPSHOT_CHUNK, .content = content_of(&source)};
    tell_part(w, second, &none);
    link_t third = asked_chunks(w, 0);
    assert_true(third != first && third != second);
    for (uint32_t i = 0; i <= MEMBERS; i++) {
        snapshot_ask_t question;
        link_t link = asked_part(w, &question);
        if (question.part == SNAPSHOT_MANIFEST)
            break;
        tell_part(w, link, &none);
    }
    (void)serve_manifest(w);
    serve_chunks(w, 0);
    assert_installed(w);
    world_close(w);
}

/* attack P24: manifests that are broken, old, of another chain, or without a quorum. */
static void test_wrong_manifests(void **state) {
    (void)state;
    static blob_t lie;
    world_t *w = open_asking();
    link_t last = LINK_NONE;
    size_t size = manifest_of(&source).size;
    for (size_t i = 0; i < 2; i++) {
        link_t link = asked_manifest(w);
        assert_int_not_equal(link, last);
        lie = source;
        /* the height in the content, then a bit of the last attestation or of the proof */
        lie.bytes[(size_t)(manifest_of(&lie).data - lie.bytes) + (i == 0 ? 44 : size - 9)] ^= 1;
        tell_manifest(w, link, &lie);
        assert_int_equal(report(w).executed, 0);
        last = link;
    }
    link_t honest = asked_manifest(w);
    assert_int_not_equal(honest, last);
    tell_manifest(w, honest, &source);
    serve_chunks(w, 0);
    assert_installed(w);
    world_close(w);
}

/* attack P24: another state below a true root, with digests that fit. What was stored is loaded
 * beside the ledger in use, found out, and blamed on who sent the manifest. */
static void test_another_state(void **state) {
    (void)state;
    static blob_t lie;
    world_t *w = open_asking();
    lie = source;
    uint32_t last = snapshot_chunks_of(header.stream_bytes) - 1;
    bytes_t chunk = chunk_of(&lie, last);
    lie.bytes[snapshot_chunk_at(last) + chunk.size - 1] ^= 1;
    snapshot_manifest_t manifest;
    assert_int_equal(snapshot_manifest_decode(manifest_of(&lie), &manifest), SYNOD_OK);
    digest_t digest = hash_bytes(chunk);
    size_t at = (size_t)(manifest.chunks.data - lie.bytes) + last * SYNOD_DIGEST_BYTES;
    memcpy(lie.bytes + at, digest.bytes, sizeof digest.bytes);

    link_t liar = asked_manifest(w);
    tell_manifest(w, liar, &lie);
    link_t server = asked_chunks(w, 0);
    for (uint32_t i = 0; i <= last; i++)
        tell_chunk(w, server, &lie, i);
    assert_int_equal(report(w).executed, 0);
    assert_int_not_equal(asked_manifest(w), liar);
    (void)serve_manifest(w);
    serve_chunks(w, 0);
    assert_installed(w);
    world_close(w);
}

/* A disk that does not take it: the same again after a while. */
static void test_not_stored(void **state) {
    (void)state;
    world_t *w = open_asking();
    (void)serve_manifest(w);
    w->store_holds = true;
    serve_chunks(w, 0);
    uint64_t token = w->store_token;
    assert_true(token != 0);
    w->store_token = 0;
    w->store_holds = false;
    forget(w);
    replica_on_stored(w->replica, w->now, token, SYNOD_NO_SPACE);
    settle(w);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT_ASK), 0);
    pass(w, 5 * SECOND_NS);
    (void)serve_manifest(w);
    serve_chunks(w, 0);
    assert_installed(w);
    world_close(w);
}

/* Blocks came after all while the state was written: it is not needed any more. */
static void test_blocks_are_faster(void **state) {
    (void)state;
    world_t *w = open_asking();
    (void)serve_manifest(w);
    w->store_holds = true;
    serve_chunks(w, 0);
    block_ask_t question;
    link_t link = LINK_NONE;
    pass(w, SECOND_NS);
    assert_true(asked_for(w, &question, &link));
    for (uint32_t i = 1; i <= CHAIN - 1; i++)
        tell_block(w, link, &nodes[i], i == CHAIN - 1 ? qc_of(&nodes[CHAIN]) : NULL,
                   payload_of(&nodes[i]));
    assert_int_equal(report(w).executed, CHAIN - 1);
    w->store_holds = false;
    settle(w);
    assert_int_equal(report(w).executed, CHAIN - 1);
    assert_int_equal(w->halted, SYNOD_OK);
    world_close(w);
}

/* Nobody has one: two rounds, and block sync goes on alone. */
static void test_nobody_has_one(void **state) {
    (void)state;
    world_t *w = open_asking();
    snapshot_answer_t none = {.part = SNAPSHOT_MANIFEST};
    for (uint32_t i = 0; i < 2 * MEMBERS + 1; i++) {
        tell_part(w, asked_manifest(w), &none);
        pass(w, SECOND_NS / 100);
    }
    forget(w);
    pass(w, 3 * SECOND_NS);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT_ASK), 0);
    assert_true(count_sent(w, FRAME_BLOCK_ASK) > 0);
    world_close(w);
}

/* All who could serve it go; the next one that comes is asked, though it lied before. */
static void test_everybody_goes(void **state) {
    (void)state;
    world_t *w = open_asking();
    snapshot_answer_t lie = {
        .part = SNAPSHOT_CHUNK, .content = content_of(&source), .bytes = bytes_of(source.bytes, 7)};
    link_t first = serve_manifest(w);
    tell_part(w, first, &lie);
    assert_int_not_equal(asked_chunks(w, 0), first);
    for (member_t m = 0; m < 3; m++)
        replica_on_link_down(w->replica, w->now, member_link(m));
    forget(w);
    pass(w, 2 * SECOND_NS);
    assert_int_equal(count_sent(w, FRAME_SNAPSHOT_ASK), 0);
    member_comes(w, first, (member_t)(first - member_link(0)));
    for (uint32_t i = 0; i < 8 && count_sent(w, FRAME_SNAPSHOT_ASK) == 0; i++)
        pass(w, SECOND_NS);
    assert_int_equal(serve_manifest(w), first);
    serve_chunks(w, 0);
    assert_installed(w);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_fetched_and_durable),
        cmocka_unit_test(test_a_wrong_chunk),
        cmocka_unit_test(test_other_answers),
        cmocka_unit_test(test_servers_that_go),
        cmocka_unit_test(test_wrong_manifests),
        cmocka_unit_test(test_another_state),
        cmocka_unit_test(test_not_stored),
        cmocka_unit_test(test_blocks_are_faster),
        cmocka_unit_test(test_nobody_has_one),
        cmocka_unit_test(test_everybody_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
