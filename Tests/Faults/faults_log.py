"""A log that is not what it was: trimmed, recreated, cut, damaged, transactional."""

import contextlib
import json
import os
import time

from case import fault
from confluent_kafka import ElectionType, Producer, TopicPartition
from confluent_kafka.admin import NewTopic
from events import counted_tokens, fill, token
from house import wait_until
from rig import is_running, log, log_size


#: `make test` runs a short selection.
SHORT = os.environ.get("SHORT") == "1"


def tokens(rig, partition):
    """What Redis has for the organization of a partition."""
    return counted_tokens(rig, f"org-{partition}")


def trim(rig, offsets):
    """Deletes the records below an offset of each partition."""
    wanted = [TopicPartition(rig.topic, partition, offset) for partition, offset in offsets.items()]
    for done in rig.admin.delete_records(wanted).values():
        done.result(30)


def stopped(machine, rig):
    """The partitions that a machine says stand still for good."""
    metrics = machine.metrics()
    label = f'odometer_partition_stopped{{topic="{rig.topic}",partition='
    return {int(name.removeprefix(label).strip('"}')) for name, value in metrics.items()
            if name.startswith(label) and value == 1}


def wait_stopped(machine, rig, wanted, seconds=30):
    def is_stopped():
        # It may not listen yet: it is ready only when nothing is stopped.
        with contextlib.suppress(OSError):
            return stopped(machine, rig) == wanted

    wait_until(is_stopped, seconds, f"partitions {wanted} stopped")
    wait_until(lambda: not machine.is_ready(), 5, "/readyz says that something is stopped")


def lost(rig):
    """What `odometer status` says is lost: partition → offsets."""
    said = json.loads(rig.call("status", "--json", expected=1))
    return {int(row["partition"].rsplit("/", 1)[1]): row.get("lost", 0) for row in said["partitions"]}


@fault("F26", "DeleteRecords beyond the marks while nobody runs; --on-loss continue", in_tests=True)
def trimmed(case):
    """Retention took records that were not counted: named, stopped, and counted as lost when told so."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        fill(rig, 1000)
        rig.wait_counted()
        machine.terminate()
        fill(rig, 2000, first=1000)
        case.times = 2
        trim(rig, {0: 1700, 1: 3000})
        machine = rig.count().wait_listening()
        wait_stopped(machine, rig, {0, 1})
        said = log(machine)
        for gap in ("offsets 1000 to 1700 are no longer in the log", "offsets 1000 to 3000 are no longer in the log"):
            if gap not in said:
                raise AssertionError(f"the log does not say: {gap}")
        wait_until(lambda: tokens(rig, 2) == tokens(rig, 3) == 3000, 20, "the other partitions go on")
        if (tokens(rig, 0), tokens(rig, 1)) != (1000, 1000):
            raise AssertionError("a stopped partition was counted")
        rig.kill(machine)
        machine = rig.count("--on-loss", "continue")
        with case.recovery():
            rig.wait_counted()
        found = [tokens(rig, partition) for partition in range(4)]
        if found != [1000 + 1300, 1000, 3000, 3000]:
            raise AssertionError(f"tokens {found}")
        if lost(rig) != {0: 700, 1: 2000, 2: 0, 3: 0}:
            raise AssertionError(f"lost {lost(rig)}")
        if machine.metrics()["odometer_lost_offsets_total"] != 2700:
            raise AssertionError("the metric of losses")
        fill(rig, 500, first=3000)
        rig.wait_counted()
        case.verified(rig)


@fault("F26", "DeleteRecords beyond the position of a process that sleeps")
def trimmed_awake(case):
    """Retention overtakes a process that is running."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        fill(rig, 500)
        rig.wait_counted()
        rig.pause(machine)
        fill(rig, 3000, first=500)
        case.times = 1
        trim(rig, {2: 3000})
        rig.go_on(machine)
        # What it had fetched before may still be counted: then nothing is missing.
        wait_until(lambda: stopped(machine, rig) == {2} or tokens(rig, 2) == 3500, 30, "an end of partition 2")
        case.note(f"stopped {stopped(machine, rig)}, {tokens(rig, 2)} of 3500 counted")
        wait_until(lambda: all(tokens(rig, other) == 3500 for other in (0, 1, 3)), 30, "the other partitions")
        before = tokens(rig, 2)
        rig.kill(machine)
        machine = rig.count("--on-loss", "continue")
        with case.recovery():
            rig.wait_counted()
        gone = lost(rig)[2] if before < 3500 else 0
        if tokens(rig, 2) + gone != 3500:
            raise AssertionError(f"{before}, then {tokens(rig, 2)} counted and {gone} lost of 3500")
        case.verified(rig)


def recreate(rig, each, pause=0):
    """Deletes the topic and makes it again, so many seconds later, with other records in it."""
    rig.admin.delete_topics([rig.topic])[rig.topic].result(30)
    time.sleep(pause)
    config = {"min.insync.replicas": "2"} if rig.replication > 1 else {}

    def is_made():
        made = rig.admin.create_topics([NewTopic(rig.topic, rig.partitions, rig.replication, config=config)])
        return made[rig.topic].exception(30) is None

    wait_until(is_made, 30, "the topic again")
    if each:
        fill(rig, each, first=10**6)


def untouched(rig, before):
    """Fails where anything was counted since."""
    time.sleep(3)
    if rig.counted() != before:
        raise AssertionError(f"{rig.counted() - before} records of another log were counted")


@fault("F27", "topic recreated, shorter and longer than the mark, while nobody runs")
def recreated(case):
    """Another log under the same name is found at the start."""
    for each in (300, 1500):
        with case.rig() as rig:
            machine = rig.count().wait_ready()
            fill(rig, 1000)
            rig.wait_counted()
            machine.terminate()
            before = rig.counted()
            recreate(rig, each)
            case.times += 1
            machine = rig.count().wait_listening()
            wait_stopped(machine, rig, {0, 1, 2, 3})
            untouched(rig, before)
            word = "recreated or cut"
            if log(machine).count(word) < 4:
                raise AssertionError("the log does not say why")
            case.events += before


@fault("F27", "topic recreated under a running process with its defaults, 0, 1 and 8 s later", in_tests=True)
def recreated_awake(case):
    """Another log under the same name, shorter and longer than the mark, appears while it is read."""
    for pause, each in ((0, 300), (0, 60), (1, 300), (8, 300)) if not SHORT else ((0, 300),):
        with case.rig(partitions=1) as rig:
            machine = rig.start("run").wait_ready()
            fill(rig, 100)
            rig.wait_counted()
            recreate(rig, each, pause)
            case.times += 1
            wait_stopped(machine, rig, {0}, 60)
            untouched(rig, 100)
            # Nobody who comes later takes the new log for the old one.
            rig.kill(machine)
            wait_stopped(rig.start("run"), rig, {0}, 60)
            untouched(rig, 100)
            case.events += 100


@fault("F27", "topic recreated with more partitions, under a running process and while nobody runs", in_tests=True)
def recreated_wider(case):
    """Partitions that the ledger does not know belong to the new log, too, where a known one does."""
    for is_awake in (True, False) if not SHORT else (False,):
        with case.rig(partitions=1) as rig:
            machine = rig.start("run").wait_ready()
            fill(rig, 100)
            rig.wait_counted()
            if not is_awake:
                machine.terminate()
            rig.partitions = 3
            recreate(rig, 300)
            case.times += 1
            if not is_awake:
                machine = rig.start("run")
            # The client looks at the topic's metadata every 30 s.
            wait_stopped(machine, rig, {0, 1, 2}, 90)
            untouched(rig, 100)
            case.events += 100


@fault("F26", "DeleteRecords up to the end of the log under a running process", in_tests=True)
def trimmed_to_end(case):
    """Everything that was counted is deleted: what comes next is counted, and nothing is lost."""
    with case.rig(partitions=2) as rig:
        machine = rig.start("run").wait_ready()
        fill(rig, 200)
        rig.wait_counted()
        trim(rig, {0: 200, 1: 200})
        case.times += 1
        fill(rig, 300, first=200)
        rig.wait_counted()
        rig.kill(machine)
        rig.start("run")
        fill(rig, 100, first=500)
        rig.wait_counted()
        if [tokens(rig, 0), tokens(rig, 1)] != [600, 600]:
            raise AssertionError(f"tokens {tokens(rig, 0)}, {tokens(rig, 1)} instead of 600 each")
        case.verified(rig)


@fault("F28", "unclean leader, log shorter and longer than the mark, under a running process and at the start", needs_brokers=True)
def unclean_election(case):
    """A leader is elected that never had the last records."""
    for more, is_awake in ((0, True), (4000, False), (4000, True)):
        with case.rig(partitions=1) as rig:
            rig.admin.delete_topics([rig.topic])[rig.topic].result(30)
            config = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}

            def is_made():
                topic = NewTopic(rig.topic, 1, replica_assignment=[[1, 2]], config=config)
                return rig.admin.create_topics([topic])[rig.topic].exception(30) is None

            wait_until(is_made, 30, "the topic")
            machine = rig.start("run").wait_ready()
            fill(rig, 1000)
            rig.brokers.kill(2)
            wait_until(lambda: len(rig.brokers.admin.list_topics(rig.topic, timeout=5).topics[rig.topic]
                                   .partitions[0].isrs) == 1, 60, "one copy in sync")
            fill(rig, 1000, first=1000)
            rig.wait_counted()
            before = rig.counted()
            if not is_awake:
                machine.terminate()
            rig.brokers.kill(1)
            rig.brokers.restart(2)
            case.times += 1
            partition = TopicPartition(rig.topic, 0)

            def is_elected():
                rig.brokers.admin.elect_leaders(ElectionType.UNCLEAN, [partition]).exception(15)
                return rig.brokers.leader(rig.topic, 0) == 2

            wait_until(is_elected, 60, "an unclean leader")
            if more:
                fill(rig, more, first=10**6)
            if not is_awake:
                machine = rig.start("run").wait_listening(60)
            wait_stopped(machine, rig, {0}, 60)
            untouched(rig, before)
            case.events += before
            rig.brokers.heal()


@fault("F30", "transactions: committed, aborted, left open by kill, markers at the end")
def transactions(case):
    """Aborted records are never counted; a hanging transaction holds the partition until Kafka ends it."""
    with case.rig(partitions=2) as rig:
        machine = rig.count().wait_ready()
        wanted = [0, 0]
        writer = transactional(rig, "one", 60_000)
        for case.times in range(1, case.scaled(40, 400) + 1):
            writer.begin_transaction()
            commits = case.chance.random() < 0.6
            for number in range(case.chance.randrange(1, 60)):
                partition = case.chance.randrange(2)
                writer.produce(
                    rig.topic, token(f"{case.times}-{number}", f"org-{partition}"), partition=partition)
                wanted[partition] += commits
            if commits:
                writer.commit_transaction(30)
            else:
                writer.flush(30)
                writer.abort_transaction(30)
        # Ends in markers: no record is at the end of the log.
        rig.wait_counted()
        wait_until(lambda: not any(lags(machine)), 5, "a lag of 0 at the end")
        if [tokens(rig, 0), tokens(rig, 1)] != wanted:
            raise AssertionError(f"tokens {tokens(rig, 0)}, {tokens(rig, 1)} instead of {wanted}")
        hanging = transactional(rig, "two", 6_000)
        hanging.begin_transaction()
        for number in range(50):
            hanging.produce(rig.topic, token(f"hanging-{number}", "org-0"), partition=0)
        hanging.flush(30)
        fill(rig, 200, first=10**6)
        wait_until(lambda: tokens(rig, 1) == wanted[1] + 200, 20, "the partition without a hanging transaction")
        if tokens(rig, 0) != wanted[0]:
            raise AssertionError("records behind an open transaction were counted")
        # The producer is never heard of again: the coordinator aborts it after its time.
        with case.recovery():
            wait_until(lambda: tokens(rig, 0) == wanted[0] + 200, 60, "the partition goes on")
        rig.wait_counted()
        case.verified(rig)


def lags(machine):
    return [value for name, value in machine.metrics().items() if name.startswith("odometer_partition_lag")]


def transactional(rig, name, timeout):
    producer = Producer({
        "bootstrap.servers": rig.environment["ODOMETER_BOOTSTRAP"], "transactional.id": f"{rig.topic}-{name}",
        "transaction.timeout.ms": timeout, "log_level": 0,
    })
    producer.init_transactions(60)
    return producer


@fault("F33", "bytes of a segment flipped on the leader's disk, put right later", needs_brokers=True)
def damaged_segment(case):
    """A batch on disk is damaged: that partition stops, the others go on, nothing is skipped."""
    with case.rig() as rig:
        for part in range(10):
            fill(rig, 200, first=part * 200)
        node = rig.brokers.leader(rig.topic, 1)
        [path] = rig.brokers.folder_of(node, rig.topic, 1).glob("*.log")
        place = path.stat().st_size // 2
        whole = flip(path, place)
        case.times = 1
        machine = rig.count().wait_ready()
        wait_until(lambda: all(tokens(rig, other) == 2000 for other in (0, 2, 3)), 30, "the other partitions")
        wait_stopped(machine, rig, {1})
        fill(rig, 100, first=2000)
        wait_until(lambda: all(tokens(rig, other) == 2100 for other in (0, 2, 3)), 30, "the other partitions go on")
        counted = tokens(rig, 1)
        if not 0 <= counted < 2000:
            raise AssertionError(f"{counted} of a damaged partition")
        case.note(f"stopped at {counted} of 2100")
        with path.open("r+b") as file:
            file.seek(place)
            file.write(whole)
        machine.terminate()
        machine = rig.count()
        with case.recovery():
            rig.wait_all()
        case.verified(rig)
        if not is_running(machine):
            raise AssertionError("the process ended")


def flip(path, place):
    """Changes some bytes of a file; what stood there."""
    with path.open("r+b") as file:
        file.seek(place)
        whole = file.read(8)
        file.seek(place)
        file.write(bytes(byte ^ 0xFF for byte in whole))
    return whole
