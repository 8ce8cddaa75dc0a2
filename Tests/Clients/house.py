"""What an end-to-end check starts: a private Redis, topics of its own on a real broker, and odometer processes.

Checks that need these call `House.needed()` first. The broker is the one of KAFKA_BOOTSTRAP, the program that of
TEST_BINARY; where one is absent the check says so and counts nothing.
"""

import concurrent.futures
import ctypes
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import redis
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP", "")
BINARY = os.environ.get("TEST_BINARY", "")
# Shards of a new ledger.
SHARDS = 256
_libc = ctypes.CDLL(None)
# A deadline of the whole run ends this process with SIGTERM: what was started is ended as well.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def end_with_parent():
    _libc.prctl(1, signal.SIGKILL)


def free_port():
    """A TCP port of the loopback that is free now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until(condition, seconds, what):
    """The condition's first true value; fails the check when it is not true in time.

    A machine that is suspended for a while has not waited meanwhile.
    """
    left, before = seconds, time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        now = time.monotonic()
        left -= min(now - before, 5)
        before = now
        if left < 0:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def get(url, headers=None, timeout=10):
    """Status, headers and body of a GET request."""
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), answer.read()


class Machine:
    """A running `odometer run`, `serve` or `up`."""

    def __init__(self, house, arguments, name, wrapper=(), output=None, **changes):
        """`wrapper` comes before the command, `changes` are variables of its environment, `output` is a file."""
        self.log = house.folder / f"{name}.log"
        port, admin = free_port(), free_port()
        self.url, self.admin = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin}"
        environment = {
            **house.environment,
            "ODOMETER_LISTEN": f"127.0.0.1:{port}",
            "ODOMETER_ADMIN_LISTEN": f"127.0.0.1:{admin}",
            **changes,
        }
        with (output or self.log).open("ab") as log:
            self.process = subprocess.Popen(
                [*wrapper, BINARY, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=end_with_parent,
            )

    def is_ready(self):
        """Whether /readyz says so; fails when the process has ended."""
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
        try:
            return get(f"{self.admin}/readyz")[0] == 200
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self, seconds=30):
        """Waits for /readyz; the machine itself."""
        wait_until(self.is_ready, seconds, "/readyz")
        return self

    def wait_listening(self, seconds=30):
        """Waits until its pages of state answer, whatever they say; the machine itself."""

        def is_listening():
            self.is_ready()
            try:
                return get(f"{self.admin}/healthz")[0] == 200
            except (urllib.error.URLError, OSError):
                return False

        wait_until(is_listening, seconds, "/healthz")
        return self

    def metrics(self):
        """What /metrics says: {'name{label="value"}': number}."""
        lines = get(f"{self.admin}/metrics")[2].decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def outcomes(self):
        """Records by outcome, those that occurred."""
        pattern = re.compile(r'odometer_events_total\{outcome="(.*)"\}')
        found = ((pattern.fullmatch(name), value) for name, value in self.metrics().items())
        return {match[1]: int(value) for match, value in found if match and value}

    def wait_outcomes(self, wanted, seconds=5):
        """Waits until /metrics, which is a little behind, says so."""
        deadline = time.monotonic() + seconds
        while (found := self.outcomes()) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"outcomes {found}, not {wanted}")
            time.sleep(0.1)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds=10):
        """Ends it with SIGTERM and gives its exit code; fails when it takes longer."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            said = self.log.read_text()[-2000:]
            raise AssertionError(f"did not end within {seconds} s of SIGTERM: {said}") from None


class House:
    """A Redis, topics and processes for the time of a `with`; nothing stays behind."""

    _numbers = itertools.count()
    #: Copies that Kafka keeps of the topics.
    replication = 1

    def __init__(self, partitions=4, **settings):
        self.partitions = partitions
        self.settings = settings

    @staticmethod
    def needed():
        """Ends the process in peace where there is no broker or no program to check."""
        for name, value in (("KAFKA_BOOTSTRAP", BOOTSTRAP), ("TEST_BINARY", BINARY)):
            if not value:
                print(f"skipped: {name} is not set\n0 passed, 0 failed")
                sys.exit(0)

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="odo-")
        self.folder = pathlib.Path(self._temporary.name)
        self._machines = []
        self._topics = []
        self._redis = self.admin = None
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_redis(self):
        """Starts the Redis and connects to it; its URL."""
        path = self.folder / "redis"
        self._redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", self.folder],
            stdout=subprocess.DEVNULL, preexec_fn=end_with_parent,
        )
        self.redis = redis.Redis(unix_socket_path=str(path), decode_responses=True)
        wait_until(lambda: path.exists() and self.redis.ping(), 10, "redis-server")
        return f"unix://{path}"

    def _start(self):
        url = self._start_redis()
        self.admin = AdminClient({"bootstrap.servers": BOOTSTRAP, "log_level": 0})
        name = uuid.uuid4().hex[:12]
        self.topic, self.directory, self.dead = (f"check-{name}-{part}" for part in ("events", "directory", "dead"))
        self.create_topic(self.topic, self.partitions, {"max.message.bytes": "4194304"})
        self.create_topic(self.directory, 1, {"cleanup.policy": "compact"})
        self.create_topic(self.dead, 1, {"max.message.bytes": "2097152"})
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ODOMETER_")},
            "ODOMETER_BOOTSTRAP": BOOTSTRAP,
            "ODOMETER_REDIS": url,
            "ODOMETER_TOPIC": self.topic,
            "ODOMETER_DIRECTORY_TOPIC": self.directory,
            "ODOMETER_DEAD_LETTER_TOPIC": self.dead,
            "ODOMETER_GROUP": f"check-{name}",
            **{f"ODOMETER_{name.upper()}": str(value) for name, value in self.settings.items()},
        }

    def __exit__(self, *_):
        for machine in self._machines:
            if machine.process.poll() is None:
                machine.kill()
        if self._redis:
            self._redis.kill()
            self._redis.wait()
        if self.admin:
            self._close_admin()
        self._temporary.cleanup()

    def _close_admin(self):
        # Closed here, once its answers are in: a client that is only dropped may be collected on its own
        # callback's thread, where it must not be destroyed.
        with self.admin:
            if self._topics:
                concurrent.futures.wait(self.admin.delete_topics(self._topics).values(), timeout=10)

    def freeze(self, is_frozen):
        """Stops the Redis with all that it holds, or lets it go on."""
        self._redis.send_signal(signal.SIGSTOP if is_frozen else signal.SIGCONT)

    def create_topic(self, name, partitions, config=None):
        """Creates a topic that is deleted at the end; its records stay until then.

        Many records of the checks have timestamps of the past. With the broker's own retention it deletes them
        at its next look, which comes every five minutes: then a machine that starts lacks records, and ids of the past.
        """
        config = {"retention.ms": "-1", **(config or {})}
        made = self.admin.create_topics([NewTopic(name, partitions, self.replication, config=config)])
        made[name].result(30)
        self._topics.append(name)

    def start(self, *arguments, **how):
        """Starts `odometer ARGUMENTS…`; see Machine for how."""
        machine = Machine(self, arguments, f"{arguments[0]}-{next(self._numbers)}", **how)
        self._machines.append(machine)
        return machine

    def call(self, *arguments, expected=0, timeout=120, text=None):
        """Runs `odometer ARGUMENTS…` to its end; what it printed. `expected`: the exit code, None: any."""
        done = subprocess.run(
            [BINARY, *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout, input=text,
        )
        if expected is not None and done.returncode != expected:
            said = done.stdout[-3000:] + done.stderr[-3000:]
            raise AssertionError(f"odometer {arguments[0]} ended with {done.returncode}: {said}")
        return done.stdout

    def spawn(self, *arguments):
        """Starts `odometer ARGUMENTS…` that ends by itself; the process."""
        machine = self.start(*arguments)
        return machine.process

    def key(self, organization, *dialects, role="admin"):
        """A new API key."""
        wanted = itertools.chain.from_iterable(("--dialect", dialect) for dialect in dialects)
        made = self.call("keys", "create", "--organization", organization, *wanted, "--role", role, "--json")
        return json.loads(made)["key"]

    def producer(self, **settings):
        """A producer of the official client."""
        return Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, **settings})

    def ends(self):
        """The end of the log: partition → next offset."""
        consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "nobody"})
        try:
            return {
                partition: consumer.get_watermark_offsets(TopicPartition(self.topic, partition), 30)[1]
                for partition in range(self.partitions)
            }
        finally:
            consumer.close()

    def records(self, topic=None, partitions=None):
        """All records of a topic as they are now, partition by partition."""
        topic, partitions = topic or self.topic, partitions or self.partitions
        consumer = Consumer({
            "bootstrap.servers": BOOTSTRAP, "group.id": "nobody", "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        })
        try:
            for partition in range(partitions):
                low, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), 30)
                consumer.assign([TopicPartition(topic, partition, low)])
                while low < end:
                    for record in consumer.consume(min(5000, end - low), 10):
                        if record.error():
                            raise KafkaException(record.error())
                        yield record
                        low = record.offset() + 1
        finally:
            consumer.close()

    def shards(self, prefix="odo"):
        """How many shards the ledger has; as many as a new one while there is none."""
        return int(self.redis.hget(f"{prefix}:1:{{dir}}:ledger", "shards") or SHARDS)

    def marks(self, prefix="odo"):
        """The lowest mark of all shards: partition → offset; a shard without one counts as 0."""
        pipeline = self.redis.pipeline(transaction=False)
        count = self.shards(prefix)
        for shard in range(count):
            pipeline.hmget(f"{prefix}:1:{{{tag(shard, count)}}}:marks", [f"{self.topic}/{p}" for p in range(self.partitions)])
        shards = pipeline.execute()
        return {p: min(int(marks[p] or 0) for marks in shards) for p in range(self.partitions)}

    def wait_counted(self, seconds=60, prefix="odo"):
        """Waits until every mark is at the end of the log."""
        ends = self.ends()

        def is_counted():
            nonlocal ends
            marks = self.marks(prefix)
            # What brokers said of the end just after a write may be older than the write.
            if any(marks[partition] > end for partition, end in ends.items()):
                ends = self.ends()
            return marks == ends

        wait_until(is_counted, seconds, f"marks at {ends}")


def key_name(organization, prefix="odo", shards=SHARDS):
    """The beginning of an organization's keys, as schemas/redis.md has it."""
    value = 0x811C9DC5
    for byte in organization.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{prefix}:1:{{{tag(value % shards, shards)}}}:{escaped(organization)}"


def tag(shard, shards=SHARDS):
    """What is between the braces in the names of a shard's keys, as schemas/redis.md has it."""
    return f"{shard:03o}" if shards > 64 else str(shard)


def shard_of(key):
    """The number of the shard that a key lies in."""
    text = key.split("{")[1].split("}")[0]
    return int(text, 8 if len(text) > 2 else 10)


def escaped(text):
    """A part of a key's name."""
    return "".join(f"%{ord(c):02X}" if c <= " " or c in "\x7f%:{}" else c for c in text)
