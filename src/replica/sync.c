/* Block sync: a replica that missed blocks asks one member at a time for the run after what it has
 * executed. Blocks hang together by their hashes and the run ends with a proof of finality, so it
 * does not matter who sends them; a wrong, silent or slow source is left for the next one, and
 * those that left a run without its proof come last (attack N5). Serving is in serve.c. */
#include "base/arena.h"
#include "replica/state.h"

/* ---- asking ---- */

static bool here(const replica_t *r, member_t m) {
    return m != r->config.self && r->member_links[m] != LINK_NONE;
}

static member_t next_peer(replica_t *r, member_t last) {
    uint32_t size = r->config.committee->size;
    for (uint32_t i = 1; i <= size; i++)
        if (here(r, (last + i) % size))
            return (last + i) % size;
    return MEMBER_NONE;
}

/* Who is asked for a run: the next one of those with the fewest failures, while something is known
 * to be missing; else only who did not say yet that there is nothing more. */
static member_t next_source(const replica_t *r) {
    uint32_t size = r->config.committee->size;
    bool missing = r->final_height > ledger_height(r->ledger);
    member_t best = MEMBER_NONE;
    for (uint32_t i = 1; i <= size; i++) {
        member_t m = (r->sync_peer + i) % size;
        const sync_peer_t *peer = &r->sync_peers[m];
        if (here(r, m) && (missing || !peer->nothing_more) &&
            (best == MEMBER_NONE || peer->strikes < r->sync_peers[best].strikes))
            best = m;
    }
    return best;
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

/* The question goes on for as long as blocks come in, but the proof has to be here by sync_by. */
static void wait_on(replica_t *r) {
    uint64_t patience = SYNC_PATIENCE_NS << r->sync_peers[r->sync_peer].strikes;
    uint64_t at = r->now.now_ns + patience;
    r->sync_at = at < r->sync_by ? at : r->sync_by;
}

/* The next blocks of the run; as many without a proof as the store takes. */
static void ask_on(replica_t *r) {
    height_t last = ledger_height(r->ledger) + BLOCKS_AHEAD;
    height_t left = last + 1 - r->sync_next;
    uint32_t count = left < r->sync_count ? (uint32_t)left : r->sync_count;
    r->sync_end = r->sync_next + count - 1;
    wait_on(r);
    block_ask_t ask = {.from = r->sync_next, .count = count};
    send_ask(r, r->member_links[r->sync_peer], &ask);
}

void sync_ask_run(replica_t *r, member_t peer) {
    drop_unproven(r);
    r->sync_peer = peer;
    r->sync_by = r->now.now_ns + SYNC_STRETCH_NS;
    r->sync_next = ledger_height(r->ledger) + 1;
    r->sync_parent = r->executed_id;
    r->sync_begins = true;
    transfer_on_sync_ask(r);
    ask_on(r);
}

static void look_again_later(replica_t *r) {
    r->sync_at = r->now.now_ns + SYNC_PATIENCE_NS;
    r->sync_end = 0;
}

static void ask_next(replica_t *r) {
    member_t peer = next_source(r);
    if (peer != MEMBER_NONE)
        sync_ask_run(r, peer);
    else
        look_again_later(r);
}

void sync_want(replica_t *r) {
    if (r->sync_at == 0)
        ask_next(r);
}

/* Whoever is new may have more; it is asked until it says so (it may be recovering still). */
void sync_greet(replica_t *r, replica_link_t *link) {
    attest_heard(r, link->member, ledger_height(r->ledger) + 1);
    if (r->sync_at == 0 || r->sync_end == 0)
        sync_ask_run(r, link->member);
}

/* The peer did not bring what it was asked for. */
static void strike(replica_t *r) {
    sync_peer_t *peer = &r->sync_peers[r->sync_peer];
    peer->strikes += peer->strikes < SYNC_STRIKES_PATIENT ? 1 : 0;
    r->sync_failures++;
}

/* Out of time. Blocks came, but too slowly to be proved: smaller runs end in time. */
static void run_failed(replica_t *r) {
    if (r->sync_next > ledger_height(r->ledger) + 1 && r->sync_count > 1)
        r->sync_count /= 2;
    strike(r);
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
        if (r->sync_end != 0)
            run_failed(r);
        r->sync_end = 0;
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

/* Have members said that there is nothing more of whom one at least is honest? */
static bool enough_said(const replica_t *r) {
    const committee_t *committee = r->config.committee;
    uint64_t weight = 0;
    for (member_t m = 0; m < committee->size; m++)
        weight += r->sync_peers[m].nothing_more ? committee_weight(committee, m) : 0;
    return weight >= quorum_weight(committee, QUORUM_ONE_HONEST);
}

/* This peer has nothing more. One member's word does not end the asking, f + 1 words do; and what
 * is known to be final and is not here is asked for elsewhere, for this peer may be behind as well.
 */
static void sync_done(replica_t *r) {
    bool missing = r->final_height > ledger_height(r->ledger);
    r->sync_peers[r->sync_peer].nothing_more = true;
    r->sync_sure = r->sync_sure || enough_said(r);
    r->sync_at = r->sync_end = 0;
    if (missing) {
        strike(r);
        look_again_later(r);
    } else if (!r->sync_sure) {
        ask_next(r);
    }
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
static void tell_core(replica_t *r, height_t height, const digest_t *id,
                      const certificate_t *proof) {
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
    tell_core(r, height, id, proof);
    return true;
}

void sync_tell_anchor(replica_t *r) {
    const certificate_t *proof = NULL;
    if (r->final_proof_size > 0 && r->final_height > 0 &&
        judge_proof(r, bytes_of(r->final_proof, r->final_proof_size), r->final_height, &r->final_id,
                    &proof) == SYNOD_OK)
        tell_core(r, r->final_height, &r->final_id, proof);
}

/* Puts a block that fits into the store, unless it is there. NULL when it is not what it says. */
static block_slot_t *keep(replica_t *r, const digest_t *id, const block_t *block, bytes_t payload) {
    block_slot_t *slot = blocks_find(&r->blocks, id);
    bytes_t content = payload_cut(r, block, &payload);
    if (slot != NULL && slot->state != BLOCK_BAD && r->payload->matches(r, slot)) {
        fetch_content(r, slot, content);
        return slot;
    }
    if (slot != NULL)
        slot->state = BLOCK_FREE;
    if (block->parent_count != 1 || block->epoch != r->config.committee->epoch)
        return NULL;
    slot = blocks_put(&r->blocks, id, block, payload);
    if (slot != NULL && r->payload->matches(r, slot)) {
        fetch_content(r, slot, content);
        slot->unproven = true;
        return slot;
    }
    if (slot != NULL)
        slot->state = BLOCK_FREE;
    return NULL;
}

static void run_proved(replica_t *r, height_t their_final) {
    r->sync_peers[r->sync_peer].strikes = 0;
    if (r->now.now_ns + SYNC_STRETCH_NS / 2 <= r->sync_by) /* twice as many would be in time */
        r->sync_count = r->sync_count < SYNC_RUN_MAX / 2 ? 2 * r->sync_count : SYNC_RUN_MAX;
    if (their_final > ledger_height(r->ledger) && r->member_links[r->sync_peer] != LINK_NONE)
        sync_ask_run(r, r->sync_peer);
    else
        sync_done(r);
}

/* Is it the next block of the run? From the peer that was asked, and no more than was asked for:
 * anybody could go on for ever. A run that does not begin on what was executed here is another
 * chain. It is worth nothing until its end is proved final, as any run, and then it proves the
 * fork (deliver.c), whoever sent it; refused at its first block it would never be known. */
static bool is_next(const replica_t *r, const replica_link_t *link, const block_t *block,
                    bool fetched) {
    return r->sync_end != 0 && link->member == r->sync_peer && block->height <= r->sync_end &&
           block->height == r->sync_next && block->parent_count == 1 &&
           (digest_equal(&block->parents[0], &r->sync_parent) || (r->sync_begins && !fetched));
}

static void take_run_block(replica_t *r, const block_answer_t *answer, const block_t *block,
                           const digest_t *id) {
    if (keep(r, id, block, answer->payload) == NULL) {
        r->frames_dropped++;
        return;
    }
    r->sync_next = block->height + 1;
    r->sync_parent = *id;
    r->sync_begins = false;
    wait_on(r); /* it moves */
    bool proved = answer->proof.size > 0 && take_proof(r, answer->proof, block->height, id);
    if (r->phase == REPLICA_HALTED)
        return; /* what was proved is a fork */
    if (proved) {
        run_proved(r, answer->final_height);
    } else if (block->height == r->sync_end) {
        bool room = block->height < ledger_height(r->ledger) + BLOCKS_AHEAD;
        if (room && r->member_links[r->sync_peer] != LINK_NONE) {
            ask_on(r); /* far to the next proof, or small runs */
            return;
        }
        strike(r);
        ask_next(r);
    }
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
    if (r->sync_end != 0 && member == r->sync_peer) {
        strike(r); /* whoever may keep it comes first */
        r->sync_end = 0;
        r->sync_at = r->now.now_ns + SYNC_PATIENCE_NS / 8;
    }
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
        if (link->member == r->sync_peer && r->sync_end != 0)
            sync_done(r);
        return;
    }
    reader_t inner = reader_of(status == SYNOD_OK ? answer.block : (bytes_t){0});
    if (status == SYNOD_OK)
        status = block_decode(&inner, block, sizeof room);
    if (status != SYNOD_OK || !reader_done(&inner)) {
        gate_drop(r, link, SYNOD_MALFORMED, "block", 1);
        return;
    }
    digest_t id = block_id(block);
    bool fetched = somebody_needs(r, &id);
    if (fetched)
        take_fetched(r, &id, block, answer.payload);
    if (is_next(r, link, block, fetched))
        take_run_block(r, &answer, block, &id); /* else of an earlier question, or made up */
}
