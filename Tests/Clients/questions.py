"""What questions about meters must answer, computed from the events themselves.

Written from docs/QUERY.md and schemas/catalog.md. It knows no cells: it looks at each event's time, dimensions and
amount, and at the windows that a meter keeps only to say which edges move and what is refused.
"""

import bisect
import fractions

from zone_clock import DAY, buckets, clock, step_after

#: Default retention in seconds; None: for ever.
RETENTION = {"minute": 26 * 3_600, "quarter": 92 * DAY, "day": None, "month": None}


class Kept:
    """Which stretches of time are whole numbers of the cells that a meter keeps."""

    def __init__(self, windows, retention, now):
        self.now = now
        self.lengths = {"minute": 60, "quarter": 900, "day": DAY}
        self.windows = [name for name in ("month", "day", "quarter", "minute") if name in windows]
        # A cell counts as expired a minute early.
        self.oldest = {
            name: None if retention.get(name, RETENTION[name]) is None
            else now + 60 - retention.get(name, RETENTION[name])
            for name in self.windows
        }

    def cell(self, window, second):
        """The cell with a second."""
        if window != "month":
            length = self.lengths[window]
            return second // length * length, second // length * length + length
        zone = clock("UTC")
        date = zone.date(second).replace(day=1)
        return zone.seconds(date), zone.seconds(step_after(zone, "month", date))

    def _reach(self, at, end):
        """How far neighbouring cells of one length reach from here by then; None where no cell begins here."""
        for window in self.windows:
            start, after = self.cell(window, at)
            oldest = self.oldest[window]
            if start == at and after <= end and (oldest is None or after > oldest):
                # Later cells of this length are kept as well.
                return after if window == "month" else end // self.lengths[window] * self.lengths[window]
        return None

    def holes(self, start, end):
        """What no cells cover, joined."""
        found, at = [], start
        while at < end:
            after = self._reach(at, end)
            if after is None:
                # The next place where any cell could begin.
                after = min([self.cell(window, at)[1] for window in self.windows] + [end])
                if found and found[-1][1] == at:
                    found[-1][1] = after
                else:
                    found.append([at, after])
            at = after
        return found

    def has_minutes(self, second):
        return "minute" in self.windows and (
            self.oldest["minute"] is None or self.cell("minute", second)[1] > self.oldest["minute"])


class Refused(Exception):
    """The question must be answered with 400."""


def planned(question, meter, now):
    """The buckets of a question, each with whether it is exact, and the edges that were moved."""
    zone, step = clock(question["zone"]), question["window"]
    start, end = question["from"], question["to"]
    if start >= end:
        raise Refused("range")
    found = [[*bucket, True] for bucket in buckets(zone, step, start, end)]
    at = start
    while at < end:
        if zone.offset(at) % 900:
            raise Refused("offset")
        at += DAY
    if len(found) > 2_000:
        raise Refused("buckets")
    kept = Kept(meter["windows"], meter.get("retention", {}), now)
    for before, after in zip(found, found[1:]):
        edge = after[0]
        if edge % 900 and step != "minute" and not kept.has_minutes(edge):
            before[1] = after[0] = min((edge // 900 + 1) * 900, after[1])
            before[5] = after[5] = False
    clipped = []
    _clip_start(found, kept, clipped, start)
    _clip_end(found, kept, clipped, end, step)
    if not found or found[0][0] >= found[-1][1]:
        raise Refused("empty")
    for bucket in found:
        if kept.holes(bucket[0], bucket[1]):
            raise Refused("cells")
    return found, clipped, kept


def _is_partial(bucket):
    return bucket[0] > bucket[3] or bucket[1] < bucket[4]


def _clip_start(found, kept, clipped, start):
    holes = kept.holes(found[0][0], found[0][1])
    if not holes or holes[0][0] != found[0][0]:
        return
    if holes[0][1] < found[0][1]:
        found[0][0] = holes[0][1]
    elif _is_partial(found[0]) and len(found) > 1:
        del found[0]
    else:
        return
    clipped.append(("from", start, found[0][0]))


def _clip_end(found, kept, clipped, end, step):
    last = found[-1]
    holes = kept.holes(last[0], last[1])
    if not holes or holes[-1][1] != last[1]:
        return
    after = kept.cell(kept.windows[-1], last[1] - 1)[1]
    is_open = after > kept.now and after > last[1] and (step == "none" or after <= last[4])
    if is_open and not kept.holes(last[0], after):
        last[1] = after
    elif holes[-1][0] > last[0]:
        last[1] = holes[-1][0]
    elif _is_partial(last) and len(found) > 1:
        del found[-1]
    else:
        return
    clipped.append(("to", end, found[-1][1]))


def compared(question, found):
    """For each bucket the stretch that it is compared with."""
    zone, step = clock(question["zone"]), question["window"]
    first, last = zone.local(found[0][0]), zone.local(found[-1][1])

    def months_back(local, count):
        date = zone.date(local)
        index = date.year * 12 + date.month - 1 - count
        try:
            return zone.seconds(date.replace(year=index // 12, month=index % 12 + 1)) + local % DAY
        except ValueError:  # a day that the month does not have: the first of the next one
            return zone.seconds(date.replace(year=(index + 1) // 12, month=(index + 1) % 12 + 1, day=1))

    def is_month(local):
        return local % DAY == 0 and zone.date(local).day == 1

    if question["compare"] == "year":
        move = (lambda local: local - 364 * DAY) if step == "week" else (lambda local: months_back(local, 12))
    elif step in ("none", "month") and is_month(first) and is_month(last):
        start, end = zone.date(first), zone.date(last)
        count = end.year * 12 + end.month - start.year * 12 - start.month
        move = lambda local: months_back(local, count)  # noqa: E731
    else:
        move = lambda local: local - (last - first)  # noqa: E731
    edge = zone.first(move(first))
    stretches = []
    for bucket in found:
        after = max(edge, zone.first(move(zone.local(bucket[1]))))
        stretches.append((edge, after))
        edge = after
    return stretches


def histogram_step(value):
    if value < 128:
        return max(0, value)
    exponent = value.bit_length() - 1
    return (exponent - 6) * 64 + (value >> (exponent - 6))


def histogram_bounds(step):
    if step < 128:
        return step, step + 1
    exponent = step // 64 - 1
    low = (64 + step % 64) << exponent
    return low, low + (1 << exponent)


def value_of(meter, entries, fill):
    """What a row shows of the entries (time, dimensions, amount, value) in it."""
    kind = meter["kind"]
    if kind in ("count", "sum", "level", "ranking"):
        total = sum(entry[2] for entry in entries)
        return None if total == 0 and fill == "null" else total
    if kind == "ratio":
        above, below = (sum(entry[2][place] for entry in entries) for place in (0, 1))
        scales = [10 ** source["scale"] for source in meter["sources"]]
        return None if below == 0 else fractions.Fraction(above * scales[1], below * scales[0])
    if kind in ("distinct", "unique"):
        total = len({entry[3] for entry in entries})
        return None if total == 0 and fill == "null" else total
    if kind == "extreme":
        return extreme_of(meter["keep"], entries)
    steps = {}
    for entry in entries:
        steps[histogram_step(entry[3])] = steps.get(histogram_step(entry[3]), 0) + 1
    return tuple((*histogram_bounds(step), count) for step, count in sorted(steps.items()))


def is_counted(meter, entries):
    """Whether numbers of these entries are told from those of nothing."""
    if meter["kind"] == "ratio":
        return any(sum(entry[2][place] for entry in entries) for place in (0, 1))
    return bool(value_of(meter, entries, "zero"))


def check_extras(question, meter):
    """Refuses percentiles of what is no histogram, and ranks of what is not added up."""
    if question.get("percentiles") and meter["kind"] != "histogram":
        raise Refused("percentiles")
    if not question.get("rest"):
        return
    if meter["kind"] not in ("count", "sum", "level", "ranking") or not question["by"]:
        raise Refused("rest")
    if question["window"] != "none" or question["compare"] or question.get("member") and question["offset"]:
        raise Refused("rest")


def extreme_of(keep, entries):
    if not entries:
        return None
    if keep in ("min", "max"):
        return {"min": min, "max": max}[keep](entry[3] for entry in entries)
    times = [entry[0] for entry in entries]
    wanted = min(times) if keep == "first" else max(times)
    # At the same time the bytewise greater value.
    return max(entry[3] for entry in entries if entry[0] == wanted)


def admits(filters, dimensions):
    for name, operators in filters.items():
        value = dimensions[name]
        if "eq" in operators and value != operators["eq"]:
            return False
        if "in" in operators and value not in operators["in"]:
            return False
        if "notIn" in operators and value in operators["notIn"]:
            return False
    return True


def check_dimensions(question, meter):
    """Refuses dimensions that the meter's cells do not tell apart, and one that is there twice."""
    if len(set(question["by"])) < len(question["by"]):
        raise Refused("twice")
    asked = set(question["by"]) | set(question["filter"])
    by = set(meter.get("by", []))
    for scope in meter.get("per", [[]]):
        chosen = all(
            "eq" in question["filter"].get(name, {}) or "in" in question["filter"].get(name, {}) for name in scope)
        if chosen and asked <= set(scope) | by:
            return
    raise Refused("dimensions")


def chosen_values(operators):
    """The values that a filter names, or None where it only leaves some out."""
    if "eq" not in operators and "in" not in operators:
        return None
    values = operators.get("in", [operators.get("eq")])
    if "eq" in operators:
        values = [value for value in values if value == operators["eq"]]
    return [value for value in values if value not in operators.get("notIn", [])]


def named_groups(question, meter):
    """Groups that are there even without events: where all dimensions are in the keys; else None."""
    by = meter.get("by", [])
    scopes = [
        scope for scope in meter.get("per", [[]])
        if all(chosen_values(question["filter"].get(name, {})) is not None for name in scope)
        and set(question["by"]) | set(question["filter"]) <= set(scope) | set(by)
    ]

    def cost(scope):
        count = 1
        for name in scope:
            count *= len(chosen_values(question["filter"][name]))
        return count, -len(scope)

    scope = min(scopes, key=cost)
    if not set(question["by"]) <= set(scope):
        return None
    groups = [()]
    for name in question["by"]:
        values = dict.fromkeys(chosen_values(question["filter"][name]))
        groups = [(*group, value) for group in groups for value in values]
    if any(not chosen_values(question["filter"][name]) for name in scope) and question["by"]:
        return []
    return groups


class Events:
    """The entries of one meter of one organization, in the order of time."""

    def __init__(self, entries):
        self.entries = sorted(entries, key=lambda entry: entry[0])
        self._times = [entry[0] for entry in self.entries]

    def between(self, start, end):
        return self.entries[bisect.bisect_left(self._times, start):bisect.bisect_left(self._times, end)]


def answer(question, meter, events, now):
    """The rows of a question on all pages, and its meta; raises Refused."""
    check_extras(question, meter)
    sources = meter.get("sources", [meter])
    for source in sources:
        check_dimensions(question, source)
    zone = clock(question["zone"])
    if question["from"] is None:
        found, clipped = [[float("-inf"), float("inf"), None, float("-inf"), float("inf"), True]], []
        stretches = []
    else:
        found, clipped, kept = planned(question, meter, now)
        stretches = compared(question, found) if question["compare"] else []
        for start, end in stretches:
            if kept.holes(start, end):
                raise Refused("compare")

    def grouped(start, end):
        groups = {}
        for entry in events.between(start, end):
            if admits(question["filter"], entry[1]):
                groups.setdefault(tuple(entry[1][name] for name in question["by"]), []).append(entry)
        return groups

    columns = [grouped(bucket[0], bucket[1]) for bucket in found]
    others = [grouped(start, end) for start, end in stretches]
    every = [named_groups(question, source) for source in sources]
    named = None if None in every else [group for some in every for group in some]
    groups = named if named is not None else sorted(
        {group for column in columns + others for group in column}, key=lambda group: [v.encode() for v in group])
    groups = sorted(set(groups), key=lambda group: [value.encode() for value in group])
    is_now = question["from"] is None and meter["kind"] == "level"

    def value(column, group):
        if question.get("percentiles"):
            return sorted(entry[3] for entry in column.get(group, []))
        shown = value_of(meter, column.get(group, []), question["fill"])
        return max(0, shown) if is_now and shown is not None else shown

    rows = []
    for group_index, group in enumerate(groups):
        cells = [value(column, group) for column in columns]
        before = [None if start == end else value(column, group) for column, (start, end) in zip(others, stretches)]
        # What adds up to 0 everywhere is not told from what is not there.
        everything = [is_counted(meter, column.get(group, [])) for column in columns + others]
        if named is None and not any(everything) and meter["kind"] != "extreme":
            continue
        for index, bucket in enumerate(found):
            rows.append({
                "bucket": index, "start": bucket[0], "end": bucket[1], "label": bucket[2], "group": group,
                "group_index": group_index, "value": cells[index], "partial": question["window"] != "none" and _is_partial(bucket),
                "exact": bucket[5],
                "compare": (*stretches[index], before[index]) if stretches else None,
            })
    return ordered(rows, question, meter), {
        "range": None if question["from"] is None else (found[0][0], found[-1][1]), "clipped": clipped,
        "zone": zone,
    }


def ordered(rows, question, meter):
    by_value = question["window"] == "none" and question["by"] and meter["kind"] != "histogram"
    order = question["order"] or ("-value" if by_value else "time")
    if order == "time":
        return sorted(rows, key=lambda row: (row["bucket"], row["group_index"]))
    if order == "-time":
        return sorted(rows, key=lambda row: (-row["bucket"], row["group_index"]))
    if order == "name":
        return sorted(rows, key=lambda row: (row["group_index"], row["bucket"]))
    empty = [row for row in rows if row["value"] is None]
    full = [row for row in rows if row["value"] is not None]

    def size(row):
        return row["value"].encode() if isinstance(row["value"], str) else row["value"]

    # A stable sort keeps equal rows in the order of members, then time.
    return sorted(full, key=size, reverse=order == "-value") + empty
