/* Batches of others: taken in their order, verified, written, and acknowledged when they are
 * durable; certificates that are told; questions for a batch. See lanes.h. */
#include "replica/lanes.h"

#include "replica/state.h"

/* For what is missing in a lane its author is asked so often. */
#define GAP_PATIENCE_NS UINT64_C(250000000)

void batch_send(replica_t *r, link_t link, member_t author, const held_batch_t *held) {
    batch_t batch = {.author = author,
                     .sequence = held->sequence,
                     .parent = held->parent,
                     .requests = held_bytes(r, author, held)};
    writer_t writer = frame_writer(r);
    batch_encode(&batch, &writer);
    ensure(!writer.failed);
    link_send(r, link, LANE_CLIENT, FRAME_BATCH, writer.at);
}

/* PAY 2: one acknowledgement a place, ever: of the one batch that was written there. */
static void acknowledge(replica_t *r, member_t author, const held_batch_t *held) {
    link_t link = r->member_links[author];
    if (link == LINK_NONE || r->mute)
        return; /* the author asks again by sending the batch again */
    batch_ack_t ack = {.author = author, .sequence = held->sequence, .name = held->name};
    statement_t statement =
        batch_statement(r->config.committee->epoch, author, held->sequence, &held->name);
    uint8_t bytes[STATEMENT_BYTES];
    statement_encode(&statement, &r->config.committee->domain, bytes);
    stage_t before = host_stage(r->config.host, STAGE_MESSAGE_SIGNATURE);
    r->config.signer->sign(r->config.signer->context, bytes_of(bytes, sizeof bytes),
                           &ack.signature);
    host_stage(r->config.host, before);
    writer_t writer = frame_writer(r);
    batch_ack_encode(&ack, &writer);
    link_send(r, link, LANE_CONSENSUS, FRAME_BATCH_ACK, writer.at);
}

/* ---- taking ---- */

/* A batch came that does not follow what is held: the one after that is asked for. */
static void ask_for_gap(replica_t *r, member_t author) {
    author_lane_t *lane = &r->lanes.lanes[author];
    if (lane->asked_at != 0 && r->now.now_ns - lane->asked_at < GAP_PATIENCE_NS)
        return;
    lane->asked_at = r->now.now_ns;
    batch_ask_t ask = {.author = author, .sequence = lane->high + 1};
    writer_t writer = frame_writer(r);
    batch_ask_encode(&ask, &writer);
    link_send(r, r->member_links[author], LANE_CONSENSUS, FRAME_BATCH_ASK, writer.at);
}

/* What is held at this place already came again, or something else did. */
static void held_again(replica_t *r, replica_link_t *link, const batch_t *batch) {
    const held_batch_t *held = held_at(&r->lanes.lanes[batch->author], batch->sequence);
    if (digest_equal(&batch->parent, &held->parent) &&
        bytes_equal(batch->requests, held_bytes(r, batch->author, held))) {
        if (held->state == HELD_SAID && quota_work(r, link, SIGN_WORK_NS))
            acknowledge(r, batch->author, held);
        return;
    }
    r->figures.batches_twofold++;
    quota_log(r, batch->author, 1, "lanes", "two", "author=%u sequence=%llu why=\"two batches\"",
              batch->author, (unsigned long long)batch->sequence);
    gate_drop(r, link, SYNOD_MISMATCH, "batch", 1);
}

/* It comes again when there is room. */
static void refuse(replica_t *r, const batch_t *batch) {
    r->frames_dropped++;
    r->figures.batches_refused++;
    quota_log(r, batch->author, 2, "lanes", "full", "author=%u sequence=%llu ordered=%llu",
              batch->author, (unsigned long long)batch->sequence,
              (unsigned long long)r->lanes.lanes[batch->author].tip);
}

void lanes_on_batch(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    batch_t batch;
    synod_status status = batch_decode(&reader, &batch);
    if (status == SYNOD_OK && batch.author >= r->config.committee->size)
        status = SYNOD_NOT_MEMBER;
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "batch", 1);
        return;
    }
    fetch_take(r, batch.author, batch.sequence, batch.requests);
    author_lane_t *lane = &r->lanes.lanes[batch.author];
    /* Only from the author itself: whoever else answers could fill a lane with what is not its. */
    if (batch.author != link->member || lane->forked || batch.sequence <= lane->tip ||
        batch.sequence <= lane->low)
        return;
    if (lane_holds(lane, batch.sequence)) {
        held_again(r, link, &batch);
        return;
    }
    if (batch.sequence != lane->high + 1) {
        ask_for_gap(r, batch.author);
        return;
    }
    uint32_t count = 0;
    if (!lane_has_room(r, lane, batch.requests.size, 1)) { /* before it is read and hashed */
        refuse(r, &batch);
        return;
    }
    if (payload_walk(batch.requests, r->requests, BLOCK_REQUESTS_MAX, &count) != SYNOD_OK ||
        !digest_equal(&batch.parent, &lane->high_name)) {
        gate_drop(r, link, SYNOD_MISMATCH, "batch", 1);
        return;
    }
    stage_t before = host_stage(r->config.host, STAGE_HASH);
    batch_entry_t entry = {.size_bytes = (uint32_t)batch.requests.size,
                           .requests = count,
                           .content = batch_content(batch.requests)};
    host_stage(r->config.host, before);
    if (lane_put(r, batch.author, &batch.parent, &entry, batch.requests) == NULL)
        refuse(r, &batch);
}

/* ---- verifying ---- */

static void verify(replica_t *r, member_t author, held_batch_t *held) {
    uint32_t count = 0;
    height_t height = ledger_height(r->ledger) + 1;
    verify_job_t *job = held->unknown_at == height ? NULL : job_take(r, VERIFY_BATCH);
    if (job == NULL)
        return; /* again when a job ends, or a block opens a session */
    synod_status status =
        payload_walk(held_bytes(r, author, held), r->requests, BLOCK_REQUESTS_MAX, &count);
    invariant(status == SYNOD_OK);
    stage_t before = host_stage(r->config.host, STAGE_HASH);
    for (uint32_t i = 0; i < count; i++)
        r->request_digests[i] = request_digest(&r->requests[i]);
    host_stage(r->config.host, before);
    if (!payload_signatures(r, count, job)) {
        held->unknown_at = height;
        job_free(job);
        return;
    }
    job->author = author;
    job->block = held->name;
    job->sequence = held->sequence;
    held->state = HELD_VERIFYING;
    if (job_start(r, job))
        lanes_verified(r, job);
}

/* A batch with one request that its client did not sign is none: a certificate says that f + 1
 * correct members verified all of them, so nobody has to when it is ordered. */
void lanes_verified(replica_t *r, verify_job_t *job) {
    author_lane_t *lane = &r->lanes.lanes[job->author];
    held_batch_t *held = held_at(lane, job->sequence);
    member_t author = job->author;
    uint32_t bad = 0;
    for (uint32_t i = 0; i < job->count; i++)
        bad += job->items[i].good ? 0 : 1;
    bool there = lane_holds(lane, job->sequence) && held->state == HELD_VERIFYING &&
                 digest_equal(&held->name, &job->block);
    job_free(job);
    r->lanes.dirty = r->judge_again = true;
    if (!there)
        return;
    if (bad == 0) {
        held->state = HELD_GOOD;
        return;
    }
    r->signatures_bad += bad;
    quota_log(r, author, 1, "lanes", "bad", "author=%u sequence=%llu bad_signatures=%u", author,
              (unsigned long long)held->sequence, bad);
    lane_cut(lane, held->sequence);
    replica_link_t *link = link_find(r, r->member_links[author]);
    if (link != NULL)
        quota_fault(r, link, bad);
}

/* ---- going on ---- */

/* False: it waits, and so does all behind it. */
static bool go_on(replica_t *r, member_t author, held_batch_t *held) {
    if (held->state == HELD_WAITING)
        verify(r, author, held); /* it may be gone after that */
    if (held->state == HELD_GOOD && space_for_block(r, held->entry.size_bytes) &&
        lane_write(r, author, held)) {
        held->state = HELD_WRITTEN;
        r->lanes.mute++;
    }
    if (held->state == HELD_WRITTEN && held->journal_sequence <= journal_durable(r->journal)) {
        held->state = HELD_SAID;
        if (author == r->config.self)
            own_said(r, held);
        else
            acknowledge(r, author, held);
    }
    return held->state >= HELD_WRITTEN;
}

void lanes_pump(replica_t *r) {
    lanes_t *lanes = &r->lanes;
    bool spoke = lanes->mute > 0 && lanes->said != journal_durable(r->journal);
    if (lanes->lanes == NULL || (!lanes->dirty && !spoke))
        return;
    lanes->dirty = false;
    lanes->said = journal_durable(r->journal);
    own_offer(r);
    lanes->mute = 0;
    for (member_t m = 0; m < r->config.committee->size && r->phase == REPLICA_RUNNING; m++) {
        author_lane_t *lane = &lanes->lanes[m];
        uint64_t first = lane->tip > lane->low ? lane->tip + 1 : lane->low + 1;
        for (uint64_t s = first; s <= lane->high; s++) {
            if (!go_on(r, m, held_at(lane, s)))
                break;
            lanes->mute += lane_holds(lane, s) && held_at(lane, s)->state == HELD_WRITTEN;
        }
    }
    if (r->disk_short) /* nothing else may look again whether a snapshot can be taken */
        lanes_look_again(r);
}

/* ---- questions ---- */

/* An author reminds of its own batch: it was acknowledged, or is under way here, or was lost. */
static void reminded(replica_t *r, replica_link_t *link, const batch_ask_t *ask) {
    author_lane_t *lane = &r->lanes.lanes[ask->author];
    bool said = lane_holds(lane, ask->sequence) && held_at(lane, ask->sequence)->state == HELD_SAID;
    if (!quota_work(r, link, said ? SIGN_WORK_NS : ASK_WORK_NS))
        return;
    if (said)
        acknowledge(r, ask->author, held_at(lane, ask->sequence));
    else if (ask->sequence > lane->high && ask->sequence > lane->tip && !lane->forked)
        ask_for_gap(r, ask->author);
}

/* Whoever lacks the bytes of a batch, of its author's lane or of a final block. */
void lanes_on_ask(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    batch_ask_t ask;
    synod_status status = batch_ask_decode(&reader, &ask);
    if (status == SYNOD_OK && ask.author >= r->config.committee->size)
        status = SYNOD_NOT_MEMBER;
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "batch_ask", 1);
        return;
    }
    author_lane_t *lane = &r->lanes.lanes[ask.author];
    held_batch_t *held = held_at(lane, ask.sequence);
    bytes_t requests;
    if (ask.author == link->member) {
        reminded(r, link, &ask);
        return;
    }
    if (lane_holds(lane, ask.sequence) && held->state == HELD_SAID) {
        if (quota_work(r, link, ASK_WORK_NS + held->entry.size_bytes))
            batch_send(r, link->link, ask.author, held);
    } else if (quota_work(r, link, ASK_WORK_NS) &&
               fetch_find(r, ask.author, ask.sequence, &requests)) {
        batch_t batch = {.author = ask.author, .sequence = ask.sequence, .requests = requests};
        writer_t writer = frame_writer(r);
        batch_encode(&batch, &writer);
        link_send(r, link->link, LANE_CLIENT, FRAME_BATCH, writer.at);
    }
}

/* ---- certificates ---- */

/* PAY 3 */
synod_status reference_judge(replica_t *r, const batch_reference_t *reference,
                             const digest_t *parent, digest_t *name) {
    const committee_t *committee = r->config.committee;
    *name = *parent;
    for (uint32_t i = 0; i < reference->count; i++)
        *name = batch_name(reference->author, reference->first + i, name, &reference->entries[i]);
    certificate_t *proof = r->lanes.proof;
    synod_status status = batch_certificate(reference, name, committee, proof);
    if (status == SYNOD_OK)
        status = certificate_judge(proof, committee, QUORUM_DECIDE, &r->env.anchor);
    stage_t before = host_stage(r->config.host, STAGE_MESSAGE_SIGNATURE);
    if (status == SYNOD_OK)
        status = certificate_verify(proof, committee, &r->known_face);
    host_stage(r->config.host, before);
    if (status == SYNOD_OK)
        known_add_certificate(r, proof);
    return status;
}

/* Entries that were known stay, so that a leader that is a little ahead of the author knows all
 * from its own tip on. */
void lane_certified(replica_t *r, const batch_reference_t *reference, const digest_t *name) {
    author_lane_t *lane = &r->lanes.lanes[reference->author];
    uint64_t last = reference->first + reference->count - 1;
    if (lane->certified <= lane->tip)
        lane->certified_ns = r->now.now_ns;
    if (lane->certified + 1 < reference->first || lane->known_from > reference->first)
        lane->known_from = reference->first;
    for (uint32_t i = 0; i < reference->count; i++)
        lane->known[(reference->first + i) % LANE_WINDOW] = reference->entries[i];
    if (last - lane->known_from >= LANE_WINDOW)
        lane->known_from = last - LANE_WINDOW + 1;
    lane->certified = last;
    lane->certified_name = *name;
    lane->relayed = false;
    memcpy(lane->signers, reference->signers.data, reference->signers.size);
    memcpy(lane->signatures, reference->signatures.data, reference->signatures.size);
    lane->signers_size = reference->signers.size;
    lane->signatures_size = reference->signatures.size;
    r->pending_dirty = true;
}

bool lane_reference(const author_lane_t *lane, member_t author, uint64_t from,
                    const digest_t *from_name, batch_reference_t *reference) {
    if (lane->certified <= from || lane->known_from > from + 1)
        return false;
    *reference = (batch_reference_t){.author = author, .first = from + 1};
    digest_t name = *from_name;
    for (uint64_t s = from + 1; s <= lane->certified; s++) {
        const batch_entry_t *entry = &lane->known[s % LANE_WINDOW];
        reference->entries[reference->count++] = *entry;
        name = batch_name(author, s, &name, entry);
    }
    reference->signers = bytes_of(lane->signers, lane->signers_size);
    reference->signatures = bytes_of(lane->signatures, lane->signatures_size);
    return digest_equal(&name, &lane->certified_name);
}

void lanes_on_proof(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    batch_reference_t reference;
    digest_t parent, name;
    read_into(&reader, parent.bytes, sizeof parent.bytes);
    synod_status status = batch_reference_decode(&reader, r->config.committee->size, &reference);
    if (status == SYNOD_OK && !reader_done(&reader))
        status = SYNOD_MALFORMED;
    if (status == SYNOD_OK) {
        const author_lane_t *lane = &r->lanes.lanes[reference.author];
        uint64_t last = reference.first + reference.count - 1;
        if (last <= lane->certified || last <= lane->tip)
            return; /* known, or over: before a signature is looked at (attack N3) */
        status = reference_judge(r, &reference, &parent, &name);
    }
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "batch_proof",
                  1 + (uint32_t)(reference.signatures.size / SYNOD_SIGNATURE_BYTES));
        return;
    }
    lane_certified(r, &reference, &name);
    lanes_look_again(r); /* its author may have told everybody but the leader */
}
