// Sends the side-by-side workload at a constant rate: every event has a moment at which it is due.
//
//   paced_fill BOOTSTRAP TOPIC RATE SECONDS SEED SAMPLES
//
// Event i is due at i / RATE after the start, whether or not Kafka takes earlier ones in time. Like
// a producer with linger.ms=20, it sends a batch to each partition every 20 ms with the events that
// became due meanwhile, compressed by LZ4. All batches are made before the start, so that sending
// takes hardly any CPU from what is measured; this needs about 100 bytes of memory an event, and
// tens of seconds for tens of millions of events. Prints `ready` when it starts to send. When the
// broker falls behind, batches wait unchanged: nothing is merged, sent again or dropped.
//
// One event of 97 is written to the file SAMPLES when Kafka has acknowledged it, each as a line:
// shard, partition, offset, due time (nanoseconds of the monotonic clock). Event times are the
// start of this program, and for one event in a hundred up to two days earlier; ids are new. Prints
// as a line of JSON what it sent, by how much the latest batch was sent too late, and how long
// after its due time the latest one was acknowledged.
#define _GNU_SOURCE
#include "events.h"
#include "record_batch.h"
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { made_before = 20000, one_of = 97, linger_ms = 20, shards = 64, most_partitions = 64, patience_ms = 60000 };

struct sample { unsigned shard; int place; int64_t due; };
// The events for one partition at one moment.
struct batch { struct bytes request; struct sample *samples; int count, sampled; };
struct link { int socket; long sent, answered; size_t count, room; unsigned char *answer; };

static struct batch *batches;  // by moment, then partition
static struct link links[most_partitions];
static int partitions;
static long moments;
static int64_t begin, latest_answer;
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

// The shard of an organization by schemas/redis.md: FNV-1a of its id.
static unsigned shard_of(const char *id, size_t length) {
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)id[i]) * 0x01000193;
    return hash % shards;
}

static int connected(const char *host, int port) {
    char service[16];
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    snprintf(service, sizeof service, "%d", port);
    int error = getaddrinfo(host, service, &hints, &found);
    if (error) fail(host, gai_strerror(error));
    int yes = 1, made = -1;
    for (struct addrinfo *each = found; each; each = each->ai_next) {
        made = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
        if (made >= 0 && connect(made, each->ai_addr, each->ai_addrlen) == 0) break;
        if (made >= 0) close(made);
        made = -1;
    }
    if (made < 0) fail(host, strerror(errno));
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    freeaddrinfo(found);
    return made;
}

// Opens a connection for each partition, to the broker that leads it.
static void connect_all(const char *bootstrap, const char *topic) {
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    if (rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrap, text, sizeof text)) fail(bootstrap, text);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
    if (!client) fail("librdkafka", text);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *known;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle, &known, 30000);
    if (error) fail("metadata", rd_kafka_err2str(error));
    partitions = known->topics[0].partition_cnt;
    if (partitions < 1 || partitions > most_partitions) fail(topic, "no topic, or too many partitions");
    for (int i = 0; i < partitions; i++) {
        const struct rd_kafka_metadata_partition *partition = &known->topics[0].partitions[i];
        for (int broker = 0; broker < known->broker_cnt; broker++)
            if (known->brokers[broker].id == partition->leader)
                links[partition->id].socket = connected(known->brokers[broker].host, known->brokers[broker].port);
    }
    for (int i = 0; i < partitions; i++)
        if (!links[i].socket) fail(topic, "a partition has no leader");
    rd_kafka_metadata_destroy(known);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
}

// Making an event is costly, so most of it is made once, and only the id is written for each one.
static void give_id(struct event *event, uint64_t number) {
    static ptrdiff_t place;
    if (!place) place = strstr(event->text, "\"id\":\"") - event->text + 6;
    for (int i = 0; i < 16; i++) event->text[place + 31 - i] = "0123456789abcdef"[number >> 4 * i & 15];
}

static void take_sample(struct batch *batch, const char *key, int64_t due) {
    if (batch->sampled % 32 == 0) {
        batch->samples = realloc(batch->samples, (batch->sampled + 32) * sizeof *batch->samples);
        if (!batch->samples) abort();
    }
    batch->samples[batch->sampled++] = (struct sample){shard_of(key, strlen(key)), batch->count, due};
}

static void make_batches(const char *topic, double rate, long total, uint64_t salt) {
    struct event *events = malloc(made_before * sizeof *events);
    moments = (long)ceil(total / rate * 1000 / linger_ms);
    batches = calloc(moments * partitions, sizeof *batches);
    if (!events || !batches) abort();
    int64_t begin_ms = time(NULL) * 1000;
    for (int i = 0; i < made_before; i++) make(&events[i], 1, begin_ms / 1000 - 7 * 86400, 7);
    struct bytes records[most_partitions] = {0};
    for (long moment = 0, number = 0; moment < moments; moment++) {
        double end = (moment + 1) * linger_ms / 1e3 * rate;
        for (int i = 0; i < partitions; i++) records[i].count = 0;
        for (; number < total && number < end; number++) {
            struct event *event = &events[number % made_before];
            give_id(event, salt << 40 ^ number);
            char key[16];
            int key_length = snprintf(key, sizeof key, "org_%06d", event->organization);
            unsigned partition = partition_of(key, key_length, partitions);
            struct batch *batch = &batches[moment * partitions + partition];
            if (number % one_of == 0) take_sample(batch, key, (int64_t)(number / rate * 1e9));
            put_record(&records[partition], batch->count++, key, key_length, event->text, event->length);
        }
        for (int i = 0; i < partitions; i++) {
            struct batch *batch = &batches[moment * partitions + i];
            if (batch->count > 0)
                batch->request = produce_request(topic, i, (int)moment, &records[i], batch->count, begin_ms + moment * linger_ms);
        }
    }
    for (int i = 0; i < partitions; i++) free(records[i].data);
    free(events);
}

// When the batches of a moment are due.
static int64_t due_at(long moment) { return begin + (moment + 1) * linger_ms * 1000000ll; }

static void take_answer(int partition, const unsigned char *answer, size_t count) {
    int error;
    int64_t offset = produced_offset(answer, count, &error);
    if (error) {
        char text[32];
        snprintf(text, sizeof text, "error %d", error);
        fail("Kafka", text);
    }
    long moment = (long)number_at(answer, 4);
    const struct batch *batch = &batches[moment * partitions + partition];
    for (int i = 0; i < batch->sampled; i++)
        fprintf(samples, "%u %d %lld %lld\n", batch->samples[i].shard, partition, (long long)offset + batch->samples[i].place,
                (long long)(begin + batch->samples[i].due));
    links[partition].answered++;
    if (now_ns() - due_at(moment) > latest_answer) latest_answer = now_ns() - due_at(moment);
}

// Takes the answers that have arrived, or waits for some until then; returns whether any came.
static int take_answers(int64_t until) {
    struct pollfd waits[most_partitions];
    for (int i = 0; i < partitions; i++) waits[i] = (struct pollfd){.fd = links[i].socket, .events = POLLIN};
    int64_t left = until - now_ns();
    struct timespec wait = {left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
    if (ppoll(waits, partitions, &wait, NULL) <= 0) return 0;
    for (int i = 0; i < partitions; i++) {
        if (!waits[i].revents) continue;
        struct link *link = &links[i];
        if (link->room - link->count < 4096 && !(link->answer = realloc(link->answer, link->room += 65536))) abort();
        ssize_t more = recv(link->socket, link->answer + link->count, link->room - link->count, 0);
        if (more <= 0) fail("connection", more ? strerror(errno) : "closed by the broker");
        link->count += more;
        size_t at = 0, size;
        while (link->count - at >= 4 && link->count - at - 4 >= (size = number_at(link->answer + at, 4))) {
            take_answer(i, link->answer + at + 4, size);
            at += 4 + size;
        }
        memmove(link->answer, link->answer + at, link->count -= at);
    }
    return 1;
}

static void send_batch(int partition, const struct batch *batch) {
    for (size_t at = 0; at < batch->request.count;) {
        ssize_t more = send(links[partition].socket, batch->request.data + at, batch->request.count - at,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (more > 0) at += more;
        else if (errno != EAGAIN && errno != EINTR) fail("connection", strerror(errno));
        // A broker whose answers are not read takes no more requests.
        else take_answers(now_ns() + 1000000);
    }
    links[partition].sent++;
}

static int is_answered(void) {
    for (int i = 0; i < partitions; i++)
        if (links[i].answered < links[i].sent) return 0;
    return 1;
}

int main(int count, char **arguments) {
    if (count != 7) { fprintf(stderr, "usage: paced_fill BOOTSTRAP TOPIC RATE SECONDS SEED SAMPLES\n"); return 2; }
    double rate = atof(arguments[3]), seconds = atof(arguments[4]);
    uint64_t salt = strtoull(arguments[5], NULL, 10);
    if (rate <= 0 || seconds <= 0) fail("arguments", "out of range");
    samples = fopen(arguments[6], "w");
    if (!samples) fail(arguments[6], "cannot be written");
    long total = (long)(rate * seconds);
    seed(salt);
    weigh();
    connect_all(arguments[1], arguments[2]);
    make_batches(arguments[2], rate, total, salt);
    puts("ready");
    fflush(stdout);
    int64_t latest = 0;
    begin = now_ns();
    for (long moment = 0; moment < moments; moment++) {
        int64_t due = due_at(moment);
        do take_answers(due); while (now_ns() < due);
        for (int i = 0; i < partitions; i++)
            if (batches[moment * partitions + i].count > 0) send_batch(i, &batches[moment * partitions + i]);
        int64_t late = now_ns() - due;
        if (late > latest) latest = late;
    }
    double passed = (now_ns() - begin) / 1e9;
    int64_t end = now_ns() + patience_ms * 1000000ll;
    while (!is_answered())
        if (!take_answers(end)) fail("Kafka", "did not acknowledge every batch");
    fclose(samples);
    printf("{\"events\": %ld, \"begin_ns\": %lld, \"seconds\": %.3f, \"per_second\": %.1f, \"latest_ms\": %.1f, "
           "\"acknowledged_ms\": %.1f}\n", total, (long long)begin, passed, total / passed, latest / 1e6, latest_answer / 1e6);
    return 0;
}
