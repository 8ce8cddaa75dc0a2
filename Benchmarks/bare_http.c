// The least that any HTTP server on these libraries must do: one pipeline of Redis reads for each
// request, and an answer.
//
//   bare_http SOCKET PLANS THREADS       SOCKET: Redis' Unix socket
//
// libmicrohttpd (epoll, keep-alive, THREADS workers) and hiredis (a connection for each worker),
// without any logic. A request names a plan by its header X-Bench. The plan's commands are sent
// together, their replies are read and freed, and the plan's header fields and body are the answer.
// Prints its port, then works until it is ended.
//
// PLANS is text: a number is a line, a text is LENGTH, line end, BYTES, line end. First the number
// of plans; for each plan the number of commands, for each command the number of its words and the
// words; then the number of header fields with their names and values in turn; then the body.
#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text { char *bytes; size_t length; };
struct command { int count; const char **words; size_t *lengths; };
struct plan { int commands, fields; struct command *command; struct text *field; struct text body; };

static struct plan *plans;
static int plan_count;
static const char *redis_path;
static __thread redisContext *redis;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_http: %s: %s\n", what, why);
    exit(1);
}

static long read_number(FILE *file) {
    long number;
    if (fscanf(file, "%ld", &number) != 1 || fgetc(file) != '\n' || number < 0) fail("plans", "no number");
    return number;
}

static struct text read_text(FILE *file) {
    struct text text = {.length = read_number(file)};
    text.bytes = malloc(text.length + 1);
    if (!text.bytes || fread(text.bytes, 1, text.length, file) != text.length || fgetc(file) != '\n')
        fail("plans", "a text is cut");
    text.bytes[text.length] = 0;
    return text;
}

static void *array(size_t count, size_t size) {
    void *made = calloc(count + 1, size);
    if (!made) fail("plans", "no memory");
    return made;
}

static void read_plan(FILE *file, struct plan *plan) {
    plan->commands = read_number(file);
    plan->command = array(plan->commands, sizeof *plan->command);
    for (int i = 0; i < plan->commands; i++) {
        struct command *command = &plan->command[i];
        command->count = read_number(file);
        command->words = array(command->count, sizeof *command->words);
        command->lengths = array(command->count, sizeof *command->lengths);
        for (int k = 0; k < command->count; k++) {
            struct text word = read_text(file);
            command->words[k] = word.bytes;
            command->lengths[k] = word.length;
        }
    }
    plan->fields = read_number(file);
    plan->field = array(2 * plan->fields, sizeof *plan->field);
    for (int i = 0; i < 2 * plan->fields; i++) plan->field[i] = read_text(file);
    plan->body = read_text(file);
}

static void read_redis(const struct plan *plan) {
    if (!redis) {
        redis = redisConnectUnix(redis_path);
        if (!redis || redis->err) fail("Redis", redis ? redis->errstr : "no memory");
        // As Odometer does: otherwise the reader frees its buffer after every pipeline.
        redis->reader->maxbuf = 0;
    }
    for (int i = 0; i < plan->commands; i++) {
        const struct command *command = &plan->command[i];
        if (redisAppendCommandArgv(redis, command->count, command->words, command->lengths)) fail("Redis", redis->errstr);
    }
    for (int i = 0; i < plan->commands; i++) {
        redisReply *reply;
        if (redisGetReply(redis, (void **)&reply)) fail("Redis", redis->errstr);
        if (reply->type == REDIS_REPLY_ERROR) fail("Redis", reply->str);
        freeReplyObject(reply);
    }
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *piece, size_t *count, void **state) {
    static int seen;
    (void)context, (void)path, (void)method, (void)version, (void)piece, (void)count;
    if (!*state) { *state = &seen; return MHD_YES; }
    const char *name = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Bench");
    int number = name ? atoi(name) : -1;
    if (number < 0 || number >= plan_count) return MHD_NO;
    const struct plan *plan = &plans[number];
    read_redis(plan);
    struct MHD_Response *made =
        MHD_create_response_from_buffer(plan->body.length, plan->body.bytes, MHD_RESPMEM_MUST_COPY);
    if (!made) return MHD_NO;
    for (int i = 0; i < plan->fields; i++)
        MHD_add_response_header(made, plan->field[2 * i].bytes, plan->field[2 * i + 1].bytes);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, made);
    MHD_destroy_response(made);
    return result;
}

int main(int count, char **arguments) {
    if (count != 4) { fprintf(stderr, "usage: bare_http SOCKET PLANS THREADS\n"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    redis_path = arguments[1];
    FILE *file = fopen(arguments[2], "rb");
    if (!file) fail(arguments[2], "cannot be read");
    plan_count = read_number(file);
    plans = array(plan_count, sizeof *plans);
    for (int i = 0; i < plan_count; i++) read_plan(file, &plans[i]);
    fclose(file);
    unsigned threads = atoi(arguments[3]);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&here, MHD_OPTION_CONNECTION_LIMIT, 1000u, MHD_OPTION_CONNECTION_TIMEOUT, 15u,
        threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, MHD_OPTION_END);
    if (!daemon) fail("libmicrohttpd", "did not start");
    printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    for (;;) pause();
}
