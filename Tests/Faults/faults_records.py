"""Records that are odd, broken, repeated or out of time, and a catalog that changes."""

import datetime
import json
import pathlib
import shutil
import subprocess
import time

from case import fault
from checks import ROOT
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from events import Writer, counted_tokens, fill, read_all, stamp, token
from faults_log import tokens
from house import key_name, wait_until
from rig import WINDOW, is_running, log_size


@fault("F31", "compacted topic, tombstones, null and empty values, headers, LogAppendTime")
def gaps_and_nulls(case):
    """Offsets jump, values are missing: every record has its outcome and the position moves on."""
    compacted = {
        "cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "500", "delete.retention.ms": "0", "message.timestamp.type": "LogAppendTime",
    }
    with case.rig(partitions=2, topic_config=compacted) as rig:
        writer = Writer(rig)
        for number in range(3000):
            # Few keys: compaction leaves the last record of each, and holes.
            writer.put(token(number, "org-0"), 0, key=f"key-{case.chance.randrange(50)}")
        writer.end()
        # Active segments are never compacted, so a few records go behind.
        wait_until(lambda: nudge(rig) and records_left(rig) < 2000, 60, "holes in the log")
        # A topic that goes on being compacted is refused at the start: the holes stay, the policy goes.
        keep = AlterConfigOpType.SET
        policy = ConfigEntry("cleanup.policy", "delete", incremental_operation=keep)
        resource = ConfigResource(ConfigResource.Type.TOPIC, rig.topic, incremental_configs=[policy])
        rig.admin.incremental_alter_configs([resource])[resource].result(30)
        headers = [(f"ce_{name}", value) for name, value in json.loads(token("null", "org-1")).items() if name != "data"]
        writer = Writer(rig)
        for number in range(50):
            writer.put(None, 1, key=f"tombstone-{number}")
            writer.put(None, 1, key=f"null-{number}", headers=[*headers[:1], ("ce_id", f"n{number}"), *headers[2:]])
            writer.put(b"", 1, key=f"empty-{number}")
            writer.put(token(f"odd-{number}", "org-1"), 1, key=f"odd-{number}",
                       headers=[("", b""), ("ce", None), ("x" * 300, b"\xff" * 300), ("ce_", None)])
            writer.put(token(f"bare-{number}", "org-1"), 1, key=b"")
        writer.end()
        case.times = 5 * 50
        machine = rig.count().wait_ready()
        with case.recovery():
            rig.wait_counted()
        found = list(read_all(rig))
        if len(found) == sum(rig.ends().values()) or found[-1].timestamp()[0] != TIMESTAMP_LOG_APPEND_TIME:
            raise AssertionError("the log has no holes, or another kind of timestamp")
        wait_until(lambda: sum(machine.outcomes().values()) == len(found), 10, "an outcome for each record")
        case.note(f"{len(found)} records on {sum(rig.ends().values())} offsets: {machine.outcomes()}")
        case.verified(rig)


def nudge(rig):
    """Some more records, so that a segment is closed and the cleaner has work."""
    writer = Writer(rig)
    writer.put(token(f"nudge-{time.monotonic()}", "org-0"), 0, key="nudge")
    writer.end()
    time.sleep(1)
    return True


def records_left(rig):
    return sum(1 for record in read_all(rig) if record.partition() == 0)


@fault("F32", "valid events cut, spliced, flipped, nested, repeated and padded by a seeded generator")
def broken_records(case):
    """Random damage to events: the oracle, with a parser of its own, agrees on every outcome."""
    examples = [path.read_bytes() for path in sorted((ROOT / "schemas/events").glob("*.example.json"))]
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        writer = Writer(rig)
        for case.times in range(1, case.scaled(15_000, 200_000) + 1):
            value = damaged(case.chance, case.chance.choice(examples), case.times)
            writer.put(value, case.times % 4, key=case.chance.choice((b"k", b"", None)))
        for size in (2**20 - 1, 2**20, 2**20 + 1, 3_900_000):
            writer.put(token("large", "org-0")[:-2] + b" " * (size - len(token("large", "org-0"))) + b"}}", 0)
        writer.end()
        fill(rig, 10)
        with case.recovery():
            rig.wait_all()
        # The numbers of what came behind all of it.
        if [tokens(rig, partition) >= 10 for partition in range(4)] != [True] * 4:
            raise AssertionError("events behind the damage are not counted")
        case.note(str(machine.outcomes()))
        case.verified(rig)


def damaged(chance, text, number):
    """An example with another id and, mostly, some damage."""
    event = json.loads(text)
    event["id"] = f"{number}"
    event["time"] = stamp(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5))
    value = bytearray(json.dumps(event).encode())
    kind = chance.randrange(12)
    place = chance.randrange(len(value))
    if kind == 0:
        del value[place:]
    elif kind == 1:
        del value[place:place + chance.randrange(1, 9)]
    elif kind == 2:
        value[place] ^= 1 << chance.randrange(8)
    elif kind == 3:
        value[place:place] = chance.choice((b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\0", b"\xc3(", b"\xff"))
    elif kind == 4:
        other = value[place:place + chance.randrange(1, 60)]
        value[place:place] = other
    elif kind == 5:
        depth = chance.choice((10, 60, 64, 70, 500, 5000))
        value[-1:] = b',"deep":' + b"[" * depth + b"]" * depth + b"}"
    elif kind == 6:
        name = chance.choice(list(event))
        value[1:1] = f'"{name}":{json.dumps(event[name])},'.encode()
    elif kind == 7:
        value = bytearray(chance.randbytes(chance.randrange(0, 200)))
    elif kind == 8:
        event[chance.choice(list(event))] = chance.choice(
            (None, 7, 2**70, -1, 1e400, "", "é" * 128, "x" * 257, [], {}, True, "2026-13-01T00:00:00Z"))
        value = bytearray(json.dumps(event).encode())
    elif kind == 9 and isinstance(event.get("data"), dict) and event["data"]:
        event["data"][chance.choice(list(event["data"]))] = chance.choice(
            (None, 7, 2**53, 2**53 - 1, 2**63, -1, 0.5, "", "a:b{c}%", "\u0000", "x" * 256, "x" * 257, [], {}, False))
        value = bytearray(json.dumps(event).encode())
    elif kind == 10:
        value += chance.choice((b" ", b"\n", b"{}", b"x", b"\0", b"\xef\xbb\xbf"))
    return bytes(value)


@fault("F32", "rejected records whose headers or key nearly fill max.message.bytes, among others")
def large_headers(case):
    """Dead letters that are larger than their topic takes: no lane stops, each record has one letter."""
    with case.rig() as rig:
        machine = rig.count("--lanes", "2").wait_ready()
        writer = Writer(rig)
        for number in range(200):
            partition = number % 4
            kind = case.chance.randrange(4)
            large = b"h" * case.chance.randrange(2_096_950, 2_097_000) if kind else b"small"
            writer.put(case.chance.choice((None, b"", b"no JSON")), partition,
                       key=large if kind == 1 else None, headers=[("large", large)] if kind > 1 else None)
            writer.put(token(f"behind-{number}", f"org-{partition}"), partition)
            case.times += kind > 0
        writer.end()
        with case.recovery():
            rig.wait_all()
        if [tokens(rig, partition) for partition in range(4)] != [50] * 4:
            raise AssertionError("events behind large records are not counted")
        found = [(record.key(), record.headers()) for record in rig.records(rig.dead, 1)]
        if len(found) != 200 or len({key for key, _ in found}) != 200:
            raise AssertionError(f"{len(found)} dead letters of {len({key for key, _ in found})} records, not of 200")
        cut = sum(any(name == "truncated" for name, _ in headers) for _, headers in found)
        if cut != case.times:
            raise AssertionError(f"{cut} letters were cut, not {case.times}")
        if machine.metrics()["odometer_dead_letters_given_up_total"]:
            raise AssertionError("letters were given up")
        case.verified(rig)


@fault("F34", "every event again: beside it, within the window, beyond it, in another partition")
def sent_again(case):
    """The same id counts once within the window of its partition, and again beyond it: as documented."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        seed = case.event_seed()
        # Generated events with their own duplicates, then all of them once more.
        rig.fed(8_000, seed)
        rig.fed(8_000, seed)
        writer = Writer(rig)
        wanted = {"near": 1, "edge": 1, "beyond": 2, "elsewhere": 2}

        def put(name, partition=0):
            writer.put(token(name, name), partition)

        def pad(count):
            for number in range(count):
                writer.put(token(f"pad-{time.monotonic_ns()}-{number}", "org-pad"), 0)

        put("near"), put("near"), put("edge")
        pad(WINDOW - 1)
        put("edge"), put("beyond")
        pad(WINDOW)
        put("beyond"), put("elsewhere"), put("elsewhere", 1)
        writer.end()
        case.times = 8_000 + len(wanted)
        with case.recovery():
            rig.wait_all()
        for name, count in wanted.items():
            found = counted_tokens(rig, name)
            if found != count:
                raise AssertionError(f"'{name}' counts {found} times, not {count}")
        case.verified(rig)
        # A process that takes over decides alike.
        rig.kill(machine)
        rig.redis.flushall()
        rig.count()
        rig.wait_all()
        case.verified(rig)


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
/* Seconds in the file CLOCK_FILE are added to the wall clock; the steady clock stays. */
static long shift(void) {
  static const char *path; long seconds = 0; char text[32]; FILE *file;
  if (!path && !(path = getenv("CLOCK_FILE"))) return 0;
  if ((file = fopen(path, "r"))) { if (fgets(text, sizeof text, file)) seconds = atol(text); fclose(file); }
  return seconds;
}
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(id, at);
  if (!done && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
  return done;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now; (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec; at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
"""


def clock_shim(rig):
    """The file that holds the shift of a wall clock in seconds, and the environment of a process that has that clock."""
    shim, clock = rig.shim("clock", CLOCK), rig.folder / "clock"
    clock.write_text("0")
    return clock, {"LD_PRELOAD": shim, "CLOCK_FILE": str(clock)}


@fault("F35", "a shim moves the clock of Redis ahead by minutes, days and a year, without its own search for expired keys")
def redis_clock(case):
    """Nothing is committed by a clock that would expire what is needed; what Redis deletes by itself is another matter."""
    with case.rig() as rig:
        clock, moved = clock_shim(rig)
        rig.look_at(rig.add_redis("late", "--enable-debug-command", "local", **moved))
        rig.redis.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        machine = rig.count().wait_ready()
        replay = rig.feed(rate=1500)
        for seconds in (300, 2 * 86_400, 365 * 86_400):
            rig.wait_progress(1000)
            since = log_size(machine)
            # Between two commits: within the milliseconds of a script nobody can prevent it.
            rig.redis.client_pause(5000, all=False)
            clock.write_text(str(seconds))
            rig.redis.client_unpause()
            rig.says(machine, "event=unfit", since)
            # Commits that were on their way when the clock moved have been answered by now.
            before = rig.counted()
            wait_until(lambda: not machine.is_ready(), 20, "/readyz says 503")
            rig.says(machine, "its clock says", since)
            if rig.counted() != before:
                raise AssertionError(f"{rig.counted() - before} records were counted by a clock that is ahead")
            clock.write_text("0")
            with case.recovery():
                rig.wait_progress(100)
            case.times += 1
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)


@fault("F35", "a shim moves the process's wall clock by hours and years; events around every odd date")
def clock_jumps(case):
    """No number depends on the clock of the process that counts."""
    with case.rig() as rig:
        clock, moved = clock_shim(rig)
        machines = [rig.count("--lanes", "1", **moved), rig.count("--lanes", "1")]
        for machine in machines:
            machine.wait_ready()
        writer = Writer(rig)
        for number, when in enumerate(moments()):
            for partition in range(4):
                writer.put(token(f"{number}-{partition}", f"org-{partition}", when=when), partition)
        writer.end()
        replay = rig.feed(rate=1500)
        year = 365 * 86_400
        for seconds in (3600, -3600, 3 * year, -10 * year, 86_400, 0, case.chance.randrange(-year, 0),
                        # Brokers refuse what comes from the future, dead letters too.
                        case.chance.randrange(7200, year)):
            rig.wait_progress(500)
            clock.write_text(str(seconds))
            case.times += 1
        rig.wait_fed(replay)
        with case.recovery():
            rig.wait_all()
        case.verified(rig)
        if not all(is_running(machine) for machine in machines):
            raise AssertionError("a process ended")


def moments():
    """Event times around leap days, changes of the hour, ends of years, and far away."""
    texts = [
        "2024-02-28T23:59:59.999Z", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z", "2025-02-28T23:59:59Z",
        "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00+02:00", "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+14:00",
        "2025-12-31T23:59:60Z", "1999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "1900-01-01T00:00:00Z",
        "2199-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    ]
    now = datetime.datetime.now(datetime.timezone.utc)
    near = [now + datetime.timedelta(seconds=seconds) for seconds in (-86_400 * 400, -7200, 0, 290, 310, 86_400)]
    return texts + [stamp(moment) for moment in near]


ADDED = """\
version: 1
meters:
  tokens_by_agent_again:
    kind: count
    by: [agent]
    windows: [day, all]
    on: [{event: token.issued}]
"""


@fault("F40", "a process with one meter more is started beside the running ones")
def catalog_grows(case):
    """A rolling upgrade: old numbers stay, the new meter says since when, the old process ends."""
    with case.rig() as rig:
        old, new = rig.folder / "old", rig.folder / "new"
        for folder in (old, new):
            folder.mkdir()
            for path in pathlib.Path(ROOT / "schemas/meters").glob("*.yaml"):
                (folder / path.name).write_text(path.read_text())
        (new / "added.yaml").write_text(ADDED)
        first = rig.count("--meters", str(old)).wait_ready()
        fill(rig, 500)
        rig.wait_counted()
        case.verified(rig, "--meters", str(old))
        before = [tokens(rig, partition) for partition in range(4)]
        replay = rig.feed(rate=2000)
        rig.wait_progress(1000)
        second = rig.count("--meters", str(new)).wait_ready()
        case.times = 1
        with case.recovery():
            wait_until(lambda: not is_running(first), 30, "the process with the old catalog ends")
        if first.process.returncode != 5:
            raise AssertionError(f"ended with {first.process.returncode}")
        third = rig.count("--meters", str(new)).wait_ready()
        since = log_size(third)
        rig.wait_fed(replay)
        fill(rig, 100, first=500)
        rig.wait_all()
        after = [tokens(rig, partition) for partition in range(4)]
        if after != [count + 100 for count in before]:
            raise AssertionError(f"old numbers {before}, then {after}")
        grown = [added(rig, partition) for partition in range(4)]
        if grown != [100] * 4:
            raise AssertionError(f"the new meter counted {grown} of events after it, not 100 each")
        ledger = rig.redis.hgetall("odo:1:{dir}:ledger")
        if ledger.get("since:tokens_by_agent_again") != ledger["contract_number"]:
            raise AssertionError(f"the ledger does not say since when: {ledger}")
        report = case.verified(rig, "--meters", str(new))
        case.note(f"keys not compared: {report['notCompared']}")
        if "event=stopped" in third.log.read_text()[since:] or not (is_running(second) and is_running(third)):
            raise AssertionError("a process with the new catalog ended")


def added(rig, partition):
    return int(rig.redis.hget(f"{key_name(f'org-{partition}')}:tokens_by_agent_again:all", "agent-1") or 0)
