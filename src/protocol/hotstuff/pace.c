/* Pace: the view timer, time-outs, time-out certificates, help for those who are behind. Nothing in
 * this file can break safety except what it persists before a time-out is sent. */
#include "protocol/hotstuff/state.h"

static bool busy(const hotstuff_t *state) {
    return state->pending_bytes > 0 || unfinished(state);
}

static void set_deadline(step_t *step, uint32_t id, uint64_t *at, uint64_t wanted) {
    if (*at == wanted)
        return;
    *at = wanted;
    effect_t *effect = effect_add(step->effects, EFFECT_DEADLINE);
    effect->deadline.id = id;
    effect->deadline.timeline = TIMELINE_MONOTONIC;
    effect->deadline.at_ns = wanted;
}

/* HS 18: when those who vote follow those who left, or 0. A member that left says so again then,
 * for whoever did not hear it or forgot. */
static uint64_t divided_until(step_t *step) {
    hotstuff_t *state = step->state;
    uint64_t now = step->event->now_ns;
    if (state->left < state->view && state->left_by_any < state->view)
        state->divided_since_ns = 0;
    else if (state->divided_since_ns == 0)
        state->divided_since_ns = now == 0 ? 1 : now;
    if (state->divided_since_ns == 0 || !busy(state))
        return 0;
    /* Grows with the time-outs, as patience does (attack P9). */
    uint64_t patience = request_patience_ns(step->env) << state->pacemaker.exponent;
    uint64_t since = state->divided_since_ns > state->leader_since_ns ? state->divided_since_ns
                                                                      : state->leader_since_ns;
    return since + PATIENCES_DIVIDED * patience;
}

/* HS 10, HS 16, HS 18: when each timer should fire, or 0. A view timer that runs is kept unless
 * something asked to count anew. */
void pace(step_t *step) {
    hotstuff_t *state = step->state;
    if (step->env->self == MEMBER_NONE)
        return;
    uint64_t now = step->event->now_ns, timer = 0, status = 0, patience = 0;
    if (busy(state)) {
        if (state->timer_at_ns == 0)
            state->view_since_ns = now;
        uint64_t period = pacemaker_timeout_ns(&state->pacemaker);
        bool runs = state->timer_at_ns != 0 && !state->timer_restart;
        timer = runs ? state->timer_at_ns : now + period;
        status = runs ? state->status_at_ns : now + period / 2;
    }
    state->timer_restart = false;
    if (state->pending_bytes > 0 && state->left < state->view) {
        uint64_t since = state->pending_oldest_ns > state->leader_since_ns
                             ? state->pending_oldest_ns
                             : state->leader_since_ns;
        /* Grows with the time-outs, or it would be their cap on a slow network (attack P9). */
        patience = since + (request_patience_ns(step->env) << state->pacemaker.exponent);
    }
    set_deadline(step, DEADLINE_VIEW, &state->timer_at_ns, timer);
    set_deadline(step, DEADLINE_STATUS, &state->status_at_ns, status);
    set_deadline(step, DEADLINE_PATIENCE, &state->patience_at_ns, patience);
    set_deadline(step, DEADLINE_DIVIDED, &state->divided_at_ns, divided_until(step));
}

bool tc_leads_on(const hotstuff_t *state, view_t certified) {
    return state->has_tc && high_tc(state)->statement.view + four_phases(state) > certified;
}

static void send_certificates(step_t *step, member_t to, const certificate_t *qc) {
    hotstuff_t *state = step->state;
    effect_t *effect = send_message(step, PHASE_CERTIFICATE, state->view, to);
    effect->send.early = true;
    effect->send.message.certificates[0] = qc;
    if (tc_leads_on(state, qc->statement.view))
        effect->send.message.certificates[1] = high_tc(state);
}

/* HS2 1: an eighth of the time-out is taken as the bound on the network's delay. Members that
 * missed failed views have a lower back-off: who is two steps lower must not time out first. */
static void await_others(step_t *step) {
    hotstuff_t *state = step->state;
    state->lead_at_ns = step->event->now_ns + pacemaker_timeout_ns(&state->pacemaker) / 8;
}

void enter_view(step_t *step, view_t view, bool failed) {
    hotstuff_t *state = step->state;
    require(view > state->view);
    if (failed || leader_of(step->env, view) != leader_of(step->env, state->view))
        state->leader_since_ns = step->event->now_ns;
    if (failed)
        state->good_view_ns = UINT64_MAX;
    else if (state->times_left == 0 && state->timer_at_ns != 0)
        state->good_view_ns = step->event->now_ns - state->view_since_ns;
    state->view = view;
    state->view_since_ns = step->event->now_ns;
    state->times_left = 0;
    state->timer_restart = true;
    if (!failed || !rules_of(state)->leader_waits)
        return;
    await_others(step);
    member_t leader = leader_of(step->env, view);
    if (leader != step->env->self)
        send_certificates(step, leader, high_qc(state));
}

static void send_timeout(step_t *step) {
    hotstuff_t *state = step->state;
    effect_t *effect = send_message(step, PHASE_TIMEOUT, state->left, SEND_ALL);
    effect->send.message.statement.claims[0] = state->left_claim;
    effect->send.message.certificates[0] = high_qc(state);
}

/* HS 11: `end` is the end of a term. After this no vote at or below it (attack H11). */
static void leave(step_t *step, view_t end) {
    hotstuff_t *state = step->state;
    if (state->left < end) {
        state->left = end;
        state->left_claim =
            (claim_t){high_qc(state)->statement.view, high_qc(state)->statement.digest};
        persist_record(step);
    }
    /* HSC 4. Before the time-out, to be counted before a certificate of time-outs is there. */
    if (rules_of(state)->votes_again && state->last_vote.view > high_qc(state)->statement.view &&
        state->last_vote.view + VOTES_BEHIND > state->view)
        send_message(step, PHASE_VOTE, state->last_vote.view, SEND_ALL)->send.message.statement =
            state->last_vote;
    send_timeout(step);
    state->times_left++;
    state->timer_restart = true;
}

void ask_where_others_are(step_t *step, member_t to) {
    effect_t *effect = send_message(step, PHASE_STATUS, step->state->view, to);
    const statement_t *qc = &high_qc(step->state)->statement;
    effect->send.message.statement.height = step->state->delivered;
    effect->send.message.statement.claims[0] = (claim_t){qc->view, qc->digest};
    effect->send.early = true;
}

/* HS2 1: what others said to the leader was said to its former life. */
void await_others_anew(step_t *step) {
    hotstuff_t *state = step->state;
    bool leads = leader_of(step->env, state->view) == step->env->self;
    if (!leads || !rules_of(state)->leader_waits || certified_before(state))
        return;
    await_others(step);
    ask_where_others_are(step, SEND_ALL);
}

/* HS 10, HS 11, HS 16, HS 18 */
void upon_deadline(step_t *step, uint32_t id) {
    hotstuff_t *state = step->state;
    if (id == DEADLINE_STATUS) {
        state->status_at_ns = UINT64_MAX; /* fired; comes back with the next view timer */
        ask_where_others_are(step, SEND_ALL);
        return;
    }
    if (id == DEADLINE_LEAD)
        return; /* the wait is over: lead() comes next */
    if (id == DEADLINE_PATIENCE)
        state->patience_at_ns = 0;
    if (id == DEADLINE_DIVIDED)
        state->divided_at_ns = state->divided_since_ns = 0;
    view_t end = term_end(step->env, state->view);
    leave(step, end > state->left ? end : state->left);
}

/* HS 12: the greatest view that members of weight f + 1 have reached or passed with time-outs. */
static view_t reached_by_one_honest(const hotstuff_t *state, const committee_t *committee) {
    const timeout_t *of = timeouts(state);
    uint64_t needed = quorum_weight(committee, QUORUM_ONE_HONEST);
    view_t best = 0;
    for (member_t m = 0; m < state->members; m++) {
        if (of[m].view <= best)
            continue;
        uint64_t weight = 0;
        for (member_t other = 0; other < state->members; other++)
            if (of[other].view >= of[m].view)
                weight += committee_weight(committee, other);
        if (weight >= needed)
            best = of[m].view;
    }
    return best;
}

static void join(step_t *step) {
    hotstuff_t *state = step->state;
    view_t reached = reached_by_one_honest(state, step->env->committee);
    if (reached > state->left && reached >= state->view && step->env->self != MEMBER_NONE)
        leave(step, reached);
}

/* HS 13: the time-outs for `view` as a certificate, if they make a quorum. */
static const certificate_t *form_tc(step_t *step, view_t view) {
    hotstuff_t *state = step->state;
    const committee_t *committee = step->env->committee;
    const timeout_t *of = timeouts(state);
    uint64_t weight = 0;
    uint32_t signers = 0;
    for (member_t m = 0; m < state->members; m++) {
        if (of[m].view != view)
            continue;
        weight += committee_weight(committee, m);
        signers++;
    }
    if (weight < quorum_weight(committee, QUORUM_DECIDE))
        return NULL;
    statement_t statement = {.epoch = committee->epoch,
                             .view = view,
                             .subject = MEMBER_NONE,
                             .phase = PHASE_TIMEOUT,
                             .body = BODY_NEW_VIEW,
                             .claim_count = 1};
    certificate_t *tc = effect_scratch(step->effects, certificate_bytes_max(state->members));
    certificate_begin(tc, &statement, state->members, signers, true);
    uint32_t index = 0;
    for (member_t m = 0; m < state->members; m++)
        if (of[m].view == view)
            certificate_put(tc, index++, m, &of[m].signature, &of[m].claim);
    return tc;
}

/* HS 13 */
void upon_timeout(step_t *step, const message_t *message) {
    hotstuff_t *state = step->state;
    const statement_t *statement = &message->statement;
    upon_qc(step, message->certificates[0]);
    /* A claim without its certificate would put a bound into the TC that nobody can meet. */
    if (message->certificates[0]->statement.view < statement->claims[0].view)
        return;
    if (statement->view != term_end(step->env, statement->view))
        return;
    timeout_t *mine = &timeouts(state)[message->author];
    if (statement->view == mine->view && !claim_equal(&statement->claims[0], &mine->claim)) {
        statement_t first = *statement;
        first.claims[0] = mine->claim;
        accuse(step, &first, &mine->signature, message);
        return;
    }
    if (statement->view <= mine->view)
        return;
    *mine = (timeout_t){statement->view, statement->claims[0], message->signature};
    if (statement->view > state->left_by_any)
        state->left_by_any = statement->view;
    if (statement->view < state->view)
        return;
    const certificate_t *tc = form_tc(step, statement->view);
    if (tc != NULL)
        upon_tc(step, tc);
    else
        join(step);
}

/* HS 14: members of one view may have come there by different certificates, one by time-outs and
 * another by votes; and a higher certificate need not prove what a lower one proved final. */
void upon_status(step_t *step, const message_t *message) {
    hotstuff_t *state = step->state;
    const statement_t *theirs = &message->statement;
    view_t certified = theirs->claims[0].view, ours = high_qc(state)->statement.view;
    bool ahead =
        theirs->view > state->view || certified > ours || theirs->height > state->delivered;
    bool behind = theirs->view < state->view || certified < ours;
    bool missing = theirs->height < state->delivered && state->has_final &&
                   theirs->height < proves_final(rules_of(state), final_qc(state), NULL);
    bool undecided =
        four_phases(state) && state->has_final && theirs->view <= final_qc(state)->statement.view;
    if ((!ahead && !behind && !missing) || message->author == step->env->self)
        return;
    uint64_t *last = &helped_ns(state)[message->author];
    uint64_t now = step->event->now_ns, pause = view_timeout_ns(step->env) / 4;
    if (*last != 0 && now - *last < pause)
        return;
    *last = now == 0 ? 1 : now;
    if (ahead)
        ask_where_others_are(step, message->author);
    if (behind)
        send_certificates(step, message->author, high_qc(state));
    if (four_phases(state) && (missing || undecided))
        send_decided(step, message->author);
    else if (missing && !(behind && final_qc(state)->statement.view == ours))
        send_certificates(step, message->author, final_qc(state));
}
