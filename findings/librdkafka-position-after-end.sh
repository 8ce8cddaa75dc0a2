#!/usr/bin/env bash
# Versions: confluent-kafka 2.8.0 (librdkafka 2.8.0, which is Debian trixie's) and 2.14.2, with librdkafka's own mock broker.
# Believed: a consumer's `position` is the offset behind the last record that it delivered, whatever call delivers records. So a
#   program may commit it, or go on from there.
# True: with `enable.partition.eof` and batches (`consume(N)`), the event for the end of the partition moves the position, too: in a
#   log of 20 records it is 21. The next record is 20, so a program that goes on from there never reads it, and gets no error.
#   With single records (`poll`) it is 20, and with 2.14.2 it is 20 for both.
# Why it matters here: Odometer reads batches and asks for these events. It takes positions from its own marks and never from the
#   library, and must not begin to. Two of its tests of the library fail with 2.8.0 for this reason (docs/OPERATIONS.md).
# Ends with 0 while this is so, with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'END'
import confluent_kafka
from confluent_kafka import Consumer, Producer, TopicPartition

RECORDS = 20


def behind(read, topic):
    """The position after reading a partition to its end, and which record comes next from there."""
    for number in range(RECORDS):
        producer.produce(topic, str(number), partition=0)
    producer.flush(10)
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": "g", "enable.auto.commit": False, "enable.partition.eof": True,
        "auto.offset.reset": "error",
    })
    consumer.assign([TopicPartition(topic, 0, 0)])
    found, ended = 0, False
    while not ended:
        for message in read(consumer):
            ended = ended or message.error() is not None
            found += not message.error()
    assert found == RECORDS, found
    position = consumer.position([TopicPartition(topic, 0)])[0].offset
    producer.produce(topic, "one more", partition=0)
    producer.flush(10)
    consumer.unassign()
    consumer.assign([TopicPartition(topic, 0, position)])
    first = consumer.poll(10)
    consumer.close()
    return position, "the end, no record" if first.error() else f"record {first.offset()}"


producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
servers = ",".join(f"{broker.host}:{broker.port}" for broker in producer.list_topics(timeout=10).brokers.values())
single = behind(lambda consumer: [consumer.poll(10)], "single")
batches = behind(lambda consumer: consumer.consume(100, 1), "batches")
print(confluent_kafka.version(), "single:", *single, "| batches:", *batches)
version = str(confluent_kafka.version())
wanted = RECORDS + 1 if "2.8.0" in version else RECORDS
raise SystemExit(0 if (single[0], batches[0]) == (RECORDS, wanted) else 1)
END

for version in 2.8.0 2.14.2; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "confluent-kafka==$version"
  timeout 60 "$folder/$version/bin/python" "$folder/look.py"
done
