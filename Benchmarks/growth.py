"""How the costs of a drain grow: with lanes, partitions, organizations and meters, one of them changed at a time."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import drain
from drain import Load
from machine import run_json

LANES, PARTITIONS, COPIES = (1, 2), (4, 64, 256), (1, 2, 4)
ORGANIZATIONS = (100, 1_000, 10_000, 100_000, 1_000_000)
DAYS = 7


@dataclass(frozen=True)
class Point:
    """What is counted: a live load of the shipped catalog or, with copies, the comparison catalog so many times."""

    lanes: int
    organizations: int = 1_000
    partitions: int = 4
    copies: int = 0


class Growth:
    """Takes the drains; `bench` has the servers and the settings of the run."""

    def __init__(self, bench, number):
        self.bench, self.rounds = bench, number("GROWTH_ROUNDS", 3)
        self.events = number("GROWTH_EVENTS", 200_000)
        # The comparison catalog is many times cheaper, so it takes more events to measure it.
        self.meter_events = number("METER_EVENTS", 15 * self.events)
        self.loads, self.topic, self.turns = {}, None, 0
        usual = bench.lanes
        self.series = {
            "lanes": {lanes: Point(lanes) for lanes in sorted({*LANES, usual})},
            "partitions": {partitions: Point(usual, partitions=partitions) for partitions in PARTITIONS},
            "organizations": {organizations: Point(usual, organizations) for organizations in ORGANIZATIONS},
            "meters": {copies: Point(usual, copies=copies) for copies in COPIES},
        }

    def measure(self):
        # A point of several series is measured once.
        taken = {point: [] for points in self.series.values() for point in points.values()}
        for point in taken:
            self.fill(point)
        for index in range(self.rounds):
            for point in list(taken) if index % 2 == 0 else reversed(list(taken)):
                taken[point].append(self.turn(point))
            print(f"growth, round {index + 1} of {self.rounds}", flush=True)
        series = {name: [{"at": at, **medians(taken[point]), "rounds": taken[point]} for at, point in points.items()]
                  for name, points in self.series.items()}
        return {"events": self.events, "meter_events": self.meter_events, "lanes": self.bench.lanes, "series": series}

    def fill(self, point):
        bench, key = self.bench, (point.organizations, point.partitions)
        if point.copies:
            if not self.topic:
                self.topic = bench.new_topic("growth-meters", 4)
                start = int(time.time()) // 86_400 * 86_400 - DAYS * 86_400
                run_json([bench.tools / "fill", bench.kafka.bootstrap, self.topic, self.meter_events, 1, start, DAYS], 600)
            copied(bench.small_meters, point.copies, self.meters(point))
        elif key not in self.loads:
            self.loads[key] = Load(f"growth-{point.organizations}-{point.partitions}", point.organizations, "60s",
                                   self.events, point.partitions)
            drain.fill(bench, self.loads[key])

    def meters(self, point):
        return self.bench.folder / f"meters-{point.copies}.yaml"

    def turn(self, point):
        bench, self.turns = self.bench, self.turns + 1
        prefix = f"bench{os.getpid()}-g{self.turns}"
        if point.copies:
            return drain.drain(bench, bench.binary, self.topic, self.meter_events, prefix, meters=self.meters(point))
        load = self.loads[point.organizations, point.partitions]
        return drain.drain(bench, bench.binary, load.topic, load.events, prefix, lanes=point.lanes)


def copied(catalog, copies, path):
    """Writes a catalog whose meters are there several times, under other names."""
    head, _, meters = Path(catalog).read_text().partition("\nmeters:\n")
    names = [re.sub(r"(?m)^  (\w+):", rf"  \1_{copy}:" if copy else r"  \1:", meters) for copy in range(copies)]
    path.write_text(f"{head}\nmeters:\n" + "".join(text.rstrip("\n") + "\n" for text in names))


def medians(rounds):
    return {name: median(turn[name] for turn in rounds)
            for name, value in rounds[0].items() if isinstance(value, (int, float))}
