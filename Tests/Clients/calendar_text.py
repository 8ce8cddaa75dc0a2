"""Times as short texts, such as "day-29d+12h" or "month-1ms", by plain calendar arithmetic in UTC.

A time is RFC 3339, or a base with offsets. Bases: `now`; `minute`, `quarter`, `day` and `month`, each
the start of the one that now lies in; `billingN`, the last midnight that began a day N of a month.
Offsets: ms, s, m, h, d and mo (months). In a longer text "{FORM TIME}" means the time in that
form: date, month, second, tick (seven decimals), instant (nine) or epoch (seconds since 1970).
"""

import calendar
import datetime
import re

UNITS = {
    "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9,
}
BASES = {"now": 1, "minute": UNITS["m"], "quarter": 15 * UNITS["m"], "day": UNITS["d"]}
EXPRESSION = re.compile(r"(now|minute|quarter|day|month|billing\d+)((?:[+-]\d+(?:ms|mo|s|m|h|d))*)")
OFFSET = re.compile(r"([+-]\d+)(ms|mo|s|m|h|d)")
TEMPLATE = re.compile(r"\{(\w+) ([^}]+)\}")


def nanoseconds(text):
    """An RFC 3339 time, in nanoseconds since 1970."""
    match = re.fullmatch(r"(.{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text)
    whole = datetime.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    return int(whole.timestamp()) * 10**9 + int((match[2] or "0").ljust(9, "0"))


def date_of(moment):
    return datetime.datetime.fromtimestamp(moment // 10**9, datetime.timezone.utc)


def month_start(year, month):
    """The first moment of a month; months before January and after December are of other years."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return calendar.timegm((year, month, 1, 0, 0, 0)) * 10**9


class Moments:
    """What texts mean at the moment `now` (nanoseconds since 1970)."""

    def __init__(self, now):
        self.now = now

    def moment(self, text):
        """The time that a text means, in nanoseconds since 1970."""
        match = EXPRESSION.fullmatch(text)
        if not match:
            return nanoseconds(text)
        found = self._base(match[1])
        for amount, unit in OFFSET.findall(match[2]):
            if unit == "mo":
                date = date_of(found)
                start = month_start(date.year, date.month)
                found += month_start(date.year, date.month + int(amount)) - start
            else:
                found += int(amount) * UNITS[unit]
        return found

    def _base(self, name):
        if name in BASES:
            return self.now // BASES[name] * BASES[name]
        date = date_of(self.now)
        if name == "month":
            return month_start(date.year, date.month)
        day = int(name.removeprefix("billing"))
        month = date.month if date.day >= day else date.month - 1
        return month_start(date.year, month) + (day - 1) * UNITS["d"]

    def is_relative(self, text):
        """Whether the time depends on now."""
        return EXPRESSION.fullmatch(text) is not None

    def filled(self, value):
        """A value in which "{FORM TIME}" is replaced in all texts, names too."""
        if isinstance(value, dict):
            return {self.filled(name): self.filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if not isinstance(value, str):
            return value
        return TEMPLATE.sub(lambda match: self.written(match[1], self.moment(match[2])), value)

    def written(self, form, moment):
        """A time as text."""
        date = date_of(moment)
        if form == "epoch":
            return str(moment // 10**9)
        if form == "instant":
            return f"{date:%Y-%m-%dT%H:%M:%S}.{moment % 10**9:09d}Z"
        return {
            "date": f"{date:%Y-%m-%d}",
            "month": f"{date:%Y-%m}",
            "second": f"{date:%Y-%m-%dT%H:%M:%SZ}",
            "tick": f"{date:%Y-%m-%dT%H:%M:%S}.{moment % 10**9 // 100:07d}Z",
        }[form]

    def dates(self, first, last):
        """All dates from one day to another, both included."""
        start, end = self.moment(first), self.moment(last)
        return [self.written("date", moment) for moment in range(start, end + 1, UNITS["d"])]
