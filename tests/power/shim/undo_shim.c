/* A library to be loaded before the C library (LD_PRELOAD): notes what each write below the folder
 * POWER_UNDO overwrites until it is synced, in POWER_UNDO/notes, so that undo_apply.c can take away
 * what a power cut would have.
 *
 * Data is durable by fsync or fdatasync of its file, a name (made, renamed, unlinked) by fsync of
 * its folder, in the order in which it happened; that is the least that POSIX gives. A note is
 * whole before the call that it is about. When there are too many notes the oldest writes are
 * synced, as a kernel writes back what is old. Handled are open, pwrite, write, fsync, fdatasync,
 * rename, unlink and close: what a node uses below its home (hooks_test.sh looks whether the
 * program calls others; link, mkdir and ftruncate are for making a home and for the meter, of which
 * nothing has to last). An O_TRUNC is not undone: only files that are made anew are opened so. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/power/undo.h"

#define FILES_MAX 4096

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char folder[UNDO_PATH / 2]; /* "": nothing is noted */
static uint8_t *memory;
static char paths[FILES_MAX][UNDO_PATH]; /* by descriptor; "": not below the folder */

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

static void find(void *to, const char *name) {
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(to, &symbol, sizeof symbol); /* C has no cast from data to code */
}

static void give_up(const char *what) {
    dprintf(2, "undo_shim: %s\n", what);
    abort();
}

static void begin(void) {
    char notes[UNDO_PATH];
    find(&real_open, "open");
    find(&real_close, "close");
    find(&real_pwrite, "pwrite");
    find(&real_write, "write");
    find(&real_fsync, "fsync");
    find(&real_fdatasync, "fdatasync");
    find(&real_rename, "rename");
    find(&real_unlink, "unlink");
    const char *wanted = getenv("POWER_UNDO");
    if (wanted == NULL || strlen(wanted) + 32 >= sizeof folder)
        return;
    snprintf(folder, sizeof folder, "%s", wanted);
    snprintf(notes, sizeof notes, "%s/notes", folder);
    int file = real_open(notes, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, (off_t)UNDO_BYTES) != 0)
        give_up("the notes cannot be made");
    memory = mmap(NULL, UNDO_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        give_up("the notes cannot be mapped");
    real_close(file);
    undo_head_t *head = (undo_head_t *)memory;
    if (head->used == 0)
        head->used = sizeof *head;
}

static undo_head_t *lock(void) {
    pthread_once(&once, begin);
    pthread_mutex_lock(&mutex);
    return (undo_head_t *)memory;
}

static void unlock(void) {
    pthread_mutex_unlock(&mutex);
}

static bool below(const char *path) {
    size_t size = strlen(folder);
    return size > 0 && strncmp(path, folder, size) == 0 && path[size] == '/' &&
           strlen(path) < UNDO_PATH;
}

static const char *path_of(int file) {
    return file >= 0 && file < FILES_MAX && paths[file][0] != '\0' ? paths[file] : NULL;
}

/* ---- notes; the mutex is held ---- */

typedef void visit_fn(undo_note_t *note, const char *path, const char *to);

static void visit(visit_fn *one, const char *path, const char *to) {
    undo_head_t *head = (undo_head_t *)memory;
    bool left = false;
    for (uint64_t at = sizeof *head; at < head->used;) {
        undo_note_t *note = (undo_note_t *)(memory + at);
        if (note->kind != UNDO_VOID)
            one(note, path, to);
        left = left || note->kind != UNDO_VOID;
        at += undo_note_bytes(note);
    }
    if (!left)
        head->used = sizeof *head;
}

static void data_is_durable(undo_note_t *note, const char *path, const char *to) {
    (void)to;
    if (note->kind == UNDO_DATA && strcmp(note->path, path) == 0)
        note->kind = UNDO_VOID;
}

static void data_moved(undo_note_t *note, const char *path, const char *to) {
    if (note->kind == UNDO_DATA && strcmp(note->path, path) == 0)
        memcpy(note->path, to, strlen(to) + 1);
}

static void names_are_durable(undo_note_t *note, const char *path, const char *to) {
    size_t size = strlen(path);
    (void)to;
    if (note->kind <= UNDO_DATA || strncmp(note->path, path, size) != 0 ||
        note->path[size] != '/' || strchr(note->path + size + 1, '/') != NULL)
        return;
    note->kind = UNDO_VOID;
    if (note->saved[0] != '\0')
        real_unlink(note->saved);
}

/* Room for a note; writes that are in the way are synced. */
static undo_note_t *note_begin(undo_kind_t kind, const char *path, uint32_t old_size) {
    undo_head_t *head = (undo_head_t *)memory;
    uint64_t need = sizeof(undo_note_t) + old_size + 8;
    if (head->used + need > UNDO_BYTES) {
        for (int file = 0; file < FILES_MAX; file++)
            if (path_of(file) != NULL && real_fsync(file) == 0)
                visit(data_is_durable, paths[file], NULL);
        if (head->used + need > UNDO_BYTES)
            give_up("too many notes");
    }
    undo_note_t *note = (undo_note_t *)(memory + head->used);
    memset(note, 0, sizeof *note);
    note->kind = (uint32_t)kind;
    note->old_size = old_size;
    memcpy(note->path, path, strlen(path) + 1);
    return note;
}

/* From here on the note counts. */
static void note_end(const undo_note_t *note) {
    undo_head_t *head = (undo_head_t *)memory;
    atomic_thread_fence(memory_order_release);
    head->used += undo_note_bytes(note);
}

static void note_write(int file, uint64_t offset, size_t size) {
    struct stat about;
    if (fstat(file, &about) != 0)
        give_up("a file of unknown length");
    uint64_t length = (uint64_t)about.st_size;
    uint64_t old = offset >= length ? 0 : length - offset < size ? length - offset : size;
    undo_note_t *note = note_begin(UNDO_DATA, paths[file], (uint32_t)old);
    note->offset = offset;
    note->written = size;
    note->old_length = length;
    /* The descriptor may be for writing only. */
    int again = old > 0 ? real_open(paths[file], O_RDONLY | O_CLOEXEC) : -1;
    if (old > 0 && pread(again, note + 1, old, (off_t)offset) != (ssize_t)old)
        give_up("what is overwritten cannot be read");
    if (again >= 0)
        real_close(again);
    note_end(note);
}

/* A second name for what is about to lose its own. */
static void save(undo_note_t *note) {
    undo_head_t *head = (undo_head_t *)memory;
    snprintf(note->saved, sizeof note->saved, "%s/saved/%llu", folder,
             (unsigned long long)head->names++);
    if (link(note->path, note->saved) != 0)
        note->saved[0] = '\0'; /* there is nothing to lose */
}

static void sync_done(int file, bool whole) {
    struct stat about;
    lock();
    if (memory != NULL && path_of(file) != NULL) {
        if (whole && fstat(file, &about) == 0 && S_ISDIR(about.st_mode))
            visit(names_are_durable, paths[file], NULL);
        else
            visit(data_is_durable, paths[file], NULL);
    }
    unlock();
}

/* ---- the calls ---- */

static int open_noted(const char *path, int flags, mode_t mode) {
    lock();
    bool ours = memory != NULL && below(path);
    if (ours && (flags & O_CREAT) != 0 && access(path, F_OK) != 0)
        note_end(note_begin(UNDO_CREATE, path, 0));
    int file = real_open(path, flags, mode);
    if (ours && file >= 0) {
        if (file >= FILES_MAX)
            give_up("too many open files");
        memcpy(paths[file], path, strlen(path) + 1);
    }
    unlock();
    return file;
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_noted(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_noted(path, flags, mode);
}

int close(int file) {
    lock();
    if (file >= 0 && file < FILES_MAX)
        paths[file][0] = '\0';
    unlock();
    return real_close(file);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    lock();
    if (memory != NULL && path_of(file) != NULL)
        note_write(file, (uint64_t)offset, size);
    ssize_t done = real_pwrite(file, bytes, size, offset);
    unlock();
    return done;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) {
    return pwrite(file, bytes, size, offset);
}

ssize_t write(int file, const void *bytes, size_t size) {
    lock();
    bool ours = memory != NULL && path_of(file) != NULL;
    if (ours)
        note_write(file, (uint64_t)lseek(file, 0, SEEK_CUR), size);
    if (!ours)
        unlock(); /* a pipe may block */
    ssize_t done = real_write(file, bytes, size);
    if (ours)
        unlock();
    return done;
}

int fsync(int file) {
    lock();
    unlock();
    int result = real_fsync(file);
    if (result == 0)
        sync_done(file, true);
    return result;
}

int fdatasync(int file) {
    lock();
    unlock();
    int result = real_fdatasync(file);
    if (result == 0)
        sync_done(file, false);
    return result;
}

int rename(const char *from, const char *to) {
    lock();
    if (memory != NULL && below(from) && below(to)) {
        undo_note_t *note = note_begin(UNDO_RENAME, to, 0);
        memcpy(note->other, from, strlen(from) + 1);
        save(note);
        note_end(note);
        if (note->saved[0] != '\0')
            visit(data_moved, to, note->saved);
        visit(data_moved, from, to);
    }
    int result = real_rename(from, to);
    unlock();
    return result;
}

int unlink(const char *path) {
    lock();
    if (memory != NULL && below(path) && access(path, F_OK) == 0) {
        undo_note_t *note = note_begin(UNDO_UNLINK, path, 0);
        save(note);
        note_end(note);
        if (note->saved[0] != '\0')
            visit(data_moved, path, note->saved);
    }
    int result = real_unlink(path);
    unlock();
    return result;
}
