"""Random messages of Protobuf, written by Google's library, and what the reader must find in them."""

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2, wrappers_pb2

import small_floats as real
from avro_cases import SAFE, integer, moment, number, pointers
from record_reader import ABSENT, ARRAY, FALSE, INTEGER, NUMBER, OBJECT, Reader, TEXT, TRUE

FIELD = descriptor_pb2.FieldDescriptorProto
SCALARS = ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "float",
           "double", "string", "bytes"]
WRAPPERS = {"Int32Value": "int32", "Int64Value": "int64", "UInt32Value": "uint32", "UInt64Value": "uint64", "BoolValue": "bool",
            "FloatValue": "float", "DoubleValue": "double", "StringValue": "string", "BytesValue": "bytes"}
KEYS = ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "sfixed64", "bool", "string"]
RANGES = {"int32": (-2**31, 2**31 - 1), "sint32": (-2**31, 2**31 - 1), "sfixed32": (-2**31, 2**31 - 1), "uint32": (0, 2**32 - 1),
          "fixed32": (0, 2**32 - 1), "int64": (-2**63, 2**63 - 1), "sint64": (-2**63, 2**63 - 1), "sfixed64": (-2**63, 2**63 - 1),
          "uint64": (0, 2**64 - 1), "fixed64": (0, 2**64 - 1)}
IMPORTS = ("timestamp", "duration", "wrappers")


class Files:
    """A random file: its text for the reader, its descriptor for Google's library."""

    def __init__(self, dice, number):
        self.dice, self.path = dice, f"random/file{number}.proto"
        self.package = f"random.file{number}"
        self.descriptor = descriptor_pb2.FileDescriptorProto(name=self.path, package=self.package, syntax="proto3")
        self.descriptor.dependency.extend(f"google/protobuf/{name}.proto" for name in IMPORTS)
        self.lines = ['syntax = "proto3";', f"package {self.package};", *(f'import "google/protobuf/{name}.proto";' for name in IMPORTS)]
        self.messages = []
        self.symbols = ["zero", *(f"symbol_{i}" for i in range(1, dice.randint(1, 4)))]
        self.enum()
        for index in range(dice.randint(1, 4)):
            self.message(f"M{index}")

    def enum(self):
        made = self.descriptor.enum_type.add(name="Level")
        for number, name in enumerate(self.symbols):
            made.value.add(name=name, number=number)
        self.lines.append("enum Level { " + " ".join(f"{name} = {number};" for number, name in enumerate(self.symbols)) + " }")

    def message(self, name):
        dice = self.dice
        made = self.descriptor.message_type.add(name=name)
        fields, lines = [], []
        numbers = dice.sample(range(1, 60), 7) + [dice.choice([1_000, 2**20, 2**29 - 1])]
        choice = dice.random() < 0.5
        for index, number in enumerate(numbers):
            field = {"name": f"f{index}", "number": number, "label": dice.choice(["", "", "optional", "repeated", "map"]),
                     "type": dice.choice([*SCALARS, "Level", "message", "Timestamp", "Duration", *dice.sample(sorted(WRAPPERS), 2)])}
            if choice and index >= 6:
                field["label"] = "oneof"
            if field["type"] == "message":
                field["type"] = dice.choice(self.messages)["name"] if self.messages else "int64"
            self.add(made, field)
            fields.append(field)
            label = field["label"] if field["label"] in ("optional", "repeated") else ""
            kind = f"map<{field['key']}, {self.full(field['type'])}>" if field["label"] == "map" else self.full(field["type"])
            packed = " [packed = false]" if field.get("unpacked") else ""
            lines.append((field["label"] == "oneof", f"{label} {kind} {field['name']} = {number}{packed};"))
        order = sorted(lines, key=lambda line: line[0])
        inner = " ".join(line for is_choice, line in order if is_choice)
        body = " ".join(line for is_choice, line in order if not is_choice) + (f" oneof choice {{ {inner} }}" if inner else "")
        self.lines.append(f"message {name} {{ {body} }}")
        self.messages.append({"name": name, "fields": fields})

    def full(self, kind):
        if kind in SCALARS or kind == "Level":
            return kind
        return f"google.protobuf.{kind}" if kind in WRAPPERS or kind in ("Timestamp", "Duration") else kind

    def add(self, message, field):
        made = message.field.add(name=field["name"], number=field["number"], label=FIELD.LABEL_OPTIONAL)
        if field["label"] == "map":
            field["key"] = self.dice.choice(KEYS)
            entry = message.nested_type.add(name=field["name"].capitalize() + "Entry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=FIELD.LABEL_OPTIONAL, type=FIELD.Type.Value(f"TYPE_{field['key'].upper()}"))
            self.typed(entry.field.add(name="value", number=2, label=FIELD.LABEL_OPTIONAL), field["type"])
            made.label, made.type = FIELD.LABEL_REPEATED, FIELD.TYPE_MESSAGE
            made.type_name = f".{self.package}.{message.name}.{entry.name}"
            return
        self.typed(made, field["type"])
        if field["label"] == "repeated":
            made.label = FIELD.LABEL_REPEATED
            if field["type"] not in ("string", "bytes") and field["type"] in SCALARS and self.dice.random() < 0.3:
                field["unpacked"] = True
                made.options.packed = False
        if field["label"] == "oneof":
            if not message.oneof_decl:
                message.oneof_decl.add(name="choice")
            made.oneof_index = 0
        if field["label"] == "optional":
            made.proto3_optional = True

    def typed(self, made, kind):
        if kind in SCALARS:
            made.type = FIELD.Type.Value(f"TYPE_{kind.upper()}")
        elif kind == "Level":
            made.type, made.type_name = FIELD.TYPE_ENUM, f".{self.package}.Level"
        else:
            made.type = FIELD.TYPE_MESSAGE
            made.type_name = f".{self.full(kind)}" if "." in self.full(kind) else f".{self.package}.{kind}"

    def classes(self):
        # The oneofs of `optional` come behind the others.
        for message in self.descriptor.message_type:
            for field in message.field:
                if field.proto3_optional:
                    message.oneof_decl.add(name=f"_{field.name}")
                    field.oneof_index = len(message.oneof_decl) - 1
        pool = descriptor_pool.DescriptorPool()
        for module in (timestamp_pb2, duration_pb2, wrappers_pb2):
            pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        pool.AddSerializedFile(self.descriptor.SerializeToString())
        return {each["name"]: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{self.package}.{each['name']}"))
                for each in self.messages}


class Values:
    def __init__(self, dice, files):
        self.dice, self.files = dice, files
        self.messages = {each["name"]: each for each in files.messages}

    def scalar(self, kind):
        dice = self.dice
        if kind in RANGES:
            low, high = RANGES[kind]
            value = dice.choice([0, 1, max(low, -1), low, high, dice.randint(low, high), min(high, SAFE), min(high, SAFE + 1)])
            return value, integer(value)
        if kind == "bool":
            value = dice.random() < 0.5
            return value, (TRUE if value else FALSE, None, 0)
        if kind == "float":
            value = real.single(dice.choice([0.0, 1.5, -3.0, 0.1, 1e30, float("inf"), dice.uniform(-1e4, 1e4)]))
            return value, number(value, real.shortest_single)
        if kind == "double":
            value = dice.choice([0.0, 1.5, -3.0, 1e300, float("nan"), dice.uniform(-1e9, 1e9)])
            return value, number(value, repr)
        if kind == "string":
            value = "".join(dice.choice("abc09 ü漢\0") for _ in range(dice.choice([0, 1, 9, 40])))
            return value, (TEXT, value.encode(), 0)
        if kind == "bytes":
            value = dice.randbytes(dice.choice([0, 3, 128]))
            return value, (TEXT, value.hex().encode(), 0)
        value = dice.choice([*range(len(self.files.symbols)), 77])
        named = value < len(self.files.symbols)
        return value, (TEXT, self.files.symbols[value].encode(), 0) if named else integer(value)

    def fill(self, message, kind, depth):
        """Fills a message that is there; returns what it means."""
        dice = self.dice
        message.SetInParent()
        if kind == "Timestamp":
            message.seconds, message.nanos = dice.randint(-8_520_336_005, 7_289_654_410), dice.choice([0, 5, 10**6, 999_999_999])
            return moment(message.seconds * 10**9 + message.nanos, 10**9, False)
        if kind == "Duration":
            sign = dice.choice([1, -1])
            message.seconds, message.nanos = sign * dice.choice([0, 1, 3_600]), sign * dice.choice([0, 5, 250_000_000])
            return duration(message)
        if kind in WRAPPERS:
            message.value, meaning = self.scalar(WRAPPERS[kind])
            return meaning
        meaning = {}
        fields = list(self.messages[kind]["fields"])
        chosen = dice.choice([field["name"] for field in fields if field["label"] == "oneof"] or [None])
        for field in fields:
            found = self.field(message, field, depth, chosen)
            if found is not None:
                meaning[field["name"]] = found
        return meaning

    def field(self, message, field, depth, chosen):
        dice, name, kind, label = self.dice, field["name"], field["type"], field["label"]
        is_scalar = kind in SCALARS or kind == "Level"
        if label == "repeated":
            made = []
            for _ in range(dice.choice([0, 1, 3]) if is_scalar or depth > 0 else 0):
                if is_scalar:
                    value, meaning = self.scalar(kind)
                    getattr(message, name).append(value)
                else:
                    meaning = self.fill(getattr(message, name).add(), kind, depth - 1)
                made.append(meaning)
            return made
        if label == "map":
            made = {}
            for _ in range(dice.choice([0, 1, 3]) if is_scalar or depth > 0 else 0):
                key, _ = self.scalar(field["key"])
                if is_scalar:
                    getattr(message, name)[key], meaning = self.scalar(kind)
                else:
                    getattr(message, name)[key].Clear()
                    meaning = self.fill(getattr(message, name)[key], kind, depth - 1)
                made[{True: "true", False: "false"}[key] if field["key"] == "bool" else str(key)] = meaning
            return made
        if label == "oneof" and name != chosen:
            return None
        if not is_scalar:
            is_there = depth > 0 and dice.random() < 0.8
            return self.fill(getattr(message, name), kind, depth - 1) if is_there else None
        value, meaning = self.scalar(kind)
        if label in ("optional", "oneof"):
            if dice.random() < 0.2:
                return None
            setattr(message, name, value)
            return meaning
        setattr(message, name, value)
        return None if meaning[0] == TEXT and not meaning[1] else meaning


def duration(message):
    nanoseconds = abs(message.seconds) * 10**9 + abs(message.nanos)
    sign = "-" if message.seconds < 0 or message.nanos < 0 else ""
    text = f"{sign}{nanoseconds // 10**9}"
    rest = f"{nanoseconds % 10**9:09}"
    if int(rest):
        text += "." + (rest[:3] if not int(rest[3:]) else rest[:6] if not int(rest[6:]) else rest)
    whole = int(text) if "." not in text else 0
    return (NUMBER if "." in text else INTEGER, text.encode(), whole)


def same(found, meaning):
    if isinstance(meaning, dict):
        return found[0] == OBJECT
    if isinstance(meaning, list):
        return found[0] == ARRAY
    if meaning[0] == "real":
        _, value, (kind, whole), _ = meaning
        return found[0] == kind and (kind == NUMBER or found[2] == whole) and real.same(found[1], value, meaning[3])
    return found[:2] == meaning[:2] and (found[0] == NUMBER or found[2] == meaning[2]) or (
        found[0] == TEXT == meaning[0] and not found[1] and not meaning[1])


def run(library, dice, rounds):
    counts = {"records": 0, "values": 0, "cut": 0, "changed": 0}
    for index in range(rounds):
        files = Files(dice, index)
        classes = files.classes()
        values = Values(dice, files)
        position = dice.randrange(len(files.messages))
        name = files.messages[position]["name"]
        cases = []
        for _ in range(6):
            message = classes[name]()
            meaning = values.fill(message, name, 4)
            cases.append((message.SerializeToString(), meaning))
        check_message(library, dice, files, position, cases, counts)
    return counts


def check_message(library, dice, files, position, cases, counts):
    known = sorted({at for _, meaning in cases for at, _ in pointers(meaning) if at})
    wanted = [at for at in known if dice.random() < 0.6] + [("nowhere",)]
    text = "\n".join(files.lines)
    reader = Reader(library, wanted)
    program = reader.add_protobuf([(files.path, text)], (position,))
    for record, meaning in cases:
        result, found, _ = reader.read(program, record)
        assert result == "ok", (result, text, record.hex())
        inside = dict(pointers(meaning))
        for at in wanted:
            if at in inside:
                assert same(found[at], inside[at]), (text, at, found[at], inside[at], record.hex())
            else:
                assert found[at][0] == ABSENT, (text, at, found[at])
        counts["records"] += 1
        counts["values"] += len(wanted)
        # A group, and a field without its value.
        if record:
            assert reader.read(program, record + b"\x0b")[0] == "group"
            assert reader.read(program, record + b"\x08")[0] == "truncated"
        for cut in range(len(record)):
            reader.read(program, record[:cut])
            counts["cut"] += 1
        for _ in range(20):
            changed = bytearray(record)
            if changed:
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            reader.read(program, bytes(changed))
            counts["changed"] += 1
    reader.close()

