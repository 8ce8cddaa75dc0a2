"""The README's first event of one's own: its commands as they are written, with other ports and names of topics.

Kafka's own tools are used where they are in PATH; elsewhere two programs of a few lines take their place, which know the
options of the README only.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys

from checks import ROOT, check, expect, run
from house import BINARY, BOOTSTRAP, House, wait_until

House.needed()

README = (ROOT / "README.md").read_text()
SECTION = re.search(r"\n## A first event of your own\n(.*?)\n## ", README, re.S)[1]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", SECTION, re.S | re.M)

TOPICS_TOOL = """#!{python}
import argparse
from confluent_kafka.admin import AdminClient, NewTopic
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--bootstrap-server", required=True)
parser.add_argument("--create", action="store_true", required=True)
parser.add_argument("--topic", required=True)
parser.add_argument("--partitions", type=int, required=True)
parser.add_argument("--config", action="append", default=[])
given = parser.parse_args()
topic = NewTopic(given.topic, given.partitions, 1, config=dict(one.split("=", 1) for one in given.config))
with AdminClient({{"bootstrap.servers": given.bootstrap_server}}) as admin:
    admin.create_topics([topic])[given.topic].result(30)
"""

PRODUCER_TOOL = """#!{python}
import argparse, sys
from confluent_kafka import Producer
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--bootstrap-server", required=True)
parser.add_argument("--topic", required=True)
parser.add_argument("--property", action="append", default=[])
given = parser.parse_args()
properties = dict(one.split("=", 1) for one in given.property)
if properties.pop("parse.key") != "true" or set(properties) != {{"key.separator"}}:
    sys.exit("unknown properties")
producer = Producer({{"bootstrap.servers": given.bootstrap_server, "partitioner": "murmur2_random"}})
failures = []
for line in sys.stdin:
    key, value = line.rstrip("\\n").split(properties["key.separator"], 1)
    producer.produce(given.topic, value, key=key, on_delivery=lambda error, _: error and failures.append(error))
sys.exit(1 if producer.flush(30) or failures else 0)
"""


class Reader(House):
    """A House in which somebody follows the README: the topics are made by its commands."""

    def __enter__(self):
        super().__enter__()
        name = self.topic.removesuffix("-events") + "-readme"
        self.topic, self.directory, self.dead = f"{name}-events", f"{name}-directory", f"{name}-dead"
        self._topics += [self.topic, self.directory, self.dead]
        self.tools = self.folder / "tools"
        self.tools.mkdir()
        (self.tools / "odometer").symlink_to(os.path.abspath(BINARY))
        self._tool("kafka-topics.sh", TOPICS_TOOL)
        self._tool("kafka-console-producer.sh", PRODUCER_TOOL)
        self.environment |= {
            "ODOMETER_TOPIC": self.topic,
            "ODOMETER_DIRECTORY_TOPIC": self.directory,
            "ODOMETER_DEAD_LETTER_TOPIC": self.dead,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
        }
        return self

    def _tool(self, name, text):
        if not shutil.which(name):
            path = self.tools / name
            path.write_text(text.format(python=sys.executable))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def here(self, text, machine=None):
        """The README's text with the names of this House."""
        names = {
            "localhost:9092": BOOTSTRAP, "usage-events": self.topic, "usage-directory": self.directory,
            "usage-dead-letters": self.dead, "http://127.0.0.1:8080": machine.url if machine else "no server yet",
        }
        for name, here in names.items():
            text = text.replace(name, here)
        return text

    def shell(self, text, **variables):
        """Runs a block of the README; what it printed."""
        return self._run(["bash", "-euo", "pipefail", "-c", text], variables)

    def python(self, text):
        """Runs a program of the README; what it printed."""
        return self._run([sys.executable, "-c", text], {})

    def _run(self, command, variables):
        done = subprocess.run(
            command, env={**self.environment, **variables}, cwd=self.folder, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL,
        )
        expect(done.returncode == 0, f"{command[-1]}\nended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout


def around_the_sleep(block):
    """What a block does before and after it waits. The check waits for what shall come, not for a time."""
    before, after = re.split(r"^sleep \d+.*\n", block, maxsplit=1, flags=re.M)
    return before, after


@check
def first_event():
    """the README's first event of one's own counts as 1, also when it is sent again, and its dead letter is shown"""
    expect([kind for kind, _ in BLOCKS] == ["sh", "sh", "sh", "python", "sh"], [kind for kind, _ in BLOCKS])
    topics, up, event, again, letter = (text for _, text in BLOCKS)
    with Reader() as house:
        house.shell(house.here(topics))
        expect(up == "odometer up\n", up)
        machine = house.start("up").wait_ready()

        send, ask = around_the_sleep(house.here(event, machine))
        key = house.shell(send + '\nprintf "key is %s" "$KEY"').rpartition("key is ")[2]
        comment = next(line for line in ask.splitlines() if line.startswith("# "))

        def answer():
            return house.shell(ask, KEY=key).strip()

        wait_until(lambda: json.loads(answer())["data"][0]["value"], 30, "an event that counts")
        expect(f"# {answer()}" == comment, f"{answer()} is not what the README says")

        said = house.python(house.here(again, machine))
        expect(re.fullmatch(r"stored at \d/1\n", said), f"not in the partition of the first: {said}")
        machine.wait_outcomes({"accepted": 1, "duplicate": 1}, 30)
        expect(f"# {answer()}" == comment, f"sent again: {answer()}")

        house.shell(re.search(r"`(odometer directory put [^`]*)`", README)[1])

        send, look = around_the_sleep(house.here(letter, machine))
        house.shell(send)
        shown = re.search(r"odometer dead-letters +# … +(.*)", look)[1]
        machine.wait_outcomes({"accepted": 1, "duplicate": 1, "malformed": 1}, 30)
        wait_until(lambda: shown in house.shell(look), 30, f"dead letter: {shown}")


run()
