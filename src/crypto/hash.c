/* SHA-256 through OpenSSL's EVP interface. Fetching the algorithm costs more than hashing a short
 * message, so each thread fetches once and keeps two contexts: one for single calls, one for the
 * stream, so that single calls work while a stream is open. They are freed when the thread ends.
 *
 * OpenSSL refusing SHA-256 is a broken installation, not an input of somebody: it is asserted. */
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <threads.h>

#include "base/check.h"

typedef struct hasher {
    EVP_MD *algorithm;
    EVP_MD_CTX *single;
    EVP_MD_CTX *stream;
    bool streaming;
} hasher_t;

static _Thread_local hasher_t own;
static once_flag cleanup_once = ONCE_FLAG_INIT;
static tss_t cleanup_key; /* exists for its destructor only */

static void hasher_close(void *memory) {
    hasher_t *hasher = memory;
    EVP_MD_CTX_free(hasher->single);
    EVP_MD_CTX_free(hasher->stream);
    EVP_MD_free(hasher->algorithm);
    *hasher = (hasher_t){0};
}

static void cleanup_open(void) {
    int created = tss_create(&cleanup_key, hasher_close);
    ensure(created == thrd_success);
}

static void hasher_open(hasher_t *hasher) {
    hasher->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    hasher->single = EVP_MD_CTX_new();
    hasher->stream = EVP_MD_CTX_new();
    ensure(hasher->algorithm != NULL && hasher->single != NULL && hasher->stream != NULL);
    call_once(&cleanup_once, cleanup_open);
    int set = tss_set(cleanup_key, hasher);
    ensure(set == thrd_success);
}

static hasher_t *hasher_own(void) {
    if (own.algorithm == NULL) {
        hasher_open(&own);
    }
    return &own;
}

static void begin(EVP_MD_CTX *context, const EVP_MD *algorithm) {
    int done = EVP_DigestInit_ex2(context, algorithm, NULL);
    ensure(done == 1);
}

static void add(EVP_MD_CTX *context, const void *data, size_t size) {
    int done = size == 0 ? 1 : EVP_DigestUpdate(context, data, size);
    ensure(done == 1);
}

static digest_t end(EVP_MD_CTX *context) {
    digest_t digest;
    unsigned size = 0;
    int done = EVP_DigestFinal_ex(context, digest.bytes, &size);
    ensure(done == 1 && size == sizeof digest.bytes);
    return digest;
}

digest_t hash_bytes(bytes_t bytes) {
    return hash_parts(&bytes, 1);
}

digest_t hash_parts(const bytes_t *parts, size_t count) {
    hasher_t *hasher = hasher_own();
    begin(hasher->single, hasher->algorithm);
    for (size_t i = 0; i < count; i++) {
        add(hasher->single, parts[i].data, parts[i].size);
    }
    return end(hasher->single);
}

hash_stream_t hash_begin(void) {
    hasher_t *hasher = hasher_own();
    require(!hasher->streaming);
    hasher->streaming = true;
    begin(hasher->stream, hasher->algorithm);
    return (hash_stream_t){.context = hasher};
}

void hash_add(hash_stream_t *stream, bytes_t bytes) {
    require(stream->context == &own && own.streaming);
    add(own.stream, bytes.data, bytes.size);
}

digest_t hash_end(hash_stream_t *stream) {
    require(stream->context == &own && own.streaming);
    own.streaming = false;
    stream->context = NULL;
    return end(own.stream);
}
