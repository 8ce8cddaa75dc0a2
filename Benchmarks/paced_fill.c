// The side-by-side workload at a constant rate: every event has a moment at which it is meant to be sent.
//
//   paced_fill BOOTSTRAP TOPIC RATE SECONDS SEED SAMPLES
//
// Event i is due at i / RATE after the start, whether or not Kafka takes those before it in time. One of 97 is written
// to the file SAMPLES when Kafka has acknowledged it, a line each: shard, partition, offset, when it was due (nanoseconds
// of the monotonic clock). Its event time is the start of this program, that of one in a hundred up to two days earlier;
// its id is new. Prints what it sent, and by how much the last event was sent too late, as a line of JSON.
#include "events.h"
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

enum { made_before = 20000, one_of = 97, pause_us = 500, shards = 64 };

static long failures;
static FILE *samples;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "paced_fill: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

// Shard of an organization, as schemas/redis.md has it: FNV-1a of its id.
static unsigned shard_of(const char *id, size_t length) {
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)id[i]) * 0x01000193;
    return hash % shards;
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    if (message->err) {
        if (failures++ == 0) fprintf(stderr, "paced_fill: %s\n", rd_kafka_err2str(message->err));
    } else if (message->_private) {
        fprintf(samples, "%u %d %lld %lld\n", shard_of(message->key, message->key_len), message->partition,
                (long long)message->offset, (long long)(intptr_t)message->_private);
    }
}

static rd_kafka_t *open_producer(const char *bootstrap) {
    const char *const properties[][2] = {
        {"bootstrap.servers", bootstrap}, {"enable.idempotence", "true"}, {"compression.codec", "lz4"},
        {"linger.ms", "20"}, {"batch.size", "1000000"}, {"partitioner", "murmur2_random"},
        {"queue.buffering.max.messages", "1000000"}, {"message.timeout.ms", "120000"},
    };
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (rd_kafka_conf_set(configuration, properties[i][0], properties[i][1], text, sizeof text))
            fail(properties[i][0], text);
    rd_kafka_conf_set_dr_msg_cb(configuration, delivered);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
    if (!client) fail("librdkafka", text);
    return client;
}

// Making an event costs as much as sending it: most of it is made before, and only the id is written anew.
static void give_id(struct event *event, uint64_t number) {
    char *id = strstr(event->text, "\"id\":\"");
    if (!id) fail("event", "no id");
    for (int i = 0; i < 16; i++) id[6 + 31 - i] = "0123456789abcdef"[number >> 4 * i & 15];
}

static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, struct event *event, int64_t due, long number) {
    char key[16];
    int key_length = snprintf(key, sizeof key, "org_%06d", event->organization);
    void *mark = number % one_of == 0 ? (void *)(intptr_t)due : NULL;
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, event->text, event->length, key,
                            key_length, mark)) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            fail("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(client, 1);
    }
}

int main(int count, char **arguments) {
    if (count != 7) { fprintf(stderr, "usage: paced_fill BOOTSTRAP TOPIC RATE SECONDS SEED SAMPLES\n"); return 2; }
    double rate = atof(arguments[3]), seconds = atof(arguments[4]);
    uint64_t salt = strtoull(arguments[5], NULL, 10);
    if (rate <= 0 || seconds <= 0) fail("arguments", "out of range");
    samples = fopen(arguments[6], "w");
    if (!samples) fail(arguments[6], "cannot be written");
    seed(salt);
    weigh();
    struct event *events = malloc(made_before * sizeof *events);
    for (int i = 0; i < made_before; i++) make(&events[i], 1, time(NULL) - 7 * 86400, 7);
    rd_kafka_t *client = open_producer(arguments[1]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, arguments[2], NULL);
    long total = (long)(rate * seconds), sent = 0;
    int64_t begin = now_ns(), latest = 0;
    while (sent < total && failures == 0) {
        int64_t now = now_ns();
        long wanted = (long)((now - begin) / 1e9 * rate) + 1;
        for (; sent < (wanted < total ? wanted : total); sent++) {
            struct event *event = &events[sent % made_before];
            give_id(event, salt << 40 ^ sent);
            produce(client, topic, event, begin + (int64_t)(sent / rate * 1e9), sent);
        }
        int64_t late = now - begin - (int64_t)((sent - 1) / rate * 1e9);
        if (late > latest) latest = late;
        rd_kafka_poll(client, 0);
        nanosleep(&(struct timespec){0, pause_us * 1000}, NULL);
    }
    double passed = (now_ns() - begin) / 1e9;
    if (rd_kafka_flush(client, 120000) || failures > 0) fail("Kafka", "did not take every record");
    fclose(samples);
    printf("{\"events\": %ld, \"begin_ns\": %lld, \"seconds\": %.3f, \"per_second\": %.1f, \"latest_ms\": %.1f}\n", sent,
           (long long)begin, passed, sent / passed, latest / 1e6);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return 0;
}
