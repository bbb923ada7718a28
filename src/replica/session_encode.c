/* The session root and the stream of the sessions, two readings of one encoding
 * (docs/formats/sessions.md): the stream carries results, digests carry the results' digests. */
#include "base/check.h"
#include "crypto/hash.h"
#include "replica/session.h"

#define ROOT_TAG "synod.sessions.1" /* 16 bytes */
#define TAG_BYTES 16

static void write_counters(const session_table_t *table, writer_t *writer) {
    write_u64(writer, table->height);
    write_u64(writer, table->time_ns);
    write_u64(writer, table->next_number);
    write_u64(writer, table->positions);
    write_u64(writer, table->requests_executed);
    write_u64(writer, table->operations_executed);
    write_u32(writer, table->count);
}

/* The fixed part, then what ran and has no result any more, by sequence. */
static void write_record(const session_table_t *table, const session_t *session, writer_t *writer) {
    uint32_t forgotten = session->ran_count - session->kept_count;
    write_u64(writer, session->number);
    write_u64(writer, session->nonce);
    write_bytes(writer, session->key.bytes, SYNOD_KEY_BYTES);
    write_u64(writer, session->opened_height);
    write_u64(writer, session->low);
    write_u64(writer, session->used_position);
    write_u64(writer, session->used_time_ns);
    write_u32(writer, forgotten);
    write_u32(writer, session->kept_count);
    for (uint64_t sequence = session->low; forgotten > 0;) {
        sequence++;
        invariant(sequence <= session->highest);
        const session_entry_t *entry = session_entry_of(table, session, sequence);
        if (entry->sequence == sequence && !entry->kept) {
            write_u64(writer, sequence);
            write_u64(writer, entry->height);
            forgotten--;
        }
    }
}

static void write_kept(const session_entry_t *entry, writer_t *writer) {
    write_u64(writer, entry->sequence);
    write_u64(writer, entry->height);
    write_u8(writer, entry->status);
    write_u32(writer, entry->size);
}

/* ---- root ---- */

/* A result is hashed when a root first needs it, so that one which the client settles before the
 * next checkpoint costs nothing. */
static void refresh_digest(session_table_t *table, session_t *session) {
    writer_t writer = writer_of(table->scratch, table->scratch_bytes);
    write_record(table, session, &writer);
    for (uint32_t at = session->oldest; at != SESSION_NONE;) {
        session_entry_t *entry = session_entry_of(table, session, at);
        if (!entry->hashed) {
            entry->digest = hash_bytes(session_result(table, session, entry));
            entry->hashed = true;
        }
        write_kept(entry, &writer);
        write_bytes(&writer, entry->digest.bytes, sizeof entry->digest.bytes);
        at = entry->newer;
    }
    ensure(!writer.failed);
    session->digest = hash_leaf(writer_bytes(&writer));
    session->dirty = false;
}

digest_t session_table_root(session_table_t *table) {
    uint32_t count = 0;
    for (uint32_t slot = table->ends[SESSION_BY_NUMBER].after; slot != SESSION_NONE;
         slot = table->sessions[slot].links[SESSION_BY_NUMBER].after) {
        session_t *session = &table->sessions[slot];
        if (session->dirty) {
            refresh_digest(table, session);
        }
        table->leaves[count++] = session->digest;
    }
    invariant(count == table->count);
    digest_t merkle = merkle_root(table->leaves, count);
    uint8_t head[SESSION_STREAM_HEADER_BYTES + SYNOD_DIGEST_BYTES];
    writer_t writer = writer_of(head, sizeof head);
    write_bytes(&writer, ROOT_TAG, TAG_BYTES);
    write_counters(table, &writer);
    write_bytes(&writer, merkle.bytes, sizeof merkle.bytes);
    ensure(!writer.failed && writer.at == sizeof head);
    return hash_bytes(writer_bytes(&writer));
}

/* ---- stream ---- */

static bool put(synod_writer *to, bytes_t bytes) {
    return to->put(to->context, bytes);
}

static bool save_session(session_table_t *table, const session_t *session, synod_writer *to) {
    writer_t writer = writer_of(table->scratch, table->scratch_bytes);
    write_record(table, session, &writer);
    ensure(!writer.failed);
    if (!put(to, writer_bytes(&writer))) {
        return false;
    }
    for (uint32_t at = session->oldest; at != SESSION_NONE;) {
        const session_entry_t *entry = session_entry_of(table, session, at);
        uint8_t head[SESSION_KEPT_BYTES];
        writer = writer_of(head, sizeof head);
        write_kept(entry, &writer);
        ensure(!writer.failed);
        if (!put(to, writer_bytes(&writer)) || !put(to, session_result(table, session, entry))) {
            return false;
        }
        at = entry->newer;
    }
    return true;
}

size_t session_stream_bytes_max(const session_limits_t *limits) {
    size_t session = SESSION_RECORD_BYTES + (size_t)limits->window * SESSION_KEPT_BYTES;
    return SESSION_STREAM_HEADER_BYTES + limits->sessions_max * (session + limits->reply_bytes);
}

synod_status session_table_save(session_table_t *table, synod_writer *to) {
    uint8_t head[SESSION_STREAM_HEADER_BYTES];
    writer_t writer = writer_of(head, sizeof head);
    write_bytes(&writer, SESSION_STREAM_TAG, TAG_BYTES);
    write_counters(table, &writer);
    ensure(!writer.failed && writer.at == sizeof head);
    if (!put(to, writer_bytes(&writer))) {
        return SYNOD_TOO_LARGE;
    }
    for (uint32_t slot = table->ends[SESSION_BY_NUMBER].after; slot != SESSION_NONE;
         slot = table->sessions[slot].links[SESSION_BY_NUMBER].after) {
        if (!save_session(table, &table->sessions[slot], to)) {
            return SYNOD_TOO_LARGE;
        }
    }
    return SYNOD_OK;
}
