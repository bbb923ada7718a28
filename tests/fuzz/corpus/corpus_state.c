/* The corpus of what holds state: operations, proofs and streams of kv, the stream of a ledger, the
 * files of a home. */
#include "tests/fuzz/corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/genesis.h"
#include "adapter/node_key.h"
#include "adapter/settings.h"
#include "app/kv_client.h"
#include "base/check.h"
#include "codec/request.h"
#include "replica/ledger.h"

typedef struct sink {
    uint8_t bytes[1 << 16];
    size_t size;
} sink_t;

static sink_t sink, proof;

static bool put(void *context, synod_bytes bytes) {
    sink_t *to = context;
    require(bytes.size <= sizeof to->bytes - to->size);
    if (bytes.size > 0)
        memcpy(to->bytes + to->size, bytes.data, bytes.size);
    to->size += bytes.size;
    return true;
}

static synod_writer writer_to(sink_t *to) {
    to->size = 0;
    return (synod_writer){put, to, 4096};
}

static bytes_t word(const char *text) {
    return bytes_of(text, strlen(text));
}

/* Operation k of a small life of kv. */
static bytes_t operation(int k) {
    static uint8_t bytes[512];
    writer_t writer = writer_of(bytes, sizeof bytes);
    const kv_scan_bounds_t bounds = {.entries_max = 3, .bytes_max = 100};
    switch (k) {
    case 0:
        kv_encode_set(&writer, word("apple"), word("red"));
        break;
    case 1:
        kv_encode_increment(&writer, word("visits"), 7);
        break;
    case 2:
        kv_encode_swap(&writer, word("apple"), (kv_condition_t){KV_EQUALS, word("red")},
                       (kv_maybe_t){true, word("green")});
        break;
    case 3:
        kv_encode_transaction(&writer, 2);
        kv_encode_set(&writer, word("pear"), word("long"));
        kv_encode_check(&writer, word("pear"), (kv_condition_t){.kind = KV_PRESENT});
        break;
    case 4:
        kv_encode_scan(&writer, word(""), &bounds);
        break;
    case 5:
        kv_encode_get(&writer, word("apple"));
        break;
    case 6:
        kv_encode_get(&writer, word("nothing"));
        break;
    default:
        kv_encode_delete(&writer, word("visits"));
    }
    require(!writer.failed);
    return writer_bytes(&writer);
}
#define OPERATIONS 8

static void *kv_with_life(void) {
    const synod_app *kv = synod_app_kv();
    const synod_block_info block = {.size_bytes = sizeof block, .height = 1};
    void *state;
    synod_digest root;
    require(kv->open(&state) == SYNOD_OK);
    for (int k = 0; k < OPERATIONS - 1; k++) {
        synod_writer to = writer_to(&sink);
        require(kv->execute(state, &block, operation(k), &to) == SYNOD_OK);
    }
    kv->root(state, &root);
    return state;
}

static void kv_operations(void) {
    uint8_t bytes[2048];
    writer_t writer = writer_of(bytes, sizeof bytes);
    for (int k = 0; k < OPERATIONS; k++) {
        const bytes_t encoded = operation(k);
        write_u8(&writer, k == 5 || k == 6 ? 2 : 0);
        write_u16(&writer, (uint16_t)encoded.size);
        write_bytes(&writer, encoded.data, encoded.size);
    }
    corpus_write("kv", "life", bytes_of(NULL, 0), writer_bytes(&writer));
    writer = writer_of(bytes, sizeof bytes);
    for (int k = 0; k < OPERATIONS; k += 5) {
        const bytes_t encoded = operation(k);
        write_u8(&writer, k == 0 ? 1 : 2);
        write_u16(&writer, (uint16_t)encoded.size);
        write_bytes(&writer, encoded.data, encoded.size);
    }
    corpus_write("kv", "proved", bytes_of(NULL, 0), writer_bytes(&writer));
}

static void kv_proofs(void) {
    const synod_app *kv = synod_app_kv();
    static const char *const names[] = {"present", "absent"};
    void *state = kv_with_life();
    for (int k = 0; k < 2; k++) {
        uint8_t first[512];
        const bytes_t asked = operation(5 + k);
        synod_writer to = writer_to(&sink), proves = writer_to(&proof);
        synod_digest root;
        kv->root(state, &root);
        require(kv->query(state, asked, true, &to, &proves) == SYNOD_OK);
        writer_t writer = writer_of(first, sizeof first);
        write_bytes(&writer, root.bytes, sizeof root.bytes);
        write_u8(&writer, (uint8_t)asked.size);
        write_u16(&writer, (uint16_t)sink.size);
        write_bytes(&writer, asked.data, asked.size);
        write_bytes(&writer, sink.bytes, sink.size);
        require(!writer.failed);
        corpus_write("kv_proof", names[k], writer_bytes(&writer),
                     bytes_of(proof.bytes, proof.size));
    }
    kv->close(state);
}

static void kv_stream(void) {
    const synod_app *kv = synod_app_kv();
    static const uint8_t first[] = {0, 40};
    void *state = kv_with_life();
    bool more = true;
    synod_writer to = writer_to(&sink);
    kv->snapshot_begin(state);
    while (more)
        require(kv->snapshot_next(state, &to, &more) == SYNOD_OK);
    kv->snapshot_end(state);
    kv->close(state);
    corpus_write("stream", "kv", bytes_of(first, sizeof first), bytes_of(sink.bytes, sink.size));
}

/* ---- the ledger ---- */

static synod_status judge_any_key(const void *context, const key_public_t *key) {
    (void)context, (void)key;
    return SYNOD_OK;
}

static request_t request(uint8_t *space, uint64_t session, uint64_t sequence, bytes_t body) {
    request_t decoded;
    writer_t writer = writer_of(space, 512);
    request_begin(&writer, session, sequence, 0);
    request_add(&writer, body);
    store_u32(space + REQUEST_HEADER_BYTES - 4, 1);
    uint8_t signature[SYNOD_SIGNATURE_BYTES] = {1};
    write_bytes(&writer, signature, sizeof signature);
    reader_t reader = reader_of(writer_bytes(&writer));
    require(request_decode(&reader, &decoded) == SYNOD_OK);
    return decoded;
}

static void save(ledger_t *ledger, const char *name) {
    static const uint8_t first[] = {1, 99};
    bool more = true;
    synod_writer to = writer_to(&sink);
    ledger_save_begin(ledger);
    while (more)
        require(ledger_save_next(ledger, &to, &more) == SYNOD_OK);
    ledger_save_end(ledger);
    corpus_write("stream", name, bytes_of(first, sizeof first), bytes_of(sink.bytes, sink.size));
}

/* The parameters of tests/fuzz/stream_fuzz.c. */
static void ledger_stream(void) {
    const ledger_parameters_t parameters = {.sessions_max = 16,
                                            .session_window = 16,
                                            .session_reply_bytes = 1024,
                                            .session_idle_ns = 1000,
                                            .reply_bytes_max = 8192,
                                            .state_bytes_max = 1u << 20};
    const verifier_t verifier = {.judge_key = judge_any_key};
    const size_t size = (ledger_bytes(&parameters) + 15) & ~(size_t)15;
    void *memory = aligned_alloc(16, size);
    ledger_t *ledger;
    require(memory != NULL);
    memset(memory, 0, size);
    require(ledger_open(memory, &parameters, synod_app_kv(), &verifier, &ledger) == SYNOD_OK);
    save(ledger, "empty");
    block_t *block = calloc(1, block_bytes(1));
    require(block != NULL);
    uint8_t space[3][512], key[REQUEST_OPEN_BYTES] = {7};
    request_t requests[3] = {request(space[0], 0, 0, bytes_of(key, sizeof key))};
    block->height = 1;
    block->time_ns = 5;
    ledger_execute(ledger, block, requests, 1, NULL, NULL);
    save(ledger, "session");
    for (uint32_t i = 0; i < 3; i++)
        requests[i] = request(space[i], 1, 1 + 2 * i, operation((int)i));
    block->height = 2;
    ledger_execute(ledger, block, requests, 3, NULL, NULL);
    save(ledger, "answers");
    ledger_close(ledger);
    free(block);
    free(memory);
}

/* ---- a home ---- */

static void texts(void) {
    static const char genesis[] =
        "{\"version\":3,\"chain\":\"x\",\"protocol\":\"hotstuff\",\"app\":\"kv\","
        "\"time\":\"2025-01-31T12:00:00Z\",\"parameters\":{\"view_timeout_ns\":500000000},"
        "\"members\":[{\"name\":\"a\",\"address\":\"127.0.0.1:7100\",\"weight\":1,\"key\":"
        "\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\",\"tls_key\":"
        "\"0272d1eebd68bc08347ac1b2d863a5fa684df99d6f1cde4d13958cc0f046ab337f\"}]}";
    static const char config[] = "; what differs\n[network]\nlisten = 127.0.0.1:7100\nclients = 9\n"
                                 "[storage]\ndata = data\njournal_segment_kib = 256\n[log]\n"
                                 "level = detail\nformat = json\nfile = log\n";
    static const char key[] =
        "synod-node-key 1\n"
        "member-seed 1111111111111111111111111111111111111111111111111111111111111111\n"
        "tls-seed 2222222222222222222222222222222222222222222222222222222222222222\n"
        "checksum a2a84cba20fcc1a1\n";
    static const uint8_t first[] = {0, 1};
    corpus_write("records", "some", bytes_of(NULL, 0), word("a\tone\nb\ttwo\na\tthree\n"));
    corpus_write("genesis", "small", bytes_of(NULL, 0), word(genesis));
    corpus_write("settings", "config", bytes_of(first, 1), word(config));
    corpus_write("settings", "key", bytes_of(first + 1, 1), word(key));
}

void corpus_state(void) {
    kv_operations();
    kv_proofs();
    kv_stream();
    ledger_stream();
    texts();
}
