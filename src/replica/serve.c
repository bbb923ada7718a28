/* Serving blocks to members that missed them: from memory what is recent, from the journal what is
 * old. One run at a time is read; each member may have one question waiting, and they take turns,
 * so that nobody who asks again and again shuts the others out (attack N7). */
#include "base/arena.h"
#include "replica/state.h"

/* A question is answered by so many bytes of blocks and those up to the next proof: well below what
 * the lane of a link holds, so that nothing is dropped there, whatever else is under way. */
#define SERVE_RUN_BYTES (2u << 20)
_Static_assert(SERVE_RUN_BYTES + FRAME_BODY_MAX <= LANE_BULK_BYTES, "a run fits into the lane");

/* Tokens of our reads; the journal ignores tokens that are not its own. */
#define SERVE_TOKEN (UINT64_C(1) << 62)

static void send_block(replica_t *r, link_t link, bytes_t block, height_t height, bytes_t payload,
                       bytes_t proof) {
    block_answer_t answer = {.height = height,
                             .final_height = ledger_height(r->ledger),
                             .block = block,
                             .proof = proof,
                             .payload = payload};
    replica_link_t *to = link_find(r, link);
    if (to == NULL)
        return;
    (void)quota_work(r, to,
                     payload.size); /* about a nanosecond a byte: the next question may wait */
    writer_t writer = frame_writer(r);
    block_answer_encode(&answer, &writer);
    if (!writer.failed)
        link_send(r, link, LANE_BULK, FRAME_BLOCK, writer.at);
}

static void send_slot(replica_t *r, link_t link, const block_slot_t *slot, bytes_t proof) {
    uint8_t room[BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES];
    writer_t writer = writer_of(room, sizeof room);
    block_encode(slot_block(slot), &writer);
    send_block(r, link, writer_bytes(&writer), slot_block(slot)->height, slot_bytes(slot), proof);
}

static void read_at(replica_t *r, uint64_t address_plus_one) {
    r->config.host->read(r->config.host->context, SERVE_TOKEN, address_plus_one - 1, r->serve.room,
                         r->serve.room_size);
}

/* The run ends at `end`, with the proof if one is known there. True: it has to be read first. */
static bool end_at(replica_t *r, height_t end) {
    serve_t *serve = &r->serve;
    serve->end = end;
    serve->proof_size = 0;
    if (end == r->final_height && r->final_proof_size > 0) {
        memcpy(serve->proof, r->final_proof, r->final_proof_size);
        serve->proof_size = r->final_proof_size;
    } else if (r->index_final[end % INDEX_HEIGHTS] != 0) {
        serve->reading_proof = true;
        read_at(r, r->index_final[end % INDEX_HEIGHTS]);
    }
    return serve->reading_proof;
}

static bool proved_at(const replica_t *r, height_t height) {
    return height == r->final_marked || r->index_final[height % INDEX_HEIGHTS] != 0;
}

/* Enough for one question: the run ends at the next proof, and the asker, who has it, asks on. */
static bool cut_short(replica_t *r) {
    serve_t *serve = &r->serve;
    height_t end = serve->next;
    if (serve->sent_bytes < SERVE_RUN_BYTES)
        return false;
    while (end < serve->end && !proved_at(r, end))
        end++;
    return end < serve->end && end_at(r, end);
}

/* Executed blocks that found a full journal are nowhere but in the store. A place of the index is
 * that of the newest block only. */
static bool is_kept(const replica_t *r, height_t height) {
    return height >= r->index_low && ledger_height(r->ledger) - height < INDEX_HEIGHTS &&
           (r->index_block[height % INDEX_HEIGHTS] != 0 ||
            blocks_executed_at(&r->blocks, height) != NULL);
}

/* Blocks up to `end` are sent; the proof goes with the last one. */
static void serve_next(replica_t *r) {
    serve_t *serve = &r->serve;
    while (serve->link != LINK_NONE && serve->next <= serve->end) {
        if (cut_short(r))
            return;
        const block_slot_t *slot = blocks_executed_at(&r->blocks, serve->next);
        if (slot == NULL && !is_kept(r, serve->next))
            break;
        if (slot == NULL) {
            read_at(r, r->index_block[serve->next % INDEX_HEIGHTS]);
            return;
        }
        bool last = serve->next == serve->end;
        send_slot(r, serve->link, slot, bytes_of(serve->proof, last ? serve->proof_size : 0));
        serve->sent_bytes += slot_bytes(slot).size;
        serve->next++;
    }
    serve->busy = false;
}

/* The run ends where a proof is known, if that is near enough; else the asker goes on from where it
 * ends without one. */
static void start_serving(replica_t *r, link_t link, height_t from, uint32_t count) {
    height_t executed = ledger_height(r->ledger);
    height_t most = executed;
    if (count > SYNC_RUN_MAX)
        count = SYNC_RUN_MAX;
    if (most - from >= count)
        most = from + count - 1;
    height_t end = most;
    while (end >= from && !proved_at(r, end))
        end--;
    r->serve = (serve_t){.busy = true,
                         .last = r->serve.last,
                         .link = link,
                         .next = from,
                         .proof = r->serve.proof,
                         .room = r->serve.room,
                         .room_size = r->serve.room_size};
    if (!end_at(r, end >= from ? end : most))
        serve_next(r);
}

static void answer_ask(replica_t *r, link_t link, height_t from, uint32_t count) {
    height_t executed = ledger_height(r->ledger);
    if (from > executed)
        send_block(r, link, (bytes_t){0}, 0, (bytes_t){0}, (bytes_t){0});
    else if (from > 0 && !is_kept(r, from)) /* whoever needs it needs a snapshot, or another one */
        send_block(r, link, (bytes_t){0}, from < r->index_low ? r->index_low : from + 1,
                   (bytes_t){0}, (bytes_t){0});
    else if (from > 0)
        start_serving(r, link, from, count);
}

/* One question after the other, each time of the next member that has one. */
static void serve_waiting(replica_t *r) {
    uint32_t size = r->config.committee->size;
    for (uint32_t i = 1; i <= size && !r->serve.busy; i++) {
        member_t m = (r->serve.last + i) % size;
        uint32_t count = r->sync_peers[m].wants;
        r->sync_peers[m].wants = 0;
        if (count == 0 || r->member_links[m] == LINK_NONE)
            continue;
        r->serve.last = m;
        i = 0;
        answer_ask(r, r->member_links[m], r->sync_peers[m].wants_from, count);
    }
}

void serve_ask(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    block_ask_t ask;
    if (block_ask_decode(&reader, &ask) != SYNOD_OK || !reader_done(&reader)) {
        gate_drop(r, link, SYNOD_MALFORMED, "block_ask", 1);
        return;
    }
    if (!quota_work(r, link, ASK_WORK_NS))
        return; /* asked again when its patience is over, or elsewhere */
    if (ask.by_id) {
        const block_slot_t *slot = blocks_find(&r->blocks, &ask.id);
        if (slot != NULL && slot->root_checked)
            send_slot(r, link->link, slot, (bytes_t){0});
        return;
    }
    r->sync_peers[link->member].wants = ask.count; /* in place of an older question */
    r->sync_peers[link->member].wants_from = ask.from;
    serve_waiting(r);
}

/* A final mark: height, id, proof. */
static bool take_served_proof(replica_t *r, const journal_entry_t *entry) {
    serve_t *serve = &r->serve;
    reader_t reader = reader_of(entry->body);
    bool right = entry->kind == JOURNAL_FINAL && read_u64(&reader) == serve->end;
    (void)read_bytes(&reader, SYNOD_DIGEST_BYTES);
    bytes_t proof = read_bytes(&reader, reader_left(&reader));
    if (!right || reader.failed || proof.size > certificate_bytes_max(r->config.committee->size))
        return false;
    memcpy(serve->proof, proof.data, proof.size);
    serve->proof_size = proof.size;
    serve->reading_proof = false;
    return true;
}

static bool send_read_block(replica_t *r, const journal_entry_t *entry) {
    serve_t *serve = &r->serve;
    reader_t reader = reader_of(entry->body);
    bytes_t block = read_bytes(&reader, BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES);
    if (entry->kind != JOURNAL_BLOCK || reader.failed)
        return false;
    bool last = serve->next == serve->end;
    bytes_t payload = read_bytes(&reader, reader_left(&reader));
    send_block(r, serve->link, block, serve->next, payload,
               bytes_of(serve->proof, last ? serve->proof_size : 0));
    serve->sent_bytes += payload.size;
    serve->next++;
    return true;
}

void serve_on_read(replica_t *r, synod_status status) {
    serve_t *serve = &r->serve;
    if (!serve->busy)
        return;
    uint64_t address = (serve->reading_proof ? r->index_final[serve->end % INDEX_HEIGHTS]
                                             : r->index_block[serve->next % INDEX_HEIGHTS]) -
                       1;
    journal_entry_t entry;
    if (status == SYNOD_OK)
        status = journal_parse(bytes_of(serve->room, serve->room_size), address, &entry);
    bool good = status == SYNOD_OK &&
                (serve->reading_proof ? take_served_proof(r, &entry) : send_read_block(r, &entry));
    if (!good) {
        replica_log(r, 1, "sync", "unreadable", "height=%llu why=\"%s\"",
                    (unsigned long long)serve->next, synod_status_text(status));
        serve->busy = false;
    } else {
        serve_next(r);
    }
    serve_waiting(r);
}
