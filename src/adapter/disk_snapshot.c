/* Snapshots: written aside, then put in place as a whole (attack F8). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "adapter/disk_state.h"
#include "replica/host.h"

static void close_aside(disk_t *disk, uint32_t slot) {
    if (disk->aside_files[slot] >= 0) {
        (void)close(disk->aside_files[slot]);
        disk->aside_files[slot] = -1;
    }
}

/* Begins anew, whatever was written before. 0 or an errno. */
static int begin(disk_t *disk, uint32_t slot) {
    close_aside(disk, slot);
    disk->aside_unsynced[slot] = 0;
    disk->aside_files[slot] =
        open(disk->asides[slot].text, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return disk->aside_files[slot] >= 0 ? 0 : errno;
}

static int finish(disk_t *disk, uint32_t slot) {
    int error = disk_sync(disk, disk->aside_files[slot]);
    close_aside(disk, slot);
    if (error == 0 && rename(disk->asides[slot].text, disk->snapshots[slot].text) != 0) {
        error = errno;
    }
    if (error == 0 && disk->options.durability != DURABILITY_NONE) {
        error = file_sync_folder_of(disk->snapshots[slot].text);
    }
    return error;
}

synod_status snapshot_store(disk_t *disk, const disk_item_t *item) {
    uint32_t slot = item->slot;
    int error = (item->flags & STORE_BEGIN) != 0 ? begin(disk, slot) : 0;
    if (error == 0 && disk->aside_files[slot] < 0) {
        return SYNOD_IO; /* a piece before this one failed: the whole has to begin anew */
    }
    if (error == 0) {
        error = disk_write_all(disk, disk->aside_files[slot], item->from, item->size, item->offset);
    }
    disk->aside_unsynced[slot] += item->size;
    if (error == 0 && (item->flags & STORE_END) != 0) {
        error = finish(disk, slot);
    } else if (error == 0 && disk->aside_unsynced[slot] >= SNAPSHOT_SYNC_BYTES) {
        error = disk_sync(disk, disk->aside_files[slot]);
        disk->aside_unsynced[slot] = 0;
    }
    if (error != 0) {
        close_aside(disk, slot);
        (void)unlink(disk->asides[slot].text); /* a full disk needs the room */
        disk_report(disk, LOG_WARNING, "snapshot", error);
        return status_of_errno(error);
    }
    return SYNOD_OK;
}

synod_status snapshot_load(disk_t *disk, const disk_item_t *item) {
    int file = open(disk->snapshots[item->slot].text, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return status_of_errno(errno);
    }
    int error = disk_read_all(disk, file, item->to, item->size, item->offset);
    (void)close(file);
    return error == 0 ? SYNOD_OK : status_of_errno(error);
}

void snapshot_close(disk_t *disk) {
    for (uint32_t slot = 0; slot < SNAPSHOT_SLOTS; slot++) {
        close_aside(disk, slot);
    }
}
