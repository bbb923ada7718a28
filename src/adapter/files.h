/* Small files: read whole and bounded, written whole or not at all.
 *
 * A file is replaced by write, fsync, rename, fsync of the folder (attack F8), so that after a
 * power cut there is the old content or the new. Secrets are created with mode 0600 and refused
 * with any other, or of another owner (attacks K7, F10). */
#ifndef ADAPTER_FILES_H
#define ADAPTER_FILES_H

#include "adapter/reason.h"
#include "base/bytes.h"

#define FILE_PATH_MAX 4096

typedef struct file_path {
    char text[FILE_PATH_MAX];
} file_path_t;

/* "folder/name"; an absolute `name` stays as it is. TOO_LARGE. */
synod_status file_join(file_path_t *path, const char *folder, const char *name, reason_t *reason);

typedef enum file_access { FILE_PUBLIC = 1, FILE_SECRET = 2 } file_access_t;

/* A file in memory, followed by a zero that `size` does not count. */
typedef struct file_content {
    char *text;
    size_t size;
} file_content_t;

/* NOT_FOUND, PERMISSION, TOO_LARGE, IO. Free with file_free, which wipes. */
synod_status file_read(const char *path, size_t size_max, file_access_t access,
                       file_content_t *content, reason_t *reason);
void file_free(file_content_t *content);

typedef enum file_existing {
    FILE_REPLACE = 1, /* what is there goes */
    FILE_KEEP = 2     /* what is there stays, and the answer is IN_USE */
} file_existing_t;

synod_status file_write(const char *path, bytes_t bytes, file_access_t access,
                        file_existing_t existing, reason_t *reason);

/* Makes a folder (mode 0700) and those above it. One that is there already is fine. */
synod_status file_make_folder(const char *path, reason_t *reason);
/* True when the folder does not exist or has nothing in it. */
bool file_folder_is_empty(const char *path);
/* fsync of the folder that holds `path`. 0 or an errno. */
int file_sync_folder_of(const char *path);

#endif
