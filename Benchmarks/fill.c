// Writes the side-by-side workload, usage events of some days, to a topic. Equal arguments give
// equal records.
//
//   fill BOOTSTRAP TOPIC EVENTS SEED START DAYS [USERS]
//
// START: Unix time of the first event. USERS: users of each organization, by default 50; 1000 makes
// a million in all.
//
// events.h describes the events. The key is the subject, which is the organization. Prints what it
// wrote as a line of JSON.
#include "events.h"
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

static long failures;

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    if (message->err && failures++ == 0) fprintf(stderr, "fill: %s\n", rd_kafka_err2str(message->err));
}

static rd_kafka_t *open_producer(const char *bootstrap) {
    const char *const properties[][2] = {
        {"bootstrap.servers", bootstrap}, {"enable.idempotence", "true"}, {"compression.codec", "lz4"},
        {"linger.ms", "50"}, {"batch.size", "1000000"}, {"partitioner", "murmur2_random"},
        {"queue.buffering.max.messages", "400000"}, {"message.timeout.ms", "120000"},
    };
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (rd_kafka_conf_set(configuration, properties[i][0], properties[i][1], text, sizeof text)) {
            fprintf(stderr, "fill: %s\n", text);
            exit(1);
        }
    rd_kafka_conf_set_dr_msg_cb(configuration, delivered);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
    if (!client) { fprintf(stderr, "fill: %s\n", text); exit(1); }
    return client;
}

int main(int count, char **arguments) {
    if (count != 7 && count != 8) {
        fprintf(stderr, "usage: fill BOOTSTRAP TOPIC EVENTS SEED START DAYS [USERS]\n");
        return 2;
    }
    if (count == 8) users_each = (unsigned)atoi(arguments[7]);
    long events = atol(arguments[3]);
    int64_t start = atoll(arguments[5]);
    int days = atoi(arguments[6]);
    seed(strtoull(arguments[4], NULL, 10));
    weigh();
    rd_kafka_t *client = open_producer(arguments[1]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, arguments[2], NULL);
    uint64_t bytes = 0, sum = 0, by_kind[kinds] = {0};
    struct event event;
    for (long i = 0; i < events && failures == 0; i++) {
        char key[16];
        make(&event, (double)i / events, start, days);
        int key_length = snprintf(key, sizeof key, "org_%06d", event.organization);
        while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, event.text, event.length, key,
                                key_length, NULL)) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                fprintf(stderr, "fill: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
                return 1;
            }
            rd_kafka_poll(client, 100);
        }
        bytes += event.length;
        for (int k = 0; k < event.length; k++) sum += (unsigned char)event.text[k];
        by_kind[event.kind]++;
        if (i % 1000 == 0) rd_kafka_poll(client, 0);
    }
    rd_kafka_resp_err_t code = rd_kafka_flush(client, 120000);
    if (code || failures > 0) { fprintf(stderr, "fill: %ld records were not taken\n", failures); return 1; }
    printf("{\"events\": %ld, \"bytes\": %llu, \"sum\": %llu, \"types\": {", events, (unsigned long long)bytes,
           (unsigned long long)sum);
    for (int i = 0; i < kinds; i++)
        printf("%s\"%s\": %llu", i ? ", " : "", kind_names[i], (unsigned long long)by_kind[i]);
    printf("}}\n");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return 0;
}
