#include "Scanner.h"

using event_scan::is_digit;
using std::string_view;

namespace {
/// 2^53 - 1: exact in Lua and as a sorted set's score.
constexpr int64_t max_integer = 9007199254740991;

/// A number as it is written: digits before and after the point, sign and power of ten.
struct number {
    string_view whole, fraction;
    bool is_negative = false, is_plain = true;
    int64_t exponent = 0;
};

/// Takes the digits at the beginning.
string_view take_digits(string_view &text) {
    size_t n = 0;
    while (n < text.size() && is_digit(text[n])) n++;
    string_view digits = text.substr(0, n);
    text.remove_prefix(n);
    return digits;
}

bool take(string_view &text, char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

/// Reads a number by the grammar of RFC 8259, section 6; false where the text is not a number.
bool parse(string_view text, number &out) {
    out.is_negative = take(text, '-');
    out.whole = take_digits(text);
    if (out.whole.empty() || (out.whole.size() > 1 && out.whole.front() == '0')) return false;
    out.is_plain = text.empty();
    if (take(text, '.')) {
        out.fraction = take_digits(text);
        if (out.fraction.empty()) return false;
    }
    if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
        text.remove_prefix(1);
        const bool is_small = take(text, '-');
        if (!is_small) take(text, '+');
        const string_view digits = take_digits(text);
        if (digits.empty()) return false;
        // The power is cut off: no text has enough digits for a greater one to make a difference.
        for (char digit : digits) out.exponent = std::min<int64_t>(out.exponent * 10 + (digit - '0'), 1'000'000'000'000);
        if (is_small) out.exponent = -out.exponent;
    }
    return text.empty();
}

/// The value where it is an integer within the bound. Nothing is rounded: there is no floating
/// point.
es_number evaluate(const number &parsed, int64_t &out) {
    const string_view whole = parsed.whole, fraction = parsed.fraction;
    const size_t count = whole.size() + fraction.size();
    const auto digit = [&](size_t i) { return i < whole.size() ? whole[i] : fraction[i - whole.size()]; };
    size_t first = 0, end = count;
    while (first < count && digit(first) == '0') first++;
    while (end > first && digit(end - 1) == '0') end--;
    out = 0;
    if (first == end) return ES_WHOLE;
    int64_t zeros = parsed.exponent - int64_t(fraction.size()) + int64_t(count - end);
    if (zeros < 0) return ES_FRACTION;
    if (int64_t(end - first) + zeros > 16) return ES_TOO_LARGE;  // the bound has 16 digits
    for (size_t i = first; i < end; i++) out = out * 10 + (digit(i) - '0');
    for (; zeros > 0; zeros--) out *= 10;
    if (out > max_integer) return ES_TOO_LARGE;
    if (parsed.is_negative) out = -out;
    return ES_WHOLE;
}

bool read_number(string_view text, es_value *out) {
    number parsed;
    if (!parse(text, parsed)) return false;
    if (!out) return true;
    out->kind = evaluate(parsed, out->integer) == ES_WHOLE ? ES_INTEGER : ES_NUMBER;
    return true;
}

}  // namespace

bool event_scan::read_scalar(string_view token, es_value *out) {
    string_view text = trimmed(token);
    uint32_t kind;
    if (text == "true" || text == "false") kind = ES_BOOLEAN;
    else if (text == "null") kind = ES_NULL;
    else return read_number(text, out);
    if (out) out->kind = kind;
    return true;
}

extern "C" int es_integer(const char *text, size_t length, int64_t *out) {
    string_view token(text, length);
    while (!token.empty() && event_scan::is_space(token.front())) token.remove_prefix(1);
    number parsed;
    *out = 0;
    return parse(event_scan::trimmed(token), parsed) ? evaluate(parsed, *out) : ES_NO_NUMBER;
}
