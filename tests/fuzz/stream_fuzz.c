/* Fuzz target: the stream of a snapshot, which comes from a peer or a disk: sessions and an
 * application (kv). In pieces of a size that the second byte says. What is taken is canonical:
 * saved again it is the same bytes; what is refused leaves the ledger empty, so that the next
 * stream is taken (attack P24). The first byte chooses the whole ledger, or kv alone. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "replica/ledger.h"
#include "tests/fuzz/fuzz.h"

enum { STREAM_MAX = 1 << 18 };

typedef struct sink {
    uint8_t bytes[STREAM_MAX];
    size_t size;
} sink_t;

static sink_t sink;

static bool put(void *context, synod_bytes bytes) {
    (void)context;
    require(bytes.size <= sizeof sink.bytes - sink.size);
    if (bytes.size > 0)
        memcpy(sink.bytes + sink.size, bytes.data, bytes.size);
    sink.size += bytes.size;
    return true;
}

static synod_writer writer(void) {
    return (synod_writer){.put = put, .limit_bytes = 4096};
}

/* The last piece, which is empty, says whether the whole was sound. */
typedef synod_status load_t(void *memory, bytes_t piece);

static synod_status load_all(load_t *load, void *memory, bytes_t stream, size_t piece_bytes) {
    synod_status status = SYNOD_OK;
    for (size_t at = 0; at < stream.size && status == SYNOD_OK; at += piece_bytes) {
        const size_t left = stream.size - at;
        status = load(memory, bytes_of(stream.data + at, left < piece_bytes ? left : piece_bytes));
    }
    return status == SYNOD_OK ? load(memory, bytes_of(NULL, 0)) : status;
}

static synod_status judge_any_key(const void *context, const key_public_t *key) {
    (void)context, (void)key;
    return SYNOD_OK;
}

static synod_status load_ledger(void *memory, bytes_t piece) {
    return ledger_load(memory, piece);
}

static void whole(bytes_t stream, size_t piece_bytes) {
    static const ledger_parameters_t parameters = {
        .sessions_max = 16, .session_window = 16, .session_reply_bytes = 1024};
    ledger_parameters_t filled = parameters;
    filled.session_idle_ns = 1000;
    filled.reply_bytes_max = 8192;
    filled.state_bytes_max = 1u << 20;
    const verifier_t verifier = {.judge_key = judge_any_key};
    const size_t size = ledger_bytes(&filled);
    void *memory = aligned_alloc(16, (size + 15) & ~(size_t)15);
    require(size > 0 && memory != NULL);
    memset(memory, 0, size);
    ledger_t *ledger;
    require(ledger_open(memory, &filled, synod_app_kv(), &verifier, &ledger) == SYNOD_OK);
    const bool taken = fuzz_took(load_all(load_ledger, ledger, stream, piece_bytes));
    if (!taken)
        require(ledger_sessions(ledger) == 0 && ledger_height(ledger) == 0);
    sink.size = 0;
    bool more = true;
    synod_writer to = writer();
    ledger_save_begin(ledger);
    while (more)
        require(ledger_save_next(ledger, &to, &more) == SYNOD_OK);
    ledger_save_end(ledger);
    if (taken)
        require(sink.size == stream.size && memcmp(sink.bytes, stream.data, sink.size) == 0);
    else
        require(load_all(load_ledger, ledger, bytes_of(sink.bytes, sink.size), 7) == SYNOD_OK);
    ledger_close(ledger);
    free(memory);
}

static synod_status load_kv(void *memory, bytes_t piece) {
    return synod_app_kv()->snapshot_load(memory, piece);
}

static void alone(bytes_t stream, size_t piece_bytes) {
    const synod_app *kv = synod_app_kv();
    void *state;
    synod_digest root, again;
    require(kv->open(&state) == SYNOD_OK);
    if (fuzz_took(load_all(load_kv, state, stream, piece_bytes))) {
        sink.size = 0;
        bool more = true;
        synod_writer to = writer();
        kv->root(state, &root);
        kv->snapshot_begin(state);
        while (more)
            require(kv->snapshot_next(state, &to, &more) == SYNOD_OK);
        kv->snapshot_end(state);
        require(sink.size == stream.size && memcmp(sink.bytes, stream.data, sink.size) == 0);
        require(load_all(load_kv, state, bytes_of(sink.bytes, sink.size), 5) == SYNOD_OK);
        kv->root(state, &again);
        require(memcmp(root.bytes, again.bytes, sizeof root.bytes) == 0);
    }
    kv->close(state);
}

const uint32_t fuzz_price = 2;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > STREAM_MAX / 2)
        return 0;
    const bytes_t stream = bytes_of(data + 2, size - 2);
    ((data[0] & 1) != 0 ? whole : alone)(stream, (size_t)data[1] + 1);
    return 0;
}
