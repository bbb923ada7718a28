/* TLS 1.3 between nodes whose keys are known beforehand (docs/adr/0003-files-and-keys.md).
 *
 * There is no authority and no name to check: a certificate is a wrapping for a P-256 key, made in
 * memory at start, and the key is what is judged. Nothing is resumed, nothing is sent early,
 * nothing is renegotiated (attack N11). Bytes come in by tls_feed and go out into a buffer: no
 * sockets here.
 *
 * A node may have many sessions; a session is used by one thread at a time. */
#ifndef ADAPTER_TLS_H
#define ADAPTER_TLS_H

#include "adapter/buffer.h"
#include "adapter/reason.h"

#define TLS_KEY_BYTES 33
#define TLS_SEED_BYTES 32

/* A P-256 public key: the compressed point of SEC 1, section 2.3.3. */
typedef struct tls_key {
    uint8_t bytes[TLS_KEY_BYTES];
} tls_key_t;

/* The public key that belongs to a seed. NO_MEMORY. */
synod_status tls_key_of_seed(const uint8_t seed[TLS_SEED_BYTES], tls_key_t *key);
/* Is it a point of the curve? OK or BAD_KEY. */
synod_status tls_key_judge(const tls_key_t *key);

/* What all sessions of one node share. */
typedef struct tls tls_t;

/* Without a seed: a client that shows no certificate and accepts no sessions. NULL with a reason.
 */
tls_t *tls_open(const uint8_t *seed, reason_t *reason);
/* After all its sessions. */
void tls_close(tls_t *tls);

/* May the peer with this key go on? Asked once, in the handshake, before the peer has proved that
 * the key is its own; the proof comes with TLS_DONE. */
typedef bool tls_judge_fn(void *context, const tls_key_t *key);

typedef struct tls_session {
    void *ssl;
    buffer_t *out; /* ciphertext to be sent; borrowed */
    const uint8_t *input;
    size_t input_size;
    tls_judge_fn *judge;
    void *context;
    bool peer_has_key; /* after TLS_DONE: the peer showed a certificate and has its key */
    tls_key_t peer_key;
    char failure[128]; /* after TLS_FAILED: why */
} tls_session_t;

typedef enum tls_side { TLS_DIALS = 1, TLS_ACCEPTS = 2 } tls_side_t;

typedef enum tls_step {
    TLS_DONE = 1,
    TLS_AGAIN = 2,  /* all input was used, more is needed */
    TLS_CLOSED = 3, /* the peer said that nothing follows */
    TLS_FAILED = 4  /* for good; an alert for the peer may be in `out` */
} tls_step_t;

/* False: no memory. */
bool tls_session_open(tls_t *tls, tls_session_t *session, tls_side_t side, buffer_t *out,
                      tls_judge_fn *judge, void *context);
void tls_session_close(tls_session_t *session);
/* Ciphertext of the peer, borrowed until a later call says TLS_AGAIN. */
void tls_feed(tls_session_t *session, bytes_t ciphertext);
tls_step_t tls_handshake(tls_session_t *session);
/* At most one record; *got bytes with TLS_DONE. */
tls_step_t tls_read(tls_session_t *session, uint8_t *to, size_t size, size_t *got);
/* All of it, or TLS_FAILED. */
tls_step_t tls_write(tls_session_t *session, bytes_t plain);
/* Tells the peer that nothing follows, so that it can tell an end from a cut. */
void tls_finish(tls_session_t *session);

#endif
