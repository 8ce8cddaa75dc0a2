// The side-by-side workload: usage events of some days, written to a topic. Equal arguments give equal records.
//
//   fill BOOTSTRAP TOPIC EVENTS SEED START DAYS       START: Unix time of the first event
//
// Structured CloudEvents of about 300 bytes. Of 100 events 60 are interaction.created, 25 token.issued,
// 5 agent_flow.created and 10 api.request. 1,000 organizations whose sizes follow Zipf's law with exponent 0.9, each
// with 50 users, 20 projects and 100 agents, the lower numbers more often. Event time rises over those days; one
// event of a hundred is up to two days older. Key = subject = organization. Prints what it wrote as a line of JSON.
#include <librdkafka/rdkafka.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { organizations = 1000, kinds = 4 };

static const char *const kind_names[kinds] = {"interaction.created", "token.issued", "agent_flow.created", "api.request"};
static const unsigned kind_below[kinds] = {60, 85, 90, 100};  // of a hundred

// Walker's alias method: one draw finds an organization by its weight.
static struct { double keep; int other; } alias[organizations];

static uint64_t random_state[2];

// xorshift128+
static uint64_t draw(void) {
    uint64_t a = random_state[0], b = random_state[1];
    random_state[0] = b;
    a ^= a << 23;
    random_state[1] = a ^ b ^ a >> 17 ^ b >> 26;
    return random_state[1] + b;
}

static unsigned below(unsigned bound) { return (unsigned)((draw() >> 32) * bound >> 32); }
static double fraction(void) { return (double)(draw() >> 12) / (double)(1ull << 52); }
static unsigned mostly_low(unsigned bound) {
    unsigned a = below(bound), b = below(bound);
    return a < b ? a : b;
}

static void seed(uint64_t value) {
    random_state[0] = value * 0xD1342543DE82EF95u + 1;
    random_state[1] = ~value * 0xAF251AF3B0F025B5u + 1;
    for (int i = 0; i < 64; i++) draw();
}

static void weigh(void) {
    double weight[organizations], total = 0;
    int small[organizations], large[organizations], smalls = 0, larges = 0;
    for (int i = 0; i < organizations; i++) total += weight[i] = pow(i + 1, -0.9);
    for (int i = 0; i < organizations; i++) {
        weight[i] *= organizations / total;
        if (weight[i] < 1) small[smalls++] = i; else large[larges++] = i;
    }
    while (smalls > 0 && larges > 0) {
        int less = small[--smalls], more = large[larges - 1];
        alias[less].keep = weight[less];
        alias[less].other = more;
        weight[more] -= 1 - weight[less];
        if (weight[more] < 1) { small[smalls++] = more; larges--; }
    }
    while (smalls > 0) alias[small[--smalls]].keep = 1;
    while (larges > 0) alias[large[--larges]].keep = 1;
}

struct event { int organization, kind, length; char text[512]; };

// `share`: how much of the time has passed, 0 to 1.
static void make(struct event *event, double share, int64_t start, int days) {
    static int64_t known_day = -1;
    static char day[16];
    unsigned place = below(organizations), lot = below(100);
    int org = event->organization = fraction() < alias[place].keep ? (int)place : alias[place].other;
    int kind = 0;
    while (lot >= kind_below[kind]) kind++;
    event->kind = kind;
    int64_t ms = (int64_t)(share * days * 86400e3);
    if (below(100) == 0) ms -= (int64_t)(fraction() * 2 * 86400e3);
    ms = (ms < 0 ? 0 : ms) + start * 1000;
    int64_t since = ms / 86400000, rest = ms % 86400000;
    if (since != known_day) {
        time_t seconds = since * 86400;
        struct tm parts;
        strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&seconds, &parts));
        known_day = since;
    }
    char *at = event->text, *end = event->text + sizeof event->text;
    at += snprintf(at, end - at,
        "{\"specversion\":\"1.0\",\"id\":\"%016llx%016llx\",\"source\":\"/gateway/%u\",\"type\":\"%s\",\"subject\":\"org_%06d\","
        "\"time\":\"%sT%02d:%02d:%02d.%03dZ\",\"datacontenttype\":\"application/json\","
        "\"data\":{\"user\":\"user_%06d_%03u\",\"project\":\"proj_%06d_%02u\",",
        (unsigned long long)draw(), (unsigned long long)draw(), below(8), kind_names[kind], org, day,
        (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000), org, mostly_low(50),
        org, below(20));
    if (kind == 1)
        at += snprintf(at, end - at, "\"agent\":\"agent_%06d_%03u\",\"scope\":\"agents:read\"}}", org, mostly_low(100));
    else if (kind == 3)
        at += snprintf(at, end - at, "\"method\":\"GET\",\"path\":\"/v1/items/%u\",\"status\":%d,\"bytes\":%u}}", below(1000),
                       below(50) ? 200 : 500, below(20000));
    else
        at += snprintf(at, end - at, "\"model\":\"m-%u\",\"duration_ms\":%u}}", below(4), below(9000));
    event->length = (int)(at - event->text);
}

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
    if (count != 7) { fprintf(stderr, "usage: fill BOOTSTRAP TOPIC EVENTS SEED START DAYS\n"); return 2; }
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
