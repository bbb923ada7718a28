/* SHA-256 by OpenSSL, algorithm fetched once and context reused (the fast way to call it). */
#ifndef SYNOD_BENCH_FLOOR_DIGEST_H
#define SYNOD_BENCH_FLOOR_DIGEST_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

struct floor_digest {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

void floor_digest_open(struct floor_digest *digest);

/* Hash of two pieces one after the other; the second may be empty. */
void floor_digest_of(struct floor_digest *digest, const void *first, size_t first_bytes,
                     const void *second, size_t second_bytes, uint8_t *output);

void floor_digest_close(struct floor_digest *digest);

#endif
