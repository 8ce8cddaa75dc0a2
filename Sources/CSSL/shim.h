#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

// What OpenSSL calls back, and what its macros hide from Swift.

/// What one TLS connection knows besides OpenSSL's own state.
struct odometer_tls {
  int descriptor;
  /// The error number of the last call on the socket that failed; 0 when there was none.
  int socket_error;
  /// Whether the other side has closed the socket.
  int is_closed;
  /// Whether the server has asked for a certificate of ours.
  int is_asked;
  /// Bytes that have come from the socket.
  int64_t received;
  /// The first error of the server's certificates, X509_V_OK when there is none; how many steps
  /// above the server's own certificate it was found.
  int verify_error;
  int verify_depth;
  /// The validity of the certificate with the error, and the names that it is for.
  int64_t not_before, not_after;
  char names[256];
};

static inline struct odometer_tls *odometer_tls_of(SSL *ssl) { return SSL_get_ex_data(ssl, 0); }

// MARK: The socket

// OpenSSL's own socket BIO calls write, which raises SIGPIPE, and needs a non-blocking socket.

static int odometer_bio_write(BIO *bio, const char *bytes, int count) {
  struct odometer_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t sent;
  do sent = send(tls->descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    if (errno == EAGAIN) BIO_set_retry_write(bio);
    else tls->socket_error = errno;
  }
  return (int) sent;
}

static int odometer_bio_read(BIO *bio, char *bytes, int count) {
  struct odometer_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t taken;
  do taken = recv(tls->descriptor, bytes, count, MSG_DONTWAIT);
  while (taken < 0 && errno == EINTR);
  if (taken > 0) tls->received += taken;
  else if (taken == 0) tls->is_closed = 1;
  else if (errno == EAGAIN) BIO_set_retry_read(bio);
  else tls->socket_error = errno;
  return (int) taken;
}

static long odometer_bio_control(BIO *bio, int command, long number, void *pointer) {
  (void) bio, (void) number, (void) pointer;
  return command == BIO_CTRL_FLUSH;
}

/// The calls of the BIO; made once a process.
static inline BIO_METHOD *odometer_bio_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "odometer socket");
  if (method) {
    BIO_meth_set_write(method, odometer_bio_write);
    BIO_meth_set_read(method, odometer_bio_read);
    BIO_meth_set_ctrl(method, odometer_bio_control);
  }
  return method;
}

/// Lets a connection use the socket of `tls`, which must outlive it; 0 when memory is out.
static inline int odometer_tls_attach(SSL *ssl, struct odometer_tls *tls, BIO_METHOD *method) {
  BIO *bio = BIO_new(method);
  if (!bio || SSL_set_ex_data(ssl, 0, tls) != 1) {
    BIO_free(bio);
    return 0;
  }
  BIO_set_data(bio, tls);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return 1;
}

// MARK: Certificates

static inline int64_t odometer_seconds(const ASN1_TIME *time) {
  struct tm parts;
  return time && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t) timegm(&parts) : 0;
}

/// When a certificate ends, in seconds since 1970; 0 when there is none.
static inline int64_t odometer_end_of(const X509 *certificate) {
  return certificate ? odometer_seconds(X509_get0_notAfter(certificate)) : 0;
}

/// Adds a name, if there is room; a stranger wrote it, so only plain characters are taken.
static inline void odometer_add_name(char *names, size_t size, const char *name, size_t count) {
  size_t used = strlen(names), extra = used ? 2 : 0;
  if (count == 0 || used + extra + count >= size) return;
  if (extra) memcpy(names + used, ", ", 2);
  for (size_t i = 0; i < count; i++)
    names[used + extra + i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
  names[used + extra + count] = 0;
}

/// The names that a certificate is for: host names and addresses, or else its common name.
static inline void odometer_names_of(X509 *certificate, char *names, size_t size) {
  names[0] = 0;
  GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, 0, 0);
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list); i++) {
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list, i), &kind);
    char text[INET6_ADDRSTRLEN];
    if (kind == GEN_DNS) {
      odometer_add_name(
          names, size, (const char *) ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
    } else if (kind == GEN_IPADD) {
      int family = ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6;
      if ((family == AF_INET || ASN1_STRING_length(value) == 16)
          && inet_ntop(family, ASN1_STRING_get0_data(value), text, sizeof text))
        odometer_add_name(names, size, text, strlen(text));
    }
  }
  GENERAL_NAMES_free(list);
  if (!names[0]) {
    char text[128];
    int count = X509_NAME_get_text_by_NID(
        X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
    if (count > 0) odometer_add_name(names, size, text, count);
  }
}

/// Called for each error of the server's certificates: keeps what people must know about it.
static int odometer_verified(int is_good, X509_STORE_CTX *store) {
  if (is_good) return 1;
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct odometer_tls *tls = odometer_tls_of(ssl);
  X509 *certificate = X509_STORE_CTX_get_current_cert(store);
  tls->verify_error = X509_STORE_CTX_get_error(store);
  tls->verify_depth = X509_STORE_CTX_get_error_depth(store);
  if (certificate) {
    tls->not_before = odometer_seconds(X509_get0_notBefore(certificate));
    tls->not_after = odometer_seconds(X509_get0_notAfter(certificate));
    odometer_names_of(certificate, tls->names, sizeof tls->names);
  }
  return 0;
}

/// Called when the server asks for a certificate, also where we have one.
static int odometer_asked(SSL *ssl, void *nothing) {
  (void) nothing;
  odometer_tls_of(ssl)->is_asked = 1;
  return 1;
}

/// Called for the pass phrase of a key: there is none, and nobody is asked for it.
static int odometer_no_pass_phrase(char *bytes, int size, int writes, void *is_asked) {
  (void) bytes, (void) size, (void) writes;
  *(int *) is_asked = 1;
  return -1;
}

/// What holds for every connection; without renegotiation no write waits for the other side.
static inline void odometer_set_rules(SSL_CTX *context, int verifies) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(
      context, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, verifies ? odometer_verified : 0);
  SSL_CTX_set_cert_cb(context, odometer_asked, 0);
}

/// Takes a private key from a PEM file; `is_encrypted` says whether it needs a pass phrase.
static inline int odometer_use_key(SSL_CTX *context, const char *file, int *is_encrypted) {
  *is_encrypted = 0;
  SSL_CTX_set_default_passwd_cb(context, odometer_no_pass_phrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, is_encrypted);
  int is_used = SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM);
  SSL_CTX_set_default_passwd_cb_userdata(context, 0);
  SSL_CTX_set_default_passwd_cb(context, 0);
  return is_used;
}
