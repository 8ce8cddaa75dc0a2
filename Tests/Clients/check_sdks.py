"""What clients of metering services send is in the gallery byte for byte, and events sent by other Kafka clients count."""

import os
import pathlib
import subprocess
import sys

import gallery
import sdk_bytes
from checks import ROOT, check, expect, run
from cloudevents.core.bindings.kafka import to_binary_event
from cloudevents.core.v1.event import CloudEvent
from house import BOOTSTRAP, House, key_name
from kafka import KafkaProducer

TOOLS = pathlib.Path(os.environ.get("SDK_TOOLS", ROOT / ".tools/sdk")) / "bin/python3"
if not TOOLS.exists():
    print("skipped: the packages of Tests/Clients/sdks.txt are not installed\n0 passed, 0 failed")
    sys.exit(0)
CATALOG = str(gallery.FOLDER / "cloudevents_sdk.yaml")


def said(*arguments):
    """What sdk_bytes.py prints where the clients are installed."""
    done = subprocess.run([TOOLS, sdk_bytes.__file__, *arguments], capture_output=True, timeout=90)
    expect(done.returncode == 0, done.stderr.decode()[-2000:])
    return done.stdout


def in_sample(name, made):
    """The lines are in the sample, in their order."""
    expect(made, f"{name}: nothing was sent")
    sample = iter((gallery.FOLDER / f"{name}.jsonl").read_bytes().splitlines())
    for line in made:
        expect(line in sample, f"{name}.jsonl lacks, or has elsewhere: {line.decode()}")


def add(read):
    def one():
        in_sample(read.__name__, said(read.__name__).splitlines())

    one.__doc__ = f"{read.__name__}: the clients still send what the sample has"
    check(one)


for each in sdk_bytes.FORMATS:
    add(each)


@check
def second_version():
    """cloudevents_sdk: the package's second version still writes what the sample has"""
    in_sample("cloudevents_sdk", sdk_bytes.cloudevents_2())


def by_kafka_python(topic):
    """Sends 20 events of CloudEvents' package 2.x in binary mode, and the first five again."""
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True)
    sent = []
    for number in [*range(20), *range(5)]:
        attributes = {
            "id": f"python-{number}", "source": "/shop", "type": "prompt", "subject": "Kundin 1 ü", "partitionkey": "k",
            "time": sdk_bytes.NOON, "datacontenttype": "application/json", "specversion": "1.0",
        }
        message = to_binary_event(CloudEvent(attributes, {"tokens": number, "model": "größer"}))
        headers = list(message.headers.items())
        sent.append(producer.send(topic, key=message.key.encode(), value=message.value, headers=headers))
    for future in sent:
        future.get(30)
    producer.close()
    return len(sent)


if BOOTSTRAP and os.environ.get("TEST_BINARY"):

    @check
    def other_clients():
        """binary events sent by aiokafka and kafka-python count, each once"""
        with House(partitions=3) as house:
            machine = house.start("run", "--meters", CATALOG).wait_ready()
            sent = int(said("aiokafka", BOOTSTRAP, house.topic)) + by_kafka_python(house.topic)
            expect(sent == 50, sent)
            house.wait_counted()
            machine.wait_outcomes({"accepted": 40, "duplicate": 10})
            name = key_name("Kundin 1 ü")
            tokens = house.redis.hgetall(f"{name}:prompt_tokens:all")
            expect(tokens == {"größer": str(2 * sum(range(20)))}, tokens)
            expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
