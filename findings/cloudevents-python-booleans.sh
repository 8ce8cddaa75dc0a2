#!/usr/bin/env bash
# Version: cloudevents (PyPI) 2.2.0, the CloudEvents SDK for Python, without Odometer.
#
# Believed: an extension that is a boolean goes into a Kafka header as CloudEvents writes one, `true` or `false`; and with
# datacontenttype application/json the record's value in binary mode is JSON.
#
# True: the header `ce_flag` has Python's `True`, and data that is False is the value `False`, which is no JSON. Structured mode
# has `true` and `false`. The SDK's own reader gives back the texts 'True' and 'False' in binary mode, booleans in structured
# mode. (Integers are fine; 1.13.0 refuses extensions that are no texts in binary mode.)
#
# Why it matters here: a catalog that reads a boolean from `{header: ce_flag}` takes the same event in structured mode and
# refuses it in binary mode, and one that takes texts counts `True` and `true` apart. Where Python writes the topic, such a
# header is read as a text with `values: ["True", "False"]`, or handed over as the text "true".
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check cloudevents==2.2.0

"$folder/env/bin/python" - <<'PYTHON'
import json

from cloudevents.core.bindings.kafka import from_kafka_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

event = CloudEvent(
    {
        "id": "1", "source": "/s", "type": "use", "specversion": "1.0", "datacontenttype": "application/json",
        "flag": True, "count": 3,
    },
    False)
binary, structured = to_binary_event(event), to_structured_event(event)
envelope = json.loads(structured.value)
read = [(back.get_attributes()["flag"], back.get_data()) for back in map(from_kafka_event, (binary, structured))]
print(f"binary: ce_flag {binary.headers['ce_flag']!r}, ce_count {binary.headers['ce_count']!r}, value {binary.value!r}, "
      f"read back {read[0]}")
print(f"structured: flag {envelope['flag']}, data {envelope['data']}, read back {read[1]}")
assert (binary.headers["ce_flag"], binary.headers["ce_count"], binary.value) == (b"True", b"3", b"False")
assert (envelope["flag"], envelope["data"]) == (True, False)
assert read == [("True", "False"), (True, False)]
PYTHON
