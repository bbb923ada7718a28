/* One link from birth to end. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "adapter/net_state.h"
#include "adapter/uv_listen.h"
#include "base/check.h"
#include "codec/hello.h"

#define SLOT_BITS 16

/* ---- slots ---- */

net_link_t *net_find(net_t *net, link_t id) {
    uint64_t slot = id & ((1u << SLOT_BITS) - 1);
    net_link_t *link = slot < net->slots ? &net->links[slot] : NULL;
    return link != NULL && id != LINK_NONE && link->id == id ? link : NULL;
}

static void init_buffers(net_link_t *link, budget_t *budget) {
    link->in.budget = link->wire.budget = link->writing.budget = budget;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        link->lanes[lane].budget = budget;
    }
}

static void charge_buffers(net_link_t *link, budget_t *budget) {
    buffer_charge(&link->in, budget);
    buffer_charge(&link->wire, budget);
    buffer_charge(&link->writing, budget);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        buffer_charge(&link->lanes[lane], budget);
    }
}

static void free_buffers(net_link_t *link) {
    buffer_free(&link->in);
    buffer_free(&link->wire);
    buffer_free(&link->writing);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        buffer_free(&link->lanes[lane]);
    }
}

net_link_t *link_take(net_t *net, member_t member, bool dialled) {
    /* Those who come in never take the places of those whom we dial. */
    if (net->links_used == net->slots ||
        (!dialled && net->incoming >= net->slots - net->dial_count)) {
        return NULL;
    }
    net_link_t *link = &net->links[net->free_slots[net->slots - ++net->links_used]];
    invariant(link->state == LINK_FREE);
    net->incoming += dialled ? 0 : 1;
    *link = (net_link_t){.net = net,
                         .id = ++net->ordinal << SLOT_BITS | (uint64_t)(link - net->links),
                         .state = LINK_DIALLING,
                         .member = member,
                         .dialled = dialled,
                         .attention = link->attention, /* it may still stand in the list */
                         .ping_ms = net->options.handshake_timeout_ms / 2,
                         .born_ms = net_now_ms(net),
                         .heard_ms = net_now_ms(net)};
    /* Whoever has not proved to be a member shares what is set aside for strangers. */
    init_buffers(link, dialled ? &net->member_budget : &net->client_budget);
    int error = uv_tcp_init(net->options.loop, &link->tcp);
    ensure(error == 0); /* makes no socket yet */
    link->tcp.data = link;
    return link;
}

static void on_closed(uv_handle_t *handle) {
    net_link_t *link = handle->data;
    net_t *net = link->net;
    if (link->tls.ssl != NULL) {
        tls_session_close(&link->tls);
    }
    free_buffers(link);
    link->state = LINK_FREE;
    link->id = LINK_NONE;
    net->incoming -= link->dialled ? 0 : 1;
    net->free_slots[net->slots - net->links_used--] = (uint32_t)(link - net->links);
    if (link->dialled && link->member < net->dial_count) {
        dial_again(&net->dials[link->member]);
    }
    net_check_end(net);
}

/* ---- end ---- */

static void tell_down(net_link_t *link) {
    net_t *net = link->net;
    if (link->reported) {
        link->reported = false;
        *(link->member == MEMBER_NONE ? &net->counters.clients_up : &net->counters.members_up) -= 1;
        net->dirty = true;
        net->events.on_down(net->events.context, link->id);
    }
}

void link_close(net_link_t *link) {
    net_t *net = link->net;
    if (link->state == LINK_CLOSING || link->state == LINK_FREE) {
        return;
    }
    if (link->state == LINK_SHAKING && !link->dialled) {
        net->shaking--;
    }
    link->state = LINK_CLOSING;
    uv_close((uv_handle_t *)&link->tcp, on_closed);
    tell_down(link);
}

static void log_link(const net_link_t *link, int level, const char *event, const char *why) {
    char member[16] = "none";
    if (link->member != MEMBER_NONE) {
        (void)snprintf(member, sizeof member, "%" PRIu32, link->member);
    }
    log_event(link->net->options.log, level, "net", event, "member=%s address=%s why=\"%s\"",
              member, link->address[0] != '\0' ? link->address : "unknown", why);
}

void link_fail(net_link_t *link, int level, const char *event, const char *why) {
    if (link->state != LINK_CLOSING && link->state != LINK_FREE) {
        dial_note(link, why);
        log_link(link, level, event, why);
        link_close(link);
    }
}

void link_drain(net_link_t *link) {
    invariant(link->state == LINK_OPEN);
    link->state = LINK_DRAINING;
    link->drain_ms = net_now_ms(link->net);
    if (link->ended != NULL) {
        link_close(link);
        return;
    }
    link_read_start(link); /* to see the peer let go; what comes is not looked at */
    tell_down(link);
    link_mark(link);
}

void link_refuse(net_link_t *link, synod_status status, const char *why) {
    uint8_t body[GOODBYE_BYTES_MAX];
    goodbye_t goodbye = {.status = status};
    writer_t writer = writer_of(body, sizeof body);
    (void)snprintf(goodbye.reason, sizeof goodbye.reason, "%s", why);
    goodbye_encode(&goodbye, &writer);
    link_queue_frame(link, FRAME_GOODBYE, writer_bytes(&writer));
    dial_note(link, why);
    log_link(link, LOG_WARNING, "refused", why);
    link_drain(link);
}

/* ---- birth ---- */

static bool judge_key(void *context, const tls_key_t *key) {
    const net_link_t *link = context;
    const net_t *net = link->net;
    if (link->dialled) {
        return memcmp(net->peers[link->member].key.bytes, key->bytes, sizeof key->bytes) == 0;
    }
    return net_member_of_key(net, key) != MEMBER_NONE;
}

static void note_address(net_link_t *link) {
    struct sockaddr_storage address;
    int size = sizeof address;
    char host[48] = "unknown";
    if (uv_tcp_getpeername(&link->tcp, (struct sockaddr *)&address, &size) == 0 &&
        uv_ip_name((struct sockaddr *)&address, host, sizeof host) == 0) {
        bool v6 = address.ss_family == AF_INET6;
        uint16_t port = ntohs(v6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                 : ((struct sockaddr_in *)&address)->sin_port);
        (void)snprintf(link->address, sizeof link->address, v6 ? "[%s]:%u" : "%s:%u", host, port);
    }
}

void link_begin(net_link_t *link) {
    tls_side_t side = link->dialled ? TLS_DIALS : TLS_ACCEPTS;
    link->state = LINK_SHAKING;
    link->net->shaking += link->dialled ? 0 : 1;
    note_address(link);
    (void)uv_tcp_nodelay(&link->tcp, 1);
    if (!tls_session_open(link->net->tls, &link->tls, side, &link->wire, judge_key, link)) {
        link_fail(link, LOG_ERROR, "lost", "no memory for TLS");
        return;
    }
    link_read_start(link);
    if (link->dialled) {
        link_shake(link);
    }
}

/* The one of those who came in that has been longest in this state; NULL: there is none. */
static net_link_t *find_oldest(net_t *net, link_state_t state) {
    net_link_t *oldest = NULL;
    for (uint32_t slot = 0; slot < net->slots; slot++) {
        net_link_t *link = &net->links[slot];
        if (link->state == state && !link->dialled && (oldest == NULL || link->id < oldest->id)) {
            oldest = link;
        }
    }
    return oldest;
}

/* The oldest stranger in the handshake makes room: one who is not slow needs one round trip. */
static void bound_shaking(net_t *net) {
    if (net->shaking < SHAKING_MAX) {
        return;
    }
    net_link_t *oldest = find_oldest(net, LINK_SHAKING);
    invariant(oldest != NULL);
    net->counters.refused++;
    link_fail(oldest, LOG_INFO, "refused", "too many handshakes at once");
}

static void on_turned_away(void *data) {
    net_t *net = data;
    net->handles--;
    net_check_end(net);
}

/* Who was told to go and does not hurry makes room for the next. */
static void turn_away(net_t *net) {
    net_link_t *leaving = find_oldest(net, LINK_DRAINING);
    if (leaving != NULL) {
        link_close(leaving);
    }
    net->counters.refused++;
    net->handles += listen_turn_away(&net->listener, on_turned_away) ? 1 : 0;
}

void link_accept(net_t *net) {
    bound_shaking(net);
    net_link_t *link = link_take(net, MEMBER_NONE, false);
    if (link == NULL) {
        turn_away(net);
        return;
    }
    int error = uv_accept((uv_stream_t *)&net->listener, (uv_stream_t *)&link->tcp);
    if (error != 0) {
        link_fail(link, LOG_WARNING, "accept", uv_strerror(error));
        return;
    }
    net->counters.accepted++;
    link_begin(link);
}

/* ---- the handshake is done ---- */

/* Why a peer whose key is good is not taken all the same; NULL: it is. */
static const char *judge_peer(const net_link_t *link) {
    const net_t *net = link->net;
    if (link->member == MEMBER_NONE) {
        return net->counters.clients_up < net->options.clients_max
                   ? NULL
                   : "as many clients as the configuration allows are connected";
    }
    if (link->dialled || net->options.self == MEMBER_NONE || link->member > net->options.self) {
        return NULL;
    }
    return link->member == net->options.self
               ? "it has the keys of this node: two nodes must not run with one key"
               : "the member of the higher index dials, not this one";
}

/* A newer channel of a member takes the place of an older one, which may be half-open. */
static void replace_older(net_link_t *link) {
    net_t *net = link->net;
    for (uint32_t slot = 0; slot < net->slots && link->member != MEMBER_NONE; slot++) {
        net_link_t *other = &net->links[slot];
        if (other != link && other->state == LINK_OPEN && other->member == link->member) {
            link_fail(other, LOG_INFO, "replaced", "a newer connection of the same member");
        }
    }
}

static uint64_t draw_connection(void) {
    uint64_t number = 0;
    ssize_t got = getrandom(&number, sizeof number, 0);
    invariant(got == (ssize_t)sizeof number); /* so short a read does not fail once seeded */
    return number;
}

static void establish(net_link_t *link) {
    net_t *net = link->net;
    net->counters.handshakes++;
    net->shaking -= link->dialled ? 0 : 1;
    link->state = LINK_OPEN;
    if (!link->dialled && link->tls.peer_has_key) {
        link->member = net_member_of_key(net, &link->tls.peer_key);
        charge_buffers(link, &net->member_budget);
    }
    const char *why = judge_peer(link);
    if (why != NULL) {
        net->counters.refused++;
        link_refuse(link, link->member == MEMBER_NONE ? SYNOD_BUSY : SYNOD_IN_USE, why);
        return;
    }
    replace_older(link);
    dial_note(link, "");
    log_link(link, LOG_DETAIL, "up", link->dialled ? "dialled" : "accepted");
    *(link->member == MEMBER_NONE ? &net->counters.clients_up : &net->counters.members_up) += 1;
    link->reported = true;
    net->dirty = true;
    net->events.on_up(net->events.context, link->id, link->member, draw_connection());
}

void link_shake(net_link_t *link) {
    tls_step_t step = tls_handshake(&link->tls);
    link_flush(link); /* the answer, or the alert */
    if (link->state != LINK_SHAKING || step == TLS_AGAIN) {
        return;
    }
    if (step == TLS_DONE) {
        establish(link);
        return;
    }
    link->net->counters.handshakes_failed++;
    link_fail(link, LOG_WARNING, "handshake", link->tls.failure);
}

/* ---- time-outs ---- */

static void time_out(net_link_t *link, const char *why) {
    link->net->counters.timeouts++;
    link_fail(link, link->state == LINK_OPEN ? LOG_INFO : LOG_DETAIL, "timeout", why);
}

/* Does what is at the socket leave? A peer whose window stays shut may still send pings. */
static bool is_stalled(net_link_t *link, uint64_t now) {
    size_t waiting =
        link->write_runs ? uv_stream_get_write_queue_size((uv_stream_t *)&link->tcp) : 0;
    if (waiting == 0 || waiting != link->stalled_bytes) {
        link->stalled_bytes = waiting;
        link->stalled_ms = now;
    }
    return now - link->stalled_ms > link->net->options.idle_timeout_ms;
}

static void tick_open(net_link_t *link, uint64_t now) {
    const net_options_t *options = &link->net->options;
    if (!link->greeted && now - link->born_ms > options->handshake_timeout_ms) {
        time_out(link, "it said nothing after the handshake");
    } else if (link->partial_ms != 0 && !link->backlog &&
               now - link->partial_ms > options->frame_timeout_ms) {
        time_out(link, "a frame did not come to its end");
    } else if (!link->backlog && now - link->heard_ms > options->idle_timeout_ms) {
        time_out(link, "nothing was heard of it");
    } else if (is_stalled(link, now)) {
        time_out(link, "it does not read what is sent to it");
    } else if (now - link->heard_ms >= link->ping_ms && now - link->pinged_ms >= link->ping_ms) {
        link->pinged_ms = now;
        link_queue_frame(link, FRAME_PING, (bytes_t){0});
    }
}

void link_tick(net_link_t *link) {
    uint64_t now = net_now_ms(link->net);
    switch (link->state) {
    case LINK_DIALLING:
    case LINK_SHAKING:
        if (now - link->born_ms > link->net->options.handshake_timeout_ms) {
            time_out(link, "the handshake took too long");
        }
        break;
    case LINK_OPEN:
        link_trim(link);
        tick_open(link, now);
        break;
    case LINK_DRAINING:
        if (now - link->drain_ms > link->net->options.drain_ms) {
            link_close(link);
        }
        break;
    default:
        break;
    }
}
