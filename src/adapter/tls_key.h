/* The P-256 key of a node and the certificate around it. Private to tls*.c. */
#ifndef ADAPTER_TLS_KEY_H
#define ADAPTER_TLS_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "adapter/tls.h"

/* NULL when OpenSSL has no memory. */
EVP_PKEY *tls_private_key(const uint8_t seed[TLS_SEED_BYTES]);
/* Self-signed, never expiring: nobody judges anything of it but the key. */
X509 *tls_certificate(EVP_PKEY *key);
/* False when it is no P-256 key. */
bool tls_key_of_certificate(X509 *certificate, tls_key_t *key);

#endif
