/* The inside of synod_client: the client's core on a loop and thread of its own. */
#ifndef NODE_CLIENT_STATE_H
#define NODE_CLIENT_STATE_H

#include <synod/client.h>
#include <uv.h>

#include "adapter/genesis.h"
#include "adapter/log.h"
#include "adapter/uv_net.h"
#include "client/client_core.h"

/* Bytes of operations that wait to be taken over by the client's thread. */
#define INBOX_BYTES (16u << 20)
#define QUERIES_AT_ONCE 1024

typedef enum want_kind { WANT_OPERATION = 1, WANT_QUERY = 2, WANT_PROVED_QUERY = 3 } want_kind_t;

/* One entry of the inbox; the bytes follow. */
typedef struct want {
    want_kind_t kind;
    uint32_t size;
    uint64_t until_ns; /* an operation that the core has no room for until then is BUSY */
    synod_client_done *done;
    void *context;
} want_t;

typedef struct inbox {
    uint8_t *bytes;
    size_t used, taken;
} inbox_t;

typedef struct waiter {
    uint64_t token;
    synod_client_done *done;
    void *context;
    bool in_use;
    bool reported; /* as UNKNOWN: only the late truth may still come */
} waiter_t;

/* Tokens of one kind -> callbacks. Tokens are consecutive, and those of operations that wait lie
 * within `capacity` (client_core.h), so each has a place of its own; a read that outlives
 * `capacity` others makes one of them take the next place. */
typedef struct waiters {
    waiter_t *items;
    uint32_t count, capacity;
} waiters_t;

typedef struct status_slot {
    link_t link;
    uint64_t asked, sent, answered; /* question numbers; sent: over this link */
    uint8_t *bytes;                 /* NULL before the first answer */
    size_t size;
    uint64_t answered_ns; /* when */
    char goodbye[160];    /* why a link ended, in words of either end */
    char trouble[160];    /* why there is none, as the network says */
} status_slot_t;

struct synod_client {
    synod_client_options options;
    uint64_t deadline_ns; /* of an operation; 0: none */
    genesis_t genesis;
    log_t log;
    bool log_open;
    verifier_t verifier;
    member_info_t *infos;
    committee_t committee;
    sign_secret_t secret;
    signer_t signer;
    uv_loop_t loop;
    uv_thread_t thread;
    bool running;
    net_t *net;
    uv_timer_t wake, stop_poll;
    uv_async_t signal;
    client_host_t host;
    void *core_memory;
    client_t *core;

    /* shared between threads, under the mutex */
    uv_mutex_t mutex;
    uv_cond_t changed;
    inbox_t inbox[2]; /* callers fill [filling], the thread empties the other */
    uint32_t filling;
    bool flush, stop, signalled;
    uint64_t submitted, completed;          /* operations and queries, for wait */
    uint32_t open_operations, open_queries; /* taken and not completed: the bound of each */
    status_slot_t *statuses;                /* one a member */
    client_counters_t counters;
    uint64_t traffic_in, traffic_out;

    /* the thread's */
    bool started; /* an operation came: there is a session, or will be */
    bool stopping;
    uint32_t operations_done, queries_done; /* in this turn */
    uint64_t bytes_in, bytes_out;
    waiters_t operations, queries;
};

/* waiters */
bool waiters_make(waiters_t *waiters, uint32_t capacity);
void waiters_free(waiters_t *waiters);
void waiters_add(waiters_t *waiters, uint64_t token, synod_client_done *done, void *context);
waiter_t *waiters_find(waiters_t *waiters, uint64_t token);
void waiters_remove(waiters_t *waiters, waiter_t *waiter);

/* The callback of synod_client_call: its context is gone after the first answer. */
void client_on_called(void *context, const synod_client_result *result);

/* client_thread.c */
void client_thread_main(void *context);
void client_on_signal(uv_async_t *async);
void client_bind(synod_client *client);
net_events_t client_net_events(synod_client *client);
uint64_t client_now_ns(void);
/* Wakes the thread; under the mutex. */
void client_signal(synod_client *client);

#endif
