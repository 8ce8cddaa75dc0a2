"""What the loop costs an event stays within Benchmarks/thresholds.json, counted by callgrind on a release build."""

import json
import os
import pathlib
import sys

from checks import ROOT, check, expect, run

sys.path.insert(0, str(ROOT / "Benchmarks"))

import loop  # noqa: E402

binary = os.environ.get("ODOMETER_BINARY")
if not binary:
    print("skipped: ODOMETER_BINARY is not set\n0 passed, 0 failed")
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
def complete():
    """everything that is counted has a threshold"""
    limits = json.loads((ROOT / "Benchmarks/thresholds.json").read_text())
    expect(set(limits) == set(found["found"]), f"{sorted(set(limits) ^ set(found['found']))}")


run()
