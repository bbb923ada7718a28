/* The chain: certificates, commit, and what a member votes for. Safety lives in this file and in
 * the record; see "Why it is safe" on the page. */
#include "protocol/hotstuff/state.h"

bool unfinished(const hotstuff_t *state) {
    const candidate_t *candidate = &state->candidate;
    /* An empty block that is not certified is nothing to wait for: whoever needs it waits already.
     */
    bool payload = candidate->present && candidate->view == state->view &&
                   candidate->payload_height == candidate->height &&
                   state->times_left < TIMES_LEFT_MAX;
    return state->payload_height > state->delivered ||
           (payload && candidate->height > state->delivered);
}

/* HS 3, HSB 5, HSC 1, HS1C 1: direct parents, consecutive views (attack H2). A block that was
 * proposed again (HS 19) stands on a certificate of itself, which is a view further and not a
 * height. */
height_t proves_final(const rules_t *rules, const certificate_t *qc, digest_t *id) {
    const statement_t *statement = &qc->statement;
    view_t view = statement->view;
    height_t height = statement->height;
    const digest_t *block = &statement->digest;
    if (statement->phase != rules->final_phase)
        return 0;
    for (uint8_t below = 0; below + 1 < rules->chain; below++) {
        const claim_t *claim = &statement->claims[below];
        if (claim->view + 1 != view)
            return 0;
        view = claim->view;
        height -= digest_equal(block, &claim->digest) ? 0 : 1;
        block = &claim->digest;
    }
    if (view == 0)
        return 0;
    if (id != NULL)
        *id = *block;
    return height;
}

/* What a view takes here, for the back-off. One that was timed out took at least that long and
 * tells nothing about how long one takes; with votes that are said again (HSC 4) a commit may come
 * in no other. Of two that were not timed out the shorter one tells: the longer one may have waited
 * for a certificate that a liar kept, and found it by asking (attack P11). */
static uint64_t view_took_ns(const step_t *step) {
    const hotstuff_t *state = step->state;
    uint64_t took_ns = step->event->now_ns - state->view_since_ns;
    bool tells = state->times_left == 0 && took_ns < state->good_view_ns;
    return tells ? took_ns : state->good_view_ns;
}

/* HS 3: it is progress, whatever way the proof came. */
static void delivered(step_t *step, height_t height) {
    hotstuff_t *state = step->state;
    state->delivered = height;
    if (state->timer_at_ns != 0) /* else nobody measured this view */
        pacemaker_progress(&state->pacemaker, view_took_ns(step));
}

/* HS 3: whatever certificate proves it, the highest one or not; it is kept for those who ask. */
static void commit(step_t *step, const certificate_t *qc) {
    hotstuff_t *state = step->state;
    digest_t id;
    height_t height = proves_final(rules_of(state), qc, &id);
    if (height == 0 || height < state->delivered)
        return;
    memcpy(final_qc(state), qc, certificate_size(qc));
    state->has_final = true;
    if (height == state->delivered)
        return;
    delivered(step, height);
    effect_t *effect = effect_add(step->effects, EFFECT_DELIVER);
    effect->deliver.position = height;
    effect->deliver.id = id;
    effect->deliver.level = LEVEL_FINAL;
    effect->deliver.proof = final_qc(state);
}

/* HSC 2, HS2 2, HSB 4: what a certificate locks is at most what a quorum was shown as certified. */
static void lock(hotstuff_t *state, const certificate_t *qc) {
    const rules_t *rules = rules_of(state);
    uint8_t depth = rules->lock_depth;
    if (depth == LOCK_NONE || qc->statement.phase != rules->lock_phase)
        return;
    view_t view = depth == 0 ? qc->statement.view : qc->statement.claims[depth - 1].view;
    if (view <= state->locked)
        return;
    state->locked = view;
    state->locked_id = qc->statement.digest;
}

static bool raise_high_qc(hotstuff_t *state, const certificate_t *qc) {
    if (qc->statement.phase != PHASE_VOTE || qc->statement.view <= high_qc(state)->statement.view)
        return false;
    /* A certified block that was never seen here is not waited for here: one honest member or more
     * saw it, and if those wait for it they time out and the next leader proposes (HS 6). */
    const candidate_t *candidate = &state->candidate;
    if (candidate->present && digest_equal(&candidate->id, &qc->statement.digest)) {
        if (candidate->payload_height > state->payload_height)
            state->payload_height = candidate->payload_height;
        state->guess_height = candidate->guess_height;
    }
    memcpy(high_qc(state), qc, certificate_size(qc));
    return true;
}

/* HS 2 */
void upon_qc(step_t *step, const certificate_t *qc) {
    hotstuff_t *state = step->state;
    commit(step, qc);
    lock(state, qc);
    bool higher = raise_high_qc(state, qc);
    if (four_phases(state))
        upon_phase(step, qc);
    else if (higher && qc->statement.view >= state->view)
        enter_view(step, qc->statement.view + 1, false);
}

/* HS 4 */
void upon_tc(step_t *step, const certificate_t *tc) {
    hotstuff_t *state = step->state;
    if (tc->statement.view < state->view)
        return;
    if (certificate_highest_claim(tc, 0) > high_qc(state)->statement.view)
        return;
    memcpy(high_tc(state), tc, certificate_size(tc));
    state->has_tc = true;
    state->views_failed++;
    pacemaker_view_failed(&state->pacemaker);
    enter_view(step, tc->statement.view + 1, true);
}

/* That a view was decided comes before what was certified in it: nothing of it needs a vote. */
void upon_certificates(step_t *step, const message_t *message) {
    const certificate_t *second = message->certificates[1];
    bool timed_out = second != NULL && second->statement.phase == PHASE_TIMEOUT;
    if (second != NULL && !timed_out)
        upon_qc(step, second);
    upon_qc(step, message->certificates[0]);
    if (timed_out)
        upon_tc(step, second);
}

/* HS 19: is it the certified block itself? */
static bool is_again(const message_t *message) {
    return digest_equal(&message->statement.digest, &message->certificates[0]->statement.digest);
}

/* Does the new block stand on the certificate that came with it? */
static bool stands_on(const env_t *env, const message_t *message) {
    const block_t *block = message->block;
    const certificate_t *qc = message->certificates[0];
    return block->birth_view == message->statement.view && block->proposer == message->author &&
           block->epoch == env->committee->epoch && block->parent_count == 1 &&
           digest_equal(&block->parents[0], &qc->statement.digest) &&
           block->height == qc->statement.height + 1 && block->justify_view == qc->statement.view;
}

/* HS 7, HSC 3, HS2 3, HSB 2: the certificate is of the view before, or a time-out certificate for
 * the view before proves that no member of a quorum knew a higher one (attacks H1, H4, H5). With a
 * lock, the time-out certificate proves only that the view before has ended, and the lock decides.
 */
static bool entitled(const hotstuff_t *state, const message_t *message) {
    const certificate_t *qc = message->certificates[0], *tc = message->certificates[1];
    view_t view = message->statement.view;
    bool locks = rules_of(state)->lock_depth != LOCK_NONE;
    /* Where a view locks its own block, that may come later than its certificates. */
    bool itself =
        state->locked == view && digest_equal(&state->locked_id, &message->statement.digest);
    if (locks && qc->statement.view < state->locked && !itself)
        return false;
    if (four_phases(state))
        return leads_to_view(message);
    if (qc->statement.view + 1 == view)
        return true;
    return tc != NULL && tc->statement.view + 1 == view &&
           (locks || qc->statement.view >= certificate_highest_claim(tc, 0));
}

/* What an empty block is there to finish: what the certified block is on which it stands. One that
 * was never seen here is not waited for here: if it is certified, one honest member or more saw it
 * (as in HS 2). But if somebody waits, a leader takes it for a reason to propose. */
static void note_payload(candidate_t *candidate, const candidate_t *parent, const block_t *block,
                         const digest_t *certified) {
    if (block->payload_count > 0) {
        candidate->payload_height = block->height;
    } else if (parent->present && digest_equal(&parent->id, certified)) {
        candidate->payload_height = parent->payload_height;
        candidate->guess_height = parent->guess_height;
    } else {
        candidate->guess_height = block->height - 1;
    }
}

/* HS 7, HS 19 */
void upon_proposal(step_t *step, const message_t *message) {
    hotstuff_t *state = step->state;
    const block_t *block = message->block;
    const certificate_t *qc = message->certificates[0];
    upon_certificates(step, message);
    view_t view = message->statement.view;
    if (message->author == step->env->self && view > state->lease_durable)
        lease_returned(state, view);
    if (view != state->view || message->author != leader_of(step->env, view))
        return;
    candidate_t *candidate = &state->candidate;
    if (candidate->present && candidate->view == view) {
        /* attack H13: one is kept, a second one is evidence, a third is nothing. */
        if (!candidate->accused && candidate->statement.phase == message->statement.phase &&
            !digest_equal(&candidate->id, &message->statement.digest)) {
            candidate->accused = true;
            accuse(step, &candidate->statement, &candidate->signature, message);
        }
        return;
    }
    if ((!is_again(message) && !stands_on(step->env, message)) || !entitled(state, message))
        return;
    if (block->payload_size_bytes > payload_bytes_max(step->env))
        return;
    candidate_t parent = *candidate;
    *candidate = (candidate_t){
        .present = true,
        .id = message->statement.digest,
        .height = block->height,
        .view = view,
        .claims = {{qc->statement.view, qc->statement.digest}, qc->statement.claims[0]},
        .statement = message->statement,
        .signature = message->signature};
    note_payload(candidate, &parent, block, &qc->statement.digest);
    effect_add(step->effects, EFFECT_VALIDATE)->validate.id = candidate->id;
}

/* The leader renews its lease together with a vote, so that it costs no sync of its own. */
static void renew_lease(step_t *step) {
    hotstuff_t *state = step->state;
    view_t next = state->view + 1;
    if (leader_of(step->env, next) != step->env->self || next + LEASE_VIEWS / 2 <= state->lease)
        return;
    view_t end = term_end(step->env, next);
    view_t lease = end - next < LEASE_VIEWS ? end : next + LEASE_VIEWS - 1;
    if (lease <= state->lease)
        return;
    state->lease = lease;
    state->lease_view = state->view;
}

/* HS 8 */
void upon_verdict(step_t *step) {
    hotstuff_t *state = step->state;
    const candidate_t *candidate = &state->candidate;
    if (!candidate->present || !digest_equal(&candidate->id, &step->event->verdict.id) ||
        step->event->verdict.verdict != VERDICT_GREEN)
        return;
    /* attacks H7, H11: one vote a view, none at or below a time-out. */
    if (candidate->view != state->view || candidate->view <= state->voted ||
        candidate->view <= state->left || step->env->self == MEMBER_NONE)
        return;
    state->voted = candidate->view;
    renew_lease(step);
    persist_record(step);
    effect_t *store = effect_add(step->effects, EFFECT_STORE);
    store->store.id = candidate->id;
    effect_t *vote =
        send_message(step, PHASE_VOTE, candidate->view, collector_of(step, candidate->view));
    statement_t *statement = &vote->send.message.statement;
    statement->height = candidate->height;
    statement->digest = candidate->id;
    for (uint8_t i = 0; i < statement->claim_count; i++)
        statement->claims[i] = candidate->claims[i];
    state->last_vote = *statement;
    if (four_phases(state))
        vote_on(step); /* its certificate may have come before the verdict */
}

/* HS 17 */
void upon_jump(step_t *step) {
    hotstuff_t *state = step->state;
    if (step->event->jump.height > state->delivered)
        delivered(step, step->event->jump.height);
    if (step->event->jump.height > state->executed)
        state->executed = step->event->jump.height;
    if (step->event->jump.certificate != NULL)
        upon_qc(step, step->event->jump.certificate);
}
