/* The client: submits operations to a chain and believes an answer only when f + 1 members gave it.
 *
 * A client has one session of the chain, a thread of its own for the network, and any number of
 * callers: every function here may be called from any thread. Operations are collected into signed
 * requests; the fewer are outstanding, the sooner they leave. Callbacks come on the client's thread
 * and must not block; they may submit.
 *
 * Every operation completes exactly once: OK or APP_ERROR when it ran, INVALID or BUSY when it did
 * not, UNKNOWN when nobody can tell in time. An UNKNOWN operation may still run, once; a later truth
 * is reported by a second call of the callback with `late` set. */
#ifndef SYNOD_CLIENT_H
#define SYNOD_CLIENT_H

#include <synod/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct synod_client synod_client;

/* Set size_bytes to sizeof(synod_client_options); zero members mean the default. */
typedef struct synod_client_options {
    size_t size_bytes;
    const char *genesis_path;    /* the chain's genesis.json: addresses and keys to trust */
    uint64_t deadline_ns;        /* of an operation; default 30 s; UINT64_MAX: none */
    uint64_t query_deadline_ns;  /* of a read; default 10 s */
    uint64_t linger_ns;          /* a request waits so long to fill while others are outstanding;
                                    default 1 ms */
    uint32_t window;             /* requests outstanding; default 64 */
    uint32_t batch_operations;   /* most in one request; default 1,024 */
    uint32_t queue_operations;   /* taken and not completed; default 65,536; then SYNOD_BUSY */
    const char *log_path;        /* NULL: no log */
} synod_client_options;

typedef struct synod_client_result {
    synod_status status;
    bool late;          /* the truth about an operation that was UNKNOWN */
    uint64_t height;    /* of the block that ran it; of the state that was read; 0: none */
    synod_digest root;  /* of a proved read: said by f + 1, and the proof held; else zero */
    synod_bytes result; /* the application's answer; borrowed for the call */
} synod_client_result;

typedef void synod_client_done(void *context, const synod_client_result *result);

/* Reads the genesis and starts to connect; does not wait for the network. On failure `reason`, of
 * `reason_size` bytes, says in a sentence what is wrong. */
synod_status synod_client_open(const synod_client_options *options, synod_client **client,
                               char *reason, size_t reason_size);

/* Takes a copy of the operation. BUSY: the queue is full, nothing was taken. TOO_LARGE. `done` may be
 * NULL. */
synod_status synod_client_submit(synod_client *client, synod_bytes operation,
                                 synod_client_done *done, void *context);
/* What was submitted does not wait for more. */
void synod_client_flush(synod_client *client);
/* A read, not ordered: the answer of f + 1 members, with `prove` also proved against a root that
 * they agree on. */
synod_status synod_client_query(synod_client *client, synod_bytes query, bool prove,
                                synod_client_done *done, void *context);

/* Submits one operation and waits. Up to `capacity` bytes of the answer go to `answer`, `*size` is
 * how many there are. The status is the outcome. */
synod_status synod_client_call(synod_client *client, synod_bytes operation, uint8_t *answer,
                               size_t capacity, size_t *size);
/* Waits until everything submitted so far has completed; false after timeout_ns. */
bool synod_client_wait(synod_client *client, uint64_t timeout_ns);

/* What one member says about itself, as the bytes of docs/formats/wire.md (status). UNKNOWN when it
 * does not answer within timeout_ns. Waits. */
synod_status synod_client_member_status(synod_client *client, uint32_t member, uint8_t *report,
                                        size_t capacity, size_t *size, uint64_t timeout_ns);
uint32_t synod_client_members(const synod_client *client);

typedef struct synod_client_counters {
    uint64_t submitted, completed, unknown, requests, retries, lies, bytes_in, bytes_out;
} synod_client_counters;
void synod_client_count(synod_client *client, synod_client_counters *counters);

/* Ends the thread; operations that did not complete complete as UNKNOWN. */
void synod_client_close(synod_client *client);

#ifdef __cplusplus
}
#endif
#endif
