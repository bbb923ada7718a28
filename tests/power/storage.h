/* Storage of a validator whose power can be cut: what was not synced is gone afterwards, which kill
 * -9 alone does not do, since the page cache outlives a process.
 *
 *   loop   an ext4 file system in an image behind a loop device. The file system's own shutdown
 *          (EXT4_IOC_SHUTDOWN without a flush of its log) drops what is dirty and lets nothing more
 *          be written; mounting it again replays its journal, as after a real cut.
 *   undo   a plain folder. A library that is loaded before the C library's functions (undo_shim.c)
 *          notes what each write overwrote until a sync; after the cut the notes are applied.
 *
 * Mounts are made in a name space of this process, loop devices detach by themselves when nobody
 * holds them and images are unlinked at once: whatever ends this process, nothing is left. */
#ifndef POWER_STORAGE_H
#define POWER_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORAGE_MAX 16
#define STORAGE_PATH 1024
#define STORAGE_IMAGE_BYTES (INT64_C(1536) << 20) /* sparse */

typedef enum storage_method {
    STORAGE_ANY = 0,
    STORAGE_LOOP = 1,
    STORAGE_UNDO = 2
} storage_method_t;

typedef struct storage {
    storage_method_t method;
    uint32_t count;
    char folder[STORAGE_PATH];
    char shim[STORAGE_PATH]; /* the library of `undo` */
    int loops[STORAGE_MAX];  /* devices; -1: none */
    char devices[STORAGE_MAX][32];
    bool mounted[STORAGE_MAX];
    uint64_t sectors_lost; /* by undo */
    char why[512];         /* what failed, and why `loop` is not used */
} storage_t;

/* `count` storages under an empty folder. False: `why`. */
bool storage_open(storage_t *storage, storage_method_t method, const char *folder, const char *shim,
                  uint32_t count);
/* "FOLDER/diskINDEX/NAME". */
void storage_path(const storage_t *storage, uint32_t index, const char *name, char *to,
                  size_t to_size);
/* "FOLDER/NAME": not on any of the storages. */
void storage_beside(const storage_t *storage, const char *name, char *to, size_t to_size);
/* What a process on this storage needs in its environment: "NAME=VALUE", up to two; "" for none. */
void storage_environment(const storage_t *storage, uint32_t index,
                         char texts[2][STORAGE_PATH + 64]);
/* All that is written is durable now. */
bool storage_sync(storage_t *storage, uint32_t index);
/* The power goes. Then the processes are killed, then storage_restore. */
bool storage_cut(storage_t *storage, uint32_t index);
bool storage_restore(storage_t *storage, uint32_t index, uint64_t seed);
/* Unmounts and detaches; files are the caller's to remove. */
void storage_close(storage_t *storage);

/* ---- undo_apply.c ---- */
/* Applies the notes of undo_shim.c: each sector of 512 bytes that was written and not synced is
 * lost, or, in half of the cuts, lost or kept by lot; of renames and the like the newest, by lot,
 * are undone. False: a reason. */
bool undo_apply(const char *notes, uint64_t seed, uint64_t *sectors_lost, char *why,
                size_t why_size);
/* Runs a program found in the usual folders and waits; true when it exits with 0. */
bool run_program(const char *const *words);

#endif
