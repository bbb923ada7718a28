/* The home of a node: config, genesis.json, node_key, data/ (docs/formats/home.md). */
#ifndef ADAPTER_HOME_H
#define ADAPTER_HOME_H

#include "adapter/genesis.h"
#include "adapter/node_key.h"
#include "adapter/settings.h"

/* Everything that is in the files, judged. */
typedef struct home {
    file_path_t path, data, journal;
    settings_t settings;
    genesis_t genesis;
    node_key_t key;
    member_t self; /* whose key this is */
} home_t;

/* Reads all files of a home. Refuses as they do, and NOT_MEMBER when the genesis does not list the
 * keys of this node. The journal is not touched: the disk opens and locks it. */
synod_status home_read(const char *path, home_t *home, reason_t *reason);
void home_free(home_t *home);

#define HTTP_PORT_OFFSET 50

/* What new homes get. */
typedef struct home_plan {
    const char *chain, *protocol, *app;
    const char *host;              /* of all nodes */
    uint16_t port;                 /* of the first; the others take the next ones */
    chain_parameters_t parameters; /* zero = default */
    /* Each has its HTTP API at 127.0.0.1, HTTP_PORT_OFFSET above its port; none when there are more
     * than that: they would be in each other's way. */
    bool http;
    settings_t settings; /* all but `listen` */
} home_plan_t;

/* A chain "synod" of the default protocol and the application kv, on 127.0.0.1:7100 and up. */
void home_plan_default(home_plan_t *plan);

/* A chain of one member at `path`. IN_USE when there is something already. */
synod_status home_create(const char *path, const home_plan_t *plan, reason_t *reason);
/* A chain of `count` members, whose homes are `path`/node0, `path`/node1 and so on. */
synod_status testnet_create(const char *path, uint32_t count, const home_plan_t *plan,
                            reason_t *reason);
/* The home of one of them. */
synod_status testnet_home(const char *path, uint32_t index, file_path_t *home, reason_t *reason);

#endif
