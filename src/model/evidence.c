/* Evidence is judged by what it carries alone: the accuser is not believed, and whatever does not
 * convict has a status that says why. A correct member can never be convicted: it signs one
 * statement a slot, and nobody else signs for it. */
#include "model/evidence.h"

static synod_status verify_statement(const evidence_t *evidence, const committee_t *committee,
                                     const statement_t *statement, const signature_t *signature) {
    uint8_t encoded[STATEMENT_BYTES];
    statement_encode(statement, &committee->domain, encoded);
    const verifier_t *verifier = committee->verifier;
    return verifier->verify(verifier->context, &committee->members[evidence->member].key,
                            bytes_of(encoded, sizeof encoded), signature);
}

synod_status evidence_judge(const evidence_t *evidence, const committee_t *committee,
                            const phase_t *phases, uint32_t phase_count) {
    const statement_t *first = &evidence->first;
    const statement_t *second = &evidence->second;
    if (evidence->member >= committee->size)
        return SYNOD_NOT_MEMBER;
    if (!statement_bounded(first) || !statement_bounded(second))
        return SYNOD_MALFORMED;
    if (first->epoch != committee->epoch || second->epoch != committee->epoch)
        return SYNOD_WRONG_EPOCH;
    if (first->phase >= phase_count || second->phase >= phase_count)
        return SYNOD_MALFORMED;
    if (statement_equal(first, second, false))
        return SYNOD_DUPLICATE; /* saying one thing twice is no fault */
    const phase_t *phase = &phases[first->phase];
    /* What a channel authenticates convinces nobody else. */
    if (phase->authentication != AUTH_SIGNATURE || !phase_conflict(phase, first, second))
        return SYNOD_UNWANTED;
    const synod_status status =
        verify_statement(evidence, committee, first, &evidence->first_signature);
    if (status != SYNOD_OK)
        return status;
    return verify_statement(evidence, committee, second, &evidence->second_signature);
}
