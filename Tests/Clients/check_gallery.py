"""Every format of the gallery is counted by its catalog alone: sample, expected cells and a reader of its own agree."""

import collections
import json
import time

import gallery
import gallery_variants
from checks import check, expect, run
from house import House, key_name

House.needed()


def dead_letters(house, name, made, kinds):
    """Every refused record has a letter with its bytes and its reason, no other one has."""
    found = {}
    for letter in house.records(house.dead, 1):
        headers = dict(letter.headers())
        found[int(headers["offset"])] = (letter.value(), headers["reason"].decode(), headers["detail"].decode())
    kinds = dict(zip(range(len(made) - len(kinds), len(made)), kinds))
    for offset, (record, outcome) in enumerate(made):
        value, reason, detail = found.pop(offset, (record, "no letter", ""))
        wanted = "no letter" if outcome in (None, "ignored") else outcome
        where = f"{name}, record {offset} ({kinds.get(offset, 'of the sample')})"
        expect(reason == wanted, f"{where}: {reason} {detail}, not {wanted}: {record[:300]!r}")
        expect(value == record, f"{where}: the letter has {value!r}")
    expect(not found, f"{name}: letters of nothing: {found}")


def counted(read):
    """Counts a sample and bad records, and compares."""
    name = read.__name__
    wanted = json.loads((gallery.FOLDER / f"{name}.expected.json").read_text())
    expect(wanted == json.loads(gallery.text(gallery.expected(read, gallery.lines(name)))), f"{name}: expected cells differ from its reader's")
    with House(partitions=2) as house:
        path = house.folder / f"{name}.yaml"
        path.write_text(house.call("check", "--example", name))
        catalog = str(path)
        where = gallery_variants.options(name)
        house.call("check", "--meters", catalog, *where)
        machine = house.start("run", "--meters", catalog, *where).wait_ready()
        made = [(gallery_variants.record(name, line), refusal) for line, refusal, _ in gallery.judged(read, gallery.lines(name))]
        bad = list(gallery_variants.bad(name))
        made += [(record, outcome) for _, outcome, record in bad]
        producer = house.producer()
        for record, _ in made:
            # One partition keeps the order of the sample, which repetitions need.
            producer.produce(
                house.topic, partition=1, key=b"k", value=record or None, timestamp=int(time.time() * 1000),
                headers=gallery.HEADERS.get(name),
            )
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted()
        dead_letters(house, name, made, [kind for kind, _, _ in bad])
        machine.wait_outcomes(dict(collections.Counter(wanted["outcomes"]) + collections.Counter(each[1] for each in bad)))
        for subject, cells in wanted["cells"].items():
            found = gallery_variants.cells(house, key_name(subject))
            expect(found == cells, f"{name}, {subject}: {found}, not {cells}")
        keys = {key.split(":")[3] for key in house.redis.scan_iter("odo:1:{*}:*:*", count=10_000)} - {"directory"}
        expect(keys == {key_name(subject).split(":", 3)[3] for subject in wanted["cells"]}, keys)
        house.call("verify", "--full", "--meters", catalog, *where)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


def add(read):
    def one():
        counted(read)

    one.__doc__ = f"{read.__name__}: exact cells, outcomes and dead letters"
    check(one)


for each in gallery.FORMATS:
    add(each)


@check
def names():
    """an unknown name is refused with the known ones, and there is no sample without a reader"""
    with House() as house:
        house.call("check", "--example", "strip", expected=2)
        listed = {path.name.split(".")[0] for path in gallery.FOLDER.glob("*.*") if path.name != "README.md"}
        expect(listed == {read.__name__ for read in gallery.FORMATS}, listed)


run()
