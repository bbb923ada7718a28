/* The protocols that this build has. */
#ifndef PROTOCOL_REGISTRY_H
#define PROTOCOL_REGISTRY_H

#include "protocol/protocol.h"

/* NULL-terminated, in order of introduction. */
const protocol_t *const *protocol_all(void);
/* By name; NULL when this build has none such. */
const protocol_t *protocol_find(const char *name);

/* The protocol of a new chain unless told otherwise. */
#define PROTOCOL_DEFAULT "hotstuff"

/* SYNOD_OK, SYNOD_UNSUPPORTED or SYNOD_BAD_CONFIG with a static text in `*reason`: does the table
 * declare only what this replica implements? */
synod_status protocol_judge(const protocol_t *protocol, const char **reason);

#endif
