"""Redis in cluster mode for the benchmarks: some masters on this machine, asked together as if they were one server."""

import socket
import threading
import time
from collections import Counter
from pathlib import Path

from machine import Failure, Redis, free_port

SLOTS = 16384
PATIENCE = 30


def slot_of(key):
    """CRC16 (XMODEM) of the text between the first pair of braces, modulo 16,384."""
    text, crc = key.split("{", 1)[1].split("}", 1)[0].encode(), 0
    for byte in text:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc % SLOTS


class Refusal(str):
    """An error that a node answered."""


class Node(Redis):
    """One master. Errors are answers here: a slot may be on its way."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.bus = free_port()
        more = {"cluster-enabled": "yes", "cluster-port": self.bus, "cluster-require-full-coverage": "no"}
        super().__init__(str(folder), free_port(), more)
        self.id = self.ask(("CLUSTER", "MYID"))[0]

    def _answer(self):
        line = self.stream.peek(1)[:1]
        if line == b"-":
            return Refusal(self.stream.readline()[1:-2].decode())
        return super()._answer()

    def must(self, *words):
        """Sends one command that has to succeed."""
        answer = self.ask(words)[0]
        if isinstance(answer, Refusal):
            raise Failure(f"Redis at {self.port}, {' '.join(map(str, words))}: {answer}")
        return answer


class Client(Node):
    """One more connection to a node that runs, for a thread of its own."""

    def __init__(self, path):
        self.sent, self.socket = Counter(), socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")


class Cluster(Redis):
    """So many masters without replicas. What a benchmark asks a Redis it asks all of them, and adds up."""

    def __init__(self, folder, masters):
        self.nodes, self.shard_counts = [], {}
        for number in range(masters):
            self.nodes.append(Node(Path(folder) / f"node-{number}"))
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self.owners = {}
        for number, node in enumerate(self.nodes):
            begin, end = number * SLOTS // masters, (number + 1) * SLOTS // masters
            node.must("CLUSTER", "ADDSLOTSRANGE", str(begin), str(end - 1))
            node.must("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            self.owners.update(dict.fromkeys(range(begin, end), node))
            if number:
                self.nodes[0].must("CLUSTER", "MEET", "127.0.0.1", str(node.port), str(node.bus))
        deadline = time.monotonic() + PATIENCE
        while not all(self._is_whole(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise Failure("the cluster did not come together")
            time.sleep(0.05)

    def _is_whole(self, node):
        state = dict(line.split(":", 1) for line in node.must("CLUSTER", "INFO").split("\r\n") if ":" in line)
        return (state["cluster_state"] == "ok" and int(state["cluster_known_nodes"]) == len(self.nodes)
                and int(state["cluster_slots_assigned"]) == SLOTS)

    def ask(self, *commands):
        """Commands that each name a key behind their first word: each goes to the node of its slot."""
        by_node = {}
        for place, words in enumerate(commands):
            by_node.setdefault(self.owners[slot_of(words[1])], []).append((place, words))
        answers = [None] * len(commands)
        for node, own in by_node.items():
            for (place, _), answer in zip(own, node.ask(*(words for _, words in own))):
                if isinstance(answer, Refusal):
                    raise Failure(f"Redis at {node.port}: {answer}")
                answers[place] = answer
        return answers

    def clear(self):
        self.shard_counts.clear()
        for node in self.nodes:
            node.clear()

    def calls(self):
        return dict(sum((Counter(node.calls()) for node in self.nodes), Counter()))

    def cpu_seconds(self):
        return sum(node.cpu_seconds() for node in self.nodes)

    def main_thread_seconds(self):
        return sum(node.main_thread_seconds() for node in self.nodes)

    def script_ms(self):
        """Of the node whose scripts are the slowest at the 99th percentile."""
        return max(filter(None, (node.script_ms() for node in self.nodes)), key=lambda times: times[1], default=None)

    def memory_bytes(self):
        return sum(node.memory_bytes() for node in self.nodes)

    def key_count(self):
        return sum(node.key_count() for node in self.nodes)

    def end(self):
        for node in self.nodes:
            node.end()

    def move(self, slot, target):
        """Moves a slot key by key, as redis-cli does; its seconds, and how many keys that were."""
        source, began, moved = self.owners[slot], time.monotonic(), 0
        target.must("CLUSTER", "SETSLOT", str(slot), "IMPORTING", source.id)
        source.must("CLUSTER", "SETSLOT", str(slot), "MIGRATING", target.id)
        while keys := source.must("CLUSTER", "GETKEYSINSLOT", str(slot), "50"):
            source.must("MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000", "KEYS", *keys)
            moved += len(keys)
        for node in dict.fromkeys((target, source, *self.nodes)):
            node.must("CLUSTER", "SETSLOT", str(slot), "NODE", target.id)
        self.owners[slot] = target
        return time.monotonic() - began, moved


class Commits:
    """How long no commit of a shard came, for each shard; looked at on a thread of its own, ten times a second."""

    PAUSE = 0.1

    def __init__(self, cluster, prefix, watchers):
        """`watchers`: connections of its own, node → Redis client, because those of the cluster are in use."""
        self.cluster, self.watchers = cluster, watchers
        self.keys = [f"{start}marks" for start in cluster.shard_starts(prefix)]
        self.slots = [slot_of(key) for key in self.keys]
        self.done, self.since, self.longest = {}, {}, {}
        self._lock, self._ends = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._ends.wait(self.PAUSE):
            by_node = {}
            for shard, slot in enumerate(self.slots):
                by_node.setdefault(self.cluster.owners[slot], []).append(shard)
            for node, shards in by_node.items():
                answers = self.watchers[node].ask(*(("HGET", self.keys[shard], "!done") for shard in shards))
                now = time.monotonic()
                with self._lock:
                    for shard, done in zip(shards, answers):
                        self._note(shard, done, now)

    def _note(self, shard, done, now):
        if shard in self.since:
            self.longest[shard] = max(self.longest.get(shard, 0.0), now - self.since[shard])
        # On its way to another node: no news.
        if done is None or isinstance(done, Refusal) or self.done.get(shard) == done:
            return
        if shard in self.done:
            self.since[shard] = now
        self.done[shard] = done

    def begin(self):
        with self._lock:
            self.longest = {}

    def end(self, patience=PATIENCE):
        """Waits until every shard was committed after now; the longest standstill of each shard since `begin`."""
        began = time.monotonic()
        while len(self.since) < len(self.keys) or min(self.since.values()) <= began:
            if time.monotonic() > began + patience:
                late = [shard for shard in range(len(self.keys)) if self.since.get(shard, 0) <= began]
                raise Failure(f"no commit of shards {late[:10]} in {patience} s, {len(late)} in all")
            time.sleep(self.PAUSE)
        with self._lock:
            return dict(self.longest)

    def stop(self):
        self._ends.set()
        self._thread.join(10)
