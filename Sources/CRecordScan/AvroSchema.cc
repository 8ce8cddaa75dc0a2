#include "AvroSchema.h"

#include <simdjson.h>

#include <algorithm>
#include <string_view>

using std::string;
using std::string_view;
namespace dom = simdjson::dom;

namespace record_scan::avro {
namespace {
constexpr size_t most_types = 100'000;
constexpr int most_levels = 200;

struct word {
    string_view name;
    int value;
};
constexpr word primitives[] = {
    {"null", int(kind::null)},     {"boolean", int(kind::boolean)}, {"int", int(kind::int32)},
    {"long", int(kind::int64)},    {"float", int(kind::real32)},    {"double", int(kind::real64)},
    {"bytes", int(kind::bytes)},   {"string", int(kind::text)},
};
constexpr word times[] = {
    {"timestamp-millis", int(logical::time_ms)},        {"timestamp-micros", int(logical::time_us)},
    {"timestamp-nanos", int(logical::time_ns)},         {"local-timestamp-millis", int(logical::local_ms)},
    {"local-timestamp-micros", int(logical::local_us)}, {"local-timestamp-nanos", int(logical::local_ns)},
};
template <size_t n> int find(const word (&words)[n], string_view name) {
    for (const auto &word : words)
        if (word.name == name) return word.value;
    return -1;
}

struct reader {
    schema &out;
    string &why;

    const type *fail(string text) {
        if (why.empty()) why = std::move(text);
        return nullptr;
    }
    type *add(avro::kind kind) {
        if (out.types.size() >= most_types) return const_cast<type *>(fail("it has too many types"));
        out.types.emplace_back();
        out.types.back().kind = kind;
        return &out.types.back();
    }
    const type *any(dom::element json, string_view space, int level);
    const type *of_name(string_view name, string_view space);
    const type *choice(dom::array json, string_view space, int level);
    const type *object(dom::object json, string_view space, int level);
    const type *record(type *made, dom::object json, string_view space, int level);
    bool name(dom::object json, string_view space, const type *made, string &inner);
    void take_logical(type *made, dom::object json);
};

string_view text_of(dom::object json, const char *key) {
    string_view text;
    return json[key].get(text) ? string_view() : text;
}

const type *reader::any(dom::element json, string_view space, int level) {
    if (level > most_levels) return fail("it is nested too deep");
    string_view text;
    dom::array list;
    dom::object object;
    if (!json.get(text)) return of_name(text, space);
    if (!json.get(list)) return choice(list, space, level);
    if (!json.get(object)) return this->object(object, space, level);
    return fail("a type is neither a text nor a list nor an object");
}

const type *reader::of_name(string_view name, string_view space) {
    if (const int primitive = find(primitives, name); primitive >= 0) return add(avro::kind(primitive));
    // A name without a dot is in the space around it or, as some writers have it, in none.
    if (name.find('.') == string_view::npos && !space.empty())
        if (const auto found = out.named.find(string(space) + '.' + string(name)); found != out.named.end()) return found->second;
    const auto found = out.named.find(string(name));
    if (found != out.named.end()) return found->second;
    out.missing = name.find('.') == string_view::npos && !space.empty() ? string(space) + '.' + string(name) : string(name);
    return fail("there is no type '" + out.missing + "'");
}

const type *reader::choice(dom::array json, string_view space, int level) {
    type *made = add(kind::choice);
    if (!made) return nullptr;
    for (dom::element branch : json) {
        const type *of = any(branch, space, level + 1);
        if (!of) return nullptr;
        if (of->kind == kind::choice) return fail("a union is directly inside a union");
        made->choices.push_back(of);
    }
    return made->choices.empty() ? fail("a union is empty") : made;
}

/// Registers a named type; `inner` becomes the space of what is inside.
bool reader::name(dom::object json, string_view space, const type *made, string &inner) {
    string_view name = text_of(json, "name"), own;
    if (name.empty()) return fail("a type has no name") != nullptr;
    if (const size_t dot = name.rfind('.'); dot != string_view::npos) {
        inner = name.substr(0, dot);
        name.remove_prefix(dot + 1);
    } else {
        inner = json["namespace"].get(own) ? space : own;
    }
    const string full = inner.empty() ? string(name) : inner + '.' + string(name);
    if (find(primitives, full) >= 0) return fail("'" + full + "' is the name of a type of Avro") != nullptr;
    if (!out.named.emplace(full, made).second) return fail("'" + full + "' is defined twice") != nullptr;
    return true;
}

const type *reader::object(dom::object json, string_view space, int level) {
    dom::element inner;
    if (json["type"].get(inner)) return fail("an object has no type");
    string_view word;
    if (inner.get(word)) return any(inner, space, level + 1);
    string names;
    if (word == "record" || word == "error") {
        type *made = add(kind::record);
        return made && name(json, space, made, names) ? record(made, json, names, level) : nullptr;
    }
    if (word == "enum") {
        type *made = add(kind::symbol);
        dom::array symbols;
        if (!made || !name(json, space, made, names)) return nullptr;
        if (json["symbols"].get(symbols)) return fail("an enum has no symbols");
        for (dom::element symbol : symbols) {
            if (symbol.get(word)) return fail("a symbol is not a text");
            made->symbols.emplace_back(word);
        }
        return made;
    }
    if (word == "fixed") {
        type *made = add(kind::fixed);
        if (!made || !name(json, space, made, names)) return nullptr;
        if (json["size"].get(made->size) || made->size > INT32_MAX) return fail("a fixed has no size");
        take_logical(made, json);
        return made;
    }
    if (word == "array" || word == "map") {
        dom::element item;
        type *made = add(word == "map" ? kind::map : kind::list);
        if (!made) return nullptr;
        if (json[word == "map" ? "values" : "items"].get(item)) return fail("an array or map has no items");
        made->item = any(item, space, level + 1);
        return made->item ? made : nullptr;
    }
    const type *found = of_name(word, space);
    if (!found || find(primitives, word) < 0) return found;
    take_logical(&out.types.back(), json);
    return found;
}

const type *reader::record(type *made, dom::object json, string_view space, int level) {
    dom::array fields;
    if (json["fields"].get(fields)) return fail("a record has no fields");
    for (dom::element element : fields) {
        dom::object field;
        dom::element of;
        if (element.get(field)) return fail("a field is not an object");
        const string_view name = text_of(field, "name");
        if (name.empty() || field["type"].get(of)) return fail("a field has no name or no type");
        const bool is_twice = std::any_of(made->fields.begin(), made->fields.end(), [&](const auto &known) { return known.name == name; });
        if (is_twice) return fail("the field '" + string(name) + "' is there twice");
        const type *found = any(of, space, level + 1);
        if (!found) return nullptr;
        made->fields.push_back({string(name), found});
    }
    return made;
}

/// A logical type that does not fit its type is ignored, as the specification says.
void reader::take_logical(type *made, dom::object json) {
    const string_view word = text_of(json, "logicalType");
    if (word == "date" && made->kind == kind::int32) made->logical = logical::date;
    if (word == "uuid" && (made->kind == kind::text || (made->kind == kind::fixed && made->size == 16))) made->logical = logical::uuid;
    if (const int time = find(times, word); time >= 0 && made->kind == kind::int64) made->logical = avro::logical(time);
    if (word != "decimal" || (made->kind != kind::bytes && made->kind != kind::fixed)) return;
    int64_t precision, scale = 0;
    if (json["precision"].get(precision) || precision < 1) return;
    dom::element given;
    if (!json["scale"].get(given) && given.get(scale)) return;
    if (scale < 0 || scale > precision || scale > 200) return;
    made->logical = logical::decimal;
    made->scale = int(scale);
}
}  // namespace

bool read_schema(const rs_text *texts, size_t count, schema &out, string &why) {
    reader steps{out, why};
    dom::parser parser;
    for (size_t i = 0; i < count; i++) {
        dom::element json;
        if (parser.parse(texts[i].text, texts[i].text_length).get(json)) {
            // Some registries keep a bare name of a type without its quotes.
            const string_view bare(texts[i].text, texts[i].text_length);
            if (find(primitives, bare) < 0) {
                why = "it is not JSON";
                return false;
            }
            out.root = steps.of_name(bare, "");
        } else {
            out.root = steps.any(json, "", 0);
        }
        if (!out.root) return false;
    }
    if (!out.root) why = "there is none";
    return out.root != nullptr;
}
}  // namespace record_scan::avro
