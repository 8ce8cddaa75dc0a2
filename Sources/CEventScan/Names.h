// The names of members: which wanted member a name belongs to, and whether a name occurs twice.
#pragma once
#include "Scanner.h"

namespace event_scan {
template <typename word> inline word load(const char *from) {
    word value;
    memcpy(&value, from, sizeof value);
    return value;
}

/// Whether a node has that name. Names are short: calling memcmp would cost more than comparing.
inline bool is_named(const es_node &node, std::string_view name) {
    size_t n = name.size();
    if (node.name_length != n) return false;
    const char *a = node.name, *b = name.data();
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8)
            if (load<uint64_t>(a + i) != load<uint64_t>(b + i)) return false;
        return load<uint64_t>(a + n - 8) == load<uint64_t>(b + n - 8);
    }
    if (n >= 4) return load<uint32_t>(a) == load<uint32_t>(b) && load<uint32_t>(a + n - 4) == load<uint32_t>(b + n - 4);
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return false;
    return true;
}

/// The child of `node` with that name, or -1.
int32_t child_named(const es_scanner &scanner, int32_t node, std::string_view name);
/// Whether a name occurs twice; may sort the names.
bool has_twice(std::vector<std::string_view> &names);
}  // namespace event_scan
