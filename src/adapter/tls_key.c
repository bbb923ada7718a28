/* The P-256 key of a node and the certificate around it.
 *
 * The scalar comes from the seed by two hashes, 512 bits reduced modulo the order minus one, plus
 * one: never zero, and with no bias that anybody could see (FIPS 186-5, A.2.1). */
#include "adapter/tls_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "crypto/hash.h"
#include "crypto/sign.h"

#define POINT_BYTES 65 /* uncompressed: 0x04, x, y */

static EC_GROUP *curve(void) {
    return EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

/* ---- seed to key ---- */

static bool scalar_of_seed(const uint8_t *seed, const EC_GROUP *group, BN_CTX *scratch,
                           BIGNUM *scalar) {
    static const char tag[] = "synod.tls.v1";
    digest_t wide[2];
    for (uint8_t half = 0; half < 2; half++) {
        bytes_t parts[] = {bytes_of(tag, sizeof tag), bytes_of(&half, 1),
                           bytes_of(seed, TLS_SEED_BYTES)};
        wide[half] = hash_parts(parts, 3);
    }
    BIGNUM *bound = BN_dup(EC_GROUP_get0_order(group));
    bool done = bound != NULL && BN_bin2bn((uint8_t *)wide, sizeof wide, scalar) != NULL &&
                BN_sub_word(bound, 1) == 1 && BN_mod(scalar, scalar, bound, scratch) == 1 &&
                BN_add_word(scalar, 1) == 1;
    sign_wipe(wide, sizeof wide);
    BN_free(bound);
    return done;
}

static bool point_of_scalar(const EC_GROUP *group, const BIGNUM *scalar, BN_CTX *scratch,
                            uint8_t bytes[POINT_BYTES]) {
    EC_POINT *point = EC_POINT_new(group);
    bool done = point != NULL && EC_POINT_mul(group, point, scalar, NULL, NULL, scratch) == 1 &&
                EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, bytes, POINT_BYTES,
                                   scratch) == POINT_BYTES;
    EC_POINT_free(point);
    return done;
}

static EVP_PKEY *key_of_parts(const BIGNUM *scalar, const uint8_t point[POINT_BYTES]) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (builder != NULL && context != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ==
            1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_BYTES) ==
            1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1) {
        parameters = OSSL_PARAM_BLD_to_param(builder);
    }
    if (parameters != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) != 1) {
        key = NULL;
    }
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return key;
}

EVP_PKEY *tls_private_key(const uint8_t seed[TLS_SEED_BYTES]) {
    EVP_PKEY *key = NULL;
    uint8_t point[POINT_BYTES];
    EC_GROUP *group = curve();
    BN_CTX *scratch = BN_CTX_new();
    BIGNUM *scalar = BN_new();
    if (group != NULL && scratch != NULL && scalar != NULL &&
        scalar_of_seed(seed, group, scratch, scalar) &&
        point_of_scalar(group, scalar, scratch, point)) {
        key = key_of_parts(scalar, point);
    }
    BN_clear_free(scalar);
    BN_CTX_free(scratch);
    EC_GROUP_free(group);
    return key;
}

/* ---- public keys ---- */

/* The parity of y tells the two points with one x apart. */
static bool public_of(EVP_PKEY *pair, tls_key_t *key) {
    char group[32];
    size_t length = 0;
    uint8_t *point = NULL;
    if (EVP_PKEY_get_base_id(pair) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(pair, group, sizeof group, &length) != 1 ||
        strcmp(group, "prime256v1") != 0) {
        return false;
    }
    size_t size = EVP_PKEY_get1_encoded_public_key(pair, &point);
    bool done = size == POINT_BYTES && point[0] == POINT_CONVERSION_UNCOMPRESSED;
    if (done) {
        key->bytes[0] = (uint8_t)(POINT_CONVERSION_COMPRESSED | (point[POINT_BYTES - 1] & 1));
        memcpy(key->bytes + 1, point + 1, TLS_KEY_BYTES - 1);
    }
    OPENSSL_free(point);
    return done;
}

synod_status tls_key_of_seed(const uint8_t seed[TLS_SEED_BYTES], tls_key_t *key) {
    ERR_clear_error();
    EVP_PKEY *pair = tls_private_key(seed);
    bool done = pair != NULL && public_of(pair, key);
    EVP_PKEY_free(pair);
    return done ? SYNOD_OK : SYNOD_NO_MEMORY;
}

synod_status tls_key_judge(const tls_key_t *key) {
    ERR_clear_error();
    EC_GROUP *group = curve();
    EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    bool good = point != NULL &&
                (key->bytes[0] == POINT_CONVERSION_COMPRESSED ||
                 key->bytes[0] == (POINT_CONVERSION_COMPRESSED | 1)) &&
                EC_POINT_oct2point(group, point, key->bytes, TLS_KEY_BYTES, NULL) == 1;
    EC_POINT_free(point);
    EC_GROUP_free(group);
    ERR_clear_error(); /* that it is no point is an answer, not a failure (attack N13) */
    return good ? SYNOD_OK : SYNOD_BAD_KEY;
}

bool tls_key_of_certificate(X509 *certificate, tls_key_t *key) {
    EVP_PKEY *public_key = X509_get0_pubkey(certificate);
    return public_key != NULL && public_of(public_key, key);
}

/* ---- the certificate ---- */

X509 *tls_certificate(EVP_PKEY *key) {
    X509 *certificate = X509_new();
    if (certificate == NULL) {
        return NULL;
    }
    X509_NAME *name = X509_get_subject_name(certificate);
    const unsigned char common_name[] = "synod";
    /* Certificates that expire would all do so in one hour (attack N11); 99991231235959Z says that
     * there is no date (RFC 5280, section 4.1.2.5). */
    bool done = X509_set_version(certificate, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
                ASN1_TIME_set_string(X509_getm_notBefore(certificate), "19700101000000Z") == 1 &&
                ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
                X509_set_issuer_name(certificate, name) == 1 &&
                X509_set_pubkey(certificate, key) == 1 &&
                X509_sign(certificate, key, EVP_sha256()) > 0;
    if (!done) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}
