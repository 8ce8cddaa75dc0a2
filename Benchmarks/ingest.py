"""Events over HTTP: events a second and CPU an event, of bodies of 1,000 and of single events, acknowledged by Kafka.

KAFKA_BOOTSTRAP names a broker, TEST_BINARY the program (a release build). Clients, broker and Odometer share the machine, so
the figures are floors. SECONDS of each run (10).
"""

import json
import os
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/Clients"))
from house import House  # noqa: E402

House.needed()
SECONDS = float(os.environ.get("SECONDS", 10))
CATALOG = """
version: 1
events:
  use: {fields: {n: {at: /data/n, is: integer, required: true}, model: {at: /data/model}}}
meters:
  units: {kind: sum, by: [model], windows: [day, all], "on": [{event: use, amount: n}]}
"""


def event(number):
    return (
        '{"specversion":"1.0","id":"%020d","source":"/bench/ingest","type":"use","subject":"acme",'
        '"time":"2026-03-09T14:07:31Z","data":{"n":12,"model":"small"}}' % number)


def request(key, kind, body):
    head = f"POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def read(connection, rest):
    """One answer; what came behind it."""
    while b"\r\n\r\n" not in rest:
        rest += connection.recv(262_144)
    head, rest = rest.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += connection.recv(262_144)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head + rest[:300])
    return rest[length:]


def client(port, text, stop, counts, times):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rest, count = b"", 0
        while time.monotonic() < stop:
            begin = time.monotonic()
            connection.sendall(text)
            rest = read(connection, rest)
            times.append(time.monotonic() - begin)
            count += 1
    counts.append(count)


def cpu(process):
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


with House() as house:
    catalog = house.folder / "catalog.yaml"
    catalog.write_text(CATALOG)
    counter = house.start("run", "--meters", str(catalog)).wait_ready(60)
    key = house.key("acme", "operations", role="write")
    counter.terminate()
    server = house.start(
        "serve", "--meters", str(catalog), "--ingest-topic", house.topic, "--rate-limit", "0", "--organization-requests", "0").wait_listening()
    port = int(server.url.rsplit(":", 1)[1])
    lines = "\n".join(map(event, range(1000))).encode()
    for name, each, clients, text in (
        ("bodies of 1,000, 1 client", 1000, 1, request(key, "application/x-ndjson", lines)),
        ("bodies of 1,000, 4 clients", 1000, 4, request(key, "application/x-ndjson", lines)),
        ("single events, 1 client", 1, 1, request(key, "application/cloudevents+json", event(1).encode())),
        ("single events, 64 clients", 1, 64, request(key, "application/cloudevents+json", event(1).encode())),
    ):
        before, begin = cpu(server.process.pid), time.monotonic()
        counts, times = [], []
        threads = [threading.Thread(target=client, args=(port, text, begin + SECONDS, counts, times)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        span, used = time.monotonic() - begin, cpu(server.process.pid) - before
        events = sum(counts) * each
        times.sort()
        print(json.dumps({
            "what": name, "events/s": round(events / span), "requests/s": round(sum(counts) / span),
            "cpu us an event": round(used / events * 1e6, 2), "median ms": round(times[len(times) // 2] * 1e3, 2),
            "p99 ms": round(times[len(times) * 99 // 100] * 1e3, 2), "load": os.getloadavg()[0],
        }), flush=True)
