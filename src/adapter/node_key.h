/* The secrets of a node, in the file node_key (docs/formats/home.md): the seed of the Ed25519 key
 * that signs as the member, and the seed of the P-256 key that TLS shows. */
#ifndef ADAPTER_NODE_KEY_H
#define ADAPTER_NODE_KEY_H

#include "adapter/reason.h"
#include "adapter/tls.h"
#include "crypto/sign.h"

#define NODE_KEY_VERSION 1

typedef struct node_key {
    uint8_t member_seed[SIGN_SEED_BYTES];
    uint8_t tls_seed[TLS_SEED_BYTES];
} node_key_t;

/* Fresh random seeds; IO when the system gives none. */
synod_status node_key_draw(node_key_t *key, reason_t *reason);
/* Creates the file with mode 0600; IN_USE when there is one already. */
synod_status node_key_write(const char *path, const node_key_t *key, reason_t *reason);
/* NOT_FOUND; PERMISSION (mode, owner); BAD_VERSION; MALFORMED; BAD_CHECKSUM. */
synod_status node_key_read(const char *path, node_key_t *key, reason_t *reason);
/* What the seeds stand for; `member` or `tls` may be NULL. NO_MEMORY. */
synod_status node_key_public(const node_key_t *key, key_public_t *member, tls_key_t *tls);
/* The secret from which the replica derives what has to be equal after a restart. */
void node_key_replica_seed(const node_key_t *key, uint8_t seed[32]);
void node_key_wipe(node_key_t *key);

#endif
