#include "ProtoProgram.h"

#include <map>

using std::string;
using std::string_view;

namespace record_scan::proto {
namespace {
struct compiler {
    compiled &out;
    const rs_reader &reader;
    const ps_table &table;
    string &why;
    std::map<std::pair<int32_t, int32_t>, int32_t> known;
    std::map<int32_t, uint32_t> enums;

    int32_t plan_of(int32_t message, int32_t node);
    int32_t plan_inside(const ps_field &field, int32_t node);
    part part_of(const ps_field &field, int32_t node);
    content content_of(const ps_field &field);
    void add_places(part &made, const ps_field &value);
};

content compiler::content_of(const ps_field &field) {
    const string name(field.name, field.name_length);
    content made;
    made.kind = field.kind;
    if (field.kind == PS_UNKNOWN) why = "the type of the field '" + name + "' is nowhere defined";
    if (field.kind == PS_GROUP) why = "the field '" + name + "' is a group";
    if (field.kind == PS_MESSAGE) {
        const ps_message &message = table.messages[field.message];
        made.meaning = message.meaning;
        if (message.meaning == PS_WRAPPER) made.inner = table.fields[message.first_field].kind;
    }
    if (field.kind != PS_ENUM) return made;
    const ps_symbols &all = table.enums[field.symbols];
    made.symbol_count = all.symbol_count;
    const auto [found, is_new] = enums.try_emplace(field.symbols, uint32_t(out.names.size()));
    made.first_symbol = found->second;
    for (uint32_t i = 0; is_new && i < all.symbol_count; i++) {
        const ps_symbol &symbol = table.symbols[all.first_symbol + i];
        out.names.emplace_back(symbol.name, symbol.name_length);
        out.numbers.push_back(symbol.number);
    }
    return made;
}

/// The plan of a field's message, where something in it is asked for.
int32_t compiler::plan_inside(const ps_field &field, int32_t node) {
    return field.kind == PS_MESSAGE && node >= 0 && reader.node(node).child_count > 0 ? plan_of(field.message, node) : -1;
}

void compiler::add_places(part &made, const ps_field &value) {
    const es_node &parent = reader.node(made.node);
    for (uint32_t i = parent.first_child; i < parent.first_child + parent.child_count; i++) {
        const auto node = int32_t(i);
        const string_view name(reader.node(node).name, reader.node(node).name_length);
        const int32_t index = array_index(name);
        if (made.shape == part::shape::map || index >= 0) made.places.push_back({node, plan_inside(value, node), index, name});
    }
}

part compiler::part_of(const ps_field &field, int32_t node) {
    part made;
    made.number = field.number;
    made.choice = field.choice;
    made.has_presence = field.has_presence != 0;
    made.is_wanted = node >= 0;
    made.wire = wire_of(field.kind);
    if (!made.is_wanted) return made;
    made.node = node;
    made.slot = reader.node(node).slot;
    made.fan_out = reader.node(node).fan_out;
    made.list = reader.node(node).list;
    const ps_message *message = field.kind == PS_MESSAGE ? &table.messages[field.message] : nullptr;
    if (message && message->meaning == PS_MAP_ENTRY && message->field_count == 2) {
        const ps_field &value = table.fields[message->first_field + 1];
        made.shape = part::shape::map;
        made.key = table.fields[message->first_field].kind;
        made.value = content_of(value);
        add_places(made, value);
        return made;
    }
    made.value = content_of(field);
    if (!field.is_repeated) {
        made.is_plain = made.slot >= 0 && made.choice < 0 && made.fan_out < 0;
        made.plan = plan_inside(field, node);
        return made;
    }
    made.shape = part::shape::repeated;
    if (made.list < 0) add_places(made, field);
    else made.plan = plan_inside(field, int32_t(reader.tree.lists[made.list].root));
    return made;
}

int32_t compiler::plan_of(int32_t message, int32_t node) {
    const auto key = std::make_pair(message, node);
    if (const auto found = known.find(key); found != known.end()) return found->second;
    const auto index = int32_t(out.plans.size());
    known[key] = index;
    out.plans.emplace_back();
    const ps_message &all = table.messages[message];
    std::vector<part> parts;
    for (uint32_t i = all.first_field; i < all.first_field + all.field_count; i++) {
        const ps_field &field = table.fields[i];
        const int32_t child = reader.child(node, string_view(field.name, field.name_length));
        if (child >= 0 || field.choice >= 0) parts.push_back(part_of(field, child));
    }
    plan &made = out.plans[size_t(index)];
    for (uint32_t i = 0; i < parts.size(); i++)
        if (parts[i].is_wanted && !parts[i].has_presence) made.defaults.push_back(i);
    made.parts = std::move(parts);
    return index;
}
}  // namespace
}  // namespace record_scan::proto

extern "C" int rs_add_protobuf(rs_reader *reader, const ps_schema *schema, int32_t root, char *why, size_t capacity) {
    using namespace record_scan;
    auto made = std::make_unique<proto::compiled>();
    string text;
    proto::compiler steps{*made, *reader, *ps_table_of(schema), text, {}, {}};
    steps.plan_of(0, root);
    if (!text.empty()) return refuse(why, capacity, text);
    made->root = root;
    made->reached.resize(reader->tree.node_count);
    if (root >= 0) made->reached[size_t(root)] = true;
    for (const auto &plan : made->plans)
        for (const auto &part : plan.parts) {
            if (part.is_wanted) made->reached[size_t(part.node)] = true;
            for (const auto &place : part.places) made->reached[size_t(place.node)] = true;
        }
    reader->programs.push_back(std::move(made));
    return int(reader->programs.size() - 1);
}
