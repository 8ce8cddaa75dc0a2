"""`odometer plan` at two sizes against what a real run of the very load then uses: keys, memory of Redis, cells a second."""

import json
import time

from checks import check, expect, run
from house import House

House.needed()


def near(name, predicted, found):
    print(f"     {name}: predicted {predicted:.0f}, found {found:.0f} ({(predicted / found - 1) * 100:+.1f} %)")
    expect(abs(predicted / found - 1) <= 0.2, f"{name}: predicted {predicted}, found {found}")


def memory(house):
    """What keys and their values take, with the tables of Redis: without its clients and its own beginnings."""
    stats = house.redis.memory_stats()
    tables = stats.get("db.0", {})
    return stats["dataset.bytes"] + sum(
        tables.get(f"overhead.hashtable.{name}", 0) for name in ("main", "expires"))


def compare(events, sample, rate, profile):
    """Plans a load, runs it, compares. The commit interval is long, so that a slow machine keeps to it."""
    with House(commit_interval="2s") as house:
        path = house.folder / "profile.yaml"
        path.write_text(json.dumps({**profile, "events": events}))  # JSON is YAML
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
        load = ["--profile", str(path), "--seed", "21", "--end", end]
        plan = json.loads(house.call(
            "plan", *load, "--sample", str(sample), "--rate", str(rate), "--json", timeout=300,
        ))
        expect(plan["dedupe_window_bytes"] == 4 * 24 * 2**20, plan["dedupe_window_bytes"])
        expect(plan["reckoned"] == (events if sample >= events else sample * 7 // 4), plan["reckoned"])
        machine = house.start("run", "--dead-letters", "off").wait_ready(90)
        bare = memory(house)
        result = json.loads(house.call(
            "replay", *load, "--rate", str(rate), "--freshness", "--json", "--to", house.topic, timeout=600,
        ))
        expect(result["records"]["unseen"] == 0, result["records"])
        house.wait_counted()
        near("keys", plan["sum"]["keys"], house.redis.dbsize())
        near("bytes", plan["sum"]["bytes"], memory(house) - bare)
        cells = machine.metrics()["odometer_cells_total"]
        near("cells a second", plan["cells_per_second"], cells / (events / rate))


@check
def small():
    """a small load, counted event by event"""
    compare(6_000, 2_000_000, 1000, {"organizations": 40, "span": "7d"})


@check
def larger():
    """a larger load with rhythm and skew, extrapolated from a third of it"""
    hours = [1, 1, 1, 1, 1, 2, 4, 8, 12, 12, 12, 10, 10, 12, 12, 12, 10, 8, 6, 4, 3, 2, 1, 1]
    compare(24_000, 8_000, 2000, {"organizations": 200, "span": "30d", "skew": 0.75, "hours": hours,
                                  "weekdays": [1, 5, 5, 5, 5, 5, 1]})


run()
