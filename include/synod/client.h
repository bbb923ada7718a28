/* The client: submits operations to a chain and believes an answer only when f + 1 members gave it.
 *
 * A client has one session of the chain, opened for its first operation (who only reads orders
 * nothing), a thread of its own for the network, and any number of callers: every function here may
 * be called from any thread. Operations are collected into signed requests; the fewer are
 * outstanding, the sooner they leave. Callbacks come on the client's thread and must not block;
 * they may submit.
 *
 * Every operation completes exactly once:
 *   OK, APP_ERROR  it ran; the answer is the application's
 *   INVALID        the members refuse it
 *   BUSY           it was never sent; nothing happened
 *   CLOSED         the members refuse this client's key since an earlier answer; nothing happened
 *   TOO_LARGE      no request of this chain can hold it; nothing happened
 *   UNKNOWN        nobody can tell in time. It may still run, once, while the client repeats it;
 *                  when the truth is learnt, the callback comes a second time with `late` set.
 *                  With a height it did run, but the members keep its answer no longer
 *   MALFORMED      f + 1 members agree on an answer that cannot be read: more than f are faulty
 * UNKNOWN is never "failed": only who knows that a second run does no harm may submit it again. */
#ifndef SYNOD_CLIENT_H
#define SYNOD_CLIENT_H

#include <synod/app.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct synod_client synod_client;

/* Set size_bytes to sizeof(synod_client_options); zero members mean the default. */
typedef struct synod_client_options {
    size_t size_bytes;
    const char *genesis_path;   /* the chain's genesis.json: addresses and keys to trust */
    uint64_t deadline_ns;       /* of an operation; default 30 s; UINT64_MAX: none */
    uint64_t query_deadline_ns; /* of a read; default 10 s */
    uint64_t linger_ns;         /* a request waits so long to fill while others are outstanding;
                                    default 1 ms */
    uint32_t window;            /* requests outstanding; default 64 */
    /* Most in one request; default 1,024. The answers of a request share one bound of the chain
     * (reply_bytes_max, 256 KiB); one that does not fit is APP_ERROR, so large answers want 1. */
    uint32_t batch_operations;
    uint32_t queue_operations; /* taken and not completed; default 65,536; then SYNOD_BUSY */
    const char *log_path;      /* NULL: no log */
    /* Whose `verify` judges proved reads; has to stay until close. NULL: the built-in one that the
     * genesis names; if that is none, there are no proofs. */
    const synod_app *app;
} synod_client_options;

typedef struct synod_client_result {
    size_t size_bytes; /* of the library's build */
    synod_status status;
    bool late;          /* the truth about an operation that was UNKNOWN */
    uint64_t height;    /* of the block that ran it; of the state that was read; 0: none */
    synod_digest root;  /* of a proved read: said by f + 1, and the proof held; else zero */
    synod_bytes result; /* the application's answer; borrowed for the call */
} synod_client_result;

typedef void synod_client_done(void *context, const synod_client_result *result);

/* Reads the genesis and starts to connect; does not wait for the network. On failure `*client`
 * is NULL and `reason`, of `reason_size` bytes, says in a sentence what is wrong; it may be NULL.
 */
SYNOD_API synod_status synod_client_open(const synod_client_options *options, synod_client **client,
                                         char *reason, size_t reason_size);

/* Takes a copy of the operation. BUSY: the queue is full; TOO_LARGE: it has more bytes than
 * synod_client_operation_bytes_max says. Then nothing was taken, and `done`, which may be NULL, is
 * not called. */
SYNOD_API synod_status synod_client_submit(synod_client *client, synod_bytes operation,
                                           synod_client_done *done, void *context);
/* Of one operation: what a request of this chain holds (the smaller of 1 MiB and the genesis'
 * payload_bytes_max) less the 96 bytes of the request itself. */
SYNOD_API size_t synod_client_operation_bytes_max(const synod_client *client);
/* What was submitted does not wait for more. */
SYNOD_API void synod_client_flush(synod_client *client);
/* A read, not ordered, of at most 4,096 bytes; takes a copy. Without `prove`: f + 1 members gave
 * this answer, so a correct one did, in its state at `height` or later. With: each of them gave a
 * proof too, which holds against the root on which they agree, that of the checkpoint at `height`.
 * Either may be older than the newest write; submit a read as an operation to have it in order.
 * `done` gets UNKNOWN when too few members answered in time, NO_QUORUM when enough did but differ,
 * TOO_LARGE, or UNSUPPORTED when the application has no proofs. BUSY: too many reads are open. */
SYNOD_API synod_status synod_client_query(synod_client *client, synod_bytes query, bool prove,
                                          synod_client_done *done, void *context);

/* Submits one operation and waits. Up to `capacity` bytes of the answer go to `answer`, `*size` is
 * how many there are. The status is the outcome. */
SYNOD_API synod_status synod_client_call(synod_client *client, synod_bytes operation,
                                         uint8_t *answer, size_t capacity, size_t *size);
/* Waits until everything submitted so far has completed; false after timeout_ns. */
SYNOD_API bool synod_client_wait(synod_client *client, uint64_t timeout_ns);

/* What one member says about itself, as the bytes of docs/formats/wire.md (status). UNKNOWN when it
 * does not answer within timeout_ns. Waits. */
SYNOD_API synod_status synod_client_member_status(synod_client *client, uint32_t member,
                                                  uint8_t *report, size_t capacity, size_t *size,
                                                  uint64_t timeout_ns);
SYNOD_API uint32_t synod_client_members(const synod_client *client);

/* Set size_bytes to sizeof(synod_client_counters). All of them since open. */
typedef struct synod_client_counters {
    size_t size_bytes;
    uint64_t submitted, completed; /* operations */
    uint64_t unknown;              /* of them without an answer in time */
    uint64_t requests, retries;    /* signed requests sent first, and sent again */
    uint64_t lies;                 /* answers that differ from what f + 1 members gave */
    uint64_t bytes_in, bytes_out;  /* of frames, before TLS */
} synod_client_counters;
/* INVALID: size_bytes is not that of any build. */
SYNOD_API synod_status synod_client_count(synod_client *client, synod_client_counters *counters);

/* Ends the thread and frees. Callbacks come on the caller's thread now: BUSY for operations that
 * were never sent, UNKNOWN for the others that did not complete. NULL is allowed; no other call may
 * be under way. */
SYNOD_API void synod_client_close(synod_client *client);

#ifdef __cplusplus
}
#endif
#endif
