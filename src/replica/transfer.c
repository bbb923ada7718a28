/* State transfer: a member whose next block nobody keeps any more fetches a snapshot, judges it,
 * makes it durable in its own slot, loads it beside the ledger in use, compares the root, and only
 * then goes on from there (attack P24). The ledger in use stays until the other one has proved
 * right, and block sync goes on asking meanwhile: whatever comes first is taken.
 *
 * A server costs at most its patience: who is silent or has nothing is left for the next one, who
 * lied is left out until everybody was. A chunk is judged by its digest, so it blames the one who
 * sent it; digests are the manifest's, so a root that does not come out blames the one who sent
 * that. Chunks that are here stay when the server changes. */
#include "base/bitset.h"
#include "crypto/hash.h"
#include "replica/state.h"

/* A server that brings nothing for so long goes to the next one. */
#define PATIENCE_NS UINT64_C(1000000000)

static void ask(replica_t *r, member_t server, const snapshot_ask_t *what) {
    writer_t writer = frame_writer(r);
    snapshot_ask_encode(what, &writer);
    link_send(r, r->member_links[server], LANE_BULK, FRAME_SNAPSHOT_ASK, writer.at);
}

/* The next one after the last that is there and did not lie; if all did, all may again. */
static bool next_server(replica_t *r) {
    transfer_t *t = &r->transfer;
    uint32_t size = r->config.committee->size;
    for (uint32_t i = 1; i <= size; i++) {
        member_t m = (t->server + i) % size;
        if (m != r->config.self && r->member_links[m] != LINK_NONE && !bitset_has(t->liars, m)) {
            t->server = m;
            return true;
        }
    }
    memset(t->liars, 0, bitset_words(size) * sizeof(uint64_t));
    return false;
}

static void end(replica_t *r) {
    transfer_t *t = &r->transfer;
    uint32_t words = bitset_words(r->config.committee->size);
    t->stage = TRANSFER_NONE;
    t->at = 0;
    t->next = t->fruitless = t->asked = 0;
    memset(t->liars, 0, words * sizeof(uint64_t));
    memset(t->pruned, 0, words * sizeof(uint64_t));
}

/* Twice round and nobody gave a sound one above our height: the blocks came after all, or a liar
 * sent us here. Block sync goes on, and an own snapshot may begin. */
static void ask_manifest(replica_t *r) {
    transfer_t *t = &r->transfer;
    if (t->asked++ == 2 * r->config.committee->size) {
        end(r);
        return;
    }
    t->stage = TRANSFER_ASKING;
    t->at = r->now.now_ns + PATIENCE_NS;
    snapshot_ask_t what = {.part = SNAPSHOT_MANIFEST, .height = ledger_height(r->ledger)};
    if (next_server(r))
        ask(r, t->server, &what);
}

static void ask_chunks(replica_t *r) {
    transfer_t *t = &r->transfer;
    t->stage = TRANSFER_FETCHING;
    t->at = r->now.now_ns + PATIENCE_NS;
    snapshot_ask_t what = {.part = SNAPSHOT_CHUNK, .content = t->content, .index = t->next};
    what.count = t->count;
    for (uint32_t i = 0; i < t->count && bitset_has(&t->have, i); i++) {
        what.index++;
        what.count--;
    }
    if (r->member_links[t->server] != LINK_NONE)
        ask(r, t->server, &what);
}

/* The same chunks of somebody else, until nobody has this snapshot any more. */
static void change_server(replica_t *r) {
    transfer_t *t = &r->transfer;
    if (++t->misses > r->config.committee->size || !next_server(r)) {
        ask_manifest(r);
        return;
    }
    ask_chunks(r);
}

static void begin_piece(replica_t *r) {
    transfer_t *t = &r->transfer;
    uint32_t left = t->manifest.chunk_count - t->next;
    t->count = left < SNAPSHOT_PIECE_CHUNKS ? left : SNAPSHOT_PIECE_CHUNKS;
    t->have = 0;
    t->misses = t->asked = 0;
    ask_chunks(r);
}

static void blame(replica_t *r, member_t member, const char *what, synod_status why) {
    replica_log(r, 1, "transfer", "blame", "member=%u what=%s why=\"%s\"", member, what,
                synod_status_text(why));
    bitset_add(r->transfer.liars, member);
}

/* ---- taking ---- */

static void take_manifest(replica_t *r, const snapshot_answer_t *answer) {
    transfer_t *t = &r->transfer;
    snapshots_t *s = &r->snapshots;
    if (answer->bytes.size == 0) {
        t->at = r->now.now_ns; /* it has none: the next one */
        return;
    }
    /* Its own copy, because what is decoded borrows. */
    memcpy(s->manifest, answer->bytes.data, answer->bytes.size);
    bytes_t bytes = bytes_of(s->manifest, answer->bytes.size);
    snapshot_manifest_t manifest;
    synod_status status = snapshot_manifest_decode(bytes, &manifest);
    if (status == SYNOD_OK && manifest.height <= ledger_height(r->ledger))
        status = SYNOD_STALE;
    if (status == SYNOD_OK)
        status = snapshot_judge(r, &manifest);
    if (status != SYNOD_OK) {
        blame(r, t->server, "manifest", status);
        ask_manifest(r);
        return;
    }
    digest_t content = snapshot_content_id(bytes, &manifest);
    bool same = t->next > 0 && digest_equal(&content, &t->content);
    t->manifest = manifest;
    t->manifest_size = bytes.size;
    t->content = content;
    t->author = t->server;
    if (!same) {
        t->next = 0;
        t->keep = space_first_above(r, manifest.height); /* nothing above it was executed yet */
    }
    replica_log(r, 2, "transfer", same ? "resumed" : "began", "height=%llu bytes=%llu member=%u",
                (unsigned long long)manifest.height, (unsigned long long)manifest.stream_bytes,
                t->server);
    begin_piece(r);
}

static void store_piece(replica_t *r) {
    transfer_t *t = &r->transfer;
    size_t size = (size_t)(t->count - 1) * SNAPSHOT_CHUNK_BYTES +
                  snapshot_chunk_bytes(&t->manifest, t->next + t->count - 1);
    t->stage = TRANSFER_STORING;
    t->at = 0;
    snapshot_put(r, t->slot, snapshot_chunk_at(t->next), bytes_of(r->snapshots.piece, size),
                 t->next == 0 ? STORE_BEGIN : 0);
}

static void take_chunk(replica_t *r, const snapshot_answer_t *answer) {
    transfer_t *t = &r->transfer;
    if (!digest_equal(&answer->content, &t->content) || answer->index < t->next ||
        answer->index >= t->next + t->count)
        return; /* of an earlier question */
    uint32_t place = answer->index - t->next;
    if (answer->bytes.size == 0) {
        change_server(r); /* it has this snapshot no more */
        return;
    }
    digest_t wanted = snapshot_chunk_digest(&t->manifest, answer->index);
    digest_t digest = hash_bytes(answer->bytes);
    if (!digest_equal(&digest, &wanted) ||
        answer->bytes.size != snapshot_chunk_bytes(&t->manifest, answer->index)) {
        blame(r, t->server, "chunk", SYNOD_BAD_CHECKSUM);
        change_server(r);
        return;
    }
    memcpy(r->snapshots.piece + (size_t)place * SNAPSHOT_CHUNK_BYTES, answer->bytes.data,
           answer->bytes.size);
    bitset_add(&t->have, place);
    t->at = r->now.now_ns + PATIENCE_NS;
    if (bitset_count(&t->have, SNAPSHOT_PIECE_CHUNKS) == t->count)
        store_piece(r);
}

void snapshot_on_frame(replica_t *r, replica_link_t *link, bytes_t body) {
    transfer_t *t = &r->transfer;
    reader_t reader = reader_of(body);
    snapshot_answer_t answer;
    synod_status status = snapshot_answer_decode(&reader, &answer);
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "snapshot", 1);
        return;
    }
    if (link->member != t->server)
        return;
    if (t->stage == TRANSFER_ASKING && answer.part == SNAPSHOT_MANIFEST)
        take_manifest(r, &answer);
    else if (t->stage == TRANSFER_FETCHING && answer.part == SNAPSHOT_CHUNK)
        take_chunk(r, &answer);
}

/* ---- keeping ---- */

static void store_manifest(replica_t *r) {
    transfer_t *t = &r->transfer;
    snapshots_t *s = &r->snapshots;
    bytes_t manifest = bytes_of(s->manifest, t->manifest_size);
    snapshot_header_t header = {.height = t->manifest.height,
                                .stream_bytes = t->manifest.stream_bytes,
                                .manifest_bytes = manifest.size,
                                .manifest = hash_bytes(manifest)};
    snapshot_header_encode(&header, s->header);
    t->stage = TRANSFER_MANIFEST;
    snapshot_put(r, t->slot, snapshot_chunk_at(t->manifest.chunk_count), manifest, 0);
}

bool transfer_on_stored(replica_t *r, synod_status status) {
    transfer_t *t = &r->transfer;
    if (t->stage != TRANSFER_STORING && t->stage != TRANSFER_MANIFEST &&
        t->stage != TRANSFER_HEADER)
        return false;
    if (status != SYNOD_OK) {
        replica_log(r, 0, "transfer", "not_stored", "why=\"%s\"", synod_status_text(status));
        t->next = 0;
        t->stage = TRANSFER_ASKING; /* anew after a while: a full disk may have room then */
        t->at = r->now.now_ns + 4 * PATIENCE_NS;
        return true;
    }
    if (t->stage == TRANSFER_MANIFEST) {
        t->stage = TRANSFER_HEADER;
        snapshot_write_header(r, t->slot);
    } else if (t->stage == TRANSFER_HEADER) {
        snapshot_stored(r, t->slot, t->manifest_size, 0, journal_position(r->journal));
        t->stage = TRANSFER_LOADING;
        snapshot_read_start(r, t->slot, r->spare);
    } else {
        t->next += t->count;
        if (t->next < t->manifest.chunk_count)
            begin_piece(r);
        else
            store_manifest(r);
    }
    return true;
}

/* ---- installing ---- */

/* It is the state that was attested, so the journal below it may go, also when block sync was
 * faster: a member that executes block by block behind a short journal may be level at no height
 * of which it could take one itself. */
static void count_it(replica_t *r) {
    const transfer_t *t = &r->transfer;
    r->snapshots.slots[t->slot].keep = t->keep;
    space_mark(r, t->slot);
    space_release(r);
}

static void install(replica_t *r) {
    const snapshot_manifest_t *manifest = &r->snapshots.read.manifest;
    ledger_t *before = r->ledger;
    r->ledger = r->spare;
    r->spare = before;
    if (ledger_empty(before) != SYNOD_OK) {
        replica_halt(r, SYNOD_NO_MEMORY, "the application cannot be opened again");
        return;
    }
    snapshot_adopt(r, manifest);
    count_it(r);
    attest_tell(r); /* others may lack one word for a snapshot of theirs */
    r->snapshots.installed++;
    replica_log(r, 2, "transfer", "installed", "height=%llu bytes=%llu",
                (unsigned long long)manifest->height, (unsigned long long)manifest->stream_bytes);
    r->branch_mark = 0; /* it was counted from the block before */
    r->pending_dirty = r->judge_again = true;
    end(r);
    sync_tell_anchor(r);
    r->sync_at = r->sync_end = 0;
    sync_want(r); /* what came after it */
}

/* The transferred slot was loaded, or it was not what its root promised. */
void transfer_loaded(replica_t *r, synod_status status) {
    transfer_t *t = &r->transfer;
    if (t->stage != TRANSFER_LOADING)
        return;
    if (status == SYNOD_OK && ledger_height(r->spare) > ledger_height(r->ledger)) {
        install(r);
        return;
    }
    if (ledger_empty(r->spare) != SYNOD_OK) {
        replica_halt(r, SYNOD_NO_MEMORY, "the application cannot be opened again");
        return;
    }
    if (status == SYNOD_OK) { /* block sync was faster */
        count_it(r);
        end(r);
        return;
    }
    blame(r, t->author, "state", status);
    t->next = 0;
    ask_manifest(r);
}

/* ---- when ---- */

static void start(replica_t *r) {
    transfer_t *t = &r->transfer;
    snapshots_t *s = &r->snapshots;
    save_abandon(r, "state is fetched from others");
    if (s->store_token != 0 || s->load_token != 0 || s->save.at_pool)
        return; /* when that has ended */
    if (r->spare == NULL && ledger_open(r->spare_memory, &r->config.chain.ledger, r->config.app,
                                        r->config.committee->verifier, &r->spare) != SYNOD_OK) {
        replica_halt(r, SYNOD_NO_MEMORY, "the application cannot be opened a second time");
        return;
    }
    replica_log(r, 1, "transfer", "needed", "height=%llu why=\"nobody keeps the next block\"",
                (unsigned long long)ledger_height(r->ledger));
    t->slot = (uint32_t)(snapshot_older(s) - s->slots);
    t->next = 0;
    ask_manifest(r);
}

/* A question for blocks is sent: how many since the last block came? */
void transfer_on_sync_ask(replica_t *r) {
    transfer_t *t = &r->transfer;
    height_t height = ledger_height(r->ledger);
    if (height != t->stuck_at)
        memset(t->pruned, 0, bitset_words(r->config.committee->size) * sizeof(uint64_t));
    t->fruitless = height == t->stuck_at ? t->fruitless + 1 : 0;
    t->stuck_at = height;
}

/* This member keeps the next block no more. One correct member among them is enough, or that nobody
 * had it in a whole round: a liar alone starts nothing while somebody still sends blocks. */
void transfer_pruned(replica_t *r, member_t member) {
    transfer_t *t = &r->transfer;
    const committee_t *committee = r->config.committee;
    bitset_add(t->pruned, member);
    if (t->stage == TRANSFER_NONE &&
        (quorum_met(committee, QUORUM_ONE_HONEST, t->pruned) || t->fruitless > committee->size))
        start(r);
}

void transfer_tick(replica_t *r) {
    transfer_t *t = &r->transfer;
    if (t->at == 0 || t->at > r->now.now_ns)
        return;
    if (t->stage == TRANSFER_ASKING)
        ask_manifest(r);
    else if (t->stage == TRANSFER_FETCHING)
        change_server(r);
    else
        t->at = 0;
}
