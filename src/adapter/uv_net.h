/* Links to members and clients: TCP, TLS 1.3, frames (docs/adr/0003-files-and-keys.md).
 *
 * The member of the higher index dials the one of the lower, so there are no simultaneous connects
 * (attack N10); a broken link is dialled again after a pause that grows, with jitter. All are
 * accepted at one port: a peer whose TLS key is in the genesis is that member, one that shows no
 * certificate is a client, one with any other key is refused.
 *
 * What a peer can cost is bounded: time of the handshake, of a frame and of silence; memory of all
 * clients together; queues of each lane; frames and bytes taken from one peer in one turn of the
 * loop (attacks N1, N4, N5, N7). Reaching a bound is counted and logged.
 *
 * Nothing here calls back from within a call: events come from the loop. Each turn ends with
 * on_turn, and then all that was sent leaves, one write a link. */
#ifndef ADAPTER_UV_NET_H
#define ADAPTER_UV_NET_H

#include <uv.h>

#include "adapter/address.h"
#include "adapter/log.h"
#include "adapter/tls.h"
#include "codec/frame.h"
#include "model/ids.h"
#include "replica/host.h"

typedef struct net net_t;

/* A member as the genesis lists it. */
typedef struct net_peer {
    address_t address;
    tls_key_t key;
} net_peer_t;

typedef struct net_events {
    void *context;
    /* A channel is up. `member`: whose key it proved, MEMBER_NONE for a client. */
    void (*on_up)(void *context, link_t link, member_t member, uint64_t connection);
    /* Once for each link that came up, also when net_close asked for it. */
    void (*on_down)(void *context, link_t link);
    /* Any frame but ping and pong; the body is borrowed for the call. */
    void (*on_frame)(void *context, link_t link, frame_t frame);
    /* All inputs of this turn were given: say what is to be sent. May come twice in a turn. */
    void (*on_turn)(void *context);
} net_events_t;

typedef struct net_options {
    uv_loop_t *loop;
    log_t *log;              /* may be NULL */
    const uint8_t *tls_seed; /* NULL: a client, which shows no certificate */
    const net_peer_t *peers; /* copied */
    uint32_t peer_count;
    member_t self;           /* dials all below; MEMBER_NONE: all */
    const address_t *listen; /* NULL: nobody is accepted */
    uint32_t clients_max;
    struct meter *meter;        /* NULL: nobody counts */
    size_t client_memory_bytes; /* that all clients together may make us hold */
    uint64_t dial_min_ms, dial_max_ms;
    uint64_t handshake_timeout_ms; /* until the first frame */
    uint64_t frame_timeout_ms, ping_interval_ms, idle_timeout_ms;
    /* A link that was told to close has so long to write what is queued and to be let go; 2000. */
    uint64_t drain_ms;
} net_options_t;

/* Zero numbers get the defaults of the configuration file (settings.h). IN_USE: the port is taken.
 */
synod_status net_open(const net_options_t *options, const net_events_t *events, net_t **net,
                      reason_t *reason);
/* The port in use, when the one wished was 0. */
uint16_t net_port(const net_t *net);

/* As host.h says. Unknown links are ignored. */
void net_send(net_t *net, const link_t *links, uint32_t count, lane_t lane, bytes_t frame);
void net_close(net_t *net, link_t link);

/* Accepts and dials no more; says goodbye to all and closes, within two seconds. */
void net_stop(net_t *net, synod_status status, const char *why);
/* After net_stop: has everything ended? Then, and only then, net_free. */
bool net_stopped(const net_t *net);
void net_free(net_t *net);

typedef struct net_counters {
    uint64_t accepted, dialled, handshakes, handshakes_failed;
    uint64_t refused;             /* keys, bounds of clients, wrong direction */
    uint64_t malformed;           /* frames that ended their link */
    uint64_t timeouts, overflows; /* links ended by a time-out or a full queue */
    uint64_t frames_in, bytes_in, frames_out, bytes_out; /* before TLS */
    uint64_t kind_bytes_in[FRAME_KIND_END], kind_bytes_out[FRAME_KIND_END];
    uint64_t frames_dropped[LANE_COUNT];
    uint64_t turns_cut; /* a peer had more to say than one turn takes */
    uint32_t members_up, clients_up;
} net_counters_t;
const net_counters_t *net_counters(const net_t *net);
/* How long ago anything was heard on an open link; UINT64_MAX: it is none. */
uint64_t net_silence_ms(net_t *net, link_t link);
/* What ended the last link to a member that is dialled from here, or kept it from coming up; empty:
 * nothing. Borrowed until the next turn. */
const char *net_trouble(const net_t *net, member_t member);
/* Bytes that wait in a lane of all links together. */
size_t net_lane_bytes(const net_t *net, lane_t lane);

#endif
