#!/usr/bin/env python3
"""Results as tables of docs/PERFORMANCE.md: rows.py out/bench.json out/bench-beside.json prints them."""

import json
import sys
from pathlib import Path

from report import MEGABYTE

LOAD_TITLES = {"live": "live", "history": "history", "live-10k": "live", "live-100k": "live"}
RATIO_TITLES = {"events_per_second": "events/s", "cpu_us": "our CPU an event", "redis_us": "Redis' CPU an event",
                "redis_bytes": "Redis' memory", "peak_bytes": "our memory"}
SERIES_TITLES = {"lanes": "lanes: {}", "partitions": "partitions: {}", "organizations": "organizations: {}",
                 "meters": "comparison catalog, times: {}"}


def table(head, lines):
    print(f"\n| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for line in lines:
        print(f"| {' | '.join(line)} |")


def title(load):
    return f"{LOAD_TITLES[load['name']]}: {load['organizations']:,} organizations over {load['span']}"


def rate(value):
    """A rate with three significant digits."""
    digits = max(0, len(str(int(value))) - 3)
    return f"{round(value, -digits):,.0f}"


def with_range(values, text):
    """The middle value, and in brackets the range of all."""
    ordered = sorted(values)
    middle = text(ordered[len(ordered) // 2] if len(ordered) % 2 else sum(ordered[len(ordered) // 2 - 1:][:2]) / 2)
    return middle if len(ordered) == 1 else f"{middle} ({text(ordered[0])} to {text(ordered[-1])})"


def values(load, who, name):
    return [turns[who][name] for turns in load["rounds"]]


def drains(loads, who):
    for load in loads.values():
        found = load["median"][who]
        p99 = found.get("commit_p99_ms")
        yield [title(load), with_range(values(load, who, "events_per_second"), rate), f"{found['cpu_us']:.1f} µs",
               with_range(values(load, who, "redis_us"), lambda value: f"{value:.1f}") + " µs",
               f"{found['cells_per_event']:.2f}", f"{found['calls_per_event']:.2f}",
               f"{found['redis_bytes'] / found['events']:.0f}", f"{found['keys']:,.0f}",
               f"{found['peak_bytes'] / MEGABYTE:.0f} MB", "–" if p99 is None else f"{p99:.1f} ms"]


def increments(loads):
    for load in loads.values():
        found, single = load["median"]["increments"], load["round_trip"]
        yield [title(load), rate(found["events_per_second"]), f"{found['commands_per_event']:.1f}", f"{found['redis_us']:.1f} µs",
               f"{found['redis_bytes'] / found['events']:.0f}", rate(single["events_per_second"]),
               with_range(load["ratios"]["increments_events_per_second"]["rounds"], lambda value: f"{value:.2f}"),
               f"{load['median']['odometer']['events_per_second'] / single['events_per_second']:.1f}"]


def beside_base(loads):
    for load in loads.values():
        yield [title(load), *(with_range(load["ratios"][f"base_{name}"]["rounds"], lambda value: f"{value:.3g}")
                              for name in RATIO_TITLES)]


def print_shipped(found):
    loads = found["loads"]
    head = ["load", "events/s", "our CPU an event", "Redis' CPU an event", "cells an event", "calls an event",
            "Redis' memory, bytes an event", "keys", "our memory", "commit p99"]
    print("\nThe shipped catalog, medians (ranges):")
    table(head, drains(loads, "odometer"))
    if found["base"]:
        print("\nThe older build on the same topics:")
        table(head, drains(loads, "base"))
        print("\nThis build divided by the older one, medians (ranges):")
        table(["load", *RATIO_TITLES.values()], beside_base(loads))
    print("\nIncrements event by event:")
    table(["load", "1,000 commands a round trip: events/s", "commands an event", "Redis' CPU an event", "bytes an event",
           "a round trip an event: events/s", "Odometer's events/s : those of 1,000 commands a round trip",
           ": those of a round trip an event"], increments(loads))
    if fresh := found.get("freshness"):
        interval = fresh["commit_interval_ms"]
        print(f"\nFreshness at {found['share']} % of the live rate:")
        table(["events/s", "p50", "p90", "p99", "longest", "our CPU an event", "sent late by at most"],
              [[rate(fresh["rate"]), *(f"{fresh[name]:.0f} ms ({fresh[name] / interval:.2f} intervals)"
                                       for name in ("p50_ms", "p90_ms", "p99_ms", "longest_ms")),
                f"{fresh['cpu_us']:.1f} µs", f"{fresh['latest_ms']:.0f} ms"]])


def print_growth(found):
    print(f"\nGrowth (live load of 1,000 organizations, {found['events']:,} events, 4 partitions, {found['lanes']} lanes, except for "
          "what the row names), medians (ranges):")
    table(["changed", "events/s", "our CPU an event", "Redis' CPU an event", "cells an event", "calls an event",
           "Redis' memory, bytes an event", "our memory"],
          ([SERIES_TITLES[name].format(f"{point['at']:,}"), with_range([turn["events_per_second"] for turn in point["rounds"]], rate),
            f"{point['cpu_us']:.2f} µs", f"{point['redis_us']:.2f} µs", f"{point['cells_per_event']:.2f}",
            f"{point['calls_per_event']:.2f}", f"{point['redis_bytes'] / point['events']:.0f}",
            f"{point['peak_bytes'] / MEGABYTE:.0f} MB"]
           for name, points in found["series"].items() for point in points))


def print_beside(found):
    print(f"\n{found['requests_per_second']:,} requests/s of the ten routes beside ingest:")
    table(["ingest", "cores", "answers/s", "p50", "p99", "longest", "numbers visible after, p50 and p99"],
          ([turn["ingest"], turn["cores"], f"{turn['answers']['per_second']:,.0f}",
            *(f"{turn['answers'][name] / 1000:.1f} ms" for name in ("p50_us", "p99_us", "max_us")),
            f"{turn['visible_p50_ms']:.0f} and {turn['visible_p99_ms']:.0f} ms"] for turn in found["medians"]))


def print_rows(result):
    for name, show in (("shipped", print_shipped), ("growth", print_growth), ("beside", print_beside)):
        if name in result:
            show(result[name])


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    for source in sys.argv[1:]:
        measured = json.loads(Path(source).read_text())
        print(f"\n{measured['version']}, {measured['when']}, {measured['cores']} cores")
        print_rows(measured)
