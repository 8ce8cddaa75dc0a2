#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <sys/prctl.h>

/// Names the calling thread (15 bytes at most); prctl is variadic.
static inline void odometer_kafka_name_thread(const char *name) {
    prctl(PR_SET_NAME, (unsigned long)name, 0ul, 0ul, 0ul);
}

/// Fetches the cache line of a place that will be read soon.
static inline void odometer_kafka_prefetch(const void *place) { __builtin_prefetch(place); }

/// rd_kafka_producev is variadic, which Swift cannot call; this fixes its arguments.
/// Key and value are copied; a NULL key or value is null on the wire, however long.
/// On success the message owns `headers`; on failure the caller still does.
static inline rd_kafka_resp_err_t odometer_kafka_produce(
    rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition, const void *key,
    size_t key_size, const void *value, size_t value_size, int64_t timestamp,
    rd_kafka_headers_t *headers, void *opaque) {
    if (headers)
        return rd_kafka_producev(
            client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_size),
            RD_KAFKA_V_VALUE((void *)value, value_size), RD_KAFKA_V_TIMESTAMP(timestamp),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    return rd_kafka_producev(
        client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_size),
        RD_KAFKA_V_VALUE((void *)value, value_size), RD_KAFKA_V_TIMESTAMP(timestamp),
        RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}
