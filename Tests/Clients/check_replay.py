"""Replays with known answers: paces, measures, requests, and that `--check` finds what is wrong."""

import json
import os
import threading
import time

from checks import ROOT, check, expect, run
from credentials import SECRET, Credentials, token
from house import House, key_name, wait_until
from replaying import consistent, due, replay

House.needed()
EVENTS = int(os.environ.get("EVENTS", 6_000))
FOREIGN = ROOT / "Tests/Clients/foreign"


@check
def rate():
    """a constant rate: due times as computed, every record seen, every cell equal; a spoiled cell is found"""
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
    """Redis stops for four seconds: freshness shows all of it, for every record that was due meanwhile"""
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
        # The largest organization of the seed: its answers are compared with the second count as well.
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
        answered = [name for name, one in routes.items() if one["failed"] < one["latency"]["count"]]
        expect(len(answered) >= 5, f"answered: {answered}; {result['notes']}")
        # What was due and not sent is told: together it is the rate.
        late = next((int(note.split()[0]) for note in result["notes"] if "never sent" in note), 0)
        whole = sum(one["latency"]["count"] for one in routes.values()) + late
        seconds = result["intervals"][-1]["end"] / 1e6
        expect(abs(whole - seconds * 10) < 20, f"{whole} requests in {seconds} s")


@check
def routes():
    """every route of the five documents is compared; a spoiled cell, and what no key opens, are told by the route"""
    with House() as house:
        secret = house.folder / "jwt"
        secret.write_text(SECRET)
        machine = house.start("up", "--jwt-secret-file", str(secret), "--rate-limit", "0").wait_ready(90)
        # Nine days, so that there is a range within the range.
        replay(house, "--generate", "--seed", "5", "--events", "6000", "--organizations", "3", "--span", "9d", "--freshness")
        largest = max(counted := [record.key().decode() for record in house.records()], key=counted.count)
        path = house.folder / "directory.jsonl"
        profile = {"name": "Acme", "slug": "acme", "billingDay": 3}
        path.write_text(json.dumps({"kind": "organization", "organization": largest, "profile": profile}) + "\n")
        house.call("directory", "import", str(path))
        credentials = Credentials(house, largest, "acme")
        organization = {
            "id": largest, "slug": "acme", "key": credentials.key, "token": token(largest),
            "keys": {"overview": credentials.overview_key,
                     **{name: credentials.key for name in ("workspace", "connections", "privacy")}},
        }
        reader = house.folder / "answers.yaml"

        def compared(seed, expected=0):
            reader.write_text(json.dumps({  # JSON is YAML
                "server": machine.url.removeprefix("http://"), "organizations": [organization],
            }))
            result = replay(house, "--generate", "--seed", str(seed), "--events", "300", "--organizations", "3",
                            "--check", "--answers", str(reader), expected=expected)
            return result["answers"], result["check"]

        answers, found = compared(6)
        expect(found["result"] == "equal" and not answers["differences"], answers)
        # 34 requests to ten routes, and meters.
        expect(answers["compared"] >= 34 + 15 and not answers["skipped"], answers)
        # Cells that should be other: those of all time, and those of a day.
        today = time.strftime("%Y-%m-%d", time.gmtime())
        spoiled = [
            (f"{key_name(largest)}:totals", "interactions"), (f"{key_name(largest)}:tokens:day:{today[:7]}", today[8:]),
            (f"{key_name(largest)}:consent_values:day:{today}", "consent_kinds:full"), (f"{key_name(largest)}:agent_activity:grid:0", "05"),
            (f"{key_name(largest)}:connections_open:all", "a:b:c"),
        ]
        for key, field in spoiled:
            house.redis.hincrby(key, field, 1)
        answers, found = compared(7, expected=1)
        expect(found["result"] == "different" and found["different"] + found["extra"] == len(spoiled), found)
        # The connection that is only open now was open before any period; without one it was never opened.
        expect({line.split(" GET ")[1].split(": ")[0].split("?")[0] for line in answers["differences"]} == {
            "/v1/meters/interactions", "/v1/meters/connections_open", "/api/v1/app/organization/analytics/totals",
            "/api/v1/analytics/tokens", f"/organizations/{largest}/metrics", "/api/v1/analytics/agents/activity",
            "/api/connection-analytics/summary",
        }, answers["differences"])
        for key, field in spoiled:
            house.redis.hincrby(key, field, -1)
            if house.redis.hget(key, field) == "0":
                house.redis.hdel(key, field)
        # What nothing opens is skipped, and told.
        del organization["key"], organization["token"]
        organization["keys"] = {"overview": credentials.overview_key}
        answers, _ = compared(8)
        expect(answers["compared"] == 1 and len(answers["skipped"]) == 10, answers)
        expect(all(f"{largest} GET /" in line for line in answers["skipped"]), answers)


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
