#!/usr/bin/env bash
# Versions (PyPI): stripe 16.1.0, orb-billing 4.90.0, metronome-sdk 4.12.0, openmeter 1.0.0b236, without Odometer; a server on
# the loopback answers 500 twice and keeps what is sent.
#
# Believed: these clients try again by themselves, so they give an event that has no id one before the first try, as they
# do for the request (`Idempotency-Key`); and a client whose types call the id required does not send an event without.
#
# True: all four take an event without id (`identifier`, `idempotency_key`, `transaction_id`, CloudEvents' `id`) and send it
# up to three times, the same bytes each time and no id in them. Stripe's and Orb's have a key in a header of the request,
# which is the same for all tries; Metronome's and OpenMeter's have nothing at all.
#
# Why it matters here: what a proxy or gateway in front of the service writes to Kafka are the bodies. There one event
# is three records that nothing tells from three events, so it counts three times. A catalog must demand the id (a record
# without is a dead letter) and not fall back on the record's own position.
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check stripe==16.1.0 orb-billing==4.90.0 metronome-sdk==4.12.0 \
  openmeter==1.0.0b236

cat >"$folder/send.py" <<'END'
import http.server
import threading

import openmeter
import openmeter.models
import stripe
from metronome import Metronome
from orb import Orb

sent = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sent.append((self.rfile.read(int(self.headers["Content-Length"])), self.headers["Idempotency-Key"]))
        body = b"{}" if len(sent) < 3 else b'{"validation_failed":[]}'
        status = 500 if len(sent) < 3 else 204 if "openmeter" in self.path else 200
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(0 if status == 204 else len(body)))
        self.end_headers()
        self.wfile.write(b"" if status == 204 else body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
TIME = "2026-03-09T14:15:16Z"
CLIENTS = {
    "stripe": lambda: stripe.StripeClient("none", base_addresses={"api": url}, max_network_retries=2).v2.billing.meter_events
    .create({"event_name": "e", "payload": {"stripe_customer_id": "c", "value": "1"}, "timestamp": TIME}),
    "orb": lambda: Orb(api_key="none", base_url=url).events.ingest(
        events=[{"event_name": "e", "external_customer_id": "c", "timestamp": TIME, "properties": {}}]),
    "metronome": lambda: Metronome(bearer_token="none", base_url=url).v1.usage.ingest(
        usage=[{"customer_id": "c", "event_type": "e", "timestamp": TIME}]),
    "openmeter": lambda: openmeter.Client(endpoint=f"{url}/openmeter", token="none").events.ingest_event(
        openmeter.models.Event(source="s", type="e", subject="c", data={})),
}
found = {}
for name, send in CLIENTS.items():
    sent.clear()
    send()
    bodies, keys = ({pair[part] for pair in sent} for part in (0, 1))
    found[name] = (len(sent), len(bodies), len(keys), None not in keys)
    print(f"{name:9}: sent {len(sent)} times, {len(bodies)} body, key of the request: "
          f"{'the same each time' if found[name][2:] == (1, True) else 'none'}; {bodies.pop().decode()}")
WANTED = {name: (3, 1, 1, name in ("stripe", "orb")) for name in CLIENTS}
raise SystemExit(0 if found == WANTED else 1)
END
"$folder/env/bin/python" "$folder/send.py"
