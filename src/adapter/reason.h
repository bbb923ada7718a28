/* Why something was refused, as a sentence for people: what was wrong, where, and what to do. Goes
 * with a status, which is for programs. */
#ifndef ADAPTER_REASON_H
#define ADAPTER_REASON_H

#include <synod/types.h>

typedef struct reason {
    char text[768];
} reason_t;

/* Writes the sentence and returns `status`, so that a refusal is one statement. */
synod_status reason_set(reason_t *reason, synod_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A failed call of the system: "cannot WHAT PATH: text of errno", as SYNOD_NO_SPACE, NOT_FOUND,
 * PERMISSION, IN_USE or IO. */
synod_status reason_errno(reason_t *reason, int error, const char *what, const char *path);
/* The status that fits an errno. */
synod_status status_of_errno(int error);

#endif
