"""Events of somebody else's shape are counted by a catalog alone: other envelope, other types, other fields."""

import json
import time

from checks import check, expect, run
from house import House, key_name

House.needed()
CATALOG = """\
version: 1
envelope:
  id: /meta/uid
  source: {const: shop}
  type: /kind
  subject: /customer/number
  time: {at: /meta/at, format: unix-ms}
events:
  order_placed:
    type: OrderPlaced.v2
    fields:
      country: {at: /payload/ship-to/country}
      cents: {at: /payload/price/cents, is: integer, required: true}
      channel: {at: /payload/channel, values: [web, app], default: web}
      labels: {at: /payload/labels, each: true}
  order_returned:
    type: OrderReturned
    fields:
      cents: {at: /refund, is: integer, required: true}
meters:
  orders:
    kind: count
    per: [organization, country]
    windows: [day, all]
    "on": [{event: order_placed}]
  revenue:
    kind: sum
    signed: true
    by: [channel]
    windows: [month]
    "on": [{event: order_placed, amount: cents}]
  turnover:
    kind: level
    windows: [all]
    "on":
      - {event: order_placed, amount: cents}
      - {event: order_returned, amount: -cents}
  label_use:
    kind: ranking
    by: [labels.value]
    windows: [all]
    "on": [{event: order_placed}]
  biggest:
    kind: extreme
    keep: max
    value: cents
    windows: [all]
    "on": [{event: order_placed}]
"""
CUSTOMER = "k-1"
DAY = 1_772_000_000_000  # 2026-02-25T06:13:20Z


def placed(uid, cents, at=DAY, **payload):
    return {
        "kind": "OrderPlaced.v2", "customer": {"number": CUSTOMER}, "meta": {"uid": uid, "at": at},
        "payload": {"price": {"cents": cents}, **payload}, "more": [1, {"kind": "other"}],
    }


EVENTS = [
    placed("1", 1_050, channel="app", **{"ship-to": {"country": "DE"}}, labels=["gift", "new"]),
    placed("2", 2_000, channel="web", **{"ship-to": {"country": "DE"}}, labels=["gift"]),
    placed("3", 999, at=DAY + 86_400_000, **{"ship-to": {"country": "a:b {c}"}}),
    placed("4", 1, at=DAY + 4 * 86_400_000, labels=[]),
    placed("4", 1, at=DAY + 4 * 86_400_000),  # a duplicate: source, subject and id are the same
    placed("5", "12"),  # a price that is a text
    placed("6", 12, channel="fax"),
    placed("7", 12, at="2026-02-25T06:13:20Z"),  # a time of another format
    {"kind": "OrderReturned", "customer": {"number": CUSTOMER}, "meta": {"uid": "8", "at": DAY}, "refund": 50},
    {"kind": "OrderLost", "customer": {"number": CUSTOMER}, "meta": {"uid": "9", "at": DAY}},
    {"kind": "OrderReturned", "customer": {}, "meta": {"uid": "10", "at": DAY}, "refund": 50},
]
OUTCOMES = {"accepted": 5, "duplicate": 1, "bad_field": 2, "ignored": 1, "malformed": 2}


@check
def foreign():
    """a foreign format by --meters alone: exact outcomes, exact cells and nothing else, equal to verify"""
    with House() as house:
        path = house.folder / "shop.yaml"
        path.write_text(CATALOG)
        house.call("check", "--meters", str(path))
        machine = house.start("run", "--meters", str(path)).wait_ready()
        producer = house.producer()
        for event in EVENTS:
            producer.produce(house.topic, key=CUSTOMER, value=json.dumps(event), timestamp=int(time.time() * 1000))
        expect(producer.flush(30) == 0, "flush")
        house.wait_counted()
        machine.wait_outcomes(OUTCOMES)
        name = key_name(CUSTOMER)
        hashes = {
            "totals": {"orders": "4", "turnover": "4000", "biggest": f"{2_000 + 2**63:020d}"},
            "orders:day:2026-02": {"25": "2", "26": "1"},
            "orders:day:2026-03": {"01": "1"},
            "country=DE:orders:day:2026-02": {"25": "2"},
            "country=DE:totals": {"orders": "2"},
            "country=a%3Ab%20%7Bc%7D:orders:day:2026-02": {"26": "1"},
            "country=a%3Ab%20%7Bc%7D:totals": {"orders": "1"},
            "country=unknown:orders:day:2026-03": {"01": "1"},
            "country=unknown:totals": {"orders": "1"},
            "revenue:month:2026-02": {"app": "1050", "web": "2999"},
            "revenue:month:2026-03": {"web": "1"},
        }
        for key, wanted in hashes.items():
            found = house.redis.hgetall(f"{name}:{key}")
            expect(found == wanted, f"{key}: {found}")
        ranking = house.redis.zrange(f"{name}:label_use:all", 0, -1, withscores=True)
        expect(ranking == [("new", 1.0), ("gift", 2.0)], ranking)
        keys = set(house.redis.keys(f"{name}:*"))
        expect(keys == {f"{name}:{key}" for key in [*hashes, "label_use:all"]}, keys)
        house.call("verify", "--full", "--meters", str(path))
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
