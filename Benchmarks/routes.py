"""The routes of the five documents, as somebody asks them: organizations with their profiles and keys, and requests."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections import namedtuple

SECRET = "a secret of the benchmark, 32 bytes or more"
WORKSPACE = "/api/v1/app/organization/analytics"
IDENTITY = "/api/v1/analytics"

Route = namedtuple("Route", "name path credential")
ROUTES = [
    Route("overview", "/api/analytics/overview", "overview"),
    Route("workspace totals", f"{WORKSPACE}/totals", "workspace"),
    Route("workspace active users", f"{WORKSPACE}/ranking/active-users", "workspace"),
    Route("workspace active projects", f"{WORKSPACE}/ranking/active-projects", "workspace"),
    Route("workspace timeseries", f"{WORKSPACE}/timeseries?type=interactions", "workspace"),
    Route("connections summary", "/api/connection-analytics/summary", "connections"),
    Route("privacy metrics", "/organizations/{organization}/metrics", "privacy"),
    Route("identity tokens", f"{IDENTITY}/tokens", "identity"),
    Route("identity activity", f"{IDENTITY}/agents/activity", "identity"),
    Route("identity agents", f"{IDENTITY}/agents", "identity"),
]
# Questions of docs/QUERY.md over 30 days, for `Benchmarks/http`.
QUESTIONS = [
    Route("question: total", "/v1/meters/consents/query", "operations"),
    Route("question: days in UTC", "/v1/meters/consents/query?window=day", "operations"),
    Route("question: by country", "/v1/meters/consent_countries/query?by=country", "operations"),
    Route("question: days by country", "/v1/meters/consent_countries/query?window=day&by=country&compare=previous", "operations"),
    Route("question: days of Berlin by service", "/v1/meters/connections_opened/query?window=day&by=service&zone=Europe/Berlin", "operations"),
]
# Limits of every plan, and what is checked against them, for `Benchmarks/http`.
LIMITS = [
    {"meter": "tokens", "limit": 10**12, "period": "month"},
    {"meter": "consents", "limit": 10**12, "period": "billing", "anchor": 17},
    {"meter": "buckets", "limit": 10**6},
]
CHECKS = {
    "one check": [{"meter": "tokens", "amount": 3}],
    "one check, a billing month": [{"meter": "consents"}],
    "three checks": [{"meter": limit["meter"], "amount": 2} for limit in LIMITS],
}


def token(organization):
    """A JSON Web Token, signed with HS256, valid for ten hours."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"organization_id": organization, "exp": int(time.time()) + 36_000}
    text = ".".join(part(json.dumps(claim).encode()) for claim in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{text}.{part(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))}"


def profiles(organization, number):
    """Lines for `odometer directory import`: an organization, its plan, its users and projects."""
    def line(kind, profile, name=None):
        return {"kind": kind, "organization": organization, **({"id": name} if name else {}), "profile": profile}

    lines = [line("organization", {"name": f"Organization {number}", "slug": f"org-{number}"}),
             line("plan", {"name": "Pro", "maxBuckets": 25, "maxRetentionDays": 365, "maxApiCalls": 100_000, "limits": LIMITS})]
    for user in (f"user-{index}" for index in range(50)):
        lines.append(line("user", {
            "account_id": f"acct-{user}", "name": f"Somebody {user}", "email": f"{user}@example.com", "state": "Active",
            "roles": ["AppAdmin", "Member"], "created_at": "2026-02-08T14:12:45Z"}, user))
    for project in (f"project-{index}" for index in range(12)):
        lines.append(line("project", {
            "name": f"About {project}", "goal": "Answers.", "deadline": "2026-03-01T00:00:00Z", "visibility": "Private",
            "member_count": 4, "default_member_role": "Editor", "default_role_enabled": True,
            "project_context": "Some.", "answer_context": "More.", "is_pinned": False}, project))
    return lines


class Tenant:
    """One organization with keys to all routes."""

    def __init__(self, rig, prefix, organization, number):
        self.organization = organization
        common = ["--bootstrap", rig.kafka.bootstrap, "--directory-topic", rig.directory, "--redis",
                  f"unix://{rig.redis.path}", "--prefix", prefix, "--organization", organization, "--json"]
        words = [word for name in ("workspace", "connections", "privacy", "operations") for word in ("--dialect", name)]
        key = json.loads(rig.call("keys", "create", *common, *words))["key"]
        overview = json.loads(rig.call("keys", "create", *common, "--dialect", "overview"))["key"]
        self.headers = {
            "overview": {"X-API-Key": overview}, "connections": {"Authorization": key}, "privacy": {"x-api-key": key},
            "workspace": {"Authorization": f"Bearer {key}", "x-org": f"org-{number}"},
            "identity": {"Authorization": f"Bearer {token(organization)}"},
            "operations": {"Authorization": f"Bearer {key}"},
        }

    def request(self, route, plan=None):
        """The bytes of a request; `plan` is the number of the bare server's plan."""
        fields = {"Host": "localhost", **self.headers[route.credential]}
        if plan is not None:
            fields["X-Bench"] = str(plan)
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"GET {route.path.replace('{organization}', self.organization)} HTTP/1.1\r\n{head}\r\n".encode()

    def check(self, checks):
        """The bytes of a request that asks whether this much more may be used."""
        body = json.dumps(checks[0] if len(checks) == 1 else {"checks": checks}).encode()
        fields = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)),
                  **self.headers["operations"]}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST /v1/check HTTP/1.1\r\n{head}\r\n".encode() + body


def fill_tenants(rig, prefix, events, asked):
    """Counts generated events of 20 organizations over 90 days into a ledger; returns those with the most events."""
    said = rig.call("replay", "--bootstrap", rig.kafka.bootstrap, "--generate", "--events", str(events),
                    "--organizations", "20", "--to", rig.source, seconds=120 + events / 5_000)
    # It also sends duplicates and malformed records, so the number of records is read from its output.
    written = int(re.search(r"([\d,]+) records in ", said)[1].replace(",", ""))
    with rig.counting(prefix) as machine:
        rig.wait_counted(machine, prefix, written, 120 + events / 2_000)
        names = rig.tool("common_keys", rig.kafka.bootstrap, rig.source, written, asked)
        lines = [line for index, name in enumerate(names) for line in profiles(name, index)]
        path = rig.folder / "directory.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        rig.call("directory", "import", "--bootstrap", rig.kafka.bootstrap, "--directory-topic", rig.directory,
                 "--redis", f"unix://{rig.redis.path}", "--prefix", prefix, str(path))
        tenants = [Tenant(rig, prefix, name, index) for index, name in enumerate(names)]
    print(f"{written:,} records counted; {len(names)} organizations are asked", flush=True)
    return tenants


def write_number(file, value):
    file.write(b"%d\n" % value)


def write_text(file, value):
    value = value.encode() if isinstance(value, str) else value
    file.write(b"%d\n%b\n" % (len(value), value))


def write_requests(path, requests):
    """The file that `open_loop` sends."""
    with open(path, "wb") as file:
        write_number(file, len(requests))
        for request in requests:
            write_text(file, request)
