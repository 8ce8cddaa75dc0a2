"""The small part: a catalog made for comparison, beside other programs that count the same.

A bare librdkafka consumer on the same topic of a real broker, in turns; Odometer's own first stages; Odometer with plain
pipelines instead of the commit script, or with dedupe off; increments that are sent event by event; and a program that
was written by hand for this one workload.
"""

import json
import os
import subprocess
import time

import loop
import report
from machine import Failure, run_json
from servers import number
from turns import PARTITIONS, STAGES, Turns, limit_source

MOST_EVENTS_OF_THE_SECOND = 10_000_000


class Workload:
    """One topic of events, the programs that read it in turns, and the catalog that Odometer counts it with."""

    def __init__(self, name, events, users, turns, meters):
        self.name, self.events, self.users, self.turns, self.meters = name, events, users, turns, meters
        self.seed, self.days = number("SEED", 1), number("DAYS", 7)
        self.start = int(time.time()) // 86_400 * 86_400 - self.days * 86_400
        self.topic = self.written = None


class Small:
    def __init__(self, servers):
        self.servers, self.rounds = servers, number("ROUNDS", 5)
        meters = os.environ.get("METERS") or servers.small_meters
        self.meters = None if meters == "shipped" else meters
        self.limit, self.no_limit = limit_source()
        self.workloads = self.choose()

    def choose(self):
        usual = "side-by-side" if os.environ.get("METERS") else "both"
        wanted, events = os.environ.get("WORKLOAD") or usual, number("SMALL_EVENTS", 56_000_000)
        if wanted not in ("both", "side-by-side", "high-cardinality"):
            raise Failure(f"WORKLOAD={wanted}: expected both, side-by-side or high-cardinality")
        ours = ["odometer", *(["base"] if self.servers.base else [])]
        turns = ["bare", *ours]
        if (os.environ.get("TAX") or ("0" if os.environ.get("METERS") else "1")) != "0":
            turns = ["bare", *STAGES, *ours, "plain", "undeduped", "per_event", *(["limit"] if self.limit else [])]
        first = Workload("side-by-side", events, 50, turns, self.meters)
        second = Workload("high-cardinality", min(events, MOST_EVENTS_OF_THE_SECOND), 1_000, ["bare", *ours], self.meters)
        return [workload for workload in (first, second) if wanted in ("both", workload.name)]

    def takes(self, *turns):
        return any(turn in workload.turns for workload in self.workloads for turn in turns)

    def build_limit(self):
        libraries = ("-lrdkafka", "-lhiredis", "-lsimdjson", "-lpthread")
        subprocess.run(["g++", "-O3", "-march=native", "-std=c++17", "-o", str(self.servers.tools / "limit"),
                        str(self.limit), *libraries], check=True, timeout=300)

    def measure(self):
        """The results of each workload, and what the loop costs."""
        found = {}
        for workload in self.workloads:
            topic = "usage-events" if workload.name == "side-by-side" else "usage-many-users"
            workload.topic = self.servers.before + topic
            self.fill(workload)
            rounds = self.measure_workload(workload)
            found[workload.name] = {"events": workload.events, **report.summary(rounds), "rounds": rounds}
        is_counted = self.takes("fold") and os.environ.get("LOOP") != "0"
        return found, loop.measure(self.servers.stages) if is_counted else None

    def fill(self, workload):
        stamp = self.servers.folder / ("filled.json" if workload.name == "side-by-side" else "filled-many-users.json")
        wanted = {"events": workload.events, "seed": workload.seed, "days": workload.days}
        if self.servers.kafka.is_ours and stamp.exists():
            known = json.loads(stamp.read_text())
            if known["wanted"] != wanted:
                raise Failure(f"{self.servers.folder} holds another log: {known['wanted']}; name another KEEP directory")
            workload.written = known["written"]
            print(f"{workload.name}: {workload.events:,} events are there already")
            return
        self.servers.make(f"{workload.topic}:{PARTITIONS}:compression.type=lz4")
        begun = time.monotonic()
        workload.written = run_json(
            [self.servers.tools / "fill", self.servers.kafka.bootstrap, workload.topic, workload.events, workload.seed, workload.start, workload.days,
             workload.users], 600 + workload.events / 10_000)
        stamp.write_text(json.dumps({"wanted": wanted, "written": workload.written}))
        print(f"{workload.name}: {workload.events:,} events of {workload.written['bytes'] / workload.events:.0f} bytes "
              f"written in {time.monotonic() - begun:.1f} s, {PARTITIONS} partitions, lz4", flush=True)

    def measure_workload(self, workload):
        turns = Turns(self.servers, workload)
        name = f"bench{os.getpid()}-{'u' if workload.users > 50 else ''}"
        # One turn of each is not measured: it fills the page cache and lets the broker compile its code.
        turns.take("bare", "")
        turns.take("odometer", f"{name}warm")
        rounds = []
        for index in range(self.rounds):
            # The first program finds other data in the caches than the later ones, so the order alternates.
            order = workload.turns if index % 2 == 0 else workload.turns[::-1]
            taken = {}
            for who in order:
                # Every round has a new ledger and a new group, also when the log is kept.
                taken[who] = turns.take(who, f"{name}{index + 1}")
                # Now, because the next turn empties Redis.
                if index == 0 and who == "odometer" and os.environ.get("VERIFY") != "0":
                    print(f"verify: {turns.verify(f'{name}{index + 1}')}", flush=True)
            rounds.append({who: taken[who] for who in workload.turns})
            rates = (f"{who} {taken[who]['events_per_second']:,.0f}" for who in workload.turns if who != "per_event")
            print(f"{workload.name}, round {index + 1}, events/s: {', '.join(rates)}", flush=True)
        return rounds
