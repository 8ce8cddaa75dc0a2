"""What OpenMeter's API answers, computed from the raw events in plain loops.

Written from the description of that API (docs/OPENMETER.md has our deviations), not from our code. It knows no cells.
Of our zones it has only the buckets of zone_clock.py, which an earlier check compares with Python's own calendar.
"""

import bisect
import collections
import decimal
import math
import re

from zone_clock import buckets, clock

SIZES = {"MINUTE": "minute", "HOUR": "hour", "DAY": "day", "MONTH": "month", "WEEK": "week"}
#: Where a question has no `from`: the start of the catalog's time, 2000-01-01.
BEGINNING = 946_684_800

Row = collections.namedtuple("Row", "start end subject group values")


def number(value):
    """A number, or a text that is one; else None."""
    if isinstance(value, str):
        try:
            value = decimal.Decimal(value)
        except decimal.InvalidOperation:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float, decimal.Decimal)) or not math.isfinite(value):
        return None
    return decimal.Decimal(str(value))


def at_path(data, path):
    """The value at `$.a.b`."""
    for name in path.removeprefix("$.").split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return data


def text_at(data, path):
    value = at_path(data, path)
    return "" if value is None else str(value)


def like(pattern, flags=0):
    """A pattern of SQL as a regular expression."""
    found, escaped = "", False
    for letter in pattern:
        if letter == "\\" and not escaped:
            escaped = True
            continue
        found += {"%": ".*", "_": "."}.get(letter, re.escape(letter)) if not escaped else re.escape(letter)
        escaped = False
    return re.compile(found, re.DOTALL | flags).fullmatch


def admits(condition, value):
    """Whether a value fulfils a condition: one operator with its operand."""
    ((word, operand),) = condition.items()
    negated = {"$ne": "$eq", "$nin": "$in", "$nlike": "$like", "$nilike": "$ilike", "$ncontains": "$contains"}
    if word in negated:
        return not admits({negated[word]: operand}, value)
    if word == "$and":
        return all(admits(one, value) for one in operand)
    if word == "$or":
        return any(admits(one, value) for one in operand)
    if word == "$contains":
        return operand.lower() in value.lower()
    if word in ("$like", "$ilike"):
        return bool(like(operand, re.IGNORECASE if word == "$ilike" else 0)(value))
    mine, other = value.encode(), operand.encode() if isinstance(operand, str) else operand
    return {
        "$eq": lambda: mine == other, "$in": lambda: value in operand, "$lt": lambda: mine < other,
        "$lte": lambda: mine <= other, "$gt": lambda: mine > other, "$gte": lambda: mine >= other,
    }[word]()


def chosen(question, meter, events):
    """The events that count into the answer: (second, subject, dimensions, value); `events` are sorted by time."""
    first = 0 if question["from"] is None else bisect.bisect_left(events, (question["from"],))
    last = len(events) if question["to"] is None else bisect.bisect_left(events, (question["to"],))
    simple, advanced = question.get("filter") or {}, question.get("advanced") or {}
    for at, subject, kind, data in events[first:last]:
        if kind != meter["eventType"]:
            continue
        if question["subject"] is not None and subject not in question["subject"]:
            continue
        named = {key: text_at(data, path) for key, path in meter["groupBy"].items()}
        if any(named[key] not in values for key, values in simple.items()):
            continue
        if any(not admits(condition, named[key]) for key, condition in advanced.items()):
            continue
        value = None
        if meter["aggregation"] != "COUNT":
            value = at_path(data, meter["valueProperty"])
            value = value if meter["aggregation"] == "UNIQUE_COUNT" else number(value)
            if value is None:
                continue
        yield at, subject, named, value


def aggregated(kind, found):
    """The possible values of one row: several where events of one second differ."""
    values = [value for _, value in found]
    if kind == "COUNT":
        return {decimal.Decimal(len(found))}
    if kind == "UNIQUE_COUNT":
        return {decimal.Decimal(len(set(values)))}
    if kind == "LATEST":
        last = max(at for at, _ in found)
        return {value for at, value in found if at == last}
    return {{"SUM": sum, "MIN": min, "MAX": max}[kind](values)}


def answer(question, meter, events):
    """The rows by windows; groups of one window are in no order. `end` is None where it is now."""
    zone = clock(question["zone"])
    has_subject = question["subject"] is not None or "subject" in question["groupBy"]
    keys = [key for key in question["groupBy"] if key != "subject"]
    found = list(chosen(question, meter, events))
    whole = (question["from"] if question["from"] is not None else BEGINNING, question["to"])
    known = {}

    def window(at):
        if question["size"] is None:
            return whole
        if at not in known:
            _, _, _, *known[at] = buckets(zone, SIZES[question["size"]], at, at + 1)[0]
        return known[at]

    rows = collections.defaultdict(list)
    for at, subject, named, value in found:
        group = tuple(named[key] for key in keys)
        rows[(*window(at), subject if has_subject else None, group)].append((at, value))
    if not rows and question["size"] is None and not has_subject and not keys and meter["aggregation"] in (
            "COUNT", "UNIQUE_COUNT"):
        return [Row(*whole, None, (), {decimal.Decimal(0)})]
    return [Row(*place, aggregated(meter["aggregation"], values)) for place, values in rows.items()]
