/* libFuzzer: hello, what is said about a difference, and goodbye. */
#include "tests/fuzz/codec_targets.h"
#include "tests/fuzz/fuzz.h"

static void judge(const uint8_t *data, size_t size) {
    static const hello_t ours = {.role = ROLE_MEMBER, .member = 1};
    hello_t theirs;
    reader_t reader = reader_of(bytes_of(data, size));
    if (hello_decode(&reader, &theirs) != SYNOD_OK)
        return;
    char reason[160];
    const size_t room = theirs.connection % (sizeof reason + 1);
    memset(reason, 0x7f, sizeof reason);
    (void)hello_judge(&ours, &theirs, reason, room);
    require(room == 0 || memchr(reason, '\0', room) != NULL);
    for (size_t at = room; at < sizeof reason; at++)
        require(reason[at] == 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > TARGET_BYTES_MAX)
        return 0;
    if ((data[0] & 1) != 0) {
        (void)fuzz_took(target_exact(target_goodbye, data + 1, size - 1));
        return 0;
    }
    (void)fuzz_took(target_exact(target_hello, data + 1, size - 1));
    judge(data + 1, size - 1);
    return 0;
}
