"""Avro, Protobuf and JSON Schema as confluent-kafka's serializers write them: exact counts, whatever the registry does meanwhile."""

import collections
import time
import uuid

import registry_events as events
from checks import check, expect, run
from house import House, free_port, get, wait_until
from registry_house import catalog, dead_details, expect_cells, send, verify
from schema_registry import Registry

House.needed()
WAITING = "odometer_partition_schema_waiting"


def add_format(form):
    def one():
        with House() as house, Registry(free_port()) as registry:
            made = events.some(300, seed=4)
            where = [] if form == "json-schema" else ["--schemas", registry.url]
            path = catalog(house, form)
            house.call("check", "--meters", path, *where)
            machine = house.start("run", "--meters", path, *where).wait_ready()
            send(house, registry, form, made)
            house.wait_counted()
            machine.wait_outcomes({"accepted": len(made)})
            expect_cells(house, made)
            verify(house, path, *where)
            expect(machine.terminate() == 0, "exit code after SIGTERM")

    one.__doc__ = f"{form}: confluent-kafka's serializer in both framings, every cell exact"
    check(one)


for each in ("avro", "protobuf", "json-schema"):
    add_format(each)


@check
def registry_away():
    """a registry that is away stops only the partitions that need it, over kill -9 and restarts; then every cell is exact"""
    with House(partitions=3) as house, Registry(free_port()) as registry:
        path, where = catalog(house, "avro"), ["--schemas", registry.url]
        instance = ["--instance", "check", "--kafka-property", "session.timeout.ms=6000"]
        machine = house.start("run", "--meters", path, *where, *instance).wait_ready()
        first, second, third = events.some(40, seed=1), events.some(30, seed=2), events.some(50, seed=3)
        send(house, registry, "avro", first, partition=0)
        house.wait_counted()
        known = events.Serializer("avro", registry, house.topic, False)
        known.write(first[0])
        registry.first_id += 1000
        later = events.Serializer("avro", registry, house.topic, False, events.avro_schema(doc="a later version"))
        later.write(first[0])
        registry.stop()
        producer = house.producer()
        for event in second:
            producer.produce(house.topic, key=event["customer"], value=later.write(event)[0], partition=1)
        expect(producer.flush(30) == 0, "flush")
        waits = f'{WAITING}{{topic="{house.topic}",partition="1"}}'
        wait_until(lambda: machine.metrics()[waits] == 1, 20, "partition 1 waits")
        for event in third:
            producer.produce(house.topic, key=event["customer"], value=known.write(event)[0], partition=2)
        expect(producer.flush(30) == 0, "flush")
        wait_until(lambda: house.marks()[2] == len(third), 20, "partition 2 goes on")
        expect(house.marks()[1] == 0, house.marks())
        status, _, body = get(f"{machine.admin}/readyz")
        expect(status == 503 and b"waits at offset 0 for schema" in body, (status, body))
        expect("waits at offset 0 for schema" in machine.log.read_text(), "a line in the log")
        machine.kill()
        # A process that begins without the registry knows no schema at all.
        machine = house.start("run", "--meters", path, *where, *instance).wait_listening()
        wait_until(lambda: machine.metrics().get(waits) == 1, 30, "partition 1 waits after kill -9")
        registry.status = 503
        registry.start()
        wait_until(lambda: b"HTTP status 503" in get(f"{machine.admin}/readyz")[2], 40, "the status in /readyz")
        expect(machine.metrics()[waits] == 1, "still waiting")
        machine.kill()
        machine = house.start("run", "--meters", path, *where, *instance).wait_listening()
        registry.status = 200
        house.wait_counted(60)
        machine.wait_ready(30)
        expect_cells(house, first + second + third)
        expect(dead_details(house) == [], dead_details(house))
        verify(house, path, *where)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def killed():
    """kill -9 ten times while records come and the registry restarts: every cell exact"""
    with House(partitions=4) as house, Registry(free_port()) as registry:
        path, where = catalog(house, "protobuf"), ["--schemas", registry.url]
        instance = ["--instance", "check", "--kafka-property", "session.timeout.ms=6000"]
        made = []
        for number in range(10):
            machine = house.start("run", "--meters", path, *where, *instance).wait_listening()
            more = events.some(400, seed=50 + number, start=len(made))
            made += more
            if number % 3 == 1:
                registry.stop()
                registry.start()
            send(house, registry, "protobuf", more)
            wait_until(lambda: sum(house.marks().values()) > 0, 60, "a commit")
            machine.kill()
        machine = house.start("run", "--meters", path, *where, *instance)
        house.wait_counted(60)
        expect_cells(house, made)
        verify(house, path, *where)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def bad_records():
    """one bad record of each kind becomes one dead letter that says why, and nothing else is lost"""
    with House(partitions=1) as house, Registry(free_port()) as registry:
        made = events.some(20, seed=9)
        serializer = events.Serializer("avro", registry, house.topic, False)
        good, _ = serializer.write(made[0])
        other = registry.add("other", '"string"')
        broken = registry.add("broken", '{"type": "record"}')
        json_schema = registry.add("json", '{"type": "object"}', "JSON")
        header = b"\1" + uuid.UUID(registry.guid(registry.first_id)).bytes
        frame = lambda number: b"\0" + number.to_bytes(4, "big")
        bad = [
            (b"\5" + good[1:], None, "first byte of the frame is neither 0 nor 1"),
            (b"\0\0\0", None, "frame of the schema's id ends too early"),
            (frame(7) + good[5:], None, "registry has no schema with that id"),
            (good[:-1], None, "record ends inside a value"),
            (good + b"x", None, "bytes are left behind the record"),
            (frame(other) + b"\6abc", None, "value is not a record"),
            (frame(broken) + good[5:], None, "schema cannot be used for this catalog"),
            (frame(json_schema) + b"{}", None, "schema cannot be used for this catalog"),
            (good[5:], [("__value_schema_id", header), ("__value_schema_id", header[:-1] + b"\0")],
             "two headers __value_schema_id that differ"),
            (good[5:], [("__value_schema_id", header + b"\0")], "header __value_schema_id is longer than an id"),
            (None, None, "null value without CloudEvents headers"),
        ]
        path = catalog(house, "avro")
        machine = house.start("run", "--meters", path, "--schemas", registry.url).wait_ready()
        producer = house.producer()
        for event in made:
            producer.produce(house.topic, key=event["customer"], value=serializer.write(event)[0])
        for value, headers, _ in bad:
            producer.produce(house.topic, key=b"k", value=value, headers=headers)
        # Twice the same header is one schema.
        producer.produce(house.topic, key=b"k", value=good[5:], headers=[("__value_schema_id", header)] * 2)
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted(60)
        machine.wait_outcomes({"accepted": len(made), "malformed": len(bad), "duplicate": 1})
        expect_cells(house, made)
        expect(dead_details(house) == sorted(detail for _, _, detail in bad), dead_details(house))
        expect(len([path for path in registry.asked if path == "/schemas/ids/7"]) == 3, "absent only after three answers")
        verify(house, path, "--schemas", registry.url)


@check
def bad_protobuf():
    """bad records of Protobuf: wrong message index, a group, a cut value"""
    with House(partitions=1) as house, Registry(free_port()) as registry:
        made = events.some(5, seed=9)
        serializer = events.Serializer("protobuf", registry, house.topic, False)
        good, _ = serializer.write(made[0])
        start = good.index(b"\x0a")
        bad = [
            (good[:5] + b"\2\x12" + good[start:], "schema has no message at the indexes of the frame"),
            (good[:5] + b"\1" + good[start:], "schema has no message at the indexes of the frame"),
            (good + b"\x0b", "record has a group, which is not read"),
            (good[:-1], "record ends inside a value"),
            (good[:start] + b"\7", "a length, branch, symbol or tag of the record cannot be"),
        ]
        path = catalog(house, "protobuf")
        machine = house.start("run", "--meters", path, "--schemas", registry.url).wait_ready()
        producer = house.producer()
        for event in made:
            producer.produce(house.topic, key=event["customer"], value=serializer.write(event)[0])
        for value, _ in bad:
            producer.produce(house.topic, key=b"k", value=value)
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted(60)
        machine.wait_outcomes({"accepted": len(made), "malformed": len(bad)})
        expect_cells(house, made)
        expect(dead_details(house) == sorted(detail for _, detail in bad), dead_details(house))
        verify(house, path, "--schemas", registry.url)


@check
def unknown_ids():
    """1,000 records with 1,000 ids that the registry does not have are dead letters within seconds, and one line of each owner tells of them"""
    with House(partitions=1) as house, Registry(free_port()) as registry:
        made = events.some(10, seed=3)
        path = catalog(house, "avro")
        producer = house.producer()
        for number in range(1_000):
            producer.produce(house.topic, key=b"k", value=b"\0" + (500_000 + number).to_bytes(4, "big") + b"x")
        expect(producer.flush(30) == 0, "flush")
        send(house, registry, "avro", made)
        machine = house.start("run", "--meters", path, "--schemas", registry.url).wait_listening()
        began = time.monotonic()
        house.wait_counted(60)
        seconds = time.monotonic() - began
        machine.wait_outcomes({"accepted": len(made), "malformed": 1_000})
        expect_cells(house, made)
        expect(dead_details(house) == ["registry has no schema with that id"] * 1_000, "dead letters")
        asked = collections.Counter(path for path in registry.asked if path.startswith("/schemas/ids/50"))
        expect(set(asked.values()) == {3} and len(asked) == 1_000, "each is absent only after three answers")
        log = machine.log.read_text().splitlines()
        lines = [line for line in log if "the registry has no schema" in line]
        # Each lane that was given the partition in turn says it once.
        owners = sum("event=assigned" in line and "has 1 partitions" in line for line in log)
        expect(1 <= len(lines) <= owners, lines[:3])
        expect(seconds < 30, f"{seconds:.0f} s")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
