/* Makes the files that fuzzing starts from, out of real structures. */
#ifndef TESTS_FUZZ_CORPUS_CORPUS_H
#define TESTS_FUZZ_CORPUS_CORPUS_H

#include "base/bytes.h"

/* Writes FOLDER/TARGET/NAME: `first`, then the bytes. */
void corpus_write(const char *target, const char *name, bytes_t first, bytes_t bytes);

/* corpus_state.c: what kv, ledger and a home consist of. */
void corpus_state(void);
/* corpus_replica.c: what a replica hears. */
void corpus_replica(void);
/* The same where blocks name batches. */
void corpus_lanes(void);

#endif
