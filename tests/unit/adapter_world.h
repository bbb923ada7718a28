/* What the tests of the adapter share: a folder that goes away, files in it. */
#ifndef TESTS_UNIT_ADAPTER_WORLD_H
#define TESTS_UNIT_ADAPTER_WORLD_H

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/files.h"
#include "crypto/sign.h"

static char world_folder[256];
static reason_t world_reason;

static inline int world_remove(const char *path, const struct stat *about, int kind,
                               struct FTW *where) {
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline int world_open(void **state) {
    (void)state;
    const char *root = getenv("TMPDIR");
    (void)snprintf(world_folder, sizeof world_folder, "%s/synod-test-XXXXXX",
                   root != NULL ? root : "/tmp");
    return mkdtemp(world_folder) != NULL && sign_open() ? 0 : -1;
}

static inline int world_close(void **state) {
    (void)state;
    return nftw(world_folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in the folder; a few at a time. */
static inline const char *world_path(const char *name) {
    static char paths[8][600];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", world_folder, name);
    return path;
}

static inline void world_put(const char *path, const void *bytes, size_t size, mode_t mode) {
    (void)unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    assert_true(file >= 0);
    assert_int_equal(fchmod(file, mode), 0);
    assert_int_equal(write(file, bytes, size), (ssize_t)size);
    assert_int_equal(close(file), 0);
}

static inline void world_put_text(const char *path, const char *text) {
    world_put(path, text, strlen(text), 0644);
}

/* The content, zero-ended; the next call overwrites it. */
static inline char *world_get(const char *path, size_t *size) {
    static char text[1 << 16];
    int file = open(path, O_RDONLY);
    assert_true(file >= 0);
    ssize_t got = read(file, text, sizeof text - 1);
    assert_true(got >= 0);
    (void)close(file);
    text[got] = '\0';
    if (size != NULL) {
        *size = (size_t)got;
    }
    return text;
}

/* The last refusal named this. */
#define assert_reason(part)                                                                        \
    do {                                                                                           \
        if (strstr(world_reason.text, part) == NULL) {                                             \
            fail_msg("reason is: %s", world_reason.text);                                          \
        }                                                                                          \
    } while (0)

#endif
