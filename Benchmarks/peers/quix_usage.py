"""Usage counted with Quix Streams, as its documentation suggests. `contenders.py` starts it.

Environment: PEER_BOOTSTRAP, PEER_TOPIC, PEER_REDIS (a socket), PEER_GROUP, PEER_STATE (a folder), and PEER_MODE:
sink    each checkpoint's events are added up, and a sink of its own sends increments; at-least-once
state   totals are in the state store (RocksDB with a changelog topic), absolute values go to Redis; exactly-once
careful as sink, with a callback that passes over malformed records and a filter for null values
window  days only, by tumbling windows without grace, absolute values; exactly-once
"""

import collections
import datetime
import os

import redis
from cells import add, cells, event_time, put
from quixstreams import Application
from quixstreams.dataframe.windows import Count
from quixstreams.sinks import BatchingSink

MODE = os.environ["PEER_MODE"]
# Odometer commits every 500 ms, every second while it catches up.
# All contenders write at least once a second.
COMMIT_SECONDS = 0.8


class RedisCounts(BatchingSink):
    """`write` runs at each checkpoint before the offsets are committed: one MULTI a partition.

    (The Redis sink that Quix ships writes a JSON text per key and cannot increment.)
    """

    def __init__(self, send, fold):
        super().__init__()
        self.send, self.fold = send, fold

    def setup(self):
        self.redis = redis.Redis(unix_socket_path=os.environ["PEER_REDIS"])

    def write(self, batch):
        counts = self.fold(item.value for item in batch)
        with self.redis.pipeline(transaction=True) as pipe:
            self.send(pipe, counts)
            pipe.execute()


def tally(events):
    return collections.Counter(cell for event in events for cell in cells(event))


def last(values):
    return {tuple(cell): total for totals in values for cell, total in totals}


def count(event, state):
    totals = []
    for cell in cells(event):
        name = "|".join(cell)
        total = state.get(name, 0) + 1
        state.set(name, total)
        totals.append((cell, total))
    return totals


def day_total(value, key, at, headers):
    day = datetime.datetime.fromtimestamp(value["start"] / 1000, datetime.timezone.utc).date().isoformat()
    return [(("h", f"d:{key}", day), value["count"])]


def main():
    app = Application(
        broker_address=os.environ["PEER_BOOTSTRAP"],
        consumer_group=os.environ["PEER_GROUP"],
        auto_offset_reset="earliest",
        processing_guarantee="at-least-once" if MODE in ("sink", "careful") else "exactly-once",
        commit_interval=COMMIT_SECONDS,
        state_dir=os.environ["PEER_STATE"],
        loglevel="WARNING",
        on_consumer_error=(lambda *_: True) if MODE == "careful" else None,
    )
    # Only windows need the time of an event.
    times = {"timestamp_extractor": lambda event, *_: int(event_time(event).timestamp() * 1000)} if MODE == "window" else {}
    events = app.dataframe(app.topic(os.environ["PEER_TOPIC"], value_deserializer="json", **times))
    if MODE == "sink":
        events.sink(RedisCounts(add, tally))
    elif MODE == "careful":
        events.filter(lambda event: event is not None).sink(RedisCounts(add, tally))
    elif MODE == "state":
        events.apply(count, stateful=True).sink(RedisCounts(put, last))
    else:
        events["key"] = events.apply(lambda event: f"{event['subject']}:{event['type']}")
        days = events.group_by("key").tumbling_window(datetime.timedelta(days=1)).agg(count=Count()).current()
        days.apply(day_total, metadata=True).sink(RedisCounts(put, last))
    app.run()


if __name__ == "__main__":
    main()
