"""Sources of replays: a foreign CSV by a mapping file alone, another topic, a file whose times are moved."""

import json
import time

from checks import ROOT, check, expect, run
from house import House, key_name
from replaying import PATIENCE, due, replay

House.needed()
FOREIGN = ROOT / "Tests/Clients/foreign"


@check
def foreign():
    """a foreign CSV (semicolons, quotes, line ends, decimal commas, local times) counts by a mapping file alone"""
    with House() as house:
        house.start("run").wait_ready(90)
        result = replay(
            house, str(FOREIGN / "bookings.csv"), "--mapping", str(FOREIGN / "bookings.yaml"), "--check",
        )
        expect(result["records"]["sent"] == 6 and result["check"]["result"] == "equal", result)
        expect(result["check"]["outcomes"]["duplicate"] == 1, result["check"]["outcomes"])
        expect(result["check"]["outcomes"]["accepted"] == 5, result["check"]["outcomes"])
        events = {event["id"]: event for event in (json.loads(record.value()) for record in house.records())}
        wanted = {  # Berlin is an hour ahead of UTC in winter, two in summer, which begins at 2:00 on 29 March.
            "B-1001": "2026-03-09T13:07:31.000Z", "B-1002": "2026-03-09T14:07:31.000Z",
            "B-1003": "2026-03-29T00:59:59.000Z", "B-1004": "2026-03-29T01:00:00.000Z",
            "B-1006": "2026-10-25T00:30:00.000Z",
        }
        expect({name: event["time"] for name, event in events.items()} == wanted, events)
        expect(all(record.key() == json.loads(record.value())["subject"].encode() for record in house.records()), "keys")
        totals = house.redis.hgetall(f"{key_name('nordwind')}:totals")
        expect(totals["data_points"] == "5" and totals["storage_bytes"] == str(12_500_000 + 250_000 + 1_000_000), totals)
        totals = house.redis.hgetall(f"{key_name('südwind')}:totals")
        expect(totals["data_points"] == "1" and totals["storage_bytes"] == str(3_000_000 - 1_024_000_000), totals)
        expect(totals["last_ingestion"] == f"{1_774_746_000_000_000_000 + 2**63:020d}", totals)  # 29 March, 01:00 UTC


@check
def copied():
    """a topic again at its own spacing, five times as fast: distances, order of each key, binary mode, shifted times"""
    with House() as house:
        copy = f"{house.topic}-copy"
        house.create_topic(copy, 3)
        house.call("replay", "--generate", "--events", "2000", "--organizations", "5", "--binary-share", "0",
                   "--rate", "500", "--to", house.topic, timeout=PATIENCE)
        source = list(house.records())
        house.call("replay", "--from-topic", house.topic, "--to", copy, "--spacing", "5", "--mode", "binary",
                   "--from-offset", "10", timeout=PATIENCE)
        made = list(house.records(copy, 3))
        left = [record for record in source if record.offset() >= 10]
        expect(len(made) == len(left), f"{len(made)} of {len(left)}")

        def keyed(records, name):
            lists = {}
            for record in records:
                lists.setdefault(record.key(), []).append(name(record))
            return lists

        def identity(record):
            headers = dict(record.headers() or [])
            if "ce_id" in headers:
                return headers["ce_id"].decode()
            try:
                return json.loads(record.value())["id"]
            except (TypeError, ValueError, KeyError):
                return record.value()

        expect(keyed(made, identity) == keyed(left, identity), "the order of a key")
        modes = sum("ce_id" in dict(record.headers() or []) for record in made)
        expect(modes > 1_900, f"{modes} in binary mode")
        times = sorted(record.timestamp()[1] for record in left)
        dues = sorted(due(record) for record in made)
        expect(abs((times[-1] - times[0]) / 5 - (dues[-1] - dues[0])) < 2, "the spacing")


@check
def shifted():
    """a file whose times are moved: the last is now, the distances stay, and what is counted is checked"""
    with House() as house:
        house.start("run").wait_ready(90)
        path = house.folder / "old.jsonl"
        old = [{
            "specversion": "1.0", "id": f"e-{number}", "source": "old", "type": "api.request", "subject": "o-1",
            "time": f"2020-01-01T0{number // 60}:{number % 60:02}:00+01:00",
        } for number in range(200)]
        path.write_text("".join(json.dumps(event) + "\n" for event in old))
        began = time.time()
        result = replay(house, str(path), "--times", "shift", "--spacing", "6000", "--check")
        expect(result["check"]["outcomes"]["accepted"] == 200 and result["check"]["result"] == "equal", result["check"])
        expect(1.5e6 < result["microseconds"] < 30e6, result["microseconds"])  # 199 minutes / 6000
        times = sorted(json.loads(record.value())["time"] for record in house.records())
        last = time.mktime(time.strptime(times[-1][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        expect(began - 5 < last < time.time() + 5, times[-1])
        expect(len(set(times)) == 200, "times")


run()
