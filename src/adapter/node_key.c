/* The file node_key: four lines of text. The last is a checksum over the others, because a digit
 * that was lost to a bad disk would otherwise be another, valid key that nobody knows. */
#include "adapter/node_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapter/files.h"
#include "adapter/hex.h"
#include "base/check.h"
#include "crypto/hash.h"

#define KEY_FILE_MAX 4096
#define CHECK_BYTES 8
#define SEED_DIGITS (2 * SIGN_SEED_BYTES)

static const char first_word[] = "synod-node-key ";
static const char member_word[] = "member-seed ";
static const char tls_word[] = "tls-seed ";
static const char check_word[] = "checksum ";

_Static_assert(SIGN_SEED_BYTES == TLS_SEED_BYTES, "one length of seed in the file");

typedef struct key_text {
    char text[256];
    size_t size;
} key_text_t;

static void text_add(key_text_t *text, const char *word, const char *value) {
    size_t room = sizeof text->text - text->size;
    int length = snprintf(text->text + text->size, room, "%s%s\n", word, value);
    invariant(length > 0 && (size_t)length < room);
    text->size += (size_t)length;
}

/* The one text of a key: a file that differs from it in any byte is refused. */
static void text_of(const node_key_t *key, key_text_t *text) {
    char digits[SEED_DIGITS + 1];
    *text = (key_text_t){0};
    text_add(text, first_word, "1");
    hex_encode(key->member_seed, sizeof key->member_seed, digits);
    text_add(text, member_word, digits);
    hex_encode(key->tls_seed, sizeof key->tls_seed, digits);
    text_add(text, tls_word, digits);
    digest_t digest = hash_bytes(bytes_of(text->text, text->size));
    hex_encode(digest.bytes, CHECK_BYTES, digits);
    text_add(text, check_word, digits);
    sign_wipe(digits, sizeof digits);
}

synod_status node_key_draw(node_key_t *key, reason_t *reason) {
    ssize_t got = getrandom(key, sizeof *key, 0);
    if (got != (ssize_t)sizeof *key) {
        return reason_set(reason, SYNOD_IO, "the system gave no random bytes for a new key");
    }
    return SYNOD_OK;
}

synod_status node_key_write(const char *path, const node_key_t *key, reason_t *reason) {
    key_text_t text;
    text_of(key, &text);
    synod_status status =
        file_write(path, bytes_of(text.text, text.size), FILE_SECRET, FILE_KEEP, reason);
    sign_wipe(&text, sizeof text);
    return status;
}

/* ---- reading ---- */

static synod_status judge_version(const char *path, const char *text, reason_t *reason) {
    if (strncmp(text, first_word, sizeof first_word - 1) != 0) {
        return reason_set(reason, SYNOD_MALFORMED,
                          "%s is no node key: it does not begin with '%s'; restore it from your "
                          "backup",
                          path, first_word);
    }
    const char *version = text + sizeof first_word - 1;
    if (strncmp(version, "1\n", 2) != 0) {
        size_t length = strcspn(version, "\n");
        return reason_set(reason, SYNOD_BAD_VERSION,
                          "%s has version '%.*s', this build knows version %d; use the build that "
                          "made it, or a newer one",
                          path, length < 8 ? (int)length : 8, version, NODE_KEY_VERSION);
    }
    return SYNOD_OK;
}

/* Reads `word`, the digits of a seed and the end of the line; NULL when that is not there. */
static const char *parse_seed(const char *at, const char *word, uint8_t *seed) {
    size_t length = strlen(word);
    if (strncmp(at, word, length) != 0 || !hex_decode(at + length, seed, SIGN_SEED_BYTES) ||
        at[length + SEED_DIGITS] != '\n') {
        return NULL;
    }
    return at + length + SEED_DIGITS + 1;
}

static synod_status parse(const char *path, const file_content_t *content, node_key_t *key,
                          reason_t *reason) {
    synod_status status = judge_version(path, content->text, reason);
    if (status != SYNOD_OK) {
        return status;
    }
    const char *at = strchr(content->text, '\n') + 1;
    at = parse_seed(at, member_word, key->member_seed);
    at = at != NULL ? parse_seed(at, tls_word, key->tls_seed) : NULL;
    if (at == NULL) {
        return reason_set(reason, SYNOD_MALFORMED,
                          "%s is damaged: it should have the lines '%s...' and '%s...' of %d hex "
                          "digits; restore it from your backup",
                          path, member_word, tls_word, SEED_DIGITS);
    }
    key_text_t text;
    text_of(key, &text);
    bool same = text.size == content->size && memcmp(text.text, content->text, text.size) == 0;
    sign_wipe(&text, sizeof text);
    if (!same) {
        return reason_set(reason, SYNOD_BAD_CHECKSUM,
                          "%s is damaged: its checksum does not fit its content; restore it from "
                          "your backup",
                          path);
    }
    return SYNOD_OK;
}

synod_status node_key_read(const char *path, node_key_t *key, reason_t *reason) {
    file_content_t content;
    synod_status status = file_read(path, KEY_FILE_MAX, FILE_SECRET, &content, reason);
    if (status != SYNOD_OK) {
        return status;
    }
    status = parse(path, &content, key, reason);
    file_free(&content);
    if (status != SYNOD_OK) {
        node_key_wipe(key);
    }
    return status;
}

/* ---- what it stands for ---- */

synod_status node_key_public(const node_key_t *key, key_public_t *member, tls_key_t *tls) {
    if (member != NULL) {
        sign_secret_t secret;
        *member = signer_ed25519(key->member_seed, &secret).key;
        sign_wipe(&secret, sizeof secret);
    }
    return tls != NULL ? tls_key_of_seed(key->tls_seed, tls) : SYNOD_OK;
}

void node_key_replica_seed(const node_key_t *key, uint8_t seed[32]) {
    static const char tag[] = "synod.replica.v1";
    bytes_t parts[] = {bytes_of(tag, sizeof tag - 1),
                       bytes_of(key->member_seed, sizeof key->member_seed)};
    digest_t digest = hash_parts(parts, 2);
    memcpy(seed, digest.bytes, sizeof digest.bytes);
    sign_wipe(&digest, sizeof digest);
}

void node_key_wipe(node_key_t *key) {
    sign_wipe(key, sizeof *key);
}
