/* The strategy `certified`: requests go from the member that they reached straight to everybody, in
 * batches of its own lane; a block names batches by certificates that enough members hold them. So
 * the leader sends a few hundred bytes a batch, whoever made it. See lanes.h. */
#include "base/bitset.h"
#include "replica/lanes.h"
#include "replica/state.h"

/* ---- what waits ---- */

static void certified_offer(replica_t *r, const request_t *request) {
    (void)request;
    r->lanes.dirty = true;
}

/* The new leader hears what may be ordered from its author at once, of others after a while. */
static void certified_led(replica_t *r) {
    for (member_t m = 0; m < r->config.committee->size; m++)
        r->lanes.lanes[m].relayed = false;
    if (r->last_leader == MEMBER_NONE || r->last_leader == r->config.self ||
        r->member_links[r->last_leader] == LINK_NONE)
        return;
    proof_send(r, &r->member_links[r->last_leader], 1, r->config.self);
    if (r->lanes.remind_at == 0)
        r->lanes.remind_at = r->now.now_ns + 1;
}

/* Requests wait for their leader only once they are certified: before that it is not its fault. */
static void certified_pending(replica_t *r, event_t *event) {
    for (member_t m = 0; m < r->config.committee->size; m++) {
        const author_lane_t *lane = &r->lanes.lanes[m];
        if (lane->certified <= lane->tip)
            continue;
        uint64_t from = lane->known_from > lane->tip + 1 ? lane->known_from : lane->tip + 1;
        for (uint64_t s = from; s <= lane->certified; s++)
            event->pending.bytes += lane->known[s % LANE_WINDOW].size_bytes;
        if (event->pending.oldest_ns == 0 || lane->certified_ns < event->pending.oldest_ns) {
            event->pending.oldest_ns = lane->certified_ns;
            event->pending.oldest = lane->certified_name;
        }
    }
}

/* ---- the branch ---- */

static void branch_put(replica_t *r, const batch_reference_t *reference) {
    uint64_t *tip = &r->lanes.branch[reference->author];
    digest_t *name = &r->lanes.branch_name[reference->author];
    for (uint32_t i = 0; i < reference->count; i++)
        *name = batch_name(reference->author, reference->first + i, name, &reference->entries[i]);
    *tip = reference->first + reference->count - 1;
}

/* The tips of all lanes after block `parent`, in r->lanes.branch. */
static branch_t branch_tips(replica_t *r, const digest_t *parent) {
    uint32_t members = r->config.committee->size;
    block_slot_t *path[BLOCKS_SLOTS];
    uint32_t count;
    branch_t branch = judge_branch(r, parent, path, &count);
    if (branch != BRANCH_HERE)
        return branch;
    for (member_t m = 0; m < members; m++) {
        r->lanes.branch[m] = r->lanes.lanes[m].tip;
        r->lanes.branch_name[m] = r->lanes.lanes[m].tip_name;
    }
    while (count > 0) {
        reader_t reader = reader_of(slot_payload(path[--count]));
        batch_reference_t reference;
        while (reader_left(&reader) > 0 &&
               batch_reference_decode(&reader, members, &reference) == SYNOD_OK)
            branch_put(r, &reference);
    }
    return BRANCH_HERE;
}

/* What one block may hold, whoever made it. */
typedef struct load {
    uint64_t bytes, requests;
    uint32_t batches;
} load_t;

static bool load_add(const replica_t *r, load_t *load, const batch_reference_t *reference) {
    load_t more = *load;
    for (uint32_t i = 0; i < reference->count; i++) {
        more.bytes += reference->entries[i].size_bytes;
        more.requests += reference->entries[i].requests;
    }
    more.batches += reference->count;
    if (more.bytes > r->blocks.payload_max || more.requests > BLOCK_REQUESTS_MAX ||
        more.batches > BLOCK_BATCHES_MAX)
        return false;
    *load = more;
    return true;
}

/* ---- building ---- */

/* The lane that waited longest of those not looked at; MEMBER_NONE: all were. */
static member_t next_lane(replica_t *r, uint64_t *looked) {
    member_t best = MEMBER_NONE;
    for (member_t m = 0; m < r->config.committee->size; m++) {
        const author_lane_t *lane = &r->lanes.lanes[m];
        if (!bitset_has(looked, m) && lane->certified > r->lanes.branch[m] &&
            (best == MEMBER_NONE || lane->certified_ns < r->lanes.lanes[best].certified_ns))
            best = m;
    }
    if (best != MEMBER_NONE)
        bitset_add(looked, best);
    return best;
}

/* PAY 4: of each author what is certified above the branch, as much as a block takes, those that
 * waited longest first; in the block by author. */
static branch_t certified_take(replica_t *r, const digest_t *parent, uint32_t size_max,
                               uint32_t *count) {
    uint32_t members = r->config.committee->size;
    uint64_t *looked = r->lanes.looked, *taken = r->lanes.taken;
    batch_reference_t reference;
    load_t load = {0};
    branch_t branch = branch_tips(r, parent);
    if (branch != BRANCH_HERE)
        return branch;
    memset(looked, 0, bitset_words(members) * sizeof(uint64_t));
    memset(taken, 0, bitset_words(members) * sizeof(uint64_t));
    size_t left = size_max;
    for (member_t m = next_lane(r, looked); m != MEMBER_NONE; m = next_lane(r, looked)) {
        if (!lane_reference(&r->lanes.lanes[m], m, r->lanes.branch[m], &r->lanes.branch_name[m],
                            &reference))
            continue;
        size_t size = batch_reference_bytes(&reference);
        if (size > left || !load_add(r, &load, &reference))
            continue;
        left -= size;
        bitset_add(taken, m);
    }
    writer_t writer = writer_of(r->built, r->blocks.payload_max);
    for (member_t m = bitset_next(taken, members, 0); m < members;
         m = bitset_next(taken, members, m + 1)) {
        (void)lane_reference(&r->lanes.lanes[m], m, r->lanes.branch[m], &r->lanes.branch_name[m],
                             &reference);
        batch_reference_encode(&reference, &writer);
        *count += 1;
    }
    ensure(!writer.failed);
    r->built_size = (uint32_t)writer.at;
    r->built_digest = batch_payload_digest(writer_bytes(&writer));
    return BRANCH_HERE;
}

static void certified_proposed(replica_t *r, const block_slot_t *slot) {
    (void)r;
    (void)slot;
}

/* ---- judging ---- */

/* Also that what it names has room in a slot: whoever serves blocks chooses what is kept until its
 * run is proved, and may send bytes as well (attack N1). */
static bool certified_matches(replica_t *r, block_slot_t *slot) {
    const block_t *block = slot_block(slot);
    uint32_t count = 0;
    if (slot->root_checked)
        return true;
    reader_t reader = reader_of(slot_payload(slot));
    batch_reference_t reference;
    load_t load = {0};
    while (reader_left(&reader) > 0) {
        if (batch_reference_decode(&reader, r->config.committee->size, &reference) != SYNOD_OK ||
            !load_add(r, &load, &reference))
            return false;
        count++;
    }
    digest_t digest = batch_payload_digest(slot_payload(slot));
    slot->root_checked = block->payload_size_bytes == slot->payload_size &&
                         block->payload_count == count && digest_equal(&digest, &block->payload);
    return slot->root_checked;
}

/* PAY 5: every reference goes on from the branch's tip of its lane and is certified; the bytes need
 * not be here. */
static payload_opinion_t certified_judge(replica_t *r, block_slot_t *slot) {
    if (!certified_matches(r, slot))
        return PAYLOAD_OTHER;
    branch_t branch = branch_tips(r, slot_parent(slot));
    if (branch != BRANCH_HERE)
        return branch == BRANCH_MISSING ? PAYLOAD_AMBER : PAYLOAD_RED;
    reader_t reader = reader_of(slot_payload(slot));
    batch_reference_t reference;
    uint64_t least = 0;
    while (reader_left(&reader) > 0) {
        synod_status status =
            batch_reference_decode(&reader, r->config.committee->size, &reference);
        invariant(status == SYNOD_OK); /* it matches */
        digest_t name;
        if (reference.author < least || reference.first != r->lanes.branch[reference.author] + 1 ||
            reference_judge(r, &reference, &r->lanes.branch_name[reference.author], &name) !=
                SYNOD_OK) {
            quota_log(r, slot_block(slot)->proposer, 1, "judge", "red",
                      "height=%llu proposer=%u author=%u first=%llu why=\"no certified batch\"",
                      (unsigned long long)slot_block(slot)->height, slot_block(slot)->proposer,
                      reference.author, (unsigned long long)reference.first);
            return PAYLOAD_RED;
        }
        least = (uint64_t)reference.author + 1;
    }
    return PAYLOAD_GREEN;
}

/* ---- executing ---- */

static bool certified_need(replica_t *r, block_slot_t *slot, bytes_t *requests) {
    if (!fetch_fill(r, slot)) {
        fetch_missing(r, slot);
        return false;
    }
    *requests = slot_content(slot);
    return true;
}

static void certified_release(replica_t *r, block_slot_t *slot) {
    reader_t reader = reader_of(slot_payload(slot));
    batch_reference_t reference;
    while (reader_left(&reader) > 0 &&
           batch_reference_decode(&reader, r->config.committee->size, &reference) == SYNOD_OK) {
        digest_t name = r->lanes.lanes[reference.author].tip_name;
        for (uint32_t i = 0; i < reference.count; i++)
            name = batch_name(reference.author, reference.first + i, &name, &reference.entries[i]);
        lane_ordered(r, reference.author, reference.first + reference.count - 1, &name);
    }
    if (!slot->journal_whole)
        r->lanes.unwritten = slot_block(slot)->height;
    lanes_advance(r);
}

/* ---- frames, hints ---- */

static bool certified_frame(replica_t *r, replica_link_t *link, frame_t frame) {
    switch (frame.kind) {
    case FRAME_BATCH:
        lanes_on_batch(r, link, frame.body);
        return true;
    case FRAME_BATCH_ACK:
        own_on_ack(r, link, frame.body);
        return true;
    case FRAME_BATCH_ASK:
        lanes_on_ask(r, link, frame.body);
        return true;
    case FRAME_BATCH_PROOF:
        lanes_on_proof(r, link, frame.body);
        return true;
    default:
        return false;
    }
}

/* Sessions are spread over the members that are there. */
static uint64_t certified_hint(const replica_t *r, uint64_t session) {
    uint32_t size = r->config.committee->size;
    for (uint32_t i = 0; i < size; i++) {
        member_t m = (member_t)((session + i) % size);
        if (m == r->config.self || r->member_links[m] != LINK_NONE)
            return (uint64_t)m + 1;
    }
    return 0;
}

const payload_strategy_t payload_certified = {.name = "certified",
                                              .apart = true,
                                              .offer = certified_offer,
                                              .led = certified_led,
                                              .met = own_met,
                                              .pending = certified_pending,
                                              .take = certified_take,
                                              .proposed = certified_proposed,
                                              .matches = certified_matches,
                                              .judge = certified_judge,
                                              .need = certified_need,
                                              .release = certified_release,
                                              .frame = certified_frame,
                                              .hint = certified_hint};
