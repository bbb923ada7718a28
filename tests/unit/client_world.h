/* What the client's tests share: a fake committee around one client core.
 *
 * One log of executed requests is the truth. Honest replicas apply it, each after its own delay,
 * and answer as real ones do: to the link that proved the session's key when they execute, to the
 * link that asks when they have executed already. A request that an honest replica receives is
 * ordered at once, at most once. Liars see the log too and tell all the same lie. Everything that
 * the client sends is judged: signatures, the window, and that it acknowledges nothing unsettled.
 *
 * Operation number k is the text "op k"; it is answered "result k", every fifth with APP_ERROR. */
#ifndef TESTS_UNIT_CLIENT_WORLD_H
#define TESTS_UNIT_CLIENT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/prng.h"
#include "client/client_core.h"
#include "codec/hello.h"
#include "codec/sync_codec.h"
#include "crypto/hash.h"

#define MEMBERS 7
#define LOG_MAX 8192
#define OPERATIONS_MAX 16384
#define SESSIONS_MAX 256
#define SEQUENCES_MAX 512
#define EVENTS_MAX 65536
#define MS UINT64_C(1000000)
#define PROTOCOL 3
#define NOBODY MEMBER_NONE
#define RESULT_MAX 32

typedef enum mode {
    HONEST = 0,
    SILENT = 1, /* hello, then nothing */
    LIAR = 2,   /* wrong results, at once and all alike; else as honest */
    SAYS_BUSY = 3,
    SAYS_EXPIRED = 4,
    SAYS_INVALID = 5
} fake_mode_t;

typedef struct fake {
    fake_mode_t mode;
    client_link_t link; /* 0: down */
    uint64_t connection;
    bool greeted, attached, deaf;     /* deaf: ignores attach, like a replica that recovers */
    uint64_t delay_ns;                /* of what it sends, and of its applying */
    uint64_t last_out_ns, last_in_ns; /* a link keeps the order of its frames */
    uint32_t applied;                 /* entries of the log */
    uint32_t requests, attaches, queries;
    uint64_t hint;
} fake_t;

typedef struct entry {
    uint64_t session, sequence; /* session 0: open, sequence is the nonce; sequence 0: evict */
    synod_status status;
    uint64_t height;
    uint8_t *result;
    size_t result_size;
} entry_t;

/* What the log made of an open. */
typedef struct session_fact {
    uint64_t nonce, low;
    bool evicted;
    uint32_t first[SEQUENCES_MAX]; /* token of the first operation in each sequence */
    uint32_t count[SEQUENCES_MAX];
} session_fact_t;

typedef enum happening { TO_CLIENT = 1, TO_REPLICA = 2, APPLY = 3, CALL = 4 } happening_t;

typedef struct event_item {
    uint64_t at_ns, tie;
    happening_t kind;
    member_t member;
    client_link_t link;
    uint32_t number; /* APPLY: entry */
    uint8_t *bytes;
    size_t size;
} event_item_t;

typedef struct outcome {
    uint32_t completions, lates;
    synod_status status;
    uint64_t height;
    bool settled;
    char result[RESULT_MAX];
} outcome_t;

typedef struct world {
    symbolic_world_t secret;
    symbolic_identity_t identity;
    signer_t signer;
    verifier_t verifier;
    member_info_t infos[MEMBERS];
    committee_t committee;
    client_host_t host;
    client_config_t config;
    void *memory;
    client_t *client;
    uint64_t now_ns, wake_at;
    prng_t prng;
    uint32_t loss_per_million;
    bool jitter; /* delays vary up to eightfold, so that frames overtake each other */

    fake_t fakes[MEMBERS];
    client_link_t next_link, closed_link;

    entry_t log[LOG_MAX];
    uint32_t log_count;
    session_fact_t *sessions; /* by number */
    uint64_t last_session;    /* number of the newest */
    bool forgets_results;     /* replicas keep no results */
    bool refuses_opens;       /* INVALID to opens */
    bool table_full;          /* BUSY to opens */
    bool stalled;             /* nothing is ordered */
    uint32_t runs[OPERATIONS_MAX];
    uint32_t opens;

    outcome_t outcomes[OPERATIONS_MAX]; /* by token */
    uint64_t tokens;
    uint64_t token_of[OPERATIONS_MAX]; /* by operation number */

    client_answer_t answer; /* the last; bytes in `answer_reply` */
    uint8_t answer_reply[256];
    uint32_t answers;
    char query_reply[MEMBERS][32];
    uint64_t query_height[MEMBERS];
    digest_t query_root[MEMBERS];
    const char *query_proof[MEMBERS];

    event_item_t *events;
    uint32_t event_count;
    uint64_t ties;
    uint32_t sent_frames;
    uint64_t trace; /* of all that the client did */
} world_t;

/* ---- time ---- */

static inline void world_push(world_t *w, event_item_t item) {
    assert_true(w->event_count < EVENTS_MAX);
    item.tie = w->ties++;
    w->events[w->event_count++] = item;
}

static inline uint64_t world_delay(world_t *w, member_t member) {
    const uint64_t delay = w->fakes[member].delay_ns;
    return w->jitter ? prng_between(&w->prng, delay / 2, 4 * delay) : delay;
}

/* When a frame that leaves now arrives, after all that left before it. */
static inline uint64_t world_arrival(world_t *w, member_t member, uint64_t *last_ns) {
    const uint64_t at_ns = w->now_ns + world_delay(w, member);
    *last_ns = at_ns > *last_ns ? at_ns : *last_ns;
    return *last_ns;
}

static inline bool world_loses(world_t *w) {
    return w->loss_per_million > 0 && prng_chance(&w->prng, w->loss_per_million);
}

static inline uint8_t *world_copy(const void *bytes, size_t size) {
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

/* ---- what replicas say ---- */

static inline void fake_send(world_t *w, member_t member, client_link_t link, frame_kind_t kind,
                             const void *body, size_t size) {
    if (link == CLIENT_LINK_NONE || world_loses(w))
        return;
    uint8_t *frame = malloc(FRAME_HEADER_BYTES + size + 1);
    assert_non_null(frame);
    if (size > 0)
        memcpy(frame + FRAME_HEADER_BYTES, body, size);
    frame_seal(frame, kind, size);
    world_push(w, (event_item_t){.at_ns = world_arrival(w, member, &w->fakes[member].last_out_ns),
                                 .kind = TO_CLIENT,
                                 .member = member,
                                 .link = link,
                                 .bytes = frame,
                                 .size = FRAME_HEADER_BYTES + size});
}

static inline void fake_reply(world_t *w, member_t member, reply_t reply) {
    static uint8_t body[1 << 16];
    reply.leader_hint = w->fakes[member].hint;
    writer_t writer = writer_of(body, sizeof body);
    reply_encode(&reply, &writer);
    assert_false(writer.failed);
    fake_send(w, member, w->fakes[member].link, FRAME_REPLY, body, writer.at);
}

/* The same shape, another content, the same of all liars (attack C4). */
static inline void fake_lie(world_t *w, member_t member, const entry_t *entry) {
    uint8_t lie[4096];
    memcpy(lie, entry->result, entry->result_size);
    assert_true(entry->result_size <= sizeof lie);
    if (entry->session == 0)
        store_u64(lie, 77777);
    for (size_t at = 0; entry->session != 0 && at + 5 < entry->result_size;
         at += 5 + load_u32(lie + at + 1))
        lie[at + 5] = 'L';
    fake_reply(w, member,
               (reply_t){.session = entry->session,
                         .sequence = entry->sequence,
                         .status = entry->status,
                         .height = entry->height,
                         .result = bytes_of(lie, entry->result_size)});
}

static inline void fake_answer(world_t *w, member_t member, const entry_t *entry) {
    if (w->fakes[member].mode == LIAR) {
        fake_lie(w, member, entry);
        return;
    }
    reply_t reply = {.session = entry->session,
                     .sequence = entry->sequence,
                     .status = entry->status,
                     .height = entry->height,
                     .result = bytes_of(entry->result, entry->result_size)};
    if (w->forgets_results && entry->session != 0) {
        reply.status = SYNOD_UNKNOWN;
        reply.result.size = 0;
    }
    fake_reply(w, member, reply);
}

/* ---- the truth ---- */

static inline entry_t *world_append(world_t *w, entry_t entry, const void *result, size_t size) {
    assert_true(w->log_count < LOG_MAX);
    entry.height =
        entry.status == SYNOD_OK || entry.status == SYNOD_APP_ERROR ? w->log_count + 1 : 0;
    entry.result = world_copy(result, size);
    entry.result_size = size;
    w->log[w->log_count] = entry;
    for (member_t m = 0; m < w->committee.size; m++)
        world_push(w, (event_item_t){.at_ns = w->now_ns + world_delay(w, m),
                                     .kind = APPLY,
                                     .member = m,
                                     .number = w->log_count});
    return &w->log[w->log_count++];
}

/* The one that the client uses, or else the newest. */
static inline void world_evict(world_t *w) {
    const uint64_t own = client_session(w->client);
    const uint64_t number = own != 0 ? own : w->last_session;
    world_append(w, (entry_t){.session = number}, "", 0);
    w->sessions[number].evicted = true;
}

static inline void world_order_open(world_t *w, const request_t *request) {
    key_public_t key;
    uint64_t nonce;
    uint8_t number[8];
    request_open_fields(request, &key, &nonce);
    assert_memory_equal(key.bytes, w->identity.key.bytes, SYNOD_KEY_BYTES);
    if (w->table_full || w->refuses_opens) {
        world_append(
            w, (entry_t){.sequence = nonce, .status = w->table_full ? SYNOD_BUSY : SYNOD_INVALID},
            "", 0);
        return;
    }
    w->opens++;
    store_u64(number, ++w->last_session);
    assert_true(w->last_session < SESSIONS_MAX);
    w->sessions[w->last_session].nonce = nonce;
    world_append(w, (entry_t){.sequence = nonce}, number, sizeof number);
}

/* Runs the operations; each at most once, ever (attack C1). */
static inline void world_order(world_t *w, const request_t *request) {
    if (w->stalled)
        return;
    if (request->session == 0) {
        world_order_open(w, request);
        return;
    }
    assert_in_range(request->session, 1, w->last_session);
    session_fact_t *session = &w->sessions[request->session];
    if (session->evicted)
        return;
    static uint8_t result[1 << 16];
    writer_t writer = writer_of(result, sizeof result);
    size_t at = 0;
    bytes_t operation;
    synod_status status = SYNOD_OK;
    while (request_operation(request, &at, &operation)) {
        char text[RESULT_MAX] = {0};
        assert_true(operation.size < sizeof text);
        memcpy(text, operation.data, operation.size);
        const uint64_t number = strtoull(text + 3, NULL, 10);
        assert_int_equal(++w->runs[number], 1);
        const bool good = number % 5 != 0;
        status = good ? status : SYNOD_APP_ERROR;
        const int length = snprintf(text, sizeof text, "result %llu", (unsigned long long)number);
        write_u8(&writer, good ? SYNOD_OK : SYNOD_APP_ERROR);
        write_u32(&writer, (uint32_t)length);
        write_bytes(&writer, text, (size_t)length);
    }
    assert_false(writer.failed);
    if (request->acknowledged > session->low)
        session->low = request->acknowledged;
    world_append(
        w, (entry_t){.session = request->session, .sequence = request->sequence, .status = status},
        result, writer.at);
}

static inline bool entry_is_of(const entry_t *entry, const request_t *request) {
    uint64_t sequence = request->sequence;
    key_public_t key;
    if (request->session == 0)
        request_open_fields(request, &key, &sequence);
    return entry->session == request->session && entry->sequence == sequence && sequence != 0 &&
           (entry->session != 0 || entry->status == SYNOD_OK);
}

/* ---- what replicas hear ---- */

/* Rules of the client about a request, whoever gets it. */
static inline void judge_request(world_t *w, const request_t *request) {
    const digest_t digest = request_digest(request);
    uint8_t message[REQUEST_SIGNED_BYTES];
    request_signed_bytes(&w->committee.domain, &digest, message);
    assert_int_equal(w->verifier.verify(w->verifier.context, &w->identity.key,
                                        bytes_of(message, sizeof message), &request->signature),
                     SYNOD_OK);
    if (request->session == 0)
        return;
    assert_in_range(request->session, 1, w->last_session);
    session_fact_t *session = &w->sessions[request->session];
    assert_true(request->sequence - request->acknowledged <= w->config.window);
    assert_true(request->sequence < SEQUENCES_MAX);
    for (uint64_t s = 1; s <= request->acknowledged; s++)
        for (uint32_t i = 0; i < session->count[s]; i++)
            assert_true(w->outcomes[session->first[s] + i].settled);
    size_t at = 0;
    bytes_t operation;
    char text[RESULT_MAX] = {0};
    assert_true(request_operation(request, &at, &operation));
    memcpy(text, operation.data, operation.size);
    const uint64_t token = w->token_of[strtoull(text + 3, NULL, 10)];
    if (session->count[request->sequence] > 0) { /* one sequence, one content, for ever (C3) */
        assert_int_equal(session->first[request->sequence], token);
        assert_int_equal(session->count[request->sequence], request->operation_count);
    }
    session->first[request->sequence] = (uint32_t)token;
    session->count[request->sequence] = request->operation_count;
}

static inline bool session_is_gone(const world_t *w, const fake_t *fake, uint64_t session) {
    for (uint32_t i = 0; i < fake->applied; i++)
        if (w->log[i].session == session && session != 0 && w->log[i].sequence == 0)
            return true;
    return false;
}

/* Executed before, so nothing is to be ordered; answers if this replica has got so far. */
static inline bool answer_known(world_t *w, member_t member, const request_t *request) {
    const fake_t *fake = &w->fakes[member];
    for (uint32_t i = 0; i < w->log_count; i++) {
        const entry_t *entry = &w->log[i];
        if (!entry_is_of(entry, request))
            continue;
        const bool opens = entry->session == 0;
        if (opens && session_is_gone(w, fake, load_u64(entry->result)))
            continue;
        if (i < fake->applied)
            fake_answer(w, member, entry);
        if (i < fake->applied || !opens || !w->sessions[load_u64(entry->result)].evicted)
            return true;
    }
    return false;
}

static inline void fake_request(world_t *w, member_t member, bytes_t body) {
    fake_t *fake = &w->fakes[member];
    reader_t reader = reader_of(body);
    request_t request;
    assert_int_equal(request_decode(&reader, &request), SYNOD_OK);
    assert_true(reader_done(&reader));
    judge_request(w, &request);
    fake->requests++;
    reply_t refusal = {.session = request.session, .sequence = request.sequence};
    key_public_t key;
    if (request.session == 0)
        request_open_fields(&request, &key, &refusal.sequence);
    if (fake->mode == SILENT)
        return;
    if (fake->mode == SAYS_BUSY || fake->mode == SAYS_EXPIRED || fake->mode == SAYS_INVALID) {
        refusal.status = fake->mode == SAYS_BUSY      ? SYNOD_BUSY
                         : fake->mode == SAYS_EXPIRED ? SYNOD_EXPIRED
                                                      : SYNOD_INVALID;
        fake_reply(w, member, refusal);
        return;
    }
    if (session_is_gone(w, fake, request.session)) {
        refusal.status = SYNOD_EXPIRED;
        fake_reply(w, member, refusal);
        return;
    }
    if (!answer_known(w, member, &request))
        world_order(w, &request);
}

static inline void fake_hello(world_t *w, member_t member, bytes_t body) {
    fake_t *fake = &w->fakes[member];
    reader_t reader = reader_of(body);
    hello_t theirs;
    assert_int_equal(hello_decode(&reader, &theirs), SYNOD_OK);
    assert_int_equal(theirs.role, ROLE_CLIENT);
    fake->greeted = true;
}

static inline void fake_attach(world_t *w, member_t member, bytes_t body) {
    fake_t *fake = &w->fakes[member];
    reader_t reader = reader_of(body);
    attach_t attach;
    uint8_t message[ATTACH_SIGNED_BYTES];
    assert_int_equal(attach_decode(&reader, &attach), SYNOD_OK);
    attach_signed_bytes(&w->committee.domain, member, fake->connection, &attach.key, message);
    assert_int_equal(w->verifier.verify(w->verifier.context, &attach.key,
                                        bytes_of(message, sizeof message), &attach.signature),
                     SYNOD_OK);
    fake->attaches++;
    fake->attached = !fake->deaf;
}

static inline void fake_query(world_t *w, member_t member, bytes_t body) {
    reader_t reader = reader_of(body);
    query_t query;
    assert_int_equal(query_decode(&reader, &query), SYNOD_OK);
    w->fakes[member].queries++;
    if (w->fakes[member].mode == SILENT)
        return;
    const char *text = w->query_reply[member];
    query_reply_t reply = {.number = query.number,
                           .height = w->query_height[member],
                           .root = query.prove ? w->query_root[member] : (digest_t){{0}},
                           .reply = bytes_of(text, strlen(text))};
    if (w->fakes[member].mode == SAYS_BUSY)
        reply = (query_reply_t){.number = query.number, .status = SYNOD_BUSY};
    else if (query.prove)
        reply.proof = bytes_of(w->query_proof[member], strlen(w->query_proof[member]));
    uint8_t room[512];
    writer_t writer = writer_of(room, sizeof room);
    query_reply_encode(&reply, &writer);
    fake_send(w, member, w->fakes[member].link, FRAME_QUERY_REPLY, room, writer.at);
}

static inline void fake_frame(world_t *w, member_t member, frame_t frame) {
    if (frame.kind == FRAME_HELLO) {
        fake_hello(w, member, frame.body);
        return;
    }
    if (frame.kind == FRAME_GOODBYE || frame.kind == FRAME_PONG)
        return;
    assert_true(w->fakes[member].greeted);
    if (frame.kind == FRAME_ATTACH)
        fake_attach(w, member, frame.body);
    else if (frame.kind == FRAME_REQUEST)
        fake_request(w, member, frame.body);
    else if (frame.kind == FRAME_QUERY)
        fake_query(w, member, frame.body);
    else
        fail_msg("a client must not send kind %d", (int)frame.kind);
}

/* ---- the client's host ---- */

static inline void world_trace(world_t *w, uint64_t number) {
    w->trace = (w->trace ^ number) * UINT64_C(0x100000001b3) + 1;
}

static inline member_t world_owner(const world_t *w, client_link_t link) {
    for (member_t m = 0; m < w->committee.size; m++)
        if (w->fakes[m].link == link && link != CLIENT_LINK_NONE)
            return m;
    return NOBODY;
}

static inline void host_send(void *context, client_link_t link, synod_bytes frame) {
    world_t *w = context;
    const member_t member = world_owner(w, link);
    w->sent_frames++;
    world_trace(w, link);
    world_trace(w, load_u32(frame.data + 8) ^ w->now_ns); /* the checksum stands for the bytes */
    const bool greets = load_u16(frame.data + 6) == FRAME_HELLO;
    if (member == NOBODY || (!greets && world_loses(w)))
        return;
    world_push(w, (event_item_t){.at_ns = world_arrival(w, member, &w->fakes[member].last_in_ns),
                                 .kind = TO_REPLICA,
                                 .member = member,
                                 .link = link,
                                 .bytes = world_copy(frame.data, frame.size),
                                 .size = frame.size});
}

static inline void host_close(void *context, client_link_t link) {
    world_t *w = context;
    w->closed_link = link;
}

static inline void host_wake(void *context, uint64_t at_ns) {
    ((world_t *)context)->wake_at = at_ns;
}

static inline void host_complete(void *context, const client_completion_t *completion) {
    world_t *w = context;
    assert_in_range(completion->token, 1, OPERATIONS_MAX - 1);
    outcome_t *outcome = &w->outcomes[completion->token];
    assert_false(outcome->settled); /* nothing follows what is settled */
    if (completion->late)
        assert_int_equal(outcome->status, SYNOD_UNKNOWN);
    else
        assert_int_equal(outcome->completions, 0);
    assert_true(completion->settled || completion->status == SYNOD_UNKNOWN);
    world_trace(w, completion->token ^ (uint64_t)completion->status << 32);
    outcome->completions += completion->late ? 0 : 1;
    outcome->lates += completion->late ? 1 : 0;
    outcome->status = completion->status;
    outcome->height = completion->height;
    outcome->settled = completion->settled;
    assert_true(completion->result.size < RESULT_MAX);
    memset(outcome->result, 0, sizeof outcome->result);
    if (completion->result.size > 0)
        memcpy(outcome->result, completion->result.data, completion->result.size);
}

static inline void host_answer(void *context, const client_answer_t *answer) {
    world_t *w = context;
    w->answer = *answer;
    w->answers++;
    assert_true(answer->reply.size <= sizeof w->answer_reply);
    if (answer->reply.size > 0)
        memcpy(w->answer_reply, answer->reply.data, answer->reply.size);
    w->answer.reply = bytes_of(w->answer_reply, answer->reply.size);
}

static inline void host_log(void *context, int level, const char *event, const char *text) {
    (void)context;
    (void)level;
    (void)event;
    (void)text;
}

#endif
