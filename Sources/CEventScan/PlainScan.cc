// The walk for JSON without a backslash, as nearly all events are. It goes over the positions that
// simdjson's first stage finds and does not copy texts. That stage has also checked UTF-8, control
// characters and that every string ends. When something looks wrong here, the text is left to the
// other walk (EventScan.cc), which finds out what exactly is wrong.
#include "Names.h"
#include "Scanner.h"

using namespace event_scan;
using std::string_view;

namespace {
struct plain_walk {
    es_scanner &scanner;
    const char *const text;
    const uint32_t *at;         // position of the current token
    const uint32_t *const end;  // after the last; the position there is the text's length

    char kind() const { return at < end ? text[*at] : 0; }
    bool takes(char wanted) {
        if (kind() != wanted) return false;
        at++;
        return true;
    }
    /// The current token without the blanks after it.
    string_view token() const { return trimmed(string_view(text + *at, at[1] - *at)); }
    /// A string's bytes. Only its closing quote can end the token, because there are no escapes.
    bool string(string_view &out) {
        if (kind() != '"') return false;
        string_view whole = token();
        if (whole.size() < 2 || whole.back() != '"') return false;
        out = whole.substr(1, whole.size() - 2);
        at++;
        return true;
    }
    /// The index in `expected` for the first member of an object at `node`.
    int32_t before_first(int32_t node) const { return int32_t(scanner.nodes.size()) + node; }
    int32_t wanted(int32_t node, int32_t previous, string_view name);
    bool value(int32_t node, int depth, es_value *out);
    bool scalar(es_value *out);
    bool member(string_view name, int32_t node, int32_t &previous, int depth, es_value *out);
    bool text_member(int32_t node, int32_t &previous);
    bool members(int32_t node, int depth);
    bool element(int32_t node, uint32_t number, int depth, es_value *out);
    bool elements(int32_t node, int depth);
    bool entries(const es_list &list, int depth);
    bool parts(int depth);
    bool fan_out_object(int32_t node, int depth);
    bool fan_out_array(int32_t node, int depth);
};

/// The child with that name, or -1. A producer writes members in the same order each time, so the
/// child that followed `previous` last time is tried first. A name whose length no child has is not
/// looked up.
inline int32_t plain_walk::wanted(int32_t node, int32_t previous, string_view name) {
    if (node < 0 || !(scanner.lengths[node] >> std::min<size_t>(name.size(), 63) & 1)) return -1;
    int32_t &guess = scanner.expected[previous];
    if (guess >= 0 && is_named(scanner.nodes[guess], name)) return guess;
    int32_t child = child_named(scanner, node, name);
    if (child >= 0) guess = child;
    return child;
}

[[gnu::always_inline]] inline bool plain_walk::scalar(es_value *out) {
    if (kind() != '"') {
        if (at == end || !read_scalar(token(), out)) return false;
        at++;
        return true;
    }
    string_view found;
    if (!string(found)) return false;
    if (out) set_text(out, found);
    return true;
}

[[gnu::always_inline]] inline bool plain_walk::value(int32_t node, int depth, es_value *out) {
    char first = kind();
    int32_t fan = node >= 0 ? scanner.nodes[node].fan_out : -1;
    if (first != '{' && first != '[') {
        if (fan < 0) return scalar(out);
        // A member that should be a list and is a scalar: only its kind matters.
        es_value own{};
        if (!scalar(out ? out : &own)) return false;
        scanner.fans[fan].kind = (out ? out : &own)->kind;
        return true;
    }
    if (depth > ES_MAX_DEPTH) return false;
    at++;
    if (out) out->kind = first == '{' ? ES_OBJECT : ES_ARRAY;
    if (first == '{') return fan >= 0 ? fan_out_object(node, depth) : members(node, depth);
    return fan >= 0 ? fan_out_array(node, depth) : elements(node, depth);
}

/// A member of an object at `node`; its value goes to its slot and, where there is one, to `out`.
[[gnu::always_inline]] inline bool plain_walk::member(string_view name, int32_t node, int32_t &previous, int depth, es_value *out) {
    int32_t child = wanted(node, previous, name);
    if (child < 0) return value(-1, depth + 1, out);
    if (scanner.seen[child] == scanner.scan) return false;
    scanner.seen[child] = scanner.scan;
    previous = child;
    int32_t number = scanner.nodes[child].slot;
    es_value *slot = number >= 0 ? &scanner.slots[number] : nullptr;
    if (!value(child, depth + 1, slot ? slot : out)) return false;
    if (slot && out) *out = *slot;
    return true;
}

bool plain_walk::members(int32_t node, int depth) {
    if (takes('}')) return true;
    int32_t previous = before_first(node);
    do {
        if (text_member(node, previous)) continue;
        string_view name;
        if (!string(name) || !takes(':') || !member(name, node, previous, depth, nullptr)) return false;
    } while (takes(','));
    return takes('}');
}

/// Takes the current member where it has the usual form `"name":"text"` without blanks; otherwise
/// takes nothing.
[[gnu::always_inline]] inline bool plain_walk::text_member(int32_t node, int32_t &previous) {
    if (end - at < 4) return false;
    const char *name = text + at[0], *colon = text + at[1], *value = text + at[2], *after = text + at[3];
    if (*name != '"' || *colon != ':' || *value != '"') return false;
    // The closing quote must be another one than the opening quote.
    if (colon[-1] != '"' || colon - name < 2 || after[-1] != '"' || after - value < 2) return false;
    int32_t child = wanted(node, previous, string_view(name + 1, size_t(colon - name - 2)));
    if (child >= 0) {
        const es_node &wanted_node = scanner.nodes[child];
        if (wanted_node.fan_out >= 0 || scanner.seen[child] == scanner.scan) return false;
        scanner.seen[child] = scanner.scan;
        previous = child;
        if (wanted_node.slot >= 0)
            set_text(&scanner.slots[wanted_node.slot], string_view(value + 1, size_t(after - value - 2)));
    }
    at += 3;
    return true;
}

/// An element of an array at `node`; its value goes to its slot and, where there is one, to `out`.
bool plain_walk::element(int32_t node, uint32_t number, int depth, es_value *out) {
    const int32_t child = element_node(scanner, node, number);
    if (child < 0) return value(-1, depth + 1, out);
    const int32_t slot = scanner.nodes[child].slot;
    es_value *const to = slot >= 0 ? &scanner.slots[slot] : out;
    if (!value(child, depth + 1, to)) return false;
    if (out && to != out) *out = *to;
    return true;
}

bool plain_walk::elements(int32_t node, int depth) {
    if (takes(']')) return true;
    if (node >= 0 && scanner.nodes[node].list != -1) {
        const int32_t list = scanner.nodes[node].list;
        return list == ES_PARTS ? parts(depth) : entries(scanner.lists[list], depth);
    }
    uint32_t number = 0;
    do {
        if (!element(node, number++, depth, nullptr)) return false;
    } while (takes(','));
    return takes(']');
}

bool plain_walk::entries(const es_list &list, int depth) {
    do {
        begin_entry(scanner, list);
        if (!value(int32_t(list.root), depth + 1, nullptr) || !end_entry(scanner, list)) return false;
    } while (takes(','));
    return takes(']');
}

/// Checks the elements of an array and keeps their texts.
bool plain_walk::parts(int depth) {
    do {
        if (at == end) return false;
        const char *const begin = text + *at;
        if (!value(-1, depth + 1, nullptr) || at == end) return false;
        keep_part(scanner, begin, text + *at);
    } while (takes(','));
    return takes(']');
}

bool plain_walk::fan_out_object(int32_t node, int depth) {
    int32_t number = scanner.nodes[node].fan_out, previous = before_first(node);
    es_fan_out &fan = scanner.fans[number];
    fan.kind = ES_OBJECT;
    std::vector<string_view> &names = scanner.names_of[number];
    names.clear();
    if (takes('}')) return true;
    es_entry spare;
    do {
        es_entry &entry = next_entry(fan, spare);
        string_view name;
        if (!string(name) || !takes(':')) return false;
        names.push_back(name);
        set_text(&entry.key, name);
        if (!member(name, node, previous, depth, &entry.value)) return false;
    } while (takes(','));
    return takes('}') && !has_twice(names);
}

bool plain_walk::fan_out_array(int32_t node, int depth) {
    es_fan_out &fan = scanner.fans[scanner.nodes[node].fan_out];
    fan.kind = ES_ARRAY;
    if (takes(']')) return true;
    es_entry spare;
    uint32_t number = 0;
    do {
        es_entry &entry = next_entry(fan, spare);
        if (!element(node, number++, depth, &entry.value)) return false;
    } while (takes(','));
    return takes(']');
}
}  // namespace

bool event_scan::scan_plain(es_scanner &scanner, const char *json, size_t length, int32_t root) {
    const es_node *const node = root >= 0 ? &scanner.nodes[size_t(root)] : nullptr;
    if ((node && node->fan_out >= 0) || memchr(json, '\\', length)) return false;
    auto &structure = *scanner.structure;
    if (length > structure.capacity() && structure.allocate(2 * length, ES_MAX_DEPTH)) return false;
    if (structure.stage1(reinterpret_cast<const uint8_t *>(json), length, simdjson::stage1_mode::regular)) return false;
    const uint32_t *first = structure.structural_indexes.get();
    plain_walk steps{scanner, json, first, first + structure.n_structural_indexes};
    if (node && node->list == ES_PARTS && steps.takes('[')) {
        scanner.slots[size_t(node->slot)].kind = ES_ARRAY;
        return steps.elements(root, 1) && steps.at == steps.end;
    }
    if (!steps.takes('{')) return false;
    if (node && node->slot >= 0) scanner.slots[size_t(node->slot)].kind = ES_OBJECT;
    if (!steps.members(root, 1) || steps.at != steps.end) return false;
    // Two texts with another number of elements have no common shape.
    if (scanner.has_parts) return true;
    scanner.shapes.learn(scanner, json, length, root, first, steps.end);
    return true;
}
