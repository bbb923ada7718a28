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

typedef struct parsed {
    view_t voted, left, lease, locked;
    claim_t claim;
    const certificate_t *qc, *tc; /* tc: NULL when there is none */
} parsed_t;

static bool parse(bytes_t bytes, uint32_t members, arena_t *scratch, parsed_t *to) {
    reader_t reader = reader_of(bytes);
    uint8_t version = read_u8(&reader), with_tc = read_u8(&reader);
    *to = (parsed_t){.voted = read_u64(&reader), .left = read_u64(&reader)};
    to->claim.view = read_u64(&reader);
    read_into(&reader, to->claim.digest.bytes, sizeof to->claim.digest.bytes);
    to->lease = read_u64(&reader);
    to->locked = read_u64(&reader);
    if (reader.failed || version != RECORD_VERSION || with_tc > 1 ||
        certificate_decode(&reader, members, scratch, &to->qc) != SYNOD_OK ||
        (with_tc && certificate_decode(&reader, members, scratch, &to->tc) != SYNOD_OK) ||
        !reader_done(&reader))
        return false;
    return to->qc->statement.phase == PHASE_VOTE &&
           (to->tc == NULL || to->tc->statement.phase == PHASE_TIMEOUT);
}

/* HS 15 */
bool restore_record(hotstuff_t *state, const env_t *env, bytes_t bytes, arena_t *scratch) {
    parsed_t parsed;
    /* The journal's checksums guard against accidents; the epoch against a record of another
     * committee under the same key. */
    if (!parse(bytes, env->committee->size, scratch, &parsed) ||
        parsed.qc->statement.epoch != env->committee->epoch)
        return false;
    const certificate_t *tc = parsed.tc;
    state->voted = parsed.voted;
    state->left = parsed.left;
    state->left_claim = parsed.claim;
    state->lease = parsed.lease;
    state->locked = parsed.locked;
    memcpy(high_qc(state), parsed.qc, certificate_size(parsed.qc));
    state->has_tc = tc != NULL;
    if (tc != NULL)
        memcpy(high_tc(state), tc, certificate_size(tc));
    return true;
}

bool hotstuff_promises(bytes_t record, uint32_t members, arena_t *scratch, promised_t *promises) {
    parsed_t parsed;
    if (!parse(record, members, scratch, &parsed))
        return false;
    *promises = (promised_t){{[PROMISE_VOTED] = parsed.voted,
                              [PROMISE_LEFT] = parsed.left,
                              [PROMISE_CLAIMED] = parsed.claim.view,
                              [PROMISE_LEASE] = parsed.lease,
                              [PROMISE_LOCKED] = parsed.locked,
                              [PROMISE_CERTIFIED] = parsed.qc->statement.view}};
    return true;
}

/* HS 6, HS 8, HS 11. "highQC at least of the view of the claim, and durable" is step 2 of the proof
 * of two chains, and that no later time-out claims less is step 3. */
void hotstuff_needs(const statement_t *statement, promised_t *needed) {
    view_t view = statement->view, claimed = statement->claims[0].view;
    *needed = (promised_t){{0}};
    switch (statement->phase) {
    case PHASE_PROPOSAL:
    case PHASE_NEXT:
        needed->of[PROMISE_LEASE] = view;
        break;
    case PHASE_VOTE:
        needed->of[PROMISE_VOTED] = view;
        needed->of[PROMISE_CERTIFIED] = claimed;
        break;
    case PHASE_PRECOMMIT_VOTE: /* of what was voted for in the first phase */
    case PHASE_COMMIT_VOTE:
        needed->of[PROMISE_VOTED] = view;
        break;
    case PHASE_TIMEOUT:
        needed->of[PROMISE_LEFT] = view;
        needed->of[PROMISE_CLAIMED] = needed->of[PROMISE_CERTIFIED] = claimed;
        break;
    default: /* certificates and status promise nothing */
        break;
    }
}
