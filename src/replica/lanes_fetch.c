/* PAY 6: the bytes that a final block lacks. Its certificates name who has them; they are asked one
 * after the other, each missing batch another one, until all is here. See lanes.h. */
#include "base/bitset.h"
#include "replica/lanes.h"
#include "replica/state.h"

/* Whoever was asked for bytes and does not bring them in this time is left for the next one; twice
 * as long each time, up to 2^4, so that slow links are not filled with what is under way. The
 * author itself has the first such time: mostly its batch is. */
#define FETCH_PATIENCE_NS UINT64_C(250000000)
#define FETCH_BACK_OFF 4

_Static_assert(SLOT_PIECES == BLOCK_BATCHES_MAX, "a slot has a bit for each batch of its block");

/* Walks the batches that a block names. */
typedef struct named {
    reader_t reader;
    uint32_t members;
    batch_reference_t reference;
    uint32_t next;      /* in the reference */
    uint32_t index, at; /* of the present batch, in the block and in its content */
    uint32_t size;
    uint64_t sequence;
} named_t;

static named_t named_of(const replica_t *r, const block_slot_t *slot) {
    return (named_t){.reader = reader_of(slot_payload(slot)), .members = r->config.committee->size};
}

/* The block was judged: what cannot be read is not there. */
static const batch_entry_t *named_next(named_t *named) {
    bool first = named->size == 0;
    if (named->next == named->reference.count) {
        if (reader_left(&named->reader) == 0 ||
            batch_reference_decode(&named->reader, named->members, &named->reference) != SYNOD_OK)
            return NULL;
        named->next = 0;
    }
    const batch_entry_t *entry = &named->reference.entries[named->next];
    named->sequence = named->reference.first + named->next++;
    named->index += first ? 0 : 1;
    named->at += named->size;
    named->size = entry->size_bytes;
    return entry;
}

static uint8_t *content_of(const block_slot_t *slot) {
    return slot->payload + slot->payload_size;
}

static bool is_right(const batch_entry_t *entry, bytes_t requests) {
    if (requests.size != entry->size_bytes)
        return false;
    digest_t content = batch_content(requests);
    return digest_equal(&content, &entry->content);
}

static void put(const replica_t *r, block_slot_t *slot, const named_t *named, bytes_t requests) {
    invariant(named->index < SLOT_PIECES &&
              (uint64_t)named->at + requests.size <= r->blocks.content_max); /* it matches (N1) */
    memcpy(content_of(slot) + named->at, requests.data, requests.size);
    bitset_add(slot->here, named->index);
}

/* Everything is here? */
static bool settle(block_slot_t *slot, uint32_t count, uint32_t size) {
    slot->whole = bitset_count(slot->here, BLOCK_BATCHES_MAX) == count;
    slot->content_size = size;
    return slot->whole;
}

bool fetch_fill(replica_t *r, block_slot_t *slot) {
    if (slot->whole)
        return true;
    named_t named = named_of(r, slot);
    uint32_t count = 0, size = 0;
    for (const batch_entry_t *entry = named_next(&named); entry != NULL;
         entry = named_next(&named)) {
        const author_lane_t *lane = &r->lanes.lanes[named.reference.author];
        const held_batch_t *held = &lane->held[named.sequence % LANE_WINDOW];
        count++;
        size += entry->size_bytes;
        if (!bitset_has(slot->here, named.index) && lane_holds(lane, named.sequence) &&
            held->entry.size_bytes == entry->size_bytes &&
            digest_equal(&held->entry.content, &entry->content))
            put(r, slot, &named, held_bytes(r, named.reference.author, held));
    }
    return settle(slot, count, size);
}

/* ---- asking ---- */

/* The k-th of those who acknowledged, and then of all that are here. */
static member_t holder(const replica_t *r, const named_t *named, uint32_t k) {
    uint32_t size = r->config.committee->size;
    const uint8_t *bitmap = named->reference.signers.data;
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < size; i++) {
            member_t m = (i + k) % size;
            bool signer = (bitmap[m / 8] >> (m % 8) & 1) != 0;
            if (m != r->config.self && r->member_links[m] != LINK_NONE && (signer || round == 1))
                return m;
        }
    return MEMBER_NONE;
}

static void ask(replica_t *r, member_t member, member_t author, uint64_t sequence) {
    batch_ask_t ask = {.author = author, .sequence = sequence};
    writer_t writer = frame_writer(r);
    batch_ask_encode(&ask, &writer);
    link_send(r, r->member_links[member], LANE_CONSENSUS, FRAME_BATCH_ASK, writer.at);
}

/* After some in vain blocks are asked for as well: whoever executed it has it whole. */
void fetch_missing(replica_t *r, const block_slot_t *slot) {
    lanes_t *lanes = &r->lanes;
    if (r->phase != REPLICA_RUNNING)
        return;
    if (!digest_equal(&lanes->fetch_block, &slot->id)) {
        lanes->fetch_block = slot->id;
        lanes->fetch_tries = 0;
        lanes->fetch_at = 0;
    }
    if (lanes->fetch_at > r->now.now_ns)
        return;
    uint32_t tries = lanes->fetch_tries++;
    lanes->fetch_at =
        r->now.now_ns + (FETCH_PATIENCE_NS << (tries < FETCH_BACK_OFF ? tries : FETCH_BACK_OFF));
    named_t named = named_of(r, slot);
    uint64_t asked = r->figures.batches_asked;
    while (named_next(&named) != NULL) {
        bool coming = tries == 0 && r->member_links[named.reference.author] != LINK_NONE;
        if (bitset_has(slot->here, named.index) || coming)
            continue;
        member_t member = holder(r, &named, tries + named.index);
        if (member == MEMBER_NONE)
            continue;
        ask(r, member, named.reference.author, named.sequence);
        r->figures.batches_asked++;
    }
    if (asked != r->figures.batches_asked)
        quota_log(r, slot_block(slot)->proposer, 2, "lanes", "missing",
                  "height=%llu batches=%llu tries=%u", (unsigned long long)slot_block(slot)->height,
                  (unsigned long long)(r->figures.batches_asked - asked), tries);
    if (tries > FETCH_BACK_OFF)
        sync_want(r);
}

bool fetch_waits(const replica_t *r) {
    return r->lanes.fetch_at != 0 && r->lanes.fetch_tries <= FETCH_BACK_OFF + 1;
}

void fetch_tick(replica_t *r) {
    if (r->lanes.fetch_at == 0 || r->lanes.fetch_at > r->now.now_ns)
        return;
    r->lanes.fetch_at = 0;
    deliver_pump(r); /* what still lacks something asks the next one */
}

/* ---- taking ---- */

void fetch_take(replica_t *r, member_t author, uint64_t sequence, bytes_t requests) {
    block_slot_t *slot =
        r->lanes.fetch_at == 0 ? NULL : blocks_find(&r->blocks, &r->lanes.fetch_block);
    if (slot == NULL || slot->whole || !slot->root_checked)
        return;
    named_t named = named_of(r, slot);
    for (const batch_entry_t *entry = named_next(&named); entry != NULL;
         entry = named_next(&named)) {
        if (named.reference.author != author || named.sequence != sequence ||
            bitset_has(slot->here, named.index) || !is_right(entry, requests))
            continue;
        put(r, slot, &named, requests);
        if (!fetch_fill(r, slot))
            return;
        r->lanes.fetch_at = 0;
        deliver_pump(r);
        return;
    }
}

void fetch_content(replica_t *r, block_slot_t *slot, bytes_t content) {
    if (slot->whole)
        return;
    named_t named = named_of(r, slot);
    uint32_t count = 0, size = 0;
    for (const batch_entry_t *entry = named_next(&named); entry != NULL;
         entry = named_next(&named)) {
        count++;
        size += entry->size_bytes;
        if (count > SLOT_PIECES || size > r->blocks.content_max)
            return; /* from a journal that something else wrote */
        if (size > content.size || bitset_has(slot->here, named.index))
            continue;
        bytes_t requests = bytes_of(content.data + named.at, named.size);
        if (is_right(entry, requests))
            put(r, slot, &named, requests);
    }
    (void)settle(slot, count, size);
}

/* ---- answering ---- */

/* What was ordered lately is with its block. */
bool fetch_find(replica_t *r, member_t author, uint64_t sequence, bytes_t *requests) {
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++) {
        const block_slot_t *slot = &r->blocks.slots[i];
        if (slot->state == BLOCK_FREE || !slot->whole || !slot->root_checked)
            continue;
        named_t named = named_of(r, slot);
        while (named_next(&named) != NULL)
            if (named.reference.author == author && named.sequence == sequence) {
                *requests = bytes_of(content_of(slot) + named.at, named.size);
                return true;
            }
    }
    return false;
}
