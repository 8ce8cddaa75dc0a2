"""Brokers that are killed, frozen or gone, groups that never rest, partitions that are added."""

import threading
import time

from case import fault
from confluent_kafka.admin import NewPartitions
from house import get, wait_until
from rig import SESSION, is_running, must_run


def at_end(case, rig, machines, replay):
    """All records counted, every cell equal, everybody alive."""
    rig.wait_fed(replay, 150)
    with case.recovery():
        rig.wait_all(90)
    case.verified(rig)
    for machine in machines:
        must_run(machine)


class Gaps:
    """Measures on a thread of its own the longest time in which nothing was counted."""

    def __init__(self, rig):
        self.rig = rig
        self.longest = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _look(self):
        before, since = self.rig.counted(), time.monotonic()
        while not self._end.wait(0.1):
            counted = self.rig.counted()
            if counted != before:
                self.longest = max(self.longest, time.monotonic() - since)
                before, since = counted, time.monotonic()


@fault("F23", "kill -9 of the leader of a partition, restart", needs_brokers=True)
def leader_killed(case):
    """The leader of a partition dies, again and again."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        replay = rig.feed(rate=1500)
        rig.wait_progress()
        for case.times in range(1, case.scaled(2, 15) + 1):
            node = rig.brokers.leader(rig.topic, case.chance.randrange(4))
            with Gaps(rig) as gaps:
                rig.brokers.kill(node)
                time.sleep(4)
            case.note(f"longest time without a commit {gaps.longest:.1f} s")
            with case.recovery():
                rig.wait_progress(500)
            rig.brokers.heal()
        at_end(case, rig, [machine], replay)


@fault("F24", "kill -9 of all brokers, restart after 15 s (FULL: 5 min)", needs_brokers=True)
def brokers_gone(case):
    """No broker at all for a while; the API answers from what is counted."""
    with case.rig() as rig:
        machine = rig.start("up", *SESSION).wait_ready()
        key = rig.key("acme", "operations")
        rig.fed(20_000)
        rig.wait_progress()
        for node in (1, 2, 3):
            rig.brokers.kill(node)
            case.times += 1
        until = time.monotonic() + case.scaled(15, 300)
        while time.monotonic() < until:
            status = get(f"{machine.url}/v1/meters", {"Authorization": f"Bearer {key}"})[0]
            if status != 200 or not is_running(machine):
                raise AssertionError(f"the API answers {status}")
            time.sleep(1)
        rig.brokers.heal()
        with case.recovery():
            rig.wait_all()
        at_end(case, rig, [machine], rig.feed(10_000))


@fault("F24", "SIGSTOP of one broker for 12 s: half-open links to it", needs_brokers=True)
def broker_frozen(case):
    """A broker is frozen with open connections."""
    with case.rig() as rig:
        machine = rig.count("--kafka-property", "socket.timeout.ms=10000").wait_ready()
        replay = rig.feed(rate=1500)
        rig.wait_progress()
        for case.times in range(1, case.scaled(1, 4) + 1):
            node = rig.brokers.leader(rig.topic, case.chance.randrange(4))
            rig.brokers.freeze(node)
            time.sleep(case.scaled(12, 60))
            with case.recovery():
                rig.brokers.thaw(node)
                rig.wait_progress(500, 60)
            rig.brokers.heal()
        at_end(case, rig, [machine], replay)


@fault("F25", "a member comes, ends or is killed every 2 s; kill -9 of the coordinator", needs_brokers=True)
def rebalance_storm(case):
    """The group never rests, and its coordinator dies in between: it goes on all the same."""
    with case.rig() as rig:
        replay = rig.feed(rate=1500)
        steady = rig.count("--lanes", "1").wait_ready()
        rig.wait_progress()
        guests = []
        until = time.monotonic() + case.scaled(24, 300)
        killed = None
        while time.monotonic() < until:
            if len(guests) < 2:
                guests.append(rig.count("--lanes", "1"))
            else:
                guest = guests.pop(0)
                if case.chance.random() < 0.5:
                    rig.kill(guest)
                else:
                    guest.process.terminate()
            case.times += 1
            if case.times == 5:
                killed = rig.brokers.coordinator(rig.environment["ODOMETER_GROUP"])
                rig.brokers.kill(killed)
            time.sleep(case.scaled(2, 3))
        counted = rig.counted()
        if counted < 3000:
            raise AssertionError(f"no progress in the storm: {counted} records")
        rig.brokers.heal()
        at_end(case, rig, [steady], replay)


@fault("F29", "CreatePartitions 4 to 6 to 8 while events are written")
def partitions_added(case):
    """A topic gets more partitions while it is counted."""
    with case.rig() as rig:
        machine = rig.count(
            "--kafka-property", "topic.metadata.refresh.interval.ms=2000").wait_ready()
        # The producer learns of new partitions as well, so keys move to them.
        replay = rig.feed(
            case.scaled(30_000, 300_000), rate=1500,
            options=("--kafka-property", "topic.metadata.refresh.interval.ms=2000"))
        for case.times, count in enumerate((6, 8), 1):
            rig.wait_progress(2000)
            rig.admin.create_partitions([NewPartitions(rig.topic, count)])[rig.topic].result(30)
            rig.partitions = count
        rig.wait_fed(replay)
        rig.fed(5_000)
        with case.recovery():
            rig.wait_all()
        ends = rig.ends()
        if not all(ends[partition] for partition in range(8)):
            raise AssertionError(f"a new partition was never written: {ends}")
        rig.wait_counted()
        case.verified(rig)
        if not is_running(machine):
            raise AssertionError("the process ended")


@fault("F38", "topic deleted, or the coordinator dead; then SIGTERM", needs_brokers=True)
def hanging_close(case):
    """A stop ends in time whatever Kafka does, and what is counted stays exact."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        rig.fed(20_000)
        rig.wait_progress(1000)
        node = rig.brokers.coordinator(rig.environment["ODOMETER_GROUP"])
        rig.brokers.freeze(node)
        began = time.monotonic()
        machine.terminate(45)
        case.note(f"{time.monotonic() - began:.1f} s to the end with a frozen coordinator")
        rig.brokers.heal()
        machine = rig.count().wait_ready(60)
        at_end(case, rig, [machine], rig.feed(5_000))
        case.times = 2
        rig.admin.delete_topics([rig.topic])[rig.topic].result(30)
        wait_until(lambda: rig.topic not in rig.admin.list_topics(timeout=10).topics, 20, "the topic's end")
        began = time.monotonic()
        machine.terminate(45)
        case.note(f"{time.monotonic() - began:.1f} s to the end without the topic")
