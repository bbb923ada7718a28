/* Crew: threads that take items from one queue, in order, and bring them back to the loop.
 *
 * The disk has a crew of one thread, signatures have another, and names are left to libuv's pool: a
 * slow fsync delays no verification and a slow name server delays neither (attack N12). With one
 * thread items also come back in order. */
#ifndef ADAPTER_UV_CREW_H
#define ADAPTER_UV_CREW_H

#include <uv.h>

#include "adapter/reason.h"

typedef struct crew crew_t;

typedef struct crew_options {
    uv_loop_t *loop;
    uint32_t threads;
    size_t item_bytes;
    uint32_t capacity; /* items that were put and are not back */
    void *context;
    /* In a thread. May change the item. */
    void (*work)(void *context, void *item);
    /* In the loop, for each item once. */
    void (*done)(void *context, void *item);
    /* In a thread, may be NULL: something to do while nothing waits; true: call again. Called first
     * of all, and anew after each item. */
    bool (*spare)(void *context);
} crew_options_t;

/* NULL with a reason. */
crew_t *crew_open(const crew_options_t *options, reason_t *reason);
/* Copies the item in. The caller keeps to the capacity. */
void crew_put(crew_t *crew, const void *item);
/* Items that were put and are not back. */
uint32_t crew_pending(const crew_t *crew);
typedef enum crew_end {
    CREW_FINISH = 1, /* all that was put is done and given back */
    CREW_ABANDON = 2 /* what is in work ends, the rest does not begin; nothing is given back */
} crew_end_t;
/* Ends the threads and waits for them. */
void crew_stop(crew_t *crew, crew_end_t end);
/* After crew_stop, when the loop has turned. */
bool crew_stopped(const crew_t *crew);
/* Instead of asking crew_stopped: called by the loop when it is so. The crew may be freed there. */
void crew_when_stopped(crew_t *crew, void (*stopped)(void *context));
void crew_free(crew_t *crew);

#endif
