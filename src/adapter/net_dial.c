/* Dialling members: names, connecting, pauses that grow with jitter. */
#include <inttypes.h>
#include <stdio.h>

#include "adapter/net_state.h"
#include "base/check.h"

/* A member that cannot be reached is worth a line now and then, not at each attempt. */
#define ATTEMPTS_PER_LINE 64

static void on_pause_over(uv_timer_t *timer) {
    dial_start(timer->data);
}

void dial_open(net_dial_t *dial, net_t *net, member_t member) {
    *dial = (net_dial_t){.net = net, .member = member, .pause_ms = net->options.dial_min_ms};
    (void)uv_timer_init(net->options.loop, &dial->timer);
    dial->timer.data = dial;
    net->dials_open++;
}

void dial_again(net_dial_t *dial) {
    net_t *net = dial->net;
    if (net->stopping) {
        return;
    }
    dial->attempts++;
    /* From half of the pause to all of it, so that members that lost a peer together do not come
     * back together. */
    uint64_t pause =
        prng_between(&net->jitter, dial->pause_ms - dial->pause_ms / 2, dial->pause_ms);
    dial->pause_ms *= 2;
    if (dial->pause_ms > net->options.dial_max_ms) {
        dial->pause_ms = net->options.dial_max_ms;
    }
    (void)uv_timer_start(&dial->timer, on_pause_over, pause, 0);
}

void dial_heard(net_t *net, member_t member) {
    net_dial_t *dial = &net->dials[member];
    dial->pause_ms = net->options.dial_min_ms;
    dial->attempts = 0;
}

void dial_note(const net_link_t *link, const char *why) {
    if (link->dialled && link->member < link->net->dial_count) {
        net_dial_t *dial = &link->net->dials[link->member];
        (void)snprintf(dial->trouble, sizeof dial->trouble, "%s", why);
    }
}

static void log_failure(net_dial_t *dial, const char *why) {
    char address[ADDRESS_TEXT_MAX];
    (void)snprintf(dial->trouble, sizeof dial->trouble, "%s", why);
    bool tell = dial->attempts % ATTEMPTS_PER_LINE == 0;
    address_print(&dial->net->peers[dial->member].address, address);
    log_event(dial->net->options.log, tell ? LOG_INFO : LOG_DETAIL, "net", "unreachable",
              "member=%" PRIu32 " address=%s attempts=%" PRIu32 " why=\"%s\"", dial->member,
              address, dial->attempts + 1, why);
}

static void on_connected(uv_connect_t *request, int status) {
    net_link_t *link = request->data;
    if (link->state == LINK_CLOSING) {
        return;
    }
    if (status != 0) {
        log_failure(&link->net->dials[link->member], uv_strerror(status));
        link_close(link); /* dials again when the handle is closed */
        return;
    }
    link_begin(link);
}

static void connect_to(net_dial_t *dial, const struct sockaddr *address) {
    net_t *net = dial->net;
    net_link_t *link = link_take(net, dial->member, true);
    invariant(link != NULL); /* there is a slot for each member that is dialled */
    net->counters.dialled++;
    link->connect.data = link;
    int error = uv_tcp_connect(&link->connect, &link->tcp, address, on_connected);
    if (error != 0) {
        log_failure(dial, uv_strerror(error));
        link_close(link);
    }
}

/* ---- names ---- */

static void set_port(struct sockaddr *address, uint16_t port) {
    if (address->sa_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    }
}

/* Each attempt takes the next of the addresses that the name has. */
static struct addrinfo *choose(struct addrinfo *list, uint32_t attempt) {
    uint32_t count = 0;
    for (struct addrinfo *item = list; item != NULL; item = item->ai_next) {
        count++;
    }
    for (uint32_t skip = count > 0 ? attempt % count : 0; skip > 0; skip--) {
        list = list->ai_next;
    }
    return list;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
    net_dial_t *dial = request->data;
    net_t *net = dial->net;
    dial->resolving = false;
    if (net->stopping) {
        net_check_end(net);
    } else if (status != 0 || list == NULL) {
        log_failure(dial, status != 0 ? uv_strerror(status) : "the name has no address");
        dial_again(dial);
    } else {
        struct addrinfo *item = choose(list, dial->attempts);
        set_port(item->ai_addr, net->peers[dial->member].address.port);
        connect_to(dial, item->ai_addr);
    }
    uv_freeaddrinfo(list);
}

/* By libuv's pool, which has nothing else to do here: a slow name server delays no fsync and no
 * signature (attack N12). */
static void resolve(net_dial_t *dial, const char *host) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    dial->resolve.data = dial;
    int error =
        uv_getaddrinfo(dial->net->options.loop, &dial->resolve, on_resolved, host, NULL, &hints);
    if (error != 0) {
        log_failure(dial, uv_strerror(error));
        dial_again(dial);
        return;
    }
    dial->resolving = true;
}

void dial_start(net_dial_t *dial) {
    const address_t *address = &dial->net->peers[dial->member].address;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (dial->net->stopping) {
        return;
    }
    if (uv_ip4_addr(address->host, address->port, &v4) == 0) {
        connect_to(dial, (const struct sockaddr *)&v4);
    } else if (uv_ip6_addr(address->host, address->port, &v6) == 0) {
        connect_to(dial, (const struct sockaddr *)&v6);
    } else {
        resolve(dial, address->host);
    }
}

static void on_timer_closed(uv_handle_t *handle) {
    net_dial_t *dial = handle->data;
    dial->net->dials_open--;
    net_check_end(dial->net);
}

void dial_close(net_dial_t *dial) {
    if (dial->resolving) {
        (void)uv_cancel((uv_req_t *)&dial->resolve);
    }
    uv_close((uv_handle_t *)&dial->timer, on_timer_closed);
}
