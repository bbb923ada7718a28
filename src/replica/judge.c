/* Blocks judged before the core votes, and payloads built for its proposals. A block is good when
 * its payload is what it says, its ancestors are here and good, its time is in order and every
 * request in it is signed by the key of its session. */
#include "crypto/hash.h"
#include "replica/state.h"

/* Parses the payload into r->requests and digests it into r->request_digests; checks it against the
 * block the first time. False: it is not what the block says. */
static bool digest_payload(replica_t *r, block_slot_t *slot, uint32_t *count) {
    const block_t *block = slot_block(slot);
    if (block->payload_size_bytes != slot->payload_size ||
        payload_walk(slot_payload(slot), r->requests, BLOCK_REQUESTS_MAX, count) != SYNOD_OK ||
        *count != block->payload_count)
        return false;
    for (uint32_t i = 0; i < *count; i++)
        r->request_digests[i] = request_digest(&r->requests[i]);
    if (slot->root_checked)
        return true;
    digest_t root = payload_root(r->requests, r->request_digests, *count, r->request_leaves);
    slot->root_checked = digest_equal(&root, &block->payload);
    return slot->root_checked;
}

bool judge_payload(replica_t *r, block_slot_t *slot) {
    uint32_t count;
    return slot->root_checked || digest_payload(r, slot, &count);
}

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

static ledger_standing_t standing_now(const replica_t *r, const request_t *request) {
    return ledger_standing(r->ledger, request->session, request->sequence, request->acknowledged);
}

/* Which key must have signed a request? NULL with STANDS: none any more, its answer will be
 * EXPIRED. */
static const key_public_t *key_of(replica_t *r, const request_t *request, key_public_t *room,
                                  standing_t *standing) {
    *standing = STANDS;
    if (request->session == 0) {
        uint64_t nonce;
        request_open_fields(request, room, &nonce);
        return room;
    }
    const key_public_t *key = ledger_session_key(r->ledger, request->session);
    if (key == NULL && standing_now(r, request) == LEDGER_UNOPENED)
        *standing = CANNOT_TELL; /* opened in a block that is not executed here yet */
    return key;
}

/* Was this very request verified when it came to the mempool? */
static bool verified_before(replica_t *r, const request_t *request, const digest_t *digest) {
    uint64_t sequence = request->session == 0 ? mempool_open_sequence(digest) : request->sequence;
    const mempool_entry_t *entry = mempool_find(&r->mempool, request->session, sequence);
    return entry != NULL && digest_equal(&entry->digest, digest) &&
           memcmp(entry->signature.bytes, request->signature.bytes, SYNOD_SIGNATURE_BYTES) == 0;
}

/* Collects the signatures that have to be checked. False: wait (a session is not known yet). */
static bool collect_signatures(replica_t *r, uint32_t count, verify_job_t *job) {
    for (uint32_t i = 0; i < count; i++) {
        const request_t *request = &r->requests[i];
        standing_t standing;
        key_public_t room;
        const key_public_t *key = key_of(r, request, &room, &standing);
        if (standing == CANNOT_TELL)
            return false;
        if (key == NULL || verified_before(r, request, &r->request_digests[i]))
            continue;
        job->items[job->count++] = (verify_item_t){.key = *key,
                                                   .digest = r->request_digests[i],
                                                   .signature = request->signature,
                                                   .tag = i};
    }
    return true;
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

static void judge_slot(replica_t *r, block_slot_t *slot) {
    standing_t standing = judge_parent(r, slot);
    if (standing == STANDS_NOT) {
        slot->forked = true;
        verdict(r, slot, false);
    }
    /* Green leads to a vote, and that into the journal: a slow disk makes us wait, not stop. */
    if (standing != STANDS || (slot->asked && !space_for_block(r, slot->payload_size)))
        return;
    verify_job_t *job = job_take(r, VERIFY_BLOCK);
    if (job == NULL)
        return; /* the pool is full: again when a job ends */
    uint32_t count = 0;
    stage_t before = host_stage(r->config.host, STAGE_HASH);
    bool is_payload = digest_payload(r, slot, &count);
    host_stage(r->config.host, before);
    if (!is_payload) {
        job_free(job);
        quota_log(r, slot_block(slot)->proposer, 1, "judge", "red",
                  "height=%llu why=\"payload is not what the block says\"",
                  (unsigned long long)slot_block(slot)->height);
        verdict(r, slot, false);
        /* The bytes are at fault, perhaps not the block: others may have got the right ones, and
         * what stands on it must be able to fetch them. */
        slot->state = BLOCK_FREE;
        return;
    }
    job->block = slot->id;
    if (!collect_signatures(r, count, job)) {
        job_free(job);
        return;
    }
    slot->state = BLOCK_VERIFYING;
    if (job_start(r, job))
        judge_verified(r, job);
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

static void mark_payload(replica_t *r, bytes_t payload) {
    uint32_t count = 0;
    if (payload_walk(payload, r->requests, BLOCK_REQUESTS_MAX, &count) != SYNOD_OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const request_t *request = &r->requests[i];
        uint64_t sequence = request->sequence;
        if (request->session == 0) {
            digest_t digest = request_digest(request);
            sequence = mempool_open_sequence(&digest);
        }
        mempool_mark(&r->mempool, request->session, sequence, r->branch_mark);
    }
}

/* Marks all requests in blocks between what is executed and `parent`. False: a block is missing. */
static bool mark_branch(replica_t *r, const digest_t *parent) {
    if (digest_equal(&r->branch, parent) && r->branch_mark != 0)
        return true;
    r->branch_mark = ++r->mark_clock;
    r->branch = *parent;
    digest_t at = *parent;
    for (uint32_t i = 0; i <= BLOCKS_SLOTS && !digest_equal(&at, &r->executed_id); i++) {
        const block_slot_t *slot = blocks_find(&r->blocks, &at);
        if (slot == NULL || slot->state == BLOCK_EXECUTED || slot->forked) {
            r->branch_mark = 0;
            r->want_waits = slot == NULL;
            if (slot == NULL)
                sync_fetch_parent(r, &at);
            return false;
        }
        mark_payload(r, slot_payload(slot));
        at = *slot_parent(slot);
    }
    return true;
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
    r->want_waits = !space_for_block(r, size_max);
    if (r->want_waits || !mark_branch(r, parent))
        return;
    uint32_t size = 0, count = 0;
    for (mempool_entry_t *entry = mempool_next(&r->mempool, NULL);
         entry != NULL && count < BLOCK_REQUESTS_MAX; entry = mempool_next(&r->mempool, entry)) {
        if (entry->mark == r->branch_mark)
            continue;
        if (entry->size > size_max - size)
            break;
        bytes_t bytes = mempool_bytes(&r->mempool, entry);
        memcpy(r->built + size, bytes.data, bytes.size);
        size += entry->size;
        r->request_leaves[count++] = request_leaf(&entry->digest, &entry->signature);
    }
    r->built_size = size;
    r->built_parent = *parent;
    r->built_digest = merkle_root(r->request_leaves, count);
    uint64_t time = parent_time_ns(r, parent);
    event_t event = {.kind = EVENT_PAYLOAD};
    event.payload.parent = *parent;
    event.payload.payload = r->built_digest;
    event.payload.size_bytes = size;
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
    slot->state = BLOCK_GOOD; /* every request in it was verified when it came */
    slot->arrival_ns = r->now.now_ns;
    mark_payload(r, bytes_of(r->built, r->built_size));
    r->branch = *id;
}
