/* Types shared by every public header of Synod: digests, borrowed bytes, statuses.
 *
 * Units are part of a name (`timeout_ns`, `size_bytes`). A `synod_bytes` never owns what it points
 * to; each function says for how long the bytes must stay. A struct that may grow begins with
 * `size_bytes`, by which each side knows what the other one has: whoever fills it sets sizeof of
 * its own build. The structs of this header and synod_writer are as they are for ever. Statuses are
 * numbered for ever: a number is never given to another meaning, so that logs, replies on the wire
 * and scripts can rely on it.
 */
#ifndef SYNOD_TYPES_H
#define SYNOD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of these headers; synod_version says that of the library. Before 1.0 a minor version may break
 * programs: soname 0. */
#define SYNOD_VERSION "0.1.0"

/* Marks what the library exports; all of it begins with synod_. */
#if defined(__GNUC__)
#define SYNOD_API __attribute__((visibility("default")))
#else
#define SYNOD_API
#endif

#define SYNOD_DIGEST_BYTES 32
#define SYNOD_KEY_BYTES 32
#define SYNOD_SIGNATURE_BYTES 64

/* SHA-256 of something; all zero means "none". */
typedef struct synod_digest {
    uint8_t bytes[SYNOD_DIGEST_BYTES];
} synod_digest;

/* Ed25519 public key, canonical encoding. */
typedef struct synod_key {
    uint8_t bytes[SYNOD_KEY_BYTES];
} synod_key;

/* Ed25519 signature. */
typedef struct synod_signature {
    uint8_t bytes[SYNOD_SIGNATURE_BYTES];
} synod_signature;

/* Borrowed bytes: pointer and length, never owned. */
typedef struct synod_bytes {
    const uint8_t *data;
    size_t size;
} synod_bytes;

/* The one list of stable statuses. Texts: synod_status_text. */
typedef enum synod_status {
    SYNOD_OK = 0,
    /* outcomes of a request (the six typed replies) */
    SYNOD_BUSY = 1,    /* not accepted now, nothing happened; send it again later */
    SYNOD_EXPIRED = 2, /* the session was evicted; open a new one */
    SYNOD_UNKNOWN = 3, /* no answer in time: it may or may not have run; the session settles it */
    SYNOD_INVALID = 4, /* malformed, badly signed or outside of the session's window */
    SYNOD_APP_ERROR = 5 /* ordered and executed; the application refused it (reply says why) */,
    /* judging bytes, peers and files */
    SYNOD_TRUNCATED = 16,     /* fewer bytes than the format needs */
    SYNOD_MALFORMED = 17,     /* a field has a value that the format forbids */
    SYNOD_TOO_LARGE = 18,     /* over a named bound */
    SYNOD_BAD_CHECKSUM = 19,  /* CRC or digest differs from the content */
    SYNOD_BAD_VERSION = 20,   /* format or protocol version that this build does not know */
    SYNOD_BAD_SIGNATURE = 21, /* signature does not hold under the strict rule */
    SYNOD_BAD_KEY = 22,       /* key is not canonical or of small order */
    SYNOD_WRONG_CHAIN = 23,   /* other genesis, protocol or parameters */
    SYNOD_WRONG_EPOCH = 24,   /* other committee */
    SYNOD_NOT_MEMBER = 25,    /* index or key outside of the committee */
    SYNOD_DUPLICATE = 26,     /* the same signer or item twice */
    SYNOD_NO_QUORUM = 27,     /* certificate carries too little weight */
    SYNOD_MISMATCH = 28,      /* two copies of one fact differ */
    SYNOD_STALE = 29,         /* older than what is settled */
    SYNOD_UNWANTED = 30,      /* well-formed, but nothing here waits for it */
    /* the machine */
    SYNOD_NO_MEMORY = 48,   /* the memory given at open is too small */
    SYNOD_NO_SPACE = 49,    /* disk full */
    SYNOD_IO = 50,          /* the disk or the network answered with an error */
    SYNOD_CORRUPT = 51,     /* durable data is damaged where damage is not a torn tail */
    SYNOD_IN_USE = 52,      /* port, home or journal is held by another process */
    SYNOD_PERMISSION = 53,  /* file mode or owner is wrong */
    SYNOD_NOT_FOUND = 54,   /* a file, key or verb that should be there is not */
    SYNOD_BAD_CONFIG = 55,  /* genesis or configuration cannot be accepted */
    SYNOD_CLOSED = 56,      /* the handle or the connection was closed */
    SYNOD_UNSUPPORTED = 57, /* declared by an interface, absent in this build */
    SYNOD_CONFLICT = 58     /* two final facts contradict each other: stop */
} synod_status;

/* A short English text for a status ("bad signature"); never NULL, static. */
SYNOD_API const char *synod_status_text(synod_status status);

/* SYNOD_VERSION of the library that runs, which need not be that of the headers; static. */
SYNOD_API const char *synod_version(void);

#ifdef __cplusplus
}
#endif
#endif
