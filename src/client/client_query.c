/* Reads: put to all replicas, answered by f + 1 that agree. With a proof, each counted answer
 * carries one that holds against the root that it names, and f + 1 name that root at that height;
 * so one of them is correct and the root is that of an executed block. */
#include "client/client_state.h"
#include "crypto/hash.h"

static bool can_verify(const synod_app *app) {
    const size_t needed = offsetof(synod_app, verify) + sizeof app->verify;
    return app != NULL && app->size_bytes >= needed && app->verify != NULL;
}

static question_t *free_question(client_t *c) {
    for (uint32_t i = 0; i < c->config.queries_max; i++) {
        if (c->questions[i].token == 0) {
            return &c->questions[i];
        }
    }
    return NULL;
}

static question_t *find_question(client_t *c, uint64_t token) {
    for (uint32_t i = 0; token != 0 && i < c->config.queries_max; i++) {
        if (c->questions[i].token == token) {
            return &c->questions[i];
        }
    }
    return NULL;
}

static bytes_t question_frame(const question_t *question) {
    return bytes_of(question->frame, question->size);
}

synod_status client_query(client_t *c, uint64_t now_ns, synod_bytes asked, bool prove,
                          uint64_t *token) {
    require(now_ns >= c->now_ns);
    c->now_ns = now_ns;
    if (prove && !can_verify(c->config.app)) {
        return SYNOD_UNSUPPORTED;
    }
    if (asked.size > c->config.query_bytes_max) {
        return SYNOD_TOO_LARGE;
    }
    question_t *question = free_question(c);
    if (question == NULL) {
        return SYNOD_BUSY;
    }
    *token = question->token = c->next_question++;
    question->prove = prove;
    question->started_ns = now_ns;
    ballot_clear(&question->ballot);
    const query_t query = {.number = question->token, .prove = prove, .query = asked};
    const size_t size = query_encoded_bytes(&query);
    writer_t writer = writer_of(question->frame + FRAME_HEADER_BYTES, size);
    query_encode(&query, &writer);
    ensure(!writer.failed && writer.at == size);
    frame_seal(question->frame, FRAME_QUERY, size);
    question->size = FRAME_HEADER_BYTES + size;
    question->asked = bytes_of(question->frame + question->size - asked.size, asked.size);
    c->counters.queries++;
    (void)send_all(c, question_frame(question));
    schedule_start(c, &question->retry);
    if (c->config.query_deadline_ns != 0) {
        client_wake(c, question->started_ns + c->config.query_deadline_ns);
    }
    return SYNOD_OK;
}

void query_greet(client_t *c, member_t member) {
    for (uint32_t i = 0; i < c->config.queries_max; i++) {
        if (c->questions[i].token != 0) {
            (void)send_to(c, member, question_frame(&c->questions[i]));
        }
    }
}

/* ---- answers ---- */

static void finish(client_t *c, question_t *question, const client_answer_t *answer) {
    question->token = 0;
    c->config.host->answer(c->config.host->context, answer);
}

/* What has to be equal. The height and the proof are not compared without a root: correct replicas
 * that are a block apart give the same reply at different heights. */
static digest_t reply_digest_of(const query_reply_t *reply, bool proved) {
    uint8_t numbers[2 + 8] = {0};
    store_u16(numbers, (uint16_t)reply->status);
    store_u64(numbers + 2, proved ? reply->height : 0);
    const digest_t root = proved ? reply->root : (digest_t){{0}};
    const bytes_t parts[] = {bytes_of(numbers, sizeof numbers),
                             bytes_of(root.bytes, sizeof root.bytes), reply->reply};
    return hash_parts(parts, 3);
}

/* Does the proof hold against the root that comes with it? Counted as a lie if not; a replica that
 * has no root yet says so by zeros, which proves nothing. */
static bool proof_holds(client_t *c, const question_t *question, member_t member,
                        const query_reply_t *reply) {
    if (digest_is_zero(&reply->root)) {
        return false;
    }
    if (c->config.app->verify(&reply->root, question->asked, reply->reply, reply->proof) ==
        SYNOD_OK) {
        return true;
    }
    c->counters.lies++;
    c->peers[member].lies++;
    return false;
}

void query_take(client_t *c, member_t member, bytes_t body) {
    reader_t reader = reader_of(body);
    query_reply_t reply;
    question_t *question = NULL;
    if (query_reply_decode(&reader, &reply) == SYNOD_OK && reader_done(&reader)) {
        question = find_question(c, reply.number);
    }
    if (question == NULL) {
        c->counters.frames_dropped++;
        return;
    }
    if (reply.status == SYNOD_BUSY) {
        c->counters.busy++;
        return; /* no answer: it has no time, or its tree is between two roots; the retry asks again
                 */
    }
    const bool proved = question->prove && reply.status == SYNOD_OK;
    if (proved && !proof_holds(c, question, member, &reply)) {
        return;
    }
    const answer_t answer = {.digest = reply_digest_of(&reply, proved),
                             .height = reply.height,
                             .member = member,
                             .class = ANSWER_OTHER};
    if (ballot_put(&question->ballot, c->config.committee, &answer) < c->one_honest) {
        return;
    }
    client_answer_t accepted = {.token = question->token,
                                .status = reply.status,
                                .height = ballot_height_min(&question->ballot, &answer),
                                .reply = reply.reply};
    if (proved) {
        accepted.root = reply.root;
        accepted.proof = reply.proof;
    }
    finish(c, question, &accepted);
}

/* ---- time ---- */

static bool give_up(client_t *c, question_t *question) {
    const uint64_t deadline = question->started_ns + c->config.query_deadline_ns;
    if (c->config.query_deadline_ns == 0) {
        return false;
    }
    if (c->now_ns < deadline) {
        client_wake(c, deadline);
        return false;
    }
    const uint64_t weight = ballot_weight(&question->ballot, c->config.committee, ANSWER_OTHER);
    const client_answer_t failed = {.token = question->token,
                                    .status =
                                        weight >= c->one_honest ? SYNOD_NO_QUORUM : SYNOD_UNKNOWN};
    c->counters.queries_failed++;
    finish(c, question, &failed);
    return true;
}

void query_tick(client_t *c) {
    for (uint32_t i = 0; i < c->config.queries_max; i++) {
        question_t *question = &c->questions[i];
        if (question->token == 0 || give_up(c, question)) {
            continue;
        }
        if (question->retry.at_ns <= c->now_ns) {
            (void)send_all(c, question_frame(question));
            schedule_next(c, &question->retry);
        } else {
            client_wake(c, question->retry.at_ns);
        }
    }
}
