"""CloudEvents' scenarios for Kafka and HTTP, and a verdict for JSON texts of every kind.

The scenarios are those of cloudevents/conformance at 7a8ee0a, said again with other inputs. Odometer takes no events over HTTP;
what its scenarios have beside Kafka's, parameters of a content type, is in records here.
"""

import collections
import json
import time

import json_texts
from checks import check, expect, run
from house import House, key_name

House.needed()
# The events of these scenarios have no subject; the catalog gives them one.
SCENARIOS = """\
version: 1
envelope: {id: /id, source: /source, type: /type, subject: [/subject, {const: nobody}], time: /time}
events:
  noted: {type: org.example.garden.noted, fields: {note: {at: /data/note, required: true}}}
meters:
  notes: {kind: count, by: [note], windows: [day, all], on: [{event: noted}]}
"""
ATTRIBUTES = {
    "specversion": "1.0", "id": "c0ffee-17", "type": "org.example.garden.noted", "source": "/garden/shed",
    "time": "2019-07-30T21:04:05Z",
}
NOTE = {"note": "Grüß dich, Welt!"}
TYPES = {
    "binary": ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", None],
    "structured": [
        "application/cloudevents+json", "application/cloudevents+json; charset=utf-8", "Application/CloudEvents+JSON", None,
    ],
}


def headers(content_type, attributes=()):
    found = [(f"ce_{name}", value) for name, value in dict(attributes).items()]
    return found + ([("content-type", content_type)] if content_type else [])


def scenario(mode, content_type, number):
    """Value and headers of one event of a scenario, with an id of its own."""
    attributes = {**ATTRIBUTES, "id": f"{ATTRIBUTES['id']}-{number}"}
    if mode == "binary":
        return json.dumps(NOTE).encode(), headers(content_type, attributes)
    whole = {**attributes, "datacontenttype": "application/json", "data": NOTE}
    return json.dumps(whole, ensure_ascii=False, indent=4).encode(), headers(content_type)


@check
def scenarios():
    """an event of each scenario counts by its attributes and data, and is the same event in the other mode"""
    with House(1) as house:
        path = house.folder / "notes.yaml"
        path.write_text(SCENARIOS)
        machine = house.start("run", "--meters", str(path)).wait_ready()
        producer = house.producer()
        kinds = [(mode, content_type) for mode, types in TYPES.items() for content_type in types]
        others = [("structured" if mode == "binary" else "binary", None) for mode, _ in kinds]
        for number, (mode, content_type) in enumerate(kinds + others):
            # All of them, and all of them again in the other mode.
            value, fields = scenario(mode, content_type, number % len(kinds))
            producer.produce(house.topic, value=value, headers=fields, timestamp=int(time.time() * 1000))
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted()
        machine.wait_outcomes({"accepted": 8, "duplicate": 8})
        name = key_name("nobody")
        for window in ("day:2019-07-30", "all"):
            found = house.redis.hgetall(f"{name}:notes:{window}")
            expect(found == {"Grüß%20dich,%20Welt!": "8"}, f"{window}: {found}")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


# A number behind the text is wanted: a reader that has lost its place in the text does not find it.
TEXTS = """\
version: 1
events:
  said: {fields: {n: {at: /data/n, is: integer, required: true}}}
meters:
  said: {kind: sum, windows: [all], on: [{event: said, amount: n}]}
"""


def structured(identity, data):
    return b'{"specversion":"1.0","id":"%s","source":"/s","type":"said","subject":"o","data":%s}' % (identity.encode(), data)


def cases():
    """(name, value, headers, verdict): each text in both modes, in an object and in an array, before what is wanted."""
    event = structured("whole", b'{"n":1}')
    found = [(name, text, [], verdict) for name, text, verdict in json_texts.wholes(event)]
    for name, text, verdict in json_texts.values():
        for place, data in (("object", b'{"x":%s,"n":1}' % text), ("array", b'{"y":{"z":[0,%s]},"n":1}' % text)):
            where = f"{name} in {place}"
            if place == "array" and verdict in (json_texts.TAKEN, json_texts.REFUSED) and text[:1] in b"[{":
                continue  # The depth is another one there.
            found.append((where, structured(where, data), [], verdict))
            binary = headers(None, {
                "specversion": "1.0", "id": f"{where}, binary", "source": "/s", "type": "said", "subject": "o"})
            found.append((f"{where}, binary", data, binary, verdict))
    return found


@check
def texts():
    """each JSON text has the verdict of RFC 8259, or the one that is written down, and what is behind it is read"""
    every = cases()
    verdicts = collections.Counter(verdict for _, _, verdict in json_texts.values())
    print(f"{verdicts.total()} texts of members: {dict(verdicts)}; {len(every)} records")
    with House(1) as house:
        path = house.folder / "said.yaml"
        path.write_text(TEXTS)
        machine = house.start("run", "--meters", str(path)).wait_ready()
        producer = house.producer()
        for name, value, fields, _ in every:
            producer.produce(house.topic, value=value, headers=fields, timestamp=int(time.time() * 1000))
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted()
        refused = {}
        for letter in house.records(house.dead, 1):
            about = dict(letter.headers())
            refused[int(about["offset"])] = f"{about['reason'].decode()}: {about['detail'].decode()}"
        wrong = [
            f"{name}: {verdict}, found {refused.get(offset, 'accepted')}: {value[:200]!r}"
            for offset, (name, value, _, verdict) in enumerate(every)
            if (offset not in refused) != (verdict in json_texts.GOOD) or refused.get(offset, "malformed")[:9] != "malformed"
        ]
        expect(not wrong, f"{len(wrong)} of {len(every)}:\n" + "\n".join(wrong[:40]))
        good = sum(verdict in json_texts.GOOD for _, _, _, verdict in every)
        found = house.redis.hgetall(f"{key_name('o')}:totals")
        repeated = machine.outcomes().get("duplicate", 0)
        expect(found == {"said": str(good - repeated)} and repeated == 2, f"{found} of {good}, {repeated} duplicates")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
