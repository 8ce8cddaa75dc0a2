#!/usr/bin/env bash
# Versions (PyPI): stripe 16.1.0, openmeter 1.0.0b236, orb-billing 4.90.0, metronome-sdk 4.12.0, fastavro 1.13.1, without
# Odometer; a server on the loopback keeps what they send.
#
# Believed: a metering client takes a `datetime` for an event's time and sends that time; without a zone it is UTC, or
# refused (cloudevents 2.2.0 refuses it).
#
# True: `datetime(2026, 3, 9, 23, 30)` is three different times. OpenMeter's client writes it with `Z`. Orb's and
# Metronome's write it without zone, for the reader to guess. Stripe's client and fastavro (timestamp-millis) take it for
# local time of the machine, so the same program sends 18:00Z from Calcutta and 03:30Z of the next day from New York. And
# Stripe's client sends every datetime as whole seconds, a number, also where the API's time is RFC 3339 (version 2): its
# fraction is gone.
#
# Why it matters here: an event near midnight falls into another day's window, a month's last ones into another month.
# A catalog needs `iso8601` with `zone: UTC` for the two that write no zone, and both `rfc3339` and `unix` for Stripe's;
# nothing can give back the zone that was taken for granted: producers have to hand over times with one.
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check stripe==16.1.0 openmeter==1.0.0b236 orb-billing==4.90.0 \
  metronome-sdk==4.12.0 fastavro==1.13.1

cat >"$folder/send.py" <<'END'
import datetime
import http.server
import io
import json
import threading

import fastavro
import openmeter
import openmeter.models
import stripe
from metronome import Metronome
from orb import Orb

NAIVE = datetime.datetime(2026, 3, 9, 23, 30, 0, 750_000)
bodies = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = b"" if "api/v1/events" in self.path else b'{"validation_failed":[]}'
        self.send_response(200 if body else 204)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"

stripe.StripeClient("none", base_addresses={"api": url}).v2.billing.meter_events.create(
    {"event_name": "e", "payload": {"stripe_customer_id": "c", "value": "1"}, "timestamp": NAIVE})
openmeter.Client(endpoint=url, token="none").events.ingest_event(openmeter.models.Event(
    id="1", source="s", specversion="1.0", type="e", subject="c", time=NAIVE, data={}))
Orb(api_key="none", base_url=url).events.ingest(events=[
    {"event_name": "e", "idempotency_key": "1", "external_customer_id": "c", "timestamp": NAIVE, "properties": {}}])
Metronome(bearer_token="none", base_url=url).v1.usage.ingest(usage=[
    {"transaction_id": "1", "customer_id": "c", "event_type": "e", "timestamp": NAIVE}])
avro = io.BytesIO()
schema = {"type": "record", "name": "E", "fields": [{"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}
fastavro.schemaless_writer(avro, fastavro.parse_schema(schema), {"t": NAIVE})
avro.seek(0)
schema["fields"][0]["type"] = "long"
print(json.dumps({
    "stripe": bodies[0]["timestamp"], "openmeter": bodies[1]["time"], "orb": bodies[2]["events"][0]["timestamp"],
    "metronome": bodies[3][0]["timestamp"], "fastavro": fastavro.schemaless_reader(avro, fastavro.parse_schema(schema))["t"],
}))
END

for zone in UTC Asia/Kolkata America/New_York; do TZ=$zone "$folder/env/bin/python" "$folder/send.py"; done >"$folder/said"
python3 - "$folder/said" <<'PYTHON'
import json
import sys

found = [json.loads(line) for line in open(sys.argv[1])]
MIDNIGHT = 1773099000  # 2026-03-09T23:30:00Z
wanted = []
for zone, offset in (("UTC", 0), ("Asia/Kolkata", 5.5), ("America/New_York", -4)):
    second = MIDNIGHT - int(offset * 3600)
    wanted.append({
        "stripe": second, "openmeter": "2026-03-09T23:30:00.750000Z", "orb": "2026-03-09T23:30:00.750000",
        "metronome": "2026-03-09T23:30:00.750000", "fastavro": second * 1000 + 750,
    })
    print(f"TZ={zone}: {json.dumps(found[len(wanted) - 1])}")
sys.exit(0 if found == wanted else 1)
PYTHON
