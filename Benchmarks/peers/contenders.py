"""The programs that are compared: how each is started, watched and killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from comparison import odometer_cell, peer_cell
from machine import TICKS, Odometer, ended

HERE = Path(__file__).resolve().parent
METERS = HERE.parent / "meters.yaml"


def family(session):
    """The fields of /proc/PID/stat, from the state on, of all processes of a session."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[3]) == session:
            found[int(path.parent.name)] = fields
    return found


class Contender:
    """One program that counts a topic into Redis, in a session of its own with its children."""

    # Which parts of the benchmark make sense for it; None: all.
    parts = None
    # Groups of cells that it counts, see cells.py.
    groups = "tdrah"
    # Whether `has_begun` is true once it reads, and not only once it writes.
    shows_reading = False

    def __init__(self, rig, topic, name):
        self.rig, self.topic, self.name = rig, topic, name
        self.process = None
        self.log = rig.folder / f"{name}.log"

    def stat(self):
        return family(self.process.pid)

    def cpu_seconds(self):
        """CPU of its processes, and of children that they have waited for."""
        return sum(sum(map(int, fields[11:15])) for fields in self.stat().values()) / TICKS

    def peak_bytes(self):
        """The sum of what each process has had resident at most."""
        peak = 0
        for process in self.stat():
            for line in Path(f"/proc/{process}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak += int(line.split()[1]) * 1024
        return peak

    def has_ended(self):
        return self.process.poll() is not None

    def last_words(self):
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""

    def put_aside(self):
        """How many events went to a stream of late ones."""
        return 0

    def kill(self):
        """kill -9 for all of its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process:
            ended(self.process, 20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class OdometerRun(Contender):
    """`odometer run` as it is delivered, with the catalog that all count."""

    title = "Odometer"
    cell = staticmethod(odometer_cell)
    shows_reading = True

    def start(self):
        rig = self.rig
        self.machine = Odometer(
            rig.binary, ["--bootstrap", rig.kafka.bootstrap, "--topic", self.topic, "--directory-topic", rig.directory,
                         "--dead-letter-topic", rig.letters, "--redis", f"unix://{rig.redis.path}", "--prefix", self.name,
                         "--meters", str(METERS)], str(self.log))
        self.process = self.machine.process

    def cpu_seconds(self):
        # It has no children, so there is no need to look at all processes.
        return self.machine.cpu_seconds()

    def has_begun(self):
        """Whether its metrics show a record; they are a tenth of a second behind at most."""
        samples = self.machine.metrics()
        return bool(samples) and any(value for key, value in samples.items() if key.startswith("odometer_events_total"))

    def counted(self, _):
        return self.rig.redis.counted(self.name).get("accepted", 0)

    def token(self):
        # Marks move also where nothing is counted, so the number of changes says nothing.
        return self.counted(None)


class Peer(Contender):
    """A Python program of this folder."""

    cell = staticmethod(peer_cell)

    def environment(self):
        state = self.rig.folder / f"state-{self.name}"
        return {**os.environ, "PEER_BOOTSTRAP": self.rig.kafka.bootstrap, "PEER_TOPIC": self.topic, "PEER_REDIS": self.rig.redis.path,
                "PEER_GROUP": self.name, "PEER_STATE": str(state), "PEER_MODE": self.mode, "PYTHONUNBUFFERED": "1"}

    def start(self):
        self.prepare()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([sys.executable, *self.command()], cwd=HERE, env=self.environment(), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def prepare(self):
        pass

    def has_begun(self):
        """Whether anything is in Redis: there is nothing to ask that shows the first record."""
        return self.rig.redis.ask(("DBSIZE",))[0] > 0

    def token(self):
        """What changes with each write; cheap for Redis."""
        return int(self.rig.redis.info("persistence")["rdb_changes_since_last_save"])

    def counted(self, keys):
        """The sum of these hashes, which hold each event once."""
        return sum(int(value) for flat in self.rig.redis.ask(*(("HVALS", key) for key in keys)) for value in flat)


class QuixSink(Peer):
    title, mode = "Quix Streams, increments from a sink (at-least-once)", "sink"

    def command(self):
        return ["quix_usage.py"]


class QuixState(QuixSink):
    title, mode = "Quix Streams, totals in its state store (exactly-once)", "state"


class QuixCareful(QuixSink):
    title, mode, parts = "Quix Streams, increments, with a callback and a filter for bad records", "careful", {"malformed", "null"}


class QuixWindow(QuixSink):
    title, mode, parts, groups = "Quix Streams, its windows of a day", "window", {"late"}, "d"


class BytewaxDelta(Peer):
    title, mode = "Bytewax, increments", "delta"

    @property
    def state(self):
        return Path(self.environment()["PEER_STATE"])

    def prepare(self):
        if not self.state.exists():
            self.state.mkdir()
            subprocess.run([sys.executable, "-m", "bytewax.recovery", str(self.state), "1"], check=True, timeout=60,
                           capture_output=True)

    def command(self):
        # Two workers, a snapshot each second (the shortest interval), no states of earlier epochs.
        return ["-m", "bytewax.run", "bytewax_usage:flow", "-w", "2", "-r", str(self.state), "-s", "1", "-b", "0"]


class BytewaxState(BytewaxDelta):
    title, mode = "Bytewax, absolute totals in a stateful step", "state"


class BytewaxWindow(BytewaxDelta):
    title, mode, parts, groups = "Bytewax, its windows of a day", "window", {"late"}, "d"

    def put_aside(self):
        return int(self.rig.redis.ask(("HGET", "late", "events"))[0] or 0)


CONTENDERS = {"odometer": OdometerRun, "quix-sink": QuixSink, "quix-state": QuixState, "bytewax-delta": BytewaxDelta,
              "bytewax-state": BytewaxState, "quix-careful": QuixCareful, "quix-window": QuixWindow, "bytewax-window": BytewaxWindow}
