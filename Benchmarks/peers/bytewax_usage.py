"""Usage counted with Bytewax. `contenders.py` starts it by `python -m bytewax.run`.

Environment: PEER_BOOTSTRAP, PEER_TOPIC, PEER_REDIS (a socket), and PEER_MODE:
delta   batches are added up, and a sink of its own sends increments
state   a stateful step holds the totals of an organization, absolute values go to Redis
window  days only, by tumbling windows on the events' clock without waiting, absolute values
"""

import collections
import datetime
import json
import os

import redis
from bytewax import operators
from bytewax.connectors.kafka import operators as kafka
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from cells import add, cells, event_time, put

MODE = os.environ["PEER_MODE"]
EPOCH = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


class Writer(StatelessSinkPartition):
    def __init__(self, fold, send):
        self.redis, self.fold, self.send = redis.Redis(unix_socket_path=os.environ["PEER_REDIS"]), fold, send

    def write_batch(self, items):
        counts = self.fold(items)
        if counts:
            with self.redis.pipeline(transaction=True) as pipe:
                self.send(pipe, counts)
                pipe.execute()


class RedisCounts(DynamicSink):
    def __init__(self, fold, send):
        self.fold, self.send = fold, send

    def build(self, step_id, worker_index, worker_count):
        return Writer(self.fold, self.send)


class Totals(operators.StatefulBatchLogic):
    """The totals of an organization; its snapshot is what recovery starts from."""

    def __init__(self, totals):
        self.totals = {} if totals is None else totals

    def on_batch(self, events):
        changed = {}
        for event in events:
            for cell in cells(event):
                changed[cell] = self.totals[cell] = self.totals.get(cell, 0) + 1
        return [list(changed.items())], False

    def snapshot(self):
        return dict(self.totals)


def tally(batches):
    return collections.Counter(cell for _, batch in batches for event in batch for cell in cells(event))


def last(items):
    return {cell: total for _, totals in items for cell, total in totals}


def decode(message):
    try:
        return json.loads(message.value)
    except (ValueError, TypeError):
        # A malformed record or a null value.
        return None


def day_total(item):
    key, (window, count) = item
    return key, [(("h", f"d:{key}", (EPOCH + window * DAY).date().isoformat()), count)]


def type_of(event):
    return f"{event['subject']}:{event['type']}"


flow = Dataflow("usage")
source = kafka.input("kafka", flow, brokers=[os.environ["PEER_BOOTSTRAP"]], topics=[os.environ["PEER_TOPIC"]], batch_size=2000)
operators.inspect("kafka-errors", source.errs)
usage = operators.filter_map("decode", source.oks, decode)
if MODE == "delta":
    keyed = operators.key_on("part", usage, lambda event: event["subject"][-1])
    batches = operators.collect("batch", keyed, timeout=datetime.timedelta(milliseconds=500), max_size=5000)
    operators.output("redis", batches, RedisCounts(tally, add))
elif MODE == "state":
    keyed = operators.key_on("organization", usage, lambda event: event["subject"])
    operators.output("redis", operators.stateful_batch("totals", keyed, Totals), RedisCounts(last, put))
else:
    clock = windowing.EventClock(event_time, wait_for_system_duration=datetime.timedelta(0))
    days = windowing.TumblingWindower(length=DAY, align_to=EPOCH)
    counted = windowing.count_window("days", usage, clock, days, type_of)
    operators.output("redis", operators.map("cell", counted.down, day_total), RedisCounts(last, put))
    # What is late goes to a stream of its own. Here it is only counted.
    operators.output("late", counted.late, RedisCounts(lambda items: {("h", "late", "events"): len(items)} if items else {}, add))
