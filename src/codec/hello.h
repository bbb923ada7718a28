/* The first frame on every link and the last one (docs/formats/wire.md). A difference that matters
 * is named to the operator: which parameter, ours and theirs (attack K8). */
#ifndef CODEC_HELLO_H
#define CODEC_HELLO_H

#include "model/ids.h"
#include "protocol/protocol.h"

typedef enum role { ROLE_MEMBER = 1, ROLE_CLIENT = 2, ROLE_OBSERVER = 3 } role_t;

typedef struct hello {
    digest_t domain;
    epoch_t epoch;
    uint32_t protocol; /* id */
    role_t role;
    member_t member;         /* of a member: checked against the pinned channel key (attack K5) */
    parameters_t parameters; /* of the sender, so that a difference can be named */
    uint64_t connection;     /* random per attempt: settles simultaneous connects (attack N10) */
} hello_t;

#define HELLO_BYTES_MAX 256

void hello_encode(const hello_t *hello, writer_t *writer);
synod_status hello_decode(reader_t *reader, hello_t *hello);
/* SYNOD_OK, or WRONG_CHAIN / WRONG_EPOCH / BAD_CONFIG with a sentence for people in `reason`. */
synod_status hello_judge(const hello_t *ours, const hello_t *theirs, char *reason,
                         size_t reason_size);

typedef struct goodbye {
    synod_status status;
    char reason[160];
} goodbye_t;

#define GOODBYE_BYTES_MAX 165

/* What is not printable ASCII in the reason is sent as '?'. */
void goodbye_encode(const goodbye_t *goodbye, writer_t *writer);
synod_status goodbye_decode(reader_t *reader, goodbye_t *goodbye);

#endif
