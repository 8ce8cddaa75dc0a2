"""Servers that can be hurt: three Kafka brokers, and Redis servers with any persistence."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from house import end_with_parent, free_port, wait_until


def kafka_tool():
    """The program that starts brokers, or None: KAFKA_TOOL, or the program `kafka` in KAFKA_HOME (CONTRIBUTING.md)."""
    named, home = os.environ.get("KAFKA_TOOL"), os.environ.get("KAFKA_HOME")
    tool = pathlib.Path(named) if named else pathlib.Path(home, "kafka") if home else None
    return tool if tool and os.access(tool, os.X_OK) and shutil.which("java") else None


class Brokers:
    """Three brokers in a folder of their own for the time of a `with`."""

    COUNT = 3

    def __enter__(self):
        self.tool = kafka_tool()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="odo-kafka-"))
        self.down, self.frozen = set(), set()
        self.port = self._free_ports()
        self.admin = None
        try:
            self._call("start", "--port", str(self.port), "--brokers", str(self.COUNT))
            self.bootstrap = ",".join(f"127.0.0.1:{self.port + 10 * number}" for number in range(self.COUNT))
            # Brokers that go away are what this is about: no line for each.
            self.admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Nothing may come between, also when the end is asked for twice.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for file in self.folder.glob("node*.pid"):
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(file.read_text()), signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.admin:
            self.admin.__exit__(None, None, None)  # on this thread, as in House

    def _free_ports(self):
        needed = [10 * number + more for number in range(self.COUNT) for more in (0, 1)]
        while True:
            port = 20000 + 40 * (int.from_bytes(os.urandom(2), "big") % 250)
            with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
                for offset in needed:
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
                return port

    def _call(self, *arguments):
        environment = {"KAFKA_HEAP": "512m", **os.environ}
        subprocess.run(
            [self.tool, *arguments, "--dir", self.folder], env=environment, check=True, timeout=120,
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )

    def process_id(self, node):
        return int((self.folder / f"node{node}.pid").read_text())

    def kill(self, node):
        """kill -9 of one broker."""
        self.down.add(node)
        self._call("stop", "--node", str(node), "--kill")

    def restart(self, node):
        """Starts a killed broker again and waits for its port."""
        try:
            self._call("restart-node", str(node))
        except subprocess.SubprocessError:
            # A machine that stood still meanwhile: once more, from the beginning.
            self.kill(node)
            self._call("restart-node", str(node))
        self.down.discard(node)

    def freeze(self, node):
        """Stops the broker with open connections: a half-open link to everybody."""
        self.frozen.add(node)
        os.kill(self.process_id(node), signal.SIGSTOP)

    def thaw(self, node):
        self.frozen.discard(node)
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self.process_id(node), signal.SIGCONT)

    def heal(self, seconds=90):
        """All brokers run, and every partition has all its copies in sync."""
        for node in list(self.frozen):
            self.thaw(node)
        # All at once: a single node of three waits for a majority before its port opens.
        starts = [threading.Thread(target=self.restart, args=(node,)) for node in list(self.down)]
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        wait_until(self.is_whole, seconds, "every copy in sync")

    def is_whole(self):
        try:
            topics = self.admin.list_topics(timeout=5)
        except KafkaException:
            return False
        return len(topics.brokers) == self.COUNT and all(
            partition.leader >= 0 and len(partition.isrs) == len(partition.replicas)
            for topic in topics.topics.values()
            for partition in topic.partitions.values()
        )

    def leader(self, topic, partition):
        """The broker that leads a partition now."""
        return self.admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader

    def coordinator(self, group):
        """The broker that coordinates a group now."""
        return self.admin.describe_consumer_groups([group])[group].result(30).coordinator.id

    def folder_of(self, node, topic, partition):
        """Where a broker keeps its copy of a partition."""
        return self.folder / f"data{node}" / f"{topic}-{partition}"


class RedisServer:
    """A redis-server on a TCP port and with a folder of its own, which outlives its ends."""

    def __init__(self, folder, *options, host="127.0.0.1", port=None, **environment):
        """Without a port it takes a free one; `environment` is added to that of the process."""
        self.environment = {**os.environ, **environment}
        self.folder = folder
        self.folder.mkdir()
        self.options = options
        self.host, self.port = host, port or free_port()
        self.address = (host, self.port)
        self.url = f"redis://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.client = redis.Redis(
            host, self.port, decode_responses=True, encoding_errors="replace", socket_timeout=15)
        self.process = None
        self.start()

    def start(self, file_limit=None):
        """Starts it on what its folder holds and waits until that is loaded."""

        def prepare():
            end_with_parent()
            if file_limit:
                # Ignored, so that a write beyond the limit fails like one on a full disk.
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY))

        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", self.host, "--dir", self.folder,
                 "--repl-diskless-sync-delay", "0", "--save", "", *self.options],
                stdout=log, stderr=log, preexec_fn=prepare, env=self.environment,
            )
        wait_until(self.answers, 20, "redis-server")
        return self

    def answers(self):
        try:
            return self.client.ping()
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            return False

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def log(self):
        return (self.folder / "redis.log").read_text()

    def aof(self):
        """The file that the commands of now are appended to."""
        return max((self.folder / "appendonlydir").glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)

    def dump(self):
        """Writes a whole copy; its bytes."""
        self.client.save()
        return (self.folder / "dump.rdb").read_bytes()

    def restore(self, copy):
        """Ends, puts an older copy in place and starts again; without AOF only."""
        self.kill()
        (self.folder / "dump.rdb").write_bytes(copy)
        self.start()

    def wait_replica(self, count=1):
        """Waits until so many replicas have everything that was written before."""
        wait_until(lambda: self.client.wait(count, 1000) >= count, 30, "a replica in step")
