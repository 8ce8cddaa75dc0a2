#!/usr/bin/env bash
# Version (PyPI): openmeter 1.0.0b236, without Odometer; a server on the loopback keeps what it sends.
#
# Believed: OpenMeter's client for Python sends the parameter `filter_group_by` of a query as OpenMeter's description of its
# API has it: `filterGroupBy[model]=gpt-4`.
#
# True: it sends the text that Python makes of the dictionary, `filterGroupBy={'model': 'gpt-4'}`: one parameter, which is
# neither the described form nor JSON (and `{'it': "it's"}` mixes the quotes). The same parameter in the body of
# `query` is JSON as described; `advanced_meter_group_by_filters` is JSON where its conditions are plain dictionaries, and
# where they are the client's own `FilterString` the client fails before it sends anything.
#
# Why it matters here: a server that knows the described form only refuses the filter, or drops it and answers with the
# numbers of all groups. Odometer reads the text of a dictionary too (`Sources/API/OpenMeter/PythonDictionary.swift`).
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check openmeter==1.0.0b236

cat >"$folder/ask.py" <<'END'
import http.server
import sys
import threading
import urllib.parse

from openmeter import Client
from openmeter.models import FilterString

queries = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        queries.append(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query))
        body = b'{"data":[]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
meters = Client(endpoint=f"http://127.0.0.1:{server.server_port}", token="none").meters
meters.query_json("m", filter_group_by={"model": "gpt-4", "it": "it's"})
meters.query_json("m", advanced_meter_group_by_filters={"model": {"$eq": "gpt-4"}})
try:
    meters.query_json("m", advanced_meter_group_by_filters={"model": FilterString(eq="gpt-4")})
    failed = "nothing"
except TypeError as error:
    failed = str(error)
print(queries, failed)
wanted = [
    {"filterGroupBy": ["{'model': 'gpt-4', 'it': \"it's\"}"]},
    {"advancedMeterGroupByFilters": ['{"model": {"$eq": "gpt-4"}}']},
]
sys.exit(0 if queries == wanted and "FilterString" in failed else 1)
END
"$folder/env/bin/python" "$folder/ask.py"
