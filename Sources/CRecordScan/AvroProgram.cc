#include "AvroProgram.h"

#include <map>
#include <optional>
#include <tuple>

using std::string;
using std::string_view;

namespace record_scan::avro {
namespace {
/// Of types that name each other, which a record cannot reach (ES_MAX_DEPTH).
constexpr int most_named_levels = 500;

struct compiler {
    compiled &out;
    const rs_reader &reader;
    string &why;
    std::map<std::tuple<const type *, int32_t, bool>, uint32_t> known;
    std::map<const type *, std::optional<uint64_t>> sizes;
    std::vector<const type *> open;
    int levels = 0;

    uint32_t code_of(const type *of, int32_t node, bool is_wanted);
    void fill(uint32_t index, const type *of, bool is_wanted);
    void fill_record(uint32_t index, const type *of);
    void fill_entries(uint32_t index, const type *of);
    std::optional<uint64_t> size(const type *of);
};

/// The bytes of every value of a type, where all have the same number.
std::optional<uint64_t> compiler::size(const type *of) {
    switch (of->kind) {
    case kind::null: return 0;
    case kind::boolean: return 1;
    case kind::real32: return 4;
    case kind::real64: return 8;
    case kind::fixed: return of->size;
    case kind::record: break;
    default: return std::nullopt;
    }
    if (const auto found = sizes.find(of); found != sizes.end()) return found->second;
    for (const type *outer : open)
        if (outer == of) {
            // Nothing would end such a value.
            why = "a record holds itself";
            return std::nullopt;
        }
    if (open.size() >= size_t(most_named_levels)) {
        why = "its types are nested too deep";
        return std::nullopt;
    }
    open.push_back(of);
    std::optional<uint64_t> sum = 0;
    for (const auto &field : of->fields) {
        const auto one = size(field.of);
        // All fields are looked at, for a record in itself.
        sum = sum && one && *sum + *one <= INT32_MAX ? std::optional(*sum + *one) : std::nullopt;
    }
    open.pop_back();
    return sizes[of] = sum;
}

/// The code of a type; `is_wanted`: its value goes into a list's entry.
uint32_t compiler::code_of(const type *of, int32_t node, bool is_wanted) {
    if (levels >= most_named_levels) {
        why = "its types are nested too deep";
        return 0;
    }
    const auto key = std::make_tuple(of, node, is_wanted);
    if (const auto found = known.find(key); found != known.end()) return found->second;
    const auto index = uint32_t(out.codes.size());
    known[key] = index;
    out.codes.emplace_back();
    code &made = out.codes[index];
    made.node = node;
    if (node >= 0) {
        made.slot = reader.node(node).slot;
        made.fan_out = reader.node(node).fan_out;
        made.list = reader.node(node).list;
    }
    const bool is_asked_for = is_wanted || node >= 0;
    if (const auto bytes = size(of); !is_asked_for && bytes) {
        made.size = *bytes;
        return index;
    }
    levels++;
    fill(index, of, is_asked_for);
    levels--;
    return index;
}

void compiler::fill(uint32_t index, const type *of, bool is_wanted) {
    code &made = out.codes[index];
    const bool is_time = of->logical >= logical::time_ms;
    switch (of->kind) {
    case kind::null: made.step = step::null; break;
    case kind::boolean: made.step = step::boolean; break;
    case kind::int32: made.step = !is_wanted ? step::skip_number : of->logical == logical::date ? step::date : step::integer; break;
    case kind::int64:
        made.step = !is_wanted ? step::skip_number : is_time ? of->logical >= logical::local_ms ? step::local_time : step::time : step::integer;
        made.unit = of->logical == logical::time_ms || of->logical == logical::local_ms ? unit::milliseconds
            : of->logical == logical::time_us || of->logical == logical::local_us       ? unit::microseconds
                                                                                        : unit::nanoseconds;
        break;
    case kind::real32: made.step = step::real32; break;
    case kind::real64: made.step = step::real64; break;
    case kind::text: made.step = is_wanted ? step::text : step::skip_bytes; break;
    case kind::bytes:
        made.step = !is_wanted ? step::skip_bytes : of->logical == logical::decimal ? step::decimal : step::bytes;
        made.scale = of->scale;
        break;
    case kind::fixed:
        made.step = of->logical == logical::decimal ? step::fixed_decimal : of->logical == logical::uuid ? step::uuid : step::fixed;
        made.scale = of->scale;
        made.size = of->size;
        break;
    case kind::symbol:
        made.step = is_wanted ? step::symbol : step::skip_number;
        for (const auto &symbol : of->symbols) made.names.push_back(symbol);
        break;
    case kind::choice: {
        made.step = step::choice;
        const int32_t node = made.node;
        for (const type *branch : of->choices) {
            const uint32_t part = code_of(branch, node, is_wanted);
            out.codes[index].parts.push_back(part);
        }
        break;
    }
    case kind::record: fill_record(index, of); break;
    case kind::list:
    case kind::map: fill_entries(index, of); break;
    }
}

void compiler::fill_record(uint32_t index, const type *of) {
    out.codes[index].step = step::record;
    const int32_t node = out.codes[index].node;
    const bool is_list = out.codes[index].fan_out >= 0;
    uint64_t skipped = 0;
    const auto add = [&](string_view name, uint32_t part) {
        out.codes[index].parts.push_back(part);
        out.codes[index].names.push_back(name);
    };
    // Fields of known sizes that nobody asks for are skipped at once.
    const auto flush = [&] {
        if (!skipped) return;
        out.codes.emplace_back();
        out.codes.back().size = skipped;
        skipped = 0;
        add("", uint32_t(out.codes.size() - 1));
    };
    for (const auto &field : of->fields) {
        const int32_t child = reader.child(node, field.name);
        const auto bytes = size(field.of);
        if (child < 0 && !is_list && bytes && skipped + *bytes <= INT32_MAX) {
            skipped += *bytes;
            continue;
        }
        flush();
        const uint32_t part = code_of(field.of, child, is_list);
        add(field.name, part);
    }
    flush();
}

void compiler::fill_entries(uint32_t index, const type *of) {
    const code made = out.codes[index];
    const int32_t node = made.node;
    const bool is_map = of->kind == kind::map, is_wanted = made.fan_out >= 0;
    std::vector<std::pair<int32_t, uint32_t>> places;
    if (node >= 0 && (is_map || made.list < 0)) {
        const es_node &parent = reader.node(node);
        for (uint32_t i = parent.first_child; i < parent.first_child + parent.child_count; i++) {
            const string_view name(reader.node(int32_t(i)).name, reader.node(int32_t(i)).name_length);
            if (is_map || array_index(name) >= 0) places.emplace_back(int32_t(i), code_of(of->item, int32_t(i), is_wanted));
        }
    }
    const bool is_found = !is_map && made.list >= 0;
    const uint32_t item = code_of(of->item, is_found ? int32_t(reader.tree.lists[made.list].root) : -1, is_wanted && !is_found);
    code &filled = out.codes[index];
    filled.step = is_map ? step::map : step::list;
    filled.item = item;
    filled.is_walked = is_wanted || is_found || !places.empty();
    filled.places = std::move(places);
}
}  // namespace

bool compile(compiled &out, const rs_reader &reader, int32_t node, string &why) {
    compiler steps{out, reader, why, {}, {}, {}};
    for (const type &each : out.types.types) steps.size(&each);
    if (!why.empty()) return false;
    out.root = steps.code_of(out.types.root, node, false);
    for (code &each : out.codes) {
        if (each.step != step::record || each.fan_out >= 0) continue;
        for (const uint32_t part : each.parts) {
            const code &of = out.codes[part];
            each.fields.push_back({of.step, of.unit, of.fan_out >= 0 ? -2 : of.slot, part, of.size});
        }
    }
    out.reached.resize(reader.tree.node_count);
    for (const code &each : out.codes)
        if (each.node >= 0) out.reached[size_t(each.node)] = true;
    return why.empty();
}
}  // namespace record_scan::avro

extern "C" int rs_check_avro(const rs_text *texts, size_t count, char *missing, size_t missing_capacity, char *why, size_t capacity) {
    using namespace record_scan;
    avro::schema types;
    string text;
    const bool is_whole = avro::read_schema(texts, count, types, text);
    refuse(missing, missing_capacity, types.missing);
    if (!is_whole) refuse(why, capacity, text);
    return is_whole;
}

extern "C" int rs_add_avro(rs_reader *reader, const rs_text *texts, size_t count, int32_t root, char *why, size_t capacity) {
    using namespace record_scan;
    auto made = std::make_unique<avro::compiled>();
    string text;
    if (!avro::read_schema(texts, count, made->types, text) || !avro::compile(*made, *reader, root, text))
        return refuse(why, capacity, text);
    reader->programs.push_back(std::move(made));
    return int(reader->programs.size() - 1);
}
