"""Which shard was committed when, seen from outside: how long each one stood still."""

import contextlib
import select
import socket
import threading
import time

import house
from house import wait_until


class Commits:
    """Looks at the number of commits of every shard fifty times a second, on a thread of its own.

    It asks masters with few bytes and follows their MOVED, because a client of a package would cost as much as what is
    measured. A shard whose slot is on its way has no news."""

    PAUSE = 0.02
    #: Seconds after which another node is asked who has the shards of one that does not answer.
    PATIENCE = 0.5

    def __init__(self, ports, shards=house.SHARDS, prefix="odo"):
        """`ports`: of some nodes, as others name them, and where they really are; further nodes they name."""
        self._ports = dict(ports)
        self._asked = {}
        for shard in range(shards):
            key = f"{prefix}:1:{{{house.tag(shard)}}}:marks"
            self._asked[shard] = f"*3\r\n$4\r\nHGET\r\n${len(key)}\r\n{key}\r\n$5\r\n!done\r\n".encode()
        self._owners = dict.fromkeys(self._asked, next(iter(self._ports.values())))
        self._links, self._done, self._turn = {}, {}, 0
        self._lock, self._ends = threading.Lock(), threading.Event()
        self.since, self._longest = {}, {}
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        wait_until(lambda: len(self.since) == len(self._asked), 60, "a commit of every shard")
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join(20)
        for port in list(self._links):
            self._drop(port)

    # For the case

    def begin(self):
        """Forgets what was longest; a standstill that goes on now counts from its own beginning."""
        with self._lock:
            self._longest = dict.fromkeys(self._asked, 0.0)

    def end(self, seconds=30, among=None):
        """Waits until each of these shards (all) was committed after now; the longest standstill of each: {shard: s}."""
        began, among = time.monotonic(), list(self._asked if among is None else among)

        def late():
            return [shard for shard in among if self.since[shard] <= began]

        try:
            wait_until(lambda: not late(), seconds, "")
        except AssertionError:
            raise AssertionError(f"no commit within {seconds} s of shards {late()[:20]}, {len(late())} in all") from None
        return self.so_far()

    def so_far(self):
        """The longest standstill of each shard since `begin`."""
        with self._lock:
            return dict(self._longest)

    def stand_still(self, shards, seconds):
        """Whether none of these shards was committed for so long."""
        now = time.monotonic()
        return all(now - self.since[shard] > seconds for shard in shards)

    # On the thread

    def _look(self):
        while not self._ends.wait(self.PAUSE):
            by_port = {}
            for shard, port in self._owners.items():
                by_port.setdefault(port, []).append(shard)
            for port, shards in by_port.items():
                link = self._links.get(port)
                try:
                    if link is None:
                        link = self._links[port] = _Link(port)
                    if not link.waiting:
                        link.ask(shards, b"".join(self._asked[shard] for shard in shards))
                    elif time.monotonic() > link.since + self.PATIENCE:
                        raise OSError("no answer")
                except OSError:
                    self._drop(port)
                    self._elsewhere(port, shards)
            self._read()

    def _read(self):
        """Takes what has come; never waits for a node that sleeps."""
        links = {link.socket: port for port, link in self._links.items() if link.waiting}
        for ready in select.select(list(links), [], [], self.PAUSE)[0]:
            port = links[ready]
            try:
                for shard, answer in self._links[port].answers():
                    if answer.startswith(b"-MOVED "):
                        named = int(answer.rsplit(b":", 1)[1])
                        self._owners[shard] = self._ports.get(named, named)
                    elif answer[:1] != b"-":
                        self._note(shard, answer)
            except OSError:
                self._drop(port)

    def _note(self, shard, done):
        now = time.monotonic()
        with self._lock:
            if shard in self.since:
                self._longest[shard] = max(self._longest.get(shard, 0.0), now - self.since[shard])
            if done and self._done.get(shard) != done:
                # A mark that is seen for the first time says nothing of when it was made.
                if shard in self._done:
                    self.since[shard] = now
                self._done[shard] = done

    def _elsewhere(self, port, shards):
        """Some other node knows who has these now."""
        others = [one for one in self._ports.values() if one != port]
        self._turn += 1
        for shard in shards:
            self._owners[shard] = others[self._turn % len(others)]

    def _drop(self, port):
        if link := self._links.pop(port, None):
            link.socket.close()


class _Link:
    """A connection to one node, with what it was asked and what has come of the answers."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 0.2)
        self.waiting, self.since, self._read = [], 0.0, b""

    def ask(self, shards, request):
        self.socket.sendall(request)
        self.waiting, self.since = shards, time.monotonic()

    def answers(self):
        """(shard, value or error line) of each answer that is whole; an absent value is empty."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        lines = (self._read + data).split(b"\r\n")
        found, place = [], 0
        while place + 1 < len(lines):
            has_value = lines[place][:1] == b"$" and lines[place][1:2] != b"-"
            if has_value and place + 2 >= len(lines):
                break
            answer = lines[place + 1] if has_value else b"" if lines[place][:1] == b"$" else lines[place]
            found.append((self.waiting[len(found)], answer))
            place += 1 + has_value
        self.waiting, self._read = self.waiting[len(found):], b"\r\n".join(lines[place:])
        return found
