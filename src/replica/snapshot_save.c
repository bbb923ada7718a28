/* Taking a snapshot: at a checkpoint the ledger begins to give its stream, piece by piece while
 * blocks go on executing. Chunks are digested at the pool and stored as they come; the manifest
 * follows when a quorum attested the root of that height, the header last. */
#include "base/bitset.h"
#include "crypto/hash.h"
#include "replica/state.h"

/* A slot from which a member was served so lately is not overwritten while there is room: else a
 * slow receiver would never finish (attack P25). */
#define PIN_NS UINT64_C(10000000000)
/* So long a snapshot that is written waits for attestations while blocks wait for it. */
#define ATTEST_PATIENCE_NS UINT64_C(1000000000)
#define CHUNK_COST_NS 40000

static void digest_work(job_t *base) {
    const save_job_t *job = (const save_job_t *)base;
    for (size_t at = 0; at < job->size; at += SNAPSHOT_CHUNK_BYTES) {
        size_t left = job->size - at;
        size_t size = left < SNAPSHOT_CHUNK_BYTES ? left : SNAPSHOT_CHUNK_BYTES;
        job->digests[at / SNAPSHOT_CHUNK_BYTES] = hash_bytes(bytes_of(job->bytes + at, size));
    }
}

void snapshot_put(replica_t *r, uint32_t slot, uint64_t offset, bytes_t bytes, unsigned flags) {
    snapshots_t *s = &r->snapshots;
    require(s->store_token == 0);
    s->store_token = SNAPSHOT_TOKEN + ++s->tokens;
    r->config.host->store(r->config.host->context, s->store_token, slot, offset, bytes, flags);
}

void save_abandon(replica_t *r, const char *why) {
    save_t *save = &r->snapshots.save;
    if (save->stage == SAVE_NONE)
        return;
    replica_log(r, 1, "snapshot", "abandoned", "height=%llu why=\"%s\"",
                (unsigned long long)save->height, why);
    ledger_save_end(r->ledger);
    save->stage = SAVE_NONE;
}

/* ---- the stream ---- */

static bool fill_put(void *context, synod_bytes bytes) {
    snapshots_t *s = &((replica_t *)context)->snapshots;
    if (bytes.size > SNAPSHOT_SLICE_CHUNKS * SNAPSHOT_CHUNK_BYTES - s->save.filled)
        return false;
    memcpy(s->piece + s->save.filled, bytes.data, bytes.size);
    s->save.filled += bytes.size;
    return true;
}

static void stream_ended(replica_t *r) {
    ledger_save_end(r->ledger);
    r->snapshots.save.stage = SAVE_WAITING;
    r->snapshots.save.written_at = r->now.now_ns;
    save_finish(r);
}

/* The next piece of the stream goes to the pool, to be digested. */
static void fill(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    save_t *save = &s->save;
    size_t room = SNAPSHOT_SLICE_CHUNKS * SNAPSHOT_CHUNK_BYTES;
    save->filled = 0;
    while (save->more && save->filled < room) {
        size_t before = save->filled;
        synod_writer writer = {fill_put, r, room - before};
        synod_status status = ledger_save_next(r->ledger, &writer, &save->more);
        if (status == SYNOD_OK && save->more && save->filled == before)
            status = SYNOD_INVALID; /* an application that gives nothing, and says there is more */
        if (status != SYNOD_OK) {
            save_abandon(r, synod_status_text(status));
            return;
        }
    }
    if (save->filled == 0) {
        stream_ended(r);
        return;
    }
    if (save->chunks + SNAPSHOT_SLICE_CHUNKS > SNAPSHOT_CHUNKS_MAX) {
        save_abandon(r, "the state is larger than a snapshot may be");
        return;
    }
    save->job = (save_job_t){.job = {digest_work, CHUNK_COST_NS * SNAPSHOT_SLICE_CHUNKS},
                             .bytes = s->piece,
                             .size = save->filled,
                             .digests = s->digests + save->chunks};
    save->stage = SAVE_DIGESTING;
    save->at_pool = true;
    r->config.host->job(r->config.host->context, &save->job.job);
}

bool save_on_job(replica_t *r, const job_t *job) {
    snapshots_t *s = &r->snapshots;
    save_t *save = &s->save;
    if (job != &save->job.job)
        return false;
    save->at_pool = false;
    if (save->stage == SAVE_NONE || r->phase != REPLICA_RUNNING)
        return true;
    save->stage = SAVE_STORING;
    snapshot_put(r, save->slot, snapshot_chunk_at(save->chunks), bytes_of(s->piece, save->filled),
                 save->chunks == 0 ? STORE_BEGIN : 0);
    save->chunks += snapshot_chunks_of(save->filled);
    save->stream_bytes += save->filled;
    return true;
}

/* ---- the certificate ---- */

void save_attested(replica_t *r, member_t member, height_t height, const digest_t *root,
                   const signature_t *signature) {
    save_t *save = &r->snapshots.save;
    if (save->stage == SAVE_NONE || save->stage == SAVE_ROOTING || height != save->height ||
        !digest_equal(root, &save->root))
        return;
    bitset_add(save->signers, member);
    save->signatures[member] = *signature;
}

static size_t write_attestations(replica_t *r, uint8_t *to, uint32_t *count) {
    const save_t *save = &r->snapshots.save;
    uint32_t members = r->config.committee->size;
    uint8_t *at = to;
    for (member_t m = bitset_next(save->signers, members, 0); m < members;
         m = bitset_next(save->signers, members, m + 1)) {
        store_u32(at, m);
        memcpy(at + 4, save->signatures[m].bytes, SYNOD_SIGNATURE_BYTES);
        at += SNAPSHOT_ATTESTATION_BYTES;
        *count += 1;
    }
    return (size_t)(at - to);
}

/* 0: it does not fit. */
static size_t write_manifest(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    const save_t *save = &s->save;
    snapshot_manifest_t manifest = {
        .domain = r->config.committee->domain,
        .epoch = r->config.committee->epoch,
        .height = save->height,
        .id = save->id,
        .root = save->root,
        .stream_bytes = save->stream_bytes,
        .order = bytes_of(save->order, save->order_size),
        .chunk_count = save->chunks,
        .chunks = bytes_of(s->digests[0].bytes, (size_t)save->chunks * SYNOD_DIGEST_BYTES),
        .proof = bytes_of(save->proof, save->proof_size)};
    size_t size = write_attestations(r, s->attestations, &manifest.attestation_count);
    manifest.attestations = bytes_of(s->attestations, size);
    writer_t writer = writer_of(s->manifest, SNAPSHOT_MANIFEST_MAX);
    snapshot_manifest_encode(&manifest, &writer);
    return writer.failed ? 0 : writer.at;
}

/* Everything is written and the root is certified: manifest, then header. A quorum and not f + 1:
 * then f + 1 correct members have this state, so that what is released here is never the last copy
 * (Castro and Liskov, OSDI 1999, section 4.3). */
void save_finish(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    save_t *save = &s->save;
    if (save->stage != SAVE_WAITING || s->store_token != 0 ||
        !quorum_met(r->config.committee, QUORUM_DECIDE, save->signers))
        return;
    size_t size = write_manifest(r);
    if (size == 0) {
        save_abandon(r, "the manifest does not fit into a frame");
        return;
    }
    bytes_t manifest = bytes_of(s->manifest, size);
    snapshot_header_t header = {.height = save->height,
                                .stream_bytes = save->stream_bytes,
                                .manifest_bytes = size,
                                .manifest = hash_bytes(manifest)};
    snapshot_header_encode(&header, s->header);
    save->filled = size;
    save->stage = SAVE_MANIFEST;
    snapshot_put(r, save->slot, snapshot_chunk_at(save->chunks), manifest, 0);
}

void snapshot_write_header(replica_t *r, uint32_t slot) {
    snapshots_t *s = &r->snapshots;
    s->slots[slot].height = 0; /* from now on either may be there */
    snapshot_put(r, slot, 0, bytes_of(s->header, sizeof s->header), STORE_END);
}

/* The slot holds the snapshot whose manifest was just written. */
void snapshot_stored(replica_t *r, uint32_t slot, size_t manifest_size, uint64_t keep,
                     uint64_t position) {
    snapshots_t *s = &r->snapshots;
    snapshot_slot_t *to = &s->slots[slot];
    snapshot_manifest_t manifest;
    memcpy(to->manifest, s->manifest, manifest_size);
    synod_status status =
        snapshot_manifest_decode(bytes_of(to->manifest, manifest_size), &manifest);
    invariant(status == SYNOD_OK);
    to->height = manifest.height;
    to->manifest_size = manifest_size;
    to->content = snapshot_content_id(bytes_of(to->manifest, manifest_size), &manifest);
    to->keep = keep;
    to->position = position;
    to->served_at = 0;
    space_mark(r, slot);
}

static void on_saved(replica_t *r) {
    save_t *save = &r->snapshots.save;
    save->stage = SAVE_NONE;
    snapshot_stored(r, save->slot, save->filled, save->keep, save->position);
    r->snapshots.taken++;
    replica_log(r, 2, "snapshot", "taken", "height=%llu bytes=%llu slot=%u",
                (unsigned long long)save->height, (unsigned long long)save->stream_bytes,
                save->slot);
    space_release(r);
}

void save_on_stored(replica_t *r, synod_status status) {
    save_t *save = &r->snapshots.save;
    if (save->stage == SAVE_NONE)
        return; /* abandoned meanwhile */
    if (status != SYNOD_OK) {
        save_abandon(r, synod_status_text(status));
        return;
    }
    switch (save->stage) {
    case SAVE_STORING:
        if (save->more) {
            fill(r);
            return;
        }
        stream_ended(r);
        return;
    case SAVE_MANIFEST:
        save->stage = SAVE_HEADER;
        snapshot_write_header(r, save->slot);
        return;
    case SAVE_HEADER:
        on_saved(r);
        return;
    case SAVE_NONE:
    case SAVE_ROOTING:
    case SAVE_DIGESTING:
    case SAVE_WAITING:
        break;
    }
}

/* ---- when ---- */

static bool due(replica_t *r, height_t height) {
    snapshots_t *s = &r->snapshots;
    const snapshot_slot_t *older = snapshot_older(s);
    uint64_t position = journal_position(r->journal);
    bool urgent = space_short(r) || lanes_pinned(r);
    bool late = r->now.now_ns - s->save.written_at >= ATTEST_PATIENCE_NS && urgent &&
                height > s->save.height;
    if (s->save.stage == SAVE_WAITING &&
        (late || position - s->save.position >= r->config.snapshot_bytes / 2))
        save_abandon(r, "its root was not attested by a quorum");
    if (s->save.stage != SAVE_NONE || r->transfer.stage != TRANSFER_NONE || s->store_token != 0 ||
        s->load_token != 0 || s->save.at_pool)
        return false;
    uint64_t grown = position - snapshot_newest(s)->position;
    if (urgent)
        return height > snapshot_newest(s)->height;
    if (grown < r->config.snapshot_bytes)
        return false;
    bool roomy = journal_used_bytes(r->journal) < journal_capacity_bytes(r->journal) / 2;
    bool pinned =
        older->height != 0 && older->served_at != 0 && r->now.now_ns - older->served_at < PIN_NS;
    return !pinned || !roomy;
}

/* Of the state as it is now, whose root is at hand or being computed; a proof of its height has to
 * be at hand. */
void save_consider(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    save_t *save = &s->save;
    height_t height = r->rooting != 0 ? r->rooting : r->root_height;
    bytes_t proof = proof_of(r, height);
    if (height != ledger_height(r->ledger) || proof.size == 0 || !due(r, height))
        return;
    save->slot = (uint32_t)(snapshot_older(s) - s->slots);
    save->height = height;
    save->id = r->executed_id;
    save->keep = space_first_above(r, save->height);
    save->position = journal_position(r->journal);
    bytes_t order = lanes_order(r);
    save->order_size = order.size;
    if (order.size > 0)
        memcpy(save->order, order.data, order.size);
    save->stream_bytes = 0;
    save->chunks = 0;
    save->more = true;
    memcpy(save->proof, proof.data, proof.size);
    save->proof_size = proof.size;
    memset(save->signers, 0, bitset_words(r->config.committee->size) * sizeof(uint64_t));
    save->stage = SAVE_ROOTING;
    ledger_save_begin(r->ledger);
    if (r->rooting == 0)
        save_rooted(r);
}

void save_rooted(replica_t *r) {
    save_t *save = &r->snapshots.save;
    if (save->stage != SAVE_ROOTING) {
        save_finish(r);
        return;
    }
    invariant(save->height == r->root_height);
    save->root = r->root;
    save->stage = SAVE_STORING;
    attest_collect(r);
    fill(r);
}
