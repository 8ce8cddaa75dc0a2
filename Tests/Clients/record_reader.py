"""The readers of Avro and Protobuf by themselves, for Python: Sources/CRecordScan built as a shared library."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("CRecordScan", "CProtoSchema", "CEventScan")
ABSENT, TEXT, INTEGER, NUMBER, FALSE, NULL, OBJECT, ARRAY, TRUE, TIME = range(10)
RESULTS = ("ok", "truncated", "trailing", "too deep", "duplicate", "not an object", "not UTF-8", "bad value", "group")
MOST_ENTRIES = 32


class Value(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_void_p), ("integer", ctypes.c_int64), ("length", ctypes.c_uint32), ("kind", ctypes.c_uint32)]

    def take(self):
        """The value as (kind, text, integer); the text is None where it has none."""
        text = ctypes.string_at(self.pointer, self.length) if self.pointer else None
        return (self.kind, text, self.integer)


class Entry(ctypes.Structure):
    _fields_ = [("key", Value), ("value", Value)]


class FanOut(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint32), ("count", ctypes.c_uint32), ("entries", Entry * MOST_ENTRIES)]


class Node(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("name_length", ctypes.c_uint32), ("slot", ctypes.c_int32), ("fan_out", ctypes.c_int32),
                ("first_child", ctypes.c_uint32), ("child_count", ctypes.c_uint32), ("list", ctypes.c_int32)]


class Tree(ctypes.Structure):
    _fields_ = [("nodes", ctypes.POINTER(Node)), ("lists", ctypes.c_void_p), ("finds", ctypes.c_void_p),
                ("node_count", ctypes.c_uint32), ("list_count", ctypes.c_uint32), ("find_count", ctypes.c_uint32),
                ("slot_count", ctypes.c_uint32), ("fan_out_count", ctypes.c_uint32)]


class Text(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("text", ctypes.c_char_p), ("name_length", ctypes.c_size_t), ("text_length", ctypes.c_size_t)]


class ProtoText(ctypes.Structure):
    _fields_ = [("path", ctypes.c_char_p), ("text", ctypes.c_char_p), ("path_length", ctypes.c_size_t), ("text_length", ctypes.c_size_t)]


def build(folder):
    """Builds the library into a folder; None where there is no compiler."""
    compiler = shutil.which("clang++") or shutil.which("g++")
    if not compiler:
        return None
    made = Path(folder) / "readers.so"
    sources = [str(file) for room in ROOMS for file in sorted((ROOT / "Sources" / room).glob("*.cc"))]
    subprocess.run([compiler, "-std=c++17", "-O1", "-g", "-fPIC", "-shared", "-fsanitize=undefined", "-fsanitize-trap=undefined",
                    "-DNDEBUG", *(f"-I{ROOT}/Sources/{room}/include" for room in ROOMS), "-o", str(made), *sources,
                    "-lsimdjson", "-lprotobuf"], check=True, timeout=600)
    library = ctypes.CDLL(str(made), mode=os.RTLD_LOCAL)
    for name in ("es_create", "rs_create", "ps_create", "es_slots", "es_fan_outs"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


class Reader:
    """Reads records for pointers, each a tuple of names, and for lists whose entries are wanted one by one."""

    def __init__(self, library, pointers, fan_outs=()):
        self.library, self.pointers, self.fan_outs = library, list(pointers), list(fan_outs)
        root = {"children": {}}
        for number, pointer in enumerate(self.pointers):
            self.node(root, pointer)["slot"] = number
        for number, pointer in enumerate(self.fan_outs):
            self.node(root, pointer)["fan_out"] = number
        order, flat = [("", root)], []
        for _, node in order:
            first = len(order)
            order += node["children"].items()
            flat.append((node, first))
        self.nodes = (Node * len(order))()
        for made, (name, _), (node, first) in zip(self.nodes, order, flat):
            text = name.encode()
            made.name, made.name_length = text, len(text)
            made.slot, made.fan_out, made.list = node.get("slot", -1), node.get("fan_out", -1), -1
            made.first_child, made.child_count = first, len(node["children"])
        tree = Tree(self.nodes, None, None, len(order), 0, 0, len(self.pointers), len(self.fan_outs))
        self.scanner = ctypes.c_void_p(library.es_create(ctypes.byref(tree)))
        self.reader = ctypes.c_void_p(library.rs_create(self.scanner))

    @staticmethod
    def node(root, pointer):
        for name in pointer:
            root = root["children"].setdefault(name, {"children": {}})
        return root

    def close(self):
        self.library.rs_destroy(self.reader)
        self.library.es_destroy(self.scanner)

    def add_avro(self, *schemas):
        texts = (Text * len(schemas))(*(Text(b"", schema.encode(), 0, len(schema.encode())) for schema in schemas))
        why = ctypes.create_string_buffer(400)
        return self.said(self.library.rs_add_avro(self.reader, texts, len(schemas), 0, why, 400), why)

    def add_protobuf(self, files, indexes=(0,)):
        texts = (ProtoText * len(files))(*(ProtoText(path.encode(), text.encode(), len(path.encode()), len(text.encode()))
                                           for path, text in files))
        why, is_index = ctypes.create_string_buffer(400), ctypes.c_int()
        made = self.library.ps_create(texts, len(files), (ctypes.c_int32 * len(indexes))(*indexes), len(indexes),
                                      ctypes.byref(is_index), why, 400)
        if not made:
            raise ValueError(why.value.decode())
        number = self.library.rs_add_protobuf(self.reader, ctypes.c_void_p(made), 0, why, 400)
        self.library.ps_destroy(ctypes.c_void_p(made))
        return self.said(number, why)

    @staticmethod
    def said(number, why):
        if number < 0:
            raise ValueError(why.value.decode())
        return number

    def read(self, program, record):
        """The result's name, and where it is "ok" the values by pointer and the entries by list."""
        result = self.library.rs_scan(self.reader, program, record, ctypes.c_size_t(len(record)), 1)
        if result:
            return RESULTS[result], None, None
        slots = ctypes.cast(self.library.es_slots(self.scanner), ctypes.POINTER(Value))
        fans = ctypes.cast(self.library.es_fan_outs(self.scanner), ctypes.POINTER(FanOut))
        values = {pointer: slots[number].take() for number, pointer in enumerate(self.pointers)}
        lists = {}
        for number, pointer in enumerate(self.fan_outs):
            fan = fans[number]
            shown = min(fan.count, MOST_ENTRIES)
            lists[pointer] = (fan.kind, fan.count, [(fan.entries[i].key.take(), fan.entries[i].value.take()) for i in range(shown)])
        return "ok", values, lists
