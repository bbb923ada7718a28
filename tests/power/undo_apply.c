/* What a power cut takes away, from the notes of undo_shim.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prng.h"
#include "tests/power/storage.h"
#include "tests/power/undo.h"

typedef struct undo {
    uint64_t seed;
    bool torn;           /* sectors are lost by lot, else all of them */
    uint32_t names_left; /* renames and the like that are still to be undone */
    uint64_t *sectors_lost;
} undo_t;

/* Once for a sector, however often it was written: it holds what was synced or the newest. */
static bool is_lost(const undo_t *undo, const char *path, uint64_t sector) {
    uint64_t hash = undo->seed ^ sector * UINT64_C(0x9E3779B97F4A7C15);
    for (const char *at = path; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001B3);
    return !undo->torn || ((hash ^ hash >> 31) & 1) != 0;
}

/* One sector's part of a write, put back: what was there, zeros beyond the old end. */
static bool put_back(int file, const undo_note_t *note, uint64_t from, uint64_t to) {
    uint8_t bytes[UNDO_SECTOR] = {0};
    uint64_t known = note->offset + note->old_size;
    if (from < known)
        memcpy(bytes, (const uint8_t *)(note + 1) + (from - note->offset),
               (to < known ? to : known) - from);
    return pwrite(file, bytes, to - from, (off_t)from) == (ssize_t)(to - from);
}

static bool undo_data(undo_t *undo, const undo_note_t *note) {
    int file = open(note->path, O_WRONLY | O_CLOEXEC);
    struct stat about;
    if (file < 0)
        return errno == ENOENT; /* unlinked since, for good */
    bool good = fstat(file, &about) == 0;
    uint64_t end = note->offset + note->written;
    if (good && !undo->torn && (uint64_t)about.st_size > note->old_length) {
        good = ftruncate(file, (off_t)note->old_length) == 0;
        end = end < note->old_length ? end : note->old_length;
    }
    for (uint64_t at = note->offset; good && at < end;) {
        uint64_t sector = at / UNDO_SECTOR, next = (sector + 1) * UNDO_SECTOR;
        next = next < end ? next : end;
        if (is_lost(undo, note->path, sector)) {
            good = put_back(file, note, at, next);
            *undo->sectors_lost += 1;
        }
        at = next;
    }
    close(file);
    return good;
}

static bool undo_name(undo_t *undo, const undo_note_t *note) {
    if (undo->names_left == 0)
        return true;
    undo->names_left--;
    if (note->kind == UNDO_CREATE)
        return unlink(note->path) == 0 || errno == ENOENT;
    bool good = note->kind != UNDO_RENAME || rename(note->path, note->other) == 0;
    return good && (note->saved[0] == '\0' || rename(note->saved, note->path) == 0);
}

static bool undo_notes(uint8_t *memory, uint64_t seed, uint64_t *sectors_lost) {
    prng_t prng = prng_of(seed);
    undo_head_t *head = (undo_head_t *)memory;
    uint32_t count = 0, names = 0;
    for (uint64_t at = sizeof *head; at < head->used;) {
        const undo_note_t *note = (const undo_note_t *)(memory + at);
        names += note->kind > UNDO_DATA;
        count++;
        at += undo_note_bytes(note);
    }
    uint64_t *places = calloc((size_t)count + 1, sizeof *places);
    if (places == NULL)
        return false;
    count = 0;
    for (uint64_t at = sizeof *head; at < head->used; count++) {
        places[count] = at;
        at += undo_note_bytes((const undo_note_t *)(memory + at));
    }
    undo_t undo = {.seed = prng_next(&prng), .sectors_lost = sectors_lost};
    undo.torn = prng_below(&prng, 2) == 1;
    undo.names_left = (uint32_t)prng_below(&prng, (uint64_t)names + 1);
    bool good = true;
    /* The newest first. Notes of data have the names of the time of the cut. */
    for (uint32_t i = count; good && i > 0; i--) {
        const undo_note_t *note = (const undo_note_t *)(memory + places[i - 1]);
        good = note->kind != UNDO_DATA || undo_data(&undo, note);
    }
    for (uint32_t i = count; good && i > 0; i--) {
        const undo_note_t *note = (const undo_note_t *)(memory + places[i - 1]);
        good = note->kind <= UNDO_DATA || undo_name(&undo, note);
    }
    head->used = sizeof *head;
    free(places);
    return good;
}

bool undo_apply(const char *notes, uint64_t seed, uint64_t *sectors_lost, char *why,
                size_t why_size) {
    int file = open(notes, O_RDWR | O_CLOEXEC);
    if (file < 0 && errno == ENOENT)
        return true; /* nothing was ever opened there */
    void *memory =
        file < 0 ? MAP_FAILED : mmap(NULL, UNDO_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    bool good = memory != MAP_FAILED && undo_notes(memory, seed, sectors_lost);
    if (!good)
        snprintf(why, why_size, "the notes %s cannot be applied: %s", notes, strerror(errno));
    if (memory != MAP_FAILED)
        munmap(memory, UNDO_BYTES);
    if (file >= 0)
        close(file);
    return good;
}
