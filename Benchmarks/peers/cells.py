"""The numbers that all contenders count: the five groups of Benchmarks/meters.yaml.

A cell is (kind of key, key, member); the kind is `h` for a hash and `z` for a sorted set.
Keys begin with their group: `t:` all time by type, `d:` days by type, `r:` users of a day,
`a:` agents of a month, `h:` hours of a week.
"""

import datetime
import functools


@functools.lru_cache(10_000)
def weekday(day):
    """0 is Sunday."""
    return (datetime.date.fromisoformat(day).weekday() + 1) % 7


def cells(event):
    """The cells to which a decoded event adds 1."""
    organization, kind, at, data = event["subject"], event["type"], event["time"], event["data"]
    day = at[:10]
    found = [("h", f"t:{organization}", kind), ("h", f"d:{organization}:{kind}", day)]
    if kind in ("interaction.created", "agent_flow.created"):
        found.append(("z", f"r:{organization}:{day}", data["user"]))
    elif kind == "token.issued":
        found.append(("h", f"h:{organization}", f"{weekday(day)}:{int(at[11:13])}"))
        found.append(("z", f"a:{organization}:{day[:7]}", data["agent"]))
    return found


def event_time(event):
    """The event's time; the workload writes UTC with a Z."""
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))


def add(pipe, counts):
    """Increments."""
    for (kind, key, member), count in counts.items():
        if kind == "h":
            pipe.hincrby(key, member, count)
        else:
            pipe.zincrby(key, count, member)


def put(pipe, totals):
    """Absolute values."""
    for (kind, key, member), total in totals.items():
        if kind == "h":
            pipe.hset(key, member, total)
        else:
            pipe.zadd(key, {member: total})
