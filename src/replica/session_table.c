/* The table of sessions: numbers, eviction, the two orders, look-up by (key, nonce). Header:
 * session.h. */
#include "base/arena.h"
#include "base/check.h"
#include "crypto/hash.h"
#include "replica/session.h"

static uint32_t bucket_count(uint32_t sessions_max) {
    uint32_t buckets = 2;
    while (buckets < sessions_max) {
        buckets *= 2;
    }
    return buckets;
}

/* Walks the parts of the memory in one place, so that size and layout cannot differ; with a NULL
 * base it only measures. */
static size_t lay_out(session_table_t *table, uint8_t *base, const session_limits_t *limits,
                      size_t scratch_bytes) {
    size_t sessions = limits->sessions_max, at = 0;
    size_t parts[] = {
        sessions * sizeof(session_t),      sessions * limits->window * sizeof(session_entry_t),
        map_bytes(limits->sessions_max),   bucket_count(limits->sessions_max) * sizeof(uint32_t),
        sessions * sizeof(digest_t),       scratch_bytes,
        sessions * 2 * limits->reply_bytes};
    void *starts[sizeof parts / sizeof parts[0]] = {0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        starts[i] = base == NULL ? NULL : base + at;
        at += arena_cost(parts[i]);
    }
    if (base != NULL) {
        table->sessions = starts[0];
        table->entries = starts[1];
        table->map_memory = starts[2];
        table->buckets = starts[3];
        table->leaves = starts[4];
        table->scratch = starts[5];
        table->replies = starts[6];
    }
    return at;
}

/* The scratch also holds one encoded session without results. */
static size_t scratch_size(const session_limits_t *limits, size_t scratch_bytes) {
    size_t entry = SESSION_KEPT_BYTES + sizeof(digest_t);
    size_t record = SESSION_RECORD_BYTES + limits->window * entry;
    return record > scratch_bytes ? record : scratch_bytes;
}

size_t session_table_bytes(const session_limits_t *limits, size_t scratch_bytes) {
    return lay_out(NULL, NULL, limits, scratch_size(limits, scratch_bytes));
}

static void reset_counters(session_table_t *table) {
    table->slots_used = 0;
    table->count = 0;
    table->by_number = map_of(table->map_memory, table->limits.sessions_max);
    table->ends[SESSION_BY_NUMBER] = (session_link_t){SESSION_NONE, SESSION_NONE};
    table->ends[SESSION_BY_USE] = (session_link_t){SESSION_NONE, SESSION_NONE};
    table->height = 0;
    table->time_ns = 0;
    table->next_number = 1;
    table->positions = 0;
    table->requests_executed = 0;
    table->operations_executed = 0;
}

void session_table_make(session_table_t *table, void *memory, const session_limits_t *limits,
                        size_t scratch_bytes) {
    require(memory != NULL && (uintptr_t)memory % 16 == 0);
    require(limits->sessions_max > 0 && limits->window > 0);
    require((limits->window & (limits->window - 1)) == 0);
    *table = (session_table_t){.limits = *limits};
    table->scratch_bytes = scratch_size(limits, scratch_bytes);
    lay_out(table, memory, limits, table->scratch_bytes);
    table->bucket_mask = bucket_count(limits->sessions_max) - 1;
    reset_counters(table);
}

uint32_t session_slot(const session_table_t *table, const session_t *session) {
    return (uint32_t)(session - table->sessions);
}

/* ---- orders ---- */

void session_link_last(session_table_t *table, session_order_t order, uint32_t slot) {
    session_link_t *ends = &table->ends[order];
    table->sessions[slot].links[order] = (session_link_t){ends->before, SESSION_NONE};
    if (ends->before == SESSION_NONE) {
        ends->after = slot;
    } else {
        table->sessions[ends->before].links[order].after = slot;
    }
    ends->before = slot;
}

static void unlink_slot(session_table_t *table, session_order_t order, uint32_t slot) {
    session_link_t *ends = &table->ends[order];
    session_link_t link = table->sessions[slot].links[order];
    if (link.before == SESSION_NONE) {
        ends->after = link.after;
    } else {
        table->sessions[link.before].links[order].after = link.after;
    }
    if (link.after == SESSION_NONE) {
        ends->before = link.before;
    } else {
        table->sessions[link.after].links[order].before = link.before;
    }
}

void session_use(session_table_t *table, session_t *session) {
    uint32_t slot = session_slot(table, session);
    session->used_position = table->positions;
    session->used_time_ns = table->time_ns;
    session->dirty = true;
    if (table->ends[SESSION_BY_USE].before != slot) {
        unlink_slot(table, SESSION_BY_USE, slot);
        session_link_last(table, SESSION_BY_USE, slot);
    }
}

/* ---- look-up ---- */

session_t *session_find(const session_table_t *table, uint64_t number) {
    uint32_t slot = map_get(&table->by_number, number);
    return slot == MAP_NONE ? NULL : &table->sessions[slot];
}

/* A prefix of a digest only chooses the bucket: clients choose keys and nonces and may search for
 * equal prefixes, so that sessions are told apart by the whole pair. */
static uint64_t tag_of(const key_public_t *key, uint64_t nonce) {
    uint8_t pair[SYNOD_KEY_BYTES + 8];
    memcpy(pair, key->bytes, SYNOD_KEY_BYTES);
    store_u64(pair + SYNOD_KEY_BYTES, nonce);
    digest_t digest = hash_bytes(bytes_of(pair, sizeof pair));
    return digest_prefix(&digest);
}

session_t *session_find_opened(const session_table_t *table, const key_public_t *key,
                               uint64_t nonce) {
    uint64_t tag = tag_of(key, nonce);
    uint32_t next = table->buckets[tag & table->bucket_mask];
    while (next != 0) {
        session_t *session = &table->sessions[next - 1];
        if (session->tag == tag && session->nonce == nonce &&
            memcmp(session->key.bytes, key->bytes, SYNOD_KEY_BYTES) == 0) {
            return session;
        }
        next = session->same_bucket;
    }
    return NULL;
}

static void bucket_remove(session_table_t *table, const session_t *session) {
    uint32_t wanted = session_slot(table, session) + 1;
    uint32_t *next = &table->buckets[session->tag & table->bucket_mask];
    while (*next != wanted) {
        invariant(*next != 0);
        next = &table->sessions[*next - 1].same_bucket;
    }
    *next = session->same_bucket;
}

/* ---- opening and evicting ---- */

bool session_has_room(const session_table_t *table) {
    if (table->count < table->limits.sessions_max) {
        return true;
    }
    const session_t *least = &table->sessions[table->ends[SESSION_BY_USE].after];
    invariant(least->used_time_ns <= table->time_ns);
    return table->time_ns - least->used_time_ns > table->limits.idle_ns;
}

/* Frees the slot of the least recently used session and returns it, its memory zero again. */
static uint32_t evict(session_table_t *table) {
    uint32_t slot = table->ends[SESSION_BY_USE].after;
    session_t *session = &table->sessions[slot];
    session_settle(table, session, session->highest);
    unlink_slot(table, SESSION_BY_NUMBER, slot);
    unlink_slot(table, SESSION_BY_USE, slot);
    bucket_remove(table, session);
    bool was_there = map_remove(&table->by_number, session->number);
    invariant(was_there);
    *session = (session_t){0};
    table->count--;
    return slot;
}

static session_t *fill_slot(session_table_t *table, uint32_t slot, uint64_t number,
                            const key_public_t *key, uint64_t nonce) {
    session_t *session = &table->sessions[slot];
    invariant(session->number == 0);
    *session = (session_t){.number = number,
                           .nonce = nonce,
                           .key = *key,
                           .tag = tag_of(key, nonce),
                           .oldest = SESSION_NONE,
                           .newest = SESSION_NONE,
                           .dirty = true};
    store_u64(session->number_encoded, number);
    uint32_t *bucket = &table->buckets[session->tag & table->bucket_mask];
    session->same_bucket = *bucket;
    *bucket = slot + 1;
    bool put = map_put(&table->by_number, number, slot);
    invariant(put);
    session_link_last(table, SESSION_BY_NUMBER, slot);
    table->count++;
    ensure(table->count <= table->limits.sessions_max);
    return session;
}

session_t *session_add(session_table_t *table, const key_public_t *key, uint64_t nonce) {
    require(session_has_room(table));
    bool full = table->count == table->limits.sessions_max;
    uint32_t slot = full ? evict(table) : table->slots_used++;
    session_t *session = fill_slot(table, slot, table->next_number++, key, nonce);
    session->opened_height = table->height;
    session->used_position = table->positions;
    session->used_time_ns = table->time_ns;
    session_link_last(table, SESSION_BY_USE, slot);
    return session;
}

session_t *session_restore(session_table_t *table, uint64_t number, const key_public_t *key,
                           uint64_t nonce) {
    require(table->count < table->limits.sessions_max && table->count == table->slots_used);
    return fill_slot(table, table->slots_used++, number, key, nonce);
}

void session_table_clear(session_table_t *table) {
    for (uint32_t slot = 0; slot < table->slots_used; slot++) {
        session_settle(table, &table->sessions[slot], table->sessions[slot].highest);
        table->sessions[slot] = (session_t){0};
    }
    memset(table->buckets, 0, ((size_t)table->bucket_mask + 1) * sizeof(uint32_t));
    reset_counters(table);
}
