/* Decoder of the operations of `kv`; see the header and docs/formats/kv.md. */
#include "app/kv_format.h"

enum { SCAN_KEYS_ONLY = 1 };

const char *kv_error_text(kv_error_t error) {
    switch (error) {
    case KV_OK:
        return "ok";
    case KV_MALFORMED:
        return "malformed operation";
    case KV_UNKNOWN_OPERATION:
        return "unknown operation code";
    case KV_BAD_KEY_SIZE:
        return "key is empty or too long";
    case KV_BAD_VALUE_SIZE:
        return "value is too large";
    case KV_OPERATION_SIZE:
        return "operation is too large";
    case KV_OPERATION_COUNT:
        return "transaction has no or too many operations";
    case KV_NOT_ALLOWED_HERE:
        return "operation is not allowed here";
    case KV_NOT_MET:
        return "condition does not hold";
    case KV_NOT_A_NUMBER:
        return "value is not a number";
    case KV_OVERFLOW:
        return "number would overflow";
    case KV_REPLY_SIZE:
        return "reply would be too large";
    case KV_STATE_FULL:
        return "state is full";
    }
    return "unknown error";
}

static kv_error_t decode_key(reader_t *reader, bytes_t *key) {
    uint16_t size = read_u16(reader);
    if (reader->failed) {
        return KV_MALFORMED;
    }
    if (size == 0 || size > KV_KEY_BYTES_MAX) {
        return KV_BAD_KEY_SIZE;
    }
    *key = read_bytes(reader, size);
    return reader->failed ? KV_MALFORMED : KV_OK;
}

/* A prefix or a continuation: as a key, but it may be empty. */
static kv_error_t decode_place(reader_t *reader, bytes_t *place) {
    uint16_t size = read_u16(reader);
    if (size > KV_KEY_BYTES_MAX) {
        return KV_BAD_KEY_SIZE;
    }
    *place = read_bytes(reader, size);
    return reader->failed ? KV_MALFORMED : KV_OK;
}

static kv_error_t decode_value(reader_t *reader, bytes_t *value) {
    uint32_t size = read_u32(reader);
    if (size > KV_VALUE_BYTES_MAX) {
        return KV_BAD_VALUE_SIZE;
    }
    *value = read_bytes(reader, size);
    return reader->failed ? KV_MALFORMED : KV_OK;
}

static kv_error_t decode_condition(reader_t *reader, kv_condition_t *condition) {
    uint8_t kind = read_u8(reader);
    if (reader->failed || kind > KV_PRESENT) {
        return KV_MALFORMED;
    }
    condition->kind = (kv_condition_kind_t)kind;
    return kind == KV_EQUALS ? decode_value(reader, &condition->value) : KV_OK;
}

static kv_error_t decode_maybe(reader_t *reader, kv_maybe_t *maybe) {
    uint8_t present = read_u8(reader);
    if (reader->failed || present > 1) {
        return KV_MALFORMED;
    }
    maybe->present = present == 1;
    return maybe->present ? decode_value(reader, &maybe->value) : KV_OK;
}

static kv_error_t decode_swap(reader_t *reader, kv_operation_t *operation) {
    kv_error_t error = decode_condition(reader, &operation->condition);
    return error != KV_OK ? error : decode_maybe(reader, &operation->value);
}

static uint32_t bounded(uint32_t asked, uint32_t bound) {
    return asked == 0 || asked > bound ? bound : asked;
}

static kv_error_t decode_scan(reader_t *reader, kv_operation_t *operation) {
    kv_error_t error = decode_place(reader, &operation->key);
    if (error == KV_OK) {
        error = decode_place(reader, &operation->scan.after);
    }
    if (error != KV_OK) {
        return error;
    }
    operation->scan.entries_max = bounded(read_u32(reader), KV_SCAN_ENTRIES_MAX);
    operation->scan.bytes_max = bounded(read_u32(reader), KV_REPLY_BYTES_MAX);
    uint8_t flags = read_u8(reader);
    operation->scan.keys_only = flags == SCAN_KEYS_ONLY;
    return reader->failed || flags > SCAN_KEYS_ONLY ? KV_MALFORMED : KV_OK;
}

/* Decodes all operations but the transaction. */
static kv_error_t decode_plain(reader_t *reader, uint8_t code, kv_operation_t *operation) {
    *operation = (kv_operation_t){.code = (kv_code_t)code};
    if (code == KV_SCAN) {
        return decode_scan(reader, operation);
    }
    if (code < KV_GET || code > KV_CHECK) {
        return KV_UNKNOWN_OPERATION;
    }
    kv_error_t error = decode_key(reader, &operation->key);
    if (error != KV_OK) {
        return error;
    }
    switch (operation->code) {
    case KV_SET:
        operation->value.present = true;
        return decode_value(reader, &operation->value.value);
    case KV_SWAP:
        return decode_swap(reader, operation);
    case KV_INCREMENT:
        operation->delta = (int64_t)read_u64(reader);
        return reader->failed ? KV_MALFORMED : KV_OK;
    case KV_CHECK:
        return decode_condition(reader, &operation->condition);
    default: /* get and delete are their key */
        return KV_OK;
    }
}

kv_error_t kv_decode_member(reader_t *reader, kv_operation_t *operation) {
    uint8_t code = read_u8(reader);
    if (reader->failed) {
        return KV_MALFORMED;
    }
    if (code == KV_SCAN || code == KV_TRANSACTION) {
        return KV_NOT_ALLOWED_HERE;
    }
    return decode_plain(reader, code, operation);
}

static kv_error_t decode_transaction(reader_t *reader, kv_operation_t *operation, uint16_t *index) {
    *operation = (kv_operation_t){.code = KV_TRANSACTION, .count = read_u16(reader)};
    if (reader->failed) {
        return KV_MALFORMED;
    }
    if (operation->count == 0 || operation->count > KV_TRANSACTION_OPERATIONS_MAX) {
        return KV_OPERATION_COUNT;
    }
    operation->members = bytes_of(reader->data + reader->at, reader_left(reader));
    for (uint16_t i = 0; i < operation->count; i++) {
        kv_operation_t member;
        kv_error_t error = kv_decode_member(reader, &member);
        if (error != KV_OK) {
            *index = i;
            return error;
        }
    }
    return KV_OK;
}

kv_error_t kv_decode(bytes_t bytes, kv_operation_t *operation, uint16_t *index) {
    *index = KV_INDEX_WHOLE;
    if (bytes.size > KV_OPERATION_BYTES_MAX) {
        return KV_OPERATION_SIZE;
    }
    reader_t reader = reader_of(bytes);
    uint8_t code = read_u8(&reader);
    if (reader.failed) {
        return KV_MALFORMED;
    }
    kv_error_t error = code == KV_TRANSACTION ? decode_transaction(&reader, operation, index)
                                              : decode_plain(&reader, code, operation);
    if (error == KV_OK && !reader_done(&reader)) {
        error = KV_MALFORMED;
    }
    return error;
}

bytes_t kv_peek_key(bytes_t operation) {
    bytes_t key = {NULL, 0};
    reader_t reader = reader_of(operation);
    uint8_t code = read_u8(&reader);
    bool has_key = code >= KV_GET && code <= KV_CHECK;
    return has_key && decode_key(&reader, &key) == KV_OK ? key : (bytes_t){NULL, 0};
}
