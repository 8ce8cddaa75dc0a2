"""Shared by the benchmarks of answers, freshness and idleness: tools, topics, `odometer run` and `odometer serve`."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

from machine import TICKS, Failure, Kafka, Odometer, Redis, ended, free_port, run_json

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PARTITIONS = 4
COMMIT_INTERVAL_MS = 500
WATCH_MS = 5
POLL = 0.02


def number(name, default):
    """A positive whole number of the environment."""
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or int(text) == 0:
        raise Failure(f"{name}={text}: expected a positive whole number")
    return int(text)


def cpu_seconds(process):
    """CPU that a process has used so far, in user and kernel mode."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Serve:
    """One `odometer serve` on a port of its own, by default with its own default number of threads."""

    def __init__(self, binary, redis, prefix, folder, secret, threads=None):
        self.port, admin = free_port(), free_port()
        self.log = f"{folder}/serve-{self.port}.log"
        (Path(folder) / "jwt").write_text(secret)
        with open(self.log, "wb") as stream:
            self.process = subprocess.Popen(
                [binary, "serve", "--redis", f"unix://{redis}", "--prefix", prefix,
                 "--rate-limit", "0", "--organization-requests", "0",
                 "--listen", f"127.0.0.1:{self.port}", "--admin-listen", f"127.0.0.1:{admin}",
                 "--jwt-secret-file", f"{folder}/jwt", *(["--http-threads", str(threads)] if threads else [])],
                stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError:
                time.sleep(POLL)
        self.end()
        raise Failure(f"odometer serve did not start: {Path(self.log).read_text()[-500:]}")

    def end(self):
        return ended(self.process, 30)


class Recorder:
    """A proxy between a program and Redis, on a socket of its own, that keeps what the program sends.

    `turns` counts round trips: how often the program began to send after an answer.
    """

    def __init__(self, redis, folder):
        self.path, self.redis = f"{folder}/recorder.sock", redis
        self.sent, self.turns = bytearray(), 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def clear(self):
        self.sent, self.turns = bytearray(), 0

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.redis)
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near, far):
        has_answer = True
        while True:
            for source in select.select([near, far], [], [])[0]:
                data = source.recv(1 << 20)
                if not data:
                    near.close()
                    far.close()
                    return
                if source is near:
                    self.turns += has_answer
                    self.sent += data
                has_answer = source is far
                (far if source is near else near).sendall(data)

    def end(self):
        self.listener.close()


def commands(data):
    """The commands in bytes of Redis' protocol, each as a list of its words."""
    found, at = [], 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        count, at = int(data[at + 1:end]), end + 2
        words = []
        for _ in range(count):
            end = data.index(b"\r\n", at)
            length = int(data[at + 1:end])
            words.append(bytes(data[end + 2:end + 2 + length]))
            at = end + 2 + length + 2
        found.append(words)
    return found


class Rig:
    """A broker, a Redis, topics and the tools; `end` removes all of them."""

    def __init__(self, folder):
        self.folder = folder
        self.binary = os.environ.get("TEST_BINARY") or str(ROOT / ".build/release/odometer")
        self.lanes = number("LANES", min(PARTITIONS, os.cpu_count() or 1))
        self.kafka = self.redis = None
        self.topics = []

    def build(self, *names):
        """Compiles tools of this folder; `name:library` for one that needs another library than librdkafka."""
        (ROOT / "out/bin").mkdir(parents=True, exist_ok=True)
        compiler = shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            raise Failure("no gcc or clang")
        for entry in names:
            name, *libraries = entry.split(":")
            flags = [f"-l{library}" for library in libraries or ["rdkafka"]]
            subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(ROOT / "out/bin" / name),
                            str(HERE / f"{name}.c"), *flags, "-lpthread", "-lm"], check=True, timeout=120)
        if not os.access(self.binary, os.X_OK):
            raise Failure(f"no executable {self.binary}: make build")

    def tool(self, name, *arguments, seconds=600):
        return run_json([ROOT / "out/bin" / name, *arguments], seconds)

    def start(self):
        self.kafka = Kafka(str(self.folder / "kafka"))
        self.redis = Redis(str(self.folder))
        before = "" if self.kafka.is_ours else f"odometer-bench-{os.getpid()}-"
        self.source, self.extra, self.directory, self.letters = (
            before + name for name in ("usage-events", "usage-maximum", "usage-directory", "usage-dead-letters"))
        # At a constant rate each moment is one batch, which may be large.
        self._topics("create", f"{self.source}:{PARTITIONS}:compression.type=lz4,max.message.bytes=8388608",
                     f"{self.extra}:{PARTITIONS}:compression.type=lz4", f"{self.directory}:1:cleanup.policy=compact",
                     f"{self.letters}:1")
        self.topics = [self.source, self.extra, self.directory, self.letters]

    def add_topic(self, name):
        """Makes one more topic; returns its name, which differs where the broker is not ours."""
        topic = self.source.removesuffix("usage-events") + name
        self._topics("create", f"{topic}:{PARTITIONS}")
        self.topics.append(topic)
        return topic

    def _topics(self, action, *more):
        done = subprocess.run([ROOT / "out/bin/topics", action, self.kafka.bootstrap, *more], capture_output=True,
                              text=True, timeout=90)
        if done.returncode != 0:
            raise Failure(f"topics: {done.stderr.strip()}")

    def end(self):
        if self.redis:
            self.redis.end()
        if self.kafka:
            if self.topics and not self.kafka.is_ours:
                self._topics("delete", *(f"{name}:1" for name in self.topics))
            self.kafka.end()

    def call(self, *arguments, seconds=300):
        """Runs `odometer ARGUMENTS…` to its end; returns what it printed."""
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=seconds,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failure(f"odometer {arguments[0]}: {(done.stdout + done.stderr).strip()[-1000:]}")
        return done.stdout

    # Counting

    @contextmanager
    def counting(self, prefix, topic=None, *more):
        """An `odometer run` of the shipped meters, with everything on; its exit code must be 0."""
        name = f"{prefix}-{time.monotonic_ns()}.log"
        machine = Odometer(
            self.binary, ["--bootstrap", self.kafka.bootstrap, "--topic", topic or self.source, "--directory-topic",
                          self.directory, "--dead-letter-topic", self.letters, "--redis", f"unix://{self.redis.path}",
                          "--prefix", prefix, "--lanes", str(self.lanes), "--commit-interval",
                          f"{COMMIT_INTERVAL_MS}ms", *more], str(self.folder / name))
        try:
            yield machine
            code = machine.end()
            if code != 0:
                raise Failure(f"odometer run ended with exit code {code}: {machine.last_words()}")
        finally:
            machine.end()

    def counted(self, prefix):
        """Records in the audit, of every outcome. The marks of shards without new events follow later."""
        return sum(self.redis.counted(prefix).values())

    def wait_counted(self, machine, prefix, records, patience):
        deadline = time.monotonic() + patience
        while (found := self.counted(prefix)) < records:
            machine.must_run()
            if time.monotonic() > deadline:
                raise Failure(f"{found} of {records} records counted in {patience:.0f} s: {machine.last_words()}")
            time.sleep(POLL)

    def wait_ready(self, machine):
        """Waits until every lane has joined and every partition is assigned."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            machine.must_run()
            samples = machine.metrics()
            held = samples and sum(key.startswith("odometer_partition_position") for key in samples)
            if held and held >= PARTITIONS:
                return samples
            time.sleep(POLL)
        raise Failure(f"odometer run does not hold its partitions: {machine.last_words()}")

    def maximum(self, events):
        """Events a second of a drain of the side-by-side workload, from the first record until all are counted."""
        start = int(time.time()) // 86_400 * 86_400 - 7 * 86_400
        self.tool("fill", self.kafka.bootstrap, self.extra, events, 1, start, 7)
        self.redis.ask(("CONFIG", "RESETSTAT"))
        with self.counting("maximum", self.extra) as machine:
            first = time.monotonic()
            while self.counted("maximum") == 0:
                machine.must_run()
                samples = machine.metrics()
                if samples and any(value for key, value in samples.items() if key.startswith("odometer_events_total")):
                    break
                first = time.monotonic()
                time.sleep(POLL / 2)
            self.wait_counted(machine, "maximum", events, 120 + events / 20_000)
            return events / (time.monotonic() - first)

    # Events at a constant rate

    @contextmanager
    def paced(self, prefix, rate, seconds, salt):
        """Sends the side-by-side workload at a constant rate; yields a dictionary that holds at the end what was sent,
        and for one record of 97 the milliseconds from due to visible."""
        samples = self.folder / f"samples-{salt}"
        watched = open(self.folder / f"marks-{salt}", "w+", encoding="ascii")
        watch = subprocess.Popen(
            [ROOT / "out/bin/watch_marks", self.redis.path, prefix, self.source, str(PARTITIONS), str(WATCH_MS)],
            stdin=subprocess.PIPE, stdout=watched, start_new_session=True)
        send = None
        try:
            send = subprocess.Popen(
                [ROOT / "out/bin/paced_fill", self.kafka.bootstrap, self.source, str(rate), str(seconds), str(salt),
                 str(samples)], stdout=subprocess.PIPE, text=True, start_new_session=True)
            # It makes everything before it starts to send.
            if not select.select([send.stdout], [], [], 300)[0] or send.stdout.readline() != "ready\n":
                raise Failure("paced_fill did not start to send")
            found = {}
            yield found
            said, _ = send.communicate(timeout=seconds + 180)
            if send.returncode != 0:
                raise Failure(f"paced_fill ended with exit code {send.returncode}")
            found.update(json.loads(said))
            sent = [tuple(map(int, line.split())) for line in samples.read_text().splitlines()]
            wanted = {}
            for shard, partition, offset, _ in sent:
                wanted[shard, partition] = max(offset, wanted.get((shard, partition), 0))
            deadline = time.monotonic() + 60
            while not self._are_past(prefix, wanted):
                if time.monotonic() > deadline:
                    raise Failure("what was sent is not counted a minute later")
                time.sleep(POLL)
            time.sleep(10 * WATCH_MS / 1000)
        finally:
            if send:
                ended(send, 1)
            watch.stdin.close()
            watch.wait(10)
        watched.seek(0)
        found["visible_ms"], found["end_ns"] = visible(sent, watched.read().splitlines())
        watched.close()

    def _are_past(self, prefix, wanted):
        """Whether the marks of these shards and partitions are past these offsets."""
        found = self.redis.ask(*(("HGET", f"{prefix}:1:{{{shard}}}:marks", f"{self.source}/{partition}")
                                 for shard, partition in wanted))
        return all(int(mark or 0) > offset for mark, offset in zip(found, wanted.values()))


def visible(sent, lines):
    """The milliseconds from due to visible of each sample, and when the last one was visible."""
    times, marks = defaultdict(list), defaultdict(list)
    for line in lines:
        moment, shard, partition, mark = map(int, line.split())
        times[shard, partition].append(moment)
        marks[shard, partition].append(mark)
    waits, end = [], 0
    for shard, partition, offset, due in sent:
        # The first reading that found the mark past this record.
        place = bisect_right(marks[shard, partition], offset)
        if place == len(marks[shard, partition]):
            raise Failure(f"record {partition}/{offset} never became visible in shard {shard}")
        waits.append((times[shard, partition][place] - due) / 1e6)
        end = max(end, times[shard, partition][place])
    return sorted(waits), end


def share(values, part):
    """The value below which this part of the sorted values lies."""
    return values[min(len(values) - 1, int(part * len(values)))]


def main(name, body):
    """Runs a benchmark in a folder of its own; exit code 0: goals met, or skipped; 1: missed or failed."""
    if not shutil.which("redis-server"):
        sys.exit(f"{name}: redis-server is not installed")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix=f"odometer-{name}-")).resolve()
    rig = Rig(folder)
    try:
        return body(rig)
    except LookupError as reason:
        print(f"SKIPPED: the benchmark needs a real Kafka: {reason.args[0]}")
        return 0
    except (Failure, subprocess.SubprocessError) as error:
        sys.exit(f"{name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        rig.end()
        shutil.rmtree(folder, ignore_errors=True)
