#include "Reader.h"

#include <algorithm>
#include <cstdio>
#include <new>

using std::string_view;

extern "C" rs_reader *rs_create(es_scanner *scanner) {
    auto *reader = new (std::nothrow) rs_reader;
    if (!reader) return nullptr;
    reader->scanner = scanner;
    es_describe(scanner, &reader->tree);
    reader->slots = es_forget(scanner);
    reader->fans = es_fans_to_fill(scanner);
    const es_tree &tree = reader->tree;
    const size_t in_fans = tree.fan_out_count * sizeof(es_fan_out) / sizeof(es_value) + 1;
    reader->rooms.resize((tree.slot_count + in_fans + 1) * record_scan::room_bytes);
    reader->seen.resize(tree.node_count);
    reader->is_bare_slot.resize(tree.slot_count);
    reader->found.resize(tree.find_count);
    reader->counts.resize(tree.node_count);
    return reader;
}

extern "C" void rs_needs_no_text(rs_reader *reader, int32_t slot) { reader->is_bare_slot[size_t(slot)] = true; }

extern "C" void rs_destroy(rs_reader *reader) { delete reader; }

extern "C" int rs_scan(rs_reader *reader, int program, const uint8_t *bytes, size_t length, int must_be_object) {
    reader->begin();
    const int result = reader->programs[size_t(program)]->scan(*reader, {bytes, bytes + length}, must_be_object != 0);
    if (result != RS_OK) es_forget(reader->scanner);
    return result;
}

extern "C" int rs_reaches(const rs_reader *reader, int program, int32_t node) {
    const auto &reached = reader->programs[size_t(program)]->reached;
    return size_t(node) < reached.size() && reached[size_t(node)] ? 1 : 0;
}

void rs_reader::begin() {
    es_forget(scanner);
    error = RS_OK;
    if (++record == 0) {  // wrapped around: numbers of older records must not equal new ones
        std::fill(seen.begin(), seen.end(), 0);
        std::fill(found.begin(), found.end(), 0);
        record = 1;
    }
}

int32_t rs_reader::child(int32_t index, string_view name) const {
    if (index < 0) return -1;
    const es_node &parent = tree.nodes[index];
    for (uint32_t i = parent.first_child; i < parent.first_child + parent.child_count; i++)
        if (string_view(tree.nodes[i].name, tree.nodes[i].name_length) == name) return int32_t(i);
    return -1;
}

char *rs_reader::room(es_value *out) {
    size_t index = rooms.size() / record_scan::room_bytes - 1;
    const auto *bytes = reinterpret_cast<const char *>(out), *first = reinterpret_cast<const char *>(fans);
    if (out >= slots && out < slots + tree.slot_count) index = size_t(out - slots);
    else if (bytes >= first && bytes < reinterpret_cast<const char *>(fans + tree.fan_out_count))
        index = tree.slot_count + size_t(bytes - first) / sizeof(es_value);
    return rooms.data() + index * record_scan::room_bytes;
}

es_entry &rs_reader::next_entry(int32_t fan, es_entry &spare) {
    es_fan_out &list = fans[fan];
    es_entry &entry = list.count < ES_MAX_ENTRIES ? list.entries[list.count] : spare;
    if (list.count <= ES_MAX_ENTRIES) list.count++;
    entry = es_entry{};
    return entry;
}

void rs_reader::begin_entry(const es_list &list) {
    for (uint32_t i = list.root; i < list.root + list.node_count; i++) {
        seen[i] = 0;
        if (int32_t slot = tree.nodes[i].slot; slot >= 0) slots[slot] = es_value{};
    }
}

bool rs_reader::end_entry(const es_list &list) {
    for (uint32_t i = list.first_find; i < list.first_find + list.find_count; i++) {
        const es_find &find = tree.finds[i];
        const es_value &key = slots[find.key];
        if (key.kind != ES_TEXT || string_view(key.pointer, key.length) != string_view(find.name, find.name_length))
            continue;
        if (found[i] == record) return fail(RS_DUPLICATE_MEMBER);
        found[i] = record;
        es_value &from = slots[find.from], &to = slots[find.to];
        to = from;
        // The next entry writes into the same room.
        if (const char *text = room(&from); from.pointer && from.pointer >= text && from.pointer < text + record_scan::room_bytes) {
            memcpy(room(&to), text, record_scan::room_bytes);
            to.pointer = room(&to) + (from.pointer - text);
        }
    }
    return true;
}

int32_t record_scan::array_index(string_view name) {
    if (name.empty() || name.size() > 9 || (name.size() > 1 && name[0] == '0')) return -1;
    int32_t number = 0;
    for (char digit : name) {
        if (digit < '0' || digit > '9') return -1;
        number = number * 10 + (digit - '0');
    }
    return number;
}

int record_scan::refuse(char *why, size_t capacity, const std::string &text) {
    snprintf(why, capacity, "%s", text.c_str());
    return -1;
}
