#include "Names.h"
#include "Scanner.h"

using namespace simdjson;
using namespace event_scan;
using std::string_view;

namespace {
/// The walk for every JSON text, over a copy with simdjson's On-Demand parser; ends at the first
/// error.
struct walk {
    es_scanner &scanner;
    ondemand::document &document;
    int error = ES_OK;
    bool fail(int result) {
        if (error == ES_OK) error = result;
        return false;
    }
    bool any(ondemand::value value, int32_t node, int depth, es_value *out);
    bool members(ondemand::object object, int32_t node, int depth);
    bool element(ondemand::value value, int32_t node, uint32_t number, int depth, es_value *out);
    bool elements(ondemand::array array, int32_t node, int depth);
    bool entries(ondemand::array array, const es_list &list, int depth);
    bool parts(ondemand::array array, int depth);
    bool member(ondemand::field &field, string_view name, int32_t node, int depth, es_value *out);
    bool fan_out_object(ondemand::object object, int32_t node, int depth);
    bool fan_out_array(ondemand::array array, int32_t node, int depth);
};

bool walk::any(ondemand::value value, int32_t node, int depth, es_value *out) {
    ondemand::json_type type;
    if (value.type().get(type)) return fail(ES_NOT_JSON);
    // Only objects and arrays add a level; the innermost may hold scalars.
    if (depth > ES_MAX_DEPTH && (type == ondemand::json_type::object || type == ondemand::json_type::array))
        return fail(ES_TOO_DEEP);
    if (type == ondemand::json_type::object) {
        ondemand::object object;
        if (value.get_object().get(object)) return fail(ES_NOT_JSON);
        if (out) out->kind = ES_OBJECT;
        if (node >= 0 && scanner.nodes[node].fan_out >= 0)
            return fan_out_object(object, node, depth);
        return members(object, node, depth);
    }
    if (type == ondemand::json_type::array) {
        ondemand::array array;
        if (value.get_array().get(array)) return fail(ES_NOT_JSON);
        if (out) out->kind = ES_ARRAY;
        if (node >= 0 && scanner.nodes[node].fan_out >= 0)
            return fan_out_array(array, node, depth);
        return elements(array, node, depth);
    }
    es_value ignored;
    if (node >= 0 && scanner.nodes[node].fan_out >= 0) {
        // A member that should be a list and is a scalar: only its kind matters.
        es_value scalar{};
        out = out ? out : &scalar;
        if (!any(value, -1, depth, out)) return false;
        scanner.fans[scanner.nodes[node].fan_out].kind = out->kind;
        return true;
    }
    if (type == ondemand::json_type::string) {
        string_view text;
        if (value.get_string().get(text)) return fail(ES_NOT_JSON);
        set_text(out ? out : &ignored, text);
        return true;
    }
    return read_scalar(value.raw_json_token(), out) || fail(ES_NOT_JSON);
}

/// A member of an object at `node`; its value goes to its slot and, where there is one, to `out`.
bool walk::member(ondemand::field &field, string_view name, int32_t node, int depth, es_value *out) {
    int32_t child = child_named(scanner, node, name);
    if (child < 0) return any(field.value(), -1, depth + 1, out);
    if (scanner.seen[child] == scanner.scan) return fail(ES_DUPLICATE_MEMBER);
    scanner.seen[child] = scanner.scan;
    es_value *slot = scanner.nodes[child].slot >= 0 ? &scanner.slots[scanner.nodes[child].slot] : nullptr;
    if (!any(field.value(), child, depth + 1, slot ? slot : out)) return false;
    if (slot && out) *out = *slot;
    return true;
}

bool walk::members(ondemand::object object, int32_t node, int depth) {
    for (auto result : object) {
        ondemand::field field;
        if (std::move(result).get(field)) return fail(ES_NOT_JSON);
        string_view name;
        if (field.unescaped_key().get(name)) return fail(ES_NOT_JSON);
        if (!member(field, name, node, depth, nullptr)) return false;
    }
    return true;
}

/// An element of an array at `node`; its value goes to its slot and, where there is one, to `out`.
bool walk::element(ondemand::value value, int32_t node, uint32_t number, int depth, es_value *out) {
    const int32_t child = element_node(scanner, node, number);
    if (child < 0) return any(value, -1, depth + 1, out);
    const int32_t slot = scanner.nodes[child].slot;
    es_value *const to = slot >= 0 ? &scanner.slots[slot] : out;
    if (!any(value, child, depth + 1, to)) return false;
    if (out && to != out) *out = *to;
    return true;
}

bool walk::elements(ondemand::array array, int32_t node, int depth) {
    if (node >= 0 && scanner.nodes[node].list == ES_PARTS) return parts(array, depth);
    if (node >= 0 && scanner.nodes[node].list >= 0)
        return entries(array, scanner.lists[scanner.nodes[node].list], depth);
    uint32_t number = 0;
    for (auto result : array) {
        ondemand::value value;
        if (std::move(result).get(value)) return fail(ES_NOT_JSON);
        if (!element(value, node, number++, depth, nullptr)) return false;
    }
    return true;
}

bool walk::entries(ondemand::array array, const es_list &list, int depth) {
    for (auto result : array) {
        ondemand::value value;
        if (std::move(result).get(value)) return fail(ES_NOT_JSON);
        begin_entry(scanner, list);
        if (!any(value, int32_t(list.root), depth + 1, nullptr)) return false;
        if (!end_entry(scanner, list)) return fail(ES_DUPLICATE_MEMBER);
    }
    return true;
}

/// Checks the elements of an array and keeps their texts.
bool walk::parts(ondemand::array array, int depth) {
    for (auto result : array) {
        ondemand::value value;
        if (std::move(result).get(value)) return fail(ES_NOT_JSON);
        const string_view token = value.raw_json_token();
        if (!any(value, -1, depth + 1, nullptr)) return false;
        // The parser has gone beyond objects, arrays and texts, and stays at other scalars.
        const bool is_scalar = token[0] != '{' && token[0] != '[' && token[0] != '"';
        const char *end = token.data() + token.size();
        if (!is_scalar && document.current_location().get(end)) return fail(ES_NOT_JSON);
        keep_part(scanner, token.data(), end);
    }
    return true;
}

bool walk::fan_out_object(ondemand::object object, int32_t node, int depth) {
    es_fan_out &fan = scanner.fans[scanner.nodes[node].fan_out];
    fan.kind = ES_OBJECT;
    std::vector<string_view> &names = scanner.names_of[scanner.nodes[node].fan_out];
    names.clear();
    es_entry spare;
    for (auto result : object) {
        ondemand::field field;
        if (std::move(result).get(field)) return fail(ES_NOT_JSON);
        es_entry &entry = next_entry(fan, spare);
        string_view name;
        if (field.unescaped_key().get(name)) return fail(ES_NOT_JSON);
        names.push_back(name);
        set_text(&entry.key, name);
        if (!member(field, name, node, depth, &entry.value)) return false;
    }
    return !has_twice(names) || fail(ES_DUPLICATE_MEMBER);
}

bool walk::fan_out_array(ondemand::array array, int32_t node, int depth) {
    es_fan_out &fan = scanner.fans[scanner.nodes[node].fan_out];
    uint32_t number = 0;
    fan.kind = ES_ARRAY;
    es_entry spare;
    for (auto result : array) {
        ondemand::value element;
        if (std::move(result).get(element)) return fail(ES_NOT_JSON);
        es_entry &entry = next_entry(fan, spare);
        if (!this->element(element, node, number++, depth, &entry.value)) return false;
    }
    return true;
}

/// Whether nothing follows the outermost value.
bool at_end(ondemand::document &document) { return document.current_location().error() == OUT_OF_BOUNDS; }

/// Reads a text whose outermost value is a scalar.
int scan_scalar(ondemand::document &document, string_view whole, es_value *out) {
    ondemand::json_type type;
    if (document.type().get(type)) return ES_NOT_JSON;
    if (type == ondemand::json_type::string) {
        string_view text;
        if (document.get_string().get(text)) return ES_NOT_JSON;
        if (out) set_text(out, text);
        return at_end(document) ? ES_OK : ES_NOT_JSON;
    }
    while (!whole.empty() && is_space(whole.front())) whole.remove_prefix(1);
    return read_scalar(whole, out) ? ES_OK : ES_NOT_JSON;
}

int scan_document(es_scanner &scanner, const char *text, size_t length, int32_t root, bool must_be_object) {
    ondemand::document document;
    if (scanner.parser.iterate(text, length, length + SIMDJSON_PADDING).get(document)) return ES_NOT_JSON;
    ondemand::json_type type;
    if (document.type().get(type)) return ES_NOT_JSON;
    walk steps{scanner, document};
    const es_node none{nullptr, 0, -1, -1, 0, 0, -1}, &node = root >= 0 ? scanner.nodes[size_t(root)] : none;
    es_fan_out *fan = node.fan_out >= 0 ? &scanner.fans[size_t(node.fan_out)] : nullptr;
    es_value own{}, *out = node.slot >= 0 ? &scanner.slots[size_t(node.slot)] : fan ? &own : nullptr;
    if (type == ondemand::json_type::object) {
        ondemand::object object;
        if (document.get_object().get(object)) return ES_NOT_JSON;
        if (out) out->kind = ES_OBJECT;
        if (!(fan ? steps.fan_out_object(object, root, 1) : steps.members(object, root, 1))) return steps.error;
        return at_end(document) ? ES_OK : ES_NOT_JSON;
    }
    if (type == ondemand::json_type::array) {
        ondemand::array array;
        if (document.get_array().get(array)) return ES_NOT_JSON;
        if (out) out->kind = ES_ARRAY;
        if (!(fan ? steps.fan_out_array(array, root, 1) : steps.elements(array, root, 1))) return steps.error;
        if (!at_end(document)) return ES_NOT_JSON;
    } else {
        if (int error = scan_scalar(document, string_view(text, length), out)) return error;
        if (fan) fan->kind = out->kind;
    }
    return must_be_object ? ES_NOT_AN_OBJECT : ES_OK;
}
}  // namespace

namespace {
/// The number that a name is, without leading zeros, or -1.
int32_t array_index(string_view name) {
    if (name.empty() || name.size() > 9 || (name.size() > 1 && name[0] == '0')) return -1;
    int32_t number = 0;
    for (char digit : name) {
        if (!is_digit(digit)) return -1;
        number = number * 10 + (digit - '0');
    }
    return number;
}

/// Copies the tree.
void take(es_scanner &scanner, const es_tree &tree) {
    const uint32_t node_count = tree.node_count;
    scanner.nodes.assign(tree.nodes, tree.nodes + node_count);
    scanner.lists.assign(tree.lists, tree.lists + tree.list_count);
    scanner.finds.assign(tree.finds, tree.finds + tree.find_count);
    scanner.names.reserve(node_count + tree.find_count);
    const auto keep = [&](const char *&name, uint32_t length) {
        scanner.names.emplace_back(name, length);
        name = scanner.names.back().data();
    };
    for (auto &node : scanner.nodes) keep(node.name, node.name_length);
    for (auto &find : scanner.finds) keep(find.name, find.name_length);
    scanner.slots.resize(std::max<uint32_t>(1, tree.slot_count));
    scanner.fans.resize(std::max<uint32_t>(1, tree.fan_out_count));
    scanner.names_of.resize(scanner.fans.size());
    scanner.seen.resize(node_count);
    scanner.found.resize(tree.find_count);
    scanner.lengths.resize(node_count);
    scanner.index.resize(node_count);
    scanner.is_indexed.resize(node_count);
    scanner.expected.assign(2 * size_t(node_count), -1);
    for (uint32_t i = 0; i < node_count; i++) scanner.index[i] = array_index(scanner.names[i]);
    for (uint32_t node = 0; node < node_count; node++)
        for (uint32_t i = 0; i < tree.nodes[node].child_count; i++) {
            const uint32_t child = tree.nodes[node].first_child + i;
            scanner.lengths[node] |= uint64_t(1) << std::min<uint32_t>(63, tree.nodes[child].name_length);
            if (scanner.index[child] >= 0) scanner.is_indexed[node] = true;
        }
    for (const auto &node : scanner.nodes) scanner.has_parts = scanner.has_parts || node.list == ES_PARTS;
}
}  // namespace

extern "C" es_scanner *es_create(const es_tree *tree) {
    auto *scanner = new (std::nothrow) es_scanner;
    if (!scanner) return nullptr;
    take(*scanner, *tree);
    if (scanner->parser.allocate(1 << 16) ||
        get_active_implementation()->create_dom_parser_implementation(1 << 16, ES_MAX_DEPTH, scanner->structure)) {
        delete scanner;
        return nullptr;
    }
    return scanner;
}

extern "C" void es_destroy(es_scanner *scanner) { delete scanner; }

extern "C" int es_scan(es_scanner *scanner, const char *json, size_t length, int32_t root, int must_be_object) {
    scanner->begin();
    if (!scanner->has_parts) {
        if (scanner->shapes.scan(*scanner, json, length, root)) return ES_OK;
        scanner->begin();
    }
    if (scan_plain(*scanner, json, length, root)) return ES_OK;
    scanner->begin();
    const char *text = scanner->copy(json, length);
    if (!text) return ES_NO_MEMORY;
    int result = scan_document(*scanner, text, length, root, must_be_object != 0);
    if (result != ES_OK) scanner->forget();
    return result;
}

extern "C" const es_value *es_slots(const es_scanner *scanner) { return scanner->slots.data(); }
extern "C" const es_part *es_parts(const es_scanner *scanner, uint32_t *count) {
    *count = uint32_t(scanner->parts.size());
    return scanner->parts.data();
}
extern "C" const es_fan_out *es_fan_outs(const es_scanner *scanner) { return scanner->fans.data(); }

extern "C" int es_members(es_scanner *scanner, const char *json, size_t length, es_member *members, int capacity) {
    if (es_scan(scanner, json, length, -1, 1) != ES_OK) return -1;
    ondemand::document document;
    ondemand::object object;
    const char *text = scanner->copy(json, length);
    if (!text) return -1;
    if (scanner->parser.iterate(text, length, length + SIMDJSON_PADDING).get(document)) return -1;
    if (document.get_object().get(object)) return -1;
    int count = 0;
    for (auto result : object) {
        ondemand::field field;
        string_view name, raw;
        if (std::move(result).get(field) || field.unescaped_key().get(name)) return -1;
        ondemand::value value = field.value();
        ondemand::json_type type;
        if (value.type().get(type)) return -1;
        if (type == ondemand::json_type::object) {
            ondemand::object inner;
            if (value.get_object().get(inner) || inner.raw_json().get(raw)) return -1;
        } else if (type == ondemand::json_type::array) {
            ondemand::array inner;
            if (value.get_array().get(inner) || inner.raw_json().get(raw)) return -1;
        } else {
            raw = trimmed(value.raw_json_token());
        }
        if (count < capacity)
            members[count] = es_member{name.data(), raw.data(), uint32_t(name.size()), uint32_t(raw.size())};
        count++;
    }
    return count;
}
