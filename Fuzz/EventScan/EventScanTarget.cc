// Fuzz target of the JSON scanner: its three ways must give the same result for every text.
//
// A text whose shape is known is compared with the shape. Another text is walked in place if it has
// no backslash, else by simdjson's On-Demand walk. So the input is scanned as it is, again when its
// shape is known, and once more with an additional first member whose name has an escape and which
// is not asked for. The same is done with texts that differ from the input in one byte.
#include "EventScanTarget.h"

#include "CEventScan.h"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {
constexpr uint32_t slot_count = 21, fan_out_count = 3;

es_node node(const char *name, int32_t slot, int32_t fan_out, uint32_t first_child = 0, uint32_t children = 0, int32_t list = -1) {
    return es_node{name, uint32_t(strlen(name)), slot, fan_out, first_child, children, list};
}

es_find find(const char *name, int32_t key, int32_t from, int32_t to) {
    return es_find{name, uint32_t(strlen(name)), key, from, to};
}

es_scanner *make_scanner() {
    const std::vector<es_node> nodes = {
        node("", -1, -1, 1, 5), node("id", 0, -1), node("type", 1, -1), node("time", 2, -1), node("data", 3, -1, 6, 6),
        node("subject", 4, -1), node("user", 5, -1), node("n", 6, -1, 18, 2), node("tags", 7, 0, 12, 3),
        node("list", -1, 1, 15, 1), node("kv", 10, -1, 0, 0, 0), node("0", 11, -1, 16, 2), node("a", 8, -1),
        node("data", 9, 2), node("1", 12, -1), node("0", -1, -1), node("k", 13, -1), node("1", 14, -1),
        node("0", 15, -1), node("10", 16, -1),
        // An entry of the list `kv`.
        node("", -1, -1, 21, 2), node("k", 17, -1), node("v", 18, -1, 23, 1), node("s", 19, -1)};
    const std::vector<es_list> lists = {{20, 4, 0, 3}};
    const std::vector<es_find> finds = {find("a", 17, 18, 20), find("b", 17, 19, 5), find("data", 17, 17, 6)};
    const es_tree tree = {nodes.data(), lists.data(), finds.data(), uint32_t(nodes.size()), uint32_t(lists.size()),
                          uint32_t(finds.size()), slot_count, fan_out_count};
    return es_create(&tree);
}

bool is_same(const es_value &a, const es_value &b) {
    if (a.kind != b.kind) return false;
    if (a.kind != ES_TEXT && a.kind != ES_INTEGER && a.kind != ES_NUMBER) return true;
    if (a.kind == ES_INTEGER && a.integer != b.integer) return false;
    return a.length == b.length && memcmp(a.pointer, b.pointer, a.length) == 0;
}

bool is_same(const es_fan_out &a, const es_fan_out &b) {
    if (a.kind != b.kind || a.count != b.count) return false;
    for (uint32_t i = 0; i < a.count && i < ES_MAX_ENTRIES; i++)
        if (!is_same(a.entries[i].key, b.entries[i].key) || !is_same(a.entries[i].value, b.entries[i].value)) return false;
    return true;
}

/// Of arrays it keeps the elements' texts: of the outermost, or of the member `list`.
es_scanner *make_part_scanner(bool is_outermost) {
    const std::vector<es_node> nodes = is_outermost
                                           ? std::vector<es_node>{node("", 0, -1, 0, 0, ES_PARTS)}
                                           : std::vector<es_node>{node("", -1, -1, 1, 2), node("list", 0, -1, 0, 0, ES_PARTS),
                                                                  node("id", 1, -1)};
    const es_tree tree = {nodes.data(), nullptr, nullptr, uint32_t(nodes.size()), 0, 0, 2, 0};
    return es_create(&tree);
}

/// The object with an additional first member; empty when the text does not begin like an object.
std::string with_escape(std::string_view text) {
    const std::string_view blanks = " \t\n\r";
    size_t brace = text.find_first_not_of(blanks);
    if (brace == text.npos || text[brace] != '{') return "";
    size_t next = text.find_first_not_of(blanks, brace + 1);
    bool is_empty = next != text.npos && text[next] == '}';
    std::string more(text.substr(0, brace + 1));
    more += is_empty ? "\"\\u0000\":0" : "\"\\u0000\":0,";
    more += text.substr(brace + 1);
    return more;
}

/// Scans a text as it is, `times` times, and once with an escape; all results must be the same.
const char *finding(es_scanner *plain, es_scanner *other, std::string_view text, int times) {
    // An allocation of exactly its size, so that the sanitizer notices a read after its end.
    std::unique_ptr<char[]> exact(new char[text.size()]);
    memcpy(exact.get(), text.data(), text.size());
    const int result = es_scan(plain, exact.get(), text.size(), 0, 1);
    while (--times > 0)
        if (es_scan(plain, exact.get(), text.size(), 0, 1) != result) return "results differ from scan to scan";
    std::string more = with_escape(text);
    if (more.empty()) return nullptr;
    if (es_scan(other, more.data(), more.size(), 0, 1) != result) return "results differ";
    for (uint32_t i = 0; i < slot_count; i++) {
        if (i >= 17 && i <= 19) continue;  // what the last entry of a list left has no meaning
        if (!is_same(es_slots(plain)[i], es_slots(other)[i])) return "values differ";
    }
    for (uint32_t i = 0; i < fan_out_count; i++)
        if (!is_same(es_fan_outs(plain)[i], es_fan_outs(other)[i])) return "entries differ";
    return nullptr;
}
/// The array with an additional first element that has an escape; empty where it is no array.
std::string with_element(std::string_view text) {
    const std::string_view blanks = " \t\n\r";
    const size_t bracket = text.find_first_not_of(blanks);
    if (bracket == text.npos || text[bracket] != '[') return "";
    const size_t next = text.find_first_not_of(blanks, bracket + 1);
    std::string more(text.substr(0, bracket + 1));
    more += next != text.npos && text[next] == ']' ? "\"\\u0000\"" : "\"\\u0000\",";
    return more.append(text.substr(bracket + 1));
}

/// The parts of an array, found in both ways, are the same, and each is one JSON text.
const char *part_finding(es_scanner *plain, es_scanner *other, es_scanner *checker, std::string_view text, bool is_outermost) {
    std::unique_ptr<char[]> exact(new char[text.size()]);
    memcpy(exact.get(), text.data(), text.size());
    const std::string more = is_outermost ? with_element(text) : with_escape(text);
    if (more.empty()) return nullptr;
    const int result = es_scan(plain, exact.get(), text.size(), 0, !is_outermost);
    if (es_scan(other, more.data(), more.size(), 0, !is_outermost) != result) return "results differ with parts";
    uint32_t count = 0, other_count = 0;
    const es_part *const parts = es_parts(plain, &count), *other_parts = es_parts(other, &other_count);
    if (is_outermost && result == ES_OK) {
        other_parts++;
        other_count--;
    }
    if (count != other_count) return "numbers of parts differ";
    for (uint32_t i = 0; i < count; i++) {
        const std::string_view part(parts[i].text, parts[i].length);
        if (part != std::string_view(other_parts[i].text, other_parts[i].length)) return "parts differ";
        if (es_scan(checker, part.data(), part.size(), -1, 0) != ES_OK) return "a part is no JSON";
    }
    return nullptr;
}
}  // namespace

extern "C" const char *event_scan_finding(const uint8_t *data, size_t size) {
    static es_scanner *const plain = make_scanner(), *const other = make_scanner();
    std::string text(reinterpret_cast<const char *>(data), size);
    es_member members[4];
    if ((es_members(other, text.data(), size, members, 4) >= 0) != (es_scan(other, text.data(), size, -1, 1) == ES_OK))
        return "members and check differ";
    static es_scanner *const parts[] = {make_part_scanner(false), make_part_scanner(false), make_part_scanner(true),
                                        make_part_scanner(true)};
    for (int i = 0; i < 2; i++)
        if (const char *found = part_finding(parts[2 * i], parts[2 * i + 1], other, text, i == 1)) return found;
    // Often enough for the shape to be learned.
    if (const char *found = finding(plain, other, text, 20)) return found;
    uint32_t chance = uint32_t(size) * 2654435761u;
    for (char byte : text) chance = (chance ^ uint8_t(byte)) * 16777619u;
    for (int round = 0; round < 6 && size > 0; round++) {
        std::string near = text;
        chance = chance * 1664525u + 1013904223u;
        const char bytes[] = {'"', '\\', '\n', '}', '0', 'x', ' ', char(0xC3), char(0x80), ','};
        near[(chance >> 8) % size] = bytes[(chance >> 4) % sizeof bytes];
        if (const char *found = finding(plain, other, near, 1)) return found;
    }
    return nullptr;
}
