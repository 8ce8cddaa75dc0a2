#!/usr/bin/env bash
# Versions: cloudevents (PyPI) 1.12.0 and 2.2.0, the CloudEvents SDK for Python, without Odometer.
#
# Believed: binary or structured is a matter of transport; an event that a producer hands to the SDK arrives as the
# same event whichever of the two a topic uses.
#
# True: with JSON handed over as bytes or as str, and datacontenttype application/json, the two modes are different
# events. 2.2.0: binary mode writes the JSON itself as the record's value. Structured mode writes bytes as
# `data_base64` and a str as a JSON string in `data`, so the members are out of reach of a reader of `data`; read back
# by the same SDK, one event gives an object in binary mode and bytes or a str in structured mode. 1.12.0 writes bytes
# as `data_base64` in structured mode likewise.
#
# Why it matters here: a meter that sums `/data/count` finds it in one mode only. A counter that takes an event without
# the field as one counts 1 instead of 3, and nobody is told. A program that counts has to decode
# `data_base64`, and to refuse a string.
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 1.12.0 2.2.0; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "cloudevents==$version"
done

"$folder/2.2.0/bin/python" - <<'PYTHON'
import json

from cloudevents.core.bindings.kafka import from_kafka_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

JSON = '{"count":3}'
ATTRIBUTES = {
    "id": "1", "source": "/s", "type": "use", "subject": "o", "specversion": "1.0",
    "datacontenttype": "application/json",
}
WANTED = {
    "dict": ({"count": 3}, {"data": {"count": 3}}, ({"count": 3}, {"count": 3})),
    "bytes": (JSON.encode(), {"data_base64": "eyJjb3VudCI6M30="}, ({"count": 3}, JSON.encode())),
    "str": (JSON, {"data": JSON}, ({"count": 3}, JSON)),
}
for kind, (data, structured_wanted, read_wanted) in WANTED.items():
    event = CloudEvent(dict(ATTRIBUTES), data)
    binary, structured = to_binary_event(event), to_structured_event(event)
    envelope = json.loads(structured.value)
    found = {name: envelope[name] for name in ("data", "data_base64") if name in envelope}
    read = tuple(from_kafka_event(message).get_data() for message in (binary, structured))
    print(f"2.2.0 {kind:5}: binary value {binary.value!r}, structured {found}, read back {read}")
    assert json.loads(binary.value) == {"count": 3}, binary.value
    assert found == structured_wanted, found
    assert read == read_wanted, read
PYTHON

"$folder/1.12.0/bin/python" - <<'PYTHON'
import json

from cloudevents.http import CloudEvent
from cloudevents.kafka import to_structured

event = CloudEvent(
    {"id": "1", "source": "/s", "type": "use", "subject": "o", "datacontenttype": "application/json"}, b'{"count":3}')
envelope = json.loads(to_structured(event, data_marshaller=lambda data: data).value)
found = {name: envelope[name] for name in ("data", "data_base64") if name in envelope}
print(f"1.12.0 bytes: structured {found}")
assert found == {"data_base64": "eyJjb3VudCI6M30="}, found
PYTHON
