/* TLS contexts with a throw-away certificate. */
#include "bench/support/floor_tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "bench/support/floor.h"

struct floor_tls {
    SSL_CTX *server;
    SSL_CTX *client;
};

const char *floor_tls_error(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason != NULL ? reason : "no reason given";
}

static void must(bool succeeded, const char *what) {
    if (!succeeded) {
        floor_fatal("TLS set-up, %s: %s", what, floor_tls_error());
    }
}

static X509 *self_signed(EVP_PKEY *key) {
    enum { VALID_SECONDS = 24 * 60 * 60 };
    X509 *certificate = X509_new();
    must(certificate != NULL, "certificate");
    must(X509_set_version(certificate, X509_VERSION_3) == 1, "version");
    must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1, "serial number");
    must(X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_SECONDS) != NULL, "begin");
    must(X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL, "end");
    X509_NAME *name = X509_get_subject_name(certificate);
    const unsigned char common_name[] = "floors";
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1, "name");
    must(X509_set_issuer_name(certificate, name) == 1, "issuer");
    must(X509_set_pubkey(certificate, key) == 1, "public key");
    must(X509_sign(certificate, key, EVP_sha256()) > 0, "signature");
    return certificate;
}

static SSL_CTX *context_with(const SSL_METHOD *method, X509 *certificate, EVP_PKEY *key) {
    SSL_CTX *context = SSL_CTX_new(method);
    must(context != NULL, "context");
    must(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1, "TLS 1.3");
    must(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1, "cipher suite");
    must(SSL_CTX_use_certificate(context, certificate) == 1, "own certificate");
    must(SSL_CTX_use_PrivateKey(context, key) == 1, "own key");
    must(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1, "trust");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    must(SSL_CTX_set_num_tickets(context, 0) == 1, "tickets");
    /* Read-ahead takes many records from the BIO in one call. */
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

struct floor_tls *floor_tls_open(void) {
    struct floor_tls *tls = floor_allocate(sizeof *tls);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL, "key");
    X509 *certificate = self_signed(key);
    tls->server = context_with(TLS_server_method(), certificate, key);
    tls->client = context_with(TLS_client_method(), certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

SSL *floor_tls_connection(const struct floor_tls *tls, bool accepting) {
    SSL *connection = SSL_new(accepting ? tls->server : tls->client);
    must(connection != NULL, "connection");
    if (accepting) {
        SSL_set_accept_state(connection);
    } else {
        SSL_set_connect_state(connection);
    }
    return connection;
}

void floor_tls_close(struct floor_tls *tls) {
    if (tls != NULL) {
        SSL_CTX_free(tls->server);
        SSL_CTX_free(tls->client);
        free(tls);
    }
}
