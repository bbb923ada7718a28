/* Judges and executes operations of `kv`: decode, run on the view, reply, commit. */
#include "app/kv_state.h"
#include "base/check.h"

synod_status kv_check(void *memory, synod_bytes operation) {
    (void)memory;
    kv_operation_t decoded;
    uint16_t index;
    return kv_decode(operation, &decoded, &index) == KV_OK ? SYNOD_OK : SYNOD_INVALID;
}

/* Reply: code, count, then for each member the size of its reply and the reply. */
static kv_error_t run_transaction(kv_state_t *state, const kv_operation_t *operation,
                                  uint16_t *index) {
    uint8_t *header = kv_reply_extend(&state->reply, 3);
    if (header == NULL) {
        return KV_REPLY_SIZE;
    }
    header[0] = KV_OK;
    store_u16(header + 1, operation->count);
    reader_t reader = reader_of(operation->members);
    for (uint16_t i = 0; i < operation->count; i++) {
        *index = i;
        kv_operation_t member;
        kv_error_t error = kv_decode_member(&reader, &member);
        invariant(error == KV_OK); /* kv_decode has judged it */
        size_t size_at = state->reply.size;
        if (kv_reply_extend(&state->reply, 4) == NULL) {
            return KV_REPLY_SIZE;
        }
        error = kv_apply(state, &member);
        if (error != KV_OK) {
            return error;
        }
        size_t size = state->reply.size - size_at - 4;
        store_u32(state->reply.data + size_at, (uint32_t)size);
    }
    return KV_OK;
}

static kv_error_t run(kv_state_t *state, bytes_t bytes, uint16_t *index) {
    kv_operation_t operation;
    kv_error_t error = kv_decode(bytes, &operation, index);
    if (error != KV_OK) {
        return error;
    }
    kv_view_begin(&state->view, &state->store);
    if (operation.code == KV_TRANSACTION) {
        return run_transaction(state, &operation, index);
    }
    return kv_apply(state, &operation);
}

/* Of a transaction or a scan nothing is loaded ahead: they have their own work to hide waits. */
void kv_expect(void *memory, const synod_bytes *operations, uint32_t count) {
    const kv_state_t *state = memory;
    bytes_t keys[KV_EXPECTED_MAX];
    while (count > 0) {
        uint32_t some = count < KV_EXPECTED_MAX ? count : KV_EXPECTED_MAX;
        for (uint32_t i = 0; i < some; i++) {
            keys[i] = kv_peek_key(operations[i]);
        }
        kv_store_expect(&state->store, keys, some);
        operations += some;
        count -= some;
    }
}

synod_status kv_execute(void *memory, const synod_block_info *block, synod_bytes operation,
                        synod_writer *reply) {
    (void)block;
    kv_state_t *state = memory;
    require(state->loader.field == KV_LOAD_NONE);
    if (reply->limit_bytes < KV_REPLY_BYTES_MIN) {
        return SYNOD_APP_ERROR; /* not even an error would fit */
    }
    kv_reply_begin(&state->reply, reply->limit_bytes);
    uint16_t index;
    kv_error_t error = run(state, operation, &index);
    if (error != KV_OK) {
        kv_reply_fail(&state->reply, error, index);
    }
    bool written = reply->put(reply->context, kv_reply_bytes(&state->reply));
    if (error != KV_OK || !written) {
        return SYNOD_APP_ERROR;
    }
    kv_view_commit(&state->view, &state->store);
    return SYNOD_OK;
}
