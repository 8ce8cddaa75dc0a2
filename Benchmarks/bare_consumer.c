// What Odometer is compared with: a librdkafka consumer that only reads, and adds up every byte of
// every value.
//
//   bare_consumer BOOTSTRAP TOPIC EVENTS THREADS [NAME=VALUE ...]
//
// One consumer handle for each thread, partitions divided by their number, batches from the
// consumer's queue, checksums on. Each handle has a helper thread that ends the stall of librdkafka
// before 2.2.0: when its queue was full, the library sleeps up to a second unless the broker is
// asked something. It ends when EVENTS records were read and prints one line of JSON; it fails when
// nothing arrives for 60 seconds.
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { batch_size = 2000, batch_wait_ms = 20, wake_every_us = 10000, most_leaders = 64, patience_s = 60 };

struct reader {
    rd_kafka_t *client;
    const char *topic;
    int number, threads, partition_count;
    int32_t waking[most_leaders];  // one partition of each leader
    int waking_count;
    double first, last;
    uint64_t events, bytes, sum;
    pthread_t thread, waker;
};

static atomic_long events_left;
static atomic_bool has_ended;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_consumer: %s: %s\n", what, why);
    exit(1);
}

// The sum of all bytes, eight at a time: four sums of 16 bits each side,
// which 128 words cannot overflow.
static uint64_t sum_bytes(const unsigned char *at, size_t count) {
    const uint64_t even = 0x00ff00ff00ff00ffu;
    uint64_t total = 0;
    while (count >= 8) {
        size_t words = count / 8 < 128 ? count / 8 : 128;
        uint64_t lanes = 0;
        for (size_t i = 0; i < words; i++) {
            uint64_t word;
            memcpy(&word, at + i * 8, 8);
            lanes += (word & even) + (word >> 8 & even);
        }
        for (int shift = 0; shift < 64; shift += 16) total += lanes >> shift & 0xffff;
        at += words * 8;
        count -= words * 8;
    }
    while (count--) total += *at++;
    return total;
}

static void *wake(void *context) {
    struct reader *reader = context;
    while (!atomic_load(&has_ended)) {
        for (int i = 0; i < reader->waking_count; i++) {
            int64_t low, high;
            rd_kafka_query_watermark_offsets(reader->client, reader->topic, reader->waking[i], &low, &high, 100);
        }
        usleep(wake_every_us);
    }
    return NULL;
}

static void *consume(void *context) {
    struct reader *reader = context;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(reader->client);
    rd_kafka_message_t **batch = calloc(batch_size, sizeof *batch);
    double heard = now();
    while (atomic_load(&events_left) > 0) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, batch_wait_ms, batch, batch_size);
        if (count < 0) fail("consume", rd_kafka_err2str(rd_kafka_last_error()));
        long taken = 0;
        double arrived = count > 0 ? now() : 0;
        for (ssize_t i = 0; i < count; i++) {
            rd_kafka_message_t *message = batch[i];
            if (!message->err) {
                reader->sum += sum_bytes(message->payload, message->len);
                reader->bytes += message->len;
                taken++;
            }
            rd_kafka_message_destroy(message);
        }
        if (taken > 0) {
            if (reader->events == 0) reader->first = arrived;
            reader->events += taken;
            reader->last = heard = now();
            atomic_fetch_sub(&events_left, taken);
        } else if (now() - heard > patience_s) {
            fail("consume", "nothing arrived for too long");
        }
    }
    free(batch);
    rd_kafka_queue_destroy(queue);
    return NULL;
}

static void set(rd_kafka_conf_t *configuration, const char *name, const char *value) {
    char text[512];
    // Older libraries do not know newer names, which is no error.
    if (rd_kafka_conf_set(configuration, name, value, text, sizeof text) == RD_KAFKA_CONF_INVALID) fail(name, text);
}

static void open_client(struct reader *reader, const char *bootstrap, int more, char **properties) {
    static const char *const fixed[][2] = {
        {"group.id", "bare-consumer"}, {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"},
        {"check.crcs", "true"}, {"isolation.level", "read_committed"}, {"fetch.wait.max.ms", "100"},
        {"fetch.message.max.bytes", "8388608"}, {"fetch.queue.backoff.ms", "10"}, {"socket.nagle.disable", "true"},
    };
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    set(configuration, "bootstrap.servers", bootstrap);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) set(configuration, fixed[i][0], fixed[i][1]);
    for (int i = 0; i < more; i++) {
        char *value = strchr(properties[i], '=');
        if (!value) fail(properties[i], "expected NAME=VALUE");
        char *name = strndup(properties[i], value - properties[i]);
        set(configuration, name, value + 1);
        free(name);
    }
    reader->client = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, text, sizeof text);
    if (!reader->client) fail("client", text);
    rd_kafka_poll_set_consumer(reader->client);
}

// Finds the partitions, chooses one of each leader for the helper, and assigns this thread's share.
static void assign(struct reader *reader) {
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(reader->client, reader->topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(reader->client, 0, topic, &metadata, 10000);
    if (code) fail("metadata", rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_t *mine = rd_kafka_topic_partition_list_new(8);
    int32_t leaders[most_leaders];
    reader->partition_count = metadata->topics[0].partition_cnt;
    for (int i = 0; i < reader->partition_count; i++) {
        const rd_kafka_metadata_partition_t *partition = &metadata->topics[0].partitions[i];
        if (partition->id % reader->threads != reader->number) continue;
        rd_kafka_topic_partition_list_add(mine, reader->topic, partition->id)->offset = RD_KAFKA_OFFSET_BEGINNING;
        int known = 0;
        while (known < reader->waking_count && leaders[known] != partition->leader) known++;
        if (known == reader->waking_count && known < most_leaders) {
            leaders[known] = partition->leader;
            reader->waking[reader->waking_count++] = partition->id;
        }
    }
    if (reader->partition_count == 0) fail(reader->topic, "no partitions");
    code = rd_kafka_assign(reader->client, mine);
    if (code) fail("assign", rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_destroy(mine);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
}

int main(int count, char **arguments) {
    if (count < 5) {
        fprintf(stderr, "usage: bare_consumer BOOTSTRAP TOPIC EVENTS THREADS [NAME=VALUE ...]\n");
        return 2;
    }
    int threads = atoi(arguments[4]);
    if (threads < 1 || threads > 64) fail(arguments[4], "1 to 64 threads");
    atomic_store(&events_left, atol(arguments[3]));
    struct reader *readers = calloc(threads, sizeof *readers);
    for (int i = 0; i < threads; i++) {
        readers[i].topic = arguments[2];
        readers[i].number = i;
        readers[i].threads = threads;
        open_client(&readers[i], arguments[1], count - 5, arguments + 5);
    }
    for (int i = 0; i < threads; i++) {
        assign(&readers[i]);
        if (pthread_create(&readers[i].thread, NULL, consume, &readers[i])) fail("thread", "cannot start");
        if (rd_kafka_version() < 0x02020000 && pthread_create(&readers[i].waker, NULL, wake, &readers[i]))
            fail("thread", "cannot start");
    }
    double first = 0, last = 0;
    uint64_t events = 0, bytes = 0, sum = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(readers[i].thread, NULL);
        if (readers[i].events == 0) continue;
        if (first == 0 || readers[i].first < first) first = readers[i].first;
        if (readers[i].last > last) last = readers[i].last;
        events += readers[i].events;
        bytes += readers[i].bytes;
        sum += readers[i].sum;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    atomic_store(&has_ended, 1);
    printf("{\"events\": %llu, \"bytes\": %llu, \"sum\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
           "\"peak_kb\": %ld, \"threads\": %d, \"library\": \"%s\"}\n",
           (unsigned long long)events, (unsigned long long)bytes, (unsigned long long)sum, last - first, cpu,
           usage.ru_maxrss, threads, rd_kafka_version_str());
    fflush(stdout);
    _exit(0);  // everything is measured; an orderly close would only take time
}
