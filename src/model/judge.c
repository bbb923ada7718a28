/* See judge.h. Order: cheapest first; nothing is believed that was not checked. */
#include "model/judge.h"

static synod_status judge_certificates(const judge_t *judge, const phase_t *phase,
                                       const message_t *message) {
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++) {
        const certificate_t *certificate = message->certificates[i];
        if (certificate == NULL) {
            if (phase->certificate_required[i])
                return SYNOD_MALFORMED;
            continue;
        }
        uint8_t expected = phase->certificate_phase[i];
        if (expected == PHASE_NONE || certificate->statement.phase != expected)
            return SYNOD_MALFORMED;
        const phase_t *certified = &judge->phases[expected];
        if (certificate->statement.body != (uint8_t)certified->body)
            return SYNOD_MALFORMED;
        if (!certificate_is_genesis(certificate) &&
            (certificate->statement.claim_count != certified->claim_count ||
             certificate->claims_differ != certified->claims_differ))
            return SYNOD_MALFORMED;
        synod_status status =
            certificate_judge(certificate, judge->committee, certified->quorum, judge->anchor);
        if (status != SYNOD_OK)
            return status;
    }
    return SYNOD_OK;
}

synod_status judge_structure(const judge_t *judge, const message_t *message) {
    const statement_t *statement = &message->statement;
    if (statement->phase >= judge->phase_count || !statement_bounded(statement))
        return SYNOD_MALFORMED;
    const phase_t *phase = &judge->phases[statement->phase];
    if (statement->epoch != judge->committee->epoch)
        return SYNOD_WRONG_EPOCH;
    if (statement->body != (uint8_t)phase->body || statement->claim_count != phase->claim_count)
        return SYNOD_MALFORMED;
    if ((message->block != NULL) != (phase->body == BODY_PROPOSAL))
        return SYNOD_MALFORMED;
    if (message->author >= judge->committee->size)
        return SYNOD_NOT_MEMBER;
    if (statement->subject != MEMBER_NONE && statement->subject >= judge->committee->size)
        return SYNOD_NOT_MEMBER;
    /* Without a signature the author is whom the channel says (attack K5). */
    if (phase->authentication == AUTH_CHANNEL && message->author != judge->link)
        return SYNOD_MISMATCH;
    return judge_certificates(judge, phase, message);
}

synod_status judge_authenticity(const judge_t *judge, const message_t *message) {
    const phase_t *phase = &judge->phases[message->statement.phase];
    const committee_t *committee = judge->committee;
    if (phase->authentication == AUTH_SIGNATURE) {
        uint8_t bytes[STATEMENT_BYTES];
        statement_encode(&message->statement, &committee->domain, bytes);
        const certificate_known_t *known = judge->known;
        if (known == NULL ||
            !known->known(known->context, message->author, bytes, &message->signature)) {
            synod_status status = committee->verifier->verify(
                committee->verifier->context, &committee->members[message->author].key,
                bytes_of(bytes, sizeof bytes), &message->signature);
            if (status != SYNOD_OK)
                return status;
        }
    }
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++) {
        if (message->certificates[i] == NULL)
            continue;
        synod_status status = certificate_verify(message->certificates[i], committee, judge->known);
        if (status != SYNOD_OK)
            return status;
    }
    return SYNOD_OK;
}
