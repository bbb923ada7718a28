/* Clients: the very core of the client library (src/client) on simulated links and time, and the
 * workload that gives it something to do. Its verbs only send, note and schedule, so that nothing
 * is ever called from within a verb. */
#include <stdio.h>
#include <stdlib.h>

#include "app/kv_client.h"
#include "sim/world_state.h"

#define VALUE_MAX 40
/* Bytes of requests that wait or are under way at one client. */
#define QUEUE_BYTES (256u << 10)
/* A client's clock is this much ahead, so that it is never 0. */
#define CLOCK_START_NS 1

static uint64_t now_of(const sim_client_t *client) {
    return CLOCK_START_NS + client->world->now_ns;
}

static sim_client_t *client_at(world_t *w, uint32_t index) {
    return &w->clients[index];
}

/* ---- verbs ---- */

static void verb_send(void *context, client_link_t link, synod_bytes bytes) {
    sim_client_t *client = context;
    frame_buffer_t *frame = frame_make(bytes);
    frame->lane = LANE_CLIENT;
    if (frame_kind_of(frame) == FRAME_REQUEST)
        answers_sealed(client, frame);
    if (link_is_up(client->world, link))
        sim_net_send(client->world, link, frame);
    frame_drop(frame);
}

static void verb_close(void *context, client_link_t link) {
    sim_net_close(((sim_client_t *)context)->world, link);
}

static void verb_wake(void *context, uint64_t at_ns) {
    sim_client_t *client = context;
    world_t *w = client->world;
    sim_event_t event = {.kind = SIM_CLIENT, .who = client->index, .a = ++client->wake_number};
    uint64_t at = at_ns - CLOCK_START_NS;
    world_event(w, at > w->now_ns ? at : w->now_ns, &event);
}

static void keep_result(sim_request_t *request, const client_completion_t *completion) {
    size_t size = completion->result.size;
    request->result = malloc(size + 1);
    invariant(request->result != NULL);
    if (size > 0)
        memcpy(request->result, completion->result.data, size);
    request->result_size = size;
}

static void verb_complete(void *context, const client_completion_t *completion) {
    sim_client_t *client = context;
    world_t *w = client->world;
    require(completion->token >= 1 && completion->token <= client->count);
    sim_request_t *request = &client->requests[completion->token - 1];
    answers_believed(client, request, completion);
    world_note(w, w->options.members + client->index, "answered", completion->token,
               completion->height + ((uint64_t)completion->status << 32));
    world_say(w, "client %u: operation %llu is %s%s%s (height %llu)", client->index,
              (unsigned long long)completion->token, completion->late ? "late " : "",
              synod_status_text(completion->status),
              completion->status == SYNOD_UNKNOWN && !completion->settled ? ", for now" : "",
              (unsigned long long)completion->height);
    request->late = completion->late;
    if (completion->status == SYNOD_UNKNOWN && !completion->settled) {
        request->reported = true;
        w->report.requests_unknown++;
        return;
    }
    request->answered = true;
    request->status = completion->status;
    request->height = completion->height;
    keep_result(request, completion);
    client->outstanding--;
    w->report.requests_answered +=
        completion->status == SYNOD_OK || completion->status == SYNOD_APP_ERROR;
    w->report.requests_late += completion->late;
    oracle_answered(client, request);
}

static void verb_answer(void *context, const client_answer_t *answer) {
    (void)context, (void)answer; /* no reads here: they change nothing */
}

static void verb_log(void *context, int level, const char *event, const char *text) {
    sim_client_t *client = context;
    if (world_heard(client->world) && level <= 2)
        world_say(client->world, "client %u: %s %s", client->index, event, text);
}

/* ---- life ---- */

#define SEEDS_APART 64

static client_config_t config_of(sim_client_t *client) {
    const world_t *w = client->world;
    const world_options_t *o = &w->options;
    client_config_t config = client_config_default();
    config.committee = &w->committee;
    config.signer = &client->signer;
    config.app = synod_app_kv();
    config.host = &client->host;
    config.protocol = w->protocol->id;
    config.seed = o->seed * SEEDS_APART + client->index;
    config.session_window = w->chain.ledger.session_window;
    config.payload_bytes_max = (uint32_t)w->chain.core.payload_bytes_max;
    config.session_idle_ns = w->chain.ledger.session_idle_ns;
    config.window = o->client_window;
    config.batch_operations = o->client_batch != 0 ? o->client_batch : config.batch_operations;
    config.queue_bytes = QUEUE_BYTES + config.payload_bytes_max;
    config.queries_max = 1;
    config.retry_first_ns = o->retry_ns;
    config.retry_max_ns = 8 * o->retry_ns;
    config.deadline_ns = o->deadline_ns;
    return config;
}

void sim_client_make(world_t *w, uint32_t index) {
    sim_client_t *client = client_at(w, index);
    client->world = w;
    client->index = index;
    client->identity = (symbolic_identity_t){&w->symbols, symbolic_key(1000 + index)};
    client->signer = signer_symbolic(&client->identity);
    client->to_submit = w->options.requests;
    client->host = (client_host_t){.context = client,
                                   .send = verb_send,
                                   .close = verb_close,
                                   .wake = verb_wake,
                                   .complete = verb_complete,
                                   .answer = verb_answer,
                                   .log = verb_log};
    client_config_t config = config_of(client);
    size_t size = client_bytes(&config);
    invariant(size > 0);
    client->memory = aligned_alloc(16, (size + 15) & ~(size_t)15);
    invariant(client->memory != NULL);
    synod_status status = client_open(client->memory, size, &config, &client->core);
    invariant(status == SYNOD_OK);
}

static void schedule_work(sim_client_t *client, uint64_t at_ns) {
    sim_event_t event = {.kind = SIM_CLIENT, .who = client->index, .a = 0};
    world_event(client->world, at_ns, &event);
}

void sim_client_start(sim_client_t *client) {
    client_start(client->core, now_of(client));
    if (client->to_submit > 0)
        schedule_work(client, 1 + chance_between(client->world, 0, 20 * MS));
}

void sim_client_free(sim_client_t *client) {
    for (uint32_t i = 0; i < client->count; i++) {
        free((void *)(uintptr_t)client->requests[i].operation.data);
        free(client->requests[i].result);
    }
    for (uint32_t i = 0; i < client->sealed_count; i++)
        frame_drop(client->sealed[i].frame);
    free(client->requests);
    free(client->sealed);
    free(client->memory);
}

/* ---- inputs ---- */

void sim_client_link_up(sim_client_t *client, link_t link, member_t member) {
    client->links[member] = link;
    client_on_link_up(client->core, now_of(client), link, member);
}

void sim_client_link_down(sim_client_t *client, link_t link) {
    for (member_t m = 0; m < client->world->options.members; m++)
        if (client->links[m] == link)
            client->links[m] = LINK_NONE;
    client_on_link_down(client->core, now_of(client), link);
}

void sim_client_frame(sim_client_t *client, link_t link, const frame_buffer_t *buffer) {
    frame_t frame;
    size_t used;
    synod_status status = frame_decode(bytes_of(buffer->data, buffer->size), &frame, &used);
    if (status != SYNOD_OK || used != buffer->size) {
        /* As the client library does: the stream cannot be found again. */
        sim_net_close(client->world, link);
        sim_client_link_down(client, link);
        return;
    }
    client_on_frame(client->core, now_of(client), link, frame);
}

/* ---- work ---- */

bool sim_client_idle(const sim_client_t *client) {
    return client->to_submit == 0 && client->outstanding == 0;
}

uint32_t sim_client_submit(sim_client_t *client, bytes_t operation, uint64_t kind) {
    world_t *w = client->world;
    client->requests =
        grow(client->requests, sizeof(sim_request_t), &client->capacity, client->count + 1);
    uint32_t index = client->count++; /* first: the core may send at once */
    uint8_t *copy = malloc(operation.size + 1);
    invariant(copy != NULL);
    memcpy(copy, operation.data, operation.size);
    client->requests[index] =
        (sim_request_t){.operation = bytes_of(copy, operation.size), .kind = kind};
    uint64_t token = 0;
    oracle_submitted(client, &client->requests[index]);
    synod_status status = client_submit(client->core, now_of(client), operation, &token);
    if (status != SYNOD_OK) {
        client->count--;
        free(copy);
        return WORLD_BUSY;
    }
    ensure(token == index + 1);
    client->outstanding++;
    w->report.requests_sent++;
    return index;
}

void sim_client_send_again(sim_client_t *client, const sim_request_t *request, uint32_t member) {
    if (request->sealed == 0)
        return;
    frame_buffer_t *frame = client->sealed[request->sealed - 1].frame;
    for (member_t m = 0; m < client->world->options.members; m++)
        if ((member == WORLD_ALL || member == m) && client->links[m] != LINK_NONE &&
            link_is_up(client->world, client->links[m]))
            sim_net_send(client->world, client->links[m], frame);
}

/* False: the core takes no more now. */
static bool submit_by_itself(sim_client_t *client) {
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
    if (sim_client_submit(client, writer_bytes(&writer), kind) == WORLD_BUSY)
        return false;
    client->to_submit--;
    return true;
}

/* Some operations at once, as far as the window lets them, then a pause. */
static void work(sim_client_t *client) {
    world_t *w = client->world;
    const world_options_t *o = &w->options;
    uint64_t burst = o->client_batch > 1 ? 1 + prng_below(&w->chance, o->client_batch) : 1;
    uint64_t most = (uint64_t)o->client_window * (o->client_batch > 1 ? o->client_batch : 1);
    while (burst > 0 && client->to_submit > 0 && client->outstanding < most &&
           submit_by_itself(client))
        burst--;
    if (client->to_submit == 0)
        return;
    uint64_t pause = o->retry_ns / 4, spread = pause;
    if (o->submit_until_ns > w->now_ns)
        spread = (o->submit_until_ns - w->now_ns) * 2 / client->to_submit;
    schedule_work(client, w->now_ns + chance_between(w, spread < pause ? 1 : pause,
                                                     spread < pause ? pause : spread));
}

void sim_client_event(sim_client_t *client, const sim_event_t *event) {
    if (event->a == 0)
        work(client);
    else if (event->a == client->wake_number)
        client_on_tick(client->core, now_of(client));
}
