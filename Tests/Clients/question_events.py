"""Events of one organization for check_questions.py, as records and as what each meter must have counted."""

import calendar
import datetime
import random

import yaml

import questions

CATALOG = """\
version: 1
events:
  sale:
    fields:
      shop: {at: /data/shop}
      country: {at: /data/country}
      plan: {at: /data/plan}
      user: {at: /data/user}
      cents: {at: /data/cents, is: integer, required: true}
      price: {at: /data/price, is: decimal, scale: 2, required: true}
  refund:
    fields:
      shop: {at: /data/shop}
      country: {at: /data/country}
      cents: {at: /data/cents, is: integer, required: true}
meters:
  sales:
    kind: count
    windows: [minute, quarter, day, month, all]
    retention: {minute: forever, quarter: forever}
    "on": [{event: sale}]
  cents:
    kind: sum
    per: [organization, shop]
    windows: [quarter, day, month, all]
    retention: {quarter: forever}
    "on": [{event: sale, amount: cents}]
  price: {kind: sum, windows: [quarter, month], retention: {quarter: forever}, "on": [{event: sale, amount: price}]}
  by_country:
    kind: count
    by: [country, plan]
    per: [organization, shop]
    windows: [quarter, day]
    retention: {quarter: forever}
    "on": [{event: sale}]
  stock:
    kind: level
    by: [country]
    windows: [quarter, day, all]
    retention: {quarter: forever}
    "on": [{event: sale, amount: cents}, {event: refund, amount: -cents}]
  stock_now:
    kind: level
    per: [organization, shop]
    windows: [all, day]
    "on": [{event: sale}, {event: refund, amount: -1}]
  least:
    kind: extreme
    keep: min
    value: cents
    windows: [quarter, day]
    retention: {quarter: forever}
    "on": [{event: sale}]
  most_by:
    kind: extreme
    keep: max
    value: cents
    by: [country, plan]
    windows: [quarter, day]
    retention: {quarter: forever}
    "on": [{event: sale}]
  last_user:
    kind: extreme
    keep: last
    value: user
    by: [country]
    windows: [quarter, day]
    retention: {quarter: forever}
    "on": [{event: sale}]
  first_user:
    kind: extreme
    keep: first
    value: user
    windows: [quarter, day, all]
    retention: {quarter: forever}
    "on": [{event: sale}]
  users:
    kind: distinct
    of: user
    per: [organization, shop, [shop, country]]
    windows: [quarter, day, all]
    retention: {quarter: forever, day: forever}
    "on": [{event: sale}]
  top:
    kind: ranking
    by: [user, country]
    windows: [quarter, day, month, all]
    retention: {quarter: forever, day: forever}
    "on": [{event: sale, amount: cents}]
  sizes:
    kind: histogram
    value: cents
    per: [organization, shop]
    windows: [quarter, day, all]
    retention: {quarter: forever}
    "on": [{event: sale}]
  days: {kind: count, by: [country], windows: [day, month, all], "on": [{event: sale}]}
  ever: {kind: count, windows: [all], "on": [{event: sale}]}
  recent: {kind: count, windows: [minute, quarter, day], "on": [{event: sale}]}
  hours: {kind: grid, "on": [{event: sale}]}
  large:
    kind: count
    by: [country]
    windows: [quarter, day]
    retention: {quarter: forever}
    "on": [{event: sale, when: {field: cents, gte: 1000, lt: 500000}}]
  average: {kind: ratio, of: cents, to: sales}
  priced: {kind: ratio, of: price, to: by_country}
  rate: {kind: ratio, of: large, to: by_country}
  spent: {kind: ratio, of: top, to: by_country}
  buyers:
    kind: unique
    of: user
    exact: 30
    per: [organization, shop, [shop, country]]
    windows: [quarter, day, all]
    retention: {quarter: forever, day: forever}
    "on": [{event: sale}]
"""


def _meter(declared):
    """A declaration as the oracle takes it."""
    per = [
        [] if scope == "organization" else [scope] if isinstance(scope, str) else scope
        for scope in declared.get("per", [])
    ]
    spans = {"forever": None, "92d": 92 * 86_400}
    amount = declared["on"][0].get("amount")
    return {
        "kind": declared["kind"], "windows": declared.get("windows", []), "by": declared.get("by", []),
        "per": per or [[]], "retention": {name: spans[span] for name, span in declared.get("retention", {}).items()},
        "keep": declared.get("keep"), "value": declared.get("value") or declared.get("of"), "amount": amount,
        "scale": 2 if amount == "price" else 0, "when": declared["on"][0].get("when"), "exact": declared.get("exact"),
    }


def _ratio(declared, meters):
    """What two meters have in common."""
    sources = [meters[declared[name]] for name in ("of", "to")]
    windows = [name for name in sources[0]["windows"] if name in sources[1]["windows"]]
    return {
        "kind": "ratio", "windows": windows, "by": [name for name in sources[0]["by"] if name in sources[1]["by"]],
        "per": [scope for scope in sources[0]["per"] if scope in sources[1]["per"]], "retention": {name: None for name in windows}, "sources": sources,
        "names": [declared[name] for name in ("of", "to")],
    }


def _meters():
    declared = yaml.safe_load(CATALOG)["meters"]
    # A grid has no answer, so it is not among those that are asked.
    found = {name: _meter(meter) for name, meter in declared.items() if meter["kind"] not in ("grid", "ratio")}
    return found | {name: _ratio(meter, found) for name, meter in declared.items() if meter["kind"] == "ratio"}


METERS = _meters()
SHOPS = ["a", "b b", "c:c", "%41", "", None]
COUNTRIES = ["DE", "FR", "Ö,\"x\"", None]
PLANS = ["free", "pro", None]
USERS = [f"u{number}" for number in range(60)]
#: Zones, and times near which their clocks do what other programs get wrong.
ZONES = {
    "UTC": [], "Europe/Berlin": ["2026-03-29", "2025-10-26"], "Asia/Kolkata": [], "Asia/Kathmandu": [],
    "Australia/Lord_Howe": ["2026-04-05", "2025-10-05"], "Pacific/Apia": ["2011-12-30"],
    "America/Sao_Paulo": ["2018-11-04", "2018-02-18"], "America/Havana": ["2026-03-08", "2025-11-02"],
    "Atlantic/Azores": ["2026-03-29", "2025-10-26"], "Africa/Cairo": ["2026-04-24", "2025-10-31"],
    "America/Santiago": ["2025-09-07", "2026-04-05"], "Antarctica/Casey": ["2020-10-04", "2018-03-11"],
    "America/St_Johns": ["2005-10-30", "2006-04-02"], "America/New_York": ["2026-11-01", "2026-03-08"],
    "Pacific/Chatham": ["2026-04-05"], "Asia/Tokyo": [],
}
NEW_YEARS = ["2024-12-30", "2026-01-01", "2021-01-03"]


def seconds(date):
    return calendar.timegm(datetime.date.fromisoformat(date).timetuple())


PLACES = [seconds(date) for dates in ZONES.values() for date in dates] + [seconds(date) for date in NEW_YEARS]


class Log:
    """The events of one organization, as records and as entries of each meter."""

    def __init__(self, seed, organization, now, count):
        chance = random.Random(f"{seed} {organization}")
        self.records, self.now, self.count = [], now, count
        entries = {name: [] for name in METERS}
        past = [place for place in PLACES if place + 3 * 86_400 < now]
        for number in range(count):
            kind = chance.random()
            if kind < 0.5:
                at = now - 600 - chance.randrange(60 * 86_400)
            elif kind < 0.9:
                at = chance.choice(past) + chance.randrange(-2 * 86_400, 2 * 86_400)
            else:
                at = now - 600 - chance.randrange(800 * 86_400)
            if chance.random() < 0.4:  # on the edges of cells
                at = at // 900 * 900 + chance.choice([0, 0, -1, 1])
            self._add(chance, organization, number, at, entries)
        for name, meter in METERS.items():
            if meter["kind"] == "ratio":
                # What is divided and by what, as a pair.
                above, below = (entries[source] for source in meter["names"])
                entries[name] = [(at, dimensions, (amount, 0), None) for at, dimensions, amount, _ in above]
                entries[name] += [(at, dimensions, (0, amount), None) for at, dimensions, amount, _ in below]
        self.events = {name: questions.Events(found) for name, found in entries.items()}

    def _add(self, chance, organization, number, at, entries):
        is_sale = chance.random() < 0.85
        price = chance.randrange(0, 1_000_000)
        data = {"cents": int(10 ** (chance.random() * 6)), "price": price / 100}
        for name, values in (("shop", SHOPS), ("country", COUNTRIES), ("plan", PLANS)):
            value = chance.choice(values)
            if value is not None:
                data[name] = value
        data["user"] = chance.choice(USERS)
        record = {
            "specversion": "1.0", "id": str(number), "source": "/shop", "type": "sale" if is_sale else "refund",
            "subject": organization, "data": data,
            "time": datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self.records.append(record)
        if chance.random() < 0.05:
            self.records.append({**record, "time": "2026-01-01T00:00:00Z"})  # a duplicate counts nothing
        dimensions = {name: data.get(name, "unknown") for name in ("shop", "country", "plan", "user")}
        for name, meter in METERS.items():
            if meter["kind"] == "ratio" or not is_sale and meter["kind"] != "level":
                continue
            when = meter["when"]
            if when and not when["gte"] <= data[when["field"]] < when["lt"]:
                continue
            amount = {"cents": data["cents"], "price": price}.get(meter["amount"], 1)
            value = data.get(meter["value"])
            entries[name].append((at, dimensions, amount if is_sale else -amount, value))
