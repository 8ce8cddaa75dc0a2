// Tells when what was counted became visible: the lowest mark of each partition over all shards, each time it moved.
//
//   watch_marks SOCKET PREFIX TOPIC PARTITIONS MILLISECONDS       SOCKET: Redis' Unix socket
//
// Looks every so many milliseconds until its standard input ends; prints a line for each change: nanoseconds of the
// monotonic clock at which the answer was there, partition, mark. A reader who asked Redis at that moment found every
// record below the mark counted, of whatever organization.
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { shards = 64, most_partitions = 64 };

static void fail(const char *what, const char *why) {
    fprintf(stderr, "watch_marks: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void look(redisContext *redis, const char *prefix, const char *topic, int partitions, int64_t *lowest) {
    char key[128], field[most_partitions][160];
    const char *words[most_partitions + 2] = {"HMGET", key};
    for (int p = 0; p < partitions; p++) {
        snprintf(field[p], sizeof field[p], "%s/%d", topic, p);
        words[p + 2] = field[p];
        lowest[p] = INT64_MAX;
    }
    for (int shard = 0; shard < shards; shard++) {
        snprintf(key, sizeof key, "%s:1:{%d}:marks", prefix, shard);
        if (redisAppendCommandArgv(redis, partitions + 2, words, NULL)) fail("Redis", redis->errstr);
    }
    for (int shard = 0; shard < shards; shard++) {
        redisReply *reply;
        if (redisGetReply(redis, (void **)&reply)) fail("Redis", redis->errstr);
        if (reply->type != REDIS_REPLY_ARRAY) fail("Redis", reply->str);
        for (int p = 0; p < partitions; p++) {
            const redisReply *one = reply->element[p];
            int64_t mark = one->type == REDIS_REPLY_STRING ? atoll(one->str) : 0;
            if (mark < lowest[p]) lowest[p] = mark;
        }
        freeReplyObject(reply);
    }
}

int main(int count, char **arguments) {
    if (count != 6) { fprintf(stderr, "usage: watch_marks SOCKET PREFIX TOPIC PARTITIONS MILLISECONDS\n"); return 2; }
    int partitions = atoi(arguments[4]), pause = atoi(arguments[5]);
    if (partitions < 1 || partitions > most_partitions || pause < 1) fail("arguments", "out of range");
    redisContext *redis = redisConnectUnix(arguments[1]);
    if (!redis || redis->err) fail(arguments[1], redis ? redis->errstr : "no memory");
    int64_t lowest[most_partitions], known[most_partitions];
    for (int p = 0; p < partitions; p++) known[p] = -1;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    do {
        look(redis, arguments[2], arguments[3], partitions, lowest);
        int64_t now = now_ns();
        for (int p = 0; p < partitions; p++)
            if (lowest[p] != known[p]) printf("%lld %d %lld\n", (long long)now, p, (long long)(known[p] = lowest[p]));
        fflush(stdout);
    } while (poll(&input, 1, pause) == 0);
    redisFree(redis);
    return 0;
}
