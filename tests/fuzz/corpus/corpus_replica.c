/* The corpus of a whole replica: what an honest leader and a client say to it, as its own tests do.
 */
#include "tests/unit/replica_lanes.h"

#include "tests/fuzz/corpus/corpus.h"

/* What was fed of these kinds, in the form of tests/fuzz/replica_fuzz.c. */
static void write_fed(const world_t *w, const char *target, const char *name,
                      const frame_kind_t *kinds, uint32_t count) {
    static uint8_t bytes[1 << 14];
    writer_t writer = writer_of(bytes, sizeof bytes);
    for (uint32_t i = 0; i < count; i++) {
        const bool client = kinds[i] == FRAME_ATTACH || kinds[i] == FRAME_REQUEST;
        const uint32_t fed = w->fed_count[kinds[i]];
        for (uint32_t k = 0; k < fed && k < FED_KEPT; k++) {
            const size_t size = w->fed_size[kinds[i]][k];
            write_u8(&writer, (uint8_t)((client ? 128 : 0) + kinds[i] - FRAME_HELLO));
            write_u8(&writer, 1);
            write_u16(&writer, (uint16_t)size);
            write_bytes(&writer, w->fed[kinds[i]][k], size);
        }
    }
    assert_false(writer.failed);
    corpus_write(target, name, bytes_of(NULL, 0), writer_bytes(&writer));
}

void corpus_replica(void) {
    static const frame_kind_t messages[] = {FRAME_MESSAGE};
    static const frame_kind_t client[] = {FRAME_ATTACH, FRAME_REQUEST};
    static node_t nodes[4];
    world_t *w = world_open(SUITE_SYMBOLIC, 1);
    propose_chain(w, nodes, 3);
    write_fed(w, "replica", "leader", messages, 1);
    world_close(w);

    w = world_open(SUITE_SYMBOLIC, 1);
    nodes[0] = genesis(w);
    tell_timeout(w, 0, 1, &nodes[0]);
    tell_status(w, member_link(0), 0, 3);
    write_fed(w, "replica", "waits", messages, 1);
    world_close(w);

    w = world_open(SUITE_SYMBOLIC, 1);
    attach(w, 0, client_link(0));
    ask(w, client_link(0), 0, 0, 7, 0, "");
    ask(w, client_link(0), 0, 1, 1, 0, "e");
    write_fed(w, "replica", "asks", client, 2);
    world_close(w);
}

/* Batches of the leader, their certificate, a block that names them; a batch of the replica's own
 * that is acknowledged; a question; a block that is served with the bytes that it names. */
static void lane_of_leader(void) {
    static const frame_kind_t kinds[] = {FRAME_BATCH, FRAME_BATCH_PROOF, FRAME_MESSAGE,
                                         FRAME_BATCH_ASK};
    static node_t before, node, next, last;
    uint8_t body[1024];
    digest_t name = {{0}}, second;
    world_t *w = open_certified(1);
    send_batch(w, 0, 0, 1, 1, &name, false, &second);
    send_batch(w, 0, 0, 2, 2, &second, false, &name);
    writer_t writer = writer_of(body, sizeof body);
    write_bytes(&writer, (digest_t){{0}}.bytes, SYNOD_DIGEST_BYTES);
    write_reference(w, &writer, 0, 1, 3);
    feed(w, member_link(0), FRAME_BATCH_PROOF, writer_bytes(&writer));
    before = genesis(w);
    memset(&node, 0, sizeof node);
    writer = writer_of(node.payload, sizeof node.payload);
    write_reference(w, &writer, 0, 1, 3);
    grow_references(w, &before, &node, writer.at, 1);
    certify(w, &before, &node);
    grow(w, &node, &next, 2, 0);
    grow(w, &next, &last, 3, 0);
    propose(w, &before, &node);
    propose(w, &node, &next); /* the first is final with the third; its bytes are nowhere */
    propose(w, &next, &last);
    writer = writer_of(body, sizeof body);
    batch_ask_encode(&(batch_ask_t){.author = 0, .sequence = 1}, &writer);
    feed(w, member_link(0), FRAME_BATCH_ASK, writer_bytes(&writer));
    write_fed(w, "lanes", "leader", kinds, 4);
    world_close(w);
}

static void lane_of_replica(void) {
    static const frame_kind_t kinds[] = {FRAME_ATTACH, FRAME_REQUEST, FRAME_BATCH_ACK,
                                         FRAME_BATCH_ASK};
    uint8_t body[BATCH_ACK_BYTES];
    world_t *w = open_certified(1);
    attach(w, 0, client_link(0));
    ask(w, client_link(0), 0, 0, 7, 0, "");
    writer_t writer = writer_of(body, sizeof body);
    batch_ack_encode(&(batch_ack_t){.author = 1, .sequence = 1}, &writer);
    feed(w, member_link(0), FRAME_BATCH_ACK, writer_bytes(&writer));
    writer = writer_of(body, sizeof body);
    batch_ask_encode(&(batch_ask_t){.author = 1, .sequence = 1}, &writer);
    feed(w, member_link(0), FRAME_BATCH_ASK, writer_bytes(&writer));
    write_fed(w, "lanes", "own", kinds, 4);
    world_close(w);
}

static void lane_served(void) {
    static const frame_kind_t kinds[] = {FRAME_MESSAGE, FRAME_BLOCK};
    static node_t before, node, next;
    world_t *w = open_certified(1);
    before = genesis(w);
    memset(&node, 0, sizeof node);
    memset(&next, 0, sizeof next);
    writer_t writer = writer_of(node.payload, sizeof node.payload);
    write_reference(w, &writer, 0, 1, 3);
    const size_t named = writer.at;
    grow_references(w, &before, &node, named, 1);
    grow(w, &node, &next, 2, 0);
    tell_certificate(w, 0, qc_of(&next));
    memset(node.payload + named, 'x', 100);
    w->fed_count[FRAME_BLOCK] = 0; /* without the greetings: they end the run */
    tell_block(w, member_link(0), &node, NULL, bytes_of(node.payload, named + 100));
    write_fed(w, "lanes", "served", kinds, 2);
    world_close(w);
}

void corpus_lanes(void) {
    lane_of_leader();
    lane_of_replica();
    lane_served();
}
