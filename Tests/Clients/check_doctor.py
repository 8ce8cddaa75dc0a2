"""doctor, reset-shard and verify: what is wrong is named with its remedy, and run refuses what would give wrong numbers."""

import json

from confluent_kafka import TopicPartition

from checks import check, expect, run
from house import SHARDS, House, get, tag, wait_until

House.needed()
EVENTS = ["replay", "--generate", "--seed", "11", "--events", "4000"]


def findings(house, expected):
    """The findings by (check, grade); the exit code must be the expected one."""
    report = json.loads(house.call("doctor", "--json", expected=expected))
    for finding in report["findings"]:
        expect(finding["grade"] == "ok" or finding.get("mend"), f"nothing says how to fix {finding}")
    return {(finding["check"], finding["grade"]): finding for finding in report["findings"]}


def refused(house, word):
    """`odometer run` ends with exit code 4 and says why."""
    machine = house.start("run")
    expect(machine.process.wait(60) == 4, f"exit code {machine.process.returncode}")
    expect(word in machine.log.read_text(), machine.log.read_text())


@check
def a_good_house():
    """before the first start and after it, nothing is wrong; a disk-less Redis and one replica are warnings"""
    with House() as house:
        before = findings(house, 0)
        for name in ("redis-version", "redis-eviction", "redis-access", "redis-clock", "kafka-library", "ledger"):
            expect((name, "ok") in before, f"{name}: {sorted(before)}")
        expect(("redis-persistence", "warning") in before, sorted(before))
        expect(("topic-replication", "warning") in before, sorted(before))
        house.call(*EVENTS, "--to", house.topic)
        machine = house.start("run").wait_ready()
        house.wait_counted()
        after = findings(house, 0)
        expect(("ledger-contract", "ok") in after and ("log", "ok") in after, sorted(after))
        text = house.call("doctor")
        expect("fix: " in text and text.splitlines()[-1].endswith("0 errors"), text)
        expect(machine.terminate() == 0, "exit code")
        # What a person may change by mistake: another window than the ledger's.
        report = json.loads(house.call("doctor", "--dedupe-window", "7", "--json", expected=1))
        wrong = [finding for finding in report["findings"] if finding["grade"] == "error"]
        expect([finding["check"] for finding in wrong] == ["ledger-contract"], wrong)


@check
def wrong_topics():
    """a compacted event topic and a directory of two partitions: doctor says so, run refuses"""
    with House() as house:
        house.create_topic(f"{house.topic}-c", 2, {"cleanup.policy": "compact"})
        house.create_topic(f"{house.directory}-2", 2, {"cleanup.policy": "compact"})
        house.create_topic(f"{house.directory}-d", 1)
        house.environment["ODOMETER_TOPIC"] = f"{house.topic}-c"
        found = findings(house, 1)
        expect(found[("topic-compaction", "error")]["refusesStart"], found)
        refused(house, "is compacted")
        house.environment["ODOMETER_TOPIC"] = house.topic
        house.environment["ODOMETER_DIRECTORY_TOPIC"] = f"{house.directory}-2"
        expect(findings(house, 1)[("directory-partitions", "error")]["refusesStart"], "directory")
        refused(house, "2 partitions")
        house.environment["ODOMETER_DIRECTORY_TOPIC"] = f"{house.directory}-d"
        expect(not findings(house, 1)[("topic-compaction", "error")]["refusesStart"], "a directory that is deleted")
        missing = f"{house.directory}-none"
        house.environment["ODOMETER_DIRECTORY_TOPIC"] = missing
        found = findings(house, 1)[("topic", "error")]
        make = f"--create --topic {missing} --partitions 1 --config cleanup.policy=compact"
        expect("does not exist" in found["message"] and make in found["mend"], found)
        # A start says it at once, and goes on when the topic is there.
        machine = house.start("up")
        wait_until(lambda: make in machine.log.read_text(), 10, f"no word of {missing}: {machine.log.read_text()}")
        house.create_topic(missing, 1, {"cleanup.policy": "compact"})
        machine.wait_ready()
        expect(machine.terminate() == 0, "exit code")


@check
def wrong_redis():
    """an evicting Redis, a user without rights, and none at all"""
    with House() as house:
        house.redis.config_set("maxmemory-policy", "volatile-ttl")
        expect(findings(house, 1)[("redis-eviction", "error")]["refusesStart"], "eviction")
        refused(house, "maxmemory-policy")
        house.redis.config_set("maxmemory-policy", "noeviction")
        house.redis.execute_command("ACL", "SETUSER", "default", "-zincrby")
        expect("ZINCRBY" in findings(house, 1)[("redis-access", "error")]["message"], "access")
        refused(house, "ZINCRBY")
        house.redis.execute_command("ACL", "SETUSER", "default", "+zincrby")
        house.environment["ODOMETER_REDIS"] = "unix:///nowhere/s"
        expect(("redis-reach", "error") in findings(house, 1), "reach")
        house.environment["ODOMETER_BOOTSTRAP"] = "127.0.0.1:1"
        expect(("kafka-reach", "error") in findings(house, 1), "reach of Kafka")


@check
def torn_shard():
    """a torn shard is named, reset under a running machine, and every cell is equal again"""
    with House() as house:
        house.call(*EVENTS, "--to", house.topic)
        machine = house.start("run").wait_ready()
        house.wait_counted()
        shard = next(n for n in range(SHARDS) if house.redis.keys(f"odo:1:{{{tag(n)}}}:*:totals"))
        cells = house.redis.keys(f"odo:1:{{{tag(shard)}}}:*:totals")[0]
        house.redis.hset(f"odo:1:{{{tag(shard)}}}:marks", "!torn", "undo failed")
        house.redis.hincrby(cells, house.redis.hkeys(cells)[0], 1_000)
        expect("torn" in house.call("verify", expected=1), "verify names the torn shard")
        expect(f"reset-shard {shard}" in findings(house, 1)[("shard-torn", "error")]["mend"], "remedy")
        wait_until(lambda: "is torn" in machine.log.read_text(), 20, "the machine sees it")
        expect("nothing was changed" not in house.call("reset-shard", str(shard), expected=2), "asks first")
        house.call("reset-shard", str(SHARDS), expected=2)
        house.call("reset-shard", str(shard), "--yes")
        house.wait_counted()
        expect("sums of the audit" in house.call("verify"), "the books")
        house.call("verify", "--timeout", "5s", expected=2)
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
        expect(machine.terminate() == 0, "exit code")


@check
def gone():
    """what Kafka no longer holds: named before it is counted, no way back for a shard"""
    with House(partitions=2) as house:
        house.call(*EVENTS, "--to", house.topic)
        machine = house.start("run").wait_ready()
        house.wait_counted()
        expect(machine.terminate() == 0, "exit code")
        marks = house.marks()
        cut = {0: marks[0], 1: marks[1] // 2}
        delete(house, cut)
        # The Redis of these checks has no disk: that was a warning while all could be read again.
        found = findings(house, 1)
        expect(("redis-persistence", "error") in found, sorted(found))
        expect("of the 1048576 offsets" in found[("log-warm-up", "warning")]["message"], found)
        said = house.call("reset-shard", "1", "--yes", expected=4)
        expect(f"{marks[0]} offsets are gone" in said, said)
        house.call("replay", "--generate", "--seed", "12", "--events", "2000", "--to", house.topic)
        ends = house.ends()
        delete(house, {0: ends[0] - 5})
        lost = findings(house, 1)[("log-lost", "error")]
        # One lane: with two, the second to join has partitions taken up, and told of, once more.
        machine = house.start("run", "--lanes", "1").wait_listening()
        gone = f'odometer_partition_gone_offsets{{topic="{house.topic}",partition="0"}}'
        wait_until(lambda: machine.metrics().get(gone) == ends[0] - 5 - marks[0], 20, "the metric of what is gone")
        status, _, body = get(f"{machine.admin}/readyz")
        expect(status == 503 and b"/0 is stopped" in body, f"/readyz says why: {status} {body}")
        lag = machine.metrics()[gone.replace("gone_offsets", "lag")]
        expect(lag == ends[0] - marks[0], f"the lag of the stopped partition is {lag}")
        short = machine.metrics()["odometer_short_warm_ups_total"]
        expect(short == 1, f"the other partition's window could not be warmed up: {short}")

        def shares(what):
            return [share for name, share in machine.metrics().items() if name.startswith(f"odometer_{what}_memory_share")]

        wait_until(lambda: shares("meter") and shares("organization"), 20, "who holds most memory")
        expect(len(shares("organization")) <= 10 and 0 < sum(shares("meter")) <= 1.001, shares("meter"))
        expect(machine.log.read_text().count(f"{ends[0] - 5 - marks[0]} in all") == 1, "one line in the log")
        expect(json.loads(house.call("status", "--json", expected=1))["partitions"][0]["gone"] == ends[0] - 5 - marks[0],
               "status")
        expect(machine.terminate() == 0, "exit code")
        machine = house.start("run", "--on-loss", "continue").wait_ready()
        house.wait_counted()
        wait_until(lambda: machine.metrics().get(gone.replace("gone_offsets", "lost_offsets_total")) ==
                   ends[0] - 5 - marks[0], 20, "the metric of what is lost")
        expect(machine.terminate() == 0, "exit code")
        expect(lost["subject"].endswith("/0") and f"{ends[0] - 5 - marks[0]} offsets" in lost["message"], lost)


def delete(house, offsets):
    """Deletes all records before these offsets."""
    wanted = [TopicPartition(house.topic, partition, offset) for partition, offset in offsets.items()]
    for future in house.admin.delete_records(wanted).values():
        future.result(30)


run()
