"""The samples of the gallery that are not JSON on the wire: from the lines that people read to the bytes that clients write."""

import datetime
import decimal
import io
import json
import pathlib
import uuid

import fastavro

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "foreign" / "schemas"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
METHODS = ["GET", "PUT"]


def avro(event):
    event["call_id"] = uuid.UUID(event["call_id"])
    event["finished_at"] = datetime.datetime.fromisoformat(event["finished_at"])
    event["price"] = event["price"] and decimal.Decimal(event["price"])
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads((SCHEMAS / "1.avsc").read_text())), event)
    return b"\0\0\0\0\1" + stream.getvalue()


def varint(number):
    made = b""
    while number > 127:
        made, number = made + bytes([number & 127 | 128]), number >> 7
    return made + bytes([number])


def counted(number, text):
    """A field of a text or message; an empty one is not written."""
    data = text.encode() if isinstance(text, str) else text
    return varint(number << 3 | 2) + varint(len(data)) + data if data else b""


def whole(number, value):
    return varint(number << 3) + varint(value) if value else b""


def account(event):
    parent = account(event["parent"]) if event["parent"] else b""
    return counted(1, event["name"] or "") + counted(2, parent)


def protobuf(event):
    passed = datetime.datetime.fromisoformat(event["finished_at"]) - EPOCH
    time = whole(1, passed // datetime.timedelta(seconds=1)) + whole(2, passed.microseconds * 1000)
    price = counted(6, counted(1, event["price"])) if event["price"] else b""
    labels = b"".join(counted(7, counted(1, key) + counted(2, value)) for key, value in event["labels"].items())
    # A frame that names the second message of the file.
    return b"\0\0\0\0\2" + b"\2\2" + (
        counted(1, event["call_id"]) + counted(2, time) + counted(3, account(event["account"])) + whole(4, METHODS.index(event["method"]))
        + whole(5, event["bytes_sent"] * 2) + price + labels)


WRITERS = {"avro": avro, "protobuf": protobuf}


def record(name, line):
    """The bytes of a line: itself, what `0x` says, or an event in the format's own encoding."""
    if name not in WRITERS:
        return line or None
    return bytes.fromhex(line[2:]) if line.startswith("0x") else WRITERS[name](json.loads(line))
