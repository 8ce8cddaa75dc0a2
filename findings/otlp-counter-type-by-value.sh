#!/usr/bin/env bash
# Versions (PyPI): opentelemetry-sdk 1.45.2 and its exporter opentelemetry-exporter-otlp-json-http 0.66b1, without Odometer; a server on
# the loopback keeps what is sent.
#
# Believed: a counter is of one type, so its points have `asInt` or `asDouble`, and one that is only fed whole numbers has
# `asInt`. A counter that counts integers counts them exactly.
#
# True: the type of each point is that of what was added to it so far. One counter sends `asInt` for one customer and
# `asDouble` for another, in one list of points; and a point changes from `asInt` to `asDouble` for good with the first float,
# be it 0.0. Then 2^53 + 1 is 9007199254740992.0, and the point that said …993 before says …992. An integer is a JSON
# string, a double a JSON number.
#
# Why it matters here: a catalog that reads `asInt` misses whole customers, as if they had not been there, from the
# moment that somebody adds 0.5. It has to read the first of `asInt` and `asDouble` as a decimal from a string or a number.
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2 \
  opentelemetry-exporter-otlp-json-http==0.66b1

"$folder/env/bin/python" - <<'PYTHON'
import http.server
import json
import threading

from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

bodies = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"http://127.0.0.1:{server.server_port}/v1/metrics"))
provider = MeterProvider(metric_readers=[reader])
counter = provider.get_meter("m").create_counter("tokens")


def points():
    """What the next export has: {customer: {asInt or asDouble: value}}."""
    provider.force_flush()
    sum_ = bodies[-1]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["sum"]
    return {
        point["attributes"][0]["value"]["stringValue"]: {name: value for name, value in point.items() if name.startswith("as")}
        for point in sum_["dataPoints"]
    }


counter.add(2**53 + 1, {"customer": "a"})
counter.add(0.5, {"customer": "b"})
counter.add(1, {"customer": "c"})
before = points()
counter.add(0.0, {"customer": "a"})
after = points()
provider.shutdown()
print("before:", json.dumps(before))
print("a float of 0.0 later:", json.dumps(after))
assert before == {"a": {"asInt": "9007199254740993"}, "b": {"asDouble": 0.5}, "c": {"asInt": "1"}}, before
assert after == {**before, "a": {"asDouble": 9007199254740992.0}}, after
PYTHON
