// Sends the side-by-side workload at a constant rate: every event has a moment at which it is due.
//
//   paced_fill BOOTSTRAP TOPIC RATE SECONDS SEED SHARDS SAMPLES
//
// Event i is due at i / RATE after the start, whether or not Kafka takes earlier ones in time.
// Like a producer with linger.ms=20, it sends a batch to each partition every 20 ms with the
// events that became due meanwhile, compressed by LZ4. All batches are made before the start, so
// that sending takes hardly any CPU from what is measured; this needs about 100 bytes of memory an
// event, and tens of seconds for tens of millions of events. Prints `ready` when it starts to
// send.
//
// One event of 97 is written to the file SAMPLES when Kafka has acknowledged it, each as a line:
// shard (of SHARDS), partition, offset, due time (nanoseconds of the monotonic clock). Event times
// are the start of this program, and for one event in a hundred up to two days earlier; ids are
// new. Prints as a line of JSON what it sent, by how much the latest batch was sent too late, and
// how long after its due time the latest one was acknowledged.
#define _GNU_SOURCE
#define PROGRAM "paced_fill"
#include "events.h"
#include "paced.h"

enum { made_before = 20000 };

// Making an event is costly, so most of it is made once, and only the id is written for each one.
static void give_id(struct event *event, uint64_t number) {
    static ptrdiff_t place;
    if (!place) place = strstr(event->text, "\"id\":\"") - event->text + 6;
    for (int i = 0; i < 16; i++) event->text[place + 31 - i] = "0123456789abcdef"[number >> 4 * i & 15];
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
            if (number % one_of == 0) take_sample(batch, key, key_length, (int64_t)(number / rate * 1e9));
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

int main(int count, char **arguments) {
    if (count != 8) { fprintf(stderr, "usage: paced_fill BOOTSTRAP TOPIC RATE SECONDS SEED SHARDS SAMPLES\n"); return 2; }
    double rate = atof(arguments[3]), seconds = atof(arguments[4]);
    uint64_t salt = strtoull(arguments[5], NULL, 10);
    shards = atoi(arguments[6]);
    if (rate <= 0 || seconds <= 0 || shards < 1) fail("arguments", "out of range");
    samples = fopen(arguments[7], "w");
    if (!samples) fail(arguments[7], "cannot be written");
    long total = (long)(rate * seconds);
    seed(salt);
    weigh();
    connect_all(arguments[1], arguments[2]);
    make_batches(arguments[2], rate, total, salt);
    send_all(total);
    return 0;
}
