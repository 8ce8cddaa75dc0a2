"""doctor knows the partitioners of real clients, and warns where the same event may be in two partitions."""

import datetime
import json

from confluent_kafka.admin import NewPartitions
from kafka import KafkaProducer

from checks import check, expect, run
from house import BOOTSTRAP, House

House.needed()
EVENTS = 200
CHECKS = ("topic-partitioner", "topic-keys", "topic-subjects", "topic-repeats")
# As the clients are without settings, and what OPERATIONS says to set.
CLIENTS = {
    "librdkafka": ("CRC32", {}),
    "murmur2-random": ("murmur2", {"partitioner": "murmur2_random"}),
    "fnv1a-random": ("FNV-1a", {"partitioner": "fnv1a_random"}),
    "kafka-python": ("murmur2", None),
}


def events(numbers, organizations=EVENTS):
    """Pairs of key and value; an event of the same number is always the same event."""
    time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT00:00:00Z")
    for number in numbers:
        organization = f"org-{number % organizations}"
        yield organization.encode(), json.dumps({
            "specversion": "1.0", "id": str(number), "source": "/partitioners", "type": "token.issued",
            "subject": organization, "time": time, "data": {"agent": "a"},
        }).encode()


def send(house, client, topic, made):
    """Sends events by a client of `CLIENTS`; where they are: {key: partition}."""
    partitions = {}
    settings = CLIENTS[client][1]
    if settings is None:
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
        sent = [(key, producer.send(topic, key=key, value=value)) for key, value in made]
        producer.flush(30)
        partitions = {key: future.get(30).partition for key, future in sent}
        producer.close()
        return partitions

    def delivered(error, message):
        expect(error is None, error)
        partitions[message.key()] = message.partition()

    producer = house.producer(**settings)
    for key, value in made:
        producer.produce(topic, key=key, value=value, on_delivery=delivered)
    expect(producer.flush(30) == 0, "flush")
    return partitions


def findings(house, *topics):
    """What doctor says of keys: {(topic, check): finding}."""
    named = [argument for topic in topics for argument in ("--topic", topic)]
    report = json.loads(house.call("doctor", "--json", *named))
    return {
        (finding["subject"], finding["check"]): finding
        for finding in report["findings"] if finding["check"] in CHECKS
    }


@check
def one_kind_of_client():
    """a topic that clients of one kind write is fine, and doctor says of which kind; nothing is committed"""
    with House(partitions=12) as house:
        topics = {client: f"{house.topic}-{client}" for client in CLIENTS}
        for client, topic in topics.items():
            house.create_topic(topic, 12)
            send(house, client, topic, events(range(EVENTS)))
        found = findings(house, *topics.values())
        expect(sorted(found) == sorted((topic, "topic-partitioner") for topic in topics.values()), found)
        for client, topic in topics.items():
            finding = found[(topic, "topic-partitioner")]
            text = f"{EVENTS} keys of {EVENTS} sampled records are where {CLIENTS[client][0]} ("
            expect(finding["grade"] == "ok" and text in finding["message"], f"{client}: {finding}")
        # The name of readers without a group (docs/OPERATIONS.md).
        groups = [group.group_id for group in house.admin.list_consumer_groups().result(30).valid]
        expect("odometer-reader" not in groups, groups)


@check
def two_kinds_of_client():
    """the same events by librdkafka's default and by kafka-python count twice, as doctor says; after the remedy once"""
    with House(partitions=12) as house:
        machine = house.start("run").wait_ready()
        first = send(house, "librdkafka", house.topic, events(range(EVENTS)))
        second = send(house, "kafka-python", house.topic, events(range(EVENTS)))
        twice = sum(first[key] != second[key] for key in first)
        expect(EVENTS * 3 // 4 < twice < EVENTS, f"{twice} of {EVENTS} are in two partitions")
        house.wait_counted()
        machine.wait_outcomes({"accepted": EVENTS + twice, "duplicate": EVENTS - twice})
        found = findings(house, house.topic)
        expect({name[1]: finding["grade"] for name, finding in found.items()} == dict.fromkeys(CHECKS, "warning"), found)
        said = {name[1]: finding["message"] for name, finding in found.items()}
        for text in (f"{EVENTS} by ", f"{twice} by ", "murmur2 (", "CRC32 (", "may count twice"):
            expect(text in said["topic-partitioner"], said)
        expect(f"{twice} of {EVENTS} sampled keys are in several partitions" in said["topic-keys"], said)
        expect(f"{twice} of {EVENTS} sampled subjects are in several partitions" in said["topic-subjects"], said)
        expect(f"{twice} sampled events are in several partitions" in said["topic-repeats"], said)
        mend = found[(house.topic, "topic-partitioner")]["mend"]
        expect("partitioner=murmur2_random" in mend, mend)
        expect(machine.terminate() == 0, "exit code")
    with House(partitions=12) as house:
        machine = house.start("run").wait_ready()
        first = send(house, "murmur2-random", house.topic, events(range(EVENTS)))
        expect(send(house, "kafka-python", house.topic, events(range(EVENTS))) == first, "the same partitions")
        house.wait_counted()
        machine.wait_outcomes({"accepted": EVENTS, "duplicate": EVENTS})
        found = findings(house, house.topic)
        expect([finding["grade"] for finding in found.values()] == ["ok"], found)
        expect(machine.terminate() == 0, "exit code")


@check
def keys_of_two_producers_that_never_meet():
    """two kinds of client that share no key yet are found as well; a third of another topic is not mixed up with them"""
    with House(partitions=12) as house:
        send(house, "librdkafka", house.topic, events(range(0, EVENTS // 2)))
        send(house, "kafka-python", house.topic, events(range(EVENTS // 2, EVENTS)))
        other = f"{house.topic}-other"
        house.create_topic(other, 12)
        send(house, "fnv1a-random", other, events(range(EVENTS)))
        found = findings(house, house.topic, other)
        grades = {name: finding["grade"] for name, finding in found.items()}
        expect(grades == {
            (house.topic, "topic-partitioner"): "warning", (other, "topic-partitioner"): "ok",
        }, found)


@check
def added_partitions_and_missing_keys():
    """partitions that were added, and records without a key"""
    with House(partitions=4) as house:
        send(house, "kafka-python", house.topic, events(range(EVENTS)))
        house.admin.create_partitions([NewPartitions(house.topic, 12)])[house.topic].result(30)
        send(house, "murmur2-random", house.topic, events(range(EVENTS)))
        found = findings(house, house.topic)
        finding = found[(house.topic, "topic-partitioner")]
        expect("when there were 4 partitions" in finding["message"], finding)
        expect("before partitions were added" in finding["mend"], finding)
        keyless = f"{house.topic}-keyless"
        house.create_topic(keyless, 4)
        producer = house.producer()
        for number, (_, value) in enumerate(events(range(EVENTS), organizations=5)):
            producer.produce(keyless, value=value, partition=number // 5 % 4)
        expect(producer.flush(30) == 0, "flush")
        found = findings(house, keyless)
        expect(f"none of {EVENTS} sampled records has a key" in found[(keyless, "topic-partitioner")]["message"], found)
        subjects = found[(keyless, "topic-subjects")]
        expect(subjects["grade"] == "warning" and "key every record" in subjects["mend"], found)
        expect('5 of 5 sampled subjects are in several partitions, as "org-0" in 0, 1, 2 and 3' in subjects["message"],
               found)


run()
