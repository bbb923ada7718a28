/* SHA-256 against the examples of FIPS 180-4 (NIST), in one piece, in parts, as a stream and from
 * several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <pthread.h> /* not threads.h, which thread sanitizers do not know */
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/hash.h"

/* Writes the digest as 64 characters. */
static const char *hex_of(digest_t digest) {
    static char text[2 * SYNOD_DIGEST_BYTES + 1];
    for (size_t i = 0; i < SYNOD_DIGEST_BYTES; i++) {
        text[2 * i] = "0123456789abcdef"[digest.bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest.bytes[i] & 15];
    }
    return text;
}

static bytes_t text_of(const char *text) {
    return bytes_of(text, strlen(text));
}

static const char two_blocks[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
static const char two_blocks_hash[] =
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1";

static void examples_of_the_standard(void **state) {
    (void)state;
    assert_string_equal(hex_of(hash_bytes(bytes_of(NULL, 0))),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(hex_of(hash_bytes(text_of("abc"))),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(hex_of(hash_bytes(text_of("\xbd"))),
                        "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b");
    assert_string_equal(
        hex_of(hash_bytes(text_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_string_equal(hex_of(hash_bytes(text_of(two_blocks))), two_blocks_hash);
}

static void million_characters_as_a_stream(void **state) {
    (void)state;
    uint8_t piece[1000];
    memset(piece, 'a', sizeof piece);
    hash_stream_t stream = hash_begin();
    for (int i = 0; i < 1000; i++) {
        hash_add(&stream, bytes_of(piece, sizeof piece));
    }
    assert_string_equal(hex_of(hash_end(&stream)),
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void parts_are_the_concatenation(void **state) {
    (void)state;
    bytes_t whole = text_of(two_blocks);
    digest_t expected = hash_bytes(whole);
    for (size_t first = 0; first <= whole.size; first++) {
        for (size_t second = first; second <= whole.size; second += 7) {
            bytes_t parts[] = {bytes_of(whole.data, first), bytes_of(NULL, 0),
                               bytes_of(whole.data + first, second - first),
                               bytes_of(whole.data + second, whole.size - second)};
            digest_t digest = hash_parts(parts, 4);
            assert_true(digest_equal(&digest, &expected));
        }
    }
    digest_t none = hash_parts(NULL, 0), empty = hash_bytes(bytes_of(NULL, 0));
    assert_true(digest_equal(&none, &empty));
}

static void single_hashes_work_while_a_stream_is_open(void **state) {
    (void)state;
    hash_stream_t stream = hash_begin();
    for (size_t i = 0; i < sizeof two_blocks - 1; i++) {
        hash_add(&stream, bytes_of(two_blocks + i, 1));
        hash_add(&stream, bytes_of(NULL, 0));
        (void)hash_bytes(text_of("another"));
    }
    assert_string_equal(hex_of(hash_end(&stream)), two_blocks_hash);
    stream = hash_begin(); /* and the stream can be had again, empty */
    hash_add(&stream, text_of("abc"));
    assert_string_equal(hex_of(hash_end(&stream)),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

enum { THREADS = 4, CHAIN = 3000 };

static digest_t chain_of(uint8_t start) {
    digest_t digest = hash_bytes(bytes_of(&start, 1));
    for (int i = 0; i < CHAIN; i++) {
        hash_stream_t stream = hash_begin();
        hash_add(&stream, bytes_of(digest.bytes, sizeof digest.bytes));
        digest = hash_bytes(bytes_of(digest.bytes, sizeof digest.bytes));
        digest_t same = hash_end(&stream);
        if (!digest_equal(&digest, &same)) {
            return (digest_t){{0}};
        }
    }
    return digest;
}

static void *run_chain(void *result) {
    digest_t *digest = result;
    *digest = chain_of(digest->bytes[0]);
    return NULL;
}

/* Pieces of memory that OpenSSL holds; leak checkers overlook what a thread that ended had. */
static atomic_long held;

static void *count_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    void *memory = malloc(size);
    held += memory != NULL;
    return memory;
}

static void count_free(void *memory, const char *file, int line) {
    (void)file, (void)line;
    held -= memory != NULL;
    free(memory);
}

static void *count_realloc(void *memory, size_t size, const char *file, int line) {
    if (memory == NULL) {
        return count_malloc(size, file, line);
    }
    if (size == 0) {
        count_free(memory, file, line);
        return NULL;
    }
    return realloc(memory, size);
}

static void run_threads(void) {
    pthread_t threads[THREADS];
    digest_t results[THREADS];
    for (uint8_t i = 0; i < THREADS; i++) {
        results[i].bytes[0] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, run_chain, &results[i]), 0);
    }
    for (uint8_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        digest_t expected = chain_of(i);
        assert_true(digest_equal(&results[i], &expected));
        assert_false(digest_is_zero(&expected));
    }
}

static void threads_do_not_share_contexts_and_free_them(void **state) {
    (void)state;
    run_threads(); /* whatever OpenSSL sets up once is there after this */
    long before = held;
    assert_true(before > 0);
    run_threads();
    assert_int_equal(held, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(million_characters_as_a_stream),
        cmocka_unit_test(parts_are_the_concatenation),
        cmocka_unit_test(single_hashes_work_while_a_stream_is_open),
        cmocka_unit_test(threads_do_not_share_contexts_and_free_them),
    };
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1) {
        return 1; /* OpenSSL allocated before main */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
