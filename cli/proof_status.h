/* What make proof found for each protocol, as docs/proof/results.json said when this was built. */
#ifndef CLI_PROOF_STATUS_H
#define CLI_PROOF_STATUS_H

typedef struct proof_status {
    const char *protocol;
    const char *text; /* one line, without quotes */
} proof_status_t;

/* Ends with a NULL protocol. Made by tools/proof.lua at build time. */
extern const proof_status_t proof_statuses[];

#endif
