/* Answers to requests. Nothing is believed before members of weight f + 1 said the same (session,
 * sequence, status, height, result): one of them is correct (attack C4). */
#include "client/client_state.h"
#include "crypto/hash.h"

digest_t reply_digest(const reply_t *reply) {
    uint8_t numbers[8 + 8 + 1 + 8];
    store_u64(numbers, reply->session);
    store_u64(numbers + 8, reply->sequence);
    numbers[16] = (uint8_t)reply->status;
    store_u64(numbers + 17, reply->height);
    const bytes_t parts[] = {bytes_of(numbers, sizeof numbers), reply->result};
    return hash_parts(parts, 2);
}

static bool says_it_ran(const reply_t *reply) {
    return reply->status == SYNOD_OK || reply->status == SYNOD_APP_ERROR;
}

/* ---- counting liars ---- */

static void note_lie(client_t *c, member_t member, uint64_t sequence) {
    c->counters.lies++;
    c->peers[member].lies++;
    if (c->peers[member].lies == 1) {
        client_log(c, 1, "lie", "member=%u sequence=%llu", member, (unsigned long long)sequence);
    }
}

/* A correct replica gives one result for a sequence, whenever it gives one. */
static void note_contradiction(client_t *c, const place_t *place, const answer_t *answer) {
    const answer_t *before = ballot_find(&place->ballot, answer->member, ANSWER_RAN);
    if (answer->class == ANSWER_RAN && before != NULL && !answers_equal(before, answer)) {
        note_lie(c, answer->member, place->sequence);
    }
}

static void note_lies(client_t *c, const place_t *place) {
    for (uint32_t i = 0; i < place->ballot.count; i++) {
        const answer_t *answer = &place->ballot.answers[i];
        if (answer->class == ANSWER_RAN && !digest_equal(&answer->digest, &place->accepted)) {
            note_lie(c, answer->member, place->sequence);
        }
    }
}

/* ---- settling ---- */

/* The result has one status and some bytes for each operation. */
static void complete_results(client_t *c, const batch_t *batch, const reply_t *reply) {
    size_t at = 0;
    client_completion_t completion = {
        .height = reply->height, .settled = true, .late = batch->reported};
    for (uint32_t i = 0; i < batch->operations; i++) {
        completion.token = batch->first_token + i;
        bool read = reply_operation(reply, &at, &completion.status, &completion.result) &&
                    (completion.status == SYNOD_OK || completion.status == SYNOD_APP_ERROR);
        if (!read) {
            completion.status = SYNOD_MALFORMED;
            completion.result = bytes_of(NULL, 0);
            at = reply->result.size; /* nothing after it can be trusted to stand in its place */
        }
        c->config.host->complete(c->config.host->context, &completion);
    }
    if (!batch->reported) {
        c->unfinished -= batch->operations;
    }
}

static void acknowledge(client_t *c) {
    for (;;) {
        const place_t *next = place_of(c, c->acknowledged + 1);
        if (next->sequence != c->acknowledged + 1 || !next->settled) {
            return;
        }
        c->acknowledged++;
    }
}

static void count_settled(client_t *c, const batch_t *batch, const reply_t *reply) {
    if (batch->reported) {
        c->counters.resolved += batch->operations;
        return;
    }
    c->outstanding--;
    if (reply->status == SYNOD_UNKNOWN) {
        c->counters.unknown += batch->operations;
    } else {
        c->counters.completed += batch->operations;
    }
}

static void settle(client_t *c, place_t *place, const answer_t *answer, const reply_t *reply) {
    batch_t *batch = &c->batches[place->batch];
    invariant(batch->state == BATCH_SENT && batch->sequence == place->sequence);
    batch->state = BATCH_DONE;
    place->settled = true;
    place->ran = answer->class == ANSWER_RAN;
    place->accepted = answer->digest;
    if (place->ran) {
        note_lies(c, place);
    }
    if (c->preferred == MEMBER_NONE) {
        prefer_first(c, &place->ballot, answer);
    }
    acknowledge(c);
    count_settled(c, batch, reply);
    if (place->ran) {
        complete_results(c, batch, reply);
    } else {
        const client_completion_t all = {.status = reply->status,
                                         .height = reply->height,
                                         .settled = true,
                                         .late = batch->reported};
        batch_complete(c, batch, &all);
    }
    batch_release(c);
}

/* ---- in ---- */

static void take_vote(client_t *c, place_t *place, member_t member, const reply_t *reply) {
    const answer_t answer = {.digest = reply_digest(reply),
                             .height = reply->height,
                             .member = member,
                             .class = says_it_ran(reply) ? ANSWER_RAN : ANSWER_OTHER};
    if (place->settled) { /* the slower ones; a liar among them is noticed too */
        if (place->ran && says_it_ran(reply) && !digest_equal(&answer.digest, &place->accepted)) {
            note_lie(c, member, place->sequence);
        }
        return;
    }
    note_contradiction(c, place, &answer);
    const uint64_t weight = ballot_put(&place->ballot, c->config.committee, &answer);
    if (!says_it_ran(reply) && reply->status != SYNOD_BUSY) {
        batch_ask_all(c, &c->batches[place->batch], member);
    }
    /* BUSY says nothing about others: the retry, ever later, is the back-off. */
    if (weight >= c->one_honest && reply->status != SYNOD_BUSY) {
        settle(c, place, &answer, reply);
        c->used_ns = c->now_ns;
    }
}

static void take_of_session(client_t *c, member_t member, const reply_t *reply) {
    if (reply->session != c->session || c->session == 0) {
        c->counters.frames_dropped++; /* of an earlier session */
        return;
    }
    place_t *place = place_of(c, reply->sequence);
    if (reply->status == SYNOD_EXPIRED) {
        if (place->sequence == reply->sequence && reply->sequence != 0 && !place->settled) {
            batch_ask_all(c, &c->batches[place->batch], member);
        }
        session_on_expired(c, member);
        return;
    }
    if (reply->sequence == 0 || place->sequence != reply->sequence) {
        c->counters.frames_dropped++; /* settled long ago, or never sent */
        return;
    }
    take_vote(c, place, member, reply);
}

void reply_take(client_t *c, member_t member, bytes_t body) {
    reader_t reader = reader_of(body);
    reply_t reply;
    if (reply_decode(&reader, &reply) != SYNOD_OK || !reader_done(&reader)) {
        c->counters.frames_dropped++;
        return;
    }
    c->counters.replies++;
    if (reply.status == SYNOD_BUSY) {
        c->counters.busy++;
    }
    if (reply.session == 0) {
        session_on_opened(c, member, &reply);
    } else {
        take_of_session(c, member, &reply);
    }
    hint_take(c, member, reply.leader_hint);
    batch_pump(c);
}
