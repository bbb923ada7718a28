/* What the cores of the family have in common at the door: bounds, dispatch of events to the rules,
 * admission, fingerprint. */
#include "base/trace.h"
#include "model/certificate_wire.h"
#include "protocol/hotstuff/state.h"

const rules_t *const hotstuff_rules[VARIANT_COUNT] = {
    [VARIANT_TWO_CHAIN] = &hotstuff_two_chain,   [VARIANT_THREE_CHAIN] = &hotstuff_three_chain,
    [VARIANT_TWO_PHASE] = &hotstuff_two_phase,   [VARIANT_ONE_CHAIN] = &hotstuff_one_chain,
    [VARIANT_FOUR_PHASE] = &hotstuff_four_phase,
};

/* Lays the parts out behind the header; the total size is returned. */
static size_t lay_out(hotstuff_t *state, uint32_t members) {
    state->members = members;
    size_t at = arena_cost(sizeof *state);
    state->high_qc = at;
    at += arena_cost(certificate_bytes_max(members));
    state->high_tc = at;
    at += arena_cost(certificate_bytes_max(members));
    state->final_qc = at;
    at += arena_cost(certificate_bytes_max(members));
    state->tallies = at;
    state->tally_stride = arena_cost(tally_bytes(members));
    at += VOTE_WINDOW * state->tally_stride;
    state->timeouts = at;
    at += arena_cost(members * sizeof(timeout_t));
    state->helped = at;
    return at + arena_cost(members * sizeof(uint64_t));
}

size_t hotstuff_state_bytes(const parameters_t *parameters, uint32_t members) {
    (void)parameters;
    hotstuff_t layout;
    return lay_out(&layout, members);
}

size_t hotstuff_scratch_bytes(uint32_t members) {
    /* a QC and a TC formed or decoded, a record for each of three votes, a block, evidence */
    return 4 * arena_cost(certificate_bytes_max(members)) +
           3 * arena_cost(hotstuff_record_bytes_max(members)) + arena_cost(block_bytes(1)) +
           2 * arena_cost(sizeof(evidence_t));
}

effect_t *send_message(step_t *step, uint8_t phase, view_t view, member_t to) {
    const phase_t *row = &rules_of(step->state)->phases[phase];
    effect_t *effect = effect_add(step->effects, EFFECT_SEND);
    effect->send.to = to;
    effect->send.message.author = step->env->self;
    effect->send.message.statement = (statement_t){.epoch = step->env->committee->epoch,
                                                   .view = view,
                                                   .subject = MEMBER_NONE,
                                                   .phase = phase,
                                                   .body = (uint8_t)row->body,
                                                   .claim_count = row->claim_count};
    return effect;
}

void accuse(step_t *step, const statement_t *first, const signature_t *first_signature,
            const message_t *second) {
    evidence_t *evidence = effect_scratch(step->effects, sizeof *evidence);
    evidence->member = second->author;
    evidence->first = *first;
    evidence->first_signature = *first_signature;
    evidence->second = second->statement;
    evidence->second_signature = second->signature;
    effect_add(step->effects, EFFECT_ACCUSE)->accuse = evidence;
}

/* HS 15 */
static void upon_start(step_t *step, variant_t variant) {
    hotstuff_t *state = step->state;
    const event_t *event = step->event;
    memset(state, 0, sizeof *state);
    state->variant = variant;
    lay_out(state, step->env->committee->size);
    memset(timeouts(state), 0, state->members * sizeof(timeout_t));
    memset(helped_ns(state), 0, state->members * sizeof(uint64_t));
    state->pacemaker.base_ns = view_timeout_ns(step->env);
    state->delivered = state->executed = event->start.height;
    certificate_genesis(high_qc(state), step->env->committee, &step->env->anchor, PHASE_VOTE);
    for (uint32_t i = 0; i < event->start.count; i++) {
        const record_t *record = &event->start.records[i];
        if (!restore_record(state, step->env, record->bytes, &step->effects->scratch)) {
            effect_add(step->effects, EFFECT_HALT)->halt.reason =
                "the record of what this member signed cannot be read";
            return;
        }
    }
    state->lease_at_start = state->lease_durable = state->lease;
    /* attack H8: the view follows from both certificates. */
    view_t certified = high_qc(state)->statement.view;
    view_t ended = state->has_tc ? high_tc(state)->statement.view : 0;
    if (four_phases(state) && certified > 0)
        certified--; /* the view may go on */
    state->view = (certified > ended ? certified : ended) + 1;
    state->leader_since_ns = event->now_ns;
    state->good_view_ns = UINT64_MAX;
    await_others_anew(step);
}

static void upon_message(step_t *step) {
    const message_t *message = step->event->message.message;
    switch (message->statement.phase) {
    case PHASE_PROPOSAL:
    case PHASE_NEXT:
        upon_proposal(step, message);
        break;
    case PHASE_VOTE:
    case PHASE_PRECOMMIT_VOTE:
    case PHASE_COMMIT_VOTE:
        upon_vote(step, message);
        break;
    case PHASE_TIMEOUT:
        upon_timeout(step, message);
        break;
    case PHASE_CERTIFICATE:
    case PHASE_COMMIT:
    case PHASE_DECIDE:
        upon_certificates(step, message);
        break;
    default:
        upon_status(step, message);
        break;
    }
}

void hotstuff_step(variant_t variant, void *memory, const env_t *env, const event_t *event,
                   effects_t *effects) {
    hotstuff_t *state = memory;
    step_t step = {state, env, event, effects};
    if (event->kind != EVENT_START && state->view == 0)
        return; /* halted: its record could not be read */
    switch (event->kind) {
    case EVENT_START:
        upon_start(&step, variant);
        break;
    case EVENT_MESSAGE:
        upon_message(&step);
        break;
    case EVENT_DEADLINE:
        upon_deadline(&step, event->deadline.id);
        break;
    case EVENT_PENDING:
        state->pending_bytes = event->pending.bytes;
        state->pending_oldest_ns = event->pending.oldest_ns;
        if (state->payload_was_empty)
            state->wanted = 0;
        break;
    case EVENT_PAYLOAD:
        upon_payload(&step);
        break;
    case EVENT_VERDICT:
        upon_verdict(&step);
        break;
    case EVENT_EXECUTED:
        if (event->executed.position > state->executed)
            state->executed = event->executed.position;
        break;
    case EVENT_JUMP:
        upon_jump(&step);
        break;
    case EVENT_BLOCK:
        upon_block(&step);
        break;
    case EVENT_COMPUTED: /* this core computes nothing outside */
        break;
    }
    if (state->view == 0)
        return;
    lead(&step);
    pace(&step);
    invariant(state->view + four_phases(state) > high_qc(state)->statement.view);
    invariant(!state->has_tc || state->view > high_tc(state)->statement.view);
}

/* Would it move this member on? */
static bool certificate_matters(const hotstuff_t *state, const certificate_t *certificate) {
    view_t view = certificate->statement.view;
    if (proves_final(rules_of(state), certificate, NULL) > state->delivered)
        return true;
    switch (certificate->statement.phase) {
    case PHASE_VOTE:
        return view > high_qc(state)->statement.view;
    case PHASE_PRECOMMIT_VOTE:
        return view > state->locked;
    default: /* time-outs and what was decided end a view */
        return view >= state->view;
    }
}

/* A proposal for a later view matters only with the proof that the view before ended, so that its
 * author cannot occupy us with views that are far away; of one view two are enough to convict
 * (attack H13). */
static bool proposal_matters(const hotstuff_t *state, const message_t *message) {
    view_t view = message->statement.view;
    const candidate_t *candidate = &state->candidate;
    if (candidate->present && candidate->view == view)
        return !candidate->accused && !digest_equal(&candidate->id, &message->statement.digest);
    const certificate_t *qc = message->certificates[0], *tc = message->certificates[1];
    return qc->statement.view + 1 == view || (tc != NULL && tc->statement.view + 1 == view);
}

admission_t hotstuff_admit(const void *memory, const env_t *env, const message_t *message) {
    const hotstuff_t *state = memory;
    view_t view = message->statement.view;
    if (message->statement.epoch != env->committee->epoch || message->statement.path.length != 0 ||
        message->statement.subject != MEMBER_NONE || view == UINT64_MAX)
        return ADMIT_DROP;
    switch (message->statement.phase) {
    case PHASE_PROPOSAL:
    case PHASE_NEXT:
        return view > 0 && view >= state->view && message->author == leader_of(env, view) &&
                       proposal_matters(state, message)
                   ? ADMIT_NOW
                   : ADMIT_DROP;
    case PHASE_VOTE:
    case PHASE_PRECOMMIT_VOTE:
    case PHASE_COMMIT_VOTE:
        return collects(state, env, view) ? ADMIT_NOW : ADMIT_DROP;
    case PHASE_TIMEOUT:
        /* attack Q7: a signature over other fields would not fit into the certificate. */
        return view >= state->view && view >= timeouts(state)[message->author].view &&
                       message->statement.height == 0 && digest_is_zero(&message->statement.digest)
                   ? ADMIT_NOW
                   : ADMIT_DROP;
    case PHASE_CERTIFICATE:
    case PHASE_COMMIT:
    case PHASE_DECIDE:
        return certificate_matters(state, message->certificates[0]) ||
                       (message->certificates[1] != NULL &&
                        certificate_matters(state, message->certificates[1]))
                   ? ADMIT_NOW
                   : ADMIT_DROP;
    case PHASE_STATUS:
        return view != state->view || message->statement.height != state->delivered ||
                       message->statement.claims[0].view != high_qc(state)->statement.view
                   ? ADMIT_NOW
                   : ADMIT_DROP;
    default:
        return ADMIT_DROP;
    }
}

static void note_claims(trace_t *print, const char *what, const claim_t *claims, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        trace_note(print, 0, i, what, claims[i].view, digest_prefix(&claims[i].digest), 0, 0);
}

/* What is signed, or goes out again, beside the views and digests that tell most of it. */
static void note_claimed(trace_t *print, const hotstuff_t *state) {
    const certificate_t *tc = high_tc(state);
    note_claims(print, "left claim", &state->left_claim, 1);
    if (state->candidate.present)
        note_claims(print, "candidate claim", state->candidate.claims, CLAIMS_MAX);
    for (uint32_t i = 0; state->has_tc && i < tc->signers; i++)
        note_claims(print, "tc claim", certificate_claim(tc, i, 0), 1);
}

static void note_votes(trace_t *print, const hotstuff_t *state) {
    for (uint32_t w = 0; w < VOTE_WINDOW; w++) {
        view_t view = state->tally_view[w];
        for (member_t m = 0; view != 0 && m < state->members; m++) {
            statement_t statement;
            signature_t signature;
            if (!tally_has(vote_tally(state, w), m))
                continue;
            tally_vote(vote_tally(state, w), m, &statement, &signature);
            trace_note(print, 0, m, "vote", view, digest_prefix(&statement.digest), 0, 0);
        }
    }
}

/* Times enter relative to now, so that the same situation at another time has the same print. */
uint64_t hotstuff_fingerprint(const void *memory, const env_t *env, uint64_t now_ns) {
    (void)env;
    const hotstuff_t *state = memory;
    trace_t print = {0};
    const certificate_t *qc = high_qc(state), *tc = high_tc(state);
    trace_note(&print, 0, 0, "safety", state->voted, state->left, state->left_claim.view,
               state->lease);
    trace_note(&print, 0, 0, "view", state->view, state->wanted, state->proposed, state->formed);
    trace_note(&print, 0, 0, "qc", qc->statement.view, digest_prefix(&qc->statement.digest),
               state->announced, state->lease_at_start);
    trace_note(&print, 0, 0, "lease", state->lease_view, state->lease_durable,
               state->has_final ? final_qc(state)->statement.view : 0, state->locked);
    trace_note(&print, 0, 0, "said", state->last_vote.view, digest_prefix(&state->last_vote.digest),
               state->variant, state->lead_at_ns == 0 ? 0 : state->lead_at_ns - now_ns + 1);
    trace_note(&print, 0, 0, "tc", state->has_tc ? tc->statement.view : 0, state->delivered,
               state->payload_height, state->executed);
    trace_note(&print, 0, 0, "candidate", state->candidate.present, state->candidate.view,
               digest_prefix(&state->candidate.id), state->pending_bytes);
    trace_note(&print, 0, 0, "good", state->good_view_ns, state->precommitted, state->committed,
               digest_prefix(&state->locked_id));
    trace_note(&print, 0, 0, "unfinished", state->guess_height, state->candidate.guess_height,
               state->candidate.payload_height, state->times_left);
    trace_note(&print, 0, 0, "pace", state->pacemaker.exponent,
               state->timer_at_ns == 0 ? 0 : state->timer_at_ns - now_ns + 1,
               state->status_at_ns == 0 ? 0 : state->status_at_ns - now_ns + 1,
               state->patience_at_ns == 0 ? 0 : state->patience_at_ns - now_ns + 1);
    trace_note(
        &print, 0, 0, "since", state->timer_at_ns == 0 ? 0 : now_ns - state->view_since_ns + 1,
        state->divided_since_ns == 0 ? 0 : now_ns - state->divided_since_ns + 1,
        state->divided_at_ns == 0 ? 0 : state->divided_at_ns - now_ns + 1, state->left_by_any);
    for (member_t m = 0; m < state->members; m++)
        trace_note(&print, 0, m, "timeout", timeouts(state)[m].view, timeouts(state)[m].claim.view,
                   helped_ns(state)[m] == 0 ? 0 : now_ns - helped_ns(state)[m] + 1, 0);
    trace_note(&print, 0, 0, "asked", state->payload_was_empty, state->wants_block,
               state->candidate.accused, state->asked);
    trace_note(&print, 0, 0, "patience", now_ns - state->leader_since_ns,
               state->pending_bytes == 0 ? 0 : now_ns - state->pending_oldest_ns, 0, 0);
    note_claimed(&print, state);
    note_votes(&print, state);
    return print.hash;
}

synod_status hotstuff_final_proof(variant_t variant, const certificate_t *proof, height_t height,
                                  const digest_t *id) {
    const rules_t *rules = hotstuff_rules[variant];
    const statement_t *statement = &proof->statement;
    digest_t proved;
    if (statement->phase != rules->final_phase ||
        statement->claim_count != rules->phases[rules->final_phase].claim_count)
        return SYNOD_MISMATCH;
    height_t final = proves_final(rules, proof, &proved);
    return final == height && final > 0 && digest_equal(&proved, id) ? SYNOD_OK : SYNOD_MISMATCH;
}

void hotstuff_progress(const void *memory, const env_t *env, progress_t *to) {
    const hotstuff_t *state = memory;
    *to = (progress_t){.view = state->view,
                       .leader = state->view == 0 ? MEMBER_NONE : leader_of(env, state->view),
                       .certified = high_qc(state)->statement.height,
                       .delivered = state->delivered,
                       .views_failed = state->views_failed};
    if (state->pending_bytes == 0 && !unfinished(state))
        to->waits_for = "nothing: idle";
    else if (state->left >= state->view)
        to->waits_for = "time-outs of a quorum, to start the next leader";
    else if (state->candidate.present && state->candidate.view == state->view)
        to->waits_for = "a certificate for the block of this view";
    else
        to->waits_for = "a proposal of the leader";
    for (member_t m = 0; m < state->members; m++)
        if (timeouts(state)[m].view >= state->view)
            to->heard_weight += committee_weight(env->committee, m);
}
