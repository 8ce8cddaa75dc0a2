"""Replays with known answers: paces, measures, foreign files, other topics, and that `--check` finds what is wrong."""

import json
import os
import threading
import time

from checks import ROOT, check, expect, run
from credentials import SECRET, Credentials, token
from house import House, key_name, wait_until

House.needed()
EVENTS = int(os.environ.get("EVENTS", 6_000))
FOREIGN = ROOT / "Tests/Clients/foreign"
PATIENCE = 300
DAY = 86_400_000


def replay(house, *arguments, expected=0):
    """What `odometer replay … --json` says."""
    said = house.call("replay", *arguments, "--to", house.topic, "--json", expected=expected, timeout=PATIENCE)
    return json.loads(said)


def due(record):
    """When a record was due, milliseconds since 1970; None where it does not say."""
    headers = dict(record.headers() or [])
    return int(headers["odometer-due"]) / 1000 if "odometer-due" in headers else None


def consistent(result):
    """Fails where counts and percentiles do not fit together."""
    records, latency = result["records"], result["latency"]
    expect(records["sent"] == records["acknowledged"], records)
    expect(latency["send_lag"]["count"] == latency["acknowledgement"]["count"] == records["sent"], latency)
    for name, one in latency.items():
        order = [one[part] for part in ("min", "p50", "p90", "p99", "p99.9", "p99.99", "max")]
        expect(order == sorted(order), f"{name}: {order}")
    expect(sum(one["sent"] for one in result["intervals"]) == records["sent"], "sent in the intervals")
    expect(sum(one["acknowledged"] for one in result["intervals"]) == records["sent"], "acknowledged in the intervals")


@check
def rate():
    """a constant rate: due times as reckoned, every record seen, every cell equal; a spoiled cell is found"""
    with House() as house:
        machine = house.start("run").wait_ready(90)
        result = replay(house, "--generate", "--events", str(EVENTS), "--span", "4h", "--rate", "1000", "--check")
        consistent(result)
        records = result["records"]
        expect(records["sent"] == EVENTS and records["unseen"] == 0, records)
        expect(records["seen"] + records["unwatched"] == EVENTS, records)
        expect(0 < records["unwatched"] < EVENTS / 20, records)
        expect(result["latency"]["freshness"]["count"] == records["seen"], result["latency"]["freshness"])
        expect(result["check"]["result"] == "equal" and result["check"]["records"] == EVENTS, result["check"])
        # Whatever the sender did, the due times are a thousand a second, and no record was stamped before its own.
        log = list(house.records())
        times = sorted(due(record) for record in log)
        expect(abs(times[-1] - times[0] - (EVENTS - 1)) < 0.01, f"{times[0]} … {times[-1]}")
        gaps = {round(later - earlier, 3) for earlier, later in zip(times, times[1:])}
        expect(gaps == {1.0}, gaps)
        early = [record.timestamp()[1] - due(record) for record in log]
        expect(min(early) > -2, f"{min(early)} ms before it was due")
        # One cell more than there should be.
        key = next(house.redis.scan_iter("odo:1:{*}:*:totals"))
        house.redis.hincrby(key, "api_calls", 1)
        spoiled = replay(house, "--generate", "--seed", "2", "--events", "50", "--check", expected=1)
        found = spoiled["check"]
        expect(found["result"] == "different" and found["different"] + found["extra"] == 1, found)
        expect("api_calls" in spoiled["check"]["differences"][0], spoiled["check"])
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def pause():
    """Redis stands still for four seconds: freshness shows all of it, for every record that was due meanwhile"""
    pause = 4.0
    with House() as house:
        house.start("run").wait_ready(90)
        replay(house, "--generate", "--seed", "3", "--events", "200", "--rate", "200", "--freshness")
        found = {}

        def go():
            found.update(replay(house, "--generate", "--events", "10000", "--rate", "1000", "--freshness"))

        def stop():
            wait_until(lambda: sum(house.ends().values()) > 2_500, 60, "records in the log")
            house.redis.client_pause(int(pause * 1000), all=True)

        threads = [threading.Thread(target=go), threading.Thread(target=stop)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        consistent(found)
        freshness = found["latency"]["freshness"]
        # The record that was due when it began waits for all of it; those of the four seconds, in the middle, for half.
        expect(freshness["max"] >= pause * 1e6, freshness)
        expect(freshness["p90"] >= pause * 0.5e6, freshness)
        expect(freshness["count"] >= 9_500, freshness)
        expect(max(one["oldest"] for one in found["intervals"]) >= (pause - 1.5) * 1e6, "the oldest record that waits")
        # And the pace went on: it was not the sender that stood still.
        expect(found["records"]["sent"] == 10_000, found["records"])
        sent = [one["sent"] for one in found["intervals"] if one["end"] < 9_000_000]
        expect(sum(sent) > 6_000, sent)


@check
def late():
    """a machine that is not there: exit code 3, and how many records were not seen"""
    with House() as house:
        result = replay(
            house, "--generate", "--events", "300", "--freshness", "--timeout", "2s", expected=3,
        )
        expect(result["records"]["unseen"] > 280 and result["records"]["seen"] == 0, result["records"])
        expect("not seen" in result["notes"][0], result["notes"])


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


@check
def ramp():
    """a ramp ends with a rate that keeps to the bound"""
    with House() as house:
        house.start("run").wait_ready(90)
        result = replay(
            house, "--generate", "--ramp", "1500ms", "--ramp-start", "100", "--ramp-step", "1s", "--timeout", "60s")
        found = result["ramp"]
        good = [one["rate"] for one in found["steps"] if one["is_within"]]
        expect(found["best"] == max(good), found)
        bad = [one["rate"] for one in found["steps"] if not one["is_within"]]
        expect(bad and min(bad) <= found["best"] * 2, found)


@check
def requests():
    """requests beside a replay: every route of the documents answers, at its own rate, timed from its due time"""
    with House() as house:
        secret = house.folder / "jwt"
        secret.write_text(SECRET)
        machine = house.start("up", "--jwt-secret-file", str(secret), "--rate-limit", "0").wait_ready(90)
        organization = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
        profile = {"kind": "organization", "organization": organization, "profile": {"name": "Acme", "slug": "acme"}}
        path = house.folder / "directory.jsonl"
        path.write_text(json.dumps(profile) + "\n")
        house.call("directory", "import", str(path))
        credentials = Credentials(house, organization, "acme")
        mix = house.folder / "mix.yaml"
        keys = {name: credentials.key for name in ("workspace", "connections", "privacy", "operations")}
        mix.write_text(json.dumps({  # JSON is YAML
            "server": machine.url.removeprefix("http://"), "rate": 10, "connections": 4,
            "documents": {
                "organization": organization, "slug": "acme", "token": token(organization),
                "keys": {**keys, "overview": credentials.overview_key},
            },
            "requests": [{"name": "refused", "path": "/v1/meters", "weight": 1}],
        }))
        # The largest organization of the seed: its answers are compared with the second reckoning as well.
        first = replay(house, "--generate", "--seed", "4", "--events", "500", "--organizations", "3", "--freshness")
        expect(first["records"]["unseen"] == 0, first["records"])
        largest = max(counted := [record.key().decode() for record in house.records()], key=counted.count)
        reader = house.folder / "answers.yaml"
        reader.write_text(json.dumps({
            "server": machine.url.removeprefix("http://"),
            "organizations": [{"id": largest, "key": house.key(largest, "operations")}],
        }))
        result = replay(house, "--generate", "--events", "4000", "--rate", "400", "--check", "--requests", str(mix),
                        "--answers", str(reader))
        expect(result["answers"]["compared"] >= 15 and not result["answers"]["differences"], result["answers"])
        # A key of somebody else gets other numbers, which is told.
        asked = json.loads(reader.read_text())
        asked["organizations"][0]["key"] = credentials.key
        reader.write_text(json.dumps(asked))
        other = replay(house, "--generate", "--seed", "9", "--events", "1", "--check", "--answers", str(reader), expected=1)
        expect(len(other["answers"]["differences"]) >= 5 and other["check"]["result"] == "equal", other["answers"])
        routes = {one["name"]: one for one in result["requests"]}
        expect(len(routes) == 12, sorted(routes))
        for name, one in routes.items():
            count = one["latency"]["count"]
            expect(count >= 1, f"{name}: {count}")
            # A server that has too much to do says 503, and nothing else; so said many routes on a very busy machine.
            said = next((note for note in result["notes"] if note.startswith(f"GET {name}: ")), "")
            wanted = "HTTP 401" in said if name == "refused" else not said or "HTTP 503" in said
            expect(wanted, f"{name}: {result['notes']}")
        answered = [name for name, one in routes.items() if one["failed"] == 0]
        expect(len(answered) >= 5, f"answered: {answered}; {result['notes']}")
        expect("GET refused" in result["notes"][-1] and "HTTP 401" in result["notes"][-1], result["notes"])
        # What was due and not sent is told: together it is the rate.
        late = next((int(note.split()[0]) for note in result["notes"] if "never sent" in note), 0)
        whole = sum(one["latency"]["count"] for one in routes.values()) + late
        seconds = result["intervals"][-1]["end"] / 1e6
        expect(abs(whole - seconds * 10) < 20, f"{whole} requests in {seconds} s")


@check
def wrong():
    """command lines and files that make no sense are refused with code 2 and their place"""
    with House() as house:
        bad = house.folder / "bad.yaml"
        bad.write_text("format: csv\nevent:\n  id: {column: nothing}\n")
        for words in (
            ["--rate", "5"], ["--generate", "--from-topic", "x"], ["--generate", "--rate", "1", "--spacing", "2"],
            ["--generate", "--spacing", "fast"], [str(bad), "--mapping", str(bad)], [str(bad), "--since", "2026-01-01T00:00:00Z"],
            ["--generate", "--times", "shift"], ["-", "--times", "shift"], ["--from-topic", house.topic, "--to", house.topic],
            [str(FOREIGN / "nothing.csv")], ["--profile", str(bad)],
        ):
            house.call("replay", *words, expected=2)


run()
