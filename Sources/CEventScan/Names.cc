#include "Names.h"

using std::string_view;

int32_t event_scan::child_named(const es_scanner &scanner, int32_t node, string_view name) {
    if (node < 0) return -1;
    const es_node &parent = scanner.nodes[node];
    for (uint32_t i = parent.first_child; i < parent.first_child + parent.child_count; i++)
        if (is_named(scanner.nodes[i], name)) return int32_t(i);
    return -1;
}

bool event_scan::has_twice(std::vector<string_view> &names) {
    // Few names are compared with each other, many are sorted.
    if (names.size() > ES_MAX_ENTRIES) {
        std::sort(names.begin(), names.end());
        return std::adjacent_find(names.begin(), names.end()) != names.end();
    }
    for (size_t i = 1; i < names.size(); i++)
        for (size_t j = 0; j < i; j++)
            if (names[i] == names[j]) return true;
    return false;
}
