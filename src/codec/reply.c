/* Replies (docs/formats/request.md). The result is opaque here: a client believes it only when
 * f + 1 replicas said the same bytes (attack C4), and walks it then. */
#include "base/check.h"
#include "codec/field.h"
#include "codec/frame.h"
#include "codec/request.h"

#define RESULT_HEADER_BYTES 5 /* status u8, length u32 */

static const field_t reply_fields[] = {
    FIELD_ANY(reply_t, session),
    FIELD_ANY(reply_t, sequence),
    FIELD_WITHIN(reply_t, status, 1, SYNOD_OK, SYNOD_APP_ERROR),
    FIELD_ANY(reply_t, height),
    FIELD_ANY(reply_t, leader_hint),
    FIELD_BYTES(reply_t, result, FRAME_BODY_MAX),
};
static const schema_t reply_schema = SCHEMA_OF(reply_fields);

size_t reply_encoded_bytes(const reply_t *reply) {
    return schema_encoded_bytes(reply_schema, reply);
}

void reply_encode(const reply_t *reply, writer_t *writer) {
    schema_encode(reply_schema, reply, writer);
}

synod_status reply_decode(reader_t *reader, reply_t *reply) {
    *reply = (reply_t){0};
    return schema_decode_whole(reply_schema, reader, reply);
}

bool reply_operation(const reply_t *reply, size_t *at, synod_status *status, bytes_t *result) {
    const bytes_t all = reply->result;
    require(*at <= all.size);
    if (all.size - *at < RESULT_HEADER_BYTES) {
        return false;
    }
    const uint8_t *from = all.data + *at;
    const uint32_t length = load_u32(from + 1);
    if (length > all.size - *at - RESULT_HEADER_BYTES) {
        return false;
    }
    *status = (synod_status)from[0];
    *result = bytes_of(from + RESULT_HEADER_BYTES, length);
    *at += RESULT_HEADER_BYTES + (size_t)length;
    return true;
}
