/* See the header. Linear scans: a ballot holds at most two answers a member, and f + 1 are
 * enough. */
#include "client/client_ballot.h"

#include "base/check.h"

bool answers_equal(const answer_t *a, const answer_t *b) {
    return a->class == b->class && digest_equal(&a->digest, &b->digest);
}

ballot_t ballot_of(answer_t *answers, uint32_t capacity) {
    require(answers != NULL && capacity > 0);
    return (ballot_t){.answers = answers, .capacity = capacity};
}

void ballot_clear(ballot_t *ballot) {
    ballot->count = 0;
}

/* Its index, or the count. */
static uint32_t find_voice(const ballot_t *ballot, member_t member, answer_class_t class) {
    uint32_t i = 0;
    while (i < ballot->count &&
           (ballot->answers[i].member != member || ballot->answers[i].class != class)) {
        i++;
    }
    return i;
}

const answer_t *ballot_find(const ballot_t *ballot, member_t member, answer_class_t class) {
    const uint32_t index = find_voice(ballot, member, class);
    return index < ballot->count ? &ballot->answers[index] : NULL;
}

uint64_t ballot_put(ballot_t *ballot, const committee_t *committee, const answer_t *answer) {
    require(answer->member < committee->size);
    const uint32_t voice = find_voice(ballot, answer->member, answer->class); /* attack C5 */
    if (voice == ballot->count) {
        invariant(ballot->count < ballot->capacity);
        ballot->count++;
    }
    ballot->answers[voice] = *answer;
    uint64_t weight = 0;
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (answers_equal(&ballot->answers[i], answer)) {
            weight += committee_weight(committee, ballot->answers[i].member);
        }
    }
    ensure(weight >= 1 && weight <= committee->weight_total);
    return weight;
}

uint64_t ballot_weight(const ballot_t *ballot, const committee_t *committee, answer_class_t class) {
    uint64_t weight = 0;
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (ballot->answers[i].class == class) {
            weight += committee_weight(committee, ballot->answers[i].member);
        }
    }
    return weight;
}

uint64_t ballot_height_min(const ballot_t *ballot, const answer_t *like) {
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (answers_equal(&ballot->answers[i], like) && ballot->answers[i].height < least) {
            least = ballot->answers[i].height;
        }
    }
    return least;
}
