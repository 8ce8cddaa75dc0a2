"""The programs that are compared: each reads the same topic from its beginning, and every result is checked."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import report
from machine import Failure, Odometer, machine_busy_seconds, run_json

POLL = 0.02
PARTITIONS = 4
# librdkafka's default, in KiB for each client, which Odometer does not change.
QUEUE_KB = 65_536
# Enough events to fill the same hashes and sorted sets; each further event would cost the same.
SINGLE_EVENTS = 300_000
# How many offsets of each partition Odometer searches for duplicates.
DEDUPE_WINDOW = 1_048_576
STAGES = ("consume", "scan", "fold", "encode")


class Clock:
    """CPU used since it was made: by Redis, by the broker, and by the machine as a whole."""

    def __init__(self, servers):
        self.servers = servers
        self.begun = time.monotonic()
        self.before = self._now()

    def _now(self):
        redis, kafka = self.servers.redis, self.servers.kafka
        return redis.cpu_seconds(), redis.main_thread_seconds(), kafka.cpu_seconds(), machine_busy_seconds()

    def _used(self):
        return [None if now is None else now - before for now, before in zip(self._now(), self.before)]

    def read(self, events):
        """Nanoseconds per event; None for a broker of the environment."""
        redis, _, broker, _ = self._used()
        return {"redis_ns_per_event": redis / events * 1e9,
                "broker_ns_per_event": None if broker is None else broker / events * 1e9}

    def cores(self):
        """How many cores each has used."""
        seconds = time.monotonic() - self.begun
        names = ("redis", "redis_command_thread", "broker", "machine")
        return {name: None if used is None else used / seconds for name, used in zip(names, self._used())}


class Turns:
    """Takes the turns of a round. `servers` has redis, kafka, the names of the topics and the settings of the run."""

    def __init__(self, servers, workload):
        self.servers, self.workload = servers, workload
        self.events, self.written = workload.events, workload.written
        self.patience = 120 + self.events / 20_000

    @property
    def redis(self):
        return self.servers.redis

    def take(self, who, name):
        if who in STAGES:
            return self.stage(who)
        if who in ("bare", "per_event", "limit"):
            return getattr(self, who)()
        if who == "base":
            return self.odometer(f"{name}-base", "--dedupe-window", str(DEDUPE_WINDOW), program=self.servers.base)
        if who == "plain":
            return self.odometer(f"{name}-plain", program=self.servers.plain)
        return self.odometer(f"{name}-{who}", "--dedupe-window", "0") if who == "undeduped" \
            else self.odometer(name, "--dedupe-window", str(DEDUPE_WINDOW))

    def tool(self, name, *arguments):
        return run_json([self.servers.tools / name, *arguments], self.patience + 600)

    # Without Redis

    def bare(self):
        clock = Clock(self.servers)
        found = self.tool("bare_consumer", self.servers.kafka.bootstrap, self.workload.topic, self.events, self.servers.lanes)
        for name in ("events", "bytes", "sum"):
            if found[name] != self.written[name]:
                raise Failure(f"the bare consumer read {name} {found[name]}, written were {self.written[name]}")
        return {**self.rate(found, clock), "library": found["library"]}

    def stage(self, stage):
        """Odometer's own code up to one stage."""
        clock = Clock(self.servers)
        found = run_json(
            [self.servers.stages, stage, "--bootstrap", self.servers.kafka.bootstrap, "--topic", self.workload.topic,
             "--records", self.events, "--threads", self.servers.lanes, "--meters", self.workload.meters],
            self.patience + 600)
        good = 0 if stage == "consume" else self.events
        if (found["events"], found["good"]) != (self.events, good):
            raise Failure(f"stage {stage} took {found['events']} events and found {found['good']} good, of {self.events}")
        return {**self.rate(found, clock), "commits": found["commits"], "cells": found["cells"],
                "encoded_bytes_per_event": found["encoded_bytes"] / self.events}

    def rate(self, found, clock):
        broker = clock.read(self.events)["broker_ns_per_event"]
        return {
            "events_per_second": self.events / found["seconds"], "seconds": found["seconds"],
            "cpu_ns_per_event": found["cpu_seconds"] / self.events * 1e9, "broker_ns_per_event": broker,
            "peak_bytes": found["peak_kb"] * 1024,
        }

    # Other programs that count

    def per_event(self):
        """What the same numbers cost Redis when every event increments its cells by itself."""
        self.redis.clear()
        before, count = self.redis.cpu_seconds(), min(self.events, SINGLE_EVENTS)
        found = self.tool("per_event", self.redis.path, count, self.workload.seed, self.workload.start, self.workload.days)
        return {"events": count, "commands_per_event": found["commands"] / count,
                "redis_ns_per_event": (self.redis.cpu_seconds() - before) / count * 1e9}

    def limit(self):
        """The program that was written by hand for this workload; its fetchers are woken every 10 ms."""
        self.redis.clear()
        clock = Clock(self.servers)
        done = subprocess.run(
            [self.servers.tools / "limit", self.servers.kafka.bootstrap, self.workload.topic, str(self.redis.port), str(self.events)],
            capture_output=True, text=True, timeout=self.patience + 600, env={**os.environ, "WAKE": "10"},
            start_new_session=True)
        found = re.search(
            r"(?P<events>\d+) events, bad (?P<bad>\d+), .* (?P<seconds>[\d.]+)s from first .* cpu (?P<cpu>[\d.]+)s "
            r".* rss (?P<rss>\d+) MB", done.stdout)
        if done.returncode != 0 or not found:
            raise Failure(f"limit.cc, exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]}")
        if (int(found["events"]), int(found["bad"])) != (self.events, 0):
            raise Failure(f"limit.cc did not count every event: {done.stdout.strip()}")
        counted = self.redis.sums("t:org_*")
        if counted != self.written["types"]:
            raise Failure(f"limit.cc counted {counted}, written were {self.written['types']}")
        used = clock.read(self.events)
        return {
            "events_per_second": self.events / float(found["seconds"]), "seconds": float(found["seconds"]),
            "cpu_ns_per_event": float(found["cpu"]) / self.events * 1e9, "peak_bytes": int(found["rss"]) << 20,
            "redis_ns_per_event": used["redis_ns_per_event"], "broker_ns_per_event": used["broker_ns_per_event"],
        }

    # The whole

    def odometer(self, name, *more, program=None):
        self.redis.clear()
        servers = self.servers
        arguments = ["--bootstrap", servers.kafka.bootstrap, "--topic", self.workload.topic, "--directory-topic", servers.directory,
                     "--dead-letter-topic", servers.letters, "--redis", f"unix://{self.redis.path}", "--prefix", name,
                     "--lanes", str(servers.lanes), *(["--meters", self.workload.meters] if self.workload.meters else []), *more]
        clock = Clock(servers)
        machine = Odometer(program or servers.binary, arguments, str(servers.folder / f"{name}.log"))
        try:
            found = self.watch(machine, name, clock)
            code = machine.end()
            if code != 0:
                raise Failure(f"odometer ended with exit code {code}: {machine.last_words()}")
            return found
        finally:
            machine.end()

    def watch(self, machine, name, clock):
        """Measures from the last sample without a record to the first with all of them counted in Redis."""
        deadline = time.monotonic() + self.patience
        first = machine.first_record(self.patience)
        steady = Clock(self.servers)
        series = [(0.0, 0)]
        while (total := sum((counted := self.redis.counted(name)).values())) < self.events:
            machine.must_run()
            if time.monotonic() > deadline:
                raise Failure(f"odometer counted {counted} of {self.events} in {self.patience:.0f} s: {machine.last_words()}")
            series.append((round(time.monotonic() - first, 3), total))
            # Asking uses the same cores, so it is done often only near the end.
            time.sleep(POLL if total > 0.9 * self.events else 10 * POLL)
        seconds = time.monotonic() - first
        cpu, used = machine.cpu_seconds(), {**clock.read(self.events), "cores": steady.cores()}
        peak, redis_bytes = machine.peak_kb() * 1024, self.redis.memory_bytes()
        while sum(self.redis.lowest_marks(name).values()) < self.events and time.monotonic() < deadline:
            time.sleep(POLL)
        marks = time.monotonic() - first
        # Before any other command that blocks Redis.
        block, script = self.redis.longest_block_ms(), self.redis.script_ms()
        self.check(name, counted)
        samples = self.settled(machine, deadline)
        dedupe, tallies = samples["odometer_dedupe_window_bytes"], samples["odometer_tally_bytes"]
        queue = self.servers.lanes * QUEUE_KB * 1024
        return {
            "events_per_second": self.events / seconds, "seconds": seconds, "start_seconds": first - clock.begun,
            "marks_seconds": marks, "cpu_ns_per_event": cpu / self.events * 1e9, **used,
            "peak_bytes": peak, "queue_bytes": queue, "dedupe_bytes": dedupe,
            "dedupe_bytes_per_id": dedupe / (PARTITIONS * DEDUPE_WINDOW), "tally_bytes": tallies,
            "memory_bound_bytes": report.BASE_BYTES + queue + dedupe + tallies, "redis_bytes": redis_bytes,
            "commits": samples["odometer_commits_total"], "cells": samples["odometer_cells_total"],
            "cells_per_commit": samples["odometer_cells_total"] / samples["odometer_commits_total"],
            "merge_factor": self.events / samples["odometer_cells_total"],
            "script_p50_ms": script[0] if script else None, "script_p99_ms": script[1] if script else None,
            "longest_block_ms": block[0] if block else 0, "longest_block": block[1] if block else "", "series": series,
        }

    def settled(self, machine, deadline):
        """The metrics once they include the last commit; they are published ten times a second."""
        while time.monotonic() < deadline:
            samples = machine.metrics()
            if samples and samples["odometer_committed_events_total"] >= self.events:
                return samples
            time.sleep(POLL)
        raise Failure("the metrics do not show every event as committed")

    def check(self, name, counted):
        """Fails when the numbers are wrong, as the result would be worthless."""
        if counted != {"accepted": self.events}:
            raise Failure(f"the audit has {counted} for {self.events} valid events")
        totals, types = self.redis.sums(f"{name}:1:*:totals"), self.written["types"]
        meters = {"interactions": "interaction.created", "agent_flows": "agent_flow.created",
                  "api_calls": "api.request", "tokens": "token.issued"}
        for meter, kind in meters.items():
            if meter in totals and totals[meter] != types[kind]:
                raise Failure(f"{meter} adds up to {totals[meter]}, {types[kind]} events of {kind} were written")

    def verify(self, name):
        servers = self.servers
        done = subprocess.run(
            [servers.binary, "verify", "--full", "--bootstrap", servers.kafka.bootstrap, "--topic", self.workload.topic, "--redis",
             f"unix://{self.redis.path}", "--prefix", name, *(["--meters", self.workload.meters] if self.workload.meters else [])],
            capture_output=True, text=True, timeout=self.patience + 600)
        if done.returncode != 0:
            raise Failure(f"verify, exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-2000:]}")
        return done.stdout.strip().splitlines()[-1]


def limit_source():
    """The path of the hand-written program's source and None, or None and why there is none."""
    named = os.environ.get("LIMIT")
    if not named:
        return None, "LIMIT does not say where its source is"
    path = Path(named)
    if named == "0":
        return None, "LIMIT=0"
    if not path.is_file():
        return None, f"no file {named}"
    if not shutil.which("g++"):
        return None, "no g++ to build it with"
    return path, None
