/* Hello and goodbye (docs/formats/wire.md).
 *
 * Parameters are in one table: the encoding and the sentence that names a difference (attack K8)
 * come from the same rows. */
#include "codec/hello.h"

#include <inttypes.h>
#include <stdio.h>

#include "codec/field.h"

static const field_t hello_fields[] = {
    FIELD_RAW(hello_t, domain),
    FIELD_ANY(hello_t, epoch),
    FIELD_ANY(hello_t, protocol),
    FIELD_WITHIN(hello_t, role, 1, ROLE_MEMBER, ROLE_OBSERVER),
    FIELD_MEMBER(hello_t, member),
    FIELD_ANY(hello_t, parameters.view_timeout_ns),
    FIELD_ANY(hello_t, parameters.request_patience_ns),
    FIELD_ANY(hello_t, parameters.leader_views),
    FIELD_ANY(hello_t, parameters.execution_horizon),
    FIELD_ANY(hello_t, parameters.payload_bytes_max),
    FIELD_ANY(hello_t, connection),
};
static const schema_t hello_schema = SCHEMA_OF(hello_fields);

/* What two replicas must have in common, in the order in which it is named: the most telling
 * difference first, since each of them changes the domain too. */
typedef struct agreement {
    const char *name;
    field_t field;
    synod_status status;
    bool of_clients; /* a client has to agree as well: the rest it learns from what it is sent */
} agreement_t;

static const agreement_t agreements[] = {
    {"protocol", FIELD_ANY(hello_t, protocol), SYNOD_WRONG_CHAIN, true},
    {"view_timeout_ns", FIELD_ANY(hello_t, parameters.view_timeout_ns), SYNOD_BAD_CONFIG, false},
    {"request_patience_ns", FIELD_ANY(hello_t, parameters.request_patience_ns), SYNOD_BAD_CONFIG,
     false},
    {"leader_views", FIELD_ANY(hello_t, parameters.leader_views), SYNOD_BAD_CONFIG, false},
    {"execution_horizon", FIELD_ANY(hello_t, parameters.execution_horizon), SYNOD_BAD_CONFIG,
     false},
    {"payload_bytes_max", FIELD_ANY(hello_t, parameters.payload_bytes_max), SYNOD_BAD_CONFIG,
     false},
    {"domain", FIELD_RAW(hello_t, domain), SYNOD_WRONG_CHAIN, true},
    {"epoch", FIELD_ANY(hello_t, epoch), SYNOD_WRONG_EPOCH, false},
};

void hello_encode(const hello_t *hello, writer_t *writer) {
    schema_encode(hello_schema, hello, writer);
}

synod_status hello_decode(reader_t *reader, hello_t *hello) {
    *hello = (hello_t){0};
    synod_status status = schema_decode_whole(hello_schema, reader, hello);
    if (status != SYNOD_OK) {
        return status;
    }
    /* Exactly a member names its index; whether it is that member, the channel's key says (K5). */
    if ((hello->role == ROLE_MEMBER) != (hello->member != MEMBER_NONE)) {
        return SYNOD_NOT_MEMBER;
    }
    return SYNOD_OK;
}

static void name_difference(const agreement_t *agreement, const hello_t *ours,
                            const hello_t *theirs, char *reason, size_t reason_size) {
    if (agreement->field.kind == FIELD_KIND_RAW) {
        /* As people see it in hexadecimal; eight bytes are enough to tell two chains apart. */
        char here[17], there[17];
        for (size_t index = 0; index < 8; index++) {
            (void)snprintf(here + 2 * index, 3, "%02x", ours->domain.bytes[index]);
            (void)snprintf(there + 2 * index, 3, "%02x", theirs->domain.bytes[index]);
        }
        (void)snprintf(reason, reason_size,
                       "%s differs: %s... here, %s... there (another genesis file)",
                       agreement->name, here, there);
        return;
    }
    (void)snprintf(reason, reason_size, "%s differs: %" PRIu64 " here, %" PRIu64 " there",
                   agreement->name, field_number(&agreement->field, ours),
                   field_number(&agreement->field, theirs));
}

synod_status hello_judge(const hello_t *ours, const hello_t *theirs, char *reason,
                         size_t reason_size) {
    bool with_client = ours->role == ROLE_CLIENT || theirs->role == ROLE_CLIENT;
    for (size_t index = 0; index < sizeof agreements / sizeof agreements[0]; index++) {
        const agreement_t *agreement = &agreements[index];
        const uint8_t *here = (const uint8_t *)ours + agreement->field.offset;
        const uint8_t *there = (const uint8_t *)theirs + agreement->field.offset;
        if ((agreement->of_clients || !with_client) &&
            memcmp(here, there, agreement->field.memory) != 0) {
            name_difference(agreement, ours, theirs, reason, reason_size);
            return agreement->status;
        }
    }
    if (reason_size > 0) {
        reason[0] = '\0';
    }
    return SYNOD_OK;
}

/* A status that this build does not know is passed on by its number. */
static const field_t goodbye_fields[] = {
    FIELD_WITHIN(goodbye_t, status, 2, 0, UINT16_MAX),
    FIELD_TEXT(goodbye_t, reason),
};
static const schema_t goodbye_schema = SCHEMA_OF(goodbye_fields);

void goodbye_encode(const goodbye_t *goodbye, writer_t *writer) {
    schema_encode(goodbye_schema, goodbye, writer);
}

synod_status goodbye_decode(reader_t *reader, goodbye_t *goodbye) {
    *goodbye = (goodbye_t){0};
    return schema_decode_whole(goodbye_schema, reader, goodbye);
}
