"""Organizations with made-up limits and events for check_limits.py, and what each check of them must answer."""

import datetime
from decimal import Decimal

from zone_clock import clock

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
  seats: {kind: level, windows: [all], on: [{event: joined}, {event: left, amount: -1}]}
  coarse: {kind: count, windows: [day, month], on: [{event: call}]}
"""
AMOUNTS = {"calls": lambda _: 1, "models": lambda _: 1, "sites": lambda data: data["tokens"],
           "spent": lambda data: Decimal(data["cost"]), "top": lambda data: data["tokens"]}
DIMENSIONS = {"models": ["model", "site"], "sites": ["site"], "top": ["model"]}
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"]
VALUES = {"model": ["large", "small", "a:b"], "site": ["eu", "us"]}


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
