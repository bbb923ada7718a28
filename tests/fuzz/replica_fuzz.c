/* Fuzz target: a whole replica, to which one member and one client say what the input says. */
#include "tests/fuzz/replica_target.h"

static void say(world_t *w, frame_kind_t kind, bytes_t body) {
    static _Alignas(16) uint8_t room[1 << 18];
    arena_t arena = arena_of(room, sizeof room);
    message_t message;
    bytes_t payload;
    forget(w);
    if (kind == FRAME_MESSAGE && target_message_in(w, body, &arena, &message, &payload))
        tell(w, member_link(LIAR), &message, payload);
    else
        feed(w, member_link(LIAR), kind, body);
}

const uint32_t fuzz_price = 60;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16)
        return 0;
    world_t *w = target_replica(PAYLOAD_INLINE);
    target_hear(w, data, size, say);
    world_close(w);
    return 0;
}
