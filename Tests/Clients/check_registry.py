"""Avro, Protobuf and JSON Schema as confluent-kafka's serializers write them: exact counts, whatever the registry does meanwhile."""

import collections
import time
import uuid

import registry_events as events
from authority import Authority
from checks import check, expect, run
from house import House, free_port, get, key_name, wait_until
from schema_registry import Registry

House.needed()
WAITING = "odometer_partition_schema_waiting"


def catalog(house, form, extra=""):
    path = house.folder / f"{form}.yaml"
    path.write_text(events.CATALOG.format(form=form) + extra)
    return str(path)


def found_cells(house, subject):
    """All that Redis holds of an organization."""
    name = key_name(subject)
    return {key[len(name) + 1:]: house.redis.hgetall(key) for key in house.redis.scan_iter(f"{name}:*", count=10_000)}


def expect_cells(house, made):
    """Compares all cells with what the events say."""
    wanted = events.cells(made)
    for subject, cells in wanted.items():
        expect(found_cells(house, subject) == cells, f"{subject}: {found_cells(house, subject)}, not {cells}")
    keys = {key.split(":")[3] for key in house.redis.scan_iter("odo:1:{*}:*:*", count=10_000)} - {"directory"}
    expect(keys == set(wanted), f"{keys}, not {set(wanted)}")


def send(house, registry, form, made, **how):
    """Writes events with the serializer of a format, every other one with the schema's GUID in its header."""
    serializers = [events.Serializer(form, registry, house.topic, in_header) for in_header in (False, True)]
    producer = house.producer()
    for number, event in enumerate(made):
        value, headers = serializers[number % 2].write(event)
        producer.produce(house.topic, key=event["customer"], value=value, headers=headers, timestamp=int(time.time() * 1000), **how)
    expect(producer.flush(30) == 0, "flush")


def dead_details(house):
    """The details of all dead letters, sorted."""
    return sorted(dict(record.headers())["detail"].decode() for record in house.records(house.dead, 1))


def add_format(form):
    def one():
        with House() as house, Registry(free_port()) as registry:
            made = events.some(300, seed=4)
            where = [] if form == "json-schema" else ["--schemas", registry.url]
            house.call("check", "--meters", catalog(house, form), *where)
            machine = house.start("run", "--meters", catalog(house, form), *where).wait_ready()
            send(house, registry, form, made)
            house.wait_counted()
            machine.wait_outcomes({"accepted": len(made)})
            expect_cells(house, made)
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
        machine = house.start("run", "--meters", catalog(house, "protobuf"), "--schemas", registry.url).wait_ready()
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


@check
def directory():
    """schemas from files: a partition waits for a file that is missing, and goes on when it is there"""
    with House(partitions=2) as house, Registry(free_port()) as registry:
        made = events.some(60, seed=5)
        folder = house.folder / "schemas"
        folder.mkdir()
        path = catalog(house, "protobuf")
        machine = house.start("run", "--meters", path, "--schemas", str(folder)).wait_ready()
        send(house, registry, "protobuf", made)
        waiting = lambda: sum(value for name, value in machine.metrics().items() if name.startswith(WAITING))
        wait_until(lambda: waiting() > 0, 20, "a partition waits")
        for number, schema in registry.schemas.items():
            for name in (number, registry.guid(number)):
                (folder / f"{name}.proto").write_text(schema["schema"])
        (folder / "acme").mkdir()
        (folder / "acme" / "level.proto").write_text(events.LEVEL_PROTO)
        house.wait_counted(60)
        expect_cells(house, made)
        said = house.call("check", "--meters", path, "--schemas", str(folder))
        expect(str(min(registry.schemas)) in said, said[-2000:])
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def credentials():
    """basic and bearer credentials reach the registry and no log; a redirect is not followed"""
    for text, header in (("user:se cret", "Basic dXNlcjpzZSBjcmV0"), ("Bearer tokentoken", "Bearer tokentoken")):
        with House(partitions=1) as house, Registry(free_port()) as registry, Registry(free_port()) as elsewhere:
            made = events.some(10, seed=5)
            send(house, registry, "avro", made)
            registry.authorization = header
            registry.status, registry.elsewhere = 302, elsewhere.url + "/schemas/ids/1"
            secret = house.folder / "secret"
            secret.write_text(text + "\n")
            machine = house.start("run", "--meters", catalog(house, "avro"), "--schemas", registry.url,
                                  "--schemas-credentials-file", str(secret), "--log-level", "debug").wait_listening()
            wait_until(lambda: "HTTP status 302" in machine.log.read_text(), 20, "the redirect in the log")
            expect(elsewhere.asked == [], elsewhere.asked)
            registry.status = 200
            house.wait_counted(60)
            expect_cells(house, made)
            log = machine.log.read_text()
            for word in ("se cret", "tokentoken", header.split()[1]):
                expect(word not in log, "credentials in the log")
            expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def https():
    """over HTTPS with a CA of its own, basic and bearer: exact counts; another CA, another name, an old certificate: one line each"""
    with House(partitions=1) as house:
        authority, stranger = Authority(house.folder, "authority"), Authority(house.folder, "stranger")
        good = authority.issue("good", "IP:127.0.0.1")
        faults = [
            (stranger.issue("strange", "IP:127.0.0.1"), f"its certificate is not signed by a CA in {authority.file}"),
            (authority.issue("other", "DNS:registry.example"), "its certificate is for another name ("),
            (authority.issue("old", "IP:127.0.0.1", days=-1), "its certificate has ended"),
        ]
        # The same schemas, once for the serializer and once over HTTPS.
        with Registry(free_port()) as plain, Registry(free_port(), certificate=good) as registry:
            registry.schemas, registry.guids = plain.schemas, plain.guids
            made = events.some(30, seed=11)
            send(house, plain, "avro", made)
            path = catalog(house, "avro")
            secret = house.folder / "secret"
            where = ["--schemas", registry.url, "--schemas-credentials-file", str(secret)]
            trust = ["--schemas-ca", str(authority.file)]
            text, registry.authorization = "Bearer a-token-of-ours", "Bearer a-token-of-ours"
            secret.write_text(text + "\n")
            for certificate, said in faults:
                registry.stop()
                registry.certificate = certificate
                registry.start()
                machine = house.start("run", "--meters", path, *where, *trust).wait_listening()
                wait_until(lambda: said in get(f"{machine.admin}/readyz")[2].decode(), 20, said)
                lines = [line for line in machine.log.read_text().splitlines() if "waits at offset 0" in line]
                expect(len(lines) == 1 and said in lines[0], f"one line that says why: {lines}")
                expect(machine.terminate() == 0, "exit code after SIGTERM")
            expect(registry.asked == [], f"asked in spite of its certificate: {registry.asked}")
            machine = house.start("run", "--meters", path, *where).wait_listening()
            said = "its certificate is not signed by a CA that this system trusts: set --schemas-ca"
            registry.stop()
            registry.certificate = good
            registry.start()
            wait_until(lambda: said in get(f"{machine.admin}/readyz")[2].decode(), 20, said)
            expect(machine.terminate() == 0, "exit code after SIGTERM")
            machine = house.start("run", "--meters", path, *where, *trust)
            house.wait_counted(60)
            expect_cells(house, made)
            expect(machine.terminate() == 0, "exit code after SIGTERM")
            # Another process, which knows no schema, with a user and a password.
            registry.authorization = "Basic dXNlcjpwYXNzOndvcmQ="
            secret.write_text("user:pass:word\n")
            more = events.some(20, seed=12)
            send(house, plain, "avro", more)
            machine = house.start("run", "--meters", path, *where, *trust)
            house.wait_counted(60)
            expect_cells(house, made + more)
            expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def unknown_ids():
    """1,000 records with 1,000 ids that the registry does not have are dead letters within seconds, and one line tells of them"""
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
        lines = [line for line in machine.log.read_text().splitlines() if "the registry has no schema" in line]
        expect(len(lines) == 1, lines[:3])
        expect(seconds < 30, f"{seconds:.0f} s")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def refusals():
    """a catalog without a place for its schemas, a place with a password, and schemas for JSON are refused"""
    with House(partitions=1) as house:
        path = catalog(house, "avro")
        house.call("check", "--meters", path, expected=2)
        house.call("check", "--meters", path, "--schemas", "http://user:password@127.0.0.1:1", expected=2)
        house.call("check", "--meters", path, "--schemas", str(house.folder / "nothing"), expected=2)
        house.call("check", "--schemas", "http://127.0.0.1:1", expected=2)
        # A CA that is none, and one that would not be used.
        secure = ("check", "--meters", path, "--schemas", "https://127.0.0.1:1", "--schemas-ca")
        house.call(*secure, path, expected=2)
        house.call(*secure, str(house.folder / "nothing"), expected=2)
        authority = str(Authority(house.folder, "authority").file)
        house.call(*secure, authority)
        house.call("check", "--meters", path, "--schemas", "http://127.0.0.1:1", "--schemas-ca", authority, expected=2)


run()
