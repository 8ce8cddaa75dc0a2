"""All ten routes of `odometer up`, of two organizations, against answers computed from the topic in plain loops."""

import json
import os
import time
import urllib.parse

from jsonschema import Draft202012Validator

import expected_answers
import expected_metrics
from checks import ROOT, check, expect, load_yaml, run
from credentials import SECRET, Credentials, token
from expected_answers import DAY, Organization, written
from house import House, get

House.needed()
EVENTS = int(os.environ.get("EVENTS", 40_000))
DESCRIPTION = load_yaml(ROOT / "schemas/openapi.yaml")
ANALYTICS = "/api/v1/app/organization/analytics"


def directory(organization, number, users, projects):
    """The lines of a directory file: the first organization has everything, the second only its own profile."""
    profile = {"name": f"Organization {number} \"ä\"", "slug": f"org-{number}"}
    if number == 0:
        profile["billingDay"] = 17
    lines = [{"kind": "organization", "organization": organization, "profile": profile}]
    if number == 0:
        plan = {"name": "Pro", "maxBuckets": 25, "maxRetentionDays": 365, "maxApiCalls": 1_000}
        lines.append({"kind": "plan", "organization": organization, "profile": plan})
        for user in users:
            lines.append({"kind": "user", "organization": organization, "id": user, "profile": {
                "account_id": f"acct-{user}", "name": f"Søren {user}", "email": f"{user}@example.com",
                "state": "Active", "roles": ["AppAdmin", "Member"], "created_at": "2026-02-08T14:12:45Z"}})
        for project in projects:
            lines.append({"kind": "project", "organization": organization, "id": project, "profile": {
                "name": f"About {project}", "goal": None, "deadline": "2026-03-01T00:00:00Z", "visibility": "Private",
                "member_count": 4, "default_member_role": "Editor", "default_role_enabled": True,
                "project_context": "Some.", "is_pinned": False}})
    return lines


class Caller:
    """Asks the routes as one organization."""

    def __init__(self, house, machine, organization, number):
        self.machine, self.organization, self.number = machine, organization, number
        self.credentials = Credentials(house, organization, f"org-{number}")

    def ask(self, path, **parameters):
        """The answer's body, valid by openapi.yaml, and its range in milliseconds."""
        query = urllib.parse.urlencode(parameters, doseq=True, quote_via=urllib.parse.quote)
        status, headers, body = get(f"{self.machine.url}{path}?{query}", self.credentials.headers(path))
        expect(status == 200, f"{path}?{query}: {status} {body[:300]}")
        expect(headers["Content-Type"] == "application/json", headers)
        value = json.loads(body)
        route = path.replace(self.organization, "{organizationId}")
        schema = DESCRIPTION["paths"][route]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": DESCRIPTION["components"]})
        found = [error.message for error in validator.iter_errors(value)]
        expect(not found, f"{path}?{query}: {found}")
        edges = headers.get("X-Odometer-Range", "").split("/")
        return value, [expected_answers.moment(edge) for edge in edges] if len(edges) == 2 else None


def same(name, found, wanted):
    """Fails with the first difference."""
    def differences(one, other, place):
        if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
            for key in one:
                yield from differences(one[key], other[key], f"{place}/{key}")
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            for index, pair in enumerate(zip(one, other)):
                yield from differences(*pair, f"{place}/{index}")
        elif one != other:
            yield f"{place}: {one!r:.400}, not {other!r:.400}"

    first = next(differences(found, wanted, name), None)
    expect(first is None, first)


def at_one_time(ask, compute):
    """Asks and computes; again when a minute ends in between."""
    while True:
        minute = time.time() // 60
        found, wanted = ask(), compute(int(time.time() * 1000))
        if time.time() // 60 == minute:
            return found, wanted


class Setting:
    """One machine for all checks: started, filled and counted once."""

    def __init__(self, house):
        secret = house.folder / "jwt"
        secret.write_text(SECRET)
        self.house = house
        self.machine = house.start("up", "--jwt-secret-file", str(secret), "--rate-limit", "0").wait_ready()
        house.call("replay", "--generate", "--seed", "11", "--events", str(EVENTS), "--organizations", "4",
                   "--to", house.topic)
        self.events, self.outcomes = expected_answers.read(house.records())
        # The largest but one and a smaller one: both have events of every type.
        self.names = sorted(self.events, key=lambda one: -len(self.events[one]))[1:3]
        self.profiles, lines = {}, []
        for number, name in enumerate(self.names):
            kinds = ("interaction.created", "agent_flow.created")
            active = [data for kind, _, data in self.events[name] if kind in kinds]
            users = sorted({data["user"] for data in active if "user" in data})[::2]
            projects = sorted({data["project"] for data in active if "project" in data})[::2]
            made = directory(name, number, users, projects)
            lines += made
            self.profiles[name] = {(one["kind"], one.get("id", "")): one["profile"] for one in made}
        path = house.folder / "directory.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        house.call("directory", "import", str(path))
        self.callers = [Caller(house, self.machine, name, number) for number, name in enumerate(self.names)]
        house.wait_counted()

    def compare(self, path, compute, parameters=lambda now: {}):
        """Asks both organizations and compares; `compute` takes the organization's events and the range."""
        for caller in self.callers:
            place = path.replace("{organizationId}", caller.organization)

            def ask():
                return caller.ask(place, **parameters(time.time() * 1000))

            def wanted(now):
                name = caller.organization
                return Organization(name, self.events[name], now, self.profiles[name])

            (found, bounds), organization = at_one_time(ask, wanted)
            same(f"{path} of {caller.number}", found, compute(organization, bounds))
            expect(found, f"{path} of {caller.number}: empty")


HOUSE = House()


@check
def outcomes():
    """the machine and the plain loops agree on the outcome of every record"""
    expect(sum(SETTING.outcomes.values()) == EVENTS, SETTING.outcomes)
    SETTING.machine.wait_outcomes(SETTING.outcomes)


@check
def overview():
    """organization overview"""
    SETTING.compare("/api/analytics/overview", lambda one, _: one.overview())


@check
def totals():
    """workspace totals: now, and of a range"""
    SETTING.compare(f"{ANALYTICS}/totals", lambda one, _: one.totals())
    for days in (3, 40):
        SETTING.compare(
            f"{ANALYTICS}/totals",
            lambda one, _, days=days: one.totals(one.tomorrow - days * DAY - DAY, one.tomorrow - DAY),
            lambda now, days=days: seconds(now - days * DAY, now - DAY),
        )


def seconds(start, end):
    return {"start_date": int(start // 1000), "end_date": int(end // 1000)}


@check
def rankings():
    """rankings of users and projects: default range, another, and its limits"""
    for member in ("user", "project"):
        path = f"{ANALYTICS}/ranking/active-{member}s"
        SETTING.compare(path, lambda one, _: one.ranking(member, one.tomorrow - 30 * DAY, one.tomorrow))
        for limit in (1, 100):
            SETTING.compare(
                path,
                lambda one, _: one.ranking(member, one.tomorrow - 61 * DAY, one.tomorrow - DAY, limit),
                lambda now: {"limit": limit, **seconds(now - 60 * DAY, now - DAY)},
            )


@check
def series():
    """time series of all five types"""
    types = {
        "interactions": "interaction.created", "agent_flows": "agent_flow.created", "threads": "thread.created",
        "projects": "project.created", "artifacts": "artifact.uploaded",
    }
    for name, kind in types.items():
        for days in (30, 100):
            SETTING.compare(
                f"{ANALYTICS}/timeseries",
                lambda one, _: one.daily([kind], one.tomorrow - days * DAY, one.tomorrow, count=True),
                lambda now: {"type": name, **({} if days == 30 else seconds(now - 99 * DAY, now))},
            )


@check
def connections():
    """connections: everything, minutes back, a period, filters"""
    path = "/api/connection-analytics/summary"
    SETTING.compare(path, lambda one, _: one.connections())
    opened = [data for kind, _, data in SETTING.events[SETTING.names[0]] if kind == "connection.opened"]
    for service in {data["service"] for data in opened}:
        SETTING.compare(path, lambda one, _: one.connections(service=service), lambda _: {"serviceName": service})
    SETTING.compare(
        path, lambda one, _: one.connections(protocol="tls", dataCenter="ap-süd"),
        lambda _: {"protocolName": "tls", "dataCenter": "ap-süd"})
    # The resolution is the minute for 26 hours, before that the quarter-hour: the header says what was answered.
    for minutes, resolution in ((7, 60_000), (1_440, 60_000), (50_000, 900_000)):
        def near(one, bounds, minutes=minutes, resolution=resolution):
            start, end = bounds
            # A second or two may pass between the answer and our clock.
            expect(-2_000 <= one.now - minutes * 60_000 - start <= resolution + 5_000, f"{minutes} {one.now} {bounds}")
            expect(-2_000 <= end - one.now <= 65_000, f"{minutes} {one.now} {bounds}")
            return one.connections(*bounds)

        SETTING.compare(path, near, lambda _, minutes=minutes: {"minutes": minutes})
    for start, end in ((80, 20), (400, 3)):
        def edges(now, start=start, end=end):
            quarter = now // 900_000 * 900_000
            return {"timeStart": written(quarter - start * DAY), "timeEnd": written(quarter - end * DAY)}

        def period(one, bounds, end=end):
            expect(bounds[1] == one.now // 900_000 * 900_000 - end * DAY, bounds)
            return one.connections(*bounds)

        SETTING.compare(path, period, edges)


@check
def metrics():
    """organization metrics: default range, another, and of projects"""
    path = "/organizations/{organizationId}/metrics"
    projects = {
        data.get("project", "") for kind, _, data in SETTING.events[SETTING.names[0]] if kind == "session.started"
    }
    SETTING.compare(path, lambda one, _: expected_metrics.metrics(one, one.tomorrow - 30 * DAY, one.tomorrow))
    for chosen in ([], [""], ["no such project"], sorted(projects)[-1:], sorted(projects)[:5]):
        for first, last in ((75, 10), (2, 0)):
            SETTING.compare(
                path,
                lambda one, _: expected_metrics.metrics(
                    one, one.tomorrow - (first + 1) * DAY, one.tomorrow - last * DAY, chosen or None),
                lambda now: {
                    "startDate": written(now - first * DAY), "endDate": written(now - last * DAY),
                    **({"project": chosen} if chosen else {}),
                },
            )


@check
def identity():
    """identity provider: tokens, activity, agents"""
    path = "/api/v1/analytics"
    SETTING.compare(f"{path}/tokens", lambda one, _: one.tokens(30))
    for days in (1, 90):
        SETTING.compare(f"{path}/tokens", lambda one, _: one.tokens(days), lambda _: {"days": days})
    SETTING.compare(f"{path}/agents/activity", lambda one, _: one.activity())
    SETTING.compare(f"{path}/agents", lambda one, _: one.agents())


@check
def tenants():
    """one organization's key opens nothing of another, and wrong keys open nothing"""
    first, second = SETTING.callers
    url = SETTING.machine.url
    status, _, body = get(f"{url}/organizations/{second.organization}/metrics", {"x-api-key": first.credentials.key})
    expect(status == 403 and json.loads(body)["statusCode"] == 403, body)
    headers = {**first.credentials.headers(ANALYTICS), "x-org": f"org-{second.number}"}
    expect(get(f"{url}{ANALYTICS}/totals", headers)[0] == 403, "another's slug")
    for path in ("/api/analytics/overview", f"{ANALYTICS}/totals", "/api/connection-analytics/summary",
                 f"/organizations/{first.organization}/metrics", "/api/v1/analytics/tokens"):
        key = f"{first.credentials.key}x"
        wrong = {"X-API-Key": key, "Authorization": f"Bearer {key}", "x-org": "org-0"}
        for headers in ({}, wrong):
            status, _, body = get(f"{url}{path}", headers)
            expect(status == 401, f"{path}: {status} {body}")
    expired = {"Authorization": f"Bearer {token(first.organization, exp=int(time.time()) - 60)}"}
    expect(get(f"{url}/api/v1/analytics/tokens", expired)[0] == 401, "an expired token")


@check
def state():
    """/healthz, /readyz and /metrics say how it is"""
    admin = SETTING.machine.admin
    for path in ("/healthz", "/readyz"):
        status, _, body = get(admin + path)
        expect((status, json.loads(body)) == (200, {"status": "ok"}), f"{path}: {status} {body}")
    numbers = SETTING.machine.metrics()
    lags = {name: value for name, value in numbers.items() if name.startswith("odometer_partition_lag")}
    expect(len(lags) == 4 and not any(lags.values()), lags)
    for name in ("odometer_commits_total", "odometer_cells_total", "odometer_merge_factor",
                 "odometer_commit_seconds_count", "odometer_freshness_seconds_count",
                 "odometer_lateness_seconds_count"):
        expect(numbers[name] > 0, f"{name}: {numbers[name]}")
    answered = sum(value for name, value in numbers.items() if name.startswith("odometer_http_requests_total"))
    expect(answered > 50, f"{answered} requests")
    expect(get(SETTING.machine.url + "/metrics")[0] == 404, "/metrics has a listener of its own")


@check
def stop():
    """SIGTERM stops it cleanly, and verify finds the numbers equal"""
    began = time.monotonic()
    expect(SETTING.machine.terminate(10) == 0, "exit code after SIGTERM")
    print(f"stopped after {time.monotonic() - began:.2f} s")
    SETTING.house.call("verify", "--full")


with HOUSE:
    SETTING = Setting(HOUSE)
    run()
