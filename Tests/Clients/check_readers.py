"""The readers that schemas/redis.md quotes: the same text, the known shards, and the right numbers from a real Redis."""

import contextlib
import decimal
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import redis

from checks import ROOT, check, expect, run

sys.path.insert(0, str(ROOT / "Tests/Faults"))

import clusters  # noqa: E402

READERS = ROOT / "Tests/Clients/readers"
DOCUMENT = (ROOT / "schemas/redis.md").read_text()
KNOWN = re.findall(r"^\| `(.+)` \| (\d+) \| `(odo:1:\{\d+\}:.+)` \|$", DOCUMENT, re.M)


class Server:
    """A Redis of our own for the time of a `with`."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", self.folder.name],
            stdout=subprocess.DEVNULL,
        )
        self.client = redis.Redis.from_url(self.url)
        for _ in range(100):
            try:
                self.client.ping()
                return self
            except redis.ConnectionError:
                time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def read(command, url, organization):
    environment = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}
    done = subprocess.run(
        [*command, url, organization, "api_calls", "2026-03"],
        capture_output=True, text=True, timeout=30, env=environment,
    )
    expect(done.returncode == 0, done.stderr)
    return json.loads(done.stdout, parse_float=decimal.Decimal)


@check
def quoted():
    """the document quotes the readers as they are"""
    for name, fence in (("reader.py", "python"), ("reader.mjs", "js"), ("organizations.sh", "sh")):
        text = (READERS / name).read_text()
        expect(f"```{fence}\n{text}```" in DOCUMENT, name)


@check
def known_shards():
    """the document's shards and names are those of its rules"""
    expect(len(KNOWN) >= 6, f"{len(KNOWN)} known answers")
    for organization, shard, key in KNOWN:
        value = 0x811C9DC5
        for byte in organization.encode():
            value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
        expect(value % 256 == int(shard), f"{organization}: {value % 256}")
        escaped = "".join(f"%{ord(c):02X}" if c in " %:{}" else c for c in organization)
        expect(key == f"odo:1:{{{int(shard):03o}}}:{escaped}", key)


@check
def numbers():
    """both readers read the same right numbers, and zero where there is nothing; also of a ledger with 64 shards"""
    for shards in (256, 64):
        with Server() as server:
            read_ledger(server.client, server.url, shards, known_readers())
            expect_organizations(server.client, int(server.url.rsplit(":", 1)[1]))


def known_readers():
    """The commands that read, by name: all that can be had here."""
    readers = {"python": [sys.executable, str(READERS / "reader.py")]}
    if shutil.which("node"):
        readers["node"] = ["node", str(READERS / "reader.mjs")]
    return readers


@check
def of_a_cluster():
    """both readers read the same right numbers from three masters, also after a shard has moved"""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        cluster = clusters.Cluster(pathlib.Path(folder), stack, replicas=0)
        client = clusters.client_of(cluster)
        stack.callback(client.close)
        read_ledger(client, cluster.urls(), 256, known_readers())
        slot = clusters.slot_of(int(KNOWN[0][1]))
        source = cluster.owner(slot)
        clusters.Move(cluster, slot, next(node for node in cluster.masters() if node is not source), source).run()
        read_ledger(client, cluster.urls(), 256, known_readers())
        for node in cluster.masters():
            expect_organizations(client, node.port)


def expect_organizations(client, port):
    """The script lists the organizations of `read_ledger`, one of the directory, and one with a backslash."""
    client.hset("odo:1:{000}:only%0Aknown:directory:organization", "@offset", 1)
    client.hset("odo:1:{000}:back\\n:api_calls:all", "a", 1)
    client.hset("odo:1:{000}:marks", "events/0", 1)
    client.hset("odo:1:{dir}:credential:00", "@offset", 1)
    client.hset("odo:1:{000}x", "no", 1)
    done = subprocess.run(["bash", str(READERS / "organizations.sh"), f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, done.stderr)
    wanted = sorted([name for name, _, _ in KNOWN[:-1]] + ["only\nknown", "back\\n"])
    expect(sorted("\n".join(wanted).splitlines()) == sorted(done.stdout.splitlines()), done.stdout)


def read_ledger(client, url, shards, readers):
    client.hset("odo:1:{dir}:ledger", "shards", shards)
    for number, (_, shard, key) in enumerate(KNOWN[:-1]):
        if shards == 64:
            key = key.replace(f"{{{int(shard):03o}}}", f"{{{int(shard) % shards}}}", 1)
        client.hset(f"{key}:totals", mapping={"api_calls": 100 + number, "buckets": 7})
        client.hset(f"{key}:api_calls:day:2026-03", mapping={"09": 60 + number, "02": 40})
    for name, command in readers.items():
        for number, (organization, _, _) in enumerate(KNOWN[:-1]):
            answer = read(command, url, organization)
            expect(answer == {"total": 100 + number, "days": {"02": 40, "09": 60 + number}}, f"{name}: {answer}")
        absent = read(command, url, KNOWN[-1][0])
        expect(absent == {"total": 0, "days": {}}, f"{name}: {absent}")


@check
def decimals():
    """both readers show a meter with decimals with all of them, also below 1 and beyond 2^53"""
    readers = {"python": [sys.executable, str(READERS / "reader.py")]}
    if shutil.which("node"):
        readers["node"] = ["node", str(READERS / "reader.mjs")]
    organization, _, key = KNOWN[0]
    with Server() as server:
        server.client.hset("odo:1:{dir}:ledger", mapping={"shards": 256, "scale:api_calls": 6})
        server.client.hset(f"{key}:totals", "api_calls", 2**63 - 1)
        server.client.hset(f"{key}:api_calls:day:2026-03", mapping={"01": 5, "02": -1_500_000, "03": "1000000"})
        exact = decimal.Decimal
        wanted = {"total": exact("9223372036854.775807"), "days": {"01": exact("0.000005"), "02": exact("-1.5"), "03": exact(1)}}
        for name, command in readers.items():
            answer = read(command, server.url, organization)
            expect(answer == wanted, f"{name}: {answer}")


run()
