"""Events of usage in Avro, Protobuf and JSON, as confluent-kafka's serializers write them, and the cells that they count."""

import collections
import datetime
import decimal
import json
import random

from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer, prefix_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2, wrappers_pb2

from house import escaped

CATALOG = """\
version: 1
records: {{format: {form}}}
envelope:
  id: /id
  source: {{const: app}}
  type: {{const: usage}}
  subject: /customer
  time: /at
events:
  usage:
    type: usage
    fields:
      model: {{at: /call/model}}
      level: {{at: /level, values: [low, high]}}
      tokens: {{at: /call/tokens, is: integer, required: true}}
      cost: {{at: /cost, is: decimal, scale: 6, from: text}}
      region: {{at: /labels/region}}
      uses: {{at: /uses, each: true}}
meters:
  calls: {{kind: count, by: [model, level, region], windows: [day, all], on: [{{event: usage}}]}}
  tokens: {{kind: sum, by: [model], windows: [all], on: [{{event: usage, amount: tokens}}]}}
  cost: {{kind: sum, windows: [day, all], on: [{{event: usage, amount: cost}}]}}
  uses: {{kind: count, by: [uses.value], windows: [all], on: [{{event: usage}}]}}
"""
LEVELS = ["low", "high"]
LEVEL_PROTO = """\
syntax = "proto3";
package acme;
enum Level { low = 0; high = 1; }
"""
USAGE_PROTO = """\
syntax = "proto3";
package acme;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "acme/level.proto";
message Other { int32 unused = 1; }
message Outer {
  message Usage {
    message Call { string model = 1; int64 tokens = 2; }
    string id = 1;
    string customer = 2;
    google.protobuf.Timestamp at = 3;
    Call call = 4;
    Level level = 5;
    google.protobuf.StringValue cost = 6;
    map<string, string> labels = 7;
    repeated string uses = 8;
    bytes unused = 100;
  }
}
"""


def avro_schema(doc="an event of usage"):
    """The schema of an event; another `doc` makes it another schema."""
    return json.dumps({
        "type": "record", "name": "Usage", "namespace": "com.acme", "doc": doc, "fields": [
            {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
            {"name": "unused", "type": {"type": "array", "items": {"type": "map", "values": ["null", "double", "bytes"]}}},
            {"name": "customer", "type": "string"},
            {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
            {"name": "call", "type": {"type": "record", "name": "Call", "fields": [
                {"name": "model", "type": ["null", "string"], "default": None}, {"name": "tokens", "type": "long"},
                {"name": "inside", "type": ["null", "Call"], "default": None}]}},
            {"name": "level", "type": {"type": "enum", "name": "Level", "symbols": LEVELS}},
            {"name": "cost", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 6}]},
            {"name": "labels", "type": {"type": "map", "values": "string"}},
            {"name": "uses", "type": {"type": "array", "items": "string"}},
        ]})


JSON_SCHEMA = json.dumps({"title": "Usage", "type": "object", "properties": {"id": {"type": "string"}}})


def usage_class():
    """The class of the message acme.Outer.Usage."""
    pool = descriptor_pool.DescriptorPool()
    for module in (timestamp_pb2, wrappers_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    level = descriptor_pb2.FileDescriptorProto(name="acme/level.proto", package="acme", syntax="proto3")
    made = level.enum_type.add(name="Level")
    for number, name in enumerate(LEVELS):
        made.value.add(name=name, number=number)
    pool.AddSerializedFile(level.SerializeToString())
    file = descriptor_pb2.FileDescriptorProto(name="acme/usage.proto", package="acme", syntax="proto3", dependency=[
        "google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto", "acme/level.proto"])
    field = descriptor_pb2.FieldDescriptorProto

    def add(message, name, number, kind, type_name="", label=field.LABEL_OPTIONAL):
        made = message.field.add(name=name, number=number, type=kind, label=label)
        if type_name:
            made.type_name = type_name

    add(file.message_type.add(name="Other"), "unused", 1, field.TYPE_INT32)
    usage = file.message_type.add(name="Outer").nested_type.add(name="Usage")
    call = usage.nested_type.add(name="Call")
    add(call, "model", 1, field.TYPE_STRING)
    add(call, "tokens", 2, field.TYPE_INT64)
    entry = usage.nested_type.add(name="LabelsEntry")
    entry.options.map_entry = True
    add(entry, "key", 1, field.TYPE_STRING)
    add(entry, "value", 2, field.TYPE_STRING)
    inside = ".acme.Outer.Usage."
    add(usage, "id", 1, field.TYPE_STRING)
    add(usage, "customer", 2, field.TYPE_STRING)
    add(usage, "at", 3, field.TYPE_MESSAGE, ".google.protobuf.Timestamp")
    add(usage, "call", 4, field.TYPE_MESSAGE, inside + "Call")
    add(usage, "level", 5, field.TYPE_ENUM, ".acme.Level")
    add(usage, "cost", 6, field.TYPE_MESSAGE, ".google.protobuf.StringValue")
    add(usage, "labels", 7, field.TYPE_MESSAGE, inside + "LabelsEntry", field.LABEL_REPEATED)
    add(usage, "uses", 8, field.TYPE_STRING, "", field.LABEL_REPEATED)
    add(usage, "unused", 100, field.TYPE_BYTES)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("acme.Outer.Usage"))


USAGE = usage_class()


def some(count, seed, start=0):
    """Random events, each with an id of its own."""
    dice = random.Random(seed)
    began = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    return [{
        "id": f"{seed:08x}-0000-4000-8000-{start + number:012x}", "customer": f"c-{dice.randrange(5)}",
        "at": began + datetime.timedelta(microseconds=dice.randrange(10**6 * 86_400 * 3)),
        "model": dice.choice([None, "small", "large:ü"]), "level": dice.choice(LEVELS), "tokens": dice.randrange(10_000),
        "cost": dice.choice([None, decimal.Decimal(dice.randrange(10**9)).scaleb(-6)]),
        "labels": dice.choice([{}, {"region": "eu"}, {"zone": "a", "region": "us"}]),
        "uses": [dice.choice(["read", "write"]) for _ in range(dice.randrange(3))],
    } for number in range(count)]


class Serializer:
    """Writes events in one format, with the schema's id before the value or its GUID in a header."""

    def __init__(self, form, registry, topic, in_header, schema=None):
        self.form, self.context_topic = form, topic
        where = header_schema_id_serializer if in_header else prefix_schema_id_serializer
        settings = {"schema.id.serializer": where}
        client = SchemaRegistryClient({"url": registry.url})
        if form == "avro":
            self.write_value = AvroSerializer(client, schema or avro_schema(), conf=settings)
        elif form == "json-schema":
            self.write_value = JSONSerializer(JSON_SCHEMA, client, conf=settings)
        else:
            registry.proto_texts.update({"acme/usage.proto": USAGE_PROTO, "acme/level.proto": LEVEL_PROTO})
            self.write_value = ProtobufSerializer(USAGE, client, conf={**settings, "skip.known.types": True})

    def write(self, event):
        """The record's value and headers."""
        headers = []
        context = SerializationContext(self.context_topic, MessageField.VALUE, headers)
        value = self.write_value(self.shaped(event), context)
        return value, headers

    def shaped(self, event):
        if self.form == "avro":
            call = {"model": event["model"], "tokens": event["tokens"], "inside": {"model": "other", "tokens": 1, "inside": None}}
            return {**event, "call": call, "unused": [{"a": None, "b": 1.5}, {"c": b"\0"}]}
        if self.form == "json-schema":
            at = event["at"].isoformat().replace("+00:00", "Z")
            cost = None if event["cost"] is None else float(event["cost"])
            return {**event, "at": at, "call": {"model": event["model"], "tokens": event["tokens"]}, "cost": cost}
        made = USAGE(id=event["id"], customer=event["customer"], level=event["level"], labels=event["labels"], uses=event["uses"])
        made.at.FromDatetime(event["at"].replace(tzinfo=None))
        made.call.tokens, made.unused = event["tokens"], b"\0\1"
        if event["model"]:
            made.call.model = event["model"]
        if event["cost"] is not None:
            made.cost.value = str(event["cost"])
        return made


def cells(made):
    """What events count: of each organization its keys, fields and values."""
    found = collections.defaultdict(lambda: collections.defaultdict(int))
    for event in made:
        labels = ":".join(escaped(part or "unknown") for part in (event["model"], event["level"], event["labels"].get("region")))
        cost = int((event["cost"] or 0) * 10**6)
        mine = found[event["customer"]]
        mine[f"calls:day:{event['at']:%Y-%m-%d}", labels] += 1
        mine["calls:all", labels] += 1
        mine["tokens:all", escaped(event["model"] or "unknown")] += event["tokens"]
        mine[f"cost:day:{event['at']:%Y-%m}", f"{event['at']:%d}"] += cost
        mine["totals", "cost"] += cost
        for use in event["uses"]:
            mine["uses:all", use] += 1
    made = {}
    for subject, fields in found.items():
        made[subject] = collections.defaultdict(dict)
        for (key, field), value in fields.items():
            if value:
                made[subject][key][field] = str(value)
        made[subject] = dict(made[subject])
    return made
