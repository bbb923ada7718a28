/* Keys as strings of bits; see the header. */
#include "app/kv_key.h"

#include "base/check.h"

static uint32_t symbol_of(bytes_t key, size_t at) {
    return at < key.size ? UINT32_C(0x100) | key.data[at] : 0;
}

bool kv_key_differ(bytes_t a, bytes_t b, kv_bit_t *bit) {
    require(a.size <= KV_BIT_KEY_BYTES_MAX && b.size <= KV_BIT_KEY_BYTES_MAX);
    size_t common = a.size < b.size ? a.size : b.size, at = 0;
    while (common - at >= 8 && load_u64(a.data + at) == load_u64(b.data + at)) {
        at += 8;
    }
    while (at < common && a.data[at] == b.data[at]) {
        at++;
    }
    uint32_t difference = symbol_of(a, at) ^ symbol_of(b, at);
    if (difference == 0) {
        return false;
    }
    uint32_t place = 0;
    while (((difference << place) & 0x100) == 0) {
        place++;
    }
    *bit = (kv_bit_t)(at * 16 + place);
    return true;
}
