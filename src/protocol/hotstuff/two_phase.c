/* HotStuff-2 (docs/protocols/hotstuff-2.md): two certificates in a row are final, and a member is
 * locked on the highest certified block. After time-outs the leader waits for the others' locks. */
#include "protocol/hotstuff/hotstuff.h"
#include "protocol/hotstuff/rules.h"

static const phase_t phases[PHASE_COUNT] = {HOTSTUFF_ROWS(1)};

const rules_t hotstuff_two_phase = {
    .phases = phases,
    .lock_phase = PHASE_VOTE,
    .final_phase = PHASE_VOTE,
    .chain = 2,
    .lock_depth = 0,
    .leader_waits = true,
    .votes_again = false,
};

static void step(void *memory, const env_t *env, const event_t *event, effects_t *effects) {
    hotstuff_step(VARIANT_TWO_PHASE, memory, env, event, effects);
}

static synod_status final_proof(const env_t *env, const certificate_t *proof, height_t height,
                                const digest_t *id) {
    (void)env;
    return hotstuff_final_proof(VARIANT_TWO_PHASE, proof, height, id);
}

static void needs(const statement_t *statement, promised_t *needed) {
    hotstuff_needs(statement, needed);
    if (statement->phase == PHASE_VOTE) /* HS2 2: the certificate that its block stands on */
        needed->of[PROMISE_LOCKED] = statement->claims[0].view;
}

const protocol_t protocol_hotstuff_2 = {
    .name = "hotstuff-2",
    .id = 3,
    HOTSTUFF_SHARED,
};
