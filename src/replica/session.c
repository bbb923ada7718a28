/* One session: its window of sequence numbers and its kept results. Header: session.h. */
#include "replica/session.h"

#include "base/check.h"

session_entry_t *session_entry_of(const session_table_t *table, const session_t *session,
                                  uint64_t sequence) {
    size_t first = (size_t)session_slot(table, session) * table->limits.window;
    return &table->entries[first + (size_t)(sequence & (table->limits.window - 1))];
}

static uint32_t entry_index(const session_table_t *table, const session_entry_t *entry) {
    return (uint32_t)(entry->sequence & (table->limits.window - 1));
}

static session_entry_t *entry_at(const session_table_t *table, const session_t *session,
                                 uint32_t index) {
    return session_entry_of(table, session, index);
}

static uint8_t *reply_memory(const session_table_t *table, const session_t *session) {
    return table->replies + (size_t)session_slot(table, session) * 2 * table->limits.reply_bytes;
}

/* Differences only, no sums: sequences may lie just below 2^64 (attack C2). */
session_verdict_t session_judge(const session_table_t *table, const session_t *session,
                                uint64_t sequence, uint64_t acknowledged) {
    if (acknowledged >= sequence) {
        return SESSION_OUTSIDE;
    }
    if (sequence <= session->low) {
        return SESSION_SETTLED;
    }
    uint64_t low = acknowledged > session->low ? acknowledged : session->low;
    if (sequence - low > table->limits.window) {
        return SESSION_OUTSIDE;
    }
    bool ran = session_entry_of(table, session, sequence)->sequence == sequence;
    return ran ? SESSION_RAN : SESSION_FRESH;
}

/* Takes a kept entry out of the list; its bytes become a hole that closes at the next slide. */
static void drop_result(session_table_t *table, session_t *session, session_entry_t *entry) {
    invariant(entry->kept && session->kept_count > 0 && session->kept_bytes >= entry->size);
    if (entry->older == SESSION_NONE) {
        session->oldest = entry->newer;
    } else {
        entry_at(table, session, entry->older)->newer = entry->newer;
    }
    if (entry->newer == SESSION_NONE) {
        session->newest = entry->older;
    } else {
        entry_at(table, session, entry->newer)->older = entry->older;
    }
    session->kept_count--;
    session->kept_bytes -= entry->size;
    entry->kept = false;
    if (session->kept_count == 0) {
        session->cursor = 0; /* a client that settles promptly stays on its first pages */
    }
}

void session_settle(session_table_t *table, session_t *session, uint64_t acknowledged) {
    invariant(session->low <= session->highest);
    if (acknowledged <= session->low) {
        return;
    }
    uint64_t end = acknowledged < session->highest ? acknowledged : session->highest;
    for (uint64_t sequence = session->low; sequence < end;) {
        sequence++;
        session_entry_t *entry = session_entry_of(table, session, sequence);
        if (entry->sequence != sequence) {
            continue;
        }
        if (entry->kept) {
            drop_result(table, session, entry);
        }
        *entry = (session_entry_t){0};
        session->ran_count--;
    }
    session->low = acknowledged;
    if (session->highest < acknowledged) {
        session->highest = acknowledged;
    }
    session->dirty = true;
}

session_entry_t *session_ran(session_table_t *table, session_t *session, uint64_t sequence,
                             uint64_t height) {
    require(sequence > session->low && sequence - session->low <= table->limits.window);
    session_entry_t *entry = session_entry_of(table, session, sequence);
    invariant(entry->sequence == 0);
    entry->sequence = sequence;
    entry->height = height;
    session->ran_count++;
    if (sequence > session->highest) {
        session->highest = sequence;
    }
    session->dirty = true;
    ensure(session->ran_count <= table->limits.window);
    return entry;
}

/* Slides what is kept to the front of reply memory, oldest first: each result moves down, over
 * bytes of results that moved before it or are gone. */
static void slide_results(session_table_t *table, session_t *session) {
    uint8_t *memory = reply_memory(table, session);
    uint32_t cursor = 0;
    for (uint32_t at = session->oldest; at != SESSION_NONE;) {
        session_entry_t *entry = entry_at(table, session, at);
        invariant(entry->offset >= cursor);
        memmove(memory + cursor, memory + entry->offset, entry->size);
        entry->offset = cursor;
        cursor += entry->size;
        at = entry->newer;
    }
    session->cursor = cursor;
    ensure(cursor == session->kept_bytes);
}

/* Rule 13. */
uint8_t *session_keep(session_table_t *table, session_t *session, session_entry_t *entry,
                      uint32_t size, synod_status status) {
    uint32_t bound = table->limits.reply_bytes;
    require(!entry->kept && entry->sequence > session->low);
    if (size > bound) {
        return NULL;
    }
    while (session->kept_bytes > bound - size) {
        drop_result(table, session, entry_at(table, session, session->oldest));
    }
    if (session->cursor > 2 * bound - size) {
        slide_results(table, session);
    }
    entry->offset = session->cursor;
    entry->size = size;
    entry->status = (uint8_t)status;
    entry->kept = true;
    entry->hashed = false;
    entry->older = session->newest;
    entry->newer = SESSION_NONE;
    uint32_t index = entry_index(table, entry);
    if (session->newest == SESSION_NONE) {
        session->oldest = index;
    } else {
        entry_at(table, session, session->newest)->newer = index;
    }
    session->newest = index;
    session->kept_count++;
    session->kept_bytes += size;
    session->cursor += size;
    ensure(session->kept_bytes <= bound && session->cursor <= 2 * bound);
    return reply_memory(table, session) + entry->offset;
}

bytes_t session_result(const session_table_t *table, const session_t *session,
                       const session_entry_t *entry) {
    require(entry->kept);
    return bytes_of(reply_memory(table, session) + entry->offset, entry->size);
}
