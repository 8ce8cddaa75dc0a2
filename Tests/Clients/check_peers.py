"""What `make bench-peers` says of numbers, without its servers and programs."""

import json
import sys

from checks import ROOT, check, expect, run

sys.path[:0] = [str(ROOT / "Benchmarks/peers"), str(ROOT / "Benchmarks")]

import comparison  # noqa: E402
import records  # noqa: E402
from cells import cells  # noqa: E402

TOKEN = {"id": "1", "subject": "org_000001", "type": "token.issued", "time": "2026-03-08T23:59:59.000Z",
         "data": {"user": "u1", "agent": "a1"}}


def equal(found, wanted):
    expect(found == wanted, f"{found!r}, not {wanted!r}")


def sample():
    """200 events of one organization."""
    kinds = list(comparison.METERS.values())
    events = [{**TOKEN, "id": str(number), "type": kinds[number % 4]} for number in range(200)]
    return [records.Record(0, b"org_000001", json.dumps(event).encode()) for event in events]


@check
def both_layouts():
    """an event has the same cells in the peers' layout and in that of schemas/redis.md"""
    mine = {comparison.peer_cell(key, member) for _, key, member in cells(TOKEN)}
    before = "bench-1:1:{7}:org_000001:"
    theirs = {comparison.odometer_cell(before + key, member) for key, member in (
        ("totals", "tokens"), ("tokens:day:2026-03", "08"), ("agents:month:2026-03", "a1"), ("token_hours:grid:0", "23"))}
    equal(mine, theirs)
    equal(comparison.odometer_cell(before + "users:day:2026-03-08", "u1"), ("r:org_000001:2026-03-08", "u1"))
    equal([comparison.odometer_cell(key, "x") for key in ("bench-1:1:{7}:marks", "bench-1:1:{dir}:ledger", "t:org")], [None] * 3)


@check
def differences():
    """a comparison finds what is missing, what is too much, and what is only in another cell"""
    truth = records.truth_of(sample())
    equal(comparison.verdict(comparison.compare(truth, truth, "tdrah")), "exact")
    day = ("d:org_000001:token.issued", "2026-03-08")
    for change, text in ((7, "+7"), (-7, "-7")):
        equal(comparison.verdict(comparison.compare({**truth, day: truth[day] + change}, truth, "tdrah")), text)
    moved = {**truth, day: truth[day] - 7, (day[0], "2026-03-09"): 7}
    equal(comparison.verdict(comparison.compare(moved, truth, "tdrah")), "2 cells wrong, their sum is right")
    elsewhere = {**truth, ("h:org_000001", "0:23"): 0}
    equal([comparison.verdict(comparison.compare(elsewhere, truth, groups)) for groups in ("d", "tdrah")],
          ["exact", "1 cells wrong, their sum is right"])


@check
def disturbed_topics():
    """each disturbed topic has its disturbance and the right truth"""
    base = sample()
    plain = records.truth_of(base)
    found = {name: records.disturbed(name, base) for name in comparison.DISTURBANCES if name != "kill"}
    more = {"late": records.LATE, "repeats": records.REPEATED, "malformed": 1, "null": 1, "aborted": 0}
    equal({name: len(written) - len(base) for name, (written, _) in found.items()}, more)
    equal({name: comparison.days(truth) for name, (_, truth) in found.items()}, {**dict.fromkeys(more, 200), "late": 300})
    for name in ("repeats", "malformed", "null", "aborted"):
        expect(found[name][1] == plain, f"{name} counts something else")
    equal(found["late"][1]["d:org_000001:token.issued", "2026-03-05"], 25)
    values = {name: [record.value for record in written] for name, (written, _) in found.items()}
    equal(len(set(values["repeats"])), 200)
    expect(None in values["null"], "no null value")
    try:
        [json.loads(value) for value in values["malformed"]]
    except ValueError:
        return
    expect(False, "no malformed record")


@check
def tables():
    """tables have a row for each contender, equal results once, and ratios to Odometer"""
    def turn(rate, cpu, **more):
        return {"events_per_second": rate, "cpu_us_per_event": cpu, "redis_us_per_event": 1, "peak_bytes": 2e8, "start_seconds": 2,
                "start_cpu_seconds": 0.2, "load": [0.5, 3, 3], "difference": 0, "wrong_cells": 0, **more}

    exact = {"difference": 0, "wrong_cells": 0}
    found = {
        "odometer": {"title": "A", "rounds": [turn(300_000, 1.5)], "disturbances": {"kill": [{**exact, "back_seconds": 12}]}},
        "quix-sink": {"title": "B", "rounds": [turn(20_000, 15.0), turn(10_000, 15.0, load=[10.5, 3, 3], difference=3, wrong_cells=9)],
                      "disturbances": {"kill": [{"difference": 9, "wrong_cells": 4, "back_seconds": 44.42}, {**exact, "back_seconds": 45}],
                                       "null": [{"difference": -8, "wrong_cells": 8, "ended": True, "ended_again": True}]}},
        "quix-window": {"title": "C", "disturbances": {"late": [{"difference": -900, "wrong_cells": 7, "put_aside": 100}]}},
    }
    equal(comparison.rate_table(found).splitlines()[2:], [
        "| A | 300,000 | 1.5 | 1.0 | 200 | 2.0 | 0.2 | 0.5 | exact |",
        "| B | 15,000 (1/20) | 15.0 (10 ×) | 1.0 | 200 | 2.0 | 0.2 | 0.5 to 10.5 | exact; +3 |"])
    equal(comparison.disturbance_table(found).splitlines()[2:], [
        "| A | exact | – | – | – | – | – | 12.0 |",
        "| B | +9; exact | – | – | – | program ends, after a restart again: -8 | – | 44.4 to 45.0 |",
        "| C | – | 100 put aside as late | – | – | – | – | – |"])


run()
