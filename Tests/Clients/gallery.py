"""The formats of schemas/foreign, read by code of their own: what each sample must count.

`python3 Tests/Clients/gallery.py` writes the expected cells beside the samples again.
"""

import base64
import collections
import datetime
import itertools
import json
import pathlib
from decimal import ROUND_HALF_EVEN, Context, Decimal

from house import escaped

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "foreign"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
EXACT = Context(prec=60)


class Refused(Exception):
    """A record that does not count; its text is the outcome."""


def bad_unless(condition, outcome="bad_field"):
    if not condition:
        raise Refused(outcome)


def no_json(name):
    """Refuses NaN and Infinity, which Python writes and reads."""
    raise Refused("malformed")


def scaled(value, scale, rounds=False, from_text=True):
    """A number, or a string that is one, times 10^scale; None stays None."""
    if value is None:
        return None
    bad_unless(not isinstance(value, bool) and isinstance(value, (int, Decimal, str)))
    if isinstance(value, str):
        bad_unless(from_text)
        try:
            value = json.loads(value, parse_float=Decimal, parse_constant=lambda name: None)
        except ValueError:
            raise Refused("bad_field") from None
        bad_unless(isinstance(value, (int, Decimal)) and not isinstance(value, bool))
    product = EXACT.scaleb(Decimal(value), scale)
    whole = product.to_integral_value(ROUND_HALF_EVEN)
    bad_unless(rounds or whole == product)
    return int(whole)


def plain(value):
    """A number, true or false as the text that it counts as."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{Decimal(value).normalize(EXACT):f}"


def since_1970(value, unit):
    """Nanoseconds of a number of units since 1970, cut off; before 2000 it is nothing that happened."""
    try:
        found = int(EXACT.multiply(Decimal(value), unit))
    except ArithmeticError:
        raise Refused("malformed") from None
    bad_unless(found < 7_289_654_400 * 10**9, "malformed")
    bad_unless(found >= 946_684_800 * 10**9)
    return found


def of_text(text, zone=None):
    """Nanoseconds of a date and time as ISO 8601 has them."""
    bad_unless(isinstance(text, str) and len(text) >= 19, "malformed")
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise Refused("malformed") from None
    bad_unless(found.tzinfo or zone, "malformed")
    return (found.replace(tzinfo=found.tzinfo or zone) - EPOCH) // datetime.timedelta(microseconds=1) * 1000


def either(value, unit):
    """The number since 1970 or the text that a time is."""
    if isinstance(value, str) and "-" in value:
        return of_text(value)
    return since_1970(value, unit)


def first(*values):
    """The first that is not null; a text that is empty or no text is no attribute."""
    value = next((value for value in values if value is not None), None)
    bad_unless(isinstance(value, str) and value, "malformed")
    return value


class Event:
    """One record: its identity, its time and what it counts."""

    def __init__(self, identity, subject, time, source=""):
        self.identity, self.subject, self.time = (subject, source, identity), subject, time
        self.changes = []

    def _labels(self, windows):
        moment = EPOCH + datetime.timedelta(microseconds=self.time // 1000)
        return [(window, moment) for window in windows]

    def series(self, meter, amount=1, windows=("day", "all"), scope=""):
        """A meter without dimensions."""
        for window, moment in self._labels(windows):
            key, field = {
                "day": (f"{meter}:day:{moment:%Y-%m}", f"{moment:%d}"),
                "all": ("totals", meter),
            }[window]
            self.changes.append((scope + key, field, amount))

    def table(self, meter, by, amount=1, windows=("month", "all")):
        """A meter by the values of dimensions."""
        field = ":".join(escaped("unknown" if value is None else value) for value in by)
        for window, moment in self._labels(windows):
            label = {"day": f"day:{moment:%Y-%m-%d}", "month": f"month:{moment:%Y-%m}", "all": "all"}[window]
            self.changes.append((f"{meter}:{label}", field, amount))


def stripe(record):
    payload = record["payload"]
    identity = first(record.get("identifier"))
    time = either(record["timestamp"], 10**9)
    bad_unless(record["event_name"] == "ai_tokens", "ignored")
    event = Event(identity, first(payload["stripe_customer_id"]), time)
    event.series("token_events")
    event.table("tokens", [payload.get("model")], scaled(payload["value"], 6, rounds=True))
    return event


def lago(record):
    body = record["event"]
    subject = first(body.get("external_subscription_id"), body.get("external_customer_id"))
    event = Event(first(body["transaction_id"]), subject, since_1970(body["timestamp"], 10**9))
    amount = scaled(body["properties"].get("gb"), 3, rounds=True)
    bad_unless(amount is not None)
    event.series("storage_events")
    event.table("storage_gigabytes", [body["properties"].get("region")], amount)
    cents = scaled(body.get("precise_total_amount_cents"), 6, rounds=True)
    if cents is not None:
        event.series("storage_cents", cents, ["all"])
    return event


def openmeter(record):
    event = Event(record["id"], record["subject"], since_1970(record["time"], 10**9), record["source"])

    def no_number(_):
        raise ValueError

    try:
        data = json.loads(record["data"], parse_float=Decimal, parse_constant=no_number)
    except ValueError:
        raise Refused("bad_field") from None
    event.series("prompts")
    event.table("prompt_tokens", [data.get("model"), data.get("type")], scaled(data["tokens"], 0))
    return event


def cloudevents_sdk(record):
    event = Event(record["id"], first(record.get("subject")), of_text(record["time"]), record["source"])
    data = record.get("data")
    if "data_base64" in record:
        data = json.loads(base64.b64decode(record["data_base64"], validate=True))
    bad_unless(isinstance(data, dict))
    amount = scaled(data["tokens"], 0, from_text=False)
    event.series("prompts")
    event.table("prompt_tokens", [data.get("model")], amount)
    return event


def metronome(record):
    event = Event(record["transaction_id"], record["customer_id"], of_text(record["timestamp"], datetime.timezone.utc))
    bad_unless(record["event_type"] == "compute", "ignored")
    amount = scaled(record["properties"]["cpu_seconds"], 6, rounds=True)
    bad_unless(amount is not None)
    event.series("compute_runs")
    event.table("compute_seconds", [record["properties"].get("region")], amount)
    return event


def orb(record):
    subject = first(record.get("customer_id"), record.get("external_customer_id"))
    event = Event(record["idempotency_key"], subject, of_text(record["timestamp"], datetime.timezone.utc))
    event.series("compute_runs")
    spot = record["properties"].get("is_spot")
    spot = plain(spot) if isinstance(spot, bool) else None
    event.table("compute_hours", [spot], scaled(record["properties"]["hours"], 9))
    return event


def litellm(record):
    about = record["metadata"]
    subject = first(about.get("user_api_key_team_id"), about.get("user_api_key_user_id"), "none")
    event = Event(record["id"], subject, since_1970(record["endTime"], 10**9))
    hit = record.get("cache_hit")
    event.table("llm_calls", [plain(hit) if isinstance(hit, bool) else None])
    event.series("llm_tokens", scaled(record["total_tokens"], 0, from_text=False))
    cost = scaled(record["response_cost"], 12, rounds=True, from_text=False) or 0
    event.table("llm_cost", [record.get("custom_llm_provider"), record.get("model")], cost)
    return event


def envoy(record):
    event = Event(first(record["request_id"]), first(record["tenant"]), of_text(record["start_time"]))
    method = record["method"] if record["method"] in ("GET", "POST", "PUT", "PATCH", "DELETE") else None
    event.table("requests", [method, plain(record["response_code"])])
    event.series("bytes_sent", scaled(record["bytes_sent"], 0))
    event.series("bytes_received", scaled(record.get("bytes_received", 0), 0), ["all"])
    return event


def kong(record):
    consumer = record.get("consumer", {})
    subject = first(*(consumer.get(name) for name in ("custom_id", "username", "id")), "anonymous")
    event = Event(record["request"]["id"], subject, since_1970(record["started_at"], 10**6))
    answer = record["response"]
    event.table("api_requests", [record.get("service", {}).get("name"), plain(answer["status"])])
    size = scaled(answer.get("size"), 0)
    if size is not None:
        event.series("api_bytes", size)
    if "latencies" in record:
        event.changes.append(("totals", "api_slowest", f"{record['latencies']['request'] + 2**63:020d}"))
    return event


def nginx(record):
    if "msec" in record:
        time = since_1970(record["msec"], 10**9)
    else:
        try:
            found = datetime.datetime.strptime(record["time"], "%d/%b/%Y:%H:%M:%S %z")
        except ValueError:
            raise Refused("malformed") from None
        time = int((found - EPOCH).total_seconds()) * 10**9
    event = Event(record["id"], record["host"], time)
    event.table("web_requests", [plain(record["status"])])
    event.series("web_bytes", scaled(record["bytes"], 0))
    event.series("web_seconds", scaled(record["seconds"], 3), ["all"])
    return event


def cloudflare(record):
    time = record["EdgeStartTimestamp"]
    time = either(time, 1 if isinstance(time, int) and time > 10**15 else 10**9)
    event = Event(record["RayID"], first(record["ClientRequestHost"]), time)
    event.table("edge_requests", [record.get("CacheCacheStatus"), plain(record["EdgeResponseStatus"])])
    count = scaled(record["EdgeResponseBytes"], 0, from_text=False)
    for scope in ("", f"country={record['ClientCountry']}:"):
        event.series("edge_bytes", count, scope=scope)
    return event


def github(record):
    org = record.get("org")
    subject = first(org[0] if isinstance(org, list) else org, record.get("business"))
    time = since_1970(record.get("@timestamp", record.get("created_at")), 10**6)
    event = Event(record["_document_id"], subject, time)
    bad_unless("action" in record)
    event.table("actions", [record["action"], record.get("transport_protocol_name")])
    event.table("actor_actions", [plain(record.get("actor_id", record["actor"]))], windows=["all"])
    event.changes.append(("totals", "last_action", f"{time + 2**63:020d}:{record['action']}"))
    return event


def auth0(record):
    data = record["data"]
    subject = first(data.get("organization_id"), data.get("tenant_name"), "tenant")
    event = Event(record["log_id"], subject, of_text(data["date"]))
    mobile = data.get("isMobile")
    bad_unless(mobile is None or isinstance(mobile, bool))
    event.table("logins", [data["type"], plain(mobile)])
    event.table("client_logins", [data.get("client_id")], windows=["day"])
    event.changes.append(("users:all", None, data["user_id"]))
    return event


def connect(record):
    row = record["payload"]
    bad_unless(row, "malformed")
    event = Event(plain(row["order_id"]), plain(row["org_id"]), since_1970(row["created_at"], 10**6))
    event.series("orders")
    event.table("turnover", [row["currency"]], scaled(row["amount"], 2, from_text=False))
    return event


def debezium(record):
    bad_unless(record is not None, "ignored")
    change = record.get("payload", record)
    before, after, operation = change.get("before"), change.get("after"), change["op"]
    bad_unless(before or after, "malformed")
    event = Event(str(next(SERIAL)), plain((after or before)["org_id"]), since_1970(change["ts_ms"], 10**6))
    old, new = (row and scaled(row["amount"], 2) for row in (before, after))
    event.series("orders", {"c": 1, "r": 1, "d": -1}.get(operation, 0), ["all"])
    if operation in "cru":
        event.table("turnover", [after["currency"]], new, ["all"])
    if operation in "ud":
        event.table("turnover", [before["currency"]], -old, ["all"])
    event.table("changes", [operation])
    return event


def attribute(holder, name):
    """The text of an attribute as OpenTelemetry writes them."""
    found = [entry.get("value", {}) for entry in holder.get("attributes", []) if entry.get("key") == name]
    bad_unless(len(found) < 2, "malformed")
    return found[0].get("stringValue") if found else None


def otlp(event):
    resource, scope, metric, point = event
    about = resource.get("resource", {})
    name = first(metric.get("name"))
    event = Event(str(next(SERIAL)), first(attribute(about, "tenant.id")), since_1970(point["timeUnixNano"], 1))
    bad_unless(name in ("gen_ai.tokens", "gen_ai.cost"), "ignored")
    model = attribute(point, "model")
    if name == "gen_ai.tokens":
        count = scaled(point.get("asInt"), 0)
        bad_unless(count is not None and count >= 0)
        event.table("tokens", [model, attribute(point, "type")], count)
        event.table("service_tokens", [attribute(about, "service.name")], count, ["day"])
    else:
        cost = scaled(point.get("asDouble", point.get("asInt")), 9, rounds=True)
        bad_unless(cost is not None and cost >= 0)
        event.table("cost", [model, scope.get("scope", {}).get("name")], cost, ["all"])
    event.series("points")
    return event


def cloudevents(event):
    bad_unless(event.get("specversion") == "1.0", "malformed")
    identity, source, kind, subject = (first(event.get(name)) for name in ("id", "source", "type", "subject"))
    made = Event(identity, subject, of_text(event["time"]), source)
    bad_unless(kind == "llm.call", "ignored")
    tokens = event["data"].get("tokens")
    bad_unless(tokens is not None)
    made.series("llm_calls")
    made.table("llm_tokens", [event["data"].get("model")], scaled(tokens, 0, from_text=False))
    return made


def call(record):
    """A record of Avro or Protobuf, by what it means; bytes alone are none."""
    bad_unless(isinstance(record, dict), "malformed")
    event = Event(record["call_id"], first(record["account"]["name"]), of_text(record["finished_at"]))
    bad_unless(event.time >= 946_684_800 * 10**9)
    event.table("calls", [record["method"], record["labels"].get("region")])
    event.series("call_bytes", record["bytes_sent"])
    event.table("call_price", [record["method"]], scaled(record["price"], 6) or 0, ["all"])
    return event


def avro(record):
    return call(record)


def protobuf(record):
    return call(record)


# Every record, or event of one, is another event.
SERIAL = itertools.count()
FORMATS = [
    stripe, lago, openmeter, orb, litellm, envoy, kong, nginx, cloudflare, github, auth0, connect, debezium, otlp,
    cloudevents, cloudevents_sdk, metronome, avro, protobuf,
]


def parsed(text):
    """The value of a JSON text, with exact numbers."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=no_json)
    except ValueError:
        raise Refused("malformed") from None


def points(text):
    """Each data point of the sums of a request, with what contains it."""
    request = parsed(text)
    bad_unless(isinstance(request.get("resourceMetrics"), list), "malformed")
    for resource in request["resourceMetrics"]:
        for scope in resource.get("scopeMetrics", []):
            for metric in scope.get("metrics", []):
                for point in metric.get("sum", {}).get("dataPoints", []):
                    yield resource, scope, metric, point


def batch(text):
    """The events of an array."""
    events = parsed(text)
    bad_unless(isinstance(events, list), "malformed")
    return events


def each_line(text):
    return (parsed(line) for line in text.split("\n") if line.strip())


# How a record is taken apart where it has several events, and which headers it has.
LISTS = {"cloudflare": each_line, "otlp": points, "cloudevents": batch}
HEADERS = {"cloudevents": {"content-type": b"application/cloudevents-batch+json"}}


def lines(name):
    """The records of a sample; an empty line is a null value, or ends a record of several lines."""
    text = (FOLDER / f"{name}.jsonl").read_text()
    return text.split("\n\n") if LISTS.get(name) is each_line else text.splitlines()


def events(read, line):
    """The events of a record, each with its outcome so far: all of them, or the record is refused."""
    split = LISTS.get(read.__name__)
    if split is None:
        # What begins with 0x is bytes that are no record.
        is_json = line and not line.startswith("0x")
        return [(read(parsed(line) if is_json else None), "accepted")]
    found = []
    for event in split(line):
        try:
            found.append((read(event), "accepted"))
        except Refused as outcome:
            bad_unless(str(outcome) == "ignored", str(outcome))
            found.append((None, "ignored"))
    # A record without an event is ignored.
    return found or [(None, "ignored")]


def judged(read, records):
    """Each record with why it is refused, or None, and with its events, each of them with its outcome."""
    seen = set()
    for line in records:
        try:
            found = events(read, line)
        except Refused as outcome:
            yield line, str(outcome), []
            continue
        for number, (event, outcome) in enumerate(found):
            if event and event.identity in seen:
                found[number] = event, "duplicate"
            elif event:
                seen.add(event.identity)
        yield line, None, found


def expected(read, records):
    """What records count: outcomes, and of each organization its keys, fields and values; of a distinct count a number."""
    outcomes, cells = collections.Counter(), collections.defaultdict(dict)
    members = collections.defaultdict(set)
    for _, refusal, found in judged(read, records):
        outcomes.update([refusal] if refusal else [outcome for _, outcome in found])
        for event, outcome in found:
            if outcome == "accepted":
                count(event, cells, members)
    for keys in cells.values():
        for key, fields in list(keys.items()):
            if isinstance(fields, dict):
                # A cell at 0 is not in Redis.
                keys[key] = {field: value for field, value in fields.items() if value != "0"}
                if not keys[key]:
                    del keys[key]
    return {"outcomes": dict(outcomes), "cells": cells}


def count(event, cells, members):
    """Adds what an event counts."""
    for key, field, amount in event.changes:
        fields = cells[event.subject].setdefault(key, {})
        if field is None:
            members[event.subject, key].add(amount)
            cells[event.subject][key] = len(members[event.subject, key])
        elif isinstance(amount, str):
            # Largest value, or that of the latest time.
            fields[field] = max(fields.get(field, ""), amount)
        else:
            fields[field] = str(int(fields.get(field, 0)) + amount)


def text(found):
    """The document of what is expected."""
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    for each in FORMATS:
        (FOLDER / f"{each.__name__}.expected.json").write_text(text(expected(each, lines(each.__name__))))
