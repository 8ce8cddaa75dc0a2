// Prints the most frequent keys of a topic's first records, the most frequent one first, as a line
// of JSON.
//
//   common_keys BOOTSTRAP TOPIC RECORDS KEYS              RECORDS: of each partition at most
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most_keys = 4096, wait_ms = 30000 };

struct key { char *text; size_t length; long count; };

static struct key keys[most_keys];
static int known;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "common_keys: %s: %s\n", what, why);
    exit(1);
}

static void take(const char *text, size_t length) {
    int at = 0;
    while (at < known && (keys[at].length != length || memcmp(keys[at].text, text, length))) at++;
    if (at == most_keys) return;
    if (at == known) keys[known++] = (struct key){strndup(text, length), length, 0};
    keys[at].count++;
}

static int more_frequent(const void *a, const void *b) {
    long left = ((const struct key *)a)->count, right = ((const struct key *)b)->count;
    return (left < right) - (left > right);
}

int main(int count, char **arguments) {
    if (count != 5) { fprintf(stderr, "usage: common_keys BOOTSTRAP TOPIC RECORDS KEYS\n"); return 2; }
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    if (rd_kafka_conf_set(configuration, "bootstrap.servers", arguments[1], text, sizeof text)) fail(arguments[1], text);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, text, sizeof text);
    if (!client) fail("client", text);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, arguments[2], NULL);
    const struct rd_kafka_metadata *about;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, topic, &about, wait_ms);
    if (error) fail("metadata", rd_kafka_err2str(error));
    for (int partition = 0; partition < about->topics[0].partition_cnt; partition++) {
        int64_t low, high;
        error = rd_kafka_query_watermark_offsets(client, arguments[2], partition, &low, &high, wait_ms);
        if (error) fail(arguments[2], rd_kafka_err2str(error));
        if (high > low + atol(arguments[3])) high = low + atol(arguments[3]);
        if (low == high) continue;
        if (rd_kafka_consume_start(topic, partition, low)) fail("consume", rd_kafka_err2str(rd_kafka_last_error()));
        for (int64_t next = low; next < high;) {
            rd_kafka_message_t *message = rd_kafka_consume(topic, partition, wait_ms);
            if (!message) fail(arguments[2], "nothing arrived for too long");
            if (!message->err) next = message->offset + 1, take(message->key, message->key_len);
            rd_kafka_message_destroy(message);
        }
        rd_kafka_consume_stop(topic, partition);
    }
    qsort(keys, known, sizeof *keys, more_frequent);
    printf("[");
    for (int i = 0; i < known && i < atoi(arguments[4]); i++) printf("%s\"%s\"", i ? ", " : "", keys[i].text);
    printf("]\n");
    rd_kafka_metadata_destroy(about);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return 0;
}
