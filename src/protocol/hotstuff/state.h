/* The state of the cores of this family, and the parts that their files share. Names follow the
 * pages; what tells the members of the family apart stands in rules.h.
 *
 * Flat memory: hotstuff_t, then at offsets fixed by the committee's size highQC, highTC, the QC
 * that proves `delivered`, VOTE_WINDOW tallies, and one timeout_t and one help time per member.
 *
 * Invariants: view > highQC.view (with four phases >=); view > highTC.view when there is one; left
 * is 0 or the end of a term; voted, left, lease, locked, highQC.view, delivered never go down. */
#ifndef PROTOCOL_HOTSTUFF_STATE_H
#define PROTOCOL_HOTSTUFF_STATE_H

#include "base/check.h"
#include "model/pacemaker.h"
#include "model/tally.h"
#include "protocol/hotstuff/rules.h"

/* Votes may run ahead of a collector that has not seen the proposals yet; further ahead they are
 * dropped (attack H12): with q votes in four views above ours we are a view behind, and the
 * certificates in later proposals bring us there. Votes that are said again are for our view or the
 * one before, and on a link that reorders come when we are one further (HSC 4). */
#define VOTES_AHEAD 4
#define VOTES_BEHIND 2
#define VOTE_WINDOW (VOTES_AHEAD + VOTES_BEHIND)

/* Views that one durable lease covers: one record in 1,024 blocks, and at most so many views in
 * which a leader that restarts stays silent (they end with its term, by one time-out). */
#define LEASE_VIEWS 1024

/* The leader stays: 2^32 views a term leave 2^32 terms. */
#define LEADER_VIEWS_STAY (UINT64_C(1) << 32)

#define VIEW_TIMEOUT_DEFAULT_NS UINT64_C(500000000)
#define REQUEST_PATIENCE_DEFAULT_NS UINT64_C(4000000000)
#define EXECUTION_HORIZON_DEFAULT 64
#define PAYLOAD_BYTES_DEFAULT (1u << 20)

/* So often a member asks to leave a view for nothing but a block in it that is not certified: a
 * liar who leads can show that to one member alone, which would ask for ever. */
#define TIMES_LEFT_MAX 8

/* Certified blocks that may stand above the last final one, by the will of correct leaders. Where
 * all goes well there are two. */
#define UNCERTAIN_MAX 8

/* So many patiences the others go on without a member that left the term alone. Long, because a
 * liar can make a term end that often; the term of a correct leader costs little to end. */
#define PATIENCES_DIVIDED 8

enum {
    DEADLINE_VIEW = 0,
    DEADLINE_STATUS = 1,
    DEADLINE_PATIENCE = 2,
    DEADLINE_LEAD = 3,
    DEADLINE_DIVIDED = 4
};

/* The proposal of the current view. */
typedef struct candidate {
    bool present;
    bool accused; /* its author proposed another one too */
    digest_t id;
    height_t height;
    height_t payload_height; /* what is waited for: itself, or what its parent waits for */
    height_t guess_height;   /* what it may be there for, when its parent was not seen; else 0 */
    view_t view;
    claim_t claims[CLAIMS_MAX]; /* the certificate it stands on, and the one below that */
    statement_t statement;
    signature_t signature;
} candidate_t;

/* The highest time-out of a member. */
typedef struct timeout {
    view_t view; /* 0: none */
    claim_t claim;
    signature_t signature;
} timeout_t;

typedef struct hotstuff {
    variant_t variant;
    /* safety: in the durable record */
    view_t voted, left;
    claim_t left_claim;
    view_t lease;
    view_t locked; /* no vote on a certificate of a lower view; 0 where the rules know no lock */
    /* liveness */
    view_t view;
    view_t lease_at_start; /* HS 15 */
    view_t lease_view;     /* of the vote or proposal that `lease` was written with */
    view_t lease_durable;  /* what of the lease is known to be on the disk */
    view_t wanted;         /* last view in which a payload was wanted */
    view_t proposed;
    view_t formed;         /* view of the last QC formed here */
    view_t announced;      /* view of the last QC sent to all */
    view_t precommitted;   /* last view of a vote in the second phase, in this life */
    view_t committed;      /* and in the third */
    view_t asked;          /* last view led in which all were asked for a certificate (HSB 1) */
    digest_t locked_id;    /* the block whose certificate raised `locked`, in this life */
    statement_t last_vote; /* of view `voted` if that was in this life, else of view 0 */
    candidate_t candidate;
    height_t delivered, payload_height, guess_height, executed;
    uint64_t pending_bytes, pending_oldest_ns;
    pacemaker_t pacemaker;
    /* as last told to the host; 0: off */
    uint64_t timer_at_ns, status_at_ns, patience_at_ns, divided_at_ns;
    bool timer_restart;     /* count anew from now */
    bool payload_was_empty; /* ask again when something comes */
    bool wants_block;       /* what is wanted is the block to propose again (HS 19) */
    uint64_t good_view_ns; /* the last view that was not timed out here, since one failed; or max */
    uint64_t view_since_ns;    /* the later of entering the view and becoming busy */
    uint64_t leader_since_ns;  /* when this term began here */
    uint64_t lead_at_ns;       /* HS2 1: not before; 0: at once */
    view_t left_by_any;        /* the highest view that any member timed out, as far as heard */
    uint64_t divided_since_ns; /* HS 18: since when some voted and some had left; 0: they do not */
    uint32_t times_left;       /* time-outs sent in this view */
    uint64_t views_failed;
    /* layout */
    uint32_t members;
    size_t high_qc, high_tc, final_qc, tallies, tally_stride, timeouts, helped;
    view_t tally_view[VOTE_WINDOW]; /* which view each tally counts; 0: none */
    bool has_tc, has_final;
} hotstuff_t;

/* One step: everything that the rules need at hand. */
typedef struct step {
    hotstuff_t *state;
    const env_t *env;
    const event_t *event;
    effects_t *effects;
} step_t;

static inline const rules_t *rules_of(const hotstuff_t *state) {
    return hotstuff_rules[state->variant];
}
static inline void *hotstuff_at(const hotstuff_t *state, size_t offset) {
    return (uint8_t *)(uintptr_t)state + offset;
}
static inline certificate_t *high_qc(const hotstuff_t *state) {
    return hotstuff_at(state, state->high_qc);
}
static inline certificate_t *high_tc(const hotstuff_t *state) {
    return hotstuff_at(state, state->high_tc);
}
static inline certificate_t *final_qc(const hotstuff_t *state) {
    return hotstuff_at(state, state->final_qc);
}
static inline tally_t *vote_tally(const hotstuff_t *state, uint32_t slot) {
    return hotstuff_at(state, state->tallies + slot * state->tally_stride);
}
/* Has a view all phases for its one block? */
static inline bool four_phases(const hotstuff_t *state) {
    return rules_of(state)->final_phase != PHASE_VOTE;
}
static inline timeout_t *timeouts(const hotstuff_t *state) {
    return hotstuff_at(state, state->timeouts);
}
static inline uint64_t *helped_ns(const hotstuff_t *state) {
    return hotstuff_at(state, state->helped);
}

/* ---- schedule.c: HS 1, and parameters with their defaults ---- */
uint64_t leader_views(const env_t *env);
member_t leader_of(const env_t *env, view_t view);
view_t term_end(const env_t *env, view_t view);
uint64_t view_timeout_ns(const env_t *env);
uint64_t request_patience_ns(const env_t *env);
uint64_t execution_horizon(const env_t *env);
uint32_t payload_bytes_max(const env_t *env);

/* ---- chain.c: certificates, commit, proposals, votes (HS 2 to 4, 7, 8) ---- */
void upon_qc(step_t *step, const certificate_t *qc);
/* The height that the certificate proves final and the block there (HS 3); 0 when none. */
height_t proves_final(const rules_t *rules, const certificate_t *qc, digest_t *id);
void upon_tc(step_t *step, const certificate_t *tc);
void upon_proposal(step_t *step, const message_t *message);
void upon_verdict(step_t *step);
void upon_jump(step_t *step);
/* Is there a block with a payload that is not final yet? */
bool unfinished(const hotstuff_t *state);

/* Every certificate that came with a message. */
void upon_certificates(step_t *step, const message_t *message);

/* ---- four_phase.c: a view that goes through all phases (HSB) ---- */
void upon_phase(step_t *step, const certificate_t *qc);
/* The votes of the second and third phase that are due. */
void vote_on(step_t *step);
/* HSB 6: shows a certificate that was formed here to all. */
void show_phase(step_t *step, const certificate_t *qc);
/* HSB 1: does what came with the proposal lead to its view? */
bool leads_to_view(const message_t *proposal);
void send_decided(step_t *step, member_t to);

/* ---- lead.c: proposing and collecting (HS 5, 6, 9) ---- */
/* Does what is certified lead to the current view, so that no time-outs were needed? */
bool certified_before(const hotstuff_t *state);
/* Who collects the votes of the view. */
member_t collector_of(const step_t *step, view_t view);
/* Is this member the one that collects votes of this view now? */
bool collects(const hotstuff_t *state, const env_t *env, view_t view);
void lead(step_t *step);
void upon_payload(step_t *step);
void upon_block(step_t *step);
void upon_vote(step_t *step, const message_t *message);
/* An own vote, or an own proposal that waited for the disk, came back: its record is durable. */
void lease_returned(hotstuff_t *state, view_t view);

/* ---- pace.c: timers, time-outs, help (HS 10 to 14, 16) ---- */
/* Does the TC lead further than a certificate of that view? */
bool tc_leads_on(const hotstuff_t *state, view_t certified);
/* Sets or clears the timers, after each event. */
void pace(step_t *step);
void enter_view(step_t *step, view_t view, bool failed);
void ask_where_others_are(step_t *step, member_t to);
/* After a start. */
void await_others_anew(step_t *step);
void upon_deadline(step_t *step, uint32_t id);
void upon_timeout(step_t *step, const message_t *message);
void upon_status(step_t *step, const message_t *message);

/* ---- record.c: the durable record (HS 15) ---- */
size_t hotstuff_record_bytes_max(uint32_t members);
void persist_record(step_t *step);
/* False when the bytes are not a record of this committee. */
bool restore_record(hotstuff_t *state, const env_t *env, bytes_t bytes, arena_t *scratch);

/* ---- shared ---- */
/* A send effect with the statement's common fields filled in. */
effect_t *send_message(step_t *step, uint8_t phase, view_t view, member_t to);
void accuse(step_t *step, const statement_t *first, const signature_t *first_signature,
            const message_t *second);

#endif
