/* The session: opened by an ordered request, found again or opened anew when the replicas evicted
 * it.
 *
 * One open request serves for all of it, because the same (key, nonce) finds the session while it
 * lives, without being ordered, and opens the next one when it was evicted. So a session that may
 * have been evicted while it was idle is asked for before it is used, and the first operation
 * after a long pause is not lost in an outcome that nobody knows.
 *
 * Numbers only grow: replicas that are behind cannot give us back a session that is gone, whose
 * old results would be taken for those of sequences that we use again. */
#include "base/bitset.h"
#include "client/client_state.h"

/* Ask after half of the time that would allow an eviction: agreed time may run ahead of ours. */
#define DOUBT_SHARE 2

static void send_open(client_t *c) {
    (void)send_all(c, bytes_of(c->open_frame, sizeof c->open_frame));
}

static void make_open(client_t *c) {
    uint8_t fields[REQUEST_OPEN_BYTES];
    memcpy(fields, c->config.signer->key.bytes, SYNOD_KEY_BYTES);
    store_u64(fields + SYNOD_KEY_BYTES, c->nonce);
    const size_t body = sizeof c->open_frame - FRAME_HEADER_BYTES;
    writer_t writer = writer_of(c->open_frame + FRAME_HEADER_BYTES, body);
    request_begin(&writer, 0, 0, 0);
    request_add(&writer, bytes_of(fields, sizeof fields));
    synod_status status =
        request_finish(&writer, 0, &c->config.committee->domain, c->config.signer);
    ensure(status == SYNOD_OK && writer.at == body);
    frame_seal(c->open_frame, FRAME_REQUEST, body);
}

static void begin_opening(client_t *c) {
    c->phase = CLIENT_OPENING;
    ballot_clear(&c->open_ballot);
    schedule_start(c, &c->open_retry);
    send_open(c);
}

void session_open(client_t *c) {
    c->nonce = prng_next(&c->prng);
    make_open(c);
    begin_opening(c);
}

void session_open_to(client_t *c, member_t member) {
    if (c->phase == CLIENT_OPENING) {
        (void)send_to(c, member, bytes_of(c->open_frame, sizeof c->open_frame));
    }
}

void session_tick(client_t *c) {
    if (c->phase != CLIENT_OPENING) {
        return;
    }
    if (c->open_retry.at_ns <= c->now_ns) {
        link_attach_all(c, c->config.retry_first_ns);
        send_open(c);
        c->counters.retries++;
        schedule_next(c, &c->open_retry);
    } else {
        client_wake(c, c->open_retry.at_ns);
    }
}

bool session_is_doubtful(const client_t *c) {
    return c->config.session_idle_ns != 0 && c->outstanding == 0 &&
           c->now_ns - c->used_ns >= c->config.session_idle_ns / DOUBT_SHARE;
}

void session_probe(client_t *c) {
    client_log(c, 3, "probe", "session=%llu", (unsigned long long)c->session);
    begin_opening(c);
}

/* ---- opened ---- */

/* What was sent in a session that is gone: nobody can tell any more whether it ran. */
static void abandon_sent(client_t *c) {
    for (uint32_t i = 0; i < c->count - c->waiting; i++) {
        batch_t *batch = batch_at(c, i);
        if (batch->state != BATCH_SENT) {
            continue;
        }
        batch->state = BATCH_DONE;
        if (!batch->reported) {
            c->outstanding--;
            c->counters.unknown += batch->operations;
        }
        const client_completion_t unknown = {
            .status = SYNOD_UNKNOWN, .settled = true, .late = batch->reported};
        batch_complete(c, batch, &unknown);
    }
    invariant(c->outstanding == 0);
    batch_release(c);
}

static void begin_sequences(client_t *c) {
    c->next_sequence = 1;
    c->acknowledged = 0;
    for (uint32_t i = 0; i < c->window; i++) {
        c->places[i].sequence = 0;
        c->places[i].settled = c->places[i].ran = false;
    }
    memset(c->expired_by, 0, bitset_words(c->config.committee->size) * sizeof(uint64_t));
}

static void accept_session(client_t *c, uint64_t session) {
    if (session != c->session) {
        abandon_sent(c); /* in the background still, when the session was probed */
        begin_sequences(c);
        c->past_session = c->session > 0 ? c->session : c->past_session;
        c->session = session;
        c->counters.sessions_opened++;
        client_log(c, 2, "session", "number=%llu", (unsigned long long)session);
    }
    c->phase = CLIENT_READY;
    c->used_ns = c->now_ns;
    batch_pump(c);
}

static void refuse_key(client_t *c) {
    client_log(c, 0, "refused", "the replicas refuse the session key");
    c->phase = CLIENT_REFUSED;
    abandon_sent(c);
    const client_completion_t invalid = {.status = SYNOD_INVALID, .settled = true};
    for (; c->waiting > 0; c->waiting--) {
        batch_t *batch = batch_at(c, c->count - c->waiting);
        batch->state = BATCH_DONE;
        c->counters.completed += batch->operations;
        batch_complete(c, batch, &invalid);
    }
    batch_release(c);
}

/* Numbers are given once and grow; one that is gone cannot come back. */
static bool names_session(const client_t *c, const reply_t *reply) {
    return reply->status == SYNOD_OK && reply->result.size == sizeof(uint64_t) &&
           load_u64(reply->result.data) > c->past_session &&
           load_u64(reply->result.data) >= c->session;
}

void session_on_opened(client_t *c, member_t member, const reply_t *reply) {
    if (c->phase != CLIENT_OPENING || reply->sequence != c->nonce) {
        c->counters.frames_dropped++;
        return;
    }
    const answer_t answer = {.digest = reply_digest(reply),
                             .height = reply->height,
                             .member = member,
                             .class = reply->status == SYNOD_OK ? ANSWER_RAN : ANSWER_OTHER};
    const uint64_t weight = ballot_put(&c->open_ballot, c->config.committee, &answer);
    if (weight < c->one_honest) {
        return;
    }
    if (reply->status == SYNOD_INVALID) {
        refuse_key(c);
    } else if (names_session(c, reply)) {
        if (c->preferred == MEMBER_NONE) {
            prefer_first(c, &c->open_ballot, &answer);
        }
        accept_session(c, load_u64(reply->result.data));
    }
}

/* ---- expired (attack C7) ---- */

void session_on_expired(client_t *c, member_t member) {
    bitset_add(c->expired_by, member);
    if (!quorum_met(c->config.committee, QUORUM_ONE_HONEST, c->expired_by)) {
        return;
    }
    client_log(c, 1, "expired", "session=%llu", (unsigned long long)c->session);
    c->counters.sessions_expired++;
    abandon_sent(c);
    c->past_session = c->session;
    c->session = 0; /* what is still said about it is of no interest */
    begin_sequences(c);
    begin_opening(c);
}
