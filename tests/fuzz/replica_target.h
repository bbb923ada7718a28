/* What the targets of a whole replica share: one member and one client say what the input says,
 * frames of any kind over links that have been greeted. It must neither stop nor halt, and goes on.
 *
 * The input is a list: link and kind u8, pause in 10 ms u8, size u16, body. */
#ifndef TESTS_FUZZ_REPLICA_TARGET_H
#define TESTS_FUZZ_REPLICA_TARGET_H

#include "tests/unit/replica_chain.h"

#include "base/check.h"
#include "tests/fuzz/fuzz.h"

#define TARGET_FRAMES_MAX 32
#define TARGET_SEGMENTS 8
#define LIAR 0u /* who leads first */

/* Says something of the liar's in its name: signed by it, whatever it is, so that what follows the
 * check of signatures is reached. */
typedef void target_say_t(world_t *w, frame_kind_t kind, bytes_t body);

/* The message in a body, in `arena`, as one of the liar's; false: there is none. */
static inline bool target_message_in(const world_t *w, bytes_t body, arena_t *arena,
                                     message_t *message, bytes_t *payload) {
    const protocol_t *protocol = w->config.protocol;
    reader_t reader = reader_of(body);
    if (message_decode(&reader, protocol->phases, protocol->phase_count, MEMBERS, arena, message) !=
        SYNOD_OK)
        return false;
    message->author = LIAR;
    message->statement.epoch = w->committee.epoch;
    *payload = read_bytes(&reader, reader_left(&reader));
    return message_encoded_bytes(message) + payload->size <= sizeof w->body;
}

static inline void target_hear_one(world_t *w, uint8_t kind, bytes_t body, target_say_t *say) {
    const frame_kind_t named =
        (frame_kind_t)((kind & 127) % (FRAME_KIND_END - FRAME_HELLO) + FRAME_HELLO);
    if (body.size > frame_body_max(named))
        return;
    if ((kind & 128) != 0)
        feed(w, client_link(0), named, body);
    else
        say(w, named, body);
}

static inline void target_hear(world_t *w, const uint8_t *data, size_t size, target_say_t *say) {
    reader_t input = reader_of(bytes_of(data, size));
    for (uint32_t frames = 0; frames < TARGET_FRAMES_MAX && reader_left(&input) >= 4; frames++) {
        const uint8_t kind = read_u8(&input), pause = read_u8(&input);
        size_t length = read_u16(&input);
        length = length < reader_left(&input) ? length : reader_left(&input);
        const link_t link = (kind & 128) != 0 ? client_link(0) : member_link(LIAR);
        target_hear_one(w, kind, read_bytes(&input, length), say);
        const bool closed = was_closed(w, link);
        if (!closed)
            (void)fuzz_took(SYNOD_OK);
        pass(w, pause % 16 * UINT64_C(10000000));
        if (!closed)
            continue;
        replica_on_link_down(w->replica, w->now, link);
        if (link == client_link(0))
            client_comes(w, link);
        else
            member_comes(w, link, LIAR);
        forget(w);
    }
    require(w->halted == SYNOD_OK);
    require(replica_phase(w->replica) == REPLICA_RUNNING);
}

/* A replica that knows everybody; with fewer segments than its disk, which are read sooner. */
static inline world_t *target_replica(uint32_t payload) {
    world_t *w = world_make(SUITE_SYMBOLIC, 1);
    w->config.journal_segments = TARGET_SEGMENTS;
    w->config.chain.payload = payload;
    start(w);
    connect_all(w);
    return w;
}

#endif
