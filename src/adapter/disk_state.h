/* The inside of uv_disk: uv_disk.c open, queue, journal; disk_file.c growing and whole writes;
 * disk_snapshot.c snapshots. Everything but the queues belongs to one of the two threads. */
#ifndef ADAPTER_DISK_STATE_H
#define ADAPTER_DISK_STATE_H

#include <stdatomic.h>

#include "adapter/uv_crew.h"
#include "adapter/uv_disk.h"

/* The journal grows in such pieces while nothing else waits. */
#define GROW_BYTES ((uint64_t)512 << 10)
#define SNAPSHOT_SLOTS 2
/* What the memory, the place and the size of a write must be multiples of to go past the cache; no
 * device in use asks for more. */
#define DIRECT_BYTES 4096
/* A snapshot is synced in such parts, so that its end is no flood that the journal waits behind. */
#define SNAPSHOT_SYNC_BYTES ((uint64_t)4 << 20)

typedef enum disk_kind {
    DISK_APPEND = 1,
    DISK_READ = 2,
    DISK_STORE = 3,
    DISK_LOAD = 4
} disk_kind_t;

typedef struct disk_item {
    disk_kind_t kind;
    uint32_t slot;
    unsigned flags; /* STORE_BEGIN, STORE_END */
    synod_status status;
    uint64_t token, offset;
    uint64_t asked_ns; /* append */
    void *to;          /* read, load */
    const uint8_t *from;
    size_t size;
} disk_item_t;

struct disk {
    disk_options_t options;
    disk_events_t events;
    disk_calls_t calls;
    crew_t *crew;          /* the journal's thread */
    crew_t *snapshot_crew; /* and that of the snapshots */
    file_path_t journal, snapshots[SNAPSHOT_SLOTS], asides[SNAPSHOT_SLOTS];
    int file;   /* the journal; -1: not open */
    int direct; /* the same past the machine's cache; -1: there is no such way */
    atomic_bool stopping;

    /* the thread's */
    uint64_t prepared_bytes; /* zero-filled and synced up to here, or written */
    uint64_t goal_bytes;     /* where that should be soon */
    uint64_t grow_after_ns;  /* growing ahead failed: not before this */
    bool full;               /* an append waited, or waits, for room */
    synod_status failed;     /* latched */

    /* the snapshots' thread's */
    int aside_files[SNAPSHOT_SLOTS];         /* snapshots in the making; -1: none */
    uint64_t aside_unsynced[SNAPSHOT_SLOTS]; /* bytes that only the cache has */

    uv_mutex_t mutex; /* guards the counters */
    disk_counters_t counters;
};

/* ---- disk_file.c ---- */
/* All of it. 0 or an errno. */
int disk_write_all(disk_t *disk, int file, const uint8_t *from, size_t size, uint64_t offset);
/* The same into the journal, past the cache where that is possible. */
int disk_write_journal(disk_t *disk, const uint8_t *from, size_t size, uint64_t offset);
/* Beyond the end: zeros. 0 or an errno. */
int disk_read_all(disk_t *disk, int file, void *to, size_t size, uint64_t offset);
/* Durable, unless that was switched off. 0 or an errno. */
int disk_sync(disk_t *disk, int file);
/* One piece more of zeros. 0 or an errno. */
int disk_grow(disk_t *disk);
/* Waits for room on a full disk; false when the disk is being stopped. */
bool disk_wait_for_space(disk_t *disk, const char *what);
void disk_report(disk_t *disk, int level, const char *event, int error);

/* ---- disk_snapshot.c ---- */
synod_status snapshot_store(disk_t *disk, const disk_item_t *item);
synod_status snapshot_load(disk_t *disk, const disk_item_t *item);
void snapshot_close(disk_t *disk);

#endif
