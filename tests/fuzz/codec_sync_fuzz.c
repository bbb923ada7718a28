/* libFuzzer: bodies of the sync, checkpoint, query and status frames; the first byte chooses. */
#include "tests/fuzz/codec_targets.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static target_t *const targets[] = {target_block_ask,   target_block_answer,
                                        target_checkpoint,  target_query,
                                        target_query_reply, target_status_report};
    if (size == 0 || size > TARGET_BYTES_MAX)
        return 0;
    (void)fuzz_took(target_exact(targets[data[0] % 6], data + 1, size - 1));
    return 0;
}
