"""Records as the clients of metering services write them. Runs where the packages of sdks.txt are installed.

    sdk_bytes.py FORMAT            one line a record: what the client sent to a server on the loopback
    sdk_bytes.py aiokafka BOOTSTRAP TOPIC
                                   sends events of CloudEvents' package 1.x in binary mode; prints how many

FORMAT is one of schemas/foreign. Where a client sends a list, each event in it is a line: its bytes are cut out of the body.
"""

import asyncio
import datetime
import decimal
import http.server
import json
import sys
import threading

UTC = datetime.timezone.utc
NOON = datetime.datetime(2026, 3, 9, 14, 15, 16, tzinfo=UTC)


class Server:
    """Keeps the bodies of what is posted; `answers` are status and body of one answer after the other, the last one again."""

    def __init__(self, *answers):
        self.bodies, self._answers = [], list(answers)
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                keeper.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = keeper._answers.pop(0) if len(keeper._answers) > 1 else keeper._answers[0]
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def stripe():
    """Version 2 of the API; the second event's first answer is an error, and the client sends it again."""
    import stripe as package

    fine = (200, b'{"object":"v2.billing.meter_event"}')
    server = Server(fine, (500, b"{}"), fine)
    client = package.StripeClient("sk_test_none", base_addresses={"api": server.url}, max_network_retries=2)

    def send(name, identifier, payload, time):
        known = {"identifier": identifier} if identifier else {}
        client.v2.billing.meter_events.create({"event_name": name, "payload": payload, **known, "timestamp": time})

    def tokens(value, customer="cus_A1", **more):
        return {"stripe_customer_id": customer, "value": value, **more}

    second = NOON + datetime.timedelta(seconds=1, microseconds=250_000)
    send("ai_tokens", "mev_1", tokens("25", model="small"), "2026-03-09T14:15:16.000Z")
    send("ai_tokens", "mev_2", tokens(3, model="small"), second)
    send("ai_tokens", "mev_3", tokens(decimal.Decimal("25.10"), "cus_B2", model="large"), "1773152117")
    send("ai_tokens", "mev_6", tokens(0.1 + 0.2, "cus_B2"), NOON)
    send("ai_tokens", "mev_7", tokens(1e-06, "cus_B2", model=None), NOON)
    send("ai_tokens", "mev_4", tokens("many"), NOON)
    send("ai_tokens", None, tokens("1"), NOON)
    send("seats", "mev_5", tokens("1"), NOON)
    return server.bodies


def lago():
    from lago_python_client import Client
    from lago_python_client.models import Event

    answer = {name: "x" for name in ("transaction_id", "external_subscription_id", "code", "timestamp")}
    server = Server((200, json.dumps({"event": answer}).encode()))
    client = Client(api_key="none", api_url=server.url)

    def send(identity, time, properties, cents=None):
        client.events.create(Event(
            transaction_id=identity, external_subscription_id="sub-1", code="storage", timestamp=time,
            precise_total_amount_cents=cents, properties=properties))

    send("t-1", 1773065716, {"gb": "1.5", "region": "eu"}, "1234.56")
    send("t-2", 1773065716.987, {"gb": "0.0005", "region": "eu"}, decimal.Decimal("0.000000000001"))
    send("t-6", "1773065716", {"gb": 1e-3, "region": None})
    send("t-4", "yesterday", {"gb": "1"})
    send("t-5", 1773065716, {})
    send("t-7", 1773065716, {"gb": True})
    send("t-9", 1773065717, {"gb": 1, "region": "eu"}, 98765432.1)
    return server.bodies


def orb():
    from orb import Orb

    server = Server((200, b'{"validation_failed":[]}'))
    client = Orb(api_key="none", base_url=server.url)

    def send(identity, time, properties, **customer):
        customer = customer or {"external_customer_id": "acme"}
        client.events.ingest(events=[{
            "event_name": "compute", "idempotency_key": identity, **customer, "timestamp": time, "properties": properties,
        }])

    send("k1", NOON, {"hours": 0.25, "is_spot": True})
    late = datetime.datetime(2026, 3, 9, 23, 30)
    send("k2", late, {"hours": 1.000000001, "is_spot": False}, customer_id=None, external_customer_id="acme")
    west = datetime.timezone(datetime.timedelta(hours=-1))
    send("k3", late.replace(microsecond=500_000, tzinfo=west), {"hours": "2", "is_spot": "maybe"},
         customer_id="cus_7", external_customer_id="acme")
    send("k6", "2026-03-09T14:15:16Z", {"hours": 1e-07})
    send("k4", NOON.date(), {"hours": 1})
    send("k5", "2026-03-09T14:15:16Z", {"hours": 1e-10})
    return [cut(body, b'{"events":[', b"]}") for body in server.bodies]


def metronome():
    from metronome import Metronome

    server = Server((200, b"{}"))
    client = Metronome(bearer_token="none", base_url=server.url)

    def send(identity, time, properties, kind="compute"):
        client.v1.usage.ingest(usage=[{
            "transaction_id": identity, "customer_id": "acme", "event_type": kind, "timestamp": time, "properties": properties,
        }])

    send("x1", NOON, {"cpu_seconds": 0.25, "region": "eu"})
    send("x2", NOON.replace(microsecond=250_000), {"cpu_seconds": "12.5", "region": "us"})
    send("x3", datetime.datetime(2026, 3, 9, 23, 30), {"cpu_seconds": 3})
    send("x4", "2026-03-09T23:30:00-01:00", {"cpu_seconds": 1e-06, "region": None})
    send("x5", NOON, {"cpu_seconds": None})
    send("x6", NOON, {"cpu_seconds": 1}, "login")
    send("x7", 1773065716, {"cpu_seconds": 1})
    return [cut(body, b"[", b"]") for body in server.bodies]


def cloudevents_sdk():
    """CloudEvents' package 1.x in structured mode, and OpenMeter's client."""
    return [*cloudevents_1(), *openmeter_client()]


def cloudevents_1():
    from cloudevents.http import CloudEvent
    from cloudevents.kafka import to_structured

    def made(identity, data, how=None, **more):
        attributes = {
            "id": identity, "source": "/shop", "type": "prompt", "subject": "customer-1", "time": "2026-03-09T14:15:16.25+00:00",
            "datacontenttype": "application/json", **more,
        }
        return to_structured(CloudEvent(attributes, data), data_marshaller=how).value

    return [
        made("a1", {"tokens": 12, "model": "größer"}),
        made("a2", b'{"tokens": 30, "model": "small"}', lambda data: data),
        made("a3", {"tokens": 5}, partitionkey="customer-1"),
        made("a4", '{"tokens": 5}'),
        made("a5", {"tokens": float("nan")}),
        made("a6", {"tokens": 5}, subject=None),
    ]


def cloudevents_2():
    """CloudEvents' package 2.x in structured mode; the second event is sent twice."""
    from cloudevents.core.bindings.kafka import to_structured_event
    from cloudevents.core.v1.event import CloudEvent

    def made(identity, data, time=NOON, **more):
        attributes = {"id": identity, "source": "/shop", "type": "prompt", "specversion": "1.0", "time": time, **more}
        return to_structured_event(CloudEvent(attributes, data)).value

    india = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    again = made("c2", b'{"tokens": 8}', subject="customer 2", datacontenttype="application/json")
    return [
        made("c1", {"tokens": 1}, NOON.replace(hour=2, tzinfo=india), subject="customer 2", retried=True, count=3),
        again, again,
        made("c3", {"tokens": 1}),
        made("c4", None, subject="customer 2"),
    ]


def openmeter_client():
    from openmeter import Client
    from openmeter.models import Event

    server = Server((204, b""))
    client = Client(endpoint=server.url, token="none")

    def send(identity, data, time):
        client.events.ingest_event(Event(
            id=identity, source="my-app", specversion="1.0", type="prompt", subject="customer-1", data=data, time=time))

    send("b1", {"tokens": 123, "model": "small"}, NOON)
    send("b2", {"tokens": decimal.Decimal("7"), "model": "small"}, NOON.replace(microsecond=250_000))
    send("b3", {"tokens": decimal.Decimal("1.5"), "model": "small"}, NOON)
    send("b4", b'{"tokens": 7}', NOON)
    return server.bodies


def otlp():
    """OpenTelemetry's exporter of metrics; the times of the points are given."""
    from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import export as sdk
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    server = Server((200, b"{}"))
    exporter = OTLPMetricExporter(endpoint=f"{server.url}/v1/metrics")
    end = 1773065716_123456789

    def counter(name, unit, *points):
        made = [sdk.NumberDataPoint(attributes, end - 10 * 10**9, end, value) for value, attributes in points]
        return sdk.Metric(name, "", unit, sdk.Sum(made, sdk.AggregationTemporality.DELTA, True))

    def send(*metrics):
        resource = Resource({"service.name": "chat", "tenant.id": "initech", "host.cpus": 4})
        scope = InstrumentationScope("gateway", "1.4")
        data = sdk.MetricsData([sdk.ResourceMetrics(resource, [sdk.ScopeMetrics(scope, list(metrics), "")], "")])
        if exporter.export(data) is not sdk.MetricExportResult.SUCCESS:
            sys.exit("not exported")

    send(
        counter("gen_ai.tokens", "{token}", (120, {"model": "large", "type": "input"}), (7, {"model": "größer", "stream": True})),
        counter("gen_ai.cost", "USD", (0.1 + 0.2, {"model": "large"}), (2, {"model": "large", "tries": 3}), (1e-09, {})),
    )
    send(counter("gen_ai.tokens", "{token}", (1, {"model": "large"}), (0.5, {"model": "large"})))
    return server.bodies


def cut(body, before, behind):
    """What is between two texts that a body begins and ends with."""
    if not body.startswith(before) or not body.endswith(behind):
        sys.exit(f"not {before!r}…{behind!r}: {body!r}")
    return body[len(before) : -len(behind)]


async def by_aiokafka(bootstrap, topic):
    """Sends 20 events in binary mode, and the first five again; how many."""
    from aiokafka import AIOKafkaProducer
    from cloudevents.http import CloudEvent
    from cloudevents.kafka import to_binary

    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        for number in [*range(20), *range(5)]:
            message = to_binary(CloudEvent(
                {
                    "id": f"aio-{number}", "source": "/shop", "type": "prompt", "subject": "Kundin 1 ü", "partitionkey": "k",
                    "time": "2026-03-09T14:15:16.25+00:00", "datacontenttype": "application/json",
                },
                {"tokens": number, "model": "größer"}))
            await producer.send_and_wait(
                topic, key=message.key.encode(), value=message.value, headers=list(message.headers.items()))
    return 25


FORMATS = [stripe, lago, orb, metronome, cloudevents_sdk, otlp]

if __name__ == "__main__":
    if sys.argv[1] == "aiokafka":
        print(asyncio.run(by_aiokafka(*sys.argv[2:])))
    else:
        for record in next(read for read in FORMATS if read.__name__ == sys.argv[1])():
            sys.stdout.buffer.write(record + b"\n")
