// Runs a compiled schema over a record. Every step but those of known size takes a byte at least,
// so the work is bounded by the record's bytes; the depth is bounded, too.
#include "AvroProgram.h"

using std::string_view;

namespace record_scan::avro {
namespace {
struct walk {
    rs_reader &reader;
    const std::vector<code> &codes;
    input in;
    /// How many entries lists may still have: an entry can be empty.
    uint64_t entries_left;

    bool any(uint32_t index, es_value *out, int depth);
    bool value(const code &of, es_value *out, int depth);
    bool scalar(const code &of, es_value *out);
    bool bytes(const code &of, es_value *out);
    bool field(const field_code &field, int depth);
    bool record(const code &of, int depth);
    bool entries(const code &of, int depth);
    bool block(uint64_t &count, const uint8_t *&end, bool is_walked);
    bool entry(const code &of, uint32_t number, int depth);
    bool map_entry(const code &of, int depth);

    bool take(uint64_t count, const uint8_t *&bytes) {
        if (count > in.left()) return reader.fail(RS_TRUNCATED);
        bytes = in.position;
        in.position += count;
        return true;
    }
    bool number(int64_t &out) { return in.zigzag(out) || reader.fail(in); }
    bool counted(const uint8_t *&bytes, uint64_t &count) {
        int64_t length;
        if (!number(length)) return false;
        if (length < 0) return reader.fail(RS_BAD_VALUE);
        count = uint64_t(length);
        return take(count, bytes);
    }
    bool text(string_view &out) {
        const uint8_t *bytes;
        uint64_t count;
        if (!counted(bytes, count)) return false;
        out = string_view(reinterpret_cast<const char *>(bytes), count);
        return true;
    }
};

/// A value of a code; it goes to its node's slot, or to `out` where there is one, or to both.
bool walk::any(uint32_t index, es_value *out, int depth) {
    const code &of = codes[index];
    if (of.slot < 0) {
        if (of.fan_out < 0) return value(of, out, depth);
        // What should be a list and is not: only its kind matters.
        es_value own{}, *const to = out ? out : &own;
        if (!value(of, to, depth)) return false;
        es_fan_out &fan = reader.fans[of.fan_out];
        if (fan.kind == ES_ABSENT) fan.kind = to->kind;
        return true;
    }
    es_value *const to = reader.slots + of.slot;
    if (!value(of, to, depth)) return false;
    if (of.fan_out >= 0 && reader.fans[of.fan_out].kind == ES_ABSENT) reader.fans[of.fan_out].kind = to->kind;
    if (out && out != to) *out = *to;
    return true;
}

bool walk::value(const code &of, es_value *out, int depth) {
    const uint8_t *skipped;
    uint64_t count;
    int64_t number;
    es_value spare{};
    switch (of.step) {
    case step::nothing: return take(of.size, skipped);
    case step::skip_number: return this->number(number);
    case step::skip_bytes: return counted(skipped, count);
    case step::choice:
        if (!this->number(number)) return false;
        if (number < 0 || uint64_t(number) >= of.parts.size()) return reader.fail(RS_BAD_VALUE);
        // The branch has the same node, and so the same slot.
        return any(of.parts[size_t(number)], out, depth);
    case step::record:
    case step::list:
    case step::map:
        if (depth >= ES_MAX_DEPTH) return reader.fail(RS_TOO_DEEP);
        if (out) reader.put(out, of.step == step::list ? ES_ARRAY : ES_OBJECT);
        return of.step == step::record ? record(of, depth + 1) : entries(of, depth + 1);
    case step::bytes:
    case step::decimal:
    case step::fixed:
    case step::fixed_decimal:
    case step::uuid: return bytes(of, out ? out : &spare);
    default: return scalar(of, out ? out : &spare);
    }
}

bool walk::scalar(const code &of, es_value *out) {
    const uint8_t *bytes;
    uint64_t count;
    int64_t number;
    float real32;
    double real64;
    switch (of.step) {
    case step::null: reader.put(out, ES_NULL); return true;
    case step::boolean:
        if (!take(1, bytes)) return false;
        reader.put(out, *bytes ? ES_TRUE : ES_FALSE);
        return *bytes <= 1 || reader.fail(RS_BAD_VALUE);
    case step::real32:
        if (!in.fixed(real32)) return reader.fail(RS_TRUNCATED);
        reader.put_real(out, real32);
        return true;
    case step::real64:
        if (!in.fixed(real64)) return reader.fail(RS_TRUNCATED);
        reader.put_real(out, real64);
        return true;
    case step::text:
        return counted(bytes, count) && reader.put_text(out, string_view(reinterpret_cast<const char *>(bytes), count));
    default: break;
    }
    if (!this->number(number)) return false;
    switch (of.step) {
    case step::integer: reader.put_integer(out, number); return true;
    case step::symbol:
        if (number < 0 || uint64_t(number) >= of.names.size()) return reader.fail(RS_BAD_VALUE);
        reader.put_name(out, of.names[size_t(number)]);
        return true;
    case step::date: reader.put_date(out, number); return true;
    case step::time:
    case step::local_time: reader.put_time(out, number, of.unit, of.step == step::local_time); return true;
    default: return reader.fail(RS_BAD_VALUE);
    }
}

bool walk::bytes(const code &of, es_value *out) {
    const uint8_t *bytes;
    uint64_t count = of.size;
    const bool has_count = of.step == step::bytes || of.step == step::decimal;
    if (!(has_count ? counted(bytes, count) : take(count, bytes))) return false;
    if (of.step == step::uuid) reader.put_uuid(out, bytes);
    else if (of.step == step::decimal || of.step == step::fixed_decimal) reader.put_decimal(out, bytes, count, of.scale);
    else reader.put_hex(out, bytes, count);
    return true;
}

/// A field of a record; what is most frequent is done here.
inline bool walk::field(const field_code &field, int depth) {
    const uint8_t *bytes;
    uint64_t count;
    int64_t number;
    es_value *const slot = field.slot >= 0 ? reader.slots + field.slot : nullptr;
    switch (field.step) {
    case step::nothing: return take(field.size, bytes);
    case step::skip_number: return this->number(number);
    case step::skip_bytes: return counted(bytes, count);
    case step::text:
        if (!slot) break;
        return counted(bytes, count) && reader.put_text(slot, string_view(reinterpret_cast<const char *>(bytes), count));
    case step::integer:
        if (!slot) break;
        if (!this->number(number)) return false;
        reader.put_integer(slot, number);
        return true;
    case step::time:
        if (!slot) break;
        if (!this->number(number)) return false;
        reader.put_time(slot, number, field.unit, false);
        return true;
    default: break;
    }
    return any(field.code, nullptr, depth);
}

bool walk::record(const code &of, int depth) {
    if (of.fan_out < 0) {
        for (const field_code &field : of.fields)
            if (!this->field(field, depth)) return false;
        return true;
    }
    reader.fans[of.fan_out].kind = ES_OBJECT;
    es_entry spare;
    for (size_t i = 0; i < of.parts.size(); i++) {
        es_entry &entry = reader.next_entry(of.fan_out, spare);
        reader.put_name(&entry.key, of.names[i]);
        if (!any(of.parts[i], &entry.value, depth)) return false;
    }
    return true;
}

/// The head of a block of entries; `end` is nil where the block does not say how long it is.
bool walk::block(uint64_t &count, const uint8_t *&end, bool is_walked) {
    int64_t head, length;
    end = nullptr;
    if (!number(head)) return false;
    count = head < 0 ? 0 - uint64_t(head) : uint64_t(head);
    if (head < 0) {
        if (!number(length)) return false;
        if (length < 0) return reader.fail(RS_BAD_VALUE);
        if (uint64_t(length) > in.left()) return reader.fail(RS_TRUNCATED);
        end = in.position + length;
    }
    if (!is_walked && end) {
        in.position = end;
        return true;
    }
    if (count > entries_left) return reader.fail(RS_BAD_VALUE);
    entries_left -= count;
    return true;
}

bool walk::entries(const code &of, int depth) {
    const bool is_map = of.step == step::map;
    if (of.fan_out >= 0) reader.fans[of.fan_out].kind = is_map ? ES_OBJECT : ES_ARRAY;
    uint32_t number = 0;
    while (true) {
        uint64_t count;
        const uint8_t *end;
        if (!block(count, end, of.is_walked)) return false;
        if (count == 0) break;
        if (!of.is_walked && end) continue;
        for (; count > 0; count--)
            if (!(is_map ? map_entry(of, depth) : entry(of, number++, depth))) return false;
        if (end && in.position != end) return reader.fail(RS_BAD_VALUE);
    }
    return true;
}

bool walk::entry(const code &of, uint32_t number, int depth) {
    if (of.list >= 0) {
        const es_list &list = reader.tree.lists[of.list];
        reader.begin_entry(list);
        return any(of.item, nullptr, depth) && reader.end_entry(list);
    }
    es_entry spare;
    es_value *const out = of.fan_out >= 0 ? &reader.next_entry(of.fan_out, spare).value : nullptr;
    for (const auto &[node, index] : of.places) {
        const es_node &named = reader.node(node);
        if (array_index(string_view(named.name, named.name_length)) == int32_t(number)) return any(index, out, depth);
    }
    return any(of.item, out, depth);
}

bool walk::map_entry(const code &of, int depth) {
    string_view key;
    if (!text(key)) return false;
    es_entry spare;
    es_value *out = nullptr;
    if (of.fan_out >= 0) {
        es_entry &entry = reader.next_entry(of.fan_out, spare);
        if (!reader.put_text(&entry.key, key)) return false;
        if (&entry != &spare) {
            for (uint32_t i = 0; i + 1 < reader.fans[of.fan_out].count; i++) {
                const es_value &other = reader.fans[of.fan_out].entries[i].key;
                if (string_view(other.pointer, other.length) == key) return reader.fail(RS_DUPLICATE_MEMBER);
            }
        }
        out = &entry.value;
    }
    for (const auto &[node, index] : of.places) {
        const es_node &named = reader.node(node);
        if (string_view(named.name, named.name_length) == key) return reader.see(node) && any(index, out, depth);
    }
    return any(of.item, out, depth);
}
}  // namespace

int compiled::scan(rs_reader &reader, input in, bool must_be_object) const {
    walk steps{reader, codes, in, in.left() + 65'536};
    if (!steps.any(root, nullptr, 0)) return reader.error;
    if (steps.in.position != steps.in.end) return RS_TRAILING;
    const code *outermost = &codes[root];
    int64_t branch;
    if (outermost->step == step::choice && in.zigzag(branch)) outermost = &codes[outermost->parts[size_t(branch)]];
    const bool is_object = outermost->step == step::record || outermost->step == step::map;
    return must_be_object && !is_object ? RS_NOT_AN_OBJECT : RS_OK;
}
}  // namespace record_scan::avro
