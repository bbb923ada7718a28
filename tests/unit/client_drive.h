/* Driving the world of client_world.h: time, links, operations, and what is expected of them. */
#ifndef TESTS_UNIT_CLIENT_DRIVE_H
#define TESTS_UNIT_CLIENT_DRIVE_H

#include "tests/unit/client_world.h"

/* ---- opening ---- */

/* Proofs hold when they are "proof of " and the reply. */
static inline synod_status drive_verify(const synod_digest *root, synod_bytes query,
                                        synod_bytes reply, synod_bytes proof) {
    (void)query;
    static const char start[] = "proof of ";
    const size_t length = sizeof start - 1;
    const bool holds = root->bytes[0] != 0 && proof.size == length + reply.size &&
                       memcmp(proof.data, start, length) == 0 &&
                       memcmp(proof.data + length, reply.data, reply.size) == 0;
    return holds ? SYNOD_OK : SYNOD_MISMATCH;
}

static const synod_app drive_app = {
    .size_bytes = sizeof(synod_app), .name = "drive", .verify = drive_verify};

/* `members` replicas, all honest and 1 ms away; the caller may change the configuration before
 * drive_start. */
static inline world_t *drive_make(uint32_t members, uint64_t seed) {
    world_t *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->events = calloc(EVENTS_MAX, sizeof *w->events);
    assert_non_null(w->events);
    memcpy(w->secret.secret, "client's secret", 16);
    w->verifier = verifier_symbolic(&w->secret);
    w->identity = (symbolic_identity_t){.world = &w->secret, .key = symbolic_key(4711)};
    w->signer = signer_symbolic(&w->identity);
    for (member_t m = 0; m < members; m++) {
        w->infos[m] = (member_info_t){.key = symbolic_key(m), .weight = 1};
        w->fakes[m].delay_ns = 1 * MS;
    }
    const digest_t domain = hash_bytes(bytes_of("domain", 6));
    member_t culprit;
    assert_int_equal(
        committee_make(&w->committee, &domain, 1, w->infos, members, &w->verifier, &culprit),
        SYNOD_OK);
    w->host = (client_host_t){.context = w,
                              .send = host_send,
                              .close = host_close,
                              .wake = host_wake,
                              .complete = host_complete,
                              .answer = host_answer,
                              .log = host_log};
    w->config = client_config_default();
    w->config.committee = &w->committee;
    w->config.signer = &w->signer;
    w->config.app = &drive_app;
    w->config.host = &w->host;
    w->config.protocol = PROTOCOL;
    w->config.seed = seed;
    w->config.payload_bytes_max = 1u << 16;
    w->config.queue_bytes = 1u << 18;
    w->now_ns = 1000 * MS;
    w->wake_at = UINT64_MAX;
    w->prng = prng_of(seed + 1);
    w->sessions = calloc(SESSIONS_MAX, sizeof *w->sessions);
    assert_non_null(w->sessions);
    w->last_session = 100;
    return w;
}

/* Not started: a client that only reads. */
static inline void drive_open_idle(world_t *w) {
    const size_t size = client_bytes(&w->config);
    assert_int_not_equal(size, 0);
    w->memory = aligned_alloc(16, size);
    assert_non_null(w->memory);
    assert_int_equal(client_open(w->memory, size, &w->config, &w->client), SYNOD_OK);
}

static inline void drive_open(world_t *w) {
    drive_open_idle(w);
    client_start(w->client, w->now_ns);
}

static inline void drive_free(world_t *w) {
    for (uint32_t i = 0; i < w->event_count; i++)
        free(w->events[i].bytes);
    for (uint32_t i = 0; i < w->log_count; i++)
        free(w->log[i].result);
    free(w->events);
    free(w->sessions);
    free(w->memory);
    free(w);
}

/* ---- links ---- */

static inline hello_t drive_hello(const world_t *w, member_t member) {
    return (hello_t){.domain = w->committee.domain,
                     .epoch = 1,
                     .protocol = PROTOCOL,
                     .role = ROLE_MEMBER,
                     .member = member,
                     .connection = w->fakes[member].connection};
}

/* A channel is up; the replica greets. */
static inline void drive_up(world_t *w, member_t member) {
    fake_t *fake = &w->fakes[member];
    fake->link = ++w->next_link;
    fake->connection = 1000 + fake->link;
    fake->greeted = fake->attached = false;
    client_on_link_up(w->client, w->now_ns, fake->link, member);
    const hello_t hello = drive_hello(w, member);
    uint8_t body[HELLO_BYTES_MAX];
    writer_t writer = writer_of(body, sizeof body);
    hello_encode(&hello, &writer);
    const uint32_t loss = w->loss_per_million;
    w->loss_per_million = 0; /* a stream that loses its first frame is no link */
    fake_send(w, member, fake->link, FRAME_HELLO, body, writer.at);
    w->loss_per_million = loss;
}

static inline void drive_down(world_t *w, member_t member) {
    fake_t *fake = &w->fakes[member];
    const client_link_t link = fake->link;
    fake->link = CLIENT_LINK_NONE;
    fake->greeted = fake->attached = false;
    client_on_link_down(w->client, w->now_ns, link);
}

/* ---- time ---- */

static inline void drive_apply(world_t *w, member_t member, uint32_t number) {
    fake_t *fake = &w->fakes[member];
    if (number != fake->applied) { /* entries are applied in order: a later one waits */
        if (number > fake->applied)
            world_push(
                w, (event_item_t){
                       .at_ns = w->now_ns + MS, .kind = APPLY, .member = member, .number = number});
        return;
    }
    fake->applied++;
    const entry_t *entry = &w->log[number];
    const bool evicts = entry->session != 0 && entry->sequence == 0;
    if (!evicts && fake->attached && (fake->mode == HONEST || fake->mode == LIAR)) {
        const bool forgets = w->forgets_results;
        w->forgets_results = false; /* whoever runs it has the result in hand */
        fake_answer(w, member, entry);
        w->forgets_results = forgets;
    }
}

static inline void drive_event(world_t *w, event_item_t item) {
    frame_t frame;
    size_t used;
    if (item.kind == APPLY) {
        drive_apply(w, item.member, item.number);
        return;
    }
    assert_int_equal(frame_decode(bytes_of(item.bytes, item.size), &frame, &used), SYNOD_OK);
    assert_int_equal(used, item.size);
    /* A link that has gone took its frames with it. */
    if (item.kind == TO_CLIENT)
        client_on_frame(w->client, w->now_ns, item.link, frame);
    else if (w->fakes[item.member].link == item.link)
        fake_frame(w, item.member, frame);
    free(item.bytes);
}

/* Index of the earliest event, or event_count. */
static inline uint32_t drive_next(const world_t *w) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < w->event_count; i++) {
        const event_item_t *a = &w->events[i], *b = &w->events[best];
        if (a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->tie < b->tie))
            best = i;
    }
    return w->event_count == 0 ? w->event_count : best;
}

static inline void drive_until(world_t *w, uint64_t end_ns) {
    for (;;) {
        const uint32_t next = drive_next(w);
        const uint64_t event_at = next < w->event_count ? w->events[next].at_ns : UINT64_MAX;
        if (event_at > end_ns && w->wake_at > end_ns)
            break;
        if (w->wake_at < event_at) {
            w->now_ns = w->wake_at > w->now_ns ? w->wake_at : w->now_ns;
            w->wake_at = UINT64_MAX;
            client_on_tick(w->client, w->now_ns);
            continue;
        }
        const event_item_t item = w->events[next];
        w->events[next] = w->events[--w->event_count];
        w->now_ns = item.at_ns > w->now_ns ? item.at_ns : w->now_ns;
        drive_event(w, item);
    }
    w->now_ns = end_ns;
}

static inline void drive_for(world_t *w, uint64_t span_ns) {
    drive_until(w, w->now_ns + span_ns);
}

/* ---- the usual beginning ---- */

/* All links up; half a second later there is a session, unless something prevents it. */
static inline void drive_start(world_t *w) {
    drive_open(w);
    for (member_t m = 0; m < w->committee.size; m++)
        drive_up(w, m);
    drive_for(w, 20 * MS);
}

static inline world_t *drive_ready(uint32_t members) {
    world_t *w = drive_make(members, 7);
    drive_start(w);
    assert_int_equal(client_session(w->client), w->last_session);
    assert_int_equal(w->opens, 1);
    return w;
}

/* ---- operations ---- */

static inline synod_status drive_try(world_t *w, uint64_t number, uint64_t *token) {
    char text[RESULT_MAX];
    const int length = snprintf(text, sizeof text, "op %llu", (unsigned long long)number);
    assert_true(number < OPERATIONS_MAX);
    w->token_of[number] = w->tokens + 1; /* sent from within */
    synod_status status =
        client_submit(w->client, w->now_ns, bytes_of(text, (size_t)length), token);
    if (status == SYNOD_OK)
        assert_int_equal(*token, ++w->tokens);
    return status;
}

static inline uint64_t drive_submit(world_t *w, uint64_t number) {
    uint64_t token = 0;
    assert_int_equal(drive_try(w, number, &token), SYNOD_OK);
    return token;
}

static inline const outcome_t *drive_outcome(const world_t *w, uint64_t number) {
    return &w->outcomes[w->token_of[number]];
}

/* Ran once, and the client was told the honest result. */
static inline void expect_honest(const world_t *w, uint64_t number) {
    const outcome_t *outcome = drive_outcome(w, number);
    char text[RESULT_MAX];
    (void)snprintf(text, sizeof text, "result %llu", (unsigned long long)number);
    assert_int_equal(w->runs[number], 1);
    assert_int_equal(outcome->completions, 1);
    assert_true(outcome->settled);
    assert_string_equal(outcome->result, text);
    assert_int_equal(outcome->status, number % 5 != 0 ? SYNOD_OK : SYNOD_APP_ERROR);
    assert_int_not_equal(outcome->height, 0);
}

static inline void expect_nothing(const world_t *w, uint64_t number) {
    assert_int_equal(drive_outcome(w, number)->completions, 0);
}

static inline client_counters_t drive_counters(const world_t *w) {
    client_counters_t counters;
    client_counters(w->client, &counters);
    return counters;
}

/* A reply of our own making, at once, over a link. */
static inline void drive_reply(world_t *w, client_link_t link, reply_t reply) {
    uint8_t frame[FRAME_HEADER_BYTES + 512];
    writer_t writer = writer_of(frame + FRAME_HEADER_BYTES, 512);
    reply_encode(&reply, &writer);
    assert_false(writer.failed);
    frame_seal(frame, FRAME_REPLY, writer.at);
    frame_t decoded;
    size_t used;
    const bytes_t bytes = bytes_of(frame, FRAME_HEADER_BYTES + writer.at);
    assert_int_equal(frame_decode(bytes, &decoded, &used), SYNOD_OK);
    client_on_frame(w->client, w->now_ns, link, decoded);
}

/* The one-operation result "text". */
static inline bytes_t drive_result(const char *text, uint8_t room[64]) {
    writer_t writer = writer_of(room, 64);
    write_u8(&writer, SYNOD_OK);
    write_u32(&writer, (uint32_t)strlen(text));
    write_bytes(&writer, text, strlen(text));
    assert_false(writer.failed);
    return writer_bytes(&writer);
}

#endif
