"""Everything at once for as long as wanted, then quiet. Only by name: `make faults ONLY=F41 MINUTES=60`."""

import contextlib
import os
import random
import signal
import statistics
import threading
import time
import traceback

import redis
from case import fault
from confluent_kafka import KafkaException
from confluent_kafka.admin import NewPartitions
from house import wait_until
from rig import is_running, log, memory

MINUTES = float(os.environ.get("MINUTES") or 60)
#: More than this is not flat: the last quarter's memory beside the second quarter's.
MOST_GROWTH = 1.25
#: Events in the log before it begins: more than the queues of the clients hold, so that who reads the log again
#: from its begin, as after every emptied Redis, needs all the memory that he may need from the first time on.
FORMER_EVENTS = 1_000_000


class Agent:
    """One kind of trouble on a thread of its own, with a chance of its own."""

    def __init__(self, case, name, pause, acts):
        self.name, self.pause, self.acts = name, pause, acts
        self.chance = random.Random(case.chance.randrange(2**32))
        self.done = dict.fromkeys((act.__name__ for act in acts), 0)
        self.problem = None
        self.end, self.rests = threading.Event(), threading.Event()
        # What a thread has started ends with it: it rests, but never ends.
        threading.Thread(target=lambda: (self.run(), self.rests.set(), threading.Event().wait()), daemon=True).start()

    def run(self):
        while not self.end.wait(self.chance.uniform(*self.pause)):
            act = self.chance.choice(self.acts)
            try:
                act(self)
                self.done[act.__name__] += 1
            except (redis.RedisError, KafkaException, OSError):
                # Somebody else's trouble hit the one who makes this trouble.
                continue
            except Exception:  # the case fails with it
                self.problem = f"{self.name}: {traceback.format_exc()}"
                return

    def sleep(self, least, most):
        """The time between a fault and its end; short where the whole run ends."""
        self.end.wait(self.chance.uniform(least, most))


class Processes:
    """Three that come, sleep and die, and a steady one that is never killed."""

    def __init__(self, case, rig, proxies):
        self.case, self.rig, self.proxies = case, rig, proxies
        self.steady = rig.count("--lanes", "1", through=proxies[0])
        self.others = [self._begin(number) for number in (1, 2, 3)]
        self.number = self.refused = 0

    def _begin(self, number):
        # Without --instance: a coordinator that dies may fence a static member's successor, which then ends.
        return self.rig.count("--lanes", "1", through=self.proxies[number % len(self.proxies)])

    def _replace(self, end):
        """Ends the next one in turn and starts it again; the old one's log goes."""
        self.number = self.number % 3 + 1
        old = self.others[self.number - 1]
        if is_running(old):
            end(old)
        old.log.unlink(missing_ok=True)
        self.others[self.number - 1] = self._begin(self.number)

    def killed(self, _):
        self._replace(self.rig.kill)

    def ended(self, _):
        self._replace(lambda machine: machine.terminate(60))

    def asleep(self, agent):
        machine = agent.chance.choice([*self.others, self.steady])
        self.rig.pause(machine)
        agent.sleep(1, 9)
        self.rig.go_on(machine)

    def look(self):
        """Fails where one that counted ended by itself; one that met trouble at its start is started again."""
        for machine in [self.steady, *self.others]:
            if is_running(machine) or machine.process.returncode in (0, -signal.SIGKILL):
                continue
            said = log(machine)
            if machine is self.steady or "info counting" in said or machine.process.returncode not in (1, 4):
                raise AssertionError(f"ended with {machine.process.returncode}: {said[-2000:]}")
            number = self.others.index(machine) + 1
            self.refused += 1
            self.others[number - 1] = self._begin(number)


class Links:
    """The proxies before Redis."""

    def __init__(self, proxies):
        self.proxies = proxies

    def frozen(self, agent):
        proxy = agent.chance.choice(self.proxies)
        proxy.freeze()
        agent.sleep(0.5, 12)
        proxy.thaw()

    def slow(self, agent):
        proxy = agent.chance.choice(self.proxies)
        proxy.delay = agent.chance.uniform(0.02, 0.4)
        agent.sleep(1, 8)
        proxy.delay = 0

    def broken(self, agent):
        agent.chance.choice(self.proxies).reset()

    def reply_lost(self, agent):
        agent.chance.choice(self.proxies).lose_reply(agent.chance.choice((0, 0, 1, 3)))


class Servers:
    """The Redis: killed, restored, emptied, full, paused, without scripts, spoiled."""

    def __init__(self, case, rig):
        self.case, self.rig = case, rig
        self.copies = [rig.server.dump()]

    def copied(self, _):
        self.copies = [*self.copies[-4:], self.rig.server.dump()]

    def killed(self, agent):
        self.rig.server.kill()
        agent.sleep(0, 4)
        self.rig.server.start()
        self.case.rollbacks += 1

    def restored(self, agent):
        self.rig.server.restore(agent.chance.choice(self.copies))
        self.case.rollbacks += 1

    def emptied(self, _):
        self.rig.redis.flushall()
        self.case.rollbacks += 1

    def full(self, agent):
        self._changed(agent, "maxmemory", 1_000_000, 0)

    def evicting(self, agent):
        # With nothing to throw away: what it would take cannot be told from the outside.
        self._changed(agent, "maxmemory-policy", "allkeys-lru", "noeviction")

    def without_replicas(self, agent):
        self._changed(agent, "min-replicas-to-write", 1, 0)

    def _changed(self, agent, name, bad, good):
        self.rig.redis.config_set(name, bad)
        agent.sleep(1, 8)
        wait_until(lambda: self._set(name, good), 30, f"{name} {good}")

    def _set(self, name, value):
        with contextlib.suppress(redis.RedisError):
            return self.rig.redis.config_set(name, value)

    def paused(self, agent):
        self.rig.redis.client_pause(int(agent.chance.uniform(200, 5000)), all=True)

    def scripts_flushed(self, _):
        self.rig.redis.script_flush()


class Nodes:
    """One broker at a time, so that two copies are always in sync."""

    def __init__(self, case, rig):
        self.rig, self.brokers = rig, rig.brokers
        self.late = threading.Timer(MINUTES * 30, self._more_partitions)
        self.late.daemon = True
        self.late.start()

    def killed(self, agent):
        node = agent.chance.choice((1, 2, 3))
        self.brokers.kill(node)
        agent.sleep(0, 6)
        self.brokers.heal()

    def frozen(self, agent):
        node = agent.chance.choice((1, 2, 3))
        self.brokers.freeze(node)
        agent.sleep(1, 12)
        self.brokers.heal()

    def _more_partitions(self):
        self.rig.admin.create_partitions([NewPartitions(self.rig.topic, 6)])[self.rig.topic].result(60)
        self.rig.partitions = 6


class History:
    """Events without end: a producer that loses its thread with a killed broker is followed by another."""

    def __init__(self, rig):
        self.rig, self.ended = rig, 0
        self.begin()

    def begin(self):
        self.replay = self.rig.feed(int(MINUTES * 60 * 3000), rate=1500)

    def look(self):
        if self.replay.poll() is not None:
            self.ended += 1
            self.begin()

    def end(self):
        self.replay.kill()
        self.replay.wait()


def watch(case, rig, processes, agents, history):
    """Looks on until the time is over; memory of the steady process in MiB, one figure for each 10 s."""
    sizes, until = [], time.monotonic() + MINUTES * 60
    while time.monotonic() < until:
        time.sleep(10)
        processes.look()
        sizes.append(memory(processes.steady))
        for agent in agents:
            if agent.problem:
                raise AssertionError(agent.problem)
        history.look()
        if len(sizes) % 30 == 0:
            minute = MINUTES - (until - time.monotonic()) / 60
            with contextlib.suppress(redis.RedisError):
                print(f"     minute {minute:.0f}: {rig.counted():,} counted, {sizes[-1]} MiB, "
                      f"{case.kills} kills, {case.rollbacks} rollbacks", flush=True)
    return sizes


@fault("F41", "everything at once for MINUTES (60), then quiet", needs_brokers=True, alone=True, longest=MINUTES * 60 + 900)
def everything(case):
    """Processes, links, Redis and brokers fail all the time, independently; then all must be whole."""
    with case.rig(partitions=4) as rig:
        proxies = [rig.add_proxy() for _ in range(2)]
        rig.fed(FORMER_EVENTS)
        history = History(rig)
        processes = Processes(case, rig, proxies)
        rig.wait_progress(5000)
        links, servers, nodes = Links(proxies), Servers(case, rig), Nodes(case, rig)
        agents = [
            Agent(case, "processes", (4, 14), [processes.killed, processes.killed, processes.ended, processes.asleep]),
            Agent(case, "links", (2, 12), [links.frozen, links.slow, links.broken, links.reply_lost]),
            Agent(case, "redis", (8, 30), [
                servers.copied, servers.killed, servers.restored, servers.emptied, servers.full, servers.evicting,
                servers.without_replicas, servers.paused, servers.scripts_flushed]),
            Agent(case, "brokers", (20, 60), [nodes.killed, nodes.frozen]),
        ]
        sizes = watch(case, rig, processes, agents, history)
        for agent in agents:
            agent.end.set()
        for agent in agents:
            if not agent.rests.wait(120):
                raise AssertionError(f"{agent.name} does not come to rest")
            case.times += sum(agent.done.values())
            case.note(f"{agent.name}: " + ", ".join(f"{name} {count}" for name, count in agent.done.items()))
            if agent.problem:
                raise AssertionError(agent.problem)
        for proxy in proxies:
            proxy.delay = 0
            proxy.thaw()
        rig.brokers.heal()
        history.end()
        case.note(f"{history.ended} producers lost their thread with a killed broker and were followed by others")
        with case.recovery():
            rig.wait_all(300)
        case.verified(rig, seconds=600)
        processes.look()
        case.note(f"{processes.refused} starts were refused by the trouble of the moment and repeated")
        quarter = len(sizes) // 4
        early, late = statistics.median(sizes[quarter:2 * quarter]), statistics.median(sizes[-quarter:])
        case.note(f"memory of the steady process: {early} MiB in the second quarter, {late} MiB in the last")
        if late > early * MOST_GROWTH:
            raise AssertionError(f"memory grew from {early} to {late} MiB")
