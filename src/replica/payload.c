/* What all payload strategies need: which requests must have their signatures checked. */
#include "replica/payload.h"

#include "replica/state.h"

static const payload_strategy_t *const strategies[] = {
    [PAYLOAD_INLINE] = &payload_inline,
    [PAYLOAD_CERTIFIED] = &payload_certified,
};
#define STRATEGIES (sizeof strategies / sizeof strategies[0])

const payload_strategy_t *payload_strategy(uint32_t kind) {
    return kind < STRATEGIES ? strategies[kind] : NULL;
}

uint32_t payload_find(const char *name) {
    for (uint32_t kind = 1; kind < STRATEGIES; kind++)
        if (strcmp(strategies[kind]->name, name) == 0)
            return kind;
    return 0;
}

const char *payload_name(uint32_t kind) {
    const payload_strategy_t *strategy = payload_strategy(kind);
    return strategy == NULL ? NULL : strategy->name;
}

bytes_t payload_cut(const replica_t *r, const block_t *block, bytes_t *payload) {
    if (!r->payload->apart || payload->size <= block->payload_size_bytes)
        return (bytes_t){0};
    bytes_t content = bytes_of(payload->data + block->payload_size_bytes,
                               payload->size - block->payload_size_bytes);
    payload->size = block->payload_size_bytes;
    return content;
}

static ledger_standing_t standing_now(const replica_t *r, const request_t *request) {
    return ledger_standing(r->ledger, request->session, request->sequence, request->acknowledged);
}

/* Which key must have signed a request? NULL: none any more, its answer will be EXPIRED. False: the
 * session is opened in a block that is not executed here yet. */
static bool key_of(replica_t *r, const request_t *request, key_public_t *room,
                   const key_public_t **key) {
    if (request->session == 0) {
        uint64_t nonce;
        request_open_fields(request, room, &nonce);
        *key = room;
        return true;
    }
    *key = ledger_session_key(r->ledger, request->session);
    return *key != NULL || standing_now(r, request) != LEDGER_UNOPENED;
}

/* Was this very request verified when it came to the mempool? */
static bool verified_before(replica_t *r, const request_t *request, const digest_t *digest) {
    const mempool_entry_t *entry =
        mempool_find(&r->mempool, request->session, mempool_sequence(request, digest));
    return entry != NULL && digest_equal(&entry->digest, digest) &&
           memcmp(entry->signature.bytes, request->signature.bytes, SYNOD_SIGNATURE_BYTES) == 0;
}

bool payload_signatures(replica_t *r, uint32_t count, verify_job_t *job) {
    for (uint32_t i = 0; i < count; i++) {
        const request_t *request = &r->requests[i];
        const key_public_t *key;
        key_public_t room;
        if (!key_of(r, request, &room, &key))
            return false;
        if (key == NULL || verified_before(r, request, &r->request_digests[i]))
            continue;
        job->items[job->count++] = (verify_item_t){.key = *key,
                                                   .digest = r->request_digests[i],
                                                   .signature = request->signature,
                                                   .tag = i};
    }
    return true;
}
