/* What each validator promised, over all of its lives: the statements that builds with fault hooks
 * note outside of the storage before they leave (node/faults.h). A member that says two things in
 * one slot, or votes in a view that it has left, was made to by a cut: its record came too late. */
#ifndef POWER_PROMISES_H
#define POWER_PROMISES_H

#include "tests/power/storage.h"

typedef struct promise {
    uint64_t slot, content; /* hashes; slot 0: free */
} promise_t;

typedef struct promises {
    uint64_t read_bytes[STORAGE_MAX]; /* of each member's file */
    uint64_t left[STORAGE_MAX];       /* highest view that the member gave up */
    promise_t *table;
    uint64_t capacity, count;
    uint64_t seen; /* statements */
} promises_t;

/* "FOLDER/promisesINDEX". */
void promises_path(const storage_t *storage, uint32_t index, char *to, size_t to_size);
/* Reads what is new; false: somebody contradicted itself, and `why` says who and where. */
bool promises_judge(promises_t *promises, const storage_t *storage, char *why, size_t why_size);
void promises_free(promises_t *promises);

#endif
