/* Simulated clients: open a session, keep some requests outstanding, send to the leader last seen,
 * after a time-out to all, and take as true what f + 1 members say alike (attacks C1 to C5). */
#include <stdio.h>
#include <stdlib.h>

#include "app/kv_client.h"
#include "crypto/hash.h"
#include "sim/world_state.h"

#define REQUEST_ROOM 65536u
#define VALUE_MAX 40

static uint64_t tick_ns(const world_t *w) {
    return w->options.retry_ns / 4;
}

static void schedule(sim_client_t *client, uint64_t at_ns) {
    if (client->timer_at_ns != 0)
        return;
    client->timer_at_ns = at_ns;
    sim_event_t event = {.kind = SIM_CLIENT, .who = client->index};
    world_event(client->world, at_ns, &event);
}

/* ---- frames out ---- */

static void send_frame(sim_client_t *client, member_t member, frame_kind_t kind, bytes_t body) {
    world_t *w = client->world;
    link_t link = client->links[member].link;
    if (link == LINK_NONE || !link_is_up(w, link))
        return;
    frame_buffer_t *frame = malloc(sizeof *frame + FRAME_HEADER_BYTES + body.size);
    invariant(frame != NULL);
    frame->references = 1;
    frame->size = FRAME_HEADER_BYTES + body.size;
    if (body.size > 0)
        memcpy(frame->data + FRAME_HEADER_BYTES, body.data, body.size);
    frame_seal(frame->data, kind, body.size);
    sim_net_send(w, link, frame);
    frame_drop(frame);
}

void sim_client_send(sim_client_t *client, sim_request_t *request, uint32_t member) {
    for (member_t m = 0; m < client->world->options.members; m++)
        if ((member == WORLD_ALL || member == m) && client->links[m].greeted)
            send_frame(client, m, FRAME_REQUEST, request->encoded);
}

static void greet(sim_client_t *client, member_t member, bytes_t body) {
    const world_t *w = client->world;
    hello_t theirs;
    reader_t reader = reader_of(body);
    if (hello_decode(&reader, &theirs) != SYNOD_OK)
        return;
    hello_t hello = {.domain = w->committee.domain,
                     .epoch = w->committee.epoch,
                     .protocol = w->protocol->id,
                     .role = ROLE_CLIENT,
                     .member = MEMBER_NONE,
                     .parameters = w->chain.core,
                     .connection = 1};
    uint8_t room[HELLO_BYTES_MAX];
    writer_t writer = writer_of(room, sizeof room);
    hello_encode(&hello, &writer);
    send_frame(client, member, FRAME_HELLO, writer_bytes(&writer));
    uint8_t signed_bytes[ATTACH_SIGNED_BYTES];
    attach_t attach = {.key = client->identity.key};
    attach_signed_bytes(&w->committee.domain, member, theirs.connection, &attach.key, signed_bytes);
    client->signer.sign(client->signer.context, bytes_of(signed_bytes, sizeof signed_bytes),
                        &attach.signature);
    writer = writer_of(room, sizeof room);
    attach_encode(&attach, &writer);
    send_frame(client, member, FRAME_ATTACH, writer_bytes(&writer));
    client->links[member].greeted = true;
}

/* ---- requests ---- */

static void encode(sim_client_t *client, sim_request_t *request, uint64_t session,
                   bytes_t operation) {
    world_t *w = client->world;
    uint8_t *room = malloc(REQUEST_ROOM);
    invariant(room != NULL);
    writer_t writer = writer_of(room, REQUEST_ROOM);
    uint64_t settled = session == 0 ? 0 : client->settled;
    request_begin(&writer, session, request->sequence, settled);
    request_add(&writer, operation);
    synod_status status = request_finish(&writer, 0, &w->committee.domain, &client->signer);
    invariant(status == SYNOD_OK);
    request->encoded = writer_bytes(&writer);
    reader_t reader = reader_of(request->encoded);
    request_t decoded;
    status = request_decode(&reader, &decoded);
    invariant(status == SYNOD_OK);
    request->digest = request_digest(&decoded);
    oracle_issued(w, &request->digest);
}

static void send_first(sim_client_t *client, sim_request_t *request) {
    world_t *w = client->world;
    request->sent = true;
    request->retry_at_ns = w->now_ns + w->options.retry_ns;
    w->report.requests_sent++;
    sim_client_send(client, request, client->hint);
    schedule(client, w->now_ns + tick_ns(w));
}

static void open_session(sim_client_t *client) {
    uint8_t operation[REQUEST_OPEN_BYTES];
    memcpy(operation, client->identity.key.bytes, SYNOD_KEY_BYTES);
    store_u64(operation + SYNOD_KEY_BYTES, ++client->open_attempts);
    encode(client, &client->open, 0, bytes_of(operation, sizeof operation));
    send_first(client, &client->open);
}

/* A request keeps the bytes of its operation until there is a session to sign it for. */
static void launch(sim_client_t *client, sim_request_t *request) {
    uint8_t *operation = (uint8_t *)(uintptr_t)request->encoded.data;
    encode(client, request, client->session, request->encoded);
    free(operation);
    send_first(client, request);
}

uint32_t sim_client_submit(sim_client_t *client, bytes_t operation, uint64_t kind) {
    world_t *w = client->world;
    client->requests =
        grow(client->requests, sizeof(sim_request_t), &client->capacity, client->count + 1);
    sim_request_t *request = &client->requests[client->count++];
    uint8_t *copy = malloc(operation.size + 1);
    invariant(copy != NULL);
    memcpy(copy, operation.data, operation.size);
    *request = (sim_request_t){.sequence = client->count,
                               .encoded = bytes_of(copy, operation.size),
                               .kind = kind,
                               .submitted_ns = w->now_ns};
    client->outstanding++;
    oracle_submitted(client, request);
    if (client->session != 0)
        launch(client, request);
    else
        schedule(client, w->now_ns + tick_ns(w));
    return client->count - 1;
}

static void submit_by_itself(sim_client_t *client) {
    world_t *w = client->world;
    uint8_t room[256], value[VALUE_MAX];
    char key[32];
    writer_t writer = writer_of(room, sizeof room);
    uint64_t kind = 1 + prng_below(&w->chance, 3);
    if (kind == KIND_SET) {
        size_t size = (size_t)prng_below(&w->chance, VALUE_MAX);
        memset(value, (int)(client->count & 0xff), sizeof value);
        int length = snprintf(key, sizeof key, "set%u", (unsigned)prng_below(&w->chance, 8));
        kv_encode_set(&writer, bytes_of(key, (size_t)length), bytes_of(value, size));
    } else {
        int length = kind == KIND_SHARED ? snprintf(key, sizeof key, "shared")
                                         : snprintf(key, sizeof key, "own%u", client->index);
        kv_encode_increment(&writer, bytes_of(key, (size_t)length), 1);
    }
    client->to_submit--;
    sim_client_submit(client, writer_bytes(&writer), kind);
}

/* ---- answers ---- */

static uint64_t reply_hash(const reply_t *reply) {
    uint8_t fixed[28];
    store_u64(fixed, reply->session);
    store_u64(fixed + 8, reply->sequence);
    store_u64(fixed + 16, reply->height);
    store_u32(fixed + 24, (uint32_t)reply->status);
    bytes_t parts[2] = {bytes_of(fixed, sizeof fixed), reply->result};
    digest_t digest = hash_parts(parts, 2);
    return digest_prefix(&digest) | 1;
}

static bool enough(const sim_client_t *client, const sim_request_t *request, uint64_t hash) {
    const committee_t *committee = &client->world->committee;
    uint64_t weight = 0;
    for (member_t m = 0; m < committee->size; m++)
        weight += request->answers[m] == hash ? committee_weight(committee, m) : 0;
    return weight >= quorum_weight(committee, QUORUM_ONE_HONEST);
}

static void take_result(sim_request_t *request, const reply_t *reply) {
    size_t at = 0;
    bytes_t result = {0};
    synod_status status = reply->status;
    request->status = reply->status;
    request->height = reply->height;
    if (reply->session != 0 && reply_operation(reply, &at, &status, &result))
        request->status = status;
    else
        result = reply->result;
    request->result = malloc(result.size + 1);
    invariant(request->result != NULL);
    if (result.size > 0)
        memcpy(request->result, result.data, result.size);
    request->result_size = result.size;
}

static void accept_answer(sim_client_t *client, sim_request_t *request, const reply_t *reply) {
    world_t *w = client->world;
    request->answered = true;
    request->answered_ns = w->now_ns;
    take_result(request, reply);
    world_note(w, w->options.members + client->index, "answered", reply->sequence, reply->height);
    if (request == &client->open) {
        client->session = request->result_size >= 8 ? load_u64(request->result) : 0;
        world_say(w, "client %u has session %llu", client->index,
                  (unsigned long long)client->session);
        for (uint32_t i = 0; client->session != 0 && i < client->count; i++)
            launch(client, &client->requests[i]);
        return;
    }
    world_say(w, "client %u: request %llu is answered (status %d, height %llu)", client->index,
              (unsigned long long)request->sequence, (int)request->status,
              (unsigned long long)request->height);
    w->report.requests_answered++;
    client->outstanding--;
    client->answered++;
    while (client->settled < client->count && client->requests[client->settled].answered)
        client->settled++;
    oracle_answered(client, request);
}

static sim_request_t *request_of(sim_client_t *client, const reply_t *reply) {
    if (client->session == 0)
        return reply->sequence == client->open_attempts ? &client->open : NULL;
    if (reply->session != client->session || reply->sequence == 0 ||
        reply->sequence > client->count)
        return NULL;
    return &client->requests[reply->sequence - 1];
}

static void on_reply(sim_client_t *client, member_t member, bytes_t body) {
    world_t *w = client->world;
    reply_t reply;
    reader_t reader = reader_of(body);
    if (reply_decode(&reader, &reply) != SYNOD_OK || !reader_done(&reader))
        return;
    sim_request_t *request = request_of(client, &reply);
    if (request == NULL || !request->sent)
        return;
    if (reply.status == SYNOD_BUSY)
        return; /* nothing happened: the retry comes by itself */
    client->hint = (member_t)(reply.leader_hint % w->options.members);
    reply.leader_hint = 0;
    uint64_t hash = reply_hash(&reply);
    request->answers[member] = hash;
    if (request->answered || !enough(client, request, hash))
        return;
    request->accepted = hash;
    accept_answer(client, request, &reply);
}

/* ---- inputs ---- */

void sim_client_link_up(sim_client_t *client, link_t link, member_t member) {
    client->links[member] = (sim_client_link_t){.link = link};
}

void sim_client_link_down(sim_client_t *client, member_t member, link_t link) {
    if (client->links[member].link == link)
        client->links[member] = (sim_client_link_t){0};
}

void sim_client_frame(sim_client_t *client, member_t member, const frame_buffer_t *buffer) {
    frame_t frame;
    size_t used;
    if (frame_decode(bytes_of(buffer->data, buffer->size), &frame, &used) != SYNOD_OK)
        return;
    if (frame.kind == FRAME_HELLO)
        greet(client, member, frame.body);
    else if (frame.kind == FRAME_REPLY)
        on_reply(client, member, frame.body);
}

static void retry(sim_client_t *client, sim_request_t *request) {
    world_t *w = client->world;
    if (!request->sent || request->answered || request->retry_at_ns > w->now_ns)
        return;
    request->resends++;
    uint64_t shift = request->resends < 4 ? request->resends : 4;
    request->retry_at_ns = w->now_ns + (w->options.retry_ns << shift) / 2;
    sim_client_send(client, request, WORLD_ALL);
}

bool sim_client_idle(const sim_client_t *client) {
    return client->to_submit == 0 && client->outstanding == 0;
}

void sim_client_timer(sim_client_t *client) {
    world_t *w = client->world;
    client->timer_at_ns = 0;
    if (sim_client_idle(client))
        return;
    if (client->open_attempts == 0) {
        open_session(client);
    } else if (client->session == 0) {
        retry(client, &client->open);
    } else {
        for (uint32_t i = (uint32_t)client->settled; i < client->count; i++)
            retry(client, &client->requests[i]);
        if (client->to_submit > 0 && client->outstanding < w->options.client_window)
            submit_by_itself(client);
    }
    uint64_t most = tick_ns(w), spread = most;
    if (client->to_submit > 0 && w->options.submit_until_ns > w->now_ns)
        spread = (w->options.submit_until_ns - w->now_ns) * 2 / client->to_submit;
    schedule(client, w->now_ns + chance_between(w, spread < most ? 1 : most,
                                                spread < most ? spread : most));
}

void sim_client_make(world_t *w, uint32_t index) {
    sim_client_t *client = &w->clients[index];
    client->world = w;
    client->index = index;
    client->identity = (symbolic_identity_t){&w->symbols, symbolic_key(1000 + index)};
    client->signer = signer_symbolic(&client->identity);
    client->to_submit = w->options.requests;
    client->hint = index % w->options.members;
    if (client->to_submit > 0)
        schedule(client, 1 + chance_between(w, 0, 20 * MS));
}

void sim_client_free(sim_client_t *client) {
    for (uint32_t i = 0; i < client->count; i++) {
        free((void *)(uintptr_t)client->requests[i].encoded.data);
        free(client->requests[i].result);
    }
    free((void *)(uintptr_t)client->open.encoded.data);
    free(client->open.result);
    free(client->requests);
}
