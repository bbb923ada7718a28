/* The disk's thread: whole reads and writes, syncs, growing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "adapter/disk_state.h"
#include "adapter/meter.h"

#define SPACE_PAUSE_US 100000

int disk_write_all(disk_t *disk, int file, const uint8_t *from, size_t size, uint64_t offset) {
    size_t at = 0;
    while (at < size) {
        ssize_t done = disk->calls.write(file, from + at, size - at, (off_t)(offset + at));
        if (done == 0) {
            return EIO; /* a file that takes nothing and gives no reason */
        }
        if (done < 0 && errno != EINTR) {
            return errno;
        }
        at += done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* A device that wants larger pieces refuses (EINVAL): then, and for the rest of a write of which
 * the kernel took an odd part, by the cache. The sync that follows is for both ways. */
int disk_write_journal(disk_t *disk, const uint8_t *from, size_t size, uint64_t offset) {
    bool whole = ((uintptr_t)from | size | offset) % DIRECT_BYTES == 0;
    while (disk->direct >= 0 && whole && size > 0) {
        ssize_t done = disk->calls.write(disk->direct, from, size, (off_t)offset);
        if (done < 0 && errno == EINVAL) {
            (void)close(disk->direct);
            disk->direct = -1;
        } else if (done < 0 && errno != EINTR) {
            return errno;
        } else if (done >= 0) {
            whole = done > 0 && done % DIRECT_BYTES == 0;
            from += done;
            offset += (uint64_t)done;
            size -= (size_t)done;
        }
    }
    return disk_write_all(disk, disk->file, from, size, offset);
}

int disk_read_all(disk_t *disk, int file, void *to, size_t size, uint64_t offset) {
    size_t at = 0;
    while (at < size) {
        ssize_t got = disk->calls.read(file, (uint8_t *)to + at, size - at, (off_t)(offset + at));
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        if (got == 0) {
            memset((uint8_t *)to + at, 0, size - at);
            return 0;
        }
        at += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int disk_sync(disk_t *disk, int file) {
    if (disk->options.durability == DURABILITY_NONE) {
        return 0;
    }
    uint64_t start = uv_hrtime();
    int error = disk->calls.sync(file) == 0 ? 0 : errno;
    uint64_t took = uv_hrtime() - start;
    uv_mutex_lock(&disk->mutex);
    disk->counters.syncs++;
    disk->counters.sync_ns += took;
    latency_add(&disk->counters.sync_times, took);
    if (took > disk->counters.sync_longest_ns) {
        disk->counters.sync_longest_ns = took;
    }
    uv_mutex_unlock(&disk->mutex);
    return error;
}

int disk_grow(disk_t *disk) {
    static _Alignas(DIRECT_BYTES) const uint8_t zeros[GROW_BYTES];
    uint64_t at = disk->prepared_bytes;
    size_t size = (size_t)(GROW_BYTES - at % GROW_BYTES);
    int error = disk_write_journal(disk, zeros, size, at);
    if (error == 0) {
        error = disk_sync(disk, disk->file);
    }
    if (error != 0) {
        return error;
    }
    disk->prepared_bytes = at + size;
    if (disk->options.meter != NULL) {
        meter_add(&disk->options.meter->grown_bytes, size);
    }
    uv_mutex_lock(&disk->mutex);
    disk->counters.grown_bytes += size;
    uv_mutex_unlock(&disk->mutex);
    return 0;
}

void disk_report(disk_t *disk, int level, const char *event, int error) {
    log_event(disk->options.log, level, "disk", event, "path=%s why=\"%s\"", disk->journal.text,
              error != 0 ? strerror(error) : "ok");
}

bool disk_wait_for_space(disk_t *disk, const char *what) {
    if (!disk->full) {
        disk->full = true;
        log_event(disk->options.log, LOG_ERROR, "disk", "full",
                  "path=%s why=\"the disk is full: this node promises nothing more until %s has "
                  "room; make some\"",
                  disk->journal.text, what);
        uv_mutex_lock(&disk->mutex);
        disk->counters.waits_for_space++;
        disk->counters.full = true;
        uv_mutex_unlock(&disk->mutex);
    }
    if (atomic_load(&disk->stopping)) {
        return false;
    }
    (void)usleep(SPACE_PAUSE_US);
    return true;
}
