/* Serving snapshots: the manifest from memory, chunks from the slot, one run of chunks at a time,
 * one read under way, over the lane of catch-up. Who asks meanwhile hears nothing and asks again or
 * elsewhere, so that no number of askers costs more than one read at a time. */
#include "replica/state.h"

_Static_assert(SNAPSHOT_PIECE_CHUNKS *SNAPSHOT_CHUNK_BYTES <= LANE_BULK_BYTES / 4,
               "a piece and a run of blocks (serve.c) fit into the lane together");

static void answer(replica_t *r, link_t link, const snapshot_answer_t *answer) {
    replica_link_t *to = link_find(r, link);
    if (to == NULL)
        return;
    (void)quota_work(r, to, answer->bytes.size); /* as serve.c does */
    writer_t writer = frame_writer(r);
    snapshot_answer_encode(answer, &writer);
    ensure(!writer.failed);
    link_send(r, link, LANE_BULK, FRAME_SNAPSHOT, writer.at);
}

static void serve_manifest(replica_t *r, link_t link, height_t above) {
    const snapshot_slot_t *newest = snapshot_newest(&r->snapshots);
    snapshot_answer_t manifest = {.part = SNAPSHOT_MANIFEST};
    if (newest->height > above) {
        manifest.content = newest->content;
        manifest.bytes = bytes_of(newest->manifest, newest->manifest_size);
    }
    answer(r, link, &manifest);
}

static const snapshot_slot_t *slot_of(const replica_t *r, const digest_t *content) {
    for (uint32_t i = 0; i < SNAPSHOT_SLOTS_HELD; i++) {
        const snapshot_slot_t *slot = &r->snapshots.slots[i];
        if (slot->height > 0 && digest_equal(&slot->content, content))
            return slot;
    }
    return NULL;
}

static void read_chunk(replica_t *r) {
    snapshots_t *s = &r->snapshots;
    chunk_serve_t *serve = &s->serve;
    const snapshot_slot_t *slot = slot_of(r, &serve->content);
    serve->busy = slot != NULL && serve->link != LINK_NONE && serve->next < serve->end;
    if (!serve->busy)
        return;
    serve->bytes = snapshot_chunk_bytes(&serve->manifest, serve->next);
    serve->token = SNAPSHOT_TOKEN + ++s->tokens;
    r->config.host->load(r->config.host->context, serve->token, (uint32_t)(slot - s->slots),
                         snapshot_chunk_at(serve->next), serve->room, serve->bytes);
}

static void serve_chunks(replica_t *r, link_t link, const snapshot_ask_t *ask) {
    chunk_serve_t *serve = &r->snapshots.serve;
    snapshot_slot_t *slot = (snapshot_slot_t *)(uintptr_t)slot_of(r, &ask->content);
    snapshot_answer_t none = {.part = SNAPSHOT_CHUNK, .content = ask->content, .index = ask->index};
    if (slot == NULL) {
        answer(r, link, &none);
        return;
    }
    slot->served_at = r->now.now_ns;
    if (serve->busy)
        return;
    synod_status status =
        snapshot_manifest_decode(bytes_of(slot->manifest, slot->manifest_size), &serve->manifest);
    invariant(status == SYNOD_OK);
    if (ask->index >= serve->manifest.chunk_count) {
        answer(r, link, &none);
        return;
    }
    uint32_t left = serve->manifest.chunk_count - ask->index;
    uint32_t count = ask->count < SNAPSHOT_PIECE_CHUNKS ? ask->count : SNAPSHOT_PIECE_CHUNKS;
    serve->link = link;
    serve->content = ask->content;
    serve->next = ask->index;
    serve->end = ask->index + (count < left ? count : left);
    read_chunk(r);
}

void snapshot_ask_on_frame(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    snapshot_ask_t ask;
    synod_status status = snapshot_ask_decode(&reader, &ask);
    if (status != SYNOD_OK)
        gate_drop(r, link, status, "snapshot_ask", 1);
    else if (!quota_work(r, link, ASK_WORK_NS))
        return; /* asked again when its patience is over, or elsewhere */
    else if (ask.part == SNAPSHOT_MANIFEST)
        serve_manifest(r, link->link, ask.height);
    else
        serve_chunks(r, link->link, &ask);
}

bool serve_on_loaded(replica_t *r, uint64_t token, synod_status status) {
    chunk_serve_t *serve = &r->snapshots.serve;
    if (token != serve->token || !serve->busy)
        return false;
    serve->token = 0;
    /* The slot may have been replaced while the read was under way: then it is another stream. */
    if (status != SYNOD_OK || slot_of(r, &serve->content) == NULL || serve->link == LINK_NONE) {
        serve->busy = false;
        return true;
    }
    snapshot_answer_t chunk = {.part = SNAPSHOT_CHUNK,
                               .content = serve->content,
                               .index = serve->next++,
                               .bytes = bytes_of(serve->room, serve->bytes)};
    answer(r, serve->link, &chunk);
    read_chunk(r);
    return true;
}
