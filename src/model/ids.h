/* The numbers that every protocol speaks in. */
#ifndef MODEL_IDS_H
#define MODEL_IDS_H

#include "base/bytes.h"

typedef uint64_t epoch_t;  /* which committee */
typedef uint64_t view_t;   /* round, term or ballot; restarts at 1 with each epoch; 0 = genesis */
typedef uint64_t height_t; /* distance from the epoch's anchor block; 0 = the anchor */
typedef uint32_t member_t; /* index in the committee of the epoch */

#define MEMBER_NONE UINT32_MAX
/* Largest committee that one process handles (simulated studies reach 10,000 members). */
#define MEMBERS_MAX 10000

/* Which instance inside a root: the slot of the log wrapper and up to four parts (contract, 5). A
 * core without children uses the empty path. */
#define PATH_PARTS_MAX 5
typedef struct path {
    uint32_t parts[PATH_PARTS_MAX];
    uint32_t length;
} path_t;

bool path_equal(const path_t *a, const path_t *b);

#endif
