/* The journal's file and the snapshots: open, lock, queue, appends. */
#include "adapter/uv_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/disk_state.h"
#include "adapter/meter.h"
#include "base/check.h"

/* Growing ahead met a full disk: so long it is not tried again. */
#define GROW_PAUSE_NS UINT64_C(5000000000)
static const disk_calls_t system_calls = {pwrite, pread, fdatasync, true};

/* ---- the thread: journal ---- */

static bool is_no_space(int error) {
    return error == ENOSPC || error == EDQUOT;
}

/* 0, an errno, or ENOSPC when the disk is being stopped while it is full. */
static int prepare_up_to(disk_t *disk, uint64_t end) {
    while (disk->prepared_bytes < end) {
        int error = disk_grow(disk);
        if (error != 0 && (!is_no_space(error) || !disk_wait_for_space(disk, "the journal"))) {
            return error;
        }
    }
    return 0;
}

static int write_append(disk_t *disk, const disk_item_t *item) {
    for (;;) {
        int error = disk_write_journal(disk, item->from, item->size, item->offset);
        /* Some file systems need room to overwrite. Nothing was synced, so it may be tried again.
         */
        if (!is_no_space(error) || !disk_wait_for_space(disk, "the journal")) {
            return error;
        }
    }
}

/* Past the middle of the last prepared segment, the next one is wanted. */
static void set_goal(disk_t *disk, uint64_t end) {
    uint64_t segment = disk->options.segment_bytes;
    uint64_t goal = (end + segment / 2 + segment - 1) / segment * segment;
    uint64_t most = segment * disk->options.segments_max;
    goal = goal < most ? goal : most;
    disk->goal_bytes = goal > disk->goal_bytes ? goal : disk->goal_bytes;
}

static synod_status append(disk_t *disk, const disk_item_t *item) {
    if (disk->failed != SYNOD_OK) {
        return disk->failed;
    }
    int error = prepare_up_to(disk, item->offset + item->size);
    if (error == 0) {
        error = write_append(disk, item);
    }
    bool waited_in_vain = is_no_space(error);
    if (error == 0) {
        error = disk_sync(disk, disk->file);
    }
    if (error != 0) {
        disk->failed = status_of_errno(error);
        disk_report(disk, LOG_ERROR, waited_in_vain ? "stopped_full" : "failed", error);
        return disk->failed;
    }
    if (disk->full) {
        disk->full = false;
        disk_report(disk, LOG_INFO, "room", 0);
    }
    set_goal(disk, item->offset + item->size);
    if (disk->options.meter != NULL) {
        meter_add(&disk->options.meter->journal_writes, 1);
        meter_add(&disk->options.meter->journal_bytes, item->size);
    }
    uv_mutex_lock(&disk->mutex);
    disk->counters.appends++;
    disk->counters.full = false;
    latency_add(&disk->counters.write_times, uv_hrtime() - item->asked_ns);
    disk->counters.bytes += item->size;
    uv_mutex_unlock(&disk->mutex);
    return SYNOD_OK;
}

static void work(void *context, void *pointer) {
    disk_t *disk = context;
    disk_item_t *item = pointer;
    int error = 0;
    meter_begin(disk->options.stage_meter, STAGE_DISK);
    switch (item->kind) {
    case DISK_APPEND:
        item->status = append(disk, item);
        break;
    case DISK_READ:
        uv_mutex_lock(&disk->mutex);
        disk->counters.reads++;
        uv_mutex_unlock(&disk->mutex);
        error = disk_read_all(disk, disk->file, item->to, item->size, item->offset);
        item->status = error == 0 ? SYNOD_OK : status_of_errno(error);
        if (error != 0) {
            disk_report(disk, LOG_ERROR, "read", error);
        }
        break;
    case DISK_STORE:
        item->status = snapshot_store(disk, item);
        break;
    case DISK_LOAD:
        item->status = snapshot_load(disk, item);
        break;
    }
}

/* Nothing waits: the journal grows towards its goal. An append that comes first grows what it needs
 * itself, so a segment that is not there in time costs no pause of its own. */
static bool spare(void *context) {
    disk_t *disk = context;
    if (disk->failed != SYNOD_OK || disk->prepared_bytes >= disk->goal_bytes ||
        uv_hrtime() < disk->grow_after_ns) {
        return false;
    }
    int error = disk_grow(disk);
    if (error != 0) {
        /* No append needed it yet; one that does will wait. */
        disk->grow_after_ns = uv_hrtime() + GROW_PAUSE_NS;
        disk_report(disk, LOG_WARNING, "grow", error);
    }
    return error == 0;
}

/* ---- the loop ---- */

static void done(void *context, void *pointer) {
    disk_t *disk = context;
    const disk_item_t *item = pointer;
    const disk_events_t *events = &disk->events;
    switch (item->kind) {
    case DISK_APPEND:
        events->on_appended(events->context, item->token, item->status);
        break;
    case DISK_READ:
        events->on_read(events->context, item->token, item->status);
        break;
    case DISK_STORE:
        events->on_stored(events->context, item->token, item->status);
        break;
    case DISK_LOAD:
        events->on_loaded(events->context, item->token, item->status);
        break;
    }
}

/* The last answers may make the replica ask for more; nobody would wait for that. */
static void put(disk_t *disk, const disk_item_t *item) {
    if (!atomic_load(&disk->stopping)) {
        bool journal = item->kind == DISK_APPEND || item->kind == DISK_READ;
        crew_put(journal ? disk->crew : disk->snapshot_crew, item);
    }
}

void disk_append(disk_t *disk, uint64_t token, uint64_t offset, bytes_t bytes) {
    disk_item_t item = {.kind = DISK_APPEND,
                        .token = token,
                        .offset = offset,
                        .asked_ns = uv_hrtime(),
                        .from = bytes.data,
                        .size = bytes.size};
    put(disk, &item);
}

void disk_read(disk_t *disk, uint64_t token, uint64_t offset, void *to, size_t size) {
    disk_item_t item = {
        .kind = DISK_READ, .token = token, .offset = offset, .to = to, .size = size};
    put(disk, &item);
}

void disk_store(disk_t *disk, uint64_t token, uint32_t slot, uint64_t offset, bytes_t bytes,
                unsigned flags) {
    require(slot < SNAPSHOT_SLOTS);
    disk_item_t item = {.kind = DISK_STORE,
                        .slot = slot,
                        .flags = flags,
                        .token = token,
                        .offset = offset,
                        .from = bytes.data,
                        .size = bytes.size};
    put(disk, &item);
}

void disk_load(disk_t *disk, uint64_t token, uint32_t slot, uint64_t offset, void *to,
               size_t size) {
    require(slot < SNAPSHOT_SLOTS);
    disk_item_t item = {
        .kind = DISK_LOAD, .slot = slot, .token = token, .offset = offset, .to = to, .size = size};
    put(disk, &item);
}

uint32_t disk_pending(const disk_t *disk) {
    return crew_pending(disk->crew) + crew_pending(disk->snapshot_crew);
}

void disk_counters(disk_t *disk, disk_counters_t *counters) {
    uv_mutex_lock(&disk->mutex);
    *counters = disk->counters;
    uv_mutex_unlock(&disk->mutex);
}

/* ---- open and close ---- */

static synod_status name_files(disk_t *disk, reason_t *reason) {
    synod_status status = file_join(&disk->journal, disk->options.folder, "journal", reason);
    for (uint32_t slot = 0; slot < SNAPSHOT_SLOTS && status == SYNOD_OK; slot++) {
        char name[32];
        (void)snprintf(name, sizeof name, "snapshot-%u", slot);
        status = file_join(&disk->snapshots[slot], disk->options.folder, name, reason);
        (void)snprintf(name, sizeof name, "snapshot-%u.new", slot);
        if (status == SYNOD_OK) {
            status = file_join(&disk->asides[slot], disk->options.folder, name, reason);
        }
    }
    return status;
}

static synod_status lock(const disk_t *disk, reason_t *reason) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(disk->file, F_OFD_SETLK, &whole) == 0) {
        return SYNOD_OK;
    }
    if (errno == EAGAIN || errno == EACCES) {
        return reason_set(reason, SYNOD_IN_USE,
                          "%s is open in another process: this node runs already; stop it first, "
                          "two processes with one key would contradict each other",
                          disk->journal.text);
    }
    return reason_set(reason, SYNOD_IO,
                      "%s cannot be locked (%s); choose a file system that can, else two processes "
                      "could use it at once",
                      disk->journal.text, strerror(errno));
}

static synod_status open_journal(disk_t *disk, reason_t *reason) {
    struct stat about;
    disk->file = open(disk->journal.text, O_RDWR | O_CLOEXEC);
    if (disk->file < 0 && errno == ENOENT) {
        return reason_set(reason, SYNOD_NOT_FOUND,
                          "%s is missing: it is the record of what this node's key has signed, and "
                          "without it the key must not sign; restore it, or make a new node",
                          disk->journal.text);
    }
    if (disk->file < 0) {
        return reason_errno(reason, errno, "open for writing", disk->journal.text);
    }
    if (fstat(disk->file, &about) != 0 || !S_ISREG(about.st_mode)) {
        return reason_set(reason, SYNOD_IO, "%s is not a plain file", disk->journal.text);
    }
    disk->prepared_bytes = (uint64_t)about.st_size;
    disk->goal_bytes = disk->options.segment_bytes;
    synod_status status = lock(disk, reason);
    if (status != SYNOD_OK) {
        return status;
    }
    if (disk->calls.direct && disk->options.durability != DURABILITY_NONE) {
        disk->direct = open(disk->journal.text, O_WRONLY | O_DIRECT | O_CLOEXEC);
    }
    /* What a killed process wrote may be in the page cache only. Recovery must not build on what a
     * power cut could still take away: all that it reads is durable first (host.h, read). */
    int error = disk_sync(disk, disk->file);
    return error == 0 ? SYNOD_OK : reason_errno(reason, error, "sync", disk->journal.text);
}

static void close_files(disk_t *disk) {
    snapshot_close(disk);
    if (disk->direct >= 0) {
        (void)close(disk->direct);
        disk->direct = -1;
    }
    if (disk->file >= 0) {
        (void)close(disk->file); /* the lock goes with it */
        disk->file = -1;
    }
}

static synod_status start(disk_t *disk, reason_t *reason) {
    const crew_options_t crew = {.loop = disk->options.loop,
                                 .threads = 1, /* in order */
                                 .item_bytes = sizeof(disk_item_t),
                                 .capacity = DISK_PENDING_MAX,
                                 .context = disk,
                                 .work = work,
                                 .done = done,
                                 .spare = spare};
    crew_options_t snapshots = crew;
    snapshots.spare = NULL;
    disk->crew = crew_open(&crew, reason);
    if (disk->crew == NULL) {
        return SYNOD_NO_MEMORY;
    }
    disk->snapshot_crew = crew_open(&snapshots, reason);
    if (disk->snapshot_crew != NULL) {
        return SYNOD_OK;
    }
    crew_stop(disk->crew, CREW_ABANDON);
    while (!crew_stopped(disk->crew)) {
        (void)uv_run(disk->options.loop, UV_RUN_ONCE);
    }
    crew_free(disk->crew);
    return SYNOD_NO_MEMORY;
}

synod_status disk_open(const disk_options_t *options, const disk_events_t *events, disk_t **result,
                       reason_t *reason) {
    disk_t *disk = calloc(1, sizeof *disk);
    *result = NULL;
    if (disk == NULL || uv_mutex_init(&disk->mutex) != 0) {
        free(disk);
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for the disk");
    }
    disk->options = *options;
    disk->events = *events;
    disk->calls = options->calls != NULL ? *options->calls : system_calls;
    disk->file = disk->direct = disk->aside_files[0] = disk->aside_files[1] = -1;
    synod_status status = name_files(disk, reason);
    if (status == SYNOD_OK) {
        status = open_journal(disk, reason);
    }
    if (status == SYNOD_OK) {
        status = start(disk, reason);
    }
    if (status != SYNOD_OK) {
        close_files(disk);
        uv_mutex_destroy(&disk->mutex);
        free(disk);
        return status;
    }
    *result = disk;
    return SYNOD_OK;
}

void disk_stop(disk_t *disk) {
    atomic_store(&disk->stopping, true);
    crew_stop(disk->crew, CREW_FINISH);
    crew_stop(disk->snapshot_crew, CREW_FINISH);
    close_files(disk);
}

bool disk_stopped(const disk_t *disk) {
    return crew_stopped(disk->crew) && crew_stopped(disk->snapshot_crew);
}

void disk_free(disk_t *disk) {
    crew_free(disk->crew);
    crew_free(disk->snapshot_crew);
    uv_mutex_destroy(&disk->mutex);
    free(disk);
}
