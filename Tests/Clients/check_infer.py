"""`odometer catalog infer`: the catalog that it writes for a topic counts that topic."""

import collections
import json
import time

from checks import check, expect, run
from house import House, key_name

House.needed()

SUBJECTS = [f"h{number}.example" for number in range(5)]


def requests(count, begin):
    """Lines of an access log: numbers in texts, an id that is another one each time."""
    for number in range(count):
        yield {
            "id": f"r{number * 7919}", "host": SUBJECTS[number % 5], "msec": f"{begin + number / 1000:.3f}",
            "status": "404" if number % 9 == 0 else "200", "bytes": str(number * 311), "seconds": f"0.0{10 + number % 90}",
        }


def expect_counted(house, text, accepted, wanted):
    """Counts the topic with a drafted catalog, unchanged; `wanted`: the bytes of each customer."""
    path = house.folder / "inferred.yaml"
    path.write_text(text)
    machine = house.start("run", "--meters", str(path)).wait_ready()
    house.wait_counted()
    machine.wait_outcomes({"accepted": accepted})
    meter = next(line.split(":")[0].strip() for line in text.splitlines() if "amount: bytes" in line)
    for subject, count in wanted.items():
        found = house.redis.hget(f"{key_name(subject)}:totals", meter)
        expect(found == str(count), f"{subject}: {found}, not {count}")
    house.call("verify", "--full", "--meters", str(path))
    expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def counts():
    """a topic of an access log: the first catalog, unchanged, counts it exactly"""
    with House(partitions=3) as house:
        begin = int(time.time()) - 60
        made = list(requests(600, begin))
        producer = house.producer()
        for number, record in enumerate(made):
            producer.produce(house.topic, partition=number % 3, value=json.dumps(record), timestamp=int(time.time() * 1000))
        expect(producer.flush(30) == 0, "flush")
        text = house.call("catalog", "infer", "--topic", house.topic, "--sample", "300")
        expect("  id: /id\n" in text and "{at: /msec, format: unix}" in text and "  subject: /host" in text, text)
        expect(all(record["id"] not in text for record in made), "an id of a record is in the catalog")
        wanted = collections.Counter()
        for record in made:
            wanted[record["host"]] += int(record["bytes"])
        expect_counted(house, text, 600, {subject: wanted[subject] for subject in SUBJECTS})


@check
def lists_and_headers():
    """events in lists within lists, whose customer is in a header: the first catalog, unchanged, counts them exactly"""
    with House(partitions=2) as house:
        begin, wanted = int(time.time()) - 60, collections.Counter()
        producer = house.producer()
        for number in range(60):
            groups = [{"host": f"h{group}", "points": [{"ts": begin + number, "bytes": number * 10 + point} for point in range(3)]}
                      for group in range(2)]
            wanted[f"t{number % 4}"] += sum(point["bytes"] for group in groups for point in group["points"])
            producer.produce(house.topic, value=json.dumps({"sent": "today", "groups": groups}),
                             headers=[("tenant", f"t{number % 4}"), ("traceparent", "00")], partition=number % 2)
        expect(producer.flush(30) == 0, "flush")
        text = house.call("catalog", "infer", "--topic", house.topic)
        expect("  each: [/groups, /points]\n" in text and "  subject: {header: tenant}" in text, text)
        expect_counted(house, text, 360, wanted)


@check
def without_ids():
    """events without an id, some without a customer: the draft is tried on the sample and written"""
    with House(partitions=2) as house:
        producer = house.producer()
        for number in range(40):
            event = {"level": number % 3, **({"tenant": f"t{number % 4}"} if number else {})}
            producer.produce(house.topic, value=json.dumps(event))
        expect(producer.flush(30) == 0, "flush")
        text = house.call("catalog", "infer", "--topic", house.topic)
        expect("id: {record: true}" in text and "[/tenant, {const: unknown}]" in text, text)


@check
def refuses():
    """a topic without events in JSON, an empty one, and two topics end with a reason"""
    with House(partitions=1) as house:
        house.call("catalog", "infer", "--topic", house.topic, expected=1)
        house.call("catalog", "infer", "--topic", "a", "--topic", "b", expected=2)
        producer = house.producer()
        for value in (b"hello", bytes([0, 0, 0, 0, 7, 1]), None):
            producer.produce(house.topic, value=value)
        expect(producer.flush(30) == 0, "flush")
        house.call("catalog", "infer", "--topic", house.topic, expected=1)


run()
