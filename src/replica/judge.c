/* Blocks judged before the core votes, and payloads built for its proposals. A block is good when
 * its payload is what it says, its ancestors are here and good, its time is in order and the
 * payload strategy finds what is in it good (payload.h). */
#include "replica/state.h"

static void tell_core(replica_t *r, const block_slot_t *slot, bool good) {
    event_t event = {.kind = EVENT_VERDICT};
    event.verdict.id = slot->id;
    event.verdict.verdict = good ? VERDICT_GREEN : VERDICT_RED;
    driver_queue(r, &event);
}

static void verdict(replica_t *r, block_slot_t *slot, bool good) {
    slot->state = good ? BLOCK_GOOD : BLOCK_BAD;
    if (good && slot->arrival_ns != 0)
        latency_add(&r->figures.latencies[LATENCY_JUDGE], r->now.now_ns - slot->arrival_ns);
    r->judge_again = true; /* blocks on top of it may wait */
    if (slot->asked)
        tell_core(r, slot, good);
}

typedef enum standing { STANDS = 1, STANDS_NOT = 2, CANNOT_TELL = 3 } standing_t;

/* Ancestors down to what is executed (attack H14), heights and times in order. */
static standing_t judge_parent(replica_t *r, const block_slot_t *slot) {
    const block_t *block = slot_block(slot);
    height_t executed = ledger_height(r->ledger);
    if (block->height <= executed)
        return STANDS_NOT;
    uint64_t parent_time = ledger_time_ns(r->ledger);
    if (block->height == executed + 1) {
        if (!digest_equal(slot_parent(slot), &r->executed_id))
            return STANDS_NOT;
    } else {
        block_slot_t *parent = blocks_find(&r->blocks, slot_parent(slot));
        if (parent == NULL) {
            sync_fetch_parent(r, slot_parent(slot));
            return CANNOT_TELL;
        }
        if (parent->forked || slot_block(parent)->height + 1 != block->height)
            return STANDS_NOT;
        /* What is voted for stands on a certified parent, which f + 1 correct members found good:
         * another opinion of ours about its content must not cost all that follows. */
        if (parent->state != BLOCK_GOOD && parent->state != BLOCK_BAD) {
            r->judge_again |= parent->unproven; /* a certified block stands on it: judge it too */
            parent->unproven = false;
            return CANNOT_TELL;
        }
        parent_time = slot_block(parent)->time_ns;
    }
    if (block->time_ns < parent_time)
        return STANDS_NOT;
    return block->time_ns > r->now.time_ns + r->config.chain.clock_drift_ns ? CANNOT_TELL : STANDS;
}

bool journal_has(replica_t *r, size_t size) {
    size_t most = journal_body_max(r->journal);
    size += JOURNAL_RESERVE;
    bool has = journal_room(r->journal, size < most ? size : most);
    r->disk_short |= !has;
    synod_status status = journal_status(r->journal);
    if (!has && status != SYNOD_OK && status != SYNOD_NO_SPACE)
        replica_halt(r, status, "the journal takes no more records");
    return has;
}

/* The bytes are at fault, perhaps not the block: others may have got the right ones, and what
 * stands on it must be able to fetch them. */
static void on_other(replica_t *r, block_slot_t *slot) {
    quota_log(r, slot_block(slot)->proposer, 1, "judge", "red",
              "height=%llu why=\"payload is not what the block says\"",
              (unsigned long long)slot_block(slot)->height);
    verdict(r, slot, false);
    slot->state = BLOCK_FREE;
}

static void judge_slot(replica_t *r, block_slot_t *slot) {
    standing_t standing = judge_parent(r, slot);
    if (standing == STANDS_NOT) {
        slot->forked = true;
        verdict(r, slot, false);
    }
    /* Green leads to a vote, and that into the journal: a slow disk makes us wait, not stop. */
    if (standing != STANDS || (slot->asked && !space_for_block(r, slot->payload_size)))
        return;
    payload_opinion_t opinion = r->payload->judge(r, slot);
    switch (opinion) {
    case PAYLOAD_AMBER:
        break;
    case PAYLOAD_GREEN:
    case PAYLOAD_RED:
        verdict(r, slot, opinion == PAYLOAD_GREEN);
        break;
    case PAYLOAD_OTHER:
        on_other(r, slot);
        break;
    }
}

/* There was room when it was judged, or its payload made; what came since may have taken it (its
 * signatures were at the pool, or the first proposal of a lease waited for the disk). Without room
 * it waits like any other; one that was executed is final, and needs no vote from here. */
static bool may_be_written(replica_t *r, block_slot_t *slot) {
    bool judged = slot->state == BLOCK_GOOD || slot->state == BLOCK_EXECUTED;
    bool written = slot->journal_sequence != 0 && (slot->journal_whole || !slot->whole);
    if (!judged || written || journal_has(r, slot_bytes(slot).size))
        return true;
    if (slot->state == BLOCK_GOOD)
        slot->state = BLOCK_WAITING;
    return false;
}

void judge_verified(replica_t *r, verify_job_t *job) {
    block_slot_t *slot = blocks_find(&r->blocks, &job->block);
    uint32_t bad = 0;
    for (uint32_t i = 0; i < job->count; i++)
        bad += job->items[i].good ? 0 : 1;
    job_free(job);
    r->judge_again = true;
    if (slot == NULL || slot->state != BLOCK_VERIFYING)
        return; /* became final and was executed meanwhile */
    if (bad > 0) {
        r->signatures_bad += bad;
        quota_log(r, slot_block(slot)->proposer, 1, "judge", "red",
                  "height=%llu proposer=%u bad_signatures=%u",
                  (unsigned long long)slot_block(slot)->height, slot_block(slot)->proposer, bad);
    }
    slot->state = bad == 0 ? BLOCK_GOOD : BLOCK_BAD;
    if (!slot->asked || may_be_written(r, slot))
        verdict(r, slot, bad == 0);
}

/* Only what the core wants judged takes a place in the store, one block a view: whatever else a
 * faulty leader proposes pushes nothing out (attack H13). */
void judge_block(replica_t *r, const digest_t *id) {
    block_slot_t *slot = blocks_find(&r->blocks, id);
    if (slot == NULL && r->proposal != NULL &&
        r->proposal->height <= ledger_height(r->ledger) + BLOCKS_AHEAD)
        slot = blocks_put(&r->blocks, id, r->proposal, r->proposal_payload);
    if (slot == NULL)
        return;
    if (slot->arrival_ns == 0)
        slot->arrival_ns = r->now.now_ns;
    slot->asked = true;
    if (!may_be_written(r, slot))
        return;
    /* What is proposed again was judged already, or executed where it is known to be final. */
    if (slot->state == BLOCK_GOOD || slot->state == BLOCK_BAD || slot->state == BLOCK_EXECUTED)
        tell_core(r, slot, slot->state != BLOCK_BAD);
    else if (slot->state == BLOCK_WAITING)
        judge_slot(r, slot);
}

/* Nobody votes on what sync brings, and a proof makes it final: its signatures would be work for
 * the pool that any liar can order (attack N7). */
static bool is_unasked_sync(const block_slot_t *slot) {
    return slot->unproven && !slot->asked;
}

void judge_waiting(replica_t *r) {
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++)
        if (r->blocks.slots[i].state == BLOCK_WAITING && !is_unasked_sync(&r->blocks.slots[i]))
            judge_slot(r, &r->blocks.slots[i]);
}

/* ---- building ---- */

branch_t judge_branch(replica_t *r, const digest_t *parent, block_slot_t *path[BLOCKS_SLOTS],
                      uint32_t *count) {
    digest_t at = *parent;
    *count = 0;
    while (*count < BLOCKS_SLOTS && !digest_equal(&at, &r->executed_id)) {
        block_slot_t *slot = blocks_find(&r->blocks, &at);
        if (slot == NULL)
            sync_fetch_parent(r, &at);
        if (slot == NULL || slot->state == BLOCK_EXECUTED || slot->forked)
            return slot == NULL ? BRANCH_MISSING : BRANCH_LOST;
        path[(*count)++] = slot;
        at = *slot_parent(slot);
    }
    return *count < BLOCKS_SLOTS ? BRANCH_HERE : BRANCH_LOST;
}

static uint64_t parent_time_ns(replica_t *r, const digest_t *parent) {
    const block_slot_t *slot = blocks_find(&r->blocks, parent);
    return slot == NULL ? ledger_time_ns(r->ledger) : slot_block(slot)->time_ns;
}

/* Without room in the journal or a block of the branch the answer comes later (driver_run): the
 * core asks once a view. */
void build_payload(replica_t *r, const digest_t *wanted_parent, uint32_t size_max) {
    r->want_parent = *wanted_parent;
    r->want_block = false;
    r->want_size = size_max;
    const digest_t *parent = &r->want_parent;
    uint32_t count = 0;
    r->want_waits = !space_for_block(r, size_max);
    if (r->want_waits)
        return;
    branch_t branch = r->payload->take(r, parent, size_max, &count);
    r->want_waits = branch == BRANCH_MISSING;
    if (branch != BRANCH_HERE)
        return;
    r->built_parent = *parent;
    uint64_t time = parent_time_ns(r, parent);
    event_t event = {.kind = EVENT_PAYLOAD};
    event.payload.parent = *parent;
    event.payload.payload = r->built_digest;
    event.payload.size_bytes = r->built_size;
    event.payload.count = count;
    event.payload.time_ns = time > r->now.time_ns ? time : r->now.time_ns;
    driver_queue(r, &event);
}

/* A certified block, for its leader to propose again. Without it the answer comes later, as above.
 */
void fetch_block(replica_t *r, const digest_t *id) {
    const block_slot_t *slot = blocks_find(&r->blocks, id);
    r->want_parent = *id;
    r->want_block = true;
    r->want_waits = slot == NULL || !slot->root_checked;
    if (slot == NULL)
        sync_fetch_parent(r, &r->want_parent);
    if (r->want_waits)
        return;
    event_t event = {.kind = EVENT_BLOCK};
    event.block.block = slot_block(slot);
    driver_queue(r, &event);
}

void keep_own_proposal(replica_t *r, const digest_t *id, const block_t *block) {
    if (blocks_find(&r->blocks, id) != NULL)
        return; /* proposed again */
    require(digest_equal(&block->payload, &r->built_digest));
    require(digest_equal(&block->parents[0], &r->built_parent));
    block_slot_t *slot = blocks_put(&r->blocks, id, block, bytes_of(r->built, r->built_size));
    ensure(slot != NULL);
    slot->root_checked = true;
    slot->state = BLOCK_GOOD; /* everything in it was verified when it came */
    slot->arrival_ns = r->now.now_ns;
    r->payload->proposed(r, slot);
}
