/* Block sync: a replica that missed blocks asks one member at a time for the run after what it has
 * executed. Blocks hang together by their hashes and the run ends with a proof of finality, so it
 * does not matter who sends them; a wrong or silent source is left for the next one. */
#include "base/arena.h"
#include "replica/state.h"

/* ---- asking ---- */

static member_t next_peer(replica_t *r, member_t last) {
    uint32_t size = r->config.committee->size;
    for (uint32_t i = 1; i <= size; i++) {
        member_t m = (last + i) % size;
        if (m != r->config.self && r->member_links[m] != LINK_NONE)
            return m;
    }
    return MEMBER_NONE;
}

static void send_ask(replica_t *r, link_t link, const block_ask_t *ask) {
    writer_t writer = frame_writer(r);
    block_ask_encode(ask, &writer);
    link_send(r, link, LANE_BULK, FRAME_BLOCK_ASK, writer.at);
}

/* Blocks of a run whose end nobody proved would fill the store with what a liar made up. */
static void drop_unproven(replica_t *r) {
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        block_slot_t *slot = &r->blocks.slots[i];
        if (slot->unproven && !slot->asked && !slot->final &&
            (slot->state == BLOCK_WAITING || slot->state == BLOCK_GOOD || slot->state == BLOCK_BAD))
            slot->state = BLOCK_FREE;
    }
}

void sync_ask_run(replica_t *r, member_t peer) {
    drop_unproven(r);
    r->sync_peer = peer;
    r->sync_at = r->now.now_ns + SYNC_PATIENCE_NS;
    r->sync_next = ledger_height(r->ledger) + 1;
    r->sync_end = ledger_height(r->ledger) + SYNC_RUN_MAX;
    r->sync_parent = r->executed_id;
    transfer_on_sync_ask(r);
    block_ask_t ask = {.from = r->sync_next, .count = SYNC_RUN_MAX};
    send_ask(r, r->member_links[peer], &ask);
}

void sync_want(replica_t *r) {
    if (r->sync_at != 0)
        return;
    member_t peer = next_peer(r, r->sync_peer);
    if (peer != MEMBER_NONE)
        sync_ask_run(r, peer);
    else
        r->sync_at = r->now.now_ns + SYNC_PATIENCE_NS; /* nobody is there: look again then */
}

/* Whoever is new may have more; it is asked until it says so (it may be recovering still). */
void sync_greet(replica_t *r, replica_link_t *link) {
    attest_heard(r, link->member, ledger_height(r->ledger) + 1);
    if (r->sync_at == 0)
        sync_ask_run(r, link->member);
}

/* One block that a proposal stands on, from the next peer; asked again when judged again. */
void sync_fetch_parent(replica_t *r, const digest_t *id) {
    if (digest_equal(&r->fetch_id, id) && r->fetch_at != 0)
        return;
    member_t peer = next_peer(r, r->fetch_peer);
    r->fetch_id = *id;
    r->fetch_at = r->now.now_ns + SYNC_PATIENCE_NS;
    if (peer == MEMBER_NONE)
        return;
    r->fetch_peer = peer;
    block_ask_t ask = {.by_id = true, .id = *id, .count = 1};
    send_ask(r, r->member_links[peer], &ask);
}

void sync_tick(replica_t *r) {
    if (r->sync_at != 0 && r->sync_at <= r->now.now_ns) {
        r->sync_at = 0;
        if (!r->sync_sure || r->final_height > ledger_height(r->ledger))
            sync_want(r);
    }
    if (r->claims_at != 0 && r->claims_at <= r->now.now_ns) {
        r->claims_at = 0;
        attest_follow(r);
    }
    if (r->fetch_at != 0 && r->fetch_at <= r->now.now_ns) {
        r->fetch_at = 0;
        r->fetch_id = (digest_t){0};
        r->judge_again = true; /* whoever still needs it asks the next peer */
    }
}

/* ---- taking ---- */

/* What is known to be final and is not here is asked for again, elsewhere: this peer may be behind
 * as well. */
static void sync_done(replica_t *r) {
    bool missing = r->final_height > ledger_height(r->ledger);
    r->sync_at = missing ? r->now.now_ns + SYNC_PATIENCE_NS : 0;
    r->sync_sure = true;
}

synod_status judge_proof(replica_t *r, bytes_t encoded, height_t height, const digest_t *id,
                         const certificate_t **proof) {
    reader_t reader = reader_of(encoded);
    const committee_t *committee = r->config.committee;
    const protocol_t *protocol = r->config.protocol;
    arena_reset(&r->decode);
    if (protocol->final_proof == NULL)
        return SYNOD_UNSUPPORTED;
    synod_status status = certificate_decode(&reader, committee->size, &r->decode, proof);
    if (status != SYNOD_OK)
        return status;
    if (!reader_done(&reader) || (*proof)->statement.phase >= protocol->phase_count)
        return SYNOD_MALFORMED;
    quorum_t quorum = protocol->phases[(*proof)->statement.phase].quorum;
    status = certificate_judge(*proof, committee, quorum, &r->env.anchor);
    if (status == SYNOD_OK)
        status = protocol->final_proof(&r->env, *proof, height, id);
    if (status == SYNOD_OK)
        status = certificate_verify(*proof, committee, &r->known_face);
    if (status == SYNOD_OK)
        known_add_certificate(r, *proof);
    return status;
}

/* The proof stays in the decode arena until the event was taken. */
void sync_tell_core(replica_t *r, height_t height, const digest_t *id, const certificate_t *proof) {
    event_t event = {.kind = EVENT_JUMP};
    event.jump.height = height;
    event.jump.id = *id;
    event.jump.certificate = proof;
    driver_queue(r, &event);
    driver_run(r);
}

static bool take_proof(replica_t *r, bytes_t encoded, height_t height, const digest_t *id) {
    const certificate_t *proof = NULL;
    if (judge_proof(r, encoded, height, id, &proof) != SYNOD_OK)
        return false;
    deliver_encoded(r, height, id, encoded);
    sync_tell_core(r, height, id, proof);
    return true;
}

/* Puts a block that fits into the store, unless it is there. NULL when it is not what it says. */
static block_slot_t *keep(replica_t *r, const digest_t *id, const block_t *block, bytes_t payload) {
    block_slot_t *slot = blocks_find(&r->blocks, id);
    if (slot != NULL && slot->state != BLOCK_BAD && judge_payload(r, slot))
        return slot;
    if (slot != NULL)
        slot->state = BLOCK_FREE;
    if (block->parent_count != 1 || block->epoch != r->config.committee->epoch)
        return NULL;
    slot = blocks_put(&r->blocks, id, block, payload);
    if (slot != NULL && judge_payload(r, slot)) {
        slot->unproven = true;
        return slot;
    }
    if (slot != NULL)
        slot->state = BLOCK_FREE;
    return NULL;
}

/* From the peer that was asked, and no more than was asked for: anybody could go on for ever. */
static void take_run_block(replica_t *r, const replica_link_t *link, const block_answer_t *answer,
                           const block_t *block, const digest_t *id) {
    if (r->sync_at == 0 || link->member != r->sync_peer || block->height > r->sync_end ||
        block->height != r->sync_next || block->parent_count != 1 ||
        !digest_equal(&block->parents[0], &r->sync_parent)) {
        return; /* of an earlier question, or beside the point */
    }
    if (keep(r, id, block, answer->payload) == NULL) {
        r->frames_dropped++;
        return;
    }
    r->sync_next = block->height + 1;
    r->sync_parent = *id;
    r->sync_at = r->now.now_ns + SYNC_PATIENCE_NS; /* it moves: wait on */
    if (answer->proof.size == 0 || !take_proof(r, answer->proof, block->height, id))
        return;
    sync_done(r);
    if (answer->final_height > ledger_height(r->ledger) &&
        r->member_links[r->sync_peer] != LINK_NONE)
        sync_ask_run(r, r->sync_peer);
}

/* Does something that waits stand on this block? More than one may be fetched at a time. */
static bool somebody_needs(const replica_t *r, const digest_t *id) {
    if (digest_equal(id, &r->fetch_id))
        return true;
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        const block_slot_t *slot = &r->blocks.slots[i];
        if (slot->state == BLOCK_WAITING && slot->asked && digest_equal(slot_parent(slot), id))
            return true;
    }
    return false;
}

static void take_fetched(replica_t *r, const digest_t *id, const block_t *block, bytes_t payload) {
    block_slot_t *slot = keep(r, id, block, payload);
    if (slot == NULL)
        return;             /* the next peer is asked in time */
    slot->unproven = false; /* a certified block names it */
    if (digest_equal(id, &r->fetch_id)) {
        r->fetch_id = (digest_t){0};
        r->fetch_at = 0;
    }
    r->judge_again = true;
    deliver_pump(r);
}

/* It has more than we, but not the next block: somebody else may. */
static void on_pruned(replica_t *r, member_t member) {
    if (r->sync_at != 0 && member == r->sync_peer)
        r->sync_at = r->now.now_ns + SYNC_PATIENCE_NS / 8;
    transfer_pruned(r, member);
}

void sync_block(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    block_answer_t answer;
    synod_status status = block_answer_decode(&reader, &answer);
    _Alignas(8) uint8_t room[sizeof(block_t) + sizeof(digest_t)];
    block_t *block = (block_t *)(void *)room;
    if (status == SYNOD_OK && answer.block.size == 0) {
        if (answer.final_height > ledger_height(r->ledger)) {
            if (answer.height > ledger_height(r->ledger) + 1)
                on_pruned(r, link->member);
            return;
        }
        r->claims[link->member] = 0;
        if (link->member == r->sync_peer)
            sync_done(r); /* nothing more there */
        return;
    }
    reader_t inner = reader_of(status == SYNOD_OK ? answer.block : (bytes_t){0});
    if (status == SYNOD_OK)
        status = block_decode(&inner, block, sizeof room);
    if (status != SYNOD_OK || !reader_done(&inner)) {
        gate_drop(r, link, SYNOD_MALFORMED, "block");
        return;
    }
    digest_t id = block_id(block);
    if (somebody_needs(r, &id))
        take_fetched(r, &id, block, answer.payload);
    take_run_block(r, link, &answer, block, &id);
}
