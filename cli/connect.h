/* A client for the verbs: finds the genesis of a home, of a testnet folder, or by --genesis. */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include <synod/client.h>

#include "cli/options.h"
#include "codec/sync_codec.h"

typedef struct connect_options {
    const char *home, *genesis;
    uint64_t timeout_ns;
} connect_options_t;

/* Adds --home, --genesis, --timeout at index `at` and the end mark; needs room for 4. */
void connect_option_table(connect_options_t *connect, option_t *options, uint32_t at);
/* -1 to go on, or the exit code. `tuning` may be NULL. */
int connect_open(const verb_t *verb, const connect_options_t *connect,
                 const synod_client_options *tuning, synod_client **client);
/* The genesis file to use; false when there is none (then `path` is where it was looked for). */
bool connect_genesis_path(const connect_options_t *connect, char *path, size_t path_size);

/* Status of a member, decoded, without what it says about others; false when it does not answer in
 * time. */
bool connect_status(synod_client *client, uint32_t member, uint64_t timeout_ns,
                    status_report_t *report);
/* The same with it: `report` borrows from `room`, which is written to. */
bool connect_status_whole(synod_client *client, uint32_t member, uint64_t timeout_ns, bytes_t room,
                          status_report_t *report);

uint64_t monotonic_ns(void);

#endif
