/* Operations of `kv` as words of the command line, and their replies as text or JSON. */
#ifndef CLI_KV_WORDS_H
#define CLI_KV_WORDS_H

#include <stdio.h>

#include "app/kv_client.h"

/* One line an operation, for the help. */
extern const char kv_words_help[];

/* Encodes e.g. {"set", "k", "v"}. Returns 0, or a sentence about what is wrong. */
const char *kv_words_encode(const char *const *words, uint32_t count, writer_t *to);
/* May it be asked as a read (get, scan)? */
bool kv_words_is_read(const char *const *words, uint32_t count);
/* Prints the reply to the operation of these words. False: the application refused it. */
bool kv_words_print(FILE *to, const char *const *words, bytes_t reply, bool json);
/* Bytes as a JSON string: what is not printable ASCII as \u00XX. */
void print_json_string(FILE *to, bytes_t bytes);

#endif
