"""What the official CloudEvents package makes of our events is what our schemas and topics describe."""

import argparse
import json

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import produce_cloudevents
from checks import ROOT, check, expect, load_yaml, run

EVENTS = ROOT / "schemas/events"
TYPES = sorted(path.name.removesuffix(".example.json") for path in EVENTS.glob("*.example.json"))
SCHEMAS = [json.loads(path.read_text()) for path in EVENTS.glob("*.schema.json")]
REGISTRY = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS)
BINARY = load_yaml(ROOT / "schemas/asyncapi.yaml")["components"]["messages"]["binary"]


def message(mode, kind, time=None):
    wanted = argparse.Namespace(type=kind, time=time, source="/clients/python", subject="org-1")
    return produce_cloudevents.message(mode, "event-1", wanted)


def errors(schema, value):
    return [error.message for error in Draft202012Validator(schema, registry=REGISTRY).iter_errors(value)]


@check
def structured():
    """a structured event of every type is valid by its schema"""
    for kind in TYPES:
        for time in (None, "2026-03-09T14:07:31.25Z", "2026-03-09T14:07:31+05:45"):
            made = message("structured", kind, time)
            found = errors({"$ref": f"{kind}.schema.json"}, json.loads(made.value))
            expect(not found, f"{kind}: {found}")
            expect(not any(name.startswith("ce_") for name in made.headers), f"{kind}: {made.headers}")


@check
def binary():
    """a binary event of every type has the headers of asyncapi.yaml and the data of its schema"""
    for kind in TYPES:
        made = message("binary", kind)
        headers = {name: value.decode() for name, value in made.headers.items()}
        found = errors(BINARY["headers"], headers)
        expect(not found, f"{kind}: {found}")
        whole = {name.removeprefix("ce_"): value for name, value in headers.items() if name.startswith("ce_")}
        if made.value:
            whole["data"] = json.loads(made.value)
        found = errors({"$ref": f"{kind}.schema.json"}, whole)
        expect(not found, f"{kind}: {found}")


run()
