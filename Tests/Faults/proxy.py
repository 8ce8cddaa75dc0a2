"""A TCP proxy that delays, freezes, refuses, cuts, and loses the reply to a commit that was carried out."""

import asyncio
import contextlib
import socket
import struct
import threading

COMMIT = b"EVALSHA"


class _Link:
    """One client's connection and ours to the server."""

    def __init__(self, client, server):
        self.sockets = (client, server)
        #: Bytes of the reply that may still pass; None = all.
        self.allowed = None

    def reset(self):
        """Ends both with RST, so that nobody waits for anything any more."""
        for writer in self.sockets:
            end = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """Listens on a port of its own and hands everything on to `target`, a (host, port)."""

    def __init__(self, target):
        self.target = target
        self.delay = 0.0
        #: New connections are refused (accepted and reset at once).
        self.refuses = False
        #: How many replies to commits were lost so far.
        self.lost = 0
        self._to_lose = []
        self._links = set()
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._call(self._stop)
        self._thread.join(10)

    # The rest of the public functions are called from the test's thread.

    def freeze(self):
        """Nothing passes any more, in both directions; connections stay open: a half-open link."""
        self._call(self._open.clear)

    def thaw(self):
        """What was held back passes, and everything after it."""
        self._call(self._open.set)

    def reset(self):
        """Ends every connection with RST."""
        self._call(lambda: [link.reset() for link in list(self._links)])

    def lead_to(self, target):
        """Another server for new connections; those to the old one stay, as when a name moves."""
        self.target = target

    def turn_to(self, target):
        """Another server from now on; connections to the old one are reset."""
        self.target = target
        self.reset()

    def lose_reply(self, passing=0):
        """The next commit is handed on; of its reply only so many bytes pass, then the link is cut."""
        self._call(lambda: self._to_lose.append(passing))

    # The loop's thread.

    def _call(self, function):
        done = threading.Event()

        def run():
            function()
            done.set()

        self._loop.call_soon_threadsafe(run)
        if not done.wait(10):
            raise AssertionError("the proxy does not answer")

    def _serve(self, ready):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.address = ("127.0.0.1", self.port)
        self._open.set()
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    def _stop(self):
        for link in list(self._links):
            link.reset()
        self._loop.stop()

    async def _accept(self, reader, writer):
        link = _Link(writer, writer)
        try:
            # A frozen link opens like any other (the kernel answers), and then nothing happens.
            await self._open.wait()
            if self.refuses:
                return
            above, to_server = await asyncio.open_connection(*self.target)
            link = _Link(writer, to_server)
            self._links.add(link)
            await asyncio.wait(
                [
                    asyncio.ensure_future(self._pump(link, reader, to_server, is_reply=False)),
                    asyncio.ensure_future(self._pump(link, above, writer, is_reply=True)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links.discard(link)
            link.reset()

    async def _pump(self, link, reader, writer, is_reply):
        waiting = asyncio.Queue()
        sender = asyncio.ensure_future(self._send(waiting, writer))
        try:
            while data := await reader.read(65536):
                if is_reply and link.allowed is not None:
                    if len(data) > link.allowed:
                        # The server has answered: what was asked is done, and nobody will hear of it.
                        self.lost += 1
                        writer.write(data[: link.allowed])
                        with contextlib.suppress(ConnectionError):
                            await writer.drain()
                        return
                    link.allowed -= len(data)
                if not is_reply and self._to_lose and COMMIT in data:
                    link.allowed = self._to_lose.pop(0)
                waiting.put_nowait((self._loop.time() + self.delay, data))
            waiting.put_nowait((0, b""))
            await sender
        except OSError:
            pass
        finally:
            sender.cancel()

    async def _send(self, waiting, writer):
        with contextlib.suppress(OSError):
            while True:
                due, data = await waiting.get()
                if not data:
                    return
                await asyncio.sleep(max(0, due - self._loop.time()))
                await self._open.wait()
                writer.write(data)
                await writer.drain()
