/* Threads that take items from one queue and bring them back to the loop.
 *
 * Invariants: pending = items in `waiting` + those in work + those in `finished`, and is at most
 * the capacity, so that neither ring is ever full; only the loop's thread changes `pending`. */
#include "adapter/uv_crew.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/ring.h"

#define ITEM_BYTES_MAX 128
#define THREADS_MAX 64

struct crew {
    crew_options_t options;
    uv_mutex_t mutex; /* guards the rings and `stopping` */
    uv_cond_t wanted;
    uv_async_t async;
    uv_thread_t threads[THREADS_MAX];
    uint32_t running;
    ring_t waiting, finished;
    void *memory;
    uint32_t pending;
    bool stopping, closed;
    void (*stopped)(void *context); /* may be NULL */
};

/* ---- in a thread ---- */

/* The next item; false when the crew ends. */
static bool take(crew_t *crew, void *item) {
    bool spare = crew->options.spare != NULL;
    uv_mutex_lock(&crew->mutex);
    while (crew->waiting.count == 0 && !crew->stopping) {
        if (!spare) {
            uv_cond_wait(&crew->wanted, &crew->mutex);
            continue;
        }
        uv_mutex_unlock(&crew->mutex);
        spare = crew->options.spare(crew->options.context);
        uv_mutex_lock(&crew->mutex);
    }
    bool taken = crew->waiting.count > 0;
    if (taken) {
        memcpy(item, ring_at(&crew->waiting, 0), crew->options.item_bytes);
        ring_pop(&crew->waiting);
    }
    uv_mutex_unlock(&crew->mutex);
    return taken;
}

static void bring_back(crew_t *crew, const void *item) {
    uv_mutex_lock(&crew->mutex);
    bool pushed = ring_push(&crew->finished, item);
    uv_mutex_unlock(&crew->mutex);
    invariant(pushed);
    (void)uv_async_send(&crew->async);
}

static void run_thread(void *argument) {
    crew_t *crew = argument;
    _Alignas(16) uint8_t item[ITEM_BYTES_MAX];
    while (take(crew, item)) {
        crew->options.work(crew->options.context, item);
        bring_back(crew, item);
    }
}

/* ---- in the loop ---- */

static void give_back(crew_t *crew) {
    _Alignas(16) uint8_t item[ITEM_BYTES_MAX];
    for (;;) {
        uv_mutex_lock(&crew->mutex);
        bool some = crew->finished.count > 0;
        if (some) {
            memcpy(item, ring_at(&crew->finished, 0), crew->options.item_bytes);
            ring_pop(&crew->finished);
        }
        uv_mutex_unlock(&crew->mutex);
        if (!some) {
            return;
        }
        crew->pending--;
        crew->options.done(crew->options.context, item);
    }
}

static void on_async(uv_async_t *async) {
    give_back(async->data);
}

/* Signals are the main thread's business: a thread here would only be interrupted by them. */
static bool start_threads(crew_t *crew) {
    sigset_t all, before;
    (void)sigfillset(&all);
    bool blocked = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    while (crew->running < crew->options.threads &&
           uv_thread_create(&crew->threads[crew->running], run_thread, crew) == 0) {
        crew->running++;
    }
    if (blocked) {
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return crew->running == crew->options.threads;
}

static bool prepare(crew_t *crew) {
    size_t ring_bytes = crew->options.item_bytes * crew->options.capacity;
    crew->memory = malloc(2 * ring_bytes);
    if (crew->memory == NULL || uv_mutex_init(&crew->mutex) != 0) {
        return false;
    }
    if (uv_cond_init(&crew->wanted) != 0) {
        uv_mutex_destroy(&crew->mutex);
        return false;
    }
    crew->waiting = ring_of(crew->memory, crew->options.item_bytes, crew->options.capacity);
    crew->finished = ring_of((uint8_t *)crew->memory + ring_bytes, crew->options.item_bytes,
                             crew->options.capacity);
    return true;
}

crew_t *crew_open(const crew_options_t *options, reason_t *reason) {
    require(options->threads >= 1 && options->threads <= THREADS_MAX);
    require(options->item_bytes <= ITEM_BYTES_MAX && options->capacity > 0);
    crew_t *crew = calloc(1, sizeof *crew);
    if (crew == NULL) {
        (void)reason_set(reason, SYNOD_NO_MEMORY, "no memory for threads");
        return NULL;
    }
    crew->options = *options;
    if (!prepare(crew)) {
        (void)reason_set(reason, SYNOD_NO_MEMORY, "no memory for threads");
        free(crew->memory);
        free(crew);
        return NULL;
    }
    if (uv_async_init(options->loop, &crew->async, on_async) != 0) {
        (void)reason_set(reason, SYNOD_IO, "no file descriptors are left for threads");
        crew->closed = true;
        crew_free(crew);
        return NULL;
    }
    crew->async.data = crew;
    if (!start_threads(crew)) {
        (void)reason_set(reason, SYNOD_NO_MEMORY, "the system gives only %u of %u threads",
                         crew->running, options->threads);
        crew_stop(crew, CREW_ABANDON);
        while (!crew_stopped(crew)) {
            (void)uv_run(options->loop, UV_RUN_ONCE);
        }
        crew_free(crew);
        return NULL;
    }
    return crew;
}

void crew_put(crew_t *crew, const void *item) {
    require(!crew->stopping && crew->pending < crew->options.capacity);
    crew->pending++;
    uv_mutex_lock(&crew->mutex);
    bool pushed = ring_push(&crew->waiting, item);
    uv_mutex_unlock(&crew->mutex);
    uv_cond_signal(&crew->wanted); /* a thread that wakes finds the mutex free */
    ensure(pushed);
}

uint32_t crew_pending(const crew_t *crew) {
    return crew->pending;
}

static void on_closed(uv_handle_t *handle) {
    crew_t *crew = handle->data;
    crew->closed = true;
    if (crew->stopped != NULL) {
        crew->stopped(crew->options.context);
    }
}

static void drop(crew_t *crew, ring_t *ring) {
    for (; ring->count > 0; crew->pending--) {
        ring_pop(ring);
    }
}

void crew_stop(crew_t *crew, crew_end_t end) {
    if (crew->stopping) {
        return;
    }
    uv_mutex_lock(&crew->mutex);
    crew->stopping = true;
    if (end == CREW_ABANDON) {
        drop(crew, &crew->waiting);
    }
    uv_cond_broadcast(&crew->wanted);
    uv_mutex_unlock(&crew->mutex);
    for (uint32_t thread = 0; thread < crew->running; thread++) {
        (void)uv_thread_join(&crew->threads[thread]);
    }
    if (end == CREW_ABANDON) {
        drop(crew, &crew->finished);
    } else {
        give_back(crew);
    }
    ensure(crew->pending == 0);
    uv_close((uv_handle_t *)&crew->async, on_closed);
}

void crew_when_stopped(crew_t *crew, void (*stopped)(void *context)) {
    crew->stopped = stopped;
}

bool crew_stopped(const crew_t *crew) {
    return crew->closed;
}

void crew_free(crew_t *crew) {
    require(crew->closed);
    uv_cond_destroy(&crew->wanted);
    uv_mutex_destroy(&crew->mutex);
    free(crew->memory);
    free(crew);
}
