#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

// Parameters of keys are named by texts of which libcrypto keeps the address: texts of Swift live
// for one call only, so keys are put together here.

static inline EVP_PKEY *odometer_public_key(const char *kind, OSSL_PARAM *parameters) {
  EVP_PKEY *key = 0;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(0, kind, 0);
  if (EVP_PKEY_fromdata_init(context) != 1 ||
      EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    key = 0;
  EVP_PKEY_CTX_free(context);
  return key;
}

/// A public RSA key of its modulus and exponent, most significant byte first; NULL where they
/// are none.
static inline EVP_PKEY *odometer_rsa_key(const unsigned char *modulus, int modulus_size,
                                         const unsigned char *exponent, int exponent_size) {
  EVP_PKEY *key = 0;
  OSSL_PARAM *parameters = 0;
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  BIGNUM *n = BN_bin2bn(modulus, modulus_size, 0), *e = BN_bin2bn(exponent, exponent_size, 0);
  if (builder && n && e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
    parameters = OSSL_PARAM_BLD_to_param(builder);
  if (parameters) key = odometer_public_key("RSA", parameters);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  BN_free(n);
  BN_free(e);
  return key;
}

/// A public key on P-256 of a point, 65 bytes that begin with 4; NULL where it is not on the curve.
static inline EVP_PKEY *odometer_p256_key(const unsigned char *point) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *) "P-256", 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *) point, 65),
      OSSL_PARAM_construct_end(),
  };
  return odometer_public_key("EC", parameters);
}

/// OPENSSL_free, which is a macro.
static inline void odometer_crypto_free(void *memory) { OPENSSL_free(memory); }
