/* The tally: counts the votes of one phase in one slot.
 *
 * One vote per member counts (Q13); a repeated one is told apart from a different one, which is
 * evidence. Votes are grouped by all signed fields except claims that may differ (Q7); a group that
 * makes the quorum becomes a certificate of exactly the votes that were verified and counted (Q8).
 * Every crossing of a threshold is visible by comparing weights before and after.
 *
 * Flat memory: tally_bytes(members) bytes, no pointers, zero-filled is not a valid state. */
#ifndef MODEL_TALLY_H
#define MODEL_TALLY_H

#include "model/certificate.h"
#include "model/message.h"

typedef struct tally tally_t;

size_t tally_bytes(uint32_t members);
/* Empties it for a committee of `members`. Does not touch slots of members that never voted. */
void tally_reset(tally_t *tally, uint32_t members, bool claims_differ);

typedef enum tally_outcome {
    TALLY_COUNTED = 0,
    TALLY_REPEATED = 1, /* this member said exactly this already */
    TALLY_CONFLICT = 2  /* this member said something else: not counted */
} tally_outcome_t;

/* Counts a vote that was verified. `*weight`, if not NULL, becomes the weight of its group. */
tally_outcome_t tally_add(tally_t *tally, const committee_t *committee, const message_t *vote,
                          uint64_t *weight);
bool tally_has(const tally_t *tally, member_t member);
/* The statement and signature counted for a member; tally_has(member). */
void tally_vote(const tally_t *tally, member_t member, statement_t *statement,
                signature_t *signature);
/* Weight of all that voted, whatever for. */
uint64_t tally_weight(const tally_t *tally);
uint32_t tally_count(const tally_t *tally);
/* Builds the certificate of the group that `statement` belongs to, with all its votes. */
void tally_certify(const tally_t *tally, const committee_t *committee, const statement_t *statement,
                   certificate_t *to);

#endif
