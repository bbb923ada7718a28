/* Reads the stream of the sessions back, in pieces of any size (docs/formats/sessions.md). The
 * bytes come from a peer or a disk: every field is judged before it is used, every count against
 * what the table holds. One state has one encoding: what has two forms is refused. */
#include "base/check.h"
#include "base/heap.h"
#include "replica/session.h"

_Static_assert(SESSION_STREAM_HEADER_BYTES <= SESSION_RECORD_BYTES, "the buffer holds the header");
_Static_assert(sizeof(heap_item_t) <= sizeof(digest_t), "the heap lies in the memory of leaves");

void session_load_begin(session_loader_t *loader, session_table_t *table,
                        const verifier_t *verifier) {
    require(table->count == 0);
    *loader =
        (session_loader_t){.table = table, .verifier = verifier, .stage = SESSION_LOAD_HEADER};
}

static uint32_t stage_bytes(session_load_stage_t stage) {
    switch (stage) {
    case SESSION_LOAD_HEADER:
        return SESSION_STREAM_HEADER_BYTES;
    case SESSION_LOAD_RECORD:
        return SESSION_RECORD_BYTES;
    case SESSION_LOAD_FORGOTTEN:
        return SESSION_FORGOTTEN_BYTES;
    case SESSION_LOAD_KEPT:
        return SESSION_KEPT_BYTES;
    case SESSION_LOAD_RESULT:
    case SESSION_LOAD_DONE:
        break;
    }
    return 0;
}

/* All sessions are there in the order of their numbers: now the order of use, which positions give.
 * Positions are distinct and agreed time does not go back, so times must not either. */
static synod_status link_by_use(session_table_t *table) {
    heap_t heap = heap_of((heap_item_t *)(void *)table->leaves, table->limits.sessions_max);
    for (uint32_t slot = 0; slot < table->count; slot++) {
        bool pushed = heap_push(
            &heap,
            (heap_item_t){.key = table->sessions[slot].used_position, .tie = slot, .value = slot});
        invariant(pushed);
    }
    uint64_t last_position = 0, last_time_ns = 0;
    while (heap.count > 0) {
        uint32_t slot = (uint32_t)heap_pop(&heap).value;
        const session_t *session = &table->sessions[slot];
        if (session->used_position <= last_position || session->used_time_ns < last_time_ns) {
            return SYNOD_MALFORMED;
        }
        last_position = session->used_position;
        last_time_ns = session->used_time_ns;
        session_link_last(table, SESSION_BY_USE, slot);
    }
    return SYNOD_OK;
}

/* Where the parser goes after a complete item. */
static synod_status advance(session_loader_t *loader) {
    if (loader->result_left > 0) {
        loader->stage = SESSION_LOAD_RESULT;
    } else if (loader->forgotten_left > 0) {
        loader->stage = SESSION_LOAD_FORGOTTEN;
    } else if (loader->kept_left > 0) {
        loader->stage = SESSION_LOAD_KEPT;
    } else if (loader->sessions_left > 0) {
        loader->stage = SESSION_LOAD_RECORD;
    } else {
        loader->stage = SESSION_LOAD_DONE;
        return link_by_use(loader->table);
    }
    return SYNOD_OK;
}

static synod_status load_header(session_loader_t *loader, reader_t *reader) {
    session_table_t *table = loader->table;
    bytes_t tag = read_bytes(reader, sizeof SESSION_STREAM_TAG - 1);
    if (!bytes_equal(tag, bytes_of(SESSION_STREAM_TAG, sizeof SESSION_STREAM_TAG - 1))) {
        return SYNOD_BAD_VERSION;
    }
    table->height = read_u64(reader);
    table->time_ns = read_u64(reader);
    table->next_number = read_u64(reader);
    table->positions = read_u64(reader);
    table->requests_executed = read_u64(reader);
    table->operations_executed = read_u64(reader);
    loader->sessions_left = read_u32(reader);
    if (loader->sessions_left > table->limits.sessions_max) {
        return SYNOD_TOO_LARGE;
    }
    /* Every number given out and every request executed took a position of the log. */
    if (table->next_number == 0 || table->next_number - 1 > table->positions ||
        table->requests_executed > table->positions) {
        return SYNOD_MALFORMED;
    }
    return SYNOD_OK;
}

static synod_status load_record(session_loader_t *loader, reader_t *reader) {
    session_table_t *table = loader->table;
    uint64_t number = read_u64(reader), nonce = read_u64(reader);
    key_public_t key;
    read_into(reader, key.bytes, sizeof key.bytes);
    uint64_t opened_height = read_u64(reader), low = read_u64(reader);
    uint64_t position = read_u64(reader), time_ns = read_u64(reader);
    uint32_t forgotten = read_u32(reader), kept = read_u32(reader);
    if (number <= loader->last_number || number >= table->next_number || opened_height < 1 ||
        opened_height < loader->last_opened_height || opened_height > table->height ||
        low == UINT64_MAX || position < 1 || position > table->positions ||
        time_ns > table->time_ns) {
        return SYNOD_MALFORMED;
    }
    if (forgotten > table->limits.window || kept > table->limits.window - forgotten) {
        return SYNOD_TOO_LARGE;
    }
    if (session_find_opened(table, &key, nonce) != NULL) {
        return SYNOD_DUPLICATE;
    }
    if (loader->verifier->judge_key(loader->verifier->context, &key) != SYNOD_OK) {
        return SYNOD_BAD_KEY;
    }
    session_t *session = session_restore(table, number, &key, nonce);
    session->opened_height = opened_height;
    session->low = low;
    session->highest = low;
    session->used_position = position;
    session->used_time_ns = time_ns;
    loader->session = session;
    loader->sessions_left--;
    loader->forgotten_left = forgotten;
    loader->kept_left = kept;
    loader->last_number = number;
    loader->last_opened_height = opened_height;
    loader->last_sequence = 0;
    loader->last_height = 0;
    return SYNOD_OK;
}

/* Notes one sequence number that ran, after judging that it can have. */
static synod_status load_ran(session_loader_t *loader, uint64_t sequence, uint64_t height,
                             session_entry_t **entry) {
    session_table_t *table = loader->table;
    session_t *session = loader->session;
    if (height < session->opened_height || height > table->height) {
        return SYNOD_MALFORMED;
    }
    if (sequence <= session->low || sequence - session->low > table->limits.window) {
        return SYNOD_MALFORMED;
    }
    if (session_entry_of(table, session, sequence)->sequence != 0) {
        return SYNOD_DUPLICATE;
    }
    *entry = session_ran(table, session, sequence, height);
    return SYNOD_OK;
}

static synod_status load_forgotten(session_loader_t *loader, reader_t *reader) {
    uint64_t sequence = read_u64(reader), height = read_u64(reader);
    if (sequence <= loader->last_sequence) {
        return SYNOD_MALFORMED;
    }
    loader->last_sequence = sequence;
    loader->forgotten_left--;
    session_entry_t *entry = NULL;
    return load_ran(loader, sequence, height, &entry);
}

static synod_status load_kept(session_loader_t *loader, reader_t *reader) {
    session_table_t *table = loader->table;
    session_t *session = loader->session;
    uint64_t sequence = read_u64(reader), height = read_u64(reader);
    uint8_t status = read_u8(reader);
    uint32_t size = read_u32(reader);
    if ((status != SYNOD_OK && status != SYNOD_APP_ERROR) || height < loader->last_height) {
        return SYNOD_MALFORMED;
    }
    if (size > table->limits.reply_bytes - session->kept_bytes) {
        return SYNOD_TOO_LARGE;
    }
    session_entry_t *entry = NULL;
    synod_status judged = load_ran(loader, sequence, height, &entry);
    if (judged != SYNOD_OK) {
        return judged;
    }
    loader->last_height = height;
    loader->kept_left--;
    loader->result = session_keep(table, session, entry, size, (synod_status)status);
    loader->result_left = size;
    invariant(loader->result != NULL);
    return SYNOD_OK;
}

static synod_status load_item(session_loader_t *loader) {
    reader_t reader = reader_of(bytes_of(loader->buffer, loader->filled));
    synod_status status = SYNOD_OK;
    switch (loader->stage) {
    case SESSION_LOAD_HEADER:
        status = load_header(loader, &reader);
        break;
    case SESSION_LOAD_RECORD:
        status = load_record(loader, &reader);
        break;
    case SESSION_LOAD_FORGOTTEN:
        status = load_forgotten(loader, &reader);
        break;
    case SESSION_LOAD_KEPT:
        status = load_kept(loader, &reader);
        break;
    case SESSION_LOAD_RESULT:
    case SESSION_LOAD_DONE:
        break;
    }
    loader->filled = 0;
    if (status != SYNOD_OK) {
        return status;
    }
    ensure(reader_done(&reader));
    return advance(loader);
}

static void take(bytes_t *piece, void *to, size_t size) {
    memcpy(to, piece->data, size);
    piece->data += size;
    piece->size -= size;
}

synod_status session_load(session_loader_t *loader, bytes_t *piece) {
    while (piece->size > 0 && loader->stage != SESSION_LOAD_DONE) {
        bool result = loader->stage == SESSION_LOAD_RESULT;
        uint32_t left = result ? loader->result_left : stage_bytes(loader->stage) - loader->filled;
        invariant(left > 0);
        uint32_t size = piece->size < left ? (uint32_t)piece->size : left;
        synod_status status = SYNOD_OK;
        if (result) {
            take(piece, loader->result, size);
            loader->result += size;
            loader->result_left -= size;
            status = advance(loader);
        } else {
            take(piece, loader->buffer + loader->filled, size);
            loader->filled += size;
            status = size == left ? load_item(loader) : SYNOD_OK;
        }
        if (status != SYNOD_OK) {
            return status;
        }
    }
    return SYNOD_OK;
}
