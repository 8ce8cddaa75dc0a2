// A message of Protobuf compiled for a tree: which fields to read, and into which nodes.
#pragma once
#include "Reader.h"

namespace record_scan::proto {
enum wire : uint32_t { number = 0, eight = 1, counted = 2, begin_group = 3, end_group = 4, four = 5 };

inline proto::wire wire_of(uint32_t kind) {
    switch (kind) {
    case PS_STRING:
    case PS_BYTES:
    case PS_MESSAGE: return wire::counted;
    case PS_FIXED64:
    case PS_SFIXED64:
    case PS_DOUBLE: return wire::eight;
    case PS_FIXED32:
    case PS_SFIXED32:
    case PS_FLOAT: return wire::four;
    default: return wire::number;
    }
}

/// What a single value is.
struct content {
    uint32_t kind = PS_UNKNOWN;
    uint32_t meaning = PS_PLAIN;  // of a message
    uint32_t inner = PS_UNKNOWN;  // the kind of what a wrapper holds
    uint32_t first_symbol = 0, symbol_count = 0;
};

/// Where the value of one key or index of a list goes.
struct place {
    int32_t node;
    int32_t plan;   // of a message; -1: nothing inside is asked for
    int32_t index;  // of a repeated field
    std::string_view name;
};

struct part {
    enum class shape : uint8_t { single, repeated, map };
    uint32_t number = 0;
    part::shape shape = part::shape::single;
    bool is_wanted = false, has_presence = false;
    bool is_plain = false;     // a single value with a slot, and in no oneof
    uint32_t wire = 0;
    content value;
    uint32_t key = PS_STRING;  // of a map
    int32_t node = -1, slot = -1, fan_out = -1, list = -1;
    int32_t plan = -1;         // of a message, or of the entries of `list`
    int32_t choice = -1;
    std::vector<place> places;
};

/// The fields of one message at one node that are asked for, and those that end a oneof.
struct plan {
    std::vector<part> parts;         // by rising number
    std::vector<uint32_t> defaults;  // the parts that have a value where they are not written
};

struct compiled : record_scan::program {
    std::vector<plan> plans;  // the first one is the outermost message
    std::vector<std::string> names;
    std::vector<int32_t> numbers;  // of the symbols in `names`
    int32_t root = -1;             // the node of the outermost message
    int scan(rs_reader &reader, input in, bool must_be_object) const override;
};
}  // namespace record_scan::proto
