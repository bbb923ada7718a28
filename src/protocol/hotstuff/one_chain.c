/* The one-chain rule (docs/protocols/hotstuff-one-chain.md): one certificate is taken as final. It
 * forks without any liar, and is here to show why: no chain can be made of it. */
#include "protocol/hotstuff/hotstuff.h"
#include "protocol/hotstuff/rules.h"

static const phase_t phases[PHASE_COUNT] = {HOTSTUFF_ROWS(1)};

const rules_t hotstuff_one_chain = {
    .phases = phases,
    .lock_phase = PHASE_VOTE,
    .final_phase = PHASE_VOTE,
    .chain = 1,
    .lock_depth = LOCK_NONE,
    .leader_waits = false,
    .votes_again = false,
};

static void step(void *memory, const env_t *env, const event_t *event, effects_t *effects) {
    hotstuff_step(VARIANT_ONE_CHAIN, memory, env, event, effects);
}

static synod_status final_proof(const env_t *env, const certificate_t *proof, height_t height,
                                const digest_t *id) {
    (void)env;
    return hotstuff_final_proof(VARIANT_ONE_CHAIN, proof, height, id);
}

static void needs(const statement_t *statement, promised_t *needed) {
    hotstuff_needs(statement, needed);
}

const protocol_t protocol_hotstuff_one_chain = {
    .name = "hotstuff-one-chain",
    .id = 4,
    .unsafe = "a block with one certificate can be replaced by the next leader: it forks",
    HOTSTUFF_SHARED,
};
