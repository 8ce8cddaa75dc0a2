// Sends to Redis what odometer-bench-increments wrote: the commands of one event after the other,
// as a program would that adds nothing up.
//
//   send_events SOCKET FILE PIPELINE MOST               SOCKET: Redis' Unix socket
//
// Events are sent together until they have at least PIPELINE commands, then all answers are
// awaited; with 1 each event is a round trip of its own. Only the first MOST events are sent, 0
// for all. Prints what it sent as a line of JSON. It makes nothing while it sends, so Redis alone
// decides how long it takes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int redis;
static char answer[1 << 16];
static size_t answer_count, answer_at;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "send_events: %s: %s\n", what, why);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static char next(void) {
    if (answer_at == answer_count) {
        ssize_t count = recv(redis, answer, sizeof answer, 0);
        if (count <= 0) fail("Redis", count ? strerror(errno) : "closed the connection");
        answer_count = (size_t)count;
        answer_at = 0;
    }
    return answer[answer_at++];
}

// Reads a line without its end; returns its first byte.
static char take_line(char *text, size_t room) {
    size_t count = 0;
    for (char byte; (byte = next()) != '\n';)
        if (byte != '\r' && count + 1 < room) text[count++] = byte;
    text[count] = 0;
    return text[0];
}

// Answers are integers, short texts or a score, which is a text after a line with its length.
static void take_answers(long count) {
    char text[256];
    for (; count > 0; count--) {
        char kind = take_line(text, sizeof text);
        if (kind == '-') fail("Redis", text + 1);
        if (kind == '$' && text[1] != '-') take_line(text, sizeof text);
    }
}

// Answers are read when all is sent: Redis keeps those that do not fit into the socket.
static void send_all(const char *data, size_t count) {
    while (count > 0) {
        ssize_t sent = send(redis, data, count, MSG_NOSIGNAL);
        if (sent < 0) fail("Redis", strerror(errno));
        data += sent;
        count -= (size_t)sent;
    }
}

static void connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) fail(path, "too long");
    strcpy(address.sun_path, path);
    redis = socket(AF_UNIX, SOCK_STREAM, 0);
    if (redis < 0 || connect(redis, (struct sockaddr *)&address, sizeof address)) fail(path, strerror(errno));
}

int main(int count, char **arguments) {
    if (count != 5) { fprintf(stderr, "usage: send_events SOCKET FILE PIPELINE MOST\n"); return 2; }
    long pipeline = atol(arguments[3]), most = atol(arguments[4]), events = 0, commands = 0, waiting = 0;
    struct stat about;
    int file = open(arguments[2], O_RDONLY);
    if (file < 0 || fstat(file, &about)) fail(arguments[2], strerror(errno));
    const char *data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (data == MAP_FAILED) fail(arguments[2], strerror(errno));
    connect_to(arguments[1]);
    size_t room = 0, size = 0;
    char *batch = NULL;
    double begun = now();
    for (const char *at = data, *end = data + about.st_size; at < end && (most == 0 || events < most);) {
        uint32_t numbers[2];
        memcpy(numbers, at, sizeof numbers);
        at += sizeof numbers;
        if (size + numbers[1] > room && !(batch = realloc(batch, room = 2 * (size + numbers[1])))) abort();
        memcpy(batch + size, at, numbers[1]);
        size += numbers[1];
        at += numbers[1];
        events++;
        waiting += numbers[0];
        if (waiting < pipeline && at < end && events != most) continue;
        send_all(batch, size);
        take_answers(waiting);
        commands += waiting;
        waiting = 0;
        size = 0;
    }
    double seconds = now() - begun;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"events\": %ld, \"commands\": %ld, \"seconds\": %.4f, \"cpu_seconds\": %.4f}\n", events, commands, seconds, cpu);
    return 0;
}
