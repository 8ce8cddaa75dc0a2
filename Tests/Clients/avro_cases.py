"""Random schemas of Avro with random records, written by fastavro, and what the reader must find in them."""

import datetime
import decimal
import io
import json
import math
import uuid

import fastavro
import small_floats as real
from record_reader import ABSENT, ARRAY, FALSE, INTEGER, NULL, NUMBER, OBJECT, Reader, TEXT, TIME, TRUE

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
PER_SECOND = {"timestamp-millis": 10**3, "timestamp-micros": 10**6, "timestamp-nanos": 10**9,
              "local-timestamp-millis": 10**3, "local-timestamp-micros": 10**6}
ALIKE = {"int": "number", "long": "number", "float": "number", "double": "number", "bytes": "bytes", "fixed": "bytes",
         "array": "bytes", "string": "text", "enum": "text", "map": "members", "record": "members"}
SAFE = 2**53 - 1
FIRST, END = -8_520_336_000, 7_289_654_400


class Schemas:
    """Makes a schema and, for each value of it, the expectation by pointer."""

    def __init__(self, dice):
        self.dice, self.number, self.named = dice, 0, []

    def name(self, kind):
        self.number += 1
        return f"{kind}{self.number}"

    def any(self, depth):
        kinds = ["null", "boolean", "int", "long", "float", "double", "bytes", "string", "enum", "fixed", "date", "uuid", "uuid_fixed",
                 "decimal", "decimal_fixed", *PER_SECOND]
        if depth > 0:
            kinds += ["record", "array", "map", "union"] * 4
        kind = self.dice.choice(kinds)
        if self.named and self.dice.random() < 0.1:
            return self.dice.choice(self.named)
        return getattr(self, kind.replace("-", "_"), lambda depth: self.plain(kind))(depth)

    def plain(self, kind):
        if kind in PER_SECOND:
            return {"type": "long", "logicalType": kind}
        return {"date": {"type": "int", "logicalType": "date"}, "uuid": {"type": "string", "logicalType": "uuid"}}.get(kind, kind)

    def uuid_fixed(self, depth):
        return {"type": "fixed", "name": self.name("U"), "size": 16, "logicalType": "uuid"}

    def decimal(self, depth):
        precision = self.dice.randint(1, 30)
        return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": self.dice.randint(0, precision)}

    def decimal_fixed(self, depth):
        precision = self.dice.randint(1, 18)
        return {"type": "fixed", "name": self.name("D"), "size": self.dice.randint(9, 16), "logicalType": "decimal",
                "precision": precision, "scale": self.dice.randint(0, precision)}

    def enum(self, depth):
        made = {"type": "enum", "name": self.name("E"), "symbols": [self.name("S") for _ in range(self.dice.randint(1, 5))]}
        self.named.append(made["name"])
        return made

    def fixed(self, depth):
        return {"type": "fixed", "name": self.name("F"), "size": self.dice.randint(0, 20)}

    def record(self, depth):
        name = self.name("R")
        fields = [{"name": self.name("f"), "type": self.any(depth - 1)} for _ in range(self.dice.randint(0, 5))]
        if self.dice.random() < 0.2:
            fields.append({"name": self.name("f"), "type": ["null", name]})
        return {"type": "record", "name": name, "fields": fields}

    def array(self, depth):
        return {"type": "array", "items": self.any(depth - 1)}

    def map(self, depth):
        return {"type": "map", "values": self.any(depth - 1)}

    def union(self, depth):
        known = len(self.named)
        made = [self.any(depth - 1) for _ in range(self.dice.randint(1, 3))]
        kinds = [("enum" if each in self.named else each) if isinstance(each, str) else "union" if isinstance(each, list) else each["type"] for each in made]
        # fastavro chooses a branch by the value, so no two may take the same one.
        alike = [ALIKE.get(kind, kind) for kind in kinds]
        if "union" in kinds or len(set(alike)) < len(alike):
            del self.named[known:]
            return ["null", "long"]
        return made if "null" in made else ["null", *made]


class Values:
    """Writes random values of a schema by hand, by Avro's specification, beside what they mean."""

    def __init__(self, dice, named):
        self.dice, self.named = dice, named

    def long(self):
        dice = self.dice
        return dice.choice([0, 1, -1, dice.randint(-300, 300), dice.randint(-2**63, 2**63 - 1), SAFE, SAFE + 1, -SAFE, 2**63 - 1, -2**63])

    def text(self):
        return "".join(self.dice.choice("abcxyz09 ü漢😀\x00\"\\") for _ in range(self.dice.choice([0, 1, 3, 9, 40])))

    def any(self, schema, depth):
        """A value as fastavro takes it, and the expectation: a leaf (kind, text, integer), a dict or a list."""
        if isinstance(schema, list):
            branch = self.dice.choice([each for each in schema if depth > 0 or each == "null"] or schema)
            value, meaning = self.any(branch, depth)
            return value, meaning
        if isinstance(schema, str) and schema in self.named:
            schema = self.named[schema]
        kind = schema["type"] if isinstance(schema, dict) else schema
        logical = schema.get("logicalType") if isinstance(schema, dict) else None
        return getattr(self, "of_" + kind)(schema, logical, depth)

    def of_null(self, schema, logical, depth):
        return None, (NULL, None, 0)

    def of_boolean(self, schema, logical, depth):
        value = self.dice.random() < 0.5
        return value, (TRUE if value else FALSE, None, 0)

    def of_int(self, schema, logical, depth):
        value = max(-2**31, min(2**31 - 1, self.long() % 2**32 - 2**31))
        if logical != "date":
            return value, integer(value)
        value = self.dice.choice([value, self.dice.randint(-100_000, 90_000)])
        return value, date(value)

    def of_long(self, schema, logical, depth):
        value = self.long()
        if logical is None:
            return value, integer(value)
        per_second = PER_SECOND[logical]
        value = self.dice.choice([value, self.dice.randint(FIRST - 9, END + 9) * per_second + self.dice.choice([0, 1, per_second // 2])])
        value = max(-2**63, min(2**63 - 1, value))
        return value, moment(value, per_second, logical.startswith("local"))

    def of_float(self, schema, logical, depth):
        value = real.single(self.dice.choice([0.0, 1.0, -2.5, 0.1, 3.4e38, 1e-40, self.dice.uniform(-1e6, 1e6), math.inf, math.nan]))
        return value, number(value, real.shortest_single)

    def of_double(self, schema, logical, depth):
        value = self.dice.choice([0.0, -1.0, 1e300, 5e-324, 0.1, 2.0**53, 2.0**53 - 1, self.dice.uniform(-1e9, 1e9), -math.inf, math.nan])
        return value, number(value, repr)

    def of_bytes(self, schema, logical, depth):
        if logical == "decimal":
            return self.decimal(schema, None)
        value = self.dice.randbytes(self.dice.choice([0, 1, 7, 128]))
        return value, (TEXT, value.hex().encode() or None, 0)

    def of_fixed(self, schema, logical, depth):
        if logical == "decimal":
            return self.decimal(schema, schema["size"])
        value = self.dice.randbytes(schema["size"])
        if logical == "uuid":
            return uuid.UUID(bytes=value), (TEXT, str(uuid.UUID(bytes=value)).encode(), 0)
        return value, (TEXT, value.hex().encode() or None, 0)

    def decimal(self, schema, size):
        unscaled = self.dice.choice([0, 1, -1, self.dice.randint(-10**schema["precision"] + 1, 10**schema["precision"] - 1)])
        value = decimal.Decimal(unscaled).scaleb(-schema["scale"], decimal.Context(prec=60))
        text = f"{value:f}"
        if schema["scale"] == 0:
            text = str(unscaled)
        if unscaled == 0 and schema["scale"]:
            text = "0." + "0" * schema["scale"]
        return value, exact(value, text)

    def of_string(self, schema, logical, depth):
        value = str(uuid.UUID(int=self.dice.getrandbits(128))) if logical == "uuid" else self.text()
        return (uuid.UUID(value) if logical == "uuid" else value), (TEXT, value.encode() or None, 0)

    def of_enum(self, schema, logical, depth):
        value = self.dice.choice(schema["symbols"])
        return value, (TEXT, value.encode(), 0)

    def of_record(self, schema, logical, depth):
        value, meaning = {}, {}
        for field in schema["fields"]:
            value[field["name"]], meaning[field["name"]] = self.any(field["type"], depth - 1)
        value["-type"] = schema["name"]
        return value, meaning

    def of_array(self, schema, logical, depth):
        made = [self.any(schema["items"], depth - 1) for _ in range(self.dice.choice([0, 1, 2, 5]))]
        return [value for value, _ in made], [meaning for _, meaning in made]

    def of_map(self, schema, logical, depth):
        made = {self.text() + str(key): self.any(schema["values"], depth - 1) for key in range(self.dice.choice([0, 1, 2, 5]))}
        return {key: value for key, (value, _) in made.items()}, {key: meaning for key, (_, meaning) in made.items()}


def integer(value):
    return (INTEGER, str(value).encode(), value) if abs(value) <= SAFE else (NUMBER, str(value).encode(), 0)


def exact(value, text):
    is_whole = value == value.to_integral_value() and abs(value) <= SAFE
    return (INTEGER if is_whole else NUMBER, text.encode(), int(value) if is_whole else 0)


def number(value, shortest):
    """The text of a real is compared by its value, since several texts are the shortest."""
    if not math.isfinite(value):
        return (ARRAY, None, 0)
    is_whole = value == int(value) and abs(value) <= SAFE
    return ("real", value, (INTEGER, int(value)) if is_whole else (NUMBER, 0), shortest)


def date(days):
    if not FIRST <= days * 86_400 < END:
        return (ARRAY, None, 0)
    return (TIME, str(datetime.date(1970, 1, 1) + datetime.timedelta(days=days)).encode(), days * 86_400 * 10**9)


def moment(value, per_second, is_local):
    seconds, rest = divmod(value, per_second)
    if not FIRST <= seconds < END:
        return (ARRAY, None, 0)
    nanoseconds = rest * (10**9 // per_second)
    text = (EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    if nanoseconds:
        digits = f"{nanoseconds:09}"
        text += "." + (digits[:3] if nanoseconds % 10**6 == 0 else digits[:6] if nanoseconds % 10**3 == 0 else digits)
    return (TEXT, text.encode(), 0) if is_local else (TIME, text.encode() + b"Z", seconds * 10**9 + nanoseconds)


def pointers(meaning, at=()):
    """All pointers into a meaning, with what is there."""
    yield at, meaning
    entries = meaning.items() if isinstance(meaning, dict) else enumerate(meaning) if isinstance(meaning, list) else ()
    for key, inner in entries:
        yield from pointers(inner, (*at, str(key)))


def same(found, meaning):
    if isinstance(meaning, dict):
        return found[0] == OBJECT
    if isinstance(meaning, list):
        return found[0] == ARRAY
    if meaning[0] == "real":
        _, value, (kind, whole), _ = meaning
        return found[0] == kind and (kind == NUMBER or found[2] == whole) and real.same(found[1], value, meaning[3])
    if found[0] == NUMBER == meaning[0]:
        return found[1] == meaning[1]
    return found == meaning or (found[0] == TEXT == meaning[0] and not found[1] and not meaning[1])


def encode(schema, value):
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, value)
    return stream.getvalue()


def named_types(schema, into):
    if isinstance(schema, list):
        for each in schema:
            named_types(each, into)
    if isinstance(schema, dict):
        if "name" in schema:
            into[schema["name"]] = schema
        for inner in [field["type"] for field in schema.get("fields", ())] + [schema[key] for key in ("items", "values") if key in schema]:
            named_types(inner, into)
    return into


def run(library, dice, rounds):
    counts = {"records": 0, "values": 0, "cut": 0, "changed": 0}
    for _ in range(rounds):
        schemas = Schemas(dice)
        schema = schemas.record(4)
        parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
        values = Values(dice, named_types(schema, {}))
        cases = []
        while len(cases) < 8:
            value, meaning = values.any(schema, 6)
            try:
                cases.append((encode(parsed, value), meaning))
            except (ValueError, TypeError, OverflowError, KeyError):
                break  # some unions are ambiguous for fastavro's writer
        if not cases:
            continue
        check_schema(library, dice, json.dumps(schema), cases, counts)
    return counts


def check_schema(library, dice, text, cases, counts):
    known = sorted({at for _, meaning in cases for at, _ in pointers(meaning) if at})
    wanted = [at for at in known if dice.random() < 0.6] + [("nowhere",)]
    reader = Reader(library, wanted)
    program = reader.add_avro(text)
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
        for cut in range(len(record)):
            assert reader.read(program, record[:cut])[0] != "ok", (text, cut)
            counts["cut"] += 1
        assert reader.read(program, record + b"\0")[0] == "trailing"
        for _ in range(20):
            changed = bytearray(record)
            if changed:
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            reader.read(program, bytes(changed))
            counts["changed"] += 1
    reader.close()
