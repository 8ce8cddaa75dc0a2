"""Events of the official CloudEvents package, in both content modes, are counted; Redis read by schemas/redis.md says so."""

import argparse
import datetime
import json
import subprocess
import sys

import produce_cloudevents
from checks import ROOT, check, expect, run
from house import BOOTSTRAP, House, key_name

House.needed()


def produce(house, *arguments):
    """What produce_cloudevents.py says that it sent."""
    command = [sys.executable, ROOT / "Tests/Clients/produce_cloudevents.py", BOOTSTRAP, house.topic, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    expect(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


@check
def both_modes():
    """structured and binary events are counted, each once, whatever the mode of its repetition"""
    time = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=3)).replace(microsecond=250_000)
    text = time.isoformat().replace("+00:00", "Z")
    with House() as house:
        machine = house.start("run").wait_ready()
        sent = produce(house, "--count", "100", "--subject", "both: {1}", "--time", text)
        expect(sent == {"structured": 100, "binary": 100}, sent)
        for mode in ("binary", "structured", "structured"):
            produce(house, "--mode", mode, "--count", "40", "--prefix", "again", "--subject", "both: {1}", "--time", text)
        house.wait_counted()
        machine.wait_outcomes({"accepted": 240, "duplicate": 80})
        name = key_name("both: {1}")
        days = house.redis.hgetall(f"{name}:tokens:day:{time:%Y-%m}")
        expect(days == {f"{time:%d}": "240"}, days)
        agent = json.loads((ROOT / "schemas/events/token.issued.example.json").read_text())["data"]["agent"]
        tokens = house.redis.zrange(f"{name}:agent_tokens:month:{time:%Y-%m}", 0, -1, withscores=True)
        expect(tokens == [(agent, 240.0)], tokens)
        grid = house.redis.hgetall(f"{name}:agent_activity:grid:{time.isoweekday() % 7}")
        expect(grid == {f"{time:%H}": "240"}, grid)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def every_type():
    """an event of every type is accepted in both modes and changes cells"""
    types = sorted(path.name.removesuffix(".example.json") for path in (ROOT / "schemas/events").glob("*.example.json"))
    with House() as house:
        machine = house.start("run").wait_ready()
        producer = house.producer()
        for kind in types:
            wanted = argparse.Namespace(type=kind, time=None, source="/clients/python", subject=kind)
            for mode in ("structured", "binary"):
                made = produce_cloudevents.message(mode, mode, wanted)
                producer.produce(house.topic, key=kind, value=made.value, headers=list(made.headers.items()))
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted()
        machine.wait_outcomes({"accepted": 2 * len(types)})
        for kind in types:
            cells = house.redis.keys(f"{key_name(kind)}:*")
            expect(cells, f"no cell of {kind}")
        totals = house.redis.hgetall(f"{key_name('api.request')}:totals")
        expect(totals == {"api_calls": "2"}, totals)


run()
