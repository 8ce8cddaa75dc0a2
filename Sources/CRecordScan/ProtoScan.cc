// Runs a compiled message over a record, by the rules of Protobuf's encoding: of a field that is
// there twice the last one counts, messages are merged, and a field of another wire type than the
// schema's is one that nobody knows.
#include "ProtoProgram.h"

using std::string_view;

namespace record_scan::proto {
namespace {
/// A value as it is on the wire.
struct raw {
    wire type;
    uint64_t bits;
    input bytes;
    string_view text() const { return string_view(reinterpret_cast<const char *>(bytes.position), bytes.left()); }
};

struct walk {
    rs_reader &reader;
    const compiled &of;

    bool message(int32_t plan, input in, int depth);
    __attribute__((noinline)) bool field(const plan &plan, const part &part, const raw &value, int depth);
    __attribute__((always_inline)) bool single(const part &part, const raw &value, int depth);
    bool element(const part &part, const raw &value, int depth);
    bool entry(const part &part, input in, int depth);
    bool into(int32_t node, int32_t plan, const content &content, const raw &value, es_value *out, int depth);
    __attribute__((noinline)) bool read(const content &content, int32_t plan, const raw &value, es_value *out, int depth);
    bool read_moment(const content &content, input in, es_value *out);
    bool read_wrapper(const content &content, input in, es_value *out);
    void put_scalar(uint32_t kind, uint64_t bits, const content &content, es_value *out);
    void put_symbol(const content &content, int32_t number, es_value *out);
    bool put_key(uint32_t kind, const raw &value, es_value *out);
    __attribute__((noinline)) void put_defaults(const plan &plan);
    void clear(int32_t node);
    __attribute__((always_inline)) bool next(input &in, uint32_t &number, raw &value);
};

/// The next field of a message, with its value.
inline bool walk::next(input &in, uint32_t &number, raw &value) {
    uint64_t tag, length;
    if (!in.varint(tag)) return reader.fail(in);
    number = uint32_t(tag >> 3);
    value.type = wire(tag & 7);
    if (tag > UINT32_MAX || number == 0) return reader.fail(RS_BAD_VALUE);
    switch (value.type) {
    case wire::number: return in.varint(value.bits) || reader.fail(in);
    case wire::eight: return in.fixed(value.bits) || reader.fail(RS_TRUNCATED);
    case wire::four: {
        uint32_t bits;
        if (!in.fixed(bits)) return reader.fail(RS_TRUNCATED);
        value.bits = bits;
        return true;
    }
    case wire::counted:
        if (!in.varint(length)) return reader.fail(in);
        if (length > in.left()) return reader.fail(RS_TRUNCATED);
        value.bytes = {in.position, in.position + length};
        in.position += length;
        return true;
    case wire::begin_group:
    case wire::end_group: return reader.fail(RS_GROUP);
    default: return reader.fail(RS_BAD_VALUE);
    }
}

bool walk::message(int32_t index, input in, int depth) {
    if (depth >= ES_MAX_DEPTH) return reader.fail(RS_TOO_DEEP);
    const plan &plan = of.plans[size_t(index)];
    const part *const first = plan.parts.data(), *const last = first + plan.parts.size(), *at = first;
    while (in.position < in.end) {
        uint32_t number;
        raw value;
        if (!next(in, number, value)) return false;
        // Fields come by rising number as a rule.
        if (at < last && at->number > number) at = first;
        while (at < last && at->number < number) at++;
        if (at == last || at->number != number) continue;
        const part &part = *at;
        if (part.is_plain) {
            if (!single(part, value, depth)) return false;
        } else if (!field(plan, part, value, depth)) {
            return false;
        }
    }
    put_defaults(plan);
    return true;
}

/// A single value that has a slot.
inline bool walk::single(const part &part, const raw &value, int depth) {
    es_value *const slot = reader.slots + part.slot;
    if (part.value.kind == PS_STRING) {
        if (value.type != wire::counted) return true;
        if (!reader.put_text(slot, value.text())) return false;
    } else {
        if (value.type != part.wire) return true;
        if (part.value.kind == PS_INT64 || part.value.kind == PS_INT32) {
            reader.put_integer(slot, part.value.kind == PS_INT64 ? int64_t(value.bits) : int32_t(uint32_t(value.bits)));
            return true;
        }
        if (!read(part.value, part.plan, value, slot, depth)) return false;
    }
    if (!part.has_presence && slot->kind == ES_TEXT && slot->length == 0) *slot = es_value{};
    return true;
}

bool walk::field(const plan &plan, const part &part, const raw &value, int depth) {
    // Of another wire type it is an unknown field, for all readers of Protobuf.
    if (part.choice >= 0 && value.type != part.wire) return true;
    // Which member of a oneof is there is known also of those that nobody asks for.
    if (part.choice >= 0)
        for (const auto &other : plan.parts)
            if (&other != &part && other.is_wanted && other.choice == part.choice) clear(other.node);
    if (!part.is_wanted) return true;
    if (part.shape == part::shape::map) return value.type != wire::counted || entry(part, value.bytes, depth);
    const wire expected = wire_of(part.value.kind);
    if (part.shape == part::shape::single) {
        if (value.type != expected) return true;
        if (!into(part.node, part.plan, part.value, value, nullptr, depth)) return false;
        es_value *const slot = reader.slot_of(part.node);
        if (slot && !part.has_presence && slot->kind == ES_TEXT && slot->length == 0) *slot = es_value{};
        return true;
    }
    if (value.type == expected) return element(part, value, depth);
    if (value.type != wire::counted) return true;
    // Packed.
    input in = value.bytes;
    while (in.left()) {
        raw one{expected, 0, {nullptr, nullptr}};
        uint32_t bits = 0;
        if (expected == wire::number && !in.varint(one.bits)) return reader.fail(in);
        if (expected == wire::eight && !in.fixed(one.bits)) return reader.fail(RS_TRUNCATED);
        if (expected == wire::four && !in.fixed(bits)) return reader.fail(RS_TRUNCATED);
        if (expected == wire::four) one.bits = bits;
        if (!element(part, one, depth)) return false;
    }
    return true;
}

/// A value of a node; it goes to the node's slot, or to `out` where there is one, or to both.
bool walk::into(int32_t node, int32_t plan, const content &content, const raw &value, es_value *out, int depth) {
    es_value spare{}, *const slot = reader.slot_of(node), *const to = slot ? slot : out ? out : &spare;
    if (!read(content, plan, value, to, depth)) return false;
    if (out && out != to) *out = *to;
    if (node < 0 || reader.node(node).fan_out < 0) return true;
    // What should be a list and is not.
    reader.fans[reader.node(node).fan_out].kind = to->kind == ES_OBJECT ? uint32_t(ES_TEXT) : to->kind;
    return true;
}

/// An element of a repeated field.
bool walk::element(const part &part, const raw &value, int depth) {
    if (part.list >= 0) {
        const es_list &list = reader.tree.lists[part.list];
        reader.begin_entry(list);
        return into(int32_t(list.root), part.plan, part.value, value, nullptr, depth) && reader.end_entry(list);
    }
    es_entry spare;
    es_value *const out = part.fan_out >= 0 ? &reader.next_entry(part.fan_out, spare).value : nullptr;
    const uint32_t index = reader.count(part.node);
    for (const place &place : part.places)
        if (place.index == int32_t(index)) return into(place.node, place.plan, part.value, value, out, depth);
    return !out || into(-1, -1, part.value, value, out, depth);
}

/// An entry of a map: a message with the key as field 1 and the value as field 2.
bool walk::entry(const part &part, input in, int depth) {
    const wire key_type = wire_of(part.key), value_type = wire_of(part.value.kind);
    raw key{key_type, 0, {in.end, in.end}}, value{value_type, 0, {in.end, in.end}}, one;
    while (in.left()) {
        uint32_t number;
        if (!next(in, number, one)) return false;
        if (number == 1 && one.type == key_type) key = one;
        if (number == 2 && one.type == value_type) value = one;
    }
    es_entry spare{};
    es_entry &entry = part.fan_out >= 0 ? reader.next_entry(part.fan_out, spare) : spare;
    if (!put_key(part.key, key, &entry.key)) return false;
    const string_view name(entry.key.pointer, entry.key.length);
    es_value *out = nullptr;
    if (part.fan_out >= 0) {
        out = &entry.value;
        const es_fan_out &fan = reader.fans[part.fan_out];
        for (uint32_t i = 0; &entry != &spare && i + 1 < fan.count; i++)
            if (string_view(fan.entries[i].key.pointer, fan.entries[i].key.length) == name) return reader.fail(RS_DUPLICATE_MEMBER);
    }
    for (const place &place : part.places)
        if (place.name == name) return reader.see(place.node) && into(place.node, place.plan, part.value, value, out, depth);
    return !out || into(-1, -1, part.value, value, out, depth);
}

bool walk::put_key(uint32_t kind, const raw &value, es_value *out) {
    if (kind == PS_STRING) return reader.put_text(out, value.text());
    put_scalar(kind, value.bits, content{}, out);
    if (kind == PS_BOOL) reader.put_name(out, value.bits ? "true" : "false");
    out->kind = ES_TEXT;
    return true;
}

bool walk::read(const content &content, int32_t plan, const raw &value, es_value *out, int depth) {
    switch (content.kind) {
    case PS_STRING: return reader.put_text(out, value.text());
    case PS_BYTES: reader.put_hex(out, value.bytes.position, value.bytes.left()); return true;
    case PS_MESSAGE: break;
    default: put_scalar(content.kind, value.bits, content, out); return true;
    }
    if (content.meaning == PS_WRAPPER) {
        if (!read_wrapper(content, value.bytes, out)) return false;
    } else if (content.meaning == PS_TIMESTAMP || content.meaning == PS_DURATION) {
        if (!read_moment(content, value.bytes, out)) return false;
    } else {
        reader.put(out, ES_OBJECT);
    }
    return plan < 0 || message(plan, value.bytes, depth + 1);
}

/// Seconds as field 1, nanoseconds as field 2.
bool walk::read_moment(const content &content, input in, es_value *out) {
    int64_t seconds = 0;
    int32_t nanoseconds = 0;
    while (in.left()) {
        uint32_t number;
        raw one;
        if (!next(in, number, one)) return false;
        if (one.type != wire::number) continue;
        if (number == 1) seconds = int64_t(one.bits);
        if (number == 2) nanoseconds = int32_t(one.bits);
    }
    if (content.meaning == PS_TIMESTAMP) reader.put_moment(out, seconds, nanoseconds);
    else reader.put_duration(out, seconds, nanoseconds);
    return true;
}

/// The value as field 1; where it is not there, it is zero or empty.
bool walk::read_wrapper(const content &content, input in, es_value *out) {
    proto::content inner;
    inner.kind = content.inner;
    raw value{wire_of(inner.kind), 0, {in.end, in.end}}, one;
    while (in.left()) {
        uint32_t number;
        if (!next(in, number, one)) return false;
        if (number == 1 && one.type == value.type) value = one;
    }
    return read(inner, -1, value, out, 0);
}

void walk::put_scalar(uint32_t kind, uint64_t bits, const content &content, es_value *out) {
    const auto zigzag = [](uint64_t value) { return int64_t(value >> 1) ^ -int64_t(value & 1); };
    const auto low = uint32_t(bits);
    float real32;
    double real64;
    switch (kind) {
    case PS_INT32:
    case PS_SFIXED32: return reader.put_integer(out, int32_t(low));
    case PS_INT64:
    case PS_SFIXED64: return reader.put_integer(out, int64_t(bits));
    case PS_UINT32:
    case PS_FIXED32: return reader.put_integer(out, low);
    case PS_UINT64:
    case PS_FIXED64: return reader.put_unsigned(out, bits);
    case PS_SINT32: return reader.put_integer(out, int32_t(zigzag(low)));
    case PS_SINT64: return reader.put_integer(out, zigzag(bits));
    case PS_BOOL: return reader.put(out, bits ? ES_TRUE : ES_FALSE);
    case PS_FLOAT: memcpy(&real32, &low, sizeof real32); return reader.put_real(out, real32);
    case PS_DOUBLE: memcpy(&real64, &bits, sizeof real64); return reader.put_real(out, real64);
    case PS_ENUM: return put_symbol(content, int32_t(low), out);
    default: return reader.put_other(out);
    }
}

/// The name of an enum's value; its number where the schema has no name for it.
void walk::put_symbol(const content &content, int32_t number, es_value *out) {
    for (uint32_t i = content.first_symbol; i < content.first_symbol + content.symbol_count; i++)
        if (of.numbers[i] == number) return reader.put_name(out, of.names[i]);
    reader.put_integer(out, number);
}

/// What is not written is zero, false, the first symbol or an empty list, unless the schema can
/// tell absent from these. Empty texts and bytes are absent: they name nothing.
void walk::put_defaults(const plan &plan) {
    for (const uint32_t index : plan.defaults) {
        const part &part = plan.parts[index];
        const bool is_map = part.shape == part::shape::map;
        if (part.fan_out >= 0 && part.shape != part::shape::single && reader.fans[part.fan_out].kind == ES_ABSENT)
            reader.fans[part.fan_out].kind = is_map ? ES_OBJECT : ES_ARRAY;
        if (part.slot < 0 || reader.slots[part.slot].kind != ES_ABSENT) continue;
        es_value *const slot = reader.slots + part.slot;
        if (part.shape != part::shape::single) reader.put(slot, is_map ? ES_OBJECT : ES_ARRAY);
        else if (part.value.kind == PS_ENUM) put_symbol(part.value, 0, slot);
        else if (part.value.kind != PS_STRING && part.value.kind != PS_BYTES) put_scalar(part.value.kind, 0, part.value, slot);
    }
}

/// Forgets everything at a node and below.
void walk::clear(int32_t index) {
    const es_node &node = reader.node(index);
    reader.seen[size_t(index)] = 0;
    if (node.slot >= 0) reader.slots[node.slot] = es_value{};
    if (node.fan_out >= 0) reader.fans[node.fan_out].kind = reader.fans[node.fan_out].count = 0;
    if (node.list >= 0) {
        const es_list &list = reader.tree.lists[node.list];
        for (uint32_t i = list.first_find; i < list.first_find + list.find_count; i++) {
            reader.found[i] = 0;
            reader.slots[reader.tree.finds[i].to] = es_value{};
        }
    }
    for (uint32_t i = node.first_child; i < node.first_child + node.child_count; i++) clear(int32_t(i));
}
}  // namespace

int compiled::scan(rs_reader &reader, input in, bool) const {
    walk steps{reader, *this};
    // In binary mode the value itself may be asked for.
    if (es_value *const slot = reader.slot_of(root)) reader.put(slot, ES_OBJECT);
    return steps.message(0, in, 0) ? RS_OK : reader.error;
}
}  // namespace record_scan::proto
