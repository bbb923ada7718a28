/* What is final gets executed, in order, once, and answered. */
#include "replica/state.h"

void journal_block(replica_t *r, block_slot_t *slot) {
    if (slot->journal_sequence != 0 && (slot->journal_whole || !slot->whole))
        return;
    uint8_t head[BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES];
    writer_t writer = writer_of(head, sizeof head);
    block_encode(slot_block(slot), &writer);
    ensure(!writer.failed);
    bytes_t parts[2] = {writer_bytes(&writer), slot_bytes(slot)};
    slot->journal_whole = slot->whole;
    slot->journal_sequence =
        journal_append(r->journal, JOURNAL_BLOCK, parts, 2, &slot->journal_address);
    if (slot->journal_sequence == 0)
        replica_halt(r, journal_status(r->journal), "the journal takes no more blocks");
}

/* A hint: replay starts executing from here without asking others. Nobody waits for its sync. */
static void journal_final(replica_t *r, height_t height, const digest_t *id, bytes_t proof) {
    if (height <= r->final_marked || r->phase != REPLICA_RUNNING || space_short(r) ||
        !journal_has(r, proof.size))
        return;
    uint8_t head[8 + SYNOD_DIGEST_BYTES];
    writer_t writer = writer_of(head, sizeof head);
    write_u64(&writer, height);
    write_bytes(&writer, id->bytes, sizeof id->bytes);
    bytes_t parts[2] = {writer_bytes(&writer), proof};
    uint64_t address = 0;
    if (journal_append(r->journal, JOURNAL_FINAL, parts, 2, &address) == 0) {
        replica_halt(r, journal_status(r->journal), "the journal takes no more records");
        return;
    }
    r->index_final[height % INDEX_HEIGHTS] = address + 1;
    r->final_marked = height;
}

void send_reply(replica_t *r, link_t link, const reply_t *reply) {
    if (link == LINK_NONE)
        return;
    writer_t writer = frame_writer(r);
    reply_encode(reply, &writer);
    ensure(!writer.failed);
    link_send(r, link, LANE_CLIENT, FRAME_REPLY, writer.at);
}

static void answer(replica_t *r, const request_t *request, const reply_t *executed) {
    link_t link = LINK_NONE;
    reply_t reply = *executed;
    if (request->session == 0) {
        key_public_t key;
        uint64_t nonce;
        request_open_fields(request, &key, &nonce);
        link = attached_link(r, &key);
    } else {
        const key_public_t *key = ledger_session_key(r->ledger, request->session);
        if (key != NULL)
            link = attached_link(r, key);
    }
    uint64_t arrival_ns =
        mempool_remove(&r->mempool, request->session, mempool_sequence(request, NULL));
    if (r->phase != REPLICA_RUNNING)
        return;
    r->figures.requests[executed->status]++;
    if (arrival_ns != 0)
        latency_add(&r->figures.latencies[LATENCY_ORDER], r->now.now_ns - arrival_ns);
    reply.leader_hint = r->payload->hint(r, reply.session);
    send_reply(r, link, &reply);
}

static void on_reply(void *context, const request_t *request, const reply_t *executed) {
    replica_t *r = context;
    stage_t before = host_stage(r->config.host, STAGE_REPLY);
    answer(r, request, executed);
    host_stage(r->config.host, before);
}

/* True when it was executed. */
static bool execute(replica_t *r, block_slot_t *slot) {
    if (!r->payload->matches(r, slot)) {
        slot->state =
            BLOCK_FREE; /* a liar's bytes under a good block: others have the right ones */
        return false;
    }
    bytes_t requests;
    if (!r->payload->need(r, slot, &requests))
        return false; /* goes on when the bytes are here */
    bool written = slot->journal_whole || (r->phase == REPLICA_RUNNING && !space_short(r));
    if (written && !slot->journal_whole && !journal_has(r, slot_bytes(slot).size))
        return false; /* goes on when the disk has caught up */
    if (written)
        journal_block(r, slot);
    if (r->phase == REPLICA_HALTED)
        return false;
    uint32_t count = 0;
    synod_status status = payload_walk(requests, r->requests, BLOCK_REQUESTS_MAX, &count);
    invariant(status == SYNOD_OK);
    const block_t *block = slot_block(slot);
    r->executed_id = slot->id;
    stage_t before = host_stage(r->config.host, STAGE_EXECUTE);
    ledger_execute(r->ledger, block, r->requests, count, on_reply, r);
    host_stage(r->config.host, before);
    slot->state = BLOCK_EXECUTED;
    if (slot->arrival_ns != 0)
        latency_add(&r->figures.latencies[LATENCY_FINAL], r->now.now_ns - slot->arrival_ns);
    r->blocks.executed = block->height;
    r->index_block[block->height % INDEX_HEIGHTS] = written ? slot->journal_address + 1 : 0;
    if (r->index_low == 0)
        r->index_low = 1;
    /* A full journal keeps what this member voted for; others may have this block. What it holds
     * below is still served. */
    if (!written && r->index_low == block->height)
        r->index_low = block->height + 1;
    r->payload->release(r, slot);
    r->pending_dirty = r->judge_again = true;
    if (r->observer != NULL)
        r->observer(r->observer_context, block->height, &slot->id, block, requests);
    attest_executed(r);
    return true;
}

/* The chain of known blocks from a final one down to the first that is not executed. Returns their
 * number in `path` (highest first), or 0 when one is missing. */
static uint32_t final_path(replica_t *r, height_t height, const digest_t *id,
                           block_slot_t *path[BLOCKS_SLOTS]) {
    digest_t at = *id;
    uint32_t count = 0;
    for (height_t executed = ledger_height(r->ledger); height > executed; height--) {
        block_slot_t *slot = blocks_find(&r->blocks, &at);
        if (slot == NULL || count == BLOCKS_SLOTS)
            return 0;
        if (slot_block(slot)->height != height) {
            replica_halt(r, SYNOD_CONFLICT,
                         "a final block is not of its height: more than f members are faulty");
            return 0;
        }
        slot->final = true;
        path[count++] = slot;
        at = *slot_parent(slot);
    }
    if (!digest_equal(&at, &r->executed_id)) {
        replica_halt(
            r, SYNOD_CONFLICT,
            "a final block does not extend what was executed: more than f members are faulty");
        return 0;
    }
    return count;
}

/* Executes up to a final block. True when it was reached. */
static bool execute_to(replica_t *r, height_t height, const digest_t *id) {
    if (height <= ledger_height(r->ledger) || r->phase == REPLICA_HALTED)
        return height <= ledger_height(r->ledger);
    block_slot_t *path[BLOCKS_SLOTS];
    uint32_t count = final_path(r, height, id, path);
    while (count > 0 && r->phase != REPLICA_HALTED && execute(r, path[count - 1]))
        count--;
    if (r->phase == REPLICA_RUNNING) {
        event_t event = {.kind = EVENT_EXECUTED};
        event.executed.position = ledger_height(r->ledger);
        event.executed.root = r->root;
        driver_queue(r, &event);
    }
    return ledger_height(r->ledger) == height;
}

void deliver_pump(replica_t *r) {
    if (r->final_height <= ledger_height(r->ledger))
        return;
    if (execute_to(r, r->final_height, &r->final_id))
        journal_final(r, r->final_height, &r->final_id,
                      bytes_of(r->final_proof, r->final_proof_size));
    else if (r->phase == REPLICA_RUNNING && !fetch_waits(r) &&
             journal_has(r, r->blocks.payload_max))
        sync_want(r);
}

/* Is this proved block the one that is final at its height here, as far as that is at hand? Two are
 * a fork that has happened. */
static bool agrees(replica_t *r, height_t height, const digest_t *id) {
    const block_slot_t *slot = blocks_executed_at(&r->blocks, height);
    const digest_t *final = height == r->final_height ? &r->final_id
                            : slot == NULL            ? id
                                                      : &slot->id;
    if (!digest_equal(id, final))
        replica_halt(r, SYNOD_CONFLICT,
                     "two blocks of one height are final: more than f members are faulty");
    return r->phase != REPLICA_HALTED;
}

/* A snapshot needs the proof of its very height. Whoever executes behind what is final, because
 * bytes are missing, keeps one of those that it comes to yet, that of a checkpoint before others:
 * there all attest a root. Else it could take none before it is level, and what makes it lag may be
 * that its journal is short. */
static void keep_proof(replica_t *r) {
    uint64_t interval = r->config.chain.checkpoint_blocks;
    bool ahead = r->passed_height >= ledger_height(r->ledger) && r->passed_height > 0;
    if (ahead && (r->final_height % interval != 0 || r->passed_height % interval == 0))
        return;
    r->passed_height = r->final_height;
    r->passed_proof_size = r->final_proof_size;
    if (r->final_proof_size > 0)
        memcpy(r->passed_proof, r->final_proof, r->final_proof_size);
}

bytes_t proof_of(const replica_t *r, height_t height) {
    if (height == r->final_height)
        return bytes_of(r->final_proof, r->final_proof_size);
    bool kept = height == r->passed_height && height > 0;
    return bytes_of(r->passed_proof, kept ? r->passed_proof_size : 0);
}

void deliver_encoded(replica_t *r, height_t height, const digest_t *id, bytes_t proof) {
    if (height <= r->final_height) { /* on the way to what is known to be final already */
        if (agrees(r, height, id) && execute_to(r, height, id))
            journal_final(r, height, id, proof);
        return;
    }
    keep_proof(r);
    r->final_height = height;
    r->final_id = *id;
    require(proof.size <= certificate_bytes_max(r->config.committee->size));
    if (proof.size > 0)
        memcpy(r->final_proof, proof.data, proof.size);
    r->final_proof_size = proof.size;
    deliver_pump(r);
}

void deliver(replica_t *r, height_t height, const digest_t *id, const certificate_t *proof) {
    writer_t writer = writer_of(r->proof_room, certificate_bytes_max(r->config.committee->size));
    if (proof != NULL)
        certificate_encode(proof, &writer);
    ensure(!writer.failed);
    if (height > r->final_height)
        deliver_encoded(r, height, id, writer_bytes(&writer));
    else
        (void)agrees(r, height, id);
}
