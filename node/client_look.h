/* Looking at all members at once, for the verbs that show them: what each says about itself, how
 * soon, and why there is no answer of those that give none. */
#ifndef NODE_CLIENT_LOOK_H
#define NODE_CLIENT_LOOK_H

#include <synod/client.h>

#include "adapter/genesis.h"

typedef struct client_look {
    uint32_t member;
    bool answered;
    uint64_t took_ns;    /* from the question to the answer */
    synod_bytes report;  /* of docs/formats/wire.md; borrowed for the call */
    const char *trouble; /* of one that does not answer: why, as far as is known; may be empty */
} client_look_t;

/* Of the chain; as long as the client. */
const genesis_t *client_genesis(const synod_client *client);
const committee_t *client_committee(const synod_client *client);

/* Asks all members, waits until all have answered or `timeout_ns` is over, or `unlinked_ns` for
 * those to whom there is no connection, and calls `each` for each of them, which may not call the
 * client. */
void client_look_all(synod_client *client, uint64_t timeout_ns, uint64_t unlinked_ns,
                     void (*each)(void *context, const client_look_t *look), void *context);

#endif
