/* libFuzzer: batches, acknowledgements, questions, and payloads of references; the first byte
 * chooses. */
#include "tests/fuzz/codec_targets.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static target_t *const targets[] = {target_batch, target_batch_ack, target_batch_ask,
                                        target_references, target_references_many};
    if (size == 0 || size > TARGET_BYTES_MAX)
        return 0;
    (void)fuzz_took(target_exact(targets[data[0] % 5], data + 1, size - 1));
    return 0;
}
