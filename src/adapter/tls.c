/* TLS sessions over buffers.
 *
 * A session reads from the bytes that were fed and writes into a buffer of the link through a BIO
 * of ours: one copy less than with memory BIOs, and no call of the system. The error queue of
 * OpenSSL is one per thread, shared by all sessions: it is cleared before each call, or the
 * failure of one peer would end the connection of another (attack N13). */
#include "adapter/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapter/tls_key.h"
#include "base/check.h"

/* Certificates of peers are ours in shape and have 400 bytes; strangers may send what they like. */
#define CERTIFICATE_CHAIN_MAX 8192

struct tls {
    SSL_CTX *accepting; /* NULL without a key of our own */
    SSL_CTX *dialing;
    BIO_METHOD *method;
};

/* ---- BIO ---- */

static int bio_write(BIO *bio, const char *from, size_t size, size_t *done) {
    tls_session_t *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!buffer_append(session->out, bytes_of(from, size))) {
        (void)snprintf(session->failure, sizeof session->failure, "no room for what is to be sent");
        return 0;
    }
    *done = size;
    return 1;
}

static int bio_read(BIO *bio, char *to, size_t size, size_t *done) {
    tls_session_t *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (session->input_size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *done = size < session->input_size ? size : session->input_size;
    memcpy(to, session->input, *done);
    session->input += *done;
    session->input_size -= *done;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *make_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "synod link");
    if (method != NULL && (BIO_meth_set_write_ex(method, bio_write) != 1 ||
                           BIO_meth_set_read_ex(method, bio_read) != 1 ||
                           BIO_meth_set_ctrl(method, bio_control) != 1)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* ---- contexts ---- */

/* Takes the place of the check of a chain: the key is what counts. 1 = go on. */
static int judge_certificate(X509_STORE_CTX *store, void *unused) {
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    tls_session_t *session = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    const char *why = NULL;
    if (certificate == NULL || !tls_key_of_certificate(certificate, &session->peer_key)) {
        why = "the certificate of the peer has no P-256 key";
    } else if (!session->judge(session->context, &session->peer_key)) {
        why = "the key in the certificate of the peer is not the one that is pinned in the genesis";
    }
    if (why != NULL) {
        (void)snprintf(session->failure, sizeof session->failure, "%s", why);
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        return 0;
    }
    session->peer_has_key = true;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static bool configure(SSL_CTX *context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, judge_certificate, NULL);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_max_cert_list(context, CERTIFICATE_CHAIN_MAX);
    /* Many records by one call of the BIO: halves the cost of receiving small frames. */
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
                                             "TLS_AES_256_GCM_SHA384") == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
           SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") == 1 &&
           SSL_CTX_set_num_tickets(context, 0) == 1 &&
           SSL_CTX_set_max_early_data(context, 0) == 1 &&
           SSL_CTX_set_recv_max_early_data(context, 0) == 1;
}

static SSL_CTX *make_context(const SSL_METHOD *method, X509 *certificate, EVP_PKEY *key) {
    SSL_CTX *context = SSL_CTX_new(method);
    if (context != NULL &&
        (!configure(context) ||
         (certificate != NULL && (SSL_CTX_use_certificate(context, certificate) != 1 ||
                                  SSL_CTX_use_PrivateKey(context, key) != 1)))) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static bool open_with_key(tls_t *tls, const uint8_t *seed) {
    EVP_PKEY *key = tls_private_key(seed);
    X509 *certificate = key != NULL ? tls_certificate(key) : NULL;
    if (certificate != NULL) {
        tls->accepting = make_context(TLS_server_method(), certificate, key);
        tls->dialing = make_context(TLS_client_method(), certificate, key);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls->accepting != NULL && tls->dialing != NULL;
}

static const char *error_text(void) {
    const char *text = ERR_reason_error_string(ERR_peek_error());
    return text != NULL ? text : "no reason given";
}

tls_t *tls_open(const uint8_t *seed, reason_t *reason) {
    ERR_clear_error();
    tls_t *tls = calloc(1, sizeof *tls);
    bool done = tls != NULL;
    if (done) {
        tls->method = make_method();
        done = tls->method != NULL;
    }
    if (done && seed != NULL) {
        done = open_with_key(tls, seed);
    } else if (done) {
        tls->dialing = make_context(TLS_client_method(), NULL, NULL);
        done = tls->dialing != NULL;
    }
    if (!done) {
        (void)reason_set(reason, SYNOD_NO_MEMORY, "TLS cannot start: %s", error_text());
        tls_close(tls);
        return NULL;
    }
    return tls;
}

void tls_close(tls_t *tls) {
    if (tls != NULL) {
        SSL_CTX_free(tls->accepting);
        SSL_CTX_free(tls->dialing);
        BIO_meth_free(tls->method);
        free(tls);
    }
}

/* ---- sessions ---- */

bool tls_session_open(tls_t *tls, tls_session_t *session, tls_side_t side, buffer_t *out,
                      tls_judge_fn *judge, void *context) {
    ERR_clear_error();
    *session = (tls_session_t){.out = out, .judge = judge, .context = context};
    SSL_CTX *shared = side == TLS_ACCEPTS ? tls->accepting : tls->dialing;
    require(shared != NULL);
    SSL *ssl = SSL_new(shared);
    BIO *bio = BIO_new(tls->method);
    if (ssl == NULL || bio == NULL) {
        SSL_free(ssl);
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, session);
    if (side == TLS_ACCEPTS) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    session->ssl = ssl;
    return true;
}

void tls_session_close(tls_session_t *session) {
    SSL_free(session->ssl);
    session->ssl = NULL;
}

void tls_feed(tls_session_t *session, bytes_t ciphertext) {
    require(session->input_size == 0);
    session->input = ciphertext.data;
    session->input_size = ciphertext.size;
}

/* What a call of OpenSSL that did not succeed means. */
static tls_step_t judge_result(tls_session_t *session, int result) {
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CLOSED;
    default:
        if (session->failure[0] == '\0') {
            (void)snprintf(session->failure, sizeof session->failure, "%s", error_text());
        }
        ERR_clear_error();
        return TLS_FAILED;
    }
}

tls_step_t tls_handshake(tls_session_t *session) {
    ERR_clear_error();
    int result = SSL_do_handshake(session->ssl);
    return result == 1 ? TLS_DONE : judge_result(session, result);
}

tls_step_t tls_read(tls_session_t *session, uint8_t *to, size_t size, size_t *got) {
    ERR_clear_error();
    int result = SSL_read_ex(session->ssl, to, size, got);
    return result == 1 ? TLS_DONE : judge_result(session, result);
}

tls_step_t tls_write(tls_session_t *session, bytes_t plain) {
    ERR_clear_error();
    size_t done = 0;
    int result = SSL_write_ex(session->ssl, plain.data, plain.size, &done);
    if (result != 1) {
        /* The BIO takes all or fails: there is no "later" for a write. */
        tls_step_t step = judge_result(session, result);
        return step == TLS_AGAIN ? TLS_FAILED : step;
    }
    ensure(done == plain.size);
    return TLS_DONE;
}

void tls_finish(tls_session_t *session) {
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}
