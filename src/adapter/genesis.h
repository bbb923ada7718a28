/* The genesis: what all nodes of a chain share, and nothing else (docs/formats/home.md).
 *
 * genesis.json is for people; the chain is named by the digest of a canonical binary form, so that
 * white space, the order of fields and the spelling of defaults do not matter. It is judged like a
 * message of a stranger (attacks K4, X19): whoever was sent a bad one learns what is wrong with
 * it. */
#ifndef ADAPTER_GENESIS_H
#define ADAPTER_GENESIS_H

#include "adapter/address.h"
#include "adapter/files.h"
#include "adapter/tls.h"
#include "replica/replica.h"

#define GENESIS_VERSION 3
#define GENESIS_NAME_MAX 64

/* Letters, digits, '.', '-', '_'; not empty. */
typedef struct genesis_name {
    char text[GENESIS_NAME_MAX + 1];
} genesis_name_t;
/* False when the text is no name. */
bool genesis_name_set(genesis_name_t *name, const char *text);

typedef struct genesis_member {
    genesis_name_t name;
    address_t address;
    key_public_t key;
    tls_key_t tls_key;
    uint64_t weight;
} genesis_member_t;

typedef struct genesis {
    genesis_name_t chain, protocol, app;
    uint32_t protocol_id; /* filled in by genesis_judge */
    uint64_t time_ns;     /* of the genesis, since 1970 */
    chain_parameters_t parameters;
    uint32_t member_count;
    genesis_member_t *members; /* owned */
    /* filled in by genesis_judge */
    digest_t domain; /* names the chain in everything that is signed */
    digest_t anchor; /* id of the block at height 0 */
} genesis_t;

/* Reads and judges. `name` is what sentences call the text: its path. */
synod_status genesis_read(const char *path, genesis_t *genesis, reason_t *reason);
synod_status genesis_parse(const char *name, const char *text, size_t size, genesis_t *genesis,
                           reason_t *reason);
void genesis_free(genesis_t *genesis);

/* Fills in defaults and what is derived; BAD_CONFIG, BAD_KEY, DUPLICATE, UNSUPPORTED, TOO_LARGE. */
synod_status genesis_judge(const char *name, genesis_t *genesis, reason_t *reason);

/* IN_USE when the file exists. */
synod_status genesis_write(const char *path, const genesis_t *genesis, reason_t *reason);

/* The canonical form. Free it with free(). NULL: no memory. */
uint8_t *genesis_encode(const genesis_t *genesis, size_t *size);

/* The committee of epoch 0 over `infos` (member_count of them), which must stay. The genesis was
 * judged. */
void genesis_committee(const genesis_t *genesis, member_info_t *infos, const verifier_t *verifier,
                       committee_t *committee);

#endif
