/* Sentences that go with a refusal. */
#include "adapter/reason.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names from files and texts of peers go to terminals: they must not control them. */
static void make_printable(char *text) {
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
}

synod_status reason_set(reason_t *reason, synod_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
    make_printable(reason->text);
    return status;
}

synod_status status_of_errno(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return SYNOD_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return SYNOD_PERMISSION;
    case ENOSPC:
    case EDQUOT:
        return SYNOD_NO_SPACE;
    case EADDRINUSE:
    case EEXIST:
        return SYNOD_IN_USE;
    case ENOMEM:
        return SYNOD_NO_MEMORY;
    default:
        return SYNOD_IO;
    }
}

synod_status reason_errno(reason_t *reason, int error, const char *what, const char *path) {
    return reason_set(reason, status_of_errno(error), "cannot %s %s: %s", what, path,
                      strerror(error));
}
