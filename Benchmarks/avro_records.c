// What a program of one's own would do: a librdkafka consumer that reads framed Avro with libavro
// and looks at the fields that the benchmark's catalog asks for. It counts nothing.
//
//   avro_records BOOTSTRAP TOPIC EVENTS PARTITIONS SCHEMA_FILE
//
// One thread, batches of 2,000. Prints one line of JSON: events, seconds from the first record to
// the last one, CPU seconds of the process, and the sum of all tokens. Fails when nothing comes for
// 60 seconds.
#include <avro.h>
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { batch_size = 2000, wait_ms = 100, patience_s = 60, frame_size = 5, names = 4 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "avro_records: %s: %s\n", what, why);
    exit(1);
}

static void must(int failed, const char *what) {
    if (failed) fail(what, avro_strerror());
}

static avro_schema_t read_schema(const char *path) {
    static char text[65536];
    FILE *file = fopen(path, "rb");
    if (!file) fail(path, "cannot be read");
    const size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    avro_schema_t schema;
    must(avro_schema_from_json_length(text, length, &schema), "schema");
    return schema;
}

// The fields by their names, as a program of one's own asks for them; the tokens of this record.
static int64_t look(avro_value_t *usage, uint64_t *bytes) {
    static const char *const texts[names] = {"id", "source", "customer"};
    avro_value_t field, call;
    for (int i = 0; i < names - 1; i++) {
        const char *text;
        size_t size;
        must(avro_value_get_by_name(usage, texts[i], &field, NULL), texts[i]);
        must(avro_value_get_string(&field, &text, &size), texts[i]);
        *bytes += size;
    }
    int64_t at, input, output;
    const char *model;
    size_t size;
    must(avro_value_get_by_name(usage, "at", &field, NULL) || avro_value_get_long(&field, &at), "at");
    must(avro_value_get_by_name(usage, "call", &call, NULL), "call");
    must(avro_value_get_by_name(&call, "model", &field, NULL) || avro_value_get_string(&field, &model, &size), "model");
    must(avro_value_get_by_name(&call, "input", &field, NULL) || avro_value_get_long(&field, &input), "input");
    must(avro_value_get_by_name(&call, "output", &field, NULL) || avro_value_get_long(&field, &output), "output");
    *bytes += size;
    return input + output;
}

int main(int count, char **words) {
    if (count != 6) fail("usage", "BOOTSTRAP TOPIC EVENTS PARTITIONS SCHEMA_FILE");
    const long events = atol(words[3]);
    avro_value_iface_t *form = avro_generic_class_from_schema(read_schema(words[5]));
    avro_value_t usage;
    must(avro_generic_value_new(form, &usage), "value");
    avro_reader_t reader = avro_reader_memory("", 0);
    char why[512];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    if (rd_kafka_conf_set(settings, "bootstrap.servers", words[1], why, sizeof why)) fail("settings", why);
    if (rd_kafka_conf_set(settings, "group.id", "avro_records", why, sizeof why)) fail("settings", why);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, settings, why, sizeof why);
    if (!client) fail("client", why);
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(atoi(words[4]));
    for (int32_t i = 0; i < atoi(words[4]); i++) {
        rd_kafka_topic_partition_list_add(partitions, words[2], i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    if (rd_kafka_assign(client, partitions)) fail("assign", "refused");
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    rd_kafka_message_t *batch[batch_size];
    double first = 0, heard = now();
    int64_t tokens = 0;
    uint64_t bytes = 0;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (long seen = 0; seen < events;) {
        const ssize_t taken = rd_kafka_consume_batch_queue(queue, wait_ms, batch, batch_size);
        if (taken > 0 && first == 0) first = now();
        if (taken > 0) heard = now();
        if (now() - heard > patience_s) fail("consume", "nothing arrived for too long");
        for (ssize_t i = 0; i < taken; i++) {
            if (!batch[i]->err) {
                avro_reader_memory_set_source(reader, (const char *)batch[i]->payload + frame_size, batch[i]->len - frame_size);
                must(avro_value_read(reader, &usage), "record");
                tokens += look(&usage, &bytes);
                seen++;
            }
            rd_kafka_message_destroy(batch[i]);
        }
    }
    const double seconds = now() - first;
    getrusage(RUSAGE_SELF, &after);
    const double cpu = after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec
        + (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
    printf("{\"events\": %ld, \"seconds\": %.4f, \"cpu_s\": %.4f, \"tokens\": %lld, \"bytes\": %llu}\n", events, seconds, cpu,
           (long long)tokens, (unsigned long long)bytes);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(partitions);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return 0;
}
