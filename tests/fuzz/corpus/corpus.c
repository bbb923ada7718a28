/* fuzz_corpus FOLDER: the first corpus of every fuzz target, small and from real structures. The
 * same bytes in every run; made again when a format changes: build/debug/tests/fuzz_corpus
 * tests/data/fuzz What fuzzing found has other names there, and stays. */
#include "tests/fuzz/corpus/corpus.h"

#include <errno.h>
#include <sys/stat.h>

#include "codec/snapshot_codec.h"
#include "tests/fuzz/codec_seeds.h"

#define LINKED_BYTES 4096

static const char *folder;

void corpus_write(const char *target, const char *name, bytes_t first, bytes_t bytes) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, target);
    require(mkdir(path, 0755) == 0 || errno == EEXIST);
    (void)snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *file = fopen(path, "wb");
    require(file != NULL);
    require(first.size == 0 || fwrite(first.data, first.size, 1, file) == 1);
    require(bytes.size == 0 || fwrite(bytes.data, bytes.size, 1, file) == 1);
    require(fclose(file) == 0);
}

/* `count` values of a generator, each behind the byte that chooses it in its target. */
static void values(const char *target, const char *name, int choice, generator_t *generator,
                   uint32_t count) {
    static uint8_t bytes[SEED_MAX];
    prng_t prng = prng_of((uint64_t)choice + 1);
    for (uint32_t i = 0; i < count; i++) {
        char file[64];
        const uint8_t first = (uint8_t)choice;
        size_t size = SEED_MAX;
        while (size > 900) /* small ones are fuzzed faster */
            size = generator(&prng, bytes);
        (void)snprintf(file, sizeof file, "%s-%u", name, i);
        corpus_write(target, file, bytes_of(&first, choice < 0 ? 0 : 1), bytes_of(bytes, size));
    }
}

static size_t write_frames(prng_t *prng, uint8_t *to) {
    size_t size = 0;
    for (int i = 0; i < 3; i++)
        size += write_frame(prng, to + size);
    return size;
}

static size_t write_small_certificate(prng_t *prng, uint8_t *to) {
    return encode_certificate(random_certificate(prng, 4, 1, seed_sample.certificates[0]), to);
}

static size_t write_small_message(prng_t *prng, uint8_t *to) {
    const uint8_t phase = (uint8_t)prng_below(prng, TARGET_PHASES);
    return encode_message(random_message(prng, 4, phase, &seed_sample), to);
}

static size_t write_block(prng_t *prng, uint8_t *to) {
    const block_t *block = random_block(prng, seed_sample.block);
    writer_t writer = writer_of(to, SEED_MAX);
    block_encode(block, &writer);
    return writer.at;
}

/* ---- snapshots ---- */

static size_t write_manifest(prng_t *prng, uint8_t *to) {
    uint8_t chunks[3 * SYNOD_DIGEST_BYTES], attestations[3 * 68], proof[40];
    random_fill(prng, chunks, sizeof chunks);
    random_fill(prng, attestations, sizeof attestations);
    for (uint32_t i = 0; i < 3; i++)
        store_u32(attestations + 68 * i, i + 1);
    const snapshot_manifest_t manifest = {.domain = random_digest(prng),
                                          .epoch = 1,
                                          .height = 77,
                                          .id = random_digest(prng),
                                          .root = random_digest(prng),
                                          .stream_bytes = 2 * SNAPSHOT_CHUNK_BYTES + 5,
                                          .chunk_count = 3,
                                          .chunks = bytes_of(chunks, sizeof chunks),
                                          .attestation_count = 3,
                                          .attestations =
                                              bytes_of(attestations, sizeof attestations),
                                          .proof = random_bytes(prng, proof, sizeof proof)};
    writer_t writer = writer_of(to, SEED_MAX);
    snapshot_manifest_encode(&manifest, &writer);
    require(!writer.failed);
    return writer.at;
}

static size_t write_header(prng_t *prng, uint8_t *to) {
    const snapshot_header_t header = {.height = 77,
                                      .stream_bytes = 70000,
                                      .manifest_bytes = 500,
                                      .manifest = random_digest(prng)};
    snapshot_header_encode(&header, to);
    return SNAPSHOT_HEADER_BYTES;
}

static size_t write_snapshot_ask(prng_t *prng, uint8_t *to) {
    const bool chunk = prng_chance(prng, 500000);
    const snapshot_ask_t ask = {.part = chunk ? SNAPSHOT_CHUNK : SNAPSHOT_MANIFEST,
                                .height = chunk ? 0 : 5,
                                .content = chunk ? random_digest(prng) : (digest_t){{0}},
                                .index = chunk ? 3 : 0,
                                .count = chunk ? 2 : 0};
    writer_t writer = writer_of(to, SEED_MAX);
    snapshot_ask_encode(&ask, &writer);
    return writer.at;
}

static size_t write_snapshot_answer(prng_t *prng, uint8_t *to) {
    uint8_t space[300];
    const snapshot_answer_t answer = {.part = SNAPSHOT_CHUNK,
                                      .content = random_digest(prng),
                                      .index = 2,
                                      .bytes = random_bytes(prng, space, sizeof space)};
    writer_t writer = writer_of(to, SEED_MAX);
    snapshot_answer_encode(&answer, &writer);
    return writer.at;
}

/* ---- what peers say to a replica and a client, frame after frame ---- */

typedef struct said {
    frame_kind_t kind;
    generator_t *generator;
} said_t;

static void conversation(const char *target, const char *name, const said_t *said, uint32_t count,
                         uint8_t first_kind, uint64_t seed) {
    static uint8_t bytes[16 * SEED_MAX];
    prng_t prng = prng_of(seed);
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t length = SEED_MAX;
        while (length > 600)
            length = said[i].generator(&prng, bytes + size + 4);
        bytes[size] = (uint8_t)(first_kind + said[i].kind - FRAME_HELLO);
        bytes[size + 1] = 3;
        store_u16(bytes + size + 2, (uint16_t)length);
        size += 4 + length;
    }
    corpus_write(target, name, bytes_of(NULL, 0), bytes_of(bytes, size));
}

static size_t write_own_reply(prng_t *prng, uint8_t *to) {
    uint8_t result[32];
    writer_t body = writer_of(result, sizeof result);
    write_u8(&body, 0);
    write_u32(&body, 4);
    write_u32(&body, 4711);
    const reply_t reply = {.session = 101,
                           .sequence = 1 + prng_below(prng, 3),
                           .status = SYNOD_OK,
                           .height = 3,
                           .result = writer_bytes(&body)};
    writer_t writer = writer_of(to, SEED_MAX);
    reply_encode(&reply, &writer);
    return writer.at;
}

static void conversations(void) {
    static const said_t to_replica[] = {
        {FRAME_MESSAGE, write_small_message}, {FRAME_BLOCK_ASK, write_block_ask},
        {FRAME_BLOCK, write_block_answer},    {FRAME_CHECKPOINT, write_checkpoint},
        {FRAME_HELLO, write_hello},
    };
    static const said_t to_replica_too[] = {{FRAME_MESSAGE, write_small_message},
                                            {FRAME_GOODBYE, write_goodbye}};
    static const said_t about_batches[] = {{FRAME_BATCH, write_batch},
                                           {FRAME_BATCH_ACK, write_batch_ack},
                                           {FRAME_BATCH_ASK, write_batch_ask},
                                           {FRAME_BATCH_PROOF, write_batch_proof}};
    static const said_t from_client[] = {
        {FRAME_ATTACH, write_attach}, {FRAME_REQUEST, write_request}, {FRAME_QUERY, write_query}};
    static const said_t to_client[] = {{FRAME_REPLY, write_own_reply},
                                       {FRAME_REPLY, write_own_reply},
                                       {FRAME_REPLY, write_reply},
                                       {FRAME_QUERY_REPLY, write_query_reply},
                                       {FRAME_GOODBYE, write_goodbye}};
    conversation("replica", "member", to_replica, 5, 0, 1);
    conversation("replica", "member-too", to_replica_too, 2, 0, 2);
    conversation("lanes", "member", about_batches, 4, 0, 6);
    conversation("replica", "client", from_client, 3, 128, 3);
    conversation("client", "replies", to_client, 3, 0, 4);
    conversation("client", "all", to_client, 5, 0, 5);
}

/* Edits to a device; tests/fuzz/journal_fuzz.c says how they look. */
static void journal(void) {
    static const uint8_t whole[] = {1}, few[] = {2}, zero[] = {0};
    static const uint8_t edited[] = {1, 1, 0x40, 0x10, 0, 4, 9, 9, 9, 9, 4, 0, 0x20, 1, 2, 7, 7};
    corpus_write("journal", "whole", bytes_of(NULL, 0), bytes_of(whole, sizeof whole));
    corpus_write("journal", "few", bytes_of(NULL, 0), bytes_of(few, sizeof few));
    corpus_write("journal", "zero", bytes_of(NULL, 0), bytes_of(zero, sizeof zero));
    corpus_write("journal", "edited", bytes_of(NULL, 0), bytes_of(edited, sizeof edited));
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_corpus FOLDER\n");
        return 2;
    }
    folder = argv[1];
    values("codec_frame", "frames", -1, write_frames, 3);
    values("codec_hello", "hello", 0, write_hello, 2);
    values("codec_hello", "goodbye", 1, write_goodbye, 2);
    values("codec_message", "message", 1, write_small_message, 6);
    values("codec_message", "certificate", 5, write_small_certificate, 2);
    values("codec_request", "request", 0, write_request, 2);
    values("codec_request", "payload", 1, write_payload, 2);
    values("codec_request", "reply", 2, write_reply, 2);
    values("codec_request", "result", 3, write_result, 2);
    values("codec_request", "attach", 4, write_attach, 1);
    values("codec_sync", "ask", 0, write_block_ask, 2);
    values("codec_sync", "answer", 1, write_block_answer, 1);
    values("codec_sync", "checkpoint", 2, write_checkpoint, 1);
    values("codec_sync", "query", 3, write_query, 1);
    values("codec_sync", "query-reply", 4, write_query_reply, 1);
    values("codec_sync", "status", 5, write_status_report, 1);
    values("codec_batch", "batch", 0, write_batch, 1);
    values("codec_batch", "ack", 1, write_batch_ack, 1);
    values("codec_batch", "ask", 2, write_batch_ask, 1);
    values("codec_batch", "references", 3, write_references, 2);
    values("codec_batch", "references-many", 4, write_references_many, 1);
    values("block", "block", -1, write_block, 4);
    values("snapshot", "manifest", 0, write_manifest, 2);
    values("snapshot", "header", 1, write_header, 1);
    values("snapshot", "ask", 2, write_snapshot_ask, 3);
    values("snapshot", "answer", 3, write_snapshot_answer, 2);
    conversations();
    journal();
    corpus_state();
    corpus_replica();
    corpus_lanes();
    return 0;
}
