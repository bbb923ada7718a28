/* The running hash of a trace: rounds and final mix of XXH64 (Collet; github.com/Cyan4973/xxHash,
 * doc/xxhash_spec.md), one lane, chained from entry to entry. Comparing runs needs speed and
 * avalanche, not resistance to an adversary. */
#include "base/trace.h"

#include <string.h>

#include "base/bytes.h"

#define PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME_3 UINT64_C(0x165667b19e3779f9)
#define PRIME_4 UINT64_C(0x85ebca77c2b2ae63)

static uint64_t rotate_left(uint64_t x, unsigned bits) {
    return (x << bits) | (x >> (64 - bits));
}

static uint64_t absorb(uint64_t hash, uint64_t word) {
    hash ^= rotate_left(word * PRIME_2, 31) * PRIME_1;
    return rotate_left(hash, 27) * PRIME_1 + PRIME_4;
}

/* The length first, so that no name can run into the numbers after it. */
static uint64_t absorb_name(uint64_t hash, const char *name) {
    size_t length = strlen(name);
    hash = absorb(hash, length);
    while (length > 0) {
        uint8_t word[8] = {0};
        size_t taken = length < sizeof word ? length : sizeof word;
        memcpy(word, name, taken);
        hash = absorb(hash, load_u64(word));
        name += taken;
        length -= taken;
    }
    return hash;
}

static uint64_t finish(uint64_t hash) {
    hash = (hash ^ (hash >> 33)) * PRIME_2;
    hash = (hash ^ (hash >> 29)) * PRIME_3;
    return hash ^ (hash >> 32);
}

void trace_note(trace_t *trace, uint64_t now_ns, uint32_t who, const char *what, uint64_t a,
                uint64_t b, uint64_t c, uint64_t d) {
    uint64_t hash = absorb(trace->hash, now_ns);
    hash = absorb(hash, who);
    hash = absorb_name(hash, what);
    hash = absorb(hash, a);
    hash = absorb(hash, b);
    hash = absorb(hash, c);
    hash = absorb(hash, d);
    trace->hash = finish(hash);
    trace->count++;
    if (trace->line != NULL) {
        trace->line(trace->context, now_ns, who, what, a, b, c, d);
    }
}
