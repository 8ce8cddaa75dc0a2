"""Processes that are killed, sleep, or believe that they own what another one owns."""

import contextlib
import time

from case import fault
from house import wait_until
from rig import is_running, log_size


@fault("F1", "kill -9 at random moments, four processes")
def process_killed(case):
    """Processes are killed again and again while they count."""
    kills = case.scaled(66, 200)
    with case.rig(commit_interval="200ms") as rig:
        replay = rig.feed(rate=1200)
        running = []

        def begin(number):
            # The same name each time: Kafka gives the partitions back at once.
            running.append((number, rig.count("--lanes", "1", "--instance", f"one-{number}"), time.monotonic()))

        for number in range(4):
            begin(number)
        at_work = 0
        for case.times in range(1, kills + 1):
            number, machine, since = running.pop(0)
            if case.chance.random() < 0.7:
                # One that has committed: most of these have more in hand.
                with contextlib.suppress(AssertionError):
                    wait_until(lambda: commits(machine), 5, "a commit")
                time.sleep(case.chance.uniform(0, 0.2))
            else:
                time.sleep(max(0, since + case.chance.uniform(0, 1.5) - time.monotonic()))
            at_work += commits(machine) > 0
            rig.kill(machine)
            begin(number)
        if at_work < kills // 3:
            raise AssertionError(f"only {at_work} of {kills} kills met machines that had committed")
        case.note(f"{at_work} of {kills} kills met a process that had committed")
        rig.wait_fed(replay, 120)
        with case.recovery():
            rig.wait_all()
        case.verified(rig)


def commits(machine):
    """Commits of a process so far; 0 where it does not say."""
    try:
        return machine.metrics().get("odometer_commits_total", 0)
    except OSError:
        return 0


@fault("F2", "proxy: the commit runs, its reply is cut after 0 to 3 bytes", in_tests=True)
def reply_lost(case):
    """The outcome of a commit is unknown: its reply never comes."""
    with case.rig() as rig:
        proxy = rig.add_proxy()
        machine = rig.count(through=proxy).wait_ready()
        replay = rig.feed(rate=2500)
        rounds = case.scaled(15, 60)
        for case.times in range(1, rounds + 1):
            proxy.lose_reply(case.chance.choice((0, 0, 1, 3)))
            wait_until(lambda: proxy.lost >= case.times or replay.poll() is not None, 30, "a lost reply")
            rig.wait_progress()
        if proxy.lost < rounds:
            raise AssertionError(f"only {proxy.lost} replies were lost before the events ended")
        rig.wait_fed(replay)
        with case.recovery():
            rig.wait_all()
        case.verified(rig)
        if not is_running(machine):
            raise AssertionError("the process ended")


@fault("F3", "SIGSTOP past the session, another takes over, SIGCONT")
def zombie(case):
    """A process sleeps, loses its partitions without knowing, and wakes up with tallies in hand."""
    with case.rig() as rig:
        # A long interval: a process that falls asleep has folded something that is not committed.
        sleeper = rig.count(ODOMETER_COMMIT_INTERVAL="3s").wait_ready()
        replay = rig.feed(rate=1500)
        rig.wait_progress()
        other = rig.count(ODOMETER_COMMIT_INTERVAL="3s").wait_ready()
        for case.times in range(1, case.scaled(2, 10) + 1):
            rig.wait_progress(2000)
            since = log_size(other)
            rig.pause(sleeper)
            rig.says(other, "lane 1 has 2 partitions", since)
            rig.wait_progress(2000)
            with case.recovery():
                rig.go_on(sleeper)
                rig.wait_progress(1500)
            sleeper, other = other, sleeper
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)
        if not (is_running(sleeper) and is_running(other)):
            raise AssertionError("a process ended")


@fault("F4", "one static member id twice, heartbeats every 20 s")
def two_owners(case):
    """Two living processes own the same partitions until Kafka fences one."""
    # The first one hears that it was replaced only with its next heartbeat.
    slow = ("--kafka-property", "session.timeout.ms=45000", "--kafka-property", "heartbeat.interval.ms=20000")
    with case.rig() as rig:
        replay = rig.feed(rate=2000)
        first = rig.start("run", "--instance", "twin", *slow).wait_ready()
        rig.wait_progress()
        second = rig.start("run", "--instance", "twin", *slow)
        case.times = 1
        wait_until(lambda: not is_running(first) or not is_running(second), 60, "one of them is fenced and ends")
        ended = second if is_running(first) else first
        if ended.process.returncode != 1 or "fenced" not in ended.log.read_text().lower():
            raise AssertionError(f"ended with {ended.process.returncode}: {ended.log.read_text()[-500:]}")
        moved = sum("marks-moved" in one.log.read_text() for one in (first, second))
        case.note(f"{moved} of 2 met marks that the other had moved")
        rig.wait_fed(replay)
        with case.recovery():
            rig.wait_all()
        case.verified(rig)
