// Shapes of texts that were scanned before: what stands between their values, byte by byte.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct es_scanner;

namespace event_scan {
/// A tree of the shapes met so far, one for each root node that texts are scanned for.
///
/// A producer writes the same names, punctuation and blanks again and again, and only the values change. A text that
/// differs from one that was scanned whole in nothing but the insides of its strings (without escapes or control
/// characters, in UTF-8) and in numbers is as well-formed as that one, and has the same members at the same places.
class shapes {
  public:
    /// Fills the slots of a text whose shape is known; false = not known, and slots may be filled in part.
    bool scan(es_scanner &scanner, const char *json, size_t length, int32_t root);
    /// Takes up the shape of a text that was just scanned for `root`; `first` to `end` are its structural positions.
    void learn(const es_scanner &scanner, const char *json, size_t length, int32_t root, const uint32_t *first,
               const uint32_t *end);

  private:
    enum class hole : uint8_t { text, number, end };
    /// What stands before a value, that value, and what may follow.
    struct part {
        uint32_t literal = 0;  // place in `literals`
        uint32_t length = 0;
        hole kind = hole::end;
        int32_t slot = -1;
        uint32_t constants = 0;  // place in `constants`: true, false and null in the literal that are asked for
        uint32_t constants_end = 0;
        int32_t child = -1;    // the first of those that may follow
        int32_t sibling = -1;  // the next that may stand here instead
    };
    struct constant {
        int32_t slot;
        uint32_t kind;
    };
    struct piece;
    struct draft;

    static bool is_here(const part &one, const char *literal, const char *at, size_t rest);
    bool is_same(const part &one, const piece &other) const;
    void add(const std::vector<piece> &made, int32_t root);

    std::vector<part> parts;
    std::vector<constant> constants;
    std::string literals;
    std::vector<int32_t> roots;  // per root node, and first for none: its first part
    // Texts that never come again are not worth learning: what is learned must be earned by what was found.
    int32_t credit = 64;
    uint32_t misses = 0;
};
}  // namespace event_scan
