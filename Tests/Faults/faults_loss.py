"""One shard of Redis goes back to where the log no longer reaches: what is lost is lost to that shard alone."""

import collections
import json
import subprocess

import house
import redis
from case import fault
from events import Writer, counted_tokens, token
from faults_log import stopped, trim
from house import key_name, shard_of, tag, wait_until
from rig import log, log_size, must_run, stopped_reasons

#: Four, because retention takes another part of each: see `Loss.cut`.
PARTITIONS = 4


class ShardCopy:
    """All keys of one shard as they were, and the way back to them in one step."""

    def __init__(self, rig, shard):
        # A client of its own: what DUMP answers is no text.
        self.redis = redis.Redis(port=rig.server.port)
        self.pattern = f"odo:1:{{{tag(shard)}}}:*"
        self.values = {key: (self.redis.dump(key), max(self.redis.pttl(key), 0)) for key in self._keys()}

    def _keys(self):
        return list(self.redis.scan_iter(self.pattern, count=1000))

    def restore(self):
        """Puts the copy in place of what is there now; nobody sees a half of it."""
        pipeline = self.redis.pipeline(transaction=True)
        now = self._keys()
        if now:
            pipeline.delete(*now)
        for key, (value, milliseconds) in self.values.items():
            pipeline.restore(key, milliseconds, value)
        pipeline.execute()


class Loss:
    """A log that the case knows by heart, and one shard of which a part of it is gone."""

    def __init__(self, case, rig):
        self.case, self.rig = case, rig
        self.log = [[] for _ in range(PARTITIONS)]
        names = [f"org-{number}" for number in range(case.chance.randrange(10**6), 10**7, 7)][:12]
        self.lone = names[0]
        self.shard = shard_of(key_name(self.lone))
        self.organizations = [self.lone, *(name for name in names[1:] if shard_of(key_name(name)) != self.shard)]
        #: What the log begins with, and where the marks of the one shard stood in the copy, by partition.
        self.lows, self.marks = [0] * PARTITIONS, [0] * PARTITIONS

    def fill(self, each):
        """Writes so many tokens to each partition, every third one of the shard that is hurt."""
        writer = Writer(self.rig)
        for partition, records in enumerate(self.log):
            for _ in range(each):
                lone = self.case.chance.random() < 1 / 3
                name = self.lone if lone else self.case.chance.choice(self.organizations[1:])
                writer.put(token(f"{partition}-{len(records)}", name), partition)
                records.append(name)
        writer.end()

    def go_back(self, machine):
        """The shard goes back, and of each partition another part is deleted; the log of the machine since."""
        self.fill(self.case.chance.randrange(300, 600))
        self.rig.wait_counted()
        copy = ShardCopy(self.rig, self.shard)
        self.marks = [len(records) for records in self.log]
        self.fill(self.case.chance.randrange(300, 600))
        self.rig.wait_counted()
        self.cut()
        since = log_size(machine)
        copy.restore()
        self.case.rollbacks += 1
        self.case.times += 1
        return since

    def cut(self):
        """A part of what the shard has to read again; all of it; only what it has; nothing."""
        ends, mark = [len(records) for records in self.log], self.marks
        self.lows = [self.case.chance.randrange(mark[0] + 1, ends[0]), ends[1], mark[2] // 2, 0]
        trim(self.rig, dict(enumerate(self.lows[:3])))

    def gone(self):
        """What retention took that the restored shard had not counted, by partition; without those of nothing."""
        return {place: low - mark for place, (low, mark) in enumerate(zip(self.lows, self.marks)) if low > mark}

    def tokens(self):
        return {name: counted_tokens(self.rig, name) for name in self.organizations}

    def expected(self, is_counted):
        """Tokens by organization: all of others; of the hurt one those for which is_counted(partition, offset)."""
        found = collections.Counter(dict.fromkeys(self.organizations, 0))
        for partition, records in enumerate(self.log):
            for offset, name in enumerate(records):
                found[name] += name != self.lone or is_counted(partition, offset)
        return dict(found)

    def wait_tokens(self, is_counted, what, seconds=30):
        """Waits until every organization has its number; fails with those that have another one."""
        expected = self.expected(is_counted)
        try:
            wait_until(lambda: self.tokens() == expected, seconds, what)
        except AssertionError:
            found = self.tokens()
            wrong = {name: (found[name], expected[name]) for name in expected if found[name] != expected[name]}
            raise AssertionError(f"{what}: (found, expected) of {wrong}, {self.lone} is hurt") from None

    def check_books(self, lost):
        """Of each shard and partition: all up to the mark was delivered, jumped over or lost; lost as told."""
        for shard in range(house.SHARDS):
            audit = self.rig.redis.hgetall(f"odo:1:{{{tag(shard)}}}:audit")
            for partition, records in enumerate(self.log):
                place = f"{self.rig.topic}/{partition}"
                found = [int(audit.get(f"{place}:{part}", 0)) for part in ("delivered", "gaps", "lost")]
                wanted = lost.get(partition, 0) if shard == self.shard else 0
                if found != [len(records) - wanted, 0, wanted]:
                    raise AssertionError(
                        f"shard {shard}, partition {partition}: delivered, gaps, lost {found}, wanted {wanted} lost "
                        f"of {len(records)}; shard {self.shard} is hurt")

    def check_named(self, machine, since):
        """The log names the one shard with what is gone of each partition, and `odometer status` has the same."""
        rig, gone = self.rig, self.gone()
        for partition, offsets in gone.items():
            text = f"{rig.topic}/{partition}: shards {self.shard} take nothing of it: offsets {self.marks[partition]} "
            rig.says(machine, text + f"to {self.lows[partition]} are no longer in the log, {offsets} in all", since)
        said = json.loads(rig.call("status", "--json", expected=1))
        found = {int(row["partition"].rsplit("/", 1)[1]): row["gone"] for row in said["partitions"] if row.get("gone")}
        if found != gone:
            raise AssertionError(f"status says {found} are gone, not {gone}")
        if stopped(machine, rig):
            raise AssertionError(f"{stopped(machine, rig)} stopped for all shards")

    def wait_told(self, machine, seconds=10):
        """Waits until the machine itself says that it does not count everything; fails with what it left unsaid."""
        gone = self.gone()
        unsaid = {
            "odometer_partition_gone_offsets": lambda: gone_offsets(machine, self.rig) == gone,
            "/readyz": lambda: not machine.is_ready(),
            "odometer_ready": lambda: machine.metrics()["odometer_ready"] == 0,
            # `odometer status` shows what /troubles says.
            "/troubles": lambda: json.loads(stopped_reasons(machine)),
        }

        def is_told():
            for name in [name for name, is_said in unsaid.items() if is_said()]:
                del unsaid[name]
            return not unsaid

        try:
            wait_until(is_told, seconds, "")
        except AssertionError:
            raise AssertionError(f"a shard lacks {gone} and {', '.join(unsaid)} do not say so") from None


def gone_offsets(machine, rig):
    """The metric of offsets that are gone, of partitions where there are any."""
    label = f'odometer_partition_gone_offsets{{topic="{rig.topic}",partition='
    return {int(name.removeprefix(label).strip('"}')): int(value) for name, value in machine.metrics().items()
            if name.startswith(label) and value}


@fault("F26", "one shard goes back, DeleteRecords beyond its marks; reset-shard --accept-loss")
def shard_behind(case):
    """One shard lacks what the log lacks: the others go on, and the shard begins again when told so."""
    with case.rig(partitions=PARTITIONS) as rig:
        machine = rig.count().wait_ready()
        loss = Loss(case, rig)
        since = loss.go_back(machine)
        for is_restarted in (False, True):
            if is_restarted:
                rig.kill(machine)
                machine, since = rig.count().wait_listening(), 0
            loss.check_named(machine, since)
            loss.fill(case.chance.randrange(100, 300))
            # Of partitions with a gap the shard has what it had; of the others everything.
            loss.wait_tokens(
                lambda place, offset: place not in loss.gone() or offset < loss.marks[place],
                "the other shards go on, and the one where nothing is gone")
            lines = log(machine, since).count("event=shards-behind")
            if lines != len(loss.gone()):
                raise AssertionError(f"{lines} lines shards-behind for {len(loss.gone())} partitions")
        refused = subprocess.run(
            [house.BINARY, "reset-shard", str(loss.shard), "--yes"], env=rig.environment, capture_output=True,
            text=True, timeout=60)
        if refused.returncode != 4 or "--accept-loss" not in refused.stderr:
            raise AssertionError(f"reset-shard ended with {refused.returncode}: {refused.stderr[-500:]}")
        rig.call("reset-shard", str(loss.shard), "--accept-loss", "--yes")
        with case.recovery():
            # The shard begins where the log begins now.
            loss.wait_tokens(lambda place, offset: offset >= loss.lows[place], "the shard counts what is left")
        counts_on(case, loss, machine, lambda place, offset: offset >= loss.lows[place], dict(enumerate(loss.lows)))


@fault("F26", "one shard goes back, DeleteRecords beyond its marks; --on-loss continue, set at a start or before")
def shard_behind_goes_on(case):
    """One shard lacks what the log lacks: told to go on, it leaves out exactly what is gone."""
    for was_told in (False, True):
        with case.rig(partitions=PARTITIONS) as rig:
            told = ("--on-loss", "continue")
            machine = rig.count(*told if was_told else ()).wait_ready()
            loss = Loss(case, rig)
            since = loss.go_back(machine)
            if not was_told:
                loss.check_named(machine, since)
                rig.kill(machine)
                machine, since = rig.count(*told), 0

            def is_counted(place, offset):
                return offset < loss.marks[place] or offset >= loss.lows[place]

            with case.recovery():
                loss.wait_tokens(is_counted, "the shard goes on behind what is gone", 60)
            rig.says(machine, "counted as lost", since)
            counts_on(case, loss, machine, is_counted, loss.gone())
            if machine.metrics()["odometer_lost_offsets_total"] != sum(loss.gone().values()):
                raise AssertionError(f"metric of losses {machine.metrics()['odometer_lost_offsets_total']}")


@fault("F26", "one shard goes back, DeleteRecords beyond its marks: what the process says of it")
def shard_behind_told(case):
    """A shard that takes nothing of a partition is an alarm, like a partition that is not counted."""
    with case.rig(partitions=PARTITIONS) as rig:
        machine = rig.count().wait_ready()
        loss = Loss(case, rig)
        loss.check_named(machine, loss.go_back(machine))
        loss.wait_told(machine)
        rig.kill(machine)
        # A process that starts later says it as well, though it has not seen anything go back.
        machine = rig.count().wait_listening()
        loss.check_named(machine, 0)
        loss.wait_told(machine)
        rig.call("reset-shard", str(loss.shard), "--accept-loss", "--yes")
        with case.recovery():
            wait_until(lambda: machine.is_ready() and not gone_offsets(machine, rig), 30, "all is well again")


def counts_on(case, loss, machine, is_counted, lost):
    """All is well again: what comes is counted in every shard, and the books have exactly what was lost."""
    wait_until(machine.is_ready, 30, "/readyz after the loss was taken")
    loss.fill(case.chance.randrange(100, 300))
    loss.rig.wait_counted()
    loss.wait_tokens(is_counted, "everything goes on")
    loss.check_books(lost)
    if gone_offsets(machine, loss.rig):
        raise AssertionError(f"{gone_offsets(machine, loss.rig)} are still called gone")
    case.verified(loss.rig)
    must_run(machine)
