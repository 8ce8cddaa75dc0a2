"""The clocks of a zone, and the buckets that they cut time into, as docs/QUERY.md says.

Zones are those of Python's zoneinfo, which reads the system's tz database by code of its own.
"""

import datetime
import functools
import zoneinfo

DAY = 86_400
LENGTHS = {"minute": 60, "quarter": 900, "hour": 3_600}


class Clock:
    """The clocks of one zone: seconds since 1970 to local seconds and back."""

    def __init__(self, name):
        self.name = name
        self._zone = zoneinfo.ZoneInfo(name)
        self._epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        self._delta, self._date = datetime.timedelta, datetime.date
        self.offset = functools.lru_cache(maxsize=None)(self._offset)

    def _offset(self, second):
        moved = (self._epoch + self._delta(seconds=second)).astimezone(self._zone)
        return int(moved.utcoffset().total_seconds())

    def change(self, low, high):
        """The first second of (low, high] with another offset than `low`; they differ, and there is one change."""
        before = self.offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.offset(middle) == before else (low, middle)
        return high

    @functools.lru_cache(maxsize=None)
    def first(self, local):
        """The first moment at which clocks show this local time or a later one."""
        naive = (self._epoch + self._delta(seconds=local)).replace(tzinfo=None)
        shown = [
            int(naive.replace(tzinfo=self._zone, fold=fold).utcoffset().total_seconds()) for fold in (0, 1)
        ]
        moment = local - shown[0]
        if moment + self.offset(moment) == local:
            return moment
        # Left out: the change is between what the two offsets say.
        return self.change(local - shown[1] - 1, local - shown[0])

    def local(self, second):
        return second + self.offset(second)

    def date(self, local):
        return self._date(1970, 1, 1) + self._delta(days=local // DAY)

    def seconds(self, date):
        return (date - self._date(1970, 1, 1)).days * DAY

    def text(self, second):
        """RFC 3339 with the zone's offset."""
        shown = (self._epoch + self._delta(seconds=self.local(second))).strftime("%Y-%m-%dT%H:%M:%S")
        if self.name == "UTC":
            return shown + "Z"
        minutes = abs(self.offset(second)) // 60
        return f"{shown}{'-' if self.offset(second) < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


@functools.lru_cache(maxsize=None)
def clock(name):
    return Clock(name)


def step_start(zone, step, date):
    """The first date of the step with this date."""
    if step == "week":
        return date - zone._delta(days=date.weekday())
    return date.replace(day=1) if step == "month" else date


def step_after(zone, step, date):
    """The first date of the step after the one that begins with this date."""
    if step == "month":
        return (date + zone._delta(days=32)).replace(day=1)
    return date + zone._delta(days=7 if step == "week" else 1)


def label(zone, step, local):
    if step == "none":
        return None
    date = zone.date(local)
    if step in LENGTHS:
        minutes = local % DAY // 60
        return f"{date.isoformat()}T{minutes // 60:02d}:{minutes % 60:02d}"
    if step == "week":
        year, week, _ = date.isocalendar()
        return f"{year}-W{week:02d}"
    return date.isoformat()[:7] if step == "month" else date.isoformat()


def buckets(zone, step, start, end):
    """Lists of [start, end, label, whole start, whole end], oldest first."""
    if step == "none":
        return [[start, end, None, start, end]]
    found = []
    if step in LENGTHS:
        length = LENGTHS[step]
        at = start
        while at < end:
            floor = zone.local(at) // length * length
            whole = floor - zone.offset(at)
            # Where the offset changes within the step, the step ends there, or began there.
            after = whole + length
            if zone.offset(after - 1) != zone.offset(at):
                after = zone.change(at, after - 1)
            if zone.offset(whole) != zone.offset(at):
                whole = zone.change(whole, at)
            found.append([at, min(after, end), label(zone, step, floor), whole, after])
            at = after
        return found
    # Two days early: where midnight comes twice, local dates go back.
    date = step_start(zone, step, zone.date(zone.local(start) - 2 * DAY))
    while True:
        first, after = zone.first(zone.seconds(date)), zone.first(zone.seconds(step_after(zone, step, date)))
        if first >= end:
            return found
        if after > start and after > first:
            found.append(
                [max(first, start), min(after, end), label(zone, step, zone.seconds(date)), first, after])
        date = step_after(zone, step, date)
