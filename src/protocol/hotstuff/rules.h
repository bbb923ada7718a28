/* What tells the members of the HotStuff family apart. Everything else is shared: the chain, the
 * pacemaker, the record, the messages. Each member has a page and a file that says its rules.
 *
 * A vote signs the certificates that its block stands on: claim 0 that of the parent, claim 1
 * (where there is one) that of the parent's parent. So one certificate tells how many blocks below
 * it were certified in consecutive views, and is a whole proof of finality. */
#ifndef PROTOCOL_HOTSTUFF_RULES_H
#define PROTOCOL_HOTSTUFF_RULES_H

#include "protocol/protocol.h"

enum {
    PHASE_PROPOSAL = 0,
    PHASE_VOTE = 1,
    PHASE_TIMEOUT = 2,
    PHASE_CERTIFICATE = 3,
    PHASE_STATUS = 4,
    PHASE_COUNT = 5,
    /* of four phases a view only */
    PHASE_NEXT = 5, /* a proposal after a block that was decided */
    PHASE_PRECOMMIT_VOTE = 6,
    PHASE_COMMIT_VOTE = 7,
    PHASE_COMMIT = 8, /* shows the certificate of the precommit votes */
    PHASE_DECIDE = 9, /* shows that of the commit votes */
    PHASE_COUNT_FOUR = 10
};

typedef enum variant {
    VARIANT_TWO_CHAIN = 0,   /* hotstuff: Jolteon's rule */
    VARIANT_THREE_CHAIN = 1, /* hotstuff-chained */
    VARIANT_TWO_PHASE = 2,   /* hotstuff-2 */
    VARIANT_ONE_CHAIN = 3,   /* hotstuff-one-chain: forks, for teaching */
    VARIANT_FOUR_PHASE = 4,  /* hotstuff-basic */
    VARIANT_COUNT = 5
} variant_t;

typedef struct rules {
    const phase_t *phases;
    /* Whose certificates lock and make final. With PHASE_VOTE for both, blocks share their phases
     * with those above them; else a view goes through all phases with its one block. */
    uint8_t lock_phase, final_phase;
    /* Certified blocks of consecutive views, the last included, that make the first one final. */
    uint8_t chain;
    /* A certificate locks the view of what is so far below it: 0 its own, 1 its parent's; LOCK_NONE
     * where time-outs prove that nobody is locked higher. */
    uint8_t lock_depth;
    /* After time-outs the leader waits for what the others know, for a bound of the network's delay
     * that grows with the back-off. */
    bool leader_waits;
    /* Whoever times out says its last vote again, to the next leader. */
    bool votes_again;
} rules_t;

#define LOCK_NONE 255

extern const rules_t *const hotstuff_rules[VARIANT_COUNT];
extern const rules_t hotstuff_two_chain, hotstuff_three_chain, hotstuff_two_phase,
    hotstuff_one_chain, hotstuff_four_phase;

/* Rows of the table of phases that all have; a vote signs so many claims. */
#define HOTSTUFF_ROWS(claims)                                                                      \
    [PHASE_PROPOSAL] = {.name = "proposal",                                                        \
                        .body = BODY_PROPOSAL,                                                     \
                        .authentication = AUTH_SIGNATURE,                                          \
                        .slot = SLOT_VIEW,                                                         \
                        .certificate_phase = {PHASE_VOTE, PHASE_TIMEOUT},                          \
                        .certificate_required = {true, false}},                                    \
    [PHASE_VOTE] = {.name = "vote",                                                                \
                    .body = BODY_VOTE,                                                             \
                    .authentication = AUTH_SIGNATURE,                                              \
                    .quorum = QUORUM_DECIDE,                                                       \
                    .slot = SLOT_VIEW,                                                             \
                    .claim_count = (claims),                                                       \
                    .certificate_phase = {PHASE_NONE, PHASE_NONE}},                                \
    [PHASE_TIMEOUT] = {.name = "timeout",                                                          \
                       .body = BODY_NEW_VIEW,                                                      \
                       .authentication = AUTH_SIGNATURE,                                           \
                       .quorum = QUORUM_DECIDE,                                                    \
                       .slot = SLOT_VIEW,                                                          \
                       .claim_count = 1,                                                           \
                       .claims_differ = true,                                                      \
                       .certificate_phase = {PHASE_VOTE, PHASE_NONE},                              \
                       .certificate_required = {true, false}},                                     \
    [PHASE_CERTIFICATE] = {.name = "certificate",                                                  \
                           .body = BODY_CERTIFICATE,                                               \
                           .authentication = AUTH_ITSELF,                                          \
                           .slot = SLOT_NONE,                                                      \
                           .certificate_phase = {PHASE_VOTE, PHASE_TIMEOUT},                       \
                           .certificate_required = {true, false}},                                 \
    [PHASE_STATUS] = {.name = "status",                                                            \
                      .body = BODY_STATUS,                                                         \
                      .authentication = AUTH_CHANNEL,                                              \
                      .slot = SLOT_NONE,                                                           \
                      .claim_count = 1,                                                            \
                      .certificate_phase = {PHASE_NONE, PHASE_NONE}}

/* ---- what a member of the family fills its protocol_t with (hotstuff.c) ---- */

void hotstuff_defaults(parameters_t *parameters); /* schedule.c */
void hotstuff_step(variant_t variant, void *memory, const env_t *env, const event_t *event,
                   effects_t *effects);
admission_t hotstuff_admit(const void *memory, const env_t *env, const message_t *message);
synod_status hotstuff_final_proof(variant_t variant, const certificate_t *proof, height_t height,
                                  const digest_t *id);
size_t hotstuff_state_bytes(const parameters_t *parameters, uint32_t members);
size_t hotstuff_scratch_bytes(uint32_t members);
size_t hotstuff_record_bytes_max(uint32_t members);
bool hotstuff_promises(bytes_t record, uint32_t members, arena_t *scratch, promised_t *promises);
/* What all need; where there is a lock, the member's own file adds it, as its page says. */
void hotstuff_needs(const statement_t *statement, promised_t *needed);
uint64_t hotstuff_fingerprint(const void *memory, const env_t *env, uint64_t now_ns);
void hotstuff_progress(const void *memory, const env_t *env, progress_t *to);

#define HOTSTUFF_EFFECTS_MAX 28

/* All of it but the name, the number and the warning; `phases`, `step`, `final_proof` and `needs`
 * are those of the member's own file. */
#define HOTSTUFF_SHARED                                                                            \
    .phases = phases, .phase_count = sizeof phases / sizeof *phases,                               \
    .finality = FINALITY_ONE_VIEW, .uses_monotonic = true, .defaults = hotstuff_defaults,          \
    .state_bytes = hotstuff_state_bytes, .effects_max = HOTSTUFF_EFFECTS_MAX,                      \
    .scratch_bytes = hotstuff_scratch_bytes, .records_max = 1,                                     \
    .record_bytes_max = hotstuff_record_bytes_max, .step = step, .admit = hotstuff_admit,          \
    .fingerprint = hotstuff_fingerprint, .final_proof = final_proof,                               \
    .promises = hotstuff_promises, .needs = needs, .progress = hotstuff_progress

#endif
