// The shapes of texts that were scanned before: the bytes between their values.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct es_scanner;

namespace event_scan {
/// The shapes found so far, a tree for each root node that texts are scanned for.
///
/// A producer writes the same names, punctuation and blanks again and again, and only the values
/// change. Take a text that was scanned completely, and another one that differs from it only in
/// numbers and inside its strings, which are UTF-8 without escapes and control characters. Then the
/// other one is well-formed too and has the same members.
class shapes {
  public:
    /// Fills the slots of a text whose shape is known. False: it is not known, and some slots may
    /// be filled.
    bool scan(es_scanner &scanner, const char *json, size_t length, int32_t root);
    /// Adds the shape of a text that was just scanned for `root`. `first` to `end` are the
    /// positions of its tokens, as simdjson found them.
    void learn(const es_scanner &scanner, const char *json, size_t length, int32_t root, const uint32_t *first,
               const uint32_t *end);

  private:
    /// What follows a literal.
    enum class hole : uint8_t { text, number, end };
    /// A literal with the value after it, and the parts that may follow.
    struct part {
        uint32_t literal = 0;  // index in `literals`
        uint32_t length = 0;
        hole kind = hole::end;
        int32_t slot = -1;
        uint32_t constants = 0;  // index in `constants` of the first that the literal holds
        uint32_t constants_end = 0;
        int32_t child = -1;    // the first part that may follow
        int32_t sibling = -1;  // the next part that may be here instead
    };
    /// A value in a literal that is asked for: true, false, null, or the start of an object or
    /// array.
    struct constant {
        int32_t slot;
        uint32_t kind;
    };
    struct piece;
    struct draft;

    static bool is_here(const part &candidate, const char *literal, const char *at, size_t rest);
    bool is_same(const part &known, const piece &added) const;
    void add(const std::vector<piece> &pieces, int32_t root);

    std::vector<part> parts;
    std::vector<constant> constants;
    std::string literals;
    std::vector<int32_t> roots;  // the first part of a root node's tree; index 0 is for root -1
    // Learning a shape costs credit, and finding one earns it: so the shapes of a log in which none
    // occurs twice are seldom learned.
    int32_t credit = 64;
    uint32_t misses = 0;
};
}  // namespace event_scan
