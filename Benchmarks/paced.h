// Sends batches that were made before at the moments at which they are due, whether or not Kafka
// takes earlier ones in time. When the broker falls behind, batches wait unchanged: nothing is
// merged, sent again or dropped.
//
// A program includes this, calls `connect_all`, makes `batches` for `moments` of 20 ms each, and
// calls `send_all`. PROGRAM is its name in messages.
#include "record_batch.h"
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { one_of = 97, linger_ms = 20, most_partitions = 64, patience_ms = 60000 };

struct sample { unsigned shard; int place; int64_t due; };
// The events for one partition at one moment.
struct batch { struct bytes request; struct sample *samples; int count, sampled; };
struct link { int socket; long sent, answered; size_t count, room; unsigned char *answer; };

static struct batch *batches;  // by moment, then partition
static struct link links[most_partitions];
static int partitions, shards;
static long moments;
static int64_t begin, latest_answer;
static FILE *samples;

static void fail(const char *what, const char *why) {
    fprintf(stderr, PROGRAM ": %s: %s\n", what, why);
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
    return hash % (unsigned)shards;
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

static void take_sample(struct batch *batch, const char *key, size_t length, int64_t due) {
    if (batch->sampled % 32 == 0) {
        batch->samples = realloc(batch->samples, (batch->sampled + 32) * sizeof *batch->samples);
        if (!batch->samples) abort();
    }
    batch->samples[batch->sampled++] = (struct sample){shard_of(key, length), batch->count, due};
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

// Sends all batches, and prints what was sent as a line of JSON.
static void send_all(long total) {
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
}
