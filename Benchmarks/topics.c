// Makes and deletes topics with one replica.
//
//   topics create|delete BOOTSTRAP NAME:PARTITIONS[:NAME=VALUE,...] ...
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most_topics = 16, deadline_ms = 30000, pause_ms = 20 };

static char text[512];

static int report(const rd_kafka_topic_result_t **results, size_t count) {
    int failed = 0;
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_topic_result_error(results[i])) {
            const char *why = rd_kafka_topic_result_error_string(results[i]);
            fprintf(stderr, "topics: %s: %s\n", rd_kafka_topic_result_name(results[i]), why ? why : "failed");
            failed = 1;
        }
    return failed;
}

// Waits until the broker knows a topic that was made: it learns of it a moment later.
static void wait_for(rd_kafka_t *client, const char *name) {
    for (int waited = 0; waited < deadline_ms; waited += pause_ms) {
        rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
        const struct rd_kafka_metadata *known;
        int is_there = 0;
        if (rd_kafka_metadata(client, 0, topic, &known, deadline_ms) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            const struct rd_kafka_metadata_topic *found = &known->topics[0];
            is_there = !found->err && found->partition_cnt > 0;
            for (int i = 0; i < found->partition_cnt; i++) is_there &= found->partitions[i].leader >= 0;
            rd_kafka_metadata_destroy(known);
        }
        rd_kafka_topic_destroy(topic);
        if (is_there) return;
        usleep(pause_ms * 1000);
    }
    fprintf(stderr, "topics: %s was made, but the broker does not know it\n", name);
    exit(1);
}

static int run(rd_kafka_t *client, int is_create, int count, char **specifications) {
    rd_kafka_NewTopic_t *made[most_topics];
    rd_kafka_DeleteTopic_t *gone[most_topics];
    for (int i = 0; i < count; i++) {
        char *name = strtok(specifications[i], ":"), *partitions = strtok(NULL, ":");
        if (!name || !partitions) { fprintf(stderr, "topics: expected NAME:PARTITIONS\n"); return 2; }
        gone[i] = rd_kafka_DeleteTopic_new(name);
        made[i] = rd_kafka_NewTopic_new(name, atoi(partitions), 1, text, sizeof text);
        if (!made[i]) { fprintf(stderr, "topics: %s: %s\n", name, text); return 2; }
        for (char *property, *value; (property = strtok(NULL, "=")) && (value = strtok(NULL, ","));)
            rd_kafka_NewTopic_set_config(made[i], property, value);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_ANY);
    rd_kafka_AdminOptions_set_request_timeout(options, deadline_ms, text, sizeof text);
    rd_kafka_AdminOptions_set_operation_timeout(options, deadline_ms, text, sizeof text);
    if (is_create) rd_kafka_CreateTopics(client, made, count, options, queue);
    else rd_kafka_DeleteTopics(client, gone, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, deadline_ms + 5000);
    if (!event) { fprintf(stderr, "topics: no answer\n"); return 1; }
    if (rd_kafka_event_error(event)) { fprintf(stderr, "topics: %s\n", rd_kafka_event_error_string(event)); return 1; }
    size_t results = 0;
    if (is_create) {
        if (report(rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &results), results)) return 1;
        for (int i = 0; i < count; i++) wait_for(client, specifications[i]);
        return 0;
    }
    return report(rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &results), results);
}

int main(int count, char **arguments) {
    if (count < 4 || count - 3 > most_topics || (strcmp(arguments[1], "create") && strcmp(arguments[1], "delete"))) {
        fprintf(stderr, "usage: topics create|delete BOOTSTRAP NAME:PARTITIONS[:NAME=VALUE,...] ...\n");
        return 2;
    }
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    if (rd_kafka_conf_set(configuration, "bootstrap.servers", arguments[2], text, sizeof text)) {
        fprintf(stderr, "topics: %s\n", text);
        return 2;
    }
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
    if (!client) { fprintf(stderr, "topics: %s\n", text); return 1; }
    return run(client, arguments[1][0] == 'c', count - 3, arguments + 3);
}
