/* The oracle of promises: what is durable of a member's records, and that nothing leaves it that
 * those do not hold it to after a restart. */
#include "replica/journal_format.h"
#include "sim/world_state.h"

/* ---- what is said ---- */

/* An old vote may be said again (HSC 4): it promises nothing more. */
void oracle_promised(node_t *node, const phase_t *phase, const statement_t *statement,
                     bool is_new) {
    world_t *w = node->world;
    promised_t needed;
    if (w->protocol->needs == NULL)
        return;
    w->protocol->needs(statement, &needed);
    const char *how = is_new ? promises_say(&node->said, phase, statement, &needed) : NULL;
    if (how != NULL)
        violate(w, VIOLATION_CONFLICT, "honest member %u sent a %s of view %llu %s", node->member,
                phase->name, (unsigned long long)statement->view, how);
    promise_kind_t missing = promises_short(&node->durable, &needed);
    if (missing != PROMISE_COUNT)
        violate(w, VIOLATION_DURABILITY,
                "member %u sent a %s of view %llu, which needs a %s of %llu, but what is durable "
                "reaches only %llu",
                node->member, phase->name, (unsigned long long)statement->view,
                promise_name(missing), (unsigned long long)needed.of[missing],
                (unsigned long long)node->durable.of[missing]);
}

/* ---- what is durable ---- */

#define RECORD_HEAD_BYTES (1 + 4 * PATH_PARTS_MAX + 4) /* path and key: the core has one record */

static bool promises_of(node_t *node, const journal_entry_t *entry, promised_t *promises) {
    world_t *w = node->world;
    reader_t reader = reader_of(entry->body);
    (void)read_bytes(&reader, RECORD_HEAD_BYTES);
    bytes_t record = read_bytes(&reader, reader_left(&reader));
    arena_reset(&w->decode);
    return entry->kind == JOURNAL_RECORD && w->protocol->promises != NULL && !reader.failed &&
           w->protocol->promises(record, w->options.members, &w->decode, promises);
}

typedef void take_t(node_t *node, uint64_t sequence, const promised_t *promises);

/* The latest counts, as at a restart, and takes back nothing. */
static void take_durable(node_t *node, uint64_t sequence, const promised_t *promises) {
    promise_kind_t lower = promises_short(promises, &node->durable);
    if (lower != PROMISE_COUNT && node_is_true(node))
        violate(node->world, VIOLATION_DURABILITY,
                "member %u takes back a %s by record %llu: %llu after %llu", node->member,
                promise_name(lower), (unsigned long long)sequence,
                (unsigned long long)promises->of[lower],
                (unsigned long long)node->durable.of[lower]);
    node->durable = *promises;
}

static void take_landed(node_t *node, uint64_t sequence, const promised_t *promises) {
    node->landed =
        grow(node->landed, sizeof(landed_t), &node->landed_capacity, node->landed_count + 1);
    node->landed[node->landed_count++] = (landed_t){sequence, *promises};
}

/* The number of the first record that was written, the journal's own included; 0: none. */
static uint64_t first_number(const node_t *node, bytes_t written) {
    journal_header_t header;
    for (size_t at = 0; at + JOURNAL_RECORD_HEADER_BYTES <= written.size;
         at += JOURNAL_ALIGNMENT_BYTES)
        if (journal_header_decode(written.data + at, &header) == SYNOD_OK &&
            header.address == node->disk.offset + at)
            return header.sequence;
    return 0;
}

/* Returns the number of the last record of the replica, or `last` when there is none. */
static uint64_t take_records(node_t *node, bytes_t written, uint64_t last, take_t *take) {
    journal_entry_t entry;
    promised_t promises;
    for (size_t at = 0; at < written.size;) {
        bytes_t rest = bytes_of(written.data + at, written.size - at);
        if (journal_parse(rest, node->disk.offset + at, &entry) != SYNOD_OK) {
            at += JOURNAL_ALIGNMENT_BYTES;
            continue;
        }
        if (entry.kind == JOURNAL_BATCH)
            oracle_batch_durable(node, entry.body);
        else if (promises_of(node, &entry, &promises))
            take(node, entry.sequence, &promises);
        last = entry.sequence;
        at += (size_t)journal_cost((uint32_t)entry.body.size);
    }
    return last;
}

/* A number that was durable is never given again: nothing acknowledged was cut (F4, F5). Of writes
 * that were cut short recovery kept what has lower numbers than what is written next. */
void oracle_durable(node_t *node, bytes_t written) {
    uint64_t first = first_number(node, written);
    if (node_is_true(node) && first != 0 && first <= node->recorded)
        violate(node->world, VIOLATION_DURABILITY,
                "member %u forgot durable records: it writes %llu again, %llu was there",
                node->member, (unsigned long long)first, (unsigned long long)node->recorded);
    for (uint32_t i = 0; i < node->landed_count && node->landed[i].sequence < first; i++)
        take_durable(node, node->landed[i].sequence, &node->landed[i].promises);
    node->landed_count = 0;
    node->recorded = take_records(node, written, node->recorded, take_durable);
}

void oracle_landed(node_t *node, bytes_t written) {
    uint64_t first = first_number(node, written);
    while (node->landed_count > 0 && node->landed[node->landed_count - 1].sequence >= first)
        node->landed_count--;
    (void)take_records(node, written, 0, take_landed);
}
