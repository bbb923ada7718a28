/* Bytes as hexadecimal digits. */
#include "adapter/hex.h"

void hex_encode(const void *bytes, size_t size, char *text) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    for (size_t at = 0; at < size; at++) {
        text[2 * at] = digits[from[at] >> 4];
        text[2 * at + 1] = digits[from[at] & 15];
    }
    text[2 * size] = '\0';
}

/* 16 for what is no digit; a zero that ends the text is none either. */
static unsigned digit_of(char letter) {
    if (letter >= '0' && letter <= '9') {
        return (unsigned)(letter - '0');
    }
    if (letter >= 'a' && letter <= 'f') {
        return (unsigned)(letter - 'a') + 10;
    }
    if (letter >= 'A' && letter <= 'F') {
        return (unsigned)(letter - 'A') + 10;
    }
    return 16;
}

bool hex_decode(const char *text, void *bytes, size_t size) {
    uint8_t *to = bytes;
    for (size_t at = 0; at < size; at++) {
        unsigned high = digit_of(text[2 * at]);
        unsigned low = high < 16 ? digit_of(text[2 * at + 1]) : 16;
        if (low >= 16) {
            return false;
        }
        to[at] = (uint8_t)(high << 4 | low);
    }
    return true;
}
