"""Slow, greedy and lying HTTP clients beside the counting."""

import contextlib
import socket
import struct
import time

from case import fault
from house import get
from rig import SESSION, is_running, memory

UNCLEAR = {
    "two lengths": b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length and chunks": (
        b"POST /v1/meters HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    "unknown coding": b"POST /v1/meters HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "space before the colon": b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a header of 100 kB": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
}


def connect(port, number=0, timeout=5):
    """A connection from one of many addresses of the loopback."""
    client = socket.socket()
    client.settimeout(timeout)
    client.bind((f"127.0.{1 + number // 200}.{1 + number % 200}", 0))
    client.connect(("127.0.0.1", port))
    return client


def answer(port, text):
    """Everything that comes back for these bytes until the end or 5 s."""
    found = b""
    with contextlib.closing(connect(port)) as client, contextlib.suppress(OSError):
        client.sendall(text)
        while more := client.recv(65536):
            found += more
    return found


@fault("F37", "slow headers, idle connections, RST in the answer, requests without a clear end")
def hostile_clients(case):
    """The API is under attack, and counting goes on as if nothing were."""
    with case.rig() as rig, contextlib.ExitStack() as stack:
        machine = rig.start("up", *SESSION).wait_ready()
        port = int(machine.url.rsplit(":", 1)[1])
        key = rig.key("acme", "operations")
        replay = rig.feed(rate=2000)
        rig.wait_progress()
        for name, text in UNCLEAR.items():
            found = answer(port, text)
            case.times += 1
            status = found.split(b" ")[1][:3] if found else b""
            if status not in (b"", b"400", b"431", b"413", b"501") or found.count(b"HTTP/1.1") > 1:
                raise AssertionError(f"{name}: {found[:200]}")
            if name in ("two lengths", "length and chunks", "no host") and status != b"400":
                raise AssertionError(f"{name}: {found[:200]}")
        idle = []
        for number in range(case.scaled(600, 5000)):
            with contextlib.suppress(OSError):
                idle.append(stack.enter_context(contextlib.closing(connect(port, number, 1))))
                if number % 3 == 0:
                    idle[-1].sendall(b"GET /v1/meters HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        case.times += len(idle)
        until = time.monotonic() + case.scaled(8, 40)
        while time.monotonic() < until:
            for client in idle[::3][:200]:
                # One byte now and then keeps a slow header alive, or so it hopes.
                with contextlib.suppress(OSError):
                    client.sendall(b"x")
            for number in range(20):
                with contextlib.suppress(OSError), contextlib.closing(connect(port, 900 + number, 1)) as client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.sendall(b"GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
                    client.recv(10)
                    case.times += 1
            rig.wait_progress(1, 10) if replay.poll() is None else time.sleep(0.2)
        rig.wait_fed(replay)
        with case.recovery():
            rig.wait_all()
        stack.close()
        status = get(f"{machine.url}/v1/meters", {"Authorization": f"Bearer {key}"})[0]
        if status != 200 or not is_running(machine):
            raise AssertionError(f"an honest request is answered {status} afterwards")
        case.note(f"{len(idle)} connections held, {memory(machine)} MiB of memory")
        case.verified(rig)
