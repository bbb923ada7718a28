/* Loads a set of records through a client, paced, and reads it back: for `load` and `demo`. */
#ifndef CLI_LOADER_H
#define CLI_LOADER_H

#include <stdatomic.h>
#include <synod/client.h>

#include "cli/records.h"

typedef struct loader {
    synod_client *client;
    const record_set_t *records;
    size_t next;
    uint64_t started_ns, pace_ns; /* the whole set takes this long; 0: as fast as it goes */
    atomic_uint_fast64_t done, failed;
} loader_t;

void loader_begin(loader_t *loader, synod_client *client, const record_set_t *records,
                  uint64_t pace_ns);
/* Submits what is due by now; call it every few milliseconds. True when all were submitted. */
bool loader_advance(loader_t *loader);
/* All that was submitted has completed. */
bool loader_settled(loader_t *loader);

/* Reads every record back and compares. Returns how many differ or cannot be read. `progress` is
 * called now and then with how many were compared. */
uint64_t loader_compare(synod_client *client, const record_set_t *records,
                        void (*progress)(void *context, uint64_t compared), void *context);

#endif
