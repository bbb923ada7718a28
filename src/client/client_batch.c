/* Operations into signed requests: one sequence and one signature for many operations.
 *
 * An operation is encoded once, where the frame of its request will be sent from. A batch is sealed
 * when it is full, when the caller flushes, when nothing else is outstanding (so that a lone caller
 * never waits), or when its first operation has lingered long enough; and only when the window has
 * room, so that the replicas never see a sequence outside of the session's. */
#include "client/client_state.h"

#define BODY_AT FRAME_HEADER_BYTES
#define OPERATIONS_AT (FRAME_HEADER_BYTES + REQUEST_HEADER_BYTES)
#define LENGTH_BYTES 4

batch_t *batch_at(client_t *c, uint32_t position) {
    invariant(position < c->count);
    return &c->batches[(c->head + position) % c->batches_max];
}

place_t *place_of(client_t *c, uint64_t sequence) {
    return &c->places[sequence % c->window];
}

/* ---- the ring of bytes ---- */

/* Where the bytes after the last batch end: at the end of the ring, or at the first batch. */
static size_t room_end(client_t *c, const batch_t *last) {
    const size_t first_at = batch_at(c, 0)->at;
    return last->at >= first_at ? c->room_bytes : first_at;
}

/* A place for a new batch of at least `size` bytes; false when there is none. */
static bool find_room(client_t *c, size_t size, size_t *at) {
    if (c->count == 0) {
        *at = 0;
        return size <= c->room_bytes;
    }
    const batch_t *last = batch_at(c, c->count - 1);
    const size_t end = last->at + last->size;
    invariant(end <= room_end(c, last));
    if (size <= room_end(c, last) - end) {
        *at = end;
        return true;
    }
    *at = 0; /* over the end, if the end was reached last */
    return last->at >= batch_at(c, 0)->at && size <= batch_at(c, 0)->at;
}

/* ---- submitting ---- */

/* Does one more operation fit into the last batch? */
static bool has_place(client_t *c, const batch_t *batch, size_t operation_bytes) {
    const size_t more = LENGTH_BYTES + operation_bytes;
    const size_t filled = batch->size - OPERATIONS_AT - SYNOD_SIGNATURE_BYTES;
    return !batch->closed && batch->operations < c->config.batch_operations &&
           more <= room_end(c, batch) - (batch->at + batch->size) &&
           filled + more <= c->config.batch_bytes &&
           batch->size + more <= FRAME_HEADER_BYTES + c->request_bytes_max;
}

static batch_t *batch_begin(client_t *c, size_t operation_bytes) {
    size_t at = 0;
    const size_t empty = OPERATIONS_AT + SYNOD_SIGNATURE_BYTES;
    if (c->count == c->batches_max || !find_room(c, empty + LENGTH_BYTES + operation_bytes, &at)) {
        return NULL;
    }
    c->count++;
    c->waiting++;
    batch_t *batch = batch_at(c, c->count - 1);
    *batch = (batch_t){.state = BATCH_WAITING,
                       .at = at,
                       .size = empty,
                       .first_token = c->next_token,
                       .started_ns = c->now_ns};
    return batch;
}

/* The batch that takes the next operation; NULL when the queue is full. */
static batch_t *batch_for(client_t *c, size_t operation_bytes) {
    if (c->waiting > 0) {
        batch_t *last = batch_at(c, c->count - 1);
        if (has_place(c, last, operation_bytes)) {
            return last;
        }
        last->closed = true;
    }
    return batch_begin(c, operation_bytes);
}

static void batch_add(client_t *c, batch_t *batch, bytes_t operation) {
    const size_t at = batch->size - SYNOD_SIGNATURE_BYTES;
    writer_t writer = writer_of(c->room + batch->at, at + LENGTH_BYTES + operation.size);
    writer.at = at;
    request_add(&writer, operation);
    ensure(!writer.failed);
    batch->size = writer.at + SYNOD_SIGNATURE_BYTES;
    batch->operations++;
    batch->closed = batch->operations == c->config.batch_operations ||
                    batch->size >= OPERATIONS_AT + SYNOD_SIGNATURE_BYTES + c->config.batch_bytes;
}

static uint64_t oldest_token(client_t *c) {
    return c->count == 0 ? c->next_token : batch_at(c, 0)->first_token;
}

size_t client_operation_bytes_max(const client_t *c) {
    return c->request_bytes_max - REQUEST_AROUND_BYTES;
}

synod_status client_submit(client_t *c, uint64_t now_ns, synod_bytes operation, uint64_t *token) {
    require(now_ns >= c->now_ns);
    c->now_ns = now_ns;
    if (c->phase == CLIENT_REFUSED) {
        return SYNOD_CLOSED;
    }
    if (operation.size > client_operation_bytes_max(c)) {
        return SYNOD_TOO_LARGE;
    }
    batch_t *batch = NULL;
    if (c->next_token - oldest_token(c) < c->config.queue_operations) {
        batch = batch_for(c, operation.size);
    }
    if (batch == NULL) {
        c->counters.refused_busy++;
        batch_pump(c);
        return SYNOD_BUSY;
    }
    batch_add(c, batch, operation);
    *token = c->next_token++;
    c->unfinished++;
    c->counters.submitted++;
    if (c->config.deadline_ns != 0) {
        client_wake(c, batch->started_ns + c->config.deadline_ns);
    }
    batch_pump(c);
    return SYNOD_OK;
}

void client_flush(client_t *c, uint64_t now_ns) {
    require(now_ns >= c->now_ns);
    c->now_ns = now_ns;
    if (c->waiting > 0) {
        batch_at(c, c->count - 1)->closed = true;
    }
    batch_pump(c);
}

/* ---- sealing ---- */

static void batch_seal(client_t *c, batch_t *batch) {
    batch->state = BATCH_SENT;
    batch->closed = true;
    batch->sequence = c->next_sequence++;
    place_t *place = place_of(c, batch->sequence);
    invariant(place->sequence == 0 || place->settled);
    ballot_clear(&place->ballot);
    place->sequence = batch->sequence;
    place->batch = (uint32_t)(batch - c->batches);
    place->settled = place->ran = false;
    uint8_t *frame = c->room + batch->at;
    writer_t writer = writer_of(frame + BODY_AT, batch->size - BODY_AT);
    request_begin(&writer, c->session, batch->sequence, c->acknowledged);
    writer.at = batch->size - BODY_AT - SYNOD_SIGNATURE_BYTES; /* operations stand there already */
    synod_status status =
        request_finish(&writer, 0, &c->config.committee->domain, c->config.signer);
    ensure(status == SYNOD_OK && writer.at == batch->size - BODY_AT);
    frame_seal(frame, FRAME_REQUEST, batch->size - BODY_AT);
    c->waiting--;
    c->outstanding++;
    c->counters.requests++;
}

/* May the first waiting batch go? If only time is missing, the host is asked for a tick. */
static bool batch_is_due(client_t *c, const batch_t *batch) {
    if (batch->closed || c->outstanding == 0 ||
        c->now_ns - batch->started_ns >= c->config.linger_ns) {
        return true;
    }
    client_wake(c, batch->started_ns + c->config.linger_ns);
    return false;
}

void batch_pump(client_t *c) {
    while (c->phase == CLIENT_READY && c->greeted > 0 && c->waiting > 0 &&
           c->next_sequence - c->acknowledged <= c->window) {
        batch_t *batch = batch_at(c, c->count - c->waiting);
        if (!batch_is_due(c, batch)) {
            return;
        }
        if (session_is_doubtful(c)) {
            session_probe(c);
            return;
        }
        batch_seal(c, batch);
        batch_send_first(c, batch);
    }
}

/* ---- the end of a batch ---- */

void batch_complete(client_t *c, const batch_t *batch, const client_completion_t *like) {
    client_completion_t completion = *like;
    for (uint32_t i = 0; i < batch->operations; i++) {
        completion.token = batch->first_token + i;
        c->config.host->complete(c->config.host->context, &completion);
    }
    if (!like->late) {
        c->unfinished -= batch->operations;
    }
}

void batch_release(client_t *c) {
    while (c->count > 0 && batch_at(c, 0)->state == BATCH_DONE) {
        c->head = (c->head + 1) % c->batches_max;
        c->count--;
    }
}

void batch_report_unknown(client_t *c) {
    for (uint32_t i = 0; c->config.deadline_ns != 0 && i < c->count - c->waiting; i++) {
        batch_t *batch = batch_at(c, i);
        if (batch->state != BATCH_SENT || batch->reported) {
            continue;
        }
        const uint64_t deadline = batch->started_ns + c->config.deadline_ns;
        if (c->now_ns < deadline) {
            client_wake(c, deadline);
            return; /* younger ones have later deadlines */
        }
        batch->reported = true; /* and stays unsettled: it is sent again (attack C8) */
        c->outstanding--;
        c->counters.unknown += batch->operations;
        const client_completion_t unknown = {.status = SYNOD_UNKNOWN};
        batch_complete(c, batch, &unknown);
    }
}

/* The first that waits: it was never sent. */
static void give_back(client_t *c) {
    batch_t *batch = batch_at(c, c->count - c->waiting);
    batch->state = BATCH_DONE;
    c->waiting--;
    c->counters.completed += batch->operations;
    const client_completion_t busy = {.status = SYNOD_BUSY, .settled = true};
    batch_complete(c, batch, &busy);
}

void batch_give_up(client_t *c) {
    while (c->config.deadline_ns != 0 && c->waiting > 0) {
        const batch_t *batch = batch_at(c, c->count - c->waiting);
        const uint64_t deadline = batch->started_ns + c->config.deadline_ns;
        if (c->now_ns < deadline) {
            client_wake(c, deadline);
            return;
        }
        give_back(c);
    }
    batch_release(c);
}

void client_end(client_t *c) {
    while (c->waiting > 0) {
        give_back(c);
    }
    batch_release(c);
}
