#include "Shapes.h"

#include "Scanner.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

using namespace event_scan;
using std::string_view;

namespace {
constexpr size_t most_parts = 1024, most_literals = 1 << 16, longest_text = 1 << 13, least_text = 16;
constexpr int32_t most_credit = 256, price = 16, misses_for_credit = 64;

template <typename word> inline word load(const char *from) {
    word value;
    memcpy(&value, from, sizeof value);
    return value;
}

/// Looks for a string's end: the first byte from `at` on that is a quote, a backslash or a control character.
class end_of_text {
  public:
    explicit end_of_text(const char *end) : end(end) {}
    /// The closing quote, or nullptr where something else comes first.
    const char *find(const char *at);
    bool is_ascii() const;

  private:
    const char *const end;
#if defined(__SSE2__)
    __m128i all = _mm_setzero_si128();
#else
    uint64_t all = 0;
#endif
};

#if defined(__SSE2__)
[[gnu::always_inline]] inline const char *end_of_text::find(const char *at) {
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    for (;;) {
        // Near the end the last 16 bytes are looked at, of which some were seen before.
        size_t rest = size_t(end - at), seen = rest < 16 ? 16 - rest : 0;
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at - seen));
        all = _mm_or_si128(all, bytes);
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, escape));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_max_epu8(bytes, control), control));
        uint32_t found = uint32_t(_mm_movemask_epi8(stop)) >> seen;
        if (found) {
            at += __builtin_ctz(found);
            return *at == '"' ? at : nullptr;
        }
        if (rest <= 16) return nullptr;
        at += 16;
    }
}
inline bool end_of_text::is_ascii() const { return _mm_movemask_epi8(all) == 0; }
#else
inline const char *end_of_text::find(const char *at) {
    for (; at < end; at++) {
        unsigned char byte = static_cast<unsigned char>(*at);
        all |= byte;
        if (byte == '"') return at;
        if (byte == '\\' || byte < 0x20) return nullptr;
    }
    return nullptr;
}
inline bool end_of_text::is_ascii() const { return all < 0x80; }
#endif

inline bool is_equal(const char *a, const char *b, size_t n) {
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8)
            if (load<uint64_t>(a + i) != load<uint64_t>(b + i)) return false;
        return load<uint64_t>(a + n - 8) == load<uint64_t>(b + n - 8);
    }
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return false;
    return true;
}

inline bool may_be_in_number(char c) { return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }
}  // namespace

/// Whether a part stands at a place: its literal, and then a number, the end, or the inside of a string.
inline bool shapes::is_here(const part &one, const char *at, size_t rest) const {
    if (rest < one.length || !is_equal(at, literals.data() + one.literal, one.length)) return false;
    if (one.kind == hole::text) return true;
    return one.kind == hole::end ? rest == one.length : rest > one.length && may_be_in_number(at[one.length]);
}

bool shapes::scan(es_scanner &scanner, const char *json, size_t length, int32_t root) {
    if (size_t(root + 1) >= roots.size() || length < least_text) return false;
    const char *at = json, *const end = json + length;
    end_of_text finder(end);
    int32_t next = roots[size_t(root + 1)];
    for (;;) {
        while (next >= 0 && !is_here(parts[size_t(next)], at, size_t(end - at))) next = parts[size_t(next)].sibling;
        if (next < 0) return false;
        const part &one = parts[size_t(next)];
        at += one.length;
        for (uint32_t i = 0; i < one.constant_count; i++)
            scanner.slots[size_t(constants[one.constants + i].slot)].kind = constants[one.constants + i].kind;
        if (one.kind == hole::end) break;
        const char *begin = at;
        if (one.kind == hole::text) {
            if (at == end || !(at = finder.find(at))) return false;
            if (one.slot >= 0) set_text(&scanner.slots[size_t(one.slot)], string_view(begin, size_t(at - begin)));
        } else {
            while (at < end && may_be_in_number(*at)) at++;
            es_value *out = one.slot >= 0 ? &scanner.slots[size_t(one.slot)] : nullptr;
            if (!read_scalar(string_view(begin, size_t(at - begin)), out)) return false;
        }
        next = one.child;
    }
    if (!finder.is_ascii() && !simdjson::validate_utf8(json, length)) return false;
    credit = std::min(credit + 1, most_credit);
    return true;
}

/// A part that is not in the tree yet.
struct shapes::piece {
    string_view literal;
    hole kind;
    int32_t slot;
    std::vector<constant> constants;
};

/// A shape before it is in the tree.
struct shapes::draft {
    const char *from;  // the literal at hand begins here
    std::vector<piece> pieces;
    std::vector<constant> waiting;

    void close(const char *to, hole kind, int32_t slot) {
        pieces.push_back({string_view(from, size_t(to - from)), kind, slot, waiting});
        waiting.clear();
    }
};

void shapes::learn(const es_scanner &scanner, const char *json, size_t length, int32_t root, const uint32_t *first,
                   const uint32_t *end) {
    static_assert(price > 1, "texts that do not come again must not be learned for ever");
    if (length < least_text || length > longest_text) return;
    if (credit < price) {
        // Seldom again, because what comes may have changed.
        if (++misses % misses_for_credit == 0) credit += price;
        return;
    }
    credit -= price;
    draft made{json, {}, {}};
    // The node of each open object, or -1; an array has -1 as well, and no names.
    std::vector<int32_t> open;
    int32_t node = root;
    for (const uint32_t *at = first; at < end; at++) {
        const char *token = json + *at;
        const size_t whole = size_t((at + 1 < end ? at[1] : length) - *at);
        if (*token == ':' || *token == ',') continue;
        string_view text = trimmed(string_view(token, whole));
        if (*token == '"' && at + 1 < end && json[at[1]] == ':') {
            node = child_named(scanner, open.back(), text.substr(1, text.size() - 2));
            // How many entries a fan-out has differs from text to text.
            if (node >= 0 && scanner.nodes[size_t(node)].fan_out >= 0) return;
            continue;
        }
        const int32_t slot = node >= 0 ? scanner.nodes[size_t(node)].slot : -1;
        if (*token == '}' || *token == ']') {
            open.pop_back();
        } else if (*token == '"') {
            made.close(token + 1, hole::text, slot);
            made.from = token + text.size() - 1;
        } else if (may_be_in_number(*token)) {
            made.close(token, hole::number, slot);
            made.from = token + text.size();
        } else {
            // An object, an array, true, false or null: of these the kind is all that a slot holds.
            if (slot >= 0) made.waiting.push_back({slot, scanner.slots[size_t(slot)].kind});
            if (*token == '{' || *token == '[') open.push_back(*token == '{' ? node : -1);
        }
        node = -1;
    }
    made.close(json + length, hole::end, -1);
    add(made.pieces, root);
}

bool shapes::is_same(const part &one, const piece &other) const {
    return one.kind == other.kind && one.slot == other.slot &&
           string_view(literals).substr(one.literal, one.length) == other.literal;
}

void shapes::add(const std::vector<piece> &made, int32_t root) {
    size_t bytes = 0;
    for (const piece &one : made) bytes += one.literal.size();
    if (parts.size() + made.size() > most_parts || literals.size() + bytes > most_literals) {
        parts.clear();
        constants.clear();
        literals.clear();
        roots.clear();
    }
    if (size_t(root + 1) >= roots.size()) roots.resize(size_t(root + 2), -1);
    int32_t parent = -1;
    for (const piece &one : made) {
        int32_t first = parent < 0 ? roots[size_t(root + 1)] : parts[size_t(parent)].child, next = first;
        while (next >= 0 && !is_same(parts[size_t(next)], one)) next = parts[size_t(next)].sibling;
        if (next < 0) {
            next = int32_t(parts.size());
            parts.push_back(part{uint32_t(literals.size()), uint32_t(one.literal.size()), one.kind, one.slot,
                                 uint32_t(constants.size()), uint32_t(one.constants.size()), -1, first});
            literals += one.literal;
            constants.insert(constants.end(), one.constants.begin(), one.constants.end());
            (parent < 0 ? roots[size_t(root + 1)] : parts[size_t(parent)].child) = next;
        }
        parent = next;
    }
}
