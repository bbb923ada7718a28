/* Requests and payloads (docs/formats/request.md).
 *
 * Decoding is on the path of every operation, at the gate and again for every payload: one pass
 * over the lengths, no copy but the signature, no hash. What it accepts, everybody accepts: the
 * bounds are constants of the format, so that replicas cannot differ about a payload. */
#include "codec/request.h"

#include "base/check.h"
#include "crypto/hash.h"

#define AT_SESSION 0
#define AT_SEQUENCE 8
#define AT_ACKNOWLEDGED 16
#define AT_COUNT 24
#define LENGTH_BYTES 4
#define TAG_BYTES 16

_Static_assert(AT_COUNT + 4 == REQUEST_HEADER_BYTES, "count is the last field of the header");
_Static_assert(TAG_BYTES + 2 * SYNOD_DIGEST_BYTES == REQUEST_SIGNED_BYTES, "signed bytes");

/* Session numbers, sequences and counts; the operations are judged one by one. */
static synod_status judge_header(const request_t *request) {
    if (request->operation_count == 0) {
        return SYNOD_MALFORMED;
    }
    if (request->operation_count > REQUEST_OPERATIONS_MAX) {
        return SYNOD_TOO_LARGE;
    }
    if (request->session == 0) {
        bool plain = request->sequence == 0 && request->acknowledged == 0;
        return plain && request->operation_count == 1 ? SYNOD_OK : SYNOD_MALFORMED;
    }
    /* Sequence 0 is refused by this too. */
    return request->acknowledged < request->sequence ? SYNOD_OK : SYNOD_MALFORMED;
}

/* Bytes that `count` operations take at `from`, where the bounds leave `room`. */
static synod_status measure_operations(const uint8_t *from, size_t room, uint32_t count,
                                       size_t *size) {
    size_t at = 0;
    for (uint32_t index = 0; index < count; index++) {
        if (room - at < LENGTH_BYTES) {
            return SYNOD_TRUNCATED;
        }
        uint32_t length = load_u32(from + at);
        at += LENGTH_BYTES;
        if (length > room - at) {
            return SYNOD_TRUNCATED;
        }
        at += length;
    }
    *size = at;
    return SYNOD_OK;
}

synod_status request_decode(reader_t *reader, request_t *request) {
    const size_t fixed = REQUEST_HEADER_BYTES + SYNOD_SIGNATURE_BYTES;
    const size_t left = reader_left(reader);
    if (reader->failed || left < fixed) {
        return SYNOD_TRUNCATED;
    }
    const uint8_t *from = reader->data + reader->at;
    request->session = load_u64(from + AT_SESSION);
    request->sequence = load_u64(from + AT_SEQUENCE);
    request->acknowledged = load_u64(from + AT_ACKNOWLEDGED);
    request->operation_count = load_u32(from + AT_COUNT);
    synod_status status = judge_header(request);
    if (status != SYNOD_OK) {
        return status;
    }
    /* A request never runs past its own bound, even where other requests follow. */
    const bool bounded = left > REQUEST_BYTES_MAX;
    const size_t room = (bounded ? REQUEST_BYTES_MAX : left) - fixed;
    size_t size = 0;
    status = measure_operations(from + REQUEST_HEADER_BYTES, room, request->operation_count, &size);
    if (status != SYNOD_OK) {
        return bounded ? SYNOD_TOO_LARGE : status;
    }
    if (request->session == 0 && size != LENGTH_BYTES + REQUEST_OPEN_BYTES) {
        return SYNOD_MALFORMED;
    }
    request->operations = bytes_of(from + REQUEST_HEADER_BYTES, size);
    request->body = bytes_of(from, REQUEST_HEADER_BYTES + size);
    request->encoded = bytes_of(from, fixed + size);
    memcpy(request->signature.bytes, from + request->body.size, SYNOD_SIGNATURE_BYTES);
    reader->at += request->encoded.size;
    return SYNOD_OK;
}

bool request_operation(const request_t *request, size_t *at, bytes_t *operation) {
    const bytes_t all = request->operations;
    require(*at <= all.size);
    if (*at == all.size) {
        return false;
    }
    /* Judged when the request was decoded. */
    invariant(all.size - *at >= LENGTH_BYTES);
    uint32_t length = load_u32(all.data + *at);
    *at += LENGTH_BYTES;
    invariant(length <= all.size - *at);
    *operation = bytes_of(all.data + *at, length);
    *at += length;
    return true;
}

void request_open_fields(const request_t *request, key_public_t *key, uint64_t *nonce) {
    require(request->session == 0);
    require(request->operations.size == LENGTH_BYTES + REQUEST_OPEN_BYTES);
    const uint8_t *from = request->operations.data + LENGTH_BYTES;
    memcpy(key->bytes, from, SYNOD_KEY_BYTES);
    *nonce = load_u64(from + SYNOD_KEY_BYTES);
}

digest_t request_digest(const request_t *request) {
    return hash_bytes(request->body);
}

void request_signed_bytes(const digest_t *domain, const digest_t *digest,
                          uint8_t to[REQUEST_SIGNED_BYTES]) {
    static const char tag[] = "synod.request.v1"; /* 16 characters, the zero is not signed */
    _Static_assert(sizeof tag - 1 == TAG_BYTES, "tag fills its place");
    memcpy(to, tag, TAG_BYTES);
    memcpy(to + TAG_BYTES, domain->bytes, SYNOD_DIGEST_BYTES);
    memcpy(to + TAG_BYTES + SYNOD_DIGEST_BYTES, digest->bytes, SYNOD_DIGEST_BYTES);
}

digest_t request_leaf(const digest_t *digest, const signature_t *signature) {
    uint8_t leaf[SYNOD_DIGEST_BYTES + SYNOD_SIGNATURE_BYTES];
    memcpy(leaf, digest->bytes, SYNOD_DIGEST_BYTES);
    memcpy(leaf + SYNOD_DIGEST_BYTES, signature->bytes, SYNOD_SIGNATURE_BYTES);
    return hash_leaf(bytes_of(leaf, sizeof leaf));
}

void request_begin(writer_t *writer, uint64_t session, uint64_t sequence, uint64_t acknowledged) {
    write_u64(writer, session);
    write_u64(writer, sequence);
    write_u64(writer, acknowledged);
    write_u32(writer, 0); /* request_finish counts */
}

void request_add(writer_t *writer, bytes_t operation) {
    if (operation.size > REQUEST_BYTES_MAX) {
        writer->failed = true; /* could not be told by its four bytes of length */
        return;
    }
    write_u32(writer, (uint32_t)operation.size);
    write_bytes(writer, operation.data, operation.size);
}

/* How many operations request_add wrote. */
static uint32_t count_operations(bytes_t operations) {
    uint32_t count = 0;
    for (size_t at = 0; at < operations.size; count++) {
        invariant(operations.size - at >= LENGTH_BYTES);
        at += LENGTH_BYTES + (size_t)load_u32(operations.data + at);
        invariant(at <= operations.size);
    }
    return count;
}

synod_status request_finish(writer_t *writer, size_t start, const digest_t *domain,
                            const signer_t *signer) {
    if (writer->failed) {
        return SYNOD_TOO_LARGE;
    }
    require(writer->at >= start + REQUEST_HEADER_BYTES);
    const size_t end = writer->at;
    uint8_t *body = writer->data + start;
    const bytes_t operations =
        bytes_of(body + REQUEST_HEADER_BYTES, end - start - REQUEST_HEADER_BYTES);
    store_u32(body + AT_COUNT, count_operations(operations));
    signature_t signature = {{0}};
    write_bytes(writer, signature.bytes, sizeof signature.bytes);
    if (writer->failed) {
        return SYNOD_TOO_LARGE;
    }
    /* Judged by the rules that everybody else will judge it by, before it is signed. */
    request_t request;
    reader_t reader = reader_of(bytes_of(body, writer->at - start));
    synod_status status = request_decode(&reader, &request);
    if (status != SYNOD_OK) {
        writer->at = start;
        return status;
    }
    invariant(reader_done(&reader));
    const digest_t digest = request_digest(&request);
    uint8_t message[REQUEST_SIGNED_BYTES];
    request_signed_bytes(domain, &digest, message);
    signer->sign(signer->context, bytes_of(message, sizeof message), &signature);
    memcpy(writer->data + end, signature.bytes, sizeof signature.bytes);
    return SYNOD_OK;
}

synod_status payload_walk(bytes_t payload, request_t *requests, uint32_t capacity,
                          uint32_t *count) {
    reader_t reader = reader_of(payload);
    *count = 0;
    while (reader_left(&reader) > 0) {
        if (*count == capacity) {
            return SYNOD_TOO_LARGE;
        }
        synod_status status = request_decode(&reader, &requests[*count]);
        if (status != SYNOD_OK) {
            return status;
        }
        *count += 1;
    }
    return SYNOD_OK;
}

digest_t payload_root(const request_t *requests, const digest_t *digests, uint32_t count,
                      digest_t *scratch) {
    for (uint32_t index = 0; index < count; index++) {
        scratch[index] = request_leaf(&digests[index], &requests[index].signature);
    }
    return merkle_root(scratch, count);
}
