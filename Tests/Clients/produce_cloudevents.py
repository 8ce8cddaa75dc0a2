"""Produces CloudEvents with the official packages, as any producer would, in both content modes.

    produce_cloudevents.py BOOTSTRAP TOPIC [--count N] [--mode structured|binary|both] [--subject ORG]
                           [--type TYPE] [--prefix TEXT] [--source TEXT] [--time RFC3339]

The data of each event is that of schemas/events/TYPE.example.json. With both modes COUNT events go out in each, and ids
are PREFIX-MODE-NUMBER; with one mode they are PREFIX-NUMBER, so that a call with the other mode sends the same events
again. What is printed is one JSON object with the numbers acknowledged: {"structured": N, "binary": N}.
"""

import argparse
import datetime
import json
import pathlib
import sys

from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer

EVENTS = pathlib.Path(__file__).resolve().parents[2] / "schemas/events"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--mode", choices=["structured", "binary", "both"], default="both")
    parser.add_argument("--subject", default="org-1")
    parser.add_argument("--type", default="token.issued")
    parser.add_argument("--prefix", default="event")
    parser.add_argument("--source", default="/clients/python")
    parser.add_argument("--time", help="RFC 3339; without it: now")
    return parser.parse_args()


def message(mode, identity, wanted):
    """The Kafka message of one event; wanted holds source, type, subject and time."""
    example = json.loads((EVENTS / f"{wanted.type}.example.json").read_text())
    if wanted.time:
        time = datetime.datetime.fromisoformat(wanted.time.replace("Z", "+00:00"))
    else:
        time = datetime.datetime.now(datetime.timezone.utc)
    attributes = {
        "id": identity,
        "source": wanted.source,
        "type": wanted.type,
        "subject": wanted.subject,
        "time": time,
    }
    if "data" in example:
        attributes["datacontenttype"] = "application/json"
    event = CloudEvent(attributes=attributes, data=example.get("data"))
    return to_structured_event(event) if mode == "structured" else to_binary_event(event)


def main():
    wanted = arguments()
    modes = ["structured", "binary"] if wanted.mode == "both" else [wanted.mode]
    producer = Producer({"bootstrap.servers": wanted.bootstrap, "enable.idempotence": True})
    problems = []
    sent = {"structured": 0, "binary": 0}
    for mode in modes:
        for number in range(wanted.count):
            name = f"{mode}-{number}" if wanted.mode == "both" else str(number)
            sending = message(mode, f"{wanted.prefix}-{name}", wanted)
            producer.produce(
                wanted.topic,
                key=wanted.subject,
                value=sending.value,
                headers=list(sending.headers.items()),
                on_delivery=lambda error, _: problems.append(str(error)) if error else None,
            )
            sent[mode] += 1
            producer.poll(0)
    left = producer.flush(60)
    if problems or left:
        sys.exit(f"not delivered: {left or len(problems)}: {problems[:1]}")
    print(json.dumps(sent))


if __name__ == "__main__":
    main()
