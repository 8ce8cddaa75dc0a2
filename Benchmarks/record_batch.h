// Makes record batches of Kafka's format 2, compressed by LZ4, and the requests that carry them.
// They are made before they are due, because a client library would use as much CPU for each record
// as the programs that are measured.
//
// https://kafka.apache.org/documentation/#recordbatch and
// https://kafka.apache.org/protocol (Produce, version 7).
#include <lz4frame.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes { unsigned char *data; size_t count, room; };

static void need(struct bytes *bytes, size_t more) {
    if (bytes->count + more <= bytes->room) return;
    bytes->room = 2 * (bytes->count + more);
    if (!(bytes->data = realloc(bytes->data, bytes->room))) abort();
}

static void put(struct bytes *bytes, const void *data, size_t count) {
    need(bytes, count);
    memcpy(bytes->data + bytes->count, data, count);
    bytes->count += count;
}

// Writes the lowest `width` bytes of a number, the highest first.
static void write_number(unsigned char *to, uint64_t value, int width) {
    for (int i = 0; i < width; i++) to[i] = (unsigned char)(value >> 8 * (width - 1 - i));
}

static void put_number(struct bytes *bytes, uint64_t value, int width) {
    need(bytes, width);
    write_number(bytes->data + bytes->count, value, width);
    bytes->count += width;
}

static uint64_t number_at(const unsigned char *at, int width) {
    uint64_t value = 0;
    for (int i = 0; i < width; i++) value = value << 8 | at[i];
    return value;
}

static void put_varint(struct bytes *bytes, int64_t value) {
    uint64_t rest = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    need(bytes, 10);
    for (; rest > 127; rest >>= 7) bytes->data[bytes->count++] = (unsigned char)(rest | 128);
    bytes->data[bytes->count++] = (unsigned char)rest;
}

static void put_text(struct bytes *bytes, const char *text) {
    put_number(bytes, strlen(text), 2);
    put(bytes, text, strlen(text));
}

// CRC-32C, eight bytes a step.
static uint32_t crc32c(const unsigned char *data, size_t count) {
    static uint32_t table[8][256];
    if (table[0][1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t crc = i;
            for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
            table[0][i] = crc;
        }
        for (int step = 1; step < 8; step++)
            for (int i = 0; i < 256; i++) table[step][i] = table[step - 1][i] >> 8 ^ table[0][table[step - 1][i] & 255];
    }
    uint32_t crc = ~0u;
    for (; count >= 8; data += 8, count -= 8) {
        uint32_t low = crc ^ (data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24);
        crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24]
            ^ table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^ table[0][data[7]];
    }
    for (; count > 0; data++, count--) crc = crc >> 8 ^ table[0][(crc ^ *data) & 255];
    return ~crc;
}

// The partition of a key as Kafka's own clients choose it: murmur2.
static inline unsigned partition_of(const char *key, size_t length, unsigned partitions) {
    const uint32_t m = 0x5bd1e995;
    uint32_t hash = 0x9747b28c ^ (uint32_t)length;
    size_t at = 0;
    for (; at + 4 <= length; at += 4) {
        uint32_t k;
        memcpy(&k, key + at, 4);
        k *= m;
        k ^= k >> 24;
        hash = hash * m ^ k * m;
    }
    uint32_t rest = 0;
    for (size_t i = length; i > at; i--) rest = rest << 8 | (unsigned char)key[i - 1];
    if (length > at) hash = (hash ^ rest) * m;
    hash ^= hash >> 13;
    hash *= m;
    hash ^= hash >> 15;
    return (hash & 0x7fffffff) % partitions;
}

// Appends a record without headers to those of a batch.
static void put_record(struct bytes *records, int number, const char *key, int key_length, const char *value, int length) {
    static struct bytes body;
    body.count = 0;
    put_number(&body, 0, 1);       // attributes
    put_varint(&body, 0);          // milliseconds after the batch's time
    put_varint(&body, number);
    put_varint(&body, key_length);
    put(&body, key, key_length);
    put_varint(&body, length);
    put(&body, value, length);
    put_varint(&body, 0);          // headers
    put_varint(records, (int64_t)body.count);
    put(records, body.data, body.count);
}

// Appends a batch of `count` records, at least one, with this time.
static void put_batch(struct bytes *to, const struct bytes *records, int count, int64_t milliseconds) {
    size_t start = to->count;
    put_number(to, 0, 8);          // offset, which the broker gives
    put_number(to, 0, 4);          // bytes that follow, below
    put_number(to, ~0ull, 4);      // leader's epoch
    put_number(to, 2, 1);          // format
    put_number(to, 0, 4);          // check sum of what follows it, below
    put_number(to, 3, 2);          // LZ4
    put_number(to, count - 1, 4);
    put_number(to, milliseconds, 8);
    put_number(to, milliseconds, 8);
    put_number(to, ~0ull, 8);      // neither a producer's id
    put_number(to, ~0ull, 2);      // nor its epoch
    put_number(to, ~0ull, 4);      // nor sequence numbers
    put_number(to, count, 4);
    // Kafka can only read blocks that do not depend on earlier ones.
    LZ4F_preferences_t preferences = {.frameInfo = {.blockMode = LZ4F_blockIndependent}};
    size_t bound = LZ4F_compressFrameBound(records->count, &preferences);
    need(to, bound);
    size_t packed = LZ4F_compressFrame(to->data + to->count, bound, records->data, records->count, &preferences);
    if (LZ4F_isError(packed)) abort();
    to->count += packed;
    write_number(to->data + start + 8, to->count - start - 12, 4);
    write_number(to->data + start + 17, crc32c(to->data + start + 21, to->count - start - 21), 4);
}

// A whole request: one batch for one partition, to be acknowledged by all replicas.
static struct bytes produce_request(const char *topic, int partition, int correlation, const struct bytes *records, int count,
                                    int64_t milliseconds) {
    struct bytes to = {0};
    put_number(&to, 0, 4);         // bytes that follow, below
    put_number(&to, 0, 2);         // Produce
    put_number(&to, 7, 2);
    put_number(&to, correlation, 4);
    put_text(&to, "paced_fill");
    put_number(&to, ~0ull, 2);     // no transaction
    put_number(&to, ~0ull, 2);     // all replicas
    put_number(&to, 30000, 4);     // milliseconds
    put_number(&to, 1, 4);
    put_text(&to, topic);
    put_number(&to, 1, 4);
    put_number(&to, partition, 4);
    size_t size = to.count;
    put_number(&to, 0, 4);         // bytes of the batch, below
    put_batch(&to, records, count, milliseconds);
    write_number(to.data + size, to.count - size - 4, 4);
    write_number(to.data, to.count - 4, 4);
    if (!(to.data = realloc(to.data, to.count))) abort();
    return to;
}

// Reads an answer (without its size): returns the first record's offset; `error` is Kafka's code,
// 0 for success.
static int64_t produced_offset(const unsigned char *answer, size_t count, int *error) {
    // Correlation, one topic with its name, one partition with its number, error and offset.
    size_t at = 4 + 4;
    *error = -1;
    if (count < at + 2) return -1;
    at += 2 + number_at(answer + at, 2) + 4 + 4;
    if (count < at + 10) return -1;
    *error = (int16_t)number_at(answer + at, 2);
    return (int64_t)number_at(answer + at + 2, 8);
}
