"""Generated loads, and what counting one of them from its beginning costs."""

import json
import re
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone

from machine import Failure, Odometer
from turns import Clock

SLOW_POLL, POLL = 0.1, 0.02
SPAN_MS = {"60s": 60_000, "90d": 90 * 86_400_000}


@dataclass
class Load:
    """A topic that `odometer replay --generate` filled."""

    name: str
    organizations: int
    span: str
    events: int
    partitions: int = 4
    seed: int = 1
    topic: str = ""
    end_ms: int = 0

    @property
    def end(self):
        return datetime.fromtimestamp(self.end_ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def call(binary, *arguments, seconds=300):
    """Runs `odometer ARGUMENTS…` to its end; returns what it printed."""
    done = subprocess.run([str(word) for word in (binary, *arguments)], capture_output=True, text=True, timeout=seconds,
                          stdin=subprocess.DEVNULL, start_new_session=True)
    if done.returncode != 0:
        raise Failure(f"odometer {arguments[0]}, exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout


def fill(servers, load, profile=None):
    """Makes the load's topic; every record it writes is one event of the load."""
    load.topic = servers.new_topic(load.name, load.partitions)
    load.end_ms = int(time.time()) * 1000
    begun = time.monotonic()
    said = call(servers.binary, "replay", "--bootstrap", servers.kafka.bootstrap, "--generate", "--events", load.events,
                "--organizations", load.organizations, "--span", load.span, "--end", load.end, "--seed", load.seed,
                "--to", load.topic, *(["--profile", profile] if profile else []),
                seconds=300 + load.events / 5_000)
    written = int(re.search(r"([\d,]+) records in ", said)[1].replace(",", ""))
    if written != load.events:
        raise Failure(f"{load.name}: {written} records were written instead of {load.events}")
    print(f"{load.name}: {load.events:,} events of {load.organizations:,} organizations over {load.span}, "
          f"{load.partitions} partitions, written in {time.monotonic() - begun:.0f} s", flush=True)


def arguments(servers, topic, prefix, lanes, meters=None, place=None):
    """What `odometer run` is started with; `place`: the options that say which Redis, if not the run's own by its socket."""
    return ["--bootstrap", servers.kafka.bootstrap, "--topic", topic, "--directory-topic", servers.directory,
            "--dead-letter-topic", servers.letters, *(place or ["--redis", f"unix://{servers.redis.path}"]), "--prefix", prefix,
            "--lanes", str(lanes), *(["--meters", meters] if meters else [])]


def drain(servers, binary, topic, events, prefix, lanes=None, meters=None, place=None):
    """Counts a topic from its beginning into an empty Redis; returns what that cost.

    From the last look without a record until the metrics, which are published ten times a second, say that all are
    committed. So nothing asks Redis meanwhile."""
    redis = servers.redis
    redis.clear()
    empty, clock, patience = redis.memory_bytes(), Clock(servers), 120 + events / 2_000
    machine = Odometer(binary, arguments(servers, topic, prefix, lanes or servers.lanes, meters, place),
                       str(servers.folder / f"{prefix}.log"))
    try:
        first = machine.first_record(patience)
        samples = wait_committed(machine, events, first + patience)
        seconds, cpu, used = time.monotonic() - first, machine.cpu_seconds(), clock.read(events)
        calls, script = redis.calls(), redis.script_ms()
        counted = wait_audited(redis, prefix, events)
        peak = machine.peak_kb() * 1024
        if (code := machine.end()) != 0:
            raise Failure(f"odometer run ended with exit code {code}: {machine.last_words()}")
    finally:
        machine.end()
    cells, commits = samples["odometer_cells_total"], samples["odometer_commits_total"]
    return {
        "events": events, "accepted": counted["accepted"], "seconds": seconds, "events_per_second": events / seconds,
        "cpu_us": cpu / events * 1e6, "redis_us": used["redis_ns_per_event"] / 1e3,
        "broker_us": used["broker_ns_per_event"] and used["broker_ns_per_event"] / 1e3,
        "redis_bytes": redis.memory_bytes() - empty, "keys": redis.ask(("DBSIZE",))[0], "peak_bytes": peak,
        "dedupe_bytes": samples["odometer_dedupe_window_bytes"], "tally_bytes": samples["odometer_tally_bytes"],
        "commits": commits, "cells": cells, "cells_per_event": cells / events, "events_per_commit": events / commits,
        "calls_per_event": sum(calls.values()) / events, "calls": calls,
        "commit_p50_ms": script and script[0], "commit_p99_ms": script and script[1],
    }


def wait_committed(machine, events, deadline):
    """Waits until the process says that all events are in Redis; returns its metrics at that moment."""
    taken = committed = 0
    while True:
        machine.must_run()
        if samples := machine.metrics():
            taken = sum(value for name, value in samples.items() if name.startswith("odometer_events_total"))
            committed = samples["odometer_committed_events_total"]
            if taken >= events and committed >= samples['odometer_events_total{outcome="accepted"}']:
                return samples
        if time.monotonic() > deadline:
            raise Failure(f"{taken:,.0f} of {events:,} records are taken, {committed:,.0f} committed: {machine.last_words()}")
        # A page of metrics costs CPU of what is measured, so the looks become frequent near the end only.
        time.sleep(POLL if committed > 0.6 * events else SLOW_POLL)


def wait_audited(redis, prefix, events):
    """Waits until the audit has all records, also those that changed no number, which may follow; returns it."""
    deadline = time.monotonic() + 60
    while sum((counted := redis.counted(prefix)).values()) < events and time.monotonic() < deadline:
        time.sleep(SLOW_POLL)
    if sum(counted.values()) != events:
        raise Failure(f"{prefix}: the audit has {counted} for {events} records")
    return counted


def verify(servers, binary, topic, prefix):
    """`odometer verify --full` of the ledger in Redis; returns its last line."""
    said = call(binary, "verify", "--full", "--bootstrap", servers.kafka.bootstrap, "--topic", topic, "--redis",
                f"unix://{servers.redis.path}", "--prefix", prefix, seconds=900)
    return said.strip().splitlines()[-1]


def freshness_profile(folder):
    """A profile without records that change no number, whose visibility nobody could see, and without headers."""
    path = folder / "countable.yaml"
    shares = {"binary": 0, "malformed": 0, "bad_field": 0, "future": 0, "unknown_type": 0, "duplicate": 0}
    # JSON is YAML.
    path.write_text(json.dumps({"shares": shares}) + "\n")
    return path


@contextmanager
def counting(servers, topic, prefix, meters=None):
    """An `odometer run` that holds its partitions; its exit code must be 0."""
    machine = Odometer(servers.binary, arguments(servers, topic, prefix, servers.lanes, meters),
                       str(servers.folder / f"{prefix}.log"))
    try:
        machine.wait_ready(4)
        yield machine
        if (code := machine.end()) != 0:
            raise Failure(f"odometer run ended with exit code {code}: {machine.last_words()}")
    finally:
        machine.end()
