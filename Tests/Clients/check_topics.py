"""The description of the topics (AsyncAPI) and the schemas of the directory's objects."""

import json
import re

from jsonschema import Draft202012Validator

from checks import ROOT, check, expect, load_yaml, run

SCHEMAS = ROOT / "schemas"
DOCUMENT = load_yaml(SCHEMAS / "asyncapi.yaml")
DIRECTORY = ["organization", "plan", "user", "project", "credential"]


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def event_types():
    return {path.name.removesuffix(".example.json") for path in (SCHEMAS / "events").glob("*.example.json")}


def directory(name, suffix):
    return json.loads((SCHEMAS / "directory" / f"{name}.{suffix}.json").read_text())


@check
def shape():
    """asyncapi.yaml is an AsyncAPI 3.0 document with the three topics"""
    expect(DOCUMENT["asyncapi"] == "3.0.0", DOCUMENT["asyncapi"])
    expect(set(DOCUMENT) <= {"asyncapi", "id", "info", "defaultContentType", "servers", "channels", "operations", "components"}, "members")
    expect({"title", "version"} <= set(DOCUMENT["info"]), "info")
    expect(list(DOCUMENT["channels"]) == ["usage-events", "usage-directory", "usage-dead-letters"], "channels")
    for name, channel in DOCUMENT["channels"].items():
        expect(channel["address"] == name == channel["bindings"]["kafka"]["topic"], name)
    compacted = DOCUMENT["channels"]["usage-directory"]["bindings"]["kafka"]
    expect(compacted["partitions"] == 1 and compacted["topicConfiguration"]["cleanup.policy"] == ["compact"], "directory")
    for name, operation in DOCUMENT["operations"].items():
        expect(operation["action"] in ("send", "receive") and "channel" in operation, name)


@check
def references_resolve():
    """every reference leads somewhere"""
    for reference in references(DOCUMENT):
        if reference.startswith("#/"):
            node = DOCUMENT
            for part in reference[2:].split("/"):
                expect(part in node, reference)
                node = node[part]
        else:
            expect((SCHEMAS / reference).is_file(), reference)


@check
def every_event():
    """every event type is a message of usage-events, by its own schema"""
    messages = DOCUMENT["channels"]["usage-events"]["messages"]
    expect(set(messages) - {"binary"} == event_types(), f"{set(messages) ^ event_types()}")
    for kind in event_types():
        payload = DOCUMENT["components"]["messages"][kind]["payload"]
        expect(payload["schema"]["$ref"] == f"events/{kind}.schema.json", kind)
    headers = DOCUMENT["components"]["messages"]["binary"]["headers"]["properties"]
    expect(set(headers["ce_type"]["enum"]) == event_types(), "ce_type")


@check
def directory_objects():
    """every directory object has a sound schema, a valid example and a key of the right form"""
    expect(list(DOCUMENT["channels"]["usage-directory"]["messages"]) == DIRECTORY, "messages")
    for name in DIRECTORY:
        schema = directory(name, "schema")
        Draft202012Validator.check_schema(schema)
        expect(schema["$id"] == f"{name}.schema.json", name)
        message = DOCUMENT["components"]["messages"][name]
        expect(message["payload"]["schema"]["$ref"] == f"directory/{name}.schema.json", name)
        example = directory(name, "example")
        expect(re.match(message["bindings"]["kafka"]["key"]["pattern"], example["key"]), example["key"])
        errors = [error.message for error in Draft202012Validator(schema).iter_errors(example["value"])]
        expect(not errors, f"{name}: {errors}")
        for required in schema.get("required", []):
            without = {key: value for key, value in example["value"].items() if key != required}
            expect(not Draft202012Validator(schema).is_valid(without), f"{name} without {required}")


@check
def directory_ids():
    """ids inside a directory object are those of its key"""
    for name in ("user", "project"):
        example = directory(name, "example")
        _, organization, identifier = example["key"].split(":")
        expect(example["value"]["id"] == identifier, name)
        expect(example["value"].get("org_id", organization) == organization, name)
    credential = directory("credential", "example")
    expect(credential["key"] == "credential:" + credential["value"]["hash"], "credential")


run()
