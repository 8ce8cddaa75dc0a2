// Prints when records became visible: each shard's mark of each partition, each time it moved.
//
//   watch_marks SOCKET PREFIX TOPIC PARTITIONS MILLISECONDS SHARDS      SOCKET: Redis' Unix socket
//
// Reads the marks every MILLISECONDS until its standard input ends, and prints a line for each
// change: when the answer arrived (nanoseconds of the monotonic clock), shard, partition, mark. A
// client that asked Redis at that moment found every record of the shard below the mark counted.
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_shards = 4096, most_partitions = 64 };

static int shards;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "watch_marks: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static int64_t known[most_shards][most_partitions];

static void look(redisContext *redis, const char *prefix, const char *topic, int partitions) {
    char key[128], field[most_partitions][160];
    const char *words[most_partitions + 2] = {"HMGET", key};
    for (int p = 0; p < partitions; p++) {
        snprintf(field[p], sizeof field[p], "%s/%d", topic, p);
        words[p + 2] = field[p];
    }
    for (int shard = 0; shard < shards; shard++) {
        snprintf(key, sizeof key, shards > 64 ? "%s:1:{%03o}:marks" : "%s:1:{%d}:marks", prefix, shard);
        if (redisAppendCommandArgv(redis, partitions + 2, words, NULL)) fail("Redis", redis->errstr);
    }
    for (int shard = 0; shard < shards; shard++) {
        redisReply *reply;
        if (redisGetReply(redis, (void **)&reply)) fail("Redis", redis->errstr);
        if (reply->type != REDIS_REPLY_ARRAY) fail("Redis", reply->str);
        for (int p = 0; p < partitions; p++) {
            const redisReply *value = reply->element[p];
            int64_t mark = value->type == REDIS_REPLY_STRING ? atoll(value->str) : 0;
            if (mark == known[shard][p]) continue;
            known[shard][p] = mark;
            printf("%lld %d %d %lld\n", (long long)now_ns(), shard, p, (long long)mark);
        }
        freeReplyObject(reply);
    }
}

int main(int count, char **arguments) {
    if (count != 7) { fprintf(stderr, "usage: watch_marks SOCKET PREFIX TOPIC PARTITIONS MILLISECONDS SHARDS\n"); return 2; }
    int partitions = atoi(arguments[4]), pause = atoi(arguments[5]);
    shards = atoi(arguments[6]);
    if (partitions < 1 || partitions > most_partitions || pause < 1 || shards < 1 || shards > most_shards) fail("arguments", "out of range");
    redisContext *redis = redisConnectUnix(arguments[1]);
    if (!redis || redis->err) fail(arguments[1], redis ? redis->errstr : "no memory");
    struct pollfd input = {.fd = 0, .events = POLLIN};
    do {
        look(redis, arguments[2], arguments[3], partitions);
        fflush(stdout);
    } while (poll(&input, 1, pause) == 0);
    redisFree(redis);
    return 0;
}
