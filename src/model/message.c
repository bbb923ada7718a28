/* What a phase forbids a member to say: two different things in one slot. */
#include "model/message.h"

static bool claims_equal(const statement_t *a, const statement_t *b) {
    if (a->claim_count != b->claim_count)
        return false;
    for (uint32_t k = 0; k < a->claim_count; k++) {
        if (!claim_equal(&a->claims[k], &b->claims[k]))
            return false;
    }
    return true;
}

static bool same_slot(const phase_t *phase, const statement_t *a, const statement_t *b) {
    if (phase->slot == SLOT_NONE)
        return false; /* nothing is promised */
    if (a->epoch != b->epoch || a->phase != b->phase || !path_equal(&a->path, &b->path))
        return false; /* another committee, phase or instance is always another slot */
    if (a->body != phase->body || b->body != phase->body)
        return false; /* never said in this phase */
    return (!(phase->slot & SLOT_VIEW) || a->view == b->view) &&
           (!(phase->slot & SLOT_HEIGHT) || a->height == b->height) &&
           (!(phase->slot & SLOT_SUBJECT) || a->subject == b->subject) &&
           (!(phase->slot & SLOT_CLAIM) || claims_equal(a, b));
}

bool phase_conflict(const phase_t *phase, const statement_t *a, const statement_t *b) {
    return same_slot(phase, a, b) && !statement_equal(a, b, false);
}
