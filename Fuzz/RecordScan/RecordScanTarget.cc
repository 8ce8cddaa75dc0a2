// Fuzz target of the readers of Avro and Protobuf.
//
// Each record is read by a program that asks for everything, by one that asks for a part, and once
// more: a record that is whole for who asks for everything is whole for all, and all find the same
// values. What a reader writes is checked, too: texts are UTF-8, numbers are numbers of JSON.
#include "RecordScanTarget.h"

#include "CEventScan.h"
#include "CRecordScan.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {
constexpr char avro_text[] = R"({"type":"record","name":"a.R","fields":[
 {"name":"n","type":"null"},{"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":"long"},
 {"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"y","type":"bytes"},{"name":"s","type":"string"},
 {"name":"e","type":{"type":"enum","name":"E","symbols":["x","y"]}},{"name":"x","type":{"type":"fixed","name":"F","size":3}},
 {"name":"t","type":["null",{"type":"long","logicalType":"timestamp-micros"},{"type":"int","logicalType":"date"}]},
 {"name":"c","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":4}},
 {"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
 {"name":"r","type":["null","R","string"]},
 {"name":"kv","type":{"type":"array","items":{"type":"record","name":"K","fields":[{"name":"k","type":"string"},{"name":"v","type":["long","string"]}]}}},
 {"name":"m","type":{"type":"map","values":["null","long",{"type":"array","items":"double"}]}}]})";
constexpr char proto_text[] = R"(syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto"; enum E { x = 0; y = 2; } message K { string k = 1; oneof o { sint64 v = 2; string w = 3; } }
message R { bool b = 1; int32 i = 2; uint64 l = 3; float f = 4; double d = 5; bytes y = 6; string s = 7; E e = 8; fixed32 x = 9;
google.protobuf.Timestamp t = 10; google.protobuf.Duration c = 11; google.protobuf.Int64Value u = 12; R r = 13; repeated K kv = 14;
map<string, sfixed64> m = 15; repeated int64 n = 16; optional string z = 300; })";

es_node node(const char *name, int32_t slot, int32_t fan_out = -1, uint32_t first_child = 0, uint32_t children = 0, int32_t list = -1) {
    return es_node{name, uint32_t(strlen(name)), slot, fan_out, first_child, children, list};
}

constexpr uint32_t slot_count = 27;
/// What only the program asks for that asks for everything: r and below, and the map's entries.
constexpr uint32_t first_of_all = 20;

/// A scanner whose slots a reader fills; a lean one does not ask for what comes last.
es_scanner *make_scanner(bool is_lean) {
    std::vector<es_node> nodes = {node("", -1, -1, 1, is_lean ? 16u : 17u)};
    const char *const scalars[] = {"b", "i", "l", "f", "d", "y", "s", "e", "x", "t", "c", "u", "z"};
    int32_t slot = 0;
    for (const char *name : scalars) nodes.push_back(node(name, slot++));
    nodes.push_back(node("n", slot++, 0, 18, 1));           // slot 13
    nodes.push_back(node("kv", slot++, -1, 0, 0, 0));       // slot 14
    nodes.push_back(node("m", slot++, is_lean ? -1 : 1, 19, 1));  // slot 15
    nodes.push_back(node("r", 20, -1, 20, 2));
    nodes.push_back(node("1", 16));                         // of n
    nodes.push_back(node("a", 17, -1, 22, 1));              // of m
    nodes.push_back(node("s", 21));                         // of r
    nodes.push_back(node("r", 22, -1, 23, 1));
    nodes.push_back(node("0", 18));                         // of m/a
    nodes.push_back(node("i", 23));                         // of r/r
    nodes.push_back(node("", -1, -1, 25, 3));               // an entry of kv
    nodes.push_back(node("k", 24));
    nodes.push_back(node("v", 25));
    nodes.push_back(node("w", 26));
    const es_list list = {24, 4, 0, 1};
    const es_find find = {"a", 1, 24, 25, 19};
    const es_tree tree = {nodes.data(), &list, &find, uint32_t(nodes.size()), 1, 1, slot_count, 2};
    return es_create(&tree);
}

bool is_same(const es_value &a, const es_value &b) {
    if (a.kind != b.kind || a.length != b.length) return false;
    if ((a.kind == ES_INTEGER || a.kind == ES_TIME) && a.integer != b.integer) return false;
    return a.length == 0 || memcmp(a.pointer, b.pointer, a.length) == 0;
}

const char *fault(const es_value &value) {
    if (value.kind > ES_TIME) return "an unknown kind";
    if (value.kind == ES_TEXT && value.length && !simdjson::validate_utf8(value.pointer, value.length)) return "a text is not UTF-8";
    int64_t number;
    if (value.kind == ES_INTEGER && (es_integer(value.pointer, value.length, &number) != ES_WHOLE || number != value.integer))
        return "an integer differs from its text";
    if (value.kind == ES_NUMBER && es_integer(value.pointer, value.length, &number) == ES_NO_NUMBER) return "a number is none";
    return nullptr;
}

struct readers {
    es_scanner *scanners[3];
    rs_reader *made[3];
    int programs[3][2];

    readers() {
        for (int i = 0; i < 3; i++) {
            scanners[i] = make_scanner(i == 1);
            made[i] = rs_create(scanners[i]);
            char why[200];
            const rs_text avro = {"", avro_text, 0, sizeof avro_text - 1};
            const ps_text proto = {"r.proto", proto_text, 7, sizeof proto_text - 1};
            const int32_t index = 1;
            int is_index;
            ps_schema *schema = ps_create(&proto, 1, &index, 1, &is_index, why, sizeof why);
            programs[i][0] = rs_add_avro(made[i], &avro, 1, 0, why, sizeof why);
            programs[i][1] = schema ? rs_add_protobuf(made[i], schema, 0, why, sizeof why) : -1;
            ps_destroy(schema);
        }
    }
};

const char *read(const readers &all, int format, const uint8_t *bytes, size_t size) {
    int results[3];
    for (int i = 0; i < 3; i++) {
        if (all.programs[i][format] < 0) return "the schema of the target cannot be used";
        results[i] = rs_scan(all.made[i], all.programs[i][format], bytes, size, 1);
    }
    if (results[0] != results[2]) return "results differ from reader to reader";
    if (results[0] != RS_OK) return nullptr;
    if (results[1] != RS_OK) return "whole for who asks for everything, but not for who asks for less";
    const es_value *const slots[] = {es_slots(all.scanners[0]), es_slots(all.scanners[1]), es_slots(all.scanners[2])};
    for (uint32_t i = 0; i < slot_count; i++) {
        if (const char *found = fault(slots[0][i])) return found;
        if (i >= 24) continue;  // what the last entry of a list left has no meaning
        if (!is_same(slots[0][i], slots[2][i])) return "values differ from reader to reader";
        if (i < first_of_all && !is_same(slots[0][i], slots[1][i])) return "values differ for who asks for less";
    }
    const es_fan_out *const fans = es_fan_outs(all.scanners[0]);
    for (int fan = 0; fan < 2; fan++)
        for (uint32_t i = 0; i < fans[fan].count && i < ES_MAX_ENTRIES; i++) {
            if (const char *found = fault(fans[fan].entries[i].key)) return found;
            if (const char *found = fault(fans[fan].entries[i].value)) return found;
        }
    return nullptr;
}

/// A schema that is taken must read some records without a fault of memory.
void read_schema(const uint8_t *text, size_t size, bool is_avro) {
    static es_scanner *const scanner = make_scanner(false);
    rs_reader *reader = rs_create(scanner);
    char why[200];
    int program = -1;
    if (is_avro) {
        const rs_text avro = {"", reinterpret_cast<const char *>(text), 0, size};
        program = rs_add_avro(reader, &avro, 1, 0, why, sizeof why);
    } else {
        const ps_text proto = {"r.proto", reinterpret_cast<const char *>(text), 7, size};
        const int32_t index = 0;
        int is_index;
        if (ps_schema *schema = ps_create(&proto, 1, &index, 1, &is_index, why, sizeof why)) {
            program = rs_add_protobuf(reader, schema, 0, why, sizeof why);
            ps_destroy(schema);
        }
    }
    for (int byte = 0; program >= 0 && byte < 256; byte += 5) {
        std::vector<uint8_t> record;
        record.assign(size_t(byte), uint8_t(byte));
        rs_scan(reader, program, record.data(), record.size(), 1);
        rs_scan(reader, program, text, size, 1);
    }
    rs_destroy(reader);
}
}  // namespace

extern "C" const char *record_scan_finding(const uint8_t *input, size_t size) {
    static const readers all;
    if (size == 0) return nullptr;
    // An allocation of exactly its size, so that the sanitizer notices a read after its end.
    const bool is_schema = input[0] == '{' || input[0] == '[' || input[0] == 's';
    const size_t start = is_schema ? 0 : 1;
    std::unique_ptr<uint8_t[]> exact(new uint8_t[size - start]);
    memcpy(exact.get(), input + start, size - start);
    if (is_schema) {
        read_schema(exact.get(), size, input[0] != 's');
        return nullptr;
    }
    rs_frame frame;
    if (rs_read_frame(exact.get(), size - 1, nullptr, 0, input[0] & 1, &frame) == RS_FRAME_OK && frame.byte_count > size - 1)
        return "a frame is longer than its record";
    return read(all, input[0] & 1, exact.get(), size - 1);
}
