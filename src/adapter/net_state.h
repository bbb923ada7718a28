/* The inside of uv_net: what its files share.
 *   uv_net.c    open, listen, turns and ticks, stop    net_link.c  one link from birth to end
 *   net_dial.c  names, connecting, pauses              net_send.c  lanes, encryption, writing
 *   net_frame.c bytes to frames
 *
 * Invariants: events are given from libuv's callbacks only, never from within net_send or
 * net_close, which only mark a link for attention; on_down follows each on_up exactly once; a slot
 * is used again only when libuv has let go of its handle. */
#ifndef ADAPTER_NET_STATE_H
#define ADAPTER_NET_STATE_H

#include "adapter/meter.h"
#include "adapter/uv_net.h"
#include "base/prng.h"

/* Ciphertext that waits for the socket; more stays in the lanes, where consensus overtakes. */
#define WIRE_HIGH_BYTES ((size_t)256 << 10)
/* Frames are gathered for TLS up to here, so that small ones share a record. */
#define GATHER_BYTES ((size_t)64 << 10)
/* From here on a frame for an idle link is encrypted from the caller's memory. */
#define DIRECT_BYTES ((size_t)32 << 10)
/* One read of the socket, and the plain text of one record. */
#define READ_BYTES ((size_t)64 << 10)
#define RECORD_BYTES ((size_t)16 << 10)
/* What one peer may have done in one turn (attack N7). */
#define TURN_FRAMES_MAX 256
#define TURN_BYTES_MAX ((size_t)1 << 20)
/* Strangers in the handshake; when there are more, the oldest goes. */
#define SHAKING_MAX 64

typedef enum link_state {
    LINK_FREE = 0,
    LINK_DIALLING, /* TCP */
    LINK_SHAKING,  /* TLS */
    LINK_OPEN,
    LINK_DRAINING, /* on_down was given; what is queued leaves */
    LINK_CLOSING   /* libuv has not yet let go */
} link_state_t;

typedef struct net_link {
    net_t *net;
    link_t id;
    link_state_t state;
    member_t member; /* whom we dialled, later: who it is */
    bool dialled;
    bool reported; /* on_up was given, on_down was not */
    bool greeted;  /* sent its first frame */

    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    bool write_runs, shutdown_runs, finished;
    char address[64];

    tls_session_t tls;
    buffer_t in;
    buffer_t lanes[LANE_COUNT];
    buffer_t wire, writing; /* ciphertext: next, and at the socket */

    /* marks for the end of the turn */
    bool attention, close_wanted;
    const char *doomed; /* why it must end */

    /* receiving */
    bool backlog;      /* whole frames wait for the next turn; the socket is not read meanwhile */
    const char *ended; /* the peer sends no more; the link ends when the backlog is done */
    uint64_t turn;
    uint32_t turn_frames;
    size_t turn_bytes;

    /* uv_now; 0 = not so */
    uint64_t born_ms, heard_ms, pinged_ms, partial_ms, stalled_ms, drain_ms;
    size_t stalled_bytes;
    /* Silence after which a ping is sent: soon, while the first frame is owed, because a replica
     * says no hello before it has recovered. */
    uint64_t ping_ms;
} net_link_t;

/* A member that we dial. */
typedef struct net_dial {
    net_t *net;
    member_t member;
    uv_timer_t timer;
    uv_getaddrinfo_t resolve;
    bool resolving;
    uint64_t pause_ms;
    uint32_t attempts; /* since it was last heard */
    char trouble[128]; /* what ended the last attempt or link; empty: nothing yet */
} net_dial_t;

struct net {
    net_options_t options;
    net_events_t events;
    net_peer_t *peers;
    tls_t *tls;
    net_counters_t counters;
    budget_t member_budget, client_budget;
    prng_t jitter;

    uv_tcp_t listener;
    uv_prepare_t prepare;
    uv_idle_t idle; /* runs while there is a backlog, so that the loop does not sleep */
    uv_timer_t tick;
    bool listens, dirty, stopping, ending;
    uint32_t handles; /* that libuv has not let go of, without those of links and dials */
    uint32_t dials_open;
    uint16_t port;

    net_link_t *links;
    uint32_t slots, links_used;
    uint32_t incoming, shaking; /* accepted ones; those of them in the handshake */
    uint32_t *free_slots;       /* slots - links_used of them */
    uint32_t *attention, attention_count;
    uint32_t *backlog, backlog_count;
    uint64_t ordinal, turn;

    net_dial_t *dials;
    uint32_t dial_count;
    uint8_t read_room[READ_BYTES];
};

/* ---- uv_net.c ---- */
/* Looks whether the stop is complete. */
void net_check_end(net_t *net);
member_t net_member_of_key(const net_t *net, const tls_key_t *key);
static inline uint64_t net_now_ms(const net_t *net) {
    return uv_now(net->options.loop);
}

/* ---- net_dial.c ---- */
void dial_open(net_dial_t *dial, net_t *net, member_t member);
void dial_start(net_dial_t *dial);
/* The link or the attempt is over: try again after a pause. */
void dial_again(net_dial_t *dial);
/* The member spoke: pauses start small again. */
void dial_heard(net_t *net, member_t member);
/* Why a link ended, if it was dialled from here. */
void dial_note(const net_link_t *link, const char *why);
void dial_close(net_dial_t *dial);

/* ---- net_link.c ---- */
/* NULL: no slot is free. */
net_link_t *link_take(net_t *net, member_t member, bool dialled);
net_link_t *net_find(net_t *net, link_t id);
void link_accept(net_t *net);
/* TCP is up: TLS begins. */
void link_begin(net_link_t *link);
/* Goes on with the handshake as far as what came allows. */
void link_shake(net_link_t *link);
/* Ends it now, with a line in the log. */
void link_fail(net_link_t *link, int level, const char *event, const char *why);
/* Says why, lets what is queued leave, and ends it. */
void link_refuse(net_link_t *link, synod_status status, const char *why);
void link_drain(net_link_t *link);
void link_close(net_link_t *link);
void link_tick(net_link_t *link);

/* ---- net_frame.c ---- */
void link_read_start(net_link_t *link);
/* Gives whole frames, as many as the turn allows. */
void link_deliver(net_link_t *link);

/* ---- net_send.c ---- */
void link_mark(net_link_t *link);
/* Any bytes of a frame into a lane; false when there is no room. */
bool link_queue(net_link_t *link, lane_t lane, bytes_t frame);
/* A frame of the adapter's own. `body` may be empty. */
void link_queue_frame(net_link_t *link, frame_kind_t kind, bytes_t body);
void link_flush(net_link_t *link);
/* Gives back what the buffers do not need. */
void link_trim(net_link_t *link);

#endif
