"""Events that a case writes itself, so that it knows every number without the oracle."""

import datetime
import json

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from house import key_name

TYPE = "token.issued"


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def token(identity, subject, agent="agent-1", when=None):
    """A structured event that counts one token of an organization."""
    when = when or datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    return json.dumps({
        "specversion": "1.0", "id": str(identity), "source": "/faults", "type": TYPE, "subject": subject,
        "time": when if isinstance(when, str) else stamp(when), "data": {"agent": agent},
    }).encode()


def counted_tokens(rig, organization):
    """What Redis has for an organization whose tokens are of the last day."""
    now = datetime.datetime.now(datetime.timezone.utc)
    months = {f"{moment:%Y-%m}" for moment in (now, now - datetime.timedelta(days=1))}
    name = key_name(organization)
    return sum(
        int(value) for month in months for value in rig.redis.hgetall(f"{name}:tokens:day:{month}").values())


def read_all(rig):
    """All records of the topic, also where offsets are missing."""
    consumer = Consumer({
        "bootstrap.servers": rig.environment["ODOMETER_BOOTSTRAP"], "group.id": "nobody", "log_level": 0,
        "enable.auto.commit": False, "enable.partition.eof": True,
    })
    try:
        consumer.assign([TopicPartition(rig.topic, partition, 0) for partition in range(rig.partitions)])
        ended = set()
        while len(ended) < rig.partitions:
            for record in consumer.consume(5000, 1):
                if not record.error():
                    yield record
                elif record.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(record.partition())
                else:
                    raise KafkaException(record.error())
    finally:
        consumer.close()


class Writer:
    """Writes records and fails where one was not acknowledged."""

    def __init__(self, rig, **settings):
        self.rig = rig
        self.failed = []
        self.producer = Producer({
            "bootstrap.servers": rig.environment["ODOMETER_BOOTSTRAP"], "enable.idempotence": True, "log_level": 0,
            "message.max.bytes": 4_000_000, **settings,
        })

    def put(self, value, partition=0, **more):
        self.producer.poll(0)
        self.producer.produce(
            self.rig.topic, value=value, partition=partition, on_delivery=self._delivered, **more)

    def _delivered(self, error, _):
        if error:
            self.failed.append(str(error))

    def end(self):
        """Waits for every acknowledgement."""
        if self.producer.flush(60) or self.failed:
            raise AssertionError(f"not acknowledged: {self.failed[:3]}")


def fill(rig, each, first=0):
    """Writes so many tokens to each partition, each with an organization of its own: org-PARTITION."""
    writer = Writer(rig)
    for number in range(first, first + each):
        for partition in range(rig.partitions):
            writer.put(token(f"{partition}-{number}", f"org-{partition}"), partition)
    writer.end()
