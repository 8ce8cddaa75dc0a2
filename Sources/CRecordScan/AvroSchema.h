// A schema of Avro, read from its JSON text.
#pragma once
#include "CRecordScan.h"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace record_scan::avro {
enum class kind : uint8_t {
    null, boolean, int32, int64, real32, real64, bytes, text, record, symbol, list, map, choice, fixed
};

/// What a value means beyond its kind.
enum class logical : uint8_t {
    none, decimal, uuid, date, time_ms, time_us, time_ns, local_ms, local_us, local_ns
};

struct type {
    struct field {
        std::string name;
        const type *of;
    };
    avro::kind kind = kind::null;
    avro::logical logical = logical::none;
    int scale = 0;                     // of a decimal
    uint64_t size = 0;                 // of a fixed
    const type *item = nullptr;        // of a list or map
    std::vector<field> fields;         // of a record
    std::vector<const type *> choices;
    std::vector<std::string> symbols;
};

/// Types that stay where they are.
struct schema {
    std::deque<type> types;
    std::map<std::string, const type *> named;
    const type *root = nullptr;
    std::string missing;  // the name of a type that none of the texts has
};

/// Reads the texts into a schema; the last one is its root. False: `why` says what is wrong.
bool read_schema(const rs_text *texts, size_t count, schema &out, std::string &why);
}  // namespace record_scan::avro
