"""What the loop costs an event stays within Benchmarks/thresholds.json, counted by callgrind on a release build."""

import json
import os
import pathlib
import re
import sys

from checks import ROOT, check, expect, run

sys.path.insert(0, str(ROOT / "Benchmarks"))

import loop  # noqa: E402

binary = os.environ.get("TEST_BINARY")
if not binary:
    print("skipped: TEST_BINARY is not set\n0 passed, 0 failed")
    sys.exit(0)
found = loop.measure(pathlib.Path(binary).parent / "odometer-bench-stages", ROOT / ".build/loop")
if found is None:
    print("skipped: no valgrind\n0 passed, 0 failed")
    sys.exit(0)


def add(one):
    @check
    def threshold():
        expect(one["value"] <= one["most"], f"{one['value']:.1f}, at most {one['most']} (Benchmarks/thresholds.json)")

    threshold.__doc__ = f"{one['name']}: {one['value']:.1f}, at most {one['most']}"


for one in found["thresholds"]:
    add(one)


@check
def profile():
    """a callgrind file is read: names once, own cost apart from calls, also calls that began before counting"""
    text = "fn=(1) a\n3 10\n+1 5\ncfn=(2) b\ncalls=7 0\n* 100\ncfn=(2)\ncalls=0 0\n9 1000\nfn=(2)\n4 1\ntotals: 16\n"
    read = loop.Profile(text)
    expect(read.own == {"a": 15, "b": 1}, read.own)
    expect(read.called == [("a", "b", 7, 100), ("a", "b", 0, 1000)], read.called)
    expect(read.calls(re.compile("b"), "a") == 7 and read.calls(re.compile("b"), "c") == 0, "calls by caller")


@check
def complete():
    """everything that is counted has a threshold"""
    limits = json.loads((ROOT / "Benchmarks/thresholds.json").read_text())
    expect(set(limits) == set(found["found"]), f"{sorted(set(limits) ^ set(found['found']))}")


run()
