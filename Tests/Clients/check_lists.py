"""Records of many events, ten times kill -9 on the way: all events of a record are counted or none is.

RECORDS sets how many records (4,000), CHECK_SEED repeats the events and moments of an earlier run.
"""

import collections
import json
import os
import random
import threading
import time

from checks import check, expect, run
from house import House, key_name, wait_until

House.needed()
RECORDS = int(os.environ.get("RECORDS", 4_000))
SEED = int(os.environ.get("CHECK_SEED", time.time_ns() % 1_000_000))
KILLS = 10
PARTITIONS = 3
SESSION = ["--kafka-property", "session.timeout.ms=6000"]
METERS = """
meters:
  calls: {kind: count, windows: [day, all], "on": [{event: use}]}
  tokens: {kind: sum, by: [model], windows: [month, all], "on": [{event: use, amount: n}]}
"""
CATALOGS = {
    "batch": """
version: 1
events:
  use: {fields: {n: {at: /data/n, is: integer, required: true}, model: {at: /data/model}}}
""",
    "nested": """
version: 1
envelope:
  each: [/resources, /metrics/list, /points]
  id: [/id, {record: true}]
  source: {in: record, at: /source}
  type: {in: /metrics/list, at: /name}
  subject: {in: /resources, list: /attributes, key: key, value: value, name: tenant}
  time: {at: /at, format: unix-ms}
events:
  use: {fields: {n: {at: /n, is: integer, required: true}, model: {at: [/model, {in: /metrics/list, at: /model}]}}}
""",
    "lines": """
version: 1
envelope: {each: lines, id: {record: true}, source: {const: s}, type: /type, subject: /org, time: /at}
events:
  use: {fields: {n: {at: /n, is: integer, required: true}, model: {at: /model}}}
""",
}
MOMENT = 1_773_065_251_000  # 2026-03-09T14:07:31Z
RFC = "2026-03-09T14:07:31Z"


class Log:
    """Records of a shape, and what they must count, computed while they are made."""

    def __init__(self, shape, chance):
        self.shape, self.chance = shape, chance
        self.known = [[] for _ in range(PARTITIONS)]  # events with an id that can come again
        self.seen = [set() for _ in range(PARTITIONS)]
        self.cells = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
        self.outcomes = collections.Counter()
        self.letters = collections.Counter()
        self.further = 0
        self.number = 0

    def fresh(self, partition):
        self.number += 1
        known = self.known[partition]
        if known and self.shape != "lines" and self.chance.random() < 0.1:
            return dict(self.chance.choice(known))
        event = {
            "id": f"e{self.number}", "org": f"org-{self.chance.randrange(60)}", "n": self.chance.randrange(1000),
            "model": self.chance.choice(["large", "small", "tiny:1"]),
            "type": "other" if self.chance.random() < 0.03 else "use",
        }
        if self.shape == "nested" and self.chance.random() < 0.2:
            event["id"] = None  # the record is its id
        if self.chance.random() < 0.004:
            event["n"] = "many"
        if event["type"] == "use" and event["n"] != "many":
            known.append(event)
        return event

    def record(self, partition):
        """Value and headers of the next record of a partition."""
        chance = self.chance
        count = 0 if chance.random() < 0.03 else chance.choice([1, 2, 5, 20, 60])
        events = [self.fresh(partition) for _ in range(count)]
        if self.shape == "nested":
            # Events of one resource and metric are beside each other.
            events.sort(key=lambda event: (event["org"], event["type"]))
        single = self.shape == "batch" and chance.random() < 0.3
        if single:
            events = events[:1] or [self.fresh(partition)]
        self.count(partition, events, single)
        return getattr(self, self.shape)(events, single)

    def count(self, partition, events, single):
        wrong = [number for number, event in enumerate(events) if event["n"] == "many" and event["type"] == "use"]
        if wrong:
            self.outcomes["bad_field"] += 1
            place = "/data/n" if self.shape == "batch" else "/n"
            where = "" if single else f"event {wrong[0]}: "
            self.letters[f"{where}field has the wrong type: {place}"] += 1
            return
        if not events:
            self.outcomes["ignored"] += 1
        self.further += max(0, len(events) - 1)
        for event in events:
            identity = (event["org"], event["id"])
            if event["type"] != "use":
                self.outcomes["ignored"] += 1
            elif self.shape != "lines" and event["id"] and identity in self.seen[partition]:
                self.outcomes["duplicate"] += 1
            else:
                self.outcomes["accepted"] += 1
                self.seen[partition].add(identity)
                cells = self.cells[event["org"]]
                cells["totals"]["calls"] += 1
                cells["calls:day:2026-03"]["09"] += 1
                for window in ("month:2026-03", "all"):
                    cells[f"tokens:{window}"][event["model"].replace(":", "%3A")] += event["n"]

    def batch(self, events, single):
        made = [
            {
                "specversion": "1.0", "id": event["id"], "source": "s", "type": event["type"], "subject": event["org"],
                "time": RFC, "data": {"model": event["model"], "n": event["n"]},
            }
            for event in events
        ]
        if single:
            return json.dumps(made[0]), {}
        return json.dumps(made), {"content-type": b"application/cloudevents-batch+json"}

    def lines(self, events, _):
        made = [json.dumps({**event, "at": RFC, "note": "a\\\n"}) for event in events]
        return "".join(line + self.chance.choice(["\n", "\r\n", "\n \n"]) for line in made), {}

    def nested(self, events, _):
        resources = []
        for event in events:
            attributes = [{"key": "host", "value": "h"}, {"key": "tenant", "value": event["org"]}]
            if not resources or resources[-1]["attributes"] != attributes:
                resources.append({"attributes": attributes, "metrics": {"list": [{"name": "none"}]}})
            metrics = resources[-1]["metrics"]["list"]
            if metrics[-1]["name"] != event["type"]:
                metrics.append({"points": [], "name": event["type"], "model": "tiny:1"})
            point = {"id": event["id"], "n": event["n"], "at": MOMENT, "model": event["model"]}
            if event["model"] == "tiny:1":
                del point["model"]  # said once, of the metric
            metrics[-1]["points"].append(point)
        return json.dumps({"source": "s", "resources": resources}, ensure_ascii=self.chance.random() < 0.5), {}


def found_cells(house, subject):
    name = key_name(subject)
    keys = house.redis.scan_iter(f"{name}:*", count=10_000)
    return {key[len(name) + 1 :]: house.redis.hgetall(key) for key in keys}


def audit(house):
    """Sums of the audit over all shards by name; of `delivered` those of shard 0."""
    sums = collections.Counter()
    for key in house.redis.scan_iter("odo:1:*:audit", count=10_000):
        for member, value in house.redis.hgetall(key).items():
            if ":" in member:
                sums[member.split(":")[-1]] += int(value) if "delivered" not in member else 0
    for member, value in house.redis.hgetall("odo:1:{000}:audit").items():
        sums["delivered"] += int(value) if member.endswith(":delivered") else 0
    return sums


def killed(shape):
    chance = random.Random(f"{SEED} {shape}")
    print(f"seed {SEED}")
    with House(partitions=PARTITIONS) as house:
        path = house.folder / "lists.yaml"
        path.write_text(CATALOGS[shape] + METERS)
        meters = ["--meters", str(path)]
        house.call("check", *meters)
        log, producer = Log(shape, random.Random(chance.random())), house.producer()

        def produce():
            for number in range(RECORDS):
                value, headers = log.record(partition := log.chance.randrange(PARTITIONS))
                producer.produce(
                    house.topic, partition=partition, key=b"k", value=value, headers=headers,
                    timestamp=MOMENT + 60_000,
                )
                producer.poll(0)
                # The log grows all the while, so that every kill meets a machine at work.
                if number % 40 == 0:
                    producer.flush(30)
                    time.sleep(0.2)
            producer.flush(30)

        thread = threading.Thread(target=produce)
        thread.start()
        where = [0]
        for number in range(KILLS):
            machine = house.start("run", *meters, "--instance", "check", "--commit-interval", "100ms", *SESSION)
            wait_until(lambda: sum(house.marks().values()) > where[-1] or not thread.is_alive(), 60, "a commit")
            time.sleep(chance.uniform(0, 0.7))
            machine.kill()
            where.append(sum(house.marks().values()))
            # The books hold at every moment: of a record no shard has a part.
            house.call("verify")
        print("killed at", where)
        expect(len({mark for mark in where if 0 < mark < RECORDS}) >= 5, f"hardly a kill met a machine at work: {where}")
        thread.join()
        machine = house.start("run", *meters, "--instance", "check", *SESSION)
        house.wait_counted(60)
        subjects = {key.split(":")[3] for key in house.redis.scan_iter("odo:1:{*}:*:*", count=10_000)} - {"directory"}
        expect(subjects == set(log.cells), f"other organizations: {subjects ^ set(log.cells)}")
        for subject, cells in log.cells.items():
            wanted = {
                key: {field: str(value) for field, value in fields.items() if value} for key, fields in cells.items()
            }
            found = found_cells(house, subject)
            expect(found == {key: fields for key, fields in wanted.items() if fields}, f"{subject}: {found}, not {wanted}")
        books = audit(house)
        wanted = {
            "delivered": RECORDS, "further": log.further, "rejected": log.outcomes["bad_field"],
            **{name: log.outcomes[name] for name in ("accepted", "duplicate", "ignored")},
        }
        expect({name: books[name] for name in wanted} == wanted, f"the audit has {dict(books)}, not {wanted}")
        letters = collections.Counter()
        for record in house.records(house.dead, 1):
            letters[dict(record.headers())["detail"].decode(), record.key()] = 1
        details = collections.Counter(detail for detail, _ in letters)
        expect(details == log.letters, f"dead letters {details}, not {log.letters}")
        print(f"{sum(log.outcomes.values())} outcomes of {RECORDS} records, {len(letters)} dead letters")
        house.call("verify", "--full", *meters)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def batches():
    """batches of CloudEvents and single events in turn, killed ten times: exact cells, audit and dead letters"""
    killed("batch")


@check
def nested():
    """lists within lists, values of what contains the events, killed ten times: exact cells, audit and dead letters"""
    killed("nested")


@check
def lines():
    """an event in each line, with the record as its id, killed ten times: exact cells, audit and dead letters"""
    killed("lines")


run()
