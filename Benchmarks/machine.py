"""The servers and processes of a benchmark: started on loopback, watched, and ended again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
FIRST_POLL = 0.01


class Failure(Exception):
    """An error that ends the benchmark; its text is one line."""


def free_port():
    """A free port such that the next one is free, too; Kafka's controller uses that one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue


def ended(process, seconds):
    """Ends a process that we started, by SIGTERM or, after the time, by SIGKILL; returns its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def process_cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_busy_seconds():
    """CPU that anything has used on this machine since it started, all cores together."""
    user, nice, system, _, _, irq, softirq, steal = (
        int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


class Redis:
    """A private server without persistence on a Unix socket, and a small client for it.

    With a port it listens on loopback too, for programs that know no Unix socket.
    """

    OWN_NAME = "bench"
    # Commands that run a commit: a script, a function or a transaction.
    COMMITS = ("evalsha", "eval", "fcall", "exec")
    # Commands that only this client sends.
    OWN_COMMANDS = ("info", "config", "client", "slowlog", "flushall", "dbsize", "scan")

    def __init__(self, folder, port=0, options=None):
        self.sent, self.shard_counts = Counter(), {}
        self.path, self.port = f"{folder}/redis.sock", port
        self.log = open(f"{folder}/redis.log", "wb")
        # SLOWLOG keeps every command that blocks the server for half a millisecond or more.
        settings = {"port": port, "bind": "127.0.0.1", "unixsocket": self.path, "save": "", "appendonly": "no", "dir": folder,
                   "maxmemory-policy": "noeviction", "slowlog-log-slower-than": 500, "slowlog-max-len": 4096,
                   **(options or {})}
        line = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen(["redis-server", *line], stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        self.stream = None
        for _ in range(200):
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.settimeout(30)
                self.socket.connect(self.path)
                self.stream = self.socket.makefile("rb")
                # By this name SLOWLOG entries of the benchmark itself are recognized.
                self.ask(("CLIENT", "SETNAME", self.OWN_NAME))
                return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"redis-server did not start: see {folder}/redis.log")

    def ask(self, *commands):
        """Sends commands (tuples of texts) at once and returns their answers."""
        self.sent.update(words[0].lower() for words in commands)
        self.socket.sendall(b"".join(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
            for words in commands))
        return [self._answer() for _ in commands]

    def _answer(self):
        line = self.stream.readline()
        if not line:
            raise Failure("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Failure(f"Redis: {rest.decode()}")
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest.decode()

    def clear(self):
        self.ask(("FLUSHALL", "SYNC"), ("SLOWLOG", "RESET"), ("CONFIG", "RESETSTAT"))
        self.sent.clear()
        self.shard_counts.clear()

    def calls(self):
        """Calls since the last clear by command, also those that scripts made; without this client's."""
        found = {}
        for line in self.ask(("INFO", "commandstats"))[0].split("\r\n"):
            if line.startswith("cmdstat_"):
                name, values = line[len("cmdstat_"):].split(":", 1)
                count = int(values.split(",")[0].removeprefix("calls=")) - self.sent.get(name, 0)
                if count > 0 and name.split("|")[0] not in self.OWN_COMMANDS:
                    found[name] = count
        return found

    def info(self, section):
        return dict(line.split(":", 1) for line in self.ask(("INFO", section))[0].split("\r\n") if ":" in line)

    def cpu_seconds(self):
        fields = self.info("cpu")
        return float(fields["used_cpu_user"]) + float(fields["used_cpu_sys"])

    def main_thread_seconds(self):
        """CPU of the one thread that runs commands."""
        fields = self.info("cpu")
        return float(fields["used_cpu_user_main_thread"]) + float(fields["used_cpu_sys_main_thread"])

    def script_ms(self):
        """Median, 99th and 99.9th percentile of the times of commits since the last clear; None when there was none.

        Commits are run by that command of `COMMITS` in which most time was spent."""
        times, stats = self.info("commandstats"), self.info("latencystats")
        spent = {name: int(times[f"cmdstat_{name}"].split("usec=")[1].split(",")[0])
                 for name in self.COMMITS if f"cmdstat_{name}" in times}
        text = spent and stats.get(f"latency_percentiles_usec_{max(spent, key=spent.get)}")
        if not text:
            return None
        found = dict(part.split("=") for part in text.split(","))
        return [float(found[name]) / 1000 for name in ("p50", "p99", "p99.9")]

    def memory_bytes(self):
        return int(self.info("memory")["used_memory"])

    def longest_block_ms(self):
        """The longest command of other clients since the last clear; None when all were below half a millisecond."""
        entries = [entry for entry in self.ask(("SLOWLOG", "GET", "4096"))[0] if entry[5] != self.OWN_NAME]
        longest = max(entries, key=lambda entry: entry[2], default=None)
        return longest and (longest[2] / 1000, longest[3][0])

    def shards(self, prefix):
        """How many shards a ledger has, as it says itself; as many as by default while there is none."""
        if prefix not in self.shard_counts:
            text = self.ask(("HGET", f"{prefix}:1:{{dir}}:ledger", "shards"))[0]
            if text is None:
                return 256
            self.shard_counts[prefix] = int(text)
        return self.shard_counts[prefix]

    def shard_starts(self, prefix):
        """What the keys of each shard begin with, as schemas/redis.md has it."""
        count = self.shards(prefix)
        return [f"{prefix}:1:{{{f'{shard:03o}' if count > 64 else shard}}}:" for shard in range(count)]

    def counted(self, prefix):
        """Sums of every shard's own audit entries, by name: accepted, duplicate, ignored, rejected, lost."""
        sums = {}
        for flat in self.ask(*(("HGETALL", f"{start}audit") for start in self.shard_starts(prefix))):
            for field, value in zip(flat[::2], flat[1::2]):
                name = field.rsplit(":", 1)[1]
                if name not in ("delivered", "gaps"):
                    sums[name] = sums.get(name, 0) + int(value)
        return sums

    def lowest_marks(self, prefix):
        """The lowest mark of each partition over all shards that have one."""
        lowest = {}
        for flat in self.ask(*(("HGETALL", f"{start}marks") for start in self.shard_starts(prefix))):
            marks = {field: int(value) for field, value in zip(flat[::2], flat[1::2])
                     if not field.startswith("!") and not field.endswith("@")}
            for field, value in marks.items():
                lowest[field] = min(lowest.get(field, value), value)
        return lowest

    def sums(self, pattern):
        """The numbers of all hashes whose key matches, added up by member."""
        sums, cursor = {}, "0"
        while True:
            cursor, keys = self.ask(("SCAN", cursor, "MATCH", pattern, "COUNT", "1000"))[0]
            for flat in self.ask(*(("HGETALL", key) for key in keys)) if keys else []:
                for field, value in zip(flat[::2], flat[1::2]):
                    if value.isdigit():
                        sums[field] = sums.get(field, 0) + int(value)
            if cursor == "0":
                return sums

    def end(self):
        ended(self.process, 10)


def kafka_tool():
    """The program that starts brokers: KAFKA_TOOL, or `kafka` in the folder KAFKA_HOME; None when neither is set."""
    named, home = os.environ.get("KAFKA_TOOL"), os.environ.get("KAFKA_HOME")
    return Path(named) if named else Path(home, "kafka") if home else None


class Kafka:
    """A real broker: the one that the environment names, or one that a local program starts."""

    def __init__(self, folder):
        self.bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
        self.is_ours = not self.bootstrap
        if not self.is_ours:
            return
        self.tool, self.folder = kafka_tool(), folder
        if not self.tool:
            raise LookupError("no KAFKA_BOOTSTRAP (host:port), and neither KAFKA_TOOL nor KAFKA_HOME says what starts a broker")
        if not os.access(self.tool, os.X_OK):
            raise LookupError(f"no KAFKA_BOOTSTRAP (host:port), and {self.tool} is no program")
        if not shutil.which("java"):
            raise LookupError(f"no KAFKA_BOOTSTRAP (host:port), and no java for {self.tool}")
        environment = {"KAFKA_HEAP": "768m", **os.environ}
        started = subprocess.run([self.tool, "start", "--dir", folder, "--port", str(free_port())],
                                 capture_output=True, text=True, timeout=120, env=environment)
        if started.returncode != 0:
            self.end()
            raise Failure(f"Kafka did not start: {started.stderr.strip()}")
        self.bootstrap = started.stdout.strip().splitlines()[-1]

    def cpu_seconds(self):
        """CPU of the brokers that the benchmark started; None for a broker of the environment."""
        if not self.is_ours:
            return None
        return sum(process_cpu_seconds(process) for process in self.processes())

    def processes(self):
        """The ids of the brokers that the benchmark started; none of a cluster of the environment."""
        return [int(path.read_text()) for path in Path(self.folder).glob("node*.pid")] if self.is_ours else []

    def end(self):
        if self.is_ours:
            subprocess.run([self.tool, "stop", "--dir", self.folder], timeout=90, capture_output=True)


class Odometer:
    """One `odometer run`, watched through its metrics page and /proc; in a session of its own, like a service."""

    def __init__(self, binary, arguments, log):
        self.page = f"http://127.0.0.1:{(port := free_port())}/metrics"
        self.log = log
        with open(log, "wb") as stream:
            self.process = subprocess.Popen([binary, "run", *arguments, "--admin-listen", f"127.0.0.1:{port}"],
                                            stdout=stream, stderr=stream, stdin=subprocess.DEVNULL,
                                            start_new_session=True)

    def metrics(self):
        """The page's samples by their name with labels; None when it does not answer."""
        try:
            with urllib.request.urlopen(self.page, timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}

    def first_record(self, seconds):
        """When the last look was taken that showed no record; waits for one at most so long."""
        first = begun = time.monotonic()
        while True:
            looked = time.monotonic()
            self.must_run()
            if looked > begun + seconds:
                raise Failure(f"odometer took no record in {seconds:.0f} s: {self.last_words()}")
            samples = self.metrics()
            if samples and any(value for key, value in samples.items() if key.startswith("odometer_events_total")):
                return first
            first = looked
            time.sleep(FIRST_POLL)

    def wait_ready(self, partitions):
        """Waits until so many partitions are assigned."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.must_run()
            samples = self.metrics()
            held = samples and sum(key.startswith("odometer_partition_position") for key in samples)
            if held and held >= partitions:
                return samples
            time.sleep(FIRST_POLL)
        raise Failure(f"odometer run does not hold its partitions: {self.last_words()}")

    def must_run(self):
        if self.process.poll() is not None:
            raise Failure(f"odometer ended with exit code {self.process.returncode}: {self.last_words()}")

    def last_words(self):
        return " | ".join(Path(self.log).read_text(errors="replace").splitlines()[-3:])

    def cpu_seconds(self):
        return process_cpu_seconds(self.process.pid)

    def peak_kb(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise Failure("no peak memory in /proc")

    def end(self):
        return ended(self.process, 50)


def run_json(command, seconds):
    """Runs a program of ours in a session of its own, and returns its line of JSON.

    Linux divides cores between sessions first, so everything that is measured has a session of its own."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds,
                          start_new_session=True)
    if done.returncode != 0:
        raise Failure(f"{command[0]}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return json.loads(done.stdout)
