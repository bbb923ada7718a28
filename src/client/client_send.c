/* To whom requests go, and when again. Normally one replica gets a request: the leader, as f + 1
 * members name it, or else the one that answered first when all were asked. When it does not
 * answer in time or its link breaks, the request goes to all, and it is avoided for a while. A
 * replica that lies about the leader or plays dead costs one time-out in `retry_max_ns`, no
 * more. */
#include "client/client_state.h"

/* Up to a quarter more, so that clients that failed together do not return together. */
static uint64_t jittered(client_t *c, uint64_t interval_ns) {
    return interval_ns + prng_below(&c->prng, interval_ns / 4 + 1);
}

void schedule_start(client_t *c, schedule_t *schedule) {
    schedule->interval_ns = c->config.retry_first_ns;
    schedule->at_ns = c->now_ns + jittered(c, schedule->interval_ns);
    client_wake(c, schedule->at_ns);
}

void schedule_next(client_t *c, schedule_t *schedule) {
    const uint64_t most = c->config.retry_max_ns;
    schedule->interval_ns = schedule->interval_ns < most / 2 ? schedule->interval_ns * 2 : most;
    schedule->at_ns = c->now_ns + jittered(c, schedule->interval_ns);
    client_wake(c, schedule->at_ns);
}

bool send_to(client_t *c, member_t member, bytes_t frame) {
    const peer_t *peer = &c->peers[member];
    if (!peer->greeted) {
        return false;
    }
    c->config.host->send(c->config.host->context, peer->link, frame);
    return true;
}

uint32_t send_all(client_t *c, bytes_t frame) {
    uint32_t count = 0;
    for (member_t member = 0; member < c->config.committee->size; member++) {
        count += send_to(c, member, frame) ? 1 : 0;
    }
    return count;
}

/* ---- whom to trust with the next request ---- */

static bool is_avoided(const client_t *c, member_t member) {
    return member == c->avoided && c->now_ns < c->avoided_until;
}

static bool prefer(client_t *c, member_t member) {
    if (!c->peers[member].greeted || is_avoided(c, member)) {
        return false;
    }
    c->preferred = member;
    return true;
}

void prefer_first(client_t *c, const ballot_t *ballot, const answer_t *like) {
    for (uint32_t i = 0; i < ballot->count; i++) {
        const answer_t *answer = &ballot->answers[i];
        if (answers_equal(answer, like) && prefer(c, answer->member)) {
            return;
        }
    }
}

void hint_take(client_t *c, member_t from, uint64_t named) {
    const committee_t *committee = c->config.committee;
    peer_t *peer = &c->peers[from];
    peer->hint = named >= 1 && named <= committee->size ? (member_t)(named - 1) : MEMBER_NONE;
    if (peer->hint == MEMBER_NONE || peer->hint == c->preferred) {
        return;
    }
    uint64_t weight = 0;
    for (member_t member = 0; member < committee->size; member++) {
        if (c->peers[member].hint == peer->hint) {
            weight += committee_weight(committee, member);
        }
    }
    if (weight >= c->one_honest) { /* f liars cannot draw requests to themselves */
        (void)prefer(c, peer->hint);
    }
}

static void avoid(client_t *c, member_t member) {
    c->avoided = member;
    c->avoided_until = c->now_ns + c->config.retry_max_ns;
    if (c->preferred == member) {
        c->preferred = MEMBER_NONE;
    }
}

/* ---- requests ---- */

bytes_t batch_frame(const client_t *c, const batch_t *batch) {
    return bytes_of(c->room + batch->at, batch->size);
}

void batch_send_first(client_t *c, batch_t *batch) {
    batch->sent_to = c->preferred;
    if (c->preferred != MEMBER_NONE) {
        batch->reached = send_to(c, c->preferred, batch_frame(c, batch));
    } else {
        batch->reached = send_all(c, batch_frame(c, batch)) > 0;
    }
    schedule_start(c, &batch->retry);
}

static void send_again(client_t *c, batch_t *batch) {
    batch->sent_to = MEMBER_NONE;
    batch->reached = send_all(c, batch_frame(c, batch)) > 0;
    c->counters.retries++;
}

/* Then it did its part, and it is the others' answers that are missing. */
static bool has_result_of(client_t *c, const batch_t *batch, member_t member) {
    return ballot_find(&place_of(c, batch->sequence)->ballot, member, ANSWER_RAN) != NULL;
}

void batch_ask_all(client_t *c, batch_t *batch, member_t from) {
    if (batch->sent_to == from) { /* so once a request, whatever a liar says */
        send_again(c, batch);
    }
}

void batch_retry_due(client_t *c) {
    for (uint32_t i = 0; i < c->count - c->waiting; i++) {
        batch_t *batch = batch_at(c, i);
        if (batch->state != BATCH_SENT) {
            continue;
        }
        if (batch->retry.at_ns > c->now_ns) {
            client_wake(c, batch->retry.at_ns);
            continue;
        }
        if (batch->sent_to != MEMBER_NONE && !has_result_of(c, batch, batch->sent_to)) {
            avoid(c, batch->sent_to);
        }
        link_attach_all(c, c->config.retry_first_ns);
        send_again(c, batch);
        schedule_next(c, &batch->retry);
    }
}

void batch_lost(client_t *c, member_t lost) {
    for (uint32_t i = 0; i < c->count - c->waiting; i++) {
        batch_t *batch = batch_at(c, i);
        if (batch->state == BATCH_SENT && (batch->sent_to == lost || !batch->reached)) {
            send_again(c, batch);
        }
    }
}

/* What goes to all goes to whoever comes later as well: after an outage of all, the first to come
 * cannot do it alone. */
void batch_greet(client_t *c, member_t member) {
    for (uint32_t i = 0; i < c->count - c->waiting; i++) {
        batch_t *batch = batch_at(c, i);
        if (batch->state == BATCH_SENT && (batch->sent_to == MEMBER_NONE || !batch->reached)) {
            batch->sent_to = MEMBER_NONE;
            batch->reached = true;
            (void)send_to(c, member, batch_frame(c, batch));
            c->counters.retries++;
        }
    }
}
