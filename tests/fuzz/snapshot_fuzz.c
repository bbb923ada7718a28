/* Fuzz target: what snapshots consist of beside their chunks: manifest, header of the stored form,
 * and the two frames of state transfer. The first byte chooses. */
#include <string.h>

#include "base/check.h"
#include "codec/snapshot_codec.h"
#include "tests/fuzz/fuzz.h"

enum { BYTES_MAX = 1 << 16 };

static uint8_t again[BYTES_MAX];

static void same(const writer_t *writer, bytes_t input) {
    require(!writer->failed && writer->at == input.size);
    require(memcmp(again, input.data, input.size) == 0);
}

static void manifest(bytes_t input) {
    snapshot_manifest_t decoded;
    if (!fuzz_took(snapshot_manifest_decode(input, &decoded)))
        return;
    uint64_t stream = 0;
    for (uint32_t i = 0; i < decoded.chunk_count; i++) {
        const digest_t digest = snapshot_chunk_digest(&decoded, i);
        require(memcmp(digest.bytes, decoded.chunks.data + 32 * (size_t)i, 32) == 0);
        stream += snapshot_chunk_bytes(&decoded, i);
    }
    require(stream == decoded.stream_bytes);
    const digest_t content = snapshot_content_id(input, &decoded);
    (void)content;
    writer_t writer = writer_of(again, input.size);
    snapshot_manifest_encode(&decoded, &writer);
    same(&writer, input);
}

static void header(bytes_t input) {
    snapshot_header_t decoded;
    uint8_t bytes[SNAPSHOT_HEADER_BYTES] = {0};
    if (input.size != sizeof bytes || !fuzz_took(snapshot_header_decode(input.data, &decoded)))
        return;
    snapshot_header_encode(&decoded, bytes);
    require(memcmp(bytes, input.data, sizeof bytes) == 0);
}

static void ask(bytes_t input) {
    snapshot_ask_t decoded;
    reader_t reader = reader_of(input);
    if (!fuzz_took(snapshot_ask_decode(&reader, &decoded)))
        return;
    writer_t writer = writer_of(again, input.size);
    snapshot_ask_encode(&decoded, &writer);
    same(&writer, input);
}

static void answer(bytes_t input) {
    snapshot_answer_t decoded;
    reader_t reader = reader_of(input);
    if (!fuzz_took(snapshot_answer_decode(&reader, &decoded)))
        return;
    writer_t writer = writer_of(again, input.size);
    snapshot_answer_encode(&decoded, &writer);
    same(&writer, input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const targets[])(bytes_t) = {manifest, header, ask, answer};
    if (size == 0 || size > sizeof again)
        return 0;
    targets[data[0] & 3](bytes_of(data + 1, size - 1));
    return 0;
}
