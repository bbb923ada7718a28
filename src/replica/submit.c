/* Client requests on their way into the mempool: bounded, looked up, verified in batches at the
 * pool, answered at once where the answer is known already, and offered to the payload strategy. */
#include "base/arena.h"
#include "replica/state.h"

/* ---- verification jobs ---- */

verify_job_t *job_take(replica_t *r, verify_purpose_t purpose) {
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        verify_job_t *job = &r->jobs[i];
        if (job->used)
            continue;
        job->used = true;
        job->purpose = purpose;
        job->count = 0;
        return job;
    }
    return NULL;
}

void job_free(verify_job_t *job) {
    job->used = false;
}

/* Runs on a thread of the pool: touches the job only. */
void job_run(job_t *base) {
    verify_job_t *job = (verify_job_t *)base;
    for (uint32_t i = 0; i < job->count; i++) {
        verify_item_t *item = &job->items[i];
        uint8_t bytes[REQUEST_SIGNED_BYTES];
        request_signed_bytes(&job->domain, &item->digest, bytes);
        item->good =
            job->verifier->verify(job->verifier->context, &item->key, bytes_of(bytes, sizeof bytes),
                                  &item->signature) == SYNOD_OK;
    }
}

bool job_start(replica_t *r, verify_job_t *job) {
    if (job->count <= VERIFY_INLINE_MAX) {
        stage_t before = host_stage(r->config.host, STAGE_REQUEST_SIGNATURE);
        job_run(&job->job);
        host_stage(r->config.host, before);
        return true;
    }
    job->job.cost_ns = job->count * UINT64_C(48000);
    r->config.host->job(r->config.host->context, &job->job);
    return false;
}

/* ---- answers known already ---- */

static void refuse(replica_t *r, link_t link, const request_t *request, synod_status status) {
    r->figures.requests[status]++;
    reply_t reply = {.session = request->session,
                     .sequence = request->sequence,
                     .status = status,
                     .leader_hint = r->payload->hint(r, request->session)};
    if (request->session == 0) {
        key_public_t key;
        request_open_fields(request, &key, &reply.sequence);
    }
    send_reply(r, link, &reply);
}

/* A session number that this replica has not given out yet is kept silent about: it may be behind.
 * What a request was answered is for whoever can sign it: before that is `proved`, a request that
 * ran goes on to have its signature checked. */
static bool answer_known(replica_t *r, link_t link, const request_t *request, bool proved) {
    reply_t reply;
    if (request->session == 0) {
        key_public_t key;
        uint64_t nonce;
        request_open_fields(request, &key, &nonce);
        uint64_t session = ledger_find_session(r->ledger, &key, nonce);
        if (session == 0 || (!proved && link != LINK_NONE))
            return false;
        ledger_reply(r->ledger, session, 0, &reply);
        reply.leader_hint = r->payload->hint(r, reply.session);
        send_reply(r, link, &reply);
        return true;
    }
    switch (
        ledger_standing(r->ledger, request->session, request->sequence, request->acknowledged)) {
    case LEDGER_FRESH:
        return false;
    case LEDGER_DONE:
        if (!proved && link != LINK_NONE)
            return false;
        ledger_reply(r->ledger, request->session, request->sequence, &reply);
        reply.leader_hint = r->payload->hint(r, reply.session);
        send_reply(r, link, &reply);
        return true;
    case LEDGER_GONE:
        refuse(r, link, request, SYNOD_EXPIRED);
        return true;
    case LEDGER_OUTSIDE:
        refuse(r, link, request, SYNOD_INVALID);
        return true;
    case LEDGER_UNOPENED:
        return true;
    }
    return true;
}

static bool application_refuses(replica_t *r, const request_t *request) {
    if (request->session == 0)
        return false;
    size_t at = 0;
    bytes_t operation;
    while (request_operation(request, &at, &operation))
        if (ledger_check(r->ledger, operation) != SYNOD_OK)
            return true;
    return false;
}

/* ---- in ---- */

/* A link holds no more of the batch than is left free: alone it gets half, k greedy ones a share of
 * 1 in k + 1 each, and there is always room for one that comes (attack N7). */
static bool has_share(replica_link_t *link, const submit_batch_t *batch, uint32_t size) {
    if (link->submitted_to != batch->number) {
        link->submitted_to = batch->number;
        link->submitted = link->submitted_bytes = 0;
    }
    return link->submitted < SUBMIT_BATCH_MAX - batch->count &&
           (uint64_t)link->submitted_bytes + size <= SUBMIT_BATCH_BYTES - batch->bytes_used;
}

static bool collect(replica_t *r, replica_link_t *from, link_t link, const request_t *request,
                    const digest_t *digest, uint64_t sequence) {
    submit_batch_t *batch = &r->submit[r->submit_filling];
    uint32_t size = (uint32_t)request->encoded.size;
    if (batch->at_pool || !has_share(from, batch, size)) {
        r->quota_drops += batch->at_pool ? 0 : 1;
        return false;
    }
    from->submitted++;
    from->submitted_bytes += size;
    batch->items[batch->count++] = (submit_item_t){.at = batch->bytes_used,
                                                   .size = size,
                                                   .link = link,
                                                   .from = from->link,
                                                   .digest = *digest,
                                                   .sequence = sequence,
                                                   .arrival_ns = r->now.now_ns};
    memcpy(batch->bytes + batch->bytes_used, request->encoded.data, size);
    batch->bytes_used += size;
    return true;
}

void submit_request(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    request_t request;
    synod_status status = request_decode(&reader, &request);
    if (status == SYNOD_OK && !reader_done(&reader))
        status = SYNOD_MALFORMED;
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "request", 1);
        return;
    }
    bool from_client = link->member == MEMBER_NONE;
    link_t answer_to = from_client ? link->link : LINK_NONE;
    if (request.encoded.size > r->blocks.payload_max) {
        refuse(r, answer_to, &request, SYNOD_INVALID);
        return;
    }
    if (answer_known(r, answer_to, &request, false))
        return;
    stage_t before = host_stage(r->config.host, STAGE_HASH);
    digest_t digest = request_digest(&request);
    host_stage(r->config.host, before);
    uint64_t sequence = mempool_sequence(&request, &digest);
    if (mempool_find(&r->mempool, request.session, sequence) != NULL)
        return; /* will be answered when it has run */
    if (application_refuses(r, &request)) {
        refuse(r, answer_to, &request, SYNOD_INVALID);
        return;
    }
    if (!collect(r, link, answer_to, &request, &digest, sequence))
        refuse(r, answer_to, &request, SYNOD_BUSY);
}

static request_t item_request(submit_batch_t *batch, const submit_item_t *item) {
    request_t request;
    reader_t reader = reader_of(bytes_of(batch->bytes + item->at, item->size));
    synod_status status = request_decode(&reader, &request);
    invariant(status == SYNOD_OK); /* it was decoded when it came */
    return request;
}

/* The key that must have signed: the session may have gone while the request waited. */
static const key_public_t *key_for(replica_t *r, const request_t *request, key_public_t *room) {
    if (request->session != 0)
        return ledger_session_key(r->ledger, request->session);
    uint64_t nonce;
    request_open_fields(request, room, &nonce);
    return room;
}

void submit_flush(replica_t *r) {
    uint32_t filling = r->submit_filling;
    submit_batch_t *batch = &r->submit[filling];
    /* While one batch is at the pool the other collects: the larger, the busier; else both would be
     * away and whoever comes next would be told busy. */
    if (batch->at_pool || batch->count == 0 || r->submit[1 - filling].at_pool)
        return;
    verify_job_t *job = job_take(r, VERIFY_SUBMIT);
    if (job == NULL)
        return;
    job->slot = filling;
    for (uint32_t i = 0; i < batch->count; i++) {
        request_t request = item_request(batch, &batch->items[i]);
        key_public_t room;
        const key_public_t *key = key_for(r, &request, &room);
        if (key != NULL)
            job->items[job->count++] = (verify_item_t){.key = *key,
                                                       .digest = batch->items[i].digest,
                                                       .signature = request.signature,
                                                       .tag = i};
    }
    batch->at_pool = true;
    r->submit_filling = 1 - filling;
    if (job_start(r, job))
        submit_verified(r, job);
}

void submit_verified(replica_t *r, verify_job_t *job) {
    submit_batch_t *batch = &r->submit[job->slot];
    for (uint32_t i = 0; i < job->count; i++) {
        const submit_item_t *item = &batch->items[job->items[i].tag];
        request_t request = item_request(batch, item);
        if (!job->items[i].good) {
            r->signatures_bad++;
            refuse(r, item->link, &request, SYNOD_INVALID);
            replica_link_t *from = link_find(r, item->from);
            if (from != NULL)
                quota_fault(r, from, 1);
            continue;
        }
        latency_add(&r->figures.latencies[LATENCY_VERIFY], r->now.now_ns - item->arrival_ns);
        /* It may have run while it was at the pool. */
        if (answer_known(r, item->link, &request, true))
            continue;
        synod_status status =
            mempool_add(&r->mempool, &request, item->sequence, &item->digest, r->now.now_ns);
        if (status == SYNOD_BUSY)
            refuse(r, item->link, &request, SYNOD_BUSY);
        else if (status == SYNOD_OK)
            r->payload->offer(r, &request);
    }
    batch->at_pool = false;
    batch->count = batch->bytes_used = 0;
    batch->number = ++r->batch_clock;
    job_free(job);
    r->pending_dirty = r->judge_again = true;
}

/* Can it run no more? */
static bool is_over(const replica_t *r, const request_t *request) {
    if (request->session != 0)
        return ledger_standing(r->ledger, request->session, request->sequence,
                               request->acknowledged) != LEDGER_FRESH;
    key_public_t key;
    uint64_t nonce;
    request_open_fields(request, &key, &nonce);
    return ledger_find_session(r->ledger, &key, nonce) != 0;
}

/* What was settled or evicted meanwhile, or ran below a state that was transferred, is taken by no
 * leader any more: it would wait here for ever and cost an honest leader its place (HS 16). */
const mempool_entry_t *submit_oldest(replica_t *r) {
    for (;;) {
        const mempool_entry_t *entry = mempool_next(&r->mempool, NULL);
        if (entry == NULL)
            return NULL;
        request_t request;
        reader_t reader = reader_of(mempool_bytes(&r->mempool, entry));
        synod_status status = request_decode(&reader, &request);
        invariant(status == SYNOD_OK); /* it was decoded when it came */
        if (!is_over(r, &request))
            return entry;
        (void)mempool_remove(&r->mempool, entry->session, entry->sequence);
    }
}
