/* The leader: wants a payload, proposes, collects votes, and says when there is nothing more. */
#include "protocol/hotstuff/state.h"

/* HSB 1: a view of four phases is over when its block is decided. */
bool certified_before(const hotstuff_t *state) {
    view_t before = state->view - 1;
    if (high_qc(state)->statement.view != before)
        return false;
    return !four_phases(state) || before == 0 ||
           (state->has_final && final_qc(state)->statement.view == before);
}

/* May a proposal of this view be the first of this process, and is the way to lead it proved? */
static bool may_lead(const hotstuff_t *state, const env_t *env) {
    if (env->self == MEMBER_NONE || leader_of(env, state->view) != env->self)
        return false;
    if (state->view <= state->lease_at_start || state->proposed >= state->view)
        return false;
    return certified_before(state) ||
           (state->has_tc && high_tc(state)->statement.view + 1 == state->view);
}

/* Sends the certificate formed here, when no proposal will carry it soon. */
static void announce(step_t *step) {
    hotstuff_t *state = step->state;
    view_t view = high_qc(state)->statement.view;
    if (state->formed != view || state->announced >= view)
        return;
    state->announced = view;
    effect_t *effect = send_message(step, PHASE_CERTIFICATE, view, SEND_ALL);
    effect->send.early = true;
    effect->send.message.certificates[0] = high_qc(state);
}

/* Was this view entered by time-outs? Then somebody waits for something, maybe for a block that was
 * never seen here, and the leader proposes even if it has nothing to propose. */
static bool called(const hotstuff_t *state) {
    return !certified_before(state);
}

/* HS2 1: who was called by time-outs first hears what the others know, for as long as a message may
 * take; the bound grows with the back-off. */
static bool must_wait(step_t *step) {
    hotstuff_t *state = step->state;
    uint64_t now = step->event->now_ns;
    if (!rules_of(state)->leader_waits || !called(state) || now >= state->lead_at_ns)
        return false;
    effect_t *effect = effect_add(step->effects, EFFECT_DEADLINE);
    effect->deadline.id = DEADLINE_LEAD;
    effect->deadline.timeline = TIMELINE_MONOTONIC;
    effect->deadline.at_ns = state->lead_at_ns;
    return true;
}

/* HS 19: so many certified blocks and none of them final: the last one is proposed again. More
 * would not make anything final sooner, and every member has to keep them all. */
static bool uncertain(const hotstuff_t *state) {
    return high_qc(state)->statement.height >= state->delivered + UNCERTAIN_MAX;
}

/* HSB 1: the view before was decided, and its prepareQC did not come along, be it that a liar
 * showed an older one, or that the decision was heard of elsewhere. The others are asked, once. */
static void ask_for_certified(step_t *step) {
    hotstuff_t *state = step->state;
    view_t before = state->view - 1;
    bool decided = state->has_final && final_qc(state)->statement.view == before;
    if (!four_phases(state) || !decided || high_qc(state)->statement.view >= before ||
        state->asked == state->view || leader_of(step->env, state->view) != step->env->self)
        return;
    state->asked = state->view;
    ask_where_others_are(step, SEND_ALL);
}

/* HS 5, HS 19 */
void lead(step_t *step) {
    hotstuff_t *state = step->state;
    bool busy = state->pending_bytes > 0 || unfinished(state) || called(state);
    /* Final heights count, not certified ones: those above come down only by further proposals. */
    bool ahead = state->delivered > state->executed + execution_horizon(step->env);
    if (!busy || ahead || !may_lead(state, step->env)) {
        ask_for_certified(step);
        announce(step);
        return;
    }
    /* What is final may rise while a block is on its way, which is then not looked at any more. */
    bool lapsed = state->wants_block && !uncertain(state);
    if ((state->wanted >= state->view && !lapsed) || must_wait(step))
        return;
    state->wanted = state->view;
    state->payload_was_empty = false;
    state->wants_block = uncertain(state);
    if (state->wants_block) {
        effect_add(step->effects, EFFECT_FETCH)->fetch.id = high_qc(state)->statement.digest;
        return;
    }
    effect_t *effect = effect_add(step->effects, EFFECT_WANT);
    effect->want.parent = high_qc(state)->statement.digest;
    effect->want.size_max_bytes = payload_bytes_max(step->env);
}

/* HS 6: a proposal is a promise (one a view). It is kept over restarts by the lease, so that it
 * need not wait for the disk each time; but it does wait while the lease itself is on its way
 * there, which others may outrun with their votes. */
static bool under_lease(step_t *step) {
    hotstuff_t *state = step->state;
    if (state->view <= state->lease_durable)
        return true;
    if (state->view <= state->lease)
        return false;
    view_t end = term_end(step->env, state->view);
    state->lease = end - state->view < LEASE_VIEWS ? end : state->view + LEASE_VIEWS - 1;
    state->lease_view = state->view;
    persist_record(step);
    return false;
}

void lease_returned(hotstuff_t *state, view_t view) {
    if (view >= state->lease_view)
        state->lease_durable = state->lease;
}

static block_t *build_block(step_t *step, const claim_t *parent, height_t height) {
    const event_t *event = step->event;
    block_t *block = effect_scratch(step->effects, block_bytes(1));
    block->epoch = step->env->committee->epoch;
    block->height = height;
    block->birth_view = step->state->view;
    block->justify_view = parent->view;
    block->proposer = step->env->self;
    block->payload = event->payload.payload;
    block->payload_size_bytes = event->payload.size_bytes;
    block->payload_count = event->payload.count;
    block->time_ns = event->payload.time_ns;
    block->parent_count = 1;
    block->parents[0] = parent->digest;
    return block;
}

static void propose(step_t *step, const block_t *block) {
    hotstuff_t *state = step->state;
    const certificate_t *qc = high_qc(state);
    bool early = under_lease(step);
    state->proposed = state->view;
    state->announced = qc->statement.view; /* the proposal carries it */
    bool next = four_phases(state) && !called(state) && state->view > 1;
    effect_t *effect =
        send_message(step, next ? PHASE_NEXT : PHASE_PROPOSAL, state->view, SEND_ALL);
    effect->send.early = early;
    message_t *message = &effect->send.message;
    message->statement.height = block->height;
    message->statement.digest = block_id(block);
    message->block = block;
    message->certificates[0] = qc;
    if (next)
        message->certificates[1] = final_qc(state);
    else if (called(state))
        message->certificates[1] = high_tc(state);
}

/* HS 6 */
void upon_payload(step_t *step) {
    hotstuff_t *state = step->state;
    const certificate_t *qc = high_qc(state);
    /* An answer to a question of an earlier view, or about another parent, has lapsed. */
    if (state->wanted != state->view || state->wants_block || !may_lead(state, step->env))
        return;
    if (!digest_equal(&step->event->payload.parent, &qc->statement.digest)) {
        state->wanted = 0; /* a higher certificate came meanwhile: asked again, on that one */
        return;
    }
    bool finish = unfinished(state) || state->guess_height > state->delivered;
    if (step->event->payload.count == 0 && !finish && !called(state)) {
        state->payload_was_empty = true;
        announce(step);
        return;
    }
    claim_t parent = {qc->statement.view, qc->statement.digest};
    propose(step, build_block(step, &parent, qc->statement.height + 1));
}

/* HS 19 */
void upon_block(step_t *step) {
    hotstuff_t *state = step->state;
    const block_t *block = step->event->block.block;
    if (state->wanted != state->view || !state->wants_block || !may_lead(state, step->env))
        return;
    digest_t id = block_id(block);
    if (!digest_equal(&id, &high_qc(state)->statement.digest)) {
        state->wanted = 0; /* as with a payload */
        return;
    }
    block_t *again = effect_scratch(step->effects, block_bytes(1));
    memcpy(again, block, block_bytes(1));
    propose(step, again);
}

/* HS 8, HSB 2 */
member_t collector_of(const step_t *step, view_t view) {
    return leader_of(step->env, four_phases(step->state) ? view : view + 1);
}

/* HS 9, HSC 4: votes of a view whose collector failed are said again, to all. */
bool collects(const hotstuff_t *state, const env_t *env, view_t view) {
    if (four_phases(state))
        return view == state->view && leader_of(env, view) == env->self;
    if (view >= state->view && leader_of(env, view + 1) == env->self)
        return view - state->view < VOTES_AHEAD;
    return rules_of(state)->votes_again && view <= state->view &&
           state->view - view <= VOTES_BEHIND && view > high_qc(state)->statement.view;
}

/* Three phases of one view, or one phase of some views. */
static uint32_t slot_of(const hotstuff_t *state, const statement_t *vote) {
    if (!four_phases(state))
        return (uint32_t)(vote->view % VOTE_WINDOW);
    return vote->phase == PHASE_VOTE ? 0 : vote->phase == PHASE_PRECOMMIT_VOTE ? 1 : 2;
}

/* HS 9 */
void upon_vote(step_t *step, const message_t *message) {
    hotstuff_t *state = step->state;
    const committee_t *committee = step->env->committee;
    view_t view = message->statement.view;
    if (!collects(state, step->env, view))
        return;
    if (message->author == step->env->self)
        lease_returned(state, view);
    uint32_t slot = slot_of(state, &message->statement);
    tally_t *tally = vote_tally(state, slot);
    if (state->tally_view[slot] != view) {
        tally_reset(tally, state->members, false);
        state->tally_view[slot] = view;
    }
    uint64_t weight = 0;
    tally_outcome_t outcome = tally_add(tally, committee, message, &weight);
    if (outcome == TALLY_CONFLICT) { /* attack Q13 */
        statement_t first;
        signature_t signature;
        tally_vote(tally, message->author, &first, &signature);
        accuse(step, &first, &signature, message);
        return;
    }
    uint64_t quorum = quorum_weight(committee, QUORUM_DECIDE);
    if (outcome != TALLY_COUNTED || weight < quorum)
        return;
    if (four_phases(state) && weight - committee_weight(committee, message->author) >= quorum)
        return; /* shown already */
    certificate_t *qc = effect_scratch(step->effects, certificate_bytes_max(state->members));
    tally_certify(tally, committee, &message->statement, qc);
    if (four_phases(state))
        show_phase(step, qc);
    else if (leader_of(step->env, view + 1) == step->env->self)
        state->formed = view; /* otherwise all have formed it, and nobody has to be told */
    upon_qc(step, qc);
}
