"""What the checks of schemas share: a catalog, records as their serializers write them, and what must be counted."""

import time

import registry_events as events
from checks import expect
from house import key_name


def catalog(house, form, extra=""):
    path = house.folder / f"{form}.yaml"
    path.write_text(events.CATALOG.format(form=form) + extra)
    return str(path)


def found_cells(house, subject):
    """All that Redis holds of an organization."""
    name = key_name(subject)
    return {key[len(name) + 1:]: house.redis.hgetall(key) for key in house.redis.scan_iter(f"{name}:*", count=10_000)}


def expect_cells(house, made):
    """Compares all cells with what the events say."""
    wanted = events.cells(made)
    for subject, cells in wanted.items():
        expect(found_cells(house, subject) == cells, f"{subject}: {found_cells(house, subject)}, not {cells}")
    keys = {key.split(":")[3] for key in house.redis.scan_iter("odo:1:{*}:*:*", count=10_000)} - {"directory"}
    expect(keys == set(wanted), f"{keys}, not {set(wanted)}")


def verify(house, path, *options, expected=0):
    """The oracle counts the log with readers of its own, and finds the same cells, audits and marks."""
    house.call("verify", "--full", "--meters", path, *options, expected=expected)


def send(house, registry, form, made, **how):
    """Writes events with the serializer of a format, every other one with the schema's GUID in its header."""
    serializers = [events.Serializer(form, registry, house.topic, in_header) for in_header in (False, True)]
    producer = house.producer()
    for number, event in enumerate(made):
        value, headers = serializers[number % 2].write(event)
        producer.produce(house.topic, key=event["customer"], value=value, headers=headers, timestamp=int(time.time() * 1000), **how)
    expect(producer.flush(30) == 0, "flush")


def dead_details(house):
    """The details of all dead letters, sorted."""
    return sorted(dict(record.headers())["detail"].decode() for record in house.records(house.dead, 1))
