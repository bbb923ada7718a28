/* The corpus of a whole replica: what an honest leader and a client say to it, as its own tests do.
 */
#include "tests/unit/replica_chain.h"

#include "tests/fuzz/corpus/corpus.h"

/* What was fed of these kinds, in the form of tests/fuzz/replica_fuzz.c. */
static void write_fed(const world_t *w, const char *name, const frame_kind_t *kinds,
                      uint32_t count) {
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
    corpus_write("replica", name, bytes_of(NULL, 0), writer_bytes(&writer));
}

void corpus_replica(void) {
    static const frame_kind_t messages[] = {FRAME_MESSAGE};
    static const frame_kind_t client[] = {FRAME_ATTACH, FRAME_REQUEST};
    static node_t nodes[4];
    world_t *w = world_open(SUITE_SYMBOLIC, 1);
    propose_chain(w, nodes, 3);
    write_fed(w, "leader", messages, 1);
    world_close(w);

    w = world_open(SUITE_SYMBOLIC, 1);
    nodes[0] = genesis(w);
    tell_timeout(w, 0, 1, &nodes[0]);
    tell_status(w, member_link(0), 0, 3);
    write_fed(w, "waits", messages, 1);
    world_close(w);

    w = world_open(SUITE_SYMBOLIC, 1);
    attach(w, 0, client_link(0));
    ask(w, client_link(0), 0, 0, 7, 0, "");
    ask(w, client_link(0), 0, 1, 1, 0, "e");
    write_fed(w, "asks", client, 2);
    world_close(w);
}
