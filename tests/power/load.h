/* The load and its judge: tracks, each a chain of operations of which one is outstanding, so that
 * each answer tells whether the one before was lost or ran twice.
 *
 *   add   increments a counter of its own: the answer must be one more than the last
 *   swap  replaces value k by k + 1 if k is there: it must be
 *   new   makes a key that never was: it must be absent
 *
 * An operation whose outcome is unknown keeps its track until the session has settled it. Tracks
 * are served by one thread; answers come on the clients' threads. */
#ifndef POWER_LOAD_H
#define POWER_LOAD_H

#include <pthread.h>
#include <synod/client.h>

#define LOAD_TRACKS 48
#define LOAD_CLIENTS 4

typedef enum track_kind {
    TRACK_ADD = 0,
    TRACK_SWAP = 1,
    TRACK_NEW = 2,
    TRACK_KINDS = 3
} track_kind_t;

typedef struct load load_t;

typedef struct track {
    load_t *load;
    synod_client *client;
    uint32_t index;
    track_kind_t kind;
    uint64_t done; /* operations that ran */
    bool open;     /* one is outstanding */
    uint64_t asked_ns, answered_ns;
} track_t;

struct load {
    pthread_mutex_t mutex; /* guards what follows */
    track_t tracks[LOAD_TRACKS];
    uint64_t acknowledged, unknown, settled, busy;
    uint64_t height; /* highest block of which an answer told */
    bool violated;
    char reason[512];
    /* the thread that serves */
    synod_client *clients[LOAD_CLIENTS];
    uint64_t interval_ns; /* mean pause between the operations of a track */
};

/* False: a reason. */
bool load_open(load_t *load, const char *genesis, uint64_t interval_ns, char *why, size_t size);
/* Asks where the time has come. */
void load_serve(load_t *load);
/* Tracks with an operation outstanding. */
uint32_t load_open_tracks(load_t *load);
/* Tracks whose newest answer is to what was asked for after `since_ns`. */
uint32_t load_served_since(load_t *load, uint64_t since_ns);
/* Says what was violated first; later calls change nothing. */
void load_violate(load_t *load, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* While nothing is outstanding: reads what the chain holds and compares it with what was
 * acknowledged. `all`: every key that was ever made, else each track's newest. */
void load_judge(load_t *load, bool all);
void load_close(load_t *load);

#endif
