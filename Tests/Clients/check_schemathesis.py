"""Schemathesis asks what the served description allows and what it forbids: no 5xx, no answer that is not described."""

import os
import pathlib
import subprocess
import sys
import time

import expected_answers
from checks import ROOT, check, expect, run
from credentials import SECRET, Credentials
from house import House, get

House.needed()
SECONDS = int(os.environ.get("SCHEMATHESIS_SECONDS", 4))  # for each group of routes
# (name, routes, parameters that are not made up)
GROUPS = [
    ("overview", "^/api/analytics", {}),
    ("workspace", "^/api/v1/app", {}),
    ("connections", "^/api/connection", {}),
    ("privacy", "^/organizations", {"organizationId": "{organization}"}),
    ("privacy of others", "^/organizations", {}),
    ("identity", "^/api/v1/analytics", {}),
    ("operations", "^/v1/|^/openapi", {"meter": "api_calls"}),
    ("meters that are not there", "^/v1/meters/", {}),
    ("openmeter", "^/api/v1/meters|^/api/v1/portal|^/api/v1/events|^/api/v3", {"meter": "api_calls"}),
]
# positive_data_acceptance wants 200 for every request that a schema can call valid. A schema cannot say that start is
# not after end, that a range has at most 366 days, that minutes excludes timeStart, that the organization in the path
# is the key's own, or that a project's name fits into 256 bytes: such requests are refused, as documented.
# 414 and 431: what is too long is refused before anybody looks at what it says.
REFUSALS = ["400", "401", "403", "404", "405", "414", "422", "429", "431"]
EXCLUDED = "positive_data_acceptance"


def schemathesis(house, machine, credentials, name, pattern, parameters):
    """Runs it against the routes of one group."""
    lines = [f'"path.{parameter}" = "{value}"\n' for parameter, value in parameters.items()]
    text = "[parameters]\n" + "".join(lines).replace("{organization}", credentials.organization)
    text += f"[checks.negative_data_rejection]\nexpected-statuses = {REFUSALS}\n"
    if name == "openmeter":
        # Meters are changed in the catalog and tokens are not kept: 501 says so, as OpenMeter's own build does.
        text += '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", "501"]\n'
    (house.folder / "schemathesis.toml").write_text(text)
    items = credentials.headers(pattern[1:].split("|")[0]).items()
    headers = [part for item in items for part in ("--header", ": ".join(item))]
    description = ROOT / "schemas/openmeter.yaml" if name == "openmeter" else f"{machine.url}/openapi.yaml"
    command = [
        pathlib.Path(sys.executable).with_name("schemathesis"), "run", description,
        "--url", machine.url, "--include-path-regex", pattern, "--exclude-checks", EXCLUDED,
        "--max-time", str(SECONDS), "--seed", "7", "--phases", "examples,coverage,fuzzing", "--continue-on-failure",
        "--suppress-health-check", "all", "--no-color", *headers,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 60, cwd=house.folder)
    expect(done.returncode == 0, f"{name}: {(done.stdout + done.stderr)[-6000:]}")
    summary = [line.strip() for line in done.stdout.splitlines() if " generated, " in line]
    print(f"{name}: {'; '.join(summary)}")


@check
def conforms():
    """schemathesis finds nothing against any group of routes"""
    with House() as house:
        secret = house.folder / "jwt"
        secret.write_text(SECRET)
        unlimited = ("--rate-limit", "0", "--address-rate-limit", "0", "--organization-requests", "0")
        secrets = ("--jwt-secret-file", str(secret), "--openmeter-portal-secret-file", str(secret))
        machine = house.start("up", *secrets, *unlimited, "--ingest-topic", house.topic).wait_ready()
        house.call("replay", "--generate", "--events", "2000", "--organizations", "1", "--to", house.topic)
        (organization,) = expected_answers.read(house.records())[0]
        house.call("directory", "put", "organization", organization, '{"name": "One", "slug": "one"}')
        credentials = Credentials(house, organization, "one")
        house.wait_counted()
        began = time.monotonic()
        for group in GROUPS:
            schemathesis(house, machine, credentials, *group)
        print(f"{time.monotonic() - began:.0f} s")
        expect(get(f"{machine.admin}/readyz")[0] == 200, "ready afterwards")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
