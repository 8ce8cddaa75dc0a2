#!/usr/bin/env python3
"""What the first members of a ranking of 1,000,000 users over 30 days cost (docs/decisions/0040-large-rankings.md).

    rankings.py [BINARY]        default: .build/release/odometer; MEMBERS=N SHAPES="few random same"

A Redis of its own and `odometer serve`, three shapes: few users do most; all at random; everybody once or twice. Prints
the times of the answers (the first one is compared with whole sets added up by Redis), those of another route
meanwhile, what Redis did, and how many commands took it more than 3 ms.
"""

import datetime
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / ".build/release/odometer")
MEMBERS = int(os.environ.get("MEMBERS", 1_000_000))
ORG = "org-large"
SHARDS = 256
SHARD = 2166136261
for byte in ORG.encode():
    SHARD = ((SHARD ^ byte) * 16777619) & 0xFFFFFFFF
SHARD %= SHARDS
PREFIX = f"odo:1:{{{SHARD:03o}}}:{ORG}:"
FOLDER = tempfile.mkdtemp(prefix="odo-rank-")
SOCKET = f"{FOLDER}/s"
# Characters of a key between its prefix and its checksum.
RANDOM = 43


def redis(*words):
    return subprocess.run(["redis-cli", "-s", SOCKET, *words], capture_output=True, text=True).stdout.strip()


SEED = """
local prefix, day, number, members, shape = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local part = tonumber(ARGV[6])
math.randomseed(number * 100 + part)
local sums = {}
local function add(meter, member)
  redis.call('ZINCRBY', prefix .. 'user_' .. meter .. ':day:' .. day, 1, member)
  sums[meter] = (sums[meter] or 0) + 1
end
local function id(i) return string.format('507f1f77-bcf8-6cd7-9943-%012d', i) end
if shape == 'random' then
  for i = 1, members / 100 do add(i % 3 == 0 and 'agent_flows' or 'interactions', id(math.random(members))) end
elseif shape == 'few' then
  for i = 1, members / 100 do
    local member = id(math.floor(math.exp(math.random() * math.log(members))))
    add(i % 3 == 0 and 'agent_flows' or 'interactions', member)
    add(i % 3 == 0 and 'agent_flows' or 'interactions', id(math.random(members)))
  end
else
  for i = number + 1 + 30 * part, members, 300 do add('interactions', id(i)) end
  for i = number + 1 + 30 * part, members, 600 do
    add(i % 2 == 0 and 'agent_flows' or 'interactions', id(i * 7 % members))
  end
end
for meter, sum in pairs(sums) do
  redis.call('HINCRBY', prefix .. meter .. ':day:' .. day:sub(1, 7), day:sub(9), sum)
end
"""
MONTH = "redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[1], KEYS[2]) return 1"


def days():
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return [str(today - datetime.timedelta(days=back)) for back in range(29, -1, -1)]


def key():
    """A key as `odometer keys create` makes it."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    text = "odo_r_" + "A" * RANDOM
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        digits = alphabet[rest % 62] + digits
        rest //= 62
    return text + digits


def seed(shape):
    redis("FLUSHALL")
    redis("HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", str(SHARDS), "hash", "fnv1a32", "directory:d", "1",
          "origin:usage-events/0", "0 0")
    for shard in range(SHARDS):
        redis("HSET", f"odo:1:{{{shard:03o}}}:marks", "!contract", "1:a")
    secret = key()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    redis("HSET", f"odo:1:{{dir}}:credential:{digest}", "hash", f'"{digest}"', "prefix", f'"{secret[:10]}"',
          "organization", f'"{ORG}"', "dialects", '["workspace"]', "role", '"read"')
    redis("HSET", f"{PREFIX}directory:organization", "@offset", "1", "slug", '"large"')
    Path(f"{FOLDER}/seed.lua").write_text(SEED)
    Path(f"{FOLDER}/month.lua").write_text(MONTH)
    for number, day in enumerate(days()):
        for part in range(10):
            redis("--eval", f"{FOLDER}/seed.lua", ",", PREFIX, day, str(number), str(MEMBERS), shape, str(part))
        for meter in ("interactions", "agent_flows"):
            redis("--eval", f"{FOLDER}/month.lua", f"{PREFIX}user_{meter}:month:{day[:7]}",
                  f"{PREFIX}user_{meter}:day:{day}")
    return secret


def expected(limit):
    keys = [[f"{PREFIX}user_{meter}:day:{day}" for day in days()] for meter in ("interactions", "agent_flows")]
    redis("ZUNIONSTORE", "sum", "60", *keys[0], *keys[1])
    redis("ZUNIONSTORE", "first", "30", *keys[0])
    least = redis("ZRANGE", "sum", str(limit - 1), str(limit - 1), "REV", "WITHSCORES").split()[1]
    words = redis("ZRANGE", "sum", least, "+inf", "BYSCORE", "WITHSCORES").split()
    names = words[::2]
    firsts = []
    for start in range(0, len(names), 1000):
        firsts += redis("ZMSCORE", "first", *names[start:start + 1000]).split("\n")
    rows = [(-int(total), -int(first or 0), name) for name, total, first in zip(names, words[1::2], firsts)]
    redis("DEL", "sum", "first")
    return [(name, -first, first - total) for total, first, name in sorted(rows)[:limit]]


def main():
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", SOCKET, "--save", "", "--dir", FOLDER,
                               "--logfile", f"{FOLDER}/log"])
    try:
        time.sleep(0.5)
        for shape in os.environ.get('SHAPES', 'few random same').split():
            secret = seed(shape)
            want = expected(10)
            cards = [int(redis("ZCARD", f"{PREFIX}user_interactions:day:{day}")) for day in days()]
            memory = redis("INFO", "memory").split("used_memory_human:")[1].split()[0]
            print(f"{shape}: {sum(cards)} entries of interactions, memory {memory}")
            measure(secret, want)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(FOLDER, ignore_errors=True)


def measure(secret, want):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = subprocess.Popen(
        [BINARY, "serve", "--redis", f"unix://{SOCKET}", "--listen", f"127.0.0.1:{port}", "--admin-listen",
         "127.0.0.1:0", "--rate-limit", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    headers = {"Authorization": f"Bearer {secret}", "x-org": "large"}
    root = "/api/v1/app/organization/analytics/"

    def ask(path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        begin = time.monotonic()
        connection.request("GET", root + path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body), 1000 * (time.monotonic() - begin), answer.headers

    try:
        for _ in range(100):
            try:
                if ask("totals")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        others, ends = [], threading.Event()

        def other():
            while not ends.is_set():
                others.append(ask("totals")[2])
                time.sleep(0.005)

        watcher = threading.Thread(target=other)
        watcher.start()
        redis("CONFIG", "RESETSTAT")
        redis("SLOWLOG", "RESET")
        redis("CONFIG", "SET", "slowlog-log-slower-than", "3000")
        begin, refused = time.monotonic(), []
        while True:
            status, body, took, found = ask("ranking/active-users?limit=10")
            if status == 200:
                break
            refused.append(took)
            time.sleep(0.1)
        print(f"  first answer after {time.monotonic() - begin:.2f} s, {len(refused)} times 503"
              + (f" ({max(refused):.0f} ms at most)" if refused else "") + f", itself {took:.0f} ms")
        rows = [(row["user"]["id"], row["interactions_created"], row["agent_flows_created"]) for row in body]
        assert rows == want, (rows, want)
        times = [ask("ranking/active-users?limit=10")[2] for _ in range(50)]
        print(f"  unchanged: p50 {statistics.median(times):.1f} ms, max {max(times):.1f} ms")
        times = []
        day = days()[-1]
        for index in range(20):
            redis("ZINCRBY", f"{PREFIX}user_interactions:day:{day}", "1", f"new-{index}")
            redis("ZINCRBY", f"{PREFIX}user_interactions:month:{day[:7]}", "1", f"new-{index}")
            redis("HINCRBY", f"{PREFIX}workspace:day:{day[:7]}", f"interactions:{day[8:]}", "1")
            status, body, took, found = ask("ranking/active-users?limit=10")
            assert status == 200, body
            times.append(took)
        print(f"  after a change of today: p50 {statistics.median(times):.1f} ms, max {max(times):.1f} ms")
        ends.set()
        watcher.join()
        others.sort()
        print(f"  totals meanwhile: p50 {statistics.median(others):.1f} ms, p99 {others[int(len(others) * .99)]:.1f}, "
              f"max {others[-1]:.1f} ms of {len(others)}")
        for line in redis("INFO", "commandstats").splitlines():
            if re.match("cmdstat_(z|exec|hgetall)", line):
                print("   ", line.split(",rejected")[0])
        print("  commands over 3 ms:", redis("SLOWLOG", "LEN"))
        status = Path(f"/proc/{service.pid}/status").read_text()
        print("  serve:", re.search(r"VmRSS:\s+(\d+)", status).group(1), "kB")
    finally:
        service.terminate()
        service.wait()


main()
