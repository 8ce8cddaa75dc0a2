// Asks an HTTP server on loopback: at a constant rate, or as fast as it answers.
//
//   open_loop PORT REQUESTS CONNECTIONS SECONDS RATE [AUTHORITY]
//
// RATE is requests a second; 0: as fast as it answers. At a rate, request i is due at i / RATE,
// whether or not earlier ones were answered, and its time counts from then: waiting for a free
// connection is part of it. Without a rate each connection sends as soon as it has its answer, and
// times count from sending. One thread, epoll, keep-alive. REQUESTS is text: the number of
// requests, then each as LENGTH, line end, BYTES, line end; they are sent in turn. AUTHORITY is a
// file in PEM: connections are then TLS, for the name localhost. Prints a line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { buffer_size = 1 << 20, steps = 1024, powers = 54, patience_seconds = 10 };

// Times in nanoseconds: exact below 2,048, then 1,024 steps to each doubling.
struct histogram { uint64_t counts[(powers + 2) * steps], count, greatest; };

struct connection { int descriptor; SSL *tls; int64_t due; size_t received, wanted; char *buffer; };

struct request { char *bytes; size_t length; };

static struct histogram times, delays;
static struct request *requests;
static struct connection *connections;
static int *idle, idle_count, request_count, connection_count, poller;
static long sent, answered, failed;
static uint64_t bytes_received;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "open_loop: %s: %s\n", what, why);
    exit(1);
}

static SSL_CTX *trusting(const char *authority) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(context, authority, NULL) != 1) fail(authority, "no certificates");
    return context;
}

// Completes the handshake of a connection; reads do not wait from then on.
static void encrypt(struct connection *connection, SSL_CTX *context) {
    connection->tls = SSL_new(context);
    SSL_set_fd(connection->tls, connection->descriptor);
    SSL_set1_host(connection->tls, "localhost");
    if (SSL_connect(connection->tls) != 1) fail("TLS", "no handshake");
    fcntl(connection->descriptor, F_SETFL, O_NONBLOCK);
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void record(struct histogram *histogram, int64_t nanoseconds) {
    uint64_t value = nanoseconds > 0 ? nanoseconds : 0;
    int shift = value < 2 * steps ? 0 : 53 - __builtin_clzll(value);
    histogram->counts[(size_t)shift * steps + (value >> shift)]++;
    histogram->count++;
    if (value > histogram->greatest) histogram->greatest = value;
}

// The greatest time of the step that holds this share of all, in microseconds.
static double percentile(const struct histogram *histogram, double share) {
    uint64_t rank = (uint64_t)(share * histogram->count + 0.5), passed = 0;
    if (rank < 1) rank = 1;
    for (size_t index = 0; index < sizeof histogram->counts / sizeof *histogram->counts; index++) {
        passed += histogram->counts[index];
        if (passed < rank) continue;
        int shift = index < 2 * steps ? 0 : (int)(index / steps) - 1;
        uint64_t end = (((uint64_t)index - (uint64_t)shift * steps + 1) << shift) - 1;
        return (end < histogram->greatest ? end : histogram->greatest) / 1e3;
    }
    return 0;
}

static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fscanf(file, "%d", &request_count) != 1 || request_count < 1) fail(path, "no requests");
    requests = calloc(request_count, sizeof *requests);
    for (int i = 0; i < request_count; i++) {
        struct request *request = &requests[i];
        if (fscanf(file, "%zu", &request->length) != 1 || fgetc(file) != '\n') fail(path, "no length");
        request->bytes = malloc(request->length);
        if (fread(request->bytes, 1, request->length, file) != request->length) fail(path, "a request is cut");
    }
    fclose(file);
}

static void open_connections(int port, SSL_CTX *context) {
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connections = calloc(connection_count, sizeof *connections);
    idle = calloc(connection_count, sizeof *idle);
    poller = epoll_create1(0);
    for (int i = 0; i < connection_count; i++) {
        struct connection *connection = &connections[i];
        connection->buffer = malloc(buffer_size + 1);
        connection->descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connection->descriptor, (struct sockaddr *)&there, sizeof there)) fail("connect", strerror(errno));
        int yes = 1;
        setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (context) encrypt(connection, context);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &event)) fail("epoll", strerror(errno));
        idle[idle_count++] = i;
    }
}

static void send_next(int64_t due, int64_t now) {
    struct connection *connection = &connections[idle[--idle_count]];
    const struct request *request = &requests[sent % request_count];
    connection->due = due;
    connection->received = connection->wanted = 0;
    // A connection has one request at a time, so its socket has room.
    ssize_t count = connection->tls ? SSL_write(connection->tls, request->bytes, request->length)
                                    : send(connection->descriptor, request->bytes, request->length, MSG_NOSIGNAL);
    if (count != (ssize_t)request->length) fail("send", strerror(errno));
    record(&delays, now - due);
    sent++;
}

// Whether the answer is complete; its length is known once its head is there.
static int is_complete(struct connection *connection) {
    if (connection->wanted == 0) {
        connection->buffer[connection->received] = 0;
        char *end = strstr(connection->buffer, "\r\n\r\n");
        if (!end) return 0;
        const char *length = strcasestr(connection->buffer, "\r\nContent-Length:");
        if (!length || length > end) fail("answer", "no Content-Length");
        connection->wanted = end + 4 - connection->buffer + strtoul(length + 17, NULL, 10);
        if (connection->wanted > buffer_size) fail("answer", "too long");
        if (strncmp(connection->buffer, "HTTP/1.1 200 ", 13)) failed++;
    }
    return connection->received >= connection->wanted;
}

// Whether there was anything to receive.
static int receive_some(struct connection *connection) {
    char *place = connection->buffer + connection->received;
    size_t room = buffer_size - connection->received;
    ssize_t count = connection->tls ? SSL_read(connection->tls, place, room) : recv(connection->descriptor, place, room, 0);
    if (count <= 0 && connection->tls && SSL_get_error(connection->tls, count) == SSL_ERROR_WANT_READ) return 0;
    if (count <= 0) fail("recv", count ? strerror(errno) : "the server closed a connection");
    connection->received += count;
    bytes_received += count;
    return 1;
}

static void receive(int index) {
    struct connection *connection = &connections[index];
    // One call brings at most one record of TLS; the next one may already be in its buffer.
    int is_done = 0;
    while (!is_done && receive_some(connection)) {
        is_done = is_complete(connection);
        if (!connection->tls) break;
    }
    if (!is_done) return;
    record(&times, now_ns() - connection->due);
    answered++;
    idle[idle_count++] = index;
}

static void wait_for_answers(int64_t nanoseconds) {
    struct epoll_event events[256];
    struct timespec pause = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int count = epoll_pwait2(poller, events, 256, &pause, NULL);
    if (count < 0 && errno != EINTR) fail("epoll", strerror(errno));
    for (int i = 0; i < count; i++) receive(events[i].data.u32);
}

// Sends for this long; returns how many requests were due and not sent, because no connection was
// free.
static long run(double seconds, double rate) {
    int64_t begin = now_ns(), end = begin + (int64_t)(seconds * 1e9);
    for (int64_t now = begin; now < end; now = now_ns()) {
        int64_t pause = end - now;
        if (rate > 0) {
            int64_t due = begin + (int64_t)(sent / rate * 1e9);
            while (idle_count > 0 && due <= now && due < end) {
                send_next(due, now);
                due = begin + (int64_t)(sent / rate * 1e9);
            }
            if (idle_count > 0 && due - now < pause) pause = due - now;
        } else {
            while (idle_count > 0) send_next(now, now);
        }
        wait_for_answers(pause > 0 ? pause : 0);
    }
    for (int64_t now = now_ns(); answered < sent; now = now_ns()) {
        if (now > end + patience_seconds * 1000000000ll) fail("answers", "did not come");
        wait_for_answers(100000000);
    }
    return rate > 0 ? (long)(seconds * rate) - sent : 0;
}

int main(int count, char **arguments) {
    if (count != 6 && count != 7) {
        fprintf(stderr, "usage: open_loop PORT REQUESTS CONNECTIONS SECONDS RATE [AUTHORITY]\n");
        return 2;
    }
    double seconds = atof(arguments[4]), rate = atof(arguments[5]);
    connection_count = atoi(arguments[3]);
    if (connection_count < 1 || seconds <= 0 || rate < 0) fail("arguments", "out of range");
    read_requests(arguments[2]);
    open_connections(atoi(arguments[1]), count == 7 ? trusting(arguments[6]) : NULL);
    int64_t begin = now_ns();
    long unsent = run(seconds, rate);
    double passed = (now_ns() - begin) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"answered\": %ld, \"failed\": %ld, \"unsent\": %ld, \"seconds\": %.6f, \"per_second\": %.1f, "
           "\"bytes\": %llu, \"client_cpu_seconds\": %.6f, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
           "\"p999_us\": %.1f, \"p9999_us\": %.1f, \"max_us\": %.1f, \"send_delay_p99_us\": %.1f}\n",
           answered, failed, unsent, passed, answered / passed, (unsigned long long)bytes_received, cpu,
           percentile(&times, 0.5), percentile(&times, 0.9), percentile(&times, 0.99), percentile(&times, 0.999),
           percentile(&times, 0.9999), times.greatest / 1e3, percentile(&delays, 0.99));
    return 0;
}
