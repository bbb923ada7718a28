/* Basic HotStuff (docs/protocols/hotstuff-basic.md): a view takes its one block through all four
 * phases and then it is over. What is certified in the first phase stands for highQC of the other
 * members of the family; the certificate of the second locks; that of the third decides.
 *
 * Invariant: this member votes in the second and third phase for what it voted for in the first
 * one, in this life; highQC, or the lock, is then of the same view, and in the record before the
 * vote leaves. */
#include "protocol/hotstuff/hotstuff.h"
#include "protocol/hotstuff/state.h"

#define LATER_VOTE(its_name)                                                                       \
    {                                                                                              \
        .name = (its_name), .body = BODY_VOTE, .authentication = AUTH_SIGNATURE,                   \
        .quorum = QUORUM_DECIDE, .slot = SLOT_VIEW, .certificate_phase = {                         \
            PHASE_NONE,                                                                            \
            PHASE_NONE                                                                             \
        }                                                                                          \
    }

static const phase_t phases[PHASE_COUNT_FOUR] = {
    HOTSTUFF_ROWS(1),
    [PHASE_NEXT] = {.name = "next-proposal",
                    .body = BODY_PROPOSAL,
                    .authentication = AUTH_SIGNATURE,
                    .slot = SLOT_VIEW,
                    .certificate_phase = {PHASE_VOTE, PHASE_COMMIT_VOTE},
                    .certificate_required = {true, true}},
    [PHASE_PRECOMMIT_VOTE] = LATER_VOTE("precommit-vote"),
    [PHASE_COMMIT_VOTE] = LATER_VOTE("commit-vote"),
    [PHASE_COMMIT] = {.name = "commit",
                      .body = BODY_CERTIFICATE,
                      .authentication = AUTH_ITSELF,
                      .slot = SLOT_NONE,
                      .certificate_phase = {PHASE_PRECOMMIT_VOTE, PHASE_NONE},
                      .certificate_required = {true, false}},
    [PHASE_DECIDE] = {.name = "decide",
                      .body = BODY_CERTIFICATE,
                      .authentication = AUTH_ITSELF,
                      .slot = SLOT_NONE,
                      .certificate_phase = {PHASE_VOTE, PHASE_COMMIT_VOTE},
                      .certificate_required = {true, true}},
};

const rules_t hotstuff_four_phase = {
    .phases = phases,
    .lock_phase = PHASE_PRECOMMIT_VOTE,
    .final_phase = PHASE_COMMIT_VOTE,
    .chain = 1,
    .lock_depth = 0,
    .leader_waits = false,
    .votes_again = false,
};

/* HSB 1 */
bool leads_to_view(const message_t *proposal) {
    const certificate_t *qc = proposal->certificates[0], *ended = proposal->certificates[1];
    view_t view = proposal->statement.view;
    if (ended == NULL)
        return view == 1;
    if (ended->statement.view + 1 != view)
        return false;
    return ended->statement.phase == PHASE_TIMEOUT || qc->statement.view + 1 == view;
}

static void vote(step_t *step, uint8_t phase) {
    persist_record(step);
    const statement_t *mine = &step->state->last_vote;
    effect_t *effect = send_message(step, phase, mine->view, collector_of(step, mine->view));
    effect->send.message.statement.height = mine->height;
    effect->send.message.statement.digest = mine->digest;
}

/* HSB 3, HSB 4; attack H11: none at or below a time-out. */
void vote_on(step_t *step) {
    hotstuff_t *state = step->state;
    const statement_t *mine = &state->last_vote, *certified = &high_qc(state)->statement;
    if (mine->view != state->view || state->left >= state->view)
        return;
    bool precommits = state->precommitted < state->view && certified->view == state->view &&
                      digest_equal(&certified->digest, &mine->digest);
    bool commits = state->committed < state->view && state->locked == state->view &&
                   digest_equal(&state->locked_id, &mine->digest);
    if (precommits) {
        state->precommitted = state->view;
        vote(step, PHASE_PRECOMMIT_VOTE);
    }
    if (commits) {
        state->committed = state->view;
        vote(step, PHASE_COMMIT_VOTE);
    }
}

/* HSB 1, HSB 3, HSB 4, HSB 5 */
void upon_phase(step_t *step, const certificate_t *qc) {
    view_t view = qc->statement.view;
    bool ends = qc->statement.phase == PHASE_COMMIT_VOTE;
    if (ends && view >= step->state->view)
        enter_view(step, view + 1, false);
    else if (!ends && view > step->state->view) /* a quorum is there */
        enter_view(step, view, false);
    vote_on(step);
}

static effect_t *show(step_t *step, uint8_t phase, member_t to, const certificate_t *qc) {
    effect_t *effect = send_message(step, phase, qc->statement.view, to);
    effect->send.early = true;
    effect->send.message.certificates[0] = qc;
    return effect;
}

/* HSB 6 */
void show_phase(step_t *step, const certificate_t *qc) {
    switch (qc->statement.phase) {
    case PHASE_VOTE:
        show(step, PHASE_CERTIFICATE, SEND_ALL, qc);
        break;
    case PHASE_PRECOMMIT_VOTE:
        show(step, PHASE_COMMIT, SEND_ALL, qc);
        break;
    default:
        show(step, PHASE_DECIDE, SEND_ALL, high_qc(step->state))->send.message.certificates[1] = qc;
        break;
    }
}

/* HSB 7: with what was certified in the view, for whoever leads the next. */
void send_decided(step_t *step, member_t to) {
    show(step, PHASE_DECIDE, to, high_qc(step->state))->send.message.certificates[1] =
        final_qc(step->state);
}

static void step(void *memory, const env_t *env, const event_t *event, effects_t *effects) {
    hotstuff_step(VARIANT_FOUR_PHASE, memory, env, event, effects);
}

static synod_status final_proof(const env_t *env, const certificate_t *proof, height_t height,
                                const digest_t *id) {
    (void)env;
    return hotstuff_final_proof(VARIANT_FOUR_PHASE, proof, height, id);
}

static void needs(const statement_t *statement, promised_t *needed) {
    hotstuff_needs(statement, needed);
    if (statement->phase == PHASE_PRECOMMIT_VOTE) /* HSB 3 */
        needed->of[PROMISE_CERTIFIED] = statement->view;
    if (statement->phase == PHASE_COMMIT_VOTE) /* HSB 4 */
        needed->of[PROMISE_LOCKED] = statement->view;
}

const protocol_t protocol_hotstuff_basic = {
    .name = "hotstuff-basic",
    .id = 5,
    HOTSTUFF_SHARED,
};
