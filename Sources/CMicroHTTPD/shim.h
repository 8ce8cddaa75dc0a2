#pragma once
// Files that use sockets import this module beside Glibc: to the compiler the types of
// <sys/socket.h> belong to the first module that includes it, and which is first changes.
#include <microhttpd.h>
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
};

static inline struct MHD_Daemon *odometer_mhd_start(const struct odometer_mhd_settings *s) {
  struct MHD_OptionItem options[11];
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
  ODOMETER_OPTION(MHD_OPTION_END, 0, 0);
#undef ODOMETER_OPTION
  // The interthread channel (ITC) is what lets MHD_quiesce_daemon wake the workers.
  return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, s->on_accept, s->context,
                          s->on_request, s->context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

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
