/* A slot judged and loaded: header, manifest, chunks, then the root. At start both slots are looked
 * at and the newest that holds is loaded; damage costs the older one and more of the journal. The
 * same way a snapshot that was transferred is loaded, beside the ledger in use. */
#include "crypto/hash.h"
#include "replica/state.h"

digest_t snapshot_order(const digest_t *id, bytes_t order) {
    bytes_t parts[] = {bytes_of(id->bytes, sizeof id->bytes), order};
    return order.size == 0 ? *id : hash_parts(parts, 2);
}

digest_t snapshot_root(replica_t *r, ledger_t *ledger, const digest_t *order,
                       digest_t *application) {
    digest_t committee = committee_root(r);
    return ledger_root(ledger, &committee, bytes_of(order->bytes, sizeof order->bytes),
                       application);
}

static synod_status judge_attestations(const replica_t *r, const snapshot_manifest_t *manifest) {
    const committee_t *committee = r->config.committee;
    uint64_t weight = 0;
    for (uint32_t i = 0; i < manifest->attestation_count; i++) {
        const uint8_t *at = manifest->attestations.data + (size_t)i * SNAPSHOT_ATTESTATION_BYTES;
        checkpoint_t checkpoint = {.epoch = manifest->epoch,
                                   .height = manifest->height,
                                   .root = manifest->root,
                                   .member = load_u32(at)};
        memcpy(checkpoint.signature.bytes, at + 4, SYNOD_SIGNATURE_BYTES);
        if (checkpoint.member >= committee->size)
            return SYNOD_NOT_MEMBER;
        synod_status status = checkpoint_verify(&checkpoint, committee);
        if (status != SYNOD_OK)
            return status;
        weight += committee_weight(committee, checkpoint.member); /* each once: they ascend */
    }
    return weight >= quorum_weight(committee, QUORUM_DECIDE) ? SYNOD_OK : SYNOD_NO_QUORUM;
}

synod_status snapshot_judge(replica_t *r, const snapshot_manifest_t *manifest) {
    const committee_t *committee = r->config.committee;
    if (!digest_equal(&manifest->domain, &committee->domain))
        return SYNOD_WRONG_CHAIN;
    if (manifest->epoch != committee->epoch)
        return SYNOD_WRONG_EPOCH;
    if (lanes_adopt(r, manifest->order, true) != SYNOD_OK)
        return SYNOD_MALFORMED;
    synod_status status = judge_attestations(r, manifest);
    const certificate_t *proof;
    if (status == SYNOD_OK && r->config.protocol->final_proof != NULL)
        status = judge_proof(r, manifest->proof, manifest->height, &manifest->id, &proof);
    return status;
}

/* ---- reading ---- */

static void load(replica_t *r, uint64_t offset, void *to, size_t size) {
    snapshots_t *s = &r->snapshots;
    require(s->load_token == 0);
    s->load_token = SNAPSHOT_TOKEN + ++s->tokens;
    r->config.host->load(r->config.host->context, s->load_token, s->read.slot, offset, to, size);
}

static void read_header(replica_t *r, uint32_t slot) {
    snapshots_t *s = &r->snapshots;
    s->read.slot = slot;
    s->read.stage = READ_HEADER;
    load(r, 0, s->header, sizeof s->header);
}

static void read_piece(replica_t *r) {
    snapshot_read_t *read = &r->snapshots.read;
    uint32_t left = read->manifest.chunk_count - read->next;
    read->count = left < SNAPSHOT_PIECE_CHUNKS ? left : SNAPSHOT_PIECE_CHUNKS;
    size_t size = (size_t)(read->count - 1) * SNAPSHOT_CHUNK_BYTES +
                  snapshot_chunk_bytes(&read->manifest, read->next + read->count - 1);
    load(r, snapshot_chunk_at(read->next), r->snapshots.piece, size);
}

void snapshot_read_start(replica_t *r, uint32_t slot, ledger_t *into) {
    snapshots_t *s = &r->snapshots;
    const snapshot_slot_t *from = &s->slots[slot];
    synod_status status =
        snapshot_manifest_decode(bytes_of(from->manifest, from->manifest_size), &s->read.manifest);
    invariant(status == SYNOD_OK);
    s->read.stage = READ_CHUNKS;
    s->read.slot = slot;
    s->read.next = 0;
    s->read.into = into;
    read_piece(r);
}

static synod_status take_header(replica_t *r) {
    snapshot_read_t *read = &r->snapshots.read;
    synod_status status = snapshot_header_decode(r->snapshots.header, &read->header);
    if (status != SYNOD_OK)
        return status;
    read->stage = READ_MANIFEST;
    load(r, snapshot_chunk_at(snapshot_chunks_of(read->header.stream_bytes)),
         r->snapshots.slots[read->slot].manifest, read->header.manifest_bytes);
    return SYNOD_OK;
}

static synod_status take_manifest(replica_t *r) {
    snapshot_read_t *read = &r->snapshots.read;
    snapshot_slot_t *slot = &r->snapshots.slots[read->slot];
    bytes_t bytes = bytes_of(slot->manifest, read->header.manifest_bytes);
    digest_t digest = hash_bytes(bytes);
    if (!digest_equal(&digest, &read->header.manifest))
        return SYNOD_BAD_CHECKSUM;
    synod_status status = snapshot_manifest_decode(bytes, &read->manifest);
    if (status != SYNOD_OK)
        return status;
    if (read->manifest.height != read->header.height ||
        read->manifest.stream_bytes != read->header.stream_bytes)
        return SYNOD_MISMATCH;
    status = snapshot_judge(r, &read->manifest);
    if (status != SYNOD_OK)
        return status;
    slot->height = read->manifest.height;
    slot->manifest_size = bytes.size;
    slot->content = snapshot_content_id(bytes, &read->manifest);
    return SYNOD_OK;
}

static synod_status take_piece(replica_t *r) {
    snapshot_read_t *read = &r->snapshots.read;
    const uint8_t *at = r->snapshots.piece;
    size_t size = 0;
    for (uint32_t i = 0; i < read->count; i++) {
        uint32_t bytes = snapshot_chunk_bytes(&read->manifest, read->next + i);
        digest_t wanted = snapshot_chunk_digest(&read->manifest, read->next + i);
        digest_t digest = hash_bytes(bytes_of(at + size, bytes));
        if (!digest_equal(&digest, &wanted))
            return SYNOD_BAD_CHECKSUM;
        size += bytes;
    }
    read->next += read->count;
    return ledger_load(read->into, bytes_of(at, size));
}

/* The whole stream was taken: is it the state that was attested? */
static synod_status take_end(replica_t *r) {
    snapshot_read_t *read = &r->snapshots.read;
    synod_status status = ledger_load(read->into, (bytes_t){0});
    if (status != SYNOD_OK)
        return status;
    digest_t application, order = snapshot_order(&read->manifest.id, read->manifest.order);
    digest_t root = snapshot_root(r, read->into, &order, &application);
    bool right = ledger_height(read->into) == read->manifest.height &&
                 digest_equal(&root, &read->manifest.root);
    return right ? SYNOD_OK : SYNOD_MISMATCH;
}

/* ---- adopting ---- */

void snapshot_adopt(replica_t *r, const snapshot_manifest_t *manifest) {
    r->executed_id = r->final_id = manifest->id;
    r->final_height = r->final_marked = manifest->height;
    r->blocks.executed = manifest->height;
    r->index_low = manifest->height + 1;
    r->final_proof_size = manifest->proof.size;
    if (manifest->proof.size > 0)
        memcpy(r->final_proof, manifest->proof.data, manifest->proof.size);
    r->root_height = manifest->height;
    r->rooting = r->root_at = 0;
    (void)lanes_adopt(r, manifest->order, false);
    lanes_advance(r);
    r->root_order = snapshot_order(&manifest->id, lanes_order(r));
    r->root = snapshot_root(r, r->ledger, &r->root_order, &r->application_root);
    if (r->observer != NULL)
        r->observer(r->observer_context, manifest->height, &manifest->id, NULL, (bytes_t){0});
}

/* ---- at start ---- */

/* The newest one that may still hold, or the journal alone. */
static void load_newest(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    const snapshot_slot_t *newest = snapshot_newest(s);
    s->read.looking = false;
    s->read.stage = READ_NONE;
    if (newest->height > 0) {
        snapshot_read_start(r, (uint32_t)(newest - s->slots), r->ledger);
        return;
    }
    journal_recover(r->journal);
    recover_continue(r);
}

static void on_unusable(replica_t *r, synod_status status) {
    snapshots_t *s = &r->snapshots;
    s->slots[s->read.slot].height = 0;
    if (status != SYNOD_NOT_FOUND)
        replica_log(r, 0, "snapshot", "damaged", "slot=%u stage=%d why=\"%s\"", s->read.slot,
                    (int)s->read.stage, synod_status_text(status));
}

static void look_on(replica_t *r, synod_status status) {
    snapshot_read_t *read = &r->snapshots.read;
    if (status == SYNOD_OK && read->stage == READ_HEADER) {
        status = take_header(r);
        if (status == SYNOD_OK)
            return;
    } else if (status == SYNOD_OK) {
        status = take_manifest(r);
    }
    if (status != SYNOD_OK)
        on_unusable(r, status);
    if (read->slot + 1 < SNAPSHOT_SLOTS_HELD)
        read_header(r, read->slot + 1);
    else
        load_newest(r);
}

static void recovered(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    snapshot_adopt(r, &s->read.manifest);
    s->read.stage = READ_NONE;
    replica_log(r, 2, "recover", "snapshot", "height=%llu bytes=%llu slot=%u",
                (unsigned long long)s->read.manifest.height,
                (unsigned long long)s->read.manifest.stream_bytes, s->read.slot);
    journal_recover(r->journal);
    recover_continue(r);
}

void snapshot_recover(replica_t *r) {
    r->snapshots.read.looking = true;
    read_header(r, 0);
}

void snapshot_on_loaded(replica_t *r, uint64_t token, synod_status status) {
    snapshots_t *s = &r->snapshots;
    if (serve_on_loaded(r, token, status) || token == 0 || token != s->load_token)
        return;
    s->load_token = 0;
    if (s->read.looking) {
        look_on(r, status);
        return;
    }
    if (status == SYNOD_OK)
        status = take_piece(r);
    if (status == SYNOD_OK && s->read.next < s->read.manifest.chunk_count) {
        read_piece(r);
        return;
    }
    if (status == SYNOD_OK)
        status = take_end(r);
    if (status != SYNOD_OK)
        on_unusable(r, status);
    if (r->phase != REPLICA_RECOVERING) {
        s->read.stage = READ_NONE;
        transfer_loaded(r, status);
        return;
    }
    if (status == SYNOD_OK) {
        recovered(r);
        return;
    }
    if (ledger_empty(r->ledger) != SYNOD_OK)
        replica_halt(r, SYNOD_NO_MEMORY, "the application cannot be opened again");
    else
        load_newest(r);
}
