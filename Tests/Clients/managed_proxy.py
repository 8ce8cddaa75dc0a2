"""A proxy before a Redis server that refuses commands and cuts INFO short, as managed services do.

It passes on what it does not concern, byte by byte. Commands that a script runs do not come by here.
"""

import contextlib
import pathlib
import queue
import socket
import threading


class ManagedProxy:
    """Listens on a Unix socket in `folder`; `server` is the path of the server's."""

    def __init__(self, server, folder, refused=(), hidden=()):
        """`refused`: names of commands; `hidden`: names of lines of INFO."""
        self.server = str(server)
        self.path = str(pathlib.Path(folder) / "managed")
        self.refused = {name.upper() for name in refused}
        self.hidden = set(hidden)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """Takes no further connections."""
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.server)
            except OSError:
                server.close()
                client.close()
                continue
            answers = queue.SimpleQueue()
            for work in (self._take, self._answer):
                threading.Thread(target=self._until_closed, args=(work, client, server, answers), daemon=True).start()

    def _until_closed(self, work, client, server, answers):
        with contextlib.suppress(OSError, EOFError):
            work(client, server, answers)
        answers.put(None)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _take(self, client, server, answers):
        """Reads commands, and says for each how its answer comes."""
        reader = client.makefile("rb")
        while True:
            head = _line(reader)
            words, parts = [], [head]
            for _ in range(int(head[1:])):
                size = _line(reader)
                word = _exactly(reader, int(size[1:]) + 2)
                parts += [size, word]
                if len(words) < 2:
                    words.append(word[:-2].decode("latin-1").upper())
            if words[0] in self.refused:
                answers.put(b"-ERR unknown command '%s'\r\n" % words[0].encode())
            else:
                answers.put(words[0])
                server.sendall(b"".join(parts))

    def _answer(self, client, server, answers):
        """Sends the answers in the order of their commands."""
        reader = server.makefile("rb")
        while (expected := answers.get()) is not None:
            if isinstance(expected, bytes):
                client.sendall(expected)
                continue
            answer = _reply(reader)
            client.sendall(self._cut(answer) if expected == "INFO" else answer)

    def _cut(self, answer):
        if not answer.startswith(b"$"):
            return answer
        lines = answer.split(b"\r\n", 1)[1][:-2].split(b"\r\n")
        text = b"\r\n".join(line for line in lines if line.split(b":")[0].decode() not in self.hidden)
        return b"$%d\r\n%s\r\n" % (len(text), text)


def _line(reader):
    line = reader.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError
    return line


def _exactly(reader, size):
    data = reader.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _reply(reader):
    """One answer of the protocol's version 2, as it is."""
    head = _line(reader)
    if head[:1] == b"$" and int(head[1:]) >= 0:
        return head + _exactly(reader, int(head[1:]) + 2)
    if head[:1] == b"*":
        return head + b"".join(_reply(reader) for _ in range(int(head[1:])))
    return head
