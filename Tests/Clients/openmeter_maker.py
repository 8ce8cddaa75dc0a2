"""Seeded events, meters and questions of OpenMeter for check_openmeter.py, and how questions are written."""

import calendar
import datetime
import json
import random
import urllib.parse

from zone_clock import clock

CATALOG = """\
version: 1
events:
  prompt:
    fields:
      tokens: {at: /data/tokens, is: integer, from: text, otherwise: unknown}
      cost: {at: /data/cost, is: decimal, scale: 4, from: text, otherwise: unknown}
      user: {at: /data/user/id}
      model: {at: /data/model, default: ""}
      kind: {at: /data/type, default: ""}
  call: {fields: {route: {at: /data/route, default: ""}}}
meters:
  prompts:
    {across: true, kind: count, by: [model, kind], windows: [quarter, day, month, all], retention: {quarter: forever},
     on: [{event: prompt}]}
  tokens:
    {kind: sum, by: [model, kind], windows: [quarter, day, month, all], retention: {quarter: forever},
     on: [{event: prompt, amount: tokens}]}
  cost:
    {across: true, kind: sum, windows: [minute, quarter, day, month, all], retention: {minute: forever, quarter: forever},
     on: [{event: prompt, amount: cost}]}
  least_tokens:
    {kind: extreme, keep: min, value: tokens, windows: [quarter, day, month, all], retention: {quarter: forever},
     on: [{event: prompt}]}
  most_cost:
    {across: true, kind: extreme, keep: max, value: cost, by: [model], windows: [quarter, day, month, all],
     retention: {quarter: forever}, on: [{event: prompt}]}
  last_tokens:
    {across: true, kind: extreme, keep: last, value: tokens, by: [model], windows: [quarter, day, month, all],
     retention: {quarter: forever}, on: [{event: prompt}]}
  users:
    {across: true, kind: distinct, of: user, windows: [quarter, day, month, all], retention: {quarter: forever, day: forever},
     on: [{event: prompt}]}
  calls:
    {kind: count, per: [organization, route], windows: [quarter, day, month, all], retention: {quarter: forever},
     on: [{event: call}]}
  days: {kind: count, windows: [day, month], on: [{event: call}]}
  open_calls: {kind: level, windows: [all], on: [{event: call}]}
  first_user: {kind: extreme, keep: first, value: user, windows: [all], on: [{event: prompt}]}
"""
_MODEL, _BOTH = {"model": "$.model"}, {"model": "$.model", "kind": "$.type"}


def _meter(aggregation, kind, value=None, group=None):
    return {"aggregation": aggregation, "eventType": kind, "groupBy": group or {}, **(
        {"valueProperty": value} if value else {})}


#: The meters as OpenMeter's API must show them; those of other kinds are not there.
METERS = {
    "prompts": _meter("COUNT", "prompt", group=_BOTH), "tokens": _meter("SUM", "prompt", "$.tokens", _BOTH),
    "cost": _meter("SUM", "prompt", "$.cost"), "least_tokens": _meter("MIN", "prompt", "$.tokens"),
    "most_cost": _meter("MAX", "prompt", "$.cost", _MODEL), "last_tokens": _meter("LATEST", "prompt", "$.tokens", _MODEL),
    "users": _meter("UNIQUE_COUNT", "prompt", "$.user.id"), "calls": _meter("COUNT", "call", group={"route": "$.route"}),
    "days": _meter("COUNT", "call"),
}
#: Those that are counted over all organizations too.
ACROSS = ["prompts", "cost", "most_cost", "last_tokens", "users"]
MODELS = ["gpt-4", "GPT-4o", "claude_3", "Größe", "it's \"x\", y", None]
KINDS = ["input", "output", None]
ROUTES = ["/", "/a b", "/c:c", "%41", None]
#: Zones, and dates near which their clocks change.
ZONES = {
    "UTC": [], "Europe/Berlin": ["2026-03-29", "2025-10-26"], "Asia/Kolkata": [], "Asia/Kathmandu": [],
    "Australia/Lord_Howe": ["2026-04-05", "2025-10-05"], "America/New_York": ["2026-03-08", "2025-11-02"],
    "America/Sao_Paulo": ["2018-11-04", "2018-02-18"], "America/Santiago": ["2025-09-07"], "Pacific/Chatham": [],
}


def seconds(date):
    return calendar.timegm(datetime.date.fromisoformat(date).timetuple())


PLACES = [seconds(date) for dates in ZONES.values() for date in dates]


def events(seed, subject, now, count):
    """Records as they are sent, and what of them counts: (second, subject, type, data)."""
    chance = random.Random(f"{seed} {subject}")
    records, counted = [], []
    for index in range(count):
        place = chance.random()
        if place < 0.6:
            at = now - 600 - chance.randrange(40 * 86_400)
        elif place < 0.9:
            at = chance.choice(PLACES) + chance.randrange(-2 * 86_400, 2 * 86_400)
        else:
            at = now - 600 - chance.randrange(700 * 86_400)
        if chance.random() < 0.4:
            at = at // 900 * 900 + chance.choice([0, 0, -1, 1])
        at = min(at, now - 600)
        kind = "prompt" if chance.random() < 0.75 else "call"
        data = _prompt(chance) if kind == "prompt" else _some(chance, {"route": ROUTES})
        record = {
            "specversion": "1.0", "id": str(index), "source": "/app", "type": kind, "subject": subject, "data": data,
            "time": datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        records.append(record)
        counted.append((at, subject, kind, data))
        if chance.random() < 0.05:
            records.append({**record, "time": "2026-01-01T00:00:00Z"})  # a duplicate counts nothing
    return records, counted


def _some(chance, values):
    found = {name: chance.choice(some) for name, some in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def _prompt(chance):
    data = _some(chance, {"model": MODELS, "type": KINDS})
    tokens = chance.randrange(1, 100_000)
    data["tokens"] = chance.choice([tokens, tokens, str(tokens), "many", None])
    cost = f"{chance.randrange(1, 10_000_000) / 10_000:.4f}"
    data["cost"] = chance.choice([float(cost), cost, "free"])
    data["user"] = {"id": f"u{chance.randrange(80)}"}
    return {name: value for name, value in data.items() if value is not None}


# MARK: Questions


def question(chance, now, subject, names=tuple(METERS)):
    """A question about one of the meters, mostly of that subject."""
    name = chance.choice(names)
    meter = METERS[name]
    made = {
        "meter": name, "zone": chance.choice(list(ZONES)), "from": None, "to": None, "subject": None, "groupBy": [],
        "size": chance.choice([None, None, "HOUR", "DAY", "DAY", "MONTH", "WEEK"]), "filter": None, "advanced": None,
    }
    if name == "cost" and chance.random() < 0.3:
        made["size"] = "MINUTE"
    if name == "days":
        made["zone"] = "UTC"
        made["size"] = chance.choice([None, "DAY", "MONTH"])
    if chance.random() < 0.25:
        made["subject"] = chance.choice([[subject], [subject, "nobody"], ["nobody"]])
    _range(chance, made, now)
    for key in [*meter["groupBy"], "subject"]:
        if chance.random() < 0.4:
            made["groupBy"].append(key)
    chance.shuffle(made["groupBy"])
    values = {"model": MODELS, "kind": KINDS, "route": ROUTES}
    if name == "calls":
        # Its dimension is part of keys in Redis, so that a question names values.
        if "route" in made["groupBy"] or chance.random() < 0.5:
            made["filter"] = {"route": [chance.choice(ROUTES[:-1]) for _ in range(chance.randrange(1, 4))]}
    elif meter["groupBy"]:
        kind = chance.random()
        key = chance.choice(list(meter["groupBy"]))
        some = [value for value in values[key] if value]
        if kind < 0.25:
            made["filter"] = {key: chance.sample(some, chance.randrange(1, len(some) + 1))}
        elif kind < 0.6:
            made["advanced"] = {key: condition(chance, some)}
    return made


def condition(chance, values, depth=2):
    word = chance.choice([
        "$eq", "$ne", "$in", "$nin", "$like", "$nlike", "$ilike", "$nilike", "$gt", "$gte", "$lt", "$lte", "$contains",
        "$ncontains", "$and", "$or"])
    if word in ("$and", "$or"):
        if depth == 0:
            return {"$eq": chance.choice(values)}
        return {word: [condition(chance, values, depth - 1) for _ in range(chance.randrange(1, 4))]}
    if word in ("$in", "$nin"):
        return {word: chance.sample(values, chance.randrange(1, len(values) + 1))}
    if word in ("$like", "$nlike", "$ilike", "$nilike"):
        return {word: chance.choice(["%", "g%", "G%4", "claude\\_3", "gr_ße", "_n%t", "%t%"])}
    if word in ("$contains", "$ncontains"):
        return {word: chance.choice(["g", "PT", "put", "'", "_", "ö"])}
    return {word: chance.choice(values)}


def _range(chance, made, now):
    """A range; without a start only where it is not costly."""
    zone = clock(made["zone"])
    longest = {"MINUTE": 2, "HOUR": 20, None: 30, "DAY": 20, "WEEK": 30, "MONTH": 60}[made["size"]]
    if made["zone"] == "UTC" and made["size"] in (None, "DAY", "MONTH"):
        longest = 400
    length = int(longest * 86_400 * chance.random() ** 2) + 900
    near = ZONES[made["zone"]]
    middle = seconds(chance.choice(near)) if near and chance.random() < 0.5 else now - chance.randrange(45 * 86_400)
    start = middle - chance.randrange(length + 1)
    end = min(start + length, now - 1_800)
    start = min(start, end - 86_400)
    grid = chance.choice(["second", "quarter", "quarter", "day", "day"])
    if made["meter"] == "days":
        grid = "day"
    if grid == "quarter":
        start, end = start // 900 * 900, end // 900 * 900
    elif grid == "day":
        start, end = (zone.first(zone.local(at) // 86_400 * 86_400) for at in (start, end))
    made["from"], made["to"] = start, max(end, start + 900)
    kind = chance.random()
    if kind < 0.15:
        made["to"] = None
        if start < now - longest * 86_400:
            made["from"] = (now - 86_400) // 86_400 * 86_400
    elif kind < 0.3 and made["size"] in (None, "MONTH") and made["zone"] == "UTC":
        made["from"] = None
        made["to"] = chance.choice([None, made["to"] // 86_400 * 86_400])


def is_aligned(made):
    """Whether the cells that a meter keeps can answer exactly this range."""
    unit = {"cost": 60, "days": 86_400}.get(made["meter"], 900)
    return all(at is None or at % unit == 0 for at in (made["from"], made["to"]))


# MARK: Wire forms


def v1_pairs(made, chance):
    """Query parameters; filters in one of the two forms."""
    zone = clock(made["zone"])
    pairs = [(name, zone.text(made[name])) for name in ("from", "to") if made[name] is not None]
    if made["size"]:
        pairs.append(("windowSize", made["size"]))
    if made["zone"] != "UTC" or chance.random() < 0.3:
        pairs.append(("windowTimeZone", made["zone"]))
    pairs += [("subject", one) for one in made["subject"] or []] + [("groupBy", one) for one in made["groupBy"]]
    if made["advanced"]:
        pairs.append(("advancedMeterGroupByFilters", json.dumps(made["advanced"])))
    for key, values in (made["filter"] or {}).items():
        if len(values) == 1 and chance.random() < 0.5:
            pairs.append((f"filterGroupBy[{key}]", values[0]))
        elif len(values) == 1:
            pairs.append(("filterGroupBy", str({key: values[0]})))  # as the client for Python writes it
        else:
            pairs.append(("filterGroupBy", json.dumps({key: values})))
    if chance.random() < 0.2:
        pairs.append(("clientId", "check"))
    return urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)


def v1_body(made):
    """The same as a JSON object."""
    zone = clock(made["zone"])
    found = {name: zone.text(made[name]) for name in ("from", "to") if made[name] is not None}
    found["windowTimeZone"] = made["zone"]
    for name, member in (
            ("size", "windowSize"), ("subject", "subject"), ("groupBy", "groupBy"), ("filter", "filterGroupBy"),
            ("advanced", "advancedMeterGroupByFilters")):
        if made[name]:
            found[member] = made[name]
    return found


def v3_body(made):
    """A question of version 3; None where it has no such condition."""
    zone = clock(made["zone"])
    found = {name: zone.text(made[name]) for name in ("from", "to") if made[name] is not None}
    found["time_zone"] = made["zone"]
    sizes = {"MINUTE": "PT1M", "HOUR": "PT1H", "DAY": "P1D", "MONTH": "P1M", "WEEK": "P7D"}
    if made["size"]:
        found["granularity"] = sizes[made["size"]]
    if made["groupBy"]:
        found["group_by_dimensions"] = made["groupBy"]
    dimensions = {key: {"in": values} for key, values in (made["filter"] or {}).items()}
    if made["subject"] is not None:
        dimensions["subject"] = {"in": made["subject"]} if len(made["subject"]) > 1 else {"eq": made["subject"][0]}
    for key, value in (made["advanced"] or {}).items():
        dimensions[key] = _without_dollars(value)
    if any(value is None for value in dimensions.values()):
        return None
    if dimensions:
        found["filters"] = {"dimensions": dimensions}
    return found


def _without_dollars(condition):
    ((word, operand),) = condition.items()
    word = {"$ne": "neq"}.get(word, word[1:])
    if word in ("and", "or"):
        parts = [_without_dollars(one) for one in operand]
        return None if None in parts else {word: parts}
    return {word: operand} if word in ("eq", "neq", "in", "nin", "contains", "ncontains") else None
