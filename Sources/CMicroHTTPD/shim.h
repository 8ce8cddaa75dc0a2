#pragma once
// Files that use sockets import this module beside Glibc: to the compiler the types of
// <sys/socket.h> belong to the first module that includes it, and which is first changes.
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>

// MHD_start_daemon and MHD_get_connection_info are variadic, which Swift cannot call. These
// wrappers have fixed arguments; options that take a callback are set here because an option item
// carries a function as an integer.

/// What a daemon is started with. Every callback receives `context` first.
struct odometer_mhd_settings {
  void *context;
  MHD_AccessHandlerCallback on_request;
  void *(*on_target)(void *context, const char *target, struct MHD_Connection *connection);
  MHD_RequestCompletedCallback on_completed;
  MHD_NotifyConnectionCallback on_connection;
  MHD_AcceptPolicyCallback on_accept;
  int listen_socket;
  unsigned int threads;
  unsigned int connection_limit;
  unsigned int idle_timeout_seconds;
  size_t memory_per_connection;
  /// Which versions and ciphers of TLS are spoken, as GnuTLS writes it; null: plain HTTP.
  const char *tls_priorities;
  /// Whether connections may be suspended.
  bool allows_suspending;
};

/// The library wants a certificate or this callback at the start. Each connection gets credentials
/// of its own before its handshake begins, so it is never called.
static inline int odometer_tls_no_certificate(
    gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **certificates,
    unsigned int *certificate_count, gnutls_privkey_t *key) {
  (void) session, (void) authorities, (void) authority_count, (void) algorithms;
  (void) algorithm_count, (void) certificates, (void) certificate_count, (void) key;
  return -1;
}

static inline struct MHD_Daemon *odometer_mhd_start(const struct odometer_mhd_settings *s) {
  struct MHD_OptionItem options[13];
  int n = 0;
#define ODOMETER_OPTION(name, number, pointer)                                                    \
  options[n++] = (struct MHD_OptionItem) { name, (intptr_t) (number), (void *) (pointer) }
  ODOMETER_OPTION(MHD_OPTION_LISTEN_SOCKET, s->listen_socket, 0);
  ODOMETER_OPTION(MHD_OPTION_CONNECTION_LIMIT, s->connection_limit, 0);
  ODOMETER_OPTION(MHD_OPTION_CONNECTION_TIMEOUT, s->idle_timeout_seconds, 0);
  ODOMETER_OPTION(MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->memory_per_connection, 0);
  // Level 1 would demand Host and refuse spaces in the target, but 0.9.75 sends the head of that
  // answer twice and closes without a word for the other. Both are refused by our own code.
  ODOMETER_OPTION(MHD_OPTION_STRICT_FOR_CLIENT, 0, 0);
  ODOMETER_OPTION(MHD_OPTION_URI_LOG_CALLBACK, s->on_target, s->context);
  ODOMETER_OPTION(MHD_OPTION_NOTIFY_COMPLETED, s->on_completed, s->context);
  ODOMETER_OPTION(MHD_OPTION_NOTIFY_CONNECTION, s->on_connection, s->context);
  if (s->threads > 1) ODOMETER_OPTION(MHD_OPTION_THREAD_POOL_SIZE, s->threads, 0);
  // The interthread channel (ITC) is what lets MHD_quiesce_daemon wake the workers.
  unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC;
  if (s->tls_priorities) {
    ODOMETER_OPTION(MHD_OPTION_HTTPS_PRIORITIES, 0, s->tls_priorities);
    ODOMETER_OPTION(MHD_OPTION_HTTPS_CERT_CALLBACK, 0, odometer_tls_no_certificate);
    // Under TLS, 0.9.75 with epoll uses CPU for slow clients that with poll cost nothing.
    flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TLS;
  }
  if (s->allows_suspending) flags |= MHD_ALLOW_SUSPEND_RESUME;
  ODOMETER_OPTION(MHD_OPTION_END, 0, 0);
#undef ODOMETER_OPTION
  return MHD_start_daemon(flags, 0, s->on_accept, s->context, s->on_request, s->context,
                          MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/// Whether the library was built with TLS.
static inline bool odometer_tls_is_supported(void) {
  return MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES;
}

/// The TLS session of a connection; null where there is none. Not in the callback that tells of its
/// end: the library has freed it by then.
static inline gnutls_session_t odometer_tls_session(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  return info ? (gnutls_session_t) info->tls_session : 0;
}

/// Lets reads of a session go through `pull`, with `context`; writes go to the socket as before.
static inline void odometer_tls_set_pull(gnutls_session_t session, void *context,
                                         gnutls_pull_func pull, int descriptor) {
  gnutls_transport_set_ptr2(session, context, (void *) (intptr_t) descriptor);
  gnutls_transport_set_pull_function(session, pull);
}

/// The context of `odometer_tls_set_pull`.
static inline void *odometer_tls_context(gnutls_session_t session) {
  void *context = 0, *descriptor = 0;
  gnutls_transport_get_ptr2(session, &context, &descriptor);
  return context;
}

/// Frees what GnuTLS allocated: `gnutls_free` is a variable with a function.
static inline void odometer_tls_free(void *memory) { gnutls_free(memory); }

static inline int odometer_mhd_descriptor(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

static inline const struct sockaddr *odometer_mhd_address(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : 0;
}

static inline void *odometer_mhd_socket_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : 0;
}

/// Names the calling thread, as `top -H` shows it; at most 15 bytes.
static inline void odometer_mhd_name_thread(const char *name) {
  prctl(PR_SET_NAME, (unsigned long) name, 0, 0, 0);
}
