"""Limits in the request path: every answer of /v1/check is that of an oracle which knows no cells, also without Redis.

Environment: CHECKS=N and SEED=N change how many checks are asked, and which.
"""

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
from limit_events import AMOUNTS, CATALOG, Organization, fill, some_check, some_limits

House.needed()
COUNT = int(os.environ.get("CHECKS", 1_500))
SEED = int(os.environ.get("SEED", 65))
UNLIMITED = ("--rate-limit", "0", "--address-rate-limit", "0", "--organization-requests", "0")


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
