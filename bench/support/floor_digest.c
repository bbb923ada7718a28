/* SHA-256 with a kept context. */
#include "bench/support/floor_digest.h"

#include "bench/support/floor.h"

void floor_digest_open(struct floor_digest *digest) {
    digest->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    digest->context = EVP_MD_CTX_new();
    if (digest->algorithm == NULL || digest->context == NULL) {
        floor_fatal("OpenSSL offers no SHA-256");
    }
}

void floor_digest_of(struct floor_digest *digest, const void *first, size_t first_bytes,
                     const void *second, size_t second_bytes, uint8_t *output) {
    if (EVP_DigestInit_ex2(digest->context, digest->algorithm, NULL) != 1 ||
        EVP_DigestUpdate(digest->context, first, first_bytes) != 1 ||
        (second_bytes > 0 && EVP_DigestUpdate(digest->context, second, second_bytes) != 1) ||
        EVP_DigestFinal_ex(digest->context, output, NULL) != 1) {
        floor_fatal("SHA-256 failed");
    }
}

void floor_digest_close(struct floor_digest *digest) {
    EVP_MD_CTX_free(digest->context);
    EVP_MD_free(digest->algorithm);
    *digest = (struct floor_digest){0};
}
