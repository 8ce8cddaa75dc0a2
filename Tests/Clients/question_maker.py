"""Seeded questions for check_questions.py, and how they are written as parameters and as a body."""

import urllib.parse

from question_events import COUNTRIES, METERS, NEW_YEARS, PLANS, SHOPS, USERS, ZONES, seconds
from zone_clock import clock


def question(chance, now):
    """A question with explicit times, or about all of time."""
    name = chance.choice(list(METERS))
    meter = METERS[name]
    windows = ["none"] * 5 + ["minute", "quarter", "hour", "hour", "day", "day", "day", "week", "month"]
    window = chance.choice(windows)
    made = {
        "meter": name, "zone": chance.choice(list(ZONES)), "window": window, "by": [], "filter": {}, "order": None,
        "compare": None, "fill": "zero", "from": None, "to": None,
    }
    if "all" not in meter["windows"] or window != "none" or name != "ever" and chance.random() < 0.8:
        _range(chance, made, now)
        if chance.random() < 0.25 and meter["kind"] != "histogram":
            made["compare"] = chance.choice(["previous", "year"])
    _groups(chance, made, meter)
    if chance.random() < 0.5:
        # Estimates have no order that could be foretold.
        orders = ["time", "-time", "name"] if meter["kind"] in ("histogram", "distinct", "unique") else [
            "time", "-time", "name", "value", "-value"]
        made["order"] = chance.choice(orders)
    elif meter["kind"] in ("distinct", "unique") and made["by"]:
        made["order"] = "name"
    if chance.random() < 0.3:
        made["fill"] = "null"
    made["limit"] = chance.choice([1, 3, 10, 100, 1_000, 10_000])
    made["offset"] = chance.choice([0, 0, 0, 1, 7, 50])
    if meter["kind"] == "histogram" and chance.random() < 0.6 or chance.random() < 0.01:
        made["percentiles"] = chance.sample(["0", "0.1", "25", "50", "90", "95", "99.9", "100"], chance.randrange(1, 5))
    is_fit = made["by"] and window == "none" and not made["compare"] and meter["kind"] in (
        "count", "sum", "level", "ranking")
    if chance.random() < (0.7 if is_fit else 0.01):
        _rank(chance, made)
    return made


def _rank(chance, made):
    made["rest"] = True
    if made["by"] and chance.random() < 0.5:
        values = {"shop": SHOPS, "country": COUNTRIES, "plan": PLANS, "user": USERS}
        made["member"] = {name: chance.choice(values[name]) or "unknown" for name in made["by"]}
        if chance.random() < 0.9:
            made["offset"] = 0


def is_costly(made):
    """Whether it may need one key for each quarter-hour: what takes longer than a second is answered with 503."""
    meter = METERS[made["meter"]]
    is_series = all(
        source["kind"] in ("count", "sum", "level", "extreme") and not source["by"]
        for source in meter.get("sources", [meter]))
    return not is_series and made["zone"] != "UTC"


def _range(chance, made, now):
    zone = clock(made["zone"])
    longest = {"minute": 2, "quarter": 10, "hour": 40, "none": 400, "day": 400, "week": 600, "month": 900}
    if is_costly(made):
        # A sketch costs more than a hash.
        most = 5 if METERS[made["meter"]]["kind"] in ("distinct", "unique") else 20
        longest = {window: min(days, most) for window, days in longest.items()}
    length = int(longest[made["window"]] * 86_400 * chance.random() ** 2) + 60
    dates = ZONES[made["zone"]] + NEW_YEARS
    if chance.random() < 0.5:
        middle = seconds(chance.choice(dates))
    else:
        middle = now - chance.randrange(120 * 86_400)
    start = middle - chance.randrange(length + 1)
    # Ends that are far enough from now not to be passed by it while the question is on its way.
    ends = [start + length, start + length, now + 3 * 86_400]
    end = min(chance.choice(ends), start + longest[made["window"]] * 86_400)
    if abs(end - now) < 1_800:
        end -= 7_200
    grid = chance.choice(["second", "quarter", "day", "month"])
    if grid == "quarter":
        start, end = start // 900 * 900, end // 900 * 900
    elif grid in ("day", "month"):
        start, end = (zone.first(zone.local(at) // 86_400 * 86_400) for at in (start, end))
        if grid == "month" and not is_costly(made):
            start = zone.first(zone.seconds(zone.date(zone.local(start)).replace(day=1)))
    made["from"], made["to"] = start, end


def _groups(chance, made, meter):
    dimensions = sorted({name for scope in meter.get("per", []) for name in scope} | set(meter.get("by", [])))
    if chance.random() < 0.03:
        dimensions.append("plan")
    values = {"shop": SHOPS, "country": COUNTRIES, "plan": PLANS, "user": USERS}
    for name in dimensions:
        if chance.random() < 0.45:
            made["by"].append(name)
        is_key = any(name in scope for scope in meter.get("per", []))
        if chance.random() < (0.7 if is_key else 0.3):
            some = [value for value in chance.sample(values[name], 2) + ["nowhere"] if value is not None]
            made["filter"][name] = chance.choice([
                {"eq": some[0]}, {"in": some}, {"notIn": some[:1]}, {"in": some, "notIn": some[:1]}])
    chance.shuffle(made["by"])


def target(made, zone):
    """A question as query parameters; None where its filters need a body."""
    pairs = [("window", made["window"]), ("zone", made["zone"]), ("fill", made["fill"])]
    pairs += [(name, str(made[name])) for name in ("limit", "offset")]
    if made["from"] is not None:
        pairs += [("from", zone.text(made["from"])), ("to", zone.text(made["to"]))]
    pairs += [(name, made[name]) for name in ("order", "compare") if made[name]]
    if made["by"]:
        pairs.append(("by", ",".join(made["by"])))
    for name, operators in made["filter"].items():
        for operator, value in operators.items():
            for one in [value] if operator == "eq" else value:
                pairs.append(("filter", f"{name}{'!' if operator == 'notIn' else ''}={one}"))
    if "percentiles" in made:
        pairs.append(("percentile", ",".join(made["percentiles"])))
    if "rest" in made:
        pairs.append(("rest", "true"))
    pairs += [("member", f"{name}={value}") for name, value in made.get("member", {}).items()]
    return f"/v1/meters/{made['meter']}/query?{urllib.parse.urlencode(pairs)}"


def body(made, zone, is_part=False):
    """The same as a JSON object; a part of several has no times and no zone of its own."""
    names = ["window", "fill", "limit", "offset"] + ([] if is_part else ["zone"])
    found = {name: made[name] for name in names}
    found.update({name: made[name] for name in ("order", "compare") if made[name]})
    if made["by"]:
        found["by"] = made["by"]
    if made["filter"]:
        found["filter"] = made["filter"]
    found.update({name: made[name] for name in ("rest", "member") if name in made})
    if "percentiles" in made:
        found["percentiles"] = [float(percentile) for percentile in made["percentiles"]]
    if not is_part and made["from"] is not None:
        found.update({"from": zone.text(made["from"]), "to": zone.text(made["to"])})
    return {"meter": made["meter"], **found} if is_part else found
