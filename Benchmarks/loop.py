#!/usr/bin/env python3
"""Counts what the loop costs per event, the same on every machine: instructions, retains and allocations.

    loop.py [BINARY]        default: .build/release/odometer-bench-stages

`odometer-bench-stages loop` folds the events of lines.c and writes the arguments of their commits, under valgrind's
callgrind. The limits are in thresholds.json beside this file; exit code 1 when one is exceeded. The profile by function
is left in out/loop-profile.txt.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from machine import Failure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
EVENTS, SEED = 40_000, 1
# 2026-03-01, and the time at which the records were written: all events are older.
START, DAYS, WRITTEN = 1_772_323_200, 1, 1_772_323_200 + 2 * 86_400
MEASURED = "measuredRound"
SCAN, FOLD, COMMIT = "es_scan", "StageLaneV4fold", "StageLaneV6commit"
COUNTED = re.compile(r"swift_(bridgeObject)?([Rr]etain|[Rr]elease)")


def measure(binary, folder=ROOT / "out/loop"):
    """The costs per event, and each threshold with the value found; None when valgrind is missing."""
    if not shutil.which("valgrind"):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    program, events, profile = folder / "stages", folder / "events", folder / "callgrind.out"
    # valgrind 3.19 ends with an error on the compiler's DWARF 5; without it, function names are still there.
    run(["strip", "--strip-debug", "-o", program, binary])
    compiler = shutil.which("gcc") or shutil.which("clang")
    run([compiler, "-O2", "-o", folder / "lines", HERE / "lines.c", "-lm"])
    with open(events, "wb") as stream:
        subprocess.run([folder / "lines", str(EVENTS), str(SEED), str(START), str(DAYS)], stdout=stream, check=True, timeout=60)
    # Not --toggle-collect, which still counts calls that it leaves out. The program's end is counted, but has no event.
    said = run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", f"--zero-before=*{MEASURED}*",
                program, "loop", "--events", events, "--timestamp", WRITTEN * 1000, "--meters", HERE / "meters.yaml"])
    result = json.loads(said.splitlines()[-1])
    if result["events"] != EVENTS:
        raise Failure(f"the loop counted {result['events']} of {EVENTS} events")
    known = Profile(profile.read_text())
    found = {"events": EVENTS, **result, **counts(known, result)}
    found["found"].update(record_counts(folder))
    limits = json.loads((HERE / "thresholds.json").read_text())
    found["thresholds"] = [{"name": name, "value": found["found"][name], "most": most} for name, most in limits.items()]
    write_profile(known, ROOT / "out/loop-profile.txt")
    return found


def counts(profile, result):
    scan, fold, commit = (profile.inclusive(name) / EVENTS for name in (SCAN, FOLD, COMMIT))
    if not scan or not fold or not commit:
        raise Failure(f"the profile has no {SCAN}, {FOLD} or {COMMIT}")
    return {"found": {
        "instructions an event, scan": scan,
        "instructions an event, check + dedupe + fold": fold - scan,
        "instructions an event, commit encoding": commit,
        "retains and releases in the fold, 1,000 events": profile.calls(COUNTED, r"\$s8Metering") / EVENTS * 1000,
        "retains and releases in commit encoding, 1,000 cells":
            profile.calls(COUNTED, r"\$s(?!8Metering|\d+odometer)") / result["cells"] * 1000,
        "requests for memory in the fold, 1,000 events": result["fold_allocations"] / EVENTS * 1000,
        "requests for memory in commit encoding, 1,000 cells": result["commit_allocations"] / result["cells"] * 1000,
    }}


def record_counts(folder):
    """The instructions of reading one record of Avro and of Protobuf, by read_records.cc."""
    program, profile, rooms = folder / "read_records", folder / "records.out", ("CEventScan", "CRecordScan", "CProtoSchema")
    sources = [file for room in rooms for file in sorted((ROOT / "Sources" / room).glob("*.cc"))]
    run(["clang++", "-std=c++17", "-O3", "-DNDEBUG", *(f"-I{ROOT}/Sources/{room}/include" for room in rooms), HERE / "read_records.cc",
         *sources, "-lsimdjson", "-lprotobuf", "-o", program])
    run(["strip", "--strip-debug", program])
    count = 4_000
    run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", program, count, 1])
    known = Profile(profile.read_text())
    return {f"instructions a record, {name}": known.inclusive(f"read_{name.lower()}") / count for name in ("Avro", "Protobuf")}


def run(words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=1_200,
                          env={**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"})
    if done.returncode != 0:
        raise Failure(f"{Path(str(words[0])).name}: {done.stderr.strip()[-800:]}")
    return done.stdout


def write_profile(profile, path):
    """Writes the instructions per event of each function without its callees, the greatest number first."""
    rows = sorted(profile.own.items(), key=lambda row: -row[1])[:80]
    text = "\n".join(name for name, _ in rows)
    try:
        text = subprocess.run(["swift", "demangle", "--simplified"], input=text, capture_output=True, text=True, timeout=120).stdout
    except OSError:
        pass  # the names stay mangled
    lines = (f"{cost / EVENTS:9.1f}  {name}" for (_, cost), name in zip(rows, text.splitlines()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("Instructions an event, each function by itself\n" + "\n".join(lines) + "\n")


class Profile:
    """A callgrind file: instructions of each function without its callees, and calls with their inclusive costs."""

    def __init__(self, text):
        names = {}
        self.own, self.called = {}, []
        caller = callee = None
        count = None
        for line in text.splitlines():
            kind, _, rest = line.partition("=")
            if kind in ("fn", "cfn"):
                number, _, name = rest.partition(" ")
                if name:
                    names[number] = name
                if kind == "fn":
                    caller = names[number]
                else:
                    callee = names[number]
            elif kind == "calls":
                count = int(rest.split()[0])
            elif count is not None:
                self.called.append((caller, callee, count, int(line.split()[1])))
                count = None
            elif caller and line[:1] in "+-*0123456789" and len(line.split()) == 2:
                self.own[caller] = self.own.get(caller, 0) + int(line.split()[1])

    def inclusive(self, name):
        """Inclusive instructions of calls to functions whose name contains the text, from functions whose name does not."""
        return sum(cost for caller, callee, _, cost in self.called if name in callee and name not in caller)

    def calls(self, pattern, callers):
        """How often functions that match the pattern were called by functions whose names match `callers`."""
        return sum(count for caller, callee, count, _ in self.called if pattern.match(callee) and re.match(callers, caller))


def print_counted(found):
    if found is None:
        print("\nInstructions were not counted: no valgrind, or left out.")
        return
    print(f"\nThe loop over {found['events']:,} events in memory (profile by function: out/loop-profile.txt):")
    for threshold in found["thresholds"]:
        low = "   well below: lower the threshold" if threshold["most"] > 100 and threshold["value"] < 0.9 * threshold["most"] else ""
        print(f"  {threshold['name']:54} {threshold['value']:10,.1f}   at most {threshold['most']:,}{low}")


def main():
    found = measure(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".build/release/odometer-bench-stages")
    print_counted(found)
    return 1 if found is None or any(threshold["value"] > threshold["most"] for threshold in found["thresholds"]) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"loop: {error}")
