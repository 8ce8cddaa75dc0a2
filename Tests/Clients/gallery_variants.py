"""Records made from the samples of schemas/foreign: the same as other events, and bad ones of each kind; and their cells."""

import copy
import json
import re

import gallery
import gallery_records

# Of each format: where id, subject and time are, the unit of the time (units of a second, or "text"), and a field of an
# event; None where there is none, or where a catalog takes something else in its place. Batches are not here.
PLACES = {
    "stripe": ("/identifier", "/payload/stripe_customer_id", "/timestamp", 1, "/payload/value"),
    "lago": ("/event/transaction_id", "/event/external_subscription_id", "/event/timestamp", 1, "/event/properties/gb"),
    "openmeter": ("/id", "/subject", "/time", 1, "/data"),
    "orb": ("/idempotency_key", "/external_customer_id", "/timestamp", "text", "/properties/hours"),
    "litellm": ("/id", None, "/endTime", 1, "/total_tokens"),
    "envoy": ("/request_id", "/tenant", "/start_time", "text", "/bytes_sent"),
    "kong": ("/request/id", None, "/started_at", 1000, "/response/size"),
    "nginx": ("/id", "/host", "/msec", 1, "/bytes"),
    "cloudflare": ("/RayID", "/ClientRequestHost", "/EdgeStartTimestamp", 1, "/EdgeResponseBytes"),
    "github": ("/_document_id", "/org", "/@timestamp", 1000, "/action"),
    "auth0": ("/log_id", None, "/data/date", "text", "/data/isMobile"),
    "connect": ("/payload/order_id", "/payload/org_id", "/payload/created_at", 1000, "/payload/amount"),
    "debezium": (None, "/after/org_id", "/ts_ms", 1000, "/after/amount"),
    "cloudevents_sdk": ("/id", "/subject", "/time", "text", "/data/tokens"),
    "metronome": ("/transaction_id", "/customer_id", "/timestamp", "text", "/properties/cpu_seconds"),
}
# Fields that are no numbers.
TEXTS = ("/action", "/data/isMobile", "/data")
# Formats whose number may be absent: of a row of Debezium it is before or after, and Kong may not know the size of an answer.
OPTIONAL = ("debezium", "kong", "litellm")
# 2100-01-01T00:00:00Z
FUTURE = 4_102_444_800


def cells(house, name):
    """All that Redis holds of an organization, whose keys begin with the name."""
    found = {}
    for key in house.redis.scan_iter(f"{name}:*", count=10_000):
        kind = house.redis.type(key)
        found[key[len(name) + 1 :]] = house.redis.hgetall(key) if kind == "hash" else house.redis.pfcount(key)
    return found


def options(name):
    """Options of `run` and `check` that the format needs."""
    return ["--schemas", str(gallery_records.SCHEMAS)] if name in gallery_records.WRITERS else []


def record(name, line):
    """The bytes of a line of the sample."""
    value = gallery_records.record(name, line) or b""
    return value.encode() if isinstance(value, str) else value


def other(name, line, number):
    """A record of the sample with other ids; what has no id stays as it is."""
    if name in gallery_records.WRITERS:
        # These ids are UUIDs.
        return re.sub(r'("call_id": ")[0-9a-f]{8}', rf"\g<1>{number:08x}", line)
    place = PLACES.get(name, ("/id",))[0]
    if place is None:
        return line

    def changed(found):
        value = found[2]
        value = f'{value[:-1]}-{number}"' if value[0] == '"' else str(int(value) + 1_000_003 * number)
        return found[1] + value

    return re.sub(rf'("{place.split("/")[-1]}"\s*:\s*)("[^"]*"|\d+)', changed, line, count=0 if name in gallery.LISTS else 1)


def bad(name):
    """Bad records, one of each kind that the format can have: (kind, outcome, record)."""
    line = gallery.lines(name)[0].split("\n")[0]
    if name in gallery_records.WRITERS:
        record = gallery_records.record(name, line)
        yield "cut off", "malformed", record[:-1]
        yield "another first byte", "malformed", b"\2" + record[1:]
        return
    yield "cut off", "malformed", line[:-3].encode()
    yield "no object", "malformed", f"[{line}]".encode()
    yield "not UTF-8", "malformed", re.sub(rb'": ?"', lambda found: found[0] + b"\xff", line.encode(), count=1)
    if name not in PLACES:
        return
    identity, subject, time, unit, field = PLACES[name]
    if identity:
        yield "no id", "malformed", without(line, identity)
        yield "id of 257 bytes", "bad_field", having(line, identity, "x" * 257)
    if subject:
        yield "no subject", "malformed", without(line, subject)
        yield "empty subject", "malformed", having(line, subject, "")
    yield "no time", "malformed", having(line, time, "soon")
    yield "a time before 2000", "bad_field", having(line, time, "1999-12-31T23:59:59Z" if unit == "text" else 946_684_799 * unit)
    yield "a time to come", "future", having(line, time, "2100-01-01T00:00:00Z" if unit == "text" else FUTURE * unit)
    yield "a field of another type", "bad_field", having(line, field, [1])
    if field not in TEXTS:
        yield "a number beyond all", "bad_field", having(line, field, 10**30)
    if field not in TEXTS and name not in OPTIONAL:
        yield "no number", "bad_field", without(line, field)


def without(line, pointer):
    """The record without a member."""
    return having(line, pointer, None)


def having(line, pointer, value):
    """The record with another value at a pointer; None: without it."""
    record = json.loads(line)
    names = pointer.split("/")[1:]
    inner = record
    for name in names[:-1]:
        inner = inner[name]
    if value is None:
        del inner[names[-1]]
    else:
        inner[names[-1]] = copy.deepcopy(value)
    return json.dumps(record).encode()
