"""Three replays of EVENTS (2,000,000) events over 4 hours of event time, each checked, each report shown by Chromium.

At a constant rate (20 seconds), at 60 times the original spacing (4 minutes), and as fast as possible. What Chromium
shows goes to docs/replays, the reports and JSON results to .build/replays. `make replay-check` runs this.
"""

import json
import os
import sys

import browser
from checks import ROOT, check, expect, run
from house import BINARY, BOOTSTRAP, House

if not BOOTSTRAP or not BINARY or not browser.CHROMIUM:
    sys.exit("KAFKA_BOOTSTRAP, TEST_BINARY and chromium are needed")
EVENTS = int(os.environ.get("EVENTS", 2_000_000))
PICTURES = ROOT / os.environ.get("PICTURES", "docs/replays")
RESULTS = ROOT / ".build/replays"
LOAD = ["--generate", "--seed", "6", "--events", str(EVENTS), "--span", "4h"]


def replay(name, *pace):
    """One replay into a topic and a ledger of its own; its result."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with House() as house:
        machine = house.start("run").wait_ready(120)
        page = RESULTS / f"{name}.html"
        said = house.call(
            "replay", *LOAD, *pace, "--check", "--timeout", "10m", "--report", str(page), "--json",
            "--to", house.topic, timeout=3600,
        )
        (RESULTS / f"{name}.json").write_text(said)
        result = json.loads(said)
        expect(result["check"]["result"] == "equal" and result["check"]["records"] == EVENTS, result["check"])
        expect(result["records"]["unseen"] == 0 and result["records"]["sent"] == EVENTS, result["records"])
        browser.look(page, PICTURES, name, plots=5)
        expect(machine.terminate(60) == 0, "exit code after SIGTERM")
    late, fresh = (result["latency"][part] for part in ("send_lag", "freshness"))
    print(f"     {result['rate']:,.0f} events/s in {result['microseconds'] / 1e6:.1f} s, "
          f"send lag p99 {late['p99'] / 1000:.1f} ms, "
          f"freshness p50 {fresh['p50'] / 1000:.0f} ms, p99 {fresh['p99'] / 1000:.0f} ms")
    return result


@check
def rate():
    """a constant rate: 20 seconds, every cell equal"""
    result = replay("rate", "--rate", str(max(1, EVENTS // 20)))
    expect(result["microseconds"] > 19e6, result["microseconds"])


@check
def spacing():
    """60 times the original spacing: 4 minutes, every cell equal"""
    result = replay("spacing", "--spacing", "60")
    expect(result["microseconds"] > 238e6, result["microseconds"])


@check
def flat():
    """as fast as possible: every cell equal"""
    replay("flat")


run()
