/* Two-chain HotStuff by Jolteon's rule (docs/protocols/hotstuff.md): two certificates in a row are
 * final; a leader without the certificate of the view before shows by a time-out certificate that
 * no quorum knew a higher one than it builds on, so nobody needs a lock. */
#include "protocol/hotstuff/hotstuff.h"
#include "protocol/hotstuff/rules.h"

static const phase_t phases[PHASE_COUNT] = {HOTSTUFF_ROWS(1)};

const rules_t hotstuff_two_chain = {
    .phases = phases,
    .lock_phase = PHASE_VOTE,
    .final_phase = PHASE_VOTE,
    .chain = 2,
    .lock_depth = LOCK_NONE,
    .leader_waits = false,
    .votes_again = false,
};

static void step(void *memory, const env_t *env, const event_t *event, effects_t *effects) {
    hotstuff_step(VARIANT_TWO_CHAIN, memory, env, event, effects);
}

static synod_status final_proof(const env_t *env, const certificate_t *proof, height_t height,
                                const digest_t *id) {
    (void)env;
    return hotstuff_final_proof(VARIANT_TWO_CHAIN, proof, height, id);
}

static void needs(const statement_t *statement, promised_t *needed) {
    hotstuff_needs(statement, needed);
}

const protocol_t protocol_hotstuff = {
    .name = "hotstuff",
    .id = 1,
    HOTSTUFF_SHARED,
};
