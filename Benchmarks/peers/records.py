"""The records that are counted: the log with its true numbers, and a topic for each disturbance."""

import collections
import datetime
import json
import time

from cells import cells, event_time
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from machine import Failure

BASE, REPEATED, LATE, ABORTED = 2_000, 50, 100, 300
SECONDS = 120


class Record:
    def __init__(self, partition, key, value):
        self.partition, self.key, self.value = partition, key, value


class Log:
    """A topic that was read once: the true number of each cell, and every so many-th record."""

    def __init__(self, bootstrap, topic, partitions, events):
        self.truth, self.events, sample = collections.Counter(), events, []
        deadline, read = time.monotonic() + SECONDS, 0
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
        try:
            consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
            while read < events:
                if time.monotonic() > deadline:
                    raise Failure(f"{read} of {events} events of {topic} were read in {SECONDS} s")
                for message in consumer.consume(10_000, 1):
                    if message.error():
                        raise KafkaException(message.error())
                    event = json.loads(message.value())
                    self.truth.update(map(without_kind, cells(event)))
                    if read % max(1, events // BASE) == 0 and len(sample) < BASE:
                        sample.append((event_time(event), Record(message.partition(), message.key(), message.value())))
                    read += 1
        finally:
            consumer.close()
        # By time, so that none of them is late.
        self.sample = [record for _, record in sorted(sample, key=lambda pair: pair[0])]


def without_kind(cell):
    return cell[1:]


def truth_of(records):
    return collections.Counter(without_kind(cell) for record in records for cell in cells(json.loads(record.value)))


def late(record, number):
    """Another event of the same kind, three days before."""
    event = json.loads(record.value)
    before = event_time(event) - datetime.timedelta(days=3)
    event.update(id=f"late-{number}", time=before.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    return Record(record.partition, record.key, json.dumps(event, separators=(",", ":")).encode())


def disturbed(name, sample):
    """The records of a topic in their order, and what they should add up to."""
    middle = len(sample) // 2
    if name == "late":
        records = sample + [late(record, number) for number, record in enumerate(sample[-LATE:])]
        return records, truth_of(records)
    if name == "repeats":
        return sample + sample[middle:middle + REPEATED], truth_of(sample)
    at = sample[middle]
    bad = {"malformed": [Record(at.partition, at.key, at.value[:100])], "null": [Record(at.partition, at.key, None)]}
    return sample[:middle] + bad.get(name, []) + sample[middle:], truth_of(sample)


def write(bootstrap, topic, records, **settings):
    """Writes records in their order; a transaction is aborted once they are in the log."""
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, **settings})
    if settings:
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
    for record in records:
        producer.produce(topic, record.value, record.key, record.partition,
                         on_delivery=lambda error, _: error and failures.append(error))
    if producer.flush(SECONDS) or failures:
        raise Failure(f"{topic}: records were not taken: {failures[:1]}")
    if settings:
        producer.abort_transaction(SECONDS)


def write_disturbed(bootstrap, topic, name, sample):
    """Writes the topic of a disturbance; returns what it should add up to."""
    records, truth = disturbed(name, sample)
    if name == "aborted":
        write(bootstrap, topic, sample[:ABORTED], **{"transactional.id": f"{topic}-aborted"})
    write(bootstrap, topic, records)
    return truth
