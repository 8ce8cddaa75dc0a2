"""Limits in the request path: every answer of /v1/check is that of an oracle which knows no cells, also without Redis.

Environment: CHECKS=N and SEED=N change how many checks are asked, and which.
"""

import datetime
import itertools
import json
import os
import random
import time
import urllib.error
import urllib.request
from decimal import Decimal

from jsonschema import Draft202012Validator

from checks import ROOT, check, expect, run
from house import House, get, wait_until
from zone_clock import clock

House.needed()
COUNT = int(os.environ.get("CHECKS", 1_500))
SEED = int(os.environ.get("SEED", 65))
CATALOG = """\
version: 1
events:
  call:
    fields:
      model: {at: /data/model}
      site: {at: /data/site}
      tokens: {at: /data/tokens, is: integer}
      cost: {at: /data/cost, is: decimal, scale: 3}
  joined: {}
  left: {}
meters:
  calls: {kind: count, windows: [quarter, day, month, all], retention: {quarter: forever}, on: [{event: call}]}
  models:
    {kind: count, by: [model, site], windows: [quarter, day, all], retention: {quarter: forever, day: forever}, on: [{event: call}]}
  sites:
    kind: sum
    per: [organization, site]
    windows: [quarter, day, month, all]
    retention: {quarter: forever}
    on: [{event: call, amount: tokens}]
  spent: {kind: sum, windows: [quarter, day, month, all], retention: {quarter: forever}, on: [{event: call, amount: cost}]}
  top:
    kind: ranking
    by: [model]
    windows: [quarter, day, month, all]
    retention: {quarter: forever}
    on: [{event: call, amount: tokens}]
  seats: {kind: level, windows: [all], on: [{event: joined, amount: count}, {event: left, amount: -count}]}
  coarse: {kind: count, windows: [day, month], on: [{event: call}]}
"""
AMOUNTS = {"calls": lambda _: 1, "models": lambda _: 1, "sites": lambda data: data["tokens"],
           "spent": lambda data: Decimal(data["cost"]), "top": lambda data: data["tokens"]}
DIMENSIONS = {"models": ["model", "site"], "sites": ["site"], "top": ["model"]}
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"]
VALUES = {"model": ["large", "small", "a:b"], "site": ["eu", "us"]}
UNLIMITED = ("--rate-limit", "0", "--address-rate-limit", "0", "--organization-requests", "0")


# MARK: The oracle


def period(limit, billing_day, now):
    """(first second, first second after it) of the period that holds now, or None: all of time."""
    name = limit.get("period")
    if name is None:
        return None
    zone = clock(limit.get("zone", "UTC"))

    def start(number):
        """The first second of the period that begins in a month, or on a day."""
        if name == "day":
            return zone.first(number * 86_400)
        year, month = 1970 + number // 12, number % 12 + 1
        length = ((datetime.date(year, month, 28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)).day
        day = min(limit.get("anchor", billing_day), length) if name == "billing" else 1
        return zone.first(zone.seconds(datetime.date(year, month, day)))

    date = zone.date(zone.local(now))
    number = zone.seconds(date) // 86_400 if name == "day" else (date.year - 1970) * 12 + date.month - 1
    begun = [number for number in range(number - 2, number + 3) if start(number) <= now]
    return start(begun[-1]), start(begun[-1] + 1)


def is_in(limit, data):
    values = {name: [value] if isinstance(value, str) else value for name, value in limit.get("filter", {}).items()}
    return all(data.get(name) in value for name, value in values.items())


class Organization:
    """Its limits and events, and what a check of it must answer."""

    def __init__(self, name, billing_day, own, plan):
        self.name, self.billing_day, self.own, self.plan = name, billing_day, own, plan
        self.events, self.seats = [], 0

    def limits(self, meter):
        own = [limit for limit in self.own if limit["meter"] == meter]
        return own or [limit for limit in self.plan if limit["meter"] == meter]

    def used(self, limit, now):
        """What is used of a limit, and when that ends."""
        if limit["meter"] == "seats":
            return max(0, self.seats), None
        range_ = period(limit, self.billing_day, now)
        amount = AMOUNTS[limit["meter"]]
        counted = sum(
            amount(data) for second, data in self.events
            if (range_ is None or range_[0] <= second < range_[1]) and is_in(limit, data))
        return counted, range_ and range_[1]

    def answer(self, asked, now):
        """The members of an answer that do not depend on the records' times."""
        found = []
        amount = asked.get("amount", 1)
        for limit in self.limits(asked["meter"]):
            if limit["limit"] is None or not is_in(limit, asked.get("by", {})):
                continue
            used, end = self.used(limit, now)
            is_over = used + amount > limit["limit"]
            denies = is_over and limit.get("mode", "hard") == "hard"
            found.append((not denies, limit["limit"] - used, limit, used, end, is_over))
        if not found:
            names = ("used", "limit", "remaining", "period", "mode", "resetsAt")
            return {"allowed": True, "exceeded": False, **dict.fromkeys(names)}
        is_allowed, left, limit, used, end, _ = min(found, key=lambda one: one[:2])
        return {
            "allowed": is_allowed, "exceeded": any(one[5] for one in found), "used": used, "limit": limit["limit"],
            "remaining": max(0, left), "period": None if end is None else limit["period"], "mode": limit.get("mode", "hard"),
            "resetsAt": None if end is None else clock(limit.get("zone", "UTC")).text(end),
        }


# MARK: What is made up


def some_limit(chance, meter):
    limit = {"meter": meter, "limit": chance.randrange(0, 400) if meter != "seats" else chance.randrange(0, 12)}
    if meter == "spent":
        limit["limit"] = Decimal(chance.randrange(0, 200_000)) / 1000
    name = chance.choice(["day", "month", "billing", "billing", None])
    if name:
        limit.update(period=name, zone=chance.choice(ZONES))
    if name == "billing" and chance.random() < 0.8:
        limit["anchor"] = chance.choice([1, 2, 15, 28, 29, 30, 31])
    if chance.random() < 0.4:
        limit["mode"] = chance.choice(["hard", "soft"])
    if meter in DIMENSIONS and chance.random() < 0.6:
        names = chance.sample(DIMENSIONS[meter], chance.randrange(1, len(DIMENSIONS[meter]) + 1))
        limit["filter"] = {
            name: chance.choice([VALUES[name][0], chance.sample(VALUES[name], chance.randrange(1, 3))]) for name in names}
    return limit


def some_limits(chance, meters):
    return [some_limit(chance, meter) for meter in meters for _ in range(chance.randrange(0, 4))]


def some_check(chance, organization, now):
    meter = chance.choice([*AMOUNTS, "seats"])
    asked = {"meter": meter}
    if meter in DIMENSIONS and chance.random() < 0.7:
        asked["by"] = {name: chance.choice(VALUES[name] + ["other"]) for name in DIMENSIONS[meter] if chance.random() < 0.8}
    held = [limit for limit in organization.limits(meter) if limit["limit"] is not None]
    amount = chance.randrange(0, 50)
    if held and chance.random() < 0.7:
        # The edge of a limit, and one step to both of its sides.
        limit = chance.choice(held)
        step = Decimal(1) / 1000 if meter == "spent" else 1
        amount = max(0, limit["limit"] - organization.used(limit, now)[0] + chance.choice([-1, 0, 1]) * step)
    if amount != 1 or chance.random() < 0.5:
        asked["amount"] = amount
    return asked


def fill(organization, chance, now):
    """Events of two months, many of them at the edges of the periods of its limits. Records, as they are sent."""
    times = [now - chance.random() * 62 * 86_400 for _ in range(250)]
    for limit in organization.own + organization.plan:
        range_ = period(limit, organization.billing_day, now)
        if range_:
            times += [range_[0] - 1, range_[0], range_[0] + 1, min(now, range_[1] - 1)]
    records = []
    for number, at in enumerate(times):
        data = {"model": chance.choice(VALUES["model"]), "site": chance.choice(VALUES["site"]),
                "tokens": chance.randrange(1, 4), "cost": str(Decimal(chance.randrange(0, 1_000)) / 1000)}
        organization.events.append((int(at), data))
        moment = datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        records.append(record(organization, number, "call", moment, {**data, "cost": float(data["cost"])}))
    for number in range(12):
        kind = chance.choice(["joined", "joined", "left"])
        organization.seats += 1 if kind == "joined" else -1
        moment = datetime.datetime.fromtimestamp(int(now), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        records.append(record(organization, f"s{number}", kind, moment, {}))
    return records


def record(organization, identity, kind, moment, data):
    return {"specversion": "1.0", "id": str(identity), "source": "/s", "type": kind, "subject": organization.name,
            "time": moment, "data": data}


# MARK: Asking


def as_json(value):
    """JSON in which a Decimal is the number that it is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {as_json(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def post(machine, key, body):
    """Status and answer; numbers as they are written."""
    request = urllib.request.Request(
        f"{machine.url}/v1/check", as_json(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read(), parse_float=Decimal)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.loads(answer.read())


def patient(machine, key, body):
    """Asks again where a busy machine did not answer from Redis in time."""
    for _ in range(20):
        status, answer = post(machine, key, body)
        answers = answer.get("checks", [answer])
        if status != 503 and not any("unavailable" in one for one in answers):
            break
        time.sleep(0.1)
    return status, answer


def put(house, organization):
    house.call(
        "directory", "put", "organization", organization.name,
        as_json({"name": "N", "billingDay": organization.billing_day, "limits": organization.own}))
    house.call("directory", "put", "plan", organization.name, as_json({"name": "P", "limits": organization.plan}))


def judge(machine, key, organization, asked, is_list):
    before = time.time()
    status, answer = patient(machine, key, {"checks": asked} if is_list else asked[0])
    expect(status == 200, f"{asked}: {status} {answer}")
    answers = answer["checks"] if is_list else [answer]
    expect(len(answers) == len(asked), f"{asked}: {answer}")
    for one, found in zip(asked, answers):
        age, as_of = found.pop("ageMs"), found.pop("asOf")
        expect(age >= 0 and as_of, f"{one}: {as_of} {age}")
        expect(found.pop("meter") == one["meter"], f"{one}: {found}")
        # A period may end while this is asked.
        wanted = [organization.answer(one, now) for now in {int(before), int(time.time())}]
        expect(found in wanted, f"{organization.name} {one}: {found}, not {wanted}, {organization.limits(one['meter'])}")


@check
def every_number():
    """limits × periods × zones × filters × amounts at their edges: every answer is the oracle's"""
    chance = random.Random(SEED)
    now = time.time()
    meters = [*AMOUNTS, "seats"]
    organizations = [
        Organization("o-1", 28, some_limits(chance, meters), some_limits(chance, meters)),
        Organization("o:2", 17, [], some_limits(chance, meters)),
        Organization("o-3", 1, [{"meter": meter, "limit": None} for meter in meters], some_limits(chance, meters)),
    ]
    with House() as house:
        path = house.folder / "catalog.yaml"
        path.write_text(CATALOG)
        machine = house.start("up", "--meters", str(path), *UNLIMITED).wait_ready()
        keys = [house.key(one.name, "operations", role=role) for one, role in zip(organizations, ("write", "read", "admin"))]
        producer = house.producer()
        for one in organizations:
            put(house, one)
            records = fill(one, chance, now)
            chance.shuffle(records)
            for value in records:
                producer.produce(house.topic, json.dumps(value), key=one.name + value["id"])
        producer.flush(30)
        house.wait_counted()
        machine.wait_outcomes({"accepted": sum(len(one.events) + 12 for one in organizations)})
        began = time.monotonic()
        for number in range(COUNT):
            place = number % 3
            count = chance.choice([1, 1, 2, 5, 64]) if number % 10 == 0 else 1
            asked = [some_check(chance, organizations[place], now) for _ in range(count)]
            judge(machine, keys[place], organizations[place], asked, len(asked) > 1 or chance.random() < 0.2)
            if number % (COUNT // 8) == COUNT // 16:
                # Limits that have changed hold from the next check on.
                organizations[0].own = some_limits(chance, meters)
                organizations[0].billing_day = chance.randrange(1, 29)
                put(house, organizations[0])
        print(f"{COUNT} requests, {time.monotonic() - began:.0f} s")
        others(house, machine, keys)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


def others(house, machine, keys):
    """What is refused."""
    status, answer = post(machine, keys[0], {"subject": "o-3", "meter": "calls"})
    expect(status == 403 and "allowed" not in answer, f"{status} {answer}")
    expect(post(machine, keys[0], {"subject": "o-1", "meter": "calls"})[0] == 200, "the key's own organization")
    expect(post(machine, "odo_r_nothing", {"meter": "calls"})[0] == 401, "no key")
    house.call("directory", "put", "plan", "o-3", '{"name": "P"}')
    house.call("directory", "put", "organization", "o-3", as_json(
        {"name": "N", "limits": [{"meter": "coarse", "limit": 1, "period": "day", "zone": "Asia/Kolkata"}]}))
    status, answer = patient(machine, keys[2], {"meter": "coarse"})
    expect(status == 501 and "add quarter to its windows in the catalog" in answer["message"], f"{status} {answer}")


# MARK: Mistakes


GOOD = {"meter": "calls", "limit": 1}
LISTS = [
    [], [GOOD], [{**GOOD, "period": "billing", "anchor": 31}], [{"meter": "calls", "limit": None}], [{**GOOD, "limit": 1.5}],
    [{**GOOD, "filter": {"a": "b", "c": ["d"]}}], [{**GOOD, "mode": "soft", "onUnavailable": "deny", "zone": "Asia/Tokyo"}],
    None, {}, "none", [1], [{"meter": "calls"}], [{"limit": 1}], [{**GOOD, "meter": "A"}], [{**GOOD, "limit": -1}],
    [{**GOOD, "limit": "1"}], [{**GOOD, "limit": 1e300}], [{**GOOD, "period": "year"}], [{**GOOD, "anchor": 3}],
    [{**GOOD, "period": "month", "anchor": 3}], [{**GOOD, "period": "billing", "anchor": 0}],
    [{**GOOD, "period": "billing", "anchor": 1.5}], [{**GOOD, "zone": ""}], [{**GOOD, "zone": 1}], [{**GOOD, "filter": []}],
    [{**GOOD, "filter": {"a": []}}], [{**GOOD, "filter": {"a": 1}}], [{**GOOD, "mode": "firm"}],
    [{**GOOD, "onUnavailable": None}], [{**GOOD, "unit": "GB"}], [GOOD] * 256, [GOOD] * 257,
]


@check
def mistakes():
    """a list is refused exactly where the schema refuses it, is counted, and stops no other record"""
    validators = {
        kind: Draft202012Validator(json.loads((ROOT / f"schemas/directory/{kind}.schema.json").read_text()))
        for kind in ("organization", "plan")}
    with House() as house:
        path = house.folder / "catalog.yaml"
        path.write_text(CATALOG)
        machine = house.start("up", "--meters", str(path)).wait_ready()
        refused = 0
        producer = house.producer()
        for number, (kind, limits) in enumerate(itertools.product(validators, LISTS)):
            value = {"name": "N", "limits": limits}
            is_good = validators[kind].is_valid(value)
            refused += not is_good
            producer.produce(house.directory, json.dumps(value), key=f"{kind}:o-{number}")
        # A zone that the database does not have is no matter of the schema.
        producer.produce(
            house.directory, json.dumps({"name": "N", "limits": [{**GOOD, "zone": "Europe/Atlantis"}]}), key="plan:o-zone")
        expect(producer.flush(30) == 0, "flush")
        key = house.key("o-after", "operations")
        house.call("directory", "put", "plan", "o-after", as_json({"name": "P", "limits": [{**GOOD, "limit": 0}]}))
        status, answer = patient(machine, key, {"meter": "calls"})
        expect(status == 200 and answer["allowed"] is False, f"a record after the mistakes: {status} {answer}")
        wait_until(
            lambda: machine.metrics()["odometer_directory_records_refused_total"] == refused + 1, 10, f"{refused} + 1 refused")
        expect(0 < refused < 2 * len(LISTS), f"{refused} refused")
        for number, (kind, limits) in enumerate(itertools.product(validators, LISTS)):
            is_there = bool(house.redis.keys(f"odo:1:*:o-{number}:directory:{kind}"))
            expect(is_there == validators[kind].is_valid({"name": "N", "limits": limits}), f"{kind} {limits}: {is_there}")


# MARK: Redis away


@check
def redis_away():
    """Redis stopped: answers by onUnavailable, in time; back: numbers again"""
    with House() as house:
        path = house.folder / "catalog.yaml"
        path.write_text(CATALOG)
        machine = house.start("up", "--meters", str(path), *UNLIMITED).wait_ready()
        keys = [house.key(name, "operations") for name in ("o-1", "o-2")]
        house.call("directory", "put", "plan", "o-1", as_json({"name": "P", "limits": [
            {"meter": "calls", "limit": 5, "period": "day", "onUnavailable": "deny"},
            {"meter": "top", "limit": 5, "period": "month", "zone": "Europe/Berlin"},
            {"meter": "spent", "limit": 5, "mode": "soft", "onUnavailable": "deny"}]}))
        asked = {"checks": [{"meter": name} for name in ("calls", "top", "spent", "seats")]}
        status, answer = patient(machine, keys[0], asked)
        expect(status == 200 and all(one["allowed"] for one in answer["checks"]), f"{status} {answer}")

        def away():
            """Checks that are answered without Redis; the longest of them, in seconds."""
            longest = 0
            for _ in range(20):
                began = time.monotonic()
                status, answer = post(machine, keys[0], asked)
                longest = max(longest, time.monotonic() - began)
                expect(status == 200, f"{status} {answer}")
                found = answer["checks"]
                expect([one["allowed"] for one in found] == [False, True, True, True], f"{found}")
                expect([one.get("unavailable") for one in found] == [True, True, True, None], f"{found}")
                expect([one["used"] for one in found] == [None] * 4 and found[0]["limit"] == 5, f"{found}")
                expect(found[1]["resetsAt"] is not None and found[2]["resetsAt"] is None, f"{found}")
            expect(post(machine, keys[1], {"meter": "calls"})[0] == 503, "limits that were never read")
            expect(post(machine, keys[0], {"meter": "calls", "subject": "o-2"})[0] == 403, "another organization")
            expect(get(f"{machine.url}/v1/meters/calls/query", {"Authorization": f"Bearer {keys[0]}"})[0] == 503, "numbers")
            return longest

        house.freeze(True)
        try:
            longest = away()
        finally:
            house.freeze(False)
        print(f"frozen: answered within {longest * 1000:.0f} ms")
        expect(longest < 2, f"{longest} s")

        def is_back():
            status, answer = post(machine, keys[0], asked)
            return status == 200 and all(one["allowed"] and "unavailable" not in one for one in answer["checks"])

        wait_until(is_back, 10, "numbers again")
        house.redis.shutdown(nosave=True)
        longest = away()
        print(f"stopped: answered within {longest * 1000:.0f} ms")
        expect(longest < 2, f"{longest} s")


run()
