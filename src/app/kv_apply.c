/* The operations of `kv` one by one; what each does and replies: docs/formats/kv.md. */
#include "app/kv_state.h"
#include "base/check.h"

/* Reads and writes go through the view, replies to the reply; the store is changed by the commit
 * alone. */

static kv_error_t reply_byte(kv_reply_t *reply, bool value) {
    uint8_t *to = kv_reply_extend(reply, 2);
    if (to == NULL) {
        return KV_REPLY_SIZE;
    }
    to[0] = KV_OK;
    to[1] = value ? 1 : 0;
    return KV_OK;
}

static kv_error_t reply_ok(kv_reply_t *reply) {
    uint8_t *to = kv_reply_extend(reply, 1);
    if (to == NULL) {
        return KV_REPLY_SIZE;
    }
    to[0] = KV_OK;
    return KV_OK;
}

kv_error_t kv_apply_found(kv_reply_t *reply, kv_maybe_t value) {
    if (!value.present) {
        return reply_byte(reply, false);
    }
    uint8_t *to = kv_reply_extend(reply, 6 + value.value.size);
    if (to == NULL) {
        return KV_REPLY_SIZE;
    }
    to[0] = KV_OK;
    to[1] = 1;
    store_u32(to + 2, (uint32_t)value.value.size);
    if (value.value.size > 0) {
        memcpy(to + 6, value.value.data, value.value.size);
    }
    return KV_OK;
}

static kv_sight_t look(kv_state_t *state, const kv_operation_t *operation) {
    return kv_view_look(&state->view, &state->store, operation->key);
}

/* Set and delete; the reply says whether the key was there before. */
static kv_error_t apply_put(kv_state_t *state, const kv_operation_t *operation) {
    kv_sight_t sight = look(state, operation);
    kv_error_t error = kv_view_put(&state->view, &sight, operation->value);
    return error != KV_OK ? error : reply_byte(&state->reply, sight.value.present);
}

static bool is_met(const kv_condition_t *condition, kv_maybe_t value) {
    switch (condition->kind) {
    case KV_ABSENT:
        return !value.present;
    case KV_PRESENT:
        return value.present;
    case KV_EQUALS:
        return value.present && bytes_equal(value.value, condition->value);
    }
    return false;
}

static kv_error_t apply_check(kv_state_t *state, const kv_operation_t *operation) {
    if (!is_met(&operation->condition, look(state, operation).value)) {
        return KV_NOT_MET;
    }
    return reply_ok(&state->reply);
}

static kv_error_t apply_swap(kv_state_t *state, const kv_operation_t *operation) {
    kv_sight_t sight = look(state, operation);
    if (!is_met(&operation->condition, sight.value)) {
        return KV_NOT_MET;
    }
    kv_error_t error = kv_view_put(&state->view, &sight, operation->value);
    return error != KV_OK ? error : reply_ok(&state->reply);
}

static bool add_checked(int64_t a, int64_t b, int64_t *sum) {
    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b) {
        return false;
    }
    *sum = a + b;
    return true;
}

/* An absent number counts as 0. */
static kv_error_t apply_increment(kv_state_t *state, const kv_operation_t *operation) {
    kv_sight_t sight = look(state, operation);
    int64_t number = 0;
    if (sight.value.present) {
        if (sight.value.value.size != KV_NUMBER_BYTES) {
            return KV_NOT_A_NUMBER;
        }
        number = (int64_t)load_u64(sight.value.value.data);
    }
    if (!add_checked(number, operation->delta, &number)) {
        return KV_OVERFLOW;
    }
    kv_error_t error = kv_view_put_number(&state->view, &sight, number);
    uint8_t *to = error != KV_OK ? NULL : kv_reply_extend(&state->reply, 1 + KV_NUMBER_BYTES);
    if (to == NULL) {
        return error != KV_OK ? error : KV_REPLY_SIZE;
    }
    to[0] = KV_OK;
    store_u64(to + 1, (uint64_t)number);
    return KV_OK;
}

/* ---- scan ---- */

enum { SCAN_HEADER_BYTES = 6 };

static size_t scanned_bytes(const kv_entry_t *entry, bool keys_only) {
    return 2u + entry->key_size + (keys_only ? 0 : 4u + (size_t)entry->value_size);
}

static void put_scanned(uint8_t *to, const kv_entry_t *entry, bool keys_only) {
    store_u16(to, entry->key_size);
    memcpy(to + 2, entry->bytes, entry->key_size);
    if (!keys_only) {
        to += 2 + entry->key_size;
        store_u32(to, entry->value_size);
        bytes_t value = kv_entry_value(entry);
        if (value.size > 0) {
            memcpy(to + 4, value.data, value.size);
        }
    }
}

/* Reads the store: a scan stands alone, so there is nothing in the view. */
static kv_error_t apply_scan(kv_state_t *state, const kv_operation_t *operation) {
    require(state->view.pending_count == 0);
    const kv_scan_bounds_t *bounds = &operation->scan;
    kv_reply_t *reply = &state->reply;
    size_t header_at = reply->size;
    if (kv_reply_extend(reply, SCAN_HEADER_BYTES) == NULL) {
        return KV_REPLY_SIZE;
    }
    size_t left = kv_reply_left(reply);
    left = left < bounds->bytes_max ? left : bounds->bytes_max;
    uint32_t count = 0;
    bool more = false;
    kv_store_scan(&state->store, operation->key, bounds->after);
    for (const kv_entry_t *entry;
         (entry = kv_store_scan_next(&state->store, operation->key)) != NULL;) {
        size_t size = scanned_bytes(entry, bounds->keys_only);
        more = count == bounds->entries_max || size > left;
        if (more) {
            break;
        }
        put_scanned(kv_reply_extend(reply, size), entry, bounds->keys_only);
        left -= size;
        count++;
    }
    if (more && count == 0) {
        return KV_REPLY_SIZE; /* no continuation could pass this entry */
    }
    uint8_t *header = reply->data + header_at;
    header[0] = KV_OK;
    header[1] = more ? 1 : 0;
    store_u32(header + 2, count);
    return KV_OK;
}

kv_error_t kv_apply(kv_state_t *state, const kv_operation_t *operation) {
    switch (operation->code) {
    case KV_GET:
        return kv_apply_found(&state->reply, look(state, operation).value);
    case KV_SET:
    case KV_DELETE:
        return apply_put(state, operation);
    case KV_SWAP:
        return apply_swap(state, operation);
    case KV_INCREMENT:
        return apply_increment(state, operation);
    case KV_CHECK:
        return apply_check(state, operation);
    case KV_SCAN:
        return apply_scan(state, operation);
    case KV_TRANSACTION:
        break;
    }
    return KV_NOT_ALLOWED_HERE;
}
