// What the ways to scan a text share: the scanner itself, scalars, and helpers for entries and
// texts.
#pragma once
#include "CEventScan.h"
#include "Shapes.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

struct es_scanner {
    std::vector<es_node> nodes;
    std::vector<es_list> lists;
    std::vector<es_find> finds;
    std::vector<std::string> names;  // of the nodes, then of the finds
    std::vector<es_value> slots;
    std::vector<es_fan_out> fans;
    std::vector<std::vector<std::string_view>> names_of;  // per fan-out: names of its entries
    std::vector<uint32_t> seen;   // per node: the last scan that found it
    std::vector<uint32_t> found;  // per find: the last scan that found its entry
    std::vector<es_part> parts;
    bool has_parts = false;  // whether some node has ES_PARTS
    // Per node: its place among an array's elements, or -1; and whether some child has one.
    std::vector<int32_t> index;
    std::vector<bool> is_indexed;
    // Per node: bit n is set where some child's name has n bytes; bit 63: 63 bytes or more.
    std::vector<uint64_t> lengths;
    // First per node: the member that followed it last time. Then per node: its first member.
    std::vector<int32_t> expected;
    uint32_t scan = 0;
    simdjson::ondemand::parser parser;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> structure;
    event_scan::shapes shapes;
    std::unique_ptr<char[]> padded;
    size_t capacity = 0;

    /// A copy of the text with the padding that simdjson's On-Demand parser reads beyond the end.
    const char *copy(const char *json, size_t length) {
        if (length + simdjson::SIMDJSON_PADDING > capacity) {
            size_t wanted = std::max<size_t>(2 * length, 1 << 14) + simdjson::SIMDJSON_PADDING;
            char *bigger = new (std::nothrow) char[wanted];
            if (!bigger) return nullptr;
            padded.reset(bigger);
            capacity = wanted;
        }
        memcpy(padded.get(), json, length);
        memset(padded.get() + length, ' ', simdjson::SIMDJSON_PADDING);
        return padded.get();
    }
    /// Makes all slots and fan-outs absent.
    void forget() {
        if (!slots.empty()) memset(slots.data(), 0, slots.size() * sizeof(es_value));
        for (auto &fan : fans) fan.kind = fan.count = 0;
        parts.clear();
    }
    /// Begins a scan: a new number for `seen`, so that no member counts as found yet.
    void begin() {
        forget();
        if (++scan == 0) {  // wrapped around: numbers of older scans must not equal new ones
            std::fill(seen.begin(), seen.end(), 0);
            std::fill(found.begin(), found.end(), 0);
            scan = 1;
        }
    }
};

namespace event_scan {
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

inline std::string_view trimmed(std::string_view token) {
    while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
    return token;
}

inline void set_text(es_value *out, std::string_view text) {
    out->kind = ES_TEXT;
    out->pointer = text.data();
    out->length = uint32_t(text.size());
}

/// A fan-out's next entry, emptied; `spare` where there are too many, which the fan-out's count
/// then tells.
inline es_entry &next_entry(es_fan_out &fan, es_entry &spare) {
    es_entry &entry = fan.count < ES_MAX_ENTRIES ? fan.entries[fan.count] : spare;
    if (fan.count <= ES_MAX_ENTRIES) fan.count++;
    entry = es_entry{};
    return entry;
}

/// The node of an array's element, or -1.
int32_t element_node(const es_scanner &scanner, int32_t node, uint32_t number);
/// Forgets what the entry before left in the slots of a list's entries.
void begin_entry(es_scanner &scanner, const es_list &list);
/// Takes what is wanted of an entry that was walked; false where another one had the same name.
bool end_entry(es_scanner &scanner, const es_list &list);

/// Keeps an element of the array with ES_PARTS; what follows ES_MAX_PARTS + 1 is not kept.
inline void keep_part(es_scanner &scanner, const char *begin, const char *end) {
    if (scanner.parts.size() > ES_MAX_PARTS) return;
    const std::string_view text = trimmed(std::string_view(begin, size_t(end - begin)));
    scanner.parts.push_back(es_part{text.data(), uint32_t(text.size())});
}

/// Reads a scalar that is not a string; false where it is not one of JSON's.
bool read_scalar(std::string_view token, es_value *out);
/// Scans an object without escapes in place, without a copy. False: this walk cannot scan the text,
/// or the text is malformed.
bool scan_plain(es_scanner &scanner, const char *json, size_t length, int32_t root);
}  // namespace event_scan
