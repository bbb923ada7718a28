#include "sim/promises.h"

static const char *const names[PROMISE_COUNT] = {
    [PROMISE_VOTED] = "vote",    [PROMISE_LEFT] = "time-out",
    [PROMISE_CLAIMED] = "claim", [PROMISE_LEASE] = "lease",
    [PROMISE_LOCKED] = "lock",   [PROMISE_CERTIFIED] = "highest certificate"};

const char *promise_name(promise_kind_t promise) {
    return names[promise];
}

promise_kind_t promises_short(const promised_t *kept, const promised_t *wanted) {
    promise_kind_t promise = 0;
    while (promise < PROMISE_COUNT && kept->of[promise] >= wanted->of[promise])
        promise++;
    return promise;
}

static const char *broken(const promised_t *said, const phase_t *phase,
                          const statement_t *statement) {
    if (phase->body == BODY_VOTE && statement->view <= said->of[PROMISE_LEFT])
        return "after a time-out for that view or a later one"; /* attack H11 */
    if (phase->claim_count == 0)
        return NULL;
    view_t claimed = statement->claims[0].view;
    if (phase->body == BODY_VOTE && claimed < said->of[PROMISE_LOCKED])
        return "on a certificate below its lock";
    if (phase->body == BODY_NEW_VIEW && claimed < said->of[PROMISE_CERTIFIED])
        return "that claims less than it had voted on"; /* step 3 of the proof of two chains */
    return NULL;
}

const char *promises_say(promised_t *said, const phase_t *phase, const statement_t *statement,
                         const promised_t *needed) {
    const char *how = broken(said, phase, statement);
    for (promise_kind_t promise = 0; promise < PROMISE_COUNT; promise++)
        if (needed->of[promise] > said->of[promise])
            said->of[promise] = needed->of[promise];
    return how;
}
