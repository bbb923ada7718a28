/* Chained HotStuff (docs/protocols/hotstuff-chained.md): three certificates in a row are final, and
 * a member is locked on the block below the highest certified one. A leader can go on as soon as a
 * quorum has spoken, because the lock of any member was shown to a quorum. */
#include "protocol/hotstuff/hotstuff.h"
#include "protocol/hotstuff/rules.h"

static const phase_t phases[PHASE_COUNT] = {HOTSTUFF_ROWS(2)};

const rules_t hotstuff_three_chain = {
    .phases = phases,
    .lock_phase = PHASE_VOTE,
    .final_phase = PHASE_VOTE,
    .chain = 3,
    .lock_depth = 1,
    .leader_waits = false,
    .votes_again = true,
};

static void step(void *memory, const env_t *env, const event_t *event, effects_t *effects) {
    hotstuff_step(VARIANT_THREE_CHAIN, memory, env, event, effects);
}

static synod_status final_proof(const env_t *env, const certificate_t *proof, height_t height,
                                const digest_t *id) {
    (void)env;
    return hotstuff_final_proof(VARIANT_THREE_CHAIN, proof, height, id);
}

static void needs(const statement_t *statement, promised_t *needed) {
    hotstuff_needs(statement, needed);
    if (statement->phase == PHASE_VOTE) /* HSC 2: the certificate below the one it stands on */
        needed->of[PROMISE_LOCKED] = statement->claims[1].view;
}

const protocol_t protocol_hotstuff_chained = {
    .name = "hotstuff-chained",
    .id = 2,
    HOTSTUFF_SHARED,
};
