/* See storage.h. */
#include "tests/power/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* fs/ext4/ext4.h of Linux; not in its headers for programs. */
#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define EXT4_GOING_FLAGS_NOLOGFLUSH 2u
#define LOOP_TRIES 20
#define UNMOUNT_TRIES 500

static bool fail(storage_t *storage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(storage->why, sizeof storage->why, format, arguments);
    va_end(arguments);
    return false;
}

bool run_program(const char *const *words) {
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere >= 0)
            dup2(nowhere, 1);
        setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void storage_path(const storage_t *storage, uint32_t index, const char *name, char *to,
                  size_t to_size) {
    snprintf(to, to_size, "%.900s/disk%u%s%s", storage->folder, index, name[0] == '\0' ? "" : "/",
             name);
}

void storage_beside(const storage_t *storage, const char *name, char *to, size_t to_size) {
    snprintf(to, to_size, "%.900s/%s", storage->folder, name);
}

/* ---- loop ---- */

/* A free device behind `image`. */
static int attach(int image, char *device, size_t device_size) {
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop = -1;
    struct loop_config config = {.fd = (uint32_t)image};
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    for (int i = 0; control >= 0 && loop < 0 && i < LOOP_TRIES; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            break;
        snprintf(device, device_size, "/dev/loop%d", number);
        loop = open(device, O_RDWR | O_CLOEXEC);
        if (loop < 0)
            break;
        if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
            break;
        int error = errno;
        close(loop);
        loop = -1;
        errno = error;
        if (error != EBUSY) /* somebody else was quicker */
            break;
    }
    int error = errno;
    if (control >= 0)
        close(control);
    errno = error;
    return loop;
}

static bool mount_disk(storage_t *storage, uint32_t index) {
    char path[STORAGE_PATH];
    storage_path(storage, index, "", path, sizeof path);
    if (mount(storage->devices[index], path, "ext4", MS_NOATIME, "") != 0)
        return fail(storage, "%s cannot be mounted: %s", storage->devices[index], strerror(errno));
    storage->mounted[index] = true;
    return true;
}

static bool unmount_disk(storage_t *storage, uint32_t index) {
    char path[STORAGE_PATH];
    struct timespec pause = {0, 10000000};
    storage_path(storage, index, "", path, sizeof path);
    for (int i = 0; storage->mounted[index] && i < UNMOUNT_TRIES; i++) {
        if (umount(path) == 0)
            storage->mounted[index] = false;
        else if (errno != EBUSY)
            break;
        else
            nanosleep(&pause, NULL);
    }
    return !storage->mounted[index] ||
           fail(storage, "%s cannot be unmounted: %s", path, strerror(errno));
}

static bool make_loop(storage_t *storage, uint32_t index) {
    char image[STORAGE_PATH], name[32];
    snprintf(name, sizeof name, "image%u", index);
    storage_beside(storage, name, image, sizeof image);
    int file = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, STORAGE_IMAGE_BYTES) != 0) {
        int error = errno;
        if (file >= 0)
            close(file);
        return fail(storage, "%s cannot be made: %s", image, strerror(error));
    }
    const char *const words[] = {"mkfs.ext4", "-q",          "-F",  "-m0", "-N1024",
                                 "-Jsize=8",  "-Enodiscard", image, NULL};
    bool made = run_program(words);
    if (made)
        storage->loops[index] =
            attach(file, storage->devices[index], sizeof storage->devices[index]);
    int error = errno;
    close(file);
    unlink(image);
    if (!made)
        return fail(storage, "mkfs.ext4 does not work here");
    if (storage->loops[index] < 0)
        return fail(storage, "no loop device: %s", strerror(error));
    return mount_disk(storage, index);
}

static bool open_loops(storage_t *storage) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return fail(storage, "no mounts of its own: %s", strerror(errno));
    for (uint32_t i = 0; i < storage->count; i++)
        if (!make_loop(storage, i))
            return false;
    return true;
}

/* ---- either ---- */

bool storage_open(storage_t *storage, storage_method_t method, const char *folder, const char *shim,
                  uint32_t count) {
    char path[STORAGE_PATH];
    memset(storage, 0, sizeof *storage);
    storage->count = count;
    snprintf(storage->folder, sizeof storage->folder, "%s", folder);
    snprintf(storage->shim, sizeof storage->shim, "%s", shim);
    for (uint32_t i = 0; i < STORAGE_MAX; i++)
        storage->loops[i] = -1;
    for (uint32_t i = 0; i < count; i++) {
        storage_path(storage, i, "", path, sizeof path);
        if (mkdir(path, 0700) != 0)
            return fail(storage, "%s cannot be made: %s", path, strerror(errno));
    }
    storage->method = STORAGE_LOOP;
    if (method != STORAGE_UNDO && open_loops(storage))
        return true;
    storage_close(storage);
    if (method == STORAGE_LOOP)
        return false;
    storage->method = STORAGE_UNDO;
    for (uint32_t i = 0; i < count; i++) {
        storage_path(storage, i, "saved", path, sizeof path);
        if (mkdir(path, 0700) != 0)
            return fail(storage, "%s cannot be made: %s", path, strerror(errno));
    }
    return access(shim, R_OK) == 0 || fail(storage, "%s is missing", shim);
}

void storage_environment(const storage_t *storage, uint32_t index,
                         char texts[2][STORAGE_PATH + 64]) {
    texts[0][0] = texts[1][0] = '\0';
    if (storage->method != STORAGE_UNDO)
        return;
    snprintf(texts[0], sizeof texts[0], "LD_PRELOAD=%s", storage->shim);
    char path[STORAGE_PATH];
    storage_path(storage, index, "", path, sizeof path);
    snprintf(texts[1], sizeof texts[1], "POWER_UNDO=%s", path);
}

bool storage_sync(storage_t *storage, uint32_t index) {
    char path[STORAGE_PATH];
    storage_path(storage, index, "", path, sizeof path);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && syncfs(folder) == 0;
    if (folder >= 0)
        close(folder);
    return good || fail(storage, "%s cannot be synced: %s", path, strerror(errno));
}

bool storage_cut(storage_t *storage, uint32_t index) {
    char path[STORAGE_PATH];
    uint32_t flags = EXT4_GOING_FLAGS_NOLOGFLUSH;
    if (storage->method != STORAGE_LOOP)
        return true;
    storage_path(storage, index, "", path, sizeof path);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && ioctl(folder, EXT4_IOC_SHUTDOWN, &flags) == 0;
    if (folder >= 0)
        close(folder);
    return good || fail(storage, "%s cannot be shut down: %s", path, strerror(errno));
}

bool storage_restore(storage_t *storage, uint32_t index, uint64_t seed) {
    if (storage->method == STORAGE_LOOP)
        return unmount_disk(storage, index) && mount_disk(storage, index);
    char notes[STORAGE_PATH];
    storage_path(storage, index, "notes", notes, sizeof notes);
    return undo_apply(notes, seed, &storage->sectors_lost, storage->why, sizeof storage->why);
}

void storage_close(storage_t *storage) {
    for (uint32_t i = 0; i < storage->count; i++) {
        char why[sizeof storage->why];
        snprintf(why, sizeof why, "%s", storage->why); /* the first reason is the one to tell */
        if (!unmount_disk(storage, i))
            fprintf(stderr, "power: %s\n", storage->why);
        snprintf(storage->why, sizeof storage->why, "%s", why);
        if (storage->loops[i] >= 0)
            close(storage->loops[i]);
        storage->loops[i] = -1;
    }
}
