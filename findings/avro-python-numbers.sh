#!/usr/bin/env bash
# Versions (PyPI): fastavro 1.13.1, which confluent-kafka's AvroSerializer writes with, and avro 1.12.1 (Apache's own), without Odometer.
#
# Believed: an Avro schema with `long` keeps integers exact, a number that does not fit its field is refused, and all writers of a
# schema write a value alike. A union's branch is the one of the value's type.
#
# True: of a union fastavro takes the first branch that can hold a number somehow, Apache's package the last. So of
# ["null", "double", "long"] the one makes a double of an int, and 9007199254740993 is 9007199254740992 in the topic; of
# ["null", "long", "double"] the other does; and of ["null", "float", "long"] fastavro writes 16777217 as 16777216. Outside of a union
# fastavro writes 1.9 as 1 where the field is a `long`; Apache's refuses it, and so does fastavro once the field is ["null", "long"].
#
# Why it matters here: the amount is wrong before it is read, nothing in the record says so, and two producers with one schema
# differ. A reader must take whichever branch a record has. No order of `long` and `double` in a union is right for both
# packages: a schema for amounts has one number in it, or a decimal.
#
# Exit code 0 while this is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check fastavro==1.13.1 avro==1.12.1

"$folder/env/bin/python" - <<'PYTHON'
import io
import json
import struct

import avro.errors
import avro.io
import avro.schema
import fastavro


def schema(kind):
    return {"type": "record", "name": "Event", "fields": [{"name": "amount", "type": kind}]}


def by_fastavro(kind, value):
    out = io.BytesIO()
    try:
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema(kind)), {"amount": value})
    except ValueError:
        return "refused"
    return out.getvalue()


def by_apache(kind, value):
    out = io.BytesIO()
    try:
        avro.io.DatumWriter(avro.schema.parse(json.dumps(schema(kind)))).write({"amount": value}, avro.io.BinaryEncoder(out))
    except avro.errors.AvroTypeException:
        return "refused"
    return out.getvalue()


def long(value):
    """A long as Avro writes it."""
    value, out = value * 2, b""
    while value >= 128:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


DOUBLE, FLOAT = ["null", "double", "long"], ["null", "float", "long"]
CASES = [
    (DOUBLE, 2**53 + 1, long(1) + struct.pack("<d", 2**53), long(2) + long(2**53 + 1)),
    (FLOAT, 2**24 + 1, long(1) + struct.pack("<f", 2**24), long(2) + long(2**24 + 1)),
    ("long", 1.9, long(1), "refused"),
    (["null", "long"], 1.9, "refused", "refused"),
    (["null", "long", "double"], 2**53 + 1, long(1) + long(2**53 + 1), long(2) + struct.pack("<d", 2**53)),
]
changed = False
for kind, value, *wanted in CASES:
    found = [by_fastavro(kind, value), by_apache(kind, value)]
    changed |= found != wanted
    shown = [each.hex(" ") if isinstance(each, bytes) else each for each in found]
    print(f"{json.dumps(kind)}, {value}: fastavro {shown[0]}; avro {shown[1]}{'' if found == wanted else '  CHANGED'}")
raise SystemExit(changed)
PYTHON
