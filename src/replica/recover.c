/* Recovery: the journal replayed. Blocks fill the store, final marks execute them, records wait for
 * the core's start; the core starts last, with what it had promised. */
#include "replica/state.h"

static void on_block(replica_t *r, const journal_entry_t *entry) {
    _Alignas(8) uint8_t room[sizeof(block_t) + sizeof(digest_t)];
    block_t *block = (block_t *)(void *)room;
    reader_t reader = reader_of(entry->body);
    if (block_decode(&reader, block, sizeof room) != SYNOD_OK || block->parent_count != 1) {
        replica_halt(r, SYNOD_CORRUPT, "a block in the journal cannot be read");
        return;
    }
    digest_t id = block_id(block);
    space_on_block(r, block->height, entry->sequence);
    bytes_t payload = read_bytes(&reader, reader_left(&reader));
    bytes_t content = payload_cut(r, block, &payload);
    block_slot_t *slot = blocks_find(&r->blocks, &id);
    own_named(r, payload);
    if (block->height <= ledger_height(r->ledger) || (slot != NULL && content.size == 0))
        return;
    if (slot == NULL)
        slot = blocks_put(&r->blocks, &id, block, payload);
    if (slot == NULL) {
        replica_halt(r, SYNOD_CORRUPT, "a block in the journal is larger than the chain allows");
        return;
    }
    slot->journal_sequence = entry->sequence;
    slot->journal_address = entry->address;
    slot->root_checked = true; /* before it was written; the record's checksum holds */
    fetch_content(r, slot, content);
    slot->journal_whole = slot->whole;
}

static void on_record(replica_t *r, const journal_entry_t *entry) {
    reader_t reader = reader_of(entry->body);
    path_t path = {.length = read_u8(&reader)};
    for (uint32_t i = 0; i < PATH_PARTS_MAX; i++)
        path.parts[i] = read_u32(&reader);
    uint32_t key = read_u32(&reader);
    bytes_t bytes = read_bytes(&reader, reader_left(&reader));
    size_t bound = r->config.protocol->record_bytes_max(r->config.committee->size);
    if (reader.failed || path.length != 0 || key >= r->config.protocol->records_max ||
        bytes.size > bound) {
        replica_halt(r, SYNOD_CORRUPT, "a record of the core in the journal cannot be read");
        return;
    }
    record_t record = {path, key, bytes};
    space_keep_record(r, &record);
    r->record_sequences[key] = entry->sequence;
}

static void on_final(replica_t *r, const journal_entry_t *entry) {
    reader_t reader = reader_of(entry->body);
    height_t height = read_u64(&reader);
    digest_t id;
    read_into(&reader, id.bytes, sizeof id.bytes);
    bytes_t proof = read_bytes(&reader, reader_left(&reader));
    if (reader.failed || proof.size > certificate_bytes_max(r->config.committee->size)) {
        replica_halt(r, SYNOD_CORRUPT, "a final mark in the journal cannot be read");
        return;
    }
    if (height <= r->final_height)
        return;
    r->final_height = r->final_marked = height;
    r->final_id = id;
    memcpy(r->final_proof, proof.data, proof.size);
    r->final_proof_size = proof.size;
    r->index_final[height % INDEX_HEIGHTS] = entry->address + 1;
    deliver_pump(r);
}

#define GENESIS_BYTES (SYNOD_DIGEST_BYTES * 2 + 4)

/* Domain, member and node salt: the journal of another chain or member is refused. One byte more,
 * 1, says that it was begun although its key had been used (a snapshot lay beside it): what that
 * key signed before is not in it, and never will be. */
static void genesis_body(const replica_t *r, uint8_t to[GENESIS_BYTES + 1]) {
    memcpy(to, r->config.committee->domain.bytes, SYNOD_DIGEST_BYTES);
    store_u32(to + SYNOD_DIGEST_BYTES, r->config.self);
    memcpy(to + SYNOD_DIGEST_BYTES + 4, r->config.seed, SYNOD_DIGEST_BYTES);
    to[GENESIS_BYTES] = 1;
}

static void on_genesis(replica_t *r, const journal_entry_t *entry) {
    uint8_t ours[GENESIS_BYTES + 1];
    genesis_body(r, ours);
    r->mute = bytes_equal(entry->body, bytes_of(ours, GENESIS_BYTES + 1));
    if (!r->mute && !bytes_equal(entry->body, bytes_of(ours, GENESIS_BYTES)))
        replica_halt(r, SYNOD_WRONG_CHAIN,
                     "the journal belongs to another chain, member or key: check the home");
}

/* Requests in blocks that were voted for and are not final here wait again: the blocks may have
 * been executed and answered before all lost power, and nobody else may ask for what makes them
 * final (a client whose session was opened there is kept waiting). */
static void wait_again(replica_t *r, const block_slot_t *slot) {
    uint32_t count = 0;
    if (r->payload->apart || /* in batches, which are here as well */
        payload_walk(slot_payload(slot), r->requests, BLOCK_REQUESTS_MAX, &count) != SYNOD_OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const request_t *request = &r->requests[i];
        digest_t digest = request_digest(request);
        uint64_t sequence = mempool_sequence(request, &digest);
        bool fresh = false;
        if (request->session == 0) {
            key_public_t key;
            uint64_t nonce;
            request_open_fields(request, &key, &nonce);
            fresh = ledger_find_session(r->ledger, &key, nonce) == 0;
        } else {
            fresh = ledger_standing(r->ledger, request->session, sequence, request->acknowledged) ==
                    LEDGER_FRESH;
        }
        if (fresh) /* full: the clients' retries bring the rest */
            (void)mempool_add(&r->mempool, request, sequence, &digest, r->now.now_ns);
    }
}

static void wait_for_unfinished(replica_t *r) {
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        const block_slot_t *slot = &r->blocks.slots[i];
        if (slot->state != BLOCK_FREE && slot->state != BLOCK_EXECUTED &&
            slot->state != BLOCK_BAD && slot_block(slot)->height > ledger_height(r->ledger))
            wait_again(r, slot);
    }
}

/* The journal went on from a snapshot that is not here, or is damaged: what it holds stands on
 * nothing. The records of the core are whole, so this member may vote once it has a state. */
static void say_what_is_missing(replica_t *r) {
    height_t marked = r->snapshots.marked_height, here = ledger_height(r->ledger);
    if (marked > here)
        replica_log(r, 0, "recover", "incomplete",
                    "height=%llu snapshot_was=%llu why=\"the journal was released for a snapshot "
                    "that is missing or damaged: the state is fetched from other members\"",
                    (unsigned long long)here, (unsigned long long)marked);
}

static void finish(replica_t *r) {
    if (journal_last(r->journal) == 0) {
        uint8_t body[GENESIS_BYTES + 1];
        genesis_body(r, body);
        r->mute = ledger_height(r->ledger) > 0;
        bytes_t part = bytes_of(body, GENESIS_BYTES + (r->mute ? 1 : 0));
        uint64_t sequence = journal_append(r->journal, JOURNAL_GENESIS, &part, 1, NULL);
        ensure(sequence != 0);
    }
    uint32_t live = 0;
    for (uint32_t i = 0; i < r->config.protocol->records_max; i++)
        if (r->records[i].bytes.size > 0)
            r->live_records[live++] = r->records[i];
    say_what_is_missing(r);
    space_recovered(r);
    lanes_recovered(r);
    if (r->mute)
        replica_log(r, 0, "recover", "learner",
                    "why=\"this journal was begun beside a snapshot: what the key signed before is "
                    "not known, so it signs no vote; restore the journal, or make a new node\"");
    r->phase = REPLICA_RUNNING;
    replica_log(r, 2, "recover", "done", "height=%llu records=%u torn_tail=%s",
                (unsigned long long)ledger_height(r->ledger), live,
                journal_was_torn(r->journal) ? "yes" : "no");
    if (ledger_height(r->ledger) > r->root_height)
        r->idle_root_at = r->now.now_ns; /* the others may wait for our word on it */
    else if (r->root_height > 0)
        attest_tell(r);
    driver_start(r, r->live_records, live);
    sync_tell_anchor(r);
    wait_for_unfinished(r);
    r->pending_dirty = r->judge_again = true; /* blocks of before: what comes stands on them */
    links_recovered(r);
}

void recover_continue(replica_t *r) {
    while (r->phase == REPLICA_RECOVERING) {
        journal_entry_t entry;
        switch (journal_next(r->journal, &entry)) {
        case JOURNAL_WAIT:
            return;
        case JOURNAL_FAILED:
            replica_halt(r, journal_status(r->journal), journal_reason(r->journal));
            return;
        case JOURNAL_END:
            finish(r);
            return;
        case JOURNAL_ENTRY:
            if (entry.kind == JOURNAL_GENESIS)
                on_genesis(r, &entry);
            else if (entry.kind == JOURNAL_BLOCK)
                on_block(r, &entry);
            else if (entry.kind == JOURNAL_RECORD)
                on_record(r, &entry);
            else if (entry.kind == JOURNAL_FINAL)
                on_final(r, &entry);
            else if (entry.kind == JOURNAL_SNAPSHOT)
                space_on_mark(r, &entry);
            else if (entry.kind == JOURNAL_BATCH)
                lanes_recover(r, entry.body, entry.sequence);
            break;
        }
    }
}
