/* The ledger: what the ordered log does. It owns the session table: check, execute, record.
 *
 * Everything here is a function of the delivered blocks: same blocks, same sessions, same replies,
 * same root on every replica. So every bound that decides an outcome is a parameter of the chain.
 *
 * A request runs at most once (attacks C1, C3, H15): its session remembers which sequence numbers
 * above `acknowledged` ran, and their replies until the client acknowledged them or the session's
 * reply memory had to make room (then: that it ran, without the result). A session is opened by an
 * ordered request; when the table is full, the least recently used session goes if it was idle long
 * enough in agreed time, else the open is answered BUSY. Requests of a session that is gone are
 * answered EXPIRED (attack C7). All rules, roots and the stream: docs/formats/sessions.md.
 *
 * The caller owes: the signature of every request holds under the key that its session has when the
 * request is executed (an open: under the key that it carries). The ledger checks no signatures.
 */
#ifndef REPLICA_LEDGER_H
#define REPLICA_LEDGER_H

#include <synod/app.h>

#include "codec/request.h"
#include "model/block.h"

#define LEDGER_SESSIONS_MAX (1u << 20)
#define LEDGER_WINDOW_MAX (1u << 16)
#define LEDGER_REPLY_BYTES_MAX (2u << 20) /* a reply fits into a frame */
#define LEDGER_SESSION_REPLY_BYTES_MAX (16u << 20)
/* No snapshot has more (codec/snapshot_codec.h). */
#define LEDGER_STATE_BYTES_MAX (UINT64_C(4) << 30)
/* Least reply_bytes_max: the status and length of every operation that a request may have. */
#define LEDGER_REPLY_BYTES_MIN (5 * REQUEST_OPERATIONS_MAX)

typedef struct ledger_parameters {
    uint32_t sessions_max;        /* default 1,024; up to LEDGER_SESSIONS_MAX */
    uint32_t session_window;      /* outstanding requests a session, default 1,024; power of two */
    uint32_t session_reply_bytes; /* results kept a session, default 64 KiB */
    uint64_t session_idle_ns;     /* may be evicted when idle for longer than this: 10 minutes */
    uint32_t reply_bytes_max;     /* of one request's result; default 256 KiB (not all is kept) */
    uint64_t state_bytes_max;     /* of the application, as it counts; default 4 GiB */
} ledger_parameters_t;

typedef struct ledger ledger_t;

/* 0 when the parameters are out of bounds. Mostly address space: a session costs memory once it is
 * opened, for what it uses (attack C7 is why the table is bounded by a parameter of the chain). */
size_t ledger_bytes(const ledger_parameters_t *parameters);
/* `memory`: ledger_bytes, aligned to 16, zeroed. Opens the application too (its table is copied).
 * The verifier, which must outlive the ledger, judges keys of open requests. SYNOD_BAD_CONFIG:
 * parameters; SYNOD_UNSUPPORTED: an application that lacks a member, or wants validator updates. */
synod_status ledger_open(void *memory, const ledger_parameters_t *parameters, const synod_app *app,
                         const verifier_t *verifier, ledger_t **ledger);
void ledger_close(ledger_t *ledger);

/* Called for each request of an executed block, in order. The reply borrows until the call ends. */
typedef void ledger_reply_fn(void *context, const request_t *request, const reply_t *reply);

/* Executes a delivered block: heights are consecutive, the first is 1. `requests` are those of its
 * payload, decoded. `on_reply` may be NULL. */
void ledger_execute(ledger_t *ledger, const block_t *block, const request_t *requests,
                    uint32_t count, ledger_reply_fn *on_reply, void *context);

/* Before ordering: what would this request meet now? For mempool and gate, no guarantee. */
typedef enum ledger_standing {
    LEDGER_FRESH = 1,   /* not run; may be ordered */
    LEDGER_DONE = 2,    /* ran or settled: ledger_reply has what is known */
    LEDGER_GONE = 3,    /* the session was evicted: EXPIRED */
    LEDGER_OUTSIDE = 4, /* outside of the window: INVALID */
    /* The number was not given out here yet. This replica may be behind: it must not answer, else
     * f + 1 replicas that are behind tell a client that its live session is gone (attack C7). */
    LEDGER_UNOPENED = 5
} ledger_standing_t;
/* `acknowledged` is the request's: a window that only the request itself moves is not outside. */
ledger_standing_t ledger_standing(const ledger_t *ledger, uint64_t session, uint64_t sequence,
                                  uint64_t acknowledged);
/* The key that must have signed requests of a session; NULL when there is none such. */
const key_public_t *ledger_session_key(const ledger_t *ledger, uint64_t session);
/* The session that (key, nonce) opened, or 0. */
uint64_t ledger_find_session(const ledger_t *ledger, const key_public_t *key, uint64_t nonce);
/* What is known of a request that was ordered before, as execution would answer it again; borrows
 * until the next ledger_execute or ledger_load. True: the recorded reply. False: no result is kept;
 * status UNKNOWN and the height of its block when it ran, UNKNOWN and 0 when the client settled it
 * (or it never ran), EXPIRED or INVALID for a session that is gone or was never given out.
 * Sequence 0: the reply of the open that made the session. */
bool ledger_reply(const ledger_t *ledger, uint64_t session, uint64_t sequence, reply_t *reply);

height_t ledger_height(const ledger_t *ledger);
uint64_t ledger_time_ns(const ledger_t *ledger); /* agreed time of the last executed block */
uint64_t ledger_requests_executed(const ledger_t *ledger);
uint64_t ledger_operations_executed(const ledger_t *ledger);
uint32_t ledger_sessions(const ledger_t *ledger);

/* Root of a checkpoint: H over (application root, session root, committee root, order state). Costs
 * rehashing of what changed since the last call. `application_root` may be NULL. */
digest_t ledger_root(ledger_t *ledger, const digest_t *committee_root, bytes_t order_state,
                     digest_t *application_root);

/* The same of the ledger as it is now, in pieces, while blocks go on executing; what an application
 * cannot do in pieces is done at once. A root that was begun before is forgotten. */
void ledger_root_begin(ledger_t *ledger, const digest_t *committee_root, bytes_t order_state);
/* The next piece of the work; true when the roots are there. */
bool ledger_root_next(ledger_t *ledger, digest_t *root, digest_t *application_root);

/* That of the sessions in the last root computed or begun. */
digest_t ledger_session_root(const ledger_t *ledger);

/* The application's cheap judgement of an operation before it is ordered; SYNOD_OK if it has none.
 */
synod_status ledger_check(const ledger_t *ledger, bytes_t operation);

synod_status ledger_query(ledger_t *ledger, bytes_t query, bool prove, synod_writer *reply,
                          synod_writer *proof);

/* The whole ledger as one canonical stream, and back. Hostile bytes are judged: structure and
 * bounds here, the content by comparing ledger_root with a certified root afterwards (attack P24).
 *
 * Saving goes in pieces while blocks go on executing; what is saved is the ledger as it is at
 * ledger_save_begin: the sessions are copied then, the application keeps its own old values. Each
 * ledger_save_next appends up to the writer's limit_bytes; `*more` is false with the last piece.
 * SYNOD_TOO_LARGE: the writer refused what is within its limit. ledger_save_end at any time. */
void ledger_save_begin(ledger_t *ledger);
synod_status ledger_save_next(ledger_t *ledger, synod_writer *writer, bool *more);
void ledger_save_end(ledger_t *ledger);
/* Replaces everything. Pieces of any size; last call: empty piece. Until that has returned SYNOD_OK
 * only ledger_load and ledger_close may be called, unless a piece failed: then the ledger is as
 * after open, and the next piece begins a new stream. */
synod_status ledger_load(ledger_t *ledger, bytes_t piece);
/* As after open, whatever was loaded or executed. What the application says when it is opened. */
synod_status ledger_empty(ledger_t *ledger);

#endif
