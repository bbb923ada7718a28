/* Fuzz target: a whole replica, to which one member and one client say what the input says: frames
 * of any kind over links that have been greeted. It must neither stop nor halt, and goes on.
 *
 * The input is a list: link and kind u8, pause in 10 ms u8, size u16, body. */
#include "tests/unit/replica_chain.h"

#include "base/check.h"
#include "tests/fuzz/fuzz.h"

#define FRAMES_MAX 32
#define JOURNAL_SEGMENTS 8
#define LIAR 0u /* who leads first */

/* A message is signed by the liar, whatever is in it: what follows the check of signatures is to be
 * reached. */
static void say_signed(world_t *w, bytes_t body) {
    static _Alignas(16) uint8_t room[1 << 18];
    const protocol_t *protocol = w->config.protocol;
    arena_t arena = arena_of(room, sizeof room);
    reader_t reader = reader_of(body);
    message_t message;
    if (message_decode(&reader, protocol->phases, protocol->phase_count, MEMBERS, &arena,
                       &message) != SYNOD_OK) {
        feed(w, member_link(LIAR), FRAME_MESSAGE, body);
        return;
    }
    message.author = LIAR;
    message.statement.epoch = w->committee.epoch;
    const bytes_t payload = read_bytes(&reader, reader_left(&reader));
    if (message_encoded_bytes(&message) + payload.size <= sizeof w->body)
        tell(w, member_link(LIAR), &message, payload);
}

const uint32_t fuzz_price = 60;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16)
        return 0;
    world_t *w = world_make(SUITE_SYMBOLIC, 1);
    w->config.journal_segments = JOURNAL_SEGMENTS; /* fewer than the world has: read sooner */
    start(w);
    connect_all(w);
    reader_t input = reader_of(bytes_of(data, size));
    for (uint32_t frames = 0; frames < FRAMES_MAX && reader_left(&input) >= 4; frames++) {
        const uint8_t kind = read_u8(&input), pause = read_u8(&input);
        size_t length = read_u16(&input);
        length = length < reader_left(&input) ? length : reader_left(&input);
        const bytes_t body = read_bytes(&input, length);
        const frame_kind_t named =
            (frame_kind_t)((kind & 127) % (FRAME_KIND_END - FRAME_HELLO) + FRAME_HELLO);
        const link_t link = (kind & 128) != 0 ? client_link(0) : member_link(LIAR);
        if (body.size > frame_body_max(named))
            continue;
        forget(w);
        if (named == FRAME_MESSAGE && link == member_link(LIAR))
            say_signed(w, body);
        else
            feed(w, link, named, body);
        const bool closed = was_closed(w, link);
        if (!closed)
            (void)fuzz_took(SYNOD_OK);
        pass(w, pause % 16 * UINT64_C(10000000));
        if (closed) {
            replica_on_link_down(w->replica, w->now, link);
            if (link == client_link(0))
                client_comes(w, link);
            else
                member_comes(w, link, LIAR);
        }
    }
    require(w->halted == SYNOD_OK);
    require(replica_phase(w->replica) == REPLICA_RUNNING);
    world_close(w);
    return 0;
}
