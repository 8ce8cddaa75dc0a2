// The elements of arrays that are asked for: by their index, and in lists by what they say they
// are.
#include "Scanner.h"

using std::string_view;

int32_t event_scan::element_node(const es_scanner &scanner, int32_t node, uint32_t number) {
    if (node < 0 || !scanner.is_indexed[size_t(node)]) return -1;
    const es_node &parent = scanner.nodes[size_t(node)];
    for (uint32_t i = parent.first_child; i < parent.first_child + parent.child_count; i++)
        if (scanner.index[i] == int32_t(number)) return int32_t(i);
    return -1;
}

void event_scan::begin_entry(es_scanner &scanner, const es_list &list) {
    for (uint32_t i = list.root; i < list.root + list.node_count; i++) {
        scanner.seen[i] = 0;
        if (int32_t slot = scanner.nodes[i].slot; slot >= 0) scanner.slots[size_t(slot)] = es_value{};
    }
}

bool event_scan::end_entry(es_scanner &scanner, const es_list &list) {
    for (uint32_t i = list.first_find; i < list.first_find + list.find_count; i++) {
        const es_find &find = scanner.finds[i];
        const es_value &key = scanner.slots[size_t(find.key)];
        if (key.kind != ES_TEXT || string_view(key.pointer, key.length) != string_view(find.name, find.name_length))
            continue;
        if (scanner.found[i] == scanner.scan) return false;
        scanner.found[i] = scanner.scan;
        scanner.slots[size_t(find.to)] = scanner.slots[size_t(find.from)];
    }
    return true;
}
