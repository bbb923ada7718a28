/* The protocols that this build has, and the judgement of their tables at start-up. */
#include "protocol/registry.h"

#include <string.h>

#include "protocol/hotstuff/hotstuff.h"

static const protocol_t *const protocols[] = {
    &protocol_hotstuff,           &protocol_hotstuff_chained, &protocol_hotstuff_2,
    &protocol_hotstuff_one_chain, &protocol_hotstuff_basic,   NULL};

const protocol_t *const *protocol_all(void) {
    return protocols;
}

const protocol_t *protocol_find(const char *name) {
    for (const protocol_t *const *at = protocols; *at != NULL; at++)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

static const char *judge_phase(const phase_t *phase) {
    if (phase->claim_count > CLAIMS_MAX)
        return "a phase has more claims than a statement holds";
    if (phase->body < BODY_PROPOSAL || phase->body > BODY_STATUS)
        return "a phase has an unknown body";
    if (phase->body == BODY_SHARE)
        return "shares need private channels, which this replica does not have";
    if (phase->authentication == AUTH_ITSELF && phase->body != BODY_CERTIFICATE)
        return "only certificates are authentic by themselves";
    return NULL;
}

synod_status protocol_judge(const protocol_t *protocol, const char **reason) {
    *reason = NULL;
    if (protocol->step == NULL || protocol->admit == NULL || protocol->state_bytes == NULL ||
        protocol->fingerprint == NULL || protocol->progress == NULL || protocol->defaults == NULL) {
        *reason = "a function that every core has is missing";
        return SYNOD_BAD_CONFIG;
    }
    if (protocol->unsafe != NULL) {
        *reason = protocol->unsafe;
        return SYNOD_UNSUPPORTED;
    }
    if (protocol->phase_count == 0 || protocol->phase_count >= PHASE_NONE) {
        *reason = "the phase table is empty or too long";
        return SYNOD_BAD_CONFIG;
    }
    for (uint32_t i = 0; i < protocol->phase_count && *reason == NULL; i++)
        *reason = judge_phase(&protocol->phases[i]);
    if (*reason == NULL && protocol->uses_genesis)
        *reason = "genesis-timeline deadlines are not offered by this replica";
    return *reason == NULL ? SYNOD_OK : SYNOD_UNSUPPORTED;
}
