"""Every answer that the tests of the API got is one that openapi.yaml or openmeter.yaml describes."""

import json
import os
import pathlib
import re

from jsonschema import Draft202012Validator

from checks import ROOT, check, expect, load_yaml, run

DOCUMENTS = [load_yaml(ROOT / "schemas" / name) for name in ("openapi.yaml", "openmeter.yaml")]
FILE = pathlib.Path(os.environ.get("TEST_ANSWERS", "nothing"))
ANSWERS = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
PATTERNS = [
    (re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), path, document)
    for document in DOCUMENTS for path in document["paths"]
]


def resolved(document, node):
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def described(target):
    plain = target.split("?")[0]
    return next((found for pattern, *found in PATTERNS if pattern.fullmatch(plain)), (None, None))


@check
def answers():
    """bodies and headers of the answers are described"""
    validators = {}
    for answer in ANSWERS:
        (path, document), status = described(answer["target"]), str(answer["status"])
        if path is None:
            expect(status == "404", f"{answer['target']}: {status}")
            continue
        operation = document["paths"][path].get(answer["method"])
        if operation is None:
            expect(status == "405", f"{answer['method']} {answer['target']}: {status}")
            continue
        responses = operation["responses"]
        expect(status in responses, f"{path}: {status} is not described")
        response = resolved(document, responses[status])
        known = set(response.get("headers", {})) | {"Allow", "Retry-After"}
        expect(set(answer["headers"]) <= known, f"{path} {status}: {answer['headers']}")
        if "content" not in response:
            expect(not answer.get("body"), f"{path} {status}: {answer.get('body')}")
            continue
        content = response["content"].get(answer["type"])
        if content is None or not answer["type"].endswith("json"):
            expect(answer["type"].split(";")[0] in response["content"], f"{path} {status}: {answer['type']}")
            continue
        key = (path, answer["method"], status)
        if key not in validators:
            schema = {**content["schema"], "components": document["components"]}
            validators[key] = Draft202012Validator(schema)
        found = [error.message for error in validators[key].iter_errors(answer["body"])]
        expect(not found, f"{answer['target']} {status}: {found}")


@check
def enough():
    """the tests got a good answer and a refusal of every route"""
    if not FILE.exists():
        return
    seen = {(described(answer["target"])[0], 200 <= answer["status"] < 300) for answer in ANSWERS}
    for path in DOCUMENTS[0]["paths"] | DOCUMENTS[1]["paths"]:
        if path.startswith(("/api", "/organizations", "/v1")):
            # One path of OpenMeter's is there only to say why it is refused.
            wanted = {False} if path.endswith("/invalidate") else {True, False}
            expect({(path, is_good) for is_good in wanted} <= seen, path)


run()
