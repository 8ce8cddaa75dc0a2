// What Redis costs when nothing is added up before: the increments of every event, one command
// each, in pipelines.
//
//   per_event SOCKET EVENTS SEED START DAYS
//
// SOCKET is Redis' Unix socket, START the Unix time of the first event. The events are those of
// `fill` (events.h), the cells those of Benchmarks/meters.yaml: for each event its type for all
// time and by day; for what users do, the user's score of the day; for tokens, the agent's score of
// the month and the hour of the week. The caller measures Redis. Prints what it sent as a line of
// JSON.
#include "events.h"
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

enum { pipeline = 1000 };

static redisContext *redis;
static long commands, awaited;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "per_event: %s: %s\n", what, why);
    exit(1);
}

static void settle(void) {
    for (; awaited > 0; awaited--) {
        redisReply *reply;
        if (redisGetReply(redis, (void **)&reply) != REDIS_OK) fail("Redis", redis->errstr);
        if (reply->type == REDIS_REPLY_ERROR) fail("Redis", reply->str);
        freeReplyObject(reply);
    }
}

static void increment(const char *key, const char *field) {
    const char *words[] = {"HINCRBY", key, field, "1"};
    if (redisAppendCommandArgv(redis, 4, words, NULL) != REDIS_OK) fail("Redis", redis->errstr);
    commands++, awaited++;
}

static void raise_score(const char *key, const char *member) {
    const char *words[] = {"ZINCRBY", key, "1", member};
    if (redisAppendCommandArgv(redis, 4, words, NULL) != REDIS_OK) fail("Redis", redis->errstr);
    commands++, awaited++;
}

// Copies the text after `name` in the event, up to the next quote or `most` bytes.
static void value_of(const struct event *event, const char *name, int most, char *value) {
    const char *at = strstr(event->text, name);
    if (!at) fail("event without", name);
    at += strlen(name);
    int length = 0;
    while (length < most && at[length] != '"') length++;
    memcpy(value, at, length);
    value[length] = 0;
}

static void send_event(const struct event *event) {
    char key[96], time[32], date[11], member[64], hour[16];
    const char *kind = kind_names[event->kind];
    int org = event->organization;
    value_of(event, "\"time\":\"", 19, time);
    memcpy(date, time, 10);
    date[10] = 0;
    snprintf(key, sizeof key, "t:org_%06d", org);
    increment(key, kind);
    snprintf(key, sizeof key, "d:org_%06d:%s", org, kind);
    increment(key, date);
    if (event->kind == 0 || event->kind == 2) {
        value_of(event, "\"user\":\"", 63, member);
        snprintf(key, sizeof key, "r:org_%06d:%s", org, date);
        raise_score(key, member);
    } else if (event->kind == 1) {
        struct tm parts = {.tm_year = atoi(time) - 1900, .tm_mon = atoi(time + 5) - 1, .tm_mday = atoi(time + 8)};
        timegm(&parts);  // fills in the weekday
        snprintf(hour, sizeof hour, "%d:%d", parts.tm_wday, atoi(time + 11));
        snprintf(key, sizeof key, "h:org_%06d", org);
        increment(key, hour);
        value_of(event, "\"agent\":\"", 63, member);
        snprintf(key, sizeof key, "a:org_%06d:%.7s", org, date);
        raise_score(key, member);
    }
    if (awaited >= pipeline) settle();
}

int main(int count, char **arguments) {
    if (count != 6) { fprintf(stderr, "usage: per_event SOCKET EVENTS SEED START DAYS\n"); return 2; }
    long events = atol(arguments[2]);
    int64_t start = atoll(arguments[4]);
    int days = atoi(arguments[5]);
    seed(strtoull(arguments[3], NULL, 10));
    weigh();
    redis = redisConnectUnix(arguments[1]);
    if (!redis || redis->err) fail(arguments[1], redis ? redis->errstr : "no memory");
    struct event event;
    for (long i = 0; i < events; i++) {
        make(&event, (double)i / events, start, days);
        send_event(&event);
    }
    settle();
    printf("{\"events\": %ld, \"commands\": %ld}\n", events, commands);
    redisFree(redis);
    return 0;
}
