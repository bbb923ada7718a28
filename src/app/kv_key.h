/* Keys as strings of bits: where two of them part, and on which side of a bit a key lies.
 *
 * A byte is read as nine bits, the first of which says "there is a byte here"; so a key comes
 * before its extensions, and the order is that of memcmp with the shorter first. */
#ifndef APP_KV_KEY_H
#define APP_KV_KEY_H

#include "base/bytes.h"

/* The place of a bit: 16 times the byte, plus 0 for "is there a byte" or 1..8 for its bits from the
 * highest. Numbers grow along the key. */
typedef uint16_t kv_bit_t;

#define KV_BIT_KEY_BYTES_MAX 1024u /* so that a place fits its type */

static inline uint32_t kv_key_side(bytes_t key, kv_bit_t bit) {
    uint32_t at = bit / 16u;
    uint32_t symbol = at < key.size ? UINT32_C(0x100) | key.data[at] : 0;
    return (symbol >> (8u - bit % 16u)) & 1;
}

/* The first bit where two keys differ; false when they are equal. */
bool kv_key_differ(bytes_t a, bytes_t b, kv_bit_t *bit);

#endif
