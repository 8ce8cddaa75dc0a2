"""The description of the HTTP interface: valid OpenAPI 3.1, closed, and with the answers of the five APIs."""

import json

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from checks import ROOT, check, expect, load_yaml, run

PATH = ROOT / "schemas/openapi.yaml"
DOCUMENT = load_yaml(PATH)
EXAMPLES = json.loads((ROOT / "Tests/Clients/answers.json").read_text())
ROUTES = [
    "/api/analytics/overview",
    "/api/v1/app/organization/analytics/totals",
    "/api/v1/app/organization/analytics/ranking/active-users",
    "/api/v1/app/organization/analytics/ranking/active-projects",
    "/api/v1/app/organization/analytics/timeseries",
    "/api/connection-analytics/summary",
    "/organizations/{organizationId}/metrics",
    "/api/v1/analytics/tokens",
    "/api/v1/analytics/agents/activity",
    "/api/v1/analytics/agents",
]
# Members that not every kind of meter has, and the parts of a question, which may all be left out.
OPTIONAL = (
    "schemas/Meter", "schemas/MeterPiece", "schemas/QuestionRow", "schemas/QuestionFilter", "schemas/Questions", "schemas/Question",
    "schemas/Check", "schemas/EventResults",
)
# What clients send with members of their own.
OPEN = "schemas/SentEvent"


def resolved(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def objects(schema, where):
    """All object schemas within a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield where, schema
        for key, value in schema.items():
            yield from objects(value, f"{where}/{key}")
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value, where)


def operations(path):
    """The methods of a path, each with its operation."""
    return [(name, node) for name, node in DOCUMENT["paths"][path].items() if name in ("get", "post")]


def answer(path, status):
    response = resolved(DOCUMENT["paths"][path]["get"]["responses"][status])
    return response["content"]["application/json"]["schema"]


def errors(schema, value):
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


@check
def valid():
    """openapi.yaml and openmeter.yaml are valid OpenAPI 3.1"""
    for document in (DOCUMENT, load_yaml(ROOT / "schemas/openmeter.yaml")):
        found = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
        expect(not found, found)


@check
def all_routes():
    """the ten routes of the five APIs and our own are there, each with a way to authenticate"""
    own = [
        "/v1/meters", "/v1/meters/{meter}", "/v1/meters/{meter}/query", "/v1/meters/{meter}/subjects", "/v1/query", "/v1/events",
        "/v1/check", "/openapi.yaml", "/healthz", "/readyz", "/metrics",
    ]
    expect(list(DOCUMENT["paths"]) == ROUTES + own, list(DOCUMENT["paths"]))
    for path in ROUTES + own[:7]:
        for method, operation in operations(path):
            expect(len(operation["security"]) == 1, f"{method} {path}")


@check
def failures_are_described():
    """every route says what it answers when the method, the credential, the rate or Redis is wrong"""
    for path in ROUTES:
        statuses = set(DOCUMENT["paths"][path]["get"]["responses"])
        expect({"200", "304", "401", "403", "405", "429", "503"} <= statuses, f"{path}: {statuses}")
        expect("501" in statuses, f"{path}: 501 where the catalog lacks its meters")
        for status in ("429", "503"):
            response = resolved(DOCUMENT["paths"][path]["get"]["responses"][status])
            expect("Retry-After" in response["headers"], f"{path}: {status}")
    for path in DOCUMENT["paths"]:
        for method, operation in operations(path):
            if "401" in operation["responses"]:
                expect("WWW-Authenticate" in resolved(operation["responses"]["401"])["headers"], f"{method} {path}: 401")
    privacy = DOCUMENT["paths"]["/organizations/{organizationId}/metrics"]["get"]["responses"]
    expect({"404", "422", "500"} <= set(privacy), "organization metrics")


@check
def answers_are_closed():
    """no answer has members that are not described; those of the ten routes are all required"""
    for where, schema in objects(DOCUMENT["components"]["schemas"], "schemas"):
        if where.startswith(OPEN):
            continue
        if "properties" not in schema or where.startswith("schemas/MeterPiece/properties/rows"):
            expect(schema["additionalProperties"], where)
            continue
        expect(schema["additionalProperties"] is False, f"{where} is open")
        optional = set(schema["properties"]) - set(schema["required"])
        expect(not optional or where.startswith(OPTIONAL), f"{where}: {optional}")


@check
def documents_examples():
    """the answers in the five APIs' documents are valid"""
    for example in EXAMPLES:
        found = errors(answer(example["path"], example["status"]), example["body"])
        expect(not found, f"{example['path']} {example['status']}: {found}")


@check
def wrong_answers():
    """an answer with a member too many or too few is not valid"""
    for example in EXAMPLES:
        body = example["body"]
        part = body[0] if isinstance(body, list) else body
        schema = answer(example["path"], example["status"])
        for wrong in ({**part, "extra": 1}, dict(list(part.items())[1:])):
            wrong = [wrong] if isinstance(body, list) else wrong
            expect(errors(schema, wrong), f"{example['path']} {example['status']}: {wrong}")


@check
def every_route_has_an_example():
    """there is an example of every answer of the ten routes"""
    there = {(example["path"], example["status"]) for example in EXAMPLES}
    missing = [path for path in ROUTES if (path, "200") not in there]
    expect(not missing, missing)


run()
