/* Bytes as hexadecimal digits, in files for people. */
#ifndef ADAPTER_HEX_H
#define ADAPTER_HEX_H

#include "base/bytes.h"

/* Writes 2 * size lower-case digits and a zero. */
void hex_encode(const void *bytes, size_t size, char *text);
/* Reads exactly 2 * size digits of either case from the front of `text`; false at anything else. */
bool hex_decode(const char *text, void *bytes, size_t size);

#endif
