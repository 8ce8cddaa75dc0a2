"""Events over HTTP: what clients send is counted once, also where Kafka or Odometer dies on the way."""

import concurrent.futures
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import house
import requests
from checks import ROOT, check, expect, run
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent
from house import BOOTSTRAP, House, get, wait_until

sys.path.insert(0, str(ROOT / "Tests/Faults"))
from servers import Brokers, kafka_tool  # noqa: E402

House.needed()
SDK = pathlib.Path(os.environ.get("SDK_TOOLS", ROOT / ".tools/sdk")) / "bin/python3"
CATALOG = """
version: 1
events:
  use: {fields: {n: {at: /data/n, is: integer, required: true}}}
meters:
  calls: {kind: count, windows: [day, all], "on": [{event: use}]}
  units: {kind: sum, windows: [day, all], "on": [{event: use, amount: n}]}
"""
ORGANIZATION = "acme"
BATCH, LINES = "application/cloudevents-batch+json", "application/x-ndjson"
SESSION = ("--kafka-property", "session.timeout.ms=6000")


class OneBroker(Brokers):
    """A broker that can be killed."""

    COUNT = 1


def event(identity, organization=ORGANIZATION, n=2, **more):
    return {
        "specversion": "1.0", "id": str(identity), "source": "check", "type": "use", "subject": organization,
        "time": "2026-03-09T14:07:31Z", "data": {"n": n}, **more,
    }


class World:
    """A counting process and one that answers and takes events."""

    def __init__(self, house, *options):
        self.house, self.options = house, options
        catalog = house.folder / "catalog.yaml"
        catalog.write_text(CATALOG)
        self.arguments = ("--meters", str(catalog))
        # Keys can be made once every broker knows the topics.
        self.run = house.start("run", *self.arguments, *SESSION).wait_ready(60)
        self.serve()
        self.keys = {role: house.key(ORGANIZATION, "operations", role=role) for role in ("write", "admin", "read")}
        self.keys["openmeter"] = house.key(ORGANIZATION, "openmeter", role="write")
        self.sent = set()

    def serve(self):
        """A new answering process in the place of the last one."""
        self.server = server = self.house.start(
            "serve", *self.arguments, "--ingest-topic", self.house.topic, "--rate-limit", "0", *self.options)
        server.wait_listening()

        def answers():
            try:
                return get(f"{server.url}/healthz")[0] == 200
            except OSError:
                return False

        # The pages of state come before the answers.
        wait_until(answers, 20, "/healthz beside the API")

    def post(self, body, kind="application/cloudevents+json", role="write", timeout=20, **headers):
        if not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode()
        return requests.post(
            f"{self.server.url}/v1/events", data=body, timeout=timeout,
            headers={"Content-Type": kind, "Authorization": f"Bearer {self.keys[role]}", **headers})

    def counted(self):
        """The events and the sum of their numbers, as the API answers."""
        found = []
        for meter in ("calls", "units"):
            status, _, body = get(
                f"{self.server.url}/v1/meters/{meter}", {"Authorization": f"Bearer {self.keys['admin']}"})
            expect(status == 200, f"{meter}: {status} {body}")
            found.append(json.loads(body)["data"][0]["value"])
        return tuple(found)

    def expect_counted(self, seconds=60):
        """All events that were sent are counted, each once."""
        self.house.wait_counted(seconds)
        wanted = (len(self.sent), 2 * len(self.sent))
        wait_until(lambda: self.counted()[0] >= wanted[0], 20, f"{wanted}, not {self.counted()}")
        expect(self.counted() == wanted, f"{self.counted()}, not {wanted}")

    def retry(self, ids, give_up=60):
        """Sends a batch until every event is accepted, as a client does; how often it was sent."""
        body = json.dumps([event(identity) for identity in ids])
        end = time.monotonic() + give_up
        times = 0
        while time.monotonic() < end:
            times += 1
            try:
                answer = self.post(body.encode(), BATCH, timeout=15)
            except requests.RequestException:
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                expect(answer.json()["accepted"] == len(ids), answer.text[:300])
                self.sent.update(map(str, ids))
                return times
            expect(answer.status_code in (429, 503), f"{answer.status_code} {answer.text[:300]}")
            time.sleep(0.1)
        raise AssertionError(f"not accepted within {give_up} s")


def settle(world):
    world.run.wait_ready(60)


@contextlib.contextmanager
def at(bootstrap):
    """What is asked of Kafka is asked there."""
    before, house.BOOTSTRAP = house.BOOTSTRAP, bootstrap
    try:
        yield
    finally:
        house.BOOTSTRAP = before


with House() as own:
    world = World(own)
    settle(world)

    def took(answer, count, ids):
        expect(answer.status_code == 200 and answer.json()["accepted"] == count, f"{answer.status_code} {answer.text[:300]}")
        world.sent.update(map(str, ids))

    @check
    def forms():
        """curl, requests, the cloudevents package, NDJSON and gzip: every event counts once, also those sent three times"""
        body = json.dumps(event("curl"))
        said = subprocess.run(
            ["curl", "-sS", "-X", "POST", f"{world.server.url}/v1/events", "-H", f"Authorization: Bearer {world.keys['write']}",
             "-H", "Content-Type: application/cloudevents+json; charset=utf-8", "--data-binary", body],
            capture_output=True, text=True, timeout=30, check=True)
        expect(json.loads(said.stdout) == {
            "accepted": 1, "rejected": 0, "results": [{"id": "curl", "outcome": "accepted"}]}, said.stdout)
        world.sent.add("curl")
        for _ in range(3):
            took(world.post([event(f"b{n}") for n in range(1000)], BATCH), 1000, (f"b{n}" for n in range(1000)))
        took(world.post([event(f"j{n}") for n in range(3)], "application/json"), 3, (f"j{n}" for n in range(3)))
        made = to_structured_event(CloudEvent(
            {"id": "sdk-2", "source": "check", "type": "use", "subject": ORGANIZATION, "specversion": "1.0"}, {"n": 2}))
        took(world.post(bytes(made.body), **made.headers), 1, ["sdk-2"])
        lines = "\n".join(json.dumps(event(f"l{n}")) for n in range(10_000)).encode()
        packed = gzip.compress(lines)
        expect(len(packed) < len(lines) // 10, "gzip")
        answer = world.post(packed, LINES, **{"Content-Encoding": "gzip"})
        took(answer, 10_000, (f"l{n}" for n in range(10_000)))
        expect([result["id"] for result in answer.json()["results"]] == [f"l{n}" for n in range(10_000)], "order")
        world.expect_counted()

    @check
    def by_sdk():
        """CloudEvents' package 1.x, where it is installed"""
        if not SDK.exists():
            return
        ids = [f"sdk-1-{n}" for n in range(5)]
        subprocess.run(
            [SDK, ROOT / "Tests/Clients/ingest_clients.py", "cloudevents", world.server.url, world.keys["write"], ORGANIZATION, *ids],
            check=True, timeout=60)
        world.sent.update(ids)
        world.expect_counted()

    @check
    def by_openmeter():
        """OpenMeter's own client for Python: one event, then many; another organization's, or a broken one, is refused whole"""
        if not SDK.exists():
            return
        ids = [f"om-{n}" for n in range(6)]
        subprocess.run(
            [SDK, ROOT / "Tests/Clients/ingest_clients.py", "openmeter", world.server.url, world.keys["openmeter"], ORGANIZATION, *ids],
            check=True, timeout=60)
        world.sent.update(ids)
        kind = {"Content-Type": BATCH, "Authorization": f"Bearer {world.keys['openmeter']}"}
        for path, right in (("/api/v1/events", 204), ("/api/v3/openmeter/events", 202)):
            for bad, status in ((event("om-x", "other"), 403), ({**event("om-y"), "id": ""}, 400)):
                answer = requests.post(world.server.url + path, json=[event(f"om-none-{right}"), bad], headers=kind, timeout=20)
                expect(answer.status_code == status and answer.json()["status"] == status, f"{path}: {answer.status_code} {answer.text}")
            answer = requests.post(world.server.url + path, json=[event(f"om-{right}")], headers=kind, timeout=20)
            expect(answer.status_code == right and answer.content == b"", f"{path}: {answer.status_code} {answer.text}")
            world.sent.add(f"om-{right}")
        world.expect_counted()

    @check
    def records():
        """records are structured CloudEvents with the organization as key, in the partition of Java's partitioner"""
        found = [record for record in own.records() if json.loads(record.value())["id"] in ("curl", "b1", "l9999")]
        expect(len(found) == 5, f"{len(found)} records")
        for record in found:
            expect(record.key() == ORGANIZATION.encode(), record.key())
            expect(("content-type", b"application/cloudevents+json") in record.headers(), record.headers())
        producer = own.producer(partitioner="murmur2_random")
        where = []
        other = "another-topic-is-not-needed"
        producer.produce(own.topic, key=ORGANIZATION.encode(), value=json.dumps(event("java", other)).encode(),
                         on_delivery=lambda error, record: where.append((error, record.partition())))
        producer.flush(30)
        expect(where == [(None, found[0].partition())] and len({r.partition() for r in found}) == 1, where)

    @check
    def verdicts():
        """each event of a body is told what counting would say of it; those of other organizations are refused"""
        answer = world.post(
            [event("v1"), event("v2", "other"), event("v3", data={}), event("v4", type="unknown"), event("v5", time="2099-01-01T00:00:00Z"),
             {"id": "v6"}, 7], BATCH)
        world.sent.add("v1")
        said = [(result["outcome"], result.get("reason")) for result in answer.json()["results"]]
        expect(said == [
            ("accepted", None), ("rejected", "organization"), ("rejected", "bad_field"), ("accepted", None), ("rejected", "future"),
            ("rejected", "malformed"), ("rejected", "malformed")], said)
        expect(answer.json()["results"][3]["ignored"] is True, "ignored")
        expect(answer.status_code == 200 and answer.json()["accepted"] == 2, answer.text)
        expect(world.post(event("v7", "other")).status_code == 400, "another organization alone")
        expect(world.post(event("v8"), role="read").status_code == 403, "a read key")
        expect(world.post(event("v9"), Authorization="Bearer none").status_code == 401, "no key")
        world.expect_counted()
        expect(world.run.outcomes().get("bad_field") is None, world.run.outcomes())

    @check
    def limits():
        """too large, too many, too much after unpacking, broken: a status and nothing sent"""
        before = own.ends()
        large = b"[" + b" " * (8 << 20) + b"]"
        for body, kind, headers, status in (
            (large, BATCH, {}, 413),
            (b"1\n" * 10_001, LINES, {}, 413),
            (gzip.compress(large), BATCH, {"Content-Encoding": "gzip"}, 413),
            (b"{}", BATCH, {"Content-Encoding": "gzip"}, 400),
            (b"[1", BATCH, {}, 400),
            (b"{}", "text/plain", {}, 415),
            (b"{}", BATCH, {"Content-Encoding": "br"}, 415),
        ):
            try:
                answer = world.post(body, kind, **headers)
            except requests.ConnectionError:
                # The refusal of a length comes before the body is read.
                expect(status == 413 and len(body) > 8 << 20, "the connection was closed")
                continue
            expect(answer.status_code == status, f"{kind} {headers}: {answer.status_code}, not {status}")
        expect(own.ends() == before, "the log grew")
        expect(world.post(b"x" * 70_000, path_kind := "application/json").status_code == 400, path_kind)
        port = int(world.server.url.rsplit(":", 1)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/v1/query", b"x" * 70_000, {"Authorization": f"Bearer {world.keys['admin']}"})
        expect(connection.getresponse().status == 413, "other paths take small bodies only")

    @check
    def metrics():
        """what was taken is in the metrics, and neither keys nor bodies are in the log"""
        said = world.server.metrics()
        expect(said['odometer_ingest_events_total{outcome="accepted"}'] >= len(world.sent), said)
        expect(said['odometer_ingest_events_total{outcome="rejected"}'] >= 5, said)
        expect(said['odometer_ingest_waiting_bytes'] == 0 and said["odometer_ingest_bytes_total"] > 1e6, said)
        expect(said["odometer_ingest_acknowledgement_seconds_count"] >= 7, said)
        log = world.server.log.read_text()
        expect("specversion" not in log and world.keys["write"] not in log and "odo_w_" not in log, log[-500:])

    @check
    def kills():
        """kill -9 of serve while four clients post: after their retries every event counts once"""
        ids = [[f"k{client}-{batch}-{n}" for n in range(200)] for client in range(4) for batch in range(15)]
        stop = threading.Event()

        def kill():
            while not stop.wait(0.3):
                world.server.kill()
                world.serve()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                times = sum(pool.map(world.retry, ids))
        finally:
            stop.set()
            killer.join()
        # What a thread has started ends with that thread.
        world.server.kill()
        world.serve()
        expect(times > len(ids), "no kill met a request")
        world.expect_counted()

    @check
    def graceful():
        """a stop waits for the acknowledgements of what it has taken"""
        answers = []
        threads = [
            threading.Thread(target=lambda n=n: answers.append(world.post([event(f"g{n}-{i}") for i in range(5000)], BATCH)))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: world.server.metrics()["odometer_ingest_bytes_total"] > 0, 10, "the first body")
        expect(world.server.terminate(20) == 0, "the exit code")
        for thread in threads:
            thread.join()
        world.serve()
        for n, _ in enumerate(threads):
            world.retry([f"g{n}-{i}" for i in range(5000)])
        expect(any(answer.status_code == 200 for answer in answers), [answer.status_code for answer in answers])
        world.expect_counted()

    if not kafka_tool():
        print("skipped: no broker of its own: neither KAFKA_TOOL nor KAFKA_HOME is set")
        run()
    with OneBroker() as brokers, at(brokers.bootstrap), House() as hurt:
        fragile = World(hurt, "--http-threads", "2", "--organization-requests", "0")
        settle(fragile)

        def broker_away():
            """Kafka away: 503 within 10 s names the unknown events, meanwhile two threads answer questions at once"""
            fragile.retry(["first"])
            fragile.expect_counted()
            brokers.kill(1)
            begin = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                posts = [pool.submit(fragile.post, [event(f"away-{n}"), event("x", "other")], BATCH) for n in range(8)]
                wait_until(lambda: fragile.server.metrics()["odometer_ingest_waiting_events"] == 8, 5, "eight that wait")
                asked = time.monotonic()
                expect(fragile.counted() == (1, 2), "the numbers")
                expect(time.monotonic() - asked < 1, f"questions took {time.monotonic() - asked:.1f} s")
                answers = [post.result() for post in posts]
            expect(time.monotonic() - begin < 10, f"{time.monotonic() - begin:.1f} s")
            for answer in answers:
                expect(answer.status_code == 503 and answer.headers["Retry-After"] == "1", answer.text)
                said = [result["outcome"] for result in answer.json()["results"]]
                expect(said == ["unknown", "rejected"] and answer.json()["unknown"] == 1, said)
            expect("not acknowledged by Kafka" in fragile.server.log.read_text(), "the log")
            brokers.restart(1)
            for n in range(8):
                fragile.retry([f"away-{n}"])
            settle(fragile)
            fragile.expect_counted()

        def broker_killed():
            """kill -9 of the broker while two clients post: after their retries every event counts once"""
            ids = [[f"h{client}-{batch}-{n}" for n in range(300)] for client in range(2) for batch in range(20)]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                posts = [pool.submit(fragile.retry, some) for some in ids]
                wait_until(lambda: sum(post.done() for post in posts) >= 8, 30, "some batches")
                brokers.kill(1)
                brokers.restart(1)
                times = sum(post.result() for post in posts)
            settle(fragile)
            fragile.expect_counted()
            print(f"     {len(ids)} batches were sent {times} times")

        for function in (broker_away, broker_killed):
            check(at(brokers.bootstrap)(function))
        house.BOOTSTRAP = BOOTSTRAP
        run()
