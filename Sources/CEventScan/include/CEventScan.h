// A C interface to a scanner in C++. One call scans one JSON text with simdjson, checks all of it,
// and leaves the members that were asked for in slots.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a slot holds.
enum es_kind {
    ES_ABSENT = 0,
    ES_TEXT = 1,     // pointer, length: the text with its escapes resolved
    ES_INTEGER = 2,  // integer; pointer, length: as it is written
    ES_NUMBER = 3,   // a number with a fraction, or one beyond 2^53 - 1; as it is written
    ES_FALSE = 4,
    ES_NULL = 5,
    ES_OBJECT = 6,
    ES_ARRAY = 7,
    ES_TRUE = 8,
    // Of formats that know moments: integer: nanoseconds since 1970; pointer, length: RFC 3339.
    ES_TIME = 9,
};

/// One value. Its text is valid until the next scan with the same scanner, and no longer than the
/// JSON text that was scanned.
typedef struct {
    const char *pointer;
    int64_t integer;
    uint32_t length;
    uint32_t kind;
} es_value;

/// One entry of a list, an object or array whose entries are counted one by one. `key.kind` is
/// ES_ABSENT for arrays.
typedef struct {
    es_value key;
    es_value value;
} es_entry;

#define ES_MAX_ENTRIES 32
#define ES_MAX_DEPTH 64
#define ES_MAX_PARTS 10000
/// `es_node.list` of an array whose elements are left in `es_parts`.
#define ES_PARTS (-2)

/// A fan-out: the entries of one list. `kind` is the kind of the member that should be a list.
/// `count` stops at ES_MAX_ENTRIES + 1, which means too many entries.
typedef struct {
    uint32_t kind;
    uint32_t count;
    es_entry entries[ES_MAX_ENTRIES];
} es_fan_out;

/// A node of the tree of members that are asked for. Node 0 is the root; the children of a node are
/// next to each other. A child whose name is a number without leading zeros is the element of that
/// index where the node's value is an array. `slot`, `fan_out` and `list` are -1 where nothing is
/// asked for; a node with a list has neither a fan-out nor numbers as children. One node may have
/// ES_PARTS as its list, and then no children either.
typedef struct {
    const char *name;
    uint32_t name_length;
    int32_t slot;
    int32_t fan_out;
    uint32_t first_child;
    uint32_t child_count;
    int32_t list;
} es_node;

/// A list of entries that say themselves what they are, as `[{"key": "model", "value": "x"}]`.
/// Every entry is walked along a tree of its own, whose nodes are next to each other and begin with
/// `root`; `first_find` and those after it say which entries are wanted.
typedef struct {
    uint32_t root;
    uint32_t node_count;
    uint32_t first_find;
    uint32_t find_count;
} es_list;

/// A wanted entry of a list: where the slot `key` of an entry is this text, its slot `from` is
/// copied to the slot `to`. Two such entries in one list are ES_DUPLICATE_MEMBER.
typedef struct {
    const char *name;
    uint32_t name_length;
    int32_t key;
    int32_t from;
    int32_t to;
} es_find;

/// All that is asked for.
typedef struct {
    const es_node *nodes;
    const es_list *lists;
    const es_find *finds;
    uint32_t node_count;
    uint32_t list_count;
    uint32_t find_count;
    uint32_t slot_count;
    uint32_t fan_out_count;
} es_tree;

enum es_result {
    ES_OK = 0,
    ES_NOT_JSON = 1,
    ES_TOO_DEEP = 2,
    ES_DUPLICATE_MEMBER = 3,
    ES_NOT_AN_OBJECT = 4,
    ES_NO_MEMORY = 5,
};

/// Each thread needs its own scanner. The tree with its names is copied.
typedef struct es_scanner es_scanner;
es_scanner *es_create(const es_tree *tree);
void es_destroy(es_scanner *scanner);

/// Scans `length` bytes. `root` is the node of the text's outermost value, or -1 to only check the
/// text. All slots and fan-outs are absent after a result other than ES_OK.
int es_scan(es_scanner *scanner, const char *json, size_t length, int32_t root, int must_be_object);
const es_value *es_slots(const es_scanner *scanner);
const es_fan_out *es_fan_outs(const es_scanner *scanner);

/// The JSON text of an element, without blanks around it. It is valid as long as the text that was
/// scanned, and no longer than until the next scan with the same scanner.
typedef struct {
    const char *text;
    uint32_t length;
} es_part;
/// The elements of the array that the node with ES_PARTS found in the last scan; of its kind tells
/// its slot. `count` stops at ES_MAX_PARTS + 1, which means too many.
const es_part *es_parts(const es_scanner *scanner, uint32_t *count);
/// For readers of other formats, which fill the same slots: the tree with its names, which lives as
/// long as the scanner. `slot_count` and `fan_out_count` are at least 1.
void es_describe(const es_scanner *scanner, es_tree *out);
/// Makes all slots and fan-outs absent, and returns the slots.
es_value *es_forget(es_scanner *scanner);
es_fan_out *es_fans_to_fill(es_scanner *scanner);

/// What a number is.
enum es_number {
    ES_NO_NUMBER = 0,
    ES_WHOLE = 1,      // an integer within 2^53 - 1
    ES_FRACTION = 2,   // a number with a fraction, however small
    ES_TOO_LARGE = 3,  // an integer beyond that
};

/// Reads a text as the scanner reads a number, with blanks around it allowed. Returns an es_number;
/// `out` has a meaning for ES_WHOLE only.
int es_integer(const char *text, size_t length, int64_t *out);

/// Reads a number, as RFC 8259 writes it, times 10^scale (0 … 12), exactly. What is left over is
/// ES_FRACTION or, with `rounds`, rounded half to even. Returns an es_number; `out` has a meaning
/// for ES_WHOLE only.
int es_decimal(const char *text, size_t length, int scale, int rounds, int64_t *out);

/// Reads a number, as RFC 8259 writes it, times 10^power (0 … 9), and cuts off what is behind the
/// point. Returns ES_WHOLE, ES_TOO_LARGE (beyond 63 bits) or ES_NO_NUMBER.
int es_cut_off(const char *text, size_t length, int power, int64_t *out);

/// Writes the value of a number out in full, without a power of ten: no zeros in front or behind,
/// no minus before 0. Equal numbers have the same text. Returns its length, or 0 where the text is
/// not a number or its value needs more than `capacity` bytes.
size_t es_plain_number(const char *text, size_t length, char *out, size_t capacity);

/// A member of the outermost object: its name with escapes resolved, its value as JSON text.
typedef struct {
    const char *name;
    const char *value;
    uint32_t name_length;
    uint32_t value_length;
} es_member;
/// Writes the members of the outermost object, at most `capacity` of them. Returns how many there
/// are, or -1 where the text is not a JSON object.
int es_members(es_scanner *scanner, const char *json, size_t length, es_member *members, int capacity);

#ifdef __cplusplus
}
#endif
