"""A rejected record whose dead letter the topic does not take as it is stops nobody, with default settings of the topics."""

import datetime
import json

from checks import check, expect, run
from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from house import BOOTSTRAP, House, key_name, wait_until

House.needed()
LARGE = 1_048_450  # a record of this size fits into a topic with default settings, its dead letter does not
NOW = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)


class Defaults(House):
    """A house whose topics have one partition and the broker's own limits."""

    def __init__(self, **settings):
        super().__init__(1, **settings)

    def create_topic(self, name, partitions, config=None):
        config = {name: value for name, value in (config or {}).items() if name != "max.message.bytes"}
        super().create_topic(name, partitions, config)


def token(number):
    return json.dumps({
        "specversion": "1.0", "id": f"t{number}", "source": "/s", "type": "token.issued", "subject": "org-1",
        "time": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), "data": {"agent": "a"},
    }).encode()


def write(house, *records):
    """Writes records of (key, value, headers)."""
    failed = []
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "message.max.bytes": 4_000_000})
    for key, value, headers in records:
        producer.produce(house.topic, key=key, value=value, headers=headers,
                         on_delivery=lambda error, _: error and failed.append(str(error)))
    expect(producer.flush(30) == 0 and not failed, f"not written: {failed}")


def tokens(house):
    days = house.redis.hgetall(f"{key_name('org-1')}:tokens:day:{NOW:%Y-%m}")
    return sum(int(count) for count in days.values())


def letters(house):
    """The dead letters by the offset of their record: [(headers, value)]."""
    found = {}
    for record in house.records(house.dead, 1):
        headers = dict(record.headers() or [])
        found.setdefault(int(headers["offset"]), []).append((headers, record.value()))
    return found


def set_up(house, **settings):
    """Changes settings of the dead-letter topic."""
    entries = [ConfigEntry(name.replace("_", "."), str(value), incremental_operation=AlterConfigOpType.SET)
               for name, value in settings.items()]
    resource = ConfigResource(ConfigResource.Type.TOPIC, house.dead, incremental_configs=entries)
    house.admin.incremental_alter_configs([resource])[resource].result(30)


@check
def large_headers():
    """headers that nearly fill a message: counted on, the letter is shorter, nothing is sent twice"""
    with Defaults() as house:
        machine = house.start("run").wait_ready()
        small = [(f"k{number}".encode(), b"no JSON %d" % number, [("trace", b"t")]) for number in range(50)]
        write(house, *small, (None, None, [("large", b"h" * LARGE)]), (b"k" * LARGE, None, []),
              *((None, token(number), []) for number in range(5)), *small)
        wait_until(lambda: tokens(house) == 5, 60, "the events behind")
        wait_until(lambda: len(letters(house)) == 102, 30, "102 dead letters")
        found = letters(house)
        expect(all(len(copies) == 1 for copies in found.values()),
               f"sent again: {[(offset, len(copies)) for offset, copies in found.items() if len(copies) > 1][:5]}")
        for offset in [*range(50), *range(57, 107)]:
            headers, value = found[offset][0]
            expect(value == b"no JSON %d" % (offset % 57) and "truncated" not in headers and
                   headers["original-trace"] == b"t", f"{offset} lost something: {headers}")
        expect(found[50][0][0]["truncated"] == b"headers" and found[51][0][0]["truncated"] == b"key", "what was cut")
        expect(machine.metrics()["odometer_dead_letters_total"] == 102, "acknowledged")
        expect(machine.metrics()["odometer_dead_letters_given_up_total"] == 0, "given up")
        house.wait_counted()


@check
def large_value():
    """a value that fits and its letter does not: the letter keeps key and headers, and later values stay"""
    with Defaults() as house:
        house.start("run").wait_ready()
        write(house, (b"key", b"x" * LARGE, [("trace", b"t")]), (None, b"no JSON", []), (None, token(1), []))
        wait_until(lambda: tokens(house) == 1 and len(letters(house)) == 2, 60, "two letters and one event")
        (headers, value), = letters(house)[0]
        expect(value is None and headers["truncated"] == b"value", f"{headers}")
        expect(headers["original-trace"] == b"t" and headers["original-key"] == b"key", f"{headers}")
        expect(letters(house)[1][0][1] == b"no JSON", "a later value")


@check
def given_up():
    """a topic that takes no letter at all: given up, counted, said; events are counted on"""
    with Defaults() as house:
        set_up(house, max_message_bytes=80)
        machine = house.start("run").wait_ready()
        write(house, (None, b"no JSON", [("trace", b"t")]), (None, token(1), []))
        wait_until(lambda: tokens(house) == 1, 60, "the event behind")
        wait_until(lambda: machine.metrics().get("odometer_dead_letters_given_up_total") == 1, 10, "the counter")
        expect("event=dead-letter-given-up" in machine.log.read_text(), "the log does not say so")
        house.wait_counted()


run()
