"""Everything that a case hurts: topics on the brokers, Redis servers, proxies, and odometer processes."""

import collections
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import house
import redis
from house import House, wait_until
from proxy import Proxy
from servers import RedisServer

#: The least session that brokers allow: what a killed process held is soon free.
SESSION = ("--kafka-property", "session.timeout.ms=6000")
#: Small, so that the streams of the cases are longer than the window.
WINDOW = 16384


class Rig(House):
    """A House on three brokers, with a Redis of any persistence behind a TCP port."""

    def __init__(self, case, redis=(), partitions=4, topic_config=None, **settings):
        super().__init__(partitions, dedupe_window=WINDOW, **settings)
        self.case = case
        self.brokers = case.brokers
        self.replication = 3 if case.brokers else 1
        self._options = redis
        self._config = topic_config or {}
        self._stack = contextlib.ExitStack()
        self._paused = set()

    def _start_redis(self):
        self.server = self.add_redis("redis", *self._options)
        self.redis = self.server.client
        self._url = self.server.url
        return self._url

    def __exit__(self, *details):
        if details and details[0] is not None:
            self._tell_logs()
        for machine in list(self._paused):
            self.go_on(machine)
        self._stack.close()
        super().__exit__(*details)

    def _tell_logs(self):
        # The folder goes away with the rig: what the processes said last belongs to the failure.
        for machine in self._machines:
            if machine.process.returncode == -signal.SIGKILL:
                continue
            with contextlib.suppress(OSError):
                lines = machine.log.read_text().splitlines()[-12:]
                print(f"--- {machine.log.name} (ended with {machine.process.poll()})", *lines, sep="\n    ")
            with contextlib.suppress(OSError, AssertionError):
                if is_running(machine):
                    samples = [f"{name} {value:g}" for name, value in machine.metrics().items()
                               if "partition=" in name or "_commits_total" in name or "_steps_back" in name]
                    print("    now:", stopped_reasons(machine), *samples, sep="\n    ")

    def create_topic(self, name, partitions, config=None):
        config = {**(config or {}), **(self._config if name == self.topic else {})}
        if self.replication > 1:
            config.setdefault("min.insync.replicas", "2")
        super().create_topic(name, partitions, config)

    # Servers

    def add_redis(self, name, *options, **how):
        """One more Redis, which ends with the rig; see RedisServer for how."""
        server = RedisServer(self.folder / name, *options, **how)
        self._stack.callback(lambda: server.process.poll() is None and server.kill())
        return server

    def shim(self, name, source):
        """Path of a library made of this C source, for LD_PRELOAD."""
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            raise AssertionError("there is no C compiler")
        path, library = self.folder / f"{name}.c", self.folder / f"{name}.so"
        path.write_text(source)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, path, "-ldl"], check=True)
        return str(library)

    def add_proxy(self, server=None):
        """A proxy before a Redis (the rig's own), which ends with the rig."""
        return self._stack.enter_context(Proxy((server or self.server).address))

    def look_at(self, server):
        """The oracle and the marks look at another Redis from now on."""
        self.server, self.redis = server, server.client
        self.environment["ODOMETER_REDIS"] = server.url

    # Processes

    def count(self, *options, through=None, url=None, **how):
        """Starts `odometer run`, through a proxy or by a URL of its own."""
        if through:
            url = f"redis://127.0.0.1:{through.port}"
        if url:
            how["ODOMETER_REDIS"] = url
        return self.start("run", *SESSION, *options, **how)

    def pause(self, machine):
        """SIGSTOP: the process sleeps and does not know."""
        self._paused.add(machine)
        machine.process.send_signal(signal.SIGSTOP)

    def go_on(self, machine):
        self._paused.discard(machine)
        if machine.process.poll() is None:
            machine.process.send_signal(signal.SIGCONT)

    def kill(self, machine):
        """kill -9, counted."""
        self.case.kills += 1
        machine.kill()

    def feed(self, events=None, rate=None, seed=None, options=()):
        """Starts writing a seeded history; with a rate but no number it goes on until `wait_fed`."""
        replay = self.spawn(*self._history(events or 300_000, rate, seed), *options)
        replay.is_endless = not events
        return replay

    def fed(self, events, seed=None):
        """Writes a seeded history to its end: acknowledged by all copies."""
        self.call(*self._history(events, None, seed))

    def _history(self, events, rate, seed):
        limits = ("--rate", str(rate)) if rate else ()
        return (
            "replay", "--generate", "--events", str(events), "--seed", seed or self.case.event_seed(),
            "--to", self.topic, *limits,
        )

    # Waiting

    def counted(self, prefix="odo"):
        """How many records stand in the numbers: the sum of what every shard says of its own."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return self._counted(prefix)
            except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
                # Away, loading or busy with a script: the case knows why, and asks for numbers.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def counted_on(self, server):
        """The same of a server that the rig does not look at."""
        own, self.redis = self.redis, server.client
        try:
            return self._counted("odo")
        finally:
            self.redis = own

    def _counted(self, prefix):
        return sum(self._by_partition(prefix).values())

    def _by_partition(self, prefix="odo"):
        pipeline = self.redis.pipeline(transaction=False)
        for shard in range(house.SHARDS):
            pipeline.hgetall(f"{prefix}:1:{{{house.tag(shard)}}}:audit")
        # Further events of a record have outcomes, and no offset of their own.
        signs = {"accepted": 1, "duplicate": 1, "ignored": 1, "rejected": 1, "further": -1}
        counted = collections.Counter()
        for audit in pipeline.execute():
            for field, value in audit.items():
                # The shard's birth has no outcome.
                place, _, outcome = field.rpartition(":")
                topic, _, partition = place.rpartition("/")
                if topic == self.topic and outcome in signs:
                    counted[int(partition)] += signs[outcome] * int(value)
        return counted

    def wait_progress(self, more=1, seconds=30):
        """Waits until so many more records are counted than now."""
        before = self.counted()
        wait_until(lambda: self.counted() >= before + more, seconds, f"{more} more records than {before}")

    def wait_all(self, seconds=60):
        """Waits until every record of a log without gaps is in the numbers.

        Quicker than `wait_counted`: the marks of shards without records move every 10 s only.
        """
        ends, before = self.ends(), self.counted()
        try:
            wait_until(lambda: self.counted() >= sum(ends.values()), seconds, "")
        except AssertionError:
            missing = {partition: end - counted for partition, end in ends.items()
                       if (counted := self._by_partition().get(partition, 0)) < end}
            raise AssertionError(
                f"{sum(ends.values())} records are not counted within {seconds} s: {before} before, "
                f"{self.counted()} now, missing by partition {missing}") from None

    def wait_fed(self, replay, seconds=60):
        """Waits for the end of a history, or ends an endless one; fails where it was not acknowledged."""
        if replay.is_endless:
            # The log holds what was acknowledged, and perhaps the last records that were on their way.
            replay.kill()
            replay.wait()
            return
        wait_until(lambda: replay.poll() is not None, seconds, "the end of the history")
        if replay.returncode != 0:
            raise AssertionError(f"the history ended with {replay.returncode}")

    def says(self, machine, word, since=0, seconds=30):
        """Waits until a machine's log holds a word behind `since` bytes; the log from there on."""
        return wait_until(lambda: word in (text := log(machine, since)) and text, seconds, f"'{word}' in the log")


def log(machine, since=0):
    """A machine's log behind `since` bytes."""
    with contextlib.suppress(FileNotFoundError):
        return machine.log.read_bytes()[since:].decode(errors="replace")
    return ""


def log_size(machine):
    return machine.log.stat().st_size


def memory(machine):
    """Resident memory of a machine in MiB."""
    pages = int(pathlib.Path(f"/proc/{machine.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def is_running(machine):
    return machine.process.poll() is None


def must_run(machine):
    """Fails where the process has ended."""
    if not is_running(machine):
        raise AssertionError(f"ended with {machine.process.returncode}")


def stopped_reasons(machine):
    """What has stopped by /troubles."""
    return house.get(f"{machine.admin}/troubles")[2].decode()


def sleep_until(deadline):
    time.sleep(max(0, deadline - time.monotonic()))
