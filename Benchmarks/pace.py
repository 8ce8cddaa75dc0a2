"""Events at a constant rate, and how long after its due time each one is visible in Redis."""

import json
import select
import subprocess
import time
from bisect import bisect_right
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

from machine import Failure, ended

POLL = 0.02
PARTITIONS = 4
# How often marks are looked at, where the ledger has 64 shards.
WATCH_MS = 5
TOOLS = Path(__file__).resolve().parent.parent / "out/bin"


@contextmanager
def sending(servers, prefix, topic, salt, tool, *arguments):
    """Runs `paced_fill` or `paced_copy` into a topic; yields a dictionary that holds at the end what was sent, and for
    one record of 97 the milliseconds from due to visible.

    `servers` has redis, kafka and folder; `arguments` are those of the tool between bootstrap and the number of
    shards, without the topic of `paced_fill`. The ledger must exist."""
    redis, folder = servers.redis, servers.folder
    shards = redis.shards(prefix)
    watch_ms = max(1, WATCH_MS * shards // 64)
    samples = folder / f"samples-{salt}"
    watched = open(folder / f"marks-{salt}", "w+", encoding="ascii")
    watch = subprocess.Popen(
        [TOOLS / "watch_marks", redis.path, prefix, topic, str(PARTITIONS), str(watch_ms), str(shards)],
        stdin=subprocess.PIPE, stdout=watched, start_new_session=True)
    send = None
    try:
        words = [servers.kafka.bootstrap, *([topic] if tool == "paced_fill" else []), *arguments, shards, samples]
        send = subprocess.Popen([TOOLS / tool, *map(str, words)], stdout=subprocess.PIPE, text=True,
                                start_new_session=True)
        # It makes everything before it starts to send.
        if not select.select([send.stdout], [], [], 300)[0] or send.stdout.readline() != "ready\n":
            raise Failure(f"{tool} did not start to send")
        found = {}
        yield found
        said, _ = send.communicate(timeout=600)
        if send.returncode != 0:
            raise Failure(f"{tool} ended with exit code {send.returncode}")
        found.update(json.loads(said))
        sent = [tuple(map(int, line.split())) for line in samples.read_text().splitlines()]
        wanted = {}
        for shard, partition, offset, _ in sent:
            wanted[shard, partition] = max(offset, wanted.get((shard, partition), 0))
        deadline = time.monotonic() + 60
        while not are_past(redis, prefix, topic, wanted):
            if time.monotonic() > deadline:
                raise Failure("what was sent is not counted a minute later")
            time.sleep(POLL)
        time.sleep(10 * watch_ms / 1000)
    finally:
        if send:
            ended(send, 1)
        watch.stdin.close()
        watch.wait(10)
    watched.seek(0)
    found["visible_ms"], found["end_ns"] = visible(sent, watched.read().splitlines())
    watched.close()


def are_past(redis, prefix, topic, wanted):
    """Whether the marks of these shards and partitions are past these offsets."""
    starts = redis.shard_starts(prefix)
    found = redis.ask(*(("HGET", f"{starts[shard]}marks", f"{topic}/{partition}") for shard, partition in wanted))
    return all(int(mark or 0) > offset for mark, offset in zip(found, wanted.values()))


def visible(sent, lines):
    """The milliseconds from due to visible of each sample, and when the last one was visible."""
    times, marks = defaultdict(list), defaultdict(list)
    for line in lines:
        moment, shard, partition, mark = map(int, line.split())
        times[shard, partition].append(moment)
        marks[shard, partition].append(mark)
    waits, end = [], 0
    for shard, partition, offset, due in sent:
        # The first reading that found the mark past this record.
        place = bisect_right(marks[shard, partition], offset)
        if place == len(marks[shard, partition]):
            raise Failure(f"record {partition}/{offset} never became visible in shard {shard}")
        waits.append((times[shard, partition][place] - due) / 1e6)
        end = max(end, times[shard, partition][place])
    return sorted(waits), end


def share(values, part):
    """The value below which this part of the sorted values lies."""
    return values[min(len(values) - 1, int(part * len(values)))]
