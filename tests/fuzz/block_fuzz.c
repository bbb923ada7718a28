/* Fuzz target: a block, as peers, clients of sync and the journal give it. What is taken has no
 * other encoding, and one that fits is not refused for lack of room. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "model/block.h"
#include "tests/fuzz/fuzz.h"

enum { PARENTS_ROOM = 8, BYTES_MAX = 1 << 14 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t again[BYTES_MAX];
    if (size > sizeof again)
        return 0;
    block_t *block = malloc(block_bytes(PARENTS_ROOM));
    require(block != NULL);
    reader_t reader = reader_of(bytes_of(data, size));
    if (fuzz_took(block_decode(&reader, block, block_bytes(PARENTS_ROOM)))) {
        require(block->parent_count <= PARENTS_ROOM);
        require(block_encoded_bytes(block) == reader.at);
        writer_t writer = writer_of(again, reader.at);
        block_encode(block, &writer);
        require(!writer.failed && writer.at == reader.at && memcmp(again, data, reader.at) == 0);
        digest_t id = block_id(block);
        (void)id;
        reader_t narrow = reader_of(bytes_of(data, size));
        if (block->parent_count > 0)
            require(block_decode(&narrow, block, block_bytes(block->parent_count - 1)) != SYNOD_OK);
    }
    free(block);
    return 0;
}
