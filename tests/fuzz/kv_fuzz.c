/* Fuzz target: the application kv under operations that clients may send, and its replies under a
 * client's reader. The input is a list: code u8 (what to do), size u16, bytes. Whatever was
 * executed: the root is that of the same state loaded from its snapshot, and every proved answer
 * holds against it. */
#include <stdlib.h>
#include <string.h>
#include <synod/app.h>

#include "app/kv_client.h"
#include "app/kv_format.h"
#include "base/check.h"
#include "tests/fuzz/fuzz.h"

enum { SPACE = 1 << 20, REPLY_MAX = 1 << 16 };

typedef struct sink {
    uint8_t bytes[SPACE];
    size_t size, limit;
} sink_t;

static sink_t stream, reply, proof;

static bool put(void *context, synod_bytes bytes) {
    sink_t *to = context;
    if (bytes.size > to->limit - to->size)
        return false;
    if (bytes.size > 0)
        memcpy(to->bytes + to->size, bytes.data, bytes.size);
    to->size += bytes.size;
    return true;
}

static synod_writer writer(sink_t *to, size_t limit) {
    to->size = 0;
    to->limit = limit;
    return (synod_writer){put, to, limit};
}

/* All readers, whatever the reply is. */
static void read_reply(bytes_t bytes) {
    uint16_t index, count;
    bool flag;
    int64_t number;
    kv_maybe_t value;
    kv_scan_reader_t scan;
    reader_t members;
    bytes_t one, other;
    (void)kv_error_text(kv_read_error(bytes, &index));
    (void)kv_read_get(bytes, &value);
    (void)kv_read_was_present(bytes, &flag);
    (void)kv_read_increment(bytes, &number);
    for (int keys_only = 0; keys_only < 2; keys_only++)
        if (kv_read_scan(bytes, keys_only != 0, &scan)) {
            while (kv_read_scan_next(&scan, &one, &other))
                require(one.data >= bytes.data && one.data + one.size <= bytes.data + bytes.size);
            (void)kv_read_scan_complete(&scan);
        }
    if (kv_read_transaction(bytes, &members, &count))
        while (kv_read_member(&members, &one))
            require(one.data >= bytes.data && one.data + one.size <= bytes.data + bytes.size);
}

static void execute(void *state, bytes_t operation, uint64_t height) {
    const synod_block_info block = {.size_bytes = sizeof block, .height = height};
    kv_operation_t decoded;
    uint16_t index;
    const bool sound = kv_decode(operation, &decoded, &index) == KV_OK;
    (void)kv_peek_key(operation);
    synod_writer to = writer(&reply, REPLY_MAX);
    const synod_status status = synod_app_kv()->execute(state, &block, operation, &to);
    require(status == SYNOD_OK || status == SYNOD_APP_ERROR);
    require(sound || status == SYNOD_APP_ERROR);
    require(reply.size > 0 && (reply.bytes[0] == KV_OK) == (status == SYNOD_OK));
    (void)fuzz_took(status);
    read_reply(bytes_of(reply.bytes, reply.size));
}

static void query(void *state, bytes_t asked, bool prove) {
    const synod_app *kv = synod_app_kv();
    synod_digest root;
    synod_writer to = writer(&reply, REPLY_MAX), proves = writer(&proof, REPLY_MAX);
    kv->root(state, &root);
    const synod_status status = kv->query(state, asked, prove, &to, &proves);
    if (status != SYNOD_OK || !prove)
        return;
    require(kv->verify(&root, asked, bytes_of(reply.bytes, reply.size),
                       bytes_of(proof.bytes, proof.size)) == SYNOD_OK);
    reply.bytes[reply.size - 1] ^= 1;
    require(kv->verify(&root, asked, bytes_of(reply.bytes, reply.size),
                       bytes_of(proof.bytes, proof.size)) != SYNOD_OK);
}

static void compare(void *state) {
    const synod_app *kv = synod_app_kv();
    synod_digest root, loaded;
    void *other;
    bool more = true;
    kv->root(state, &root);
    synod_writer to = writer(&stream, sizeof stream.bytes);
    kv->snapshot_begin(state);
    while (more)
        require(kv->snapshot_next(state, &to, &more) == SYNOD_OK);
    kv->snapshot_end(state);
    require(kv->open(&other) == SYNOD_OK);
    if (stream.size > 0)
        require(kv->snapshot_load(other, bytes_of(stream.bytes, stream.size)) == SYNOD_OK);
    require(kv->snapshot_load(other, bytes_of(NULL, 0)) == SYNOD_OK);
    kv->root(other, &loaded);
    require(memcmp(root.bytes, loaded.bytes, sizeof root.bytes) == 0);
    kv->close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16)
        return 0;
    void *state;
    uint64_t height = 1;
    require(synod_app_kv()->open(&state) == SYNOD_OK);
    reader_t input = reader_of(bytes_of(data, size));
    while (reader_left(&input) >= 3) {
        const uint8_t code = read_u8(&input);
        size_t length = read_u16(&input);
        length = length < reader_left(&input) ? length : reader_left(&input);
        const bytes_t bytes = read_bytes(&input, length);
        switch (code % 5) {
        case 0:
        case 1:
            execute(state, bytes, height++);
            break;
        case 2:
            query(state, bytes, true);
            break;
        case 3:
            query(state, bytes, false);
            break;
        default:
            read_reply(bytes);
        }
    }
    compare(state);
    synod_app_kv()->close(state);
    return 0;
}
