"""Ten times kill -9 while each format of the gallery is counted: cells and dead letters are those of its own reader.

CHECK_SEED repeats the moments of an earlier run, FORMATS names the formats.
"""

import collections
import concurrent.futures
import os
import random
import time

import gallery
import gallery_variants
from checks import check, expect, run
from house import House, key_name, wait_until

House.needed()
SEED = int(os.environ.get("CHECK_SEED", time.time_ns() % 1_000_000))
NAMED = os.environ.get("FORMATS", " ".join(read.__name__ for read in gallery.FORMATS)).split()
KILLS, PARTITIONS = 10, 3
COPIES = 20  # of the sample, written before each start, and again before each kill
AT_ONCE = 3  # formats
# Least session that brokers allow; with a name of its own the process has its partitions back at once.
RUN = ["--instance", "check", "--kafka-property", "session.timeout.ms=6000", "--lanes", "1"]
REFUSED = ("malformed", "bad_field", "future")


class Stream:
    """The sample again and again with other ids, now and then with ids that were there, and bad records in between."""

    def __init__(self, read, house, chance):
        self._read, self._house, self._chance = read, house, chance
        self._producer = house.producer()
        self._number = 0
        # Each record with its outcome, or the line of the sample that its reader is asked about.
        self._partitions = [[] for _ in range(PARTITIONS)]

    def write(self):
        """Hands over the next part; whole copies stay in one partition, where their repetitions are found."""
        name = self._read.__name__
        bad = [(record, outcome) for _, outcome, record in gallery_variants.bad(name)]
        for _ in range(COPIES):
            number = self._number
            if self._number and self._chance.random() < 0.1:
                number = self._chance.randrange(self._number)
            else:
                self._number += 1
            lines = [gallery_variants.other(name, line, number) for line in gallery.lines(name)]
            part = [(gallery_variants.record(name, line), None, line) for line in lines]
            part.append((*self._chance.choice(bad), None))
            self._partitions[number % PARTITIONS] += part
            for record, _, _ in part:
                self._producer.produce(
                    self._house.topic, partition=number % PARTITIONS, value=record or None,
                    timestamp=int(time.time() * 1000), headers=gallery.HEADERS.get(name))

    def flush(self):
        """Waits until all is in the log."""
        expect(self._producer.flush(30) == 0, "flush")

    def _of_samples(self, partition):
        return [line for _, outcome, line in self._partitions[partition] if outcome is None]

    def letters(self):
        """Which records have a letter: {(partition, offset): (reason, record)}."""
        found = {}
        for partition, records in enumerate(self._partitions):
            judged = gallery.judged(self._read, self._of_samples(partition))
            for offset, (record, outcome, _) in enumerate(records):
                outcome = outcome or next(judged)[1]
                if outcome in REFUSED:
                    found[partition, offset] = outcome, record
        return found

    def cells(self):
        """What all of it counts."""
        records = [record for partition in range(PARTITIONS) for record in self._of_samples(partition)]
        return gallery.expected(self._read, records)["cells"]

    def __len__(self):
        return sum(map(len, self._partitions))


def found_letters(house):
    letters = collections.defaultdict(set)
    for letter in house.records(house.dead, 1):
        headers = dict(letter.headers())
        place = int(headers["partition"]), int(headers["offset"])
        letters[place].add((headers["reason"].decode(), letter.value()))
    return letters


def compare(house, stream, name):
    """Cells and letters are the reader's; a letter may be there twice, as kills have it."""
    for subject, cells in stream.cells().items():
        found = gallery_variants.cells(house, key_name(subject))
        expect(found == cells, f"{name}, {subject}: {found}, not {cells}")
    wanted = {place: {letter} for place, letter in stream.letters().items()}
    found = found_letters(house)
    differing = {place: (found.get(place), wanted.get(place))
                 for place in found.keys() | wanted.keys() if found.get(place) != wanted.get(place)}
    expect(not differing, f"{name}: {len(differing)} letters differ: {list(differing.items())[:3]}")


def killed(read):
    """Counts a stream under kills, and compares."""
    chance = random.Random(f"{SEED} {read.__name__}")
    with House(PARTITIONS, commit_interval="50ms") as house:
        path = house.folder / "meters.yaml"
        path.write_text(house.call("check", "--example", read.__name__))
        schemas = gallery_variants.options(read.__name__)
        arguments = ["run", "--meters", str(path), *schemas, *RUN]
        stream, where = Stream(read, house, chance), []
        for _ in range(KILLS):
            stream.write()
            stream.flush()
            before = sum(house.marks().values())
            machine = house.start(*arguments).wait_listening()
            # Now and then it is killed before anything is committed, and otherwise while more comes.
            if chance.random() < 0.8:
                wait_until(lambda: sum(house.marks().values()) > before, 30, f"a commit of {read.__name__}")
            stream.write()
            time.sleep(chance.uniform(0, 0.3))
            machine.kill()
            stream.flush()
            where.append(sum(house.marks().values()) / len(stream))
        working = sum(0 < share < 1 for share in where)
        expect(working >= KILLS / 2, f"{read.__name__}: hardly a kill met a machine at work: {where}")
        machine = house.start(*arguments)
        house.wait_counted()
        compare(house, stream, read.__name__)
        house.call("verify", "--full", "--meters", str(path), *schemas)
        expect(machine.terminate() == 0, "exit code after SIGTERM")
        print(f"{read.__name__}: {len(stream)} records, killed at {', '.join(f'{share:.3f}' for share in where)} of the log")


def add(read, running):
    def one():
        running.result()

    one.__doc__ = f"{read.__name__}: exact cells and letters under {KILLS} kills"
    check(one)


print(f"seed {SEED}")
# Most of the time is starting, which is waiting. A process that was started ends with its thread, so the pool stays to the end.
pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
for each in gallery.FORMATS:
    if each.__name__ in NAMED:
        add(each, pool.submit(killed, each))

run()
