"""Limits of values: which ones stand apart depends on the order of commits, the sums do not."""

import collections
import threading
import time

from case import fault
from events import Writer, token
from house import key_name, wait_until
from rig import must_run

LIMIT = 20
ORGANIZATIONS = 40
CATALOG = f"""
version: 1
events:
  token.issued:
    fields:
      agent: {{at: /data/agent, required: true}}
meters:
  uses: {{kind: count, by: [agent], windows: [day, all], most: {LIMIT}, on: [{{event: token.issued}}]}}
  ranks: {{kind: ranking, by: [agent], windows: [all], most: {LIMIT}, on: [{{event: token.issued}}]}}
  own: {{kind: count, per: [organization, agent], windows: [all], most: {LIMIT}, on: [{{event: token.issued}}]}}
"""
OTHER = "__other__"


class Stream(threading.Thread):
    """Writes events in which one organization after the other gets more agents than the limit allows."""

    #: Events until the next organization's agents begin to grow in number.
    EACH = 1000

    def __init__(self, case, rig):
        super().__init__(daemon=True)
        self.chance, self.rig = case.chance, rig
        #: What was written: organization → agent → events.
        self.written = collections.defaultdict(collections.Counter)
        self.is_ended = threading.Event()
        self.problem = None

    def run(self):
        try:
            writer, number = Writer(self.rig), 0
            while not self.is_ended.is_set():
                for number in range(number + 1, number + 101):
                    self._put(writer, number)
                time.sleep(0.05)
            writer.end()
        except Exception as problem:  # told by `end`, on the thread of the case
            self.problem = problem

    def _put(self, writer, number):
        growing = number // self.EACH % ORGANIZATIONS
        which = growing if self.chance.random() < 0.5 else self.chance.randrange(ORGANIZATIONS)
        age = max(0, number - which * self.EACH)
        name = f"org-{which}"
        agent = f"agent-{self.chance.randrange(1 + min(age // 30, 3 * LIMIT))}"
        # Any partition: two lanes find new agents of one organization at the same time.
        writer.put(token(number, name, agent), self.chance.randrange(self.rig.partitions))
        self.written[name][agent] += 1

    def end(self):
        self.is_ended.set()
        self.join(90)
        if self.problem or self.is_alive():
            raise AssertionError(f"the stream did not end: {self.problem}")


def cells(rig, organization):
    """What Redis has for an organization: a table, a ranking, and the keys of one scope, by agent."""
    name = key_name(organization)
    label = f"{name}:agent="
    scoped = {key: rig.redis.hget(key, "own") for key in rig.redis.scan_iter(f"{label}*:totals", count=5000)}
    ranking = rig.redis.zrange(f"{name}:ranks:all", 0, -1, withscores=True)
    return {
        "table": {agent: int(count) for agent, count in rig.redis.hgetall(f"{name}:uses:all").items()},
        "ranking": {agent: int(score) for agent, score in ranking},
        "scope": {key.removeprefix(label).removesuffix(":totals"): int(count) for key, count in scoped.items()},
    }


def full(rig):
    """How many organizations have something under `__other__`; fails where a key holds more than its limit."""
    pipeline = rig.redis.pipeline(transaction=False)
    for number in range(ORGANIZATIONS):
        pipeline.hkeys(f"{key_name(f'org-{number}')}:uses:all")
    found = [set(fields) for fields in pipeline.execute()]
    longest = max(len(fields - {OTHER}) for fields in found)
    if longest > LIMIT:
        raise AssertionError(f"a key with a limit of {LIMIT} has {longest} fields")
    return sum(OTHER in fields for fields in found)


def compare(rig, written):
    """Each agent that is kept apart has all its events, `__other__` has those of all the rest."""
    for organization, agents in written.items():
        for kind, found in cells(rig, organization).items():
            apart = set(found) - {OTHER}
            expected = {agent: agents[agent] for agent in apart}
            if len(apart) < len(agents):
                expected[OTHER] = agents.total() - sum(expected.values())
            if found != expected or len(apart) != min(LIMIT, len(agents)):
                wrong = {name: (found.get(name), expected.get(name)) for name in {*found, *expected}
                         if found.get(name) != expected.get(name)}
                raise AssertionError(
                    f"{kind} of {organization}: {len(apart)} of {len(agents)} agents apart, sum "
                    f"{sum(found.values())} of {agents.total()}, (found, expected) of {wrong}")


@fault("F1", "kill -9 while one organization after the other crosses the limit `most` of its meters")
def killed_at_limit(case):
    """Values beyond a limit are counted as `__other__` by processes that are killed at it."""
    with case.rig(commit_interval="50ms") as rig:
        path = rig.folder / "limits.yaml"
        path.write_text(CATALOG)
        rig.environment["ODOMETER_METERS"] = str(path)
        # The same name each time: Kafka gives the partitions back at once.
        machine = rig.count("--instance", "one").wait_ready()
        stream = Stream(case, rig)
        stream.start()
        crossed, before = 0, 0
        for case.times in range(1, case.scaled(12, 30) + 1):
            rig.wait_progress(case.chance.randrange(200, 2000))
            time.sleep(case.chance.uniform(0, 0.1))
            rig.kill(machine)
            now = full(rig)
            crossed, before = crossed + (now > before), now
            machine = rig.count("--instance", "one")
        stream.end()
        if crossed < case.times // 2:
            raise AssertionError(f"limits were crossed between {crossed} of {case.times} kills only")
        case.note(f"limits were crossed before {crossed} of {case.times} kills, by {before} organizations in all")
        with case.recovery():
            rig.wait_all()
        wait_until(machine.is_ready, 30, "/readyz")
        compare(rig, stream.written)
        case.verified(rig)
        must_run(machine)
