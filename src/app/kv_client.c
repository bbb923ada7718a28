/* Operations and replies of `kv` from the side of a client; see the header. */
#include "app/kv_client.h"

static void write_code(writer_t *writer, kv_code_t code) {
    write_u8(writer, (uint8_t)code);
}

static void write_key(writer_t *writer, bytes_t key) {
    if (key.size > UINT16_MAX) {
        writer->failed = true;
        return;
    }
    write_u16(writer, (uint16_t)key.size);
    write_bytes(writer, key.data, key.size);
}

static void write_value(writer_t *writer, bytes_t value) {
    if (value.size > UINT32_MAX) {
        writer->failed = true;
        return;
    }
    write_u32(writer, (uint32_t)value.size);
    write_bytes(writer, value.data, value.size);
}

static void write_condition(writer_t *writer, kv_condition_t condition) {
    write_u8(writer, (uint8_t)condition.kind);
    if (condition.kind == KV_EQUALS) {
        write_value(writer, condition.value);
    }
}

void kv_encode_get(writer_t *writer, bytes_t key) {
    write_code(writer, KV_GET);
    write_key(writer, key);
}

void kv_encode_set(writer_t *writer, bytes_t key, bytes_t value) {
    write_code(writer, KV_SET);
    write_key(writer, key);
    write_value(writer, value);
}

void kv_encode_delete(writer_t *writer, bytes_t key) {
    write_code(writer, KV_DELETE);
    write_key(writer, key);
}

void kv_encode_swap(writer_t *writer, bytes_t key, kv_condition_t condition, kv_maybe_t value) {
    write_code(writer, KV_SWAP);
    write_key(writer, key);
    write_condition(writer, condition);
    write_u8(writer, value.present ? 1 : 0);
    if (value.present) {
        write_value(writer, value.value);
    }
}

void kv_encode_increment(writer_t *writer, bytes_t key, int64_t delta) {
    write_code(writer, KV_INCREMENT);
    write_key(writer, key);
    write_u64(writer, (uint64_t)delta);
}

void kv_encode_check(writer_t *writer, bytes_t key, kv_condition_t condition) {
    write_code(writer, KV_CHECK);
    write_key(writer, key);
    write_condition(writer, condition);
}

void kv_encode_scan(writer_t *writer, bytes_t prefix, const kv_scan_bounds_t *bounds) {
    write_code(writer, KV_SCAN);
    write_key(writer, prefix);
    write_key(writer, bounds->after);
    write_u32(writer, bounds->entries_max);
    write_u32(writer, bounds->bytes_max);
    write_u8(writer, bounds->keys_only ? 1 : 0);
}

void kv_encode_transaction(writer_t *writer, uint16_t count) {
    write_code(writer, KV_TRANSACTION);
    write_u16(writer, count);
}

/* ---- replies ---- */

kv_error_t kv_read_error(bytes_t reply, uint16_t *index) {
    reader_t reader = reader_of(reply);
    uint8_t error = read_u8(&reader);
    *index = KV_INDEX_WHOLE;
    if (error == KV_OK) {
        return reader.failed ? KV_MALFORMED : KV_OK;
    }
    *index = read_u16(&reader);
    return reader_done(&reader) && error <= KV_STATE_FULL ? (kv_error_t)error : KV_MALFORMED;
}

/* The leading "ok" of a reply. */
static bool read_ok(bytes_t reply, reader_t *reader) {
    *reader = reader_of(reply);
    return read_u8(reader) == KV_OK && !reader->failed;
}

static bool read_flag(reader_t *reader, bool *flag) {
    uint8_t value = read_u8(reader);
    *flag = value == 1;
    return !reader->failed && value <= 1;
}

bool kv_read_get(bytes_t reply, kv_maybe_t *value) {
    reader_t reader;
    *value = (kv_maybe_t){.present = false};
    if (!read_ok(reply, &reader) || !read_flag(&reader, &value->present)) {
        return false;
    }
    if (value->present) {
        value->value = read_bytes(&reader, read_u32(&reader));
    }
    return reader_done(&reader);
}

bool kv_read_was_present(bytes_t reply, bool *was_present) {
    reader_t reader;
    *was_present = false;
    return read_ok(reply, &reader) && read_flag(&reader, was_present) && reader_done(&reader);
}

bool kv_read_increment(bytes_t reply, int64_t *number) {
    reader_t reader;
    bool ok = read_ok(reply, &reader);
    *number = (int64_t)read_u64(&reader);
    return ok && reader_done(&reader);
}

bool kv_read_scan(bytes_t reply, bool keys_only, kv_scan_reader_t *scan) {
    *scan = (kv_scan_reader_t){.keys_only = keys_only};
    bool ok = read_ok(reply, &scan->reader) && read_flag(&scan->reader, &scan->more);
    scan->left = read_u32(&scan->reader);
    return ok && !scan->reader.failed && scan->left <= KV_SCAN_ENTRIES_MAX;
}

bool kv_read_scan_next(kv_scan_reader_t *scan, bytes_t *key, bytes_t *value) {
    *value = (bytes_t){NULL, 0};
    if (scan->left == 0) {
        return false;
    }
    *key = read_bytes(&scan->reader, read_u16(&scan->reader));
    if (!scan->keys_only) {
        *value = read_bytes(&scan->reader, read_u32(&scan->reader));
    }
    if (scan->reader.failed) {
        return false;
    }
    scan->left--;
    return true;
}

bool kv_read_scan_complete(const kv_scan_reader_t *scan) {
    return scan->left == 0 && reader_done(&scan->reader);
}

bool kv_read_transaction(bytes_t reply, reader_t *members, uint16_t *count) {
    bool ok = read_ok(reply, members);
    *count = read_u16(members);
    return ok && !members->failed && *count <= KV_TRANSACTION_OPERATIONS_MAX;
}

bool kv_read_member(reader_t *members, bytes_t *reply) {
    *reply = read_bytes(members, read_u32(members));
    return !members->failed;
}
