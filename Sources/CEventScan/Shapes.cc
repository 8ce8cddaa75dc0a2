#include "Shapes.h"

#include "Names.h"
#include "Scanner.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

using namespace event_scan;
using std::string_view;

namespace {
constexpr size_t most_parts = 1024, most_literal_bytes = 1 << 16, longest_text_bytes = 1 << 13, shortest_text_bytes = 16;
constexpr size_t spare = 16;  // bytes that can be read after a literal
constexpr int32_t most_credit = 256, price = 16, misses_for_credit = 64;

/// The first byte from `at` on that is a quote, a backslash, a control character or not ASCII;
/// nullptr where there is none.
[[gnu::always_inline]] inline const char *next_stop(const char *at, const char *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
        // As signed numbers, control characters and bytes beyond ASCII are less than a space.
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmplt_epi8(bytes, space));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, escape));
        if (uint32_t found = uint32_t(_mm_movemask_epi8(stop))) return at + __builtin_ctz(found);
    }
#endif
    for (; at < end; at++)
        if (*at == '"' || *at == '\\' || static_cast<signed char>(*at) < 0x20) return at;
    return nullptr;
}

/// A string's closing quote, or nullptr where it has an escape, a control character or no end.
[[gnu::always_inline]] inline const char *end_of_text(const char *at, const char *end, bool &is_wide) {
    while ((at = next_stop(at, end)) && static_cast<unsigned char>(*at) >= 0x80) {
        is_wide = true;
        at++;
    }
    return at && *at == '"' ? at : nullptr;
}

/// Whether `n` bytes are equal; after both, 16 more bytes can be read.
#if defined(__SSE2__)
[[gnu::always_inline]] inline bool is_equal(const char *a, const char *b, size_t n) {
    for (;; a += 16, b += 16, n -= 16) {
        __m128i left = _mm_loadu_si128(reinterpret_cast<const __m128i *>(a));
        __m128i right = _mm_loadu_si128(reinterpret_cast<const __m128i *>(b));
        uint32_t differs = uint32_t(_mm_movemask_epi8(_mm_cmpeq_epi8(left, right))) ^ 0xFFFF;
        if (n <= 16) return (differs & ((1u << n) - 1)) == 0;
        if (differs) return false;
    }
}
#else
inline bool is_equal(const char *a, const char *b, size_t n) { return memcmp(a, b, n) == 0; }
#endif

inline bool may_be_in_number(char c) { return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }

/// Reads a number to `out`; returns where it ends, or nullptr where there is no number.
[[gnu::always_inline]] inline const char *end_of_number(const char *at, const char *end, es_value *out) {
    const char *const begin = at;
    uint64_t integer = 0;  // may wrap around, but then it is not used
    while (at < end && is_digit(*at)) integer = integer * 10 + uint64_t(*at++ - '0');
    size_t digits = size_t(at - begin);
    if (digits >= 1 && digits <= 15 && (*begin != '0' || digits == 1) && at < end && !may_be_in_number(*at)) {
        if (out) *out = es_value{begin, int64_t(integer), uint32_t(digits), ES_INTEGER};
        return at;
    }
    for (at = begin; at < end && may_be_in_number(*at);) at++;
    return read_scalar(string_view(begin, size_t(at - begin)), out) ? at : nullptr;
}
}  // namespace

/// Whether a part is at `at`: its literal, and then a number, the end, or the inside of a string.
[[gnu::always_inline]] inline bool shapes::is_here(const part &candidate, const char *literal, const char *at,
                                                   size_t rest) {
    if (rest < candidate.length + spare) {
        if (rest < candidate.length || memcmp(at, literal, candidate.length) != 0) return false;
    } else if (!is_equal(at, literal, candidate.length)) {
        return false;
    }
    if (candidate.kind == hole::text) return true;
    if (candidate.kind == hole::end) return rest == candidate.length;
    return rest > candidate.length && may_be_in_number(at[candidate.length]);
}

bool shapes::scan(es_scanner &scanner, const char *json, size_t length, int32_t root) {
    if (size_t(root + 1) >= roots.size() || length < shortest_text_bytes) return false;
    const char *at = json, *const end = json + length;
    const part *const first = parts.data();
    const char *const written = literals.data();
    es_value *const slots = scanner.slots.data();
    bool is_wide = false;
    for (int32_t next = roots[size_t(root + 1)];;) {
        if (next < 0) return false;
        const part &candidate = first[next];
        if (!is_here(candidate, written + candidate.literal, at, size_t(end - at))) {
            next = candidate.sibling;
            continue;
        }
        at += candidate.length;
        for (uint32_t i = candidate.constants; i < candidate.constants_end; i++)
            slots[constants[i].slot].kind = constants[i].kind;
        es_value *const out = candidate.slot >= 0 ? slots + candidate.slot : nullptr;
        const char *const begin = at;
        if (candidate.kind == hole::text) {
            if (!(at = end_of_text(at, end, is_wide))) return false;
            if (out) set_text(out, string_view(begin, size_t(at - begin)));
        } else if (candidate.kind == hole::end) {
            break;
        } else if (!(at = end_of_number(at, end, out))) {
            return false;
        }
        next = candidate.child;
    }
    // The literals come from a text that was scanned and so are UTF-8; the values may not be.
    if (is_wide && !simdjson::validate_utf8(json, length)) return false;
    credit = std::min(credit + 1, most_credit);
    return true;
}

/// What becomes a part of the tree.
struct shapes::piece {
    string_view literal;
    hole kind;
    int32_t slot;
    std::vector<constant> constants;
};

/// A shape that is not in the tree yet.
struct shapes::draft {
    const char *from;  // where the current literal begins
    std::vector<piece> pieces;
    std::vector<constant> waiting;

    void close(const char *to, hole kind, int32_t slot) {
        pieces.push_back({string_view(from, size_t(to - from)), kind, slot, waiting});
        waiting.clear();
    }
};

void shapes::learn(const es_scanner &scanner, const char *json, size_t length, int32_t root, const uint32_t *first,
                   const uint32_t *end) {
    if (length < shortest_text_bytes || length > longest_text_bytes) return;
    if (credit < price) {
        // Try again now and then, because the log may have changed.
        if (++misses % misses_for_credit == 0) credit += price;
        return;
    }
    credit -= price;
    draft made{json, {}, {}};
    // Each open object and array with its node, or -1, and of an array how many elements came
    // before.
    struct level {
        int32_t node;
        bool is_array;
        uint32_t number;
    };
    std::vector<level> open;
    int32_t node = root;
    // The number of a list's entries differs from text to text.
    const auto is_list = [&] {
        return node >= 0 && (scanner.nodes[size_t(node)].fan_out >= 0 || scanner.nodes[size_t(node)].list >= 0);
    };
    for (const uint32_t *at = first; at < end; at++) {
        const char *token = json + *at;
        const size_t whole = size_t((at + 1 < end ? at[1] : length) - *at);
        if (*token == ':') continue;
        if (*token == ',') {
            level &top = open.back();
            if (top.is_array) node = element_node(scanner, top.node, ++top.number);
            if (is_list()) return;
            continue;
        }
        string_view text = trimmed(string_view(token, whole));
        if (*token == '"' && at + 1 < end && json[at[1]] == ':') {
            node = child_named(scanner, open.back().node, text.substr(1, text.size() - 2));
            if (is_list()) return;
            continue;
        }
        const int32_t own = node, slot = node >= 0 ? scanner.nodes[size_t(node)].slot : -1;
        node = -1;
        if (*token == '}' || *token == ']') {
            open.pop_back();
        } else if (*token == '"') {
            made.close(token + 1, hole::text, slot);
            made.from = token + text.size() - 1;
        } else if (may_be_in_number(*token)) {
            made.close(token, hole::number, slot);
            made.from = token + text.size();
        } else {
            // An object, an array, true, false or null: a slot holds nothing but their kind.
            if (slot >= 0) made.waiting.push_back({slot, scanner.slots[size_t(slot)].kind});
            if (*token == '{') open.push_back({own, false, 0});
            if (*token != '[') continue;
            open.push_back({own, true, 0});
            node = element_node(scanner, own, 0);
            if (is_list()) return;
        }
    }
    made.close(json + length, hole::end, -1);
    add(made.pieces, root);
}

bool shapes::is_same(const part &known, const piece &added) const {
    return known.kind == added.kind && known.slot == added.slot &&
           string_view(literals).substr(known.literal, known.length) == added.literal;
}

void shapes::add(const std::vector<piece> &pieces, int32_t root) {
    size_t bytes = 0;
    for (const piece &added : pieces) bytes += added.literal.size();
    if (parts.size() + pieces.size() > most_parts || literals.size() + bytes > most_literal_bytes) {
        parts.clear();
        constants.clear();
        literals.clear();
        roots.clear();
    }
    literals.reserve(literals.size() + bytes + spare);
    if (size_t(root + 1) >= roots.size()) roots.resize(size_t(root + 2), -1);
    int32_t parent = -1;
    for (const piece &added : pieces) {
        int32_t first = parent < 0 ? roots[size_t(root + 1)] : parts[size_t(parent)].child, next = first;
        while (next >= 0 && !is_same(parts[size_t(next)], added)) next = parts[size_t(next)].sibling;
        if (next < 0) {
            next = int32_t(parts.size());
            parts.push_back(part{uint32_t(literals.size()), uint32_t(added.literal.size()), added.kind, added.slot,
                                 uint32_t(constants.size()), uint32_t(constants.size() + added.constants.size()), -1,
                                 first});
            literals += added.literal;
            constants.insert(constants.end(), added.constants.begin(), added.constants.end());
            (parent < 0 ? roots[size_t(root + 1)] : parts[size_t(parent)].child) = next;
        }
        parent = next;
    }
}
