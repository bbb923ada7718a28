/* Links to members and clients: open, listen, turns and ticks, stop. */
#include "adapter/uv_net.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "adapter/net_state.h"
#include "adapter/uv_listen.h"
#include "base/check.h"
#include "codec/hello.h"

#define LISTEN_BACKLOG 512
#define TICK_MAX_MS 500

member_t net_member_of_key(const net_t *net, const tls_key_t *key) {
    for (uint32_t member = 0; member < net->options.peer_count; member++) {
        if (memcmp(net->peers[member].key.bytes, key->bytes, sizeof key->bytes) == 0) {
            return member;
        }
    }
    return MEMBER_NONE;
}

uint16_t net_port(const net_t *net) {
    return net->port;
}

const net_counters_t *net_counters(const net_t *net) {
    return &net->counters;
}

uint64_t net_silence_ms(net_t *net, link_t id) {
    const net_link_t *link = net_find(net, id);
    return link != NULL && link->state == LINK_OPEN ? net_now_ms(net) - link->heard_ms : UINT64_MAX;
}

const char *net_trouble(const net_t *net, member_t member) {
    return member < net->dial_count ? net->dials[member].trouble : "";
}

size_t net_lane_bytes(const net_t *net, lane_t lane) {
    size_t bytes = 0;
    for (uint32_t slot = 0; slot < net->slots; slot++) {
        if (net->links[slot].state != LINK_FREE) {
            bytes += buffer_size(&net->links[slot].lanes[lane]);
        }
    }
    return bytes;
}

/* ---- the turn ---- */

/* Links whose share of the last turn was not enough go first in this one. */
static void resume_backlog(net_t *net) {
    uint32_t count = net->backlog_count;
    net->backlog_count = 0;
    for (uint32_t index = 0; index < count; index++) {
        net_link_t *link = &net->links[net->backlog[index]];
        if (!link->backlog || link->state != LINK_OPEN) {
            continue;
        }
        link->backlog = false;
        link_deliver(link);
        if (!link->backlog && link->state == LINK_OPEN && link->ended == NULL) {
            link_read_start(link);
        }
    }
}

static void flush_marked(net_t *net) {
    while (net->attention_count > 0) {
        net_link_t *link = &net->links[net->attention[--net->attention_count]];
        link->attention = false;
        if (link->doomed != NULL) {
            link_fail(link, LOG_WARNING, "lost", link->doomed);
        } else if (link->close_wanted && link->state == LINK_OPEN) {
            link_drain(link);
        }
        link_flush(link);
    }
}

/* Runs only to keep the loop from waiting. */
static void on_idle(uv_idle_t *handle) {
    (void)handle;
}

/* libuv calls this when all events of the turn were handled, just before it waits for more. */
static void on_prepare(uv_prepare_t *handle) {
    net_t *net = handle->data;
    net->turn++;
    resume_backlog(net);
    do {
        net->dirty = false;
        net->events.on_turn(net->events.context);
        flush_marked(net);
    } while (net->dirty); /* a link that ended was told: that may have said something again */
    if (net->backlog_count > 0) {
        (void)uv_idle_start(&net->idle, on_idle);
    } else {
        (void)uv_idle_stop(&net->idle);
    }
}

static void on_tick(uv_timer_t *timer) {
    net_t *net = timer->data;
    for (uint32_t slot = 0; slot < net->slots; slot++) {
        if (net->links[slot].state != LINK_FREE) {
            link_tick(&net->links[slot]);
        }
    }
}

static void on_connection(uv_stream_t *listener, int status) {
    net_t *net = listener->data;
    if (status != 0) {
        log_event(net->options.log, LOG_WARNING, "net", "accept", "why=\"%s\"",
                  uv_strerror(status));
        return;
    }
    link_accept(net);
}

/* ---- open ---- */

#define DEFAULT(field, value) ((field) = (field) != 0 ? (field) : (value))

static void fill_options(net_options_t *options) {
    DEFAULT(options->clients_max, 512);
    DEFAULT(options->client_memory_bytes, (size_t)256 << 20);
    DEFAULT(options->dial_min_ms, 50);
    DEFAULT(options->dial_max_ms, 2000);
    DEFAULT(options->handshake_timeout_ms, 5000);
    DEFAULT(options->frame_timeout_ms, 30000);
    DEFAULT(options->ping_interval_ms, 5000);
    DEFAULT(options->idle_timeout_ms, 15000);
    DEFAULT(options->drain_ms, 2000);
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t tick_of(const net_options_t *options) {
    uint64_t shortest = least(least(options->handshake_timeout_ms, options->frame_timeout_ms),
                              least(options->ping_interval_ms, options->idle_timeout_ms));
    return least(shortest / 4 + 1, TICK_MAX_MS);
}

static bool take_memory(net_t *net) {
    const net_options_t *options = &net->options;
    net->dial_count = options->self < options->peer_count ? options->self : options->peer_count;
    net->slots = 2 * options->peer_count + options->clients_max + 3 * SHAKING_MAX;
    require(net->slots <= UINT16_MAX);
    net->peers = calloc(options->peer_count + 1, sizeof *net->peers);
    net->dials = calloc(net->dial_count + 1, sizeof *net->dials);
    net->links = calloc(net->slots, sizeof *net->links);
    net->free_slots = calloc(net->slots, sizeof *net->free_slots);
    net->attention = calloc(net->slots, sizeof *net->attention);
    net->backlog = calloc(net->slots, sizeof *net->backlog);
    return net->peers != NULL && net->dials != NULL && net->links != NULL &&
           net->free_slots != NULL && net->attention != NULL && net->backlog != NULL;
}

static void prepare_state(net_t *net) {
    uint64_t seed = 0;
    (void)!getrandom(&seed, sizeof seed, 0); /* for jitter only */
    net->jitter = prng_of(seed);
    net->member_budget.limit_bytes = SIZE_MAX; /* members are bounded by their lanes */
    net->client_budget.limit_bytes = net->options.client_memory_bytes;
    if (net->options.peer_count > 0) {
        memcpy(net->peers, net->options.peers, net->options.peer_count * sizeof *net->peers);
    }
    net->options.peers = net->peers;
    for (uint32_t slot = 0; slot < net->slots; slot++) {
        net->free_slots[slot] = net->slots - 1 - slot;
    }
}

/* A peer that went away must not end the process when it is written to (attack N13). */
static void ignore_broken_pipes(void) {
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        (void)signal(SIGPIPE, SIG_IGN);
    }
}

/* An error leaves the handle to be closed by net_stop. Without an address to listen on there is no
 * node. */
static synod_status listen_at(net_t *net, const address_t *address, reason_t *reason) {
    const listen_options_t options = {.loop = net->options.loop,
                                      .address = address,
                                      .setting = "listen",
                                      .backlog = LISTEN_BACKLOG,
                                      .on_connection = on_connection,
                                      .data = net};
    synod_status status = listen_open(&options, &net->listener, &net->listens, &net->port, reason);
    net->handles += net->listens ? 1 : 0;
    return status;
}

static void open_handles(net_t *net) {
    uv_loop_t *loop = net->options.loop;
    (void)uv_prepare_init(loop, &net->prepare);
    (void)uv_idle_init(loop, &net->idle);
    (void)uv_timer_init(loop, &net->tick);
    net->prepare.data = net->idle.data = net->tick.data = net;
    net->handles += 3;
}

static void start(net_t *net) {
    uint64_t tick_ms = tick_of(&net->options);
    (void)uv_prepare_start(&net->prepare, on_prepare);
    (void)uv_timer_start(&net->tick, on_tick, tick_ms, tick_ms);
    for (member_t member = 0; member < net->dial_count; member++) {
        dial_open(&net->dials[member], net, member);
        dial_start(&net->dials[member]);
    }
}

/* The loop has handles of what could not be opened and has to let go of them first. */
static void abandon(net_t *net) {
    net->dial_count = 0;
    net_stop(net, SYNOD_CLOSED, "");
    while (!net_stopped(net)) {
        (void)uv_run(net->options.loop, UV_RUN_ONCE);
    }
    net_free(net);
}

synod_status net_open(const net_options_t *options, const net_events_t *events, net_t **result,
                      reason_t *reason) {
    net_t *net = calloc(1, sizeof *net);
    *result = NULL;
    if (net == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for the network");
    }
    net->options = *options;
    net->events = *events;
    fill_options(&net->options);
    if (!take_memory(net)) {
        net_free(net);
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for %" PRIu32 " links", net->slots);
    }
    prepare_state(net);
    ignore_broken_pipes();
    net->tls = tls_open(options->tls_seed, reason);
    if (net->tls == NULL) {
        net_free(net);
        return SYNOD_NO_MEMORY;
    }
    synod_status status =
        options->listen != NULL ? listen_at(net, options->listen, reason) : SYNOD_OK;
    open_handles(net);
    if (status != SYNOD_OK) {
        abandon(net);
        return status;
    }
    start(net);
    *result = net;
    return SYNOD_OK;
}

/* ---- stop ---- */

static void on_handle_closed(uv_handle_t *handle) {
    net_t *net = handle->data;
    net->handles--;
    net_check_end(net);
}

void net_check_end(net_t *net) {
    if (!net->stopping || net->ending || net->links_used > 0 || net->dials_open > 0 ||
        net->handles > 3) {
        return;
    }
    for (uint32_t member = 0; member < net->dial_count; member++) {
        if (net->dials[member].resolving) {
            return;
        }
    }
    net->ending = true;
    uv_close((uv_handle_t *)&net->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&net->idle, on_handle_closed);
    uv_close((uv_handle_t *)&net->tick, on_handle_closed);
}

static void stop_link(net_link_t *link, bytes_t goodbye) {
    if (link->state == LINK_OPEN && !link->close_wanted) {
        link_queue_frame(link, FRAME_GOODBYE, goodbye);
        link->close_wanted = true;
        link_mark(link);
    } else if (link->state == LINK_DIALLING || link->state == LINK_SHAKING) {
        link_close(link);
    }
}

void net_stop(net_t *net, synod_status status, const char *why) {
    uint8_t body[GOODBYE_BYTES_MAX];
    goodbye_t goodbye = {.status = status};
    writer_t writer = writer_of(body, sizeof body);
    if (net->stopping) {
        return;
    }
    net->stopping = true;
    (void)snprintf(goodbye.reason, sizeof goodbye.reason, "%s", why);
    goodbye_encode(&goodbye, &writer);
    for (uint32_t slot = 0; slot < net->slots; slot++) {
        stop_link(&net->links[slot], writer_bytes(&writer));
    }
    for (member_t member = 0; member < net->dial_count; member++) {
        dial_close(&net->dials[member]);
    }
    if (net->listens) {
        uv_close((uv_handle_t *)&net->listener, on_handle_closed);
    }
    net_check_end(net);
}

bool net_stopped(const net_t *net) {
    return net->stopping && net->handles == 0;
}

void net_free(net_t *net) {
    require(net->handles == 0 && net->links_used == 0);
    tls_close(net->tls);
    free(net->peers);
    free(net->dials);
    free(net->links);
    free(net->free_slots);
    free(net->attention);
    free(net->backlog);
    free(net);
}
