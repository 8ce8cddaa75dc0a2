"""The broker and the Redis of a run of `make bench`, its topics, and the programs that are built for it."""

import os
import shutil
import subprocess
from pathlib import Path

from machine import Failure, Kafka, Redis, free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TOOLS = ("bare_consumer:rdkafka", "fill:rdkafka", "topics:rdkafka", "lines:rdkafka", "per_event:hiredis", "send_events",
         "paced_copy:rdkafka:lz4", "watch_marks:hiredis")


def number(name, default):
    """A positive whole number of the environment."""
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or int(text) == 0:
        raise Failure(f"{name}={text}: expected a positive whole number")
    return int(text)


class Servers:
    """What all parts use; `end` stops what was started."""

    def __init__(self, folder):
        self.folder, self.tools = folder, ROOT / "out/bin"
        self.lanes = number("LANES", min(4, os.cpu_count() or 1))
        self.binary = os.environ.get("TEST_BINARY") or str(ROOT / ".build/release/odometer")
        # Other executables of the same build.
        beside = Path(self.binary).parent
        self.plain, self.stages, self.increments = (
            str(beside / f"odometer-bench-{name}") for name in ("plain", "stages", "increments"))
        self.base = os.environ.get("BASE") or None
        if self.base and not os.access(self.base, os.X_OK):
            raise Failure(f"BASE={self.base}: no executable")
        self.small_meters, self.shipped_meters = str(HERE / "meters.yaml"), str(ROOT / "schemas/meters")
        self.kafka = self.redis = None
        self.topics = []

    def compile(self, *entries):
        """Compiles tools of this folder, each `NAME:LIBRARY…`."""
        self.tools.mkdir(parents=True, exist_ok=True)
        compiler = shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            raise Failure("no gcc or clang")
        for name, *libraries in (entry.split(":") for entry in entries):
            subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(self.tools / name), str(HERE / f"{name}.c"),
                            *(f"-l{library}" for library in libraries), "-lpthread", "-lm"], check=True, timeout=120)

    def build(self, *programs):
        """Compiles all tools and, unless TEST_BINARY names a build, `odometer` and these programs."""
        self.compile(*TOOLS)
        for path in [self.binary, *programs]:
            if not os.environ.get("TEST_BINARY"):
                subprocess.run(["swift", "build", "-c", "release", "--static-swift-stdlib", "--disable-local-rpath",
                                "--product", Path(path).name], cwd=ROOT, check=True, timeout=1_800)
            if not os.access(path, os.X_OK):
                raise Failure(f"no executable {path}")

    def start(self, has_port=False):
        """Starts both, with topics for the directory and dead letters.

        With `has_port` Redis listens on a port, too, for programs that know no Unix socket."""
        self.kafka = Kafka(str(self.folder / "kafka"))
        self.redis = Redis(str(self.folder), port=free_port() if has_port else 0)
        # In a cluster of the environment the topics have names of their own and are deleted at the end.
        self.before = "" if self.kafka.is_ours else f"odometer-bench-{os.getpid()}-"
        self.directory, self.letters = self.before + "usage-directory", self.before + "usage-dead-letters"
        stamp = self.folder / "topics-made"
        if not (self.kafka.is_ours and stamp.exists()):
            self.make(f"{self.directory}:1:cleanup.policy=compact", f"{self.letters}:1")
            stamp.touch()

    def new_topic(self, name, partitions):
        """Makes a topic of this run; returns its name."""
        name = f"odometer-bench-{os.getpid()}-{name}"
        # At a constant rate each moment is one batch, which may be large.
        self.make(f"{name}:{partitions}:compression.type=lz4,max.message.bytes=8388608")
        return name

    def make(self, *specifications):
        self._topics("create", *specifications)
        self.topics += [text.split(":")[0] for text in specifications]

    def _topics(self, action, *more):
        done = subprocess.run([self.tools / "topics", action, self.kafka.bootstrap, *more],
                              capture_output=True, text=True, timeout=90)
        if done.returncode != 0:
            raise Failure(f"topics: {done.stderr.strip()}")

    def version(self):
        """What the executable says it is and, where it is that of this checkout, the commit."""
        said = subprocess.run([self.binary, "--version"], capture_output=True, text=True, timeout=30).stdout.splitlines()[0]
        if os.environ.get("TEST_BINARY"):
            return f"{said} ({self.binary})"
        done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, timeout=30)
        return f"{said}, commit {done.stdout.strip()}" if done.returncode == 0 else said

    def end(self):
        if self.redis:
            self.redis.end()
        if self.kafka:
            if not self.kafka.is_ours:
                # The tool takes 16 topics at once.
                for at in range(0, len(self.topics), 16):
                    self._topics("delete", *(f"{name}:1" for name in self.topics[at:at + 16]))
            self.kafka.end()
