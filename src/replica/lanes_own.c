/* The own lane: batches made of what waits in the mempool, acknowledgements counted, certificates
 * told to everybody. See lanes.h. */
#include "replica/lanes.h"

#include "base/bitset.h"
#include "replica/state.h"

/* Whoever did not acknowledge for so long is reminded. */
#define REMIND_NS UINT64_C(500000000)
/* What is certified and waits so long may not be known to the leader. */
#define RELAY_NS UINT64_C(2000000000)
/* A batch goes out at once while none is on its way; else when it has a quarter of what a lane may
 * have, so that requests collect while acknowledgements come, and no timer is needed. */
#define BATCH_SHARE 4
/* Mark of mempool entries that stand in an own batch. */
#define MARK_BATCHED 1

static author_lane_t *own_lane(replica_t *r) {
    return &r->lanes.lanes[r->config.self];
}

static uint64_t certified_or_tip(const author_lane_t *lane) {
    return lane->certified > lane->tip ? lane->certified : lane->tip;
}

/* ---- making ---- */

/* The next batch, in r->built. */
static uint32_t collect(replica_t *r, uint64_t bytes_max, uint64_t requests_max,
                        batch_entry_t *made) {
    uint64_t target = r->blocks.payload_max / BATCH_SHARE;
    *made = (batch_entry_t){0};
    (void)submit_oldest(r); /* what can run no more goes */
    for (mempool_entry_t *entry = mempool_next(&r->mempool, NULL);
         entry != NULL && made->requests < requests_max; entry = mempool_next(&r->mempool, entry)) {
        if (entry->mark == MARK_BATCHED)
            continue;
        uint64_t size = made->size_bytes + entry->size;
        if (size > bytes_max || (made->requests > 0 && size > target))
            break;
        bytes_t bytes = mempool_bytes(&r->mempool, entry);
        memcpy(r->built + made->size_bytes, bytes.data, bytes.size);
        made->size_bytes += entry->size;
        made->requests++;
        entry->mark = MARK_BATCHED;
    }
    return made->requests;
}

/* PAY 1: its number is used when it is durable, and only then it is sent. */
static bool make_one(replica_t *r) {
    author_lane_t *lane = own_lane(r);
    uint64_t bytes, requests;
    lane_load(lane, &bytes, &requests);
    bool waiting = lane->high > certified_or_tip(lane);
    uint64_t target = r->blocks.payload_max / BATCH_SHARE;
    if (lane->high - lane->low == LANE_WINDOW || lane->high < r->lanes.used ||
        lane->high < lane->tip || (waiting && r->mempool.bytes < bytes + target) ||
        !space_for_block(r, r->blocks.payload_max))
        return false;
    batch_entry_t made;
    uint64_t bytes_max = r->blocks.payload_max - bytes;
    if (collect(r, bytes_max, BLOCK_REQUESTS_MAX - requests, &made) == 0)
        return false;
    bytes_t built = bytes_of(r->built, made.size_bytes);
    made.content = batch_content(built);
    held_batch_t *held = lane_put(r, r->config.self, &lane->high_name, &made, built);
    ensure(held != NULL);
    held->state = HELD_GOOD; /* every request in it was verified when it came */
    r->lanes.used = held->sequence;
    own_acks_t *acks = &r->lanes.acks[held->sequence % LANE_WINDOW];
    memset(acks->signers, 0, bitset_words(r->config.committee->size) * sizeof(uint64_t));
    return true;
}

/* ---- acknowledgements ---- */

static void send_batch(replica_t *r, const held_batch_t *held) {
    for (member_t m = 0; m < r->config.committee->size; m++)
        if (m != r->config.self && r->member_links[m] != LINK_NONE)
            batch_send(r, r->member_links[m], r->config.self, held);
}

/* Bitmap and signatures as they travel, in the frame buffer. */
static void write_signers(replica_t *r, const own_acks_t *acks, batch_reference_t *reference) {
    uint32_t members = r->config.committee->size;
    size_t bitmap = (members + 7) / 8, size = 0;
    memset(r->frame, 0, bitmap);
    for (member_t m = bitset_next(acks->signers, members, 0); m < members;
         m = bitset_next(acks->signers, members, m + 1)) {
        r->frame[m / 8] |= (uint8_t)(1u << (m % 8));
        memcpy(r->frame + bitmap + size, acks->signatures[m].bytes, SYNOD_SIGNATURE_BYTES);
        size += SYNOD_SIGNATURE_BYTES;
    }
    reference->signers = bytes_of(r->frame, bitmap);
    reference->signatures = bytes_of(r->frame + bitmap, size);
}

/* PAY 3: the highest batch that a decide quorum acknowledged: no other batch of this place can be
 * certified, and f + 1 correct members hold it and all below it. */
static void certify(replica_t *r) {
    const committee_t *committee = r->config.committee;
    author_lane_t *lane = own_lane(r);
    uint64_t last = lane->high;
    while (last > certified_or_tip(lane) &&
           !(held_at(lane, last)->state == HELD_SAID &&
             quorum_met(committee, QUORUM_DECIDE, r->lanes.acks[last % LANE_WINDOW].signers)))
        last--;
    if (last <= certified_or_tip(lane) || lane->low > lane->tip)
        return;
    batch_reference_t reference = {.author = r->config.self, .first = lane->tip + 1};
    for (uint64_t s = lane->tip + 1; s <= last; s++)
        reference.entries[reference.count++] = held_at(lane, s)->entry;
    write_signers(r, &r->lanes.acks[last % LANE_WINDOW], &reference);
    lane_certified(r, &reference, &held_at(lane, last)->name);
    uint32_t count = 0;
    for (member_t m = 0; m < committee->size; m++)
        if (m != r->config.self && r->member_links[m] != LINK_NONE)
            r->send_room[count++] = r->member_links[m];
    proof_send(r, r->send_room, count, r->config.self);
    r->lanes.dirty = true; /* the next one may go */
}

static void count_ack(replica_t *r, member_t member, const held_batch_t *held,
                      const signature_t *signature) {
    own_acks_t *acks = &r->lanes.acks[held->sequence % LANE_WINDOW];
    bitset_add(acks->signers, member);
    acks->signatures[member] = *signature;
    certify(r);
}

static void own_statement(const replica_t *r, const held_batch_t *held,
                          uint8_t bytes[STATEMENT_BYTES]) {
    statement_t statement =
        batch_statement(r->config.committee->epoch, r->config.self, held->sequence, &held->name);
    statement_encode(&statement, &r->config.committee->domain, bytes);
}

/* It is durable: everybody gets it, and this member acknowledges it as well. */
void own_said(replica_t *r, held_batch_t *held) {
    uint8_t bytes[STATEMENT_BYTES];
    signature_t signature;
    if (r->mute)
        return;
    send_batch(r, held);
    own_statement(r, held, bytes);
    r->config.signer->sign(r->config.signer->context, bytes_of(bytes, sizeof bytes), &signature);
    known_add(r, r->config.self, bytes, &signature);
    if (r->lanes.remind_at == 0)
        r->lanes.remind_at = r->now.now_ns + REMIND_NS;
    count_ack(r, r->config.self, held, &signature);
}

void own_on_ack(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    batch_ack_t ack;
    const committee_t *committee = r->config.committee;
    synod_status status = batch_ack_decode(&reader, &ack);
    author_lane_t *lane = own_lane(r);
    if (status == SYNOD_OK && ack.author != r->config.self)
        status = SYNOD_MISMATCH;
    if (status == SYNOD_OK) {
        const held_batch_t *held = held_at(lane, ack.sequence);
        if (!lane_holds(lane, ack.sequence) || held->state != HELD_SAID ||
            ack.sequence <= certified_or_tip(lane) ||
            bitset_has(r->lanes.acks[ack.sequence % LANE_WINDOW].signers, link->member))
            return; /* late, enough or said again: before its signature is looked at */
        uint8_t bytes[STATEMENT_BYTES];
        own_statement(r, held, bytes);
        status = digest_equal(&ack.name, &held->name) ? SYNOD_OK : SYNOD_MISMATCH;
        stage_t before = host_stage(r->config.host, STAGE_MESSAGE_SIGNATURE);
        if (status == SYNOD_OK)
            status = committee->verifier->verify(committee->verifier->context,
                                                 &committee->members[link->member].key,
                                                 bytes_of(bytes, sizeof bytes), &ack.signature);
        host_stage(r->config.host, before);
        if (status == SYNOD_OK) {
            known_add(r, link->member, bytes, &ack.signature);
            count_ack(r, link->member, held, &ack.signature);
            return;
        }
    }
    gate_drop(r, link, status, "batch_ack", 1);
}

/* Whose journal was released for a snapshot that is damaged does not know which numbers it used
 * below, until it has that state again. */
void own_offer(replica_t *r) {
    if (r->mute || ledger_height(r->ledger) < r->snapshots.marked_height)
        return;
    certify(r);
    while (r->phase == REPLICA_RUNNING && make_one(r))
        ;
}

/* ---- certificates told ---- */

void proof_send(replica_t *r, const link_t *links, uint32_t count, member_t author) {
    const author_lane_t *lane = &r->lanes.lanes[author];
    batch_reference_t reference;
    if (count == 0 || !lane_reference(lane, author, lane->tip, &lane->tip_name, &reference))
        return;
    writer_t writer = frame_writer(r);
    write_bytes(&writer, lane->tip_name.bytes, sizeof lane->tip_name.bytes);
    batch_reference_encode(&reference, &writer);
    ensure(!writer.failed);
    frame_seal(r->frame, FRAME_BATCH_PROOF, writer.at);
    r->config.host->send(r->config.host->context, links, count, LANE_CONSENSUS,
                         bytes_of(r->frame, FRAME_HEADER_BYTES + writer.at));
}

/* A member is there again: it hears what it may have missed. */
void own_met(replica_t *r, member_t member) {
    author_lane_t *lane = own_lane(r);
    link_t link = r->member_links[member];
    proof_send(r, &link, 1, r->config.self);
    for (uint64_t s = certified_or_tip(lane) + 1; s <= lane->high; s++)
        if (lane_holds(lane, s) && held_at(lane, s)->state == HELD_SAID && !r->mute)
            batch_send(r, link, r->config.self, held_at(lane, s));
}

/* A question about an own batch: it goes the way of the batches and arrives after them, so that
 * whoever does not have it by then lost it, and asks. Sending the batch itself again would fill a
 * slow uplink with what is under way already. */
static void remind(replica_t *r, member_t member, uint64_t sequence) {
    batch_ask_t ask = {.author = r->config.self, .sequence = sequence};
    writer_t writer = frame_writer(r);
    batch_ask_encode(&ask, &writer);
    link_send(r, r->member_links[member], LANE_CLIENT, FRAME_BATCH_ASK, writer.at);
}

/* Each member about the first batch that it did not acknowledge and that needs it; the leader hears
 * what is certified and waits: it may not know. */
static void say_again(replica_t *r) {
    author_lane_t *lane = own_lane(r);
    link_t leader = r->last_leader == MEMBER_NONE || r->last_leader == r->config.self
                        ? LINK_NONE
                        : r->member_links[r->last_leader];
    uint64_t first = certified_or_tip(lane) + 1;
    for (member_t m = 0; m < r->config.committee->size; m++) {
        for (uint64_t s = first; s <= lane->high && m != r->config.self; s++) {
            if (!lane_holds(lane, s) || held_at(lane, s)->state != HELD_SAID ||
                bitset_has(r->lanes.acks[s % LANE_WINDOW].signers, m))
                continue;
            if (r->member_links[m] != LINK_NONE && !r->mute)
                remind(r, m, s);
            break;
        }
        author_lane_t *other = &r->lanes.lanes[m];
        if (other->certified > other->tip && !other->relayed && leader != LINK_NONE &&
            r->now.now_ns - other->certified_ns >= RELAY_NS) {
            other->relayed = true;
            proof_send(r, &leader, 1, m);
        }
    }
}

void lanes_look_again(replica_t *r) {
    if (r->lanes.remind_at == 0)
        r->lanes.remind_at = r->now.now_ns + REMIND_NS;
}

void lanes_tick(replica_t *r) {
    lanes_t *lanes = &r->lanes;
    if (lanes->lanes == NULL)
        return;
    fetch_tick(r);
    if (lanes->remind_at == 0 || lanes->remind_at > r->now.now_ns)
        return;
    say_again(r);
    lanes->dirty = true;
    bool waits = r->disk_short;
    for (member_t m = 0; m < r->config.committee->size; m++) {
        const author_lane_t *lane = &lanes->lanes[m];
        waits |= lane->certified > lane->tip || (m == r->config.self && lane->high > lane->tip);
    }
    lanes->remind_at = waits ? r->now.now_ns + REMIND_NS : 0;
}
