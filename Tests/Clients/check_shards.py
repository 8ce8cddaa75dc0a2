"""A ledger keeps its number of shards: one with 64, as builds before 0.3 made them, and a new one with 256."""

import json

from checks import check, expect, run
from house import House, get, key_name, shard_of
from replaying import replay

House.needed()


def make_ledger(house, prefix, shards):
    """An empty ledger as the first start of an earlier build left it."""
    house.redis.hset(f"{prefix}:1:{{dir}}:ledger", mapping={
        "layout": 1, "shards": shards, "hash": "fnv1a32", "created": 1_767_225_600_000,
        "dedupe_key": "000102030405060708090a0b0c0d0e0f", "cluster": "", "group": f"odometer-{prefix}",
    })


def organizations(house, prefix):
    """The names of all organizations that have totals, and the shards that they are in."""
    keys = list(house.redis.scan_iter(f"{prefix}:1:{{*}}:*:totals"))
    return {key.split("}:", 1)[1].split(":")[0]: shard_of(key) for key in keys}


@check
def commands():
    """every command on a ledger with 64 shards, while another ledger with 256 counts the same log"""
    with House() as house:
        make_ledger(house, "odo", 64)
        machine = house.start("up").wait_ready(90)
        house.start("run", "--prefix", "new", "--group", f"{house.topic}-new").wait_ready(90)
        load = ("--generate", "--seed", "48", "--events", "4000", "--rate", "2000")
        result = replay(house, *load, "--check")
        expect(result["records"]["unseen"] == 0 and result["check"]["result"] == "equal", result)
        house.wait_counted(prefix="new")
        expect(house.call("verify", "--full", "--prefix", "new").splitlines()[-1] == "equal", "every cell of the new one")
        old, new = organizations(house, "odo"), organizations(house, "new")
        expect(old.keys() == new.keys() and len(old) > 5, old)
        for name, shard in old.items():
            expect(shard == new[name] % 64 == shard_of(key_name(name, shards=64)), f"{name}: {shard}, {new[name]}")
        expect(house.shards() == 64 and house.shards("new") == 256, "shards")
        expect(max(new.values()) > 63, new)

        name = next(iter(old))
        total = int(house.redis.hget(f"{key_name(name, shards=64)}:totals", "api_calls") or 0)
        status, _, body = get(
            f"{machine.url}/v1/meters/api_calls", {"Authorization": f"Bearer {house.key(name, 'operations')}"})
        expect(status == 200 and f'"value":{total}' in body.decode().replace(" ", ""), f"{status}: {body}, {total}")

        house.call("verify")
        house.call("status")
        expect("nothing is parked" in house.call("parked"), "parked")
        found = json.loads(house.call("doctor", "--json"))["findings"]
        expect([item["grade"] for item in found if item["check"] == "ledger-contract"] == ["ok"], found)
        house.call("reset-shard", "64", "--yes", expected=2)
        house.call("reset-shard", str(old[name]), "--yes")
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def redis_comes_later():
    """serve and run that began without Redis take the ledger's number once it answers"""
    with House() as house:
        make_ledger(house, "odo", 64)
        first = house.start("up").wait_ready(90)
        replay(house, "--generate", "--seed", "49", "--events", "500", "--freshness")
        name = next(iter(organizations(house, "odo")))
        key = house.key(name, "operations")
        expect(first.terminate() == 0, "exit code after SIGTERM")
        house.freeze(True)
        try:
            machine = house.start("up")
            expect(get(f"{machine.wait_listening().admin}/readyz")[0] == 503, "ready without Redis")
        finally:
            house.freeze(False)
        machine.wait_ready(90)
        status, _, body = get(f"{machine.url}/v1/meters/api_calls", {"Authorization": f"Bearer {key}"})
        expect(status == 200, f"{status}: {body}")
        replay(house, "--generate", "--seed", "50", "--events", "500", "--freshness")
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")


@check
def a_number_that_none_has():
    """a number of shards that no ledger may have is refused"""
    with House() as house:
        make_ledger(house, "odo", 96)
        machine = house.start("run")
        expect(machine.process.wait(60) == 4, f"exit code {machine.process.returncode}")
        expect("a power of two from 1 to 4,096" in machine.log.read_text(), machine.log.read_text())
        for words in (("verify",), ("status",), ("parked",), ("verify", "--full", "--timeout", "5s")):
            house.call(*words, expected=1)


run()
