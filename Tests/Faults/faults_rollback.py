"""A Redis that comes back with less than it had: killed, restored, emptied, torn."""

import json
import re
import subprocess
import time

import house
from case import fault
from house import get, wait_until
from rig import log, log_size, must_run


def busy(rig):
    """A machine that counts, and a history that is still being written."""
    machine = rig.count().wait_ready()
    replay = rig.feed(rate=2000)
    rig.wait_progress()
    return machine, replay


def healed(case, rig, machine, replay):
    """Everything comes in again and every cell is equal."""
    rig.wait_fed(replay, 120)
    with case.recovery():
        rig.wait_all()
    case.verified(rig)
    must_run(machine)


@fault("F7", "AOF everysec: kill -9, what was not on disk is cut off, start")
def killed_everysec(case):
    """Redis loses power with `appendfsync everysec`."""
    with case.rig(redis=("--appendonly", "yes", "--appendfsync", "everysec")) as rig:
        machine, replay = busy(rig)
        for case.times in range(1, case.scaled(3, 10) + 1):
            rig.wait_progress(2000)
            # A killed process loses nothing that it has written; a lost machine loses what was not synced.
            path = rig.server.aof()
            size = path.stat().st_size
            rig.wait_progress(1500)
            rig.server.kill()
            with path.open("r+b") as file:
                file.truncate(size)
            since = log_size(machine)
            rig.server.start()
            case.rollbacks += 1
            rig.says(machine, "event=step-back", since)
        healed(case, rig, machine, replay)


@fault("F7", "AOF always: kill -9, start")
def killed_always(case):
    """Redis is killed with `appendfsync always`: nothing acknowledged may be gone."""
    with case.rig(redis=("--appendonly", "yes", "--appendfsync", "always")) as rig:
        machine, replay = busy(rig)
        for case.times in range(1, case.scaled(4, 20) + 1):
            rig.wait_progress(500)
            time.sleep(case.chance.uniform(0, 0.5))
            before = rig.marks()
            rig.server.kill()
            rig.server.start()
            after = rig.marks()
            if any(after[partition] < before[partition] for partition in before):
                raise AssertionError(f"marks went back from {before} to {after}")
        healed(case, rig, machine, replay)


@fault("F7", "RDB: kill -9, start on the last copy; busy, then idle")
def killed_rdb(case):
    """Redis is killed and comes back with its last copy, also while nothing happens."""
    with case.rig() as rig:
        machine, replay = busy(rig)
        for _ in range(case.scaled(2, 8)):
            rig.server.dump()
            rig.wait_progress(2000)
            since = log_size(machine)
            rig.server.kill()
            rig.server.start()
            case.rollbacks += 1
            rig.says(machine, "event=step-back", since)
        rig.wait_fed(replay)
        rig.wait_all()
        copy = rig.server.dump()
        rig.fed(5_000)
        rig.wait_all()
        # From here on no record comes: only the look every 5 s can notice.
        rig.server.restore(copy)
        case.rollbacks += 1
        case.times = case.rollbacks
        healed(case, rig, machine, replay)


@fault("F8", "copies of different age put in place; keys looked at through HTTP")
def restored(case):
    """Redis is restored from older copies while we run, and so is the directory."""
    with case.rig() as rig:
        proxy = rig.add_proxy()
        machine = rig.start("up", ODOMETER_REDIS=f"redis://127.0.0.1:{proxy.port}").wait_ready()
        key = rig.key("acme", "operations")
        other = json.loads(rig.call("keys", "create", "--organization", "acme", "--dialect", "operations", "--json"))
        rig.fed(10_000)
        rig.wait_all()
        old = rig.server.dump()
        rig.fed(20_000)
        rig.wait_all()
        newer = rig.server.dump()
        rig.call("keys", "revoke", other["hash"])
        wait_until(lambda: status(machine, other["key"]) == 401, 5, "a revoked key is refused")
        replay = rig.feed(rate=2000)
        for copy in (newer, old, newer):
            rig.wait_progress(1000)
            since = log_size(machine)
            rig.server.restore(copy)
            case.rollbacks += 1
            with case.recovery():
                rig.says(machine, "event=step-back", since)
                wait_until(lambda: status(machine, other["key"]) == 401, 15, "a key revoked since is refused again")
        case.times = case.rollbacks
        healed(case, rig, machine, replay)
        if status(machine, key) != 200:
            raise AssertionError("a live key is refused")


def status(machine, key):
    """What a request with a key is answered."""
    return get(f"{machine.url}/v1/meters", {"Authorization": f"Bearer {key}"})[0]


@fault("F9", "FLUSHALL busy and idle; restart without data", in_tests=True)
def emptied(case):
    """Redis is empty from one moment to the next."""
    with case.rig() as rig:
        machine, replay = busy(rig)
        for case.times in range(1, case.scaled(1, 5) + 1):
            rig.wait_progress(3000)
            rig.redis.flushall()
            case.rollbacks += 1
            rig.wait_progress(3000)
        rig.wait_fed(replay)
        rig.wait_all()
        for emptying in (rig.redis.flushall, lambda: rig.server.kill() or rig.server.start()):
            since = log_size(machine)
            emptying()
            case.rollbacks += 1
            case.times += 1
            with case.recovery():
                rig.says(machine, "event=step-back", since)
                rig.wait_all()
        healed(case, rig, machine, replay)
        if "event=refill" not in log(machine):
            raise AssertionError("the refill was not announced")


def tear(case, rig, from_end=None):
    """Kills Redis, cuts the last transaction of its AOF in the middle of a command, and starts it again."""
    rig.server.kill()
    path = rig.server.aof()
    text = path.read_bytes()
    # The last whole one: the kill itself may have torn another.
    end = text.rindex(b"\nEXEC\r\n")
    last = text.rindex(b"\nMULTI\r\n", 0, end)
    path.write_bytes(text[: end - from_end if from_end else case.chance.randrange(last + 8, end)])
    said = len(rig.server.log())
    rig.server.start()
    case.rollbacks += 1
    if not any(word in rig.server.log()[said:] for word in ("Revert incomplete MULTI", "Truncating the AOF")):
        raise AssertionError(f"Redis did not find a torn transaction: {rig.server.log()[said:]}")


APPEND = ("--appendonly", "yes", "--aof-use-rdb-preamble", "no")


@fault("F22", "kill -9, AOF cut in the middle of a MULTI, start, BGREWRITEAOF")
def torn_file(case):
    """The last transaction of the AOF is half there: Redis drops it as a whole."""
    with case.rig(redis=APPEND) as rig:
        machine, replay = busy(rig)
        for case.times in range(1, case.scaled(3, 10) + 1):
            rig.wait_progress(2000)
            tear(case, rig)
            # As OPERATIONS demands: Redis leaves the begin of the transaction in its file.
            rig.redis.bgrewriteaof()
            wait_until(lambda: not rig.redis.info("persistence")["aof_rewrite_in_progress"], 20, "the rewrite")
            rig.wait_progress(500)
        healed(case, rig, machine, replay)


@fault("F22", "the same without BGREWRITEAOF, then one more start: Redis runs half a commit")
def torn_file_twice(case):
    """Half a commit comes back from a file that Redis did not repair: everybody notices, `reset-shard` heals it."""
    for from_end in (None, 3):
        with case.rig(redis=APPEND) as rig:
            machine, replay = busy(rig)
            rig.wait_progress(4000)
            # In the middle; or nearly all of the transaction stays in the file.
            tear(case, rig, from_end=from_end)
            rig.wait_progress(3000)
            rig.wait_fed(replay)
            rig.wait_all()
            since = log_size(machine)
            rig.server.kill()
            rig.server.start()
            case.times += 1
            rig.says(machine, "event=shard-torn", since)
            books = subprocess.run(
                [house.BINARY, "verify"], env=rig.environment, capture_output=True, text=True, timeout=60)
            torn = sorted(set(re.findall(r"\{\d+\}", books.stdout)))
            if books.returncode != 1 or not torn:
                raise AssertionError(f"verify ended with {books.returncode}: {books.stdout[-500:]}{books.stderr[-500:]}")
            case.note(f"part of a commit in shard {', '.join(torn)}, noticed by the running process and by verify")
            for shard in torn:
                rig.call("reset-shard", shard, "--yes")
            healed(case, rig, machine, replay)
