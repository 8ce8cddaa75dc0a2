"""Measures one contender: its rate and cost, and what a disturbance does to its numbers."""

import os
import threading
import time
from datetime import datetime, timezone

from comparison import compare
from machine import Failure

POLL = 0.01
# Every contender writes at least once a second, so after these it has written what it had.
PAUSE_SECONDS, QUIET_SECONDS = 0.25, 5
# After these without a number no more will come: of a program that starts for the first time,
# and of one whose group has to miss the member that was killed, 45 s by librdkafka's default.
STUCK_SECONDS, STUCK_AFTER_KILL_SECONDS = 20, 75
KILL_SHARE = 0.3
TRIES = 4


class Pauses:
    """Watches for moments in which this process does not run, as when the machine is suspended.

    Groups throw their members out meanwhile, so what is measured then says nothing."""

    LONGEST, STEP = 2, 0.25

    def __init__(self):
        self.longest, self.done = 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        before = time.monotonic()
        while not self.done.wait(self.STEP):
            now = time.monotonic()
            self.longest, before = max(self.longest, now - before), now

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def without_pause(measure):
    """The first result of some tries in which nothing was paused."""
    for _ in range(TRIES):
        with Pauses() as pauses:
            try:
                found = measure()
            except Failure as failure:
                found = failure
        if pauses.longest <= Pauses.LONGEST:
            if isinstance(found, Failure):
                raise found
            return found
        print(f"paused for {pauses.longest:.0f} s; measured again", flush=True)
    raise Failure(f"paused in each of {TRIES} tries")


def stamped(found):
    """The result with the time and the machine's load at its end."""
    return {**found, "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "load": [round(number, 2) for number in os.getloadavg()]}


def cells_in(redis, contender):
    """All cells of a contender by their names in a comparison."""
    found, cursor = {}, "0"
    while True:
        cursor, keys = redis.ask(("SCAN", cursor, "COUNT", "1000"))[0]
        kinds = redis.ask(*(("TYPE", key) for key in keys)) if keys else []
        read = {"hash": lambda key: ("HGETALL", key), "zset": lambda key: ("ZRANGE", key, "0", "-1", "WITHSCORES")}
        known = [(key, read[kind](key)) for key, kind in zip(keys, kinds) if kind in read]
        for (key, _), flat in zip(known, redis.ask(*(command for _, command in known)) if known else []):
            for member, number in zip(flat[::2], flat[1::2]):
                if cell := contender.cell(key, member):
                    found[cell] = int(number)
        if cursor == "0":
            return found


class Look:
    """Follows a contender's numbers in Redis."""

    def __init__(self, contender, truth):
        self.contender, self.truth = contender, truth
        self.keys = sorted({key for key, _ in truth if key[0] == contender.groups[0]})
        self.token, self.changed = contender.token(), time.monotonic()
        self.number, self.is_counted = 0, False

    def again(self):
        """Looks whether anything was written since the last look."""
        looked = time.monotonic()
        token = self.contender.token()
        if token == self.token:
            return False
        self.token, self.changed, self.is_counted = token, looked, False
        return True

    def count(self):
        if not self.is_counted:
            self.number, self.is_counted = self.contender.counted(self.keys), True
        return self.number

    def quiet_for(self):
        return time.monotonic() - self.changed

    def until_settled(self, events, stuck_seconds):
        """Until all is counted and nothing more comes, or the program has ended or is stuck."""
        while not self.contender.has_ended() and self.quiet_for() < stuck_seconds:
            self.again()
            if self.quiet_for() > QUIET_SECONDS and self.count() >= events:
                return
            time.sleep(POLL)

    def result(self):
        found = cells_in(self.contender.rig.redis, self.contender)
        return stamped(compare(found, self.truth, self.contender.groups))


class Mark:
    """How much was counted and used at a moment."""

    def __init__(self, contender, counted):
        self.time, self.counted = time.monotonic(), counted
        self.cpu, self.redis_cpu = contender.cpu_seconds(), contender.rig.redis.cpu_seconds()


def rate(contender, log):
    """What the events after the first mark cost, so that starting is left out."""
    begun = time.monotonic()
    contender.rig.redis.clear()
    try:
        contender.start()
        look = Look(contender, log.truth)
        first, patience = first_mark(contender, look, begun), 120 + log.events / 1_000
        while look.quiet_for() < PAUSE_SECONDS or look.count() < log.events:
            look.again()
            must_go_on(contender, begun, patience)
            time.sleep(2 * POLL)
        last, seconds = Mark(contender, look.count()), look.changed - first.time
        events = last.counted - first.counted
        if events == 0:
            raise Failure(f"{log.events} events are too few: {contender.name} wrote them all at once")
        figures = {
            "events": log.events, "measured_events": events, "events_per_second": events / seconds, "seconds": seconds,
            "start_seconds": first.time - begun, "start_cpu_seconds": first.cpu,
            "cpu_us_per_event": (last.cpu - first.cpu) / events * 1e6,
            "redis_us_per_event": (last.redis_cpu - first.redis_cpu) / events * 1e6, "peak_bytes": contender.peak_bytes(),
        }
        return {**figures, **look.result()}
    finally:
        contender.end()


def first_mark(contender, look, begun):
    """Where a rate begins.

    Odometer's metrics show that it reads: the last look before that. Of a peer only what it has
    written shows: the end of its first writing, with what was counted by then."""
    mark = Mark(contender, 0)
    while not contender.has_begun():
        must_go_on(contender, begun, STUCK_AFTER_KILL_SECONDS)
        time.sleep(POLL)
        mark = Mark(contender, 0)
    if contender.shows_reading:
        return mark
    written = time.monotonic()
    mark = Mark(contender, 0)
    while look.quiet_for() < PAUSE_SECONDS and time.monotonic() - written < 1:
        if look.again():
            mark = Mark(contender, 0)
        time.sleep(POLL)
    mark.counted = look.count()
    return mark


def must_go_on(contender, begun, patience):
    if contender.has_ended():
        raise Failure(f"{contender.name} ended: {contender.last_words()}")
    if time.monotonic() - begun > patience:
        raise Failure(f"{contender.name} has not counted all in {patience:.0f} s")


def kill(make, log):
    """kill -9 in the first look that shows KILL_SHARE of the events, then a start as before.

    Numbers change only when a program has just written, so it is killed before it tells Kafka."""
    for _ in range(TRIES):
        contender = make()
        try:
            if (at := kill_early(contender, log)) < log.events:
                return {"killed_at": at / log.events, **after_kill(contender, log)}
        finally:
            contender.end()
    return stamped({"failed": "not caught before it was done"})


def kill_early(contender, log):
    """Returns how many events Redis holds after the kill."""
    contender.rig.redis.clear()
    contender.start()
    look, begun = Look(contender, log.truth), time.monotonic()
    while look.count() < KILL_SHARE * log.events:
        must_go_on(contender, begun, 60 + log.events / 1_000)
        look.again()
        time.sleep(POLL / 5)
    contender.kill()
    look.again()
    return look.count()


def after_kill(contender, log):
    begun = time.monotonic()
    contender.start()
    look = Look(contender, log.truth)
    while not look.again() and look.quiet_for() < STUCK_AFTER_KILL_SECONDS and not contender.has_ended():
        time.sleep(POLL)
    back = look.changed - begun
    look.until_settled(log.events, STUCK_AFTER_KILL_SECONDS)
    return {"back_seconds": back, **look.result()}


def disturb(contender, truth):
    """Counts a topic with a disturbance in it; a program that ends is started once more."""
    contender.rig.redis.clear()
    events = sum(number for (key, _), number in truth.items() if key[0] == contender.groups[0])
    ended = []
    try:
        while len(ended) < 2:
            contender.start()
            look = Look(contender, truth)
            look.until_settled(events, STUCK_SECONDS)
            if not contender.has_ended():
                break
            ended.append(contender.last_words())
        return {"ended": bool(ended), "ended_again": len(ended) == 2, "said": ended[:1],
                "put_aside": contender.put_aside(), **look.result()}
    finally:
        contender.end()
