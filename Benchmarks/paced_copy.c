// Sends the records of one topic to another at a constant rate: every record has a moment at which
// it is due.
//
//   paced_copy BOOTSTRAP SOURCE TARGET SECONDS WARM SALT SHARDS SAMPLES
//
// Record i of n of a partition is due at i * SECONDS / n after the start, and goes to the
// partition of the same number. The source must hold records with keys and without headers, and no
// transactions. Everything else is as in paced_fill.c: batches of 20 ms are made before the start,
// `ready` is printed when it begins to send, one record of 97 is written to the file SAMPLES,
// except those of the first WARM seconds, and a line of JSON says what was sent. Each event's id
// gets a letter that SALT chooses, so that the same source can be sent several times.
#define _GNU_SOURCE
#define PROGRAM "paced_copy"
#include "paced.h"

enum { most_records = 10000, wait_ms = 1000, patience = 60, most_salt = 20 };

struct source { int64_t low, count, read; long moment; struct bytes records; int in_batch; };

static struct source sources[most_partitions];
static char letter;

static rd_kafka_t *open_source(const char *bootstrap, const char *topic, int64_t *total) {
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrap, text, sizeof text);
    rd_kafka_conf_set(configuration, "group.id", PROGRAM, text, sizeof text);
    rd_kafka_conf_set(configuration, "enable.auto.commit", "false", text, sizeof text);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, text, sizeof text);
    if (!client) fail("client", text);
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++) {
        int64_t high;
        rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(client, topic, i, &sources[i].low, &high, 30000);
        if (error) fail(topic, rd_kafka_err2str(error));
        sources[i].count = high - sources[i].low;
        *total += sources[i].count;
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = sources[i].low;
    }
    rd_kafka_resp_err_t error = rd_kafka_assign(client, list);
    if (error) fail("assign", rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_destroy(list);
    return client;
}

static void close_batch(const char *topic, int partition, int64_t begin_ms) {
    struct source *source = &sources[partition];
    if (source->in_batch == 0) return;
    batches[source->moment * partitions + partition].request =
        produce_request(topic, partition, (int)source->moment, &source->records, source->in_batch,
                        begin_ms + source->moment * linger_ms);
    source->records.count = 0;
    source->in_batch = 0;
}

// Writes the letter, which ids do not have, over the first character of the event's id.
static void give_letter(char *event, size_t length) {
    static const char name[] = "\"id\":\"";
    char *at = memmem(event, length, name, sizeof name - 1);
    if (!at) fail("source", "an event without an id");
    at[sizeof name - 1] = letter;
}

static void take(const rd_kafka_message_t *message, const char *topic, double seconds, double warm, int64_t begin_ms) {
    struct source *source = &sources[message->partition];
    int64_t number = message->offset - source->low;
    if (number >= source->count) return;
    if (number != source->read || !message->key) fail("source", "a gap, or a record without a key");
    long moment = (long)((double)number / source->count * moments);
    if (moment != source->moment) close_batch(topic, message->partition, begin_ms);
    source->moment = moment;
    double due = (double)number / source->count * seconds;
    struct batch *batch = &batches[moment * partitions + message->partition];
    if (number % one_of == 0 && due >= warm) take_sample(batch, message->key, message->key_len, (int64_t)(due * 1e9));
    batch->count++;
    give_letter(message->payload, message->len);
    put_record(&source->records, source->in_batch++, message->key, (int)message->key_len, message->payload, (int)message->len);
    source->read++;
}

static void make_batches(const char *bootstrap, const char *from, const char *to, double seconds, double warm, int64_t *total) {
    rd_kafka_t *client = open_source(bootstrap, from, total);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    static rd_kafka_message_t *messages[most_records];
    moments = (long)(seconds * 1000 / linger_ms);
    batches = calloc(moments * partitions, sizeof *batches);
    if (!batches) abort();
    int64_t begin_ms = time(NULL) * 1000, read = 0;
    for (int silent = 0; read < *total;) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, wait_ms, messages, most_records);
        if (count < 0) fail("consume", rd_kafka_err2str(rd_kafka_last_error()));
        silent = count > 0 ? 0 : silent + 1;
        if (silent > patience) fail(from, "nothing arrived for too long");
        for (ssize_t i = 0; i < count; i++) {
            if (!messages[i]->err) take(messages[i], to, seconds, warm, begin_ms), read++;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    for (int i = 0; i < partitions; i++) {
        close_batch(to, i, begin_ms);
        free(sources[i].records.data);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}

int main(int count, char **arguments) {
    if (count != 9) {
        fprintf(stderr, "usage: paced_copy BOOTSTRAP SOURCE TARGET SECONDS WARM SALT SHARDS SAMPLES\n");
        return 2;
    }
    double seconds = atof(arguments[4]), warm = atof(arguments[5]);
    int salt = atoi(arguments[6]);
    letter = (char)('g' + salt);
    shards = atoi(arguments[7]);
    if (seconds < 1 || warm >= seconds || salt < 0 || salt >= most_salt || shards < 1) fail("arguments", "out of range");
    samples = fopen(arguments[8], "w");
    if (!samples) fail(arguments[8], "cannot be written");
    int64_t total = 0;
    connect_all(arguments[1], arguments[3]);
    make_batches(arguments[1], arguments[2], arguments[3], seconds, warm, &total);
    send_all(total);
    return 0;
}
