/* The client's core: one session of one key against the replicas of a committee. It batches
 * operations into signed requests, sends them, repeats them, and believes an answer only when
 * members of more than the faulty weight (f + 1) said the same. No clock, allocator or socket:
 * the daemon's libraries and the simulator run this very code.
 *
 * What a caller may rely on:
 *  - every operation that client_submit took completes exactly once, and at most once more,
 *    `late`, when it was reported as SYNOD_UNKNOWN and the truth was learnt afterwards (attack
 *    C8);
 *  - the replicas run an operation at most once, however often it was sent (attack C1);
 *  - a result is what at least one correct replica said, whatever f others say, first or alike
 *    (attack C4); a member counts once, over however many links it speaks (attack C5).
 *
 * Rules of the host: calls come from one thread and are not nested (a verb never calls back, so a
 * completion is noted and acted upon afterwards); `now_ns` is monotonic. Same inputs and seed,
 * same verbs with the same bytes. Everything is bounded by the configuration; nothing grows
 * later. */
#ifndef CLIENT_CLIENT_CORE_H
#define CLIENT_CLIENT_CORE_H

#include <synod/app.h>

#include "codec/frame.h"
#include "codec/request.h"
#include "model/committee.h"

/* A connection to one replica; numbers are given by the host and not used again soon. */
typedef uint64_t client_link_t;
#define CLIENT_LINK_NONE 0

/* What became of one operation. */
typedef struct client_completion {
    uint64_t token;
    /* OK or APP_ERROR: it ran, `result` is the application's.
     * UNKNOWN: see `settled`; with a height it did run, but no replica keeps the result any more.
     * INVALID: the replicas refuse it (the application's check, or a key that cannot open
     * sessions).
     * BUSY: it was never sent, nothing happened. MALFORMED: f + 1 replicas agree on a result that
     * cannot be read, so more than f are faulty. */
    synod_status status;
    uint64_t height;    /* of the block that ran it; 0 when it did not run or nobody knows */
    synod_bytes result; /* borrowed for the call */
    bool settled;       /* false, with UNKNOWN only: one more completion may follow */
    bool late;          /* the truth about what was reported as UNKNOWN */
} client_completion_t;

/* What became of one read. */
typedef struct client_answer {
    uint64_t token;
    /* Status of the application; UNKNOWN: too few replicas answered in time; NO_QUORUM: enough did,
     * but they do not agree (the caller may order the read as an operation instead). */
    synod_status status;
    /* With a proof: the height of `root`. Without: the state of a correct replica at this height or
     * later gave the answer (it may be older than the newest write: attack P13). */
    uint64_t height;
    synod_digest root;        /* said by f + 1, when proved; else zero */
    synod_bytes reply, proof; /* borrowed for the call */
} client_answer_t;

typedef struct client_host {
    void *context;
    /* Sends one whole frame. The bytes are taken before the call returns; they may be lost. */
    void (*send)(void *context, client_link_t link, synod_bytes frame);
    /* Closes a link after what is queued has left; no client_on_link_down follows. */
    void (*close)(void *context, client_link_t link);
    /* Calls client_on_tick at or soon after `at_ns`; replaces the wish before. */
    void (*wake)(void *context, uint64_t at_ns);
    void (*complete)(void *context, const client_completion_t *completion);
    void (*answer)(void *context, const client_answer_t *answer);
    /* Level 0 error, 1 warning, 2 information, 3 detail; `event` is a static word. */
    void (*log)(void *context, int level, const char *event, const char *text);
} client_host_t;

typedef struct client_config {
    const committee_t *committee; /* borrowed */
    const signer_t *signer;       /* of the session's key; borrowed */
    const synod_app *app;         /* checks proofs; may be NULL; borrowed */
    const client_host_t *host;    /* borrowed */
    uint32_t protocol;            /* id, from the genesis */
    /* Gives nonces and jitter. Never the same twice for one key: an equal nonce would find the
     * session of an earlier run, and its results. */
    uint64_t seed;

    /* from the genesis of the chain */
    uint32_t session_window;    /* 0: as LEDGER's default, 1,024 */
    uint32_t payload_bytes_max; /* of a block: no request may be larger; 0: no such bound */
    uint64_t session_idle_ns;   /* evicted when idle for longer; 0: not known */

    /* own bounds; client_config_default sets them */
    uint32_t window;           /* outstanding requests; at most session_window counts */
    uint32_t batch_operations; /* in one request */
    uint32_t batch_bytes;      /* of operations in one request; one larger operation goes alone */
    uint32_t queue_operations; /* not settled yet, whether sent or not */
    uint32_t queue_bytes;      /* of their requests */
    uint32_t queries_max;      /* reads at once */
    uint32_t query_bytes_max;
    uint64_t linger_ns;      /* a batch waits so long to fill while others are outstanding */
    uint64_t retry_first_ns; /* then doubling up to retry_max_ns, each with up to a quarter more */
    uint64_t retry_max_ns;
    uint64_t deadline_ns;       /* of an operation, from submit; 0 = never */
    uint64_t query_deadline_ns; /* 0 = never */
} client_config_t;

/* The defaults; the caller sets what they cannot know. */
client_config_t client_config_default(void);

typedef struct client client_t;

/* Bytes that client_open needs; 0 when the configuration cannot stand. */
size_t client_bytes(const client_config_t *config);
/* Copies the config. `memory`: aligned to 16. BAD_CONFIG, NO_MEMORY. */
synod_status client_open(void *memory, size_t size, const client_config_t *config,
                         client_t **client);

/* ---- inputs ---- */

/* Opens the session, which is an ordered request: once, before operations can go. Until then there
 * are links and reads, and the replicas keep nothing about this client. */
void client_start(client_t *client, uint64_t now_ns);
/* A channel is up, and its key proved to be the pinned one of `member`. A newer channel of the same
 * member replaces the one before, which is closed. */
void client_on_link_up(client_t *client, uint64_t now_ns, client_link_t link, member_t member);
void client_on_link_down(client_t *client, uint64_t now_ns, client_link_t link);
/* One whole frame that frame_decode accepted. The body is borrowed for the call. */
void client_on_frame(client_t *client, uint64_t now_ns, client_link_t link, frame_t frame);
void client_on_tick(client_t *client, uint64_t now_ns);
/* The last input: operations that were never sent complete as BUSY. The host alone knows what
 * becomes of the others. */
void client_end(client_t *client);

/* What one operation may have: the chain's largest request, less what is around one operation. */
size_t client_operation_bytes_max(const client_t *client);
/* Takes a copy of one operation. Tokens are consecutive and start with 1. BUSY: the queue is full,
 * nothing was taken; TOO_LARGE; CLOSED: the replicas refuse this key. */
synod_status client_submit(client_t *client, uint64_t now_ns, synod_bytes operation,
                           uint64_t *token);
/* What was submitted does not wait for more to share its request. */
void client_flush(client_t *client, uint64_t now_ns);
/* Asks all replicas for a read. Without `prove`, f + 1 equal (status, reply) answer it. With, f + 1
 * equal (status, height, root, reply), each with a proof that holds against that root. Tokens are
 * consecutive and start with 1. BUSY; TOO_LARGE; UNSUPPORTED: no application that can verify. */
synod_status client_query(client_t *client, uint64_t now_ns, synod_bytes query, bool prove,
                          uint64_t *token);

/* ---- looking ---- */

typedef struct client_counters {
    uint64_t submitted, refused_busy;      /* operations */
    uint64_t completed, unknown, resolved; /* operations: settled in time; UNKNOWN; late truth */
    uint64_t requests, retries;            /* sealed; rounds to all */
    uint64_t replies, lies;                /* lies: results that differ from the accepted one */
    uint64_t busy;                         /* answers BUSY */
    uint64_t frames_dropped;               /* malformed, of strangers, unwanted */
    uint64_t sessions_opened, sessions_expired;
    uint64_t queries, queries_failed;
} client_counters_t;

void client_counters(const client_t *client, client_counters_t *counters);
/* Results of this member that contradicted what f + 1 said; a correct member has none. */
uint64_t client_lies(const client_t *client, member_t member);
/* Operations that did not complete yet (reported as UNKNOWN counts as completed). */
uint64_t client_waiting(const client_t *client);
/* The open session, or 0. */
uint64_t client_session(const client_t *client);
/* To whom the next request goes; MEMBER_NONE: to all. */
member_t client_preferred(const client_t *client);

#endif
