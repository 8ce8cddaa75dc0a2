"""A list of checks run one after the other; the closing line says how many passed and failed."""

import pathlib
import re
import sys
import traceback

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
_checks = []


class _CatalogLoader(yaml.SafeLoader):
    """YAML 1.2 as catalogs mean it: `on` and dates are texts; PyYAML still reads YAML 1.1, where they are not."""


_OF_YAML_1_1 = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
_CatalogLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OF_YAML_1_1]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_CatalogLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), "tf")


def load_yaml(path):
    """The document in a YAML file."""
    document = yaml.load(path.read_text(), Loader=_CatalogLoader)
    _no_lost_commas(document, path.name)
    return document


def _no_lost_commas(node, where):
    # In {a: one, two} the comma ends the text, and "two" becomes a member without a value.
    if isinstance(node, dict):
        for key, value in node.items():
            expect(value is not None or " " not in str(key), f"{where}: a text with a comma is not quoted: {key}")
            _no_lost_commas(value, f"{where}/{key}")
    elif isinstance(node, list):
        for value in node:
            _no_lost_commas(value, where)


def check(function):
    """Adds a check. It passes when it returns; its first line of text is its name."""
    _checks.append(function)
    return function


def expect(condition, message):
    """Fails the running check unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def run():
    """Runs all checks, prints a line for each and the sums, and ends the process."""
    passed = failed = 0
    for function in _checks:
        name = (function.__doc__ or function.__name__).strip().splitlines()[0]
        try:
            function()
        except AssertionError as problem:
            failed += 1
            print(f"FAIL {name}\n     {problem}")
        except Exception:  # a broken check is a failed check, and the others still run
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}")
        else:
            passed += 1
            print(f"ok   {name}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
