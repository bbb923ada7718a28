/* The encoding of a block and its id (docs/formats/block.md).
 *
 * Invariant: an encoding is canonical. Whatever decodes, encodes to the same bytes again, so that a
 * block has one id and nobody can show one block under two (attack T8: compare all copies of a
 * fact). Relations between views, heights, times and parents are judged by the protocol, which
 * knows its rules; here only what holds for every protocol. */
#include "model/block.h"

#include "base/check.h"
#include "crypto/hash.h"

enum {
    AT_TAG = 0,
    AT_EPOCH = 16,
    AT_HEIGHT = 24,
    AT_BIRTH_VIEW = 32,
    AT_JUSTIFY_VIEW = 40,
    AT_TIME = 48,
    AT_PROPOSER = 56,
    AT_PAYLOAD_SIZE = 60,
    AT_PAYLOAD = 64,
    AT_EXTRA = 96,
    AT_PAYLOAD_COUNT = 128,
    AT_EXTRA_SIZE = 132,
    AT_PARENT_COUNT = 136,
    AT_RESERVED = 140
};

_Static_assert(AT_RESERVED < BLOCK_FIXED_BYTES, "block layout");
_Static_assert(sizeof(digest_t) == SYNOD_DIGEST_BYTES, "parents are written as one array");

/* Two zero bytes fill the place; the array's own end is the second. */
static const char tag[] = "synod.block.v1\0";
_Static_assert(sizeof tag == AT_EPOCH, "tag fills its place");

static bool all_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Count, size and digest of a payload are three copies of one fact: whether there is any. */
static bool payload_consistent(const block_t *block) {
    const bool empty = block->payload_count == 0;
    return digest_is_zero(&block->payload) == empty && (block->payload_size_bytes == 0) == empty;
}

static bool proposer_possible(member_t proposer) {
    return proposer < MEMBERS_MAX || proposer == MEMBER_NONE;
}

size_t block_encoded_bytes(const block_t *block) {
    return BLOCK_FIXED_BYTES + (size_t)block->parent_count * SYNOD_DIGEST_BYTES;
}

static void encode_fixed(const block_t *block, uint8_t to[BLOCK_FIXED_BYTES]) {
    /* A block that no peer would accept must not be made, nor get an id. */
    require(block->parent_count <= BLOCK_PARENTS_MAX);
    require(block->extra_size <= BLOCK_EXTRA_MAX);
    require(payload_consistent(block));
    require(proposer_possible(block->proposer));
    memset(to, 0, BLOCK_FIXED_BYTES);
    memcpy(to + AT_TAG, tag, sizeof tag);
    store_u64(to + AT_EPOCH, block->epoch);
    store_u64(to + AT_HEIGHT, block->height);
    store_u64(to + AT_BIRTH_VIEW, block->birth_view);
    store_u64(to + AT_JUSTIFY_VIEW, block->justify_view);
    store_u64(to + AT_TIME, block->time_ns);
    store_u32(to + AT_PROPOSER, block->proposer);
    store_u32(to + AT_PAYLOAD_SIZE, block->payload_size_bytes);
    memcpy(to + AT_PAYLOAD, block->payload.bytes, sizeof block->payload.bytes);
    memcpy(to + AT_EXTRA, block->extra, block->extra_size);
    store_u32(to + AT_PAYLOAD_COUNT, block->payload_count);
    store_u32(to + AT_EXTRA_SIZE, block->extra_size);
    store_u32(to + AT_PARENT_COUNT, block->parent_count);
}

void block_encode(const block_t *block, writer_t *writer) {
    uint8_t fixed[BLOCK_FIXED_BYTES];
    encode_fixed(block, fixed);
    write_bytes(writer, fixed, sizeof fixed);
    write_bytes(writer, block->parents, (size_t)block->parent_count * sizeof block->parents[0]);
}

digest_t block_id(const block_t *block) {
    uint8_t fixed[BLOCK_FIXED_BYTES];
    encode_fixed(block, fixed);
    const bytes_t parts[2] = {
        bytes_of(fixed, sizeof fixed),
        bytes_of(block->parents, (size_t)block->parent_count * sizeof block->parents[0])};
    return hash_parts(parts, 2);
}

static void decode_fixed(const uint8_t *from, block_t *to) {
    memset(to, 0, sizeof *to); /* padding too: equal blocks are equal memory */
    to->epoch = load_u64(from + AT_EPOCH);
    to->height = load_u64(from + AT_HEIGHT);
    to->birth_view = load_u64(from + AT_BIRTH_VIEW);
    to->justify_view = load_u64(from + AT_JUSTIFY_VIEW);
    to->time_ns = load_u64(from + AT_TIME);
    to->proposer = load_u32(from + AT_PROPOSER);
    to->payload_size_bytes = load_u32(from + AT_PAYLOAD_SIZE);
    memcpy(to->payload.bytes, from + AT_PAYLOAD, sizeof to->payload.bytes);
    memcpy(to->extra, from + AT_EXTRA, sizeof to->extra);
    to->payload_count = load_u32(from + AT_PAYLOAD_COUNT);
    to->extra_size = load_u32(from + AT_EXTRA_SIZE);
    to->parent_count = load_u32(from + AT_PARENT_COUNT);
}

synod_status block_decode(reader_t *reader, block_t *to, size_t to_size) {
    require(to_size >= sizeof *to);
    const bytes_t fixed = read_bytes(reader, BLOCK_FIXED_BYTES);
    if (fixed.data == NULL)
        return SYNOD_TRUNCATED;
    if (memcmp(fixed.data + AT_TAG, tag, sizeof tag) != 0)
        return SYNOD_BAD_VERSION;
    decode_fixed(fixed.data, to);
    if (to->parent_count > BLOCK_PARENTS_MAX || block_bytes(to->parent_count) > to_size)
        return SYNOD_TOO_LARGE;
    if (to->extra_size > BLOCK_EXTRA_MAX ||
        !all_zero(to->extra + to->extra_size, BLOCK_EXTRA_MAX - to->extra_size) ||
        !all_zero(fixed.data + AT_RESERVED, BLOCK_FIXED_BYTES - AT_RESERVED) ||
        !payload_consistent(to) || !proposer_possible(to->proposer))
        return SYNOD_MALFORMED;
    const size_t parents_bytes = (size_t)to->parent_count * sizeof to->parents[0];
    const bytes_t parents = read_bytes(reader, parents_bytes);
    if (reader->failed)
        return SYNOD_TRUNCATED;
    if (parents_bytes > 0)
        memcpy(to->parents, parents.data, parents_bytes);
    return SYNOD_OK;
}
