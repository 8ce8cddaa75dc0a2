"""Shared by the benchmarks of answers, freshness and idleness: tools, topics, `odometer run` and `odometer serve`."""

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
from contextlib import contextmanager
from pathlib import Path

from machine import TICKS, Failure, Odometer, ended, free_port, run_json
from pace import sending
from servers import Servers

PARTITIONS = 4
COMMIT_INTERVAL_MS = 500
POLL = 0.02
# What `openssl req -newkey` takes for this curve.
P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def certificate(folder, name, kind=P256):
    """A certificate for this machine that is its own authority, and its key."""
    files = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", files[0], "-keyout", files[1]], check=True,
                   capture_output=True)
    return files


def cpu_seconds(process):
    """CPU that a process has used so far, in user and kernel mode."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Serve:
    """One `odometer serve` on a port of its own, by default with its own default number of threads."""

    def __init__(self, binary, redis, prefix, folder, secret, threads=None, options=()):
        self.port, admin = free_port(), free_port()
        self.log = f"{folder}/serve-{self.port}.log"
        (Path(folder) / "jwt").write_text(secret)
        with open(self.log, "wb") as stream:
            self.process = subprocess.Popen(
                [binary, "serve", "--redis", f"unix://{redis}", "--prefix", prefix,
                 "--rate-limit", "0", "--organization-requests", "0",
                 "--listen", f"127.0.0.1:{self.port}", "--admin-listen", f"127.0.0.1:{admin}",
                 "--jwt-secret-file", f"{folder}/jwt", *(["--http-threads", str(threads)] if threads else []), *options],
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


class Rig(Servers):
    """The servers with two more topics: of events that come at a constant rate, and of those that find the maximum."""

    def build(self, *names):
        """Compiles tools of this folder, `NAME:LIBRARY…`; the executable must be there already."""
        self.compile(*names)
        if not os.access(self.binary, os.X_OK):
            raise Failure(f"no executable {self.binary}: make build")

    def tool(self, name, *arguments, seconds=600):
        return run_json([self.tools / name, *arguments], seconds)

    def start(self):
        super().start()
        self.source, self.extra = self.before + "usage-events", self.before + "usage-maximum"
        # At a constant rate each moment is one batch, which may be large.
        self.make(f"{self.source}:{PARTITIONS}:compression.type=lz4,max.message.bytes=8388608",
                  f"{self.extra}:{PARTITIONS}:compression.type=lz4")

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
        return machine.wait_ready(PARTITIONS)

    def maximum(self, events):
        """Events a second of a drain of the side-by-side workload, from the first record until all are counted."""
        start = int(time.time()) // 86_400 * 86_400 - 7 * 86_400
        self.tool("fill", self.kafka.bootstrap, self.extra, events, 1, start, 7)
        self.redis.ask(("CONFIG", "RESETSTAT"))
        with self.counting("maximum", self.extra) as machine:
            first = machine.first_record(60)
            self.wait_counted(machine, "maximum", events, 120 + events / 20_000)
            return events / (time.monotonic() - first)

    # Events at a constant rate

    def paced(self, prefix, rate, seconds, salt):
        """Sends the side-by-side workload at a constant rate; see `pace.sending`."""
        return sending(self, prefix, self.source, salt, "paced_fill", rate, seconds, salt)


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
