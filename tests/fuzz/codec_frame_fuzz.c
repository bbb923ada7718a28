/* libFuzzer: a stream of frames. A checksum stops random changes at the door, so the fuzzer also
 * gets one whose checksums are made right. */
#include "tests/fuzz/codec_targets.h"
#include "tests/fuzz/fuzz.h"

static synod_status target_frame_sealed(bytes_t input) {
    if (input.size >= FRAME_HEADER_BYTES && input.size <= TARGET_BYTES_MAX) {
        static uint8_t copy[TARGET_BYTES_MAX];
        const uint32_t kind = input.data[6];
        const size_t body = input.size - FRAME_HEADER_BYTES;
        if (kind >= FRAME_HELLO && kind < FRAME_KIND_END &&
            body <= frame_body_max((frame_kind_t)kind)) {
            memcpy(copy, input.data, input.size);
            frame_seal(copy, (frame_kind_t)kind, body);
            require(target_frame(bytes_of(copy, input.size)) == SYNOD_OK);
        }
    }
    return SYNOD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > TARGET_BYTES_MAX)
        return 0;
    (void)fuzz_took(target_exact(target_frame, data, size));
    (void)fuzz_took(target_exact(target_frame_sealed, data, size));
    return 0;
}
