"""Every format of the gallery is counted by its catalog alone: sample, expected cells and a reader of its own agree."""

import json
import time

import gallery
import gallery_records
from checks import check, expect, run
from house import House, key_name

House.needed()


def found_cells(house, subject):
    """All that Redis holds of an organization."""
    name = key_name(subject)
    cells = {}
    for key in house.redis.scan_iter(f"{name}:*", count=10_000):
        kind = house.redis.type(key)
        cells[key[len(name) + 1 :]] = house.redis.hgetall(key) if kind == "hash" else house.redis.pfcount(key)
    return cells


def counted(read):
    """Counts a sample, twice over, and compares."""
    name = read.__name__
    wanted = json.loads((gallery.FOLDER / f"{name}.expected.json").read_text())
    expect(wanted == json.loads(gallery.text(gallery.expected(read))), f"{name}: expected cells differ from its reader's")
    with House(partitions=2) as house:
        path = house.folder / f"{name}.yaml"
        path.write_text(house.call("check", "--example", name))
        catalog = str(path)
        where = ["--schemas", str(gallery_records.SCHEMAS)] if name in gallery_records.WRITERS else []
        house.call("check", "--meters", catalog, *where)
        machine = house.start("run", "--meters", catalog, *where).wait_ready()
        producer = house.producer()
        for line in gallery.lines(name):
            # One partition keeps the order of the sample, which repetitions need.
            value = gallery_records.record(name, line)
            producer.produce(
                house.topic, partition=1, key=b"k", value=value, timestamp=int(time.time() * 1000),
                headers=gallery.HEADERS.get(name),
            )
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted()
        machine.wait_outcomes(wanted["outcomes"])
        for subject, cells in wanted["cells"].items():
            found = found_cells(house, subject)
            expect(found == cells, f"{name}, {subject}: {found}, not {cells}")
        keys = {key.split(":")[3] for key in house.redis.scan_iter("odo:1:{*}:*:*", count=10_000)} - {"directory"}
        expect(keys == {key_name(subject).split(":", 3)[3] for subject in wanted["cells"]}, keys)
        refused = sum(wanted["outcomes"].get(outcome, 0) for outcome in ("malformed", "bad_field"))
        expect(len(list(house.records(house.dead, 1))) == refused, f"{name}: dead letters")
        # The verification reads JSON only, and says so.
        house.call("verify", "--full", "--meters", catalog, expected=None if where else 0)
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
