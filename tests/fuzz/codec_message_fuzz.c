/* libFuzzer: messages and certificates. The first byte chooses the committee and which of both. */
#include "tests/fuzz/codec_targets.h"
#include "tests/fuzz/fuzz.h"

static uint32_t members;

static synod_status message_of_members(bytes_t input) {
    return target_message_of(members, input);
}

static synod_status certificate_of_members(bytes_t input) {
    return target_certificate_of(members, input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint32_t sizes[] = {1, 4, 7, TARGET_MEMBERS_MAX};
    if (size == 0 || size > TARGET_BYTES_MAX)
        return 0;
    members = sizes[data[0] & 3];
    (void)fuzz_took(target_exact((data[0] & 4) != 0 ? certificate_of_members : message_of_members,
                                 data + 1, size - 1));
    return 0;
}
