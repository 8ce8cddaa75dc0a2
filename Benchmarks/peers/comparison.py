"""What is in Redis compared with what should be, and the results as tables.

Nothing here needs a server or a peer.
"""

import re
from statistics import median

METERS = {"interactions": "interaction.created", "agent_flows": "agent_flow.created", "tokens": "token.issued",
          "api_calls": "api.request"}
DISTURBANCES = {"kill": "kill -9", "late": "late events", "repeats": "repeats", "malformed": "malformed", "null": "null value",
                "aborted": "aborted"}


def peer_cell(key, member):
    """The name that a cell of a peer's layout has in a comparison; nil for what is no cell."""
    return (key, member) if key[1:2] == ":" else None


def odometer_cell(key, member):
    """The same of a cell in Odometer's layout (schemas/redis.md)."""
    found = re.fullmatch(r"[^:]*:1:\{\d+\}:([^:]+):(.+)", key)
    if not found:
        return None
    organization, rest = found.groups()
    parts = rest.split(":")
    if parts == ["totals"]:
        return (f"t:{organization}", METERS[member])
    if parts[0] in METERS and parts[1] == "day":
        return (f"d:{organization}:{METERS[parts[0]]}", f"{parts[2]}-{member}")
    if parts[:2] == ["users", "day"]:
        return (f"r:{organization}:{parts[2]}", member)
    if parts[:2] == ["agents", "month"]:
        return (f"a:{organization}:{parts[2]}", member)
    if parts[:2] == ["token_hours", "grid"]:
        return (f"h:{organization}", f"{parts[2]}:{int(member)}")
    return None


def compare(found, truth, groups):
    """Both are {(key, member): number}; only keys of these groups are compared.

    The difference is that of the days, where each event is once."""
    found = {cell: number for cell, number in found.items() if cell[0][0] in groups}
    truth = {cell: number for cell, number in truth.items() if cell[0][0] in groups}
    wrong = sum(found.get(cell, 0) != truth.get(cell, 0) for cell in found.keys() | truth.keys())
    return {"difference": days(found) - days(truth), "of": days(truth), "wrong_cells": wrong, "cells": len(truth)}


def days(cells):
    return sum(number for (key, _), number in cells.items() if key[0] == "d")


def verdict(result):
    """One result in a few words."""
    if result.get("failed"):
        return result["failed"]
    if result.get("put_aside"):
        # A window shows its number when it is closed, so the sum says nothing yet.
        return f"{result['put_aside']:,} put aside as late"
    difference, wrong = result["difference"], result["wrong_cells"]
    text = "exact" if not wrong else f"{difference:+,}" if difference else f"{wrong:,} cells wrong, their sum is right"
    if result.get("ended"):
        return f"program ends{', after a restart again' if result.get('ended_again') else ''}: {text}"
    return text


def verdicts(results):
    """The results of one disturbance, equal ones once."""
    return "; ".join(dict.fromkeys(map(verdict, results))) if results else "–"


def figures(rounds):
    """Medians of the rounds."""
    return {name: median(figures[name] for figures in rounds)
            for name in ("events_per_second", "cpu_us_per_event", "redis_us_per_event", "peak_bytes", "start_seconds",
                         "start_cpu_seconds")}


def table(rows):
    """Rows of texts as a Markdown table; the first row is its head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "| " + " | ".join("---" for _ in rows[0]) + " |", *body])


def rate_table(contenders):
    """Contenders that were measured; ratios are to Odometer's figures, if it was measured."""
    measured = {name: figures(contender["rounds"]) for name, contender in contenders.items() if contender.get("rounds")}
    own = measured.get("odometer")
    rows = [["", "events/s", "CPU µs an event", "Redis' CPU µs an event", "peak memory MB", "start: s", "start: CPU s", "load", "sum"]]
    for name, found in measured.items():
        times = ["", ""]
        if own and name != "odometer":
            times = [f" (1/{own['events_per_second'] / found['events_per_second']:.0f})",
                     f" ({found['cpu_us_per_event'] / own['cpu_us_per_event']:.0f} ×)"]
        rows.append([contenders[name]["title"], f"{found['events_per_second']:,.0f}{times[0]}",
                     f"{found['cpu_us_per_event']:.1f}{times[1]}", f"{found['redis_us_per_event']:.1f}",
                     f"{found['peak_bytes'] / 1e6:,.0f}", f"{found['start_seconds']:.1f}",
                     f"{found['start_cpu_seconds']:.1f}", span(turn["load"][0] for turn in contenders[name]["rounds"]),
                     verdicts(contenders[name]["rounds"])])
    return table(rows)


def waits(results):
    """How long a program that was killed and started again showed no new number."""
    return span(result["back_seconds"] for result in results or [] if "back_seconds" in result)


def span(numbers):
    """The least and the greatest of some numbers."""
    found = [f"{number:.1f}" for number in sorted(numbers)]
    return " to ".join(dict.fromkeys((found[0], found[-1]))) if found else "–"


def disturbance_table(contenders):
    """What each disturbance did to each contender that was disturbed."""
    rows = [["", *DISTURBANCES.values(), "numbers again after the kill: s"]]
    for contender in contenders.values():
        found = contender.get("disturbances", {})
        if found:
            rows.append([contender["title"], *(verdicts(found.get(name)) for name in DISTURBANCES), waits(found.get("kill"))])
    return table(rows)
