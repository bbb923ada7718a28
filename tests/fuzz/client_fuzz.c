/* Fuzz target: a client of four replicas, one of which says what the input says: frames (replies,
 * answers, status, anything) over its link, while operations are under way. Whatever it says, every
 * operation ends once, with the honest result, and a read that is answered is answered honestly
 * (attacks C2, C4).
 *
 * The input is a list: kind u8, pause in ms u8, size u16, body. */
#include "tests/unit/client_drive.h"

#include "tests/fuzz/fuzz.h"

#define LIES_MAX 64
#define OPERATIONS 6

static void lie(world_t *w, uint8_t kind, bytes_t body) {
    static uint8_t bytes[FRAME_HEADER_BYTES + (1 << 16)];
    frame_t frame;
    size_t used;
    const uint32_t named = kind % (FRAME_KIND_END - FRAME_HELLO) + FRAME_HELLO;
    if (body.size > frame_body_max((frame_kind_t)named))
        return;
    if (body.size > 0)
        memcpy(bytes + FRAME_HEADER_BYTES, body.data, body.size);
    frame_seal(bytes, (frame_kind_t)named, body.size);
    const size_t size = FRAME_HEADER_BYTES + body.size;
    assert_int_equal(frame_decode(bytes_of(bytes, size), &frame, &used), SYNOD_OK);
    client_on_frame(w->client, w->now_ns, w->fakes[0].link, frame);
}

const uint32_t fuzz_price = 6;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16)
        return 0;
    world_t *w = drive_make(4, 7);
    w->fakes[0].mode = SILENT;
    drive_start(w);
    uint64_t token = 0;
    assert_int_equal(client_query(w->client, w->now_ns, bytes_of("who", 3), false, &token),
                     SYNOD_OK);
    reader_t input = reader_of(bytes_of(data, size));
    for (uint64_t lies = 0; lies < LIES_MAX && reader_left(&input) >= 4; lies++) {
        const uint8_t kind = read_u8(&input), pause_ms = read_u8(&input);
        size_t length = read_u16(&input);
        length = length < reader_left(&input) ? length : reader_left(&input);
        const bytes_t body = read_bytes(&input, length);
        if (lies < OPERATIONS)
            (void)drive_submit(w, lies + 1);
        w->closed_link = CLIENT_LINK_NONE;
        lie(w, kind, body);
        drive_for(w, pause_ms % 16 * MS);
        if (w->closed_link == w->fakes[0].link) { /* found out: it comes back */
            w->fakes[0].link = CLIENT_LINK_NONE;
            drive_up(w, 0);
            drive_for(w, 2 * MS);
        }
        (void)fuzz_took(SYNOD_OK);
    }
    drive_for(w, 3000 * MS);
    for (uint64_t number = 1; number <= OPERATIONS && w->token_of[number] != 0; number++)
        expect_honest(w, number);
    drive_free(w);
    return 0;
}
