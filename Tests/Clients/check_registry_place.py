"""Where schemas come from: a directory, a registry with credentials or HTTPS, what doctor and verify say of it, and refusals."""

import json

import registry_events as events
from authority import Authority
from checks import check, expect, run
from house import House, free_port, get, wait_until
from registry_house import catalog, expect_cells, send, verify
from schema_registry import Registry

House.needed()
WAITING = "odometer_partition_schema_waiting"


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
        verify(house, path, "--schemas", str(folder))
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
            path = catalog(house, "avro")
            where = ["--schemas", registry.url, "--schemas-credentials-file", str(secret)]
            machine = house.start("run", "--meters", path, *where, "--log-level", "debug").wait_listening()
            wait_until(lambda: "HTTP status 302" in machine.log.read_text(), 20, "the redirect in the log")
            expect(elsewhere.asked == [], elsewhere.asked)
            registry.status = 200
            house.wait_counted(60)
            expect_cells(house, made)
            verify(house, path, *where)
            log = machine.log.read_text()
            for word in ("se cret", "tokentoken", header.split()[1]):
                expect(word not in log, "credentials in the log")
            expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def verification_without_schemas():
    """a verification whose schema cannot be had ends with an error that says so, and compares nothing"""
    with House(partitions=1) as house, Registry(free_port()) as registry:
        path, where = catalog(house, "avro"), ["--schemas", registry.url]
        machine = house.start("run", "--meters", path, *where).wait_ready()
        send(house, registry, "avro", events.some(10, seed=5))
        house.wait_counted()
        house.call("verify", "--full", "--meters", path, expected=2)
        registry.status, said = 503, ""
        try:
            verify(house, path, *where, "--timeout", "1s")
        except AssertionError as failure:
            said = str(failure)
        expect("ended with 1:" in said and "cannot be had" in said and "HTTP status 503" in said, said)
        registry.status = 200
        verify(house, path, *where)
        # Of another registry the schemas are others: what it counts differs.
        with Registry(free_port()) as other:
            verify(house, path, "--schemas", other.url, expected=1)
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
                log = machine.log.read_text().splitlines()
                lines = [line for line in log if "waits at offset 0" in line]
                # Each lane that was given the partition in turn says it once.
                owners = sum("event=assigned" in line and "has 1 partitions" in line for line in log)
                expect(1 <= len(lines) <= owners, f"one line an owner of the partition: {log}")
                expect(all(said in line for line in lines), f"a line that says why: {lines}")
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
def doctor():
    """doctor says whether the place of the schemas answers and how many it has; none of it for JSON"""
    with House(partitions=1) as house, Registry(free_port()) as registry:
        path = catalog(house, "avro")

        def found(where, expected=0):
            report = json.loads(house.call("doctor", "--meters", path, *where, "--json", expected=expected))
            return [(each["grade"], each["message"]) for each in report["findings"] if each["check"] == "schemas-reach"]

        where = ["--schemas", registry.url]
        expect(found(where) == [("warning", f"{registry.url} has no schemas")], found(where))
        for subject in ("one", "two"):
            registry.add(subject, '"string"')
        expect(found(where) == [("ok", f"the registry at {registry.url} answers: 2 subjects")], found(where))
        registry.status = 401
        expect(found(where, 1) == [("error", f"schemas cannot be asked for: {registry.url}: HTTP status 401")], found(where, 1))
        registry.stop()
        (grade, text), = found(where, 1)
        expect(grade == "error" and registry.url in text and "onnect" in text, (grade, text))
        folder = house.folder / "schemas"
        folder.mkdir()
        where = ["--schemas", str(folder)]
        expect(found(where) == [("warning", f"{folder} has no schemas")], found(where))
        (folder / "1.avsc").write_text('"string"')
        expect(found(where) == [("ok", f"{folder} has 1 schema")], found(where))
        (folder / "2.avsc").write_text('{"type": "record"')
        (grade, text), = found(where)
        expect(grade == "warning" and "2 schemas, of which 1 cannot be used" in text and "2.avsc" in text, (grade, text))
        path = catalog(house, "json-schema")
        expect(found([]) == [], found([]))


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
