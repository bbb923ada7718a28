/* Small files: read whole and bounded, written whole or not at all. */
#include "adapter/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/sign.h"

#define SECRET_MODE 0600
#define PUBLIC_MODE 0644
#define FOLDER_MODE 0700

synod_status file_join(file_path_t *path, const char *folder, const char *name, reason_t *reason) {
    const char *format = name[0] == '/' ? "%.0s%s" : "%s/%s";
    int length = snprintf(path->text, sizeof path->text, format, folder, name);
    if (length < 0 || (size_t)length >= sizeof path->text) {
        return reason_set(reason, SYNOD_TOO_LARGE, "the path %.100s... is too long", folder);
    }
    return SYNOD_OK;
}

/* ---- reading ---- */

/* A secret that somebody else may read is no secret any more; the operator has to know. */
static synod_status judge_secret(const struct stat *about, const char *path, reason_t *reason) {
    if (about->st_uid != geteuid()) {
        return reason_set(reason, SYNOD_PERMISSION,
                          "%s belongs to user %u, but this process runs as user %u; make it yours "
                          "with chown, or run as its owner",
                          path, (unsigned)about->st_uid, (unsigned)geteuid());
    }
    unsigned mode = about->st_mode & 07777u;
    if (mode != SECRET_MODE) {
        return reason_set(reason, SYNOD_PERMISSION,
                          "%s has mode 0%o, others could have read the keys in it; if you are sure "
                          "that nobody did, chmod 0600 it, else make new keys",
                          path, mode);
    }
    return SYNOD_OK;
}

static synod_status judge_file(int file, const char *path, size_t size_max, file_access_t access,
                               size_t *size, reason_t *reason) {
    struct stat about;
    if (fstat(file, &about) != 0) {
        return reason_errno(reason, errno, "look at", path);
    }
    if (!S_ISREG(about.st_mode)) {
        return reason_set(reason, SYNOD_MALFORMED, "%s is not a plain file", path);
    }
    if ((uint64_t)about.st_size > size_max) {
        return reason_set(reason, SYNOD_TOO_LARGE, "%s has %lld bytes, at most %zu are possible",
                          path, (long long)about.st_size, size_max);
    }
    *size = (size_t)about.st_size;
    return access == FILE_SECRET ? judge_secret(&about, path, reason) : SYNOD_OK;
}

static synod_status read_open(int file, const char *path, file_content_t *content,
                              reason_t *reason) {
    size_t wanted = content->size;
    content->size = 0;
    while (content->size < wanted) {
        ssize_t got = read(file, content->text + content->size, wanted - content->size);
        if (got == 0) {
            break; /* it was cut meanwhile: what is there is judged */
        }
        if (got < 0 && errno != EINTR) {
            return reason_errno(reason, errno, "read", path);
        }
        content->size += got > 0 ? (size_t)got : 0;
    }
    content->text[content->size] = '\0';
    return SYNOD_OK;
}

synod_status file_read(const char *path, size_t size_max, file_access_t access,
                       file_content_t *content, reason_t *reason) {
    *content = (file_content_t){0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return reason_errno(reason, errno, "open", path);
    }
    synod_status status = judge_file(file, path, size_max, access, &content->size, reason);
    if (status == SYNOD_OK) {
        content->text = malloc(content->size + 1);
        status = content->text != NULL
                     ? read_open(file, path, content, reason)
                     : reason_set(reason, SYNOD_NO_MEMORY, "no memory to read %s", path);
    }
    (void)close(file);
    if (status != SYNOD_OK) {
        file_free(content);
    }
    return status;
}

void file_free(file_content_t *content) {
    if (content->text != NULL) {
        sign_wipe(content->text, content->size);
        free(content->text);
    }
    *content = (file_content_t){0};
}

/* ---- writing ---- */

/* 0 or an errno. */
static int write_all(int file, bytes_t bytes) {
    size_t at = 0;
    while (at < bytes.size) {
        ssize_t done = write(file, bytes.data + at, bytes.size - at);
        if (done < 0 && errno != EINTR) {
            return errno;
        }
        at += done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* The whole content, durable, under a name that nobody looks for. 0 or an errno. */
static int write_aside(const char *aside, bytes_t bytes, mode_t mode) {
    /* One left over from a crash may have any mode and owner. */
    (void)unlink(aside);
    int file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) {
        return errno;
    }
    int error = fchmod(file, mode) == 0 ? 0 : errno; /* whatever the umask is */
    if (error == 0) {
        error = write_all(file, bytes);
    }
    if (error == 0 && fsync(file) != 0) {
        error = errno;
    }
    if (close(file) != 0 && error == 0) {
        error = errno;
    }
    return error;
}

/* A hard link fails where a name exists, which a rename does not: nobody's key is overwritten. */
static int put_in_place(const char *aside, const char *path, file_existing_t existing) {
    if (existing == FILE_REPLACE) {
        return rename(aside, path) == 0 ? 0 : errno;
    }
    return link(aside, path) == 0 ? 0 : errno;
}

int file_sync_folder_of(const char *path) {
    const char *end = strrchr(path, '/');
    size_t length = end == NULL ? 0 : (size_t)(end - path);
    file_path_t folder = {"."};
    if (length >= sizeof folder.text) {
        return ENAMETOOLONG;
    }
    if (end != NULL) {
        memcpy(folder.text, path, length);
        memcpy(folder.text + length, length == 0 ? "/" : "", length == 0 ? 2 : 1);
    }
    int file = open(folder.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) {
        return errno;
    }
    int error = fsync(file) == 0 ? 0 : errno;
    (void)close(file);
    return error;
}

synod_status file_write(const char *path, bytes_t bytes, file_access_t access,
                        file_existing_t existing, reason_t *reason) {
    file_path_t aside;
    int length = snprintf(aside.text, sizeof aside.text, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof aside.text) {
        return reason_set(reason, SYNOD_TOO_LARGE, "the path %.100s... is too long", path);
    }
    int error = write_aside(aside.text, bytes, access == FILE_SECRET ? SECRET_MODE : PUBLIC_MODE);
    if (error == 0) {
        error = put_in_place(aside.text, path, existing);
    }
    (void)unlink(aside.text); /* gone already after a rename */
    if (error == 0) {
        error = file_sync_folder_of(path);
    }
    if (error == EEXIST) {
        return reason_set(reason, SYNOD_IN_USE,
                          "%s is there already and is not overwritten; move it away first", path);
    }
    return error == 0 ? SYNOD_OK : reason_errno(reason, error, "write", path);
}

/* ---- folders ---- */

/* The first component that is missing is made, then the next. 0 or an errno. */
static int make_folders(char *path) {
    for (char *at = path + 1;; at++) {
        char mark = *at;
        if (mark != '/' && mark != '\0') {
            continue;
        }
        *at = '\0';
        int made = mkdir(path, FOLDER_MODE);
        int error = made == 0 || errno == EEXIST ? 0 : errno;
        if (made == 0) {
            error = file_sync_folder_of(path);
        }
        *at = mark;
        if (error != 0 || mark == '\0') {
            return error;
        }
    }
}

synod_status file_make_folder(const char *path, reason_t *reason) {
    file_path_t whole;
    int length = snprintf(whole.text, sizeof whole.text, "%s", path);
    if (length <= 0 || (size_t)length >= sizeof whole.text) {
        return reason_set(reason, SYNOD_TOO_LARGE, "the path '%.100s' cannot be a folder", path);
    }
    int error = make_folders(whole.text);
    struct stat about;
    if (error == 0 && stat(path, &about) != 0) {
        error = errno;
    } else if (error == 0 && !S_ISDIR(about.st_mode)) {
        error = ENOTDIR;
    }
    return error == 0 ? SYNOD_OK : reason_errno(reason, error, "make the folder", path);
}

bool file_folder_is_empty(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT;
    }
    bool empty = true;
    for (struct dirent *entry = readdir(folder); entry != NULL && empty; entry = readdir(folder)) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    (void)closedir(folder);
    return empty;
}
