/* The journal's file and the snapshots, on a thread each (attack N12).
 *
 * The journal is one file, data/journal, that grows zero-filled and synced ahead of what is
 * written, segment by segment, so that an append overwrites what is there: half the price of
 * growing. Appends are whole sectors of aligned memory and go past the machine's cache (O_DIRECT):
 * what is durable is read again only after a restart or for a member that is far behind, and
 * copying it into the cache and out again costs four times the write. Where the file system cannot
 * do that, they go through the cache. It is locked while it is open; the lock is on the open file
 * itself, so a process that died leaves none (attack F13).
 *
 * Operations on the journal are carried out in order, and so are those on snapshots. The first
 * failed write or sync latches: no append succeeds after it (attack F2). A full disk is no failure:
 * nothing was promised, so the append waits until there is room, and with it everything that this
 * node would promise (attack F6). */
#ifndef ADAPTER_UV_DISK_H
#define ADAPTER_UV_DISK_H

#include <sys/types.h>
#include <uv.h>

#include "adapter/files.h"
#include "adapter/log.h"
#include "adapter/settings.h"
#include "base/latency.h"

typedef struct disk disk_t;

/* Operations that were asked for and are not answered. */
#define DISK_PENDING_MAX 256

/* The calls that can fail; tests put their own in. As pwrite(2), pread(2), fdatasync(2). */
typedef struct disk_calls {
    ssize_t (*write)(int file, const void *bytes, size_t size, off_t offset);
    ssize_t (*read)(int file, void *bytes, size_t size, off_t offset);
    int (*sync)(int file);
    /* Appends may go past the machine's cache, where the file system can do that. A table whose
     * sync is no sync says no: its writes would reach the disk by themselves. */
    bool direct;
} disk_calls_t;

/* Answers, from the loop. */
typedef struct disk_events {
    void *context;
    void (*on_appended)(void *context, uint64_t token, synod_status status);
    void (*on_read)(void *context, uint64_t token, synod_status status);
    void (*on_stored)(void *context, uint64_t token, synod_status status);
    void (*on_loaded)(void *context, uint64_t token, synod_status status);
} disk_events_t;

typedef struct disk_options {
    uv_loop_t *loop;
    log_t *log;         /* may be NULL */
    const char *folder; /* data/; holds "journal", "snapshot-0", "snapshot-1" */
    uint64_t segment_bytes;
    uint32_t segments_max;
    durability_t durability;
    struct meter *meter;       /* NULL: nobody counts */
    struct meter *stage_meter; /* the same, when the time of the thread is taken too */
    const disk_calls_t *calls; /* NULL: those of the system */
} disk_options_t;

/* IN_USE: another process has it open. NOT_FOUND: there is no journal: it is made together with the
 * key and never again. PERMISSION. */
synod_status disk_open(const disk_options_t *options, const disk_events_t *events, disk_t **disk,
                       reason_t *reason);

/* As host.h says. */
void disk_append(disk_t *disk, uint64_t token, uint64_t offset, bytes_t bytes);
void disk_read(disk_t *disk, uint64_t token, uint64_t offset, void *to, size_t size);
void disk_store(disk_t *disk, uint64_t token, uint32_t slot, uint64_t offset, bytes_t bytes,
                unsigned flags);
/* NOT_FOUND: there is no such snapshot. Beyond its end: zeros. */
void disk_load(disk_t *disk, uint64_t token, uint32_t slot, uint64_t offset, void *to, size_t size);
uint32_t disk_pending(const disk_t *disk);

/* Carries out and answers all that was asked for; an append that waits for room is answered
 * NO_SPACE; what is asked for from now on is ignored. Then disk_stopped after a turn of the loop,
 * then disk_free. */
void disk_stop(disk_t *disk);
bool disk_stopped(const disk_t *disk);
void disk_free(disk_t *disk);

typedef struct disk_counters {
    uint64_t appends, bytes, syncs, reads;
    uint64_t sync_ns, sync_longest_ns;
    uint64_t grown_bytes;
    uint64_t waits_for_space;
    bool full;             /* an append waits for room */
    latency_t sync_times;  /* of each sync */
    latency_t write_times; /* of each append, from being asked for to being durable */
} disk_counters_t;
/* A consistent copy. */
void disk_counters(disk_t *disk, disk_counters_t *counters);

#endif
