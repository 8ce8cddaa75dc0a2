"""The JSON Schemas of the events: sound, with examples, and of one mind with the catalog."""

import copy
import json

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from checks import ROOT, check, expect, load_yaml, run

EVENTS = ROOT / "schemas/events"
METERS = ROOT / "schemas/meters"
ENVELOPE = "cloudevent.schema.json"


def load(folder, suffix):
    return {path.name.removesuffix(suffix): json.loads(path.read_text()) for path in sorted(folder.glob("*" + suffix))}


SCHEMAS = load(EVENTS, ".schema.json")
EXAMPLES = load(EVENTS, ".example.json")
CATALOGS = {path.name: load_yaml(path) for path in sorted(METERS.glob("*.yaml"))}
REGISTRY = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
DEFINITIONS = SCHEMAS["cloudevent"]["$defs"]


def validator(kind):
    # The envelope's time is judged by its pattern alone: a leap second or a lower-case z is fine.
    return Draft202012Validator(SCHEMAS[kind], registry=REGISTRY)


def event_types():
    """Type on the wire -> the fields of all catalogs."""
    types = {}
    for catalog in CATALOGS.values():
        for name, event in (catalog.get("events") or {}).items():
            types.setdefault(event.get("type", name), {}).update(event.get("fields") or {})
    return types


def amount_fields():
    """(type, field) of every amount that a meter without `signed` takes from a field."""
    found = set()
    for catalog in CATALOGS.values():
        names = {name: event.get("type", name) for name, event in (catalog.get("events") or {}).items()}
        for meter in catalog["meters"].values():
            for clause in meter["on"]:
                amount = clause.get("amount", 1)
                if isinstance(amount, str) and not meter.get("signed"):
                    found.add((names[clause["event"]], amount.removeprefix("-")))
    return found


def resolved(schema):
    """A property with its reference to the envelope's definitions put in."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].removeprefix(ENVELOPE + "#/$defs/")
    return {**DEFINITIONS[name], **{key: value for key, value in schema.items() if key != "$ref"}}


@check
def sound():
    """every event schema is JSON Schema 2020-12 and named like its file"""
    for kind, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema)
        expect(schema["$schema"].endswith("2020-12/schema"), kind)
        expect(schema["$id"] == f"{kind}.schema.json", f"$id of {kind}")


@check
def complete():
    """every event of the catalog has a schema and an example, and nothing else has"""
    types = set(event_types())
    expect(set(SCHEMAS) - {"cloudevent"} == types, f"schemas: {set(SCHEMAS) ^ types}")
    expect(set(EXAMPLES) == types, f"examples: {set(EXAMPLES) ^ types}")


@check
def examples_are_valid():
    """every example is valid by its own schema and by no other"""
    for kind, example in EXAMPLES.items():
        errors = [error.message for error in validator(kind).iter_errors(example)]
        expect(not errors, f"{kind}: {errors}")
        for other in EXAMPLES:
            expect(other == kind or not validator(other).is_valid(example), f"{kind} passes as {other}")


@check
def attributes_are_required():
    """without an attribute, with an empty one or a time without zone an event is refused"""
    for kind, example in EXAMPLES.items():
        for name in ("specversion", "id", "source", "type", "subject"):
            without = {key: value for key, value in example.items() if key != name}
            expect(not validator(kind).is_valid(without), f"{kind} without {name}")
            expect(not validator(kind).is_valid({**example, name: ""}), f"{kind} with empty {name}")
            expect(not validator(kind).is_valid({**example, name: 7}), f"{kind} with a number as {name}")
        for time in ("2026-03-09T14:07:31", "2026-03-09 14:07:31Z", "1699-12-31T00:00:00Z", "soon", 1773065251):
            expect(not validator(kind).is_valid({**example, "time": time}), f"{kind} at {time}")
        for time in ("2026-03-09t14:07:31z", "2026-03-09T14:07:31.123456789+05:45"):
            expect(validator(kind).is_valid({**example, "time": time}), f"{kind} at {time}")


@check
def fields_agree():
    """schemas and catalog name the same fields, kinds, values and defaults, and require the same"""
    for kind, fields in event_types().items():
        data = SCHEMAS[kind]["properties"].get("data", {})
        properties = data.get("properties", {})
        at = {field["at"].removeprefix("/data/"): field for field in fields.values()}
        expect(set(properties) == set(at), f"{kind}: {set(properties) ^ set(at)}")
        needed = {name for name, field in at.items() if field.get("required")}
        expect(set(data.get("required", [])) == needed, f"{kind}: required {needed}")
        expect(("data" in SCHEMAS[kind].get("required", [])) == bool(needed), f"{kind}: data required")
        for name, field in at.items():
            schema = resolved(properties[name])
            expect(agrees(schema, field), f"{kind}.{name}: {schema} is not {field}")


def agrees(schema, field):
    types = schema.get("type")
    nullable = isinstance(types, list) and "null" in types
    if nullable == bool(field.get("required")) and "enum" not in schema:
        return False
    # "" means "no project" in the cells; it is not a default that a producer would read about.
    if field.get("default", "") != "" and schema.get("default") != field["default"]:
        return False
    if field.get("each"):
        return schema["maxProperties"] == 32 and schema["additionalProperties"]["enum"] == field["values"]
    if "values" in field:
        return schema["enum"] == field["values"]
    base = types[0] if isinstance(types, list) else types
    if field.get("is") == "time":
        return schema["pattern"] == DEFINITIONS["time"]["pattern"]
    if field.get("is") == "integer":
        return base == "integer" and schema["maximum"] == field.get("max", 2**40)
    return base == "string" and schema["maxLength"] == 256


@check
def amounts_are_not_negative():
    """what an unsigned meter takes as amount is never negative in a schema"""
    fields = event_types()
    for kind, name in sorted(amount_fields()):
        wire = fields[kind][name]["at"].removeprefix("/data/")
        expect(resolved(SCHEMAS[kind]["properties"]["data"]["properties"][wire])["minimum"] == 0, f"{kind}.{name}")


@check
def wrong_data_is_refused():
    """each required field may not be absent, null or of another type"""
    for kind, example in EXAMPLES.items():
        for name in SCHEMAS[kind]["properties"].get("data", {}).get("required", []):
            for wrong in (None, [], True, {}):
                bad = copy.deepcopy(example)
                bad["data"][name] = wrong
                expect(not validator(kind).is_valid(bad), f"{kind}.{name} = {wrong}")
            del bad["data"][name]
            expect(not validator(kind).is_valid(bad), f"{kind} without {name}")


@check
def documented():
    """every event type is in schemas/events/README.md"""
    text = (EVENTS / "README.md").read_text()
    missing = [kind for kind in event_types() if f"`{kind}`" not in text]
    expect(not missing, f"not named: {missing}")


run()
