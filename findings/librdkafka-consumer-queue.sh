#!/usr/bin/env bash
# Versions: confluent-kafka (PyPI) 2.12.1 with librdkafka 2.12.1 and its own mock cluster, without Odometer.
#
# Believed: `queued.max.messages.kbytes` is what a group consumer holds ahead at most, for all partitions together, and
# one fetch of one partition (`fetch.message.max.bytes`, 1 MiB) may come on top; CONFIGURATION.md says so. And the
# statistics of partitions, `fetchq_size` and `fetchq_cnt`, add up to what is held.
#
# True: the limit is looked at before a fetch is sent, and by what the broker sends, which may be compressed. One answer
# brings batches of many partitions, and all of them are unpacked however full the queue is. So the queue grows
# with partitions and with the compression ratio: with a limit of 1 MiB, 4 partitions and no compression 2 MB are held,
# 64 partitions with zstd some 25 MB here, and 218 MB from Apache Kafka 4.3.0, whose answers are larger than the mock
# cluster's. And all partitions share one queue, whose whole size each of them reports: the sum over 64 partitions says
# 1.6 to 1.9 million records where the topics hold 256,000.
#
# Why it matters here: a counter that has fallen behind reads exactly such topics, and a container's memory limit ends
# it while its configuration says 1 MiB. What bounds the queue is `fetch.max.bytes` times the ratio. A metric that adds
# `fetchq_size` up is too large by the number of partitions; the largest of them is the right one.
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check confluent-kafka==2.12.1

cat > "$folder/queue.py" <<'PYTHON'
import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

TOPICS, COMPRESSION = int(sys.argv[1]), sys.argv[2]
PARTITIONS, RECORDS, LIMIT_KB = 4, 4_000, 1_024  # The mock cluster makes topics of four partitions.

producer = Producer({
    "bootstrap.servers": "none", "test.mock.num.brokers": 1, "compression.type": COMPRESSION, "linger.ms": 50,
    "batch.num.messages": 1_000, "batch.size": 900_000, "queue.buffering.max.messages": 1_000_000,
})
brokers = ",".join(f"{broker.host}:{broker.port}" for broker in producer.list_topics(timeout=10).brokers.values())
value = (json.dumps({"type": "api.request", "subject": "org-1", "data": {"path": "/things", "ms": 12}}) * 12)[:1_000]
places = [(f"usage-{topic}", partition) for topic in range(TOPICS) for partition in range(PARTITIONS)]
for topic, partition in places:
    for _ in range(RECORDS):
        producer.produce(topic, value, partition=partition)
    if producer.flush(60) > 0:
        sys.exit("the mock cluster did not take the records")

largest, summed = 0, 0


def measure(text):
    global largest, summed
    found = [part for topic in json.loads(text)["topics"].values() for part in topic["partitions"].values()]
    largest = max([largest, *(part["fetchq_size"] for part in found)])
    summed = max(summed, sum(part["fetchq_cnt"] for part in found))


consumer = Consumer({
    "bootstrap.servers": brokers, "group.id": "readers", "auto.offset.reset": "earliest",
    "queued.max.messages.kbytes": LIMIT_KB, "statistics.interval.ms": 250, "stats_cb": measure,
})
consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in places])
end = time.monotonic() + 8
while time.monotonic() < end:  # A slow reader: a few records a second.
    consumer.poll(0.2)
    time.sleep(0.1)
print(f"{len(places)} partitions, {COMPRESSION}: limit {LIMIT_KB * 1024:,} bytes, held {largest:,} bytes; "
      f"records in the topics {len(places) * RECORDS:,}, sum of fetchq_cnt {summed:,}")
print(json.dumps({"held": largest / (LIMIT_KB * 1024), "counted": summed / (len(places) * RECORDS)}), file=sys.stderr)
PYTHON

run() { "$folder/env/bin/python" "$folder/queue.py" "$@" 2> "$folder/err"; tail -1 <(grep '^{' "$folder/err") >> "$folder/found"; }
run 1 none
run 16 zstd
python3 - "$folder/found" <<'PYTHON'
import json
import sys

few, many = map(json.loads, open(sys.argv[1]))
checks = {
    "few partitions without compression keep within twice the limit": few["held"] <= 2,
    "64 compressed partitions are held at eight times the limit or more": many["held"] >= 8,
    "the sum over partitions counts more records than there are": many["counted"] > 1,
}
for text, holds in checks.items():
    print("holds  " if holds else "CHANGED", text)
sys.exit(0 if all(checks.values()) else 1)
PYTHON
