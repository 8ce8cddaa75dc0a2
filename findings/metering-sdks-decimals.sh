#!/usr/bin/env bash
# Versions (PyPI): openmeter 1.0.0b236, stripe 16.1.0, orb-billing 4.90.0, metronome-sdk 4.12.0, lago-python-client 1.55.0,
# without Odometer; a server on the loopback keeps what they send.
#
# Believed: an amount handed over as `decimal.Decimal`, because it must be exact, arrives exact or is refused.
#
# True: OpenMeter's client makes a double of it without a word: 9007199254740993 arrives as 9007199254740992.0, and
# 123456789.123456789123 as 123456789.12345679. Whole ones arrive as `7.0`, which a reader of integers may refuse.
# Stripe's client writes a string with all digits, in the form that Python prints: `1E-7`, not 0.0000001. Orb's,
# Metronome's and Lago's raise a TypeError (for Lago's `precise_total_amount_cents` it is a string, `1E-12`, too).
#
# Why it matters here: sums are exact only if the amounts in the log are. Of the five, one changes amounts before they are
# sent, and no reader can see that; so producers give that client strings. And a reader of "decimal strings" has to take
# exponents with a capital E, and `7.0` as an integer.
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check openmeter==1.0.0b236 stripe==16.1.0 orb-billing==4.90.0 \
  metronome-sdk==4.12.0 lago-python-client==1.55.0

cat >"$folder/send.py" <<'END'
import http.server
import re
import threading
from decimal import Decimal

import openmeter
import openmeter.models
import stripe
from lago_python_client import Client as Lago
from lago_python_client.models import Event
from metronome import Metronome
from orb import Orb

bodies = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        body = b"" if "openmeter" in self.path else b'{"validation_failed":[]}'
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
CLIENTS = {
    "openmeter": lambda amount: openmeter.Client(endpoint=f"{url}/openmeter", token="none").events.ingest_event(
        openmeter.models.Event(id="1", source="s", specversion="1.0", type="e", subject="c", data={"amount": amount})),
    "stripe": lambda amount: stripe.StripeClient("none", base_addresses={"api": url}).v2.billing.meter_events.create(
        {"event_name": "e", "payload": {"stripe_customer_id": "c", "amount": amount}, "timestamp": "2026-03-09T14:15:16Z"}),
    "orb": lambda amount: Orb(api_key="none", base_url=url).events.ingest(events=[{
        "event_name": "e", "idempotency_key": "1", "external_customer_id": "c", "timestamp": "2026-03-09T14:15:16Z",
        "properties": {"amount": amount}}]),
    "metronome": lambda amount: Metronome(bearer_token="none", base_url=url).v1.usage.ingest(usage=[{
        "transaction_id": "1", "customer_id": "c", "event_type": "e", "timestamp": "2026-03-09T14:15:16Z",
        "properties": {"amount": amount}}]),
    "lago": lambda amount: Lago(api_key="none", api_url=url).events.create(Event(
        transaction_id="1", external_subscription_id="c", code="e", properties={"amount": amount})),
}
AMOUNTS = ["9007199254740993", "123456789.123456789123", "7", "1E-7"]
WANTED = {
    "openmeter": ["9007199254740992.0", "123456789.12345679", "7.0", "1e-07"],
    "stripe": ['"9007199254740993"', '"123456789.123456789123"', '"7"', '"1E-7"'],
    **{name: ["TypeError"] * 4 for name in ("orb", "metronome", "lago")},
}
found = {}
for name, send in CLIENTS.items():
    for amount in AMOUNTS:
        bodies.clear()
        try:
            send(Decimal(amount))
            text = re.search(r'"amount": ?([^,}]+)', bodies[0])[1]
        except TypeError:
            text = "TypeError"
        found.setdefault(name, []).append(text)
    print(f"{name:9}: " + ", ".join(f"Decimal({amount}) → {text}" for amount, text in zip(AMOUNTS, found[name])))
raise SystemExit(0 if found == WANTED else 1)
END
"$folder/env/bin/python" "$folder/send.py"
