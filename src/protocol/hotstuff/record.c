/* The one durable record: everything that a promise made by this member depends on.
 *
 * Layout, little-endian: version u8 = 2, has_tc u8, voted u64, left u64, claim view u64, claim
 * digest, lease u64, locked u64, highQC, highTC (if has_tc). highTC is kept only when it leads
 * further than highQC. */
#include "model/certificate_wire.h"
#include "protocol/hotstuff/state.h"

#define RECORD_VERSION 2
#define RECORD_FIXED_BYTES (2 + 8 + 8 + 8 + 32 + 8 + 8)

size_t hotstuff_record_bytes_max(uint32_t members) {
    /* The encoded form of a certificate is not longer than the one in memory. */
    return RECORD_FIXED_BYTES + 2 * certificate_bytes_max(members);
}

void persist_record(step_t *step) {
    const hotstuff_t *state = step->state;
    const certificate_t *qc = high_qc(state), *tc = high_tc(state);
    bool with_tc = tc_leads_on(state, qc->statement.view);
    size_t size = RECORD_FIXED_BYTES + certificate_encoded_bytes(qc) +
                  (with_tc ? certificate_encoded_bytes(tc) : 0);
    writer_t writer = writer_of(effect_scratch(step->effects, size), size);
    write_u8(&writer, RECORD_VERSION);
    write_u8(&writer, with_tc);
    write_u64(&writer, state->voted);
    write_u64(&writer, state->left);
    write_u64(&writer, state->left_claim.view);
    write_bytes(&writer, state->left_claim.digest.bytes, sizeof state->left_claim.digest.bytes);
    write_u64(&writer, state->lease);
    write_u64(&writer, state->locked);
    certificate_encode(qc, &writer);
    if (with_tc)
        certificate_encode(tc, &writer);
    ensure(!writer.failed && writer.at == size);
    effect_t *effect = effect_add(step->effects, EFFECT_PERSIST);
    effect->persist.bytes = writer_bytes(&writer);
}

/* HS 15 */
bool restore_record(hotstuff_t *state, const env_t *env, bytes_t bytes, arena_t *scratch) {
    reader_t reader = reader_of(bytes);
    uint8_t version = read_u8(&reader), with_tc = read_u8(&reader);
    view_t voted = read_u64(&reader), left = read_u64(&reader);
    claim_t claim = {.view = read_u64(&reader)};
    read_into(&reader, claim.digest.bytes, sizeof claim.digest.bytes);
    view_t lease = read_u64(&reader), locked = read_u64(&reader);
    const certificate_t *qc = NULL, *tc = NULL;
    uint32_t members = env->committee->size;
    if (reader.failed || version != RECORD_VERSION || with_tc > 1 ||
        certificate_decode(&reader, members, scratch, &qc) != SYNOD_OK ||
        (with_tc && certificate_decode(&reader, members, scratch, &tc) != SYNOD_OK) ||
        !reader_done(&reader))
        return false;
    /* The journal's checksums guard against accidents; this guards against a record of another
     * committee under the same key. */
    if (qc->statement.phase != PHASE_VOTE || qc->statement.epoch != env->committee->epoch ||
        (tc != NULL && tc->statement.phase != PHASE_TIMEOUT))
        return false;
    state->voted = voted;
    state->left = left;
    state->left_claim = claim;
    state->lease = lease;
    state->locked = locked;
    memcpy(high_qc(state), qc, certificate_size(qc));
    state->has_tc = tc != NULL;
    if (tc != NULL)
        memcpy(high_tc(state), tc, certificate_size(tc));
    return true;
}
