/* The judgement of an incoming consensus message: everything that is the same for all protocols.
 * The gate of the replica and the simulated cluster of bare cores use this one function. */
#ifndef MODEL_JUDGE_H
#define MODEL_JUDGE_H

#include "model/message.h"

typedef struct judge {
    const committee_t *committee;
    const phase_t *phases;
    uint32_t phase_count;
    const digest_t *anchor;
    member_t link;                    /* whose channel it came over; MEMBER_NONE: nobody's */
    const certificate_known_t *known; /* may be NULL */
} judge_t;

/* Structure: phase, body, claims, author, certificates that may and must be there. Cheap, and asked
 * before the core admits the message. */
synod_status judge_structure(const judge_t *judge, const message_t *message);

/* Authenticity: the author's signature or channel, and every signature of every certificate in it
 * (attack Q5: before any state changes). Costs tens of microseconds a signature. */
synod_status judge_authenticity(const judge_t *judge, const message_t *message);

#endif
