/* Evidence: two signed statements of one member that its protocol forbids to be both made.
 * Portable: whoever has the committee and the phase table can check it without trusting the
 * accuser. */
#ifndef MODEL_EVIDENCE_H
#define MODEL_EVIDENCE_H

#include "model/message.h"

typedef struct evidence {
    member_t member;
    statement_t first, second;
    signature_t first_signature, second_signature;
} evidence_t;

/* SYNOD_OK when it convicts: both signatures hold under the member's key and `phase_conflict`. */
synod_status evidence_judge(const evidence_t *evidence, const committee_t *committee,
                            const phase_t *phases, uint32_t phase_count);

#endif
