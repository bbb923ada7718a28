/* Attaching a session key to a link (docs/formats/request.md). The connection number was drawn by
 * the replica for this link, so an attachment that was heard elsewhere proves nothing here (N3). */
#include "codec/field.h"
#include "codec/request.h"

#define AT_DOMAIN 16
#define AT_MEMBER 48
#define AT_CONNECTION 56
#define AT_KEY 64

_Static_assert(AT_KEY + SYNOD_KEY_BYTES == ATTACH_SIGNED_BYTES, "signed bytes");

static const field_t attach_fields[] = {
    FIELD_RAW(attach_t, key),
    FIELD_RAW(attach_t, signature),
};
static const schema_t attach_schema = SCHEMA_OF(attach_fields);

void attach_signed_bytes(const digest_t *domain, uint32_t member, uint64_t connection,
                         const key_public_t *key, uint8_t to[ATTACH_SIGNED_BYTES]) {
    static const char tag[] = "synod.attach.v01"; /* 16 characters, the zero is not signed */
    _Static_assert(sizeof tag - 1 == AT_DOMAIN, "tag fills its place");
    memcpy(to, tag, AT_DOMAIN);
    memcpy(to + AT_DOMAIN, domain->bytes, SYNOD_DIGEST_BYTES);
    store_u64(to + AT_MEMBER, member);
    store_u64(to + AT_CONNECTION, connection);
    memcpy(to + AT_KEY, key->bytes, SYNOD_KEY_BYTES);
}

void attach_encode(const attach_t *attach, writer_t *writer) {
    schema_encode(attach_schema, attach, writer);
}

synod_status attach_decode(reader_t *reader, attach_t *attach) {
    *attach = (attach_t){0};
    return schema_decode_whole(attach_schema, reader, attach);
}
