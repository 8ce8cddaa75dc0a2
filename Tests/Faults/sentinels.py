"""A master, two replicas and three Sentinels, and what is measured while one takes the place of another."""

import contextlib
import socketserver
import subprocess
import threading
import time

import redis
from house import end_with_parent, free_port, get, wait_until
from rig import Rig
from servers import RedisServer

NAME = "odo"


class Sentinel:
    """One Sentinel, with a folder of its own."""

    def __init__(self, folder, master, down_after):
        self.port = free_port()
        self.client = redis.Redis(port=self.port, decode_responses=True, socket_timeout=5)
        folder.mkdir()
        settings = folder / "sentinel.conf"
        settings.write_text("\n".join((
            f"port {self.port}", "bind 127.0.0.1", f"dir {folder}", f"sentinel monitor {NAME} 127.0.0.1 {master} 2",
            f"sentinel down-after-milliseconds {NAME} {down_after}", f"sentinel failover-timeout {NAME} 3000",
            f"sentinel parallel-syncs {NAME} 2", "")))
        with (folder / "sentinel.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", settings, "--sentinel"], stdout=log, stderr=log, preexec_fn=end_with_parent)
        wait_until(self.answers, 20, "a Sentinel")

    def answers(self):
        with contextlib.suppress(redis.RedisError):
            return self.client.ping()

    def knows(self, sentinels, replicas):
        """Whether it knows so many Sentinels and so many replicas that follow the master."""
        with contextlib.suppress(redis.RedisError):
            others = self.client.sentinel_sentinels(NAME)
            working = [one for one in self.client.sentinel_slaves(NAME)
                       if not one["is_sdown"] and not one["is_disconnected"] and one["master-link-status"] == "ok"]
            return len(others) == sentinels - 1 and len(working) == replicas
        return False


class Switches:
    """When Sentinels said +switch-master, by the clock of `time.monotonic`."""

    def __init__(self, sentinels):
        #: In the order of their coming.
        self.seen = []
        for sentinel in sentinels:
            threading.Thread(target=self._listen, args=(sentinel.port,), daemon=True).start()

    def _listen(self, port):
        with contextlib.suppress(redis.RedisError, OSError, ValueError):
            channel = redis.Redis(port=port, decode_responses=True).pubsub(ignore_subscribe_messages=True)
            channel.subscribe("+switch-master")
            for message in channel.listen():
                if message:
                    self.seen.append(time.monotonic())

    def wait(self, known, seconds=60):
        """When the first one after so many known ones came."""
        return wait_until(lambda: self.seen[known:] and self.seen[known], seconds, "+switch-master")


class Asker:
    """Asks one route again and again, and keeps when each answer came and what it was."""

    def __init__(self, machine, key):
        self.url, self.headers = f"{machine.url}/v1/meters", {"Authorization": f"Bearer {key}"}
        #: (begin, end, status); status 0: no answer at all.
        self.answers = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join(10)

    def _ask(self):
        while not self._ends.wait(0.01):
            began = time.monotonic()
            try:
                status = get(self.url, self.headers, timeout=5)[0]
            except OSError:
                status = 0
            self.answers.append((began, time.monotonic(), status))

    def last_failure(self, since):
        """When the last answer that was not 200 ended; `since` where there is none."""
        return max((end for began, end, status in self.answers if began >= since and status != 200), default=since)


class MinoritySentinel:
    """A Sentinel cut off from the others: it goes on naming the old master until it is told of the new one."""

    def __init__(self, port):
        self.master = port
        minority = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while line := self.rfile.readline():
                    words = [self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2] for _ in range(int(line[1:]))]
                    self.wfile.write(minority.answer(words))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"redis+sentinel://127.0.0.1:{self._server.server_address[1]}/{NAME}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, words):
        """What it says of the master, in Redis' protocol."""
        port = str(self.master)
        told = ("config-epoch", "0") if words[1] == b"MASTER" else ("127.0.0.1", port)
        return (f"*{len(told)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in told)).encode()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class SentinelRig(Rig):
    """A rig whose odometer processes know the Sentinels only."""

    def __init__(self, case, down_after=2000, isolates=False, **settings):
        """`isolates`: Sentinels and replicas reach the first master by a proxy, `front`, which can be frozen."""
        super().__init__(case, **settings)
        self._down_after = down_after
        self._isolates = isolates

    def _start_redis(self):
        super()._start_redis()
        self.front = self.add_proxy() if self._isolates else self.server
        master = str(self.front.port)
        self.servers = [self.server] + [
            self.add_redis(f"replica-{number}", "--replicaof", "127.0.0.1", master) for number in (1, 2)]
        self.sentinels = []
        for number in range(3):
            sentinel = Sentinel(self.folder / f"sentinel-{number}", master, self._down_after)
            self._stack.callback(sentinel.process.kill)
            self.sentinels.append(sentinel)
        self.switches = Switches(self.sentinels)
        self.wait_whole()
        return f"redis+sentinel://{','.join(f'127.0.0.1:{one.port}' for one in self.sentinels)}/{NAME}"

    def wait_whole(self, replicas=2, seconds=60):
        """Every Sentinel knows the others and so many replicas that follow the master."""
        wait_until(lambda: all(one.knows(3, replicas) for one in self.sentinels), seconds, "Sentinels know all")

    def follow(self, server):
        """The rig's own look at marks and numbers goes to another server; processes go on asking Sentinels."""
        self.server, self.redis = server, server.client

    def named(self):
        """The server that all Sentinels name."""

        def common():
            ports = {one.client.sentinel_get_master_addr_by_name(NAME)[1] for one in self.sentinels}
            return next((one for one in self.servers if ports == {one.port}), None)

        return wait_until(common, 30, "Sentinels agree about the master")


def cut_replication(server):
    """From now on what the master takes reaches no replica."""
    server.client.execute_command("ACL", "SETUSER", "default", "-psync", "-sync", "-replconf")
    server.client.client_kill_filter(_type="replica")


def restore_replication(server):
    """What `cut_replication` took away."""
    server.client.execute_command("ACL", "SETUSER", "default", "+@all")
