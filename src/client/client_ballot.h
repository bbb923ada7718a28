/* A ballot: what each member last said about one question, and with how much weight. Equality is
 * that of digests, so the bytes of answers need no room: whoever completes a quorum has them in
 * hand.
 *
 * A member has one voice in each class (attack C5). The classes are apart because a correct
 * replica may speak in both: it gives the result when a request runs, and says later that it kept
 * none. */
#ifndef CLIENT_CLIENT_BALLOT_H
#define CLIENT_CLIENT_BALLOT_H

#include "model/committee.h"

typedef enum answer_class { ANSWER_RAN = 1, ANSWER_OTHER = 2 } answer_class_t;
#define ANSWER_CLASSES 2

typedef struct answer {
    digest_t digest;
    uint64_t height; /* what came with it; not compared */
    member_t member;
    answer_class_t class;
} answer_t;

typedef struct ballot {
    answer_t *answers; /* in the order in which members spoke first */
    uint32_t capacity, count;
} ballot_t;

/* `answers`: room for ANSWER_CLASSES answers a member, or one a member for ballots of one class. */
ballot_t ballot_of(answer_t *answers, uint32_t capacity);
void ballot_clear(ballot_t *ballot);
/* Notes an answer in place of what its member said before in that class. Returns the weight of all
 * who now say the same. */
uint64_t ballot_put(ballot_t *ballot, const committee_t *committee, const answer_t *answer);
/* Weight of all who said anything in the class. */
uint64_t ballot_weight(const ballot_t *ballot, const committee_t *committee, answer_class_t class);
/* What the member last said in the class, or NULL. */
const answer_t *ballot_find(const ballot_t *ballot, member_t member, answer_class_t class);
bool answers_equal(const answer_t *a, const answer_t *b);
/* The lowest height that came with answers equal to `like`. */
uint64_t ballot_height_min(const ballot_t *ballot, const answer_t *like);

#endif
