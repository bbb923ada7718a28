/* Reads of `kv` that are not ordered, and their proofs. */
#include "app/kv_state.h"
#include "base/check.h"
#include "crypto/hash.h"

/* A get as of the last settling, with its proof. */
static kv_error_t query_settled(kv_state_t *state, bytes_t key, kv_proof_t *proof) {
    digest_t digest = hash_bytes(key);
    uint32_t leaf = kv_tree_find(&state->tree, &digest);
    kv_maybe_t value = {.present = leaf != KV_LEAF_NONE};
    if (value.present) {
        value.value = kv_store_settled_value(&state->store, leaf);
    }
    kv_tree_prove(&state->tree, &state->store, &digest, proof);
    return kv_apply_found(&state->reply, value);
}

static kv_error_t run_query(kv_state_t *state, bytes_t query, kv_proof_t *proof) {
    kv_operation_t operation;
    uint16_t index;
    kv_error_t error = kv_decode(query, &operation, &index);
    if (error != KV_OK) {
        return error;
    }
    bool allowed = operation.code == KV_GET || (operation.code == KV_SCAN && proof == NULL);
    if (!allowed) {
        return KV_NOT_ALLOWED_HERE;
    }
    if (proof != NULL) {
        return query_settled(state, operation.key, proof);
    }
    kv_view_begin(&state->view, &state->store);
    return kv_apply(state, &operation);
}

static synod_status put_proof(const kv_proof_t *proof, synod_writer *to) {
    uint8_t bytes[KV_PROOF_BYTES_MAX];
    writer_t writer = writer_of(bytes, sizeof bytes);
    kv_proof_encode(proof, &writer);
    return to->put(to->context, writer_bytes(&writer)) ? SYNOD_OK : SYNOD_TOO_LARGE;
}

synod_status kv_query(void *memory, synod_bytes query, bool prove, synod_writer *reply,
                      synod_writer *proof) {
    kv_state_t *state = memory;
    require(!prove || proof != NULL);
    if (state->loader.field != KV_LOAD_NONE) {
        return SYNOD_BUSY;
    }
    if (reply->limit_bytes < KV_REPLY_BYTES_MIN) {
        return SYNOD_TOO_LARGE;
    }
    if (prove) {
        kv_tree_settle_end(&state->tree, &state->store);
    }
    kv_proof_t made;
    kv_reply_begin(&state->reply, reply->limit_bytes);
    kv_error_t error = run_query(state, query, prove ? &made : NULL);
    if (error != KV_OK) {
        kv_reply_fail(&state->reply, error, KV_INDEX_WHOLE);
    }
    if (!reply->put(reply->context, kv_reply_bytes(&state->reply))) {
        return SYNOD_TOO_LARGE;
    }
    if (error != KV_OK) {
        return SYNOD_APP_ERROR;
    }
    return prove ? put_proof(&made, proof) : SYNOD_OK;
}

/* The reply of a get: SYNOD_OK, SYNOD_TRUNCATED or SYNOD_MALFORMED. */
static synod_status decode_found(bytes_t reply, kv_maybe_t *value) {
    reader_t reader = reader_of(reply);
    uint8_t error = read_u8(&reader);
    uint8_t present = read_u8(&reader);
    if (error != KV_OK || present > 1) {
        return SYNOD_MALFORMED;
    }
    value->present = present == 1;
    if (value->present) {
        value->value = read_bytes(&reader, read_u32(&reader));
    }
    if (reader.failed) {
        return SYNOD_TRUNCATED;
    }
    return reader_done(&reader) ? SYNOD_OK : SYNOD_MALFORMED;
}

synod_status kv_verify(const synod_digest *root, synod_bytes query, synod_bytes reply,
                       synod_bytes proof) {
    kv_operation_t operation;
    uint16_t index;
    if (kv_decode(query, &operation, &index) != KV_OK || operation.code != KV_GET) {
        return SYNOD_INVALID; /* nothing that could have a proof */
    }
    kv_maybe_t value = {.present = false};
    synod_status status = decode_found(reply, &value);
    if (status != SYNOD_OK) {
        return status;
    }
    kv_proof_t decoded;
    status = kv_proof_decode(proof, &decoded);
    if (status != SYNOD_OK) {
        return status;
    }
    digest_t key_digest = hash_bytes(operation.key);
    digest_t value_digest = {{0}};
    if (value.present) {
        value_digest = hash_bytes(value.value);
    }
    return kv_proof_check(&decoded, root, &key_digest, value.present ? &value_digest : NULL);
}
