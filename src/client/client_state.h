/* The client's inside: what its files share. One file a concern:
 *   client_core.c   inputs, ticks, looking     client_batch.c  operations into signed requests
 *   client_open.c   configuration, memory      client_send.c   to whom, and again when
 *   client_link.c   handshake, attaching       client_reply.c  answers to requests
 *   client_session.c  opening, expiry          client_query.c  reads
 *
 * Batches form one queue: first those that were sent or are done, then `waiting` ones, of which the
 * last may still fill. Their frames lie in one ring of bytes in the same order, each in one piece.
 *
 * Invariants: next_sequence - 1 - acknowledged <= window; every sequence up to `acknowledged` is
 * settled, and acknowledged + 1 is not; a sequence names operations of this session only, for ever;
 * tokens of the queue are consecutive; a batch that was never sent has no sequence. */
#ifndef CLIENT_CLIENT_STATE_H
#define CLIENT_CLIENT_STATE_H

#include "base/check.h"
#include "base/prng.h"
#include "client/client_ballot.h"
#include "client/client_core.h"
#include "codec/sync_codec.h"

#define TIME_NEVER UINT64_MAX
#define OPEN_FRAME_BYTES                                                                           \
    (FRAME_HEADER_BYTES + REQUEST_HEADER_BYTES + 4 + REQUEST_OPEN_BYTES + SYNOD_SIGNATURE_BYTES)
/* What a request has around one operation. */
#define REQUEST_AROUND_BYTES (REQUEST_HEADER_BYTES + 4 + SYNOD_SIGNATURE_BYTES)

/* When to send again. */
typedef struct schedule {
    uint64_t at_ns, interval_ns;
} schedule_t;

typedef struct peer {
    client_link_t link; /* LINK_NONE: not connected */
    bool greeted;       /* its hello was accepted; `attach` fits this link */
    uint64_t attached_ns;
    member_t hint; /* whom it last named as leader; MEMBER_NONE: nobody */
    uint64_t lies;
    uint8_t attach[FRAME_HEADER_BYTES + ATTACH_BYTES];
} peer_t;

typedef enum batch_state { BATCH_WAITING = 1, BATCH_SENT = 2, BATCH_DONE = 3 } batch_state_t;

typedef struct batch {
    batch_state_t state;
    bool closed;     /* takes no more operations */
    bool reported;   /* sent, and its operations were reported as UNKNOWN */
    bool reached;    /* the last round found a link */
    size_t at, size; /* the frame in the ring of bytes, room for the signature included */
    uint32_t operations;
    uint64_t first_token, sequence, started_ns;
    member_t sent_to; /* of the last round; MEMBER_NONE: all */
    schedule_t retry;
} batch_t;

/* One sequence number of the window. */
typedef struct place {
    uint64_t sequence; /* 0: not used yet */
    uint32_t batch;    /* index of the batch, until settled */
    bool settled;
    bool ran; /* settled by a result, whose digest is `accepted` */
    digest_t accepted;
    ballot_t ballot;
} place_t;

typedef struct question {
    uint64_t token; /* 0: free */
    bool prove;
    size_t size; /* of the frame */
    uint64_t started_ns;
    schedule_t retry;
    bytes_t asked; /* the application's bytes, in the frame */
    uint8_t *frame;
    ballot_t ballot;
} question_t;

typedef enum client_phase {
    CLIENT_IDLE = 1,    /* before start: reads only */
    CLIENT_OPENING = 2, /* no session, or one that may have been evicted while it was idle */
    CLIENT_READY = 3,
    CLIENT_REFUSED = 4 /* the replicas refuse the key */
} client_phase_t;

struct client {
    client_config_t config;
    client_phase_t phase;
    uint64_t now_ns;
    uint64_t wake_at; /* as told to the host; TIME_NEVER: no wish */
    prng_t prng;
    uint64_t one_honest; /* weight of f + 1 */
    uint32_t window;

    /* links */
    peer_t *peers; /* by member */
    uint32_t greeted;
    member_t preferred; /* MEMBER_NONE: send to all */
    member_t avoided;   /* it failed us; nobody's word makes it preferred before avoided_until */
    uint64_t avoided_until;

    /* session */
    uint64_t session;      /* 0: none */
    uint64_t past_session; /* the newest that is known to be gone */
    uint64_t nonce;
    uint64_t next_sequence, acknowledged;
    uint64_t used_ns; /* when a reply last showed that the session is alive */
    schedule_t open_retry;
    ballot_t open_ballot;
    uint64_t *expired_by; /* set of members */
    uint8_t open_frame[OPEN_FRAME_BYTES];

    /* requests */
    batch_t *batches;
    uint32_t batches_max, head, count, waiting;
    uint32_t outstanding; /* sent and not reported yet */
    uint8_t *room;
    size_t room_bytes;
    size_t request_bytes_max;
    uint64_t next_token;
    uint64_t unfinished; /* operations without a completion */
    place_t *places;     /* by sequence % window */

    /* reads */
    question_t *questions;
    uint64_t next_question;
    client_counters_t counters;
    char text[256]; /* log line */
};

/* ---- client_core.c ---- */
void client_log(client_t *c, int level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The host will be asked to tick no later than that. */
void client_wake(client_t *c, uint64_t at_ns);

/* ---- client_link.c ---- */
void link_hello(client_t *c, member_t member, bytes_t body);
void client_link_take(client_t *c, client_link_t link, member_t member);
void link_lost(client_t *c, member_t member);
/* MEMBER_NONE when it is not the current link of a member (attack C5). */
member_t link_member(const client_t *c, client_link_t link);
/* Proves the key where that was not done in the last `pause_ns`: a replica that was starting, or
 * had to forget it, sends no replies otherwise. */
void link_attach_all(client_t *c, uint64_t pause_ns);

/* ---- client_send.c ---- */
void schedule_start(client_t *c, schedule_t *schedule);
/* The next time, later by twice as much as the last. */
void schedule_next(client_t *c, schedule_t *schedule);
bool send_to(client_t *c, member_t member, bytes_t frame);
/* How many links it went to. */
uint32_t send_all(client_t *c, bytes_t frame);
bytes_t batch_frame(const client_t *c, const batch_t *batch);
void batch_send_first(client_t *c, batch_t *batch);
/* The only one that was asked refuses: the others are asked at once, for one alone is not
 * believed. */
void batch_ask_all(client_t *c, batch_t *batch, member_t from);
/* Retries of all that is due, of requests; sets wishes for the rest. */
void batch_retry_due(client_t *c);
/* Requests that found no link, or whose only addressee was `lost`, go to whoever is there. */
void batch_lost(client_t *c, member_t lost);
/* Requests that found no link, or are for all, go to the newcomer. */
void batch_greet(client_t *c, member_t member);
/* The next request goes to the one of these who spoke first and is not avoided. */
void prefer_first(client_t *c, const ballot_t *ballot, const answer_t *like);
/* A member named the leader (its index + 1; 0: unknown). */
void hint_take(client_t *c, member_t from, uint64_t named);

/* ---- client_batch.c ---- */
batch_t *batch_at(client_t *c, uint32_t position);
/* Seals and sends what may go now. */
void batch_pump(client_t *c);
/* Forgets what is done at the front. */
void batch_release(client_t *c);
/* What was sent and not answered in time is reported as UNKNOWN. */
void batch_report_unknown(client_t *c);
/* Operations that could not be sent in time complete as BUSY. */
void batch_give_up(client_t *c);
/* Every operation of the batch completes with the same status and no result. */
void batch_complete(client_t *c, const batch_t *batch, const client_completion_t *like);
place_t *place_of(client_t *c, uint64_t sequence);

/* ---- client_session.c ---- */
/* Asks for the first session, under a fresh nonce. */
void session_open(client_t *c);
/* Sends the open to one replica that has just been greeted. */
void session_open_to(client_t *c, member_t member);
void session_tick(client_t *c);
/* Idle for so long that it may be gone: asks before it is used. */
bool session_is_doubtful(const client_t *c);
void session_probe(client_t *c);
void session_on_opened(client_t *c, member_t member, const reply_t *reply);
void session_on_expired(client_t *c, member_t member);

/* ---- client_reply.c ---- */
void reply_take(client_t *c, member_t member, bytes_t body);
digest_t reply_digest(const reply_t *reply);

/* ---- client_query.c ---- */
void query_take(client_t *c, member_t member, bytes_t body);
void query_tick(client_t *c);
/* Questions that wait are put to a replica that has just been greeted. */
void query_greet(client_t *c, member_t member);

#endif
