// A schema of Avro compiled for a tree: what to read and what to skip.
#pragma once
#include "AvroSchema.h"
#include "Reader.h"

namespace record_scan::avro {
enum class step : uint8_t {
    nothing,     // skips `size` bytes
    skip_number, skip_bytes,
    null, boolean, integer, real32, real64, text, symbol,
    bytes, fixed, decimal, fixed_decimal, uuid, date, time, local_time,
    record, choice, list, map,
};

/// A field of a record, as far as a loop over them needs it.
struct field_code {
    avro::step step;
    record_scan::unit unit;
    int32_t slot;      // -1: none; -2: `code` says more
    uint32_t code;
    uint64_t size;
};

/// One type at one node of the tree, or at none.
struct code {
    avro::step step = step::nothing;
    record_scan::unit unit = record_scan::unit::milliseconds;
    bool is_walked = false;   // of a list or map: something inside is asked for
    int32_t node = -1;
    int32_t slot = -1, fan_out = -1, list = -1;
    int32_t scale = 0;
    uint64_t size = 0;        // bytes of a fixed
    uint32_t item = 0;        // of a list or map: the code of what nobody asks for by name
    std::vector<field_code> fields;          // of a record that is no list
    std::vector<uint32_t> parts;             // of a record or choice
    std::vector<std::string_view> names;     // of a record's parts, or the symbols
    std::vector<std::pair<int32_t, uint32_t>> places;  // of a list or map: node and its code
};

struct compiled : record_scan::program {
    schema types;
    std::vector<code> codes;
    uint32_t root = 0;
    int scan(rs_reader &reader, input in, bool must_be_object) const override;
};

/// Compiles `types.root` at a node. False: `why` says what cannot be.
bool compile(compiled &out, const rs_reader &reader, int32_t node, std::string &why);
}  // namespace record_scan::avro
