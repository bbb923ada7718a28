/*
 * TLS 1.3 contexts for floors B and C: AES-128-GCM, one self-signed P-256 certificate made in
 * memory and shared by all processes, each side checks that the other has it.
 * (P-256 because libsodium is to be the only Ed25519 in this project.)
 */
#ifndef SYNOD_BENCH_FLOOR_TLS_H
#define SYNOD_BENCH_FLOOR_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct floor_tls;

/* Fatal on failure. Made before the fork: every process then has the same contexts. */
struct floor_tls *floor_tls_open(void);

/* A new connection, owned by the caller, without BIOs. */
SSL *floor_tls_connection(const struct floor_tls *tls, bool accepting);

/* Text of the oldest error of OpenSSL in this thread. */
const char *floor_tls_error(void);

void floor_tls_close(struct floor_tls *tls);

#endif
