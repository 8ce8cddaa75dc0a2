"""The shipped catalog: what a drain of generated loads costs, beside an older build and beside increments that are sent
event by event, and how old the numbers are at a part of that rate."""

import os
from statistics import median

import drain
from drain import SPAN_MS, Load
from machine import Failure, run_json
from pace import share, sending
from report import NOISY, spread
from turns import Clock

ROUND_TRIP_EVENTS = 50_000
PIPELINE = 1_000
COMMIT_INTERVAL_MS = 500
WARM_SECONDS = 5
# Name, organizations, span.
LOADS = [("live", 1_000, "60s"), ("history", 100, "90d"), ("live-10k", 10_000, "60s"), ("live-100k", 100_000, "60s")]
# What is compared with the older build: name and whether more is better.
COMPARED = {"events_per_second": True, "cpu_us": False, "redis_us": False, "redis_bytes": False, "peak_bytes": False}


class Shipped:
    """Takes the turns; `bench` has the servers and the settings of the run."""

    def __init__(self, bench, number):
        self.bench, self.rounds = bench, number("ROUNDS", 3)
        self.seconds, self.share = number("SECONDS", 15), number("SHARE", 70)
        self.base = bench.base
        events = number("EVENTS", 600_000)
        wanted = (os.environ.get("LOADS") or ",".join(name for name, _, _ in LOADS)).split(",")
        if unknown := set(wanted) - {name for name, _, _ in LOADS}:
            raise Failure(f"LOADS has {', '.join(sorted(unknown))}; known are {', '.join(name for name, _, _ in LOADS)}")
        self.loads = [Load(name, organizations, span, events) for name, organizations, span in LOADS if name in wanted]

    def measure(self):
        found = {"base": self.base, "share": self.share, "loads": {}}
        for load in self.loads:
            drain.fill(self.bench, load)
            found["loads"][load.name] = self.measure_load(load)
        live = found["loads"].get("live")
        if live and os.environ.get("FRESHNESS") != "0":
            found["freshness"] = self.freshness(live["median"]["odometer"]["events_per_second"] * self.share / 100)
        return found

    # Drains

    def measure_load(self, load):
        bench, rounds = self.bench, []
        commands = self.make_increments(load)
        # Not measured: it fills the page cache and lets the broker compile its code.
        drain.drain(bench, bench.binary, load.topic, load.events, f"bench{os.getpid()}-{load.name}-warm")
        names = ["odometer", *(["base"] if self.base else []), "increments"]
        for index in range(self.rounds):
            # The order alternates, as the first one finds other data in the caches.
            order = names if index % 2 == 0 else names[::-1]
            taken = {who: self.turn(who, load, index) for who in order}
            rounds.append({who: taken[who] for who in names})
            print(f"{load.name}, round {index + 1}, events/s: "
                  + ", ".join(f"{who} {taken[who]['events_per_second']:,.0f}" for who in names), flush=True)
        path = bench.folder / f"{load.name}.increments"
        round_trip = self.send(path, 1, ROUND_TRIP_EVENTS)
        path.unlink()
        return {**vars(load), **summary(rounds), "increments": commands, "round_trip": round_trip}

    def turn(self, who, load, index):
        bench = self.bench
        if who == "increments":
            return self.send(bench.folder / f"{load.name}.increments", PIPELINE)
        binary, prefix = (self.base if who == "base" else bench.binary), f"bench{os.getpid()}-{load.name}-{who}{index + 1}"
        found = drain.drain(bench, binary, load.topic, load.events, prefix)
        if index == 0 and os.environ.get("VERIFY") != "0":
            print(f"{load.name}, {who}, verify: {drain.verify(bench, binary, load.topic, prefix)}", flush=True)
        return found

    # Event by event

    def make_increments(self, load):
        return run_json(
            [self.bench.increments, "--meters", self.bench.shipped_meters, "--events", load.events, "--organizations",
             load.organizations, "--span", SPAN_MS[load.span], "--end", load.end_ms, "--seed", load.seed, "--out",
             self.bench.folder / f"{load.name}.increments"], 600)

    def send(self, path, pipeline, most=0):
        """What Redis needs for the same events when nothing is added up: `most` events of the file, 0 for all."""
        redis = self.bench.redis
        redis.clear()
        empty, clock = redis.memory_bytes(), Clock(self.bench)
        sent = run_json([self.bench.tools / "send_events", redis.path, path, pipeline, most], 600)
        redis_us = clock.read(sent["events"])["redis_ns_per_event"] / 1e3
        return {"events": sent["events"], "seconds": sent["seconds"], "commands_per_event": sent["commands"] / sent["events"],
                "events_per_second": sent["events"] / sent["seconds"], "redis_us": redis_us,
                "cpu_us": sent["cpu_seconds"] / sent["events"] * 1e6, "redis_bytes": redis.memory_bytes() - empty,
                "keys": redis.ask(("DBSIZE",))[0]}

    # Freshness

    def freshness(self, rate):
        """Sends a live load at this rate and sees for one record of 97 when it is visible."""
        bench, seconds = self.bench, WARM_SECONDS + self.seconds
        source = Load("fresh", 1_000, "60s", int(rate * seconds), seed=2)
        drain.fill(bench, source, drain.freshness_profile(bench.folder))
        target, prefix = bench.new_topic("fresh-counted", 4), f"bench{os.getpid()}-fresh"
        bench.redis.clear()
        with drain.counting(bench, target, prefix) as machine:
            with sending(bench, prefix, target, "fresh", "paced_copy", source.topic, target, seconds, WARM_SECONDS,
                         0) as sent:
                before = machine.cpu_seconds()
            cpu = machine.cpu_seconds() - before
        waits = sent.pop("visible_ms")
        found = {**sent, "rate": rate, "looked_at": len(waits), "longest_ms": waits[-1], "cpu_us": cpu / source.events * 1e6,
                 "commit_interval_ms": COMMIT_INTERVAL_MS,
                 **{f"p{name}_ms": share(waits, part) for name, part in (("50", 0.5), ("90", 0.9), ("99", 0.99))}}
        print(f"freshness at {rate:,.0f} events/s: p50 {found['p50_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms", flush=True)
        return found


def summary(rounds):
    """Medians of all numbers, and the ratios of each round to the older build and to increments."""
    found = {"rounds": rounds, "median": {who: medians(rounds, who) for who in rounds[0]}, "ratios": {}}
    for other in ("base", "increments"):
        for name in COMPARED:
            if other in rounds[0] and name in rounds[0][other] and (other == "base" or name != "cpu_us"):
                ratios = [turns["odometer"][name] / turns[other][name] for turns in rounds]
                found["ratios"][f"{other}_{name}"] = {
                    "rounds": ratios, "median": median(ratios), "range": [min(ratios), max(ratios)], "spread": spread(ratios)}
    found["noisy"] = any(ratio["spread"] > NOISY for ratio in found["ratios"].values())
    return found


def medians(rounds, who):
    """The median of every number of one program."""
    return {name: median(turns[who][name] for turns in rounds)
            for name, value in rounds[0][who].items() if isinstance(value, (int, float))}
