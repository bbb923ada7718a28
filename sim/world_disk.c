/* A simulated disk: zeros until written, one append under way, durable when it completes. A killed
 * process leaves a part of its last write in the machine's cache; a power cut loses that and tears
 * the write under way at sectors of 512 bytes (attacks F1, F3). */
#include <stdlib.h>

#include "replica/journal.h"
#include "sim/world_state.h"

/* In the header of a record (docs/formats/journal.md). */
#define COMMITTED_AT 24

void disk_make(disk_t *disk, uint64_t bytes) {
    *disk = (disk_t){.bytes = bytes};
    disk->pages =
        calloc((size_t)((bytes + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES), sizeof(uint8_t *));
    invariant(disk->pages != NULL);
}

void sim_disk_free(disk_t *disk) {
    for (uint64_t page = 0; page * DISK_PAGE_BYTES < disk->bytes; page++)
        free(disk->pages[page]);
    free(disk->pages);
    free(disk->undo);
}

void sim_disk_read(const disk_t *disk, uint64_t offset, void *to, size_t size) {
    uint8_t *at = to;
    while (size > 0) {
        uint64_t page = offset / DISK_PAGE_BYTES;
        size_t inside = (size_t)(offset % DISK_PAGE_BYTES), part = DISK_PAGE_BYTES - inside;
        part = part < size ? part : size;
        if (offset < disk->bytes && disk->pages[page] != NULL)
            memcpy(at, disk->pages[page] + inside, part);
        else
            memset(at, 0, part);
        at += part;
        offset += part;
        size -= part;
    }
}

void disk_write(disk_t *disk, uint64_t offset, const void *from, size_t size) {
    const uint8_t *at = from;
    require(offset + size <= disk->bytes);
    while (size > 0) {
        uint64_t page = offset / DISK_PAGE_BYTES;
        size_t inside = (size_t)(offset % DISK_PAGE_BYTES), part = DISK_PAGE_BYTES - inside;
        part = part < size ? part : size;
        if (disk->pages[page] == NULL) {
            disk->pages[page] = calloc(1, DISK_PAGE_BYTES);
            invariant(disk->pages[page] != NULL);
        }
        memcpy(disk->pages[page] + inside, at, part);
        at += part;
        offset += part;
        size -= part;
    }
}

void disk_complete(disk_t *disk) {
    require(disk->writing);
    disk_write(disk, disk->offset, disk->data.data, disk->data.size);
    disk->writing = false;
    disk->undo_count = 0;
    disk->appends++;
}

void disk_flush(disk_t *disk) {
    disk->undo_count = 0;
}

/* How a write that was cut short has landed. */
typedef enum landing { LANDED_NOT, LANDED_ALL, LANDED_FRONT, LANDED_ANY } landing_t;

static bool sector_lands(world_t *w, landing_t landing, uint64_t sector, uint64_t front) {
    if (landing == LANDED_ANY)
        return prng_below(&w->chance, 2) == 0;
    return landing == LANDED_ALL || (landing == LANDED_FRONT && sector < front);
}

/* Calls for each sector of the write under way that lands; true when it lands in part. */
static bool land(world_t *w, disk_t *disk, bool remember) {
    uint64_t sectors = disk->data.size / DISK_CUT_BYTES, landed = 0;
    landing_t landing = (landing_t)prng_below(&w->chance, 4);
    uint64_t front = prng_below(&w->chance, sectors + 1);
    for (uint64_t sector = 0; sector < sectors; sector++) {
        if (!sector_lands(w, landing, sector, front))
            continue;
        uint64_t at = disk->offset + sector * DISK_CUT_BYTES;
        if (remember) {
            disk->undo =
                grow(disk->undo, sizeof(disk_undo_t), &disk->undo_capacity, disk->undo_count + 1);
            disk_undo_t *undo = &disk->undo[disk->undo_count++];
            undo->at = at;
            sim_disk_read(disk, at, undo->before, DISK_CUT_BYTES);
        }
        disk_write(disk, at, disk->data.data + sector * DISK_CUT_BYTES, DISK_CUT_BYTES);
        landed++;
    }
    disk->writing = false;
    return landed > 0 && landed < sectors;
}

void disk_killed(world_t *w, disk_t *disk) {
    if (disk->writing && land(w, disk, true))
        world_struck(w, FAULT_TORN_WRITE);
}

/* One sector between two contents: a front of the new one before the rest of the old one. */
static void tear_sector(world_t *w, disk_t *disk, uint64_t at) {
    uint8_t sector[DISK_CUT_BYTES];
    sim_disk_read(disk, at, sector, sizeof sector);
    size_t front = (size_t)prng_below(&w->chance, sizeof sector);
    for (size_t i = front; i < sizeof sector; i++)
        sector[i] = (uint8_t)prng_next(&w->chance);
    disk_write(disk, at, sector, sizeof sector);
}

void disk_power_cut(world_t *w, disk_t *disk) {
    /* Newest first, so that a sector written twice goes back to its oldest content. */
    while (disk->undo_count > 0) {
        const disk_undo_t *undo = &disk->undo[--disk->undo_count];
        if (prng_below(&w->chance, 2) == 0)
            disk_write(disk, undo->at, undo->before, DISK_CUT_BYTES);
    }
    if (!disk->writing)
        return;
    uint64_t sectors = disk->data.size / DISK_CUT_BYTES, offset = disk->offset;
    bool torn = land(w, disk, false);
    if (prng_below(&w->chance, 4) == 0) {
        tear_sector(w, disk, offset + prng_below(&w->chance, sectors) * DISK_CUT_BYTES);
        torn = true;
    }
    if (torn)
        world_struck(w, FAULT_TORN_WRITE);
}

/* ---- rot ---- */

typedef struct found {
    uint64_t at, size, sequence, committed;
} found_t;

/* All sound records, whatever chain they belong to. */
static uint32_t find_records(const disk_t *disk, uint8_t *bytes, found_t **found) {
    uint32_t count = 0, capacity = 0;
    uint64_t size = disk->bytes;
    sim_disk_read(disk, 0, bytes, (size_t)size);
    for (uint64_t at = 0; at + JOURNAL_RECORD_HEADER_BYTES <= size; at += 64) {
        journal_entry_t entry;
        if (disk->pages[at / DISK_PAGE_BYTES] == NULL ||
            journal_parse(bytes_of(bytes + at, (size_t)(size - at)), at, &entry) != SYNOD_OK)
            continue;
        *found = grow(*found, sizeof(found_t), &capacity, count + 1);
        (*found)[count++] = (found_t){.at = at,
                                      .size = JOURNAL_RECORD_HEADER_BYTES + entry.body.size,
                                      .sequence = entry.sequence,
                                      .committed = load_u64(bytes + at + COMMITTED_AT)};
    }
    return count;
}

static bool overlap(const found_t *record, uint64_t at, uint64_t size) {
    return record->at < at + size && at < record->at + record->size;
}

static void damage(world_t *w, disk_t *disk, uint64_t at, uint64_t size) {
    uint8_t bytes[DISK_CUT_BYTES];
    sim_disk_read(disk, at, bytes, (size_t)size);
    if (size == 1)
        bytes[0] ^= (uint8_t)(1u << prng_below(&w->chance, 8));
    for (uint64_t i = 0; size > 1 && i < size; i++)
        bytes[i] = (uint8_t)prng_next(&w->chance);
    disk_write(disk, at, bytes, (size_t)size);
}

bool disk_rot(world_t *w, disk_t *disk, bool *forgotten) {
    uint8_t *bytes = malloc((size_t)disk->bytes);
    found_t *found = NULL;
    invariant(bytes != NULL);
    uint32_t count = find_records(disk, bytes, &found);
    if (count > 0) {
        const found_t *one = &found[prng_below(&w->chance, count)];
        uint64_t at = one->at + prng_below(&w->chance, one->size), size = 1, proved = 0;
        if (prng_below(&w->chance, 2) == 0) {
            at -= at % DISK_CUT_BYTES;
            size = DISK_CUT_BYTES;
        }
        damage(w, disk, at, size);
        for (uint32_t i = 0; i < count; i++)
            if (!overlap(&found[i], at, size) && found[i].committed > proved)
                proved = found[i].committed;
        *forgotten = false;
        for (uint32_t i = 0; i < count; i++)
            *forgotten |= overlap(&found[i], at, size) && found[i].sequence > proved;
    }
    free(found);
    free(bytes);
    return count > 0;
}
