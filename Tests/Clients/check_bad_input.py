"""Every kind of bad input has a named outcome, a dead letter where it should, and never stops the position."""

import datetime
import json
import time

from checks import ROOT, check, expect, run
from house import House, escaped, key_name

House.needed()
SUBJECT = "org-1"
TRACE = ("trace", b"\x00\xff")
TOKEN = {"specversion": "1.0", "id": "1", "source": "/s", "type": "token.issued", "subject": SUBJECT}
NOW = datetime.datetime.now(datetime.timezone.utc)


def event(number, data=None, **attributes):
    """A structured event that is fine but for what is given; None leaves a member out."""
    whole = {**TOKEN, "id": f"e{number}", "time": stamp(NOW - datetime.timedelta(days=1)), **attributes}
    whole["data"] = {"agent": "a"} if data is None else data
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def binary(data, **changes):
    """Value and headers of a binary event."""
    headers = {**{f"ce_{name}": value for name, value in TOKEN.items()}, "ce_id": "binary", **changes}
    return data, [(name, value) for name, value in headers.items() if value is not None]


def points(number, count):
    text = event(number, {"count": 0}, type="data_points.ingested").decode()
    return text.replace('"count": 0', f'"count": {count}').encode()


def padded(number, size):
    bare = event(number, {"agent": "a", "padding": ""})
    return event(number, {"agent": "a", "padding": "x" * (size - len(bare))})


def late(number):
    # The one type that can be late: its only windows have ended. The shipped meters keep something of every other.
    return event(number, {"agent": "a"}, type="check.short", time="2020-01-01T00:00:00Z")


# (name, outcome, value[, headers])
CASES = [
    ("null value", "malformed", None),
    ("empty value", "malformed", b""),
    ("truncated", "malformed", event(1)[:-20]),
    ("no JSON", "malformed", b"\x00\xff certainly not JSON"),
    ("an array", "malformed", b"[" + event(2) + b"]"),
    ("a text", "malformed", b'"token.issued"'),
    ("garbage behind", "malformed", event(3) + b"}"),
    ("not UTF-8", "malformed", event(4, {"agent": "@"}).replace(b"@", b"\xc3\x28")),
    ("nested 70 deep", "malformed", event(5, {"agent": "a", "deep": json.loads("[" * 70 + "]" * 70)})),
    ("a member twice", "malformed", event(6).replace(b'"agent"', b'"agent": "b", "agent"')),
    ("specversion 0.3", "malformed", event(7, specversion="0.3")),
    ("no specversion", "malformed", event(8, specversion=None)),
    ("no subject", "malformed", event(9, subject=None)),
    ("empty subject", "malformed", event(10, subject="")),
    ("subject is a number", "malformed", event(11, subject=7)),
    ("no id", "malformed", event(12, id=None)),
    ("no source", "malformed", event(13, source=None)),
    ("no type", "malformed", event(14, type=None)),
    ("time without zone", "malformed", event(15, time="2026-03-09T14:07:31")),
    ("time of a 30 February", "malformed", event(16, time="2026-02-30T14:07:31Z")),
    ("time with hour 25", "malformed", event(17, time="2026-03-09T25:07:31Z")),
    ("time is a number", "malformed", event(18, time=1772000000)),
    ("time is empty", "malformed", event(19, time="")),
    ("a value of 1 MB and a byte", "malformed", padded(20, 1_048_577)),
    ("binary without specversion", "malformed", *binary(b'{"agent": "a"}', ce_specversion=None)),
    ("binary without id", "malformed", *binary(b'{"agent": "a"}', ce_id=None)),
    ("binary, subject not UTF-8", "malformed", *binary(b'{"agent": "a"}', ce_subject=b"\xff\xfe")),
    ("binary, broken data", "malformed", *binary(b'{"agent"')),
    ("no agent", "bad_field", event(21, {})),
    ("agent is null", "bad_field", event(22, {"agent": None})),
    ("agent is a number", "bad_field", event(23, {"agent": 1})),
    ("agent of 257 bytes", "bad_field", event(24, {"agent": "a" * 257})),
    ("subject of 257 bytes", "bad_field", event(25, subject="s" * 257)),
    ("data is a text", "bad_field", event(26, "agent")),
    ("count is a text", "bad_field", points(27, '"12"')),
    ("count is negative", "bad_field", points(28, -1)),
    ("count is a fraction", "bad_field", points(29, 1.5)),
    ("count of 2^53", "bad_field", points(30, 2**53)),
    ("count of 2^40 + 1", "bad_field", points(44, 2**40 + 1)),
    ("count of 2^64", "bad_field", points(31, 2**64)),
    ("count of 1e400", "bad_field", points(32, "1e400")),
    ("an unknown kind of consent", "bad_field", event(33, {"consent": "maybe"}, type="consent.recorded")),
    ("33 categories", "bad_field", event(34, {
        "consent": "full", "categories": {str(n): "granted" for n in range(33)}}, type="consent.recorded")),
    ("binary without data", "bad_field", *binary(None)),
    ("an hour ahead", "future", event(35, time=stamp(NOW + datetime.timedelta(hours=1)))),
    ("every window expired", "late", late(36)),
    ("an unknown type", "ignored", event(37, type="somebody.else")),
    ("an unknown type with a subject too long", "ignored", event(38, type="somebody.else", subject="s" * 257)),
    ("fine", "accepted", event(39)),
    ("fine, sent again", "duplicate", event(39)),
    ("a value of 1 MB", "accepted", padded(40, 1_048_576)),
    ("no time", "accepted", event(41, time=None)),
    ("count of 2^40", "accepted", points(42, 2**40)),
    ("count of 1e3", "accepted", points(43, "1e3")),
    ("an id of every awkward byte", "accepted", event("".join(map(chr, range(0x80))))),
    ("binary, fine", "accepted", *binary(b'{"agent": "a"}')),
]
AWKWARD = [
    "with space", "a:b", "{7}", "100%25", "tab\tline\nzero\0", "Ünï¢ødé 日本", "e\u0301", "\u00e9", "\x7f",
]
SHORT = """\
version: 1
events:
  check.short: {}
meters:
  short: {kind: count, windows: [minute], on: [{event: check.short}]}
"""


def sent(house):
    """Sends all cases and an event each for subjects and agents with awkward bytes; (partition, offset) → case."""
    places = {}
    producer = house.producer(**{"message.max.bytes": 4_000_000})

    def place(case):
        def noted(error, record):
            expect(error is None, error)
            places[record.partition(), record.offset()] = case
        return noted

    for number, case in enumerate(CASES):
        value, headers = case[2], [*(case[3] if len(case) > 3 else []), TRACE]
        producer.produce(
            house.topic, key=SUBJECT, value=value, headers=headers,
            # A duplicate is one only in the same partition.
            partition=(number - (case[1] == "duplicate")) % 4, on_delivery=place(case),
        )
    for number, name in enumerate(AWKWARD):
        for again in range(2):
            value = event(f"awkward-{number}", {"agent": name}, subject=name)
            outcome = "duplicate" if again else "accepted"
            producer.produce(house.topic, key=name, value=value, partition=0, on_delivery=place((name, outcome, value)))
    expect(producer.flush(60) == 0, "flush")
    return places


def wanted_outcomes(places):
    outcomes = {}
    for case in places.values():
        outcomes[case[1]] = outcomes.get(case[1], 0) + 1
    return outcomes


def dead_letters(house, places):
    """Checks the dead letters against what was sent."""
    found = {}
    for letter in house.records(house.dead, 1):
        headers = dict(letter.headers())
        expect(headers["topic"] == house.topic.encode(), headers)
        found[int(headers["partition"]), int(headers["offset"])] = (letter, headers)
    wanted = {place for place, case in places.items() if case[1] in ("malformed", "bad_field", "future", "late")}
    expect(set(found) == wanted, f"dead letters {set(found) ^ wanted}")
    for place, (letter, headers) in found.items():
        case = places[place]
        expect(headers["reason"] == case[1].encode(), f"{case[0]}: {headers['reason']}")
        expect(headers["detail"], f"{case[0]}: no detail")
        wanted = DETAILS.get(case[0], headers["detail"].decode())
        expect(headers["detail"].decode() == wanted, f"{case[0]}: {headers['detail']}")
        expect(letter.value() == case[2], f"{case[0]}: {letter.value()!r:.200}")
        originals = {name.removeprefix("original-"): value for name, value in headers.items() if "original-" in name}
        headers = [*(case[3] if len(case) > 3 else []), TRACE, ("key", SUBJECT)]
        wanted = {name: value.encode() if isinstance(value, str) else value for name, value in headers}
        expect(originals == wanted, f"{case[0]}: {originals}")


# What the dead letter says of some of the cases.
DETAILS = {
    "null value": "null value without CloudEvents headers",
    "truncated": "value is not one JSON text",
    "a member twice": "a member that is asked for is there twice",
    "no id": "id is missing, empty or not a text: /id",
    "binary without id": "id is missing, empty or not a text: ce_id",
    "time without zone": "time is not RFC 3339 with a zone: /time",
    "no agent": "required field is missing: /data/agent",
    "agent of 257 bytes": "text longer than 256 bytes: /data/agent",
    "subject of 257 bytes": "id, source or subject longer than 256 bytes: /subject",
    "count of 2^53": "number is not an integer within 2^53 - 1: /data/count",
    "33 categories": "more than 32 entries: /data/categories",
    "an hour ahead": "event time lies in the future: /time",
    "every window expired": "every window has expired",
}


def listed(house):
    """Checks the command that shows the newest dead letters."""
    letters = json.loads(house.call("dead-letters", "--count", "1000", "--json"))
    expect(len(letters) == len(list(house.records(house.dead, 1))), len(letters))
    # In the order of the log: the times of several lanes may cross in it.
    offsets = [letter["deadLetter"]["offset"] for letter in letters]
    expect(offsets == sorted(offsets, reverse=True), "the newest first")
    for letter in letters:
        expect(letter["topic"] == house.topic and letter["reason"] and letter["detail"], letter)
    bad = json.loads(house.call("dead-letters", "--count", "3", "--reason", "bad_field", "--json"))
    expect(bad == [letter for letter in letters if letter["reason"] == "bad_field"][:3], "by reason")
    pointers = {letter["detail"] for letter in letters if letter["reason"] == "bad_field"}
    expect(any(text == "required field is missing: /data/agent" for text in pointers), pointers)
    said = house.call("dead-letters")
    expect(said.count("\n") == 30 and f"  {house.topic}/" in said, said)
    expect(not set(said) & set(map(chr, range(32))) - {"\n"}, "nothing that a terminal obeys")


def cells(house):
    """Checks the cells of what was accepted."""
    yesterday = NOW - datetime.timedelta(days=1)
    for name in AWKWARD:
        members = house.redis.zrange(f"{key_name(name)}:agent_tokens:month:{yesterday:%Y-%m}", 0, -1, withscores=True)
        expect(members == [(escaped(name), 1.0)], f"{name!r}: {members}")
        days = house.redis.hgetall(f"{key_name(name)}:tokens:day:{yesterday:%Y-%m}")
        expect(days == {f"{yesterday:%d}": "1"}, f"{name!r}: {days}")
    totals = house.redis.hgetall(f"{key_name(SUBJECT)}:totals")
    expect(totals["data_points"] == str(2**40 + 1000), totals)


@check
def bad_input():
    """each kind has its outcome, its dead letter with the original bytes, and the position moves on"""
    with House() as house:
        (house.folder / "meters").mkdir()
        (house.folder / "meters/short.yaml").write_text(SHORT)
        for path in (ROOT / "schemas/meters").glob("*.yaml"):
            (house.folder / "meters" / path.name).write_text(path.read_text())
        meters = ["--meters", str(house.folder / "meters")]
        machine = house.start("run", *meters).wait_ready()
        places = sent(house)
        house.wait_counted()
        machine.wait_outcomes(wanted_outcomes(places))
        dead_letters(house, places)
        listed(house)
        told = [line for line in machine.log.read_text().splitlines() if "event=rejected" in line]
        causes = {line.split(" is rejected, ")[1] for line in told}
        expect(told and len(causes) == len(told), f"one line for each cause: {told}")
        expect(any("required field is missing: /data/agent, event type token.issued" in line for line in told), told)
        cells(house)
        house.call("verify", "--full", *meters)
        expect(machine.process.poll() is None, "it still runs")
        # A good event after all of them is counted too.
        producer = house.producer()
        producer.produce(house.topic, key=SUBJECT, value=event("last"), partition=0)
        expect(producer.flush(30) == 0, "flush")
        began = time.monotonic()
        house.wait_counted()
        expect(time.monotonic() - began < 30, "the position moves on")
        metrics = machine.metrics()
        for partition in range(4):
            label = f'{{topic="{house.topic}",partition="{partition}"}}'
            expect(metrics[f"odometer_partition_stopped{label}"] == 0, label)
        expect(metrics["odometer_dead_letters_total"] == len(list(house.records(house.dead, 1))), "dead letters")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
