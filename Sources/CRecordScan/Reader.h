// What both readers share: the tree of what is asked for, and how values get into slots.
#pragma once
#include "CRecordScan.h"
#include "Wire.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace record_scan {
/// Bytes of room for the text of a value that has none in the record. The longest: 129 bytes in
/// hexadecimal, which is longer than a text may be.
constexpr size_t room_bytes = 272, longest_hex = 129;

/// Units of time, as how many there are in a second.
enum class unit : int64_t { milliseconds = 1'000, microseconds = 1'000'000, nanoseconds = 1'000'000'000 };

/// A compiled schema.
struct program {
    std::vector<bool> reached;  // per node: whether the schema has something there
    virtual ~program() = default;
    virtual int scan(rs_reader &reader, input in, bool must_be_object) const = 0;
};
}  // namespace record_scan

struct rs_reader {
    es_scanner *scanner;
    es_tree tree;
    es_value *slots;
    es_fan_out *fans;
    std::vector<char> rooms;      // of slots, then of the values in fan-outs, then a spare one
    std::vector<uint8_t> is_bare_slot;  // per slot: whether nobody looks at the text of its numbers and moments
    std::vector<uint32_t> seen;   // per node: the last record whose map had that key
    std::vector<uint32_t> found;  // per find: the last record that had such an entry
    std::vector<uint32_t> counts;  // per node: the elements of its list so far
    uint32_t record = 0;
    int error = RS_OK;
    // The last day that was written, and its text.
    int64_t day = INT64_MIN;
    char day_text[10];
    std::vector<std::unique_ptr<record_scan::program>> programs;

    bool fail(int why) {
        error = why;
        return false;
    }
    /// Why a number could not be read.
    bool fail(const record_scan::input &in) { return fail(in.position == in.end ? RS_TRUNCATED : RS_BAD_VALUE); }
    void begin();

    const es_node &node(int32_t index) const { return tree.nodes[index]; }
    es_value *slot_of(int32_t index) {
        return index >= 0 && tree.nodes[index].slot >= 0 ? slots + tree.nodes[index].slot : nullptr;
    }
    /// The child of a node with that name, or -1.
    int32_t child(int32_t index, std::string_view name) const;
    /// Notes that a key of a map is there; false where it was there already.
    bool see(int32_t index) {
        if (seen[size_t(index)] == record) return fail(RS_DUPLICATE_MEMBER);
        seen[size_t(index)] = record;
        return true;
    }

    /// How many elements a list had before this one.
    uint32_t count(int32_t index) {
        if (seen[size_t(index)] != record) counts[size_t(index)] = 0;
        seen[size_t(index)] = record;
        return counts[size_t(index)]++;
    }

    // Values. `out` is a slot or in a fan-out.
    char *room(es_value *out);
    void put(es_value *out, uint32_t kind) { *out = es_value{nullptr, 0, 0, kind}; }
    /// A value that no field takes.
    void put_other(es_value *out) { put(out, ES_ARRAY); }
    void put_integer(es_value *out, int64_t value);
    void put_unsigned(es_value *out, uint64_t value);
    template <typename number> void put_real(es_value *out, number value);
    bool put_text(es_value *out, std::string_view text);
    void put_name(es_value *out, std::string_view text) { *out = es_value{text.data(), 0, uint32_t(text.size()), ES_TEXT}; }
    void put_hex(es_value *out, const uint8_t *bytes, size_t length);
    void put_uuid(es_value *out, const uint8_t *bytes);
    /// A number in two's complement, the highest byte first, times 10^-scale.
    void put_decimal(es_value *out, const uint8_t *bytes, size_t length, int scale);
    void put_date(es_value *out, int64_t days);
    /// A moment, or with `is_local` a text without a zone.
    void put_time(es_value *out, int64_t value, record_scan::unit unit, bool is_local);
    void put_moment(es_value *out, int64_t seconds, int32_t nanoseconds, bool is_local = false);
    void put_duration(es_value *out, int64_t seconds, int32_t nanoseconds);
    /// A number as it is written in its room.
    void put_number(es_value *out, char *text, char *end);

    // Lists.
    es_entry &next_entry(int32_t fan, es_entry &spare);
    void begin_entry(const es_list &list);
    bool end_entry(const es_list &list);

  private:
    char *write_day(char *text, int64_t days);
};

namespace record_scan {
/// The number that a name is as an index, or -1.
int32_t array_index(std::string_view name);
/// Writes why a schema cannot be used; returns -1.
int refuse(char *why, size_t capacity, const std::string &text);
}  // namespace record_scan
