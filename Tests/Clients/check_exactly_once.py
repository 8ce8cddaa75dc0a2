"""Ten times kill -9 on the way, a second consumer that comes and goes: every cell is what the log says.

EVENTS sets how many events (300,000), CHECK_SEED repeats the moments of an earlier run.
"""

import os
import random
import time

from checks import check, expect, run
from house import House, wait_until

House.needed()
EVENTS = int(os.environ.get("EVENTS", 300_000))
SEED = int(os.environ.get("CHECK_SEED", time.time_ns() % 1_000_000))
KILLS = 10
PATIENCE = 120 + EVENTS // 3000  # seconds for each long step
GENERATED = ["replay", "--generate", "--seed", "7", "--events", str(EVENTS)]
# Least session that brokers allow: what a killed process without a name of its own held is soon free.
SESSION = ["--kafka-property", "session.timeout.ms=6000"]


def verified(house):
    lines = house.call("verify", "--full", "--timeout", "60s", timeout=PATIENCE).splitlines()
    print("\n".join(line for line in lines if not line.startswith(("read ", "waiting "))))


def at_work(house, replay, before):
    """Whether something was committed since, or everything is."""
    marks = house.marks()
    return sum(marks.values()) > before or (replay.poll() is not None and marks == house.ends())


@check
def undisturbed():
    """one process, undisturbed: verify finds every cell equal"""
    with House() as house:
        house.call(*GENERATED, "--to", house.topic, timeout=PATIENCE)
        began = time.monotonic()
        machine = house.start("run")
        house.wait_counted(PATIENCE)
        print(f"{EVENTS} events counted {time.monotonic() - began:.1f} s after the start")
        verified(house)
        wait_until(lambda: sum(machine.outcomes().values()) == EVENTS, 5, "outcomes of all records")
        outcomes = machine.outcomes()
        for name in ("accepted", "duplicate", "malformed", "bad_field", "future", "ignored"):
            expect(outcomes.get(name), f"no {name}: {outcomes}")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def killed():
    """kill -9 ten times, a second consumer in between: verify finds every cell equal"""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    with House() as house:
        # The log grows all the while, so that every kill meets a machine at work.
        replay = house.spawn(*GENERATED, "--to", house.topic, "--rate", str(max(1000, EVENTS // 30)))
        where, second = [0], None
        for number in range(KILLS):
            # The same name each time: Kafka gives the partitions back at once.
            machine = house.start("run", "--instance", "check", *SESSION)
            if number == 5:
                second = house.start("run", *SESSION).wait_ready()
            if number % 3 == 2:
                time.sleep(chance.uniform(0.05, 1.5))  # while it starts
            else:
                wait_until(lambda: at_work(house, replay, where[-1]), PATIENCE, "a commit")
                time.sleep(chance.uniform(0, EVENTS / 200_000))
            if second and number == 7:
                expect(second.terminate() == 0, "exit code of the second consumer")
                second = None
            where.append(sum(house.marks().values()))
            machine.kill()
        print("killed at", where)
        working = {mark for mark in where if 0 < mark < EVENTS}
        expect(len(working) >= 5, f"hardly a kill met a machine at work: {where}")
        wait_until(lambda: replay.poll() is not None, PATIENCE, "the end of the replay")
        expect(replay.returncode == 0, "the replay's exit code")
        machine = house.start("run", "--instance", "check", *SESSION)
        house.wait_counted(PATIENCE)
        verified(house)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def slow_redis():
    """Redis stops for longer than a rebalance waits: no process ends, verify finds every cell equal"""
    with House() as house:
        replay = house.spawn("replay", "--generate", "--events", "20000", "--to", house.topic, "--rate", "2000")
        # Eight lanes for four partitions: of the first four some have none afterwards, but answers still to come.
        first = house.start("run", "--lanes", "4").wait_ready()
        wait_until(lambda: at_work(house, replay, 0), 30, "a commit")
        second = house.start("run", "--lanes", "4")
        wait_until(lambda: "counting" in second.log.read_text(), 30, "the second's start")
        house.redis.client_pause(9_500, all=False)
        second.wait_ready(60)
        wait_until(lambda: replay.poll() is not None, 60, "the end of the replay")
        house.wait_counted(60)
        for machine in (first, second):
            expect(machine.terminate() == 0, f"exit code after SIGTERM: {machine.log.read_text()[-2000:]}")
        verified(house)


run()
