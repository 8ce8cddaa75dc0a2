"""A wide topic: 64 partitions over four processes, while members of the group come and go."""

import statistics
import threading
import time

import redis
from case import fault
from house import SHARDS, tag, wait_until
from rig import SESSION, must_run

PARTITIONS = 64
#: Many organizations of one size, so that every partition has events all the time.
PROFILE = "organizations: 640\nskew: 0\nspan: 10m\n"
#: The newest mark of each partition of a topic, of the marks of all shards: one short script instead of 16,000 replies.
NEWEST_MARKS = """
local names, newest = {}, {}
for partition = 1, ARGV[2] do names[partition] = ARGV[1] .. '/' .. partition - 1; newest[partition] = 0 end
for _, key in ipairs(KEYS) do
  for partition, mark in ipairs(redis.call('HMGET', key, unpack(names))) do
    newest[partition] = math.max(newest[partition], tonumber(mark or 0))
  end
end
return newest
"""


class Standstills:
    """Measures on a thread of its own how long nothing of a partition came into Redis, for each partition."""

    def __init__(self, rig):
        self._client = redis.Redis(port=rig.server.port)
        keys = [f"odo:1:{{{tag(shard)}}}:marks" for shard in range(SHARDS)]
        self._call = (NEWEST_MARKS, len(keys), *keys, rig.topic, PARTITIONS)
        self._lock, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._newest = self._client.eval(*self._call)
        self._since = [time.monotonic()] * PARTITIONS
        self._longest = [0.0] * PARTITIONS

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        self._client.close()

    def _look(self):
        while not self._end.wait(0.1):
            newest, now = self._client.eval(*self._call), time.monotonic()
            with self._lock:
                for partition, mark in enumerate(newest):
                    self._longest[partition] = max(self._longest[partition], now - self._since[partition])
                    if mark != self._newest[partition]:
                        self._since[partition] = now
                self._newest = newest

    def begin(self):
        """Forgets what was longest; a standstill that goes on now counts from its own beginning."""
        with self._lock:
            self._longest = [0.0] * PARTITIONS

    def end(self, seconds):
        """Waits until something of every partition came after now; the longest standstill of each."""
        began = time.monotonic()
        wait_until(lambda: min(self._since) > began, seconds, "something of every partition")
        with self._lock:
            return list(self._longest)


def owners(machines):
    """Which process reads which partition; a partition that two claim, or none, is left out."""
    claims = {}
    for machine in machines:
        must_run(machine)
        for name in machine.metrics():
            if name.startswith("odometer_partition_position{"):
                claims.setdefault(int(name.split('partition="')[1].split('"')[0]), []).append(machine)
    return {partition: who[0] for partition, who in claims.items() if len(who) == 1}


def shared_out(machines, seconds):
    """Waits until the partitions are given out evenly to exactly these processes; their owners."""

    def even():
        found = owners(machines)
        numbers = [list(found.values()).count(machine) for machine in machines]
        return found if len(found) == PARTITIONS and min(numbers) >= PARTITIONS // len(machines) - 1 else None

    return wait_until(even, seconds, f"{PARTITIONS} partitions over {len(machines)} processes")


def told(longest):
    """Median and maximum for people."""
    return f"{statistics.median(longest):.1f} s, at most {max(longest):.1f} s" if longest else "none"


def change(case, watch, what, before, act, machines, seconds):
    """Changes the group, waits until it is at rest, and notes how long partitions stood still."""
    watch.begin()
    machines = act(machines)
    after = shared_out(machines, seconds)
    longest = watch.end(seconds)
    moved = [longest[partition] for partition in after if after[partition] is not before[partition]]
    stayed = [longest[partition] for partition in after if after[partition] is before[partition]]
    case.times += 1
    case.note(f"{what}: {len(moved)} partitions moved and stood still for {told(moved)}; the others for {told(stayed)}")
    return machines, after


def kill_first(rig, machines):
    """Kills the oldest process; those that are left."""
    rig.kill(machines[0])
    return machines[1:]


def members_change(case, history, rate, rounds, session, options):
    """So many times: a fifth process is added, and one of those before it is killed."""
    with case.rig(partitions=PARTITIONS) as rig:
        profile = rig.folder / "profile.yaml"
        profile.write_text(PROFILE)
        source = ("replay", "--profile", str(profile), "--seed", case.event_seed(), "--to", rig.topic)
        if history:
            rig.call(*source, "--events", str(history))

        def begin():
            return rig.start("run", *options).wait_listening()

        machines = [begin() for _ in range(4)]
        before = shared_out(machines, 60)
        rig.wait_all(180)
        replay = rig.spawn(*source, "--events", "10000000", "--rate", str(rate))
        replay.is_endless = True
        with Standstills(rig) as watch:
            watch.end(60)
            for _ in range(rounds):
                machines, before = change(case, watch, "a process more", before, lambda now: [*now, begin()], machines, 60)
                with case.recovery():
                    machines, before = change(case, watch, "kill -9", before, lambda now: kill_first(rig, now), machines, session + 60)
        rig.wait_fed(replay)
        rig.wait_all(120)
        case.verified(rig, seconds=180)
        for machine in machines:
            must_run(machine)


@fault("F25", "64 partitions over four processes: a fifth comes, one is killed -9")
def group_changes(case):
    """Members of a group with a wide topic change while all of it is counted (in `make test` as well)."""
    members_change(case, 0, 2500, 1, 6, (*SESSION, "--lanes", "1"))


@fault("F25", "the same four times behind a long history, with Odometer's own session of 12 s", needs_brokers=True, longest=600)
def group_changes_long(case):
    """As a user would run it: nothing but the defaults, and windows of ids that are full."""
    members_change(case, 1_000_000, 3000, case.scaled(4, 20), 12, ())
