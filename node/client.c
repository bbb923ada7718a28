/* The public client over its thread: see include/synod/client.h. */
#include <synod/client.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/client_state.h"

static synod_status read_options(const synod_client_options *given, synod_client *client,
                                 reason_t *reason) {
    if (given == NULL || given->size_bytes < sizeof(size_t) + sizeof(char *) ||
        given->size_bytes > sizeof client->options || given->genesis_path == NULL)
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "options: set size_bytes and genesis_path (see synod/client.h)");
    memcpy(&client->options, given, given->size_bytes);
    return genesis_read(given->genesis_path, &client->genesis, reason);
}

static void or_default(uint64_t given, uint64_t *to) {
    if (given == UINT64_MAX)
        *to = 0;
    else if (given != 0)
        *to = given;
}

static synod_status open_core(synod_client *client, reason_t *reason) {
    const genesis_t *genesis = &client->genesis;
    const synod_client_options *options = &client->options;
    uint8_t seed[SIGN_SEED_BYTES];
    randombytes_buf(seed, sizeof seed);
    client->verifier = verifier_ed25519();
    client->signer = signer_ed25519(seed, &client->secret);
    client->infos = calloc(genesis->member_count, sizeof *client->infos);
    client->statuses = calloc(genesis->member_count, sizeof *client->statuses);
    if (client->infos == NULL || client->statuses == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    genesis_committee(genesis, client->infos, &client->verifier, &client->committee);
    client_bind(client);
    client_config_t config = client_config_default();
    config.committee = &client->committee;
    config.signer = &client->signer;
    config.app = options->app != NULL ? options->app : synod_app_find(genesis->app.text);
    config.host = &client->host;
    config.protocol = genesis->protocol_id;
    randombytes_buf(&config.seed, sizeof config.seed);
    config.session_window = genesis->parameters.ledger.session_window;
    config.payload_bytes_max = genesis->parameters.core.payload_bytes_max;
    config.session_idle_ns = genesis->parameters.ledger.session_idle_ns;
    config.queue_bytes = 64u << 20;
    config.queries_max = QUERIES_AT_ONCE;
    config.query_bytes_max = 4096;
    or_default(options->deadline_ns, &config.deadline_ns);
    client->deadline_ns = config.deadline_ns;
    or_default(options->query_deadline_ns, &config.query_deadline_ns);
    or_default(options->linger_ns, &config.linger_ns);
    config.window = options->window != 0 ? options->window : config.window;
    config.batch_operations =
        options->batch_operations != 0 ? options->batch_operations : config.batch_operations;
    config.queue_operations =
        options->queue_operations != 0 ? options->queue_operations : config.queue_operations;
    size_t size = client_bytes(&config);
    if (size == 0)
        return reason_set(reason, SYNOD_BAD_CONFIG, "the client's bounds do not fit together");
    client->core_memory = aligned_alloc(16, (size + 15) & ~(size_t)15);
    bool made = client->core_memory != NULL &&
                waiters_make(&client->operations, config.queue_operations) &&
                waiters_make(&client->queries, config.queries_max);
    if (!made || client_open(client->core_memory, size, &config, &client->core) != SYNOD_OK)
        return reason_set(reason, SYNOD_NO_MEMORY, "the client's memory cannot be had");
    return SYNOD_OK;
}

static synod_status open_net(synod_client *client, reason_t *reason) {
    const genesis_t *genesis = &client->genesis;
    net_peer_t *peers = calloc(genesis->member_count, sizeof *peers);
    if (peers == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < genesis->member_count; i++)
        peers[i] = (net_peer_t){genesis->members[i].address, genesis->members[i].tls_key};
    net_options_t options = {.loop = &client->loop,
                             .log = client->log_open ? &client->log : NULL,
                             .peers = peers,
                             .peer_count = genesis->member_count,
                             .self = MEMBER_NONE};
    net_events_t events = client_net_events(client);
    synod_status status = net_open(&options, &events, &client->net, reason);
    free(peers);
    return status;
}

static synod_status open_parts(synod_client *client, const synod_client_options *options,
                               reason_t *reason) {
    if (!sign_open())
        return reason_set(reason, SYNOD_IO, "the cryptographic library cannot start");
    synod_status status = read_options(options, client, reason);
    if (status == SYNOD_OK && client->options.log_path != NULL) {
        log_options_t log = {.path = client->options.log_path, .level = LOG_INFO};
        status = log_open(&client->log, &log, reason);
        client->log_open = status == SYNOD_OK;
    }
    for (uint32_t i = 0; i < 2 && status == SYNOD_OK; i++) {
        client->inbox[i].bytes = malloc(INBOX_BYTES);
        if (client->inbox[i].bytes == NULL)
            status = reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    }
    if (status == SYNOD_OK)
        status = open_core(client, reason);
    if (status == SYNOD_OK)
        status = open_net(client, reason);
    if (status == SYNOD_OK && uv_thread_create(&client->thread, client_thread_main, client) != 0)
        status = reason_set(reason, SYNOD_IO, "the client's thread cannot be started");
    client->running = status == SYNOD_OK;
    return status;
}

synod_status synod_client_open(const synod_client_options *options, synod_client **to, char *reason,
                               size_t reason_size) {
    reason_t why = {"out of memory"};
    synod_client *client = calloc(1, sizeof *client);
    synod_status status = client == NULL ? SYNOD_NO_MEMORY : SYNOD_OK;
    *to = NULL;
    if (client != NULL) {
        bool made = uv_loop_init(&client->loop) == 0 && uv_mutex_init(&client->mutex) == 0 &&
                    uv_cond_init(&client->changed) == 0 &&
                    uv_async_init(&client->loop, &client->signal, client_on_signal) == 0 &&
                    uv_timer_init(&client->loop, &client->wake) == 0 &&
                    uv_timer_init(&client->loop, &client->stop_poll) == 0;
        ensure(made);
        client->signal.data = client->wake.data = client->stop_poll.data = client;
        status = open_parts(client, options, &why);
    }
    if (status != SYNOD_OK) {
        if (reason != NULL && reason_size > 0)
            snprintf(reason, reason_size, "%s", why.text);
        if (client != NULL)
            synod_client_close(client);
        return status;
    }
    *to = client;
    return SYNOD_OK;
}

/* ---- callers ---- */

static synod_status put(synod_client *client, want_kind_t kind, synod_bytes bytes,
                        synod_client_done *done, void *context) {
    bool operation = kind == WANT_OPERATION;
    uint64_t until_ns =
        client->deadline_ns == 0 ? UINT64_MAX : client_now_ns() + client->deadline_ns;
    want_t want = {kind, (uint32_t)bytes.size, until_ns, done, context};
    if (bytes.size > (operation ? client_operation_bytes_max(client->core) : REQUEST_BYTES_MAX))
        return SYNOD_TOO_LARGE;
    uint32_t *open = operation ? &client->open_operations : &client->open_queries;
    uint32_t most = operation ? client->operations.capacity : client->queries.capacity;
    uv_mutex_lock(&client->mutex);
    inbox_t *inbox = &client->inbox[client->filling];
    /* The callbacks of the close may submit, and nobody takes it any more. */
    bool room =
        !client->stop && inbox->used + sizeof want + bytes.size <= INBOX_BYTES && *open < most;
    if (room) {
        memcpy(inbox->bytes + inbox->used, &want, sizeof want);
        if (bytes.size > 0)
            memcpy(inbox->bytes + inbox->used + sizeof want, bytes.data, bytes.size);
        inbox->used += sizeof want + bytes.size;
        client->submitted++;
        *open += 1;
        client_signal(client);
    }
    uv_mutex_unlock(&client->mutex);
    return room ? SYNOD_OK : SYNOD_BUSY;
}

synod_status synod_client_submit(synod_client *client, synod_bytes operation,
                                 synod_client_done *done, void *context) {
    return put(client, WANT_OPERATION, operation, done, context);
}

synod_status synod_client_query(synod_client *client, synod_bytes query, bool prove,
                                synod_client_done *done, void *context) {
    return put(client, prove ? WANT_PROVED_QUERY : WANT_QUERY, query, done, context);
}

size_t synod_client_operation_bytes_max(const synod_client *client) {
    return client_operation_bytes_max(client->core);
}

void synod_client_flush(synod_client *client) {
    uv_mutex_lock(&client->mutex);
    client->flush = true;
    client_signal(client);
    uv_mutex_unlock(&client->mutex);
}

bool synod_client_wait(synod_client *client, uint64_t timeout_ns) {
    uint64_t end = client_now_ns() + timeout_ns;
    uv_mutex_lock(&client->mutex);
    while (client->completed < client->submitted && client_now_ns() < end)
        (void)uv_cond_timedwait(&client->changed, &client->mutex, 50000000);
    bool done = client->completed == client->submitted;
    uv_mutex_unlock(&client->mutex);
    return done;
}

typedef struct call {
    uv_mutex_t mutex;
    uv_cond_t changed;
    bool done;
    synod_status status;
    uint8_t *answer;
    size_t capacity, *size;
} call_t;

void client_on_called(void *context, const synod_client_result *result) {
    call_t *call = context;
    uv_mutex_lock(&call->mutex);
    if (!call->done) {
        size_t copied = result->result.size < call->capacity ? result->result.size : call->capacity;
        if (copied > 0)
            memcpy(call->answer, result->result.data, copied);
        *call->size = result->result.size;
        call->status = result->status;
        call->done = true;
        uv_cond_signal(&call->changed);
    }
    uv_mutex_unlock(&call->mutex);
}

synod_status synod_client_call(synod_client *client, synod_bytes operation, uint8_t *answer,
                               size_t capacity, size_t *size) {
    call_t call = {.answer = answer, .capacity = capacity, .size = size};
    bool made = uv_mutex_init(&call.mutex) == 0 && uv_cond_init(&call.changed) == 0;
    ensure(made);
    synod_status status = synod_client_submit(client, operation, client_on_called, &call);
    if (status == SYNOD_OK) {
        uv_mutex_lock(&call.mutex);
        while (!call.done)
            uv_cond_wait(&call.changed, &call.mutex);
        status = call.status;
        uv_mutex_unlock(&call.mutex);
    }
    uv_mutex_destroy(&call.mutex);
    uv_cond_destroy(&call.changed);
    return status;
}

synod_status synod_client_member_status(synod_client *client, uint32_t member, uint8_t *report,
                                        size_t capacity, size_t *size, uint64_t timeout_ns) {
    if (member >= client->genesis.member_count)
        return SYNOD_NOT_MEMBER;
    uint64_t end = client_now_ns() + timeout_ns;
    uv_mutex_lock(&client->mutex);
    status_slot_t *slot = &client->statuses[member];
    uint64_t question = ++slot->asked;
    uv_async_send(&client->signal);
    while (slot->answered < question && client_now_ns() < end)
        (void)uv_cond_timedwait(&client->changed, &client->mutex, 10000000);
    bool answered = slot->answered >= question;
    if (answered) {
        *size = slot->size;
        memcpy(report, slot->bytes, slot->size < capacity ? slot->size : capacity);
    }
    uv_mutex_unlock(&client->mutex);
    return answered ? SYNOD_OK : SYNOD_UNKNOWN;
}

uint32_t synod_client_members(const synod_client *client) {
    return client->genesis.member_count;
}

synod_status synod_client_count(synod_client *client, synod_client_counters *to) {
    const size_t size = to->size_bytes;
    if (size < sizeof size || size > sizeof *to)
        return SYNOD_INVALID;
    uv_mutex_lock(&client->mutex);
    const client_counters_t *c = &client->counters;
    const synod_client_counters counters = {.size_bytes = size,
                                            .submitted = c->submitted,
                                            .completed = c->completed,
                                            .unknown = c->unknown,
                                            .requests = c->requests,
                                            .retries = c->retries,
                                            .lies = c->lies,
                                            .bytes_in = client->traffic_in,
                                            .bytes_out = client->traffic_out};
    uv_mutex_unlock(&client->mutex);
    memcpy(to, &counters, size);
    return SYNOD_OK;
}

/* ---- the end ---- */

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* What the thread did not take over any more was never sent: nothing happened. */
static void give_back(inbox_t *inbox) {
    synod_client_result result = {.size_bytes = sizeof result, .status = SYNOD_BUSY};
    while (inbox->taken < inbox->used) {
        want_t want;
        memcpy(&want, inbox->bytes + inbox->taken, sizeof want);
        inbox->taken += sizeof want + want.size;
        if (want.done != NULL)
            want.done(want.context, &result);
    }
}

/* Whoever still waits learns that nobody can tell any more. */
static void give_up(waiters_t *waiters) {
    synod_client_result result = {.size_bytes = sizeof result, .status = SYNOD_UNKNOWN};
    for (uint32_t i = 0; waiters->items != NULL && i < waiters->capacity; i++)
        if (waiters->items[i].in_use && !waiters->items[i].reported &&
            waiters->items[i].done != NULL)
            waiters->items[i].done(waiters->items[i].context, &result);
}

void synod_client_close(synod_client *client) {
    if (client == NULL)
        return;
    if (client->running) {
        uv_mutex_lock(&client->mutex);
        client->stop = true;
        uv_async_send(&client->signal);
        uv_mutex_unlock(&client->mutex);
        uv_thread_join(&client->thread);
    } else if (client->net != NULL) {
        net_stop(client->net, SYNOD_CLOSED, "the client did not start");
        while (!net_stopped(client->net))
            uv_run(&client->loop, UV_RUN_ONCE);
    }
    if (client->net != NULL)
        net_free(client->net);
    client->net = NULL;
    uv_walk(&client->loop, close_handle, NULL);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    int closed = uv_loop_close(&client->loop);
    ensure(closed == 0);
    if (client->core != NULL)
        client_end(client->core);
    give_up(&client->operations);
    give_up(&client->queries);
    give_back(&client->inbox[1 - client->filling]);
    give_back(&client->inbox[client->filling]);
    waiters_free(&client->operations);
    waiters_free(&client->queries);
    sign_wipe(&client->secret, sizeof client->secret);
    free(client->core_memory);
    for (uint32_t i = 0; client->statuses != NULL && i < client->genesis.member_count; i++)
        free(client->statuses[i].bytes);
    free(client->infos);
    free(client->statuses);
    free(client->inbox[0].bytes);
    free(client->inbox[1].bytes);
    genesis_free(&client->genesis);
    if (client->log_open)
        log_close(&client->log);
    uv_mutex_destroy(&client->mutex);
    uv_cond_destroy(&client->changed);
    free(client);
}
