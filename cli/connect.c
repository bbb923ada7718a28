/* See connect.h. */
#include "cli/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

uint64_t monotonic_ns(void) {
    return uv_hrtime();
}

void connect_option_table(connect_options_t *connect, option_t *options, uint32_t at) {
    *connect = (connect_options_t){.timeout_ns = UINT64_C(10000000000)};
    options[at] = (option_t){"home", OPTION_TEXT, &connect->home, "DIR",
                             "a node's home or a testnet's folder"};
    options[at + 1] = (option_t){"genesis", OPTION_TEXT, &connect->genesis, "FILE",
                                 "genesis.json of the chain, instead of --home"};
    options[at + 2] = (option_t){"timeout", OPTION_DURATION, &connect->timeout_ns, "TIME",
                                 "give up after this long (default 10s)"};
    options[at + 3] = (option_t){0};
}

bool connect_genesis_path(const connect_options_t *connect, char *path, size_t path_size) {
    if (connect->genesis != NULL) {
        snprintf(path, path_size, "%s", connect->genesis);
        return access(path, R_OK) == 0;
    }
    if (connect->home == NULL)
        return false;
    snprintf(path, path_size, "%s/node0/genesis.json", connect->home);
    if (access(path, R_OK) == 0)
        return true;
    snprintf(path, path_size, "%s/genesis.json", connect->home);
    return access(path, R_OK) == 0;
}

int connect_open(const verb_t *verb, const connect_options_t *connect,
                 const synod_client_options *tuning, synod_client **client) {
    char path[4096] = "", reason[768];
    if (connect->home == NULL && connect->genesis == NULL)
        return usage_error(verb, "say which chain: --home DIR or --genesis FILE");
    if (!connect_genesis_path(connect, path, sizeof path))
        return failed(verb, "%s: no genesis there; `synod up --home DIR` makes a chain", path);
    synod_client_options options = tuning == NULL ? (synod_client_options){0} : *tuning;
    options.size_bytes = sizeof options;
    options.genesis_path = path;
    if (options.deadline_ns == 0)
        options.deadline_ns = options.query_deadline_ns = connect->timeout_ns;
    if (synod_client_open(&options, client, reason, sizeof reason) != SYNOD_OK)
        return failed(verb, "%s", reason);
    return -1;
}

bool connect_status_whole(synod_client *client, uint32_t member, uint64_t timeout_ns, bytes_t room,
                          status_report_t *report) {
    uint8_t *bytes = (uint8_t *)(uintptr_t)room.data;
    size_t size = 0;
    if (synod_client_member_status(client, member, bytes, room.size, &size, timeout_ns) != SYNOD_OK)
        return false;
    reader_t reader = reader_of(bytes_of(bytes, size));
    return size <= room.size && status_report_decode(&reader, report) == SYNOD_OK;
}

bool connect_status(synod_client *client, uint32_t member, uint64_t timeout_ns,
                    status_report_t *report) {
    uint32_t members = synod_client_members(client);
    size_t size = STATUS_FIXED_BYTES + (size_t)STATUS_PEER_BYTES * members;
    uint8_t *bytes = malloc(size);
    bool answered = bytes != NULL &&
                    connect_status_whole(client, member, timeout_ns, bytes_of(bytes, size), report);
    report->peers = (bytes_t){0};
    free(bytes);
    return answered;
}
