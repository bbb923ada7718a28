/* The client's thread: takes over what callers left in the inbox, runs the core, calls back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/hello.h"
#include "codec/sync_codec.h"
#include "node/client_state.h"

uint64_t client_now_ns(void) {
    return uv_hrtime();
}

/* ---- callbacks by token ---- */

bool waiters_make(waiters_t *waiters, uint32_t capacity) {
    *waiters = (waiters_t){.capacity = capacity};
    waiters->items = calloc(capacity, sizeof *waiters->items);
    return waiters->items != NULL;
}

void waiters_free(waiters_t *waiters) {
    free(waiters->items);
}

void waiters_add(waiters_t *waiters, uint64_t token, synod_client_done *done, void *context) {
    require(waiters->count < waiters->capacity);
    uint32_t at = (uint32_t)(token % waiters->capacity);
    while (waiters->items[at].in_use)
        at = (at + 1) % waiters->capacity;
    waiters->items[at] = (waiter_t){token, done, context, true, false};
    waiters->count++;
}

waiter_t *waiters_find(waiters_t *waiters, uint64_t token) {
    uint32_t at = (uint32_t)(token % waiters->capacity);
    for (uint32_t i = 0; i < waiters->capacity; i++, at = (at + 1) % waiters->capacity)
        if (waiters->items[at].in_use && waiters->items[at].token == token)
            return &waiters->items[at];
    return NULL;
}

void waiters_remove(waiters_t *waiters, waiter_t *waiter) {
    waiter->in_use = false;
    waiters->count--;
}

/* ---- the core's verbs ---- */

/* Said by either end, when a link is refused. */
static void note_goodbye(synod_client *client, link_t link, bytes_t body) {
    reader_t reader = reader_of(body);
    goodbye_t goodbye;
    if (goodbye_decode(&reader, &goodbye) != SYNOD_OK)
        return;
    uv_mutex_lock(&client->mutex);
    for (uint32_t i = 0; i < client->genesis.member_count; i++)
        if (client->statuses[i].link == link)
            snprintf(client->statuses[i].goodbye, sizeof client->statuses[i].goodbye, "%s",
                     goodbye.reason);
    uv_mutex_unlock(&client->mutex);
}

static void host_send(void *context, client_link_t link, synod_bytes frame) {
    synod_client *client = context;
    if (load_u16(frame.data + 6) == FRAME_GOODBYE)
        note_goodbye(client, link,
                     bytes_of(frame.data + FRAME_HEADER_BYTES, frame.size - FRAME_HEADER_BYTES));
    client->bytes_out += frame.size;
    net_send(client->net, &link, 1, LANE_CLIENT, frame);
}

static void host_close(void *context, client_link_t link) {
    net_close(((synod_client *)context)->net, link);
}

static void on_wake(uv_timer_t *timer) {
    synod_client *client = timer->data;
    client_on_tick(client->core, client_now_ns());
}

static void host_wake(void *context, uint64_t at_ns) {
    synod_client *client = context;
    uint64_t now = client_now_ns();
    /* Never 0: libuv runs a timer that is due again at once before anything else of the loop. */
    uint64_t wait_ms = at_ns > now ? (at_ns - now + 999999) / 1000000 : 1;
    uv_update_time(&client->loop);
    uv_timer_start(&client->wake, on_wake, wait_ms, 0);
}

static void host_complete(void *context, const client_completion_t *completion) {
    synod_client *client = context;
    waiter_t *found = waiters_find(&client->operations, completion->token);
    if (found == NULL)
        return;
    waiter_t waiter = *found;
    bool over = completion->late || completion->settled || completion->status != SYNOD_UNKNOWN;
    if (over)
        waiters_remove(&client->operations, found);
    else
        found->reported = true;
    if (!over && waiter.done == client_on_called)
        found->done = NULL;
    synod_client_result result = {.size_bytes = sizeof result,
                                  .status = completion->status,
                                  .late = completion->late,
                                  .height = completion->height,
                                  .result = completion->result};
    if (waiter.done != NULL)
        waiter.done(waiter.context, &result);
    if (!completion->late)
        client->operations_done++;
}

static void host_answer(void *context, const client_answer_t *answer) {
    synod_client *client = context;
    waiter_t *found = waiters_find(&client->queries, answer->token);
    if (found == NULL)
        return;
    waiter_t waiter = *found;
    waiters_remove(&client->queries, found);
    synod_client_result result = {.size_bytes = sizeof result,
                                  .status = answer->status,
                                  .height = answer->height,
                                  .root = answer->root,
                                  .result = answer->reply};
    if (waiter.done != NULL)
        waiter.done(waiter.context, &result);
    client->queries_done++;
}

static void host_log(void *context, int level, const char *event, const char *text) {
    synod_client *client = context;
    log_line(client->log_open ? &client->log : NULL, level, "client", event, text);
}

void client_bind(synod_client *client) {
    client->host = (client_host_t){.context = client,
                                   .send = host_send,
                                   .close = host_close,
                                   .wake = host_wake,
                                   .complete = host_complete,
                                   .answer = host_answer,
                                   .log = host_log};
}

/* ---- the net's events ---- */

static void on_up(void *context, link_t link, member_t member, uint64_t connection) {
    synod_client *client = context;
    (void)connection;
    client_on_link_up(client->core, client_now_ns(), link, member);
    uv_mutex_lock(&client->mutex);
    client->statuses[member].link = link;
    client->statuses[member].sent = 0; /* what went over an older link went nowhere */
    uv_mutex_unlock(&client->mutex);
    /* Not client_signal: the signal of this turn may have been heard already, and with it the
     * question for this member would be forgotten. */
    uv_async_send(&client->signal);
}

static void on_down(void *context, link_t link) {
    synod_client *client = context;
    client_on_link_down(client->core, client_now_ns(), link);
    uv_mutex_lock(&client->mutex);
    for (uint32_t i = 0; i < client->genesis.member_count; i++)
        if (client->statuses[i].link == link)
            client->statuses[i].link = LINK_NONE;
    uv_mutex_unlock(&client->mutex);
}

static void take_status(synod_client *client, link_t link, bytes_t body) {
    const size_t most =
        STATUS_FIXED_BYTES + (size_t)STATUS_PEER_BYTES * client->genesis.member_count;
    reader_t reader = reader_of(body);
    status_report_t report;
    if (body.size > most || status_report_decode(&reader, &report) != SYNOD_OK)
        return;
    uv_mutex_lock(&client->mutex);
    for (uint32_t i = 0; i < client->genesis.member_count; i++) {
        status_slot_t *slot = &client->statuses[i];
        /* A late answer is not one to the question after it: it tells of a moment before. */
        if (slot->link != link || report.question <= slot->answered || report.question > slot->sent)
            continue;
        if (slot->bytes == NULL)
            slot->bytes = malloc(most);
        if (slot->bytes == NULL)
            continue;
        memcpy(slot->bytes, body.data, body.size);
        slot->size = body.size;
        slot->answered = report.question;
        slot->answered_ns = client_now_ns();
        slot->goodbye[0] = '\0';
        uv_cond_broadcast(&client->changed);
    }
    uv_mutex_unlock(&client->mutex);
}

static void on_frame(void *context, link_t link, frame_t frame) {
    synod_client *client = context;
    client->bytes_in += FRAME_HEADER_BYTES + frame.body.size;
    if (frame.kind == FRAME_GOODBYE)
        note_goodbye(client, link, frame.body);
    if (frame.kind == FRAME_STATUS)
        take_status(client, link, frame.body);
    else
        client_on_frame(client->core, client_now_ns(), link, frame);
}

/* ---- the inbox ---- */

/* False: the core has no room now; what is left stays for later. */
static bool take_want(synod_client *client, uint64_t now, const want_t *want, bytes_t bytes) {
    uint64_t token = 0;
    bool operation = want->kind == WANT_OPERATION;
    waiters_t *waiters = operation ? &client->operations : &client->queries;
    if (waiters->count == waiters->capacity)
        return false;
    if (operation && !client->started) {
        client->started = true;
        client_start(client->core, now);
    }
    synod_status status =
        operation ? client_submit(client->core, now, bytes, &token)
                  : client_query(client->core, now, bytes, want->kind == WANT_PROVED_QUERY, &token);
    if (status == SYNOD_BUSY)
        return false;
    if (status == SYNOD_OK) {
        waiters_add(waiters, token, want->done, want->context);
        return true;
    }
    synod_client_result result = {.size_bytes = sizeof result, .status = status};
    if (want->done != NULL)
        want->done(want->context, &result);
    *(operation ? &client->operations_done : &client->queries_done) += 1;
    return true;
}

/* It was not taken over in time, so it was never sent. What was sent and may still run keeps its
 * place in the core for as long as nobody answers, and with it all room there. */
static bool give_up_want(synod_client *client, uint64_t now, const want_t *want) {
    if (want->kind != WANT_OPERATION || now < want->until_ns)
        return false;
    synod_client_result result = {.size_bytes = sizeof result, .status = SYNOD_BUSY};
    if (want->done != NULL)
        want->done(want->context, &result);
    client->operations_done++;
    return true;
}

static void take_inbox(synod_client *client) {
    uint64_t now = client_now_ns();
    for (;;) {
        inbox_t *inbox = &client->inbox[1 - client->filling];
        while (inbox->taken < inbox->used) {
            want_t want;
            memcpy(&want, inbox->bytes + inbox->taken, sizeof want);
            bytes_t bytes = bytes_of(inbox->bytes + inbox->taken + sizeof want, want.size);
            if (!take_want(client, now, &want, bytes) && !give_up_want(client, now, &want))
                return; /* a later turn; the net's clock makes two a second */
            inbox->taken += sizeof want + want.size;
        }
        inbox->used = inbox->taken = 0;
        uv_mutex_lock(&client->mutex);
        bool more = client->inbox[client->filling].used > 0;
        if (more)
            client->filling = 1 - client->filling;
        uv_mutex_unlock(&client->mutex);
        if (!more)
            return;
    }
}

/* Questions for a member's status that are not sent yet, to members that are connected. */
static void ask_statuses(synod_client *client) {
    for (uint32_t i = 0; i < client->genesis.member_count; i++) {
        uv_mutex_lock(&client->mutex);
        status_slot_t *slot = &client->statuses[i];
        bool open = slot->asked > slot->answered && slot->asked > slot->sent;
        snprintf(slot->trouble, sizeof slot->trouble, "%s", net_trouble(client->net, i));
        link_t link = open ? slot->link : LINK_NONE;
        uint8_t frame[FRAME_HEADER_BYTES + STATUS_ASK_BYTES];
        store_u64(frame + FRAME_HEADER_BYTES, slot->asked);
        if (link != LINK_NONE)
            slot->sent = slot->asked;
        uv_mutex_unlock(&client->mutex);
        if (link == LINK_NONE)
            continue;
        frame_seal(frame, FRAME_STATUS_ASK, STATUS_ASK_BYTES);
        net_send(client->net, &link, 1, LANE_CLIENT, bytes_of(frame, sizeof frame));
    }
}

static void on_stop_poll(uv_timer_t *timer) {
    synod_client *client = timer->data;
    if (net_stopped(client->net))
        uv_stop(&client->loop);
}

/* Under the mutex: what callers may see of this turn. */
static void publish(synod_client *client) {
    uint32_t done = client->operations_done + client->queries_done;
    client->open_operations -= client->operations_done;
    client->open_queries -= client->queries_done;
    client->completed += done;
    client->operations_done = client->queries_done = 0;
    client_counters(client->core, &client->counters);
    client->traffic_in = client->bytes_in;
    client->traffic_out = client->bytes_out;
    if (done > 0)
        uv_cond_broadcast(&client->changed);
}

static void on_turn(void *context) {
    synod_client *client = context;
    if (client->net == NULL || client->stopping)
        return;
    /* Before the inbox is looked at: what comes after that look has to wake this thread again. */
    uv_mutex_lock(&client->mutex);
    bool flush = client->flush, stop = client->stop;
    client->flush = client->signalled = false;
    uv_mutex_unlock(&client->mutex);
    take_inbox(client);
    uv_mutex_lock(&client->mutex);
    publish(client);
    uv_mutex_unlock(&client->mutex);
    if (flush)
        client_flush(client->core, client_now_ns());
    if (!stop)
        return;
    client->stopping = true;
    net_stop(client->net, SYNOD_CLOSED, "the client ends");
    uv_timer_start(&client->stop_poll, on_stop_poll, 0, 2);
}

net_events_t client_net_events(synod_client *client) {
    return (net_events_t){client, on_up, on_down, on_frame, on_turn};
}

void client_signal(synod_client *client) {
    if (client->signalled || client->stop) /* the close wakes it by itself, once */
        return;
    client->signalled = true;
    uv_async_send(&client->signal);
}

void client_on_signal(uv_async_t *async) {
    ask_statuses(async->data);
}

void client_thread_main(void *context) {
    synod_client *client = context;
    uv_run(&client->loop, UV_RUN_DEFAULT);
}
