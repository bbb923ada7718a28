/* The strategy `inline`: requests wait at the leader, a block names them by their Merkle root and
 * the bytes follow the proposal. No extra delay; the leader sends all bytes to everybody. */
#include "replica/payload.h"

#include "crypto/hash.h"
#include "replica/state.h"

/* ---- requests on their way to the leader ---- */

static void forward(replica_t *r, bytes_t encoded) {
    if (r->last_leader == r->config.self || r->last_leader == MEMBER_NONE ||
        r->member_links[r->last_leader] == LINK_NONE)
        return;
    writer_t writer = frame_writer(r);
    write_bytes(&writer, encoded.data, encoded.size);
    link_send(r, r->member_links[r->last_leader], LANE_CLIENT, FRAME_REQUEST, writer.at);
}

/* Also what another replica sent: it may be our fault else. */
static void inline_offer(replica_t *r, const request_t *request) {
    forward(r, request->encoded);
}

/* At most about a block's worth: what is further back follows by the clients' own retries. */
static void inline_led(replica_t *r) {
    uint64_t bytes = 0;
    for (mempool_entry_t *entry = mempool_next(&r->mempool, NULL);
         entry != NULL && bytes < r->blocks.payload_max; entry = mempool_next(&r->mempool, entry)) {
        forward(r, mempool_bytes(&r->mempool, entry));
        bytes += entry->size;
    }
}

static void inline_pending(replica_t *r, event_t *event) {
    const mempool_entry_t *oldest = submit_oldest(r);
    event->pending.bytes = r->mempool.bytes;
    if (oldest == NULL)
        return;
    event->pending.oldest_ns = oldest->arrival_ns;
    event->pending.oldest = oldest->digest;
}

/* ---- building ---- */

static void mark_payload(replica_t *r, bytes_t payload) {
    uint32_t count = 0;
    if (payload_walk(payload, r->requests, BLOCK_REQUESTS_MAX, &count) != SYNOD_OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const request_t *request = &r->requests[i];
        mempool_mark(&r->mempool, request->session, mempool_sequence(request, NULL),
                     r->branch_mark);
    }
}

/* Marks all requests in blocks between what is executed and `parent`. */
static branch_t mark_branch(replica_t *r, const digest_t *parent) {
    if (digest_equal(&r->branch, parent) && r->branch_mark != 0)
        return BRANCH_HERE;
    r->branch_mark = ++r->mark_clock;
    r->branch = *parent;
    block_slot_t *path[BLOCKS_SLOTS];
    uint32_t count;
    branch_t branch = judge_branch(r, parent, path, &count);
    if (branch != BRANCH_HERE) {
        r->branch_mark = 0;
        return branch;
    }
    for (uint32_t i = 0; i < count; i++)
        mark_payload(r, slot_payload(path[i]));
    return BRANCH_HERE;
}

static branch_t inline_take(replica_t *r, const digest_t *parent, uint32_t size_max,
                            uint32_t *count) {
    branch_t branch = mark_branch(r, parent);
    if (branch != BRANCH_HERE)
        return branch;
    uint32_t size = 0;
    *count = 0;
    for (mempool_entry_t *entry = mempool_next(&r->mempool, NULL);
         entry != NULL && *count < BLOCK_REQUESTS_MAX; entry = mempool_next(&r->mempool, entry)) {
        if (entry->mark == r->branch_mark)
            continue;
        if (entry->size > size_max - size)
            break;
        bytes_t bytes = mempool_bytes(&r->mempool, entry);
        memcpy(r->built + size, bytes.data, bytes.size);
        size += entry->size;
        r->request_leaves[(*count)++] = request_leaf(&entry->digest, &entry->signature);
    }
    r->built_size = size;
    r->built_digest = merkle_root(r->request_leaves, *count);
    return BRANCH_HERE;
}

static void inline_proposed(replica_t *r, const block_slot_t *slot) {
    mark_payload(r, slot_payload(slot));
    r->branch = slot->id;
}

/* ---- judging ---- */

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

static bool inline_matches(replica_t *r, block_slot_t *slot) {
    uint32_t count;
    return slot->root_checked || digest_payload(r, slot, &count);
}

static payload_opinion_t inline_judge(replica_t *r, block_slot_t *slot) {
    verify_job_t *job = job_take(r, VERIFY_BLOCK);
    if (job == NULL)
        return PAYLOAD_AMBER; /* the pool is full: again when a job ends */
    uint32_t count = 0;
    stage_t before = host_stage(r->config.host, STAGE_HASH);
    bool is_payload = digest_payload(r, slot, &count);
    host_stage(r->config.host, before);
    if (!is_payload || !payload_signatures(r, count, job)) {
        job_free(job);
        return is_payload ? PAYLOAD_AMBER : PAYLOAD_OTHER;
    }
    job->block = slot->id;
    slot->state = BLOCK_VERIFYING;
    if (job_start(r, job))
        judge_verified(r, job);
    return PAYLOAD_AMBER;
}

/* ---- executing ---- */

static bool inline_need(replica_t *r, block_slot_t *slot, bytes_t *requests) {
    (void)r;
    *requests = slot_payload(slot);
    return true;
}

static void inline_release(replica_t *r, block_slot_t *slot) {
    (void)r;
    (void)slot;
}

static bool inline_frame(replica_t *r, replica_link_t *link, frame_t frame) {
    (void)r;
    (void)link;
    (void)frame;
    return false;
}

static void inline_met(replica_t *r, member_t member) {
    if (member == r->last_leader)
        inline_led(r);
}

static uint64_t inline_hint(const replica_t *r, uint64_t session) {
    (void)session;
    return r->last_leader == MEMBER_NONE ? 0 : (uint64_t)r->last_leader + 1;
}

const payload_strategy_t payload_inline = {.name = "inline",
                                           .offer = inline_offer,
                                           .led = inline_led,
                                           .met = inline_met,
                                           .pending = inline_pending,
                                           .take = inline_take,
                                           .proposed = inline_proposed,
                                           .matches = inline_matches,
                                           .judge = inline_judge,
                                           .need = inline_need,
                                           .release = inline_release,
                                           .frame = inline_frame,
                                           .hint = inline_hint};
