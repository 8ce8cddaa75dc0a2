"""Events and answers worked out by hand: all ten routes of `odometer up`, without the oracle.

by_hand/*.yaml hold, API by API, organizations, events, and what requests must answer, each value with
a note of how it was worked out. Times are texts as calendar_text.py reads them. No code here knows
what a meter is: what is right is in the files alone.

An event: `type`, `time`, `data`, and where it differs from the usual:
    text     the raw JSON of its data; base64: the JSON that goes out as data_base64
    id, source; mode: binary; record: the record's timestamp, else now
    times    how often, under different ids
    outcome  another one than accepted; before: the one until a change of behaviour
A request: `as` (an organization), `get` or `path`, `query`, and where they are not the usual `key`,
`slug`, `status`; of a refusal `body` or `code`; and `facts`. A fact: `at` (JSON pointer) and one of
    is       the value. With `pick` objects of a list are reduced to these members; with `within` the
             value may be away by that share
    has      some members of an object, each a fact of its own
    length   of a list
    days     first and last day of a series that has `member` 0 on each day but those of `except`
    of       time -> number: the value is the sum of those `since` a time, or of those in the last day
             (`rolling: d`), which is the 1,440 minutes that end with the present one
`changed_by` is the number of the change that made the fact true.
"""

import base64
import collections
import concurrent.futures
import hashlib
import json
import time
import urllib.parse

from calendar_text import UNITS, Moments
from checks import ROOT, check, expect, load_yaml, run
from credentials import SECRET, token
from house import House, get, wait_until

House.needed()
FILES = {path.stem: load_yaml(path) for path in sorted((ROOT / "Tests/Clients/by_hand").glob("*.yaml"))}
DAY, MINUTE = UNITS["d"], UNITS["m"]
ROUTES = {
    "overview": "overview", "totals": "workspace totals", "ranking/active-users": "ranking of users",
    "ranking/active-projects": "ranking of projects", "timeseries": "workspace time series",
    "summary": "connections", "metrics": "organization metrics", "tokens": "tokens",
    "agents/activity": "activity of agents", "agents": "agents",
}
DIALECTS = {
    "/api/v1/analytics": "identity", "/api/v1/app": "workspace", "/api/connection": "connections",
    "/api/analytics": "overview", "/organizations": "privacy",
}
WORDS = {
    "organizations": "profile plan users projects deleted roles opens",
    "events": "type time data text base64 id source mode record times outcome before",
    "answers": "as get path query key slug status body code facts changed_by",
    "facts": "at is pick within has length days member except of since rolling why changed_by",
}
NOTHING = object()  # no value of JSON


class Facts:
    """Counts facts, and those that do not hold, by the change that made them true."""

    def __init__(self):
        self.total = collections.Counter()
        self.wrong = collections.Counter()

    def hold(self, name, found, wanted, changed_by=None, why="", within=0):
        """Counts one fact; a list with a line about it, or an empty one where it holds."""
        self.total[changed_by] += 1
        if same(found, wanted, within):
            return []
        self.wrong[changed_by] += 1
        mark = f" (changed by {changed_by})" if changed_by else ""
        return [f"{name}{mark}: {shown(found)}, not {shown(wanted)}; {why}"]


def same(found, wanted, within=0):
    """Whether two values are equal, in kind too: 1 is not true."""
    if found is NOTHING:
        return False
    if within:
        return isinstance(found, (int, float)) and abs(found - wanted) <= within * wanted
    return json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def shown(value):
    return "nothing" if value is NOTHING else json.dumps(value, ensure_ascii=False)[:500]


def member(value, pointer):
    """The value at a JSON pointer, or NOTHING. An empty pointer is the whole."""
    for part in pointer.split("/")[1:]:
        try:
            value = value[int(part) if isinstance(value, list) else part]
        except (LookupError, ValueError, TypeError):
            return NOTHING
    return value


class Setting:
    """One machine for all checks: started, filled and counted once."""

    def __init__(self, house):
        secret = house.folder / "jwt"
        secret.write_text(SECRET)
        self.house = house
        self.machine = house.start("up", "--jwt-secret-file", str(secret), "--rate-limit", "0").wait_ready()
        self.organizations = {name: one for file in FILES.values() for name, one in file["organizations"].items()}
        self._fill_directory()
        self._make_keys()
        # All dates are counted from one day, so no day may end while the checks run.
        wait_until(lambda: time.time_ns() % DAY < DAY - 2 * MINUTE, 150, "midnight")
        self.moments = Moments(time.time_ns() // UNITS["ms"] * UNITS["ms"])
        self._send()
        house.wait_counted()

    def _fill_directory(self):
        lines = []
        for name, one in self.organizations.items():
            for kind, word in (("organization", "profile"), ("plan", "plan")):
                if word in one:
                    lines.append({"kind": kind, "organization": name, "profile": one[word]})
            for kind in ("user", "project"):
                for identity, profile in one.get(f"{kind}s", {}).items():
                    lines.append({"kind": kind, "organization": name, "id": identity, "profile": profile})
        path = self.house.folder / "directory.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.house.call("directory", "import", str(path))
        for name, one in self.organizations.items():
            for kind, identity in one.get("deleted", []):
                self.house.call("directory", "delete", kind, name, identity)

    def _make_keys(self):
        wanted = [
            (name, dialect, role)
            for file in FILES.values() for name, one in file["organizations"].items()
            for dialect in one.get("opens", [file["dialect"]]) if dialect != "identity"
            for role in one.get("roles", ["admin"])
        ]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.keys = dict(zip(wanted, pool.map(self._key, wanted)))

    def _key(self, wanted):
        organization, dialect, role = wanted
        key = self.house.key(organization, dialect, role="admin" if role == "revoked" else role)
        if role == "revoked":
            self.house.call("keys", "revoke", hashlib.sha256(key.encode()).hexdigest())
        return key

    def _send(self):
        producer, failed = self.house.producer(), []
        for file, document in FILES.items():
            for organization, events in document["events"].items():
                for place, event in enumerate(events):
                    for number in range(event.get("times", 1)):
                        record = self._record(organization, event, f"{file}-{place}-{number}")
                        producer.produce(self.house.topic, key=organization, **record,
                                         on_delivery=lambda error, _: error and failed.append(error))
        expect(producer.flush(30) == 0 and not failed, f"not sent: {failed}")

    def _record(self, organization, event, identity):
        """Value, headers and timestamp of an event's record."""
        time_text = event.get("time")
        if time_text and self.moments.is_relative(time_text):
            time_text = self.moments.written("instant", self.moments.moment(time_text))
        attributes = {
            "specversion": "1.0", "id": event.get("id", identity), "source": event.get("source", "/by-hand"),
            "type": event["type"], "subject": organization, **({"time": time_text} if time_text else {}),
        }
        stamp = self.moments.moment(event["record"]) if "record" in event else time.time_ns()
        found = {"timestamp": stamp // UNITS["ms"]}
        data = event.get("text") or (json.dumps(event["data"]) if "data" in event else None)
        if event.get("mode") == "binary":
            headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
            return {**found, "value": data, "headers": [*headers, ("content-type", b"application/json")]}
        members = [json.dumps(attributes)[1:-1]]
        if data is not None:
            members.append(f'"data": {data}')
        if "base64" in event:
            members.append(f'"data_base64": "{base64.b64encode(event["base64"].encode()).decode()}"')
        return {**found, "value": f"{{{', '.join(members)}}}"}

    def headers(self, path, request):
        """The headers of a request: those of a good client unless it says otherwise."""
        organization, role = request["as"], request.get("key", "admin")
        dialect = next(dialect for start, dialect in DIALECTS.items() if path.startswith(start))
        if dialect == "identity":
            return {} if role == "none" else {"Authorization": f"Bearer {identity_token(organization, role)}"}
        name = (organization, dialect, "admin" if role == "bearer" else role)
        key = f"dakkio_a_{'x' * 43}" if role == "unknown" else self.keys.get(name)
        expect(key or role == "none", f"no key {name}")
        if dialect in ("overview", "privacy"):
            return {"x-api-key": key} if key else {}
        bearer = "Bearer " if role == "bearer" or dialect == "workspace" else ""
        found = {"Authorization": bearer + key} if key else {}
        slug = request.get("slug", self.organizations[organization].get("profile", {}).get("slug"))
        return {**found, "x-org": slug} if dialect == "workspace" and slug else found


def identity_token(organization, role):
    """A token of the identity provider: good, or what `role` says is wrong with it."""
    if role == "expired":
        return token(organization, exp=int(time.time()) - 60)
    if role == "nobody":
        return token(organization, organization_id=None)
    good = token(organization)
    if role == "unsigned":
        header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
        return f"{header}.{good.split('.')[1]}."
    return good


def problems(file, request):
    """What is wrong with the answer to a request, a line each."""
    path = request.get("path") or FILES[file].get("base", "") + request["get"]
    path = path.replace("/own/", f"/{request['as']}/")
    query = {
        name: minutes_since(value) if str(value).startswith("{minutes ") else SETTING.moments.filled(value)
        for name, value in request.get("query", {}).items()
    }
    target = f"{path}?{urllib.parse.urlencode(query, doseq=True)}" if query else path
    status, body, minute = ask(SETTING.machine.url + target, SETTING.headers(path, request))
    name, changed, wanted = f"{target} of {request['as']}", request.get("changed_by"), request.get("status", 200)
    wrong = FACTS.hold(f"{name}, status", status, wanted, changed, shown(body))
    if "body" in request:
        wrong += FACTS.hold(f"{name}, body", body, request["body"], changed)
    if "code" in request:
        wrong += FACTS.hold(f"{name}, code", member(body, "/code"), request["code"], changed)
    for fact in request.get("facts", []):
        for pointer, found, value in values(body if status == wanted else NOTHING, fact, minute):
            wrong += FACTS.hold(f"{name}, {pointer or 'the whole'}", found, value, fact.get("changed_by"),
                                fact["why"], fact.get("within", 0))
    return wrong


def ask(url, headers):
    """Status and body of an answer, and the minute in which it was given."""
    while True:
        before = time.time_ns() // MINUTE
        status, _, body = get(url, headers)
        if time.time_ns() // MINUTE == before:
            return status, json.loads(body), before * MINUTE


def minutes_since(text):
    """The whole minutes from TIME, of "{minutes TIME}", until this moment."""
    then = SETTING.moments.moment(text.removeprefix("{minutes ").removesuffix("}"))
    return (time.time_ns() - then) // MINUTE


def values(body, fact, minute):
    """(pointer, found, wanted) of each value of a fact, in an answer given in this minute."""
    moments, at = SETTING.moments, fact["at"]
    found = member(body, at) if body is not NOTHING else NOTHING
    if "has" in fact:
        for name, value in moments.filled(fact["has"]).items():
            yield f"{at}/{name}", member(found, f"/{name}"), value
    elif "length" in fact:
        yield f"length of {at or 'the whole'}", len(found) if isinstance(found, list) else NOTHING, fact["length"]
    elif "days" in fact:
        special = moments.filled(fact["except"])
        dates = moments.dates(*fact["days"])
        expect(set(special) <= set(dates), f"{special} are not all in the range")
        yield at, found, [{"date": date, fact["member"]: special.get(date, 0)} for date in dates]
    elif "of" in fact:
        start = moments.moment(fact["since"]) if "since" in fact else minute + MINUTE - UNITS[fact["rolling"]]
        yield at, found, sum(number for text, number in fact["of"].items() if moments.moment(text) >= start)
    elif "pick" in fact:
        if isinstance(found, list):
            found = [[shown_member(row, name) for name in fact["pick"]] for row in found]
        yield at, found, fact["is"]
    else:
        yield at, found, moments.filled(fact["is"])


def shown_member(row, name):
    value = member(row, f"/{name}")
    return "no such member" if value is NOTHING else value


def route_of(request):
    """Which of the ten routes a request asks."""
    path = request.get("path") or request["get"]
    return max((part for part in ROUTES if path.endswith(part)), key=len)


def add_check(part, title):
    """Adds the check of all requests of one route."""
    def requests():
        wrong = [
            line for file, document in FILES.items() for request in document["answers"]
            if route_of(request) == part for line in problems(file, request)
        ]
        expect(not wrong, "\n     ".join(wrong))

    requests.__doc__ = f"{title}: as worked out by hand"
    check(requests)


@check
def words():
    """the files hold nothing that is not looked at, and requests of all ten routes"""
    for name, file in FILES.items():
        events = [event for organization in file["events"].values() for event in organization]
        facts = [fact for request in file["answers"] for fact in request.get("facts", [])]
        for part, rows in (("organizations", file["organizations"].values()), ("events", events),
                           ("answers", file["answers"]), ("facts", facts)):
            unknown = {word for row in rows for word in row} - set(WORDS[part].split())
            expect(not unknown, f"{name}: {part} do not know {unknown}")
        expect(all(fact.get("why") for fact in facts), f"{name}: a fact without why")
    expect(len(SETTING.organizations) == sum(len(file["organizations"]) for file in FILES.values()), "one id twice")
    asked = {route_of(request) for file in FILES.values() for request in file["answers"] if "facts" in request}
    expect(asked == set(ROUTES), f"not asked: {set(ROUTES) - asked}")


@check
def outcomes():
    """every record has the outcome that its file says"""
    wanted, before = collections.Counter(), collections.Counter()
    for document in FILES.values():
        for events in document["events"].values():
            for event in events:
                outcome, times = event.get("outcome", "accepted"), event.get("times", 1)
                wanted[outcome] += times
                before[event.get("before", outcome)] += times
    machine, sent = SETTING.machine, wanted.total()
    wait_until(lambda: sum(machine.outcomes().values()) == sent, 10, f"{sent} outcomes")
    found = machine.outcomes()
    wrong = []
    for name in sorted({*wanted, *found}):
        changed = None if wanted[name] == before[name] else "1, 2 and 4"
        wrong += FACTS.hold(f"outcome {name}", found.get(name, 0), wanted[name], changed)
    print(f"{sent} events")
    expect(not wrong, "\n     ".join(wrong))


for part_, title_ in ROUTES.items():
    add_check(part_, title_)


@check
def enough():
    """500 facts were looked at"""
    for change in sorted(FACTS.total, key=str):
        name = f"changed by {change}" if change else "that no change touched"
        print(f"{FACTS.total[change]} facts {name}, {FACTS.wrong[change]} of them wrong")
    expect(FACTS.total.total() >= 500, f"{FACTS.total.total()} facts")


FACTS = Facts()
with House() as HOUSE:
    SETTING = Setting(HOUSE)
    run()
