"""A dimension with ever new values: beyond the meter's limit Redis does not grow, and sums stay exact.

VALUES=10000000 sends as many different values; by default fewer, which pass the limit as well.
"""

import os
import time

from checks import check, expect, run
from house import House

House.needed()
VALUES = int(os.environ.get("VALUES", 200_000))
MOST = 10_000
CATALOG = """\
version: 1
events:
  use: {fields: {model: {at: /data/model}, user: {at: /data/user}}}
meters:
  calls: {kind: count, by: [model], windows: [day, all], on: [{event: use}]}
  users: {kind: ranking, by: [user], most: {by: 10000}, windows: [day, all], on: [{event: use}]}
"""


def send(house, start, count):
    """Events with a value of their own each, of one organization and day."""
    producer = house.producer(**{"queue.buffering.max.messages": 1_000_000, "linger.ms": 20, "compression.type": "lz4"})
    for number in range(start, start + count):
        value = (f'{{"specversion":"1.0","id":"{number}","source":"/s","type":"use","subject":"acme",'
                 f'"time":"2026-03-09T14:07:31Z","data":{{"model":"m{number}","user":"u{number}"}}}}')
        while True:
            try:
                producer.produce(house.topic, value, key=f"k{number % 64}")
                break
            except BufferError:
                producer.poll(0.1)
        if number % 1_000 == 0:
            producer.poll(0)
    expect(producer.flush(120) == 0, "flush")


def memory(house):
    return house.redis.info("memory")["used_memory"]


@check
def bounded():
    """after the limit no key and no byte comes with a value more; the values kept apart and the rest are all of them"""
    with House() as house:
        path = house.folder / "catalog.yaml"
        path.write_text(CATALOG)
        machine = house.start("run", "--meters", str(path)).wait_ready()
        first = 5 * MOST
        send(house, 0, first)
        house.wait_counted(120)
        keys, before = house.redis.dbsize(), memory(house)
        begun = time.monotonic()
        send(house, first, VALUES - first)
        house.wait_counted(120 + VALUES // 2_000)
        seconds = time.monotonic() - begun
        grown = memory(house) - before
        print(f"{VALUES:,} values: {before / 1e6:.1f} MB after {first:,}, {grown / 1e6:+.2f} MB after all, {seconds:.0f} s")
        expect(house.redis.dbsize() == keys, "keys")
        expect(grown < 4_000_000, f"{grown} bytes more")
        hashes = [key for key in house.redis.scan_iter(count=1_000) if ":acme:calls:" in key]
        rankings = [key for key in house.redis.scan_iter(count=1_000) if ":acme:users:" in key]
        expect(len(hashes) == 2 and len(rankings) == 2, f"{hashes} {rankings}")
        for key in hashes:
            cells = house.redis.hgetall(key)
            expect(len(cells) == MOST + 1 and sum(map(int, cells.values())) == VALUES, f"{key}: {len(cells)}")
            expect(int(cells["__other__"]) == VALUES - MOST, cells["__other__"])
        for key in rankings:
            expect(house.redis.zcard(key) == MOST + 1, key)
            expect(house.redis.zscore(key, "__other__") == VALUES - MOST, key)
        if VALUES <= 1_000_000:
            house.call("verify", "--full", "--meters", str(path))
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
